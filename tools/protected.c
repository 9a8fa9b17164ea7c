/* protected.c - the shipped list is built in line by line (Makefile.am makes protected.inc of
 * protected.txt), and read by the same function as an operator's file. */
#include "protected.h"

#include <errno.h>
#include <stdlib.h>

#include "host.h"
#include "lines.h"
#include "sinkhole/grow.h"
#include "text.h"

static const char *const shipped[] = {
#include "protected.inc"
};

static int add_prefix(struct protected *p, const struct sink_prefix *prefix)
{
	struct sink_prefix *prefixes = sink_grow(p->prefixes, p->count, &p->size, sizeof *prefixes);

	if (!prefixes)
		return SINK_ENOMEM;
	p->prefixes = prefixes;
	p->prefixes[p->count++] = *prefix;
	return SINK_OK;
}

static int add_name(struct protected *p, struct sink_span text)
{
	bool tree = text_starts(text, ".") || text_starts(text, "*.");
	struct sink_name name;

	if (tree)
		text = text_after(text, text.at[0] == '*' ? 2 : 1);
	if (host_name(text, &name) != FEED_TAKEN)
		return SINK_ESYNTAX;
	return name_set_add(&p->names, &name, tree);
}

/* returns  SINK_OK; SINK_ESYNTAX (neither name nor address); SINK_ENOMEM */
static int add_line(struct protected *p, struct sink_span line)
{
	struct sink_span rest = text_trim(text_cut(&line, '#'));
	struct sink_span field = text_field(&rest);
	struct sink_prefix prefix;

	if (field.len == 0)
		return SINK_OK;
	if (rest.len > 0)
		return SINK_ESYNTAX;
	return sink_prefix_from_text(field, &prefix) == SINK_OK ? add_prefix(p, &prefix)
								: add_name(p, field);
}

int protected_begin(struct protected *p, struct sink_why *why)
{
	int err;

	*p = (struct protected){ 0 };
	err = name_set_begin(&p->names);
	for (size_t i = 0; i < sizeof shipped / sizeof shipped[0] && !err; i++) {
		err = add_line(p, sink_span_text(shipped[i]));
		if (err == SINK_ESYNTAX)
			return sink_why(why, SINK_EINVAL, "protected.txt:%zu: '%s'", i + 1,
				shipped[i]);
	}
	return err ? sink_why(why, err, "protected names: %s", sink_strerror(err)) : SINK_OK;
}

static int add_lines(struct protected *p, struct lines *lines, const char *path,
	struct sink_why *why)
{
	struct line line;
	int err;

	for (;;) {
		err = lines_next(lines, &line);
		if (err)
			break;
		err = line.too_long ? SINK_ESYNTAX : add_line(p, line.text);
		if (err == SINK_ESYNTAX)
			return sink_why(why, err,
				"'%.300s':%llu: '%.*s' is no name, address or prefix to protect",
				path, (unsigned long long)line.number,
				(int)(line.text.len < 60 ? line.text.len : 60),
				(const char *)line.text.at);
		if (err)
			break;
	}
	if (err == SINK_ENOENT)
		return SINK_OK;
	return sink_why(why, err, "'%.300s': %s", path,
		err == SINK_EIO ? strerror(errno) : sink_strerror(err));
}

int protected_add_file(struct protected *p, const char *path, struct sink_why *why)
{
	struct lines *lines;
	int err = lines_open(path, why, &lines);

	if (err)
		return err;
	err = add_lines(p, lines, path, why);
	lines_close(lines);
	return err;
}

/* Between "//" (and a user's name) and the port, path or query. */
static struct sink_span host_of(const char *url)
{
	const char *slashes = strstr(url, "://"), *begin = slashes ? slashes + 3 : "";
	struct sink_span host = sink_span(begin, strcspn(begin, "/?#"));
	size_t at = text_find(host, '@');

	if (at < host.len)
		host = text_after(host, at + 1);
	if (text_starts(host, "[")) {
		host = text_after(host, 1);
		return text_cut(&host, ']');
	}
	return text_cut(&host, ':');
}

int protected_add_url(struct protected *p, const char *url)
{
	int err = add_line(p, host_of(url));

	return err == SINK_ESYNTAX ? SINK_OK : err;
}

int protected_add_target(struct protected *p, struct sink_span cname)
{
	bool is_wild = cname.len > 2 && cname.at[0] == 1 && cname.at[1] == '*';
	struct sink_name name;

	if (is_wild)
		cname = text_after(cname, 2);
	if (sink_name_from_wire(cname, &name) || name.labels == 0)
		return SINK_OK;
	return name_set_add(&p->names, &name, is_wild);
}

bool protected_hit_prefix(const struct protected *p, const struct sink_prefix *prefix)
{
	for (size_t i = 0; i < p->count; i++)
		if (sink_prefix_covers(prefix, &p->prefixes[i]) ||
			sink_prefix_covers(&p->prefixes[i], prefix))
			return true;
	return false;
}

void protected_end(struct protected *p)
{
	name_set_end(&p->names);
	free(p->prefixes);
	*p = (struct protected){ 0 };
}

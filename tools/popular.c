/* popular.c - reads what publishers of rankings publish: "1,example.com", or a list like any other. */
#include "popular.h"

#include <errno.h>
#include <stdlib.h>

#include "host.h"
#include "source.h"
#include "text.h"

/* "www.example.com" is example.com to everyone but a resolver. */
static struct sink_name without_www(const struct sink_name *name)
{
	struct sink_name bare = *name;
	unsigned last = bare.labels;

	if (last >= 3 && bare.end[last] - bare.end[last - 1] == 4 &&
		memcmp(bare.key + bare.end[last - 1], "www", 3) == 0)
		sink_name_cut(&bare, (uint8_t)(last - 1));
	return bare;
}

bool popular_hit(const struct popular *popular, const struct sink_name *name, enum sink_scope scope)
{
	struct sink_name bare;

	if (!popular_is_on(popular))
		return false;
	/* what covers "www" below a popular name covers that name to everyone, too */
	if (name_set_hit(&popular->names, name,
		    scope == SINK_SCOPE_BELOW ? SINK_SCOPE_SUBTREE : scope))
		return true;
	bare = without_www(name);
	return scope != SINK_SCOPE_BELOW && bare.labels < name->labels &&
		name_set_hit(&popular->names, &bare, SINK_SCOPE_EXACT);
}

static int add_name(struct popular *popular, const struct sink_name *name)
{
	struct sink_name bare = without_www(name);

	return name_set_add(&popular->names, &bare, false);
}

/* --- "RANK,NAME" --------------------------------------------------------------------------------- */

static bool is_number(struct sink_span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text_is_digit(text.at[i]))
			return false;
	return text.len > 0;
}

/* Take the name out of a row; false if it is none. */
static bool ranked(struct sink_span line, struct sink_name *out)
{
	struct sink_span field = text_trim(text_cut(&line, ','));

	if (!is_number(field))
		return false;
	field = text_trim(text_cut(&line, ','));
	return host_name(field, out) == FEED_TAKEN && out->labels > 1;
}

/* Is the first row such a one, or the second, below a heading? */
static bool is_ranking(struct sink_span sample)
{
	struct sink_name name;

	for (int i = 0; i < 2 && sample.len > 0; i++) {
		struct sink_span line = text_cut(&sample, '\n');

		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		if (ranked(line, &name))
			return true;
	}
	return false;
}

static int read_ranking(struct popular *popular, struct lines *lines)
{
	struct sink_name name;
	struct line line;
	int err = SINK_OK;

	while (!err) {
		err = lines_next(lines, &line);
		if (!err && ranked(line.text, &name))
			err = add_name(popular, &name);
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

/* --- any other list --------------------------------------------------------------------------------- */

static int take_entry(void *arg, const struct feed_entry *entry)
{
	int err;

	if (entry->trigger != SINK_TRIGGER_QNAME || entry->withdraws || feed_is_stop(entry) ||
		entry->name.labels < 2)
		return FEED_TAKEN;
	err = add_name(arg, &entry->name);
	return err ? err : FEED_TAKEN;
}

static int read_list(struct popular *popular, struct source *source, struct sink_why *why)
{
	struct feed_sink sink = { .entry = take_entry, .arg = popular };
	const char *title = source_title(source);
	int err = source_recognise(source, source->lines, title, why);

	if (!err && source->format->document)
		err = lines_keep(source->lines, title, why);
	return err ? err
		   : feed_read(source->lines, source->format, &source->options, &sink,
			     &source->tally, why);
}

/* A pipe can be opened once. */
static int load(struct popular *popular, struct source *source, struct sink_why *why)
{
	uint64_t before = popular->names.names;
	const char *title = source_title(source);
	bool whole;
	int err = lines_open(source->path, why, &source->lines);

	if (err)
		return err;
	if (!source->format && is_ranking(lines_sample(source->lines, &whole)))
		err = read_ranking(popular, source->lines);
	else
		err = read_list(popular, source, why);
	if (err)
		return why->text[0]
			? err
			: sink_why(why, err, "'%.300s': %s", title,
				  err == SINK_EIO ? strerror(errno) : sink_strerror(err));
	if (popular->names.names == before)
		return sink_why(why, SINK_ESYNTAX, "'%.300s': no popular name in it", title);
	return SINK_OK;
}

int popular_load(struct popular *popular, const char *text, struct sink_why *why)
{
	struct source *source = malloc(sizeof *source);
	int err = SINK_ENOMEM;

	if (source && !popular_is_on(popular))
		err = name_set_begin(&popular->names);
	else if (source)
		err = SINK_OK;
	if (err) {
		free(source);
		return sink_why(why, err, "'%.300s': %s", text, sink_strerror(err));
	}
	why->text[0] = 0;
	err = source_parse(text, why, source);
	if (!err) {
		err = load(popular, source, why);
		source_end(source);
	}
	free(source);
	return err;
}

void popular_end(struct popular *popular)
{
	name_set_end(&popular->names);
}

/* domains.c - one domain a line; each covers its subdomains. */
#include "feed.h"
#include "host.h"
#include "text.h"

static bool is_comment(struct sink_span line)
{
	return line.len == 0 || line.at[0] == '#' || line.at[0] == ';' || line.at[0] == '!' ||
		text_starts(line, "//");
}

/* Drop a comment behind the name: from '#', or from ';' or '//' after white space. */
static struct sink_span without_comment(struct sink_span line)
{
	line.len = text_find(line, '#');
	for (size_t i = 1; i < line.len; i++)
		if (text_is_space(line.at[i - 1]) &&
			(line.at[i] == ';' || text_starts(text_after(line, i), "//")))
			line.len = i;
	return text_trim(line);
}

/* "*.example.com" is everything below the name, ".example.com" the name and everything below it. */
static struct sink_span take_mark(struct sink_span field, enum sink_scope *scope)
{
	*scope = SINK_SCOPE_SUBTREE;
	if (field.len > 2 && text_starts(field, "*.")) {
		*scope = SINK_SCOPE_BELOW;
		return text_after(field, 2);
	}
	return field.len > 1 && field.at[0] == '.' ? text_after(field, 1) : field;
}

static int domains_line(struct sink_span line, struct feed_state *state, const struct feed_out *out)
{
	struct sink_span rest, field;
	enum sink_scope scope;

	(void)state;
	line = text_trim(line);
	if (is_comment(line))
		return SINK_OK;
	rest = without_comment(line);
	field = text_field(&rest);
	if (rest.len > 0) {
		feed_skip(out, FEED_FIELDS, line);
		return SINK_OK;
	}
	field = take_mark(field, &scope);
	return host_emit(field, scope, out);
}

static enum feed_sign domains_sign(struct sink_span line)
{
	struct sink_span rest, field;
	struct sink_name name;
	enum sink_scope scope;

	line = text_trim(line);
	if (is_comment(line))
		return FEED_SIGN_NONE;
	rest = without_comment(line);
	field = text_field(&rest);
	if (rest.len > 0 || host_name(take_mark(field, &scope), &name) || name.labels < 2)
		return FEED_SIGN_NONE;
	return FEED_SIGN_PROVES;
}

const struct feed_format feed_domains = {
	.word = "domains",
	.summary = "one domain a line",
	.scope = "subtree (*.NAME: below)",
	.line = domains_line,
	.sign = domains_sign,
};

/* domains.c - one domain a line; each covers its subdomains. */
#include "feed.h"
#include "host.h"
#include "text.h"

static int domains_line(struct sink_span line, struct feed_state *state, const struct feed_out *out)
{
	struct sink_span rest, field;
	enum sink_scope scope;

	(void)state;
	line = text_trim(line);
	if (host_is_comment(line))
		return SINK_OK;
	rest = host_without_comment(line);
	field = text_field(&rest);
	if (rest.len > 0) {
		feed_skip(out, FEED_FIELDS, line);
		return SINK_OK;
	}
	field = host_take_mark(field, &scope);
	return host_emit(field, scope, out);
}

static enum feed_sign domains_sign(struct sink_span line)
{
	struct sink_span rest, field;
	struct sink_name name;
	enum sink_scope scope;

	line = text_trim(line);
	if (host_is_comment(line))
		return FEED_SIGN_NONE;
	rest = host_without_comment(line);
	field = text_field(&rest);
	if (rest.len > 0 || host_name(host_take_mark(field, &scope), &name) || name.labels < 2)
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

/* hosts.c - hosts(5): an address that leads nowhere, and names; each name for itself alone. */
#include "feed.h"
#include "host.h"
#include "text.h"

static int hosts_line(struct sink_span line, struct feed_state *state, const struct feed_out *out)
{
	(void)state;
	line = text_trim(line);
	return host_is_comment(line) ? SINK_OK : host_line(line, out);
}

static enum feed_sign hosts_sign(struct sink_span line)
{
	struct sink_span rest = host_without_comment(line);
	struct sink_span address = text_field(&rest);

	if (text_field(&rest).len == 0 || !host_is_address(address))
		return FEED_SIGN_NONE;
	return FEED_SIGN_PROVES;
}

const struct feed_format feed_hosts = {
	.word = "hosts",
	.summary = "a hosts file: 0.0.0.0, 127.x, :: or ::1 and names",
	.scope = "exact",
	.line = hosts_line,
	.sign = hosts_sign,
};

/* span.h - borrowed bytes: somebody else owns them, nothing ends them. */
#ifndef SINKHOLE_SPAN_H
#define SINKHOLE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sink_span {
	const uint8_t *at; /* may be NULL when len is 0 */
	size_t len; /* bytes */
};

static inline struct sink_span sink_span(const void *at, size_t len)
{
	return (struct sink_span){ .at = at, .len = len };
}

static inline struct sink_span sink_span_text(const char *text)
{
	return sink_span(text, text ? strlen(text) : 0);
}

static inline bool sink_span_equal(struct sink_span a, struct sink_span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* In the order of their bytes; what another one begins with comes before it.
 *
 * returns  below 0, 0, above 0
 */
static inline int sink_span_compare(struct sink_span a, struct sink_span b)
{
	size_t least = a.len < b.len ? a.len : b.len;
	int order = least > 0 ? memcmp(a.at, b.at, least) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

#endif

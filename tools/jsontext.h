/* jsontext.h - text out of parsed JSON. Shared by formats in JSON. */
#ifndef TOOLS_JSONTEXT_H
#define TOOLS_JSONTEXT_H

#include <jansson.h>

#include "feed.h"

/* The bytes of a string; empty if it is none, or NULL. */
struct sink_span json_string_span(const json_t *value);

/* A sample of a document without the white space before it. */
struct sink_span json_sample(struct sink_span sample);

/* true, 1, "1", "true": PHP and its databases write all of them. Everything else, and NULL, is false. */
bool json_truth(const json_t *value);

/* feed_skip_detail() with a value as it would be written; NULL is none. */
void json_skip(const struct feed_out *out, enum feed_reason reason, struct sink_span detail,
	const json_t *value);

/* What stands at a path such as "data.host" or "hosts.[].name"; "" is `from` itself. A member whose name is all of
 * the path, dots included, comes first.
 *
 * found    called for each value there; another code than SINK_OK ends it
 * returns  SINK_OK; what `found` returned
 */
int json_each(json_t *from, struct sink_span path, int (*found)(void *arg, json_t *value),
	void *arg);

#endif

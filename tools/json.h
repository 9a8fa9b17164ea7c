/* json.h - what the library's values look like in JSON, and printing it. */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "sinkhole/name.h"
#include "sinkhole/record.h"
#include "sinkhole/store.h"

/* A string of whatever bytes: what is not valid UTF-8 becomes U+FFFD. */
json_t *json_text(struct sink_span text);

json_t *json_moment(int64_t time);

json_t *json_digest(const uint8_t digest[SINK_DIGEST_LEN]);

/* The keys of an entry that are set, under the names that users type; and what else it says: "hint", "types"
 * (["A"], or {"not": ["A"]}), "except" (names), "data" ([{"type", "ttl", "data"}]). */
json_t *json_record(const struct sink_record *record);

/* Of a sinkhole: [{"type": "A", "address": "192.0.2.53"}, ...]; empty for other actions. */
json_t *json_addresses(const struct sink_form *form);

/* With "read" and "read-to-published" (seconds) if it says when it was read; with "paused" if it has a pause, be that over
 * or not (paused.h); with "expires" and "signed-by" (signedby.h) if it has an expiry and signatures. */
json_t *json_manifest(const struct sink_manifest *manifest, bool is_published);

/* The same of what says of one generation when it was read; nothing where it does not. */
void json_add_read(json_t *to, const struct sink_manifest *manifest);

/* Print it and a line feed; takes the reference. False if there was no memory to build it (NULL) or it
 * could not be written. */
bool json_print(FILE *to, json_t *value, bool compact);

#endif

/* attributes.h - what a source says about all of its entries, or an entry about itself: "category=malware". */
#ifndef TOOLS_ATTRIBUTES_H
#define TOOLS_ATTRIBUTES_H

#include "sinkhole/err.h"
#include "sinkhole/record.h"

struct attributes {
	struct sink_record record; /* its text points into text[] */
	char text[SINK_FIELD_COUNT][SINK_STRING_MAX + 1];
	bool allow; /* every entry is an allow entry */
	bool has_scope;
	enum sink_scope scope; /* of every entry, whatever the format says; if has_scope */
};

void attributes_init(struct attributes *attributes);

/* Set one. jurisdiction and tag may be set more than once: their values add up.
 *
 * key      not NUL-terminated
 * returns  SINK_OK; SINK_ESYNTAX (unknown key, or a value it cannot have)
 */
int attributes_set(struct attributes *attributes, struct sink_span key, const char *value,
	struct sink_why *why);

/* The keys, by place from 0; NULL behind the last. */
const char *attributes_key(size_t place);

/* What an entry says of itself goes over what its source says of all; tags and jurisdictions add up.
 *
 * says     NULL: nothing
 * out      not `base`, nor `says`; types, except and data stay borrowed
 */
void attributes_over(const struct attributes *base, const struct attributes *says,
	struct attributes *out);

#endif

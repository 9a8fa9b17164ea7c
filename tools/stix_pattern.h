/* stix_pattern.h - the STIX patterning language (STIX 2.1, part 9), as far as DNS can say it: which names,
 * addresses and URLs suffice, each by itself, for a pattern to match. Knows no JSON. */
#ifndef TOOLS_STIX_PATTERN_H
#define TOOLS_STIX_PATTERN_H

#include "feed.h"

#define STIX_PATTERN_MAX ((size_t)4 << 20) /* bytes; a longer one is refused */
#define STIX_PATTERN_DEPTH 64 /* parentheses within each other; deeper is refused */

enum stix_subject {
	STIX_LEFT_OUT, /* a branch that DNS cannot express */
	STIX_NAME, /* domain-name:value, hostname:value */
	STIX_IPV4, /* ipv4-addr:value: an address or a prefix */
	STIX_IPV6, /* ipv6-addr:value */
	STIX_ADDRESS, /* of either family */
	STIX_PEER, /* network-traffic:dst_ref.value: an address of either family or a name */
	STIX_URL, /* url:value */
};

/* One branch of the pattern: it suffices that this is observed. */
struct stix_term {
	enum stix_subject subject;
	enum stix_subject
		narrows; /* left out, but says what the peer beside it is; else STIX_LEFT_OUT */
	enum feed_reason reason; /* why it is left out */
	struct sink_span detail; /* of that: an operator, or an object path as written */
	struct sink_span
		text; /* the value without quotes and escapes; what is left out, as written */
};

/* All zero before its first use; may be used again for the next pattern. */
struct stix_pattern {
	struct stix_term *terms;
	size_t count, room;
	uint8_t *strings; /* values that had escapes */
	size_t strings_used, strings_room;
};

/* Read a pattern. Nothing of a pattern that is no pattern to its very end is taken.
 *
 * text     UTF-8; the terms point into it
 * refused  FEED_TAKEN, or why the whole is none: FEED_SYNTAX, FEED_TOO_DEEP, FEED_TOO_LONG
 * returns  SINK_OK; SINK_ENOMEM
 * cost     one pass; memory: a term each, and at most once more the text
 */
int stix_pattern_read(struct stix_pattern *pattern, struct sink_span text,
	enum feed_reason *refused);

/* Free what it holds. */
void stix_pattern_end(struct stix_pattern *pattern);

#endif

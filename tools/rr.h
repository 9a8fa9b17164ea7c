/* rr.h - one resource record as zone files write it (RFC 1035, 5.1). Alone knows ldns, which reads the
 * RDATA of every type; owner, TTL, class and type are told apart here. Opens no file. */
#ifndef TOOLS_RR_H
#define TOOLS_RR_H

#include "feed.h"

#define RR_TTL_NONE UINT32_MAX /* the record does not say; RFC 2181, 8: a TTL has 31 bits */
#define RR_CLASS_IN 1
#define RR_TYPE_A 1
#define RR_TYPE_NS 2
#define RR_TYPE_CNAME 5
#define RR_TYPE_SOA 6
#define RR_TYPE_AAAA 28

struct rr_head {
	struct sink_span owner; /* empty: the owner of the record before */
	uint32_t ttl; /* seconds, or RR_TTL_NONE */
	uint16_t class; /* RR_CLASS_IN if the record does not say */
	uint16_t type;
	struct sink_span class_word, type_word; /* as written; class_word may be empty */
	struct sink_span rdata; /* what follows */
};

/* Take a record apart. It is in one line: without parentheses and comments.
 *
 * out      its text is borrowed from `line`; written when FEED_TAKEN is returned, but for owner, which
 *          is always written
 * returns  FEED_TAKEN; FEED_SYNTAX; FEED_VALUE (a TTL of more than 31 bits); FEED_RECORD_TYPE (a type that
 *          nobody knows; out->type_word is written)
 */
enum feed_reason rr_head(struct sink_span line, struct rr_head *out);

/* Take the next token off the front of *rest: up to white space that no backslash escapes. */
struct sink_span rr_token(struct sink_span *rest);

/* A number of seconds, also as BIND writes it ("1h30m"), of at most 31 bits.
 *
 * returns  FEED_TAKEN; FEED_SYNTAX (no such thing); FEED_VALUE (too large)
 */
enum feed_reason rr_ttl(struct sink_span text, uint32_t *out);

/* Record types that say nothing about what to answer: of the zone itself, of DNSSEC, of transfers and
 * questions. A policy zone's servers ignore them too. */
bool rr_type_is_none_of_policy(uint16_t type);

#define RR_ORIGIN_NONE NULL /* relative names are relative to the root */

struct rr_rdata {
	uint16_t len;
	uint8_t bytes[SINK_BYTES_MAX];
};

/* Read the RDATA of a type, into uncompressed wire form.
 *
 * text     without control characters but tabs
 * origin   what relative names are relative to, or RR_ORIGIN_NONE
 * out      written when FEED_TAKEN is returned
 * returns  FEED_TAKEN; FEED_SYNTAX; FEED_VALUE (more than can be stored)
 * cost     some microseconds and allocations
 */
enum feed_reason rr_rdata(uint16_t type, struct sink_span text, const struct sink_name *origin,
	struct rr_rdata *out);

#define RR_HEAD 8 /* bytes of record.h's `data` before the RDATA of each */
#define RR_DATA_MAX (RR_HEAD + SINK_BYTES_MAX)

/* Write a record as `data` of record.h holds it.
 *
 * returns  bytes, at most RR_HEAD + rdata.len
 */
size_t rr_data(uint16_t type, uint32_t ttl, struct sink_span rdata, uint8_t *out);

/* Write `types` of record.h for this type and no other. */
#define RR_TYPES_ONE 3 /* bytes */
struct sink_span rr_types_one(uint16_t type, uint8_t out[RR_TYPES_ONE]);

#endif

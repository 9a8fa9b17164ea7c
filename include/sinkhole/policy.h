/* policy.h - which answer a blocked client gets. For now one answer for everybody, chosen when the
 * database is compiled; rules and client groups will be rows here. */
#ifndef SINKHOLE_POLICY_H
#define SINKHOLE_POLICY_H

#include <stdint.h>

/* What the resolver does with a query. Numbers are stored: append only. */
enum sink_action {
	SINK_ACTION_NONE, /* nothing listed decides: resolve as if we were not there */
	SINK_ACTION_PASS, /* an allow entry decides: resolve */
	SINK_ACTION_NXDOMAIN, /* the name does not exist */
	SINK_ACTION_NODATA, /* the name exists, without the type asked for */
	SINK_ACTION_SINKHOLE, /* A and AAAA of the sinkhole's addresses, NODATA for other types */
	SINK_ACTION_COUNT
};

#define SINK_ADDRESSES_MAX 8 /* of each family; what fits a 512-octet answer with room to spare */
#define SINK_TTL_MAX 604800 /* seconds: a week; longer makes a wrong block last */
#define SINK_TTL_DEFAULT 10 /* seconds: stubs and forwarders keep a block or un-block this long */

struct sink_policy {
	enum sink_action block; /* what a block entry gets: NXDOMAIN, NODATA or SINKHOLE */
	uint32_t ttl; /* seconds, at most SINK_TTL_MAX: of the answer's records and of its SOA */
	uint16_t ede; /* extended DNS error (RFC 8914), for example 15; 65535: send none */
	uint8_t a_count, aaaa_count; /* at most SINK_ADDRESSES_MAX each; both 0 unless SINKHOLE */
	uint8_t a[SINK_ADDRESSES_MAX][4]; /* network order */
	uint8_t aaaa[SINK_ADDRESSES_MAX][16];
};

#define SINK_EDE_NONE 65535
#define SINK_EDE_BLOCKED 15 /* RFC 8914, 4.16 */

/* NXDOMAIN, SINK_TTL_DEFAULT, EDE 15: what `sinkhole compile` does when nothing else is said. */
extern const struct sink_policy sink_policy_default;

/* The word that users type and programs print: "nxdomain"; "?" for a number out of range. */
const char *sink_action_word(enum sink_action action);

#endif

/* policy.h - who is protected from what, with which answer: groups of clients and an ordered list of rules.
 *
 * The tool makes a policy of sinkhole.yaml and stores its bytes beside the database; the resolver, and
 * `sinkhole lookup`, read them and bind them to the database (generation.h) to decide by (decide.h). What a
 * rule means is written for operators in sinkhole.yaml(5), "POLICY"; the layout is in doc/DATABASE.md. */
#ifndef SINKHOLE_POLICY_H
#define SINKHOLE_POLICY_H

#include "sinkhole/err.h"
#include "sinkhole/prefix.h"
#include "sinkhole/record.h"

/* What is done about a query. Numbers are stored: append only. */
enum sink_action {
	SINK_ACTION_NONE, /* nothing listed decides: resolve as if we were not there */
	SINK_ACTION_PASS, /* an allow entry or a rule decides: resolve */
	SINK_ACTION_NXDOMAIN, /* the name does not exist */
	SINK_ACTION_NODATA, /* the name exists, without the type asked for */
	SINK_ACTION_SINKHOLE, /* A and AAAA of the sinkhole's addresses, NODATA for other types */
	SINK_ACTION_REFUSED, /* RCODE REFUSED */
	SINK_ACTION_DROP, /* no answer at all */
	SINK_ACTION_TRUNCATE, /* over UDP: TC and no records; else the real answer */
	SINK_ACTION_CNAME, /* an alias of another name, with what that leads to */
	SINK_ACTION_DATA, /* records of our own; NODATA for types that they do not hold */
	/* What only rules ask for, and no verdict is: */
	SINK_ACTION_LISTED, /* what the entry itself says (record.h, enum sink_hint), as RPZ zones do */
	SINK_ACTION_MONITOR, /* the entry is watched: noted, and takes no further part */
	SINK_ACTION_COUNT
};

/* Does this action, in a verdict, keep the client from the real answer? */
static inline bool sink_action_blocks(enum sink_action action)
{
	return action > SINK_ACTION_PASS;
}

#define SINK_ADDRESSES_MAX 8 /* of each family; what fits a 512-octet answer with room to spare */
#define SINK_TTL_MAX 604800 /* seconds: a week; longer makes a wrong block last */
#define SINK_TTL_DEFAULT 10 /* seconds: stubs and forwarders keep a block or un-block this long */
#define SINK_EDE_NONE 65535
#define SINK_EDE_BLOCKED 15 /* RFC 8914, 4.16 */
#define SINK_EDE_TEXT_MAX 64 /* bytes of UTF-8 */
#define SINK_ERROR_MAX 512 /* bytes of a structured DNS error */

/* Structured DNS errors (draft-ietf-dnsop-structured-dns-error), as they are sent: I-JSON, minified. Which one
 * depends on the room in a UDP answer, the longest that fits. */
enum sink_error_size {
	SINK_ERROR_WHOLE,
	SINK_ERROR_NO_JUSTIFICATION, /* without "j" */
	SINK_ERROR_NO_ORGANIZATION, /* without "j" and "o" */
	SINK_ERROR_SIZES
};

/* What a blocked client gets, besides the action. */
struct sink_form {
	uint32_t
		ttl; /* seconds, at most SINK_TTL_MAX: of the answer's records and of its SOA; records
	               * of DATA have their own */
	uint16_t ede; /* extended DNS error (RFC 8914), for example 15; SINK_EDE_NONE: send none */
	struct sink_span ede_text; /* UTF-8, at most SINK_EDE_TEXT_MAX bytes; empty: none */
	struct sink_span
		error[SINK_ERROR_SIZES]; /* each at most SINK_ERROR_MAX bytes; empty: none */
	uint8_t a_count, aaaa_count; /* at most SINK_ADDRESSES_MAX each; both 0 unless SINKHOLE */
	uint8_t a[SINK_ADDRESSES_MAX][4]; /* network order */
	uint8_t aaaa[SINK_ADDRESSES_MAX][16];
	/* CNAME: the target in wire form. With a first label "*", the name asked for takes the place of that label;
	 * where the whole is then too long, the answer is YXDOMAIN, as for a DNAME (RFC 6672, 2.2). "*." alone is
	 * none: it would be the name asked for */
	struct sink_span cname;
	struct sink_span data; /* DATA: as sink_record.data, without CNAME: that is an action */
	struct sink_span
		soa; /* MNAME and RNAME in wire form, one after the other; empty: the default */
};

/* A set of two-letter codes (ISO 3166-1 alpha-2), each as (first << 8 | second), rising. */
struct sink_countries {
	const uint16_t *at;
	size_t count;
};

/* A set of autonomous system numbers, rising. */
struct sink_asns {
	const uint32_t *at;
	size_t count;
};

struct sink_texts {
	const struct sink_span *at;
	size_t count;
};

#define SINK_RULES_MAX 1024
#define SINK_RULE_NONE 65535
#define SINK_GROUPS_MAX 64 /* named ones */
#define SINK_GROUP_OTHERS \
	SINK_GROUPS_MAX /* the number of the clients that belong to none of them */
#define SINK_PREFIXES_MAX 1000000 /* of clients, of all groups together */
#define SINK_SHARE_ALL 10000
#define SINK_SCHEDULE_NONE 65535
#define SINK_SCHEDULES_MAX 256
#define SINK_EDGES_MAX 8192 /* of one schedule */

/* One rule. What is absent or empty does not narrow it. */
struct sink_rule {
	struct sink_span
		name; /* printable UTF-8, 1 to SINK_STRING_MAX bytes; no two rules have the same */
	enum sink_action action; /* not NONE */

	/* Which entries. `texts` are compared octet by octet (each 1 to SINK_STRING_MAX bytes, in any order), jurisdictions and tags each of the entry's for
	 * itself; REFERENCE must be empty. An entry without a severity, TLP or confidence has none that could be
	 * asked for. */
	struct sink_texts texts[SINK_FIELD_COUNT];
	uint8_t severities; /* bit 1 << enum sink_severity, not of NONE; 0: any */
	uint8_t tlps; /* bit 1 << enum sink_tlp, not of NONE; 0: any */
	uint8_t triggers; /* bit 1 << enum sink_trigger; 0: any */
	uint8_t confidence_min, confidence_max; /* percent; 0 and 100: any, and none */
	/* The rule is about the answer alone: no entry is needed. Only with answer_countries or answer_asns,
	 * and nothing about entries. Not with LISTED */
	bool is_bare;

	/* For whom, and when. */
	uint64_t groups; /* bit 1 << group */
	bool is_for_others; /* clients of no group; with `groups` 0, one of the two must be true */
	struct sink_countries client_countries; /* a client of unknown country is in none */
	uint16_t share; /* of SINK_SHARE_ALL clients, chosen by a keyed hash; 1 to SINK_SHARE_ALL */
	uint16_t schedule; /* SINK_SCHEDULE_NONE: always */
	struct sink_span types; /* of the query: as sink_record.types */

	/* What the answer must hold: an address in one of these countries, and one of these systems. */
	struct sink_countries answer_countries;
	struct sink_asns answer_asns;

	struct sink_form form;
};

struct sink_group {
	struct sink_span name; /* as a rule's */
	const struct sink_prefix *prefixes; /* rising (sink_prefix_compare), at least one */
	size_t count;
};

/* Times at which a schedule goes on, off, on ... : seconds since 1970-01-01 UTC, not after 9999, rising, an even
 * number, at least 2; it is on from edges[0] (inclusive) to edges[1] (exclusive), and so on. After the last one, the week
 * before it goes on for ever (the tool writes more than a year, and each compile anew). */
struct sink_schedule {
	struct sink_span name; /* the rule's text, for explanations; printable UTF-8, or empty */
	const int64_t *edges;
	size_t count;
};

struct sink_policy {
	const struct sink_rule *rules;
	size_t rules_count; /* 1 to SINK_RULES_MAX; the first that an entry satisfies decides about it */
	const struct sink_group *groups;
	size_t groups_count; /* at most SINK_GROUPS_MAX; no two have an equal prefix */
	const struct sink_schedule *schedules;
	size_t schedules_count;
	struct sink_span geo_country,
		geo_asn; /* absolute paths of MaxMind DB files, below 4096 bytes; empty: none */
	uint8_t key[16]; /* of the hash that chooses shares of clients */
	uint16_t
		error_option; /* EDNS option code of structured DNS errors; 0: never sent. Default 26 */
};

#define SINK_ERROR_OPTION 26

/* One rule, "default", for everybody and every entry: NXDOMAIN, SINK_TTL_DEFAULT, EDE 15. What `sinkhole
 * compile` does when nothing else is said. Constant. */
extern const struct sink_policy sink_policy_default;

/* Its form, to be changed and put into a policy of one rule like that. */
extern const struct sink_form sink_form_default;

/* Write a policy's bytes, the same for equal policies.
 *
 * out, len the bytes; the caller frees them; written on SINK_OK only
 * returns  SINK_OK; SINK_EINVAL (a field out of its range, said in `why`); SINK_ENOMEM
 * cost     one pass
 */
int sink_policy_encode(const struct sink_policy *policy, struct sink_why *why, uint8_t **out,
	size_t *len);

/* Read a policy's bytes, strictly: what encode would not write is refused. Any bytes are safe.
 *
 * bytes    may go away afterwards
 * out      the caller frees it with sink_policy_free(); written on SINK_OK only
 * returns  SINK_OK; SINK_ECORRUPT; SINK_EVERSION; SINK_ENOMEM
 */
int sink_policy_decode(struct sink_span bytes, struct sink_why *why, struct sink_policy **out);

/* What sink_policy_decode() made. NULL is fine. */
void sink_policy_free(struct sink_policy *policy);

/* Is a schedule on?
 *
 * now      seconds since 1970-01-01 UTC
 * next     the second at which that changes; may be NULL
 */
bool sink_schedule_is_on(const struct sink_schedule *schedule, int64_t now, int64_t *next);

/* The word that users type and programs print: "nxdomain"; "?" for a number out of range. */
const char *sink_action_word(enum sink_action action);

#endif

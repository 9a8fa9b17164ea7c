/* record.h - what is said about a listed name: by whom, why, for how long, and how far it reaches. */
#ifndef SINKHOLE_RECORD_H
#define SINKHOLE_RECORD_H

#include "sinkhole/span.h"

/* How far an entry reaches from its name. Numbers are stored: append only. */
enum sink_scope {
	SINK_SCOPE_EXACT, /* the name alone */
	SINK_SCOPE_SUBTREE, /* the name and all below it */
	SINK_SCOPE_BELOW, /* all below the name, not the name: an RPZ or DNS wildcard */
	SINK_SCOPE_COUNT
};

/* What an entry asks for. Numbers are stored: append only; a higher rank wins over a lower one:
 * important over allow over block. */
enum sink_kind {
	SINK_KIND_BLOCK,
	SINK_KIND_ALLOW, /* AdBlock "@@", an allow list */
	SINK_KIND_IMPORTANT, /* a block that no allow entry lifts: AdBlock "$important" */
	SINK_KIND_COUNT
};

/* What an entry is about: what of a query or an answer is compared with it. Numbers are stored: append only. */
enum sink_trigger {
	SINK_TRIGGER_QNAME, /* a name asked for, or that an alias leads to */
	SINK_TRIGGER_ANSWER, /* a prefix: an address in the answer (RPZ "rpz-ip") */
	SINK_TRIGGER_CLIENT, /* a prefix: who asks (RPZ "rpz-client-ip") */
	SINK_TRIGGER_NSNAME, /* a name server of the delegation that served the answer (RPZ "rpz-nsdname") */
	SINK_TRIGGER_NSADDRESS, /* a prefix: its address (RPZ "rpz-nsip") */
	SINK_TRIGGER_COUNT
};

static inline bool sink_trigger_is_prefix(enum sink_trigger trigger)
{
	return trigger == SINK_TRIGGER_ANSWER || trigger == SINK_TRIGGER_CLIENT ||
		trigger == SINK_TRIGGER_NSADDRESS;
}

/* The answer that an entry itself asks for, as RPZ zones do; the policy may do as it says ("listed") or
 * otherwise. Numbers are stored: append only. */
enum sink_hint {
	SINK_HINT_NONE,
	SINK_HINT_NXDOMAIN,
	SINK_HINT_NODATA,
	SINK_HINT_REFUSED,
	SINK_HINT_DROP, /* no answer at all */
	SINK_HINT_TRUNCATE, /* the real answer, over TCP only: RPZ "rpz-tcp-only" */
	SINK_HINT_DATA, /* the records in `data` */
	/* Nothing: in an RPZ zone a name exists here, so that a wildcard above does not reach it (closest encloser,
	 * RFC 4592, 3.3.1). Ends the search within its zone for LISTED; counts for no other action */
	SINK_HINT_STOP,
	SINK_HINT_COUNT
};

enum sink_severity {
	SINK_SEVERITY_NONE,
	SINK_SEVERITY_LOW,
	SINK_SEVERITY_MEDIUM,
	SINK_SEVERITY_HIGH,
	SINK_SEVERITY_CRITICAL,
	SINK_SEVERITY_COUNT
};

/* Traffic Light Protocol 2.0 (FIRST). */
enum sink_tlp {
	SINK_TLP_NONE,
	SINK_TLP_CLEAR,
	SINK_TLP_GREEN,
	SINK_TLP_AMBER,
	SINK_TLP_AMBER_STRICT,
	SINK_TLP_RED,
	SINK_TLP_COUNT
};

#define SINK_CONFIDENCE_NONE 255 /* else 0 to 100 */
#define SINK_STRING_MAX 1024 /* bytes of each text field */
#define SINK_BYTES_MAX 4096 /* bytes of each of types, except and data */

/* The text fields of a record, in the order in which they are stored; names as users type them are
 * in sink_field_word(). */
enum sink_field {
	SINK_FIELD_SOURCE,
	SINK_FIELD_CATEGORY,
	SINK_FIELD_ACTOR,
	SINK_FIELD_CAMPAIGN,
	SINK_FIELD_LEGAL_BASIS,
	SINK_FIELD_REFERENCE,
	SINK_FIELD_JURISDICTION, /* ISO 3166-1 alpha-2 codes, comma-separated */
	SINK_FIELD_TAG, /* comma-separated */
	SINK_FIELD_COUNT
};

/* The source of what is let through whatever the policy says (`sinkhole allow`): while anything is listed under it, a rule
 * of the same name goes before all others of the policy, that passes what it lists, for everybody (generation.h). Not for
 * a feed. */
#define SINK_SOURCE_ALLOW "sinkhole allow"

/* One distinct thing said about any number of names. Text is borrowed from wherever the record came
 * from: the feed's options while compiling, the database (until its reader ends) while reading. An
 * absent text has length 0. Times are seconds since 1970-01-01 UTC; 0 means no limit. */
struct sink_record {
	enum sink_kind kind;
	enum sink_severity severity;
	uint8_t confidence; /* percent, or SINK_CONFIDENCE_NONE */
	enum sink_tlp tlp;
	int64_t valid_from; /* first second in force; 0: always was */
	int64_t valid_until; /* first second no longer in force; 0: for ever */
	struct sink_span text[SINK_FIELD_COUNT];
	enum sink_hint hint;
	/* Query types the entry is about; empty: all. A byte 0 (these) or 1 (all but these), then the types,
	 * 2 bytes each in network order, rising. */
	struct sink_span types;
	/* Names that the entry leaves alone with all below them, although its scope covers them (AdBlock
	 * $denyallow); each a length of 2 bytes in network order and a key (name.h), rising. */
	struct sink_span except;
	/* Records to answer with, if the hint is DATA; each type (2), TTL (4), length (2) and that many bytes
	 * of uncompressed RDATA (RFC 1035, 4.1.3 without name and class), in network order, rising. */
	struct sink_span data;
};

/* Is a record in force at any time, for each type, and about each name that its entries cover? Then there is nothing for
 * sink_stand() (decide.h) to ask of it. Any thread. */
bool sink_record_is_plain(const struct sink_record *record);

/* Read types, except and data piece by piece. Each takes the next piece off the front of *rest, and tells
 * whether there was one; what is broken off is none, and leaves *rest as it is (not empty). Borrowed; any
 * thread.
 *
 * rest     for types: what follows the first byte */
bool sink_types_next(struct sink_span *rest, uint16_t *type);

/* key      of a name, see name.h; not checked */
bool sink_except_next(struct sink_span *rest, struct sink_span *key);

struct sink_data {
	uint16_t type;
	uint32_t ttl; /* seconds */
	struct sink_span rdata;
};

bool sink_data_next(struct sink_span *rest, struct sink_data *out);

/* The words that users type and programs print for stored numbers; "?" for a number out of range.
 * Constant strings; any thread. */
const char *sink_scope_word(enum sink_scope scope);
const char *sink_kind_word(enum sink_kind kind);
const char *sink_severity_word(enum sink_severity severity);
const char *sink_tlp_word(enum sink_tlp tlp);
const char *sink_field_word(enum sink_field field);
const char *sink_trigger_word(enum sink_trigger trigger);
const char *sink_hint_word(enum sink_hint hint);

#endif

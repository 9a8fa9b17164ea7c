/* decide.h - from what is listed to what is done: the one place where precedence lives, for the
 * resolver and for `sinkhole lookup` alike.
 *
 * Order. Rules are tried in their order, and the first that some entry satisfies decides. Among the entries that
 * satisfy it:
 *   - an important block wins over an allow entry, that over a block; within one of these the triggers in the order
 *     client address, query name, answer address, name-server name, name-server address; of several names on
 *     the way the earlier; then the more specific name or prefix; then the smaller record id, so that the
 *     verdict does not depend on the order of feeds. If an allow entry wins, the action is PASS, whatever the
 *     rule's.
 *   - where the rule's action is LISTED, as RPZ has it: the same without the first step, so that the more specific
 *     wins, be it block or allow; of equally specific ones one that says something, not a STOP. A winner with the hint
 *     STOP means that the rule has nothing to say about that name: the next name, trigger or rule is asked. (For
 *     other actions there are no entries with that hint.)
 *   - where it is MONITOR, each such entry is noted and takes no further part; the search goes on.
 * An entry is weighed for each rule that it satisfies, until one decides. But one that satisfies a rule LISTED is that
 * rule's alone, and no later one weighs it: else the last rule of a policy would block what a STOP has spared.
 *
 * Two passes. On a name, before anything is resolved: rules that ask nothing of the answer, over what is listed about the
 * name and the client. On the assembled answer, if no name on its way decided: all rules, over everything. A
 * rule LISTED whose entries list answer addresses or name servers asks something of the answer: a decision by
 * a later rule waits for it (RPZ: zones are tried in order, whatever their triggers; BIND's qname-wait-recurse).
 *
 * During a pause (sink_is_paused() of the generation's manifest) no rule is for anybody, so nothing decides and nobody's
 * answer is changed; what is listed is told of as UNRULED.
 *
 * All functions: no allocation, no lock, no log line, no comparison of strings. */
#ifndef SINKHOLE_DECIDE_H
#define SINKHOLE_DECIDE_H

#include "sinkhole/generation.h"

/* What became of a listing that was considered. */
enum sink_standing {
	SINK_STANDING_ELIGIBLE, /* in force: it wins, or loses to the winner */
	SINK_STANDING_FUTURE, /* its valid-from has not come */
	SINK_STANDING_EXPIRED, /* its valid-until is over */
	SINK_STANDING_EXCEPTED, /* it leaves this name alone: record.except */
	SINK_STANDING_TYPE, /* it is about other query types */
	SINK_STANDING_UNRULED, /* no rule that is for this client, now, is about it */
	SINK_STANDING_WATCHED, /* a rule monitors it */
};

/* What becomes of a record's listings that cover a name, as far as that depends on the record alone.
 *
 * name     NULL: no name is at hand, hence none is excepted
 * type     of the query; 0: any, hence none is ruled out
 * now      seconds since 1970-01-01 UTC
 * thread   any
 */
enum sink_standing sink_stand(const struct sink_record *record, const struct sink_name *name,
	uint16_t type, int64_t now);

#define SINK_RULE_WORDS (SINK_RULES_MAX / 64)

/* Who asks, as a policy sees it. Made for each query anew, and of no use once the judge is left. */
struct sink_client {
	struct sink_prefix address; /* family 0: unknown (a Unix socket) */
	uint16_t group; /* number, or SINK_GROUP_OTHERS */
	uint16_t country; /* as sink_geo_find(); 0: unknown */
	uint64_t rules[SINK_RULE_WORDS]; /* bit set: the rule is for this client, now */
};

/* address  a single one; NULL: unknown, hence of no group and no country
 * now      seconds since 1970-01-01 UTC
 * cost     a search for the group among the prefixes, and a look at each rule for a share of clients
 */
void sink_client_of(struct sink_judge *judge, const struct sink_prefix *address, int64_t now,
	struct sink_client *out);

/* What is asked, and what has come of it. Names are in wire form, uncompressed. */
struct sink_case {
	uint16_t type; /* of the query */
	int64_t now; /* seconds since 1970-01-01 UTC */
	/* The name asked for, and where CNAME and DNAME lead from there, in order */
	const struct sink_span *names;
	size_t names_count; /* 0: a name, for explanations, about which nothing is listed */
	/* Only for the second pass; all that the answer section holds: A, AAAA, ipv4hint, ipv6hint */
	const struct sink_prefix *addresses;
	size_t addresses_count;
	/* Of the delegations that served the answer */
	const struct sink_span *servers;
	size_t servers_count;
	const struct sink_prefix *server_addresses;
	size_t server_addresses_count;
};

struct sink_verdict {
	enum sink_action action; /* never LISTED or MONITOR */
	uint16_t rule; /* its number; SINK_RULE_NONE if action is NONE */
	/* First pass only: an earlier rule might decide on the answer. Resolve, and ask for the second pass; nothing
	 * may be stored meanwhile. */
	bool waits;
	bool has_entry; /* the following is valid; false where a bare rule decided, or nothing did */
	enum sink_trigger
		trigger; /* what of the case the winner is about; of a bare rule: ANSWER */
	size_t name; /* which of the names it is about; 0 for other triggers than QNAME */
	struct sink_listing winner;
	enum sink_kind kind;
	uint16_t monitor; /* the first rule that monitored an entry on the way; SINK_RULE_NONE */
	struct sink_form form; /* if action blocks; spans are borrowed from the generation */
};

/* Told of every listing that was considered, for explanations: in the second pass, those again.
 *
 * subject  index among the case's names, addresses, servers or server addresses, by the trigger
 * rule     the first rule, for this client and case, that it satisfies; SINK_RULE_NONE: none */
typedef void sink_consider_fn(void *arg, enum sink_trigger trigger, size_t subject,
	const struct sink_listing *listing, const struct sink_record *record,
	enum sink_standing standing, uint16_t rule);

/* First pass: decide by names and client. Each name in order; the first for which a rule decides wins, be it to
 * PASS.
 *
 * client   as sink_client_of() of the same judge
 * consider may be NULL
 * out      written on SINK_OK only
 * returns  SINK_OK; SINK_ECORRUPT (the caller treats the case as unlisted and counts it)
 * cost     as sink_reader_find() for each name, and one record a listing
 */
int sink_decide(struct sink_judge *judge, const struct sink_case *what,
	const struct sink_client *client, sink_consider_fn *consider, void *arg,
	struct sink_verdict *out);

/* Both passes: decide on an assembled answer.
 *
 * cost     sink_decide(); then, if that did not decide and the generation needs it, once more over everything
 */
int sink_decide_answer(struct sink_judge *judge, const struct sink_case *what,
	const struct sink_client *client, sink_consider_fn *consider, void *arg,
	struct sink_verdict *out);

/* For explanations: the rules that might yet decide when the answer is there, since they ask something of it or since
 * entries that they are about do. Rules that monitor are not among them.
 *
 * first    what sink_decide() said of this case and client
 * out      bit set: the rule is one of these. None is, if the answer cannot change the verdict
 * cost     a look at each facet of the database
 */
void sink_awaited(struct sink_judge *judge, const struct sink_case *what,
	const struct sink_client *client, const struct sink_verdict *first,
	uint64_t out[SINK_RULE_WORDS]);

/* What the policy makes of a case for all clients together. */
enum sink_reach {
	SINK_REACH_NONE, /* nobody's answer is changed: it may be stored */
	SINK_REACH_ALL, /* everybody's, in the same way */
	SINK_REACH_SOME, /* somebody's; ask for each client */
};

/* The same two functions for all clients at once: every group, country and share, and entries that list clients left
 * aside (a module cannot keep a cached answer from a client: doc/RPZ.md). Schedules count as they stand at
 * `now`. Never NONE where some client's verdict would block; SOME where in doubt.
 *
 * out      with ALL, everybody's verdict; with NONE, that of a client of whom nothing is known, hence of no group and no
 *          share. `waits` if anybody's might. Valid on SINK_OK only
 * cost     as sink_decide(), and a pass over the listings for each distinct list of rules; in the first pass, where one
 *          entry about one name is all there is, once for all of which the same is said
 */
int sink_reach(struct sink_judge *judge, const struct sink_case *what, enum sink_reach *reach,
	struct sink_verdict *out);
int sink_reach_answer(struct sink_judge *judge, const struct sink_case *what,
	enum sink_reach *reach, struct sink_verdict *out);

#endif

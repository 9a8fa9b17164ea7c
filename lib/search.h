/* search.h - what a case is about, looked up in the database; for decide.c and reach.c. */
#ifndef SINK_SEARCH_H
#define SINK_SEARCH_H

#include <stddef.h>

#include "generation.h"
#include "sinkhole/decide.h"
#include "trial.h"

/* Take an entry in force; anything but SINK_OK ends the search.
 *
 * first    as trial_first() of search.trial says */
typedef int search_fn(void *arg, const struct found *found, uint16_t first);

struct search {
	struct sink_judge *judge;
	const struct sink_case *what;
	const struct sink_prefix *client; /* NULL: entries about clients are left aside */
	/* What is not wanted by it is passed over unread, unless `consider` is told of everything. */
	const struct trial *trial;
	search_fn *take;
	void *arg;
	sink_consider_fn *consider; /* may be NULL */
	void *consider_arg;
	/* What is being looked up */
	enum sink_trigger trigger;
	size_t subject;
	const struct sink_name *name; /* NULL: a prefix */
	uint16_t more; /* weight that all listings of it have, besides labels or bits */
};

/* Look up the client.
 *
 * returns  SINK_OK; SINK_ECORRUPT; SINK_EINVAL (no name or prefix); what `take` returned
 */
int search_client(struct search *search);

/* One of the names, by its number. Returns as search_client(). */
int search_name(struct search *search, size_t number);

/* Addresses, servers and their addresses. Returns as search_client(). */
int search_answer(struct search *search);

/* The rules that are for a query of this type; 0: any. Borrowed from the policy's tables, the same for types that no rule
 * tells apart. */
const uint64_t *search_types(const struct bound *bound, uint16_t type);

/* Of the rules that ask something of the answer, drop those that do not get it. */
void search_narrow_answer(const struct sink_generation *generation, const struct sink_case *what,
	uint64_t *rules);

/* Drop rules whose schedule is off; during a pause, all.
 *
 * cost     a look at each schedule when one of them has changed
 */
void search_narrow_time(struct sink_judge *judge, int64_t now, uint64_t *rules);

/* What is done where a rule decides.
 *
 * winner   NULL: the rule is bare
 * returns  never LISTED; DATA also where the entry's records hold an alias
 */
enum sink_action search_action(const struct bound *bound, uint16_t rule,
	const struct found *winner);

/* The form is by far the largest part of a verdict, and means something only where an action blocks: all before it. */
#define VERDICT_HEAD offsetof(struct sink_verdict, form)

/* Nothing decides; the form is left as it is. */
static inline void search_begin_verdict(struct sink_verdict *verdict)
{
	memset(verdict, 0, VERDICT_HEAD);
	verdict->rule = verdict->monitor = SINK_RULE_NONE;
}

/* What a rule and its winner come to.
 *
 * winner   NULL: the rule is bare
 * out      action, rule and what follows from the winner; not `waits`, not `monitor`
 * returns  SINK_OK; SINK_ECORRUPT
 */
int search_conclude(struct sink_judge *judge, uint16_t rule, const struct found *winner,
	struct sink_verdict *out);

#endif

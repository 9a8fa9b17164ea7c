/* search.h - what a case is about, looked up in the database; for decide.c and reach.c. */
#ifndef SINK_SEARCH_H
#define SINK_SEARCH_H

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

/* The rules that are for a query of this type, narrowed in place. */
void search_narrow_type(const struct bound *bound, uint16_t type, uint64_t *rules);

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

/* What a rule and its winner come to.
 *
 * winner   NULL: the rule is bare
 * out      action, rule and what follows from the winner; not `waits`, not `monitor`
 * returns  SINK_OK; SINK_ECORRUPT
 */
int search_conclude(struct sink_judge *judge, uint16_t rule, const struct found *winner,
	struct sink_verdict *out);

#endif

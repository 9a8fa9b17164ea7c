/* generation.h - what is behind struct sink_generation and struct sink_judge, for generation.c (opening), bind.c
 * (making) and decide.c. */
#ifndef SINK_GENERATION_H
#define SINK_GENERATION_H

#include <stdatomic.h>

#include "bind.h"
#include "sinkhole/generation.h"

/* Everything below is written while opening and only read afterwards. */
struct sink_generation {
	struct sink_db *db; /* one owner of it */
	struct sink_policy *policy;
	struct bound *bound; /* the policy's tables for this database (bind.h) */
	struct sink_geo *geo[SINK_GEO_KINDS]; /* NULL: none */
	/* What was opened, to share it with the next one (generation.c), and its pause; all zero if made of parts */
	struct sink_manifest manifest;
	struct geo_stamp *stamps; /* of the geo files, or NULL */
};

/* The rules whose schedules are off, from one second to another. */
struct hours {
	int64_t from, until; /* the first second that it is not for */
	rule_set off;
};

/* What becomes of a case for all clients together (sink_reach()), but for the entry that wins. */
struct reached {
	enum sink_reach reach;
	uint16_t rule, monitor;
	bool waits, has_entry;
};

/* What an entry comes to that is all that is listed about the one name of a case. It follows from what is here, so it is
 * the same for most entries there are. */
struct alone {
	const uint64_t *rules; /* that it satisfies; NULL: nothing is known here */
	const uint64_t *types; /* those for the type asked for */
	int64_t hours; /* hours.from */
	enum sink_kind kind;
	enum sink_hint hint;
	struct reached reached;
};

#define ALONE_BITS 4 /* of the number of places; whatever comes to the same place takes it */

struct sink_judge {
	const struct sink_generation *generation;
	struct sink_reader *reader;
	struct hours hours; /* as they were asked for last */
	struct alone alone[1 << ALONE_BITS];
	/* How often each rule has monitored something, since it was taken; room for all rules if one monitors, else
	 * none */
	size_t noted_count;
	atomic_ullong noted[];
};

/* As sink_generation_of().
 *
 * cancel   may be NULL; when it becomes true, binding the policy gives up: SINK_ECANCELED
 */
int generation_of(struct sink_db *db, struct sink_policy *policy,
	struct sink_geo *geo[SINK_GEO_KINDS], const atomic_bool *cancel,
	struct sink_generation **out);

/* What a judge has noted of a rule below noted_count, taken from it. Any thread. */
unsigned long long judge_take_noted(struct sink_judge *judge, size_t rule);

#endif

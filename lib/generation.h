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

struct sink_judge {
	const struct sink_generation *generation;
	struct sink_reader *reader;
	struct hours hours; /* as they were asked for last */
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

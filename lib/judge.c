/* judge.c - generations put together of parts, what they tell of themselves, and judges. */
#include <stdlib.h>

#include "exempt.h"
#include "generation.h"

/* --- generations ------------------------------------------------------------------------------ */

static void close_parts(struct sink_db *db, struct sink_policy *policy,
	struct sink_geo *geo[SINK_GEO_KINDS])
{
	for (int kind = 0; kind < SINK_GEO_KINDS; kind++)
		sink_geo_close(geo[kind]);
	sink_policy_free(policy);
	sink_db_close(db);
}

int generation_of(struct sink_db *db, struct sink_policy *policy,
	struct sink_geo *geo[SINK_GEO_KINDS], const atomic_bool *cancel,
	struct sink_generation **out)
{
	struct sink_generation *generation = calloc(1, sizeof *generation);
	int err;

	if (!generation) {
		close_parts(db, policy, geo);
		return SINK_ENOMEM;
	}
	generation->db = db;
	generation->policy = policy;
	for (int kind = 0; kind < SINK_GEO_KINDS; kind++)
		generation->geo[kind] = geo[kind];
	err = exempt_policy(db, &generation->policy);
	if (!err)
		err = bound_new(generation->policy, db, cancel, &generation->bound);
	if (err) {
		sink_generation_close(generation);
		return err;
	}
	*out = generation;
	return SINK_OK;
}

int sink_generation_of(struct sink_db *db, struct sink_policy *policy,
	struct sink_geo *geo[SINK_GEO_KINDS], struct sink_generation **out)
{
	return generation_of(db, policy, geo, NULL, out);
}

const struct sink_db *sink_generation_db(const struct sink_generation *generation)
{
	return generation->db;
}

const struct sink_policy *sink_generation_policy(const struct sink_generation *generation)
{
	return generation->policy;
}

const struct sink_geo *sink_generation_geo(const struct sink_generation *generation,
	enum sink_geo_kind kind)
{
	return (unsigned)kind < SINK_GEO_KINDS ? generation->geo[kind] : NULL;
}

struct sink_needs sink_generation_needs(const struct sink_generation *generation)
{
	return generation->bound->needs;
}

int64_t sink_generation_next_edge(const struct sink_generation *generation, int64_t now)
{
	const struct sink_policy *policy = generation->policy;
	int64_t first = INT64_MAX;

	if (sink_is_paused(&generation->manifest, now))
		first = generation->manifest.paused_until;
	for (size_t i = 0; i < policy->schedules_count; i++) {
		int64_t next;

		sink_schedule_is_on(&policy->schedules[i], now, &next);
		if (next < first)
			first = next;
	}
	return first;
}

int64_t sink_generation_next_turn(const struct sink_generation *generation, int64_t now)
{
	return sink_db_next_turn(generation->db, generation->bound->passes_ending, now);
}

/* --- judges ----------------------------------------------------------------------------------- */

int sink_judge_begin(const struct sink_generation *generation, struct sink_judge **out)
{
	size_t rules = generation->bound->needs.monitors ? generation->policy->rules_count : 0;
	struct sink_judge *judge = calloc(1, sizeof *judge + rules * sizeof judge->noted[0]);
	int err;

	if (!judge)
		return SINK_ENOMEM;
	judge->generation = generation;
	judge->noted_count = rules;
	err = sink_reader_begin(generation->db, &judge->reader);
	if (err) {
		free(judge);
		return err;
	}
	*out = judge;
	return SINK_OK;
}

void sink_judge_end(struct sink_judge *judge)
{
	if (!judge)
		return;
	sink_reader_end(judge->reader);
	free(judge);
}

struct sink_reader *sink_judge_reader(struct sink_judge *judge)
{
	return judge->reader;
}

const struct sink_generation *sink_judge_generation(const struct sink_judge *judge)
{
	return judge->generation;
}

void sink_judge_note(struct sink_judge *judge, uint16_t rule)
{
	if (rule < judge->noted_count)
		atomic_fetch_add_explicit(&judge->noted[rule], 1, memory_order_relaxed);
}

unsigned long long judge_take_noted(struct sink_judge *judge, size_t rule)
{
	return atomic_exchange_explicit(&judge->noted[rule], 0, memory_order_relaxed);
}

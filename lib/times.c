/* times.c - distinct seconds in order. Most files have a handful, whatever the number of their records; in some each
 * record has its own. */
#include "times.h"

#include <stdlib.h>

int times_begin(struct times *times, uint32_t facets)
{
	*times = (struct times){ .facets = facets };
	times->ending = calloc((size_t)facets + 1, sizeof *times->ending);
	return times->ending ? SINK_OK : SINK_ENOMEM;
}

void times_end(struct times *times)
{
	for (int turn = 0; turn < SCHEMA_TURN_COUNT; turn++)
		distinct_free(&times->turns[turn]);
	free(times->ending);
}

static int add(struct distinct *seconds, int64_t second)
{
	return second == 0 ? SINK_OK : distinct_add(seconds, (uint64_t)second);
}

/* An allow that begins blocks nothing that was not. What stops a search in its list may, when it ends, leave the name to
 * what is above it there; when it begins, to the next list. */
static int take(struct times *times, const struct sink_record *record, uint32_t facet)
{
	bool allows = record->kind == SINK_KIND_ALLOW;
	struct distinct *sure = &times->turns[SCHEMA_TURN_SURE];
	int err = allows ? SINK_OK : add(sure, record->valid_from);

	if (err || record->valid_until == 0)
		return err;
	if (allows || record->hint == SINK_HINT_STOP)
		return add(sure, record->valid_until);
	times->ending_count += !times->ending[facet];
	times->ending[facet] = true;
	return add(&times->turns[SCHEMA_TURN_PERHAPS], record->valid_until);
}

int times_take(struct times *times, struct sink_span bytes, uint32_t facet)
{
	struct sink_record record;

	if (!schema_record_has_times(bytes))
		return SINK_OK;
	if (facet >= times->facets || schema_record_decode(bytes, &record))
		return SINK_ECORRUPT;
	if (record.valid_until != 0 && record.valid_until <= record.valid_from)
		return SINK_OK; /* never valid */
	return take(times, &record, facet);
}

size_t times_settle(struct times *times)
{
	struct distinct *turns = times->turns;

	for (int turn = 0; turn < SCHEMA_TURN_COUNT; turn++)
		distinct_settle(&turns[turn]);
	if (turns[SCHEMA_TURN_SURE].count + turns[SCHEMA_TURN_PERHAPS].count == 0)
		return 0;
	return schema_times_len((uint32_t)turns[SCHEMA_TURN_SURE].count,
		(uint32_t)turns[SCHEMA_TURN_PERHAPS].count, times->ending_count);
}

void times_write(const struct times *times, uint8_t *out, size_t len)
{
	struct wire_out to = { .at = out, .left = len };

	for (int turn = 0; turn < SCHEMA_TURN_COUNT; turn++)
		wire_put_u32(&to, (uint32_t)times->turns[turn].count);
	wire_put_u32(&to, times->ending_count);
	for (int turn = 0; turn < SCHEMA_TURN_COUNT; turn++)
		for (size_t i = 0; i < times->turns[turn].count; i++)
			wire_put_u64(&to, times->turns[turn].at[i]);
	for (uint32_t facet = 0; facet < times->facets; facet++)
		if (times->ending[facet])
			wire_put_u32(&to, facet);
}

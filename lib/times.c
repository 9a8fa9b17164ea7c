/* times.c - distinct seconds in order. Most files have a handful, whatever the number of their records; in some each
 * record has its own. */
#include "times.h"

#include <stdlib.h>

#define SECONDS_FIRST 64 /* to make room for */

int times_begin(struct times *times, uint32_t facets)
{
	*times = (struct times){ .facets = facets };
	times->ending = calloc((size_t)facets + 1, sizeof *times->ending);
	return times->ending ? SINK_OK : SINK_ENOMEM;
}

void times_end(struct times *times)
{
	for (int turn = 0; turn < SCHEMA_TURN_COUNT; turn++)
		free(times->turns[turn].at);
	free(times->ending);
}

static int compare_seconds(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Order them and drop what is there twice. */
static void settle(struct seconds *seconds)
{
	size_t kept = 0;

	if (seconds->count < 2)
		return;
	qsort(seconds->at, seconds->count, sizeof seconds->at[0], compare_seconds);
	for (size_t i = 0; i < seconds->count; i++)
		if (kept == 0 || seconds->at[i] != seconds->at[kept - 1])
			seconds->at[kept++] = seconds->at[i];
	seconds->count = kept;
}

/* Duplicates first: memory is for distinct seconds. */
static int widen(struct seconds *seconds)
{
	size_t room = seconds->room ? 2 * seconds->room : SECONDS_FIRST;
	uint64_t *at;

	settle(seconds);
	if (seconds->count < seconds->room / 2)
		return SINK_OK;
	at = reallocarray(seconds->at, room, sizeof *at);
	if (!at)
		return SINK_ENOMEM;
	seconds->at = at;
	seconds->room = room;
	return SINK_OK;
}

/* Records that are alike mostly come one after the other. */
static int add(struct seconds *seconds, int64_t second)
{
	if (second == 0 ||
		(seconds->count > 0 && seconds->at[seconds->count - 1] == (uint64_t)second))
		return SINK_OK;
	if (seconds->count == seconds->room && widen(seconds))
		return SINK_ENOMEM;
	seconds->at[seconds->count++] = (uint64_t)second;
	return SINK_OK;
}

/* An allow that begins blocks nothing that was not. What stops a search in its list may, when it ends, leave the name to
 * what is above it there; when it begins, to the next list. */
static int take(struct times *times, const struct sink_record *record, uint32_t facet)
{
	bool allows = record->kind == SINK_KIND_ALLOW;
	struct seconds *sure = &times->turns[SCHEMA_TURN_SURE];
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
	struct seconds *turns = times->turns;

	for (int turn = 0; turn < SCHEMA_TURN_COUNT; turn++)
		settle(&turns[turn]);
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

/* distinct.c - what is there twice goes before memory grows: what a feed repeats costs nothing. */
#include "distinct.h"

#include <stdlib.h>

#include "sinkhole/err.h"

#define ROOM_FIRST 64

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void distinct_sort(uint64_t *numbers, size_t count)
{
	if (count > 1)
		qsort(numbers, count, sizeof *numbers, compare);
}

void distinct_settle(struct distinct *numbers)
{
	uint64_t *at = numbers->at;
	size_t kept = 0;

	distinct_sort(at, numbers->count);
	for (size_t i = 0; i < numbers->count; i++)
		if (kept == 0 || at[i] != at[kept - 1])
			at[kept++] = at[i];
	numbers->dropped += numbers->count - kept;
	numbers->count = kept;
}

static int widen(struct distinct *numbers)
{
	size_t room = numbers->room ? 2 * numbers->room : ROOM_FIRST;
	uint64_t *at;

	distinct_settle(numbers);
	if (numbers->count < numbers->room / 2)
		return SINK_OK;
	at = reallocarray(numbers->at, room, sizeof *at);
	if (!at)
		return SINK_ENOMEM;
	numbers->at = at;
	numbers->room = room;
	return SINK_OK;
}

int distinct_add(struct distinct *numbers, uint64_t number)
{
	/* What is alike mostly comes one after the other. */
	if (numbers->count > 0 && numbers->at[numbers->count - 1] == number) {
		numbers->dropped++;
		return SINK_OK;
	}
	if (numbers->count == numbers->room && widen(numbers) != SINK_OK)
		return SINK_ENOMEM;
	numbers->at[numbers->count++] = number;
	return SINK_OK;
}

void distinct_free(struct distinct *numbers)
{
	free(numbers->at);
	*numbers = (struct distinct){ .at = NULL };
}

/* distinct.h - 64-bit numbers in any order and as often as may be, gathered in memory for the distinct ones. */
#ifndef SINK_DISTINCT_H
#define SINK_DISTINCT_H

#include <stddef.h>
#include <stdint.h>

/* All zero: none. The owner may set `count` to 0, to begin again in the same memory. */
struct distinct {
	uint64_t *at; /* rising after distinct_settle(), and until the next number is added */
	size_t count, room;
	uint64_t dropped; /* how many there were twice, of all that were ever added and settled */
};

/* Add a number.
 *
 * returns  SINK_OK; SINK_ENOMEM: it is not there, and all others are
 * cost     now and then a sort, before memory grows
 */
int distinct_add(struct distinct *numbers, uint64_t number);

/* Put them in order, each once. */
void distinct_settle(struct distinct *numbers);

/* Free what it has; it may be used again. */
void distinct_free(struct distinct *numbers);

/* Put numbers of whomever in rising order. */
void distinct_sort(uint64_t *numbers, size_t count);

#endif

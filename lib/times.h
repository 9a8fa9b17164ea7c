/* times.h - the seconds at which records make verdicts others by themselves, gathered from the records: what a writer
 * stores of them (schema.h), and what a verifier compares that with. */
#ifndef SINK_TIMES_H
#define SINK_TIMES_H

#include "distinct.h"
#include "schema.h"

struct times {
	struct distinct turns[SCHEMA_TURN_COUNT];
	uint32_t facets, ending_count;
	bool *ending; /* by facet: a record of it has a turn that is but possible */
};

/* Begin with none; end with times_end(), whatever this returned.
 *
 * facets   how many the file has
 * returns  SINK_OK; SINK_ENOMEM
 */
int times_begin(struct times *times, uint32_t facets);

/* Note when a record begins and ends.
 *
 * record   as it is stored
 * facet    the record's, below `facets`
 * returns  SINK_OK; SINK_ECORRUPT; SINK_ENOMEM
 * cost     a look at its times, if it has none; memory for distinct seconds only
 */
int times_take(struct times *times, struct sink_span record, uint32_t facet);

/* All have been taken: put the seconds in order.
 *
 * returns  the length in bytes of what is to be stored; 0: nothing is
 */
size_t times_settle(struct times *times);

/* What is to be stored, if anything is.
 *
 * out      as many bytes as times_settle() returned
 */
void times_write(const struct times *times, uint8_t *out, size_t len);

void times_end(struct times *times);

#endif

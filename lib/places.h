/* places.h - where blocks of names and records lie in the map, learned once, while a database is opened, so that a query
 * need not go through the B-tree for them. */
#ifndef SINK_PLACES_H
#define SINK_PLACES_H

#include <stdatomic.h>

#include "sinkhole/record.h"

struct places;
struct sink_reader;

/* Walk over all blocks of names asked for, and over all records.
 *
 * reader   of the database; what it has read of it so far is its head
 * anchor   any byte of the map
 * cancel   may be NULL; when it becomes true, walking gives up
 * returns  SINK_OK, also for a file whose keys are out of order: of that less is known; SINK_ENOMEM; SINK_ECORRUPT;
 *          SINK_ECANCELED
 * cost     a walk over the leaves, and a look at each record; 9 bytes a record, and what shortcut.h says
 */
int places_learn(struct sink_reader *reader, const uint8_t *anchor, const atomic_bool *cancel,
	struct places **out);

/* NULL is fine. */
void places_free(struct places *places);

/* The only block that can hold a name asked for.
 *
 * name     its key
 * block    borrowed until the database is closed; written on true only
 * returns  false: not known; ask the B-tree
 */
bool places_block(const struct places *places, struct sink_span name, struct sink_span *block);

/* What a query has to know of a record that is in force at any time, for each type, and about each name that its entries
 * cover.
 *
 * number   below that of records
 * returns  false: it is no such record, or there is none
 */
bool places_plain(const struct places *places, uint32_t number, enum sink_kind *kind,
	enum sink_hint *hint);

/* A record's bytes, borrowed likewise.
 *
 * number   below that of records
 * returns  empty: there is none
 */
struct sink_span places_record(const struct places *places, uint32_t number);

#endif

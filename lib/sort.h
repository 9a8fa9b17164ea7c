/* sort.h - keys of names and prefixes, each with a number, in key order and in bounded memory: sorted where they
 * lie, spilled to a nameless file when the memory is full, merged at the end. */
#ifndef SINK_SORT_H
#define SINK_SORT_H

#include "sinkhole/span.h"

#define SORT_MEMORY_MIN 65536 /* bytes; less is taken as this */

struct sort;

/* dir      where to spill; borrowed until the end
 * memory   bytes, for everything that grows with the number of entries
 * out      the caller ends it
 * returns  SINK_OK; SINK_ENOMEM
 */
int sort_begin(const char *dir, size_t memory, struct sort **out);

/* Add an entry.
 *
 * key      at most RUN_KEY_MAX bytes, and no two zero bytes in a row: the order relies on that. Keys of
 *          names (name.h) are such, and those of doc/DATABASE.md. Copied
 * returns  SINK_OK; SINK_EIO, SINK_ENOMEM (spilling failed: only sort_end() is left)
 * cost     a copy; from time to time a sort of the memory given, in time linear in its bytes
 *          whatever the input, and a write
 */
int sort_add(struct sort *sort, struct sink_span key, uint32_t number);

/* No more entries. Call once, before the first sort_next().
 *
 * returns  SINK_OK; SINK_EIO, SINK_ENOMEM (only sort_end() is left)
 */
int sort_finish(struct sort *sort);

/* The next entry in key order; entries of one key come in any order, none is dropped.
 *
 * key      borrowed until the next call; both are written on SINK_OK only
 * returns  SINK_OK; SINK_ENOENT (that was all); SINK_EIO
 */
int sort_next(struct sort *sort, struct sink_span *key, uint32_t *number);

/* NULL is fine. */
void sort_end(struct sort *sort);

#endif

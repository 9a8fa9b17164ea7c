/* filter.h - the negative filter: a split block Bloom filter in memory that somebody else owns
 * (doc/DATABASE.md, "The filter"). Knows hashes and blocks; what precedes the blocks in the file is
 * schema.h's business. */
#ifndef SINK_FILTER_H
#define SINK_FILTER_H

#include "sinkhole/span.h"

#define FILTER_BLOCK 32 /* bytes; eight little-endian words of 32 bits */
#define FILTER_BITS 12 /* a name: about 0.6 % of unlisted names pass */

/* How many blocks a filter for so many names has: at least 1, below 2^32 for any database that fits
 * a disk. */
uint64_t filter_count(uint64_t names);

/* A filter to ask. The blocks may lie at any address; at one of 32 a probe touches one cache line.
 */
struct filter {
	const uint8_t *blocks; /* count * FILTER_BLOCK bytes, borrowed */
	uint64_t count; /* as filter_count() said; at least 1, below 2^32 */
};

/* The block of a name by its hash. */
static inline size_t filter_block(uint64_t count, uint64_t hash)
{
	return (size_t)(((hash >> 32) * count) >> 32) * FILTER_BLOCK;
}

/* Start to load what filter_has() will read. Ask for all ancestors of a name, then test them: the
 * waits overlap. */
static inline void filter_prefetch(const struct filter *filter, uint64_t hash)
{
	__builtin_prefetch(filter->blocks + filter_block(filter->count, hash));
}

/* returns  false: no such name was added; true: it may have been */
bool filter_has(const struct filter *filter, uint64_t hash);

/* Add a name.
 *
 * blocks   count * FILTER_BLOCK bytes, zero before the first name
 */
void filter_add(uint8_t *blocks, uint64_t count, uint64_t hash);

#endif

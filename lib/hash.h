/* hash.h - the hash of names that the filter is made of, taken along the key: one pass over a name
 * gives the hash of every ancestor (doc/DATABASE.md, "The filter"). */
#ifndef SINK_HASH_H
#define SINK_HASH_H

#include "sinkhole/name.h"

#define HASH_START UINT64_C(0x9e3779b97f4a7c15)

/* One step: mix 8 bytes of key into the state. */
static inline uint64_t hash_piece(uint64_t state, uint64_t piece)
{
	state = (state ^ piece) * UINT64_C(0xd6e8feb86659fd93);
	return state ^ state >> 32;
}

/* Go on over one label.
 *
 * state    HASH_START, or what this function returned for the labels before
 * label    its key bytes, the ending zero included: 2 to 127
 * returns  the state after it, for the next label and for hash_of()
 */
uint64_t hash_label(uint64_t state, struct sink_span label);

/* The hash of the name whose last label left this state; that of the root is hash_of(HASH_START).
 */
static inline uint64_t hash_of(uint64_t state)
{
	state = (state ^ state >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return state ^ state >> 32;
}

/* Where the hashes of one trigger's subjects start: at HASH_START for 0, the names asked for. No label
 * begins with a zero byte, so no other start is a state that a name can leave. */
static inline uint64_t hash_start(uint8_t trigger)
{
	return trigger ? hash_piece(HASH_START, (uint64_t)trigger << 56) : HASH_START;
}

/* Hashes of a name and all its ancestors.
 *
 * start    see hash_start()
 * out      out[n] is that of the ancestor with n labels, from out[0], the root, to
 *          out[name->labels]; the rest is left alone
 * cost     some nanoseconds a label
 */
void hash_name(uint64_t start, const struct sink_name *name, uint64_t out[SINK_LABELS_MAX + 1]);

/* The hash of the name with this key, or of a prefix's key, which is taken as one label. Bytes that are
 * no key give some number. */
uint64_t hash_key(uint64_t start, struct sink_span key);

#endif

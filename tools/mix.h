/* mix.h - a keyed hash of 64 bits, for sets that keep no keys: who writes a feed does not know the key, so
 * cannot make two names look like one. */
#ifndef TOOLS_MIX_H
#define TOOLS_MIX_H

#include <sys/random.h>

#include "sinkhole/err.h"
#include "sinkhole/span.h"

struct mix {
	uint64_t key[2];
};

/* returns  SINK_OK; SINK_EIO (no randomness) */
static inline int mix_begin(struct mix *mix)
{
	if (getrandom(mix->key, sizeof mix->key, 0) != (ssize_t)sizeof mix->key)
		return SINK_EIO;
	mix->key[0] |= 1;
	mix->key[1] |= 1;
	return SINK_OK;
}

/* Both halves of a product: every bit of it depends on every bit of the factors. */
static inline uint64_t mix_fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The hash of bytes behind what `seed` stands for: 0, or the hash of what came before. */
static inline uint64_t mix_bytes(const struct mix *mix, uint64_t seed, struct sink_span bytes)
{
	uint64_t hash = seed ^ mix->key[1];

	while (bytes.len > 0) {
		size_t n = bytes.len < 8 ? bytes.len : 8;
		uint64_t piece = 0;

		memcpy(&piece, bytes.at, n);
		hash = mix_fold(hash ^ piece, mix->key[0]) + n;
		bytes = sink_span(bytes.at + n, bytes.len - n);
	}
	return mix_fold(hash ^ mix->key[0], mix->key[1]);
}

#endif

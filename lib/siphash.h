/* siphash.h - SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash of 64 bits that nobody can steer who does not
 * know the key. */
#ifndef SINK_SIPHASH_H
#define SINK_SIPHASH_H

#include <endian.h>

#include "sinkhole/span.h"

struct siphash_key {
	uint64_t a, b;
};

static inline uint64_t siphash_turn(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void siphash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = siphash_turn(v[1], 13) ^ v[0];
	v[0] = siphash_turn(v[0], 32);
	v[2] += v[3];
	v[3] = siphash_turn(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = siphash_turn(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = siphash_turn(v[1], 17) ^ v[2];
	v[2] = siphash_turn(v[2], 32);
}

static inline void siphash_take(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	siphash_round(v);
	siphash_round(v);
	v[0] ^= word;
}

static inline uint64_t siphash_load(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	return le64toh(word);
}

static inline uint64_t siphash(struct siphash_key key, struct sink_span bytes)
{
	uint64_t v[4] = { key.a ^ UINT64_C(0x736f6d6570736575),
		key.b ^ UINT64_C(0x646f72616e646f6d), key.a ^ UINT64_C(0x6c7967656e657261),
		key.b ^ UINT64_C(0x7465646279746573) };
	uint64_t last = (uint64_t)bytes.len << 56;

	for (; bytes.len >= 8; bytes.at += 8, bytes.len -= 8)
		siphash_take(v, siphash_load(bytes.at));
	for (size_t i = 0; i < bytes.len; i++)
		last |= (uint64_t)bytes.at[i] << 8 * i;
	siphash_take(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		siphash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif

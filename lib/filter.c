/* filter.c - the split block Bloom filter. Bits are addressed byte by byte: that needs neither
 * alignment nor a byte order. */
#include "filter.h"

#include <endian.h>

/* Of the Parquet format's specification, "Split Block Bloom Filters". */
static const uint32_t salts[8] = {
	0x47b6137b,
	0x44974d91,
	0x8824ad5b,
	0xa2b7289d,
	0x705495c7,
	0x2df1424b,
	0x9efc4947,
	0x5c6bfb31,
};

uint64_t filter_count(uint64_t names)
{
	const uint64_t block_bits = UINT64_C(8) * FILTER_BLOCK;
	uint64_t count = (names * FILTER_BITS + block_bits - 1) / block_bits;

	return count > 0 ? count : 1;
}

/* Which bit of word `i` a hash sets. */
static inline unsigned bit(uint64_t hash, unsigned i)
{
	return ((uint32_t)hash * salts[i]) >> 27;
}

/* All words are looked at: a branch at the first that says no is guessed wrongly at most probes, and that takes longer. */
bool filter_has(const struct filter *filter, uint64_t hash)
{
	const uint8_t *block = filter->blocks + filter_block(filter->count, hash);
	uint32_t all = 1;

	for (unsigned i = 0; i < 8; i++) {
		uint32_t word;

		memcpy(&word, block + (size_t)4 * i, sizeof word);
		all &= le32toh(word) >> bit(hash, i);
	}
	return all & 1;
}

void filter_add(uint8_t *blocks, uint64_t count, uint64_t hash)
{
	uint8_t *block = blocks + filter_block(count, hash);

	for (unsigned i = 0; i < 8; i++) {
		unsigned n = bit(hash, i);

		block[4 * i + n / 8] |= (uint8_t)(1u << n % 8);
	}
}

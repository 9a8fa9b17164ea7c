/* radix.h - sort keys in memory. */
#ifndef SINK_RADIX_H
#define SINK_RADIX_H

#include <endian.h>

#include "sinkhole/span.h"

/* A key where it lies: its number and length, then its bytes. */
#define ENTRY_HEAD 6 /* bytes */

struct ref {
	uint64_t word; /* the next 8 bytes of the key as a number, filled up with zeros */
	const uint8_t *entry;
};

static inline void entry_put(uint8_t *entry, struct sink_span key, uint32_t number)
{
	uint16_t len = (uint16_t)key.len;

	memcpy(entry, &number, sizeof number);
	memcpy(entry + sizeof number, &len, sizeof len);
	if (len > 0)
		memcpy(entry + ENTRY_HEAD, key.at, len);
}

static inline uint32_t entry_number(const uint8_t *entry)
{
	uint32_t number;

	memcpy(&number, entry, sizeof number);
	return number;
}

static inline struct sink_span entry_key(const uint8_t *entry)
{
	uint16_t len;

	memcpy(&len, entry + sizeof(uint32_t), sizeof len);
	return sink_span(entry + ENTRY_HEAD, len);
}

/* The 8 bytes of a key from `depth` on, as a number that orders as they do; zeros after its end. */
static inline uint64_t key_word(struct sink_span key, size_t depth)
{
	uint64_t word = 0;

	if (key.len >= depth + sizeof word)
		memcpy(&word, key.at + depth, sizeof word);
	else if (key.len > depth)
		memcpy(&word, key.at + depth, key.len - depth);
	return be64toh(word);
}

/* Sort by key.
 *
 * refs     each with key_word(key, 0) as its word, which is lost; keys as sort_add() wants them
 * cost     linear in the bytes that tell keys apart, whatever the input; no allocation; bounded
 *          stack
 */
void radix_sort(struct ref *refs, size_t count);

#endif

/* hash.c - the hash of names and prefixes (doc/DATABASE.md, "The filter"). */
#include "hash.h"

#include <endian.h>

static inline uint64_t load8(const uint8_t *at)
{
	uint64_t piece;

	memcpy(&piece, at, sizeof piece);
	return le64toh(piece);
}

static inline uint64_t load4(const uint8_t *at)
{
	uint32_t piece;

	memcpy(&piece, at, sizeof piece);
	return le32toh(piece);
}

/* 1 to 7 bytes, filled up with zeros; loads may overlap, so that none leaves the label. */
static inline uint64_t load_tail(const uint8_t *at, size_t len)
{
	if (len >= 4)
		return load4(at) | load4(at + len - 4) << 8 * (len - 4);
	return at[0] | (uint64_t)at[len / 2] << 8 * (len / 2) |
		(uint64_t)at[len - 1] << 8 * (len - 1);
}

uint64_t hash_label(uint64_t state, struct sink_span label)
{
	for (; label.len >= 8; label.at += 8, label.len -= 8)
		state = hash_piece(state, load8(label.at));
	if (label.len > 0)
		state = hash_piece(state, load_tail(label.at, label.len));
	return state;
}

void hash_name(uint64_t start, const struct sink_name *name, uint64_t out[SINK_LABELS_MAX + 1])
{
	uint64_t state = start;

	out[0] = hash_of(state);
	for (unsigned n = 1; n <= name->labels; n++) {
		const uint8_t *label = name->key + name->end[n - 1];

		state = hash_label(state, sink_span(label, name->end[n] - name->end[n - 1]));
		out[n] = hash_of(state);
	}
}

uint64_t hash_key(uint64_t start, struct sink_span key)
{
	uint64_t state = start;

	while (key.len > 0) {
		const uint8_t *zero = memchr(key.at, 0, key.len);
		size_t len = zero ? (size_t)(zero - key.at) + 1 : key.len;

		state = hash_label(state, sink_span(key.at, len));
		key.at += len;
		key.len -= len;
	}
	return hash_of(state);
}

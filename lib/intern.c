/* intern.c - distinct byte strings in an open hash table.
 *
 * The hash is SipHash-2-4 (Aumasson and Bernstein, 2012) under a random key: strings come from
 * feeds, and a feed must not be able to choose some that fall into one slot. What comes out does not
 * depend on the key. */
#include "intern.h"

#include <endian.h>
#include <stdlib.h>
#include <sys/random.h>

#include "sinkhole/err.h"

struct interned {
	uint64_t hash;
	size_t len;
	uint8_t *bytes;
};

static inline uint64_t rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void sip_rounds(uint64_t v[4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static uint64_t load(const uint8_t *at, size_t len)
{
	uint64_t word = 0;

	memcpy(&word, at, len);
	return le64toh(word);
}

static uint64_t siphash(const uint8_t key[16], struct sink_span bytes)
{
	uint64_t k0 = load(key, 8), k1 = load(key + 8, 8);
	uint64_t v[4] = { k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
		k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573) };
	uint64_t word = 0, last = (uint64_t)bytes.len << 56;

	for (; bytes.len >= 8; bytes.at += 8, bytes.len -= 8) {
		word = load(bytes.at, 8);
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	if (bytes.len > 0)
		last |= load(bytes.at, bytes.len);
	v[3] ^= last;
	sip_rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int intern_begin(struct intern *intern)
{
	*intern = (struct intern){ 0 };
	return getrandom(intern->key, sizeof intern->key, 0) == sizeof intern->key ? SINK_OK
										   : SINK_EIO;
}

/* The slot of an equal string, or the empty one where it belongs. */
static uint32_t *find(const struct intern *intern, struct sink_span bytes, uint64_t hash)
{
	for (size_t at = hash & intern->mask;; at = (at + 1) & intern->mask) {
		uint32_t *slot = &intern->slots[at];
		const struct interned *string;

		if (*slot == 0)
			return slot;
		string = &intern->strings[*slot - 1];
		if (string->hash == hash &&
			sink_span_equal(sink_span(string->bytes, string->len), bytes))
			return slot;
	}
}

/* Twice the slots, so that at most half of them are in use. */
static int widen(struct intern *intern)
{
	size_t room = intern->room ? 2 * intern->room : 64;
	struct interned *strings = reallocarray(intern->strings, room, sizeof *strings);
	uint32_t *slots;

	if (!strings)
		return SINK_ENOMEM;
	intern->strings = strings;
	slots = calloc(2 * room, sizeof *slots);
	if (!slots)
		return SINK_ENOMEM;
	free(intern->slots);
	intern->slots = slots;
	intern->mask = 2 * room - 1;
	intern->room = room;
	for (uint32_t i = 0; i < intern->count; i++) {
		size_t at = strings[i].hash & intern->mask;

		while (slots[at] != 0)
			at = (at + 1) & intern->mask;
		slots[at] = i + 1;
	}
	return SINK_OK;
}

int intern_add(struct intern *intern, struct sink_span bytes, uint32_t *out)
{
	uint64_t hash = siphash(intern->key, bytes);
	uint32_t *slot;
	uint8_t *copy;

	if (intern->count == intern->room && widen(intern) != SINK_OK)
		return SINK_ENOMEM;
	slot = find(intern, bytes, hash);
	if (*slot == 0) {
		copy = intern->count < INTERN_MAX ? malloc(bytes.len + 1) : NULL;
		if (!copy)
			return SINK_ENOMEM;
		if (bytes.len > 0)
			memcpy(copy, bytes.at, bytes.len);
		intern->strings[intern->count] = (struct interned){ hash, bytes.len, copy };
		*slot = ++intern->count;
	}
	*out = *slot - 1;
	return SINK_OK;
}

struct sink_span intern_get(const struct intern *intern, uint32_t number)
{
	return sink_span(intern->strings[number].bytes, intern->strings[number].len);
}

static int compare(const void *a, const void *b, void *arg)
{
	struct sink_span x = intern_get(arg, *(const uint32_t *)a);
	struct sink_span y = intern_get(arg, *(const uint32_t *)b);

	return sink_span_compare(x, y);
}

int intern_order(const struct intern *intern, uint32_t **out)
{
	uint32_t *numbers = calloc((size_t)intern->count + 1, sizeof *numbers);
	struct intern strings = *intern; /* qsort_r wants a pointer that may be written through */

	if (!numbers)
		return SINK_ENOMEM;
	for (uint32_t i = 0; i < intern->count; i++)
		numbers[i] = i;
	qsort_r(numbers, intern->count, sizeof *numbers, compare, &strings);
	*out = numbers;
	return SINK_OK;
}

void intern_end(struct intern *intern)
{
	for (uint32_t i = 0; i < intern->count; i++)
		free(intern->strings[i].bytes);
	free(intern->strings);
	free(intern->slots);
	*intern = (struct intern){ 0 };
}

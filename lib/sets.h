/* sets.h - sets of rules as bits, and distinct ones, numbered as they come. */
#ifndef SINK_SETS_H
#define SINK_SETS_H

#include "sinkhole/decide.h"

/* A set has room for every rule there can be; only its first words are in use, as many as the policy's rules
 * need. */
typedef uint64_t rule_set[SINK_RULE_WORDS];

static inline void set_put(uint64_t *set, size_t rule)
{
	set[rule / 64] |= UINT64_C(1) << rule % 64;
}

static inline void set_drop(uint64_t *set, size_t rule)
{
	set[rule / 64] &= ~(UINT64_C(1) << rule % 64);
}

static inline bool set_has(const uint64_t *set, size_t rule)
{
	return set[rule / 64] >> rule % 64 & 1;
}

static inline void set_and(uint64_t *set, const uint64_t *other, size_t words)
{
	for (size_t i = 0; i < words; i++)
		set[i] &= other[i];
}

static inline void set_or(uint64_t *set, const uint64_t *other, size_t words)
{
	for (size_t i = 0; i < words; i++)
		set[i] |= other[i];
}

static inline void set_without(uint64_t *set, const uint64_t *other, size_t words)
{
	for (size_t i = 0; i < words; i++)
		set[i] &= ~other[i];
}

static inline void set_copy(uint64_t *set, const uint64_t *other, size_t words)
{
	for (size_t i = 0; i < words; i++)
		set[i] = other[i];
}

static inline bool set_is_empty(const uint64_t *set, size_t words)
{
	uint64_t all = 0;

	for (size_t i = 0; i < words; i++)
		all |= set[i];
	return all == 0;
}

static inline bool set_is_equal(const uint64_t *a, const uint64_t *b, size_t words)
{
	return memcmp(a, b, words * sizeof *a) == 0;
}

/* The first rule of both sets; SINK_RULE_NONE: there is none. */
static inline uint16_t set_first_of(const uint64_t *a, const uint64_t *b, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (a[i] & b[i])
			return (uint16_t)(i * 64 + (unsigned)__builtin_ctzll(a[i] & b[i]));
	return SINK_RULE_NONE;
}

/* Distinct sets; number 0 is the empty one. */
struct sets {
	size_t words; /* in use of each */
	uint32_t count;
	size_t room; /* sets that there is room for */
	uint64_t *bits; /* those of each, one after the other */
	size_t mask; /* slots - 1 */
	uint32_t *slots; /* number + 1 of a set, or 0 */
};

/* End with sets_end(), whatever this returned.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int sets_begin(struct sets *sets, size_t words);

/* The number of a set, the same for equal ones.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int sets_add(struct sets *sets, const uint64_t *set, uint32_t *out);

/* Borrowed until the next sets_add(). */
static inline const uint64_t *sets_get(const struct sets *sets, uint32_t number)
{
	return sets->bits + number * sets->words;
}

void sets_end(struct sets *sets);

#endif

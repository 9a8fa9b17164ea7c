/* sets.c - distinct sets of rules. */
#include "sets.h"

#include <stdlib.h>

#include "hash.h"
#include "sinkhole/grow.h"

#define SLOTS_FIRST 64 /* a power of two */

static uint64_t hash_set(const struct sets *sets, const uint64_t *set)
{
	uint64_t state = HASH_START;

	for (size_t i = 0; i < sets->words; i++)
		state = hash_piece(state, set[i]);
	return hash_of(state);
}

/* The slot of a set, or the empty one where it belongs. */
static uint32_t *slot_of(const struct sets *sets, const uint64_t *set)
{
	size_t at = hash_set(sets, set) & sets->mask;

	while (sets->slots[at] &&
		!set_is_equal(sets_get(sets, sets->slots[at] - 1), set, sets->words))
		at = (at + 1) & sets->mask;
	return &sets->slots[at];
}

static int more_slots(struct sets *sets)
{
	size_t count = sets->slots ? 2 * (sets->mask + 1) : SLOTS_FIRST;
	uint32_t *slots = calloc(count, sizeof *slots);

	if (!slots)
		return SINK_ENOMEM;
	free(sets->slots);
	sets->slots = slots;
	sets->mask = count - 1;
	for (uint32_t i = 0; i < sets->count; i++)
		*slot_of(sets, sets_get(sets, i)) = i + 1;
	return SINK_OK;
}

int sets_begin(struct sets *sets, size_t words)
{
	const rule_set none = { 0 };
	uint32_t zero;

	*sets = (struct sets){ .words = words };
	return sets_add(sets, none, &zero);
}

int sets_add(struct sets *sets, const uint64_t *set, uint32_t *out)
{
	uint32_t *slot;
	uint64_t *bits;

	if (!sets->slots || sets->count > sets->mask / 2) {
		int err = more_slots(sets);

		if (err)
			return err;
	}
	slot = slot_of(sets, set);
	if (!*slot) {
		bits = sink_grow(sets->bits, sets->count, &sets->room,
			sets->words * sizeof *sets->bits);
		if (!bits)
			return SINK_ENOMEM;
		sets->bits = bits;
		memcpy(bits + sets->count * sets->words, set, sets->words * sizeof *bits);
		*slot = ++sets->count;
	}
	*out = *slot - 1;
	return SINK_OK;
}

void sets_end(struct sets *sets)
{
	free(sets->bits);
	free(sets->slots);
}

/* current.c - hazard pointers over generations.
 *
 * Who enters: store the generation in the slot, then load `now` again. Who switches: store `now`,
 * then load the slots. All four are sequentially consistent, so in their one order either the
 * slot's store comes before the switcher's load, which then sees it and waits; or the switcher's
 * store of `now` comes before the reader's second load, which then differs, and the reader tries
 * the new generation. There is no order in which the reader keeps a generation that the switcher
 * took to be free.
 *
 * That a generation may be freed and another one made at its address harms nobody: the second load
 * asks what is in use, not what it was. */
#include "sinkhole/current.h"

#include <stdalign.h>
#include <stdlib.h>
#include <time.h>

#define CACHE_LINE 64 /* bytes: a slot of each own, or threads would slow each other down */
#define PAUSE_NS 50000 /* between looks at a slot in use; readers stay for microseconds */

struct view {
	struct sink_reader *reader; /* NULL: not begun yet */
};

/* A view is begun by its slot's thread while that holds the generation, and ended by the switcher
 * when no slot does. */
struct generation {
	struct sink_db *db;
	uint64_t serial;
	struct view view[]; /* one a slot */
};

struct slot {
	alignas(CACHE_LINE) _Atomic(struct generation *) held; /* NULL: not entered */
};

struct sink_current {
	_Atomic(struct generation *) now; /* NULL: none */
	atomic_uint_fast64_t serial;
	unsigned slots;
	struct slot slot[];
};

int sink_current_new(unsigned slots, struct sink_current **out)
{
	/* Both terms are whole lines, as C11 wants the size of an aligned allocation to be. */
	size_t size = sizeof(struct sink_current) + slots * sizeof(struct slot);
	struct sink_current *current = aligned_alloc(CACHE_LINE, size);

	if (!current)
		return SINK_ENOMEM;
	atomic_init(&current->now, NULL);
	atomic_init(&current->serial, 0);
	current->slots = slots;
	for (unsigned i = 0; i < slots; i++)
		atomic_init(&current->slot[i].held, NULL);
	*out = current;
	return SINK_OK;
}

static void free_generation(struct generation *generation, unsigned slots)
{
	if (!generation)
		return;
	for (unsigned i = 0; i < slots; i++)
		sink_reader_end(generation->view[i].reader);
	sink_db_close(generation->db);
	free(generation);
}

void sink_current_free(struct sink_current *current)
{
	if (!current)
		return;
	free_generation(atomic_load(&current->now), current->slots);
	free(current);
}

int sink_current_enter(struct sink_current *current, unsigned slot, struct sink_reader **out)
{
	struct generation *generation, *again;
	struct slot *own;
	int err = SINK_OK;

	if (slot >= current->slots)
		return SINK_EINVAL;
	own = &current->slot[slot];
	if (atomic_load_explicit(&own->held, memory_order_relaxed))
		return SINK_EINVAL; /* entered twice: leaving once would free under the other */
	generation = atomic_load_explicit(&current->now, memory_order_relaxed);
	for (;;) {
		atomic_store(&own->held, generation);
		again = atomic_load(&current->now);
		if (again == generation)
			break;
		generation = again;
	}
	if (!generation)
		return SINK_ENOENT;
	if (!generation->view[slot].reader)
		err = sink_reader_begin(generation->db, &generation->view[slot].reader);
	if (err)
		sink_current_leave(current, slot);
	else
		*out = generation->view[slot].reader;
	return err;
}

void sink_current_leave(struct sink_current *current, unsigned slot)
{
	if (slot < current->slots)
		atomic_store_explicit(&current->slot[slot].held, NULL, memory_order_release);
}

uint64_t sink_current_entered(const struct sink_current *current, unsigned slot)
{
	return atomic_load_explicit(&current->slot[slot].held, memory_order_relaxed)->serial;
}

uint64_t sink_current_serial(const struct sink_current *current)
{
	return atomic_load(&current->serial);
}

/* Sleep rather than spin: the reader may need this very processor to get on. */
static void wait_for(const struct slot *slot, const struct generation *generation)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	while (atomic_load(&slot->held) == generation)
		nanosleep(&pause, NULL);
}

int sink_current_switch(struct sink_current *current, struct sink_db *db, uint64_t serial)
{
	struct generation *next = NULL, *old;

	if (db) {
		next = calloc(1, sizeof *next + current->slots * sizeof(struct view));
		if (!next)
			return SINK_ENOMEM;
		next->db = db;
		next->serial = serial;
	}
	old = atomic_exchange(&current->now, next);
	atomic_store(&current->serial, serial);
	if (!old)
		return SINK_OK;
	for (unsigned i = 0; i < current->slots; i++)
		wait_for(&current->slot[i], old);
	free_generation(old, current->slots);
	return SINK_OK;
}

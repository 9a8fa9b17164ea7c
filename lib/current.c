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

#include "generation.h"

#define CACHE_LINE 64 /* bytes: a slot of each own, or threads would slow each other down */
#define PAUSE_NS 50000 /* between looks at a slot in use; readers stay for microseconds */

struct view {
	_Atomic(struct sink_judge *) judge; /* NULL: not begun yet */
};

/* A view is begun by its slot's thread while that holds the generation, and ended by the switcher
 * when no slot does. */
struct usage {
	struct sink_generation *generation;
	uint64_t serial;
	struct view view[]; /* one a slot */
};

struct slot {
	alignas(CACHE_LINE) _Atomic(struct usage *) held; /* NULL: not entered */
};

struct sink_current {
	_Atomic(struct usage *) now; /* NULL: none */
	atomic_uint_fast64_t serial, epoch;
	sink_noted_fn *tell; /* NULL: nobody wants to know */
	void *arg;
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
	atomic_init(&current->epoch, 0);
	current->tell = NULL;
	current->slots = slots;
	for (unsigned i = 0; i < slots; i++)
		atomic_init(&current->slot[i].held, NULL);
	*out = current;
	return SINK_OK;
}

void sink_current_tell(struct sink_current *current, sink_noted_fn *fn, void *arg)
{
	current->tell = fn;
	current->arg = arg;
}

/* Of one rule, from the judges of all slots. */
static uint64_t take_noted(struct usage *usage, unsigned slots, size_t rule)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < slots; i++) {
		struct sink_judge *judge = atomic_load(&usage->view[i].judge);

		if (judge && rule < judge->noted_count)
			sum += judge_take_noted(judge, rule);
	}
	return sum;
}

static void tell_noted(const struct sink_current *current, struct usage *usage)
{
	const struct sink_policy *policy;

	if (!usage || !current->tell || !sink_generation_needs(usage->generation).monitors)
		return;
	policy = sink_generation_policy(usage->generation);
	for (size_t rule = 0; rule < policy->rules_count; rule++) {
		uint64_t count = take_noted(usage, current->slots, rule);

		if (count > 0)
			current->tell(current->arg, &policy->rules[rule], count);
	}
}

void sink_current_take_noted(struct sink_current *current)
{
	tell_noted(current, atomic_load(&current->now));
}

/* When no slot holds it. */
static void end_usage(const struct sink_current *current, struct usage *usage)
{
	if (!usage)
		return;
	tell_noted(current, usage);
	for (unsigned i = 0; i < current->slots; i++)
		sink_judge_end(atomic_load(&usage->view[i].judge));
	sink_generation_close(usage->generation);
	free(usage);
}

void sink_current_free(struct sink_current *current)
{
	if (!current)
		return;
	end_usage(current, atomic_load(&current->now));
	free(current);
}

static int begin_view(struct view *view, const struct sink_generation *generation)
{
	struct sink_judge *judge;
	int err = sink_judge_begin(generation, &judge);

	if (!err)
		atomic_store(&view->judge, judge);
	return err;
}

int sink_current_enter(struct sink_current *current, unsigned slot, struct sink_judge **out)
{
	struct usage *usage, *again;
	struct view *view;
	struct slot *own;
	int err = SINK_OK;

	if (slot >= current->slots)
		return SINK_EINVAL;
	own = &current->slot[slot];
	if (atomic_load_explicit(&own->held, memory_order_relaxed))
		return SINK_EINVAL; /* entered twice: leaving once would free under the other */
	usage = atomic_load_explicit(&current->now, memory_order_relaxed);
	for (;;) {
		atomic_store(&own->held, usage);
		again = atomic_load(&current->now);
		if (again == usage)
			break;
		usage = again;
	}
	if (!usage)
		return SINK_ENOENT;
	view = &usage->view[slot];
	if (!atomic_load_explicit(&view->judge, memory_order_relaxed))
		err = begin_view(view, usage->generation);
	if (err)
		sink_current_leave(current, slot);
	else
		*out = atomic_load_explicit(&view->judge, memory_order_relaxed);
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
static void wait_for(const struct slot *slot, const struct usage *usage)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	while (atomic_load(&slot->held) == usage)
		nanosleep(&pause, NULL);
}

int sink_current_switch(struct sink_current *current, struct sink_generation *generation,
	uint64_t serial)
{
	struct usage *next = NULL, *old;

	if (generation) {
		next = calloc(1, sizeof *next + current->slots * sizeof(struct view));
		if (!next)
			return SINK_ENOMEM;
		next->generation = generation;
		next->serial = serial;
	}
	old = atomic_exchange(&current->now, next);
	atomic_store(&current->serial, serial);
	atomic_fetch_add(&current->epoch,
		1); /* after `now`: who reads it is judged by the new one */
	if (!old)
		return SINK_OK;
	for (unsigned i = 0; i < current->slots; i++)
		wait_for(&current->slot[i], old);
	end_usage(current, old);
	return SINK_OK;
}

void sink_current_turn(struct sink_current *current)
{
	atomic_fetch_add(&current->epoch, 1);
}

uint64_t sink_current_epoch(const struct sink_current *current)
{
	return atomic_load(&current->epoch);
}

const struct sink_generation *sink_current_generation(const struct sink_current *current)
{
	const struct usage *usage = atomic_load(&current->now);

	return usage ? usage->generation : NULL;
}

/* counters.c - each row has one writer, so what it adds to cannot have changed meanwhile: atomic only for those who
 * read. */
#include "counters.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "raise.h"

#define CACHE_LINE 64 /* bytes */

struct row {
	alignas(CACHE_LINE) atomic_uint_fast64_t count[COUNTER_COUNT];
};

struct counters {
	unsigned workers;
	atomic_uint met; /* rows below this number may have counted: there is room for many more */
	struct row rows[]; /* one a worker */
};

int counters_new(unsigned workers, struct counters **out)
{
	/* Both terms are whole lines, as C11 wants the size of an aligned allocation to be. */
	struct counters *counters =
		aligned_alloc(CACHE_LINE, sizeof *counters + workers * sizeof counters->rows[0]);

	if (!counters)
		return SINK_ENOMEM;
	counters->workers = workers;
	atomic_init(&counters->met, 0);
	for (unsigned i = 0; i < workers; i++)
		for (unsigned which = 0; which < COUNTER_COUNT; which++)
			atomic_init(&counters->rows[i].count[which], 0);
	*out = counters;
	return SINK_OK;
}

void counters_free(struct counters *counters)
{
	free(counters);
}

void counters_add(struct counters *counters, unsigned worker, unsigned which, uint64_t count)
{
	atomic_uint_fast64_t *own;

	if (worker >= counters->workers || which >= COUNTER_COUNT)
		return;
	raise_to(&counters->met, worker + 1);
	own = &counters->rows[worker].count[which];
	atomic_store_explicit(own, atomic_load_explicit(own, memory_order_relaxed) + count,
		memory_order_relaxed);
}

uint64_t counters_sum(const struct counters *counters, unsigned which)
{
	unsigned met = atomic_load(&counters->met);
	uint64_t sum = 0;

	for (unsigned i = 0; i < met; i++)
		sum += atomic_load_explicit(&counters->rows[i].count[which], memory_order_relaxed);
	return sum;
}

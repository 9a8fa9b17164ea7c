/* sort.c - one piece of memory: keys grow from its start, what points at them from its end; where
 * they meet, the whole is sorted and spilled as a run. */
#include "sort.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "radix.h"
#include "run.h"
#include "sinkhole/err.h"
#include "sinkhole/grow.h"
#include "spool.h"

#define SPOOL_ROOM 65536 /* bytes */
#define READ_MAX (1u << 20) /* bytes of a run's buffer; more wins nothing */
#define AHEAD 8 /* entries to load before they are needed */

struct sort {
	size_t memory; /* bytes at `base` */
	uint8_t *base; /* NULL when merging */
	uint8_t *top; /* where the next key goes */
	struct ref *refs; /* the last one added; the first stands at the end of the memory */
	struct ref *next; /* for sort_next() without runs */

	struct spool spool;
	size_t run_count, run_room;
	struct run *runs;

	/* merging */
	uint8_t *buffers;
	struct run_reader *readers;
	size_t heap_len;
	struct run_reader **heap; /* the lowest first */
	bool taken; /* heap[0] was given out by sort_next() */
};

static struct ref *refs_end(const struct sort *sort)
{
	return (struct ref *)(void *)(sort->base + sort->memory);
}

static void clear(struct sort *sort)
{
	sort->top = sort->base;
	sort->refs = refs_end(sort);
}

/* Pages that are never touched cost nothing, so small inputs do not pay for the budget. Huge pages
 * where they are allowed: the sort reads keys all over the place. */
static int map_memory(struct sort *sort, size_t memory)
{
	void *base;

	if (memory < SORT_MEMORY_MIN)
		memory = SORT_MEMORY_MIN;
	memory &= ~(size_t)4095;
	base = mmap(NULL, memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return SINK_ENOMEM;
	madvise(base, memory, MADV_HUGEPAGE);
	sort->base = base;
	sort->memory = memory;
	clear(sort);
	return SINK_OK;
}

static void unmap_memory(struct sort *sort)
{
	if (sort->base)
		munmap(sort->base, sort->memory);
	sort->base = NULL;
}

int sort_begin(const char *dir, size_t memory, struct sort **out)
{
	struct sort *sort = calloc(1, sizeof *sort);
	int err;

	if (!sort)
		return SINK_ENOMEM;
	err = spool_begin(&sort->spool, dir, SPOOL_ROOM);
	if (!err)
		err = map_memory(sort, memory);
	if (err) {
		sort_end(sort);
		return err;
	}
	*out = sort;
	return SINK_OK;
}

static int keep_run(struct sort *sort, struct run run)
{
	struct run *runs = sink_grow(sort->runs, sort->run_count, &sort->run_room, sizeof *runs);

	if (!runs)
		return SINK_ENOMEM;
	sort->runs = runs;
	sort->runs[sort->run_count++] = run;
	return SINK_OK;
}

static inline void load_ahead(const struct ref *ref, const struct ref *end)
{
	if (end - ref > AHEAD)
		__builtin_prefetch(ref[AHEAD].entry);
}

static int spill(struct sort *sort)
{
	struct run_writer writer = { .spool = &sort->spool };
	struct run run = { .at = spool_len(&sort->spool) };
	const struct ref *end = refs_end(sort);

	radix_sort(sort->refs, (size_t)(end - sort->refs));
	for (const struct ref *ref = sort->refs; ref < end; ref++) {
		int err;

		load_ahead(ref, end);
		err = run_put(&writer, entry_key(ref->entry), entry_number(ref->entry));
		if (err)
			return err;
	}
	run.end = spool_len(&sort->spool);
	clear(sort);
	return keep_run(sort, run);
}

int sort_add(struct sort *sort, struct sink_span key, uint32_t number)
{
	size_t size = ENTRY_HEAD + key.len;
	int err;

	if ((size_t)((uint8_t *)sort->refs - sort->top) < size + sizeof(struct ref)) {
		err = spill(sort);
		if (err)
			return err;
	}
	entry_put(sort->top, key, number);
	*--sort->refs = (struct ref){ .word = key_word(key, 0), .entry = sort->top };
	sort->top += size;
	return SINK_OK;
}

/* Let heap[at] sink to its place. */
static void sink(struct sort *sort, size_t at)
{
	struct run_reader **heap = sort->heap;
	struct run_reader *reader = heap[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < sort->heap_len && run_is_below(heap[child + 1], heap[child]))
			child++;
		if (child >= sort->heap_len || !run_is_below(heap[child], reader))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = reader;
}

static void end_merge(struct sort *sort)
{
	free(sort->buffers);
	free(sort->readers);
	free(sort->heap);
	sort->buffers = NULL;
	sort->readers = NULL;
	sort->heap = NULL;
	sort->heap_len = 0;
}

static int allocate_merge(struct sort *sort, size_t count, size_t room)
{
	sort->buffers = malloc(count * room);
	sort->readers = calloc(count, sizeof *sort->readers);
	sort->heap = calloc(count, sizeof(struct run_reader *));
	return sort->buffers && sort->readers && sort->heap ? SINK_OK : SINK_ENOMEM;
}

static size_t merge_room(const struct sort *sort, size_t count)
{
	size_t room = sort->memory / count - sizeof(struct run_reader);

	return room < READ_MAX ? room : READ_MAX;
}

/* How many runs the memory can merge at once. */
static size_t merge_most(const struct sort *sort)
{
	return sort->memory / (RUN_BUFFER_MIN + sizeof(struct run_reader));
}

/* Begin to merge the first `count` runs, at most merge_most() of them. */
static int begin_merge(struct sort *sort, size_t count)
{
	size_t room = merge_room(sort, count);
	int err = allocate_merge(sort, count, room);

	for (size_t i = 0; i < count && !err; i++) {
		struct run_reader *reader = &sort->readers[i];

		run_read(reader, &sort->spool, sort->runs[i], sort->buffers + i * room, room);
		err = run_next(reader);
		if (!err)
			sort->heap[sort->heap_len++] = reader;
		else if (err == SINK_ENOENT)
			err = SINK_OK;
	}
	for (size_t at = sort->heap_len / 2; at-- > 0 && !err;)
		sink(sort, at);
	return err;
}

/* Go on from heap[0], which was used. */
static int advance(struct sort *sort)
{
	int err = run_next(sort->heap[0]);

	if (err == SINK_ENOENT) {
		sort->heap[0] = sort->heap[--sort->heap_len];
		err = SINK_OK;
	}
	if (!err && sort->heap_len > 0)
		sink(sort, 0);
	return err;
}

/* Make one run of the first `count`, and put it last. */
static int merge_some(struct sort *sort, size_t count)
{
	struct run_writer writer = { .spool = &sort->spool };
	struct run run = { .at = spool_len(&sort->spool) };
	int err = begin_merge(sort, count);

	while (!err && sort->heap_len > 0) {
		err = run_put(&writer, run_key(sort->heap[0]), sort->heap[0]->number);
		if (!err)
			err = advance(sort);
	}
	end_merge(sort);
	if (err)
		return err;
	run.end = spool_len(&sort->spool);
	sort->run_count -= count;
	memmove(sort->runs, sort->runs + count, sort->run_count * sizeof *sort->runs);
	return keep_run(sort, run);
}

int sort_finish(struct sort *sort)
{
	size_t most = merge_most(sort);
	int err;

	if (sort->run_count == 0) {
		radix_sort(sort->refs, (size_t)(refs_end(sort) - sort->refs));
		sort->next = sort->refs;
		return SINK_OK;
	}
	err = spill(sort);
	unmap_memory(sort);
	while (!err && sort->run_count > most)
		err = merge_some(sort, most);
	return err ? err : begin_merge(sort, sort->run_count);
}

static int next_merged(struct sort *sort, struct sink_span *key, uint32_t *number)
{
	int err = sort->taken ? advance(sort) : SINK_OK;

	if (err)
		return err;
	sort->taken = sort->heap_len > 0;
	if (!sort->taken)
		return SINK_ENOENT;
	*key = run_key(sort->heap[0]);
	*number = sort->heap[0]->number;
	return SINK_OK;
}

int sort_next(struct sort *sort, struct sink_span *key, uint32_t *number)
{
	if (!sort->base)
		return next_merged(sort, key, number);
	if (sort->next == refs_end(sort))
		return SINK_ENOENT;
	load_ahead(sort->next, refs_end(sort));
	*key = entry_key(sort->next->entry);
	*number = entry_number(sort->next->entry);
	sort->next++;
	return SINK_OK;
}

void sort_end(struct sort *sort)
{
	if (!sort)
		return;
	end_merge(sort);
	unmap_memory(sort);
	spool_end(&sort->spool);
	free(sort->runs);
	free(sort);
}

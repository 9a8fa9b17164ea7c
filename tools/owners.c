/* owners.c - an arena of names and an array to sort them by; what is spilled is a run, and runs are merged by looking
 * at the first name of each: a zone of a hundred million names has fifty. */
#include "owners.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "input.h"
#include "sinkhole/grow.h"

#define ARENA_FIRST 4096 /* bytes */
#define BUFFER \
	((size_t)1 << 16) /* bytes, of a run that is read or written; more than an item has */

/* An item, in the arena and in a run:   OFFSET SIZE  FIELD
 *                                          0    2    length of the key, in the machine's order
 *                                          2    1    bits
 *                                          3    1    tree
 *                                          4    n    key
 * so that tree and key, from offset 3, sort as bytes do. */
#define HEAD 4
#define ITEM_MAX (HEAD + SINK_KEY_MAX)

struct run {
	off_t at, end; /* in the file: what has not been read yet */
	uint8_t *buffer;
	size_t from, to; /* what of it has not been told yet */
};

struct owners {
	size_t memory;
	uint8_t *arena;
	size_t len, room;
	uint32_t *items; /* offsets */
	size_t count, size;
	size_t next; /* item to be told, without runs */
	uint64_t counts[8]; /* by bit */
	int fd; /* -1: nothing is spilled */
	off_t spilled; /* bytes */
	struct run *runs;
	size_t runs_count, runs_size;
	uint8_t told[ITEM_MAX]; /* the name that was told last, from a run */
};

static size_t item_len(const uint8_t *item)
{
	uint16_t len;

	memcpy(&len, item, sizeof len);
	return HEAD + (size_t)len;
}

static int compare_items(const uint8_t *a, const uint8_t *b)
{
	size_t a_len = item_len(a) - 3, b_len = item_len(b) - 3;
	int order = memcmp(a + 3, b + 3, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

int owners_begin(size_t memory, struct owners **out)
{
	struct owners *owners = calloc(1, sizeof *owners);

	if (!owners)
		return SINK_ENOMEM;
	owners->memory = memory < UINT32_MAX ? memory : UINT32_MAX;
	owners->fd = -1;
	*out = owners;
	return SINK_OK;
}

void owners_end(struct owners *owners)
{
	if (!owners)
		return;
	if (owners->fd >= 0)
		close(owners->fd);
	for (size_t i = 0; i < owners->runs_count; i++)
		free(owners->runs[i].buffer);
	free(owners->runs);
	free(owners->items);
	free(owners->arena);
	free(owners);
}

/* --- sorting --------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b, void *arg)
{
	const uint8_t *arena = arg;

	return compare_items(arena + *(const uint32_t *)a, arena + *(const uint32_t *)b);
}

/* Order what is in memory and make one of equal names. */
static void settle(struct owners *owners)
{
	size_t kept = 0;

	if (owners->count > 0)
		qsort_r(owners->items, owners->count, sizeof *owners->items, compare,
			owners->arena);
	for (size_t i = 0; i < owners->count; i++) {
		const uint8_t *item = owners->arena + owners->items[i];

		if (kept > 0 && compare_items(owners->arena + owners->items[kept - 1], item) == 0)
			owners->arena[owners->items[kept - 1] + 2] |= item[2];
		else
			owners->items[kept++] = owners->items[i];
	}
	owners->count = kept;
}

/* --- spilling --------------------------------------------------------------------------------------- */

static int write_all(struct owners *owners, const uint8_t *at, size_t len)
{
	int err = input_write(owners->fd, at,
		len); /* at the end: what is read is read by its place */

	if (!err)
		owners->spilled += (off_t)len;
	return err;
}

static int write_items(struct owners *owners, uint8_t *buffer)
{
	size_t used = 0;
	int err = SINK_OK;

	for (size_t i = 0; i < owners->count && !err; i++) {
		const uint8_t *item = owners->arena + owners->items[i];
		size_t len = item_len(item);

		if (used + len > BUFFER) {
			err = write_all(owners, buffer, used);
			used = 0;
		}
		memcpy(buffer + used, item, len);
		used += len;
	}
	return err ? err : write_all(owners, buffer, used);
}

static int spill(struct owners *owners)
{
	struct run *runs =
		sink_grow(owners->runs, owners->runs_count, &owners->runs_size, sizeof *runs);
	struct run run = { .at = owners->spilled };
	int err;

	if (!runs)
		return SINK_ENOMEM;
	owners->runs = runs;
	if (owners->fd < 0)
		owners->fd = input_temporary();
	if (owners->fd < 0)
		return SINK_EIO;
	run.buffer = malloc(BUFFER);
	if (!run.buffer)
		return SINK_ENOMEM;
	settle(owners);
	err = write_items(owners, run.buffer);
	run.end = owners->spilled;
	owners->runs[owners->runs_count++] = run;
	owners->count = owners->len = 0;
	return err;
}

/* --- adding ---------------------------------------------------------------------------------------- */

static int make_room(struct owners *owners)
{
	size_t room = owners->room ? 2 * owners->room : ARENA_FIRST;
	uint32_t *items = sink_grow(owners->items, owners->count, &owners->size, sizeof *items);
	uint8_t *arena = owners->arena;

	if (!items)
		return SINK_ENOMEM;
	owners->items = items;
	if (owners->room - owners->len >= ITEM_MAX)
		return SINK_OK;
	arena = realloc(arena, room);
	if (!arena)
		return SINK_ENOMEM;
	owners->arena = arena;
	owners->room = room;
	return SINK_OK;
}

/* Most zones tell all of a name at once. */
static bool is_last(const struct owners *owners, const uint8_t *item)
{
	return owners->count > 0 &&
		compare_items(owners->arena + owners->items[owners->count - 1], item) == 0;
}

static void count(struct owners *owners, uint8_t is)
{
	for (unsigned bit = 0; bit < 8; bit++)
		owners->counts[bit] += is >> bit & 1;
}

int owners_add(struct owners *owners, const struct owner *owner)
{
	uint8_t item[ITEM_MAX];
	uint16_t key_len = (uint16_t)owner->key.len;
	size_t len = HEAD + owner->key.len;
	int err = SINK_OK;

	memcpy(item, &key_len, sizeof key_len);
	item[2] = owner->is;
	item[3] = owner->tree;
	if (key_len > 0)
		memcpy(item + HEAD, owner->key.at, key_len);
	count(owners, owner->is);
	if (is_last(owners, item)) {
		owners->arena[owners->items[owners->count - 1] + 2] |= owner->is;
		return SINK_OK;
	}
	if (owners->count > 0 &&
		owners->len + len + (owners->count + 1) * sizeof *owners->items > owners->memory)
		err = spill(owners);
	if (!err)
		err = make_room(owners);
	if (err)
		return err;
	memcpy(owners->arena + owners->len, item, len);
	owners->items[owners->count++] = (uint32_t)owners->len;
	owners->len += len;
	return SINK_OK;
}

uint64_t owners_count(const struct owners *owners, uint8_t bit)
{
	return owners->counts[__builtin_ctz(bit)];
}

/* --- telling --------------------------------------------------------------------------------------- */

int owners_finish(struct owners *owners)
{
	int err = SINK_OK;

	if (owners->runs_count == 0)
		settle(owners);
	else if (owners->count > 0)
		err = spill(owners);
	return err;
}

/* See to it that a whole item is in the buffer, if there is one more. */
static int fill(const struct owners *owners, struct run *run)
{
	if (run->to - run->from >= ITEM_MAX || run->at == run->end)
		return SINK_OK;
	memmove(run->buffer, run->buffer + run->from, run->to - run->from);
	run->to -= run->from;
	run->from = 0;
	while (run->to < ITEM_MAX && run->at < run->end) {
		size_t left = (size_t)(run->end - run->at), room = BUFFER - run->to;
		ssize_t n = pread(owners->fd, run->buffer + run->to, left < room ? left : room,
			run->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return SINK_EIO;
		run->to += (size_t)n;
		run->at += n;
	}
	return SINK_OK;
}

static const uint8_t *first(const struct run *run)
{
	return run->from < run->to ? run->buffer + run->from : NULL;
}

/* The run whose next name is the lowest; NULL: all are at their end. */
static int find_lowest(struct owners *owners, struct run **out)
{
	*out = NULL;
	for (size_t i = 0; i < owners->runs_count; i++) {
		struct run *run = &owners->runs[i];
		int err = fill(owners, run);

		if (err)
			return err;
		if (first(run) && (!*out || compare_items(first(run), first(*out)) < 0))
			*out = run;
	}
	return SINK_OK;
}

static void tell(const uint8_t *item, struct owner *out)
{
	*out = (struct owner){
		.is = item[2], .tree = item[3], .key = sink_span(item + HEAD, item_len(item) - HEAD)
	};
}

static int next_merged(struct owners *owners, struct owner *out)
{
	struct run *run;
	int err = find_lowest(owners, &run);

	if (err)
		return err;
	if (!run)
		return SINK_ENOENT;
	memcpy(owners->told, first(run), item_len(first(run)));
	run->from += item_len(owners->told);
	for (size_t i = 0; i < owners->runs_count && !err; i++) {
		run = &owners->runs[i];
		err = fill(owners, run);
		if (!err && first(run) && compare_items(first(run), owners->told) == 0) {
			owners->told[2] |= first(run)[2];
			run->from += item_len(first(run));
		}
	}
	if (!err)
		tell(owners->told, out);
	return err;
}

int owners_next(struct owners *owners, struct owner *out)
{
	if (owners->runs_count > 0)
		return next_merged(owners, out);
	if (owners->next == owners->count)
		return SINK_ENOENT;
	tell(owners->arena + owners->items[owners->next++], out);
	return SINK_OK;
}

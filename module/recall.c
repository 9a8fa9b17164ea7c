/* recall.c - in each part a hash table of its own, and a list of its entries by when they were asked for. */
#include "recall.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "sinkhole/err.h"

#define CACHE_LINE 64 /* bytes */
#define BINS_FIRST 16 /* of a part, a power of two */

struct entry {
	struct entry *next; /* in its bin; then in the list of those to be freed */
	struct entry *older, *newer;
	uint64_t hash;
	int64_t until; /* seconds */
	void *value;
	size_t size; /* bytes, with the value */
	size_t key_len;
	uint8_t key[];
};

struct shard {
	alignas(CACHE_LINE) pthread_mutex_t lock; /* of what follows */
	struct entry **bins;
	size_t bins_count, count;
	size_t bytes;
	struct entry *oldest, *newest;
};

struct recall {
	recall_drop_fn *drop;
	uint64_t seed; /* nobody outside knows which keys share a bin */
	size_t bytes; /* for each part */
	atomic_size_t count; /* of entries in all parts */
	struct shard shards[RECALL_SHARDS];
};

int recall_new(size_t bytes, recall_drop_fn *drop, struct recall **out)
{
	struct recall *recall = aligned_alloc(CACHE_LINE, sizeof *recall);
	struct timespec now;

	if (!recall)
		return SINK_ENOMEM;
	memset(recall, 0, sizeof *recall);
	clock_gettime(CLOCK_REALTIME, &now);
	recall->seed = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15 ^ (uintptr_t)recall;
	recall->drop = drop;
	recall->bytes = bytes / RECALL_SHARDS;
	for (unsigned i = 0; i < RECALL_SHARDS; i++) /* cannot fail without attributes */
		pthread_mutex_init(&recall->shards[i].lock, NULL);
	*out = recall;
	return SINK_OK;
}

static void free_list(const struct recall *recall, struct entry *entry)
{
	struct entry *next;

	for (; entry; entry = next) {
		next = entry->next;
		recall->drop(entry->value);
		free(entry);
	}
}

/* FNV-1a from a secret start, and a last stir: its upper bits know little of the last octets. */
static uint64_t hash_of(const struct recall *recall, struct sink_span key)
{
	uint64_t hash = recall->seed;

	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ key.at[i]) * 0x100000001b3;
	hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9;
	return hash ^ hash >> 32;
}

static struct shard *shard_of(struct recall *recall, uint64_t hash)
{
	return &recall->shards[hash >> 32 & (RECALL_SHARDS - 1)];
}

/* --- under the lock ----------------------------------------------------------------------------- */

static struct entry **bin_of(const struct shard *shard, uint64_t hash)
{
	return &shard->bins[hash & (shard->bins_count - 1)];
}

static struct entry *find(const struct shard *shard, uint64_t hash, struct sink_span key)
{
	struct entry *entry = shard->bins ? *bin_of(shard, hash) : NULL;

	while (entry &&
		(entry->hash != hash ||
			!sink_span_equal(sink_span(entry->key, entry->key_len), key)))
		entry = entry->next;
	return entry;
}

static void unlink_age(struct shard *shard, struct entry *entry)
{
	*(entry->older ? &entry->older->newer : &shard->oldest) = entry->newer;
	*(entry->newer ? &entry->newer->older : &shard->newest) = entry->older;
}

static void link_newest(struct shard *shard, struct entry *entry)
{
	entry->older = shard->newest;
	entry->newer = NULL;
	*(shard->newest ? &shard->newest->newer : &shard->oldest) = entry;
	shard->newest = entry;
}

/* Take an entry out, and put it before the others that are to be freed. */
static void take_out(struct recall *recall, struct shard *shard, struct entry *entry,
	struct entry **freed)
{
	struct entry **at = bin_of(shard, entry->hash);

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	unlink_age(shard, entry);
	shard->count--;
	atomic_fetch_sub_explicit(&recall->count, 1, memory_order_relaxed);
	shard->bytes -= entry->size;
	entry->next = *freed;
	*freed = entry;
}

/* An entry a bin, on average.
 *
 * returns  false: no memory, and no bins at all yet */
static bool make_bins(struct shard *shard)
{
	size_t count = shard->bins ? 2 * shard->bins_count : BINS_FIRST;
	struct entry **bins;

	if (shard->count < shard->bins_count)
		return true;
	bins = calloc(count, sizeof(struct entry *));
	if (!bins)
		return shard->bins != NULL;
	free(shard->bins);
	shard->bytes += (count - shard->bins_count) * sizeof(struct entry *);
	shard->bins = bins;
	shard->bins_count = count;
	for (struct entry *entry = shard->oldest; entry; entry = entry->newer) {
		struct entry **bin = bin_of(shard, entry->hash);

		entry->next = *bin;
		*bin = entry;
	}
	return true;
}

static void insert(struct recall *recall, struct shard *shard, struct entry *entry)
{
	struct entry **bin = bin_of(shard, entry->hash);

	entry->next = *bin;
	*bin = entry;
	link_newest(shard, entry);
	shard->count++;
	atomic_fetch_add_explicit(&recall->count, 1, memory_order_relaxed);
	shard->bytes += entry->size;
}

/* --- outside ------------------------------------------------------------------------------------- */

static struct entry *entry_new(const struct recall *recall, struct sink_span key, size_t size)
{
	size_t own = sizeof(struct entry) + key.len;
	struct entry *entry;

	if (own + size > recall->bytes / 2)
		return NULL;
	entry = malloc(own);
	if (!entry)
		return NULL;
	entry->hash = hash_of(recall, key);
	entry->size = own + size;
	entry->key_len = key.len;
	memcpy(entry->key, key.at, key.len);
	return entry;
}

void recall_put(struct recall *recall, struct sink_span key, void *value, size_t size,
	int64_t until)
{
	struct entry *entry = entry_new(recall, key, size), *old, *freed = NULL;
	struct shard *shard;

	if (!entry) {
		recall->drop(value);
		return;
	}
	entry->until = until;
	entry->value = value;
	shard = shard_of(recall, entry->hash);
	pthread_mutex_lock(&shard->lock);
	old = find(shard, entry->hash, key);
	if (make_bins(shard)) {
		insert(recall, shard, entry);
	} else {
		entry->next = freed;
		freed = entry;
	}
	if (old) /* last, so that the table never seems empty meanwhile */
		take_out(recall, shard, old, &freed);
	while (shard->bytes > recall->bytes && shard->oldest != entry)
		take_out(recall, shard, shard->oldest, &freed);
	pthread_mutex_unlock(&shard->lock);
	free_list(recall, freed);
}

bool recall_use(struct recall *recall, struct sink_span key, int64_t now, recall_use_fn *use,
	void *arg)
{
	uint64_t hash = hash_of(recall, key);
	struct shard *shard = shard_of(recall, hash);
	struct entry *entry, *freed = NULL;
	bool found;

	pthread_mutex_lock(&shard->lock);
	entry = find(shard, hash, key);
	found = entry && now < entry->until;
	if (found) {
		unlink_age(shard, entry);
		link_newest(shard, entry);
		use(arg, entry->value);
	} else if (entry) {
		take_out(recall, shard, entry, &freed);
	}
	pthread_mutex_unlock(&shard->lock);
	free_list(recall, freed);
	return found;
}

bool recall_is_empty(struct recall *recall)
{
	return atomic_load_explicit(&recall->count, memory_order_relaxed) == 0;
}

size_t recall_bytes(struct recall *recall)
{
	size_t bytes = sizeof *recall;

	for (unsigned i = 0; i < RECALL_SHARDS; i++) {
		pthread_mutex_lock(&recall->shards[i].lock);
		bytes += recall->shards[i].bytes;
		pthread_mutex_unlock(&recall->shards[i].lock);
	}
	return bytes;
}

void recall_free(struct recall *recall)
{
	if (!recall)
		return;
	for (unsigned i = 0; i < RECALL_SHARDS; i++) {
		struct shard *shard = &recall->shards[i];
		struct entry *freed = NULL;

		while (shard->oldest)
			take_out(recall, shard, shard->oldest, &freed);
		free_list(recall, freed);
		free(shard->bins);
		pthread_mutex_destroy(&shard->lock);
	}
	free(recall);
}

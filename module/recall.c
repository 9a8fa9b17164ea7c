/* recall.c - direct mapped: one place a key, so that a flood of keys costs nobody else a search. */
#include "recall.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "sinkhole/err.h"

#define STRIPES 64 /* locks, so that workers seldom meet at one */

struct entry {
	int64_t until; /* seconds */
	void *value;
	size_t key_len;
	uint8_t key[];
};

struct recall {
	recall_drop_fn *drop;
	uint64_t seed; /* nobody outside knows which keys share a slot */
	unsigned slots;
	pthread_mutex_t lock[STRIPES];
	struct entry *entry[];
};

int recall_new(unsigned slots, recall_drop_fn *drop, struct recall **out)
{
	struct recall *recall = calloc(1, sizeof *recall + slots * sizeof(struct entry *));
	struct timespec now;

	if (!recall)
		return SINK_ENOMEM;
	clock_gettime(CLOCK_REALTIME, &now);
	recall->seed = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15 ^ (uintptr_t)recall;
	recall->drop = drop;
	recall->slots = slots;
	for (unsigned i = 0; i < STRIPES; i++)
		pthread_mutex_init(&recall->lock[i], NULL); /* cannot fail without attributes */
	*out = recall;
	return SINK_OK;
}

static void entry_free(struct recall *recall, struct entry *entry)
{
	if (!entry)
		return;
	recall->drop(entry->value);
	free(entry);
}

void recall_free(struct recall *recall)
{
	if (!recall)
		return;
	for (unsigned i = 0; i < recall->slots; i++)
		entry_free(recall, recall->entry[i]);
	for (unsigned i = 0; i < STRIPES; i++)
		pthread_mutex_destroy(&recall->lock[i]);
	free(recall);
}

/* FNV-1a from a secret start, and a last stir: its upper bits know little of the last octets. */
static unsigned slot_of(const struct recall *recall, struct sink_span key)
{
	uint64_t hash = recall->seed;

	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ key.at[i]) * 0x100000001b3;
	hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9;
	return (unsigned)(hash >> 32) & (recall->slots - 1);
}

void recall_put(struct recall *recall, struct sink_span key, void *value, int64_t until)
{
	unsigned slot = slot_of(recall, key);
	struct entry *entry = malloc(sizeof *entry + key.len), *old;

	if (!entry) {
		recall->drop(value);
		return;
	}
	entry->until = until;
	entry->value = value;
	entry->key_len = key.len;
	memcpy(entry->key, key.at, key.len);
	pthread_mutex_lock(&recall->lock[slot % STRIPES]);
	old = recall->entry[slot];
	recall->entry[slot] = entry;
	pthread_mutex_unlock(&recall->lock[slot % STRIPES]);
	entry_free(recall, old);
}

bool recall_use(struct recall *recall, struct sink_span key, int64_t now, recall_use_fn *use,
	void *arg)
{
	unsigned slot = slot_of(recall, key);
	const struct entry *entry;
	bool found;

	pthread_mutex_lock(&recall->lock[slot % STRIPES]);
	entry = recall->entry[slot];
	found = entry && now < entry->until &&
		sink_span_equal(sink_span(entry->key, entry->key_len), key);
	if (found)
		use(arg, entry->value);
	pthread_mutex_unlock(&recall->lock[slot % STRIPES]);
	return found;
}

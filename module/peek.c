/* peek.c - in the table's lock no entry of it comes or goes (walk.c), and the table does not grow. */
#include "peek.h"

typedef void look_fn(const struct lruhash_bin *bin, struct peek *key);

static void fetch_bin(const struct lruhash_bin *bin, struct peek *key)
{
	(void)key;
	__builtin_prefetch(bin);
}

static void fetch_first(const struct lruhash_bin *bin, struct peek *key)
{
	(void)key;
	if (bin->overflow_list)
		__builtin_prefetch(&bin->overflow_list->overflow_next);
	if (bin->overflow_list)
		__builtin_prefetch(&bin->overflow_list->hash);
}

static void find(const struct lruhash_bin *bin, struct peek *key)
{
	const struct lruhash_entry *entry = bin->overflow_list;

	while (entry && entry->hash != key->hash)
		entry = entry->overflow_next;
	key->there = entry != NULL;
}

static void for_all(struct slabhash *cache, struct peek *keys, size_t count, look_fn *look)
{
	for (size_t i = 0; i < count; i++) {
		struct lruhash *table = slabhash_gettable(cache, keys[i].hash);

		lock_quick_lock(&table->lock);
		look(&table->array[keys[i].hash & (hashvalue_type)table->size_mask], &keys[i]);
		lock_quick_unlock(&table->lock);
	}
}

void peek_all(struct slabhash *cache, struct peek *keys, size_t count)
{
	for_all(cache, keys, count, fetch_bin);
	for_all(cache, keys, count, fetch_first);
	for_all(cache, keys, count, find);
}

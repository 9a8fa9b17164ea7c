/* withdraw.c - a sorted array: lists hold some hundred of them at most. */
#include "withdraw.h"

#include <stdlib.h>

#include "sinkhole/grow.h"

struct withdrawn_item {
	uint8_t *key; /* kind, form, and the name's key */
	size_t len; /* bytes */
};

#define PREFIX 2 /* bytes before the name */
#define ITEM_MAX (PREFIX + SINK_KEY_MAX)

static size_t encode(const struct feed_entry *entry, uint8_t out[ITEM_MAX])
{
	out[0] = (uint8_t)entry->kind;
	out[1] = entry->form;
	memcpy(out + PREFIX, entry->name.key, entry->name.len);
	return PREFIX + (size_t)entry->name.len;
}

static int compare(const void *a, const void *b)
{
	const struct withdrawn_item *x = a, *y = b;
	int order = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

int withdraw_add(struct withdrawn *w, const struct feed_entry *entry)
{
	uint8_t key[ITEM_MAX];
	struct withdrawn_item item = { .len = encode(entry, key) };
	struct withdrawn_item *items;

	items = sink_grow(w->items, w->count, &w->size, sizeof *items);
	if (!items)
		return SINK_ENOMEM;
	w->items = items;
	item.key = malloc(item.len);
	if (!item.key)
		return SINK_ENOMEM;
	memcpy(item.key, key, item.len);
	w->items[w->count++] = item;
	return SINK_OK;
}

void withdraw_cut(struct withdrawn *w, size_t count)
{
	while (w->count > count)
		free(w->items[--w->count].key);
}

void withdraw_sort(struct withdrawn *w)
{
	if (w->count > 0)
		qsort(w->items, w->count, sizeof *w->items, compare);
}

bool withdraw_has(const struct withdrawn *w, const struct feed_entry *entry)
{
	uint8_t key[ITEM_MAX];
	struct withdrawn_item wanted = { .key = key };

	if (w->count == 0)
		return false;
	wanted.len = encode(entry, key);
	return bsearch(&wanted, w->items, w->count, sizeof *w->items, compare) != NULL;
}

void withdraw_end(struct withdrawn *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->items[i].key);
	free(w->items);
	*w = (struct withdrawn){ 0 };
}

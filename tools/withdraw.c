/* withdraw.c - a sorted array: lists hold some hundred of them at most. */
#include "withdraw.h"

#include <stdlib.h>

#include "sinkhole/grow.h"

struct withdrawn_item {
	uint8_t *key; /* see encode() */
	size_t len; /* bytes */
};

#define PREFIX 5 /* bytes before the name */
/* types, except and data, each with its length */
#define ITEM_MAX (PREFIX + SINK_KEY_MAX + 3 * (2 + SINK_BYTES_MAX))

static size_t put_bytes(uint8_t *to, struct sink_span bytes)
{
	to[0] = (uint8_t)(bytes.len >> 8);
	to[1] = (uint8_t)bytes.len;
	if (bytes.len > 0)
		memcpy(to + 2, bytes.at, bytes.len);
	return 2 + bytes.len;
}

/* Kind, form, trigger, scope, hint, the name's key, and what else of the answer the entry says of itself. */
static size_t encode(const struct feed_entry *entry, uint8_t out[ITEM_MAX])
{
	const struct sink_record *says = entry->says ? &entry->says->record : NULL;
	size_t len = PREFIX + (size_t)entry->name.len;

	out[0] = (uint8_t)entry->kind;
	out[1] = entry->form;
	out[2] = (uint8_t)entry->trigger;
	out[3] = (uint8_t)entry->scope;
	out[4] = says ? (uint8_t)says->hint : SINK_HINT_NONE;
	memcpy(out + PREFIX, entry->name.key, entry->name.len);
	if (!says)
		return len;
	len += put_bytes(out + len, says->types);
	len += put_bytes(out + len, says->except);
	return len + put_bytes(out + len, says->data);
}

static int compare(const void *a, const void *b)
{
	const struct withdrawn_item *x = a, *y = b;

	return sink_span_compare(sink_span(x->key, x->len), sink_span(y->key, y->len));
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

	if (w->count == 0 || sink_trigger_is_prefix(entry->trigger))
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

/* config_rows.c - what any mapping may be wrong about. */
#include "config_rows.h"

#include <stdarg.h>
#include <stdio.h>

#include "text.h"

__attribute__((format(printf, 4, 0))) static void tell(struct reading *reading,
	const struct node *node, bool is_error, const char *format, va_list list)
{
	char text[SINK_WHY_MAX];

	vsnprintf(text, sizeof text, format, list);
	/* nothing stands nowhere: its key does */
	if (node->type == NODE_TEXT && node_is_nothing(node) && node->key)
		node = node->key;
	problems_add(&reading->problems, node->line, node->column, is_error, "%s", text);
}

void node_wrong(struct reading *reading, const struct node *node, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	tell(reading, node, true, format, list);
	va_end(list);
}

void node_warn(struct reading *reading, const struct node *node, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	tell(reading, node, false, format, list);
	va_end(list);
}

/* --- values ----------------------------------------------------------------------------------------- */

/* "90 is a number", for a sentence about another type that is wanted. */
static struct shown describe(const struct node *node)
{
	struct shown out;

	if (node->type != NODE_TEXT)
		snprintf(out.text, sizeof out.text, "this is a %s",
			node->type == NODE_LIST ? "list" : "mapping");
	else if (node_is_nothing(node))
		snprintf(out.text, sizeof out.text, "it has no value");
	else if (node_is_number(node))
		snprintf(out.text, sizeof out.text, "%.30s is a number", node->text);
	else
		snprintf(out.text, sizeof out.text, "this is a text");
	return out;
}

static void wrong_shape(struct reading *reading, const struct node *node, const struct key_row *row)
{
	node_wrong(reading, node, "%s: %s, %s is wanted", row->word, describe(node).text,
		row->wanted);
}

/* One text of a key. `own`: the author's key, of KEY_OWN. */
static void read_text(struct reading *reading, const struct node *node, const struct node *own,
	const struct key_row *row, void *into)
{
	bool is_lone = row->shape == KEY_TEXTS && node->key; /* where a list is wanted */
	struct key_value value = {
		.row = row,
		.text = node->text,
		.own = own ? node_text(own) : sink_span(NULL, 0),
		.node = node,
	};
	struct sink_why why = { .text = "" };
	int err;

	if (node->is_refused)
		return;
	if (node->type != NODE_TEXT || node_is_nothing(node)) {
		wrong_shape(reading, node, row);
		return;
	}
	if (node->len == 0) {
		node_wrong(reading, node, "%s is empty, %s is wanted", row->word, row->wanted);
		return;
	}
	err = row->set(into, &value, &why);
	if (err == SINK_ENOMEM)
		reading->problems.no_memory = true;
	else if (err && is_lone && node_is_number(node))
		wrong_shape(reading, node, row);
	else if (err)
		node_wrong(reading, node, "%s", why.text);
}

static void read_texts(struct reading *reading, const struct node *node, const struct key_row *row,
	void *into)
{
	if (node->type == NODE_TEXT) {
		read_text(reading, node, NULL, row, into); /* a list of one */
		return;
	}
	if (node->type != NODE_LIST) {
		wrong_shape(reading, node, row);
		return;
	}
	if (!node->first && !node->is_cut)
		node_wrong(reading, node, "%s: the list is empty, %s is wanted", row->word,
			row->wanted);
	for (const struct node *item = node->first; item; item = item->next)
		read_text(reading, item, NULL, row, into);
}

#define OWN_MAX 64 /* keys of an author's own mapping; no row takes as many */

static void read_own(struct reading *reading, const struct node *node, const struct key_row *row,
	void *into)
{
	size_t count = 0;

	if (node->type != NODE_MAP) {
		wrong_shape(reading, node, row);
		return;
	}
	for (const struct node *item = node->first; item; item = item->next) {
		const struct node *first = node->first;

		if (++count > OWN_MAX) {
			node_wrong(reading, item->key, "%s: more than %d keys", row->word, OWN_MAX);
			return;
		}
		while (!sink_span_equal(node_text(first->key), node_text(item->key)))
			first = first->next;
		if (item->key->is_refused)
			continue;
		if (first != item)
			node_wrong(reading, item->key, "%s: '%s' is here twice, first in line %lu",
				row->word, shown(node_text(item->key)).text, first->key->line);
		else
			read_text(reading, item, item->key, row, into);
	}
}

static void read_maps(struct reading *reading, const struct node *node, const struct key_row *row)
{
	size_t count = 0;

	if (node->type != NODE_LIST) {
		wrong_shape(reading, node, row);
		return;
	}
	for (const struct node *item = node->first; item; item = item->next) {
		if (item->is_refused)
			continue;
		if (++count > ITEMS_MAX) {
			node_wrong(reading, item, "%s: more than %d", row->word, ITEMS_MAX);
			return;
		}
		if (item->type == NODE_MAP)
			row->item(reading, row, item);
		else
			node_wrong(reading, item,
				"%s: %s, a mapping is wanted ('- name: ...' in a line of its own)",
				row->word, describe(item).text);
	}
}

static void read_value(struct reading *reading, const struct node *node, const struct key_row *row,
	void *into)
{
	if (node->is_refused)
		return;
	switch (row->shape) {
	case KEY_TEXT:
		read_text(reading, node, NULL, row, into);
		break;
	case KEY_TEXTS:
		read_texts(reading, node, row, into);
		break;
	case KEY_OWN:
		read_own(reading, node, row, into);
		break;
	case KEY_MAP:
		if (node->type == NODE_MAP)
			rows_read(reading, node, row->keys, (uint8_t *)into + row->at);
		else
			wrong_shape(reading, node, row);
		break;
	case KEY_MAPS:
		read_maps(reading, node, row);
		break;
	}
}

/* --- keys ------------------------------------------------------------------------------------------- */

#define ROWS_MAX 64 /* keys of a mapping */

static void unknown_key(struct reading *reading, const struct node *key, const struct key_row *rows)
{
	const char *near;

	if (problems_full(&reading->problems)) { /* it would not be told */
		reading->problems.errors++;
		reading->problems.more = true;
		return;
	}
	near = key_nearest(rows, node_text(key), KEY_ONLY_CONFIG);
	if (near)
		node_wrong(reading, key, "unknown key '%s' (is '%s' meant?)",
			shown(node_text(key)).text, near);
	else
		node_wrong(reading, key, "unknown key '%s'", shown(node_text(key)).text);
}

static void read_key(struct reading *reading, const struct node *node, const struct key_row *rows,
	const struct node *seen[ROWS_MAX], void *into)
{
	const struct key_row *row = key_find(rows, node_text(node->key));

	if (node->key->is_refused)
		return;
	if (!row || row->where == KEY_ONLY_ARGUMENT) {
		unknown_key(reading, node->key, rows);
		return;
	}
	if (seen[row - rows]) {
		node_wrong(reading, node->key, "'%s' is here twice, first in line %lu", row->word,
			seen[row - rows]->line);
		return;
	}
	seen[row - rows] = node->key;
	read_value(reading, node, row, into);
}

void rows_read(struct reading *reading, const struct node *map, const struct key_row *rows,
	void *into)
{
	const struct node *seen[ROWS_MAX] = { NULL };

	for (const struct node *node = map->first; node; node = node->next)
		read_key(reading, node, rows, seen, into);
	for (const struct key_row *row = rows; row->word; row++)
		if (row->is_required && !seen[row - rows] && !map->is_cut)
			node_wrong(reading, map, "'%s' is missing: %s is wanted", row->word,
				row->wanted);
}

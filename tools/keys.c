/* keys.c - what rows of keys have in common. */
#include "keys.h"

#include <stdlib.h>

#include "nearest.h"
#include "quantity.h"
#include "sinkhole/record.h"
#include "text.h"
#include "utf8.h"

const struct key_row *key_find(const struct key_row *rows, struct sink_span word)
{
	for (; rows->word; rows++)
		if (text_is(word, rows->word))
			return rows;
	return NULL;
}

const char *key_nearest(const struct key_row *rows, struct sink_span word)
{
	struct nearest nearest = nearest_begin(word);

	for (; rows->word; rows++)
		nearest_try(&nearest, rows->word);
	return nearest.word;
}

int key_refuse(const struct key_value *value, struct sink_why *why)
{
	return sink_why(why, SINK_ESYNTAX, "%s cannot be '%.100s': %s", value->row->word,
		value->text, value->row->wanted);
}

bool key_is_printable(const char *text)
{
	struct sink_span span = sink_span_text(text);

	for (size_t i = 0; i < span.len; i++)
		if (span.at[i] < 0x20 || span.at[i] == 0x7f)
			return false;
	return span.len > 0 && span.len <= SINK_STRING_MAX && utf8_is_valid(span);
}

int key_set_string(void *into, const struct key_value *value, struct sink_why *why)
{
	char **out = (char **)((uint8_t *)into + value->row->at);
	char *copy;

	if (!key_is_printable(value->text))
		return sink_why(why, SINK_ESYNTAX, "%s: more than %d bytes, or not printable",
			value->row->word, SINK_STRING_MAX);
	copy = strdup(value->text);
	if (!copy)
		return SINK_ENOMEM;
	free(*out);
	*out = copy;
	return SINK_OK;
}

int key_set_percent(void *into, const struct key_value *value, struct sink_why *why)
{
	double *out = (double *)(void *)((uint8_t *)into + value->row->at);

	return quantity_percent(value->text, out) ? SINK_OK : key_refuse(value, why);
}

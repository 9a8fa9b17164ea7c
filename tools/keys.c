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

/* The same thing by the word that it has there: "source" on the command line is "name" in the file. */
static const char *other_word(const struct key_row *rows, const struct key_row *row)
{
	for (; rows->word; rows++)
		if (rows != row && rows->set == row->set)
			return rows->word;
	return NULL;
}

const char *key_nearest(const struct key_row *rows, struct sink_span word, enum key_where where)
{
	struct nearest nearest = nearest_begin(word);
	const struct key_row *row = key_find(rows, word);

	if (row)
		return other_word(rows, row);
	for (row = rows; row->word; row++)
		if (row->where == KEY_ANYWHERE || row->where == where)
			nearest_try(&nearest, row->word);
	return nearest.word;
}

int key_refuse(const struct key_value *value, struct sink_why *why)
{
	return sink_why(why, SINK_ESYNTAX, "%s cannot be '%.100s': %s", value->row->word,
		value->text, value->row->wanted);
}

/* Those of ASCII, and U+0080 to U+009F. */
static bool is_control(const uint8_t *at, size_t len)
{
	return at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && len > 1 && at[1] < 0xa0);
}

int key_check_length(const struct key_value *value, size_t most, struct sink_why *why)
{
	struct sink_span text = sink_span_text(value->text);
	const char *word = value->row->word;

	if (text.len > most)
		return sink_why(why, SINK_ESYNTAX, "%s: longer than %zu bytes", word, most);
	for (size_t i = 0; i < text.len; i++)
		if (is_control(text.at + i, text.len - i))
			return sink_why(why, SINK_ESYNTAX,
				"%s: a tab, line end or control character in it", word);
	if (!utf8_is_valid(text))
		return sink_why(why, SINK_ESYNTAX, "%s: not UTF-8", word);
	return SINK_OK;
}

int key_check_text(const struct key_value *value, struct sink_why *why)
{
	return key_check_length(value, SINK_STRING_MAX, why);
}

int key_set_string(void *into, const struct key_value *value, struct sink_why *why)
{
	char **out = (char **)((uint8_t *)into + value->row->at);
	char *copy;
	int err = key_check_text(value, why);

	if (err)
		return err;
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

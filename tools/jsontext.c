/* jsontext.c - text out of parsed JSON. */
#include "jsontext.h"

#include <stdlib.h>

#include "text.h"
#include "utf8.h"

#define TAG_MAX 200 /* bytes of one; longer ones are cut */

struct sink_span json_string_span(const json_t *value)
{
	return json_is_string(value)
		? sink_span(json_string_value(value), json_string_length(value))
		: sink_span(NULL, 0);
}

struct sink_span json_sample(struct sink_span sample)
{
	while (sample.len > 0 &&
		(text_is_space(sample.at[0]) || sample.at[0] == '\n' || sample.at[0] == '\r'))
		sample = text_after(sample, 1);
	return sample;
}

bool json_truth(const json_t *value)
{
	struct sink_span text = json_string_span(value);

	return json_is_true(value) || (json_is_integer(value) && json_integer_value(value) == 1) ||
		text_is(text, "1") || text_is_anycase(text, "true");
}

void json_skip(const struct feed_out *out, enum feed_reason reason, struct sink_span detail,
	const json_t *value)
{
	const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
	char *text = json_is_string(value) || !value ? NULL : json_dumps(value, flags);

	feed_skip_detail(out, reason, detail,
		text ? sink_span_text(text) : json_string_span(value));
	free(text);
}

static json_t *member(json_t *from, struct sink_span name)
{
	return name.len > 0 ? json_object_getn(from, (const char *)name.at, name.len) : NULL;
}

int json_each(json_t *from, struct sink_span path, int (*found)(void *arg, json_t *value),
	void *arg)
{
	json_t *whole = member(from, path), *value;
	struct sink_span piece;
	int err = SINK_OK;

	if (path.len == 0 || whole)
		return found(arg, whole ? whole : from);
	piece = text_cut(&path, '.');
	if (!text_is(piece, "[]")) {
		value = member(from, piece);
		return value ? json_each(value, path, found, arg) : SINK_OK;
	}
	for (size_t i = 0; i < json_array_size(from) && !err; i++)
		err = json_each(json_array_get(from, i), path, found, arg);
	return err;
}

/* How much of it are whole characters of UTF-8, up to `max` bytes. */
static size_t whole_length(struct sink_span text, size_t max)
{
	size_t len = 0, n;
	uint32_t c;

	while (len < text.len) {
		n = utf8_take(text_after(text, len), &c);
		if (n == 0 || len + n > max)
			break;
		len += n;
	}
	return len;
}

/* Copy what can be kept of it; out has room for max + 1 bytes. Returns its length. */
static size_t clean(struct sink_span text, char *out, size_t max)
{
	size_t len;

	while (text.len > 0 && text.at[0] <= ' ')
		text = text_after(text, 1);
	len = whole_length(text, max);
	for (size_t i = 0; i < len; i++)
		out[i] = text.at[i] < 0x20 || text.at[i] == 0x7f ? ' ' : (char)text.at[i];
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[len] = 0;
	return len;
}

bool attributes_say(struct attributes *a, const char *key, struct sink_span text)
{
	char value[SINK_STRING_MAX];

	return clean(text, value, sizeof value - 1) > 0 &&
		attributes_set(a, sink_span_text(key), value, NULL) == SINK_OK;
}

static bool has_tag(const struct attributes *a, struct sink_span tag)
{
	struct sink_span rest = a->record.text[SINK_FIELD_TAG];

	while (rest.len > 0)
		if (sink_span_equal(text_cut(&rest, ','), tag))
			return true;
	return false;
}

void attributes_say_tag(struct attributes *a, struct sink_span text)
{
	char value[TAG_MAX + 1];
	size_t len = clean(text, value, TAG_MAX);

	for (size_t i = 0; i < len; i++)
		if (value[i] == ',')
			value[i] = ' ';
	if (len > 0 && !has_tag(a, sink_span(value, len)))
		attributes_set(a, sink_span_text("tag"), value, NULL);
}

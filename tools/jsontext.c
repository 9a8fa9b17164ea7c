/* jsontext.c - text out of parsed JSON. */
#include "jsontext.h"

#include <stdlib.h>

#include "text.h"

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

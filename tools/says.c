/* says.c - from a feed's values to attributes. */
#include "says.h"

#include <stdio.h>

#include "text.h"
#include "utf8.h"
#include "when.h"

/* A copy without control characters, of at most `max` bytes. False if it is not UTF-8. */
static bool clean(struct sink_span value, size_t max, char out[SINK_STRING_MAX + 1])
{
	size_t len = 0;
	uint32_t c;

	value = text_trim(value);
	while (value.len > 0) {
		size_t n = utf8_take(value, &c);

		if (n == 0)
			return false;
		if (len + n > max)
			break;
		memcpy(out + len, value.at, n);
		if (c < 0x20 || c == 0x7f)
			out[len] = ' ';
		len += n;
		value = text_after(value, n);
	}
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[len] = 0;
	return true;
}

/* What is left of a field that adds up. */
static size_t room_of(const struct attributes *says, enum sink_field field)
{
	size_t had = says->record.text[field].len;

	return had > 0 ? SINK_STRING_MAX - had - 1 : SINK_STRING_MAX - 1;
}

static bool set_list(struct attributes *says, struct sink_span key, enum sink_field field,
	struct sink_span values)
{
	char text[SINK_STRING_MAX + 1];
	bool all = true;

	while (values.len > 0) {
		struct sink_span value = text_trim(text_cut(&values, ','));

		if (value.len == 0)
			continue;
		all = value.len <= room_of(says, field) && clean(value, SINK_STRING_MAX, text) &&
			(!*text || attributes_set(says, key, text, NULL) == SINK_OK) && all;
	}
	return all;
}

bool says_set(struct attributes *says, struct sink_span key, struct sink_span value)
{
	char text[SINK_STRING_MAX + 1];
	struct sink_record before;

	if (text_is(key, "tag"))
		return set_list(says, key, SINK_FIELD_TAG, value);
	if (text_is(key, "jurisdiction"))
		return set_list(says, key, SINK_FIELD_JURISDICTION, value);
	if (!clean(value, SINK_STRING_MAX - 1, text))
		return false;
	if (!*text)
		return true;
	before = says->record; /* a value that is refused may have been written */
	if (attributes_set(says, key, text, NULL) == SINK_OK)
		return true;
	says->record = before;
	return false;
}

bool says_tag(struct attributes *says, const char *word, struct sink_span value)
{
	char text[SINK_STRING_MAX + 1], tag[SINK_STRING_MAX + 64];

	if (!clean(value, 128, text))
		return false;
	if (!*text)
		return true;
	for (char *c = text; *c; c++)
		if (*c == ',')
			*c = ' ';
	snprintf(tag, sizeof tag, "%s:%s", word, text);
	return set_list(says, sink_span_text("tag"), SINK_FIELD_TAG, sink_span_text(tag));
}

static bool has_tag(const struct attributes *says, const char *tag)
{
	struct sink_span rest = says->record.text[SINK_FIELD_TAG];

	while (rest.len > 0)
		if (text_is(text_cut(&rest, ','), tag))
			return true;
	return false;
}

bool says_plain_tag(struct attributes *says, struct sink_span tag)
{
	char text[SINK_STRING_MAX + 1];

	if (!clean(tag, 200, text))
		return false;
	for (char *c = text; *c; c++)
		if (*c == ',')
			*c = ' ';
	return has_tag(says, text) ||
		set_list(says, sink_span_text("tag"), SINK_FIELD_TAG, sink_span_text(text));
}

bool says_first_seen(struct attributes *says, struct sink_span time)
{
	char text[SINK_STRING_MAX + 1];
	int64_t when;

	if (!clean(time, 32, text))
		return false;
	if (!*text)
		return true;
	if (!when_parse(text, &when) || text[0] == '@')
		return false;
	return says_tag(says, "first-seen", sink_span(text, strlen("2026-11-21")));
}

/* structured.c - I-JSON by libjansson, which keeps the order of members. */
#include "structured.h"

#include <jansson.h>

#include "utf8.h"

bool structured_is_text(struct sink_span text)
{
	uint32_t c;

	while (text.len > 0) {
		size_t n = utf8_take(text, &c);

		/* noncharacters; surrogates are no UTF-8 */
		if (n == 0 || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef))
			return false;
		text = sink_span(text.at + n, text.len - n);
	}
	return true;
}

static void set(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

char *structured_text(const struct structured *error, enum sink_error_size size)
{
	json_t *object = json_object(), *contact = json_array();
	char *text;

	for (size_t i = 0; i < error->contacts; i++)
		json_array_append_new(contact, json_string(error->contact[i]));
	json_object_set_new(object, "c", contact);
	if (size < SINK_ERROR_NO_JUSTIFICATION)
		set(object, "j", error->justification);
	if (error->sub_error != STRUCTURED_NONE)
		json_object_set_new(object, "s", json_integer(error->sub_error));
	if (size < SINK_ERROR_NO_ORGANIZATION)
		set(object, "o", error->organization);
	set(object, "l", error->language);
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

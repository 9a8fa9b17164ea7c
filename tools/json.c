/* json.c - JSON, by libjansson. A NULL on the way (no memory) makes the whole NULL in the end. */
#include "json.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "paused.h"
#include "qtype.h"
#include "rdata.h"
#include "say.h"
#include "signedby.h"
#include "utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

json_t *json_text(struct sink_span text)
{
	char *valid = malloc(3 * text.len + 1);
	size_t len = 0;
	json_t *out;
	uint32_t c;

	if (!valid)
		return NULL;
	while (text.len > 0) {
		size_t n = utf8_take(text, &c);

		memcpy(valid + len, n > 0 ? (const void *)text.at : REPLACEMENT, n > 0 ? n : 3);
		len += n > 0 ? n : 3;
		n += n == 0;
		text = sink_span(text.at + n, text.len - n);
	}
	out = json_stringn(valid, len);
	free(valid);
	return out;
}

json_t *json_moment(int64_t time)
{
	return json_string(moment(time).text);
}

static json_t *types_json(struct sink_span types)
{
	bool is_exclusive = types.at[0] == 1;
	json_t *out = json_array();
	uint16_t type;

	types = sink_span(types.at + 1, types.len - 1);
	while (sink_types_next(&types, &type))
		json_array_append_new(out, json_string(qtype_text(type).text));
	return is_exclusive ? json_pack("{s:o}", "not", out) : out;
}

static json_t *except_json(struct sink_span except)
{
	json_t *out = json_array();
	char text[SINK_TEXT_MAX];
	struct sink_name name;
	struct sink_span key;

	while (sink_except_next(&except, &key))
		if (sink_name_from_key(key, &name) == SINK_OK)
			json_array_append_new(out, json_string(sink_name_to_text(&name, text)));
	return out;
}

static json_t *data_json(struct sink_span data)
{
	json_t *out = json_array();
	struct sink_data item;

	while (sink_data_next(&data, &item)) {
		char *text = rdata_text(item.type, item.rdata);

		json_array_append_new(out,
			text ? json_pack("{s:s,s:I,s:s}", "type", qtype_text(item.type).text, "ttl",
				       (json_int_t)item.ttl, "data", text)
			     : NULL);
		free(text);
	}
	return out;
}

/* What an entry says beside the keys that users set. */
static void add_lists(json_t *out, const struct sink_record *record)
{
	if (record->hint != SINK_HINT_NONE)
		json_object_set_new(out, "hint", json_string(sink_hint_word(record->hint)));
	if (record->types.len > 0)
		json_object_set_new(out, "types", types_json(record->types));
	if (record->except.len > 0)
		json_object_set_new(out, "except", except_json(record->except));
	if (record->data.len > 0)
		json_object_set_new(out, "data", data_json(record->data));
}

json_t *json_record(const struct sink_record *record)
{
	json_t *out = json_object();

	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		if (record->text[f].len > 0)
			json_object_set_new(out, sink_field_word((enum sink_field)f),
				json_text(record->text[f]));
	json_object_set_new(out, "kind", json_string(sink_kind_word(record->kind)));
	if (record->severity != SINK_SEVERITY_NONE)
		json_object_set_new(out, "severity",
			json_string(sink_severity_word(record->severity)));
	if (record->confidence != SINK_CONFIDENCE_NONE)
		json_object_set_new(out, "confidence", json_integer(record->confidence));
	if (record->tlp != SINK_TLP_NONE)
		json_object_set_new(out, "tlp", json_string(sink_tlp_word(record->tlp)));
	if (record->valid_from != 0)
		json_object_set_new(out, "valid-from", json_moment(record->valid_from));
	if (record->valid_until != 0)
		json_object_set_new(out, "valid-until", json_moment(record->valid_until));
	add_lists(out, record);
	return out;
}

json_t *json_digest(const uint8_t digest[SINK_DIGEST_LEN])
{
	char text[2 * SINK_DIGEST_LEN + 1];

	for (size_t i = 0; i < SINK_DIGEST_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return json_string(text);
}

static json_t *address_json(int family, const uint8_t *address)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, address, text, sizeof text);
	return json_pack("{s:s,s:s}", "type", family == AF_INET ? "A" : "AAAA", "address", text);
}

json_t *json_addresses(const struct sink_form *form)
{
	json_t *out = json_array();

	for (uint8_t i = 0; i < form->a_count; i++)
		json_array_append_new(out, address_json(AF_INET, form->a[i]));
	for (uint8_t i = 0; i < form->aaaa_count; i++)
		json_array_append_new(out, address_json(AF_INET6, form->aaaa[i]));
	return out;
}

/* Files that there need not be. */
static void add_files(json_t *out, const struct sink_manifest *m)
{
	if (m->delta[0])
		json_object_update_new(out,
			json_pack("{s:o,s:I,s:o}", "delta", json_text(sink_span_text(m->delta)),
				"delta-size", (json_int_t)m->delta_size, "delta-sha256",
				json_digest(m->delta_digest)));
	if (m->changes[0])
		json_object_update_new(out,
			json_pack("{s:o,s:I,s:o}", "changes", json_text(sink_span_text(m->changes)),
				"changes-size", (json_int_t)m->changes_size, "changes-sha256",
				json_digest(m->changes_digest)));
}

void json_add_read(json_t *to, const struct sink_manifest *m)
{
	if (m->read == 0)
		return;
	json_object_set_new(to, "read", json_string(instant(m->read).text));
	json_object_set_new(to, "read-to-published",
		json_integer((json_int_t)read_to_published(m)));
}

json_t *json_manifest(const struct sink_manifest *m, bool is_published)
{
	json_t *out = json_pack("{s:I,s:o,s:b,s:I,s:I,s:o,s:o,s:o,s:o,s:I,s:o,s:o,s:I,s:o}",
		"serial", (json_int_t)m->serial, "time", json_moment(m->time), "published",
		is_published, "names", (json_int_t)m->names, "listings", (json_int_t)m->listings,
		"origin", json_text(sink_span_text(m->origin)), "reason",
		json_text(sink_span_text(m->reason)), "tool", json_text(sink_span_text(m->tool)),
		"base", json_text(sink_span_text(m->base)), "base-size", (json_int_t)m->base_size,
		"base-sha256", json_digest(m->base_digest), "policy",
		json_text(sink_span_text(m->policy)), "policy-size", (json_int_t)m->policy_size,
		"policy-sha256", json_digest(m->policy_digest));

	json_add_read(out, m);
	add_files(out, m);
	if (m->paused_until != 0)
		json_object_set_new(out, "paused", paused_json(m));
	if (m->expires != 0)
		json_object_set_new(out, "expires", json_moment(m->expires));
	if (m->signatures_count > 0)
		json_object_set_new(out, "signed-by", signedby_json(m));
	return out;
}

bool json_print(FILE *to, json_t *value, bool compact)
{
	int failed = !value || json_dumpf(value, to, compact ? JSON_COMPACT : JSON_INDENT(2));

	json_decref(value);
	return !failed && fputc('\n', to) != EOF;
}

/* attributes.c - one row a key that is no plain text; the text fields are rows in the library. */
#include "attributes.h"

#include "text.h"
#include "utf8.h"
#include "when.h"

/* Its text points into its own text[]. */
static void put_text_field(struct attributes *a, enum sink_field field, struct sink_span value)
{
	if (value.len > 0)
		memcpy(a->text[field], value.at, value.len);
	a->text[field][value.len] = 0;
	a->record.text[field] = sink_span(a->text[field], value.len);
}

static bool is_list(enum sink_field field)
{
	return field == SINK_FIELD_JURISDICTION || field == SINK_FIELD_TAG;
}

static void put_both(struct attributes *a, enum sink_field field, struct sink_span base,
	struct sink_span says)
{
	char text[SINK_STRING_MAX];

	if (says.len == 0)
		says = base;
	else if (base.len > 0 && is_list(field) && base.len + 1 + says.len <= sizeof text) {
		memcpy(text, base.at, base.len);
		text[base.len] = ',';
		memcpy(text + base.len + 1, says.at, says.len);
		says = sink_span(text, base.len + 1 + says.len);
	}
	put_text_field(a, field, says);
}

void attributes_over(const struct attributes *base, const struct attributes *says,
	struct attributes *out)
{
	static const struct attributes nothing = { .record.confidence = SINK_CONFIDENCE_NONE };
	const struct sink_record *b = &base->record, *s = says ? &says->record : &nothing.record;

	out->record = *b;
	out->allow = base->allow;
	out->has_scope = base->has_scope;
	out->scope = base->scope;
	if (s->severity != SINK_SEVERITY_NONE)
		out->record.severity = s->severity;
	if (s->confidence != SINK_CONFIDENCE_NONE)
		out->record.confidence = s->confidence;
	if (s->tlp != SINK_TLP_NONE)
		out->record.tlp = s->tlp;
	if (s->valid_from)
		out->record.valid_from = s->valid_from;
	if (s->valid_until)
		out->record.valid_until = s->valid_until;
	if (s->hint != SINK_HINT_NONE)
		out->record.hint = s->hint;
	if (s->types.len > 0)
		out->record.types = s->types;
	if (s->except.len > 0)
		out->record.except = s->except;
	if (s->data.len > 0)
		out->record.data = s->data;
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		put_both(out, (enum sink_field)f, b->text[f], s->text[f]);
}

void attributes_init(struct attributes *a)
{
	memset(a, 0, sizeof *a);
	a->record.confidence = SINK_CONFIDENCE_NONE;
}

static bool set_severity(struct attributes *a, const char *value)
{
	for (int i = SINK_SEVERITY_LOW; i < SINK_SEVERITY_COUNT; i++)
		if (strcmp(value, sink_severity_word((enum sink_severity)i)) == 0) {
			a->record.severity = (enum sink_severity)i;
			return true;
		}
	return false;
}

static bool set_tlp(struct attributes *a, const char *value)
{
	for (int i = SINK_TLP_CLEAR; i < SINK_TLP_COUNT; i++)
		if (strcmp(value, sink_tlp_word((enum sink_tlp)i)) == 0) {
			a->record.tlp = (enum sink_tlp)i;
			return true;
		}
	return false;
}

static bool set_scope(struct attributes *a, const char *value)
{
	for (int i = 0; i < SINK_SCOPE_COUNT; i++)
		if (strcmp(value, sink_scope_word((enum sink_scope)i)) == 0) {
			a->scope = (enum sink_scope)i;
			a->has_scope = true;
			return true;
		}
	return false;
}

static bool set_confidence(struct attributes *a, const char *value)
{
	int n = 0;

	if (!*value || strlen(value) > 3)
		return false;
	for (; *value; value++) {
		if (!text_is_digit((uint8_t)*value))
			return false;
		n = n * 10 + (*value - '0');
	}
	if (n > 100)
		return false;
	a->record.confidence = (uint8_t)n;
	return true;
}

static bool set_valid_from(struct attributes *a, const char *value)
{
	return when_parse(value, &a->record.valid_from);
}

static bool set_valid_until(struct attributes *a, const char *value)
{
	int64_t until;

	if (!when_parse(value, &until) || until == 0) /* which would mean for ever */
		return false;
	a->record.valid_until = until;
	return true;
}

static bool set_action(struct attributes *a, const char *value)
{
	a->allow = strcmp(value, "pass") == 0;
	return a->allow || strcmp(value, "block") == 0;
}

static const struct {
	const char *key;
	bool (*set)(struct attributes *a, const char *value);
	const char *values; /* what it can be, for the message */
} rows[] = {
	{ "severity", set_severity, "low, medium, high or critical" },
	{ "confidence", set_confidence, "0 to 100" },
	{ "tlp", set_tlp, "clear, green, amber, amber+strict or red" },
	{ "scope", set_scope, "exact, subtree or below" },
	{ "valid-from", set_valid_from, "a time such as 2026-11-21T12:00:00Z" },
	{ "valid-until", set_valid_until, "a time such as 2026-11-21T12:00:00Z" },
	{ "action", set_action, "pass or block" },
};

#define ROWS (sizeof rows / sizeof rows[0])

const char *attributes_key(size_t place)
{
	if (place < ROWS)
		return rows[place].key;
	place -= ROWS;
	return place < SINK_FIELD_COUNT ? sink_field_word((enum sink_field)place) : NULL;
}

/* Two capital letters each: ISO 3166-1 alpha-2. */
static bool is_jurisdiction(const char *value)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++)
		if (i % 3 == 2 ? value[i] != ',' : value[i] < 'A' || value[i] > 'Z')
			return false;
	return len % 3 == 2;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((uint8_t)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static int set_text(struct attributes *a, enum sink_field field, const char *value,
	struct sink_why *why)
{
	const char *key = sink_field_word(field);
	char *text = a->text[field];
	size_t had = is_list(field) ? strlen(text) : 0, len = strlen(value);

	if (!*value)
		return sink_why(why, SINK_ESYNTAX, "%s= needs a value", key);
	if (!utf8_is_valid(sink_span_text(value)) || has_control(value))
		return sink_why(why, SINK_ESYNTAX, "%s: not printable UTF-8", key);
	if (field == SINK_FIELD_JURISDICTION && !is_jurisdiction(value))
		return sink_why(why, SINK_ESYNTAX,
			"jurisdiction '%s': not country codes such as FR", value);
	if (had + 1 + len > SINK_STRING_MAX)
		return sink_why(why, SINK_ESYNTAX, "%s: longer than %d bytes", key,
			SINK_STRING_MAX);
	if (had > 0)
		text[had++] = ',';
	memcpy(text + had, value, len + 1);
	a->record.text[field] = sink_span(text, had + len);
	return SINK_OK;
}

int attributes_set(struct attributes *a, struct sink_span key, const char *value,
	struct sink_why *why)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (!text_is(key, rows[i].key))
			continue;
		if (rows[i].set(a, value))
			return SINK_OK;
		return sink_why(why, SINK_ESYNTAX, "%s cannot be '%s': %s", rows[i].key, value,
			rows[i].values);
	}
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		if (text_is(key, sink_field_word((enum sink_field)f)))
			return set_text(a, (enum sink_field)f, value, why);
	return sink_why(why, SINK_ESYNTAX, "unknown key '%.*s' (a comma in a path or value is \\,)",
		(int)(key.len < 100 ? key.len : 100), (const char *)key.at);
}

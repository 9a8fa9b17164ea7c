/* sourcekeys.c - one row a key, and how each is set. */
#include "sourcekeys.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "feedurl.h"
#include "nearest.h"
#include "quantity.h"
#include "table.h"
#include "text.h"

#define MINUTE 60
#define DAY (INT64_C(24) * 3600)
#define YEAR (366 * DAY)

/* --- one text ---------------------------------------------------------------------------------------- */

static int set_attribute(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;

	return attributes_set(&source->attributes, sink_span_text(value->row->word), value->text,
		why);
}

static int set_name(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;
	struct sink_why reason;
	int err;

	if (strcmp(value->text, SINK_SOURCE_ALLOW) == 0)
		return sink_why(why, SINK_ESYNTAX, "%s: '%s' is what 'sinkhole allow' lists",
			value->row->word, value->text);
	err = attributes_set(&source->attributes, sink_span_text("source"), value->text, &reason);

	if (!err)
		return SINK_OK;
	return sink_why(why, err, "%s%s", value->row->word,
		reason.text + strcspn(reason.text, ":="));
}

static int set_path(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;

	if (strcmp(value->text, "-") == 0)
		return sink_why(why, SINK_ESYNTAX, "path: standard input is for the command line");
	return source->path ? SINK_OK : key_set_string(into, value, why);
}

static int set_url(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;
	int err = feedurl_check(value->text, why);

	if (err)
		return err;
	if (source->fetch == FETCH_NONE)
		source->fetch = FETCH_URL;
	return key_set_string(into, value, why);
}

/* A shell reads it: it may have several lines. */
static int set_command(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;

	if (strlen(value->text) > SINK_STRING_MAX)
		return sink_why(why, SINK_ESYNTAX, "command: longer than %d bytes",
			SINK_STRING_MAX);
	free(source->command);
	source->command = strdup(value->text);
	return source->command ? SINK_OK : SINK_ENOMEM;
}

static int set_format(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;
	struct nearest nearest = nearest_begin(sink_span_text(value->text));

	source->format = feed_format_find(sink_span_text(value->text));
	if (source->format)
		return SINK_OK;
	for (size_t i = 0; feed_formats[i]; i++)
		nearest_try(&nearest, feed_formats[i]->word);
	if (nearest.word)
		return sink_why(why, SINK_ESYNTAX, "unknown format '%.60s' (is '%s' meant?)",
			value->text, nearest.word);
	return sink_why(why, SINK_ESYNTAX,
		"unknown format '%.60s' ('sinkhole help compile' lists them)", value->text);
}

static int set_allow(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;
	bool is_true = strcmp(value->text, "true") == 0 || strcmp(value->text, "yes") == 0;

	if (!is_true && strcmp(value->text, "false") != 0 && strcmp(value->text, "no") != 0)
		return key_refuse(value, why);
	source->attributes.allow = is_true;
	return SINK_OK;
}

static int set_fetch(void *into, const struct key_value *value, struct sink_why *why)
{
	static const struct {
		const char *word;
		enum fetch_kind kind;
	} kinds[] = { { "url", FETCH_URL }, { "taxii", FETCH_TAXII }, { "misp", FETCH_MISP } };
	struct source *source = into;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(value->text, kinds[i].word) == 0) {
			source->fetch = kinds[i].kind;
			return SINK_OK;
		}
	return key_refuse(value, why);
}

/* --- amounts ----------------------------------------------------------------------------------------- */

/* range    least and most in words, for the message */
static int set_duration(int64_t *out, int64_t least, int64_t most, const char *range,
	const struct key_value *value, struct sink_why *why)
{
	int64_t seconds;

	if (!quantity_seconds(value->text, &seconds))
		return key_refuse(value, why);
	if (seconds < least || seconds > most)
		return sink_why(why, SINK_ESYNTAX, "%s: %s is out of range (%s)", value->row->word,
			value->text, range);
	*out = seconds;
	return SINK_OK;
}

static int set_refresh(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;

	return set_duration(&source->refresh, MINUTE, YEAR, "1m to 366d", value, why);
}

static int set_valid_for(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;

	return set_duration(&source->valid_for, 1, 100 * YEAR, "1s to 36600d", value, why);
}

static int set_bytes(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;
	uint64_t n;

	if (!quantity_bytes(value->text, &n) || n == 0)
		return key_refuse(value, why);
	source->limits.bytes = n;
	return SINK_OK;
}

/* One of the counts of limits. */
static int set_count(void *into, const struct key_value *value, struct sink_why *why)
{
	uint64_t *out = (uint64_t *)(void *)((uint8_t *)into + value->row->at), n;

	if (!quantity_count(value->text, &n) || n == 0)
		return key_refuse(value, why);
	*out = n;
	return SINK_OK;
}

static int set_time(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;
	int64_t seconds = 0;
	int err = set_duration(&seconds, 1, DAY, "1s to 24h", value, why);

	if (!err)
		source->limits.seconds = (unsigned)seconds;
	return err;
}

/* --- how a table is read ------------------------------------------------------------------------------ */

/* All keys of an entry but its source, which the one who gives the feed must not choose. */
static const char *const field_keys[] = { "name", "prefix", "category", "severity", "confidence",
	"actor", "campaign", "tlp", "legal-basis", "reference", "jurisdiction", "valid-from",
	"valid-until", "scope", "action", "tag", NULL };

static int unknown_field(const struct key_value *value, struct sink_why *why)
{
	struct nearest nearest = nearest_begin(value->own);
	size_t len = value->own.len < 60 ? value->own.len : 60;

	for (size_t i = 0; field_keys[i]; i++)
		nearest_try(&nearest, field_keys[i]);
	if (nearest.word)
		return sink_why(why, SINK_ESYNTAX, "%s: unknown key '%.*s' (is '%s' meant?)",
			value->row->word, (int)len, (const char *)value->own.at, nearest.word);
	return sink_why(why, SINK_ESYNTAX,
		"%s: unknown key '%.*s': name, prefix, or a key of an entry such as reference",
		value->row->word, (int)len, (const char *)value->own.at);
}

/* Where a key is taken from; said again, it replaces. */
static struct feed_field *find_field(struct feed_options *options, const char *key)
{
	for (size_t i = 0; i < options->fields_count; i++)
		if (strcmp(options->fields[i].key, key) == 0)
			return &options->fields[i];
	if (options->fields_count == FEED_FIELDS_MAX)
		return NULL;
	return &options->fields[options->fields_count++];
}

static int set_field(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;
	struct feed_field *field;
	size_t i = 0;

	while (field_keys[i] && !text_is(value->own, field_keys[i]))
		i++;
	if (!field_keys[i])
		return unknown_field(value, why);
	if (key_check_length(value, sizeof field->from - 1, why))
		return SINK_ESYNTAX;
	field = find_field(&source->options, field_keys[i]);
	if (!field)
		return sink_why(why, SINK_ESYNTAX, "%s: more than %d keys", value->row->word,
			FEED_FIELDS_MAX);
	source->has_fields |= strcmp(value->row->word, "fields") == 0;
	source->has_columns |= strcmp(value->row->word, "columns") == 0;
	snprintf(field->key, sizeof field->key, "%s", field_keys[i]);
	snprintf(field->from, sizeof field->from, "%s", value->text);
	return SINK_OK;
}

/* A number is a column's, from 1; anything else its heading. */
static int set_column(void *into, const struct key_value *value, struct sink_why *why)
{
	uint64_t n;

	if (quantity_count(value->text, &n) && (n == 0 || n > TABLE_COLUMNS_MAX))
		return sink_why(why, SINK_ESYNTAX,
			"%s: no column is '%.20s': they are counted from 1 to %d, or named by "
			"their "
			"headings",
			value->row->word, value->text, TABLE_COLUMNS_MAX);
	return set_field(into, value, why);
}

static int set_items(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;

	if (key_check_length(value, sizeof source->options.items - 1, why))
		return SINK_ESYNTAX;
	snprintf(source->options.items, sizeof source->options.items, "%s", value->text);
	return SINK_OK;
}

static int set_separator(void *into, const struct key_value *value, struct sink_why *why)
{
	struct source *source = into;
	char c = strcmp(value->text, "tab") == 0 ? '\t' : value->text[0];
	bool is_one = c == '\t' || (value->text[1] == 0 && c > 0x20 && c < 0x7f);

	if (!is_one || c == '"' || text_is_digit((uint8_t)c) ||
		(text_lower((uint8_t)c) >= 'a' && text_lower((uint8_t)c) <= 'z'))
		return key_refuse(value, why);
	source->options.separator = c;
	return SINK_OK;
}

/* --- the rows ----------------------------------------------------------------------------------------- */

static const struct key_row limit_keys[] = {
	{ "bytes", "a size such as 500M", "what it may be, decompressed", KEY_TEXT,
		.set = set_bytes },
	{ "lines", "a number from 1", "how many lines it may have", KEY_TEXT, .set = set_count,
		.at = offsetof(struct source, limits.lines) },
	{ "entries", "a number from 1", "how many entries it may give", KEY_TEXT, .set = set_count,
		.at = offsetof(struct source, limits.entries) },
	{ "time", "a duration such as 30s", "how long fetching it may take", KEY_TEXT,
		.set = set_time },
	{ 0 },
};

const struct key_row source_keys[] = {
	{ "name", KEY_WANTS_TEXT, "every entry carries it", KEY_TEXT, KEY_ONLY_CONFIG,
		.is_required = true, .set = set_name },
	{ "source", KEY_WANTS_TEXT, "the same, on the command line", KEY_TEXT, KEY_ONLY_ARGUMENT,
		.set = set_name },
	{ "path", "a path, or a list of paths", "files, or directories of files", KEY_TEXTS,
		KEY_ONLY_CONFIG, .set = set_path, .at = offsetof(struct source, path) },
	{ "url", "a URL, https:// or file://", "where it is fetched from", KEY_TEXT,
		KEY_ONLY_CONFIG, .set = set_url, .at = offsetof(struct source, url) },
	{ "command", "a command", "what prints it", KEY_TEXT, KEY_ONLY_CONFIG, .set = set_command },
	{ "format", "the name of a format", "else it is recognised by content", KEY_TEXT,
		KEY_ONLY_CONFIG, .set = set_format },
	{ "category", KEY_WANTS_TEXT, "what its entries are", KEY_TEXT, .set = set_attribute },
	{ "severity", "low, medium, high or critical", "how bad they are", KEY_TEXT,
		.set = set_attribute },
	{ "confidence", "0 to 100", "how sure the source is", KEY_TEXT, .set = set_attribute },
	{ "actor", KEY_WANTS_TEXT, "who is behind them", KEY_TEXT, .set = set_attribute },
	{ "campaign", KEY_WANTS_TEXT, "what they are part of", KEY_TEXT, .set = set_attribute },
	{ "tlp", "clear, green, amber, amber+strict or red", "who may be told", KEY_TEXT,
		.set = set_attribute },
	{ "legal-basis", KEY_WANTS_TEXT, "the law that asks for it", KEY_TEXT,
		.set = set_attribute },
	{ "reference", KEY_WANTS_TEXT, "the order, the report", KEY_TEXT, .set = set_attribute },
	{ "jurisdiction", "a list of country codes such as [FR]", "where it is in force", KEY_TEXTS,
		.set = set_attribute },
	{ "tag", "a list of texts", "words of your own", KEY_TEXTS, .set = set_attribute },
	{ "valid-from", "a time such as 2026-11-21T12:00:00Z", "the first second in force",
		KEY_TEXT, .set = set_attribute },
	{ "valid-until", "a time such as 2026-11-21T12:00:00Z",
		"the first second no longer in force", KEY_TEXT, .set = set_attribute },
	{ "scope", "exact, subtree or below", "instead of what the format says", KEY_TEXT,
		.set = set_attribute },
	{ "action", "pass or block", "what its entries ask for", KEY_TEXT, .set = set_attribute },
	{ "allow", "true or false", "every entry is an allow entry", KEY_TEXT, .set = set_allow },
	{ "licence", KEY_WANTS_TEXT, "under which it is given", KEY_TEXT, .set = key_set_string,
		.at = offsetof(struct source, licence) },
	{ "refresh", KEY_WANTS_DURATION, "how often it is fetched", KEY_TEXT, KEY_ONLY_CONFIG,
		.set = set_refresh },
	{ "valid-for", KEY_WANTS_DURATION, "entries end so long after they were last listed",
		KEY_TEXT, .set = set_valid_for },
	{ "max-change", KEY_WANTS_SHARE, "it is held back if more of it came and went", KEY_TEXT,
		.set = key_set_percent, .at = offsetof(struct source, max_change) },
	{ "limits", "a mapping of bytes, lines, entries and time", "it is held back above them",
		KEY_MAP, .keys = limit_keys },
	{ "columns", "a mapping such as {name: 1, reference: 2}", "csv: where each key stands",
		KEY_OWN, .set = set_column },
	{ "fields", "a mapping such as {name: data.host}", "json: where each key stands", KEY_OWN,
		.set = set_field },
	{ "items", "a path such as data.indicators", "json: where the list of entries stands",
		KEY_TEXT, .set = set_items },
	{ "separator", "one character such as ;, or the word tab", "csv: between columns", KEY_TEXT,
		.set = set_separator },
	{ "fetch", "url, taxii or misp", "how its server is asked", KEY_TEXT, KEY_ONLY_CONFIG,
		.set = set_fetch },
	{ "token-file", "a path", "the file that holds the server's token", KEY_TEXT,
		KEY_ONLY_CONFIG, .set = key_set_string, .at = offsetof(struct source, token_file) },
	{ 0 },
};

/* --- setting one by its full name --------------------------------------------------------------------- */

static int unknown(const struct key_row *rows, struct sink_span key, struct sink_why *why)
{
	const char *near = key_nearest(rows, key, KEY_ONLY_ARGUMENT);
	int len = (int)(key.len < 100 ? key.len : 100);

	if (near)
		return sink_why(why, SINK_ESYNTAX, "unknown key '%.*s' (is '%s' meant?)", len,
			(const char *)key.at, near);
	return sink_why(why, SINK_ESYNTAX, "unknown key '%.*s' (a comma in a path or value is \\,)",
		len, (const char *)key.at);
}

static int set(struct source *source, const struct key_value *value, struct sink_why *why)
{
	int err;

	if (!*value->text && value->row->set != set_attribute)
		return sink_why(why, SINK_ESYNTAX, "%s= needs a value", value->row->word);
	err = value->row->set(source, value, why);
	return err == SINK_ENOMEM ? sink_why(why, err, "no memory") : err;
}

int source_set(struct source *source, struct sink_span key, const char *text, struct sink_why *why)
{
	struct key_value value = { .text = text, .own = key };
	struct sink_span word = text_cut(&value.own, '.');
	const struct key_row *rows = source_keys, *row;

	row = key_find(rows, word);
	if (row && row->shape == KEY_MAP) {
		rows = row->keys;
		row = key_find(rows, value.own);
	} else if (row && (row->shape == KEY_OWN) != (word.len < key.len)) {
		row = NULL; /* "columns=x", "category.x=y" */
	}
	if (!row)
		return unknown(source_keys, key, why);
	if (row->where == KEY_ONLY_CONFIG)
		return sink_why(why, SINK_ESYNTAX, "the key %s is for sinkhole.yaml", row->word);
	value.row = row;
	return set(source, &value, why);
}

/* --- keys together ------------------------------------------------------------------------------------ */

static bool has_columns(const struct source *source)
{
	return source->has_columns;
}

static bool has_separator(const struct source *source)
{
	return source->options.separator != 0;
}

static bool has_fields(const struct source *source)
{
	return source->has_fields;
}

static bool has_items(const struct source *source)
{
	return source->options.items[0] != 0;
}

/* What is told about a format is of no use to another. */
static const struct {
	const char *key;
	const char *formats[2];
	bool (*is_set)(const struct source *source);
} format_keys[] = {
	{ "columns", { "csv", "csv" }, has_columns },
	{ "separator", { "csv", "csv" }, has_separator },
	{ "fields", { "json", "jsonl" }, has_fields },
	{ "items", { "json", "json" }, has_items },
};

static int check_format(const struct source *source, struct sink_why *why, const char **blamed)
{
	for (size_t i = 0; i < sizeof format_keys / sizeof format_keys[0]; i++) {
		const char *const *formats = format_keys[i].formats, *word = source->format->word;

		if (!format_keys[i].is_set(source) || strcmp(word, formats[0]) == 0 ||
			strcmp(word, formats[1]) == 0)
			continue;
		*blamed = format_keys[i].key;
		return sink_why(why, SINK_ESYNTAX, "%s is for the format %s, not %s", *blamed,
			formats[0], word);
	}
	return SINK_OK;
}

int source_check(const struct source *source, struct sink_why *why, const char **blamed)
{
	const struct sink_record *record = &source->attributes.record;

	if (record->valid_until != 0 && record->valid_until <= record->valid_from) {
		*blamed = "valid-until";
		return sink_why(why, SINK_ESYNTAX, "valid-until is not after valid-from");
	}
	if (source->has_columns && source->has_fields) {
		*blamed = "fields";
		return sink_why(why, SINK_ESYNTAX,
			"columns are for csv, fields for json: one of the two");
	}
	return source->format ? check_format(source, why, blamed) : SINK_OK;
}

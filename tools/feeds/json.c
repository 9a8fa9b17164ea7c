/* json.c - any table in JSON: an array of objects or of names, or an object a line. Which member means what is
 * in the options; without them, names are looked for where everybody writes them. */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "jsonstream.h"
#include "jsontext.h"
#include "says.h"
#include "text.h"

/* Members that hold the name, if the options do not say so; the first that is there. The narrower go first:
 * beside "host": "a.blogs.example", "domain": "blogs.example" only says whose it is. */
static const char *const usual[] = { "fqdn", "hostname", "host", "domain", "name", NULL };

struct table {
	const struct feed_options *options;
	const struct feed_out *out;
	/* the item at hand */
	struct attributes says;
	bool names, prefixes; /* values of these were found */
	bool unusable; /* one of its members says what it is, and cannot be read */
	json_t *item;
};

static bool is_key(const struct feed_field *field, const char *key)
{
	return strcmp(field->key, key) == 0;
}

static void skip(const struct table *t, enum feed_reason reason, const char *detail,
	const json_t *value)
{
	json_skip(t->out, reason, sink_span_text(detail), value);
}

/* --- what an item says of itself ---------------------------------------------------------------------------- */

/* Numbers are text for what is a number, and times are seconds since 1970. */
static bool number_text(const char *key, const json_t *value, char out[32])
{
	bool is_time = strcmp(key, "valid-from") == 0 || strcmp(key, "valid-until") == 0;

	if (!json_is_integer(value) || (!is_time && strcmp(key, "confidence") != 0))
		return false;
	snprintf(out, 32, "%s%lld", is_time ? "@" : "", (long long)json_integer_value(value));
	return true;
}

/* Without these nobody knows what the entry is: to leave one out would widen it. */
static bool is_essential(const char *key)
{
	return strcmp(key, "scope") == 0 || strcmp(key, "action") == 0 ||
		strcmp(key, "valid-until") == 0 || strcmp(key, "valid-from") == 0;
}

struct saying {
	struct table *table;
	const char *key;
	bool in_array;
};

/* A string may hold several tags, an element of an array is one. */
static void say_tags(struct attributes *says, struct sink_span text, bool in_array)
{
	while (!in_array && text_find(text, ',') < text.len)
		says_plain_tag(says, text_cut(&text, ','));
	says_plain_tag(says, text);
}

static enum feed_reason say_one(struct saying *saying, const json_t *value)
{
	struct sink_span text = json_string_span(value);
	struct attributes *says = &saying->table->says;
	char number[32];

	if (json_is_null(value) || (json_is_string(value) && text.len == 0))
		return FEED_TAKEN;
	if (number_text(saying->key, value, number))
		text = sink_span_text(number);
	else if (!json_is_string(value))
		return FEED_VALUE_TYPE;
	if (strcmp(saying->key, "tag") == 0)
		say_tags(says, text, saying->in_array);
	else if (!says_set(says, sink_span_text(saying->key), text))
		return FEED_VALUE;
	return FEED_TAKEN;
}

static void say_elements(struct saying *saying, const json_t *array);

static int say(void *arg, json_t *value)
{
	struct saying *saying = arg;
	struct table *t = saying->table;
	enum feed_reason reason;

	if (json_is_array(value) && !saying->in_array) {
		say_elements(saying, value);
		return SINK_OK;
	}
	reason = say_one(saying, value);
	if (!reason)
		return SINK_OK;
	t->unusable = t->unusable || is_essential(saying->key);
	skip(t, reason, saying->key, value);
	return SINK_OK;
}

static void say_elements(struct saying *saying, const json_t *array)
{
	saying->in_array = true;
	for (size_t i = 0; i < json_array_size(array); i++)
		say(saying, json_array_get(array, i));
	saying->in_array = false;
}

static void say_all(struct table *t)
{
	attributes_init(&t->says);
	t->unusable = false;
	for (size_t i = 0; i < t->options->fields_count; i++) {
		const struct feed_field *field = &t->options->fields[i];
		struct saying saying = { t, field->key, false };

		if (!is_key(field, "name") && !is_key(field, "prefix"))
			json_each(t->item, sink_span_text(field->from), say, &saying);
	}
}

/* --- entries -------------------------------------------------------------------------------------------------- */

static int emit(struct table *t, struct feed_entry *entry)
{
	int64_t until = t->says.record.valid_until, now = t->options->now;

	if (t->says.has_scope && entry->trigger == SINK_TRIGGER_QNAME)
		entry->scope = t->says.scope;
	if (t->says.allow)
		entry->kind = SINK_KIND_ALLOW;
	entry->says = t->options->fields_count > 0 ? &t->says : NULL;
	if (now && until && until <= now) {
		skip(t, FEED_EXPIRED, "", t->item);
		return SINK_OK;
	}
	return t->out->entry(t->out->arg, entry);
}

static int take_name(struct table *t, json_t *value)
{
	struct sink_span text = text_trim(json_string_span(value));
	struct feed_entry entry;
	enum feed_reason reason;

	feed_entry_init(&entry);
	reason = host_name(host_take_mark(text, &entry.scope), &entry.name);
	if (!reason)
		return emit(t, &entry);
	feed_skip(t->out, reason, text);
	return SINK_OK;
}

static int take_prefix(struct table *t, json_t *value)
{
	struct sink_span text = text_trim(json_string_span(value));
	struct feed_entry entry;
	int err;

	feed_entry_init(&entry);
	entry.trigger = SINK_TRIGGER_ANSWER;
	entry.scope = SINK_SCOPE_EXACT;
	err = sink_prefix_from_text(text, &entry.prefix);
	if (!err)
		return emit(t, &entry);
	feed_skip_detail(t->out, err == SINK_EINVAL ? FEED_PREFIX_BITS : FEED_VALUE,
		sink_span_text("prefix"), text);
	return SINK_OK;
}

static int take_value(struct table *t, json_t *value, int (*take)(struct table *t, json_t *value))
{
	if (json_is_string(value))
		return take(t, value);
	skip(t, FEED_VALUE_TYPE, "", value);
	return SINK_OK;
}

/* A value or an array of them. *found tells that there was one, whatever it was. */
static int take_values(struct table *t, json_t *value, bool *found,
	int (*take)(struct table *t, json_t *value))
{
	size_t count = json_array_size(value);
	int err = SINK_OK;

	if (json_is_null(value))
		return SINK_OK;
	*found = *found || count > 0 || !json_is_array(value);
	if (!json_is_array(value))
		return take_value(t, value, take);
	for (size_t i = 0; i < count && !err; i++)
		err = take_value(t, json_array_get(value, i), take);
	return err;
}

static int found_names(void *arg, json_t *value)
{
	struct table *t = arg;

	return take_values(t, value, &t->names, take_name);
}

static int found_prefixes(void *arg, json_t *value)
{
	struct table *t = arg;

	return take_values(t, value, &t->prefixes, take_prefix);
}

static int usual_names(struct table *t)
{
	for (size_t i = 0; usual[i]; i++) {
		json_t *value = json_object_get(t->item, usual[i]);

		if (value && !json_is_null(value))
			return found_names(t, value);
	}
	return SINK_OK;
}

static int take_object(struct table *t)
{
	bool says_where = false;
	int err = SINK_OK;

	say_all(t);
	t->names = t->prefixes = false;
	if (t->unusable)
		return SINK_OK; /* and counted */
	for (size_t i = 0; i < t->options->fields_count && !err; i++) {
		const struct feed_field *field = &t->options->fields[i];
		struct sink_span path = sink_span_text(field->from);

		if (is_key(field, "name"))
			err = json_each(t->item, path, found_names, t);
		else if (is_key(field, "prefix"))
			err = json_each(t->item, path, found_prefixes, t);
		else
			continue;
		says_where = true;
	}
	if (!err && !says_where)
		err = usual_names(t);
	if (!err && !t->names && !t->prefixes)
		skip(t, FEED_COLUMN, "name", t->item);
	return err;
}

static int take_item(struct table *t, json_t *item)
{
	t->item = item;
	if (json_is_object(item))
		return take_object(t);
	if (!json_is_string(item)) {
		skip(t, FEED_VALUE_TYPE, "", item);
		return SINK_OK;
	}
	attributes_init(&t->says);
	return take_name(t, item);
}

/* --- a document --------------------------------------------------------------------------------------------- */

static int take_element(void *arg, const struct json_place *place, json_t *element)
{
	struct table *t = arg;

	t->out->item(t->out->arg, place->line);
	return take_item(t, element);
}

static int skip_bad(void *arg, const struct json_place *place, enum feed_reason reason,
	struct sink_span text)
{
	struct table *t = arg;

	t->out->item(t->out->arg, place->line);
	feed_skip(t->out, reason, text);
	return SINK_OK;
}

/* Which arrays there are among the members of the root. */
struct arrays {
	char at[2][sizeof(((struct feed_options *)0)->items)]; /* of names, of objects: the first */
	size_t count[2]; /* of different ones */
};

/* Asked for each element; none is wanted yet. */
static bool note_array(void *arg, const struct json_place *place)
{
	struct arrays *arrays = arg;
	bool objects = place->first == '{';
	char *at = arrays->at[objects];

	if (place->alone || (!objects && place->first != '"') || strcmp(at, place->at) == 0)
		return false;
	if (arrays->count[objects]++ == 0)
		snprintf(at, sizeof arrays->at[0], "%s", place->at);
	return false;
}

static int no_element(void *arg, const struct json_place *place, json_t *element)
{
	(void)arg;
	(void)place;
	(void)element;
	return SINK_OK;
}

static int begins_with_array(struct lines *lines, bool *out)
{
	struct sink_span bytes;
	int err = lines_take(lines, &bytes);

	if (err && err != SINK_ENOENT)
		return err;
	bytes = err ? sink_span(NULL, 0) : json_sample(bytes);
	*out = bytes.len > 0 && bytes.at[0] == '[';
	return lines_rewind(lines);
}

/* "allowlist", "white_list", "exceptions": what is in it is not to be blocked. */
static bool sounds_harmless(const char *name)
{
	static const char *const words[] = { "allow", "white", "except", "exclu", "exempt",
		"ignore", "safe", "trust", "benign", "clean", "legit" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcasestr(name, words[i]))
			return true;
	return false;
}

/* The only array of objects among the members of the root; else the only one of names. */
static int find_member(const struct feed_document *document, char *out)
{
	static const char *const paths[] = { "*", NULL };
	struct arrays arrays = { .count = { 0 } };
	struct json_stream_handler handler = {
		.element = no_element, .wanted = note_array, .arg = &arrays
	};
	int err = json_stream(document->lines, paths, &handler, document->why);
	bool objects = arrays.count[1] > 0;

	if (err)
		return err;
	if (arrays.count[objects] != 1)
		return sink_why(document->why, SINK_ESYNTAX,
			arrays.count[objects] ? "there are several arrays: items= says which one"
					      : "there is no array of entries in it");
	if (sounds_harmless(arrays.at[objects]))
		return sink_why(document->why, SINK_ESYNTAX,
			"its only array is called '%.100s': items= says whether that is meant",
			arrays.at[objects]);
	snprintf(out, sizeof arrays.at[0], "%s", arrays.at[objects]);
	return lines_rewind(document->lines);
}

/* Where the entries are: at the root itself, if it is an array. */
static int find_items(const struct feed_document *document, char *out)
{
	bool is_root = false;
	int err;

	if (out[0])
		return SINK_OK;
	err = begins_with_array(document->lines, &is_root);
	return err || is_root ? err : find_member(document, out);
}

static int json_document(const struct feed_document *document, const struct feed_out *out)
{
	struct table table = { .options = document->options, .out = out };
	struct json_stream_handler handler = {
		.element = take_element, .bad = skip_bad, .arg = &table
	};
	char path[sizeof document->options->items];
	const char *const paths[] = { path, NULL };
	int err;

	memcpy(path, document->options->items, sizeof path);
	err = find_items(document, path);
	return err ? err : json_stream(document->lines, paths, &handler, document->why);
}

/* Does any other kind of document say that it is its own? */
static bool is_claimed(struct sink_span sample)
{
	for (size_t i = 0; feed_formats[i]; i++)
		if (feed_formats[i]->begins && feed_formats[i] != &feed_json &&
			feed_formats[i]->begins(sample))
			return true;
	return false;
}

/* What an array or object begins with that is a table; "[Adblock Plus 2.0]" is none. */
static bool json_begins(struct sink_span sample)
{
	struct sink_span text = json_sample(sample), inner;

	if (text.len < 2 || (text.at[0] != '{' && text.at[0] != '['))
		return false;
	inner = json_sample(text_after(text, 1));
	if (inner.len > 0 && inner.at[0] == (text.at[0] == '{' ? '}' : ']'))
		return json_sample(text_after(inner, 1)).len == 0;
	if (inner.len == 0 || (inner.at[0] != '"' && (inner.at[0] != '{' || text.at[0] == '{')))
		return false;
	return !is_claimed(sample);
}

const struct feed_format feed_json = {
	.word = "json",
	.summary = "a JSON array of objects or names, or an object that holds one",
	.scope = "subtree (*.NAME: below)",
	.document = json_document,
	.begins = json_begins,
};

/* --- an object a line --------------------------------------------------------------------------------------- */

static int take_line(struct table *t, const struct line *line)
{
	struct sink_span text = text_trim(line->text);
	json_error_t error;
	json_t *item;
	int err;

	t->out->item(t->out->arg, line->number);
	if (line->too_long) {
		feed_skip(t->out, FEED_TOO_LONG, line->text);
		return SINK_OK;
	}
	if (text.len == 0)
		return SINK_OK;
	item = json_loadb((const char *)text.at, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
		&error);
	if (!item && json_error_code(&error) == json_error_out_of_memory)
		return SINK_ENOMEM;
	if (!item) {
		feed_skip(t->out, json_stream_reason(&error), text);
		return SINK_OK;
	}
	err = take_item(t, item);
	json_decref(item);
	return err;
}

static int jsonl_document(const struct feed_document *document, const struct feed_out *out)
{
	struct table table = { .options = document->options, .out = out };
	struct line line;
	int err;

	do {
		err = lines_next(document->lines, &line);
		if (!err)
			err = take_line(&table, &line);
	} while (!err);
	return err == SINK_ENOENT ? SINK_OK : err;
}

static bool is_object(struct sink_span line)
{
	json_t *json;
	bool is;

	line = text_trim(line);
	if (line.len < 2 || line.at[0] != '{' || line.len > LINE_LENGTH_MAX)
		return false;
	json = json_loadb((const char *)line.at, line.len, 0, NULL);
	is = json_is_object(json);
	json_decref(json);
	return is;
}

/* The first line is a whole object, and something follows: that is no JSON document. */
static bool jsonl_begins(struct sink_span sample)
{
	struct sink_span rest = json_sample(sample), line = text_cut(&rest, '\n');

	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return json_sample(rest).len > 0 && is_object(line);
}

const struct feed_format feed_jsonl = {
	.word = "jsonl",
	.summary = "a JSON object a line",
	.scope = "subtree (*.NAME: below)",
	.document = jsonl_document,
	.begins = jsonl_begins,
};

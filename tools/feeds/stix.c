/* stix.c - STIX 2.1 and 2.0: bundles, TAXII envelopes, arrays of objects, an object by itself. Read twice: what
 * objects say about each other first (stix_graph.h), then the indicators, in the order of the document. */
#include <jansson.h>
#include <stdio.h>

#include "feed.h"
#include "host.h"
#include "jsonstream.h"
#include "lines.h"
#include "stix_graph.h"
#include "stix_pattern.h"
#include "text.h"
#include "url.h"
#include "utf8.h"
#include "when.h"

#define BUNDLES_MAX 4 /* bundles within each other: one server sends them so, two levels deep */

struct stix {
	const struct feed_document *document;
	const struct feed_out *out;
	struct stix_graph *graph;
	struct stix_pattern pattern;
	struct attributes says; /* of the indicator at hand */
	uint64_t number; /* of the object at hand */
	/* What the root says, if it is an object. */
	bool is_bundle, has_elements, is_object, is_strange;
	int (*object)(struct stix *s, const json_t *object);
	int (*broken)(struct stix *s, enum feed_reason reason, struct sink_span text);
};

/* --- members of objects ------------------------------------------------------------------------------- */

static struct sink_span string_of(const json_t *json)
{
	return json_is_string(json) ? sink_span(json_string_value(json), json_string_length(json))
				    : sink_span("", 0);
}

/* A string, or an empty one. */
static struct sink_span text_of(const json_t *object, const char *key)
{
	return string_of(json_object_get(object, key));
}

/* Is it there? null is not. */
static const json_t *get(const json_t *object, const char *key)
{
	const json_t *json = json_object_get(object, key);

	return json_is_null(json) ? NULL : json;
}

/* What an array, or one value in its place, holds. */
static size_t count_of(const json_t *list)
{
	return json_is_array(list) ? json_array_size(list) : list != NULL;
}

static const json_t *item_of(const json_t *list, size_t i)
{
	return json_is_array(list) ? json_array_get(list, i) : list;
}

/* `word` in either case, and itself in lower case: where it is a reason to list nothing. */
static bool has_word(const json_t *list, const char *word)
{
	for (size_t i = 0; i < count_of(list); i++)
		if (text_is_anycase(string_of(item_of(list, i)), word))
			return true;
	return false;
}

/* When this version was made, in microseconds; 0 if it does not say so. */
static int64_t modified_of(const json_t *object)
{
	const char *text = json_string_value(json_object_get(object, "modified"));
	int64_t out;

	if (!text)
		text = json_string_value(json_object_get(object, "created"));
	return text && when_parse_micros(text, &out) ? out : 0;
}

/* What cannot be read does not count as a no. */
static bool is_revoked(const json_t *object)
{
	const json_t *revoked = get(object, "revoked");

	return revoked && !json_is_false(revoked);
}

/* --- first pass: what objects say about each other --------------------------------------------------- */

/* "amber", "TLP:AMBER+STRICT" */
static enum sink_tlp tlp_from(struct sink_span text)
{
	if (text.len > 4 && text_is_anycase(sink_span(text.at, 4), "tlp:"))
		text = text_after(text, 4);
	if (text_is_anycase(text, "white"))
		return SINK_TLP_CLEAR;
	for (int i = SINK_TLP_CLEAR; i < SINK_TLP_COUNT; i++)
		if (text_is_anycase(text, sink_tlp_word((enum sink_tlp)i)))
			return (enum sink_tlp)i;
	return SINK_TLP_NONE;
}

#define TLP_2 "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

/* As STIX 2 has it; as the extension for TLP 2 has it; as OpenCTI writes what neither has; by its name. */
static enum sink_tlp tlp_of(const json_t *marking)
{
	const json_t *extension = json_object_get(json_object_get(marking, "extensions"), TLP_2);
	struct sink_span name = text_of(marking, "name");
	enum sink_tlp tlp = tlp_from(text_of(json_object_get(marking, "definition"), "tlp"));

	if (tlp == SINK_TLP_NONE)
		tlp = tlp_from(text_of(extension, "tlp_2_0"));
	if (tlp == SINK_TLP_NONE &&
		text_is_anycase(text_of(marking, "x_opencti_definition_type"), "tlp"))
		tlp = tlp_from(text_of(marking, "x_opencti_definition"));
	if (tlp == SINK_TLP_NONE && name.len > 4 && text_is_anycase(sink_span(name.at, 4), "tlp:"))
		tlp = tlp_from(name);
	return tlp;
}

static enum stix_kind kind_of(struct sink_span type)
{
	static const struct {
		const char *type;
		enum stix_kind kind;
	} kinds[] = {
		{ "malware", STIX_MALWARE },
		{ "tool", STIX_TOOL },
		{ "campaign", STIX_CAMPAIGN },
		{ "threat-actor", STIX_ACTOR },
		{ "intrusion-set", STIX_ACTOR },
		{ "identity", STIX_IDENTITY },
		{ "marking-definition", STIX_MARKING },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (text_is(type, kinds[i].type))
			return kinds[i].kind;
	return STIX_OBJECT;
}

static int learn_relationship(struct stix *s, const json_t *object,
	const struct stix_version *version)
{
	struct sink_span verb = text_of(object, "relationship_type");
	struct sink_span source = text_of(object, "source_ref");
	struct sink_span target = text_of(object, "target_ref");
	enum stix_verb which = STIX_INDICATES;

	if (text_is(verb, "attributed-to"))
		which = STIX_ATTRIBUTED_TO;
	else if (!text_is(verb, "indicates"))
		return SINK_OK;
	if (source.len == 0 || target.len == 0)
		return SINK_OK;
	return stix_graph_relate(s->graph, version, which, source, target);
}

static int learn(struct stix *s, const json_t *object)
{
	struct sink_span type = text_of(object, "type");
	struct stix_version version = {
		.id = text_of(object, "id"),
		.modified = modified_of(object),
		.revoked = is_revoked(object),
		.kind = kind_of(type),
	};
	int err = SINK_OK;

	if (text_is(type, "relationship")) {
		err = learn_relationship(s, object, &version);
	} else if (version.id.len > 0 &&
		(version.kind != STIX_OBJECT || text_is(type, "indicator"))) {
		if (version.kind != STIX_OBJECT)
			version.name = text_of(object, "name");
		if (version.kind == STIX_MARKING)
			version.tlp = tlp_of(object);
		err = stix_graph_add(s->graph, &version);
	}
	return err == SINK_ETOOLONG ? SINK_OK : err; /* such an id is nobody's */
}

static int learn_nothing(struct stix *s, enum feed_reason reason, struct sink_span text)
{
	(void)s;
	(void)reason;
	(void)text;
	return SINK_OK;
}

/* --- second pass: what an indicator says of itself ---------------------------------------------------- */

#define VALUE_MAX (SINK_STRING_MAX - 1) /* bytes */
#define TAG_MAX 128 /* bytes of one, so that it leaves room for others */

/* Append what a field can hold: at most `most` bytes, cut between characters, without control characters; and
 * in a list without the commas that would make two of it. */
static void clean(struct sink_span text, bool in_list, size_t most, char out[VALUE_MAX + 1])
{
	size_t len = strlen(out);
	uint32_t c;
	size_t n;

	for (; text.len > 0; text = text_after(text, n)) {
		n = utf8_take(text, &c);
		if (n == 0 || len + n > most)
			break;
		if (c < 0x20 || c == 0x7f || (c == ',' && in_list))
			out[len++] = ' ';
		else
			for (size_t i = 0; i < n; i++)
				out[len++] = (char)text.at[i];
	}
	out[len] = 0;
}

/* A field that cannot have the value, or has no room for it, goes without. */
static void set(struct stix *s, const char *key, struct sink_span text)
{
	char value[VALUE_MAX + 1] = "";

	if (text.len == 0)
		return;
	clean(text, false, VALUE_MAX, value);
	attributes_set(&s->says, sink_span_text(key), value, NULL);
}

static void tag(struct stix *s, const char *prefix, struct sink_span text)
{
	char value[VALUE_MAX + 1] = "";

	if (text.len == 0)
		return;
	clean(sink_span_text(prefix), false, TAG_MAX, value);
	clean(text, true, TAG_MAX, value);
	attributes_set(&s->says, sink_span_text("tag"), value, NULL);
}

static void say_attribution(struct stix *s, struct sink_span id)
{
	struct stix_attribution by;

	stix_graph_attribute(s->graph, id, &by);
	set(s, "actor", by.actor);
	set(s, "campaign", by.campaign);
	for (size_t i = 0; i < by.malware_count; i++)
		tag(s, "malware:", by.malware[i]);
	for (size_t i = 0; i < by.tools_count; i++)
		tag(s, "tool:", by.tools[i]);
}

/* The words of the specification for what an indicator is about; STIX 2.0 has them as labels. */
static bool is_indicator_word(struct sink_span word)
{
	static const char *const words[] = { "anomalous-activity", "anonymization", "attribution",
		"benign", "compromised", "malicious-activity", "unknown" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (text_is(word, words[i]))
			return true;
	return false;
}

/* The first one that says something is the category, the others are tags. What MISP's export says to MISP's
 * import is neither. */
static void say_kinds(struct stix *s, const json_t *list, bool is_labels)
{
	for (size_t i = 0; i < count_of(list); i++) {
		struct sink_span word = string_of(item_of(list, i));
		bool is_taken = s->says.record.text[SINK_FIELD_CATEGORY].len > 0;

		if (text_is(word, "unknown") || text_starts(word, "misp:"))
			continue;
		if (!is_taken && (!is_labels || is_indicator_word(word)))
			set(s, "category", word);
		else
			tag(s, "", word);
	}
}

static void say_phases(struct stix *s, const json_t *phases)
{
	for (size_t i = 0; i < count_of(phases); i++) {
		const json_t *phase = item_of(phases, i);

		if (!text_is(text_of(phase, "kill_chain_name"), "misp-category"))
			tag(s, "kill-chain:", text_of(phase, "phase_name"));
	}
}

/* A link is worth more to people than a number somewhere, and that more than a number here. A part of one is
 * worth nothing. */
static void say_reference(struct stix *s, const json_t *object)
{
	const json_t *list = get(object, "external_references");
	static const char *const keys[] = { "url", "external_id" };
	struct sink_span reference = { 0 };

	for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
		for (size_t i = 0; i < count_of(list) && reference.len == 0; i++) {
			reference = text_of(item_of(list, i), keys[k]);
			if (reference.len > VALUE_MAX)
				reference.len = 0;
		}
	set(s, "reference", reference.len > 0 ? reference : text_of(object, "id"));
}

/* The strictest of those that are known. */
static void say_tlp(struct stix *s, const json_t *markings)
{
	for (size_t i = 0; i < count_of(markings); i++) {
		enum sink_tlp tlp = stix_graph_tlp(s->graph, string_of(item_of(markings, i)));

		if (tlp > s->says.record.tlp)
			s->says.record.tlp = tlp;
	}
}

static void say_confidence(struct stix *s, const json_t *object)
{
	const json_t *confidence = get(object, "confidence");
	json_int_t n = json_integer_value(confidence);

	if (!confidence)
		return;
	if (!json_is_integer(confidence))
		feed_skip_detail(s->out, FEED_VALUE_TYPE, sink_span_text("confidence"),
			text_of(object, "id"));
	else if (n < 0 || n > 100)
		feed_skip_detail(s->out, FEED_VALUE, sink_span_text("confidence"),
			text_of(object, "id"));
	else
		s->says.record.confidence = (uint8_t)n;
}

/* What matters most first: tags end where there is no room for more. */
static void say(struct stix *s, const json_t *object)
{
	say_confidence(s, object);
	say_tlp(s, get(object, "object_marking_refs"));
	say_reference(s, object);
	say_attribution(s, text_of(object, "id"));
	tag(s, "reporter:",
		stix_graph_name(s->graph, text_of(object, "created_by_ref"), STIX_IDENTITY));
	say_kinds(s, get(object, "indicator_types"), false);
	say_kinds(s, get(object, "labels"), true);
	say_phases(s, get(object, "kill_chain_phases"));
}

/* --- second pass: entries ------------------------------------------------------------------------------ */

/* Reads "192.0.2.1", "192.0.2.0/24". */
static enum feed_reason take_prefix(const struct stix_term *term, struct feed_entry *entry)
{
	int err = sink_prefix_from_text(term->text, &entry->prefix);

	if (err)
		return err == SINK_EINVAL ? FEED_PREFIX_BITS : FEED_VALUE;
	if ((term->subject == STIX_IPV4 && entry->prefix.family != 4) ||
		(term->subject == STIX_IPV6 && entry->prefix.family != 6))
		return FEED_VALUE;
	entry->trigger = SINK_TRIGGER_ANSWER;
	return FEED_TAKEN;
}

static enum feed_reason take_term(const struct stix_term *term, struct feed_entry *entry)
{
	switch (term->subject) {
	case STIX_LEFT_OUT:
		return term->reason;
	case STIX_NAME:
		return host_name(term->text, &entry->name);
	case STIX_URL:
		return url_entry(term->text, entry);
	case STIX_PEER:
		return url_host_entry(term->text, SINK_SCOPE_EXACT, entry);
	default:
		return take_prefix(term, entry);
	}
}

static int emit(struct stix *s, const struct stix_term *term)
{
	struct feed_entry entry;
	enum feed_reason reason;

	feed_entry_init(&entry);
	entry.scope = SINK_SCOPE_EXACT;
	entry.says = &s->says;
	reason = take_term(term, &entry);
	if (!reason)
		return s->out->entry(s->out->arg, &entry);
	feed_skip_detail(s->out, reason, term->detail, term->text);
	return SINK_OK;
}

static int emit_pattern(struct stix *s, const json_t *object)
{
	struct sink_span text = text_of(object, "pattern");
	enum feed_reason refused;
	int err = stix_pattern_read(&s->pattern, text, &refused);

	if (err)
		return err;
	if (refused) {
		feed_skip(s->out, refused, text);
		return SINK_OK;
	}
	say(s, object);
	for (size_t i = 0; i < s->pattern.count && !err; i++)
		err = emit(s, &s->pattern.terms[i]);
	return err;
}

/* --- second pass: is the indicator in force? ----------------------------------------------------------- */

/* A reason to skip it, which of its kind, and the member or text that shows it. */
struct objection {
	enum feed_reason reason;
	const char *detail;
	struct sink_span text;
};

#define NO_OBJECTION ((struct objection){ .reason = FEED_TAKEN })

/* What decides whether there is an entry must be as it should be. */
static struct objection object_to_types(const json_t *object)
{
	static const char *const strings[] = { "id", "modified", "pattern", "pattern_type",
		"valid_from", "valid_until" };
	const json_t *revoked = get(object, "revoked");

	for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
		const json_t *json = get(object, strings[i]);

		if (json && !json_is_string(json))
			return (struct objection){ FEED_VALUE_TYPE, strings[i],
				text_of(object, "id") };
	}
	if (revoked && !json_is_boolean(revoked))
		return (struct objection){ FEED_VALUE_TYPE, "revoked", text_of(object, "id") };
	if (!get(object, "pattern"))
		return (struct objection){ FEED_COLUMN, "pattern", text_of(object, "id") };
	return NO_OBJECTION;
}

static struct objection object_to_version(const struct stix *s, const json_t *object)
{
	struct sink_span id = text_of(object, "id");

	switch (stix_graph_state(s->graph, id, modified_of(object))) {
	case STIX_OLDER:
		return (struct objection){ FEED_REVOKED, "older version", id };
	case STIX_REVOKED:
		return (struct objection){ FEED_REVOKED, NULL, id };
	default:
		return is_revoked(object) ? (struct objection){ FEED_REVOKED, NULL, id }
					  : NO_OBJECTION;
	}
}

static struct objection object_to_use(const json_t *object)
{
	const json_t *type = get(object, "pattern_type"), *labels = get(object, "labels");
	struct sink_span id = text_of(object, "id");

	if (type && !text_is_anycase(string_of(type), "stix"))
		return (struct objection){ FEED_INDICATOR_TYPE, json_string_value(type), id };
	if (has_word(get(object, "indicator_types"), "benign") || has_word(labels, "benign"))
		return (struct objection){ FEED_NOT_FOR_DETECTION, "benign", id };
	if (has_word(labels, "misp:to_ids=\"false\""))
		return (struct objection){ FEED_NOT_FOR_DETECTION, "to_ids", id };
	return NO_OBJECTION;
}

/* A time that cannot be read would be no limit at all. */
static bool take_time(const json_t *object, const char *key, int64_t *out)
{
	const json_t *json = get(object, key);

	return !json || when_parse(json_string_value(json), out);
}

static struct objection object_to_time(struct stix *s, const json_t *object)
{
	struct sink_record *record = &s->says.record;
	int64_t now = s->document->options->now;

	if (!take_time(object, "valid_from", &record->valid_from))
		return (struct objection){ FEED_VALUE, "valid_from",
			text_of(object, "valid_from") };
	if (!take_time(object, "valid_until", &record->valid_until))
		return (struct objection){ FEED_VALUE, "valid_until",
			text_of(object, "valid_until") };
	if (!get(object, "valid_until"))
		return NO_OBJECTION;
	if (record->valid_until <= record->valid_from || (now && record->valid_until <= now))
		return (struct objection){ FEED_EXPIRED, NULL, text_of(object, "id") };
	return NO_OBJECTION;
}

static int read_indicator(struct stix *s, const json_t *object)
{
	struct objection objection = object_to_types(object);

	attributes_init(&s->says);
	if (!objection.reason)
		objection = object_to_version(s, object);
	if (!objection.reason)
		objection = object_to_use(object);
	if (!objection.reason)
		objection = object_to_time(s, object);
	if (!objection.reason)
		return emit_pattern(s, object);
	feed_skip_detail(s->out, objection.reason, sink_span_text(objection.detail),
		objection.text);
	return SINK_OK;
}

/* Other objects are no listings: they count as comments. */
static int read_object(struct stix *s, const json_t *object)
{
	const json_t *type = get(object, "type");

	s->out->item(s->out->arg, ++s->number);
	if (text_is(string_of(type), "indicator"))
		return read_indicator(s, object);
	if (!json_is_object(object) || (type && !json_is_string(type)))
		feed_skip(s->out, FEED_VALUE_TYPE, string_of(object));
	else if (!type)
		feed_skip_detail(s->out, FEED_COLUMN, sink_span_text("type"),
			text_of(object, "id"));
	return SINK_OK;
}

static int skip_broken(struct stix *s, enum feed_reason reason, struct sink_span text)
{
	s->out->item(s->out->arg, ++s->number);
	feed_skip(s->out, reason, text);
	return SINK_OK;
}

/* --- the document -------------------------------------------------------------------------------------- */

/* An object, or those of a bundle that stands in its place. */
static int each(struct stix *s, const json_t *json, unsigned depth)
{
	const json_t *objects = json_object_get(json, "objects");
	int err = SINK_OK;

	if (depth == BUNDLES_MAX || !json_is_array(objects) ||
		!text_is(text_of(json, "type"), "bundle"))
		return s->object(s, json);
	for (size_t i = 0; i < json_array_size(objects) && !err; i++)
		err = each(s, json_array_get(objects, i), depth + 1);
	return err;
}

static int take_element(void *arg, const struct json_place *place, json_t *element)
{
	struct stix *s = arg;

	(void)place;
	s->has_elements = true;
	return each(s, element, 0);
}

static int take_bad(void *arg, const struct json_place *place, enum feed_reason reason,
	struct sink_span text)
{
	struct stix *s = arg;

	if (place->path == JSON_NO_PATH)
		return SINK_OK;
	s->has_elements = true;
	return s->broken(s, reason, text);
}

/* Of the root's own members, "type" alone matters; it tells a bundle from an object by itself. */
static int take_member(void *arg, const struct json_place *place, json_t *value)
{
	struct stix *s = arg;

	(void)place;
	s->is_bundle = text_is(string_of(value), "bundle");
	s->is_object = json_is_string(value) && !s->is_bundle;
	return SINK_OK;
}

/* TAXII envelopes have these and no type. */
static bool is_of_envelope(const char *key)
{
	return strcmp(key, "more") == 0 || strcmp(key, "next") == 0 || strcmp(key, "id") == 0 ||
		strcmp(key, "spec_version") == 0;
}

static bool is_wanted(void *arg, const struct json_place *place)
{
	struct stix *s = arg;

	if (place->path != JSON_NO_PATH || strcmp(place->at, "type") == 0)
		return true;
	s->is_strange = s->is_strange || !is_of_envelope(place->at);
	return false;
}

static int pass(struct stix *s, const char *const *paths)
{
	struct json_stream_handler handler = {
		.element = take_element,
		.member = take_member,
		.bad = take_bad,
		.wanted = is_wanted,
		.arg = s,
	};

	return json_stream(s->document->lines, paths, &handler, s->document->why);
}

static const char *const in_bundle[] = { "", "objects", NULL };
static const char *const alone[] = { "", NULL };

/* The first pass; *paths tells how the second one finds the objects. */
static int learn_all(struct stix *s, const char *const **paths)
{
	int err = pass(s, in_bundle);

	*paths = in_bundle;
	if (err || s->has_elements || s->is_bundle)
		return err;
	if (!s->is_object)
		return s->is_strange ? sink_why(s->document->why, SINK_ESYNTAX,
					       "neither a STIX bundle nor STIX objects")
				     : SINK_OK;
	*paths = alone;
	err = lines_rewind(s->document->lines);
	return err ? err : pass(s, alone);
}

static int stix_document(const struct feed_document *document, const struct feed_out *out)
{
	struct stix s = { .document = document, .out = out };
	const char *const *paths;
	int err = stix_graph_open(&s.graph);

	if (err)
		return err;
	s.object = learn;
	s.broken = learn_nothing;
	err = learn_all(&s, &paths);
	if (!err)
		err = lines_rewind(document->lines);
	if (!err) {
		stix_graph_settle(s.graph);
		s.object = read_object;
		s.broken = skip_broken;
		err = pass(&s, paths);
	}
	stix_pattern_end(&s.pattern);
	stix_graph_close(s.graph);
	return err;
}

/* --- recognition --------------------------------------------------------------------------------------- */

/* What the sample showed so far. */
struct sight {
	char type[64], id[64]; /* of the root; what is longer is cut */
	bool is_stix;
};

/* An id of STIX begins with the type of its object. */
static bool is_id(struct sink_span id, struct sink_span type)
{
	return type.len > 0 && id.len > type.len + 2 && memcmp(id.at, type.at, type.len) == 0 &&
		memcmp(id.at + type.len, "--", 2) == 0;
}

/* The first object decides. */
static int see_element(void *arg, const struct json_place *place, json_t *element)
{
	struct sight *sight = arg;

	(void)place;
	sight->is_stix = is_id(text_of(element, "id"), text_of(element, "type"));
	return SINK_ECANCELED;
}

static int see_member(void *arg, const struct json_place *place, json_t *value)
{
	struct sight *sight = arg;
	struct sink_span type, id;

	snprintf(place->at[0] == 't' ? sight->type : sight->id, sizeof sight->id, "%s",
		json_is_string(value) ? json_string_value(value) : "");
	type = sink_span_text(sight->type);
	id = sink_span_text(sight->id);
	sight->is_stix = text_is(type, "bundle") || text_starts(id, "bundle--") || is_id(id, type);
	return sight->is_stix ? SINK_ECANCELED : SINK_OK;
}

static int see_bad(void *arg, const struct json_place *place, enum feed_reason reason,
	struct sink_span text)
{
	(void)arg;
	(void)reason;
	(void)text;
	return place->path == JSON_NO_PATH ? SINK_OK : SINK_ECANCELED;
}

static bool is_telling(void *arg, const struct json_place *place)
{
	(void)arg;
	return place->path != JSON_NO_PATH || strcmp(place->at, "type") == 0 ||
		strcmp(place->at, "id") == 0;
}

static bool stix_begins(struct sink_span sample)
{
	struct sight sight = { 0 };
	struct json_stream_handler handler = {
		.element = see_element,
		.member = see_member,
		.bad = see_bad,
		.wanted = is_telling,
		.arg = &sight,
	};
	struct json_stream *stream;

	if (json_stream_begin(in_bundle, &handler, NULL, &stream))
		return false;
	json_stream_feed(stream, sample);
	json_stream_end(stream);
	return sight.is_stix;
}

const struct feed_format feed_stix = {
	.word = "stix",
	.summary = "STIX 2 bundles, TAXII envelopes",
	.scope = "exact",
	.document = stix_document,
	.begins = stix_begins,
};

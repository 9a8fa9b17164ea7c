/* misp.c - events of MISP (draft-dulaunoy-misp-core-format), as the UI, REST, PyMISP and feeds write them. Read
 * twice: MISP writes an event's tags behind its attributes, so what events say is gathered first. */
#include <stdlib.h>

#include "host.h"
#include "jsonstream.h"
#include "jsontext.h"
#include "misp_facts.h"
#include "says.h"
#include "text.h"
#include "url.h"

#define FACTS_MAX \
	((size_t)256 << 20) /* bytes: of what all events of a document say of themselves */

/* Attributes and objects: of one event, of many, of a search for attributes, without the "Event" around. */
static const char *const paths[] = { "Event.Attribute", "Event.Object",
	"response.[].Event.Attribute", "response.[].Event.Object", "response.Event.Attribute",
	"response.Event.Object", "[].Event.Attribute", "[].Event.Object", "response.Attribute",
	"response.[].Attribute", "response.[].Object", "[].Attribute", "[].Object", "Attribute",
	"Object", NULL };

/* --- the events of a document --------------------------------------------------------------------------------- */

/* What one says, as small as may be. */
struct event {
	struct event *next;
	uint64_t group;
	int64_t day, retention;
	bool retired;
	struct sink_record record; /* its text lies behind */
	char text[];
};

struct misp {
	const struct feed_document *document;
	const struct feed_out *out;
	struct event *first, **last;
	size_t size; /* bytes of all of them */
	/* gathering */
	struct misp_facts facts; /* of the event at hand; later, of the attribute */
	uint64_t group; /* the event at hand */
	bool begun; /* there is one */
	bool is_misp, is_strange; /* the document has something that we know; something else */
	/* taking */
	const struct event *event; /* the next one that an attribute may be of */
	uint64_t line;
	bool is_deleted; /* the object at hand */
};

static void forget(struct misp *m)
{
	while (m->first) {
		struct event *next = m->first->next;

		free(m->first);
		m->first = next;
	}
}

/* Keep what was gathered of the event at hand. */
static int keep_event(struct misp *m)
{
	const struct misp_facts *f = &m->facts;
	struct event *event;
	size_t size = sizeof *event, len = 0;

	if (!m->begun)
		return SINK_OK;
	for (int i = 0; i < SINK_FIELD_COUNT; i++)
		size += f->says.record.text[i].len;
	m->size += size;
	if (m->size > FACTS_MAX)
		return sink_why(m->document->why, SINK_ESYNTAX,
			"its events say too much of themselves: more than %zu MiB",
			FACTS_MAX >> 20);
	event = malloc(size);
	if (!event)
		return SINK_ENOMEM;
	*event = (struct event){ .group = m->group,
		.day = f->day,
		.retention = f->retention,
		.retired = f->retired,
		.record = f->says.record };
	for (int i = 0; i < SINK_FIELD_COUNT; i++) {
		struct sink_span text = f->says.record.text[i];

		if (text.len > 0)
			memcpy(event->text + len, text.at, text.len);
		event->record.text[i] = sink_span(event->text + len, text.len);
		len += text.len;
	}
	*m->last = event;
	m->last = &event->next;
	return SINK_OK;
}

static int gather_member(void *arg, const struct json_place *place, json_t *value)
{
	struct misp *m = arg;
	int err = SINK_OK;

	if (!m->begun || m->group != place->group) {
		err = keep_event(m);
		misp_facts_begin(&m->facts);
		m->group = place->group;
		m->begun = true;
	}
	if (!err)
		misp_member_of(place->at)->take(&m->facts, value);
	return err;
}

static bool is_uuid(const char *text)
{
	return strlen(text) == 36 && strspn(text, "0123456789abcdefABCDEF-") == 36;
}

/* An event's entry in the manifest of a feed. */
static bool is_in_manifest(const struct json_place *place)
{
	return place->path == JSON_NO_PATH && place->first == '{' && is_uuid(place->at);
}

static bool gather_wanted(void *arg, const struct json_place *place)
{
	struct misp *m = arg;
	bool is_member = place->path == JSON_NO_PATH && misp_member_of(place->at);

	if (place->path != JSON_NO_PATH || is_member || is_in_manifest(place))
		m->is_misp = true;
	else
		m->is_strange = m->is_strange || !strchr(place->at, '.');
	return is_member;
}

static int pass_over(void *arg, const struct json_place *place, enum feed_reason reason,
	struct sink_span text)
{
	(void)arg;
	(void)place;
	(void)reason;
	(void)text;
	return SINK_OK;
}

/* --- attributes ------------------------------------------------------------------------------------------------ */

static enum feed_reason take_domain(struct sink_span value, struct feed_entry *entry)
{
	return host_name(value, &entry->name);
}

static enum feed_reason take_hostname(struct sink_span value, struct feed_entry *entry)
{
	entry->scope = SINK_SCOPE_EXACT;
	return host_name(value, &entry->name);
}

static enum feed_reason take_address(struct sink_span value, struct feed_entry *entry)
{
	int err = sink_prefix_from_text(value, &entry->prefix);

	entry->trigger = SINK_TRIGGER_ANSWER;
	entry->scope = SINK_SCOPE_EXACT;
	return !err ? FEED_TAKEN : err == SINK_EINVAL ? FEED_PREFIX_BITS : FEED_VALUE;
}

static enum feed_reason take_port(struct sink_span value, struct feed_entry *entry)
{
	(void)value;
	(void)entry;
	return FEED_PORT;
}

#define DOMAIN_IP "domain|ip"

static const struct type {
	const char *word;
	enum feed_reason (*take)(struct sink_span value, struct feed_entry *entry);
} types[] = {
	{ "domain", take_domain },
	{ DOMAIN_IP, take_domain }, /* of what is before the '|' */
	{ "hostname", take_hostname },
	{ "ip-dst", take_address },
	{ "ip-src", take_address },
	{ "url", url_entry },
	{ "hostname|port", take_port },
	{ "ip-dst|port", take_port },
	{ "ip-src|port", take_port },
};

static const struct type *type_of(struct sink_span word)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (text_is(word, types[i].word))
			return &types[i];
	return NULL;
}

/* One model of decay that says so is enough. */
static bool is_decayed(const json_t *attribute)
{
	const json_t *scores = json_object_get(attribute, "decay_score");

	for (size_t i = 0; i < json_array_size(scores); i++)
		if (json_truth(json_object_get(json_array_get(scores, i), "decayed")))
			return true;
	return json_truth(json_object_get(scores, "decayed"));
}

/* Is it on a list of false positives? "known" lists only say what a value is. */
static bool is_false_positive(const json_t *attribute)
{
	const json_t *hits = json_object_get(attribute, "warnings");

	for (size_t i = 0; i < json_array_size(hits); i++) {
		const json_t *hit = json_array_get(hits, i);

		if (!text_is(json_string_span(json_object_get(hit, "warninglist_category")),
			    "known"))
			return true;
	}
	return json_object_size(hits) > 0; /* by the names of the lists */
}

/* Why an attribute of a type that we know is not to be enforced. */
static enum feed_reason judge(const json_t *attribute)
{
	if (!json_truth(json_object_get(attribute, "to_ids")))
		return FEED_NOT_FOR_DETECTION;
	if (is_decayed(attribute))
		return FEED_EXPIRED;
	if (is_false_positive(attribute))
		return FEED_PROTECTED;
	return json_is_string(json_object_get(attribute, "value")) ? FEED_TAKEN : FEED_VALUE_TYPE;
}

static void begin_attribute(struct misp *m)
{
	struct misp_facts *f = &m->facts;
	struct attributes base;

	misp_facts_begin(f);
	if (!m->event || m->event->group != m->group)
		return;
	base.record = m->event->record;
	base.allow = base.has_scope = false;
	base.scope = SINK_SCOPE_EXACT;
	attributes_over(&base, NULL, &f->says);
	f->day = m->event->day;
	f->retention = m->event->retention;
	f->retired = m->event->retired;
}

/* Returns FEED_TAKEN, or that its end cannot be read. */
static enum feed_reason take_facts(struct misp *m, const json_t *attribute)
{
	const json_t *until = json_object_get(attribute, "valid_until");
	const json_t *event = json_object_get(attribute, "Event"); /* in a search for attributes */
	struct misp_facts *f = &m->facts;

	begin_attribute(m);
	misp_take_event(f, event);
	misp_take_attribute(f, attribute);
	if (!until || json_is_null(until))
		return FEED_TAKEN;
	if (json_is_string(until) &&
		says_set(&f->says, sink_span_text("valid-until"), json_string_span(until)))
		return FEED_TAKEN;
	return FEED_VALUE;
}

/* Addresses change hands sooner than names: their event may say for how long it lists them. */
static bool is_over(const struct misp *m, struct misp_facts *f, const struct feed_entry *entry)
{
	int64_t now = m->document->options->now, *until = &f->says.record.valid_until;
	int64_t end = f->day + f->retention;

	if (sink_trigger_is_prefix(entry->trigger)) {
		if (f->retired || (f->retention && !f->day)) /* since when, nobody knows */
			return true;
		if (f->retention && (!*until || end < *until))
			*until = end;
	}
	return now && *until && *until <= now;
}

static enum feed_reason take_entry(struct misp *m, const json_t *attribute, const struct type *type,
	struct feed_entry *entry)
{
	struct sink_span value = json_string_span(json_object_get(attribute, "value"));
	enum feed_reason reason = take_facts(m, attribute);

	value = text_trim(value);
	if (strcmp(type->word, DOMAIN_IP) == 0)
		value = text_trim(text_cut(&value, '|'));
	feed_entry_init(entry);
	entry->says = &m->facts.says;
	if (!reason)
		reason = type->take(value, entry);
	if (!reason && is_over(m, &m->facts, entry))
		reason = FEED_EXPIRED;
	return reason;
}

/* The other half of "domain|ip" was the domain's when somebody looked, and may be that of a thousand others. */
static void skip_resolved(struct misp *m, const struct type *type, struct sink_span value)
{
	if (strcmp(type->word, DOMAIN_IP) == 0 && text_find(value, '|') < value.len)
		feed_skip(m->out, FEED_REAL_ADDRESS, text_after(value, text_find(value, '|') + 1));
}

static void skip_attribute(struct misp *m, enum feed_reason reason, const json_t *attribute)
{
	const json_t *value = json_object_get(attribute, "value");
	struct sink_span detail = sink_span(NULL, 0);

	if (reason == FEED_INDICATOR_TYPE)
		detail = json_string_span(json_object_get(attribute, "type"));
	json_skip(m->out, reason, detail, value ? value : attribute);
}

static int take_attribute(struct misp *m, const json_t *attribute)
{
	struct sink_span word = json_string_span(json_object_get(attribute, "type"));
	struct sink_span value = json_string_span(json_object_get(attribute, "value"));
	const struct type *type = type_of(word);
	enum feed_reason reason = FEED_INDICATOR_TYPE;
	struct feed_entry entry;
	int err;

	m->out->item(m->out->arg, m->line);
	if (!json_is_object(attribute) || word.len == 0)
		reason = FEED_VALUE_TYPE;
	else if (m->is_deleted || json_truth(json_object_get(attribute, "deleted")))
		reason = FEED_DELETED;
	else if (type)
		reason = judge(attribute);
	if (type && !reason)
		reason = take_entry(m, attribute, type, &entry);
	if (reason) {
		skip_attribute(m, reason, attribute);
		return SINK_OK;
	}
	err = m->out->entry(m->out->arg, &entry);
	skip_resolved(m, type, value);
	return err;
}

/* --- the document ----------------------------------------------------------------------------------------------- */

static int take_object(struct misp *m, const json_t *object)
{
	const json_t *list = json_object_get(object, "Attribute");
	int err = SINK_OK;

	if (!json_is_object(object))
		return take_attribute(m, object); /* no attribute, and counted as such */
	m->is_deleted = json_truth(json_object_get(object, "deleted"));
	for (size_t i = 0; i < json_array_size(list) && !err; i++)
		err = take_attribute(m, json_array_get(list, i));
	if (list && !json_is_null(list) && !json_is_array(list))
		err = take_attribute(m, list);
	m->is_deleted = false;
	return err;
}

static bool is_object_path(size_t path)
{
	const char *dot = strrchr(paths[path], '.');

	return strcmp(dot ? dot + 1 : paths[path], "Object") == 0;
}

static int take_element(void *arg, const struct json_place *place, json_t *element)
{
	struct misp *m = arg;

	m->line = place->line;
	m->group = place->group;
	while (m->event && m->event->group < place->group)
		m->event = m->event->next;
	return is_object_path(place->path) ? take_object(m, element) : take_attribute(m, element);
}

static int skip_bad(void *arg, const struct json_place *place, enum feed_reason reason,
	struct sink_span text)
{
	struct misp *m = arg;

	m->out->item(m->out->arg, place->line);
	feed_skip(m->out, reason, text);
	return SINK_OK;
}

/* Elements are; of a manifest it is enough that they are there. */
static bool take_wanted(void *arg, const struct json_place *place)
{
	struct misp *m = arg;

	if (is_in_manifest(place))
		m->out->item(m->out->arg, place->line);
	return place->path != JSON_NO_PATH;
}

static int no_member(void *arg, const struct json_place *place, json_t *value)
{
	(void)arg;
	(void)place;
	(void)value;
	return SINK_OK;
}

static int gather(struct misp *m)
{
	struct json_stream_handler handler = { .element = no_member,
		.member = gather_member,
		.bad = pass_over,
		.wanted = gather_wanted,
		.arg = m };
	int err = json_stream(m->document->lines, paths, &handler, m->document->why);

	if (!err)
		err = keep_event(m);
	if (!err && m->is_strange && !m->is_misp)
		return sink_why(m->document->why, SINK_ESYNTAX,
			"there is no event of MISP in it, nor a manifest");
	return err ? err : lines_rewind(m->document->lines);
}

static int misp_document(const struct feed_document *document, const struct feed_out *out)
{
	struct misp m = { .document = document, .out = out };
	struct json_stream_handler handler = { .element = take_element,
		.member = no_member,
		.bad = skip_bad,
		.wanted = take_wanted,
		.arg = &m };
	int err;

	m.last = &m.first;
	err = gather(&m);
	m.event = m.first;
	if (!err)
		err = json_stream(document->lines, paths, &handler, document->why);
	forget(&m);
	return err;
}

/* The beginning of a sample without white space. Returns its length. */
static size_t squeeze(struct sink_span sample, char *out, size_t max)
{
	size_t len = 0;

	for (size_t i = 0; i < sample.len && len < max; i++)
		if (sample.at[i] > ' ')
			out[len++] = (char)sample.at[i];
	return len;
}

/* An event by itself: names of members that no other format has together. */
static bool is_bare_event(struct sink_span head, struct sink_span sample)
{
	return text_starts(head, "{\"") &&
		((text_has(sample, "\"threat_level_id\"") && text_has(sample, "\"analysis\"") &&
			 text_has(sample, "\"info\"")) ||
			(text_starts(head, "{\"Attribute\":[") && text_has(sample, "\"to_ids\"")));
}

static bool is_manifest(struct sink_span head)
{
	char uuid[37] = "";

	if (head.len < 44 || !text_starts(head, "{\"") || memcmp(head.at + 38, "\":{\"", 4) != 0)
		return false;
	memcpy(uuid, head.at + 2, 36);
	return is_uuid(uuid);
}

static bool misp_begins(struct sink_span sample)
{
	static const char *const beginnings[] = { "{\"Event\":{", "[{\"Event\":{",
		"{\"response\":[{\"Event\":{", "{\"response\":{\"Event\":{", "{\"response\":[]",
		"{\"response\":{\"Attribute\":[", "{\"response\":[{\"Object\":{" };
	char text[64];
	struct sink_span head = sink_span(text, squeeze(sample, text, sizeof text));

	for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
		if (text_starts(head, beginnings[i]))
			return true;
	return is_manifest(head) || is_bare_event(head, sample);
}

const struct feed_format feed_misp = {
	.word = "misp",
	.summary = "MISP events: domain, hostname, ip-dst, ip-src and url attributes for detection",
	.scope = "domain: subtree; hostname, url: exact",
	.document = misp_document,
	.begins = misp_begins,
};

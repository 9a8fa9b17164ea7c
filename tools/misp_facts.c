/* misp_facts.c - tags, galaxies and members of events. Names of galaxies as in misp-galaxy, of tags as in
 * misp-taxonomies. */
#include "misp_facts.h"

#include <stdio.h>

#include "jsontext.h"
#include "says.h"
#include "text.h"
#include "when.h"

#define DAY 86400 /* seconds */

/* In front of the names of an event's members. */
static const char *const events[] = { "Event.", "response.[].Event.", "response.Event.",
	"[].Event.", "response.[].", "[].", "" };

void misp_facts_begin(struct misp_facts *f)
{
	attributes_init(&f->says);
	f->has_tlp = f->has_actor = f->retired = false;
	f->day = f->retention = 0;
}

/* --- tags and galaxies ---------------------------------------------------------------------------------------- */

/* A galaxy by the kind of what it names. Others stay tags as they are. */
static const struct {
	const char *type, *prefix; /* NULL: an actor */
} galaxies[] = {
	{ "threat-actor", NULL },
	{ "microsoft-activity-group", NULL },
	{ "360net-threat-actor", NULL },
	{ "mitre-intrusion-set", NULL },
	{ "mitre-enterprise-attack-intrusion-set", NULL },
	{ "malpedia", "malware:" },
	{ "ransomware", "malware:" },
	{ "botnet", "malware:" },
	{ "stealer", "malware:" },
	{ "banker", "malware:" },
	{ "rat", "malware:" },
	{ "backdoor", "malware:" },
	{ "cryptominers", "malware:" },
	{ "android", "malware:" },
	{ "mitre-malware", "malware:" },
	{ "mitre-enterprise-attack-malware", "malware:" },
	{ "tool", "tool:" },
	{ "mitre-tool", "tool:" },
	{ "mitre-enterprise-attack-tool", "tool:" },
	{ "exploit-kit", "tool:" },
};

static void say_prefixed(struct misp_facts *f, const char *prefix, struct sink_span value)
{
	char text[256];
	int len = (int)(value.len < sizeof text ? value.len : sizeof text);

	snprintf(text, sizeof text, "%s%.*s", prefix, len, (const char *)value.at);
	says_plain_tag(&f->says, sink_span_text(text));
}

static void say_actor(struct misp_facts *f, struct sink_span value)
{
	if (!f->has_actor)
		f->has_actor = says_set(&f->says, sink_span_text("actor"), value);
	else if (!sink_span_equal(f->says.record.text[SINK_FIELD_ACTOR], value))
		say_prefixed(f, "actor:", value);
}

/* Returns whether it is of a kind that we know. */
static bool say_galaxy(struct misp_facts *f, struct sink_span type, struct sink_span value)
{
	for (size_t i = 0; i < sizeof galaxies / sizeof galaxies[0] && value.len > 0; i++) {
		if (!text_is(type, galaxies[i].type))
			continue;
		if (galaxies[i].prefix)
			say_prefixed(f, galaxies[i].prefix, value);
		else
			say_actor(f, value);
		return true;
	}
	return false;
}

/* "tlp:amber": of several the strictest. What is no colour (ex:chr, unclear) is nothing for us. */
static bool take_tlp(struct misp_facts *f, struct sink_span tag)
{
	enum sink_tlp tlp = SINK_TLP_NONE;

	if (tag.len < 4 || !text_is_anycase(sink_span(tag.at, 4), "tlp:"))
		return false;
	tag = text_after(tag, 4);
	if (text_is_anycase(tag, "white"))
		tlp = SINK_TLP_CLEAR;
	for (int i = SINK_TLP_CLEAR; i < SINK_TLP_COUNT; i++)
		if (text_is_anycase(tag, sink_tlp_word((enum sink_tlp)i)))
			tlp = (enum sink_tlp)i;
	if (tlp != SINK_TLP_NONE && (!f->has_tlp || tlp > f->says.record.tlp)) {
		f->says.record.tlp = tlp;
		f->has_tlp = true;
	}
	return true;
}

/* The value of a machine tag NAME="VALUE"; false if it has another name. */
static bool take_value(struct sink_span tag, const char *name, struct sink_span *out)
{
	if (!text_starts(tag, name))
		return false;
	*out = text_after(tag, strlen(name));
	if (out->len > 1 && out->at[0] == '"' && out->at[out->len - 1] == '"')
		*out = sink_span(out->at + 1, out->len - 2);
	return true;
}

/* MISP's own scale of confidence; numbers as in misp-taxonomies, misp/machinetag.json. */
static bool take_confidence(struct misp_facts *f, struct sink_span tag)
{
	static const struct {
		const char *word;
		uint8_t percent;
	} levels[] = {
		{ "completely-confident", 100 },
		{ "usually-confident", 75 },
		{ "fairly-confident", 50 },
		{ "rarely-confident", 25 },
		{ "unconfident", 0 },
	};
	struct sink_span value;

	if (!take_value(tag, "misp:confidence-level=", &value))
		return false;
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
		if (text_is(value, levels[i].word))
			f->says.record.confidence = levels[i].percent;
	return true;
}

/* "retention:3m": how long addresses stay meant for detection, from the event's day on (misp-taxonomies,
 * retention/machinetag.json). A month has 30 days here, a year 365. Of several the shortest. */
static void take_retention(struct misp_facts *f, struct sink_span tag)
{
	static const struct {
		char unit;
		int64_t days;
	} units[] = { { 'd', 1 }, { 'w', 7 }, { 'm', 30 }, { 'y', 365 } };
	struct sink_span value;
	int64_t n = 0;

	if (!take_value(tag, "retention:", &value) || value.len < 2 || value.len > 4)
		return;
	for (size_t i = 0; i + 1 < value.len; i++) {
		if (!text_is_digit(value.at[i]))
			return;
		n = n * 10 + (value.at[i] - '0');
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (value.at[value.len - 1] == (uint8_t)units[i].unit)
			n *= units[i].days * DAY;
	if (n >= DAY && (f->retention == 0 || n < f->retention))
		f->retention = n;
}

static bool take_galaxy_tag(struct misp_facts *f, struct sink_span tag)
{
	struct sink_span type;

	if (!text_starts(tag, "misp-galaxy:"))
		return false;
	tag = text_after(tag, strlen("misp-galaxy:"));
	type = text_cut(&tag, '=');
	if (tag.len > 1 && tag.at[0] == '"' && tag.at[tag.len - 1] == '"')
		tag = sink_span(tag.at + 1, tag.len - 2);
	return say_galaxy(f, type, tag);
}

static void take_tag(struct misp_facts *f, struct sink_span tag)
{
	f->retired = f->retired || text_is(tag, "retention:expired");
	take_retention(f, tag);
	if (!take_tlp(f, tag) && !take_confidence(f, tag) && !take_galaxy_tag(f, tag))
		says_plain_tag(&f->says, tag);
}

static void take_tags(struct misp_facts *f, const json_t *tags)
{
	for (size_t i = 0; i < json_array_size(tags); i++)
		take_tag(f, json_string_span(json_object_get(json_array_get(tags, i), "name")));
}

static void take_galaxy(struct misp_facts *f, const json_t *galaxy)
{
	struct sink_span type = json_string_span(json_object_get(galaxy, "type"));
	const json_t *clusters = json_object_get(galaxy, "GalaxyCluster");

	for (size_t i = 0; i < json_array_size(clusters); i++) {
		const json_t *value = json_object_get(json_array_get(clusters, i), "value");

		say_galaxy(f, type, json_string_span(value));
	}
}

/* Mostly what the tags say already, but not in every export. */
static void take_galaxies(struct misp_facts *f, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		take_galaxy(f, json_array_get(list, i));
}

/* --- members of an event -------------------------------------------------------------------------------------- */

static void take_uuid(struct misp_facts *f, const json_t *value)
{
	says_set(&f->says, sink_span_text("reference"), json_string_span(value));
}

static void take_info(struct misp_facts *f, const json_t *value)
{
	says_set(&f->says, sink_span_text("campaign"), json_string_span(value));
}

static void take_threat_level(struct misp_facts *f, const json_t *value)
{
	static const enum sink_severity levels[] = { SINK_SEVERITY_HIGH, SINK_SEVERITY_MEDIUM,
		SINK_SEVERITY_LOW };
	struct sink_span text = json_string_span(value);
	json_int_t n = json_is_integer(value) ? json_integer_value(value)
		: text.len == 1		      ? text.at[0] - '0'
					      : 0;

	if (n >= 1 && n <= 3)
		f->says.record.severity = levels[n - 1];
}

static void take_date(struct misp_facts *f, const json_t *value)
{
	int64_t day;

	if (json_is_string(value) && when_parse(json_string_value(value), &day))
		f->day = day;
}

/* Searches for attributes leave the event's date out: then they count from their own last change. */
static void take_timestamp(struct misp_facts *f, const json_t *value)
{
	char text[24];

	if (json_is_integer(value))
		snprintf(text, sizeof text, "@%lld", (long long)json_integer_value(value));
	else
		snprintf(text, sizeof text, "@%.20s",
			json_is_string(value) ? json_string_value(value) : "");
	if (f->day == 0)
		when_parse(text, &f->day);
}

static const struct misp_member members[] = {
	{ "uuid", take_uuid },
	{ "info", take_info },
	{ "threat_level_id", take_threat_level },
	{ "date", take_date },
	{ "Tag", take_tags },
	{ "Galaxy", take_galaxies },
};

/* Which one it is, if it stands in an event. */
const struct misp_member *misp_member_of(const char *at)
{
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		if (strncmp(at, events[i], strlen(events[i])) != 0)
			continue;
		for (size_t k = 0; k < sizeof members / sizeof members[0]; k++)
			if (strcmp(at + strlen(events[i]), members[k].name) == 0)
				return &members[k];
	}
	return NULL;
}

/* "Network activity" becomes network-activity. */
static void take_category(struct misp_facts *f, struct sink_span text)
{
	char word[64];

	if (text.len > sizeof word)
		return;
	for (size_t i = 0; i < text.len; i++)
		word[i] = text.at[i] == ' ' ? '-' : (char)text_lower(text.at[i]);
	says_set(&f->says, sink_span_text("category"), sink_span(word, text.len));
}

void misp_take_event(struct misp_facts *f, const json_t *event)
{
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		const json_t *value = json_object_get(event, members[i].name);

		if (value)
			members[i].take(f, value);
	}
}

void misp_take_attribute(struct misp_facts *f, const json_t *attribute)
{
	int64_t retention = f->retention;

	f->has_actor = f->has_tlp = false;
	f->retention = 0;
	take_timestamp(f, json_object_get(attribute, "timestamp"));
	take_tags(f, json_object_get(attribute, "Tag"));
	if (f->retention == 0)
		f->retention = retention;
	take_galaxies(f, json_object_get(attribute, "Galaxy"));
	take_category(f, json_string_span(json_object_get(attribute, "category")));
}

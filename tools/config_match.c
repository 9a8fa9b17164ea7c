/* config_match.c - what a rule is about: which entries, and which answers. */
#include "config_parts.h"
#include "quantity.h"
#include "text.h"

static int refuse(bool is_right, const struct key_value *value, struct sink_why *why)
{
	return is_right ? SINK_OK : key_refuse(value, why);
}

static struct growing *list_of(void *into, const struct key_value *value)
{
	return (struct growing *)(void *)((uint8_t *)into + value->row->at);
}

static int set_text(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;
	struct sink_span text = sink_span_text(value->text);
	int err = key_check_text(value, why);

	if (!err)
		err = policy_keep_span(&rule->reading->config->policy, &text);
	return err ? err : growing_add(list_of(into, value), &text, sizeof text);
}

static bool is_country(const char *c)
{
	return strlen(c) == 2 && c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' && c[1] <= 'Z';
}

static int set_jurisdiction(void *into, const struct key_value *value, struct sink_why *why)
{
	return is_country(value->text) ? set_text(into, value, why) : key_refuse(value, why);
}

int rule_set_country(void *into, const struct key_value *value, struct sink_why *why)
{
	const char *c = value->text;
	uint16_t code;

	if (!is_country(c))
		return key_refuse(value, why);
	code = (uint16_t)((uint8_t)c[0] << 8 | (uint8_t)c[1]);
	return growing_add(list_of(into, value), &code, sizeof code);
}

/* "64511", or "AS64511". */
static int set_asn(void *into, const struct key_value *value, struct sink_why *why)
{
	const char *text = value->text;
	uint32_t asn;
	uint64_t n;

	if (text[0] == 'A' && text[1] == 'S')
		text += 2;
	if (!quantity_count(text, &n) || n == 0 || n > UINT32_MAX)
		return key_refuse(value, why);
	asn = (uint32_t)n;
	return growing_add(list_of(into, value), &asn, sizeof asn);
}

/* --- words --------------------------------------------------------------------------------------------- */

static bool set_bit(const char *text, const char *(*word)(int number), int first, int count,
	uint8_t *bits)
{
	for (int i = first; i < count; i++)
		if (strcmp(text, word(i)) == 0) {
			*bits = (uint8_t)(*bits | 1u << i);
			return true;
		}
	return false;
}

static int set_severity(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;

	return refuse(set_bit(value->text, policy_severity_word, SINK_SEVERITY_LOW,
			      SINK_SEVERITY_COUNT, &rule->rule.severities),
		value, why);
}

static int set_tlp(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;

	return refuse(set_bit(value->text, policy_tlp_word, SINK_TLP_CLEAR, SINK_TLP_COUNT,
			      &rule->rule.tlps),
		value, why);
}

static int set_trigger(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;

	return refuse(set_bit(value->text, policy_trigger_word, SINK_TRIGGER_QNAME,
			      SINK_TRIGGER_COUNT, &rule->rule.triggers),
		value, why);
}

/* --- confidence ------------------------------------------------------------------------------------------- */

static bool is_percent(const char *text, int *out)
{
	uint64_t n;

	if (!quantity_count(text, &n) || n > 100)
		return false;
	*out = (int)n;
	return true;
}

/* "50-79". */
static bool is_range(const char *text, int *min, int *max)
{
	const char *dash = strchr(text, '-');
	char first[4] = "";

	if (!dash || dash - text > 3)
		return false;
	memcpy(first, text, (size_t)(dash - text));
	return is_percent(first, min) && is_percent(dash + 1, max) && *min <= *max;
}

/* "80": that alone; ">=80", ">80", "<=80", "<80"; "50-79". */
static bool read_confidence(const char *text, int *min, int *max)
{
	bool is_equal = text[0] && text[1] == '=';
	int n;

	*min = 0;
	*max = 100;
	if (text[0] != '<' && text[0] != '>') {
		if (is_range(text, min, max))
			return true;
		return is_percent(text, min) && is_percent(text, max);
	}
	if (!is_percent(text + 1 + is_equal, &n))
		return false;
	if (text[0] == '>')
		*min = n + !is_equal;
	else
		*max = n - !is_equal;
	return true;
}

static int set_confidence(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;
	int min, max;

	if (!read_confidence(value->text, &min, &max))
		return key_refuse(value, why);
	if (min > max)
		return sink_why(why, SINK_ESYNTAX, "confidence: nothing is '%.20s'", value->text);
	if (min == 0 && max == 100)
		return sink_why(why, SINK_ESYNTAX,
			"confidence: '%.20s' is anything: leave it out, for entries without one as "
			"well",
			value->text);
	rule->rule.confidence_min = (uint8_t)min;
	rule->rule.confidence_max = (uint8_t)max;
	return SINK_OK;
}

/* --- rows ------------------------------------------------------------------------------------------------ */

#define WANTS_TEXTS "a text, or a list of texts"
#define WANTS_COUNTRIES "a list of country codes such as [FR]"
#define TEXTS(field) KEY_TEXTS, .set = set_text, .at = offsetof(struct rule_reading, texts[field])

const struct key_row match_keys[] = {
	{ "source", WANTS_TEXTS, "the entry's source is one of these", TEXTS(SINK_FIELD_SOURCE) },
	{ "category", WANTS_TEXTS, "its category", TEXTS(SINK_FIELD_CATEGORY) },
	{ "severity", "low, medium, high or critical, or a list of them", "its severity", KEY_TEXTS,
		.set = set_severity },
	{ "confidence", "0 to 100, a range such as 50-79, or a comparison such as \">=80\"",
		"its confidence", KEY_TEXT, .set = set_confidence },
	{ "actor", WANTS_TEXTS, "its actor", TEXTS(SINK_FIELD_ACTOR) },
	{ "campaign", WANTS_TEXTS, "its campaign", TEXTS(SINK_FIELD_CAMPAIGN) },
	{ "legal-basis", WANTS_TEXTS, "its legal basis", TEXTS(SINK_FIELD_LEGAL_BASIS) },
	{ "jurisdiction", WANTS_COUNTRIES, "one of its jurisdictions", KEY_TEXTS,
		.set = set_jurisdiction,
		.at = offsetof(struct rule_reading, texts[SINK_FIELD_JURISDICTION]) },
	{ "tag", WANTS_TEXTS, "one of its tags", TEXTS(SINK_FIELD_TAG) },
	{ "tlp", "clear, green, amber, amber+strict or red, or a list of them", "who may be told",
		KEY_TEXTS, .set = set_tlp },
	{ "trigger", "qname, answer, client, ns-name or ns-address, or a list of them",
		"what the entry lists", KEY_TEXTS, .set = set_trigger },
	{ "answer-asn", "a list of numbers such as [64511]",
		"an address in the answer belongs to that autonomous system", KEY_TEXTS,
		.set = set_asn, .at = offsetof(struct rule_reading, answer_asns) },
	{ "answer-country", WANTS_COUNTRIES, "an address in the answer is there", KEY_TEXTS,
		.set = rule_set_country, .at = offsetof(struct rule_reading, answer_countries) },
	{ 0 },
};

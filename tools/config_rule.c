/* config_rule.c - one rule: its name, for whom it is, and when; then all of it as the policy holds it. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config_parts.h"
#include "qtype.h"
#include "quantity.h"
#include "sinkhole/grow.h"
#include "structured.h"
#include "text.h"

#define WORTH_A_CALL 65536 /* bytes */

void touch(void *at, size_t from, size_t to)
{
#ifdef MADV_POPULATE_WRITE
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = ((uintptr_t)at + from + page - 1) / page * page;
	uintptr_t end = ((uintptr_t)at + to) / page * page;

	if (end > first && end - first >= WORTH_A_CALL)
		(void)madvise((uint8_t *)at + (first - (uintptr_t)at), end - first,
			MADV_POPULATE_WRITE);
#else
	(void)at, (void)from, (void)to;
#endif
}

int growing_add(struct growing *list, const void *item, size_t each)
{
	size_t room = list->room;
	void *at = sink_grow(list->at, list->count, &list->room, each);

	if (!at)
		return SINK_ENOMEM;
	list->at = at;
	if (list->room != room)
		touch(at, room * each, list->room * each);
	memcpy((uint8_t *)at + list->count++ * each, item, each);
	return SINK_OK;
}

/* --- for whom --------------------------------------------------------------------------------------------- */

static int set_name(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;
	int err = key_check_text(value, why);

	if (err)
		return err;
	if (strcmp(value->text, SINK_SOURCE_ALLOW) == 0)
		return sink_why(why, SINK_ESYNTAX, "rule: '%s' is the rule of 'sinkhole allow'",
			value->text);
	rule->rule.name = sink_span_text(value->text);
	return policy_keep_span(&rule->reading->config->policy, &rule->rule.name);
}

static int set_group(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;
	const struct reading *reading = rule->reading;
	struct sink_span name = sink_span_text(value->text);

	if (text_is(name, "others")) {
		rule->rule.is_for_others = true;
		return SINK_OK;
	}
	for (size_t i = 0; i < reading->groups_count; i++)
		if (sink_span_equal(node_text(reading->groups[i]), name)) {
			if (i < SINK_GROUPS_MAX)
				rule->rule.groups |= (uint64_t)1 << i;
			return SINK_OK;
		}
	return sink_why(why, SINK_ESYNTAX, "group: there is no group '%s'", shown(name).text);
}

/* A share of clients, in hundredths of a per cent. */
static int set_enforce(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;
	double percent;
	long share;

	if (!quantity_percent(value->text, &percent) || percent > 100)
		return key_refuse(value, why);
	share = (long)(percent * (SINK_SHARE_ALL / 100.0) + 0.5);
	if (share == 0 && percent > 0)
		return sink_why(why, SINK_ESYNTAX, "enforce: less than 0.01%% of clients");
	rule->is_never = share == 0;
	rule->rule.share = (uint16_t)(share ? share : 1);
	return SINK_OK;
}

static int set_type(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;
	bool is_excluded = value->text[0] == '!';
	uint16_t type;

	if (!qtype_parse(value->text + is_excluded, &type))
		return key_refuse(value, why);
	if (rule->types.count > 0 && is_excluded != rule->are_types_excluded)
		return sink_why(why, SINK_ESYNTAX,
			"types: either these (A, AAAA) or all but these (\"!TXT\", \"!MX\"), not "
			"both");
	rule->are_types_excluded = is_excluded;
	return growing_add(&rule->types, &type, sizeof type);
}

/* --- rows --------------------------------------------------------------------------------------------------- */

const struct key_row rule_keys[] = {
	{ "rule", KEY_WANTS_TEXT, "its name", KEY_TEXT, .is_required = true, .set = set_name },
	{ "match", "a mapping such as {category: malware}", "which entries it is about", KEY_MAP,
		.is_required = true, .keys = match_keys },
	{ "group", "the name of a group, or a list of them", "only for these clients", KEY_TEXTS,
		.set = set_group },
	{ "client-country", "a list of country codes such as [FR]", "only for clients there",
		KEY_TEXTS, .set = rule_set_country,
		.at = offsetof(struct rule_reading, client_countries) },
	{ "types", "a list of types such as [A, AAAA], or all but some: [\"!TXT\"]",
		"only for queries of these types", KEY_TEXTS, .set = set_type },
	{ "schedule", "a mapping of days, hours and zone", "only then", KEY_MAP,
		.at = offsetof(struct rule_reading, schedule), .keys = schedule_keys },
	{ "enforce", "a share of at most 100%, such as 10%", "only for that part of clients",
		KEY_TEXT, .set = set_enforce },
	{ "action",
		"nxdomain, nodata, refused, drop, truncate, sinkhole, cname, data, listed, pass or "
		"monitor",
		"what the client gets", KEY_TEXT, .is_required = true, .set = form_set_action },
	{ "a", "a list of IPv4 addresses", "of the sinkhole", KEY_TEXTS, .set = form_set_a },
	{ "aaaa", "a list of IPv6 addresses", "of the sinkhole", KEY_TEXTS, .set = form_set_aaaa },
	{ "cname", "a name such as garden.example or \"*.garden.example\"", "where to instead",
		KEY_TEXT, .set = form_set_cname },
	{ "data", "a list of records such as ['TXT \"blocked\"']", "what is answered", KEY_TEXTS,
		.set = form_set_data },
	{ "ttl", "seconds, or a duration such as 1m, of at most a week", "of such answers",
		KEY_TEXT, .set = form_set_ttl },
	{ "ede", "0 to 65534, or none", "the code of an Extended DNS Error", KEY_TEXT,
		.set = form_set_ede },
	{ "ede-text", "a text of at most 64 bytes", "its text", KEY_TEXT,
		.set = form_set_ede_text },
	{ "sub-error", "1 to 255", "of a structured DNS error", KEY_TEXT,
		.set = form_set_sub_error },
	{ "justification", KEY_WANTS_TEXT, "why, in a structured DNS error", KEY_TEXT,
		.set = form_set_justification },
	{ "soa", "two names such as \"ns.isp.example. hostmaster.isp.example.\"",
		"who answers, and whom to write to", KEY_TEXT, .set = form_set_soa },
	{ 0 },
};

/* --- reading --------------------------------------------------------------------------------------------------- */

/* Does a mapping have keys other than what is asked of the answer? */
static bool asks_entries(const struct node *match)
{
	for (const struct node *node = match->first; node; node = node->next)
		if (!text_is(node_text(node->key), "answer-asn") &&
			!text_is(node_text(node->key), "answer-country"))
			return true;
	return false;
}

static void check_bare(struct rule_reading *rule)
{
	const struct node *match = node_find(rule->map, "match");

	rule->rule.is_bare =
		match && match->type == NODE_MAP && match->first && !asks_entries(match);
	if (rule->rule.is_bare && rule->rule.action == SINK_ACTION_LISTED)
		node_wrong(rule->reading, node_find(rule->map, "action"),
			"listed: no entry is asked for, so nothing says what to do");
}

void rules_item(struct reading *reading, const struct key_row *row, const struct node *map)
{
	struct rule_reading rule = { .reading = reading,
		.map = map,
		.rule = sink_policy_default.rules[0],
		.sub_error = STRUCTURED_NONE };
	size_t errors = reading->problems.errors;

	rule.rule.action = SINK_ACTION_NONE;
	rule.rule.groups = 0;
	rule.rule.is_for_others = false;
	rows_read(reading, map, row->keys, &rule);
	check_bare(&rule);
	schedule_check(&rule);
	form_check(&rule);
	rule.is_clean = reading->problems.errors == errors && !map->is_cut;
	if (growing_add(&reading->policy->rules, &rule, sizeof rule)) {
		reading->problems.no_memory = true;
		rule_end(&rule);
	}
}

/* --- finishing ------------------------------------------------------------------------------------------------- */

static int compare_u16(const void *a, const void *b)
{
	uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;

	return (x > y) - (x < y);
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Sort a list, and drop what is there twice. */
static void sort_distinct(struct growing *list, size_t each,
	int (*compare)(const void *, const void *))
{
	uint8_t *at = list->at;
	size_t last = 0;

	if (list->count == 0)
		return;
	qsort(at, list->count, each, compare);
	for (size_t i = 1; i < list->count; i++)
		if (compare(at + i * each, at + last * each) != 0 && ++last != i)
			memcpy(at + last * each, at + i * each, each);
	list->count = last + 1;
}

static int keep(struct rule_reading *rule, const struct growing *list, size_t each,
	const void **out)
{
	if (list->count == 0)
		return SINK_OK;
	*out = policy_keep(&rule->reading->config->policy, list->at, list->count * each);
	return *out ? SINK_OK : SINK_ENOMEM;
}

static int finish_countries(struct rule_reading *rule, struct growing *list,
	struct sink_countries *out)
{
	const void *at = NULL;
	int err;

	sort_distinct(list, sizeof(uint16_t), compare_u16);
	err = keep(rule, list, sizeof(uint16_t), &at);
	*out = (struct sink_countries){ .at = at, .count = list->count };
	return err;
}

static int finish_asns(struct rule_reading *rule)
{
	struct growing *list = &rule->answer_asns;
	const void *at = NULL;
	int err;

	sort_distinct(list, sizeof(uint32_t), compare_u32);
	err = keep(rule, list, sizeof(uint32_t), &at);
	rule->rule.answer_asns = (struct sink_asns){ .at = at, .count = list->count };
	return err;
}

static int finish_texts(struct rule_reading *rule)
{
	int err = SINK_OK;

	for (int f = 0; f < SINK_FIELD_COUNT && !err; f++) {
		const struct growing *list = &rule->texts[f];
		const void *at = NULL;

		err = keep(rule, list, sizeof(struct sink_span), &at);
		rule->rule.texts[f] = (struct sink_texts){ .at = at, .count = list->count };
	}
	return err;
}

/* As record.h has types: how they are meant, then each in two bytes. */
static int finish_types(struct rule_reading *rule)
{
	struct growing *list = &rule->types;
	const uint16_t *types = list->at;
	size_t len;
	uint8_t *to;

	if (list->count == 0)
		return SINK_OK;
	sort_distinct(list, sizeof(uint16_t), compare_u16);
	len = 1 + 2 * list->count;
	to = policy_keep(&rule->reading->config->policy, NULL, len);
	if (!to)
		return SINK_ENOMEM;
	rule->rule.types = sink_span(to, len);
	*to++ = rule->are_types_excluded;
	for (size_t i = 0; i < list->count; i++) {
		*to++ = (uint8_t)(types[i] >> 8);
		*to++ = (uint8_t)types[i];
	}
	return SINK_OK;
}

int rule_finish(struct rule_reading *rule)
{
	int err = finish_texts(rule);

	if (!node_find(rule->map, "group")) {
		rule->rule.groups = policy_all_groups(rule->reading->groups_count);
		rule->rule.is_for_others = true;
	}
	if (!err)
		err = finish_types(rule);
	if (!err)
		err = finish_countries(rule, &rule->client_countries, &rule->rule.client_countries);
	if (!err)
		err = finish_countries(rule, &rule->answer_countries, &rule->rule.answer_countries);
	if (!err)
		err = finish_asns(rule);
	if (!err)
		err = schedule_finish(rule);
	return err ? err : form_finish(rule);
}

void rule_end(struct rule_reading *rule)
{
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		free(rule->texts[f].at);
	free(rule->client_countries.at);
	free(rule->answer_countries.at);
	free(rule->answer_asns.at);
	free(rule->types.at);
	free(rule->data.at);
	free(rule->justification);
}

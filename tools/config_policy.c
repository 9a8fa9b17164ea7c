/* config_policy.c - groups, geoip and policy: their keys and values are checked, so that a file for the next
 * version is right today; this one does not obey them. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "config_parts.h"
#include "quantity.h"
#include "sinkhole/prefix.h"
#include "sinkhole/record.h"
#include "text.h"

/* --- values ------------------------------------------------------------------------------------------- */

static int judge(bool is_right, const struct key_value *value, struct sink_why *why)
{
	return is_right ? SINK_OK : key_refuse(value, why);
}

static int check_text(void *into, const struct key_value *value, struct sink_why *why)
{
	(void)into;
	return key_check_text(value, why);
}

static int check_prefix(void *into, const struct key_value *value, struct sink_why *why)
{
	struct sink_prefix prefix;
	int err = sink_prefix_from_text(sink_span_text(value->text), &prefix);

	(void)into;
	if (err == SINK_EINVAL)
		return sink_why(why, SINK_ESYNTAX,
			"%s: '%s' has bits set behind its length: is the address meant, or the "
			"network?",
			value->row->word, value->text);
	return judge(err == SINK_OK, value, why);
}

static bool is_word(const char *text, const char *const *words)
{
	while (*words && strcmp(text, *words) != 0)
		words++;
	return *words != NULL;
}

static int check_action(void *into, const struct key_value *value, struct sink_why *why)
{
	static const char *const words[] = { "nxdomain", "nodata", "refused", "drop", "truncate",
		"sinkhole", "cname", "pass", "monitor", "listed", NULL };

	(void)into;
	return judge(is_word(value->text, words), value, why);
}

static int check_severity(void *into, const struct key_value *value, struct sink_why *why)
{
	static const char *const words[] = { "low", "medium", "high", "critical", NULL };

	(void)into;
	return judge(is_word(value->text, words), value, why);
}

static int check_country(void *into, const struct key_value *value, struct sink_why *why)
{
	const char *c = value->text;

	(void)into;
	return judge(strlen(c) == 2 && c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' && c[1] <= 'Z',
		value, why);
}

/* "80", ">=80": a comparison with per cent. */
static int check_confidence(void *into, const struct key_value *value, struct sink_why *why)
{
	const char *at = value->text;
	uint64_t n;

	(void)into;
	if (*at == '<' || *at == '>')
		at += at[1] == '=' ? 2 : 1;
	return judge(quantity_count(at, &n) && n <= 100, value, why);
}

static int check_asn(void *into, const struct key_value *value, struct sink_why *why)
{
	uint64_t n;

	(void)into;
	return judge(quantity_count(value->text, &n) && n > 0 && n <= UINT32_MAX, value, why);
}

static int check_code(void *into, const struct key_value *value, struct sink_why *why)
{
	uint64_t n;

	(void)into;
	return judge(quantity_count(value->text, &n) && n <= UINT16_MAX, value, why);
}

static int check_a(void *into, const struct key_value *value, struct sink_why *why)
{
	struct in_addr address;

	(void)into;
	return judge(inet_pton(AF_INET, value->text, &address) == 1, value, why);
}

static int check_aaaa(void *into, const struct key_value *value, struct sink_why *why)
{
	struct in6_addr address;

	(void)into;
	return judge(inet_pton(AF_INET6, value->text, &address) == 1, value, why);
}

/* --- rows ------------------------------------------------------------------------------------------------ */

#define WANTS_TEXTS "a text, or a list of texts"
#define WANTS_COUNTRIES "a list of country codes such as [FR]"

const struct key_row group_keys[] = {
	{ "name", KEY_WANTS_TEXT, "rules call it that", KEY_TEXT, .is_required = true,
		.set = check_text },
	{ "clients", "a list of prefixes such as 192.0.2.0/24", "who belongs to it", KEY_TEXTS,
		.is_required = true, .set = check_prefix },
	{ 0 },
};

const struct key_row geoip_keys[] = {
	{ "country", "a path", "a database of countries", KEY_TEXT, .set = check_text },
	{ "asn", "a path", "a database of autonomous systems", KEY_TEXT, .set = check_text },
	{ 0 },
};

static const struct key_row match_keys[] = {
	{ "source", WANTS_TEXTS, "the entry's source is one of these", KEY_TEXTS,
		.set = check_text },
	{ "category", WANTS_TEXTS, "its category", KEY_TEXTS, .set = check_text },
	{ "severity", "low, medium, high or critical, or a list of them", "its severity", KEY_TEXTS,
		.set = check_severity },
	{ "confidence", "0 to 100, or a comparison such as \">=80\"", "its confidence", KEY_TEXT,
		.set = check_confidence },
	{ "actor", WANTS_TEXTS, "its actor", KEY_TEXTS, .set = check_text },
	{ "campaign", WANTS_TEXTS, "its campaign", KEY_TEXTS, .set = check_text },
	{ "jurisdiction", WANTS_COUNTRIES, "one of its jurisdictions", KEY_TEXTS,
		.set = check_country },
	{ "tag", WANTS_TEXTS, "one of its tags", KEY_TEXTS, .set = check_text },
	{ "answer-asn", "a list of numbers such as [64511]",
		"an address in the answer belongs to that autonomous system", KEY_TEXTS,
		.set = check_asn },
	{ "answer-country", WANTS_COUNTRIES, "an address in the answer is there", KEY_TEXTS,
		.set = check_country },
	{ 0 },
};

const struct key_row rule_keys[] = {
	{ "rule", KEY_WANTS_TEXT, "its name", KEY_TEXT, .is_required = true, .set = check_text },
	{ "match", "a mapping such as {category: malware}", "which entries it is about", KEY_MAP,
		.is_required = true, .keys = match_keys },
	{ "group", KEY_WANTS_TEXT, "only for these clients", KEY_TEXT, .set = check_text },
	{ "client-country", WANTS_COUNTRIES, "only for clients there", KEY_TEXTS,
		.set = check_country },
	{ "action",
		"nxdomain, nodata, refused, drop, truncate, sinkhole, cname, pass, monitor or "
		"listed",
		"what the client gets", KEY_TEXT, .is_required = true, .set = check_action },
	{ "a", "a list of IPv4 addresses", "of the sinkhole", KEY_TEXTS, .set = check_a },
	{ "aaaa", "a list of IPv6 addresses", "of the sinkhole", KEY_TEXTS, .set = check_aaaa },
	{ "ede", "0 to 65535", "the code of an Extended DNS Error", KEY_TEXT, .set = check_code },
	{ "ede-text", KEY_WANTS_TEXT, "its text", KEY_TEXT, .set = check_text },
	{ "sub-error", "0 to 65535", "of a structured DNS error", KEY_TEXT, .set = check_code },
	{ 0 },
};

/* --- items ------------------------------------------------------------------------------------------------- */

void groups_item(struct reading *reading, const struct key_row *row, const struct node *map)
{
	rows_read(reading, map, row->keys, reading->config);
}

static bool is_group(const struct reading *reading, const struct node *name)
{
	for (size_t i = 0; i < reading->groups_count; i++)
		if (sink_span_equal(node_text(reading->groups[i]), node_text(name)))
			return true;
	return false;
}

void rules_item(struct reading *reading, const struct key_row *row, const struct node *map)
{
	const struct node *group = node_find(map, "group"), *action = node_find(map, "action");

	rows_read(reading, map, row->keys, reading->config);
	if (group && group->type == NODE_TEXT && group->len > 0 && !is_group(reading, group))
		node_wrong(reading, group, "group: there is no group '%s'",
			shown(node_text(group)).text);
	if (action && action->type == NODE_TEXT && text_is(node_text(action), "sinkhole") &&
		!node_find(map, "a") && !node_find(map, "aaaa") && !map->is_cut)
		node_wrong(reading, action, "sinkhole: the addresses are missing: a, aaaa or both");
}

/* policy_check.c - the ranges of a policy's fields. Each check returns what is wrong, or NULL. */
#include "policy_check.h"

#include <stdlib.h>

#include "manifest.h"
#include "schema.h"
#include "sinkhole/name.h"

#define PATH_SIZE 4096 /* bytes of a path, with its NUL */
#define TYPE_CNAME 5

static bool is_name(struct sink_span text)
{
	return text.len > 0 && manifest_is_text(text, SINK_STRING_MAX + 1);
}

/* --- what a client gets ----------------------------------------------------------------------- */

/* Take a name in wire form off the front. */
static bool take_name(struct sink_span *rest)
{
	struct sink_name name;
	uint8_t wire[SINK_WIRE_MAX];
	size_t len;

	if (sink_name_from_wire(*rest, &name))
		return false;
	len = sink_name_to_wire(&name, wire);
	*rest = sink_span(rest->at + len, rest->len - len);
	return true;
}

/* "*." would be the name asked for, an alias of itself. */
static bool is_target(struct sink_span cname)
{
	struct sink_span rest = cname;

	return take_name(&rest) && rest.len == 0 &&
		!(cname.len == 3 && cname.at[0] == 1 && cname.at[1] == '*');
}

static bool are_records(struct sink_span data)
{
	struct sink_data item;

	if (data.len == 0 || data.len > SINK_BYTES_MAX || !schema_is_good_data(data))
		return false;
	while (sink_data_next(&data, &item))
		if (item.type == TYPE_CNAME)
			return false;
	return true;
}

static bool is_soa(struct sink_span soa)
{
	if (soa.len == 0)
		return true;
	if (!take_name(&soa)) /* of the server; then that of who is responsible */
		return false;
	return take_name(&soa) && soa.len == 0;
}

static const char *check_kind(const struct sink_form *form, enum sink_action action)
{
	bool has_addresses = form->a_count > 0 || form->aaaa_count > 0;

	if (form->a_count > SINK_ADDRESSES_MAX || form->aaaa_count > SINK_ADDRESSES_MAX)
		return "too many addresses";
	if (has_addresses != (action == SINK_ACTION_SINKHOLE))
		return has_addresses ? "addresses without the action sinkhole"
				     : "the action sinkhole without addresses";
	if ((form->cname.len > 0) != (action == SINK_ACTION_CNAME))
		return form->cname.len > 0 ? "a target without the action cname"
					   : "the action cname without a target";
	if (form->cname.len > 0 && !is_target(form->cname))
		return "a target that is no name";
	if ((form->data.len > 0) != (action == SINK_ACTION_DATA))
		return form->data.len > 0 ? "records without the action data"
					  : "the action data without records";
	if (form->data.len > 0 && !are_records(form->data))
		return "records that are none";
	return NULL;
}

static const char *check_form(const struct sink_form *form, enum sink_action action)
{
	if (form->ttl > SINK_TTL_MAX)
		return "a TTL of more than a week";
	if (!manifest_is_text(form->ede_text, SINK_EDE_TEXT_MAX + 1))
		return "a text of the extended error that is no text, or too long";
	for (int i = 0; i < SINK_ERROR_SIZES; i++)
		if (!manifest_is_text(form->error[i], SINK_ERROR_MAX + 1))
			return "a structured error that is no text, or too long";
	if (!is_soa(form->soa))
		return "an SOA that is not two names";
	return check_kind(form, action);
}

/* --- which entries, for whom, when ------------------------------------------------------------ */

static bool are_countries(const struct sink_countries *countries)
{
	unsigned before = 0;

	if (countries->count > UINT16_MAX)
		return false;
	for (size_t i = 0; i < countries->count; before = countries->at[i++]) {
		unsigned first = countries->at[i] >> 8, second = countries->at[i] & 0xff;

		if (first < 'A' || first > 'Z' || second < 'A' || second > 'Z' ||
			countries->at[i] <= before)
			return false;
	}
	return true;
}

/* 0 is no system. */
static bool are_asns(const struct sink_asns *asns)
{
	uint32_t before = 0;

	if (asns->count > UINT32_MAX)
		return false;
	for (size_t i = 0; i < asns->count; before = asns->at[i++])
		if (asns->at[i] <= before)
			return false;
	return true;
}

static bool are_texts(const struct sink_texts *texts)
{
	if (texts->count > UINT16_MAX)
		return false;
	for (size_t i = 0; i < texts->count; i++)
		if (texts->at[i].len == 0 || texts->at[i].len > SINK_STRING_MAX)
			return false;
	return true;
}

static const char *check_selectors(const struct sink_rule *rule)
{
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		if (!are_texts(&rule->texts[f]))
			return "a text to match that is empty or too long";
	if (rule->texts[SINK_FIELD_REFERENCE].count > 0)
		return "references cannot be matched";
	if (rule->severities >> SINK_SEVERITY_COUNT || rule->severities & 1 << SINK_SEVERITY_NONE)
		return "a severity that is none";
	if (rule->tlps >> SINK_TLP_COUNT || rule->tlps & 1 << SINK_TLP_NONE)
		return "a TLP that is none";
	if (rule->triggers >> SINK_TRIGGER_COUNT)
		return "a trigger that is none";
	if (rule->confidence_min > rule->confidence_max || rule->confidence_max > 100)
		return "a confidence that is no range of percentages";
	return NULL;
}

static bool asks_entries(const struct sink_rule *rule)
{
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		if (rule->texts[f].count > 0)
			return true;
	return rule->severities || rule->tlps || rule->triggers || rule->confidence_min > 0 ||
		rule->confidence_max < 100;
}

static const char *check_bare(const struct sink_rule *rule)
{
	if (!rule->is_bare)
		return NULL;
	if (rule->answer_countries.count == 0 && rule->answer_asns.count == 0)
		return "no entry and nothing of the answer to go by";
	if (asks_entries(rule))
		return "no entry to go by, yet something asked of it";
	if (rule->action == SINK_ACTION_LISTED)
		return "no entry that could say what to do";
	return NULL;
}

static const char *check_clients(const struct sink_policy *policy, const struct sink_rule *rule)
{
	size_t groups = policy->groups_count;

	if (groups < 64 && rule->groups >> groups)
		return "a group that is not there";
	if (rule->groups == 0 && !rule->is_for_others)
		return "it is for nobody";
	if (rule->share == 0 || rule->share > SINK_SHARE_ALL)
		return "a share out of range";
	if (rule->schedule != SINK_SCHEDULE_NONE && rule->schedule >= policy->schedules_count)
		return "a schedule that is not there";
	if (rule->types.len > SINK_BYTES_MAX || !schema_are_good_types(rule->types))
		return "types that are none";
	if (!are_countries(&rule->client_countries) || !are_countries(&rule->answer_countries))
		return "countries that are none, or do not rise";
	if (!are_asns(&rule->answer_asns))
		return "autonomous systems that are none, or do not rise";
	return NULL;
}

static const char *check_rule(const struct sink_policy *policy, const struct sink_rule *rule)
{
	const char *bad = NULL;

	if (!is_name(rule->name))
		bad = "its name is no text";
	else if (rule->action <= SINK_ACTION_NONE || rule->action >= SINK_ACTION_COUNT)
		bad = "an action that is none";
	if (!bad)
		bad = check_selectors(rule);
	if (!bad)
		bad = check_bare(rule);
	if (!bad)
		bad = check_clients(policy, rule);
	return bad ? bad : check_form(&rule->form, rule->action);
}

/* --- groups, schedules, and all of it --------------------------------------------------------- */

static const char *check_group(const struct sink_group *group)
{
	if (!is_name(group->name))
		return "its name is no text";
	if (group->count == 0)
		return "no prefix";
	for (size_t i = 0; i < group->count; i++) {
		if (!sink_prefix_is_good(&group->prefixes[i]))
			return "a prefix that is none";
		if (i > 0 && sink_prefix_compare(&group->prefixes[i - 1], &group->prefixes[i]) >= 0)
			return "prefixes that do not rise";
	}
	return NULL;
}

static const char *check_schedule(const struct sink_schedule *schedule)
{
	if (!manifest_is_text(schedule->name, SINK_STRING_MAX + 1))
		return "its name is no text";
	if (schedule->count < 2 || schedule->count > SINK_EDGES_MAX || schedule->count % 2)
		return "an odd number of edges, none, or too many";
	for (size_t i = 1; i < schedule->count; i++)
		if (schedule->edges[i] <= schedule->edges[i - 1])
			return "edges that do not rise";
	if (schedule->edges[0] < 0 || schedule->edges[schedule->count - 1] > MANIFEST_TIME_MAX)
		return "edges before 1970, or after 9999";
	return NULL;
}

static bool is_path(struct sink_span path)
{
	return path.len == 0 ||
		(path.at[0] == '/' && path.len < PATH_SIZE && !memchr(path.at, 0, path.len));
}

static const char *check_head(const struct sink_policy *policy)
{
	size_t prefixes = 0;

	if (policy->rules_count == 0 || policy->rules_count > SINK_RULES_MAX)
		return "no rule, or too many";
	if (policy->groups_count > SINK_GROUPS_MAX)
		return "too many groups";
	if (policy->schedules_count > SINK_SCHEDULES_MAX)
		return "too many schedules";
	if (!is_path(policy->geo_country) || !is_path(policy->geo_asn))
		return "the path of a geo file that is not absolute";
	for (size_t g = 0; g < policy->groups_count; g++) {
		if (policy->groups[g].count > SINK_PREFIXES_MAX - prefixes)
			return "too many prefixes of clients";
		prefixes += policy->groups[g].count;
	}
	return NULL;
}

static int compare_spans(const void *a, const void *b)
{
	const struct sink_span *left = a, *right = b;

	if (left->len != right->len)
		return left->len < right->len ? -1 : 1;
	return memcmp(left->at, right->at, left->len);
}

/* Sorts them. */
static bool are_distinct(struct sink_span *names, size_t count)
{
	if (count > 0)
		qsort(names, count, sizeof *names, compare_spans);
	for (size_t i = 1; i < count; i++)
		if (sink_span_equal(names[i - 1], names[i]))
			return false;
	return true;
}

static int check_names(const struct sink_policy *policy, int err, struct sink_why *why)
{
	struct sink_span *names = calloc(SINK_RULES_MAX, sizeof *names);
	const char *bad = NULL;

	if (!names)
		return sink_why(why, SINK_ENOMEM, "policy: %s", sink_strerror(SINK_ENOMEM));
	for (size_t i = 0; i < policy->rules_count; i++)
		names[i] = policy->rules[i].name;
	if (!are_distinct(names, policy->rules_count))
		bad = "two rules of one name";
	for (size_t i = 0; i < policy->groups_count; i++)
		names[i] = policy->groups[i].name;
	if (!bad && !are_distinct(names, policy->groups_count))
		bad = "two groups of one name";
	free(names);
	return bad ? sink_why(why, err, "policy: %s", bad) : SINK_OK;
}

static int refuse(struct sink_why *why, int err, const char *what, size_t number,
	struct sink_span name, const char *bad)
{
	int len = name.len > SINK_STRING_MAX ? 0 : (int)name.len;

	return sink_why(why, err, "policy: %s %zu \"%.*s\": %s", what, number + 1, len,
		len ? (const char *)name.at : "", bad);
}

int policy_check(const struct sink_policy *policy, int err, struct sink_why *why)
{
	const char *bad = check_head(policy);

	if (bad)
		return sink_why(why, err, "policy: %s", bad);
	for (size_t i = 0; i < policy->schedules_count; i++) {
		bad = check_schedule(&policy->schedules[i]);
		if (bad)
			return refuse(why, err, "schedule", i, policy->schedules[i].name, bad);
	}
	for (size_t i = 0; i < policy->groups_count; i++) {
		bad = check_group(&policy->groups[i]);
		if (bad)
			return refuse(why, err, "group", i, policy->groups[i].name, bad);
	}
	for (size_t i = 0; i < policy->rules_count; i++) {
		bad = check_rule(policy, &policy->rules[i]);
		if (bad)
			return refuse(why, err, "rule", i, policy->rules[i].name, bad);
	}
	return check_names(policy, err, why);
}

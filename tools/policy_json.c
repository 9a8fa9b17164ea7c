/* policy_json.c - rules, groups and schedules as JSON, and as lines made of that. */
#include "policy_json.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "qtype.h"
#include "rdata.h"
#include "say.h"

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

/* Unless it is empty. */
static void set_list(json_t *object, const char *key, json_t *list)
{
	if (json_array_size(list) > 0)
		json_object_set(object, key, list);
	json_decref(list);
}

/* --- what is matched ------------------------------------------------------------------------------------- */

static json_t *texts_json(const struct sink_texts *texts)
{
	json_t *out = json_array();

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(out, json_text(texts->at[i]));
	return out;
}

static json_t *countries_json(const struct sink_countries *countries)
{
	json_t *out = json_array();

	for (size_t i = 0; i < countries->count; i++) {
		char text[2] = { (char)(countries->at[i] >> 8), (char)countries->at[i] };

		json_array_append_new(out, json_stringn(text, sizeof text));
	}
	return out;
}

static json_t *asns_json(const struct sink_asns *asns)
{
	json_t *out = json_array();

	for (size_t i = 0; i < asns->count; i++)
		json_array_append_new(out, json_integer(asns->at[i]));
	return out;
}

static json_t *bits_json(unsigned bits, const char *(*word)(int number))
{
	json_t *out = json_array();

	for (int i = 0; i < 8; i++)
		if (bits & 1u << i)
			json_array_append_new(out, json_string(word(i)));
	return out;
}

static json_t *confidence_json(const struct sink_rule *rule)
{
	char text[16];

	if (rule->confidence_min == 0 && rule->confidence_max == 100)
		return NULL;
	if (rule->confidence_min == rule->confidence_max)
		snprintf(text, sizeof text, "%u", rule->confidence_min);
	else if (rule->confidence_max == 100)
		snprintf(text, sizeof text, ">=%u", rule->confidence_min);
	else if (rule->confidence_min == 0)
		snprintf(text, sizeof text, "<=%u", rule->confidence_max);
	else
		snprintf(text, sizeof text, "%u-%u", rule->confidence_min, rule->confidence_max);
	return json_string(text);
}

static json_t *match_json(const struct sink_rule *rule)
{
	json_t *out = json_object(), *confidence = confidence_json(rule);

	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		set_list(out, sink_field_word((enum sink_field)f), texts_json(&rule->texts[f]));
	set_list(out, "severity", bits_json(rule->severities, policy_severity_word));
	if (confidence)
		set(out, "confidence", confidence);
	set_list(out, "tlp", bits_json(rule->tlps, policy_tlp_word));
	set_list(out, "trigger", bits_json(rule->triggers, policy_trigger_word));
	set_list(out, "answer-country", countries_json(&rule->answer_countries));
	set_list(out, "answer-asn", asns_json(&rule->answer_asns));
	return out;
}

/* --- for whom -------------------------------------------------------------------------------------------- */

static bool is_for_all(const struct sink_policy *policy, const struct sink_rule *rule)
{
	size_t count = policy->groups_count;
	uint64_t all = count < 64 ? ((uint64_t)1 << count) - 1 : UINT64_MAX;

	return rule->is_for_others && rule->groups == all;
}

static json_t *groups_json(const struct sink_policy *policy, const struct sink_rule *rule)
{
	json_t *out = json_array();

	if (is_for_all(policy, rule))
		return out;
	for (size_t i = 0; i < policy->groups_count; i++)
		if (rule->groups & (uint64_t)1 << i)
			json_array_append_new(out, json_text(policy->groups[i].name));
	if (rule->is_for_others)
		json_array_append_new(out, json_string("others"));
	return out;
}

static json_t *types_json(struct sink_span types)
{
	json_t *out = json_array();
	const char *mark = types.len > 0 && types.at[0] ? "!" : "";
	uint16_t type;

	if (types.len > 0)
		types = sink_span(types.at + 1, types.len - 1);
	while (sink_types_next(&types, &type))
		json_array_append_new(out, json_sprintf("%s%s", mark, qtype_text(type).text));
	return out;
}

static void add_conditions(json_t *out, const struct sink_policy *policy,
	const struct sink_rule *rule)
{
	set_list(out, "group", groups_json(policy, rule));
	set_list(out, "client-country", countries_json(&rule->client_countries));
	set_list(out, "types", types_json(rule->types));
	if (rule->schedule < policy->schedules_count)
		set(out, "schedule", json_text(policy->schedules[rule->schedule].name));
	if (rule->share != SINK_SHARE_ALL)
		set(out, "enforce", json_sprintf("%g%%", rule->share * 100.0 / SINK_SHARE_ALL));
}

/* --- what is answered ---------------------------------------------------------------------------------------- */

/* Take a name in wire form off the front. */
static json_t *name_json(struct sink_span *rest)
{
	struct sink_name name;
	char text[SINK_TEXT_MAX];
	uint8_t wire[SINK_WIRE_MAX];
	size_t len;

	if (sink_name_from_wire(*rest, &name))
		return json_null();
	len = sink_name_to_wire(&name, wire);
	*rest = sink_span(rest->at + len, rest->len - len);
	return json_string(sink_name_to_text(&name, text));
}

static json_t *records_json(struct sink_span data)
{
	json_t *out = json_array();
	struct sink_data item;

	while (sink_data_next(&data, &item)) {
		char *text = rdata_text(item.type, item.rdata);

		json_array_append_new(out,
			text ? json_sprintf("%u %s %s", (unsigned)item.ttl,
				       qtype_text(item.type).text, text)
			     : NULL);
		free(text);
	}
	return out;
}

void json_add_form(json_t *out, enum sink_action action, const struct sink_form *form)
{
	struct sink_span cname = form->cname, soa = form->soa;

	set_list(out, "addresses", json_addresses(form));
	if (cname.len > 0)
		set(out, "cname", name_json(&cname));
	if (form->data.len > 0)
		set(out, "data", records_json(form->data));
	if (!sink_action_blocks(action) || action == SINK_ACTION_MONITOR ||
		action == SINK_ACTION_DROP)
		return;
	set(out, "ttl", json_integer((json_int_t)form->ttl));
	set(out, "ede", form->ede == SINK_EDE_NONE ? json_null() : json_integer(form->ede));
	if (form->ede_text.len > 0)
		set(out, "ede-text", json_text(form->ede_text));
	if (form->error[SINK_ERROR_WHOLE].len > 0)
		set(out, "error", json_text(form->error[SINK_ERROR_WHOLE]));
	if (soa.len > 0) {
		json_t *names = json_array();

		json_array_append_new(names, name_json(&soa));
		json_array_append_new(names, name_json(&soa));
		set(out, "soa", names);
	}
}

/* --- all of it -------------------------------------------------------------------------------------------------- */

json_t *json_rule(const struct sink_policy *policy, const struct sink_rule *rule)
{
	json_t *out = json_object();

	set(out, "rule", json_text(rule->name));
	set(out, "match", match_json(rule));
	add_conditions(out, policy, rule);
	set(out, "action", json_string(sink_action_word(rule->action)));
	json_add_form(out, rule->action, &rule->form);
	return out;
}

static json_t *schedule_json(const struct sink_schedule *schedule)
{
	return json_pack("{s:o,s:I,s:o}", "schedule", json_text(schedule->name), "edges",
		(json_int_t)schedule->count, "until",
		json_moment(schedule->edges[schedule->count - 1]));
}

static json_t *geoip_json(const struct sink_policy *policy)
{
	json_t *out = json_object();

	if (policy->geo_country.len > 0)
		set(out, "country", json_text(policy->geo_country));
	if (policy->geo_asn.len > 0)
		set(out, "asn", json_text(policy->geo_asn));
	return out;
}

json_t *json_policy(const struct sink_policy *policy)
{
	json_t *rules = json_array(), *groups = json_array(), *schedules = json_array();

	for (size_t i = 0; i < policy->rules_count; i++)
		json_array_append_new(rules, json_rule(policy, &policy->rules[i]));
	for (size_t i = 0; i < policy->groups_count; i++)
		json_array_append_new(groups,
			json_pack("{s:o,s:I}", "name", json_text(policy->groups[i].name),
				"prefixes", (json_int_t)policy->groups[i].count));
	for (size_t i = 0; i < policy->schedules_count; i++)
		json_array_append_new(schedules, schedule_json(&policy->schedules[i]));
	return json_pack("{s:o,s:o,s:o,s:o,s:I}", "rules", rules, "groups", groups, "schedules",
		schedules, "geoip", geoip_json(policy), "error-option",
		(json_int_t)policy->error_option);
}

/* --- in words ----------------------------------------------------------------------------------------------------- */

static void put_string(FILE *to, const json_t *value)
{
	put_text(to, sink_span(json_string_value(value), json_string_length(value)), 80);
}

/* Texts and numbers, lists as "a|b", mappings as "key value". */
static void put_value(FILE *to, json_t *value)
{
	const char *key, *mark = "";
	json_t *item;
	size_t i;

	if (json_is_string(value))
		put_string(to, value);
	else if (json_is_integer(value))
		fprintf(to, "%lld", (long long)json_integer_value(value));
	else if (json_is_null(value))
		fputs("none", to);
	json_array_foreach(value, i, item)
	{
		fputs(i ? "|" : "", to);
		put_value(to, json_is_object(item) ? json_object_get(item, "address") : item);
	}
	json_object_foreach(value, key, item)
	{
		fprintf(to, "%s%s ", mark, key);
		put_value(to, item);
		mark = ", ";
	}
}

void put_form(FILE *to, enum sink_action action, const struct sink_form *form)
{
	json_t *json = json_object(), *value;
	const char *key, *mark = "";

	json_add_form(json, action, form);
	json_object_del(json, "error"); /* long, and the same for most */
	json_object_foreach(json, key, value)
	{
		fprintf(to, "%s%s ", mark, key);
		put_value(to, value);
		mark = ", ";
	}
	json_decref(json);
}

void put_rule(FILE *to, const struct sink_policy *policy, const struct sink_rule *rule)
{
	json_t *json = json_rule(policy, rule), *match = json_object_get(json, "match"), *value;
	const char *key;

	fputs(sink_action_word(rule->action), to);
	if (json_object_size(match) == 0)
		json_object_set_new(json, "match", json_string("all"));
	json_object_del(json, "error"); /* long, and the same for most */
	json_object_del(json, "rule");
	json_object_del(json, "action");
	json_object_foreach(json, key, value)
	{
		fprintf(to, ", %s ", key);
		put_value(to, value);
	}
	json_decref(json);
}

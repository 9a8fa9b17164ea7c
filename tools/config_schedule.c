/* config_schedule.c - a rule's schedule: its text, and its number in the policy. */
#include <stdio.h>
#include <stdlib.h>

#include "config_parts.h"

static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

static int set_day(void *into, const struct key_value *value, struct sink_why *why)
{
	struct week_text *week = into;

	for (size_t i = 0; i < sizeof days / sizeof days[0]; i++)
		if (strcmp(value->text, days[i]) == 0) {
			week->week.days = (uint8_t)(week->week.days | 1u << i);
			return SINK_OK;
		}
	return key_refuse(value, why);
}

static int set_hours(void *into, const struct key_value *value, struct sink_why *why)
{
	struct week_text *week = into;
	struct schedule_hours hours;

	if (!schedule_hours_parse(value->text, &hours))
		return key_refuse(value, why);
	if (week->week.count == SCHEDULE_HOURS_MAX)
		return sink_why(why, SINK_ESYNTAX, "hours: more than %d", SCHEDULE_HOURS_MAX);
	week->week.hours[week->week.count++] = hours;
	return SINK_OK;
}

static int set_zone(void *into, const struct key_value *value, struct sink_why *why)
{
	struct week_text *week = into;

	if (!schedule_is_zone(value->text) || strlen(value->text) >= sizeof week->zone)
		return sink_why(why, SINK_ESYNTAX,
			"zone: there is no '%.64s' in the IANA database: %s", value->text,
			value->row->wanted);
	snprintf(week->zone, sizeof week->zone, "%s", value->text);
	return SINK_OK;
}

const struct key_row schedule_keys[] = {
	{ "days", "mon, tue, wed, thu, fri, sat or sun, or a list of them", "on which", KEY_TEXTS,
		.set = set_day },
	{ "hours", "a time such as \"08:00-16:30\", or a list of them",
		"at which; past midnight if it ends before it begins", KEY_TEXTS,
		.set = set_hours },
	{ "zone", "a time zone such as Europe/Paris", "whose clock it is", KEY_TEXT,
		.is_required = true, .set = set_zone },
	{ 0 },
};

void schedule_check(struct rule_reading *rule)
{
	const struct node *node = node_find(rule->map, "schedule");

	rule->schedule.is_given = node && node->type == NODE_MAP;
	if (rule->schedule.is_given && !node->is_cut && !node_find(node, "days") &&
		!node_find(node, "hours"))
		node_wrong(rule->reading, node, "schedule: when? days or hours are missing");
}

/* --- in the policy ------------------------------------------------------------------------------------ */

/* As it is shown: "mon,tue 08:00-16:30,20:00-02:00 Europe/Paris". */
static void describe(const struct week_text *text, char *out, size_t size)
{
	const struct schedule_week *week = &text->week;
	size_t len = 0;

	for (size_t i = 0; i < sizeof days / sizeof days[0]; i++)
		if (week->days & 1u << i)
			len += (size_t)snprintf(out + len, size - len, "%s%s", len ? "," : "",
				days[i]);
	for (size_t i = 0; i < week->count; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%02d:%02d-%02d:%02d",
			i	      ? ","
				: len ? " "
				      : "",
			week->hours[i].from / 60, week->hours[i].from % 60,
			week->hours[i].until / 60, week->hours[i].until % 60);
	snprintf(out + len, size - len, " %s", text->zone);
}

static int add(struct rule_reading *rule, struct sink_span name, const int64_t *edges, size_t count)
{
	struct policy *policy = &rule->reading->config->policy;
	struct growing *weeks = &rule->reading->policy->weeks;
	struct sink_schedule schedule = { .name = name, .count = count };

	if (weeks->count == SINK_SCHEDULES_MAX) {
		node_wrong(rule->reading, node_find(rule->map, "schedule"),
			"schedule: more than %d different ones", SINK_SCHEDULES_MAX);
		return SINK_OK;
	}
	schedule.edges = policy_keep(policy, edges, count * sizeof *edges);
	if (!schedule.edges || policy_keep_span(policy, &schedule.name))
		return SINK_ENOMEM;
	rule->rule.schedule = (uint16_t)weeks->count;
	return growing_add(weeks, &schedule, sizeof schedule);
}

static bool find(const struct growing *weeks, struct sink_span name, uint16_t *out)
{
	const struct sink_schedule *at = weeks->at;

	for (size_t i = 0; i < weeks->count; i++)
		if (sink_span_equal(at[i].name, name)) {
			*out = (uint16_t)i;
			return true;
		}
	return false;
}

int schedule_finish(struct rule_reading *rule)
{
	struct week_text *week = &rule->schedule;
	struct reading *reading = rule->reading;
	int64_t *edges = NULL;
	char name[256];
	size_t count;
	int err;

	rule->rule.schedule = SINK_SCHEDULE_NONE;
	if (!week->is_given)
		return SINK_OK;
	week->week.zone = week->zone;
	describe(week, name, sizeof name);
	if (find(&reading->policy->weeks, sink_span_text(name), &rule->rule.schedule))
		return SINK_OK;
	err = schedule_expand(&week->week, reading->policy->now, &edges, &count);
	if (err == SINK_EINVAL ||
		err == SINK_ENOENT) { /* a clock that is centuries off, a zone that went away */
		node_wrong(reading, node_find(rule->map, "schedule"), "schedule: it is never on");
		return SINK_OK;
	}
	if (!err && count > 0)
		err = add(rule, sink_span_text(name), edges, count);
	free(edges);
	return err;
}

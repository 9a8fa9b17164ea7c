/* lookup_outcome.c - what became of each entry that was considered, in words. */
#include <stdio.h>

#include "lookup.h"
#include "say.h"

/* --- what it is about ------------------------------------------------------------------------- */

static char *name_text(struct sink_span wire, uint8_t labels, char out[LOOKUP_TEXT_MAX])
{
	struct sink_name name;

	out[0] = 0;
	if (sink_name_from_wire(wire, &name))
		return out;
	if (labels < name.labels)
		sink_name_cut(&name, labels);
	return sink_name_to_text(&name, out);
}

static char *prefix_text(struct sink_prefix prefix, uint8_t bits, char out[LOOKUP_TEXT_MAX])
{
	if (bits < prefix.bits)
		sink_prefix_cut(&prefix, bits);
	return sink_prefix_to_text(&prefix, out);
}

/* The address that an item is about. */
static struct sink_prefix address_of(const struct lookup_finding *f, const struct lookup_item *item)
{
	if (item->trigger == SINK_TRIGGER_CLIENT && item->role != LOOKUP_CLIENT)
		return f->client.address;
	if (f->is_address)
		return f->address;
	return item->trigger == SINK_TRIGGER_ANSWER ? f->what.addresses[item->subject]
						    : f->what.server_addresses[item->subject];
}

static struct sink_span name_of(const struct lookup_finding *f, const struct lookup_item *item)
{
	if (item->trigger == SINK_TRIGGER_NSNAME && !item->is_aside)
		return f->what.servers[item->subject];
	return f->what.names[item->trigger == SINK_TRIGGER_QNAME ? item->subject : 0];
}

char *lookup_asked(const struct lookup_finding *f, char out[LOOKUP_TEXT_MAX])
{
	return f->is_address ? sink_prefix_to_text(&f->address, out)
			     : sink_name_to_text(&f->name, out);
}

char *lookup_listed(const struct lookup_finding *f, const struct lookup_item *item,
	char out[LOOKUP_TEXT_MAX])
{
	return sink_trigger_is_prefix(item->trigger)
		? prefix_text(address_of(f, item), item->listing.labels, out)
		: name_text(name_of(f, item), item->listing.labels, out);
}

char *lookup_about(const struct lookup_finding *f, const struct lookup_item *item,
	char out[LOOKUP_TEXT_MAX])
{
	return sink_trigger_is_prefix(item->trigger)
		? prefix_text(address_of(f, item), UINT8_MAX, out)
		: name_text(name_of(f, item), UINT8_MAX, out);
}

struct sink_span lookup_rule(const struct lookup_finding *f, uint16_t rule)
{
	return rule < f->policy->rules_count ? f->policy->rules[rule].name : sink_span(NULL, 0);
}

struct sink_span lookup_group(const struct lookup_finding *f)
{
	return f->client.group < f->policy->groups_count ? f->policy->groups[f->client.group].name
							 : sink_span_text("others");
}

/* --- what became of it ------------------------------------------------------------------------ */

static bool is_eligible(const struct lookup_finding *f, const struct lookup_item *item)
{
	return f->verdicts[item->role].has_entry && !item->is_aside &&
		item->standing == SINK_STANDING_ELIGIBLE &&
		item->rule == f->verdicts[item->role].rule;
}

/* Is it about what the winner is about? Which of several addresses won is not told. */
static bool is_about_same(const struct sink_verdict *verdict, const struct lookup_item *item)
{
	return item->trigger == verdict->trigger &&
		(item->trigger != SINK_TRIGGER_QNAME || item->subject == verdict->name);
}

bool lookup_wins(const struct lookup_finding *f, const struct lookup_item *item)
{
	const struct sink_verdict *verdict = &f->verdicts[item->role];
	const struct sink_listing *a = &verdict->winner, *b = &item->listing;

	return is_eligible(f, item) && is_about_same(verdict, item) && a->record == b->record &&
		a->scope == b->scope && a->labels == b->labels;
}

bool lookup_agrees(const struct lookup_finding *f, const struct lookup_item *item)
{
	const struct sink_verdict *verdict = &f->verdicts[item->role];

	return is_eligible(f, item) && is_about_same(verdict, item) && !lookup_wins(f, item) &&
		item->record.kind == verdict->kind &&
		item->listing.labels == verdict->winner.labels &&
		item->record.hint != SINK_HINT_STOP;
}

static const char *overruled(enum sink_kind by)
{
	return by == SINK_KIND_ALLOW ? "overruled by an allow entry"
				     : "overruled by an important entry";
}

static const char *const behind[] = {
	[SINK_TRIGGER_QNAME] = "an entry about the name comes first",
	[SINK_TRIGGER_ANSWER] = "an entry about an address in the answer comes first",
	[SINK_TRIGGER_CLIENT] = "an entry about the client comes first",
	[SINK_TRIGGER_NSNAME] = "an entry about a server's name comes first",
	[SINK_TRIGGER_NSADDRESS] = "an entry about a server's address comes first",
};
_Static_assert(sizeof behind / sizeof behind[0] == SINK_TRIGGER_COUNT, "a trigger has no words");

/* Of an entry for the rule that decided. */
static const char *within(const struct lookup_finding *f, const struct lookup_item *item)
{
	const struct sink_verdict *verdict = &f->verdicts[item->role];
	bool is_listed = f->policy->rules[verdict->rule].action == SINK_ACTION_LISTED;

	if (lookup_wins(f, item))
		return "wins";
	if (lookup_agrees(f, item))
		return "agrees";
	if (item->record.hint == SINK_HINT_STOP)
		return "leaves this name to other zones";
	if (!is_listed && item->record.kind != verdict->kind)
		return overruled(verdict->kind);
	if (item->trigger != verdict->trigger)
		return behind[verdict->trigger];
	if (!is_about_same(verdict, item))
		return "a name before it decides";
	return "less specific";
}

/* Of an entry in force. */
static void weigh(const struct lookup_finding *f, const struct lookup_item *item,
	char out[LOOKUP_OUTCOME_MAX])
{
	const struct sink_verdict *verdict = &f->verdicts[item->role];
	struct sink_span rule = lookup_rule(f, item->rule);

	if (item->rule == verdict->rule && verdict->has_entry)
		snprintf(out, LOOKUP_OUTCOME_MAX, "%s", within(f, item));
	else if (verdict->rule != SINK_RULE_NONE && item->rule > verdict->rule)
		snprintf(out, LOOKUP_OUTCOME_MAX, "rule %.*s is asked too late", (int)rule.len,
			(const char *)rule.at);
	else if (item->record.hint == SINK_HINT_STOP)
		snprintf(out, LOOKUP_OUTCOME_MAX, "leaves this name to other zones");
	else
		snprintf(out, LOOKUP_OUTCOME_MAX,
			"in its zone something more specific leaves this name alone");
}

/* Of an entry that no verdict turned on. */
static const char *aside(const struct lookup_finding *f, const struct lookup_item *item)
{
	if (!f->is_address)
		return "about answers from such a server";
	return f->verdicts[item->role].rule == SINK_RULE_NONE ? "covers it"
							      : "something else decides before";
}

char *lookup_outcome(const struct lookup_finding *f, const struct lookup_item *item,
	char out[LOOKUP_OUTCOME_MAX])
{
	struct sink_span rule = lookup_rule(f, item->rule);

	switch (item->standing) {
	case SINK_STANDING_FUTURE:
		snprintf(out, LOOKUP_OUTCOME_MAX, "not valid before %s",
			moment(item->record.valid_from).text);
		break;
	case SINK_STANDING_EXPIRED:
		snprintf(out, LOOKUP_OUTCOME_MAX, "expired at %s",
			moment(item->record.valid_until).text);
		break;
	case SINK_STANDING_EXCEPTED:
		snprintf(out, LOOKUP_OUTCOME_MAX, "leaves this name alone");
		break;
	case SINK_STANDING_TYPE:
		snprintf(out, LOOKUP_OUTCOME_MAX, "about other query types");
		break;
	case SINK_STANDING_UNRULED:
		snprintf(out, LOOKUP_OUTCOME_MAX, "%s",
			lookup_is_paused(f) ? "filtering is paused"
					    : "no rule for this client, type and time is about it");
		break;
	case SINK_STANDING_WATCHED:
		snprintf(out, LOOKUP_OUTCOME_MAX, "watched by rule %.*s", (int)rule.len,
			(const char *)rule.at);
		break;
	case SINK_STANDING_ELIGIBLE:
		if (item->is_aside)
			snprintf(out, LOOKUP_OUTCOME_MAX, "%s", aside(f, item));
		else
			weigh(f, item, out);
		break;
	}
	return out;
}

/* trial.c - rules tried in their order over entries. */
#include "trial.h"

/* Within a rule. */
static const uint8_t place[] = {
	[SINK_TRIGGER_CLIENT] = 0,
	[SINK_TRIGGER_QNAME] = 1,
	[SINK_TRIGGER_ANSWER] = 2,
	[SINK_TRIGGER_NSNAME] = 3,
	[SINK_TRIGGER_NSADDRESS] = 4,
};
_Static_assert(sizeof place == SINK_TRIGGER_COUNT, "a trigger has no place in the order");

void trial_begin(struct trial *trial, const struct bound *bound, const uint64_t *rules)
{
	trial->bound = bound;
	trial->rules = rules;
	trial->from = 0;
	trial->rule = trial->monitor = SINK_RULE_NONE;
	trial->has = 0;
	trial->has_held = false;
}

uint16_t trial_first(const struct trial *trial, const uint64_t *rules, enum sink_trigger trigger,
	bool stops)
{
	const struct bound *bound = trial->bound;
	const uint64_t *about = bound->triggers[trigger];

	for (size_t i = 0; i < bound->words; i++) {
		uint64_t these = rules[i] & trial->rules[i] & about[i];

		if (stops)
			these &= bound->listed_rules[i];
		if (these) {
			uint16_t rule = (uint16_t)(i * 64 + (unsigned)__builtin_ctzll(these));

			/* a rule that had nothing to say is LISTED, and the entry its alone */
			return rule >= trial->from || set_has(bound->monitors, rule)
				? rule
				: SINK_RULE_NONE;
		}
	}
	return SINK_RULE_NONE;
}

/* Of two entries for one trigger. */
static bool outranks(const struct found *a, const struct found *b, bool is_listed)
{
	if (!is_listed && a->kind != b->kind)
		return a->kind > b->kind; /* their numbers are their ranks */
	if (a->trigger == SINK_TRIGGER_QNAME && a->subject != b->subject)
		return a->subject < b->subject;
	if (a->weight != b->weight)
		return a->weight > b->weight;
	if ((a->hint == SINK_HINT_STOP) != (b->hint == SINK_HINT_STOP))
		return b->hint == SINK_HINT_STOP;
	if (a->listing.record != b->listing.record)
		return a->listing.record < b->listing.record;
	return a->listing.scope <
		b->listing.scope; /* one record under two scopes: say the same one each time */
}

static bool is_listed(const struct trial *trial)
{
	return set_has(trial->bound->listed_rules, trial->rule);
}

static void take(struct trial *trial, const struct found *found)
{
	unsigned at = place[found->trigger];

	if (trial->has >> at & 1 && !outranks(found, &trial->best[at], is_listed(trial)))
		return;
	trial->has = (uint8_t)(trial->has | 1u << at);
	trial->best[at] = *found;
}

/* No more about the subject at hand. */
static void settle(struct trial *trial)
{
	if (trial->has_held && trial->held.hint != SINK_HINT_STOP)
		take(trial, &trial->held);
	trial->has_held = false;
}

static void hold(struct trial *trial, const struct found *found)
{
	const struct found *held = &trial->held;

	if (!trial->has_held || held->trigger != found->trigger || held->subject != found->subject)
		settle(trial);
	else if (!outranks(found, held, true))
		return;
	trial->held = *found;
	trial->has_held = true;
}

void trial_take(struct trial *trial, const struct found *found)
{
	trial_take_as(trial, found,
		trial_first(trial, found->rules, found->trigger, found->hint == SINK_HINT_STOP));
}

void trial_take_as(struct trial *trial, const struct found *found, uint16_t first)
{
	if (!trial_wants(trial, first))
		return;
	if (set_has(trial->bound->monitors, first)) {
		trial->monitor = first < trial->monitor ? first : trial->monitor;
		return;
	}
	if (first < trial->rule) {
		trial->has = 0;
		trial->has_held = false;
	}
	trial->rule = first;
	if (is_listed(trial))
		hold(trial, found);
	else
		take(trial, found);
}

/* An important block, an allow entry, a block; among equals the earlier trigger. */
static const struct found *by_kind(const struct trial *trial)
{
	const struct found *best = NULL;

	for (int i = 0; i < SINK_TRIGGER_COUNT; i++)
		if (trial->has >> i & 1 && (!best || trial->best[i].kind > best->kind))
			best = &trial->best[i];
	return best;
}

/* The first trigger that the rule has something to say about; NULL: none. */
static const struct found *by_trigger(const struct trial *trial)
{
	for (int i = 0; i < SINK_TRIGGER_COUNT; i++)
		if (trial->has >> i & 1)
			return &trial->best[i];
	return NULL;
}

/* Rules that need no entry. Those in question have what they ask of the answer. */
static uint16_t first_bare(struct trial *trial)
{
	const struct bound *bound = trial->bound;
	uint16_t rule;
	rule_set bare;

	if (!bound->has_bare)
		return SINK_RULE_NONE;
	set_copy(bare, bound->bare, bound->words);
	set_and(bare, trial->rules, bound->words);
	rule = set_first_of(bare, bound->monitors, bound->words);
	if (rule < trial->monitor)
		trial->monitor = rule;
	set_without(bare, bound->monitors, bound->words);
	return set_first_of(bare, bare, bound->words);
}

enum trial_state trial_end(struct trial *trial, const struct found **winner)
{
	uint16_t bare = first_bare(trial);
	const struct found *found;

	settle(trial);
	if (bare < trial->rule) {
		trial->rule = bare;
		*winner = NULL;
		return TRIAL_DECIDED;
	}
	if (trial->rule == SINK_RULE_NONE)
		return TRIAL_UNDECIDED;
	found = is_listed(trial) ? by_trigger(trial) : by_kind(trial);
	if (found) {
		*winner = found;
		return TRIAL_DECIDED;
	}
	trial->from = (uint16_t)(trial->rule + 1);
	trial->rule = SINK_RULE_NONE;
	trial->has = 0;
	return TRIAL_AGAIN;
}

enum trial_state trial_run(struct trial *trial, const struct found *found, size_t count,
	const struct found **winner)
{
	enum trial_state state;

	do {
		for (size_t i = 0; i < count; i++)
			trial_take(trial, &found[i]);
		state = trial_end(trial, winner);
	} while (state == TRIAL_AGAIN);
	return state;
}

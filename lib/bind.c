/* bind.c - a policy made into tables for one database. */
#include "bind.h"

#include <stdlib.h>

#include "match.h"
#include "sinkhole/grow.h"

#define CANCEL_EACH 1024 /* facets between looks at the flag */
#define ABOUT_ANSWER \
	(1 << SINK_TRIGGER_ANSWER | 1 << SINK_TRIGGER_NSNAME | 1 << SINK_TRIGGER_NSADDRESS)
#define ABOUT_SERVERS (1 << SINK_TRIGGER_NSNAME | 1 << SINK_TRIGGER_NSADDRESS)

/* --- numbers that rules ask for --------------------------------------------------------------- */

struct asked {
	uint32_t number;
	uint16_t rule;
};

/* Rules in the order in which they ask for numbers. */
struct asking {
	struct asked *at;
	size_t count, room;
};

static int ask(struct asking *asking, uint32_t number, size_t rule)
{
	struct asked *at = sink_grow(asking->at, asking->count, &asking->room, sizeof *at);

	if (!at)
		return SINK_ENOMEM;
	asking->at = at;
	at[asking->count++] = (struct asked){ number, (uint16_t)rule };
	return SINK_OK;
}

static int compare_asked(const void *a, const void *b)
{
	const struct asked *left = a, *right = b;

	return (left->number > right->number) - (left->number < right->number);
}

/* Make the table. A rule that asks for a number is turned over from what it is for the others.
 *
 * asking   sorted by this; no rule asks for a number twice
 * others   the rules that are content with every other number
 */
static int make_numbers(struct bound *bound, struct asking *asking, const uint64_t *others,
	struct bound_numbers *out)
{
	size_t distinct = 0;
	int err = sets_add(&bound->sets, others, &out->others);

	if (err || asking->count == 0)
		return err;
	qsort(asking->at, asking->count, sizeof *asking->at, compare_asked);
	for (size_t i = 0; i < asking->count; i++)
		distinct += i == 0 || asking->at[i].number != asking->at[i - 1].number;
	out->at = calloc(distinct, sizeof *out->at);
	if (!out->at)
		return SINK_ENOMEM;
	for (size_t i = 0; !err && i < asking->count;) {
		struct bound_number *row = &out->at[out->count++];
		rule_set rules;

		set_copy(rules, others, bound->words);
		row->number = asking->at[i].number;
		for (; i < asking->count && asking->at[i].number == row->number; i++) {
			size_t rule = asking->at[i].rule;

			if (set_has(others, rule))
				set_drop(rules, rule);
			else
				set_put(rules, rule);
		}
		err = sets_add(&bound->sets, rules, &row->set);
	}
	return err;
}

const uint64_t *bound_find(const struct bound *bound, const struct bound_numbers *numbers,
	uint32_t number)
{
	size_t low = 0, high = numbers->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (numbers->at[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return sets_get(&bound->sets,
		low < numbers->count && numbers->at[low].number == number ? numbers->at[low].set
									  : numbers->others);
}

/* --- query types and the answer --------------------------------------------------------------- */

/* One that names the types that it is not about is content with all others. */
static int make_types(struct bound *bound)
{
	const struct sink_policy *policy = bound->policy;
	struct asking asking = { 0 };
	rule_set others = { 0 };
	int err = SINK_OK;

	for (size_t r = 0; r < policy->rules_count; r++) {
		struct sink_span types = policy->rules[r].types;
		uint16_t type;

		if (types.len == 0 || types.at[0] == 1)
			set_put(others, r);
		if (types.len > 0)
			types = sink_span(types.at + 1, types.len - 1);
		while (!err && sink_types_next(&types, &type))
			err = ask(&asking, type, r);
	}
	if (!err)
		err = make_numbers(bound, &asking, others, &bound->types);
	free(asking.at);
	return err;
}

static int make_asns(struct bound *bound)
{
	const struct sink_policy *policy = bound->policy;
	struct asking asking = { 0 };
	rule_set others = { 0 };
	int err = SINK_OK;

	for (size_t r = 0; r < policy->rules_count; r++) {
		const struct sink_asns *asns = &policy->rules[r].answer_asns;

		if (asns->count == 0 && set_has(bound->on_answer, r))
			set_put(others, r);
		for (size_t i = 0; !err && i < asns->count; i++)
			err = ask(&asking, asns->at[i], r);
	}
	bound->asks_asn = asking.count > 0;
	if (!err)
		err = make_numbers(bound, &asking, others, &bound->asns);
	free(asking.at);
	return err;
}

/* One table of countries: rules that ask for none are content with each.
 *
 * rules    the rules in question
 * asked    where a rule has its countries
 */
static int make_countries(struct bound *bound, const uint64_t *rules,
	const struct sink_countries *(*asked)(const struct sink_rule *rule), uint32_t *out,
	bool *is_asked)
{
	const struct sink_policy *policy = bound->policy;
	rule_set *rows = calloc(COUNTRIES + 1, sizeof *rows);
	int err = SINK_OK;

	if (!rows)
		return SINK_ENOMEM;
	for (size_t r = 0; r < policy->rules_count; r++) {
		const struct sink_countries *countries = asked(&policy->rules[r]);

		if (!set_has(rules, r))
			continue;
		*is_asked = *is_asked || countries->count > 0;
		for (size_t i = 0; i < countries->count; i++)
			set_put(rows[bound_country(countries->at[i])], r);
		for (size_t row = 0; countries->count == 0 && row <= COUNTRIES; row++)
			set_put(rows[row], r);
	}
	for (size_t row = 0; !err && row <= COUNTRIES; row++)
		err = sets_add(&bound->sets, rows[row], &out[row]);
	free(rows);
	return err;
}

static const struct sink_countries *of_client(const struct sink_rule *rule)
{
	return &rule->client_countries;
}

static const struct sink_countries *of_answer(const struct sink_rule *rule)
{
	return &rule->answer_countries;
}

/* --- rules, for whom and when ----------------------------------------------------------------- */

static bool is_for_all(const struct sink_policy *policy, const struct sink_rule *rule)
{
	uint64_t every =
		policy->groups_count < 64 ? (UINT64_C(1) << policy->groups_count) - 1 : UINT64_MAX;

	return rule->groups == every && rule->is_for_others && rule->client_countries.count == 0 &&
		rule->share == SINK_SHARE_ALL;
}

static void sort_rule(struct bound *bound, const struct sink_rule *rule, size_t number)
{
	set_put(bound->all, number);
	if (rule->action == SINK_ACTION_LISTED)
		set_put(bound->listed_rules, number);
	if (rule->action == SINK_ACTION_MONITOR)
		set_put(bound->monitors, number);
	if (rule->is_bare)
		set_put(bound->bare, number);
	if (rule->answer_countries.count > 0 || rule->answer_asns.count > 0)
		set_put(bound->on_answer, number);
	if (rule->client_countries.count > 0 || rule->share < SINK_SHARE_ALL)
		set_put(bound->conditional, number);
	for (int t = 0; t < SINK_TRIGGER_COUNT; t++)
		if (rule->triggers == 0 || rule->triggers >> t & 1)
			set_put(bound->triggers[t], number);
	for (size_t g = 0; g < SINK_GROUPS_MAX; g++)
		if (rule->groups >> g & 1)
			set_put(bound->groups[g], number);
	if (rule->is_for_others)
		set_put(bound->groups[SINK_GROUP_OTHERS], number);
	bound->has_bare = bound->has_bare || rule->is_bare;
	bound->needs.monitors = bound->needs.monitors || rule->action == SINK_ACTION_MONITOR;
}

static size_t view_of(struct bound *bound, const uint64_t *rules)
{
	size_t view = 0;

	while (view < bound->views_count &&
		!set_is_equal(bound->views[view].rules, rules, bound->words))
		view++;
	if (view == bound->views_count)
		set_copy(bound->views[bound->views_count++].rules, rules, bound->words);
	return view;
}

static int make_shares(struct bound *bound)
{
	const struct sink_policy *policy = bound->policy;

	bound->shares = calloc(policy->rules_count + 1, sizeof *bound->shares);
	bound->share_keys = calloc(policy->rules_count + 1, sizeof *bound->share_keys);
	if (!bound->shares || !bound->share_keys)
		return SINK_ENOMEM;
	for (size_t r = 0; r < policy->rules_count; r++) {
		if (policy->rules[r].share == SINK_SHARE_ALL)
			continue;
		bound->shares[bound->shares_count] = (uint16_t)r;
		bound->share_keys[bound->shares_count++] = clients_key(policy, &policy->rules[r]);
	}
	return SINK_OK;
}

static int make_schedules(struct bound *bound)
{
	const struct sink_policy *policy = bound->policy;
	int err = SINK_OK;

	for (size_t s = 0; !err && s < policy->schedules_count; s++) {
		rule_set rules = { 0 };

		for (size_t r = 0; r < policy->rules_count; r++)
			if (policy->rules[r].schedule == s)
				set_put(rules, r);
		err = sets_add(&bound->sets, rules, &bound->schedules[s]);
	}
	return err;
}

static int make_rules(struct bound *bound)
{
	const struct sink_policy *policy = bound->policy;
	int err;

	for (size_t r = 0; r < policy->rules_count; r++)
		sort_rule(bound, &policy->rules[r], r);
	for (size_t g = 0; g < policy->groups_count; g++)
		view_of(bound, bound->groups[g]);
	bound->view_of_others = view_of(bound, bound->groups[SINK_GROUP_OTHERS]);
	err = make_shares(bound);
	if (!err)
		err = make_schedules(bound);
	if (!err)
		err = make_types(bound);
	if (!err)
		err = make_asns(bound);
	if (!err)
		err = make_countries(bound, bound->on_answer, of_answer, bound->countries,
			&bound->asks_country);
	if (!err)
		err = make_countries(bound, bound->all, of_client, bound->client_countries,
			&bound->asks_client_country);
	return err ? err : clients_begin(&bound->clients, policy);
}

/* --- facets ----------------------------------------------------------------------------------- */

/* Rules that some entry satisfies: at all, and by trigger. */
struct satisfied {
	rule_set any;
	rule_set by[SINK_TRIGGER_COUNT];
};

static void note_facet(const struct bound *bound, const uint64_t *rules, uint8_t triggers,
	struct satisfied *satisfied)
{
	for (int t = 0; t < SINK_TRIGGER_COUNT; t++) {
		rule_set these;

		if (!(triggers >> t & 1))
			continue;
		set_copy(these, rules, bound->words);
		set_and(these, bound->triggers[t], bound->words);
		set_or(satisfied->by[t], these, bound->words);
		set_or(satisfied->any, these, bound->words);
	}
}

static int take_facet(struct bound *bound, struct sink_reader *reader, const struct match *match,
	uint32_t facet, struct satisfied *satisfied)
{
	struct sink_record record;
	uint8_t triggers;
	uint32_t number;
	rule_set rules;

	if (sink_db_facet(sink_reader_db(reader), facet, &number, &triggers) ||
		sink_reader_record(reader, number, &record))
		return SINK_ECORRUPT;
	match_record(match, &record, rules);
	note_facet(bound, rules, triggers, satisfied);
	return sets_add(&bound->sets, rules, &bound->facets[facet]);
}

static int take_facets(struct bound *bound, const struct sink_db *db, const struct match *match,
	const atomic_bool *cancel, struct satisfied *satisfied)
{
	struct sink_reader *reader;
	int err = sink_reader_begin(db, &reader);

	if (err)
		return err == SINK_ENOMEM ? err : SINK_ECORRUPT;
	for (uint32_t i = 0; !err && i < bound->facets_count; i++) {
		err = take_facet(bound, reader, match, i, satisfied);
		if (!err && i % CANCEL_EACH == 0 && cancel && atomic_load(cancel))
			err = SINK_ECANCELED;
	}
	sink_reader_end(reader);
	return err;
}

/* What rules need to know follows from the entries that they are about. */
static void find_needs(struct bound *bound, const struct satisfied *satisfied)
{
	const struct sink_policy *policy = bound->policy;
	struct sink_needs *needs = &bound->needs;

	for (size_t r = 0; r < policy->rules_count; r++) {
		const struct sink_rule *rule = &policy->rules[r];
		uint8_t triggers = 0;

		for (int t = 0; t < SINK_TRIGGER_COUNT; t++)
			if (set_has(satisfied->by[t], r))
				triggers = (uint8_t)(triggers | 1u << t);
		bound->listed |= triggers;
		if (rule->action == SINK_ACTION_LISTED && triggers & ABOUT_ANSWER)
			set_put(bound->waits, r);
		if (!rule->is_bare && triggers == 0)
			continue; /* nothing in this database is for it */
		needs->addresses = needs->addresses || triggers & 1 << SINK_TRIGGER_ANSWER ||
			set_has(bound->on_answer, r);
		needs->servers = needs->servers || triggers & ABOUT_SERVERS;
		needs->types = needs->types || rule->types.len > 0;
		if (triggers & 1 << SINK_TRIGGER_CLIENT)
			needs->listed_clients = needs->clients = true;
		needs->clients = needs->clients || !is_for_all(policy, rule);
	}
}

/* When what decided ends, another rule may decide. If it blocked, or had no say, nobody is answered what is blocked
 * then; but it may have let pass. */
static void find_ending(struct bound *bound, const struct sink_db *db)
{
	rule_set passes = { 0 };
	uint32_t facet;

	for (size_t r = 0; r < bound->policy->rules_count; r++)
		if (bound->policy->rules[r].action == SINK_ACTION_PASS)
			set_put(passes, r);
	for (uint32_t i = 0;
		!bound->passes_ending && (facet = sink_db_ending(db, i)) < bound->facets_count;
		i++) {
		const uint64_t *rules = sets_get(&bound->sets, bound->facets[facet]);

		bound->passes_ending = set_first_of(rules, passes, bound->words) != SINK_RULE_NONE;
	}
}

static int make_facets(struct bound *bound, const struct sink_db *db, const atomic_bool *cancel)
{
	struct satisfied satisfied = { 0 };
	struct match *match;
	int err;

	bound->facets_count = sink_db_facets(db);
	bound->facets = calloc((size_t)bound->facets_count + 1, sizeof *bound->facets);
	if (!bound->facets)
		return SINK_ENOMEM;
	err = match_new(bound->policy, &match);
	if (err)
		return err;
	err = take_facets(bound, db, match, cancel, &satisfied);
	match_free(match);
	if (err)
		return err;
	find_needs(bound, &satisfied);
	find_ending(bound, db);
	return SINK_OK;
}

/* --- all of it -------------------------------------------------------------------------------- */

int bound_new(const struct sink_policy *policy, const struct sink_db *db, const atomic_bool *cancel,
	struct bound **out)
{
	struct bound *bound = calloc(1, sizeof *bound);
	int err;

	if (!bound)
		return SINK_ENOMEM;
	bound->policy = policy;
	bound->words = (policy->rules_count + 63) / 64;
	err = sets_begin(&bound->sets, bound->words);
	if (!err)
		err = make_rules(bound);
	if (!err)
		err = make_facets(bound, db, cancel);
	if (err) {
		bound_free(bound);
		return err;
	}
	*out = bound;
	return SINK_OK;
}

void bound_free(struct bound *bound)
{
	if (!bound)
		return;
	clients_end(&bound->clients);
	sets_end(&bound->sets);
	free(bound->facets);
	free(bound->shares);
	free(bound->share_keys);
	free(bound->types.at);
	free(bound->asns.at);
	free(bound);
}

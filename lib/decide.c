/* decide.c - what becomes of one client's case. */
#include "sinkhole/decide.h"

#include "search.h"

/* --- the client ------------------------------------------------------------------------------- */

/* Who is unknown is of no share. */
static void narrow_shares(const struct bound *bound, struct sink_client *client)
{
	for (size_t i = 0; i < bound->shares_count; i++) {
		uint16_t rule = bound->shares[i];

		if (set_has(client->rules, rule) &&
			(client->address.family == 0 ||
				!clients_is_of_share(bound->share_keys[i],
					bound->policy->rules[rule].share, &client->address)))
			set_drop(client->rules, rule);
	}
}

void sink_client_of(struct sink_judge *judge, const struct sink_prefix *address, int64_t now,
	struct sink_client *out)
{
	const struct sink_generation *generation = judge->generation;
	const struct bound *bound = generation->bound;

	out->address = (struct sink_prefix){ 0 };
	out->group = SINK_GROUP_OTHERS;
	out->country = 0;
	if (address && address->family != 0) {
		out->address = sink_prefix_unmap(address);
		out->group = clients_group(&bound->clients, &out->address);
		if (bound->asks_client_country)
			out->country = (uint16_t)sink_geo_find(generation->geo[SINK_GEO_COUNTRY],
				&out->address);
	}
	memcpy(out->rules, bound->groups[out->group], sizeof out->rules);
	if (bound->asks_client_country)
		set_and(out->rules,
			sets_get(&bound->sets,
				bound->client_countries[bound_country(out->country)]),
			bound->words);
	search_narrow_time(judge, now, out->rules);
	narrow_shares(bound, out);
}

/* --- deciding --------------------------------------------------------------------------------- */

static int take(void *arg, const struct found *found, uint16_t first)
{
	trial_take_as(arg, found, first);
	return SINK_OK;
}

/* A pass over one name, with what is listed about the client if it is the first; or over everything. */
#define EVERYTHING SIZE_MAX

static int search_all(struct search *search, size_t number)
{
	int err = number == 0 || number == EVERYTHING ? search_client(search) : SINK_OK;

	if (number != EVERYTHING)
		return err || number >= search->what->names_count ? err
								  : search_name(search, number);
	for (size_t i = 0; !err && i < search->what->names_count; i++)
		err = search_name(search, i);
	return err ? err : search_answer(search);
}

/* returns  SINK_OK (decided); SINK_ENOENT (undecided); SINK_ECORRUPT; SINK_EINVAL */
static int try_rules(struct search search, size_t number, const uint64_t *rules,
	struct sink_verdict *out)
{
	const struct bound *bound = search.judge->generation->bound;
	const struct found *winner;
	enum trial_state state;
	struct trial trial;
	int err;

	trial_begin(&trial, bound, rules);
	search.trial = &trial;
	search.take = take;
	search.arg = &trial;
	do {
		err = search_all(&search, number);
		if (err)
			return err;
		search.consider = NULL; /* told once */
		state = trial_end(&trial, &winner);
	} while (state == TRIAL_AGAIN);
	if (out->monitor == SINK_RULE_NONE)
		out->monitor = trial_monitor(&trial);
	return state == TRIAL_DECIDED ? search_conclude(search.judge, trial.rule, winner, out)
				      : SINK_ENOENT;
}

/* A form that means nothing is cleared in what the caller gets, and neither cleared nor copied on the way. */
static void copy_verdict(struct sink_verdict *out, const struct sink_verdict *verdict)
{
	if (sink_action_blocks(verdict->action)) {
		*out = *verdict;
		return;
	}
	memcpy(out, verdict, VERDICT_HEAD);
	memset(&out->form, 0, sizeof out->form);
}

static struct search begin(struct sink_judge *judge, const struct sink_case *what,
	const struct sink_client *client, sink_consider_fn *consider, void *arg, uint64_t *rules)
{
	const struct bound *bound = judge->generation->bound;

	set_copy(rules, client->rules, bound->words);
	set_and(rules, search_types(bound, what->type), bound->words);
	return (struct search){
		.judge = judge,
		.what = what,
		.client = &client->address,
		.consider = consider,
		.consider_arg = arg,
	};
}

int sink_decide(struct sink_judge *judge, const struct sink_case *what,
	const struct sink_client *client, sink_consider_fn *consider, void *arg,
	struct sink_verdict *out)
{
	const struct bound *bound = judge->generation->bound;
	rule_set rules, on_names;
	struct search search = begin(judge, what, client, consider, arg, rules);
	struct sink_verdict verdict;
	int err = SINK_ENOENT;

	search_begin_verdict(&verdict);
	set_copy(on_names, rules, bound->words);
	set_without(on_names, bound->on_answer, bound->words);
	for (size_t i = 0; err == SINK_ENOENT && (i == 0 || i < what->names_count); i++)
		err = try_rules(search, i, on_names, &verdict);
	if (err && err != SINK_ENOENT)
		return err;
	if (!err)
		verdict.waits = set_first_of(bound->waits, rules, bound->words) < verdict.rule;
	copy_verdict(out, &verdict);
	return SINK_OK;
}

int sink_decide_answer(struct sink_judge *judge, const struct sink_case *what,
	const struct sink_client *client, sink_consider_fn *consider, void *arg,
	struct sink_verdict *out)
{
	const struct bound *bound = judge->generation->bound;
	struct sink_verdict verdict;
	struct search search;
	rule_set rules;
	int err = sink_decide(judge, what, client, consider, arg, &verdict);

	if (!err && (verdict.rule == SINK_RULE_NONE || verdict.waits) &&
		(bound->needs.addresses || bound->needs.servers)) {
		search = begin(judge, what, client, consider, arg, rules);
		search_narrow_answer(judge->generation, what, rules);
		search_begin_verdict(&verdict);
		err = try_rules(search, EVERYTHING, rules, &verdict);
		if (err == SINK_ENOENT)
			err = SINK_OK;
	}
	if (!err)
		copy_verdict(out, &verdict);
	return err;
}

/* --- what the answer might change ------------------------------------------------------------- */

/* Rules that are about some entry for an address or server of the answer. */
static void add_about_answer(const struct sink_generation *generation, uint64_t *out)
{
	const struct bound *bound = generation->bound;

	for (uint32_t facet = 0; facet < bound->facets_count; facet++) {
		const uint64_t *rules = sets_get(&bound->sets, bound->facets[facet]);
		uint8_t triggers = 0;
		uint32_t record;

		if (sink_db_facet(generation->db, facet, &record, &triggers))
			continue;
		for (int t = 0; t < SINK_TRIGGER_COUNT; t++)
			if (triggers >> t & 1 && t != SINK_TRIGGER_QNAME &&
				t != SINK_TRIGGER_CLIENT)
				for (size_t i = 0; i < bound->words; i++)
					out[i] |= rules[i] & bound->triggers[t][i];
	}
}

void sink_awaited(struct sink_judge *judge, const struct sink_case *what,
	const struct sink_client *client, const struct sink_verdict *first,
	uint64_t out[SINK_RULE_WORDS])
{
	const struct bound *bound = judge->generation->bound;
	rule_set rules = { 0 };

	memset(out, 0, SINK_RULE_WORDS * sizeof *out);
	if (first->rule != SINK_RULE_NONE && !first->waits)
		return;
	set_copy(rules, bound->on_answer, bound->words);
	add_about_answer(judge->generation, rules);
	set_and(rules, client->rules, bound->words);
	set_and(rules, search_types(bound, what->type), bound->words);
	set_without(rules, bound->monitors, bound->words);
	for (size_t rule = 0; rule < bound->policy->rules_count && rule < first->rule; rule++)
		if (set_has(rules, rule))
			set_put(out, rule);
}

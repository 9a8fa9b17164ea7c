/* reach.c - what becomes of a case for all clients together.
 *
 * What is listed is gathered once. Then rules are tried for each view (bind.h). A rule that is for some clients of a
 * view only adds what it comes to, and the search goes on as for the others: whatever subset of such
 * rules a client has, its verdict is among those. In doubt the answer is SOME. Where a single entry is listed, all this is
 * the same for each like it, and done once. */
#include "search.h"

#define FOUND_MAX 256 /* entries; more are in doubt */

/* What some clients' verdict is. */
struct outcome {
	uint16_t rule; /* SINK_RULE_NONE: nothing decides */
	uint16_t monitor;
	bool waits;
	bool has_entry;
	struct found winner;
};

struct reaching {
	struct sink_judge *judge;
	const struct bound *bound;
	const struct sink_case *what;
	bool on_answer; /* both passes */
	const uint64_t *types; /* rules that are for the type asked for */
	struct trial wanted; /* of the rules of all views */
	rule_set in_question; /* those */
	size_t count;
	bool overflows;
	bool blocks; /* somebody */
	bool waits; /* somebody's verdict */
	bool differs; /* between clients; or it could */
	bool doubts; /* what was found may block somebody, in a way that was not searched */
	bool has_first;
	struct outcome first, others; /* the first that was found; that of clients of no group */
	struct found found[FOUND_MAX];
};

/* Kilobytes of it are left as they are: what is not found yet, and what a trial writes before it reads. */
static void begin(struct reaching *r, struct sink_judge *judge, const struct sink_case *what,
	bool on_answer)
{
	const struct bound *bound = judge->generation->bound;

	r->judge = judge;
	r->bound = bound;
	r->what = what;
	r->on_answer = on_answer;
	r->count = 0;
	r->overflows = r->blocks = r->waits = r->differs = r->doubts = r->has_first = false;
	r->others.rule = r->others.monitor = SINK_RULE_NONE;
	r->others.has_entry = false;
	r->types = search_types(bound, what->type);
	set_copy(r->in_question, bound->all, bound->words);
	set_and(r->in_question, r->types, bound->words);
	search_narrow_time(judge, what->now, r->in_question);
	trial_begin(&r->wanted, bound, r->in_question);
}

/* --- gathering -------------------------------------------------------------------------------- */

static int keep(void *arg, const struct found *found, uint16_t first)
{
	struct reaching *r = arg;

	(void)first; /* another one for each list of rules */
	if (r->count == FOUND_MAX) {
		r->overflows = true;
		return SINK_ECANCELED; /* ends the search */
	}
	r->found[r->count++] = *found;
	return SINK_OK;
}

static int gather(struct reaching *r)
{
	struct search search = {
		.judge = r->judge,
		.what = r->what,
		.trial = &r->wanted,
		.take = keep,
		.arg = r,
	};
	int err = SINK_OK;

	for (size_t i = 0; !err && i < r->what->names_count; i++)
		err = search_name(&search, i);
	if (!err && r->on_answer)
		err = search_answer(&search);
	return r->overflows ? SINK_OK : err;
}

/* --- what clients of a view get --------------------------------------------------------------- */

/* The same listing about the same name; which of the addresses or servers it is about is no part of a verdict. */
static bool is_same_winner(const struct found *a, const struct found *b)
{
	return a->trigger == b->trigger &&
		(a->trigger != SINK_TRIGGER_QNAME || a->subject == b->subject) &&
		a->listing.record == b->listing.record && a->listing.scope == b->listing.scope &&
		a->listing.labels == b->listing.labels;
}

static bool is_same(const struct outcome *a, const struct outcome *b)
{
	if (a->rule != b->rule || a->monitor != b->monitor || a->waits != b->waits ||
		a->has_entry != b->has_entry)
		return false;
	return !a->has_entry || is_same_winner(&a->winner, &b->winner);
}

static void add(struct reaching *r, const struct outcome *outcome)
{
	enum sink_action action = SINK_ACTION_NONE;

	if (outcome->rule != SINK_RULE_NONE)
		action = search_action(r->bound, outcome->rule,
			outcome->has_entry ? &outcome->winner : NULL);
	r->blocks = r->blocks || sink_action_blocks(action);
	r->waits = r->waits || outcome->waits;
	if (action == SINK_ACTION_TRUNCATE)
		r->differs = true; /* who came by TCP gets the real answer */
	if (r->has_first && !is_same(&r->first, outcome))
		r->differs = true;
	if (!r->has_first)
		r->first = *outcome;
	r->has_first = true;
	r->others =
		*outcome; /* the view of others comes last, in the end without its conditional rules */
}

/* Try rules over what was found about one name, or everything.
 *
 * returns  whether one of them decides
 */
#define EVERYTHING SIZE_MAX

static bool decides(struct reaching *r, size_t number, const uint64_t *rules, struct outcome *out)
{
	const struct found *winner = NULL;
	enum trial_state state;
	struct trial trial;

	trial_begin(&trial, r->bound, rules);
	do {
		for (size_t i = 0; i < r->count; i++)
			if (number == EVERYTHING ||
				(r->found[i].trigger == SINK_TRIGGER_QNAME &&
					r->found[i].subject == number))
				trial_take(&trial, &r->found[i]);
		state = trial_end(&trial, &winner);
		/* clients for whom that rule is not may have what it kept from later ones */
		if (state == TRIAL_AGAIN && set_has(r->bound->conditional, trial.from - 1u))
			r->doubts = true;
	} while (state == TRIAL_AGAIN);
	*out = (struct outcome){ .rule = trial.rule, .monitor = trial_monitor(&trial) };
	out->has_entry = winner != NULL;
	if (winner)
		out->winner = *winner;
	return state == TRIAL_DECIDED;
}

/* The second pass. */
static void try_everything(struct reaching *r, const uint64_t *from)
{
	struct outcome outcome;
	rule_set rules;

	set_copy(rules, from, r->bound->words);
	search_narrow_answer(r->judge->generation, r->what, rules);
	while (decides(r, EVERYTHING, rules, &outcome)) {
		add(r, &outcome);
		if (!set_has(r->bound->conditional, outcome.rule))
			return;
		set_drop(rules, outcome.rule);
	}
	add(r, &outcome);
}

/* Somebody waits with this verdict for the answer. */
static void add_waiting(struct reaching *r, struct outcome outcome, const uint64_t *rules)
{
	outcome.waits = true;
	if (r->on_answer)
		try_everything(r, rules);
	else
		add(r, &outcome);
}

/* A verdict on a name. Where an earlier rule is for some clients only, they wait for the answer and others do
 * not. */
static void add_on_name(struct reaching *r, const struct outcome *outcome, const uint64_t *rules)
{
	const struct bound *bound = r->bound;
	rule_set definite;

	if (set_first_of(bound->waits, rules, bound->words) < outcome->rule)
		add_waiting(r, *outcome, rules);
	set_copy(definite, bound->waits, bound->words);
	set_without(definite, bound->conditional, bound->words);
	if (set_first_of(definite, rules, bound->words) >= outcome->rule)
		add(r, outcome);
}

/* Clients to whom these rules apply, some of them perhaps. */
static void try_view(struct reaching *r, uint64_t *rules)
{
	const struct bound *bound = r->bound;
	uint16_t monitor = SINK_RULE_NONE;
	struct outcome outcome = { .rule = SINK_RULE_NONE };
	rule_set on_names;

	for (size_t i = 0; i < r->what->names_count;) {
		set_copy(on_names, rules, bound->words);
		set_without(on_names, bound->on_answer, bound->words);
		if (!decides(r, i, on_names, &outcome)) {
			i++;
			monitor = monitor == SINK_RULE_NONE ? outcome.monitor : monitor;
			continue;
		}
		if (monitor != SINK_RULE_NONE)
			outcome.monitor = monitor;
		add_on_name(r, &outcome, rules);
		if (!set_has(bound->conditional, outcome.rule))
			return;
		set_drop(rules, outcome.rule);
	}
	outcome = (struct outcome){ .rule = SINK_RULE_NONE, .monitor = monitor };
	if (r->on_answer && (bound->needs.addresses || bound->needs.servers))
		try_everything(r, rules);
	else
		add(r, &outcome);
}

/* --- rules that monitor for some clients ------------------------------------------------------ */

/* Where such a rule takes an entry out for some clients, and another rule would take it into account, there are more
 * ways than are searched. */
static void look_for_doubt(struct reaching *r, const struct found *found, const uint64_t *rules)
{
	const struct bound *bound = r->bound;
	bool is_watched = false;

	for (size_t rule = 0; rule < bound->policy->rules_count; rule++) {
		if (!set_has(found->rules, rule) || !set_has(rules, rule) ||
			!set_has(bound->triggers[found->trigger], rule))
			continue;
		if (!set_has(bound->monitors, rule))
			r->doubts = r->doubts || is_watched;
		else if (set_has(bound->conditional, rule))
			r->differs = is_watched = true;
		else if (!set_has(bound->on_answer, rule))
			return; /* nobody's later rules weigh it; the others do in the first pass */
	}
}

static void look_for_doubts(struct reaching *r, const uint64_t *rules)
{
	const struct bound *bound = r->bound;
	rule_set watching;

	set_copy(watching, bound->conditional, bound->words);
	set_and(watching, bound->monitors, bound->words);
	set_and(watching, rules, bound->words);
	if (set_is_empty(watching, bound->words))
		return;
	for (size_t i = 0; i < r->count; i++)
		look_for_doubt(r, &r->found[i], rules);
	set_and(watching, bound->bare, bound->words);
	if (!set_is_empty(watching, bound->words))
		r->differs = true;
}

/* --- all of them ------------------------------------------------------------------------------ */

/* The rules of a view, now. */
static void rules_of(const struct reaching *r, size_t view, uint64_t *out)
{
	set_copy(out, r->bound->views[view].rules, r->bound->words);
	set_and(out, r->in_question, r->bound->words);
}

/* Leave in question what can make a difference: rules that something found satisfies, and those for which an answer is
 * waited for or looked at. Of many rules for many groups few are left, and of many views one or two. */
static void narrow_to_found(struct reaching *r)
{
	const struct bound *bound = r->bound;
	rule_set matter;

	set_copy(matter, bound->on_answer, bound->words); /* bare rules are among these */
	set_or(matter, bound->waits, bound->words);
	for (size_t i = 0; i < r->count; i++)
		set_or(matter, r->found[i].rules, bound->words);
	set_and(r->in_question, matter, bound->words);
}

struct tried {
	size_t count;
	rule_set rules[8]; /* the last ones; trying a view again costs time and changes nothing */
};

static bool was_tried(const struct tried *tried, const uint64_t *rules, size_t words)
{
	size_t known = sizeof tried->rules / sizeof tried->rules[0];

	for (size_t i = 0; i < tried->count && i < known; i++)
		if (set_is_equal(tried->rules[i], rules, words))
			return true;
	return false;
}

static void try_rules(struct reaching *r, struct tried *tried, uint64_t *rules)
{
	size_t known = sizeof tried->rules / sizeof tried->rules[0];

	set_copy(tried->rules[tried->count++ % known], rules, r->bound->words);
	look_for_doubts(r, rules);
	try_view(r, rules);
}

/* Whether a view's rules, now, are these: for most views the first word that matters tells. */
static bool has_rules(const struct reaching *r, size_t view, const uint64_t *rules, size_t from,
	size_t to)
{
	for (size_t i = from; i < to; i++)
		if ((r->bound->views[view].rules[i] & r->in_question[i]) != rules[i])
			return false;
	return true;
}

/* The view of the clients of no group comes last. */
static void try_views(struct reaching *r)
{
	const struct bound *bound = r->bound;
	size_t from = 0, to = bound->words;
	struct tried tried; /* of a kilobyte: not cleared */
	rule_set rules, others;

	while (from < to && r->in_question[from] == 0)
		from++;
	while (to > from && r->in_question[to - 1] == 0)
		to--;
	tried.count = 0;
	rules_of(r, bound->view_of_others, others);
	for (size_t i = 0; i < bound->views_count; i++) {
		if (has_rules(r, i, others, from, to))
			continue;
		rules_of(r, i, rules);
		if (!was_tried(&tried, rules, bound->words))
			try_rules(r, &tried, rules);
	}
	try_rules(r, &tried, others);
}

static enum sink_reach sum_up(const struct reaching *r)
{
	if (r->doubts)
		return SINK_REACH_SOME;
	if (!r->blocks)
		return SINK_REACH_NONE;
	return r->differs ? SINK_REACH_SOME : SINK_REACH_ALL;
}

/* All rules over all that was found. */
static void try_all(struct reaching *r)
{
	/* What is not listed needs no search: rules that are not bare want something that is. So most names are done
	 * with. */
	if (!r->overflows && (r->count > 0 || r->bound->has_bare)) {
		narrow_to_found(r);
		try_views(r);
	}
	if (r->overflows || r->doubts)
		r->waits = !r->on_answer &&
			set_first_of(r->bound->waits, r->in_question, r->bound->words) !=
				SINK_RULE_NONE;
}

static struct reached reached(const struct reaching *r)
{
	struct reached out = {
		.reach = r->overflows ? SINK_REACH_SOME : sum_up(r),
		.waits = r->waits,
		.rule = SINK_RULE_NONE,
		.monitor = SINK_RULE_NONE,
	};

	if (out.reach == SINK_REACH_SOME)
		return out;
	out.rule = r->others.rule;
	out.monitor = r->others.monitor;
	out.has_entry = r->others.has_entry;
	return out;
}

/* --- one entry about the name asked for, and nothing else ------------------------------------- */

static bool is_alone(const struct reaching *r)
{
	return r->count == 1 && !r->overflows && !r->on_answer && r->what->names_count == 1;
}

static struct alone *place_for(const struct reaching *r, const struct found *found)
{
	const uint64_t key = (uintptr_t)found->rules + 31 * (uint64_t)(uintptr_t)r->types +
		SINK_KIND_COUNT * (uint64_t)found->hint + found->kind;

	return &r->judge->alone[key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - ALONE_BITS)];
}

static struct reached reach_alone(struct reaching *r)
{
	const struct found *found = &r->found[0];
	struct alone *alone = place_for(r, found);

	if (alone->rules == found->rules && alone->types == r->types &&
		alone->hours == r->judge->hours.from && alone->kind == found->kind &&
		alone->hint == found->hint)
		return alone->reached;
	try_all(r);
	*alone = (struct alone){
		.rules = found->rules,
		.types = r->types,
		.hours = r->judge->hours.from,
		.kind = found->kind,
		.hint = found->hint,
		.reached = reached(r),
	};
	return alone->reached;
}

/* --- */

static int reach_all(struct sink_judge *judge, const struct sink_case *what, bool on_answer,
	enum sink_reach *reach, struct sink_verdict *out)
{
	struct reaching r;
	const struct found *winner = &r.others.winner;
	struct reached of_all;
	int err;

	begin(&r, judge, what, on_answer);
	err = gather(&r);
	if (err)
		return err;
	if (is_alone(&r)) {
		of_all = reach_alone(&r);
		winner = &r.found[0];
	} else {
		try_all(&r);
		of_all = reached(&r);
	}
	*reach = of_all.reach;
	search_begin_verdict(out);
	out->monitor = of_all.monitor;
	out->waits = of_all.waits;
	if (of_all.rule == SINK_RULE_NONE)
		return SINK_OK;
	return search_conclude(judge, of_all.rule, of_all.has_entry ? winner : NULL, out);
}

int sink_reach(struct sink_judge *judge, const struct sink_case *what, enum sink_reach *reach,
	struct sink_verdict *out)
{
	return reach_all(judge, what, false, reach, out);
}

int sink_reach_answer(struct sink_judge *judge, const struct sink_case *what,
	enum sink_reach *reach, struct sink_verdict *out)
{
	return reach_all(judge, what, true, reach, out);
}

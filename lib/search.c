/* search.c - what a case is about, looked up in the database, and what comes of the winner. */
#include "search.h"

#define TYPE_CNAME 5
#define MAPPED 96 /* bits before an IPv4 address in IPv6 */

/* --- standing --------------------------------------------------------------------------------- */

/* The key of a domain is a prefix of the key of every name below it, and of nothing else (name.h). */
static bool is_excepted(struct sink_span except, const struct sink_name *name)
{
	struct sink_span key;

	while (sink_except_next(&except, &key))
		if (key.len <= name->len && (key.len == 0 || !memcmp(key.at, name->key, key.len)))
			return true;
	return false;
}

static bool is_of_type(struct sink_span types, uint16_t type)
{
	bool are_others = types.at[0] == 1;
	uint16_t next;

	types = sink_span(types.at + 1, types.len - 1);
	while (sink_types_next(&types, &next))
		if (next == type)
			return !are_others;
	return are_others;
}

/* What is asked here, sink_record_is_plain() has to know: of a plain record it is not. */
enum sink_standing sink_stand(const struct sink_record *record, const struct sink_name *name,
	uint16_t type, int64_t now)
{
	if (record->valid_from && now < record->valid_from)
		return SINK_STANDING_FUTURE;
	if (record->valid_until && now >= record->valid_until)
		return SINK_STANDING_EXPIRED;
	if (name && is_excepted(record->except, name))
		return SINK_STANDING_EXCEPTED;
	if (type && record->types.len > 0 && !is_of_type(record->types, type))
		return SINK_STANDING_TYPE;
	return SINK_STANDING_ELIGIBLE;
}

/* --- looking up ------------------------------------------------------------------------------- */

static void tell(const struct search *search, const struct sink_listing *listing,
	const struct sink_record *record, enum sink_standing standing, uint16_t first)
{
	if (standing == SINK_STANDING_ELIGIBLE && first == SINK_RULE_NONE)
		standing = SINK_STANDING_UNRULED;
	else if (standing == SINK_STANDING_ELIGIBLE &&
		set_has(search->trial->bound->monitors, first))
		standing = SINK_STANDING_WATCHED;
	search->consider(search->consider_arg, search->trigger, search->subject, listing, record,
		standing, first);
}

/* Could an entry with this first rule still matter? Whether it is a STOP, which only rules LISTED are about, is not
 * known yet: when rules are tried again, one that is no matter as an entry may be one as a STOP. */
static bool is_wanted(const struct search *search, const uint64_t *rules, uint16_t first)
{
	const struct trial *trial = search->trial;

	return search->consider || trial_wants(trial, first) ||
		(trial->from > 0 &&
			trial_wants(trial, trial_first(trial, rules, search->trigger, true)));
}

/* The first of the rules that an entry satisfies.
 *
 * first    were it no STOP */
static uint16_t first_for(const struct search *search, const uint64_t *rules, uint16_t first,
	enum sink_hint hint)
{
	return hint == SINK_HINT_STOP ? trial_first(search->trial, rules, search->trigger, true)
				      : first;
}

/* An entry in force. */
static int take(const struct search *search, const struct sink_listing *listing,
	const uint64_t *rules, uint16_t first, enum sink_kind kind, enum sink_hint hint)
{
	const struct found found = {
		.listing = *listing,
		.kind = kind,
		.hint = hint,
		.trigger = search->trigger,
		.weight = (uint16_t)(listing->labels + search->more),
		.subject = search->subject,
		.rules = rules,
	};

	return search->take(search->arg, &found, first);
}

static int look_closer(const struct search *search, const struct sink_listing *listing,
	const uint64_t *rules, uint16_t first)
{
	enum sink_standing standing;
	struct sink_record record;

	if (sink_reader_record(search->judge->reader, listing->record, &record))
		return SINK_ECORRUPT;
	standing = sink_stand(&record, search->name, search->what->type, search->what->now);
	first = first_for(search, rules, first, record.hint);
	if (search->consider)
		tell(search, listing, &record, standing, first);
	return standing == SINK_STANDING_ELIGIBLE
		? take(search, listing, rules, first, record.kind, record.hint)
		: SINK_OK;
}

static int look_at(void *arg, const struct sink_listing *listing)
{
	const struct search *search = arg;
	const struct sink_generation *generation = search->judge->generation;
	const struct bound *bound = generation->bound;
	uint32_t facet = sink_db_facet_of(generation->db, listing->record);
	enum sink_kind kind;
	enum sink_hint hint;
	const uint64_t *rules;
	uint16_t first;

	if (facet >= bound->facets_count)
		return SINK_ECORRUPT;
	rules = sets_get(&bound->sets, bound->facets[facet]);
	first = trial_first(search->trial, rules, search->trigger, false);
	if (!is_wanted(search, rules, first))
		return SINK_OK;
	/* Mostly the record need not be read. */
	if (!search->consider &&
		sink_reader_plain(search->judge->reader, listing->record, &kind, &hint))
		return take(search, listing, rules, first_for(search, rules, first, hint), kind,
			hint);
	return look_closer(search, listing, rules, first);
}

/* Is anything listed for the trigger that a rule is about, or somebody to be told of? */
static bool is_worth_it(const struct search *search, enum sink_trigger trigger)
{
	return search->consider || search->judge->generation->bound->listed >> trigger & 1;
}

static int find_name(struct search *search, enum sink_trigger trigger, struct sink_span wire,
	size_t subject)
{
	struct sink_name name;
	int err;

	if (sink_name_from_wire(wire, &name))
		return SINK_EINVAL;
	search->trigger = trigger;
	search->subject = subject;
	search->name = &name;
	search->more = 0;
	err = trigger == SINK_TRIGGER_QNAME
		? sink_reader_find(search->judge->reader, &name, look_at, search)
		: sink_reader_find_name(search->judge->reader, trigger, &name, look_at, search);
	search->name = NULL;
	return err;
}

static int find_prefix(struct search *search, enum sink_trigger trigger,
	const struct sink_prefix *prefix, size_t subject)
{
	search->trigger = trigger;
	search->subject = subject;
	search->name = NULL;
	search->more = prefix->family == 4 ? MAPPED : 0;
	return sink_reader_find_prefix(search->judge->reader, trigger, prefix, look_at, search);
}

int search_client(struct search *search)
{
	if (!search->client || search->client->family == 0 ||
		!is_worth_it(search, SINK_TRIGGER_CLIENT))
		return SINK_OK;
	return find_prefix(search, SINK_TRIGGER_CLIENT, search->client, 0);
}

int search_name(struct search *search, size_t number)
{
	if (!is_worth_it(search, SINK_TRIGGER_QNAME))
		return SINK_OK;
	return find_name(search, SINK_TRIGGER_QNAME, search->what->names[number], number);
}

static int find_prefixes(struct search *search, enum sink_trigger trigger,
	const struct sink_prefix *prefixes, size_t count)
{
	int err = SINK_OK;

	if (is_worth_it(search, trigger))
		for (size_t i = 0; !err && i < count; i++)
			err = find_prefix(search, trigger, &prefixes[i], i);
	return err;
}

int search_answer(struct search *search)
{
	const struct sink_case *what = search->what;
	int err =
		find_prefixes(search, SINK_TRIGGER_ANSWER, what->addresses, what->addresses_count);

	if (is_worth_it(search, SINK_TRIGGER_NSNAME))
		for (size_t i = 0; !err && i < what->servers_count; i++)
			err = find_name(search, SINK_TRIGGER_NSNAME, what->servers[i], i);
	return err ? err
		   : find_prefixes(search, SINK_TRIGGER_NSADDRESS, what->server_addresses,
			     what->server_addresses_count);
}

/* --- rules in question ------------------------------------------------------------------------ */

const uint64_t *search_types(const struct bound *bound, uint16_t type)
{
	return type ? bound_find(bound, &bound->types, type) : bound->all;
}

/* Of one address: both its country and its system must be content. */
static void add_content(const struct sink_generation *generation, const struct sink_prefix *address,
	uint64_t *out)
{
	const struct bound *bound = generation->bound;
	uint32_t country = 0, asn = 0;
	rule_set content;

	if (bound->asks_country)
		country = sink_geo_find(generation->geo[SINK_GEO_COUNTRY], address);
	if (bound->asks_asn)
		asn = sink_geo_find(generation->geo[SINK_GEO_ASN], address);
	set_copy(content, sets_get(&bound->sets, bound->countries[bound_country(country)]),
		bound->words);
	set_and(content, bound_find(bound, &bound->asns, asn), bound->words);
	set_or(out, content, bound->words);
}

void search_narrow_answer(const struct sink_generation *generation, const struct sink_case *what,
	uint64_t *rules)
{
	const struct bound *bound = generation->bound;
	rule_set content = { 0 };

	if (bound->asks_country || bound->asks_asn)
		for (size_t i = 0; i < what->addresses_count; i++)
			add_content(generation, &what->addresses[i], content);
	for (size_t i = 0; i < bound->words; i++)
		rules[i] &= ~bound->on_answer[i] | content[i];
}

static void look_at_clock(struct sink_judge *judge, int64_t now)
{
	const struct sink_policy *policy = judge->generation->policy;
	const struct bound *bound = judge->generation->bound;
	struct hours *hours = &judge->hours;

	*hours = (struct hours){ .from = now, .until = INT64_MAX };
	for (size_t s = 0; s < policy->schedules_count; s++) {
		int64_t next;

		if (!sink_schedule_is_on(&policy->schedules[s], now, &next))
			set_or(hours->off, sets_get(&bound->sets, bound->schedules[s]),
				bound->words);
		if (next < hours->until)
			hours->until = next;
	}
}

void search_narrow_time(struct sink_judge *judge, int64_t now, uint64_t *rules)
{
	const struct sink_generation *generation = judge->generation;

	if (sink_is_paused(&generation->manifest, now)) {
		memset(rules, 0, generation->bound->words * sizeof *rules);
		return;
	}
	if (generation->policy->schedules_count == 0)
		return;
	if (now < judge->hours.from || now >= judge->hours.until)
		look_at_clock(judge, now);
	set_without(rules, judge->hours.off, generation->bound->words);
}

/* --- what comes of it ------------------------------------------------------------------------- */

/* What RPZ calls local data: an alias, or records. */
static int use_data(struct sink_judge *judge, const struct found *winner, struct sink_verdict *out)
{
	struct sink_record record;
	struct sink_span rest;
	struct sink_data item;
	struct sink_name name;

	if (sink_reader_record(judge->reader, winner->listing.record, &record))
		return SINK_ECORRUPT;
	out->action = SINK_ACTION_DATA;
	out->form.data = record.data;
	for (rest = record.data; sink_data_next(&rest, &item);) {
		if (item.type != TYPE_CNAME)
			continue;
		if (sink_name_from_wire(item.rdata, &name))
			return SINK_ECORRUPT;
		out->action = SINK_ACTION_CNAME;
		out->form.data = sink_span(NULL, 0);
		out->form.cname = item.rdata;
		out->form.ttl = item.ttl < SINK_TTL_MAX ? item.ttl : SINK_TTL_MAX;
		break;
	}
	return SINK_OK;
}

/* What the entry itself says. */
static const enum sink_action by_hint[] = {
	[SINK_HINT_NONE] = SINK_ACTION_NXDOMAIN,
	[SINK_HINT_NXDOMAIN] = SINK_ACTION_NXDOMAIN,
	[SINK_HINT_NODATA] = SINK_ACTION_NODATA,
	[SINK_HINT_REFUSED] = SINK_ACTION_REFUSED,
	[SINK_HINT_DROP] = SINK_ACTION_DROP,
	[SINK_HINT_TRUNCATE] = SINK_ACTION_TRUNCATE,
	[SINK_HINT_DATA] = SINK_ACTION_DATA,
	[SINK_HINT_STOP] = SINK_ACTION_NONE, /* never a winner */
};
_Static_assert(sizeof by_hint / sizeof by_hint[0] == SINK_HINT_COUNT, "a hint has no action");

enum sink_action search_action(const struct bound *bound, uint16_t rule, const struct found *winner)
{
	enum sink_action action = bound->policy->rules[rule].action;

	if (winner && winner->kind == SINK_KIND_ALLOW)
		return SINK_ACTION_PASS;
	return winner && action == SINK_ACTION_LISTED ? by_hint[winner->hint] : action;
}

int search_conclude(struct sink_judge *judge, uint16_t rule, const struct found *winner,
	struct sink_verdict *out)
{
	const struct bound *bound = judge->generation->bound;

	out->rule = rule;
	out->action = search_action(bound, rule, winner);
	out->trigger = SINK_TRIGGER_ANSWER;
	if (winner) {
		out->has_entry = true;
		out->trigger = winner->trigger;
		out->name = winner->trigger == SINK_TRIGGER_QNAME ? winner->subject : 0;
		out->winner = winner->listing;
		out->kind = winner->kind;
	}
	if (!sink_action_blocks(out->action))
		return SINK_OK;
	out->form = bound->policy->rules[rule].form;
	return winner && out->action == SINK_ACTION_DATA && set_has(bound->listed_rules, rule)
		? use_data(judge, winner, out)
		: SINK_OK;
}

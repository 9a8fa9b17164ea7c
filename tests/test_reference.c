/* test_reference.c - random policies over random databases, decided by the library and by a reading of decide.h that
 * compares everything with everything: no tables, no bit sets, no order of search but that of the text. */
#include <stdatomic.h>
#include <sys/mman.h>

#include "base.h"
#include "clients.h"
#include "policies.h"

static char room[PATH_ROOM], file[PATH_ROOM];

static void enter_room(void)
{
	make_room(room);
	inside(room, "base.mdb", file);
}

static void leave_room(void)
{
	clear_room(room);
}

#define NOW 1700000000

static struct dice dice;

static bool one_in(uint64_t n)
{
	return roll(&dice, n) == 0;
}

/* --- a small world: everything is near everything else ------------------------------------------ */

static const char *const names[] = { ".", "a", "b.a", "c.b.a", "d.c.b.a", "x.b.a", "e", "f.e",
	"g.f.e", "ns.e" };
static const char *const prefixes[] = { "0.0.0.0/0", "192.0.2.0/24", "192.0.2.0/25", "192.0.2.1",
	"198.51.100.0/24", "198.51.100.128/25", "203.0.113.7", "::/0", "2001:db8::/32",
	"2001:db8:1::/48", "2001:db8:1::1", "::ffff:0:0/96" };
static const char *const addresses[] = { "192.0.2.1", "192.0.2.77", "192.0.2.200", "198.51.100.1",
	"198.51.100.200", "203.0.113.7", "10.0.0.1", "2001:db8:1::1", "2001:db8:2::1",
	"2001:db9::1", "::ffff:192.0.2.1" };
static const char *const sources[] = { "s1", "s2", "s3", "s4" };
static const char *const categories[] = { "", "c1", "c2" };
static const char *const lists[] = { "", "t1", "t2", "t1,t2", "t2,t11", ",t1" };
static const char *const list_items[] = { "t1", "t2", "t11" };
static const uint16_t types[] = { 1, 16, 28 };
static const char *const countries[] = { "BR", "DE", "FR", "IN", "JP", "RU" };
static const uint32_t asns[] = { 64496, 64511, 65551, 4200000000 };

#define PICK(array) (array)[roll(&dice, LENGTH(array))]

/* Some of the query types, as records and rules have them. */
static struct sink_span some_types(void)
{
	static const char *const all[] = { "\0\0\1", "\0\0\x1c", "\1\0\1", "\0\0\1\0\x1c",
		"\1\0\x10\0\x1c" };
	static const size_t lengths[] = { 3, 3, 3, 5, 5 };
	size_t i = roll(&dice, LENGTH(all));

	return one_in(4) ? sink_span(all[i], lengths[i]) : sink_span(NULL, 0);
}

/* --- databases ----------------------------------------------------------------------------------- */

static struct sink_record some_record(void)
{
	struct sink_record record =
		record_of((enum sink_kind)roll(&dice, SINK_KIND_COUNT), PICK(sources));

	if (one_in(2))
		record.kind = SINK_KIND_BLOCK;
	record.severity = (enum sink_severity)roll(&dice, SINK_SEVERITY_COUNT);
	record.tlp = (enum sink_tlp)roll(&dice, SINK_TLP_COUNT);
	record.confidence = one_in(2) ? SINK_CONFIDENCE_NONE : (uint8_t)(50 * roll(&dice, 3));
	record.text[SINK_FIELD_CATEGORY] = sink_span_text(PICK(categories));
	record.text[SINK_FIELD_TAG] = sink_span_text(PICK(lists));
	record.text[SINK_FIELD_JURISDICTION] = sink_span_text(PICK(lists));
	if (one_in(3))
		record.text[SINK_FIELD_REFERENCE] = sink_span_text("case 7");
	record.types = some_types();
	if (one_in(6))
		record.valid_from = NOW + (int64_t)roll(&dice, 2);
	if (one_in(6))
		record.valid_until = NOW + (int64_t)roll(&dice, 2);
	if (one_in(8))
		record.except = sink_span("\0\6a\0b\0c\0", 8);
	if (one_in(2))
		record.hint =
			one_in(3) ? SINK_HINT_STOP : (enum sink_hint)roll(&dice, SINK_HINT_COUNT);
	if (record.hint == SINK_HINT_DATA)
		record.data = one_in(2) ? sink_span("\0\1\0\0\0\5\0\4\xc0\0\2\1", 12)
					: sink_span("\0\5\0\0\0\7\0\3\1x", 11);
	return record;
}

static struct sink_db *some_db(void)
{
	struct sink_writer *writer = begin_base(file);
	struct sink_db *db;

	for (uint64_t i = 1 + roll(&dice, one_in(2) ? 12 : 40); i > 0; i--) {
		struct sink_record record = some_record();
		enum sink_trigger trigger = one_in(2)
			? SINK_TRIGGER_QNAME
			: (enum sink_trigger)roll(&dice, SINK_TRIGGER_COUNT);

		add_subject(writer, trigger,
			sink_trigger_is_prefix(trigger) ? PICK(prefixes) : PICK(names),
			(enum sink_scope)roll(&dice, SINK_SCOPE_COUNT), &record);
	}
	end_base(writer);
	db = open_base(file, SINK_MAP_SEALED);
	ck_assert_int_eq(unlink(file), 0);
	return db;
}

/* All that is listed, each for itself. */
#define ENTRIES_MAX 64

struct entry {
	struct sink_subject subject;
	struct sink_listing listing;
	struct sink_record record;
};

static struct {
	struct sink_reader *reader;
	size_t count;
	struct entry at[ENTRIES_MAX];
} entries;

static int note_entry(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	struct entry *entry = &entries.at[entries.count++];

	(void)arg;
	ck_assert(entries.count <= ENTRIES_MAX);
	entry->subject = *subject;
	entry->listing = *listing;
	ck_assert(sink_reader_record(entries.reader, listing->record, &entry->record) == SINK_OK);
	return SINK_OK;
}

static void note_entries(struct sink_reader *reader)
{
	entries.reader = reader;
	entries.count = 0;
	ck_assert_int_eq(sink_reader_each(reader, note_entry, NULL), SINK_OK);
}

/* --- policies ------------------------------------------------------------------------------------ */

#define RULES 140

struct made {
	struct sink_policy policy;
	struct sink_rule rules[RULES];
	char names[RULES][24];
	struct sink_span texts[RULES][3][2];
	uint16_t countries[RULES][2][2];
	uint32_t asns[RULES][2];
	struct sink_group groups[4];
	struct sink_prefix prefixes[4][LENGTH(prefixes)];
	struct sink_schedule schedules[2];
	bool is_plain; /* no country, no share: the clients of a group are as one */
	bool is_of_zones; /* most rules are LISTED, each about its own sources and little else */
};

static const int64_t edges[2][4] = { { NOW - 1, NOW, NOW + 1, NOW + 700000 },
	{ NOW - 700000, NOW + 1, NOW + 100, NOW + 200 } };

static uint16_t code_of(const char *country)
{
	return (uint16_t)((uint8_t)country[0] << 8 | (uint8_t)country[1]);
}

static void some_countries(uint16_t at[2], struct sink_countries *out)
{
	at[0] = code_of(PICK(countries));
	at[1] = code_of(PICK(countries));
	*out = (struct sink_countries){ at, at[0] < at[1] ? 2 : 1 };
}

static void narrow_texts(struct made *made, size_t r)
{
	static const enum sink_field fields[] = { SINK_FIELD_SOURCE, SINK_FIELD_TAG,
		SINK_FIELD_JURISDICTION };

	for (size_t f = 0; f < LENGTH(fields); f++) {
		if (!one_in(f ? 6 : made->is_of_zones ? 1 : 2))
			continue;
		for (int i = 0; i < 2; i++)
			made->texts[r][f][i] = sink_span_text(f ? PICK(list_items) : PICK(sources));
		made->rules[r].texts[fields[f]] =
			(struct sink_texts){ made->texts[r][f], 1 + (size_t)roll(&dice, 2) };
	}
}

static void narrow_entries(struct made *made, size_t r)
{
	struct sink_rule *rule = &made->rules[r];

	narrow_texts(made, r);
	if (made->is_of_zones && !one_in(4))
		return;
	if (one_in(8))
		rule->severities = (uint8_t)(1u << (1 + roll(&dice, SINK_SEVERITY_COUNT - 1)));
	if (one_in(8))
		rule->tlps = (uint8_t)(roll(&dice, 1u << SINK_TLP_COUNT) & ~1u);
	if (one_in(5))
		rule->triggers = (uint8_t)roll(&dice, 1 << SINK_TRIGGER_COUNT);
	if (one_in(8))
		rule->confidence_min = (uint8_t)(1 + 49 * roll(&dice, 3));
	if (one_in(8))
		rule->confidence_max = 99;
}

static void narrow_rest(struct made *made, size_t r)
{
	struct sink_rule *rule = &made->rules[r];

	if (made->policy.groups_count > 0 && one_in(3)) {
		rule->groups = roll(&dice, UINT64_C(1) << made->policy.groups_count);
		rule->is_for_others = rule->groups == 0 || one_in(3);
	}
	if (!made->is_plain && one_in(8))
		some_countries(made->countries[r][0], &rule->client_countries);
	if (!made->is_plain && one_in(8))
		rule->share = (uint16_t)(1 + roll(&dice, SINK_SHARE_ALL - 1));
	if (made->policy.schedules_count > 0 && one_in(5))
		rule->schedule = (uint16_t)roll(&dice, made->policy.schedules_count);
	rule->types = some_types();
	if (one_in(8))
		some_countries(made->countries[r][1], &rule->answer_countries);
	if (one_in(8)) {
		made->asns[r][0] = asns[roll(&dice, 2)];
		made->asns[r][1] = asns[2 + roll(&dice, 2)];
		rule->answer_asns = (struct sink_asns){ made->asns[r], 1 + (size_t)roll(&dice, 2) };
	}
}

static void give_form(struct sink_rule *rule, size_t r)
{
	rule->form.ttl = (uint32_t)r; /* each its own */
	if (rule->action == SINK_ACTION_SINKHOLE)
		rule->form.a_count = 1;
	if (rule->action == SINK_ACTION_CNAME)
		rule->form.cname = sink_span("\1g", 3);
	if (rule->action == SINK_ACTION_DATA)
		rule->form.data = sink_span("\0\1\0\0\0\5\0\4\xc0\0\2\1", 12);
}

static void some_rule(struct made *made, size_t r)
{
	static const enum sink_action frequent[] = { SINK_ACTION_PASS, SINK_ACTION_NXDOMAIN,
		SINK_ACTION_LISTED, SINK_ACTION_LISTED, SINK_ACTION_MONITOR };
	struct sink_rule *rule = &made->rules[r];

	snprintf(made->names[r], sizeof made->names[r], "r%zu", r);
	*rule = rule_of(made->names[r], PICK(frequent));
	if (made->is_of_zones && !one_in(3))
		rule->action = SINK_ACTION_LISTED;
	else if (one_in(2))
		rule->action = (enum sink_action)(1 + roll(&dice, SINK_ACTION_COUNT - 1));
	rule->groups = (UINT64_C(1) << made->policy.groups_count) - 1;
	narrow_rest(made, r);
	if ((rule->answer_countries.count || rule->answer_asns.count) &&
		rule->action != SINK_ACTION_LISTED && one_in(2))
		rule->is_bare = true;
	else if (!one_in(6))
		narrow_entries(made, r);
	give_form(rule, r);
}

/* Each prefix belongs to one group at most. */
static void some_groups(struct made *made)
{
	size_t count = roll(&dice, LENGTH(made->groups) + 1), kept = 0;
	struct sink_prefix all[LENGTH(prefixes)];

	for (size_t i = 0; i < LENGTH(prefixes); i++) {
		struct sink_prefix prefix = prefix_of(prefixes[i]);
		size_t at = i;

		for (; at > 0 && sink_prefix_compare(&all[at - 1], &prefix) > 0; at--)
			all[at] = all[at - 1];
		all[at] = prefix;
	}
	for (size_t g = 0; g < count; g++)
		made->groups[g] = (struct sink_group){ .prefixes = made->prefixes[g] };
	for (size_t i = 0; count > 0 && i < LENGTH(prefixes); i++) {
		size_t g = roll(&dice, count + 1);

		if (g < count)
			made->prefixes[g][made->groups[g].count++] = all[i];
	}
	for (size_t g = 0; g < count; g++) {
		if (made->groups[g].count == 0)
			continue;
		made->groups[kept] = made->groups[g];
		made->groups[kept++].name = sink_span_text(sources[g]);
	}
	made->policy.groups = made->groups;
	made->policy.groups_count = kept;
}

static void some_policy(struct made *made)
{
	*made = (struct made){ .is_plain = one_in(2), .is_of_zones = one_in(3) };
	some_groups(made);
	for (size_t s = 0; s < 2; s++)
		made->schedules[s] =
			(struct sink_schedule){ sink_span_text("s"), edges[s], LENGTH(edges[s]) };
	made->policy.schedules = made->schedules;
	made->policy.schedules_count = roll(&dice, 3);
	made->policy.rules = made->rules;
	made->policy.rules_count = 1 + roll(&dice, one_in(8) ? RULES : 8);
	for (size_t r = 0; r < made->policy.rules_count; r++)
		some_rule(made, r);
	for (size_t i = 0; i < sizeof made->policy.key; i++)
		made->policy.key[i] = (uint8_t)roll(&dice, 256);
}

/* --- the reading --------------------------------------------------------------------------------- */

static const struct sink_policy *policy;
static const struct sink_generation *generation;

static bool is_one_of(const struct sink_texts *texts, struct sink_span text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (sink_span_equal(texts->at[i], text))
			return true;
	return false;
}

static bool has_text(const struct sink_rule *rule, const struct sink_record *record,
	enum sink_field field)
{
	const struct sink_texts *texts = &rule->texts[field];
	struct sink_span text = record->text[field];

	if (texts->count == 0)
		return true;
	if (field != SINK_FIELD_TAG && field != SINK_FIELD_JURISDICTION)
		return is_one_of(texts, text);
	for (size_t from = 0, to = 0; to <= text.len; to++) {
		if (to < text.len && text.at[to] != ',')
			continue;
		if (is_one_of(texts, sink_span(text.at + from, to - from)))
			return true;
		from = to + 1;
	}
	return false;
}

static bool satisfies(const struct entry *entry, const struct sink_rule *rule)
{
	const struct sink_record *record = &entry->record;
	bool any_confidence = rule->confidence_min == 0 && rule->confidence_max == 100;

	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		if (!has_text(rule, record, (enum sink_field)f))
			return false;
	if (rule->is_bare)
		return false;
	if (record->hint == SINK_HINT_STOP && rule->action != SINK_ACTION_LISTED)
		return false;
	if (rule->severities && !(rule->severities >> record->severity & 1))
		return false;
	if (rule->tlps && !(rule->tlps >> record->tlp & 1))
		return false;
	if (rule->triggers && !(rule->triggers >> entry->subject.trigger & 1))
		return false;
	return any_confidence ||
		(record->confidence >= rule->confidence_min &&
			record->confidence <= rule->confidence_max);
}

static bool has_type(struct sink_span list, uint16_t type)
{
	bool found = false;

	for (size_t i = 1; i + 1 < list.len; i += 2)
		found = found || (list.at[i] << 8 | list.at[i + 1]) == type;
	return list.len == 0 || found == (list.at[0] == 0);
}

static bool has_country(const struct sink_countries *list, uint32_t country)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->at[i] == country)
			return true;
	return list->count == 0;
}

static bool has_asn(const struct sink_asns *list, uint32_t asn)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->at[i] == asn)
			return true;
	return list->count == 0;
}

/* Who asks. */
struct who {
	bool is_known;
	struct sink_prefix address; /* IPv4, if it was mapped */
};

static size_t group_of(const struct who *who)
{
	size_t group = SINK_GROUP_OTHERS;
	int longest = -1;

	for (size_t g = 0; who->is_known && g < policy->groups_count; g++)
		for (size_t i = 0; i < policy->groups[g].count; i++) {
			const struct sink_prefix *prefix = &policy->groups[g].prefixes[i];

			if (sink_prefix_covers(prefix, &who->address) && prefix->bits > longest) {
				longest = prefix->bits;
				group = g;
			}
		}
	return group;
}

static bool is_for(const struct sink_rule *rule, const struct who *who, int64_t now)
{
	size_t group = group_of(who);
	uint32_t country = 0;

	if (group == SINK_GROUP_OTHERS ? !rule->is_for_others : !(rule->groups >> group & 1))
		return false;
	if (who->is_known)
		country = sink_geo_find(sink_generation_geo(generation, SINK_GEO_COUNTRY),
			&who->address);
	if (!has_country(&rule->client_countries, country))
		return false;
	if (rule->share < SINK_SHARE_ALL &&
		(!who->is_known ||
			!clients_is_of_share(clients_key(policy, rule), rule->share,
				&who->address)))
		return false;
	return rule->schedule == SINK_SCHEDULE_NONE ||
		sink_schedule_is_on(&policy->schedules[rule->schedule], now, NULL);
}

static bool asks_answer(const struct sink_rule *rule)
{
	return rule->answer_countries.count > 0 || rule->answer_asns.count > 0;
}

static bool is_answered(const struct sink_rule *rule, const struct sink_case *what)
{
	for (size_t i = 0; i < what->addresses_count; i++)
		if (has_country(&rule->answer_countries,
			    sink_geo_find(sink_generation_geo(generation, SINK_GEO_COUNTRY),
				    &what->addresses[i])) &&
			has_asn(&rule->answer_asns,
				sink_geo_find(sink_generation_geo(generation, SINK_GEO_ASN),
					&what->addresses[i])))
			return true;
	return false;
}

/* --- who wins */

/* An entry about one of the case's subjects. */
struct about {
	const struct entry *entry;
	size_t subject;
	bool is_gone;
};

struct weighing {
	size_t count;
	struct about at[ENTRIES_MAX * 24];
};

static bool covers_name(const struct entry *entry, struct sink_span wire)
{
	const struct sink_name *listed = &entry->subject.name;
	struct sink_name name;
	bool below;

	ck_assert(sink_name_from_wire(wire, &name) == SINK_OK);
	below = name.len > listed->len && !memcmp(name.key, listed->key, listed->len);
	if (name.len == listed->len && !memcmp(name.key, listed->key, listed->len))
		return entry->listing.scope != SINK_SCOPE_BELOW;
	return below && entry->listing.scope != SINK_SCOPE_EXACT;
}

static enum sink_standing standing_of(const struct entry *entry, struct sink_span wire,
	const struct sink_case *what)
{
	const struct sink_record *record = &entry->record;
	struct sink_name name, c = name_of("c.b.a");

	if (record->valid_from && what->now < record->valid_from)
		return SINK_STANDING_FUTURE;
	if (record->valid_until && what->now >= record->valid_until)
		return SINK_STANDING_EXPIRED;
	if (record->except.len > 0 && wire.len > 0 && sink_name_from_wire(wire, &name) == SINK_OK &&
		name.len >= c.len && !memcmp(name.key, c.key, c.len))
		return SINK_STANDING_EXCEPTED;
	return has_type(record->types, what->type) ? SINK_STANDING_ELIGIBLE : SINK_STANDING_TYPE;
}

/* Entries of a trigger about one subject; those that are not in force if `all`. */
static void add_about(struct weighing *weighing, enum sink_trigger trigger, size_t subject,
	struct sink_span wire, const struct sink_prefix *address, const struct sink_case *what,
	bool all)
{
	for (size_t i = 0; i < entries.count; i++) {
		const struct entry *entry = &entries.at[i];

		if (entry->subject.trigger != trigger)
			continue;
		if (address ? !sink_prefix_covers(&entry->subject.prefix, address)
			    : !covers_name(entry, wire))
			continue;
		if (!all && standing_of(entry, wire, what) != SINK_STANDING_ELIGIBLE)
			continue;
		ck_assert(weighing->count < LENGTH(weighing->at));
		weighing->at[weighing->count++] = (struct about){ entry, subject, false };
	}
}

static const struct sink_span no_name;

static void add_client(struct weighing *weighing, const struct who *who,
	const struct sink_case *what, bool all)
{
	if (who->is_known)
		add_about(weighing, SINK_TRIGGER_CLIENT, 0, no_name, &who->address, what, all);
}

static void add_everything(struct weighing *weighing, const struct who *who,
	const struct sink_case *what)
{
	add_client(weighing, who, what, false);
	for (size_t i = 0; i < what->names_count; i++)
		add_about(weighing, SINK_TRIGGER_QNAME, i, what->names[i], NULL, what, false);
	for (size_t i = 0; i < what->addresses_count; i++)
		add_about(weighing, SINK_TRIGGER_ANSWER, i, no_name, &what->addresses[i], what,
			false);
	for (size_t i = 0; i < what->servers_count; i++)
		add_about(weighing, SINK_TRIGGER_NSNAME, i, what->servers[i], NULL, what, false);
	for (size_t i = 0; i < what->server_addresses_count; i++)
		add_about(weighing, SINK_TRIGGER_NSADDRESS, i, no_name, &what->server_addresses[i],
			what, false);
}

static int order_of(enum sink_trigger trigger)
{
	static const int order[] = { [SINK_TRIGGER_CLIENT] = 0,
		[SINK_TRIGGER_QNAME] = 1,
		[SINK_TRIGGER_ANSWER] = 2,
		[SINK_TRIGGER_NSNAME] = 3,
		[SINK_TRIGGER_NSADDRESS] = 4 };

	return order[trigger];
}

static unsigned weight_of(const struct entry *entry)
{
	bool is_v4 =
		sink_trigger_is_prefix(entry->subject.trigger) && entry->subject.prefix.family == 4;

	return entry->listing.labels + (is_v4 ? 96u : 0);
}

static int compare(long a, long b)
{
	return (a > b) - (a < b);
}

/* Above zero: a wins. */
static int compare_specific(const struct about *a, const struct about *b)
{
	int order = compare(weight_of(a->entry), weight_of(b->entry));

	if (!order)
		order = compare(b->entry->record.hint == SINK_HINT_STOP,
			a->entry->record.hint == SINK_HINT_STOP);
	if (!order)
		order = compare(b->entry->listing.record, a->entry->listing.record);
	return order ? order : compare(b->entry->listing.scope, a->entry->listing.scope);
}

static int compare_place(const struct about *a, const struct about *b)
{
	enum sink_trigger trigger = a->entry->subject.trigger;
	int order = compare(order_of(b->entry->subject.trigger), order_of(trigger));

	if (!order && trigger == SINK_TRIGGER_QNAME)
		order = compare((long)b->subject, (long)a->subject);
	return order ? order : compare_specific(a, b);
}

static int compare_kind(const struct about *a, const struct about *b)
{
	int order = compare(a->entry->record.kind, b->entry->record.kind);

	return order ? order : compare_place(a, b);
}

/* A rule LISTED: what says something about its subject. */
static bool is_stopped(const struct weighing *weighing, const struct about *about,
	const struct sink_rule *rule)
{
	const struct about *best = about;

	for (size_t i = 0; i < weighing->count; i++) {
		const struct about *other = &weighing->at[i];

		if (!other->is_gone && satisfies(other->entry, rule) &&
			other->entry->subject.trigger == about->entry->subject.trigger &&
			other->subject == about->subject && compare_specific(other, best) > 0)
			best = other;
	}
	return best->entry->record.hint == SINK_HINT_STOP;
}

/* What came of a pass. */
struct came {
	bool decided;
	uint16_t rule, monitor;
	const struct about *winner; /* NULL: a bare rule decided */
};

static const struct about *winner_of(const struct weighing *weighing, const struct sink_rule *rule)
{
	bool is_listed = rule->action == SINK_ACTION_LISTED;
	const struct about *best = NULL;

	for (size_t i = 0; i < weighing->count; i++) {
		const struct about *about = &weighing->at[i];

		if (about->is_gone || !satisfies(about->entry, rule) ||
			(is_listed && is_stopped(weighing, about, rule)))
			continue;
		if (!best ||
			(is_listed ? compare_place(about, best) : compare_kind(about, best)) > 0)
			best = about;
	}
	return best;
}

/* Those that satisfy it take no further part. Returns whether there were any. */
static bool take_out(struct weighing *weighing, const struct sink_rule *rule)
{
	bool any = false;

	for (size_t i = 0; i < weighing->count; i++) {
		struct about *about = &weighing->at[i];

		if (!about->is_gone && satisfies(about->entry, rule))
			any = about->is_gone = true;
	}
	return any;
}

static struct came try_rules(struct weighing *weighing, const bool *in_question)
{
	struct came came = { false, SINK_RULE_NONE, SINK_RULE_NONE, NULL };

	for (size_t r = 0; !came.decided && r < policy->rules_count; r++) {
		const struct sink_rule *rule = &policy->rules[r];

		if (!in_question[r])
			continue;
		if (rule->action == SINK_ACTION_MONITOR) {
			if ((take_out(weighing, rule) || rule->is_bare) &&
				came.monitor == SINK_RULE_NONE)
				came.monitor = (uint16_t)r;
			continue;
		}
		came.winner = winner_of(weighing, rule);
		came.decided = came.winner || rule->is_bare;
		came.rule = came.decided ? (uint16_t)r : SINK_RULE_NONE;
		if (rule->action == SINK_ACTION_LISTED)
			take_out(weighing, rule);
	}
	return came;
}

static enum sink_action action_of(const struct sink_rule *rule, const struct entry *entry)
{
	static const enum sink_action by_hint[] = { SINK_ACTION_NXDOMAIN, SINK_ACTION_NXDOMAIN,
		SINK_ACTION_NODATA, SINK_ACTION_REFUSED, SINK_ACTION_DROP, SINK_ACTION_TRUNCATE,
		SINK_ACTION_DATA };

	if (entry && entry->record.kind == SINK_KIND_ALLOW)
		return SINK_ACTION_PASS;
	if (rule->action != SINK_ACTION_LISTED)
		return rule->action;
	if (entry->record.hint == SINK_HINT_DATA && entry->record.data.at[1] == 5)
		return SINK_ACTION_CNAME;
	return by_hint[entry->record.hint];
}

static struct sink_form form_of(const struct sink_rule *rule, const struct entry *entry,
	enum sink_action action)
{
	struct sink_form form = rule->form;

	if (rule->action != SINK_ACTION_LISTED)
		return form;
	if (action == SINK_ACTION_DATA)
		form.data = entry->record.data;
	if (action == SINK_ACTION_CNAME) {
		form.cname = sink_span("\1x", 3);
		form.ttl = 7;
	}
	return form;
}

static struct sink_verdict verdict_of(const struct came *came)
{
	struct sink_verdict verdict = { .rule = came->rule, .monitor = came->monitor };
	const struct sink_rule *rule;

	if (!came->decided)
		return verdict;
	rule = &policy->rules[came->rule];
	verdict.action = action_of(rule, came->winner ? came->winner->entry : NULL);
	verdict.trigger = SINK_TRIGGER_ANSWER;
	if (came->winner) {
		verdict.has_entry = true;
		verdict.trigger = came->winner->entry->subject.trigger;
		verdict.name = verdict.trigger == SINK_TRIGGER_QNAME ? came->winner->subject : 0;
		verdict.winner = came->winner->entry->listing;
		verdict.kind = came->winner->entry->record.kind;
	}
	if (sink_action_blocks(verdict.action))
		verdict.form =
			form_of(rule, came->winner ? came->winner->entry : NULL, verdict.action);
	return verdict;
}

/* Has a rule LISTED entries about the answer, be they in force or not? */
static bool has_answers(const struct sink_rule *rule)
{
	for (size_t i = 0; i < entries.count; i++) {
		const struct sink_rule as_other = *rule;

		if (entries.at[i].subject.trigger != SINK_TRIGGER_QNAME &&
			entries.at[i].subject.trigger != SINK_TRIGGER_CLIENT &&
			satisfies(&entries.at[i], &as_other))
			return true;
	}
	return false;
}

static void first_pass(const struct who *who, const struct sink_case *what,
	struct sink_verdict *out)
{
	struct came came = { false, SINK_RULE_NONE, SINK_RULE_NONE, NULL };
	uint16_t monitor = SINK_RULE_NONE;
	bool all[RULES], on_names[RULES];
	struct weighing weighing;

	for (size_t r = 0; r < policy->rules_count; r++) {
		all[r] = is_for(&policy->rules[r], who, what->now) &&
			has_type(policy->rules[r].types, what->type);
		on_names[r] = all[r] && !asks_answer(&policy->rules[r]);
	}
	for (size_t i = 0; !came.decided && i < what->names_count; i++) {
		weighing.count = 0;
		add_client(&weighing, who, what, false);
		add_about(&weighing, SINK_TRIGGER_QNAME, i, what->names[i], NULL, what, false);
		came = try_rules(&weighing, on_names);
		if (monitor == SINK_RULE_NONE)
			monitor = came.monitor;
	}
	came.monitor = monitor;
	*out = verdict_of(&came);
	for (size_t r = 0; came.decided && r < came.rule; r++)
		if (all[r] && policy->rules[r].action == SINK_ACTION_LISTED &&
			has_answers(&policy->rules[r]))
			out->waits = true;
}

static void both_passes(const struct who *who, const struct sink_case *what,
	struct sink_verdict *out)
{
	struct sink_needs needs = sink_generation_needs(generation);
	struct weighing weighing = { .count = 0 };
	bool in_question[RULES];
	struct came came;

	first_pass(who, what, out);
	if ((out->rule != SINK_RULE_NONE && !out->waits) || (!needs.addresses && !needs.servers))
		return;
	for (size_t r = 0; r < policy->rules_count; r++) {
		const struct sink_rule *rule = &policy->rules[r];

		in_question[r] = is_for(rule, who, what->now) &&
			has_type(rule->types, what->type) &&
			(!asks_answer(rule) || is_answered(rule, what));
	}
	add_everything(&weighing, who, what);
	came = try_rules(&weighing, in_question);
	*out = verdict_of(&came);
}

/* --- comparing ----------------------------------------------------------------------------------- */

static bool is_same_listing(const struct sink_listing *a, const struct sink_listing *b)
{
	return a->record == b->record && a->scope == b->scope && a->labels == b->labels;
}

static bool is_same_verdict(const struct sink_verdict *a, const struct sink_verdict *b)
{
	if (a->action != b->action || a->rule != b->rule || a->waits != b->waits ||
		a->has_entry != b->has_entry || a->monitor != b->monitor ||
		a->trigger != b->trigger || a->name != b->name)
		return false;
	if (a->has_entry && (!is_same_listing(&a->winner, &b->winner) || a->kind != b->kind))
		return false;
	return a->form.ttl == b->form.ttl && a->form.a_count == b->form.a_count &&
		sink_span_equal(a->form.cname, b->form.cname) &&
		sink_span_equal(a->form.data, b->form.data);
}

#define SHOWN 256

static const char *show(char out[SHOWN], const struct sink_verdict *v)
{
	snprintf(out, SHOWN, "%s by rule %u, trigger %d, name %zu, record %u, %s%smonitor %u",
		sink_action_word(v->action), v->rule, (int)v->trigger, v->name, v->winner.record,
		v->has_entry ? "" : "no entry, ", v->waits ? "waits, " : "", v->monitor);
	return out;
}

/* Not ck_assert_msg(), which would write to a file each time (suite.h). */
static void must_be_same(const char *where, const struct sink_verdict *expected,
	const struct sink_verdict *verdict)
{
	char left[SHOWN], right[SHOWN];

	if (!is_same_verdict(expected, verdict))
		ck_abort_msg("%s: %s, not %s", where, show(left, expected), show(right, verdict));
}

/* --- cases --------------------------------------------------------------------------------------- */

#define OF_EACH 3

struct some_case {
	struct sink_case what;
	uint8_t wire[2 * OF_EACH][SINK_WIRE_MAX];
	struct sink_span names[OF_EACH], servers[OF_EACH];
	struct sink_prefix addresses[OF_EACH], server_addresses[OF_EACH];
};

static struct sink_span wire_name(uint8_t out[SINK_WIRE_MAX])
{
	struct sink_name name = name_of(PICK(names));

	return sink_span(out, sink_name_to_wire(&name, out));
}

static void make_case(struct some_case *c)
{
	for (size_t i = 0; i < OF_EACH; i++) {
		c->names[i] = wire_name(c->wire[i]);
		c->servers[i] = wire_name(c->wire[OF_EACH + i]);
		c->addresses[i] = prefix_of(PICK(addresses));
		c->server_addresses[i] = prefix_of(PICK(addresses));
	}
	c->what = (struct sink_case){
		.type = PICK(types),
		.now = NOW - 1 + (int64_t)roll(&dice, 4),
		.names = c->names,
		.names_count = 1 + roll(&dice, OF_EACH),
		.addresses = c->addresses,
		.addresses_count = roll(&dice, OF_EACH + 1),
		.servers = c->servers,
		.servers_count = roll(&dice, OF_EACH + 1),
		.server_addresses = c->server_addresses,
		.server_addresses_count = roll(&dice, OF_EACH + 1),
	};
}

static struct who who_is(const char *text)
{
	struct who who = { text != NULL, { 0 } };

	if (!text)
		return who;
	if (!strncmp(text, "::ffff:1", 8))
		text += 7;
	who.address = prefix_of(text);
	return who;
}

/* --- what is told ---------------------------------------------------------------------------------- */

struct told {
	const struct who *who;
	const struct sink_case *what;
	bool in_question[RULES];
	size_t count;
};

static void hear(void *arg, enum sink_trigger trigger, size_t subject,
	const struct sink_listing *listing, const struct sink_record *record,
	enum sink_standing standing, uint16_t rule)
{
	struct told *told = arg;
	const struct entry *entry = NULL;
	struct sink_span wire =
		trigger == SINK_TRIGGER_QNAME ? told->what->names[subject] : no_name;
	enum sink_standing expected;
	uint16_t first = SINK_RULE_NONE;

	for (size_t i = 0; i < entries.count && !entry; i++) {
		const struct entry *e = &entries.at[i];

		if (e->subject.trigger == trigger && is_same_listing(&e->listing, listing) &&
			(wire.len ? covers_name(e, wire)
				  : sink_prefix_covers(&e->subject.prefix, &told->who->address)))
			entry = e;
	}
	ck_assert(entry && entry->record.hint == record->hint);
	for (size_t r = policy->rules_count; r-- > 0;)
		if (told->in_question[r] && satisfies(entry, &policy->rules[r]))
			first = (uint16_t)r;
	expected = standing_of(entry, wire, told->what);
	if (expected == SINK_STANDING_ELIGIBLE && first == SINK_RULE_NONE)
		expected = SINK_STANDING_UNRULED;
	else if (expected == SINK_STANDING_ELIGIBLE &&
		policy->rules[first].action == SINK_ACTION_MONITOR)
		expected = SINK_STANDING_WATCHED;
	ck_assert(rule == first && standing == expected);
	told->count++;
}

/* Whoever listens hears of all that is listed about the names up to the one that decides. */
static void check_told(struct sink_judge *judge, const struct sink_case *what,
	const struct sink_client *client, const struct who *who,
	const struct sink_verdict *expected)
{
	struct told told = { .who = who, .what = what };
	struct sink_verdict verdict;
	struct weighing weighing = { .count = 0 };
	size_t last = what->names_count - 1;

	for (size_t r = 0; r < policy->rules_count; r++)
		told.in_question[r] = is_for(&policy->rules[r], who, what->now) &&
			has_type(policy->rules[r].types, what->type) &&
			!asks_answer(&policy->rules[r]);
	if (expected->has_entry)
		last = expected->name;
	add_client(&weighing, who, what, true);
	for (size_t i = 0; i <= last; i++)
		add_about(&weighing, SINK_TRIGGER_QNAME, i, what->names[i], NULL, what, true);
	ck_assert(sink_decide(judge, what, client, hear, &told, &verdict) == SINK_OK);
	must_be_same("told", expected, &verdict);
	ck_assert(told.count == weighing.count);
}

/* --- one client ------------------------------------------------------------------------------------ */

/* What happened, in all rounds together: each is a process of its own. */
static struct seen {
	atomic_size_t decided, waited, by_answer, watched, names_only, reach[2][3];
} * seen;

static void check_one(struct sink_judge *judge, const struct sink_case *what, const char *text)
{
	struct sink_prefix address = text ? prefix_of(text) : (struct sink_prefix){ 0 };
	struct who who = who_is(text);
	struct sink_verdict expected, verdict;
	struct sink_client client;

	sink_client_of(judge, text ? &address : NULL, what->now, &client);
	ck_assert(client.group == group_of(&who));
	for (size_t r = 0; r < policy->rules_count; r++)
		ck_assert((client.rules[r / 64] >> r % 64 & 1) ==
			is_for(&policy->rules[r], &who, what->now));
	first_pass(&who, what, &expected);
	ck_assert(sink_decide(judge, what, &client, NULL, NULL, &verdict) == SINK_OK);
	must_be_same("name", &expected, &verdict);
	check_told(judge, what, &client, &who, &expected);
	seen->decided += verdict.rule != SINK_RULE_NONE;
	seen->waited += verdict.waits;
	seen->watched += verdict.monitor != SINK_RULE_NONE;
	both_passes(&who, what, &expected);
	ck_assert(sink_decide_answer(judge, what, &client, NULL, NULL, &verdict) == SINK_OK);
	must_be_same("answer", &expected, &verdict);
	seen->by_answer += verdict.rule != SINK_RULE_NONE &&
		verdict.trigger != SINK_TRIGGER_QNAME && verdict.trigger != SINK_TRIGGER_CLIENT;
}

/* --- all clients ----------------------------------------------------------------------------------- */

#define SAMPLES 40 /* besides the addresses above */

/* As a client's verdict would be if no client was listed. */
static void decide_unlisted(struct sink_judge *judge, const struct sink_case *what,
	const struct sink_prefix *address, bool on_answer, struct sink_verdict *out)
{
	struct sink_client client;

	sink_client_of(judge, address, what->now, &client);
	client.address.family = 0;
	ck_assert((on_answer ? sink_decide_answer : sink_decide)(judge, what, &client, NULL, NULL,
			  out) == SINK_OK);
}

struct sampled {
	bool any_blocks, any_waits, all_same, any_truncates;
	uint64_t groups; /* bit: somebody is of it; the last one: of none */
	struct sink_verdict nobody; /* of an unknown client */
};

static void sample(struct sink_judge *judge, const struct sink_case *what, bool on_answer,
	struct sampled *out)
{
	struct sink_prefix v4 = prefix_of("192.0.2.0");

	*out = (struct sampled){ .all_same = true, .groups = 1u << policy->groups_count };
	decide_unlisted(judge, what, NULL, on_answer, &out->nobody);
	for (size_t i = 0; i <= LENGTH(addresses) + SAMPLES; i++) {
		struct sink_prefix address = i < LENGTH(addresses) ? prefix_of(addresses[i]) : v4;
		struct sink_verdict verdict;
		struct sink_client client;

		if (i >= LENGTH(addresses)) {
			address.bytes[1] = (uint8_t)roll(&dice, 2);
			address.bytes[3] = (uint8_t)roll(&dice, 256);
		}
		if (i == LENGTH(addresses))
			verdict = out->nobody;
		else
			decide_unlisted(judge, what, &address, on_answer, &verdict);
		sink_client_of(judge, &address, what->now, &client);
		if (client.group < policy->groups_count)
			out->groups |= UINT64_C(1) << client.group;
		out->any_blocks |= sink_action_blocks(verdict.action);
		out->any_truncates |= verdict.action == SINK_ACTION_TRUNCATE;
		out->any_waits |= verdict.waits;
		out->all_same &= is_same_verdict(&verdict, &out->nobody);
	}
}

/* Where no rule asks for more than names, both passes are one: what is known of the first holds for the answer
 * (module/verdict.h). */
static void passes_agree(struct sink_judge *judge, const struct sink_case *what,
	enum sink_reach first, const struct sink_verdict *verdict)
{
	struct sink_needs needs = sink_generation_needs(sink_judge_generation(judge));
	struct sink_verdict other = { .action = SINK_ACTION_COUNT };
	enum sink_reach second;

	if (needs.addresses || needs.servers)
		return;
	ck_assert(sink_reach_answer(judge, what, &second, &other) == SINK_OK);
	ck_assert(first == second && !verdict->waits);
	ck_assert(verdict->action == other.action && verdict->rule == other.rule);
	seen->names_only++;
}

/* A judge remembers what one entry comes to. One that remembers nothing says the same. */
static void fresh_judge_agrees(const struct sink_case *what, bool on_answer, enum sink_reach reach,
	const struct sink_verdict *verdict)
{
	struct sink_verdict other = { .action = SINK_ACTION_COUNT };
	struct sink_judge *fresh;
	enum sink_reach again;

	ck_assert_int_eq(sink_judge_begin(generation, &fresh), SINK_OK);
	ck_assert((on_answer ? sink_reach_answer : sink_reach)(fresh, what, &again, &other) ==
		SINK_OK);
	ck_assert(reach == again && verdict->waits == other.waits);
	must_be_same("fresh", &other, verdict);
	sink_judge_end(fresh);
}

static void check_all(struct sink_judge *judge, const struct made *made,
	const struct sink_case *what, bool on_answer)
{
	struct sink_verdict verdict = { .action = SINK_ACTION_COUNT };
	enum sink_reach reach;
	const char *where = on_answer ? "answer, all" : "name, all";
	struct sampled sampled;

	ck_assert((on_answer ? sink_reach_answer : sink_reach)(judge, what, &reach, &verdict) ==
		SINK_OK);
	fresh_judge_agrees(what, on_answer, reach, &verdict);
	sample(judge, what, on_answer, &sampled);
	seen->reach[on_answer][reach]++;
	if (reach == SINK_REACH_NONE) {
		ck_assert(!sampled.any_blocks);
		ck_assert(verdict.action == sampled.nobody.action &&
			verdict.rule == sampled.nobody.rule);
	}
	if (reach == SINK_REACH_ALL) {
		ck_assert(sampled.all_same && !sampled.any_truncates);
		must_be_same(where, &sampled.nobody, &verdict);
	}
	if (!on_answer) { /* somebody's */
		ck_assert(verdict.waits || !sampled.any_waits);
		passes_agree(judge, what, reach, &verdict);
	}
	/* Where clients of a group are as one, and each group has one, nothing is in doubt. */
	if (!made->is_plain || sampled.groups != (UINT64_C(2) << policy->groups_count) - 1)
		return;
	ck_assert((reach == SINK_REACH_NONE) == !sampled.any_blocks);
	ck_assert((reach == SINK_REACH_ALL) ==
		(sampled.any_blocks && sampled.all_same && !sampled.any_truncates));
}

/* --- needs ----------------------------------------------------------------------------------------- */

static void check_needs(void)
{
	struct sink_needs needs = sink_generation_needs(generation), expected = { 0 };
	uint64_t every = (UINT64_C(1) << policy->groups_count) - 1;

	for (size_t r = 0; r < policy->rules_count; r++) {
		const struct sink_rule *rule = &policy->rules[r];
		bool has[SINK_TRIGGER_COUNT] = { false }, any = rule->is_bare;

		for (size_t i = 0; i < entries.count; i++)
			if (satisfies(&entries.at[i], rule))
				any = has[entries.at[i].subject.trigger] = true;
		expected.monitors |= rule->action == SINK_ACTION_MONITOR;
		expected.addresses |= (any && asks_answer(rule)) || has[SINK_TRIGGER_ANSWER];
		expected.servers |= has[SINK_TRIGGER_NSNAME] || has[SINK_TRIGGER_NSADDRESS];
		expected.listed_clients |= has[SINK_TRIGGER_CLIENT];
		expected.clients |= has[SINK_TRIGGER_CLIENT] ||
			(any &&
				(rule->groups != every || !rule->is_for_others ||
					rule->client_countries.count ||
					rule->share < SINK_SHARE_ALL));
	}
	/* More may be needed than that: a facet may hold an entry that only a STOP keeps a rule from. */
	ck_assert(needs.monitors == expected.monitors);
	ck_assert(needs.addresses >= expected.addresses && needs.servers >= expected.servers);
	ck_assert(needs.clients >= expected.clients &&
		needs.listed_clients >= expected.listed_clients);
}

/* --- all of it ------------------------------------------------------------------------------------- */

static struct sink_geo *open_geo(const char *name, enum sink_geo_kind kind)
{
	char path[PATH_ROOM];
	struct sink_geo *geo;
	struct sink_why why;

	inside(TEST_SRCDIR "/tests/data/geo", name, path);
	ck_assert_msg(sink_geo_open(path, kind, NULL, &why, &geo) == SINK_OK, "%s", why.text);
	return geo;
}

static void check_policy(struct sink_db *db, struct sink_geo *const geo[SINK_GEO_KINDS])
{
	struct sink_geo *shared[SINK_GEO_KINDS];
	struct sink_generation *made_generation;
	struct sink_judge *judge;
	static struct made made;

	some_policy(&made);
	for (int kind = 0; kind < SINK_GEO_KINDS; kind++)
		shared[kind] = one_in(8) ? NULL : sink_geo_share(geo[kind]);
	ck_assert_int_eq(sink_generation_of(sink_db_share(db), policy_copy(&made.policy), shared,
				 &made_generation),
		SINK_OK);
	generation = made_generation;
	policy = &made.policy;
	ck_assert_int_eq(sink_judge_begin(generation, &judge), SINK_OK);
	check_needs();
	for (int i = 0; i < 12; i++) {
		struct some_case c;

		make_case(&c);
		check_one(judge, &c.what, NULL);
		for (int client = 0; client < 4; client++)
			check_one(judge, &c.what, PICK(addresses));
		check_all(judge, &made, &c.what, false);
		check_all(judge, &made, &c.what, true);
	}
	sink_judge_end(judge);
	sink_generation_close(made_generation);
}

/* Rounds, each with dice of its own. SINKHOLE_ROUNDS asks for more of them (hundreds take minutes), SINKHOLE_FIRST for
 * those from that number on: the number that Check says where one fails. */
#define ROUNDS 80
static int rounds;

#define DATABASES 4
#define POLICIES 15

START_TEST(agreement)
{
	struct sink_geo *geo[SINK_GEO_KINDS] = { open_geo("country.mmdb", SINK_GEO_COUNTRY),
		open_geo("asn.mmdb", SINK_GEO_ASN) };

	dice.state = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(_i + 1);
	for (int i = 0; i < DATABASES; i++) {
		struct sink_db *db = some_db();
		struct sink_reader *reader = begin_reader(db);

		note_entries(reader);
		for (int p = 0; p < POLICIES; p++)
			check_policy(db, geo);
		sink_reader_end(reader);
		sink_db_close(db);
	}
	for (int kind = 0; kind < SINK_GEO_KINDS; kind++)
		sink_geo_close(geo[kind]);
}
END_TEST

/* The dice fall so that everything happens, and often; in a single round, not everything need. */
START_TEST(everything_happened)
{
	size_t often = 10 * (size_t)rounds;

	ck_assert_uint_ge(seen->decided, often);
	ck_assert_uint_ge(seen->waited, often);
	ck_assert_uint_ge(seen->by_answer, often);
	ck_assert_uint_ge(seen->watched, often);
	ck_assert_uint_ge(seen->names_only, often);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_ge(seen->reach[0][i], often);
		ck_assert_uint_ge(seen->reach[1][i], often);
	}
}
END_TEST

static int number_of(const char *variable, int otherwise)
{
	const char *text = getenv(variable);

	return text ? atoi(text) : otherwise;
}

int main(void)
{
	int first = number_of("SINKHOLE_FIRST", 0);
	Suite *suite = suite_create("reference");
	TCase *reference = tcase_create("reference"), *dice_fell = tcase_create("dice");

	rounds = number_of("SINKHOLE_ROUNDS", ROUNDS);
	seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		return 1;
	tcase_add_checked_fixture(reference, enter_room, leave_room);
	tcase_add_loop_test(reference, agreement, first, first + rounds);
	tcase_set_timeout(reference, 300);
	suite_add_tcase(suite, reference);
	if (rounds >= ROUNDS)
		tcase_add_test(dice_fell, everything_happened);
	suite_add_tcase(suite, dice_fell);
	return run_suite(suite);
}

/* policy.c - a policy's bytes, written and read; doc/DATABASE.md, "The policy file", is the authority. */
#include "sinkhole/policy.h"

#include <stdlib.h>

#include "clients.h"
#include "policy_check.h"
#include "sinkhole/grow.h"
#include "wire.h"

static const char magic[8] = "sinkpol\n";
#define VERSION 1

#define FLAG_BARE 1
#define FLAG_OTHERS 2
#define IPV6 64 /* added to the bits of an IPv6 prefix */
#define RULE_MIN 64 /* bytes: no rule has fewer */

/* --- the default ------------------------------------------------------------------------------ */

#define FORM_DEFAULT \
	{ \
		.ttl = SINK_TTL_DEFAULT, .ede = SINK_EDE_BLOCKED, \
	}

const struct sink_form sink_form_default = FORM_DEFAULT;

static const struct sink_rule rule_default = {
	.name = { (const uint8_t *)"default", 7 },
	.action = SINK_ACTION_NXDOMAIN,
	.confidence_max = 100,
	.is_for_others = true,
	.share = SINK_SHARE_ALL,
	.schedule = SINK_SCHEDULE_NONE,
	.form = FORM_DEFAULT,
};

const struct sink_policy sink_policy_default = {
	.rules = &rule_default,
	.rules_count = 1,
	.error_option = SINK_ERROR_OPTION,
};

/* --- writing ---------------------------------------------------------------------------------- */

/* Bytes that become more; the first failure sticks. */
struct sheet {
	uint8_t *at;
	size_t len, room;
	bool is_full; /* no memory */
};

static void put(struct sheet *sheet, struct sink_span bytes)
{
	uint8_t *at;

	if (sheet->is_full || bytes.len == 0)
		return;
	at = sink_grow_by(sheet->at, sheet->len, &sheet->room, bytes.len);
	sheet->is_full = !at;
	if (!at)
		return;
	sheet->at = at;
	memcpy(sheet->at + sheet->len, bytes.at, bytes.len);
	sheet->len += bytes.len;
}

static void put_number(struct sheet *sheet, uint64_t number, size_t len)
{
	uint8_t bytes[8];
	struct wire_out out = { .at = bytes, .left = sizeof bytes };

	wire_put_number(&out, number, len);
	put(sheet, sink_span(bytes, len));
}

static void put_text(struct sheet *sheet, struct sink_span text)
{
	put_number(sheet, text.len, 2);
	put(sheet, text);
}

static void put_prefix(struct sheet *sheet, const struct sink_prefix *prefix, uint8_t group)
{
	bool is_v6 = prefix->family == 6;
	size_t len = (prefix->bits + 7u) / 8;
	uint8_t row[2 + sizeof prefix->bytes] = { group,
		(uint8_t)(prefix->bits + (is_v6 ? IPV6 : 0)) };

	memcpy(row + 2, prefix->bytes, len);
	put(sheet, sink_span(row, 2 + len));
}

/* In one order for all groups, equal ones are neighbours. */
static int put_groups(struct sheet *sheet, const struct sink_policy *policy, struct sink_why *why)
{
	const struct sink_prefix *last = NULL, *prefix;
	struct clients_merge merge;
	uint8_t group;

	put_number(sheet, policy->groups_count, 1);
	for (size_t g = 0; g < policy->groups_count; g++) {
		put_text(sheet, policy->groups[g].name);
		put_number(sheet, policy->groups[g].count, 4);
	}
	clients_merge_begin(&merge, policy);
	for (; (prefix = clients_merge_next(&merge, &group)) != NULL; last = prefix) {
		char text[SINK_PREFIX_TEXT_MAX];

		if (last && sink_prefix_compare(last, prefix) == 0)
			return sink_why(why, SINK_EINVAL, "policy: %s is in two groups",
				sink_prefix_to_text(prefix, text));
		put_prefix(sheet, prefix, group);
	}
	return SINK_OK;
}

static void put_countries(struct sheet *sheet, const struct sink_countries *countries)
{
	put_number(sheet, countries->count, 2);
	for (size_t i = 0; i < countries->count; i++)
		put_number(sheet, countries->at[i], 2);
}

static void put_form(struct sheet *sheet, const struct sink_form *form)
{
	put_number(sheet, form->ttl, 4);
	put_number(sheet, form->ede, 2);
	put_text(sheet, form->ede_text);
	for (int i = 0; i < SINK_ERROR_SIZES; i++)
		put_text(sheet, form->error[i]);
	put_number(sheet, form->a_count, 1);
	put(sheet, sink_span(form->a, (size_t)4 * form->a_count));
	put_number(sheet, form->aaaa_count, 1);
	put(sheet, sink_span(form->aaaa, (size_t)16 * form->aaaa_count));
	put_text(sheet, form->cname);
	put_text(sheet, form->data);
	put_text(sheet, form->soa);
}

static void put_rule(struct sheet *sheet, const struct sink_rule *rule)
{
	put_text(sheet, rule->name);
	put_number(sheet, rule->action, 1);
	put_number(sheet,
		(rule->is_bare ? FLAG_BARE : 0u) | (rule->is_for_others ? FLAG_OTHERS : 0u), 1);
	put_number(sheet, rule->severities, 1);
	put_number(sheet, rule->tlps, 1);
	put_number(sheet, rule->triggers, 1);
	put_number(sheet, rule->confidence_min, 1);
	put_number(sheet, rule->confidence_max, 1);
	put_number(sheet, rule->groups, 8);
	put_number(sheet, rule->share, 2);
	put_number(sheet, rule->schedule, 2);
	put_text(sheet, rule->types);
	for (int f = 0; f < SINK_FIELD_COUNT; f++) {
		put_number(sheet, rule->texts[f].count, 2);
		for (size_t i = 0; i < rule->texts[f].count; i++)
			put_text(sheet, rule->texts[f].at[i]);
	}
	put_countries(sheet, &rule->client_countries);
	put_countries(sheet, &rule->answer_countries);
	put_number(sheet, rule->answer_asns.count, 4);
	for (size_t i = 0; i < rule->answer_asns.count; i++)
		put_number(sheet, rule->answer_asns.at[i], 4);
	put_form(sheet, &rule->form);
}

static void put_schedules(struct sheet *sheet, const struct sink_policy *policy)
{
	put_number(sheet, policy->schedules_count, 2);
	for (size_t s = 0; s < policy->schedules_count; s++) {
		const struct sink_schedule *schedule = &policy->schedules[s];

		put_text(sheet, schedule->name);
		put_number(sheet, schedule->count, 2);
		for (size_t i = 0; i < schedule->count; i++)
			put_number(sheet, (uint64_t)schedule->edges[i], 8);
	}
}

int sink_policy_encode(const struct sink_policy *policy, struct sink_why *why, uint8_t **out,
	size_t *len)
{
	struct sheet sheet = { 0 };
	int err = policy_check(policy, SINK_EINVAL, why);

	if (err)
		return err;
	put(&sheet, sink_span(magic, sizeof magic));
	put_number(&sheet, VERSION, 2);
	put(&sheet, sink_span(policy->key, sizeof policy->key));
	put_number(&sheet, policy->error_option, 2);
	put_text(&sheet, policy->geo_country);
	put_text(&sheet, policy->geo_asn);
	put_schedules(&sheet, policy);
	err = put_groups(&sheet, policy, why);
	put_number(&sheet, policy->rules_count, 2);
	for (size_t i = 0; i < policy->rules_count; i++)
		put_rule(&sheet, &policy->rules[i]);
	if (!err && sheet.is_full)
		err = sink_why(why, SINK_ENOMEM, "policy: %s", sink_strerror(SINK_ENOMEM));
	if (err) {
		free(sheet.at);
		return err;
	}
	*out = sheet.at;
	*len = sheet.len;
	return SINK_OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* What decoding made, with all that it points to. */
struct piece {
	struct piece *next;
	max_align_t bytes[];
};

struct owned {
	struct sink_policy policy; /* first: it is what callers have */
	struct piece *pieces;
};

struct taking {
	struct wire_in in;
	struct owned *owned;
	bool is_poor; /* no memory; `in` is bad then */
};

/* An array that lives as long as the policy; NULL, and nothing can be read any more, if there is no memory or
 * bytes are left for less than `count`, of at least `least` bytes each. */
static void *take_array(struct taking *t, size_t count, size_t each, size_t least)
{
	struct piece *piece;

	if (t->in.bad || count > t->in.left.len / least) {
		t->in.bad = true;
		return NULL;
	}
	piece = calloc(1, sizeof *piece + count * each);
	if (!piece) {
		t->in.bad = t->is_poor = true;
		return NULL;
	}
	piece->next = t->owned->pieces;
	t->owned->pieces = piece;
	return piece->bytes;
}

static struct sink_span take_text(struct taking *t)
{
	return wire_bytes(&t->in, wire_u16(&t->in));
}

static void take_schedule(struct taking *t, struct sink_schedule *out)
{
	int64_t *edges;

	out->name = take_text(t);
	out->count = wire_u16(&t->in);
	edges = take_array(t, out->count, sizeof *edges, 8);
	for (size_t i = 0; edges && i < out->count; i++)
		edges[i] = (int64_t)wire_u64(&t->in);
	out->edges = edges;
}

static void take_schedules(struct taking *t)
{
	struct sink_policy *policy = &t->owned->policy;
	struct sink_schedule *schedules;

	policy->schedules_count = wire_u16(&t->in);
	schedules = take_array(t, policy->schedules_count, sizeof *schedules, 4);
	for (size_t i = 0; schedules && i < policy->schedules_count; i++)
		take_schedule(t, &schedules[i]);
	policy->schedules = schedules;
}

/* Of 4 bytes at most behind its head, or 16. */
static struct sink_prefix take_prefix(struct taking *t)
{
	uint8_t bits = wire_u8(&t->in);
	struct sink_prefix prefix = { .family = 4, .bits = bits };
	struct sink_span bytes;

	if (bits >= IPV6)
		prefix = (struct sink_prefix){ .family = 6, .bits = (uint8_t)(bits - IPV6) };
	if (prefix.bits > (prefix.family == 4 ? 32 : 128))
		t->in.bad = true;
	bytes = wire_bytes(&t->in, (prefix.bits + 7u) / 8);
	if (bytes.len > 0)
		memcpy(prefix.bytes, bytes.at, bytes.len);
	return prefix;
}

/* Deal the prefixes of all groups out. */
static void take_prefixes(struct taking *t, struct sink_prefix *const *prefixes)
{
	const struct sink_policy *policy = &t->owned->policy;
	size_t filled[SINK_GROUPS_MAX] = { 0 }, total = 0;
	struct sink_prefix before = { 0 };

	for (size_t g = 0; g < policy->groups_count; g++)
		total += policy->groups[g].count;
	for (size_t i = 0; !t->in.bad && i < total; i++) {
		uint8_t group = wire_u8(&t->in);
		struct sink_prefix prefix = take_prefix(t);

		if (t->in.bad || group >= policy->groups_count ||
			filled[group] == policy->groups[group].count ||
			(i > 0 && sink_prefix_compare(&before, &prefix) >= 0)) {
			t->in.bad = true;
			return;
		}
		prefixes[group][filled[group]++] = prefix;
		before = prefix;
	}
}

static void take_groups(struct taking *t)
{
	struct sink_prefix *prefixes[SINK_GROUPS_MAX];
	struct sink_policy *policy = &t->owned->policy;
	struct sink_group *groups;

	policy->groups_count = wire_u8(&t->in);
	if (policy->groups_count > SINK_GROUPS_MAX)
		t->in.bad = true;
	groups = take_array(t, policy->groups_count, sizeof *groups, 6);
	for (size_t g = 0; groups && g < policy->groups_count; g++) {
		groups[g].name = take_text(t);
		groups[g].count = wire_u32(&t->in);
		prefixes[g] = take_array(t, groups[g].count, sizeof *prefixes[g], 2);
		groups[g].prefixes = prefixes[g];
	}
	policy->groups = groups;
	if (!t->in.bad)
		take_prefixes(t, prefixes);
}

static void take_texts(struct taking *t, struct sink_texts *out)
{
	struct sink_span *texts;

	out->count = wire_u16(&t->in);
	if (out->count == 0)
		return;
	texts = take_array(t, out->count, sizeof *texts, 2);
	for (size_t i = 0; texts && i < out->count; i++)
		texts[i] = take_text(t);
	out->at = texts;
}

static void take_countries(struct taking *t, struct sink_countries *out)
{
	uint16_t *at;

	out->count = wire_u16(&t->in);
	if (out->count == 0)
		return;
	at = take_array(t, out->count, sizeof *at, 2);
	for (size_t i = 0; at && i < out->count; i++)
		at[i] = wire_u16(&t->in);
	out->at = at;
}

static void take_asns(struct taking *t, struct sink_asns *out)
{
	uint32_t *at;

	out->count = wire_u32(&t->in);
	if (out->count == 0)
		return;
	at = take_array(t, out->count, sizeof *at, 4);
	for (size_t i = 0; at && i < out->count; i++)
		at[i] = wire_u32(&t->in);
	out->at = at;
}

/* A count, and addresses of `size` bytes. */
static uint8_t take_addresses(struct taking *t, void *out, size_t size)
{
	uint8_t count = wire_u8(&t->in);
	struct sink_span bytes;

	if (count > SINK_ADDRESSES_MAX)
		t->in.bad = true;
	bytes = wire_bytes(&t->in, count * size);
	if (bytes.len > 0)
		memcpy(out, bytes.at, bytes.len);
	return count;
}

static void take_form(struct taking *t, struct sink_form *out)
{
	out->ttl = wire_u32(&t->in);
	out->ede = wire_u16(&t->in);
	out->ede_text = take_text(t);
	for (int i = 0; i < SINK_ERROR_SIZES; i++)
		out->error[i] = take_text(t);
	out->a_count = take_addresses(t, out->a, sizeof out->a[0]);
	out->aaaa_count = take_addresses(t, out->aaaa, sizeof out->aaaa[0]);
	out->cname = take_text(t);
	out->data = take_text(t);
	out->soa = take_text(t);
}

static void take_rule(struct taking *t, struct sink_rule *out)
{
	uint8_t action, flags;

	out->name = take_text(t);
	action = wire_u8(&t->in);
	flags = wire_u8(&t->in);
	if (action >= SINK_ACTION_COUNT || flags & ~(FLAG_BARE | FLAG_OTHERS))
		t->in.bad = true;
	out->action = t->in.bad ? SINK_ACTION_NONE : (enum sink_action)action;
	out->is_bare = flags & FLAG_BARE;
	out->is_for_others = flags & FLAG_OTHERS;
	out->severities = wire_u8(&t->in);
	out->tlps = wire_u8(&t->in);
	out->triggers = wire_u8(&t->in);
	out->confidence_min = wire_u8(&t->in);
	out->confidence_max = wire_u8(&t->in);
	out->groups = wire_u64(&t->in);
	out->share = wire_u16(&t->in);
	out->schedule = wire_u16(&t->in);
	out->types = take_text(t);
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		take_texts(t, &out->texts[f]);
	take_countries(t, &out->client_countries);
	take_countries(t, &out->answer_countries);
	take_asns(t, &out->answer_asns);
	take_form(t, &out->form);
}

static void take_rules(struct taking *t)
{
	struct sink_policy *policy = &t->owned->policy;
	struct sink_rule *rules;

	policy->rules_count = wire_u16(&t->in);
	rules = take_array(t, policy->rules_count, sizeof *rules, RULE_MIN);
	for (size_t i = 0; rules && i < policy->rules_count; i++)
		take_rule(t, &rules[i]);
	policy->rules = rules;
}

static void take_policy(struct taking *t)
{
	struct sink_policy *policy = &t->owned->policy;
	struct sink_span key = wire_bytes(&t->in, sizeof policy->key);

	if (key.len > 0)
		memcpy(policy->key, key.at, key.len);
	policy->error_option = wire_u16(&t->in);
	policy->geo_country = take_text(t);
	policy->geo_asn = take_text(t);
	take_schedules(t);
	take_groups(t);
	take_rules(t);
}

/* The first bytes: is it a policy, and one of our version? */
static int take_head(struct wire_in *in, struct sink_why *why)
{
	struct sink_span head = wire_bytes(in, sizeof magic);
	uint16_t version = wire_u16(in);

	if (in->bad || memcmp(head.at, magic, sizeof magic) != 0)
		return sink_why(why, SINK_ECORRUPT, "not a policy");
	if (version != VERSION)
		return sink_why(why, SINK_EVERSION, "policy of version %u, this program reads %d",
			version, VERSION);
	return SINK_OK;
}

/* A copy, for the spans to point into. */
static struct sink_span keep_bytes(struct taking *t, struct sink_span bytes)
{
	uint8_t *copy;

	t->in = (struct wire_in){ .left = bytes };
	copy = take_array(t, bytes.len, 1, 1);
	if (copy && bytes.len > 0)
		memcpy(copy, bytes.at, bytes.len);
	return sink_span(copy, copy ? bytes.len : 0);
}

int sink_policy_decode(struct sink_span bytes, struct sink_why *why, struct sink_policy **out)
{
	struct taking t = { .owned = calloc(1, sizeof *t.owned) };
	int err = SINK_OK;

	if (!t.owned)
		return sink_why(why, SINK_ENOMEM, "policy: %s", sink_strerror(SINK_ENOMEM));
	bytes = keep_bytes(&t, bytes);
	if (!t.is_poor) {
		t.in = (struct wire_in){ .left = bytes };
		err = take_head(&t.in, why);
	}
	if (!err) {
		take_policy(&t);
		if (t.is_poor)
			err = sink_why(why, SINK_ENOMEM, "policy: %s", sink_strerror(SINK_ENOMEM));
		else if (!wire_done(&t.in))
			err = sink_why(why, SINK_ECORRUPT, "not written as a policy is");
		else
			err = policy_check(&t.owned->policy, SINK_ECORRUPT, why);
	}
	if (err) {
		sink_policy_free(&t.owned->policy);
		return err;
	}
	*out = &t.owned->policy;
	return SINK_OK;
}

void sink_policy_free(struct sink_policy *policy)
{
	struct owned *owned = (struct owned *)policy;

	while (owned && owned->pieces) {
		struct piece *piece = owned->pieces;

		owned->pieces = piece->next;
		free(piece);
	}
	free(owned);
}

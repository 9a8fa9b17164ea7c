/* test_policy.c - a policy's bytes: what is written is read, and nothing else; and when schedules are on. */
#include "sinkhole/policy.h"

#include <time.h>

#include "base.h"
#include "clients.h"

/* --- a policy with everything in it ------------------------------------------------------------ */

#define TEXT(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}
#define V4(a, b, c, d, length) \
	{ \
		.family = 4, .bits = (length), .bytes = { a, b, c, d } \
	}

/* To be changed by tests: nothing in it is constant. */
struct whole {
	struct sink_policy policy;
	struct sink_rule rules[12];
	struct sink_group groups[3];
	struct sink_prefix few[3], more[4], one[1];
	struct sink_schedule schedules[2];
	int64_t edges[4], twice[2];
	struct sink_span sources[2], tags[1];
	uint16_t client_countries[2], answer_countries[1];
	uint32_t asns[3];
};

static const uint8_t target[] = "\1*\6garden\7example";
static const uint8_t soa[] =
	"\2ns\3isp\0\12hostmaster\3isp"; /* and a zero, which ends the text too */
static const uint8_t data[] = "\0\x10\0\0\x0e\x10\0\2\1x"
			      "\0\x10\0\0\x0e\x10\0\2\1y";

static void make_sets(struct whole *w)
{
	struct sink_rule *rule = &w->rules[1];

	w->sources[0] = sink_span_text("urlhaus");
	w->sources[1] = sink_span_text("b");
	w->tags[0] = sink_span_text("c2");
	rule->texts[SINK_FIELD_SOURCE] = (struct sink_texts){ w->sources, 2 };
	rule->texts[SINK_FIELD_TAG] = (struct sink_texts){ w->tags, 1 };
	rule->severities = 1 << SINK_SEVERITY_LOW | 1 << SINK_SEVERITY_CRITICAL;
	rule->tlps = 1 << SINK_TLP_RED;
	rule->triggers = 1 << SINK_TRIGGER_QNAME | 1 << SINK_TRIGGER_NSADDRESS;
	rule->confidence_min = 80;
	rule->groups = 5;
	rule->is_for_others = false;
	rule->client_countries = (struct sink_countries){ w->client_countries, 2 };
	w->client_countries[0] = 'A' << 8 | 'A';
	w->client_countries[1] = 'Z' << 8 | 'Z';
	rule->share = 1000;
	rule->schedule = 1;
	rule->types = sink_span("\1\0\1\0\x1c", 5);
	w->rules[2].is_bare = true;
	w->rules[2].answer_countries = (struct sink_countries){ w->answer_countries, 1 };
	w->answer_countries[0] = 'R' << 8 | 'U';
	w->rules[2].answer_asns = (struct sink_asns){ w->asns, 3 };
	w->asns[0] = 1;
	w->asns[1] = 64511;
	w->asns[2] = UINT32_MAX;
}

static void make_forms(struct whole *w)
{
	static const uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 0x53 };
	struct sink_form *form = &w->rules[SINK_ACTION_SINKHOLE - 1].form;

	form->a_count = 2;
	memcpy(form->a, "\xc0\0\2\x35\xc0\0\2\x36", 8);
	form->aaaa_count = 1;
	memcpy(form->aaaa[0], v6, sizeof v6);
	form->ttl = SINK_TTL_MAX;
	form->ede = SINK_EDE_NONE;
	w->rules[SINK_ACTION_CNAME - 1].form.cname = sink_span(target, sizeof target);
	w->rules[SINK_ACTION_DATA - 1].form.data = sink_span(data, sizeof data - 1);
	form = &w->rules[SINK_ACTION_REFUSED - 1].form;
	form->ede_text = sink_span_text("d\xc3\xa9"
					"cision");
	form->error[0] = sink_span_text("{\"c\":[\"mailto:a@isp\"],\"j\":\"why\",\"o\":\"ISP\"}");
	form->error[1] = sink_span_text("{\"c\":[\"mailto:a@isp\"],\"o\":\"ISP\"}");
	form->error[2] = sink_span_text("{\"c\":[\"mailto:a@isp\"]}");
	form->soa = sink_span(soa, sizeof soa);
}

static void make_clients(struct whole *w)
{
	static const struct sink_prefix few[] = { V4(0, 0, 0, 0, 0), V4(192, 0, 2, 0, 24),
		{ .family = 6, .bits = 0 } };
	static const struct sink_prefix more[] = { V4(10, 0, 0, 0, 7), V4(192, 0, 2, 0, 25),
		V4(192, 0, 2, 1, 32),
		{ .family = 6, .bits = 33, .bytes = { 0x20, 1, 0xd, 0xb8, 0x80 } } };

	memcpy(w->few, few, sizeof few);
	memcpy(w->more, more, sizeof more);
	w->one[0] = (struct sink_prefix){ .family = 6, .bits = 128, .bytes = { [15] = 1 } };
	w->groups[0] = (struct sink_group){ TEXT("all"), w->few, 3 };
	w->groups[1] = (struct sink_group){ TEXT("school"), w->more, 4 };
	w->groups[2] = (struct sink_group){ TEXT("me"), w->one, 1 };
	w->edges[0] = 0;
	w->edges[1] = 3600;
	w->edges[2] = 7200;
	w->edges[3] = INT64_C(253402300799);
	w->twice[0] = 5;
	w->twice[1] = 6;
	w->schedules[0] =
		(struct sink_schedule){ TEXT("mon 08:00-16:30 Europe/Paris"), w->edges, 4 };
	w->schedules[1] = (struct sink_schedule){ .edges = w->twice, .count = 2 };
}

static void make_whole(struct whole *w)
{
	static const char *const names[] = { "pass", "nxdomain", "nodata", "sinkhole", "refused",
		"drop", "truncate", "cname", "data", "listed", "monitor", "default" };

	*w = (struct whole){ 0 };
	for (size_t i = 0; i < LENGTH(names); i++) {
		w->rules[i] = sink_policy_default.rules[0];
		w->rules[i].name = sink_span_text(names[i]);
		w->rules[i].groups = 7;
		w->rules[i].action = i == 11 ? SINK_ACTION_PASS : (enum sink_action)(i + 1);
	}
	make_sets(w);
	make_forms(w);
	make_clients(w);
	w->policy = (struct sink_policy){
		.rules = w->rules,
		.rules_count = 12,
		.groups = w->groups,
		.groups_count = 3,
		.schedules = w->schedules,
		.schedules_count = 2,
		.geo_country = TEXT("/srv/country.mmdb"),
		.geo_asn = TEXT("/a"),
		.key = { 1, 2, 3, [15] = 255 },
		.error_option = 65001,
	};
}

/* --- comparing ---------------------------------------------------------------------------------- */

static void check_countries(const struct sink_countries *a, const struct sink_countries *b)
{
	ck_assert_uint_eq(a->count, b->count);
	for (size_t i = 0; i < a->count; i++)
		ck_assert_uint_eq(a->at[i], b->at[i]);
}

static void check_span(struct sink_span a, struct sink_span b)
{
	ck_assert(sink_span_equal(a, b));
}

static void check_form(const struct sink_form *a, const struct sink_form *b)
{
	ck_assert_uint_eq(a->ttl, b->ttl);
	ck_assert_uint_eq(a->ede, b->ede);
	check_span(a->ede_text, b->ede_text);
	for (int i = 0; i < SINK_ERROR_SIZES; i++)
		check_span(a->error[i], b->error[i]);
	ck_assert_uint_eq(a->a_count, b->a_count);
	ck_assert_uint_eq(a->aaaa_count, b->aaaa_count);
	ck_assert_mem_eq(a->a, b->a, sizeof a->a[0] * a->a_count);
	ck_assert_mem_eq(a->aaaa, b->aaaa, sizeof a->aaaa[0] * a->aaaa_count);
	check_span(a->cname, b->cname);
	check_span(a->data, b->data);
	check_span(a->soa, b->soa);
}

static void check_rule(const struct sink_rule *a, const struct sink_rule *b)
{
	check_span(a->name, b->name);
	ck_assert_int_eq(a->action, b->action);
	for (int f = 0; f < SINK_FIELD_COUNT; f++) {
		ck_assert_uint_eq(a->texts[f].count, b->texts[f].count);
		for (size_t i = 0; i < a->texts[f].count; i++)
			check_span(a->texts[f].at[i], b->texts[f].at[i]);
	}
	ck_assert_uint_eq(a->severities, b->severities);
	ck_assert_uint_eq(a->tlps, b->tlps);
	ck_assert_uint_eq(a->triggers, b->triggers);
	ck_assert_uint_eq(a->confidence_min, b->confidence_min);
	ck_assert_uint_eq(a->confidence_max, b->confidence_max);
	ck_assert(a->is_bare == b->is_bare && a->is_for_others == b->is_for_others);
	ck_assert_uint_eq(a->groups, b->groups);
	ck_assert_uint_eq(a->share, b->share);
	ck_assert_uint_eq(a->schedule, b->schedule);
	check_span(a->types, b->types);
	check_countries(&a->client_countries, &b->client_countries);
	check_countries(&a->answer_countries, &b->answer_countries);
	ck_assert_uint_eq(a->answer_asns.count, b->answer_asns.count);
	for (size_t i = 0; i < a->answer_asns.count; i++)
		ck_assert_uint_eq(a->answer_asns.at[i], b->answer_asns.at[i]);
	check_form(&a->form, &b->form);
}

static void check_groups(const struct sink_policy *a, const struct sink_policy *b)
{
	ck_assert_uint_eq(a->groups_count, b->groups_count);
	for (size_t g = 0; g < a->groups_count; g++) {
		check_span(a->groups[g].name, b->groups[g].name);
		ck_assert_uint_eq(a->groups[g].count, b->groups[g].count);
		for (size_t i = 0; i < a->groups[g].count; i++)
			ck_assert(sink_prefix_compare(&a->groups[g].prefixes[i],
					  &b->groups[g].prefixes[i]) == 0);
	}
}

static void check_policy(const struct sink_policy *a, const struct sink_policy *b)
{
	ck_assert_uint_eq(a->rules_count, b->rules_count);
	for (size_t i = 0; i < a->rules_count; i++)
		check_rule(&a->rules[i], &b->rules[i]);
	check_groups(a, b);
	ck_assert_uint_eq(a->schedules_count, b->schedules_count);
	for (size_t s = 0; s < a->schedules_count; s++) {
		check_span(a->schedules[s].name, b->schedules[s].name);
		ck_assert_uint_eq(a->schedules[s].count, b->schedules[s].count);
		for (size_t i = 0; i < a->schedules[s].count; i++)
			ck_assert_int_eq(a->schedules[s].edges[i], b->schedules[s].edges[i]);
	}
	check_span(a->geo_country, b->geo_country);
	check_span(a->geo_asn, b->geo_asn);
	ck_assert_mem_eq(a->key, b->key, sizeof a->key);
	ck_assert_uint_eq(a->error_option, b->error_option);
}

static struct bytes encode(const struct sink_policy *policy)
{
	struct bytes bytes;
	struct sink_why why;

	ck_assert_msg(sink_policy_encode(policy, &why, &bytes.at, &bytes.len) == SINK_OK, "%s",
		why.text);
	return bytes;
}

static struct sink_policy *decode(struct bytes bytes)
{
	struct sink_policy *policy;
	struct sink_why why;

	ck_assert_msg(sink_policy_decode(sink_span(bytes.at, bytes.len), &why, &policy) == SINK_OK,
		"%s", why.text);
	return policy;
}

/* The bytes may go away, and come out again. */
static void check_round(const struct sink_policy *policy)
{
	struct bytes bytes = encode(policy), again;
	struct sink_policy *read;
	struct bytes copy = { malloc(bytes.len), bytes.len };

	ck_assert_ptr_nonnull(copy.at);
	memcpy(copy.at, bytes.at, bytes.len);
	read = decode(copy);
	memset(copy.at, 0xa5, copy.len);
	free(copy.at);
	check_policy(policy, read);
	again = encode(read);
	ck_assert_uint_eq(again.len, bytes.len);
	ck_assert_mem_eq(again.at, bytes.at, bytes.len);
	free(again.at);
	free(bytes.at);
	sink_policy_free(read);
}

START_TEST(rounds)
{
	struct whole w;

	check_round(&sink_policy_default);
	make_whole(&w);
	check_round(&w.policy);
	sink_policy_free(NULL);
}
END_TEST

/* As doc/DATABASE.md draws it. */
START_TEST(default_bytes)
{
	static const uint8_t expected[] =
		"sinkpol\n"
		"\0\1" /* version */
		"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" /* key */
		"\0\x1a" /* error option */
		"\0\0\0\0" /* geo files */
		"\0\0" /* schedules */
		"\0" /* groups */
		"\0\1" /* rules */
		"\0\7default"
		"\2\2" /* nxdomain; for others */
		"\0\0\0\0\x64" /* severities, TLPs, triggers, confidence */
		"\0\0\0\0\0\0\0\0" /* groups */
		"\x27\x10\xff\xff\0\0" /* share, schedule, types */
		"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" /* texts */
		"\0\0\0\0\0\0\0\0" /* countries, systems */
		"\0\0\0\x0a\0\x0f" /* TTL, EDE */
		"\0\0\0\0\0\0\0\0" /* its text, errors */
		"\0\0" /* addresses */
		"\0\0\0\0\0\0"; /* target, records, SOA */
	struct bytes bytes = encode(&sink_policy_default);

	ck_assert_uint_eq(bytes.len, sizeof expected - 1);
	ck_assert_mem_eq(bytes.at, expected, bytes.len);
	free(bytes.at);
}
END_TEST

/* Files that were written by this version are read by all that call themselves the same; they are the fuzzer's
 * seeds, too. WRITE_GOLDEN=1 writes them. */
static void check_golden(const char *name, const struct sink_policy *policy)
{
	struct bytes bytes = encode(policy), golden;
	char path[PATH_ROOM];

	inside(TEST_SRCDIR "/tests/data/policy", name, path);
	if (getenv("WRITE_GOLDEN"))
		write_whole(path, bytes.at, bytes.len);
	golden = read_whole(path);
	ck_assert_uint_eq(golden.len, bytes.len);
	ck_assert_mem_eq(golden.at, bytes.at, bytes.len);
	free(golden.at);
	free(bytes.at);
}

START_TEST(golden)
{
	struct whole w;

	make_whole(&w);
	check_golden("default.bin", &sink_policy_default);
	check_golden("whole.bin", &w.policy);
	w.policy.rules_count = 1;
	check_golden("groups.bin", &w.policy);
	w.policy.groups_count = 0;
	w.rules[0].groups = 0;
	w.policy.rules = &w.rules[0];
	w.policy.schedules_count = 0;
	check_golden("plain.bin", &w.policy);
}
END_TEST

/* --- ranges ------------------------------------------------------------------------------------- */

static char long_text[SINK_STRING_MAX + 2]; /* filled with x */
static uint8_t many_types[3 + SINK_BYTES_MAX];

static struct sink_span filled(size_t len)
{
	memset(long_text, 'x', sizeof long_text);
	return sink_span(long_text, len);
}

/* What is changed of a good policy, and whether it still is one. */
static void check_change(const struct whole *w, bool is_good, const char *change)
{
	struct bytes bytes = { NULL, 0 };
	struct sink_why why = { "" };
	int err = sink_policy_encode(&w->policy, &why, &bytes.at, &bytes.len);

	ck_assert_msg(err == (is_good ? SINK_OK : SINK_EINVAL), "%s: %d %s", change, err, why.text);
	ck_assert_msg(is_good == !why.text[0] && is_good == !!bytes.at, "%s", change);
	if (is_good)
		check_round(&w->policy);
	free(bytes.at);
}

#define TAKEN(change) \
	do { \
		make_whole(&w); \
		change; \
		check_change(&w, true, #change); \
	} while (0)
#define REFUSED(change) \
	do { \
		make_whole(&w); \
		change; \
		check_change(&w, false, #change); \
	} while (0)

START_TEST(range_of_all)
{
	struct whole w;

	REFUSED(w.policy.rules_count = 0);
	REFUSED(w.policy.rules_count = SINK_RULES_MAX + 1);
	REFUSED(w.policy.groups_count = SINK_GROUPS_MAX + 1);
	REFUSED(w.policy.schedules_count = SINK_SCHEDULES_MAX + 1);
	REFUSED(w.policy.schedules_count = 1); /* a rule has the other one */
	REFUSED(w.policy.groups_count = 2);
	TAKEN(w.policy.geo_asn = sink_span(NULL, 0));
	REFUSED(w.policy.geo_asn = sink_span_text("asn.mmdb"));
	REFUSED(w.policy.geo_country = sink_span("/a\0b", 4));
	TAKEN(w.policy.error_option = 0);
}
END_TEST

START_TEST(range_of_names)
{
	struct whole w;

	REFUSED(w.rules[0].name.len = 0);
	REFUSED(w.rules[0].name = w.rules[11].name);
	TAKEN(w.rules[0].name = w.groups[0].name);
	REFUSED(w.rules[0].name = sink_span_text("a\nb"));
	REFUSED(w.rules[0].name = sink_span_text("a\xff"));
	REFUSED(w.rules[0].name = sink_span_text("\xc2\x85"));
	TAKEN(w.rules[0].name = filled(SINK_STRING_MAX));
	REFUSED(w.rules[0].name = filled(SINK_STRING_MAX + 1));
	REFUSED(w.groups[2].name = w.groups[0].name);
	REFUSED(w.groups[2].name.len = 0);
	TAKEN(w.schedules[0].name = w.schedules[1].name);
	REFUSED(w.schedules[0].name = sink_span_text("\t"));
}
END_TEST

START_TEST(range_of_actions)
{
	struct whole w;

	REFUSED(w.rules[0].action = SINK_ACTION_NONE);
	REFUSED(w.rules[0].action = SINK_ACTION_COUNT);
	REFUSED(w.rules[0].action = SINK_ACTION_SINKHOLE);
	REFUSED(w.rules[0].action = SINK_ACTION_CNAME);
	REFUSED(w.rules[0].action = SINK_ACTION_DATA);
	REFUSED(w.rules[3].action = SINK_ACTION_PASS);
	REFUSED(w.rules[7].action = SINK_ACTION_PASS);
	REFUSED(w.rules[8].action = SINK_ACTION_PASS);
}
END_TEST

START_TEST(range_of_selectors)
{
	struct whole w;

	REFUSED(w.sources[1].len = 0);
	TAKEN(w.sources[1] = filled(SINK_STRING_MAX));
	REFUSED(w.sources[1] = filled(SINK_STRING_MAX + 1));
	TAKEN(w.sources[1] = sink_span("\0\n", 2)); /* as a feed may have it */
	REFUSED(w.rules[1].texts[SINK_FIELD_REFERENCE] = w.rules[1].texts[SINK_FIELD_TAG]);
	REFUSED(w.rules[1].severities |= 1);
	REFUSED(w.rules[1].severities |= 1 << SINK_SEVERITY_COUNT);
	TAKEN(w.rules[1].severities = 0);
	REFUSED(w.rules[1].tlps |= 1);
	REFUSED(w.rules[1].tlps |= 1 << SINK_TLP_COUNT);
	TAKEN(w.rules[1].triggers = (1 << SINK_TRIGGER_COUNT) - 1);
	REFUSED(w.rules[1].triggers |= 1 << SINK_TRIGGER_COUNT);
	TAKEN(w.rules[1].confidence_min = 100);
	REFUSED(w.rules[1].confidence_max = 101);
	REFUSED(w.rules[1].confidence_max = 79);
}
END_TEST

START_TEST(range_of_bare_rules)
{
	struct whole w;

	TAKEN(w.rules[2].is_bare = false);
	TAKEN(w.rules[2].answer_asns.count = 0);
	TAKEN(w.rules[2].answer_countries.count = 0);
	TAKEN(w.rules[2].action = SINK_ACTION_MONITOR);
	REFUSED(w.rules[2].action = SINK_ACTION_LISTED);
	REFUSED(w.rules[2].confidence_min = 1);
	REFUSED(w.rules[2].confidence_max = 99);
	REFUSED(w.rules[2].triggers = 1);
	REFUSED(w.rules[2].tlps = 2);
	REFUSED(w.rules[2].severities = 2);
	REFUSED(w.rules[2].texts[SINK_FIELD_TAG] = w.rules[1].texts[SINK_FIELD_TAG]);
	REFUSED(w.rules[0].is_bare = true);
}
END_TEST

START_TEST(range_of_clients)
{
	struct whole w;

	REFUSED(w.rules[1].groups = 8);
	REFUSED(w.rules[1].groups = 0);
	TAKEN(w.rules[1].groups = 0; w.rules[1].is_for_others = true);
	REFUSED(w.rules[1].share = 0);
	TAKEN(w.rules[1].share = 1);
	TAKEN(w.rules[1].share = SINK_SHARE_ALL);
	REFUSED(w.rules[1].share = SINK_SHARE_ALL + 1);
	REFUSED(w.rules[1].schedule = 2);
	TAKEN(w.rules[1].schedule = SINK_SCHEDULE_NONE);
	REFUSED(w.client_countries[1] = w.client_countries[0]);
	REFUSED(w.client_countries[1] = 'Z' << 8 | '[');
	REFUSED(w.client_countries[1] = 'a' << 8 | 'a');
	REFUSED(w.client_countries[0] = 'A' << 8 | '@');
	REFUSED(w.client_countries[0] = 0);
	REFUSED(w.answer_countries[0] = 'R' << 8);
	REFUSED(w.asns[0] = 0);
	REFUSED(w.asns[1] = UINT32_MAX);
	TAKEN(w.rules[1].types = sink_span("\0\0\1", 3));
	REFUSED(w.rules[1].types = sink_span("\2\0\1", 3));
	REFUSED(w.rules[1].types = sink_span("\0", 1));
	REFUSED(w.rules[1].types = sink_span("\0\0\1\0", 4));
	REFUSED(w.rules[1].types = sink_span("\0\0\1\0\1", 5));
	REFUSED(w.rules[1].types = sink_span(many_types, sizeof many_types));
}
END_TEST

START_TEST(range_of_groups)
{
	struct whole w;

	REFUSED(w.groups[2].count = 0);
	REFUSED(w.few[1] = w.few[0]);
	REFUSED(w.few[1] = w.more[1]); /* in two groups */
	REFUSED(w.one[0] = w.few[2]);
	REFUSED(w.more[0].bits = 33);
	REFUSED(w.more[0].family = 5);
	REFUSED(w.more[0].bytes[3] = 1);
	REFUSED(w.one[0].bits = 129);
	TAKEN(w.more[3].bytes[4] = 0);
}
END_TEST

START_TEST(range_of_schedules)
{
	struct whole w;

	REFUSED(w.schedules[0].count = 3);
	TAKEN(w.schedules[0].count = 2);
	REFUSED(w.schedules[0].count = 0);
	REFUSED(w.schedules[0].count = SINK_EDGES_MAX + 2);
	REFUSED(w.edges[1] = 0);
	REFUSED(w.edges[0] = -1);
	REFUSED(w.edges[3] = INT64_C(253402300800));
}
END_TEST

START_TEST(range_of_forms)
{
	struct whole w;

	REFUSED(w.rules[0].form.ttl = SINK_TTL_MAX + 1);
	TAKEN(w.rules[0].form.ttl = 0);
	TAKEN(w.rules[0].form.ede_text = filled(SINK_EDE_TEXT_MAX));
	REFUSED(w.rules[0].form.ede_text = filled(SINK_EDE_TEXT_MAX + 1));
	REFUSED(w.rules[0].form.ede_text = sink_span_text("a\x7f"));
	TAKEN(w.rules[0].form.error[2] = filled(SINK_ERROR_MAX));
	REFUSED(w.rules[0].form.error[0] = filled(SINK_ERROR_MAX + 1));
	REFUSED(w.rules[0].form.error[1] = sink_span_text("\n"));
	REFUSED(w.rules[0].form.a_count = 1);
	REFUSED(w.rules[0].form.aaaa_count = 1);
	TAKEN(w.rules[3].form.a_count = 0);
	TAKEN(w.rules[3].form.aaaa_count = 0);
	REFUSED(w.rules[3].form.a_count = w.rules[3].form.aaaa_count = 0);
	TAKEN(w.rules[3].form.a_count = SINK_ADDRESSES_MAX);
	REFUSED(w.rules[3].form.a_count = SINK_ADDRESSES_MAX + 1);
	REFUSED(w.rules[3].form.aaaa_count = SINK_ADDRESSES_MAX + 1);
	REFUSED(w.rules[0].form.cname = sink_span(target, sizeof target));
	REFUSED(w.rules[7].form.cname = sink_span(target, sizeof target - 1));
	REFUSED(w.rules[7].form.cname = sink_span("\1a\0\0", 4));
	TAKEN(w.rules[7].form.cname = sink_span("\1a", 3));
	TAKEN(w.rules[7].form.cname = sink_span("", 1));
	REFUSED(w.rules[7].form.cname = sink_span("\1*", 3));
	REFUSED(w.rules[7].form.cname = sink_span("\xc0\0", 3));
	TAKEN(w.rules[8].form.data.len /= 2);
	REFUSED(w.rules[8].form.data.len--);
	REFUSED(w.rules[8].form.data = sink_span("\0\5\0\0\0\0\0\1\0", 9)); /* CNAME */
	REFUSED(w.rules[0].form.data = sink_span(data, sizeof data - 1));
	TAKEN(w.rules[0].form.soa = sink_span(soa, sizeof soa));
	REFUSED(w.rules[0].form.soa = sink_span(soa, sizeof soa - 1));
	REFUSED(w.rules[0].form.soa = sink_span(soa, 8)); /* one name */
	TAKEN(w.rules[0].form.soa = sink_span("\0", 2));
	REFUSED(w.rules[0].form.soa = sink_span("\0\0", 3));
}
END_TEST

/* A policy of 1,024 rules, 64 groups and 256 schedules is one. */
START_TEST(limits)
{
	static char names[SINK_RULES_MAX][8];
	struct sink_rule *rules = calloc(SINK_RULES_MAX, sizeof *rules);
	struct sink_schedule schedules[SINK_SCHEDULES_MAX];
	struct sink_group groups[SINK_GROUPS_MAX];
	struct sink_prefix prefixes[SINK_GROUPS_MAX];
	int64_t edges[SINK_EDGES_MAX];
	struct sink_policy policy = { .rules = rules,
		.rules_count = SINK_RULES_MAX,
		.groups = groups,
		.groups_count = SINK_GROUPS_MAX,
		.schedules = schedules,
		.schedules_count = SINK_SCHEDULES_MAX };

	ck_assert_ptr_nonnull(rules);
	for (size_t i = 0; i < SINK_RULES_MAX; i++) {
		snprintf(names[i], sizeof names[i], "r%zu", i);
		rules[i] = sink_policy_default.rules[0];
		rules[i].name = sink_span_text(names[i]);
		rules[i].groups = UINT64_MAX;
		rules[i].schedule = (uint16_t)(i % SINK_SCHEDULES_MAX);
	}
	for (size_t i = 0; i < SINK_EDGES_MAX; i++)
		edges[i] = (int64_t)i;
	for (size_t i = 0; i < SINK_SCHEDULES_MAX; i++)
		schedules[i] = (struct sink_schedule){ TEXT("s"), edges, SINK_EDGES_MAX };
	for (size_t i = 0; i < SINK_GROUPS_MAX; i++) {
		prefixes[i] = (struct sink_prefix)V4(10, (uint8_t)i, 0, 0, 16);
		groups[i] = (struct sink_group){ sink_span_text(names[i]), &prefixes[i], 1 };
	}
	check_round(&policy);
	free(rules);
}
END_TEST

/* --- bytes that are none ------------------------------------------------------------------------ */

/* What is read of any bytes is what is written again, or it is refused with a reason.
 *
 * returns  whether it was read
 */
static bool check_any(struct bytes bytes)
{
	struct sink_policy *policy = NULL;
	struct sink_why why = { "" };
	struct bytes again;
	int err = sink_policy_decode(sink_span(bytes.at, bytes.len), &why, &policy);

	if (err) {
		ck_assert(err == SINK_ECORRUPT || err == SINK_EVERSION);
		ck_assert(why.text[0] && !policy);
		return false;
	}
	again = encode(policy);
	ck_assert(again.len == bytes.len && memcmp(again.at, bytes.at, bytes.len) == 0);
	free(again.at);
	sink_policy_free(policy);
	return true;
}

START_TEST(damage)
{
	struct bytes bytes;
	size_t taken = 0;
	struct whole w;

	make_whole(&w);
	bytes = encode(&w.policy);
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t was = bytes.at[i];

		for (unsigned value = 0; value < 256; value++) {
			bytes.at[i] = (uint8_t)value;
			taken += check_any(bytes) && value != was;
		}
		bytes.at[i] = was;
	}
	ck_assert_uint_gt(taken, 0); /* another TTL, say */
	free(bytes.at);
}
END_TEST

START_TEST(broken_off)
{
	struct bytes bytes, less;
	struct whole w;

	make_whole(&w);
	bytes = encode(&w.policy);
	for (size_t len = 0; len < bytes.len; len++) {
		less = (struct bytes){ malloc(len + 1), len };
		ck_assert(less.at);
		memcpy(less.at, bytes.at, len);
		ck_assert(!check_any(less));
		less.at[less.len++] = 0; /* or something else where it breaks off */
		if (len < bytes.len - 1)
			ck_assert(!check_any(less));
		free(less.at);
	}
	bytes.at = realloc(bytes.at, bytes.len + 1);
	ck_assert(bytes.at);
	bytes.at[bytes.len++] = 0;
	ck_assert(!check_any(bytes));
	free(bytes.at);
}
END_TEST

START_TEST(heads)
{
	struct bytes bytes = encode(&sink_policy_default);
	struct sink_policy *policy;
	struct sink_why why;

	bytes.at[9] = 2;
	ck_assert_int_eq(sink_policy_decode(sink_span(bytes.at, bytes.len), &why, &policy),
		SINK_EVERSION);
	ck_assert_str_eq(why.text, "policy of version 2, this program reads 1");
	bytes.at[9] = 1;
	bytes.at[0] = 'S';
	ck_assert_int_eq(sink_policy_decode(sink_span(bytes.at, bytes.len), &why, &policy),
		SINK_ECORRUPT);
	ck_assert_str_eq(why.text, "not a policy");
	ck_assert_int_eq(sink_policy_decode(sink_span(NULL, 0), NULL, &policy), SINK_ECORRUPT);
	free(bytes.at);
}
END_TEST

/* A count that nothing stands behind takes no memory. */
START_TEST(empty_promises)
{
	struct bytes bytes = encode(&sink_policy_default);

	for (size_t i = 28; i < bytes.len - 1; i++) {
		uint8_t was[2] = { bytes.at[i], bytes.at[i + 1] };

		memset(bytes.at + i, 0xff, 2);
		check_any(bytes); /* never ENOMEM */
		memcpy(bytes.at + i, was, 2);
	}
	free(bytes.at);
}
END_TEST

/* --- many clients ------------------------------------------------------------------------------- */

#define MANY 100000

static double seconds(clock_t since)
{
	return (double)(clock() - since) / CLOCKS_PER_SEC;
}

/* 64 groups, each with prefixes between those of the others. */
START_TEST(many_clients)
{
	struct sink_prefix *prefixes = calloc(MANY, sizeof *prefixes);
	struct sink_group groups[SINK_GROUPS_MAX];
	char names[SINK_GROUPS_MAX][8];
	struct sink_policy policy = sink_policy_default, *read;
	struct bytes bytes;
	clock_t start;
	size_t at = 0;
	double took;

	ck_assert_ptr_nonnull(prefixes);
	for (size_t g = 0; g < SINK_GROUPS_MAX; g++) {
		snprintf(names[g], sizeof names[g], "g%zu", g);
		groups[g] = (struct sink_group){ sink_span_text(names[g]), prefixes + at, 0 };
		for (size_t i = g; i < MANY; i += SINK_GROUPS_MAX, groups[g].count++, at++)
			prefixes[at] = (struct sink_prefix)V4((uint8_t)(i >> 16), (uint8_t)(i >> 8),
				(uint8_t)i, 0, 24);
	}
	policy.groups = groups;
	policy.groups_count = SINK_GROUPS_MAX;
	bytes = encode(&policy);
	start = clock();
	read = decode(bytes);
	took = seconds(start);
	ck_assert_msg(took < 1, "%g s", took); /* a hundredth of it, without a sanitizer */
	check_groups(&policy, read);
	sink_policy_free(read);
	free(bytes.at);
	free(prefixes);
}
END_TEST

/* --- schedules ---------------------------------------------------------------------------------- */

#define WEEK INT64_C(604800)
#define NEVER INT64_MAX

/* On for the first hour of day 10 and of day 12, and from day 20 to day 21. */
#define DAY INT64_C(86400)
static const int64_t some[] = { 10 * DAY, 10 * DAY + 3600, 12 * DAY, 12 * DAY + 3600, 20 * DAY,
	21 * DAY };
static const int64_t always[] = { DAY, DAY + WEEK };
static const int64_t longer[] = { DAY, DAY + 3 * WEEK };
static const int64_t nearly[] = { DAY, DAY + WEEK - 1 };
static const int64_t short_one[] = { 0, 1 };
static const int64_t weekend[] = { DAY, 2 * DAY, 7 * DAY, 8 * DAY }; /* on where weeks meet */

static const struct {
	const int64_t *edges;
	size_t count;
	int64_t now;
	bool is_on;
	int64_t next;
} hours[] = {
	{ some, 6, INT64_MIN, false, 10 * DAY },
	{ some, 6, 0, false, 10 * DAY },
	{ some, 6, 10 * DAY - 1, false, 10 * DAY },
	{ some, 6, 10 * DAY, true, 10 * DAY + 3600 },
	{ some, 6, 10 * DAY + 3599, true, 10 * DAY + 3600 },
	{ some, 6, 10 * DAY + 3600, false, 12 * DAY },
	{ some, 6, 20 * DAY, true, 21 * DAY },
	/* the week from day 14 to 21, again and again: on from its seventh day to its end */
	{ some, 6, 21 * DAY, false, 27 * DAY },
	{ some, 6, 27 * DAY - 1, false, 27 * DAY },
	{ some, 6, 27 * DAY, true, 28 * DAY },
	{ some, 6, 28 * DAY, false, 34 * DAY },
	{ some, 6, 21 * DAY + 1000 * WEEK, false, 27 * DAY + 1000 * WEEK },
	{ some, 6, INT64_MAX, false, NEVER },
	{ always, 2, DAY - 1, false, DAY },
	{ always, 2, DAY, true, NEVER },
	{ always, 2, DAY + WEEK, true, NEVER },
	{ always, 2, DAY + 100 * WEEK + 5, true, NEVER },
	{ longer, 2, DAY + WEEK, true, NEVER },
	{ nearly, 2, DAY + WEEK - 2, true, DAY + WEEK - 1 },
	{ nearly, 2, DAY + WEEK - 1, false, DAY + WEEK }, /* for one second each week */
	{ nearly, 2, DAY + WEEK, true, DAY + 2 * WEEK - 1 },
	{ short_one, 2, -1, false, 0 },
	{ short_one, 2, 0, true, 1 },
	{ short_one, 2, 1, false, WEEK },
	{ short_one, 2, WEEK, true, WEEK + 1 },
	{ weekend, 4, 8 * DAY - 1, true, 9 * DAY },
	{ weekend, 4, 8 * DAY, true, 9 * DAY },
	{ weekend, 4, 9 * DAY, false, 14 * DAY },
	{ weekend, 4, 14 * DAY, true, 16 * DAY },
};

START_TEST(schedule_rows)
{
	for (size_t i = 0; i < LENGTH(hours); i++) {
		struct sink_schedule schedule = { .edges = hours[i].edges,
			.count = hours[i].count };
		int64_t next = 0;

		ck_assert_msg(sink_schedule_is_on(&schedule, hours[i].now, &next) ==
					hours[i].is_on &&
				next == hours[i].next,
			"row %zu: next %lld", i, (long long)next);
		ck_assert(sink_schedule_is_on(&schedule, hours[i].now, NULL) == hours[i].is_on);
	}
}
END_TEST

/* Second by second: what `next` says is the next second at which it is otherwise. */
START_TEST(schedule_steps)
{
	struct dice dice = { 4711 };

	for (int round = 0; round < 200; round++) {
		int64_t edges[6];
		struct sink_schedule schedule = { .edges = edges,
			.count = 2 + 2 * (size_t)roll(&dice, 3) };
		int64_t at = 0, until, next;
		bool on;

		for (size_t i = 0; i < schedule.count; i++)
			edges[i] = at += 1 + (int64_t)roll(&dice, 250000);
		until = at + 3 * WEEK;
		at = -1;
		on = sink_schedule_is_on(&schedule, at, &next);
		while (next < until) {
			int64_t between = at + (int64_t)roll(&dice, (uint64_t)(next - at));

			ck_assert(sink_schedule_is_on(&schedule, between, NULL) == on);
			ck_assert(sink_schedule_is_on(&schedule, next - 1, NULL) == on);
			at = next;
			ck_assert(sink_schedule_is_on(&schedule, at, &next) == !on && next > at);
			on = !on;
		}
	}
}
END_TEST

/* --- words -------------------------------------------------------------------------------------- */

/* Groups that lie side by side, that alternate, and that are empty: one order, each prefix once, with its group. */
START_TEST(clients_in_one_order)
{
	static struct sink_prefix prefixes[SINK_GROUPS_MAX][40];
	static struct sink_group groups[SINK_GROUPS_MAX];
	struct dice dice = { 7 };

	for (int round = 0; round < 400; round++) {
		struct sink_policy policy = { .groups = groups,
			.groups_count = (size_t)roll(&dice, SINK_GROUPS_MAX + 1) };
		uint32_t spread = (uint32_t)1 << roll(&dice, 12); /* 1: they take turns */
		const struct sink_prefix *prefix, *last = NULL;
		struct clients_merge merge;
		size_t told[SINK_GROUPS_MAX] = { 0 }, total = 0;
		uint8_t group;

		for (size_t g = 0; g < policy.groups_count; g++) {
			uint32_t at = (uint32_t)g;

			groups[g] = (struct sink_group){ .prefixes = prefixes[g],
				.count = (size_t)roll(&dice, LENGTH(prefixes[g]) + 1) };
			for (size_t i = 0; i < groups[g].count; i++) {
				at += (1 + (uint32_t)roll(&dice, spread)) * SINK_GROUPS_MAX;
				prefixes[g][i] =
					(struct sink_prefix){ .family = i < groups[g].count / 2 ? 4
												: 6,
						.bits = 32,
						.bytes = { (uint8_t)(at >> 24), (uint8_t)(at >> 16),
							(uint8_t)(at >> 8), (uint8_t)at } };
			}
			total += groups[g].count;
		}
		clients_merge_begin(&merge, &policy);
		for (; (prefix = clients_merge_next(&merge, &group)) != NULL; last = prefix) {
			ck_assert(group < policy.groups_count && told[group] < groups[group].count);
			ck_assert(prefix == &prefixes[group][told[group]++]);
			ck_assert(!last || sink_prefix_compare(last, prefix) < 0);
			total--;
		}
		ck_assert_uint_eq(total, 0);
	}
}
END_TEST

START_TEST(words)
{
	ck_assert_str_eq(sink_action_word(SINK_ACTION_NONE), "none");
	ck_assert_str_eq(sink_action_word(SINK_ACTION_MONITOR), "monitor");
	ck_assert_str_eq(sink_action_word(SINK_ACTION_TRUNCATE), "truncate");
	ck_assert_str_eq(sink_action_word(SINK_ACTION_COUNT), "?");
	for (unsigned i = 0; i < SINK_ACTION_COUNT; i++)
		ck_assert(sink_action_word((enum sink_action)i)[0] != '?');
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *codec = tcase_create("codec"), *ranges = tcase_create("ranges");
	TCase *schedules = tcase_create("schedules");

	tcase_add_test(codec, rounds);
	tcase_add_test(codec, default_bytes);
	tcase_add_test(codec, golden);
	tcase_add_test(codec, limits);
	tcase_add_test(codec, damage);
	tcase_add_test(codec, broken_off);
	tcase_add_test(codec, heads);
	tcase_add_test(codec, empty_promises);
	tcase_add_test(codec, many_clients);
	tcase_add_test(codec, clients_in_one_order);
	tcase_add_test(codec, words);
	tcase_set_timeout(codec, 120);
	suite_add_tcase(suite, codec);
	tcase_add_test(ranges, range_of_all);
	tcase_add_test(ranges, range_of_names);
	tcase_add_test(ranges, range_of_actions);
	tcase_add_test(ranges, range_of_selectors);
	tcase_add_test(ranges, range_of_bare_rules);
	tcase_add_test(ranges, range_of_clients);
	tcase_add_test(ranges, range_of_groups);
	tcase_add_test(ranges, range_of_schedules);
	tcase_add_test(ranges, range_of_forms);
	suite_add_tcase(suite, ranges);
	tcase_add_test(schedules, schedule_rows);
	tcase_add_test(schedules, schedule_steps);
	suite_add_tcase(suite, schedules);
	return run_suite(suite);
}

/* test_generation.c - what a manifest names is opened, what is the same is shared, and a geo file never keeps a
 * generation from being used. */
#include "sinkhole/generation.h"

#include "base.h"
#include "policies.h"

static char room[PATH_ROOM], country[PATH_ROOM], asn[PATH_ROOM];

static const uint16_t france = 'F' << 8 | 'R';
static const uint32_t bad_host = 64511;

static void enter_room(void)
{
	make_room(room);
	inside(room, "country.mmdb", country);
	inside(room, "asn.mmdb", asn);
}

static void leave_room(void)
{
	clear_room(room);
}

/* --- what is published -------------------------------------------------------------------------- */

enum asks { NOTHING = 0, COUNTRIES = 1, SYSTEMS = 2 };

struct made {
	struct sink_rule rules[3];
	struct sink_policy policy;
};

/* A policy with paths of both files, and rules that ask for them or do not. */
static void make_policy(unsigned asks, enum sink_action last, struct made *out)
{
	size_t count = 0;

	*out = (struct made){ 0 };
	if (asks & COUNTRIES) {
		out->rules[count] = rule_of("clients", SINK_ACTION_NODATA);
		out->rules[count++].client_countries = (struct sink_countries){ &france, 1 };
	}
	if (asks & SYSTEMS) {
		out->rules[count] = rule_of("hosting", SINK_ACTION_NXDOMAIN);
		out->rules[count].is_bare = true;
		out->rules[count++].answer_asns = (struct sink_asns){ &bad_host, 1 };
	}
	out->rules[count++] = rule_of("all", last);
	out->policy = (struct sink_policy){
		.rules = out->rules,
		.rules_count = count,
		.geo_country = sink_span_text(country),
		.geo_asn = sink_span_text(asn),
	};
}

static struct sink_manifest publish(struct sink_publish *what)
{
	struct sink_manifest manifest;
	struct sink_why why;

	what->origin = "compile";
	what->tool = "test";
	ck_assert_msg(sink_store_publish(room, what, &why, &manifest) == SINK_OK, "%s", why.text);
	return manifest;
}

static struct sink_manifest publish_name(const char *name, unsigned asks)
{
	struct base_row row = { name, SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, "test" };
	struct sink_publish what = { 0 };
	struct made made;
	char temp[PATH_ROOM];

	make_policy(asks, SINK_ACTION_NXDOMAIN, &made);
	what.policy = &made.policy;
	ck_assert_int_eq(sink_store_temp(room, NULL, temp, sizeof temp), SINK_OK);
	what.summary = make_base(temp, &row, 1);
	what.temp = temp;
	return publish(&what);
}

static struct sink_manifest publish_policy(uint64_t again, unsigned asks, enum sink_action last)
{
	struct sink_publish what = { .again = again };
	struct made made;

	make_policy(asks, last, &made);
	what.policy = &made.policy;
	return publish(&what);
}

static void put_geo(const char *name, const char *to)
{
	char path[PATH_ROOM], temp[PATH_ROOM];
	struct bytes bytes;

	snprintf(path, sizeof path, TEST_SRCDIR "/tests/data/geo/%s.mmdb", name);
	bytes = read_whole(path);
	write_whole(inside(room, "new", temp), bytes.at, bytes.len);
	ck_assert_int_eq(rename(temp, to), 0);
	free(bytes.at);
}

/* --- what is opened ------------------------------------------------------------------------------- */

static struct {
	unsigned count;
	char text[4][SINK_WHY_MAX];
} neutral;

static void hear(void *arg, const char *text)
{
	ck_assert_ptr_eq(arg, &neutral);
	ck_assert_uint_lt(neutral.count, LENGTH(neutral.text));
	snprintf(neutral.text[neutral.count++], SINK_WHY_MAX, "%s", text);
}

static int try(const struct sink_manifest *manifest, const struct sink_generation *previous,
	struct sink_why *why, struct sink_generation **out)
{
	const struct sink_generation_options options = {
		.dir = room,
		.manifest = manifest,
		.previous = previous,
		.neutral = hear,
		.arg = &neutral,
	};

	neutral.count = 0;
	return sink_generation_open(&options, why, out);
}

static struct sink_generation *open_it(const struct sink_manifest *manifest,
	const struct sink_generation *previous)
{
	struct sink_generation *generation;
	struct sink_why why = { "" };

	ck_assert_msg(try(manifest, previous, &why, &generation) == SINK_OK, "%s", why.text);
	return generation;
}

static enum sink_action decide(const struct sink_generation *generation, const char *text)
{
	struct sink_name name = name_of(text);
	struct sink_verdict verdict;
	struct sink_judge *judge;

	ck_assert_int_eq(sink_judge_begin(generation, &judge), SINK_OK);
	ck_assert_int_eq(decide_name(judge, &name, 0, &verdict), SINK_OK);
	sink_judge_end(judge);
	return verdict.action;
}

static uint32_t find(const struct sink_generation *generation, enum sink_geo_kind kind,
	const char *text)
{
	struct sink_prefix address = prefix_of(text);

	return sink_geo_find(sink_generation_geo(generation, kind), &address);
}

START_TEST(opens)
{
	struct sink_manifest manifest = publish_name("evil.example", NOTHING);
	struct sink_generation *generation = open_it(&manifest, NULL);

	ck_assert_int_eq(decide(generation, "www.evil.example"), SINK_ACTION_NXDOMAIN);
	ck_assert_int_eq(decide(generation, "example"), SINK_ACTION_NONE);
	ck_assert_uint_eq(neutral.count, 0); /* no rule asks for the files that are not there */
	ck_assert_ptr_null(sink_generation_geo(generation, SINK_GEO_COUNTRY));
	ck_assert_ptr_null(sink_generation_geo(generation, SINK_GEO_ASN));
	put_geo("country", country);
	ck_assert(!sink_generation_is_stale(generation));
	sink_generation_close(generation);
	sink_generation_close(NULL);
}
END_TEST

START_TEST(shares_the_base)
{
	struct sink_manifest first = publish_name("evil.example", NOTHING);
	struct sink_manifest second = publish_policy(1, NOTHING, SINK_ACTION_NODATA);
	struct sink_manifest third = publish_name("other.example", NOTHING);
	struct sink_generation *a = open_it(&first, NULL), *b, *c;
	unsigned files = open_files();

	b = open_it(&second, a);
	ck_assert_ptr_eq(sink_generation_db(b), sink_generation_db(a));
	ck_assert_uint_eq(open_files(), files); /* not a copy */
	ck_assert_int_eq(decide(a, "evil.example"), SINK_ACTION_NXDOMAIN);
	ck_assert_int_eq(decide(b, "evil.example"), SINK_ACTION_NODATA);
	sink_generation_close(a);
	ck_assert_int_eq(decide(b, "evil.example"), SINK_ACTION_NODATA);
	c = open_it(&third, b);
	ck_assert_ptr_ne(sink_generation_db(c), sink_generation_db(b));
	sink_generation_close(b);
	ck_assert_int_eq(decide(c, "evil.example"), SINK_ACTION_NONE);
	ck_assert_int_eq(decide(c, "other.example"), SINK_ACTION_NXDOMAIN);
	sink_generation_close(c);
}
END_TEST

/* --- live changes ------------------------------------------------------------------------------- */

/* One change, of what is blocked or, by that source, allowed. */
struct change {
	const char *name, *source;
	bool removes, taken;
};

static int take_change(void *arg, struct sink_span before, struct sink_why *why,
	struct sink_span *after)
{
	struct change *change = arg;

	(void)before;
	(void)why;
	change->taken = false;
	*after = sink_span_text(change->name);
	return SINK_OK;
}

static int next_change(void *arg, struct sink_change *out)
{
	struct change *change = arg;

	if (change->taken)
		return SINK_ENOENT;
	change->taken = true;
	*out = (struct sink_change){ .removes = change->removes,
		.scope = SINK_SCOPE_SUBTREE,
		.record =
			record_of(strcmp(change->source, SINK_SOURCE_ALLOW) == 0 ? SINK_KIND_ALLOW
										 : SINK_KIND_BLOCK,
				change->source) };
	out->subject.trigger = SINK_TRIGGER_QNAME;
	out->subject.name = name_of(change->name);
	return SINK_OK;
}

static struct sink_manifest publish_change(struct change change)
{
	const struct sink_live live = { .take = take_change, .next = next_change, .arg = &change };
	struct sink_publish what = { .live = &live };

	return publish(&what);
}

/* The base is opened once, however often something lies over it. */
START_TEST(shares_the_base_of_deltas)
{
	struct sink_manifest first = publish_name("evil.example", NOTHING);
	struct sink_manifest second =
		publish_change((struct change){ .name = "new.example", .source = "x" });
	struct sink_manifest third = publish_change((struct change){
		.name = "evil.example", .source = "", .removes = true });
	struct sink_manifest fourth = publish_policy(0, NOTHING, SINK_ACTION_NODATA);
	struct sink_generation *a = open_it(&first, NULL), *b = open_it(&second, a), *c, *d, *e;

	ck_assert_ptr_eq(sink_db_base(sink_generation_db(b)), sink_generation_db(a));
	sink_generation_close(a);
	ck_assert_int_eq(decide(b, "new.example"), SINK_ACTION_NXDOMAIN);
	ck_assert_int_eq(decide(b, "evil.example"), SINK_ACTION_NXDOMAIN);
	c = open_it(&third, b);
	ck_assert_ptr_eq(sink_db_base(sink_generation_db(c)), sink_db_base(sink_generation_db(b)));
	sink_generation_close(b);
	ck_assert_int_eq(decide(c, "evil.example"), SINK_ACTION_NONE);
	d = open_it(&fourth, c);
	ck_assert_ptr_eq(sink_generation_db(d), sink_generation_db(c));
	sink_generation_close(c);
	e = open_it(&first, d);
	ck_assert_ptr_eq(sink_generation_db(e), sink_db_base(sink_generation_db(d)));
	sink_generation_close(d);
	ck_assert_int_eq(decide(e, "evil.example"), SINK_ACTION_NXDOMAIN);
	ck_assert_int_eq(decide(e, "new.example"), SINK_ACTION_NONE);
	sink_generation_close(e);
}
END_TEST

/* While something is allowed there is a rule in front, and afterwards there is not. */
START_TEST(allowing_is_a_rule_in_front)
{
	struct sink_manifest first = publish_name("evil.example", NOTHING), second, third;
	struct sink_generation *a = open_it(&first, NULL), *b, *c;
	const struct sink_policy *policy;

	second = publish_change((struct change){
		.name = "evil.example", .source = SINK_SOURCE_ALLOW });
	third = publish_change((struct change){ .name = "new.example", .source = "x" });
	b = open_it(&second, a);
	policy = sink_generation_policy(b);
	ck_assert_uint_eq(policy->rules_count, 2);
	ck_assert(sink_span_equal(policy->rules[0].name, sink_span_text(SINK_SOURCE_ALLOW)));
	ck_assert_int_eq(decide(b, "evil.example"), SINK_ACTION_PASS);
	c = open_it(&third, b);
	ck_assert_uint_eq(sink_generation_policy(c)->rules_count, 1);
	ck_assert_int_eq(decide(c, "evil.example"), SINK_ACTION_NXDOMAIN);
	sink_generation_close(a);
	sink_generation_close(b);
	sink_generation_close(c);
}
END_TEST

/* What lies over a base makes no other rules, but for the first exemption, which is one. */
START_TEST(knows_the_same_rules)
{
	struct sink_manifest first = publish_name("evil.example", NOTHING), paused;
	struct sink_manifest second =
		publish_change((struct change){ .name = "new.example", .source = "x" });
	struct sink_manifest third = publish_change((struct change){
		.name = "evil.example", .source = SINK_SOURCE_ALLOW });
	struct sink_manifest fourth = publish_policy(0, NOTHING, SINK_ACTION_NODATA);
	struct sink_generation *a = open_it(&first, NULL), *b = open_it(&second, a);
	struct sink_generation *c = open_it(&third, b), *d = open_it(&fourth, c), *e;

	paused = second;
	paused.paused_since = 1;
	paused.paused_until = SINK_PAUSED_OPEN;
	e = open_it(&paused, b);
	ck_assert(sink_generation_has_rules_of(a, a));
	ck_assert(sink_generation_has_rules_of(b, a) && sink_generation_has_rules_of(a, b));
	ck_assert(!sink_generation_has_rules_of(c, b) && !sink_generation_has_rules_of(b, c));
	ck_assert(!sink_generation_has_rules_of(d, c));
	ck_assert(!sink_generation_has_rules_of(e, b) && !sink_generation_has_rules_of(b, e));
	sink_generation_close(a);
	sink_generation_close(b);
	sink_generation_close(c);
	sink_generation_close(d);
	sink_generation_close(e);
}
END_TEST

/* One made of parts has no manifest to be compared with. */
START_TEST(shares_nothing_with_parts)
{
	struct sink_manifest first = publish_name("evil.example", NOTHING);
	struct sink_generation *parts, *opened;
	struct sink_db *db;

	ck_assert_int_eq(sink_store_open(room, &first, SINK_MAP_SEALED, NULL, NULL, &db), SINK_OK);
	parts = generation_of(db, &sink_policy_default);
	ck_assert(!sink_generation_is_stale(parts));
	ck_assert(!sink_generation_has_rules_of(parts, parts));
	opened = open_it(&first, parts);
	ck_assert_ptr_ne(sink_generation_db(opened), db);
	sink_generation_close(parts);
	sink_generation_close(opened);
}
END_TEST

START_TEST(shares_geo_files)
{
	struct sink_manifest first, second;
	struct sink_generation *a, *b, *c;

	put_geo("country", country);
	put_geo("asn", asn);
	first = publish_name("evil.example", COUNTRIES | SYSTEMS);
	second = publish_policy(1, COUNTRIES | SYSTEMS, SINK_ACTION_NODATA);
	a = open_it(&first, NULL);
	ck_assert_uint_eq(neutral.count, 0);
	ck_assert_uint_eq(find(a, SINK_GEO_COUNTRY, "192.0.2.1"), france);
	ck_assert_uint_eq(find(a, SINK_GEO_ASN, "203.0.113.1"), bad_host);
	b = open_it(&second, a);
	c = open_it(&second, b);
	ck_assert(sink_generation_has_rules_of(b, c));
	sink_generation_close(c);
	for (int kind = 0; kind < SINK_GEO_KINDS; kind++)
		ck_assert_ptr_eq(sink_generation_geo(a, (enum sink_geo_kind)kind),
			sink_generation_geo(b, (enum sink_geo_kind)kind));
	ck_assert(!sink_generation_is_stale(b));
	put_geo("country-flat", country);
	ck_assert(sink_generation_is_stale(b));
	c = open_it(&second, b);
	ck_assert(!sink_generation_has_rules_of(b, c));
	ck_assert_ptr_ne(sink_generation_geo(b, SINK_GEO_COUNTRY),
		sink_generation_geo(c, SINK_GEO_COUNTRY));
	ck_assert_ptr_eq(sink_generation_geo(b, SINK_GEO_ASN),
		sink_generation_geo(c, SINK_GEO_ASN));
	ck_assert_ptr_eq(sink_generation_db(b), sink_generation_db(c));
	ck_assert(!sink_generation_is_stale(c));
	sink_generation_close(a);
	sink_generation_close(b);
	ck_assert_uint_eq(find(c, SINK_GEO_COUNTRY, "192.0.2.1"), france);
	ck_assert_uint_eq(find(c, SINK_GEO_ASN, "203.0.113.1"), bad_host);
	sink_generation_close(c);
}
END_TEST

static const struct {
	const char *file; /* NULL: none */
	const char *sentence;
	bool is_open;
} states[] = {
	{ NULL, "country.mmdb: No such file or directory: rules that ask for countries are neutral",
		false },
	{ "bad-depth", "damaged one: rules that ask for countries are neutral", false },
	{ "asn", "has a country: rules that ask for countries are neutral", false },
	{ "country-ipv4",
		"country.mmdb: knows no IPv6 addresses: rules that ask for countries are neutral "
		"about those",
		true },
};

/* Said each time: who has heard it before knows that. */
START_TEST(neutral_rules)
{
	struct sink_manifest manifest = publish_name("evil.example", COUNTRIES);
	struct sink_generation *a, *b;

	if (states[_i].file)
		put_geo(states[_i].file, country);
	a = open_it(&manifest, NULL);
	ck_assert_uint_eq(neutral.count, 1);
	ck_assert_msg(strstr(neutral.text[0], states[_i].sentence), "\"%s\"", neutral.text[0]);
	ck_assert_int_eq(sink_generation_geo(a, SINK_GEO_COUNTRY) != NULL, states[_i].is_open);
	ck_assert_int_eq(decide(a, "evil.example"), SINK_ACTION_NXDOMAIN); /* by the next rule */
	ck_assert(!sink_generation_is_stale(a));
	b = open_it(&manifest, a);
	ck_assert_uint_eq(neutral.count, 1);
	ck_assert_msg(strstr(neutral.text[0], states[_i].sentence), "\"%s\"", neutral.text[0]);
	put_geo("country", country);
	ck_assert(sink_generation_is_stale(b));
	sink_generation_close(a);
	a = open_it(&manifest, b);
	ck_assert_uint_eq(neutral.count, 0);
	ck_assert_ptr_nonnull(sink_generation_geo(a, SINK_GEO_COUNTRY));
	ck_assert_int_eq(unlink(country), 0);
	ck_assert(sink_generation_is_stale(a));
	sink_generation_close(b);
	sink_generation_close(a);
}
END_TEST

/* --- what is refused ------------------------------------------------------------------------------ */

static void damage(const char *name, uint64_t size)
{
	char path[2 * PATH_ROOM];
	struct bytes bytes;

	snprintf(path, sizeof path, "%s/gen/%s", room, name);
	bytes = read_whole(path);
	ck_assert_uint_eq(bytes.len, size);
	bytes.at[size / 2] ^= 1;
	write_whole(path, bytes.at, bytes.len);
	free(bytes.at);
}

START_TEST(refuses)
{
	struct sink_manifest manifest = publish_name("evil.example", NOTHING), wrong = manifest;
	struct sink_generation *generation = NULL;
	unsigned files = open_files();
	struct sink_why why = { "" };

	snprintf(wrong.base, sizeof wrong.base, "base-9-x.mdb");
	ck_assert_int_eq(try(&wrong, NULL, &why, &generation), SINK_ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "base-9-x.mdb"));
	wrong = manifest;
	snprintf(wrong.policy, sizeof wrong.policy, "policy-9-x.bin");
	ck_assert_int_eq(try(&wrong, NULL, &why, &generation), SINK_ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "policy-9-x.bin"));
	damage(manifest.policy, manifest.policy_size);
	ck_assert_int_eq(try(&manifest, NULL, &why, &generation), SINK_ECORRUPT);
	ck_assert_ptr_nonnull(strstr(why.text, manifest.policy));
	damage(manifest.policy, manifest.policy_size); /* whole again */
	damage(manifest.base, manifest.base_size);
	ck_assert_int_eq(try(&manifest, NULL, &why, &generation), SINK_ECORRUPT);
	ck_assert_ptr_nonnull(strstr(why.text, manifest.base));
	ck_assert_ptr_null(generation);
	ck_assert_uint_eq(open_files(), files);
}
END_TEST

START_TEST(is_cancelled)
{
	const atomic_bool cancel = true;
	struct sink_generation *generation;
	struct sink_manifest manifest = publish_name("evil.example", NOTHING);
	const struct sink_generation_options options = {
		.dir = room, .manifest = &manifest, .cancel = &cancel
	};

	ck_assert_int_eq(sink_generation_open(&options, NULL, &generation), SINK_ECANCELED);
}
END_TEST

/* --- a pause --------------------------------------------------------------------------------------- */

/* What becomes of a name and the answer that it has, at a time: of one client's, both passes; of all clients'. */
static void check_at(struct sink_judge *judge, int64_t now, bool blocks)
{
	static const uint8_t evil[] = "\4evil\7example";
	const struct sink_span names = sink_span(evil, sizeof evil);
	const struct sink_prefix address = prefix_of("192.0.2.1");
	const struct sink_case what = { .type = 1,
		.now = now,
		.names = &names,
		.names_count = 1,
		.addresses = &address,
		.addresses_count = 1 };
	const enum sink_action action = blocks ? SINK_ACTION_NXDOMAIN : SINK_ACTION_NONE;
	const enum sink_reach wanted = blocks ? SINK_REACH_ALL : SINK_REACH_NONE;
	enum sink_reach reach;
	struct sink_verdict verdict;
	struct sink_client client;
	uint64_t awaited[SINK_RULE_WORDS], any = 0;

	sink_client_of(judge, &address, now, &client);
	ck_assert_int_eq(sink_decide(judge, &what, &client, NULL, NULL, &verdict), SINK_OK);
	ck_assert_int_eq(verdict.action, action);
	sink_awaited(judge, &what, &client, &verdict, awaited);
	for (size_t i = 0; i < SINK_RULE_WORDS; i++)
		any |= awaited[i];
	ck_assert_uint_eq(any, 0);
	ck_assert_int_eq(sink_decide_answer(judge, &what, &client, NULL, NULL, &verdict), SINK_OK);
	ck_assert_int_eq(verdict.action, action);
	ck_assert_int_eq(sink_reach(judge, &what, &reach, &verdict), SINK_OK);
	ck_assert(reach == wanted && !verdict.waits);
	ck_assert_int_eq(sink_reach_answer(judge, &what, &reach, &verdict), SINK_OK);
	ck_assert(reach == wanted);
}

/* One judge is asked forth and back over the end. */
START_TEST(pauses)
{
	static const struct {
		int64_t until, now;
		bool blocks;
	} rows[] = {
		{ 2000, 1999, false },
		{ 2000, 2000, true },
		{ 2000, 0, false }, /* before it began: a clock that is set back ends no pause */
		{ 2000, INT64_MAX, true },
		{ 2000, INT64_MIN, false },
		{ SINK_PAUSED_OPEN, 2000, false },
		{ SINK_PAUSED_OPEN, 253402300799, false },
		{ 1, 0, false },
		{ 1, 1, true },
		{ 0, 0, true },
		{ 0, INT64_MIN, true },
	};
	struct sink_manifest manifest = publish_name("evil.example", NOTHING);

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct sink_generation *generation;
		struct sink_judge *judge;

		manifest.paused_since = rows[i].until ? 1000 : 0;
		manifest.paused_until = rows[i].until;
		generation = open_it(&manifest, NULL);
		ck_assert_int_eq(sink_judge_begin(generation, &judge), SINK_OK);
		check_at(judge, rows[i].now, rows[i].blocks);
		check_at(judge, INT64_MAX - 1, rows[i].until != SINK_PAUSED_OPEN);
		check_at(judge, rows[i].now, rows[i].blocks);
		sink_judge_end(judge);
		sink_generation_close(generation);
	}
}
END_TEST

/* Rules that need no entry, and those that look at the answer, are off as well. */
START_TEST(pauses_bare_rules)
{
	struct sink_manifest manifest;
	struct sink_generation *generation;
	struct sink_judge *judge;

	put_geo("country", country);
	put_geo("asn", asn);
	manifest = publish_name("evil.example", COUNTRIES | SYSTEMS);
	manifest.paused_until = 2000;
	generation = open_it(&manifest, NULL);
	ck_assert_int_eq(sink_judge_begin(generation, &judge), SINK_OK);
	check_at(judge, 1999, false);
	sink_judge_end(judge);
	sink_generation_close(generation);
}
END_TEST

/* The end of a pause is an edge like those of schedules, whichever comes first. */
START_TEST(pause_ends_at_an_edge)
{
	static const int64_t edges[] = { 1000, 3000 };
	static const struct {
		int64_t until, now, next;
	} rows[] = {
		{ 2000, 0, 1000 },
		{ 2000, 1000, 2000 },
		{ 2000, 1999, 2000 },
		{ 2000, 2000, 3000 },
		{ 3000, 1000, 3000 },
		{ 500, 0, 500 },
		{ 500, 500, 1000 },
		{ SINK_PAUSED_OPEN, 1000, 3000 },
		{ 0, 1000, 3000 },
	};
	const struct sink_schedule schedule = { sink_span_text("s"), edges, LENGTH(edges) };
	struct sink_rule rule = rule_of("r", SINK_ACTION_NXDOMAIN);
	struct sink_policy policy = {
		.rules = &rule, .rules_count = 1, .schedules = &schedule, .schedules_count = 1
	};
	struct sink_publish what = { .again = 1, .policy = &policy };
	struct sink_manifest plain = publish_name("evil.example", NOTHING), manifest;

	rule.schedule = 0;
	manifest = publish(&what);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct sink_generation *generation;

		manifest.paused_until = rows[i].until;
		generation = open_it(&manifest, NULL);
		ck_assert_int_eq(sink_generation_next_edge(generation, rows[i].now), rows[i].next);
		sink_generation_close(generation);
	}
	for (int open = 0; open < 2; open++) { /* without a schedule */
		struct sink_generation *generation;

		plain.paused_until = open ? SINK_PAUSED_OPEN : 2000;
		generation = open_it(&plain, NULL);
		ck_assert_int_eq(sink_generation_next_edge(generation, 0), plain.paused_until);
		ck_assert_int_eq(sink_generation_next_edge(generation, 2000), INT64_MAX);
		sink_generation_close(generation);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("generation");
	TCase *tests = tcase_create("opening");

	tcase_add_checked_fixture(tests, enter_room, leave_room);
	tcase_add_test(tests, opens);
	tcase_add_test(tests, shares_the_base);
	tcase_add_test(tests, shares_nothing_with_parts);
	tcase_add_test(tests, shares_the_base_of_deltas);
	tcase_add_test(tests, allowing_is_a_rule_in_front);
	tcase_add_test(tests, knows_the_same_rules);
	tcase_add_test(tests, shares_geo_files);
	tcase_add_loop_test(tests, neutral_rules, 0, LENGTH(states));
	tcase_add_test(tests, refuses);
	tcase_add_test(tests, is_cancelled);
	tcase_add_test(tests, pauses);
	tcase_add_test(tests, pauses_bare_rules);
	tcase_add_test(tests, pause_ends_at_an_edge);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}

/* test_crowd.c - what is left out where one name has too much, and that nobody can tell. */
#include "crowd.h"

#include <stdio.h>

#include "base.h"

#define MOST 700 /* records */
#define TEXT 24 /* bytes */

/* Records as they are stored; the listings name them by their places. */
static struct {
	size_t count;
	struct sink_record at[MOST]; /* as they were before, to look at */
	char texts[MOST][3][TEXT];
	struct sink_span bytes[MOST];
	uint64_t listings[3 * MOST];
	size_t listings_count;
} world;

/* What was told: a line a source, "SOURCE LISTINGS DISTINCT". */
static char told[400];

static void forget(void)
{
	for (size_t i = 0; i < world.count; i++)
		free((void *)(uintptr_t)world.bytes[i].at);
	world.count = world.listings_count = 0;
}

static struct sink_span keep_text(int number, const char *text)
{
	char *to = world.texts[world.count][number];

	snprintf(to, TEXT, "%s", text);
	return sink_span_text(to);
}

/* A record that can be told from all others by its reference. */
static struct sink_record record(const char *source)
{
	struct sink_record record = { .confidence = SINK_CONFIDENCE_NONE };
	char reference[TEXT];

	snprintf(reference, sizeof reference, "order %zu", world.count);
	record.text[SINK_FIELD_SOURCE] = keep_text(0, source);
	record.text[SINK_FIELD_REFERENCE] = keep_text(1, reference);
	return record;
}

static void list(const struct sink_record *record, enum sink_scope scope)
{
	uint8_t bytes[SCHEMA_RECORD_MAX];
	size_t len = schema_record_encode(record, bytes);
	uint8_t *copy = malloc(len + 1);

	ck_assert(len > 0 && copy && world.count < MOST);
	memcpy(copy, bytes, len);
	world.at[world.count] = *record;
	world.bytes[world.count] = sink_span(copy, len);
	world.listings[world.listings_count++] = schema_listing((uint32_t)world.count, scope);
	world.count++;
}

static void list_blocks(const char *source, size_t count, enum sink_scope scope)
{
	for (size_t i = 0; i < count; i++) {
		struct sink_record block = record(source);

		list(&block, scope);
	}
}

static void list_campaigns(const char *source, enum sink_kind kind, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sink_record r = record(source);
		char campaign[TEXT];

		snprintf(campaign, sizeof campaign, "campaign %zu", i);
		r.kind = kind;
		r.text[SINK_FIELD_CAMPAIGN] = keep_text(2, campaign);
		list(&r, SINK_SCOPE_SUBTREE);
	}
}

static void list_times(int64_t from, int64_t until)
{
	struct sink_record r = record("s");

	r.valid_from = from;
	r.valid_until = until;
	list(&r, SINK_SCOPE_SUBTREE);
}

static struct sink_span stored(const void *arg, uint32_t id)
{
	(void)arg;
	return world.bytes[id];
}

static void left_out(void *arg, struct sink_span source, uint64_t listings, uint64_t distinct)
{
	size_t len = strlen(told);

	(void)arg;
	snprintf(told + len, sizeof told - len, "%.*s %llu %llu\n", (int)source.len,
		(const char *)source.at, (unsigned long long)listings,
		(unsigned long long)distinct);
}

/* What stays. */
static uint64_t kept[3 * MOST];
static size_t kept_count;

static int thin(void)
{
	const struct crowd crowd = { .record = stored, .left_out = left_out };

	memcpy(kept, world.listings, sizeof kept);
	kept_count = world.listings_count;
	told[0] = 0;
	return crowd_thin(&crowd, kept, &kept_count);
}

static bool stays(size_t record)
{
	for (size_t i = 0; i < kept_count; i++)
		if (schema_listing_record(kept[i]) == record)
			return true;
	return false;
}

/* --- edges ------------------------------------------------------------------------------------ */

static const size_t counts[] = { 0, 1, 63, 64, 65, 66, 128, 650 };

START_TEST(edges)
{
	size_t count = counts[_i], most = count < SINK_LISTINGS_MAX ? count : SINK_LISTINGS_MAX;
	char wanted[40] = "";

	list_blocks("s", count, SINK_SCOPE_SUBTREE);
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert_uint_eq(kept_count, most);
	ck_assert_mem_eq(kept, world.listings, most * sizeof kept[0]); /* the first ones */
	if (count > most)
		snprintf(wanted, sizeof wanted, "s %zu 0\n", count - most);
	ck_assert_str_eq(told, wanted);
	forget();
}
END_TEST

START_TEST(each_source_for_itself)
{
	for (size_t i = 0; i < 63; i++) {
		list_blocks("many", 1, SINK_SCOPE_EXACT);
		list_blocks("few", 1, SINK_SCOPE_EXACT);
		list_blocks("more", 2, SINK_SCOPE_EXACT);
		list_blocks("", 1, SINK_SCOPE_EXACT); /* no name is one, too */
	}
	list_blocks("few", 1, SINK_SCOPE_EXACT);
	list_blocks("many", 2, SINK_SCOPE_EXACT);
	list_blocks("man", 64, SINK_SCOPE_EXACT);
	list_blocks("", 3, SINK_SCOPE_EXACT);
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert_uint_eq(kept_count, 5 * 64);
	ck_assert_str_eq(told, "many 1 0\nmore 62 0\n 2 0\n");
	ck_assert(stays(5 * 63 + 1)); /* the 64th of "many", and not the next */
	ck_assert(!stays(5 * 63 + 2));
	forget();
}
END_TEST

START_TEST(scopes)
{
	list_blocks("s", 70, SINK_SCOPE_EXACT);
	list_blocks("s", 70, SINK_SCOPE_SUBTREE);
	list_blocks("s", 70, SINK_SCOPE_BELOW);
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert_uint_eq(kept_count, 64);
	ck_assert(stays(0) && stays(70) && stays(140)); /* the first of each: who wins, wins */
	ck_assert(stays(61) && !stays(62) && !stays(71));
	ck_assert_str_eq(told, "s 146 0\n");
	forget();
}
END_TEST

/* One record under two scopes are two listings. */
START_TEST(scopes_of_one_record)
{
	list_blocks("s", 40, SINK_SCOPE_EXACT);
	for (size_t i = 0; i < 40; i++) {
		world.listings[2 * i] = schema_listing((uint32_t)i, SINK_SCOPE_EXACT);
		world.listings[2 * i + 1] = schema_listing((uint32_t)i, SINK_SCOPE_SUBTREE);
	}
	world.listings_count = 80;
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert_uint_eq(kept_count, 64);
	ck_assert_mem_eq(kept, world.listings, 64 * sizeof kept[0]);
	forget();
}
END_TEST

/* --- what stays first ------------------------------------------------------------------------- */

START_TEST(allow_stays)
{
	struct sink_record allow;

	list_blocks("s", 200, SINK_SCOPE_SUBTREE);
	allow = record("s");
	allow.kind = SINK_KIND_ALLOW;
	list(&allow, SINK_SCOPE_EXACT);
	allow = record("s");
	allow.kind = SINK_KIND_ALLOW;
	allow.types = sink_span("\0\0\x1c", 3);
	list(&allow, SINK_SCOPE_EXACT);
	allow.except = sink_span("\0\4com\0", 6);
	list(&allow, SINK_SCOPE_EXACT);
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert_uint_eq(kept_count, 64 + 3);
	ck_assert(stays(200) && stays(201) && stays(202) && stays(63) && !stays(64));
	ck_assert_str_eq(told, "s 136 0\n");
	forget();
}
END_TEST

/* However many: what they say is said by no other. */
START_TEST(allow_has_no_bound)
{
	list_campaigns("s", SINK_KIND_ALLOW, 300);
	list_blocks("s", 65, SINK_SCOPE_SUBTREE);
	list_blocks("t", 1, SINK_SCOPE_SUBTREE);
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert_uint_eq(kept_count, 300 + 64 + 1);
	ck_assert_str_eq(told, "s 1 0\n");
	forget();
}
END_TEST

START_TEST(allow_that_repeats_goes)
{
	for (size_t i = 0; i < 300; i++) {
		struct sink_record allow = record("s");

		allow.kind = SINK_KIND_ALLOW;
		list(&allow, SINK_SCOPE_SUBTREE);
	}
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert_uint_eq(kept_count, 1 + 64);
	ck_assert(stays(0) && stays(64) && !stays(65));
	ck_assert_str_eq(told, "s 235 0\n");
	forget();
}
END_TEST

/* Without a stop a wildcard above would reach the name. */
START_TEST(stops_stay)
{
	list_campaigns("s", SINK_KIND_BLOCK, 100);
	for (size_t i = 0; i < 100; i++) {
		struct sink_record stop = record("s");

		stop.hint = SINK_HINT_STOP;
		list(&stop, SINK_SCOPE_SUBTREE);
	}
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert_uint_eq(kept_count, 100 + 64);
	ck_assert_str_eq(told, "s 36 36\n");
	forget();
}
END_TEST

/* What rules can tell goes before what is done, and repetitions before both. */
START_TEST(shapes_come_first)
{
	struct sink_record last;

	list_blocks("s", 100, SINK_SCOPE_SUBTREE);
	list_campaigns("s", SINK_KIND_BLOCK, 100);
	last = record("s");
	last.types = sink_span("\0\0\x1c", 3);
	list(&last, SINK_SCOPE_SUBTREE);
	last.types = sink_span("\0\0\x1c\0\x41", 5);
	list(&last, SINK_SCOPE_SUBTREE);
	last = record("s");
	last.hint = SINK_HINT_NODATA;
	list(&last, SINK_SCOPE_SUBTREE);
	last = record("s");
	last.kind = SINK_KIND_IMPORTANT;
	list(&last, SINK_SCOPE_SUBTREE);
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert_uint_eq(kept_count, 64);
	ck_assert(stays(0) && !stays(1)); /* the first says all that the hundred say */
	ck_assert(stays(200) && stays(201) && stays(202) && stays(203));
	ck_assert(stays(100) && stays(158) && !stays(159));
	ck_assert_str_eq(told, "s 140 41\n");
	forget();
}
END_TEST

/* More shapes than there is room for: important ones before others. */
START_TEST(important_first)
{
	for (size_t i = 0; i < 100; i++) {
		const uint8_t types[] = { 0, 1, (uint8_t)i };
		struct sink_record r = record("s");

		r.types = sink_span(types, sizeof types);
		r.kind = i < 50 ? SINK_KIND_BLOCK : SINK_KIND_IMPORTANT;
		list(&r, SINK_SCOPE_SUBTREE);
	}
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert_uint_eq(kept_count, 64);
	ck_assert(stays(13) && !stays(14) && !stays(49) && stays(50) && stays(99));
	ck_assert_str_eq(told, "s 36 36\n");
	forget();
}
END_TEST

/* --- times ------------------------------------------------------------------------------------ */

/* A feed says of each when it was first seen: who lasts stays, and who comes first. */
START_TEST(times_that_reach_further)
{
	for (int i = 0; i < 100; i++)
		list_times(1000 + i, 2000 + i);
	list_times(1050, 5000);
	list_times(4000, 0);
	list_times(900, 1000);
	list_times(1, 2);
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert_uint_eq(kept_count, 64);
	/* 900 to 1000, 1000 to 2000, 1050 to 5000, 4000 for ever; and alone, 1 to 2 */
	ck_assert(stays(102) && stays(0) && stays(100) && stays(101) && stays(103));
	ck_assert_str_eq(told, "s 40 0\n");
	forget();
}
END_TEST

START_TEST(times_all_apart)
{
	for (int i = 0; i < 100; i++)
		list_times(1000 + 10 * i, 1005 + 10 * i);
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert_uint_eq(kept_count, 64);
	ck_assert_str_eq(told, "s 36 36\n");
	forget();
}
END_TEST

/* One that is always in force makes all others needless. */
START_TEST(times_for_ever)
{
	for (int i = 0; i < 100; i++)
		list_times(1000 + i, 0);
	list_times(0, 0);
	list_times(5, 5); /* never in force */
	list_times(7, 3);
	ck_assert_int_eq(thin(), SINK_OK);
	ck_assert(stays(100) && stays(0) && stays(62) && !stays(63));
	ck_assert_str_eq(told, "s 39 0\n");
	forget();
}
END_TEST

/* --- nobody can tell -------------------------------------------------------------------------- */

static const int64_t edges_of_time[] = { 0, 10, 20, 30, 40, 50, 60 };

static void list_any(struct dice *dice, unsigned campaigns)
{
	static const char *const sources[] = { "a", "b", "c" };
	struct sink_record r = record(sources[roll(dice, 12) ? 0 : 1 + roll(dice, 2)]);
	size_t from = (size_t)roll(dice, 4), until = from + 1 + (size_t)roll(dice, 3);
	char campaign[TEXT];

	if (roll(dice, 3) == 0) {
		r.valid_from = edges_of_time[from];
		r.valid_until = roll(dice, 4) ? edges_of_time[until] : 0;
	}
	if (roll(dice, 2)) {
		snprintf(campaign, sizeof campaign, "%u", (unsigned)roll(dice, campaigns));
		r.text[SINK_FIELD_CAMPAIGN] = keep_text(2, campaign);
	}
	if (roll(dice, 8) == 0)
		r.kind = (enum sink_kind)roll(dice, SINK_KIND_COUNT);
	if (roll(dice, 8) == 0)
		r.types = sink_span("\0\0\x1c", 3);
	if (roll(dice, 8) == 0)
		r.severity = SINK_SEVERITY_HIGH;
	if (roll(dice, 20) == 0)
		r.hint = roll(dice, 2) ? SINK_HINT_STOP : SINK_HINT_NODATA;
	list(&r, (enum sink_scope)(roll(dice, 6) ? 0 : roll(dice, SINK_SCOPE_COUNT)));
}

static bool is_in_force(const struct sink_record *r, int64_t now)
{
	return (!r->valid_from || now >= r->valid_from) &&
		(!r->valid_until || now < r->valid_until);
}

/* Can no rule tell one from the other, and is the same done? */
static bool says_the_same(uint64_t a, uint64_t b)
{
	const struct sink_record *x = &world.at[schema_listing_record(a)];
	const struct sink_record *y = &world.at[schema_listing_record(b)];

	for (int i = 0; i < SINK_FIELD_COUNT; i++)
		if (i != SINK_FIELD_REFERENCE && !sink_span_equal(x->text[i], y->text[i]))
			return false;
	return x->kind == y->kind && x->severity == y->severity && x->hint == y->hint &&
		sink_span_equal(x->types, y->types) &&
		schema_listing_scope(a) == schema_listing_scope(b);
}

static bool is_kept(uint64_t listing)
{
	for (size_t i = 0; i < kept_count; i++)
		if (kept[i] == listing)
			return true;
	return false;
}

/* Is there, whenever it is in force, one that stays and says the same? */
static bool is_said(uint64_t listing)
{
	const struct sink_record *r = &world.at[schema_listing_record(listing)];

	for (int64_t now = 5; now <= 75; now += 5) {
		bool found = !is_in_force(r, now);

		for (size_t i = 0; i < kept_count && !found; i++)
			found = says_the_same(kept[i], listing) &&
				is_in_force(&world.at[schema_listing_record(kept[i])], now);
		if (!found)
			return false;
	}
	return true;
}

/* Of those that say the same at the same times, the first stays if any does: it would win. */
static void check_first(uint64_t listing)
{
	const struct sink_record *r = &world.at[schema_listing_record(listing)];

	for (size_t i = 0; i < kept_count; i++) {
		const struct sink_record *other = &world.at[schema_listing_record(kept[i])];

		if (says_the_same(kept[i], listing) && other->valid_from == r->valid_from &&
			other->valid_until == r->valid_until)
			ck_assert(kept[i] < listing);
	}
}

static bool spares(const struct sink_record *r)
{
	return r->kind == SINK_KIND_ALLOW || r->hint == SINK_HINT_STOP;
}

static void check_source(const char *name, unsigned long long listings, unsigned long long distinct)
{
	size_t left = 0, blocks = 0, unsaid = 0;

	for (size_t i = 0; i < world.listings_count; i++) {
		const struct sink_record *r = &world.at[schema_listing_record(world.listings[i])];

		if (!sink_span_equal(r->text[SINK_FIELD_SOURCE], sink_span_text(name)))
			continue;
		if (is_kept(world.listings[i])) {
			blocks += !spares(r);
			continue;
		}
		left++;
		ck_assert(r->hint != SINK_HINT_STOP);
		check_first(world.listings[i]);
		unsaid += !is_said(world.listings[i]);
		ck_assert(r->kind != SINK_KIND_ALLOW || is_said(world.listings[i]));
	}
	ck_assert(left == listings);
	ck_assert((unsaid > 0) == (distinct > 0));
	ck_assert(distinct <= left);
	ck_assert(left == 0 || blocks <= SINK_LISTINGS_MAX);
	ck_assert(distinct == 0 || blocks == SINK_LISTINGS_MAX);
}

static void check_told(void)
{
	unsigned long long listings[3] = { 0 }, distinct[3] = { 0 };
	char *rest = NULL;

	for (char *line = strtok_r(told, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char source;
		unsigned long long n, m;

		ck_assert(sscanf(line, "%c %llu %llu", &source, &n, &m) == 3);
		ck_assert(listings[source - 'a'] == 0 && n > 0);
		listings[source - 'a'] = n;
		distinct[source - 'a'] = m;
	}
	check_source("a", listings[0], distinct[0]);
	check_source("b", listings[1], distinct[1]);
	check_source("c", listings[2], distinct[2]);
}

START_TEST(nobody_can_tell)
{
	struct dice dice = { (uint64_t)_i + 1 };

	for (int round = 0; round < 20; round++) {
		size_t count = (size_t)roll(&dice, MOST - 60) + 60;
		unsigned campaigns = 1 + (unsigned)roll(&dice, 40);

		while (world.count < count)
			list_any(&dice, campaigns);
		ck_assert_int_eq(thin(), SINK_OK);
		for (size_t i = 1; i < kept_count; i++)
			ck_assert(kept[i - 1] < kept[i]);
		check_told();
		forget();
	}
}
END_TEST

/* --- what is wrong ---------------------------------------------------------------------------- */

START_TEST(broken_record)
{
	list_blocks("s", 70, SINK_SCOPE_SUBTREE);
	world.bytes[69].len--;
	ck_assert_int_eq(thin(), SINK_ECORRUPT);
	ck_assert_uint_eq(kept_count, 70);
	ck_assert_mem_eq(kept, world.listings, 70 * sizeof kept[0]);
	ck_assert_str_eq(told, "");
	forget();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crowd");
	TCase *rules = tcase_create("rules");
	TCase *dice = tcase_create("dice");

	tcase_add_loop_test(rules, edges, 0, LENGTH(counts));
	tcase_add_test(rules, each_source_for_itself);
	tcase_add_test(rules, scopes);
	tcase_add_test(rules, scopes_of_one_record);
	tcase_add_test(rules, allow_stays);
	tcase_add_test(rules, allow_has_no_bound);
	tcase_add_test(rules, allow_that_repeats_goes);
	tcase_add_test(rules, stops_stay);
	tcase_add_test(rules, shapes_come_first);
	tcase_add_test(rules, important_first);
	tcase_add_test(rules, times_that_reach_further);
	tcase_add_test(rules, times_all_apart);
	tcase_add_test(rules, times_for_ever);
	tcase_add_test(rules, broken_record);
	suite_add_tcase(suite, rules);
	tcase_add_loop_test(dice, nobody_can_tell, 0, 10);
	tcase_set_timeout(dice, 120);
	suite_add_tcase(suite, dice);
	return run_suite(suite);
}

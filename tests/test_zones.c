/* test_zones.c - what golden files of zones and AdBlock lists cannot show: records gathered in parts, what
 * $badfilter takes back, and modifiers counted by name. */
#include <stdio.h>

#include "base.h"
#include "feed.h"
#include "lines.h"
#include "localdata.h"
#include "rr.h"
#include "withdraw.h"

/* --- local data ------------------------------------------------------------------------------------- */

struct told {
	size_t entries, skips, items;
	size_t bytes; /* of data, in all */
	struct sink_name last;
};

static int tell_entry(void *arg, const struct feed_entry *entry)
{
	struct told *told = arg;

	told->entries++;
	told->bytes += entry->says->record.data.len;
	told->last = entry->name;
	ck_assert(entry->says->record.hint == SINK_HINT_DATA);
	return SINK_OK;
}

static void tell_skip(void *arg, enum feed_reason reason, struct sink_span detail,
	struct sink_span what)
{
	struct told *told = arg;

	(void)reason;
	(void)detail;
	(void)what;
	told->skips++;
}

static void tell_item(void *arg, uint64_t number)
{
	struct told *told = arg;

	ck_assert(number > 0);
	told->items++;
}

static struct feed_out out_to(struct told *told)
{
	return (struct feed_out){
		.entry = tell_entry, .skip = tell_skip, .item = tell_item, .arg = told
	};
}

static void add(struct localdata *data, const char *name, uint16_t type, uint32_t number)
{
	uint8_t rdata[4] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16),
		(uint8_t)(number >> 8), (uint8_t)number },
		rr[RR_HEAD + 4];
	struct feed_entry subject;
	size_t len = rr_data(type, 60, sink_span(rdata, sizeof rdata), rr);

	feed_entry_init(&subject);
	ck_assert(sink_name_from_text(sink_span_text(name), &subject.name) == SINK_OK);
	ck_assert(localdata_add(data, &subject, number, sink_span(rr, len), sink_span_text(name)) ==
		SINK_OK);
}

START_TEST(names_become_one_entry_each)
{
	struct localdata data = { 0 };
	struct told told = { 0 };
	struct feed_out out = out_to(&told);

	add(&data, "b.example", RR_TYPE_A, 1);
	add(&data, "a.example", RR_TYPE_A, 2);
	add(&data, "b.example", RR_TYPE_A, 3);
	ck_assert_int_eq(localdata_tell(&data, true, &out), SINK_OK);
	ck_assert_uint_eq(told.entries, 2);
	ck_assert_uint_eq(told.items, 2);
	ck_assert_uint_eq(told.bytes, 3 * (RR_HEAD + 4));
	ck_assert_int_eq(localdata_tell(&data, true, &out), SINK_OK); /* forgotten */
	ck_assert_uint_eq(told.entries, 2);
	localdata_end(&data);
}
END_TEST

/* In the middle of a file, the newest name may not be complete. */
START_TEST(newest_name_waits)
{
	struct localdata data = { 0 };
	struct told told = { 0 };
	struct feed_out out = out_to(&told);

	for (uint32_t i = 1; i <= 10; i++)
		add(&data, i % 2 ? "a.example" : "b.example", RR_TYPE_A, i);
	add(&data, "m.example", RR_TYPE_A, 11);
	ck_assert_int_eq(localdata_tell(&data, false, &out), SINK_OK);
	ck_assert_uint_eq(told.entries, 2);
	add(&data, "m.example", RR_TYPE_A, 12);
	ck_assert_int_eq(localdata_tell(&data, true, &out), SINK_OK);
	ck_assert_uint_eq(told.entries, 3);
	ck_assert_uint_eq(told.bytes, 12 * (RR_HEAD + 4));
	localdata_end(&data);
}
END_TEST

START_TEST(memory_has_an_end)
{
	struct localdata data = { 0 };
	struct told told = { 0 };
	struct feed_out out = out_to(&told);
	uint32_t count = 0;

	while (!localdata_is_full(&data)) {
		char name[32];

		snprintf(name, sizeof name, "n%u.example", count / 2);
		add(&data, name, RR_TYPE_A, ++count);
	}
	ck_assert_uint_lt(data.room, 2 * LOCALDATA_MAX);
	ck_assert_int_eq(localdata_tell(&data, false, &out), SINK_OK);
	ck_assert(!localdata_is_full(&data));
	ck_assert_uint_eq(told.entries, (count - 1) / 2);
	ck_assert_int_eq(localdata_tell(&data, true, &out), SINK_OK);
	ck_assert_uint_eq(told.bytes, count * (RR_HEAD + 4));
	localdata_end(&data);
}
END_TEST

/* --- $badfilter ------------------------------------------------------------------------------------- */

struct rules {
	struct withdrawn *withdrawn;
	size_t taken;
};

static int gather(void *arg, const struct feed_entry *entry)
{
	struct rules *rules = arg;

	return entry->withdraws ? withdraw_add(rules->withdrawn, entry) : FEED_TAKEN;
}

static int count(void *arg, const struct feed_entry *entry)
{
	struct rules *rules = arg;

	rules->taken += !entry->withdraws && !withdraw_has(rules->withdrawn, entry);
	return FEED_TAKEN;
}

static void read_text(const char *text, const struct feed_sink *sink, struct feed_tally *tally)
{
	struct lines *lines;

	memset(tally, 0, sizeof *tally);
	ck_assert(lines_open_bytes(sink_span_text(text), NULL, &lines) == SINK_OK);
	ck_assert(feed_read(lines, &feed_adblock, NULL, sink, tally, NULL) == SINK_OK);
	lines_close(lines);
}

static const struct {
	const char *rules;
	size_t left;
} badfilters[] = {
	{ "||a.example^\n||a.example^$badfilter", 0 },
	{ "||a.example^$dnstype=A\n||a.example^$dnstype=A,badfilter", 0 },
	{ "||a.example^$dnstype=A\n||a.example^$badfilter", 1 },
	{ "||a.example^\n||a.example^$dnstype=A,badfilter", 1 },
	{ "||a.example^$dnstype=A\n||a.example^$dnstype=AAAA,badfilter", 1 },
	{ "||a.example^$dnstype=A\n||a.example^$dnstype=~A,badfilter", 1 },
	{ "||a.example^$dnstype=A|AAAA\n||a.example^$badfilter,dnstype=AAAA|A", 0 },
	{ "||a.example^$denyallow=b.a.example\n||a.example^$denyallow=b.a.example,badfilter", 0 },
	{ "||a.example^$denyallow=b.a.example\n||a.example^$denyallow=c.a.example,badfilter", 1 },
	{ "||a.example^$dnsrewrite=NXDOMAIN;;\n||a.example^$dnsrewrite=REFUSED,badfilter", 1 },
	{ "||a.example^$dnsrewrite=192.0.2.1\n||a.example^$dnsrewrite=192.0.2.2,badfilter", 1 },
	{ "||a.example^$dnsrewrite=192.0.2.1\n||a.example^$dnsrewrite=192.0.2.1,badfilter", 0 },
	{ "0.0.0.0 a.example\n||a.example^$badfilter", 1 }, /* that one is about the name alone */
};

START_TEST(takes_back_its_equal)
{
	struct withdrawn withdrawn = { 0 };
	struct rules rules = { .withdrawn = &withdrawn };
	struct feed_sink first = { .entry = gather, .arg = &rules },
			 second = { .entry = count, .arg = &rules };
	struct feed_tally tally;

	read_text(badfilters[_i].rules, &first, &tally);
	withdraw_sort(&withdrawn);
	read_text(badfilters[_i].rules, &second, &tally);
	ck_assert_msg(rules.taken == badfilters[_i].left, "%s: %zu left", badfilters[_i].rules,
		rules.taken);
	withdraw_end(&withdrawn);
}
END_TEST

/* --- modifiers by name ------------------------------------------------------------------------------ */

static uint64_t detail_count(const struct feed_tally *tally, enum feed_reason reason,
	const char *word)
{
	for (size_t i = 0; i < tally->details_count; i++)
		if (tally->details[i].reason == reason &&
			sink_span_equal(sink_span(tally->details[i].text, tally->details[i].len),
				sink_span_text(word)))
			return tally->details[i].count;
	return 0;
}

static int take(void *arg, const struct feed_entry *entry)
{
	(void)arg;
	(void)entry;
	return FEED_TAKEN;
}

START_TEST(modifiers_are_counted_by_name)
{
	static const char text[] = "||a.example^$third-party,image\n||b.example^$image\n"
				   "||c.example^$domain=x|y\n||d.example^$domain=z,image\n"
				   "||e.example^$dnstype=FOO\n@@||f.example^$image\n"
				   "||g.example/path\n||h.example^$important,~image";
	struct feed_sink sink = { .entry = take };
	struct feed_tally tally;

	read_text(text, &sink, &tally);
	ck_assert_uint_eq(detail_count(&tally, FEED_MODIFIER, "third-party"), 1);
	ck_assert_uint_eq(detail_count(&tally, FEED_MODIFIER, "image"), 1);
	ck_assert_uint_eq(detail_count(&tally, FEED_MODIFIER, "~image"), 1);
	ck_assert_uint_eq(detail_count(&tally, FEED_MODIFIER, "domain"), 2);
	ck_assert_uint_eq(detail_count(&tally, FEED_MODIFIER, "dnstype"), 1);
	ck_assert_uint_eq(detail_count(&tally, FEED_EXCEPTION, "image"), 1);
	ck_assert_uint_eq(tally.details_count, 6);
	ck_assert_uint_eq(tally.skips[FEED_MODIFIER].lines, 6);
}
END_TEST

/* --- TTLs ------------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	enum feed_reason reason;
	uint32_t seconds;
} ttls[] = {
	{ "0", FEED_TAKEN, 0 },
	{ "2147483647", FEED_TAKEN, 2147483647 },
	{ "2147483648", FEED_VALUE, 0 },
	{ "18446744073709551617", FEED_VALUE, 0 },
	{ "1w", FEED_TAKEN, 604800 },
	{ "1H30M", FEED_TAKEN, 5400 },
	{ "1h30", FEED_TAKEN, 3630 },
	{ "3551w", FEED_VALUE, 0 },
	{ "3550w3550w", FEED_VALUE, 0 },
	{ "", FEED_SYNTAX, 0 },
	{ "h", FEED_SYNTAX, 0 },
	{ "1hh", FEED_SYNTAX, 0 },
	{ "-1", FEED_SYNTAX, 0 },
	{ "99999999999x", FEED_SYNTAX, 0 },
};

START_TEST(ttl_is_read)
{
	uint32_t seconds = 0;

	ck_assert_int_eq(rr_ttl(sink_span_text(ttls[_i].text), &seconds), ttls[_i].reason);
	ck_assert_uint_eq(seconds, ttls[_i].seconds);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zones");
	TCase *data = tcase_create("local data");
	TCase *rules = tcase_create("rules");

	tcase_set_timeout(data, 60);
	tcase_add_test(data, names_become_one_entry_each);
	tcase_add_test(data, newest_name_waits);
	tcase_add_test(data, memory_has_an_end);
	tcase_add_loop_test(data, ttl_is_read, 0, LENGTH(ttls));
	suite_add_tcase(suite, data);
	tcase_add_loop_test(rules, takes_back_its_equal, 0, LENGTH(badfilters));
	tcase_add_test(rules, modifiers_are_counted_by_name);
	suite_add_tcase(suite, rules);
	return run_suite(suite);
}

/* test_schedule.c - from days and hours of a place to seconds: leaps of the clock, midnights, whole weeks. */
#include "schedule.h"

#include <time.h>

#include "base.h"
#include "when.h"

#define DAY 86400
#define MON 1
#define TUE 2
#define SAT 32
#define SUN 64

struct edges {
	int64_t *at;
	size_t count;
};

static int64_t second(const char *text)
{
	int64_t out;

	ck_assert_msg(when_parse(text, &out), "%s", text);
	return out;
}

/* "08:00-16:30 22:00-02:00". */
static struct schedule_week week_of(const char *zone, uint8_t days, const char *hours)
{
	struct schedule_week week = { .days = days, .zone = zone };
	char text[16];

	for (; *hours; hours += strcspn(hours, " "), hours += *hours == ' ') {
		snprintf(text, sizeof text, "%.*s", (int)strcspn(hours, " "), hours);
		ck_assert_msg(schedule_hours_parse(text, &week.hours[week.count++]), "%s", text);
	}
	return week;
}

static struct edges expand(const char *zone, uint8_t days, const char *hours, const char *now)
{
	struct schedule_week week = week_of(zone, days, hours);
	struct edges out = { 0 };

	ck_assert_int_eq(schedule_expand(&week, second(now), &out.at, &out.count), SINK_OK);
	ck_assert_uint_eq(out.count % 2, 0);
	for (size_t i = 1; i < out.count; i++)
		ck_assert_int_lt(out.at[i - 1], out.at[i]);
	return out;
}

static bool is_on(const struct edges *edges, int64_t when)
{
	size_t passed = 0;

	while (passed < edges->count && edges->at[passed] <= when)
		passed++;
	return passed % 2;
}

static bool has_range(const struct edges *edges, int64_t from, int64_t until)
{
	for (size_t i = 0; i < edges->count; i += 2)
		if (edges->at[i] == from && edges->at[i + 1] == until)
			return true;
	return false;
}

/* --- one range of many ------------------------------------------------------------------------------------ */

static const struct {
	const char *zone;
	uint8_t days;
	const char *hours, *now, *from, *until;
} ranges[] = {
	/* Paris leaps from 02:00 to 03:00 on 2026-03-29 at 01:00 UTC, and from 03:00 back to 02:00 on 2026-10-25 */
	{ "Europe/Paris", SAT, "08:00-16:30", "2026-03-25", "2026-03-28T07:00Z",
		"2026-03-28T15:30Z" },
	{ "Europe/Paris", SUN, "08:00-16:30", "2026-03-25", "2026-03-29T06:00Z",
		"2026-03-29T14:30Z" },
	{ "Europe/Paris", SUN, "01:30-02:30", "2026-03-25", "2026-03-29T00:30Z",
		"2026-03-29T01:00Z" },
	{ "Europe/Paris", SUN, "02:30-04:00", "2026-03-25", "2026-03-29T01:00Z",
		"2026-03-29T02:00Z" },
	{ "Europe/Paris", SUN, "02:00-03:01", "2026-03-25", "2026-03-29T01:00Z",
		"2026-03-29T01:01Z" },
	{ "Europe/Paris", SAT, "22:00-06:00", "2026-03-25", "2026-03-28T21:00Z",
		"2026-03-29T04:00Z" },
	{ "Europe/Paris", SUN, "", "2026-03-25", "2026-03-28T23:00Z", "2026-03-29T22:00Z" },
	{ "Europe/Paris", SUN, "", "2026-10-20", "2026-10-24T22:00Z", "2026-10-25T23:00Z" },
	{ "Europe/Paris", SUN, "08:00-16:30", "2026-10-20", "2026-10-25T07:00Z",
		"2026-10-25T15:30Z" },
	{ "Europe/Paris", SUN, "01:00-02:30", "2026-10-20", "2026-10-24T23:00Z",
		"2026-10-25T01:30Z" },
	{ "Europe/Paris", SUN, "02:30-04:00", "2026-10-20", "2026-10-25T00:30Z",
		"2026-10-25T03:00Z" },
	{ "Europe/Paris", SUN, "02:15-02:45", "2026-10-20", "2026-10-25T00:15Z",
		"2026-10-25T01:45Z" },
	{ "Europe/Paris", SUN, "01:00-03:00", "2026-10-20", "2026-10-24T23:00Z",
		"2026-10-25T02:00Z" },
	/* the next year's, too: all is written out now */
	{ "Europe/Paris", SUN, "02:30-04:00", "2026-03-25", "2027-03-28T01:00Z",
		"2027-03-28T02:00Z" },
	/* a leap of half an hour; one at midnight, which is then left out */
	{ "Australia/Lord_Howe", SUN, "01:15-01:45", "2026-04-01", "2026-04-04T14:15Z",
		"2026-04-04T15:15Z" },
	{ "Asia/Beirut", SUN, "", "2026-03-25", "2026-03-28T22:00Z", "2026-03-29T21:00Z" },
	/* far from UTC; not by whole hours */
	{ "Pacific/Kiritimati", MON, "00:00-01:00", "2026-06-01", "2026-06-07T10:00Z",
		"2026-06-07T11:00Z" },
	{ "Etc/GMT+12", MON, "23:00-24:00", "2026-06-01", "2026-06-09T11:00Z",
		"2026-06-09T12:00Z" },
	{ "Asia/Kathmandu", TUE, "09:00-10:00", "2026-06-01", "2026-06-02T03:15Z",
		"2026-06-02T04:15Z" },
	/* past midnight */
	{ "UTC", MON, "22:00-02:00", "2026-06-01", "2026-06-01T22:00Z", "2026-06-02T02:00Z" },
	{ "UTC", MON, "22:00-00:00", "2026-06-01", "2026-06-01T22:00Z", "2026-06-02" },
	{ "UTC", MON, "16:00-08:00", "2026-06-01", "2026-06-01T16:00Z", "2026-06-02T08:00Z" },
	/* what touches is one */
	{ "UTC", MON | TUE, "", "2026-06-01", "2026-06-01", "2026-06-03" },
	{ "UTC", SAT | SUN | MON, "", "2026-06-01", "2026-06-06", "2026-06-09" },
	{ "UTC", MON | TUE, "20:00-04:00 04:00-05:00", "2026-06-01", "2026-06-01T20:00Z",
		"2026-06-02T05:00Z" },
	{ "UTC", MON, "08:00-12:00 10:00-11:00 11:30-14:00", "2026-06-01", "2026-06-01T08:00Z",
		"2026-06-01T14:00Z" },
	/* last week, of which a lookup may ask; and the day that is on now */
	{ "UTC", MON, "", "2026-06-09T12:00Z", "2026-06-08", "2026-06-09" },
	{ "UTC", MON, "", "2026-06-07", "2026-06-01", "2026-06-02" },
	/* 1970-01-01 was a Thursday */
	{ "UTC", MON, "", "1970-01-01", "1970-01-05", "1970-01-06" },
};

START_TEST(a_range)
{
	struct edges edges =
		expand(ranges[_i].zone, ranges[_i].days, ranges[_i].hours, ranges[_i].now);

	ck_assert_msg(has_range(&edges, second(ranges[_i].from), second(ranges[_i].until)),
		"%d: %s %s %s", _i, ranges[_i].zone, ranges[_i].hours, ranges[_i].from);
	free(edges.at);
}
END_TEST

START_TEST(an_hour_that_is_left_out)
{
	struct edges edges = expand("Europe/Paris", SUN, "02:15-02:45", "2026-03-25");

	for (int64_t t = second("2026-03-28T23:00Z"); t < second("2026-03-29T22:00Z"); t += 60)
		ck_assert(!is_on(&edges, t));
	ck_assert(has_range(&edges, second("2026-04-05T00:15Z"), second("2026-04-05T00:45Z")));
	free(edges.at);
}
END_TEST

/* --- the whole ------------------------------------------------------------------------------------------------ */

static const struct {
	uint8_t days;
	const char *hours;
	bool is_always;
} weeks[] = {
	{ 0, "", true },
	{ 127, "", true },
	{ 127, "00:00-24:00", true },
	{ 0, "08:00-20:00 20:00-08:00", true },
	{ 0, "00:00-12:00 11:00-23:00 23:00-00:00", true },
	{ 126, "", false },
	{ 0, "00:00-23:59", false },
	{ 0, "08:00-20:00 20:01-08:00", false },
};

START_TEST(always_on_is_no_schedule)
{
	static const char *const zones[] = { "UTC", "Europe/Paris", "Asia/Beirut",
		"Australia/Lord_Howe" };

	for (size_t i = 0; i < LENGTH(zones); i++) {
		struct edges edges =
			expand(zones[i], weeks[_i].days, weeks[_i].hours, "2026-06-01");

		ck_assert_int_eq(edges.count == 0, weeks[_i].is_always);
		ck_assert_int_eq(edges.at == NULL, weeks[_i].is_always);
		free(edges.at);
	}
}
END_TEST

START_TEST(more_than_a_year)
{
	struct edges edges = expand("Europe/Paris", 0,
		"08:00-09:00 10:00-11:00 12:00-13:00 14:00-15:00 "
		"16:00-17:00 18:00-19:00 20:00-21:00 22:00-23:00",
		"2026-06-01");

	ck_assert_int_le(edges.at[0], second("2026-06-01") - 7 * DAY);
	ck_assert_int_ge(edges.at[edges.count - 1], second("2026-06-01") + INT64_C(400) * DAY);
	ck_assert_uint_le(edges.count, 8192); /* SINK_EDGES_MAX */
	free(edges.at);
}
END_TEST

/* By the C library's own clock, minute by minute, on days without a leap. */
static bool clock_says(const struct schedule_week *week, int64_t when)
{
	for (int yesterday = 0; yesterday < 2; yesterday++) {
		time_t t = (time_t)when;
		struct tm tm;
		int minute;

		ck_assert_ptr_nonnull(localtime_r(&t, &tm));
		minute = tm.tm_hour * 60 + tm.tm_min + yesterday * 1440;
		if (week->days && !(week->days & 1 << (tm.tm_wday + 6 - yesterday) % 7))
			continue;
		for (size_t i = 0; i < week->count; i++) {
			int until = week->hours[i].until;

			until += until <= week->hours[i].from ? 1440 : 0;
			if (minute >= week->hours[i].from && minute < until)
				return true;
		}
	}
	return false;
}

START_TEST(as_the_clock_says)
{
	static const char *const zones[] = { "Europe/Paris", "America/New_York", "Asia/Kathmandu" };
	struct dice dice = { 0x5eed };

	for (int round = 0; round < 60; round++) {
		const char *zone = zones[roll(&dice, LENGTH(zones))];
		struct schedule_week week = { .zone = zone, .days = (uint8_t)roll(&dice, 128) };
		struct edges edges = { 0 };

		week.count = 1 + roll(&dice, 3);
		for (size_t i = 0; i < week.count; i++) {
			week.hours[i].from = (int)roll(&dice, 1440);
			week.hours[i].until = 1 + (int)roll(&dice, 1440);
			if (week.hours[i].until == week.hours[i].from)
				week.hours[i].until++;
		}
		ck_assert_int_eq(schedule_expand(&week, second("2026-06-01"), &edges.at,
					 &edges.count),
			SINK_OK);
		setenv("TZ", zone, 1);
		tzset();
		for (int64_t t = second("2026-06-10"); edges.at && t < second("2026-06-18");
			t += 60)
			ck_assert_int_eq(is_on(&edges, t), clock_says(&week, t));
		free(edges.at);
	}
}
END_TEST

/* --- what is none ------------------------------------------------------------------------------------------------ */

static const char *const no_zones[] = { "", "Europe", "Europe/", "Europe/Pariss", "europe/paris!",
	"/etc/localtime", "../../../etc/localtime", "Europe/../UTC", ".", "zone.tab", "tzdata.zi",
	"Europe//Paris", "UTC\n", "CET-1CEST,M3.5.0,M10.5.0/3" };

START_TEST(no_zone)
{
	struct schedule_week week = { .zone = no_zones[_i], .days = MON };
	int64_t *edges = NULL;
	size_t count;

	ck_assert(!schedule_is_zone(no_zones[_i]));
	ck_assert_int_eq(schedule_expand(&week, 0, &edges, &count), SINK_ENOENT);
	ck_assert_ptr_null(edges);
}
END_TEST

START_TEST(times_that_are_none)
{
	struct schedule_week week = { .zone = "UTC", .days = MON };
	int64_t *edges = NULL;
	size_t count;

	ck_assert_int_eq(schedule_expand(&week, INT64_C(1) << 40, &edges, &count), SINK_EINVAL);
	ck_assert_int_eq(schedule_expand(&week, -(INT64_C(1) << 40), &edges, &count), SINK_EINVAL);
	/* the end of time as files have it */
	ck_assert_int_eq(schedule_expand(&week, INT64_C(253402300799), &edges, &count), SINK_OK);
	ck_assert_int_le(edges[count - 1], INT64_C(253402300799));
	free(edges);
}
END_TEST

/* Local time is the process's: it is as it was. */
START_TEST(the_zone_is_put_back)
{
	struct schedule_week week = { .zone = "Europe/Paris", .days = MON };
	time_t t = 0;
	int64_t *edges;
	size_t count;
	struct tm tm;

	setenv("TZ", "Asia/Tokyo", 1);
	ck_assert_int_eq(schedule_expand(&week, 0, &edges, &count), SINK_OK);
	free(edges);
	ck_assert_str_eq(getenv("TZ"), "Asia/Tokyo");
	localtime_r(&t, &tm);
	ck_assert_int_eq(tm.tm_hour, 9);
	unsetenv("TZ");
	ck_assert_int_eq(schedule_expand(&week, 0, &edges, &count), SINK_OK);
	free(edges);
	ck_assert_ptr_null(getenv("TZ"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schedule");
	TCase *on = tcase_create("ranges");
	TCase *none = tcase_create("none");

	tcase_add_loop_test(on, a_range, 0, LENGTH(ranges));
	tcase_add_test(on, an_hour_that_is_left_out);
	tcase_add_loop_test(on, always_on_is_no_schedule, 0, LENGTH(weeks));
	tcase_add_test(on, more_than_a_year);
	tcase_add_test(on, as_the_clock_says);
	tcase_set_timeout(on, 60);
	suite_add_tcase(suite, on);
	tcase_add_loop_test(none, no_zone, 0, LENGTH(no_zones));
	tcase_add_test(none, times_that_are_none);
	tcase_add_test(none, the_zone_is_put_back);
	suite_add_tcase(suite, none);
	return run_suite(suite);
}

/* test_gauge.c - what workers count is lost by none, and what is written of it, of generations and of their times. */
#include "gauge.h"

#include <pthread.h>
#include <time.h>

#include "base.h"
#include "sinkhole/stats.h"

#define WORKERS 4U
#define TIMES UINT64_C(100000)

static char room[PATH_ROOM], run[PATH_ROOM];
static struct counters *counters;
static atomic_ulong failures;
static struct mail *mail;
static struct gauge *gauge;
static struct sink_why why;

static struct {
	unsigned count, alarms;
	char text[MAIL_TEXT_MAX];
} said;

static void hear(void *arg, bool alarm, const char *text)
{
	(void)arg;
	said.count++;
	said.alarms += alarm;
	snprintf(said.text, sizeof said.text, "%s", text);
}

/* What was said since the last time. */
static void heard(unsigned count, bool alarm, const char *part)
{
	memset(&said, 0, sizeof said);
	mail_take(mail, hear, NULL);
	ck_assert_uint_eq(said.count, count);
	ck_assert_uint_eq(said.alarms, alarm);
	ck_assert_msg(strstr(said.text, part) != NULL, "\"%s\" is not in \"%s\"", part, said.text);
}

static struct gauge *gauge_in(const char *dir)
{
	struct gauge *out = NULL;

	ck_assert_int_eq(gauge_new(dir, "0.1.0-test", counters, &failures, mail, &out), SINK_OK);
	return out;
}

static void begin(void)
{
	make_room(room);
	ck_assert_int_eq(counters_new(WORKERS, &counters), SINK_OK);
	ck_assert_int_eq(mail_new(&mail), SINK_OK);
	gauge = gauge_in(inside(room, "run", run));
}

static void end(void)
{
	gauge_free(gauge);
	mail_free(mail);
	counters_free(counters);
	clear_room(room);
}

static struct sink_stats written(bool wanted)
{
	struct sink_stats stats;
	bool runs;

	ck_assert_msg(sink_stats_read(run, &why, &runs, &stats) == SINK_OK, "%s", why.text);
	ck_assert_int_eq(runs, wanted);
	return stats;
}

/* --- counters ----------------------------------------------------------------------------------------------------- */

START_TEST(counted)
{
	counters_add(counters, 0, SINK_ACTION_DROP, 5);
	counters_add(counters, 3, SINK_ACTION_DROP, 2);
	counters_add(counters, 3, COUNTER_MONITORED, 1);
	counters_add(counters, WORKERS, SINK_ACTION_DROP, 7); /* one that was not expected */
	counters_add(counters, 0, COUNTER_COUNT, 7);
	ck_assert_uint_eq(counters_sum(counters, SINK_ACTION_DROP), 7);
	ck_assert_uint_eq(counters_sum(counters, COUNTER_MONITORED), 1);
	ck_assert_uint_eq(counters_sum(counters, SINK_ACTION_NONE), 0);
	ck_assert_uint_eq(counters_sum(counters, COUNTER_SERVFAIL), 0);
	counters_free(NULL);
}
END_TEST

static void *work(void *arg)
{
	for (uint64_t i = 0; i < TIMES; i++) {
		counters_add(counters, *(unsigned *)arg, SINK_ACTION_NODATA, 1);
		counters_add(counters, *(unsigned *)arg, COUNTER_SERVFAIL, 2);
	}
	return NULL;
}

START_TEST(by_many)
{
	unsigned numbers[WORKERS];
	pthread_t threads[WORKERS];
	uint64_t last = 0;

	for (unsigned i = 0; i < WORKERS; i++) {
		numbers[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &numbers[i]), 0);
	}
	for (int i = 0; i < 1000; i++) {
		uint64_t sum = counters_sum(counters, SINK_ACTION_NODATA);

		ck_assert(sum >= last && sum <= WORKERS * TIMES);
		last = sum;
	}
	for (unsigned i = 0; i < WORKERS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_eq(counters_sum(counters, SINK_ACTION_NODATA), WORKERS * TIMES);
	ck_assert_uint_eq(counters_sum(counters, COUNTER_SERVFAIL), TIMES * WORKERS * 2);
}
END_TEST

/* --- what is written ---------------------------------------------------------------------------------------------- */

static const struct sink_manifest first = {
	.serial = 7, .time = 1700000000, .names = 10, .listings = 11
};
static const struct sink_manifest second = { .serial = 8,
	.time = 1700000001,
	.names = 12,
	.listings = 13,
	.paused_since = 14,
	.paused_until = 15 };

START_TEST(from_the_start)
{
	struct sink_stats stats;

	gauge_tick(gauge);
	stats = written(true);
	ck_assert_str_eq(stats.tool, "0.1.0-test");
	ck_assert_int_eq(stats.pid, getpid());
	ck_assert_int_le(stats.started, stats.written);
	ck_assert_int_eq(stats.ended, 0);
	ck_assert_uint_eq(stats.generation.serial, 0);
	ck_assert_uint_eq(stats.reaction.serial, 0);
	ck_assert_int_eq(stats.reaction.enforced, SINK_STATS_NOT_YET);
	heard(0, false, "");

	/* nobody waited for it */
	gauge_arrived(gauge, &(struct watch_arrival){ .manifest = &first }, 1);
	gauge_enforced(gauge, &(struct gauge_enforced){ .epoch = 1, .at = 5 });
	gauge_tick(gauge);
	stats = written(true);
	ck_assert_uint_eq(stats.generation.serial, 7);
	ck_assert_int_eq(stats.generation.time, 1700000000);
	ck_assert_uint_eq(stats.generation.names, 10);
	ck_assert_uint_eq(stats.generation.listings, 11);
	ck_assert_uint_eq(stats.reaction.serial, 0);
	ck_assert_uint_eq(stats.in_use.count + stats.enforced.count, 0);
}
END_TEST

START_TEST(once_a_second)
{
	struct sink_stats stats;
	int64_t before;

	gauge_tick(gauge);
	before = written(true).written;
	counters_add(counters, 1, SINK_ACTION_CNAME, 3);
	atomic_store(&failures, 9);
	gauge_tick(gauge);
	ck_assert_int_eq(written(true).written, before);
	ck_assert_int_eq(nanosleep(&(struct timespec){ .tv_sec = 1, .tv_nsec = 1000000 }, NULL), 0);
	gauge_tick(gauge);
	stats = written(true);
	ck_assert_int_gt(stats.written, before);
	ck_assert_uint_eq(stats.actions[SINK_ACTION_CNAME], 3);
	ck_assert_uint_eq(stats.failed, 9);
}
END_TEST

START_TEST(a_reaction)
{
	const struct watch_arrival arrival = {
		.manifest = &second,
		.is_awaited = true,
		.published = 1700000001000000,
		.waited = 300,
		.noticed = 5000,
		.in_use = 5700,
	};
	struct gauge_enforced enforced = {
		.epoch = 4, .heard = 5800, .walked = 5900, .at = 6700, .sets = 16, .messages = 17
	};
	struct sink_reaction r;

	gauge_arrived(gauge, &arrival, 5);
	gauge_tick(gauge);
	ck_assert_int_eq(written(true).generation.paused_since, 14);
	ck_assert_int_eq(written(true).generation.paused_until, 15);
	r = written(true).reaction;
	ck_assert_uint_eq(r.serial, 8);
	ck_assert_int_eq(r.published, 1700000001000000);
	ck_assert_int_eq(r.noticed, 300);
	ck_assert_int_eq(r.in_use, 1000);
	ck_assert_int_eq(r.heard, SINK_STATS_NOT_YET);
	gauge_enforced(gauge, &enforced); /* of what was in use before */
	gauge_tick(gauge);
	ck_assert_int_eq(written(true).reaction.enforced, SINK_STATS_NOT_YET);

	enforced.epoch = 6; /* with something that turned since */
	gauge_enforced(gauge, &enforced);
	gauge_tick(gauge);
	r = written(true).reaction;
	ck_assert_int_eq(r.heard, 1100);
	ck_assert_int_eq(r.walked, 1200);
	ck_assert_int_eq(r.enforced, 2000);
	ck_assert_uint_eq(r.sets, 16);
	ck_assert_uint_eq(r.messages, 17);

	enforced.epoch = 7; /* what turns later is no reaction */
	enforced.at = 9000;
	gauge_enforced(gauge, &enforced);
	gauge_arrived(gauge, &arrival, 8); /* and one that is followed before it is enforced */
	gauge_tick(gauge);
	ck_assert_uint_eq(written(true).in_use.count, 2);
	ck_assert_uint_eq(written(true).enforced.count, 1);
	ck_assert_int_eq(written(true).enforced.last[0], 2000);
	ck_assert_int_eq(written(true).reaction.enforced, SINK_STATS_NOT_YET);
}
END_TEST

/* A walk that had begun already, for another reason, counts from when the generation is in use: the file stays readable. */
START_TEST(in_order)
{
	const struct watch_arrival arrival = { .manifest = &second,
		.is_awaited = true,
		.published = 1,
		.noticed = 1000,
		.in_use = 1500 };
	const struct gauge_enforced enforced = {
		.epoch = 3, .heard = 1200, .walked = 1300, .at = 1700
	};
	struct sink_reaction r;

	gauge_arrived(gauge, &arrival, 3);
	gauge_enforced(gauge, &enforced);
	gauge_tick(gauge);
	r = written(true).reaction;
	ck_assert_int_eq(r.in_use, 500);
	ck_assert_int_eq(r.heard, 500);
	ck_assert_int_eq(r.walked, 500);
	ck_assert_int_eq(r.enforced, 700);
}
END_TEST

START_TEST(last_word)
{
	struct sink_stats stats;

	gauge_tick(gauge);
	counters_add(counters, 2, SINK_ACTION_PASS, 1);
	gauge_free(gauge);
	gauge = NULL;
	stats = written(false);
	ck_assert_int_eq(stats.ended, stats.written);
	ck_assert_uint_eq(stats.actions[SINK_ACTION_PASS], 1);
}
END_TEST

START_TEST(no_place)
{
	struct gauge *other, *idle;
	char path[PATH_ROOM];
	int fd = open(inside(room, "file", path), O_WRONLY | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	close(fd);
	other = gauge_in(path);
	idle = gauge_in(path);
	gauge_tick(other);
	heard(1, true, "/file/stats: Not a directory: no statistics are written, trying again");
	gauge_arrived(other, &(struct watch_arrival){ .manifest = &first }, 1);
	gauge_tick(other);
	heard(0, false, "");
	ck_assert_int_eq(unlink(path), 0);
	gauge_arrived(other, &(struct watch_arrival){ .manifest = &second }, 2);
	gauge_tick(other);
	heard(1, false, "statistics are written again");
	gauge_free(idle); /* has never written, and does not begin to */
	gauge_free(other);
	heard(0, false, "");
	gauge_free(NULL);
}
END_TEST

/* The second one's last word is not written over the first one's. */
START_TEST(shared)
{
	struct gauge *other = gauge_in(run);

	gauge_tick(gauge);
	gauge_tick(other);
	heard(1, true, "another resolver writes it");
	gauge_free(other);
	ck_assert_int_eq(written(true).ended, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gauge");
	TCase *tests = tcase_create("gauge");

	tcase_add_checked_fixture(tests, begin, end);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, counted);
	tcase_add_test(tests, by_many);
	tcase_add_test(tests, from_the_start);
	tcase_add_test(tests, once_a_second);
	tcase_add_test(tests, a_reaction);
	tcase_add_test(tests, in_order);
	tcase_add_test(tests, last_word);
	tcase_add_test(tests, no_place);
	tcase_add_test(tests, shared);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}

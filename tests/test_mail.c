/* test_mail.c - lines come out once, in order, and the newest survive a full box. */
#include "mail.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "sinkhole/err.h"
#include "suite.h"

#define SEEN_MAX 128

struct seen {
	unsigned count, alarms;
	char text[SEEN_MAX][MAIL_TEXT_MAX];
};

static void see(void *arg, bool alarm, const char *text)
{
	struct seen *seen = arg;

	ck_assert_uint_lt(seen->count, SEEN_MAX);
	snprintf(seen->text[seen->count++], MAIL_TEXT_MAX, "%s", text);
	seen->alarms += alarm;
}

static struct mail *mail;
static struct seen seen;

static void begin(void)
{
	memset(&seen, 0, sizeof seen);
	ck_assert_int_eq(mail_new(&mail), SINK_OK);
}

static void end(void)
{
	mail_free(mail);
}

START_TEST(nothing_waits)
{
	ck_assert(!mail_waits(mail));
	mail_take(mail, see, &seen);
	ck_assert_uint_eq(seen.count, 0);
	mail_free(NULL);
}
END_TEST

START_TEST(in_order_and_once)
{
	mail_put(mail, true, "%s %d", "first", 1);
	mail_put(mail, false, "100%%");
	ck_assert(mail_waits(mail));
	mail_take(mail, see, &seen);
	ck_assert(!mail_waits(mail));
	mail_take(mail, see, &seen);
	ck_assert_uint_eq(seen.count, 2);
	ck_assert_uint_eq(seen.alarms, 1);
	ck_assert_str_eq(seen.text[0], "first 1");
	ck_assert_str_eq(seen.text[1], "100%");
}
END_TEST

START_TEST(full_box_drops_the_oldest)
{
	for (int i = 0; i < MAIL_LINES + 3; i++)
		mail_put(mail, false, "line %d", i);
	mail_take(mail, see, &seen);
	ck_assert_uint_eq(seen.count, MAIL_LINES + 1);
	ck_assert_str_eq(seen.text[0], "3 older lines were lost");
	ck_assert_str_eq(seen.text[1], "line 3");
	ck_assert_uint_eq(seen.alarms, 1);

	/* The loss is told once, and the box works on. */
	memset(&seen, 0, sizeof seen);
	mail_put(mail, false, "after");
	mail_take(mail, see, &seen);
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_str_eq(seen.text[0], "after");
}
END_TEST

START_TEST(long_line_is_cut)
{
	char text[3 * MAIL_TEXT_MAX];

	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = 0;
	mail_put(mail, false, "%s", text);
	mail_take(mail, see, &seen);
	ck_assert_uint_eq(strlen(seen.text[0]), MAIL_TEXT_MAX - 1);
}
END_TEST

static void count_wake(void *arg)
{
	unsigned *wakes = arg;

	/* The waker may take at once: no lock is held. */
	mail_take(mail, see, &seen);
	++*wakes;
}

START_TEST(wakes_after_each_line)
{
	unsigned wakes = 0;

	mail_on_put(mail, count_wake, &wakes);
	mail_put(mail, false, "a");
	mail_put(mail, false, "b");
	ck_assert_uint_eq(wakes, 2);
	ck_assert_uint_eq(seen.count, 2);
	mail_on_put(mail, NULL, NULL);
	mail_put(mail, false, "c");
	ck_assert_uint_eq(wakes, 2);
	ck_assert(mail_waits(mail));
}
END_TEST

#define PUTS 20000

static void *put_many(void *arg)
{
	for (int i = 0; i < PUTS; i++)
		mail_put(mail, false, "%s %d", (const char *)arg, i);
	return NULL;
}

/* Lines of one thread stay in order; each is taken or counted as lost. */
struct tally {
	unsigned taken, lost;
	int last[2];
};

static void tally_line(void *arg, bool alarm, const char *text)
{
	struct tally *tally = arg;
	unsigned lost;
	char who;
	int number;

	if (alarm) {
		ck_assert_int_eq(sscanf(text, "%u older", &lost), 1);
		tally->lost += lost;
		return;
	}
	ck_assert_int_eq(sscanf(text, "%c %d", &who, &number), 2);
	ck_assert_int_gt(number, tally->last[who == 'b']);
	tally->last[who == 'b'] = number;
	tally->taken++;
}

START_TEST(two_threads)
{
	struct tally tally = { .last = { -1, -1 } };
	char names[2][2] = { "a", "b" };
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, put_many, names[i]), 0);
	while (tally.taken + tally.lost < PUTS)
		mail_take(mail, tally_line, &tally);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	mail_take(mail, tally_line, &tally);
	ck_assert_uint_eq(tally.taken + tally.lost, 2 * PUTS);
	ck_assert_int_eq(tally.last[0] == PUTS - 1 || tally.last[1] == PUTS - 1, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mail");
	TCase *tests = tcase_create("mail");

	tcase_add_checked_fixture(tests, begin, end);
	tcase_add_test(tests, nothing_waits);
	tcase_add_test(tests, in_order_and_once);
	tcase_add_test(tests, full_box_drops_the_oldest);
	tcase_add_test(tests, long_line_is_cut);
	tcase_add_test(tests, wakes_after_each_line);
	tcase_add_test(tests, two_threads);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}

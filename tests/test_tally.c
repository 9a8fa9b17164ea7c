/* test_tally.c - counts by name, said once, in lines that mail takes. */
#include "tally.h"

#include <stdio.h>
#include <string.h>

#include "sinkhole/err.h"
#include "suite.h"

static struct mail *mail;
static struct tally *tally;
static char said[SINK_RULES_MAX * 256];
static unsigned lines;

static void hear(void *arg, bool alarm, const char *text)
{
	(void)arg;
	ck_assert(!alarm);
	ck_assert_uint_lt(strlen(text), MAIL_TEXT_MAX - 1); /* not cut */
	ck_assert_uint_lt(strlen(said) + strlen(text) + 2, sizeof said);
	strcat(strcat(said, text), "\n");
	lines++;
}

static void begin(void)
{
	said[0] = 0;
	lines = 0;
	ck_assert_int_eq(mail_new(&mail), SINK_OK);
	tally = tally_new();
	ck_assert_ptr_nonnull(tally);
}

static void end(void)
{
	tally_free(tally);
	mail_free(mail);
}

static void add(const char *name, uint64_t count)
{
	const struct sink_rule rule = { .name = sink_span_text(name) };

	tally_add(tally, &rule, count);
}

static void say(void)
{
	tally_say(tally, mail, 60);
	mail_take(mail, hear, NULL);
}

START_TEST(nothing)
{
	say();
	ck_assert_uint_eq(lines, 0);
	tally_free(NULL);
}
END_TEST

START_TEST(by_name_and_once)
{
	add("trial", 3);
	add("a rule", 1);
	add("trial", UINT64_C(1) << 40);
	say();
	ck_assert_str_eq(said,
		"monitored in the last 60 seconds, queries by rule: 'trial' 1099511627779, 'a "
		"rule' 1\n");
	say();
	ck_assert_uint_eq(lines, 1);
	add("a rule", 2);
	say();
	ck_assert_ptr_nonnull(strstr(said, "by rule: 'a rule' 2\n"));
}
END_TEST

/* Every rule there can be, each said whole, and one more passed over. */
START_TEST(many)
{
	char name[32], wanted[48];

	for (int i = 0; i <= SINK_RULES_MAX; i++) {
		snprintf(name, sizeof name, "rule number %d", i);
		add(name, (uint64_t)i + 1);
	}
	say();
	ck_assert_uint_le(lines, MAIL_LINES);
	for (int i = SINK_RULES_MAX - 10; i < SINK_RULES_MAX; i++) {
		snprintf(wanted, sizeof wanted, "'rule number %d' %d", i, i + 1);
		ck_assert_msg(strstr(said, wanted) != NULL, "%s", wanted);
	}
	snprintf(wanted, sizeof wanted, "'rule number %d'", SINK_RULES_MAX);
	ck_assert_ptr_null(strstr(said, wanted));
}
END_TEST

START_TEST(long_names)
{
	char name[SINK_STRING_MAX + 1];

	for (int i = 0; i < 9; i++) {
		memset(name, 'a' + i, SINK_STRING_MAX);
		name[SINK_STRING_MAX] = 0;
		add(name, 7);
	}
	say();
	ck_assert_uint_eq(lines, 3);
	for (int i = 0; i < 9; i++)
		ck_assert_ptr_nonnull(strchr(strstr(said, "by rule"), 'a' + i));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tally");
	TCase *tests = tcase_create("tally");

	tcase_add_checked_fixture(tests, begin, end);
	tcase_add_test(tests, nothing);
	tcase_add_test(tests, by_name_and_once);
	tcase_add_test(tests, many);
	tcase_add_test(tests, long_names);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}

/* test_recall.c - what is remembered comes back until its time, under its own key only, and every
 * value is dropped exactly once. */
#include "recall.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "sinkhole/err.h"
#include "suite.h"

#define SIZE 100 /* bytes that a value is said to take */
#define BYTES (RECALL_SHARDS * 4096)

static struct recall *recall;
static atomic_int alive; /* values that were made and not dropped */

static int *value_of(int number)
{
	int *value = malloc(sizeof *value);

	ck_assert_ptr_nonnull(value);
	*value = number;
	alive++;
	return value;
}

static void drop(void *value)
{
	alive--;
	free(value);
}

static void use(void *arg, const void *value)
{
	*(int *)arg = *(const int *)value;
}

/* -1: nothing */
static int get(const char *key, int64_t now)
{
	int found = -1;
	bool used = recall_use(recall, sink_span_text(key), now, use, &found);

	ck_assert_int_eq(used, found != -1);
	return found;
}

static void put(const char *key, int number, int64_t until)
{
	recall_put(recall, sink_span_text(key), value_of(number), SIZE, until);
}

static void begin(void)
{
	alive = 0;
	ck_assert_int_eq(recall_new(BYTES, drop, &recall), SINK_OK);
}

static void end(void)
{
	recall_free(recall);
	ck_assert_int_eq(alive, 0);
}

START_TEST(nothing_at_first)
{
	ck_assert_int_eq(get("a", 0), -1);
	ck_assert_int_eq(get("", 0), -1);
	ck_assert(recall_is_empty(recall));
	recall_free(NULL);
}
END_TEST

START_TEST(until_its_time)
{
	put("a", 1, 100);
	ck_assert(!recall_is_empty(recall));
	ck_assert_int_eq(get("a", 99), 1);
	ck_assert_int_eq(get("a", 99), 1);
	ck_assert_int_eq(get("a", 100), -1);
	ck_assert(recall_is_empty(recall));
	put("b", 2, 0); /* over before it began */
	ck_assert_int_eq(get("b", 0), -1);
}
END_TEST

START_TEST(its_own_key_only)
{
	put("ab", 1, 100);
	ck_assert_int_eq(get("a", 0), -1);
	ck_assert_int_eq(get("abc", 0), -1);
	ck_assert_int_eq(get("ac", 0), -1);
	ck_assert_int_eq(get("ab", 0), 1);
}
END_TEST

START_TEST(the_newest_counts)
{
	put("a", 1, 100);
	put("a", 2, 50);
	ck_assert_int_eq(alive, 1);
	ck_assert_int_eq(get("a", 49), 2);
	ck_assert_int_eq(get("a", 50), -1);
	ck_assert(recall_is_empty(recall));
}
END_TEST

/* Many times as many keys as there is memory for: the size holds, most of the memory is in use, and nobody gets
 * another's. */
START_TEST(bounded)
{
	char key[16];
	int found = 0;

	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof key, "key %d", i);
		put(key, i, 100);
		ck_assert(get(key, 0) == i);
		ck_assert(recall_bytes(recall) <= BYTES + RECALL_SHARDS * 256);
	}
	for (int i = 0; i < 20000; i++) {
		int got;

		snprintf(key, sizeof key, "key %d", i);
		got = get(key, 0);
		ck_assert(got == i || got == -1);
		found += got == i;
	}
	ck_assert_int_eq(found, alive);
	ck_assert_int_gt(found, BYTES / (2 * (SIZE + 100)));
	ck_assert_int_lt(found, BYTES / SIZE);
	for (int i = 0; i < 20000; i++) {
		ck_assert(!recall_is_empty(recall) || alive == 0);
		snprintf(key, sizeof key, "key %d", i);
		get(key, 100);
	}
	ck_assert(recall_is_empty(recall));
}
END_TEST

/* Memory is taken as it is used. */
START_TEST(small_at_first)
{
	size_t empty = recall_bytes(recall);

	ck_assert_uint_lt(empty, 16384);
	put("a", 1, 100);
	ck_assert_uint_gt(recall_bytes(recall), empty + SIZE);
	ck_assert_uint_lt(recall_bytes(recall), empty + SIZE + 512);
	ck_assert_int_eq(get("a", 100), -1); /* its time is over: it goes */
	ck_assert_int_eq(alive, 0);
}
END_TEST

/* What is asked for stays, however many others come. */
START_TEST(what_is_asked_for_stays)
{
	char key[16];

	put("wanted", -7, 100);
	put("other", -8, 100);
	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof key, "key %d", i);
		put(key, i, 100);
		ck_assert(get("wanted", 0) == -7);
	}
	ck_assert_int_eq(get("other", 0), -1);
}
END_TEST

/* Half of a part's memory is not for one. */
START_TEST(too_large)
{
	put("a", 1, 100);
	recall_put(recall, sink_span_text("a"), value_of(2), 4096 / 2, 100);
	ck_assert_int_eq(alive, 1);
	ck_assert_int_eq(get("a", 0), 1);
	recall_put(recall, sink_span_text("a"), value_of(2), SIZE_MAX / 4, 100);
	ck_assert_int_eq(alive, 1);
}
END_TEST

static void *hammer(void *arg)
{
	int base = *(int *)arg;
	char key[16];

	for (int i = 0; i < 20000; i++) {
		int number = base + i % 100, got;

		snprintf(key, sizeof key, "%d", number);
		put(key, number, 100);
		got = get(key, 0);
		ck_assert(got == number || got == -1);
	}
	return NULL;
}

START_TEST(by_many_threads)
{
	pthread_t thread[4];
	int base[4];

	for (int i = 0; i < 4; i++) {
		base[i] = i * 50; /* some keys are two threads' */
		ck_assert_int_eq(pthread_create(&thread[i], NULL, hammer, &base[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_le(alive, BYTES / SIZE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recall");
	TCase *tests = tcase_create("recall");

	tcase_add_checked_fixture(tests, begin, end);
	tcase_add_test(tests, nothing_at_first);
	tcase_add_test(tests, until_its_time);
	tcase_add_test(tests, its_own_key_only);
	tcase_add_test(tests, the_newest_counts);
	tcase_add_test(tests, bounded);
	tcase_add_test(tests, small_at_first);
	tcase_add_test(tests, what_is_asked_for_stays);
	tcase_add_test(tests, too_large);
	tcase_add_test(tests, by_many_threads);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}

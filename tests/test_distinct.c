/* test_distinct.c - each number once, in order, and memory for the distinct ones only. */
#include "distinct.h"

#include "sinkhole/err.h"
#include "suite.h"

static void add_all(struct distinct *numbers, const uint64_t *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ck_assert(distinct_add(numbers, at[i]) == SINK_OK);
}

START_TEST(none)
{
	struct distinct numbers = { .at = NULL };

	distinct_settle(&numbers);
	ck_assert_uint_eq(numbers.count, 0);
	ck_assert_uint_eq(numbers.dropped, 0);
	distinct_sort(NULL, 0);
	distinct_free(&numbers);
}
END_TEST

START_TEST(as_numbers)
{
	static const uint64_t given[] = { UINT64_MAX, 1, UINT64_MAX, 0, UINT64_C(1) << 63, 1, 1, 0,
		UINT64_C(1) << 32 };
	static const uint64_t wanted[] = { 0, 1, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX };
	struct distinct numbers = { .at = NULL };

	add_all(&numbers, given, LENGTH(given));
	distinct_settle(&numbers);
	ck_assert_uint_eq(numbers.count, LENGTH(wanted));
	ck_assert_mem_eq(numbers.at, wanted, sizeof wanted);
	ck_assert_uint_eq(numbers.dropped, LENGTH(given) - LENGTH(wanted));
	distinct_settle(&numbers);
	ck_assert_uint_eq(numbers.count, LENGTH(wanted));
	distinct_free(&numbers);
	ck_assert_ptr_null(numbers.at);
}
END_TEST

/* Falling, so that nothing stands beside its like before it is sorted. */
START_TEST(repeats_take_no_memory)
{
	enum { DISTINCT = 100, ROUNDS = 1000 };
	struct distinct numbers = { .at = NULL };

	for (int round = 0; round < ROUNDS; round++)
		for (uint64_t i = DISTINCT; i-- > 0;)
			ck_assert(distinct_add(&numbers, i) == SINK_OK);
	ck_assert_uint_le(numbers.room, 4 * DISTINCT);
	distinct_settle(&numbers);
	ck_assert_uint_eq(numbers.count, DISTINCT);
	ck_assert_uint_eq(numbers.dropped, (uint64_t)DISTINCT * (ROUNDS - 1));
	for (uint64_t i = 0; i < DISTINCT; i++)
		ck_assert(numbers.at[i] == i);
	distinct_free(&numbers);
}
END_TEST

START_TEST(many)
{
	enum { COUNT = 100000 };
	struct distinct numbers = { .at = NULL };

	for (uint64_t i = 0; i < COUNT; i++)
		ck_assert(distinct_add(&numbers, i * 7919 % COUNT << 40) == SINK_OK);
	distinct_settle(&numbers);
	ck_assert_uint_eq(numbers.count, COUNT);
	ck_assert_uint_eq(numbers.dropped, 0);
	for (uint64_t i = 0; i < COUNT; i++)
		ck_assert(numbers.at[i] == i << 40);
	distinct_free(&numbers);
}
END_TEST

/* As the listings of one subject after the other are. */
START_TEST(again_in_the_same_memory)
{
	static const uint64_t given[] = { 3, 2, 3 };
	struct distinct numbers = { .at = NULL };

	add_all(&numbers, given, LENGTH(given));
	distinct_settle(&numbers);
	numbers.count = 0;
	add_all(&numbers, given, LENGTH(given));
	distinct_settle(&numbers);
	ck_assert_uint_eq(numbers.count, 2);
	ck_assert_uint_eq(numbers.dropped, 2);
	distinct_free(&numbers);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("distinct");
	TCase *tcase = tcase_create("numbers");

	tcase_add_test(tcase, none);
	tcase_add_test(tcase, as_numbers);
	tcase_add_test(tcase, repeats_take_no_memory);
	tcase_add_test(tcase, many);
	tcase_add_test(tcase, again_in_the_same_memory);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}

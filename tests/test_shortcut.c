/* test_shortcut.c - the shortcut names the block that the B-tree would, or none. */
#include "shortcut.h"

#include <stdio.h>
#include <string.h>

#include "sinkhole/err.h"
#include "suite.h"

#define MOST 3000 /* keys */

static struct {
	size_t count;
	uint8_t key[MOST][64];
	struct sink_span at[MOST]; /* in order, none twice */
} keys;

/* What lies behind a key: here a single byte, by whose place it is told. */
static struct sink_span block_of(struct sink_span key)
{
	return sink_span(key.at + key.len, 1);
}

static int compare(const void *a, const void *b)
{
	const struct sink_span *x = a, *y = b;
	int order = memcmp(x->at, y->at, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

static void sort(void)
{
	size_t kept = 0;

	qsort(keys.at, keys.count, sizeof keys.at[0], compare);
	for (size_t i = 0; i < keys.count; i++)
		if (i == 0 || compare(&keys.at[i], &keys.at[kept - 1]) != 0)
			keys.at[kept++] = keys.at[i];
	keys.count = kept;
}

static struct shortcut *make(void)
{
	struct shortcut *shortcut;

	ck_assert(shortcut_new(&shortcut) == SINK_OK);
	for (size_t i = 0; i < keys.count; i++)
		ck_assert(shortcut_add(shortcut, keys.at[i], block_of(keys.at[i])) == SINK_OK);
	return shortcut;
}

/* A key of a few labels with few letters, so that many begin alike. */
static struct sink_span random_key(uint8_t *at, int letters, int longest)
{
	int labels = 1 + rand() % 4;
	size_t len = 0;

	for (int i = 0; i < labels; i++) {
		for (int n = 1 + rand() % longest; n > 0; n--)
			at[len++] = (uint8_t)('a' + rand() % letters);
		at[len++] = 0;
	}
	return sink_span(at, len);
}

static const struct {
	size_t count;
	int letters, longest; /* of a label */
} worlds[] = { { 1, 2, 2 }, { 40, 2, 3 }, { 3000, 2, 14 }, { 3000, 3, 9 }, { 3000, 26, 12 } };

static void check_one(const struct shortcut *shortcut, struct sink_span name, size_t *known)
{
	struct sink_span block = sink_span(NULL, 0);
	size_t first = 0;

	while (first < keys.count && compare(&keys.at[first], &name) < 0)
		first++;
	if (!shortcut_find(shortcut, name, &block))
		return;
	++*known;
	ck_assert(first < keys.count);
	ck_assert(sink_span_equal(block, block_of(keys.at[first])));
	ck_assert_ptr_eq(block.at, block_of(keys.at[first]).at);
}

START_TEST(as_the_tree)
{
	struct shortcut *shortcut;
	size_t known = 0, tries = 4000;
	uint8_t name[64];

	srand(20261127);
	for (keys.count = 0; keys.count < worlds[_i].count; keys.count++)
		keys.at[keys.count] =
			random_key(keys.key[keys.count], worlds[_i].letters, worlds[_i].longest);
	sort();
	shortcut = make();
	for (size_t i = 0; i < tries; i++)
		check_one(shortcut, random_key(name, worlds[_i].letters, worlds[_i].longest),
			&known);
	for (size_t i = 0; i < keys.count; i++) {
		size_t before = known;

		check_one(shortcut, keys.at[i], &known); /* a block's own last name */
		ck_assert(known == before + 1);
	}
	shortcut_free(shortcut);
}
END_TEST

static struct sink_span text(const char *octets, size_t len)
{
	return sink_span((const uint8_t *)octets, len);
}

#define KEY(octets) text(octets, sizeof(octets) - 1)

/* What a family's blocks do not tell. */
START_TEST(not_known)
{
	struct sink_span block;
	struct shortcut *shortcut;

	keys.count = 0;
	keys.at[keys.count++] = KEY("");
	keys.at[keys.count++] = KEY("com\0m\0");
	keys.at[keys.count++] = KEY("net\0m\0");
	shortcut = make();
	ck_assert(shortcut_find(shortcut, KEY("com\0"), &block));
	ck_assert_ptr_eq(block.at, block_of(keys.at[1]).at);
	ck_assert(shortcut_find(shortcut, KEY("com\0m\0"), &block));
	ck_assert(!shortcut_find(shortcut, KEY("com\0n\0"), &block)); /* in the first of net */
	ck_assert(!shortcut_find(shortcut, KEY("de\0"), &block));
	ck_assert(!shortcut_find(shortcut, KEY(""), &block));
	shortcut_free(shortcut);
}
END_TEST

/* LMDB lays a long value down in pages of its own. Such a block is not known, and those beside it are. */
START_TEST(elsewhere)
{
	static const uint8_t octets[1 << 15] = { 'd', 0 };
	struct sink_span b = KEY("b\0"), c = KEY("c\0x\0"), block;
	struct shortcut *shortcut;

	ck_assert_int_eq(shortcut_new(&shortcut), SINK_OK);
	ck_assert_int_eq(shortcut_add(shortcut, b, block_of(b)), SINK_OK);
	ck_assert_int_eq(shortcut_add(shortcut, c, block_of(b)), SINK_OK);
	ck_assert_int_eq(shortcut_add(shortcut, sink_span(octets, 2),
				 sink_span(octets + 2, sizeof octets - 2)),
		SINK_OK);
	ck_assert_int_eq(shortcut_add(shortcut, KEY("e\0"), sink_span(octets, sizeof octets)),
		SINK_OK);
	ck_assert(shortcut_find(shortcut, b, &block));
	ck_assert_ptr_eq(block.at, block_of(b).at);
	ck_assert(!shortcut_find(shortcut, c, &block));
	ck_assert(shortcut_find(shortcut, KEY("d\0"), &block));
	ck_assert_ptr_eq(block.at, octets + 2);
	ck_assert_uint_eq(block.len, sizeof octets - 2);
	ck_assert(!shortcut_find(shortcut, KEY("e\0"), &block));
	shortcut_free(shortcut);
}
END_TEST

/* A key longer than LMDB allows. */
START_TEST(too_long)
{
	static const uint8_t octets[600] = { 'b', 0 };
	struct sink_span a = KEY("a\0");
	struct shortcut *shortcut;

	ck_assert_int_eq(shortcut_new(&shortcut), SINK_OK);
	ck_assert_int_eq(shortcut_add(shortcut, a, block_of(a)), SINK_OK);
	ck_assert_int_eq(shortcut_add(shortcut, sink_span(octets, 512), block_of(a)),
		SINK_ECORRUPT);
	ck_assert_int_eq(shortcut_add(shortcut, sink_span(octets, 511), block_of(a)), SINK_OK);
	shortcut_free(shortcut);
}
END_TEST

/* Octets that a label may hold beside letters: 0 and 1 stand in a key as 1 1 and 1 2, and 255 for itself. */
START_TEST(odd_octets)
{
	struct shortcut *shortcut;
	size_t known = 0;

	keys.count = 0;
	keys.at[keys.count++] = KEY("x\0\1\1\1\1\1\1\1\1\0");
	keys.at[keys.count++] = KEY("x\0\1\1\1\1\1\1\1\1\1\2\0");
	keys.at[keys.count++] = KEY("x\0a\0\1\2\0");
	keys.at[keys.count++] = KEY("x\0\377\377\377\377\377\377\377\377\0");
	keys.at[keys.count++] = KEY("x\0\377\377\377\377\377\377\377\377\377\0");
	sort();
	shortcut = make();
	for (size_t i = 0; i < keys.count; i++)
		check_one(shortcut, keys.at[i], &known);
	check_one(shortcut, KEY("x\0a\0"), &known);
	check_one(shortcut, KEY("x\0\377\377\377\377\377\377\377\377\2\0"), &known);
	ck_assert_uint_eq(known, 7);
	check_one(shortcut, KEY("x\0\377\377\377\377\377\377\377\377\377\377\0"), &known);
	ck_assert_uint_eq(known, 7);
	shortcut_free(shortcut);
}
END_TEST

START_TEST(out_of_order)
{
	struct shortcut *shortcut;

	ck_assert_int_eq(shortcut_new(&shortcut), SINK_OK);
	ck_assert_int_eq(shortcut_add(shortcut, KEY("b\0"), KEY("")), SINK_OK);
	ck_assert_int_eq(shortcut_add(shortcut, KEY("b\0"), KEY("")), SINK_ECORRUPT);
	ck_assert_int_eq(shortcut_add(shortcut, KEY("a\0z\0"), KEY("")), SINK_ECORRUPT);
	shortcut_free(shortcut);
}
END_TEST

START_TEST(empty)
{
	struct shortcut *shortcut;
	struct sink_span block;

	keys.count = 0;
	shortcut = make();
	ck_assert(!shortcut_find(shortcut, KEY("com\0"), &block));
	shortcut_free(shortcut);
	shortcut_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shortcut");
	TCase *cases = tcase_create("shortcut");

	tcase_add_loop_test(cases, as_the_tree, 0, LENGTH(worlds));
	tcase_add_test(cases, not_known);
	tcase_add_test(cases, elsewhere);
	tcase_add_test(cases, too_long);
	tcase_add_test(cases, odd_octets);
	tcase_add_test(cases, out_of_order);
	tcase_add_test(cases, empty);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}

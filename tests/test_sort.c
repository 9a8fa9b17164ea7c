/* test_sort.c - sorting in memory and through runs, against qsort; hard shapes; a full disk. */
#include "sort.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "full_disk.h"
#include "sinkhole/err.h"
#include "sinkhole/name.h"
#include "suite.h"

static uint64_t seed;

static unsigned draw(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(seed >> 33) % below;
}

struct entry {
	uint16_t len;
	uint32_t number;
	uint8_t key[SINK_KEY_MAX];
};

static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int difference = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);

	return difference ? difference : x->len - y->len;
}

static int by_key_and_number(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int difference = by_key(a, b);

	return difference ? difference : (x->number > y->number) - (x->number < y->number);
}

static void set_key(struct entry *entry, const char *text)
{
	struct sink_name name;

	ck_assert(sink_name_from_text(sink_span_text(text), &name) == SINK_OK);
	entry->len = name.len;
	memcpy(entry->key, name.key, name.len);
}

/* --- shapes of input -------------------------------------------------------------------------- */

typedef void shape_fn(struct entry *entry, unsigned i, unsigned count);

static void any_names(struct entry *entry, unsigned i, unsigned count)
{
	uint8_t wire[SINK_WIRE_MAX];
	size_t at = 0;
	struct sink_name name;

	(void)i;
	(void)count;
	for (unsigned labels = draw(5); labels > 0; labels--) {
		unsigned len = 1 + (draw(16) ? draw(4) : draw(50));

		if (at + 1 + len > 254)
			break;
		wire[at++] = (uint8_t)len;
		for (; len > 0; len--)
			wire[at++] = draw(8) ? (uint8_t)('a' + draw(3)) : (uint8_t)draw(256);
	}
	wire[at++] = 0;
	ck_assert(sink_name_from_wire(sink_span(wire, at), &name) == SINK_OK);
	entry->len = name.len;
	memcpy(entry->key, name.key, name.len);
}

static void rising_names(struct entry *entry, unsigned i, unsigned count)
{
	char text[64];

	(void)count;
	snprintf(text, sizeof text, "n%08u.example.com", i);
	set_key(entry, text);
}

static void falling_names(struct entry *entry, unsigned i, unsigned count)
{
	rising_names(entry, count - i, count);
}

/* Sorted but for one name in a hundred. */
static void nearly_rising_names(struct entry *entry, unsigned i, unsigned count)
{
	rising_names(entry, draw(100) ? i : draw(count), count);
}

static void one_name(struct entry *entry, unsigned i, unsigned count)
{
	(void)i;
	(void)count;
	set_key(entry, "ads.example.com");
}

static void the_root(struct entry *entry, unsigned i, unsigned count)
{
	(void)i;
	(void)count;
	set_key(entry, ".");
}

/* The same 250 octets, then one that differs: every word of the key is asked for. */
static void long_names(struct entry *entry, unsigned i, unsigned count)
{
	char text[256];

	(void)i;
	(void)count;
	memset(text, 'x', sizeof text);
	for (int at = 3; at < 252; at += 50)
		text[at] = '.';
	memset(text, 'a' + (int)draw(26), 1);
	set_key(entry, (text[253] = '\0', text));
}

/* Each a prefix of the next: a, a.a, a.a.a ... */
static void ancestors(struct entry *entry, unsigned i, unsigned count)
{
	char text[256];
	unsigned labels = 1 + (i * 7) % 120;

	(void)count;
	for (size_t n = 0; n < labels; n++) {
		text[2 * n] = 'a';
		text[2 * n + 1] = '.';
		text[2 * n + 2] = '\0';
	}
	set_key(entry, text);
}

/* Labels that end exactly where a word of eight bytes does, or one byte before or after. */
static void word_edges(struct entry *entry, unsigned i, unsigned count)
{
	static const char *const names[] = { "abcdef", "abcdefg", "abcdefgh", "a.abcdefg",
		"b.abcdefg", "a.abcdef", "a.abcdefgh", "abcdefg.abcdefg", "b.abcdefg.abcdefg",
		"x.abcdefgh.abcdefg", "abc.abc", "abc.abd", "\\000.abcdefg", "\\001.abcdefg" };

	(void)i;
	(void)count;
	set_key(entry, names[draw(LENGTH(names))]);
}

static const struct {
	const char *what;
	shape_fn *shape;
} shapes[] = {
	{ "any names", any_names },
	{ "rising", rising_names },
	{ "falling", falling_names },
	{ "nearly rising", nearly_rising_names },
	{ "one name", one_name },
	{ "the root", the_root },
	{ "long names", long_names },
	{ "ancestors", ancestors },
	{ "word edges", word_edges },
};

/* --- sorting ---------------------------------------------------------------------------------- */

static char dir[256];

static void make_dir(void)
{
	const char *parent = getenv("TMPDIR");

	snprintf(dir, sizeof dir, "%s/test-sort-XXXXXX", parent ? parent : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

/* Fails if anything was left in it. */
static void remove_dir(void)
{
	ck_assert_int_eq(rmdir(dir), 0);
}

static struct sort *fill_sort(const struct entry *entries, unsigned count, size_t memory)
{
	struct sort *sort = NULL;

	ck_assert_int_eq(sort_begin(dir, memory, &sort), SINK_OK);
	for (unsigned i = 0; i < count; i++)
		ck_assert_int_eq(sort_add(sort, sink_span(entries[i].key, entries[i].len),
					 entries[i].number),
			SINK_OK);
	return sort;
}

/* Everything comes back, in order of keys; numbers of one key in any order. */
static void check_sorted(struct entry *entries, unsigned count, size_t memory)
{
	struct sort *sort = fill_sort(entries, count, memory);
	struct entry *got = calloc(count, sizeof *got);
	struct sink_span key;
	uint32_t number;

	ck_assert_ptr_nonnull(got);
	ck_assert_int_eq(sort_finish(sort), SINK_OK);
	for (unsigned i = 0; i < count; i++) {
		ck_assert(sort_next(sort, &key, &number) == SINK_OK);
		got[i].len = (uint16_t)key.len;
		got[i].number = number;
		if (key.len > 0)
			memcpy(got[i].key, key.at, key.len);
		ck_assert(i == 0 || by_key(&got[i - 1], &got[i]) <= 0);
	}
	ck_assert_int_eq(sort_next(sort, &key, &number), SINK_ENOENT);
	ck_assert_int_eq(sort_next(sort, &key, &number), SINK_ENOENT);
	sort_end(sort);
	qsort(got, count, sizeof *got, by_key_and_number);
	qsort(entries, count, sizeof *entries, by_key_and_number);
	for (unsigned i = 0; i < count; i++)
		ck_assert(by_key_and_number(&got[i], &entries[i]) == 0);
	free(got);
}

static const size_t memories[] = { 0, 1 << 18, 256 << 20 };

START_TEST(shape_is_sorted)
{
	const unsigned count = 20000;
	struct entry *entries = calloc(count, sizeof *entries);

	ck_assert_ptr_nonnull(entries);
	make_dir();
	for (size_t m = 0; m < LENGTH(memories); m++) {
		seed = (uint64_t)_i;
		for (unsigned i = 0; i < count; i++) {
			shapes[_i].shape(&entries[i], i, count);
			entries[i].number = draw(8) ? i : UINT32_MAX - i;
		}
		check_sorted(entries, count, memories[m]);
	}
	free(entries);
	remove_dir();
}
END_TEST

START_TEST(nothing)
{
	struct sort *sort = NULL;
	struct sink_span key;
	uint32_t number;

	make_dir();
	sort_end(NULL);
	ck_assert_int_eq(sort_begin(dir, 0, &sort), SINK_OK);
	sort_end(sort);
	ck_assert_int_eq(sort_begin(dir, 0, &sort), SINK_OK);
	ck_assert_int_eq(sort_finish(sort), SINK_OK);
	ck_assert_int_eq(sort_next(sort, &key, &number), SINK_ENOENT);
	sort_end(sort);
	remove_dir();
}
END_TEST

/* More runs than memory can merge at once: 64 KiB hold about 1,300 entries and merge 13 runs. */
START_TEST(many_runs)
{
	const unsigned count = 60000;
	struct entry *entries = calloc(count, sizeof *entries);

	ck_assert_ptr_nonnull(entries);
	make_dir();
	seed = 9;
	for (unsigned i = 0; i < count; i++) {
		nearly_rising_names(&entries[i], draw(count), count);
		entries[i].number = i;
	}
	check_sorted(entries, count, SORT_MEMORY_MIN);
	free(entries);
	remove_dir();
}
END_TEST

/* A million of the same: neither quadratic (this would not end) nor deep. */
START_TEST(million_equals)
{
	struct sort *sort = NULL;
	struct entry entry;
	struct sink_span key;
	uint32_t number;
	unsigned got = 0;

	make_dir();
	ck_assert_int_eq(sort_begin(dir, (size_t)256 << 20, &sort), SINK_OK);
	one_name(&entry, 0, 0);
	for (unsigned i = 0; i < 1000000; i++)
		ck_assert(sort_add(sort, sink_span(entry.key, entry.len), i) == SINK_OK);
	ck_assert_int_eq(sort_finish(sort), SINK_OK);
	while (sort_next(sort, &key, &number) == SINK_OK)
		got++;
	ck_assert_uint_eq(got, 1000000);
	sort_end(sort);
	remove_dir();
}
END_TEST

/* --- refusals --------------------------------------------------------------------------------- */

START_TEST(no_directory)
{
	struct entry entry;
	struct sort *sort = NULL;
	int err = SINK_OK;

	ck_assert_int_eq(sort_begin("no/such/directory", 0, &sort), SINK_OK); /* not needed yet */
	for (unsigned i = 0; i < 20000 && !err; i++) {
		rising_names(&entry, i, 20000);
		err = sort_add(sort, sink_span(entry.key, entry.len), i);
	}
	ck_assert_int_eq(err, SINK_EIO);
	ck_assert_int_eq(errno, ENOENT);
	sort_end(sort);
}
END_TEST

/* A disk that is full after so many bytes: while adding, while spilling the rest, while merging. */
static const unsigned limits[] = { 0, 100000, 400000, 700000 };

START_TEST(full_disk)
{
	struct entry entry;
	struct sort *sort = NULL;
	rlim_t before;
	int err = SINK_OK, cause;

	make_dir();
	ck_assert_int_eq(sort_begin(dir, 0, &sort), SINK_OK);
	seed = 1;
	before = limit_files(limits[_i]);
	for (unsigned i = 0; i < 60000 && !err; i++) {
		rising_names(&entry, draw(60000), 0);
		err = sort_add(sort, sink_span(entry.key, entry.len), i);
	}
	if (!err)
		err = sort_finish(sort);
	cause = errno;
	limit_files(before);
	ck_assert_int_eq(err, SINK_EIO);
	ck_assert_int_eq(cause, EFBIG);
	sort_end(sort);
	remove_dir();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sort");
	TCase *order = tcase_create("order");
	TCase *refusals = tcase_create("refusals");

	tcase_add_loop_test(order, shape_is_sorted, 0, LENGTH(shapes));
	tcase_add_test(order, nothing);
	tcase_add_test(order, many_runs);
	tcase_add_test(order, million_equals);
	tcase_set_timeout(order, 120);
	suite_add_tcase(suite, order);
	tcase_add_test(refusals, no_directory);
	tcase_add_loop_test(refusals, full_disk, 0, LENGTH(limits));
	suite_add_tcase(suite, refusals);
	return run_suite(suite);
}

/* test_filter.c - the hash of names; the filter: its bits, no name forgotten, few let through. */
#include "filter.h"

#include <stdio.h>

#include "hash.h"
#include "sinkhole/err.h"
#include "suite.h"

#define X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* Worked out apart from this code, from doc/DATABASE.md. */
static const struct {
	const char *text;
	uint64_t hash;
} hashes[] = {
	{ ".", UINT64_C(0xca009717f87d8879) },
	{ "com", UINT64_C(0xdb7406a47bb8671b) },
	{ "example.com", UINT64_C(0x4f61dedc70d70586) },
	{ "ADS.example.com", UINT64_C(0xecd44786c2c75e6f) },
	{ "a", UINT64_C(0x267df97a66074473) },
	{ "ab", UINT64_C(0xb014b622f57afacb) },
	{ "abcdef", UINT64_C(0xc3f55a30fc12faba) },
	{ "abcdefg", UINT64_C(0x5570eaa53d876ce6) }, /* with its zero a whole piece */
	{ "abcdefgh", UINT64_C(0xa04bbda31e484aa6) }, /* the zero alone is a piece */
	{ "a\\000b\\001", UINT64_C(0x23adfb1d75dc52d9) },
	{ X63, UINT64_C(0x1235ae1024c32b95) },
};

START_TEST(hash)
{
	uint64_t all[SINK_LABELS_MAX + 1];
	struct sink_name name;

	ck_assert_int_eq(sink_name_from_text(sink_span_text(hashes[_i].text), &name), SINK_OK);
	hash_name(HASH_START, &name, all);
	ck_assert_uint_eq(all[0], hashes[0].hash);
	ck_assert_uint_eq(all[name.labels], hashes[_i].hash);
	ck_assert_uint_eq(hash_key(HASH_START, sink_name_key(&name)), hashes[_i].hash);
}
END_TEST

/* Subjects of other triggers, by their keys: worked out likewise. */
static const struct {
	const char *key;
	size_t len;
	uint64_t hash;
} others[] = {
	{ "\1\4\xc0\1\1\2\1\1\x19", 9, UINT64_C(0xb43445181f8c2451) },
	{ "\4\4\xc0\1\1\2\1\2\x21", 9, UINT64_C(0x4276eb8b7c88a285) },
	{ "\2\6\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1", 35,
		UINT64_C(0x319f9f0a7a675bca) },
	{ "\1\6\x20\1\2\x0d\xb8\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\x21", 32,
		UINT64_C(0x0fc16abba829085a) },
	{ "\3", 1, UINT64_C(0xc59dfaaac2bf1377) },
	{ "\3com\0", 5, UINT64_C(0x6dcd44fa68a18c77) },
	{ "\3com\0example\0ns1\0", 17, UINT64_C(0x312eb1888f78bf7f) },
};

START_TEST(hash_of_others)
{
	uint8_t trigger = (uint8_t)others[_i].key[0];
	struct sink_span rest = sink_span(others[_i].key + 1, others[_i].len - 1);
	uint64_t all[SINK_LABELS_MAX + 1];
	struct sink_name name;

	ck_assert_uint_eq(hash_key(hash_start(trigger), rest), others[_i].hash);
	if (trigger != 3)
		return;
	ck_assert_int_eq(sink_name_from_key(rest, &name), SINK_OK);
	hash_name(hash_start(3), &name, all);
	ck_assert_uint_eq(all[name.labels], others[_i].hash);
	ck_assert_uint_eq(hash_start(0), HASH_START);
}
END_TEST

/* The hash along a name is that of each ancestor by itself. */
START_TEST(hash_of_ancestors)
{
	uint64_t all[SINK_LABELS_MAX + 1];
	struct sink_name name;

	ck_assert_int_eq(sink_name_from_text(sink_span_text("a.bb.ccccccc.dddddddd.example.com"),
				 &name),
		SINK_OK);
	hash_name(HASH_START, &name, all);
	for (unsigned n = name.labels + 1u; n-- > 0;) {
		sink_name_cut(&name, (uint8_t)n);
		ck_assert_uint_eq(hash_key(HASH_START, sink_name_key(&name)), all[n]);
	}
	ck_assert_uint_eq(all[2], hashes[2].hash);
}
END_TEST

/* A load that leaves the label is seen here by the sanitizers. */
START_TEST(hash_stays_within)
{
	for (size_t len = 2; len <= 127; len++) {
		uint8_t *label = calloc(1, len);

		ck_assert_ptr_nonnull(label);
		memset(label, 'a', len - 1);
		ck_assert_uint_ne(hash_label(HASH_START, sink_span(label, len)), HASH_START);
		free(label);
	}
	hash_key(HASH_START, sink_span("no end", 6)); /* no key at all: any number, no crash */
	hash_key(HASH_START, sink_span("\0\0", 2));
}
END_TEST

static const struct {
	uint64_t names, count;
} sizes[] = {
	{ 0, 1 },
	{ 1, 1 },
	{ 21, 1 },
	{ 22, 2 },
	{ 42, 2 },
	{ 43, 3 },
	{ 10000000, 468750 },
};

START_TEST(size)
{
	ck_assert_uint_eq(filter_count(sizes[_i].names), sizes[_i].count);
}
END_TEST

/* Worked out like the hashes: ads.example.com in a filter of three blocks. */
START_TEST(bits)
{
	static const uint8_t wanted[32] = { 0x00, 0x02, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x40,
		0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00,
		0x10, 0x00, 0x04, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00 };
	uint8_t blocks[3 * FILTER_BLOCK] = { 0 };
	struct filter filter = { blocks, 3 };

	filter_add(blocks, 3, hashes[3].hash);
	ck_assert_mem_eq(blocks + 64, wanted, sizeof wanted);
	for (size_t i = 0; i < 64; i++)
		ck_assert_uint_eq(blocks[i], 0);
	ck_assert(filter_has(&filter, hashes[3].hash));
	ck_assert(!filter_has(&filter, hashes[2].hash));
	for (size_t i = 0; i < sizeof wanted; i++) /* it asks for every bit */
		for (int bit = 0; bit < 8; bit++) {
			if (!(wanted[i] >> bit & 1))
				continue;
			blocks[64 + i] ^= (uint8_t)(1 << bit);
			ck_assert(!filter_has(&filter, hashes[3].hash));
			blocks[64 + i] ^= (uint8_t)(1 << bit);
		}
}
END_TEST

static uint64_t hash_of_number(char letter, unsigned n)
{
	char text[64];
	struct sink_name name;

	snprintf(text, sizeof text, "%c%u.example.com", letter, n);
	ck_assert(sink_name_from_text(sink_span_text(text), &name) == SINK_OK);
	return hash_key(HASH_START, sink_name_key(&name));
}

/* At any address, too. */
START_TEST(membership)
{
	const unsigned names = 20000;
	uint64_t count = filter_count(names);
	uint8_t *bytes = calloc(count * FILTER_BLOCK + 1, 1);
	struct filter filter = { bytes + 1, count };
	unsigned wrong = 0;

	ck_assert_ptr_nonnull(bytes);
	for (unsigned i = 0; i < names; i++)
		ck_assert(!filter_has(&filter, hash_of_number('n', i)));
	for (unsigned i = 0; i < names; i++)
		filter_add(bytes + 1, count, hash_of_number('n', i));
	for (unsigned i = 0; i < names; i++) {
		uint64_t listed = hash_of_number('n', i);

		filter_prefetch(&filter, listed);
		ck_assert(filter_has(&filter, listed));
	}
	for (unsigned i = 0; i < 100000; i++)
		wrong += filter_has(&filter, hash_of_number('m', i));
	ck_assert_uint_lt(wrong, 900); /* the page promises about 0.6 % */
	ck_assert_uint_gt(wrong, 100);
	free(bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("filter");
	TCase *hashing = tcase_create("hash");
	TCase *filter = tcase_create("filter");

	tcase_add_loop_test(hashing, hash, 0, LENGTH(hashes));
	tcase_add_loop_test(hashing, hash_of_others, 0, LENGTH(others));
	tcase_add_test(hashing, hash_of_ancestors);
	tcase_add_test(hashing, hash_stays_within);
	suite_add_tcase(suite, hashing);
	tcase_add_loop_test(filter, size, 0, LENGTH(sizes));
	tcase_add_test(filter, bits);
	tcase_add_test(filter, membership);
	suite_add_tcase(suite, filter);
	return run_suite(suite);
}

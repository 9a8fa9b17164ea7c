/* test_geo.c - where addresses are by the files that tests/mmdb.py wrote; that what is damaged is refused, and
 * never crashes anybody. */
#include "sinkhole/geo.h"

#include <sys/stat.h>

#include "base.h"
#include "geo_value.h"

static char room[PATH_ROOM];

static void enter_room(void)
{
	make_room(room);
}

static void leave_room(void)
{
	clear_room(room);
}

static const char *fixture(const char *name)
{
	static char path[PATH_ROOM];

	snprintf(path, sizeof path, TEST_SRCDIR "/tests/data/geo/%s.mmdb", name);
	return path;
}

static struct sink_geo *open_geo(const char *name, enum sink_geo_kind kind)
{
	struct sink_why why = { "" };
	struct sink_geo *geo = NULL;

	ck_assert_msg(sink_geo_open(fixture(name), kind, NULL, &why, &geo) == SINK_OK, "%s",
		why.text);
	return geo;
}

static uint32_t find(const struct sink_geo *geo, const char *text)
{
	struct sink_prefix address = prefix_of(text);

	return sink_geo_find(geo, &address);
}

/* --- what is found ----------------------------------------------------------------------------- */

struct row {
	const char *file, *address, *country; /* "": nowhere */
};

static const struct row countries[] = {
	{ "country", "192.0.2.0", "FR" }, { "country", "192.0.2.255", "FR" },
	{ "country", "192.0.3.0", "" }, { "country", "192.0.1.255", "" },
	{ "country", "198.51.100.127", "DE" },
	{ "country", "198.51.100.128", "" }, /* the other half of a /24 */
	{ "country", "203.0.113.7", "JP" }, { "country", "203.0.113.6", "" },
	{ "country", "0.0.0.0", "" }, { "country", "255.255.255.255", "" },
	{ "country", "2001:db8::1", "RU" },
	{ "country", "2001:db8:1::", "BR" }, /* the longer prefix */
	{ "country", "2001:db8:1:ffff:ffff:ffff:ffff:ffff", "BR" },
	{ "country", "2001:db8:2::1", "IN" }, { "country", "2001:db8:2::2", "RU" },
	{ "country", "2001:db9::", "" }, { "country", "::", "" },
	/* IPv4 addresses inside IPv6 ones, as far as the file has them there */
	{ "country", "::192.0.2.1", "FR" }, { "country", "::ffff:192.0.2.1", "FR" },
	{ "country", "::ffff:203.0.113.7", "JP" },
	{ "country", "2002:c000:201::", "FR" }, /* 6to4 */
	{ "country", "64:ff9b::192.0.2.1", "" }, /* NAT64: not in this file */
	{ "country-flat", "192.0.2.1", "FR" }, { "country-flat", "2001:db8:1::1", "BR" },
	{ "country-flat", "::192.0.2.1", "FR" }, { "country-flat", "::ffff:192.0.2.1", "" },
	{ "country-ipv4", "192.0.2.1", "FR" }, { "country-ipv4", "203.0.113.7", "JP" },
	{ "country-ipv4", "203.0.113.8", "" }, { "country-ipv4", "2001:db8::1", "" },
	{ "country-ipv4", "::192.0.2.1", "" },
	{ "country-ipv4", "c000:201::", "" }, /* starts with the bits of 192.0.2.1 */
	/* The tree ends before IPv4 begins. */
	{ "country-whole", "192.0.2.1", "FR" }, { "country-whole", "255.255.255.255", "FR" },
	{ "country-whole", "7fff::", "FR" }, { "country-whole", "8000::", "DE" },
	{ "country-odd", "192.0.2.1", "FR" }, /* "fr" */
	{ "country-odd", "192.0.2.65", "" }, /* an empty text */
	{ "country-odd", "192.0.2.129", "" }, /* no iso_code */
	{ "country-odd", "192.0.2.193", "" }, /* "-" */
	{ "country-odd", "198.51.100.1", "GB" },
	{ "country-odd", "203.0.113.1", "" }, /* nothing at all */
	{ "country-odd", "203.0.113.129", "" }, /* no map */
};

START_TEST(country)
{
	const struct row *row = &countries[_i];
	struct sink_geo *geo = open_geo(row->file, SINK_GEO_COUNTRY);
	uint32_t expected = (uint32_t)((unsigned char)row->country[0] << 8);

	if (expected)
		expected |= (unsigned char)row->country[1];
	ck_assert_msg(find(geo, row->address) == expected, "%s in %s: %x", row->address, row->file,
		find(geo, row->address));
	sink_geo_close(geo);
}
END_TEST

static const struct {
	const char *file, *address;
	uint32_t number;
} systems[] = {
	{ "asn", "192.0.2.1", 64496 },
	{ "asn", "198.51.100.1", 4200000000 },
	{ "asn", "::ffff:203.0.113.1", 64511 },
	{ "asn", "2001:db8::1", 65551 },
	{ "asn", "10.0.0.1", 0 },
	{ "asn-flat", "192.0.2.1", 64496 },
	{ "asn-flat", "198.51.100.1", 4200000000 },
	{ "asn-flat", "2001:db8::1", 65551 },
	{ "asn-flat", "2001:db9::1", 0 },
	{ "asn-odd", "192.0.2.1", 64496 }, /* a number */
	{ "asn-odd", "192.0.2.65", 64497 }, /* a text without "AS" */
	{ "asn-odd", "192.0.2.129", 7 }, /* of 16 bits */
	{ "asn-odd", "192.0.2.193", 0 }, /* an empty text */
	{ "asn-odd", "198.51.100.1", 0 }, /* "AS" */
	{ "asn-odd", "198.51.100.129", 0 }, /* "AS-1" */
	{ "asn-odd", "203.0.113.1", 0 }, /* more than 32 bits */
	{ "asn-odd", "203.0.113.129", 4294967295 },
};

START_TEST(system_number)
{
	struct sink_geo *geo = open_geo(systems[_i].file, SINK_GEO_ASN);

	ck_assert_uint_eq(find(geo, systems[_i].address), systems[_i].number);
	sink_geo_close(geo);
}
END_TEST

START_TEST(families)
{
	struct sink_geo *both = open_geo("country", SINK_GEO_COUNTRY);
	struct sink_geo *four = open_geo("country-ipv4", SINK_GEO_COUNTRY);
	struct sink_prefix unknown = { .family = 0 };

	ck_assert(sink_geo_has_ipv6(both));
	ck_assert(!sink_geo_has_ipv6(four));
	ck_assert_uint_eq(sink_geo_find(both, &unknown), 0);
	ck_assert_uint_eq(find(NULL, "192.0.2.1"), 0);
	sink_geo_close(both);
	sink_geo_close(four);
	sink_geo_close(NULL);
}
END_TEST

/* The file may go as soon as it is open, and each owner closes for himself. */
START_TEST(owners)
{
	struct bytes bytes = read_whole(fixture("country"));
	char path[PATH_ROOM];
	struct sink_geo *geo, *other;

	write_whole(inside(room, "x.mmdb", path), bytes.at, bytes.len);
	free(bytes.at);
	ck_assert_int_eq(sink_geo_open(path, SINK_GEO_COUNTRY, NULL, NULL, &geo), SINK_OK);
	write_whole(path, "gone", 4);
	ck_assert_int_eq(unlink(path), 0);
	other = sink_geo_share(geo);
	sink_geo_close(geo);
	ck_assert_uint_eq(find(other, "192.0.2.1"), 'F' << 8 | 'R');
	sink_geo_close(other);
}
END_TEST

START_TEST(nothing_stays_open)
{
	unsigned before = open_files();
	struct sink_geo *geo = open_geo("country", SINK_GEO_COUNTRY);
	struct sink_why why;

	ck_assert_uint_eq(open_files(), before);
	sink_geo_close(geo);
	ck_assert_int_eq(sink_geo_open(fixture("bad-depth"), SINK_GEO_COUNTRY, NULL, &why, &geo),
		SINK_ECORRUPT);
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

/* --- what is refused ---------------------------------------------------------------------------- */

static int try(const char *path, enum sink_geo_kind kind, struct sink_why *why)
{
	struct sink_geo *geo = NULL;
	int err = sink_geo_open(path, kind, NULL, why, &geo);

	ck_assert((err == SINK_OK) == (geo != NULL));
	sink_geo_close(geo);
	return err;
}

static const struct {
	const char *file;
	enum sink_geo_kind kind;
	const char *part; /* of the sentence */
} refused[] = {
	{ "asn", SINK_GEO_COUNTRY, "(a file of type \"GeoLite2-ASN\") has a country" },
	{ "asn-flat", SINK_GEO_COUNTRY, "has a country" },
	{ "country", SINK_GEO_ASN, "has an AS number" },
	{ "country-flat", SINK_GEO_ASN, "has an AS number" },
	{ "bad-depth", SINK_GEO_COUNTRY, "damaged" },
	{ "bad-fan-out", SINK_GEO_COUNTRY, "too large" },
	{ "bad-ip-version", SINK_GEO_COUNTRY, "invalid metadata" },
	{ "bad-key", SINK_GEO_COUNTRY, "damaged" },
	{ "bad-languages", SINK_GEO_COUNTRY, "damaged" },
	{ "bad-map-circle", SINK_GEO_COUNTRY, "too large" },
	{ "bad-marker", SINK_GEO_COUNTRY, "damaged" },
	{ "bad-metadata-fan-out", SINK_GEO_COUNTRY, "damaged" },
	{ "bad-nobody", SINK_GEO_COUNTRY, "has a country" },
	{ "bad-nobody", SINK_GEO_ASN, "has an AS number" },
	{ "bad-node-count", SINK_GEO_COUNTRY, "larger than the file" },
	{ "bad-nodes", SINK_GEO_COUNTRY, "larger than the file" },
	{ "bad-number", SINK_GEO_COUNTRY, "not a text" },
	{ "bad-pointer", SINK_GEO_COUNTRY, "damaged" },
	{ "bad-pointer-circle", SINK_GEO_COUNTRY, "damaged" },
	{ "bad-record-depth", SINK_GEO_COUNTRY, "too large" },
	{ "bad-record-size", SINK_GEO_COUNTRY, "unknown record size" },
	{ "bad-separator", SINK_GEO_COUNTRY, "between tree and data" },
	{ "bad-size", SINK_GEO_COUNTRY, "damaged" },
	{ "bad-text", SINK_GEO_COUNTRY, "not a MaxMind DB file" },
	{ "bad-top", SINK_GEO_COUNTRY, "out of the file" },
	{ "bad-type", SINK_GEO_COUNTRY, "damaged" },
	{ "bad-version", SINK_GEO_COUNTRY, "format" },
};

START_TEST(refusal)
{
	const char *path = fixture(refused[_i].file);
	struct sink_why why = { "" };

	ck_assert_int_eq(try(path, refused[_i].kind, &why), SINK_ECORRUPT);
	ck_assert_msg(strncmp(why.text, path, strlen(path)) == 0, "no file in \"%s\"", why.text);
	ck_assert_msg(strstr(why.text, refused[_i].part), "\"%s\"", why.text);
}
END_TEST

START_TEST(no_such_file)
{
	struct sink_why why;
	char path[PATH_ROOM], link[PATH_ROOM];

	inside(room, "none.mmdb", path);
	ck_assert_int_eq(try(path, SINK_GEO_ASN, &why), SINK_ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, path));
	ck_assert_int_eq(try(room, SINK_GEO_ASN, &why), SINK_ECORRUPT); /* a directory */
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(try(path, SINK_GEO_ASN, &why), SINK_ECORRUPT); /* nobody waits */
	ck_assert_int_eq(symlink(fixture("asn"), inside(room, "link", link)), 0);
	ck_assert_int_eq(try(link, SINK_GEO_ASN, &why), SINK_OK); /* how updaters switch */
	write_whole(inside(room, "empty", path), "", 0);
	ck_assert_int_eq(try(path, SINK_GEO_ASN, &why), SINK_ECORRUPT);
	ck_assert_int_eq(truncate(path, (off_t)1 << 31), 0);
	ck_assert_int_eq(try(path, SINK_GEO_ASN, &why), SINK_ECORRUPT);
	ck_assert_ptr_nonnull(strstr(why.text, "larger than"));
}
END_TEST

START_TEST(cancelled)
{
	const atomic_bool cancel = true;
	struct sink_geo *geo;
	struct sink_why why;

	ck_assert_int_eq(sink_geo_open(fixture("country"), SINK_GEO_COUNTRY, &cancel, &why, &geo),
		SINK_ECANCELED);
}
END_TEST

/* --- damage --------------------------------------------------------------------------------------- */

/* Whatever became of it: if it opens, every address is somewhere or nowhere. */
static int try_damaged(const void *at, size_t len, enum sink_geo_kind kind)
{
	static const char *const addresses[] = { "0.0.0.0", "192.0.2.1", "203.0.113.7",
		"255.255.255.255", "::", "2001:db8:2::1", "ffff::" };
	struct sink_geo *geo = NULL;
	char path[PATH_ROOM];
	int err;

	write_whole(inside(room, "damaged.mmdb", path), at, len);
	err = sink_geo_open(path, kind, NULL, NULL, &geo);
	ck_assert(err == SINK_OK || err == SINK_ECORRUPT);
	for (size_t i = 0; !err && i < LENGTH(addresses); i++) {
		struct sink_prefix address = prefix_of(addresses[i]);
		uint32_t found = sink_geo_find(geo, &address);

		ck_assert(kind == SINK_GEO_ASN || found == 0 ||
			(found >= 0x4141 && found <= 0x5a5a));
	}
	sink_geo_close(geo);
	return err;
}

static const struct {
	const char *file;
	enum sink_geo_kind kind;
} sound[] = {
	{ "country", SINK_GEO_COUNTRY },
	{ "country-flat", SINK_GEO_COUNTRY },
	{ "country-ipv4", SINK_GEO_COUNTRY },
	{ "asn", SINK_GEO_ASN },
	{ "asn-flat", SINK_GEO_ASN },
};

START_TEST(cut_short)
{
	struct bytes bytes = read_whole(fixture(sound[_i].file));
	size_t opened = 0;

	ck_assert_int_eq(try_damaged(bytes.at, bytes.len, sound[_i].kind), SINK_OK);
	for (size_t len = 0; len < bytes.len; len += STRIDE)
		opened += try_damaged(bytes.at, len, sound[_i].kind) == SINK_OK;
	ck_assert_uint_eq(opened, 0);
	free(bytes.at);
}
END_TEST

START_TEST(flipped_bits)
{
	struct bytes bytes = read_whole(fixture(sound[_i].file));
	size_t refused_ones = 0;

	for (size_t bit = 0; bit < 8 * bytes.len; bit += STRIDE) {
		bytes.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refused_ones += try_damaged(bytes.at, bytes.len, sound[_i].kind) != SINK_OK;
		bytes.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert_uint_gt(refused_ones, bytes.len / STRIDE); /* it does look */
	free(bytes.at);
}
END_TEST

START_TEST(many_changes)
{
	struct bytes bytes = read_whole(fixture(sound[_i].file)),
		     damaged = read_whole(fixture(sound[_i].file));
	uint64_t random = 42;

	for (int round = 0; round < 4000; round += STRIDE) {
		memcpy(damaged.at, bytes.at, bytes.len);
		for (int change = 0; change <= round % 8; change++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			damaged.at[(random >> 33) % bytes.len] = (uint8_t)(random >> 24);
		}
		try_damaged(damaged.at, bytes.len, sound[_i].kind);
	}
	free(bytes.at);
	free(damaged.at);
}
END_TEST

/* --- values ------------------------------------------------------------------------------------- */

static const struct {
	const char *bytes;
	size_t len;
	bool texts, good;
} values[] = {
	{ "", 0, false, false }, { "\x41x", 2, false, true }, /* a text */
	{ "\x42x", 2, false, false }, /* that ends too late */
	{ "\x5d\x00", 2, false, false }, /* of 29 bytes, which are not there */
	{ "\x5d", 1, false, false }, /* whose length is not there */
	{ "\x5e\x00", 2, false, false }, { "\x5f\x00\x00", 3, false, false },
	{ "\xe0", 1, false, true }, /* an empty map */
	{ "\xe1\x41k\x41v", 5, false, true },
	{ "\xe1\x41k", 3, false, false }, /* a key without a value */
	{ "\xe1\xc1k\x41v", 5, false, false }, /* a key that is a number */
	{ "\xe2\x41k\x41v\x20\x01\x41w", 9, false, true }, /* a key that is a pointer to one */
	{ "\x00\x04", 2, false, true }, /* an empty array */
	{ "\x01\x04\xe0", 3, false, true },
	{ "\x01\x04\xe0", 3, true, false }, /* where texts are wanted */
	{ "\x02\x04\x41x\x20\x02", 6, true, true }, /* a text, and a pointer to it */
	{ "\x01\x07", 2, false, true }, /* true */
	{ "\x00\x09", 2, false, false }, /* no such type */
	{ "\xa0", 1, false, true }, { "\xa2\1\1", 3, false, true }, /* numbers of 16 bits */
	{ "\xa3\1\1\1", 4, false, false }, /* three octets */
	{ "\xc4\1\1\1\1", 5, false, true }, { "\xc5\1\1\1\1\1", 6, false, false },
	{ "\4\1\1\1\1\1", 6, false, true }, { "\5\1\1\1\1\1\1", 7, false, false },
	{ "\x8\2\1\1\1\1\1\1\1\1", 10, false, true },
	{ "\x9\2\1\1\1\1\1\1\1\1\1", 11, false, false },
	{ "\x10\3\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1", 18, false, true },
	{ "\x11\3\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1", 19, false, false },
	{ "\x68\1\1\1\1\1\1\1\1", 9, false, true }, /* a double */
	{ "\x67\1\1\1\1\1\1\1", 8, false, false },
	{ "\4\x8\1\1\1\1", 6, false, true }, /* a float */
	{ "\3\x8\1\1\1", 5, false, false }, { "\5\x8\1\1\1\1\1", 7, false, false },
	{ "\x00", 1, false, false }, { "\x20\x00", 2, false, false }, /* a pointer to itself */
	{ "\x20\x02\x20\x00", 4, false, false }, /* to a pointer */
	{ "\x20\x02\xe0", 3, false, true },
	{ "\x38\x00\x00\x00\x05\xe0", 6, false, true }, /* in its longest form */
	{ "\x38\xff\xff\xff\xff\xe0", 6, false, false },
	{ "\x28\x00\x00\xe0", 4, false, false }, /* 2048 bytes away */
	{ "\xff\xff\xff\xff", 4, false, false }, /* a map of 16 million pairs */
	{ "\x1f\x04\xff\xff\xff", 5, false, false }, /* an array of as many elements */
};

START_TEST(value)
{
	uint64_t budget = 1000;
	uint8_t *copy = malloc(values[_i].len + 1); /* its own, for the sanitizer */

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, values[_i].bytes, values[_i].len);
	ck_assert_int_eq(geo_value_check(sink_span(copy, values[_i].len), 0, values[_i].texts,
				 &budget),
		values[_i].good);
	free(copy);
}
END_TEST

START_TEST(budget_runs_out)
{
	static const char bytes[] = "\x03\x04\xe0\xe0\xe0";
	struct sink_span section = sink_span(bytes, sizeof bytes - 1);
	uint64_t budget = 7;

	ck_assert(geo_value_check(section, 0, false, &budget));
	ck_assert_uint_eq(budget, 3);
	ck_assert(!geo_value_check(section, 0, false, &budget));
	ck_assert_uint_eq(budget, 0);
	ck_assert(!geo_value_check(section, 0, false, &budget));
	budget = 1;
	ck_assert(!geo_value_check(section, 5, false, &budget));
	ck_assert(!geo_value_check(section, UINT32_MAX, false, &budget));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("geo");
	TCase *found = tcase_create("found"), *bad = tcase_create("refused");
	TCase *damage = tcase_create("damage"), *parts = tcase_create("values");

	tcase_add_unchecked_fixture(found, enter_room, leave_room);
	tcase_add_loop_test(found, country, 0, LENGTH(countries));
	tcase_add_loop_test(found, system_number, 0, LENGTH(systems));
	tcase_add_test(found, families);
	tcase_add_test(found, owners);
	tcase_add_test(found, nothing_stays_open);
	suite_add_tcase(suite, found);
	tcase_add_checked_fixture(bad, enter_room, leave_room);
	tcase_add_loop_test(bad, refusal, 0, LENGTH(refused));
	tcase_add_test(bad, no_such_file);
	tcase_add_test(bad, cancelled);
	suite_add_tcase(suite, bad);
	tcase_add_checked_fixture(damage, enter_room, leave_room);
	tcase_add_loop_test(damage, cut_short, 0, LENGTH(sound));
	tcase_add_loop_test(damage, flipped_bits, 0, LENGTH(sound));
	tcase_add_loop_test(damage, many_changes, 0, LENGTH(sound));
	tcase_set_timeout(damage, 120);
	suite_add_tcase(suite, damage);
	tcase_add_loop_test(parts, value, 0, LENGTH(values));
	tcase_add_test(parts, budget_runs_out);
	suite_add_tcase(suite, parts);
	return run_suite(suite);
}

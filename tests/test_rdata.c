/* test_rdata.c - which RDATA is what its type says, by the description of types that Unbound has: its source, not an
 * imitation. The addresses in HTTPS and SVCB records are test_hints.c's. */
#include "rdata.h"

#include <sys/mman.h>
#include <unistd.h>

#include "suite.h"
#include "ub.h"

#include "sldns/rrdef.c"

#define RDATA_MAX 65535

/* --- memory that ends where the bytes end --- */

static uint8_t *wall; /* behind it nothing may be read */

static void build_wall(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (RDATA_MAX / page + 1) * page;
	uint8_t *at =
		mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert(at != MAP_FAILED);
	ck_assert_int_eq(mprotect(at + room, page, PROT_NONE), 0);
	wall = at + room;
}

static struct sink_span at_wall(const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(wall - len, bytes, len);
	return sink_span(wall - len, len);
}

/* --- names --- */

#define ROW(bytes) bytes, sizeof(bytes) - 1
#define X15 "xxxxxxxxxxxxxxx"
#define LABEL_63 "\77" X15 X15 X15 X15 "xxx"
#define LABEL_61 "\75" X15 X15 X15 X15 "x"
#define LABEL_62 "\76" X15 X15 X15 X15 "xx"

static const struct {
	const char *bytes;
	size_t len;
	size_t wanted;
} names[] = {
	{ ROW("\3www"), 0 }, /* whole labels, and no root: what is behind the bytes is not theirs */
	{ ROW("\3ww"), 0 }, { ROW("\3"), 0 }, { ROW(""), 0 },
	{ ROW("\300\14"), 0 }, /* compressed */
	{ ROW("\3www\300\14"), 0 }, { ROW("\100"), 0 }, /* an extended label type */
	{ ROW("\200"), 0 }, { ROW(LABEL_63 LABEL_63 LABEL_63 LABEL_62 "\0"), 0 }, /* 256 octets */
	{ ROW(LABEL_63 LABEL_63 LABEL_63 LABEL_61 "\0"), 255 },
	{ ROW(LABEL_63 LABEL_63 LABEL_63 LABEL_61), 0 }, { ROW(LABEL_63 "\0"), 65 },
	{ ROW("\0"), 1 }, { ROW("\0\0"), 1 }, { ROW("\3www\0"), 5 }, { ROW("\3www\0\300\14"), 5 },
	{ ROW("\1\0\0"), 3 }, /* a label may hold any octet */
};

START_TEST(rows_of_names)
{
	for (size_t i = 0; i < LENGTH(names); i++) {
		size_t seen = rdata_name(at_wall(names[i].bytes, names[i].len));

		ck_assert_msg(seen == names[i].wanted, "row %zu: %zu", i, seen);
	}
}
END_TEST

/* --- records --- */

#define V4 "\300\0\2\1"
#define SOA_NUMBERS "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"

static const struct {
	uint16_t type;
	const char *bytes;
	size_t len;
	bool wanted;
} rows[] = {
	/* Names are what Unbound's encoder compresses by: it follows those that it finds. */
	{ LDNS_RR_TYPE_HTTPS, ROW("\0\1\300\14"), false },
	{ LDNS_RR_TYPE_HTTPS, ROW("\0\1\3www"), false },
	{ LDNS_RR_TYPE_HTTPS, ROW("\0\1"), false },
	{ LDNS_RR_TYPE_HTTPS, ROW("\0"), false },
	{ LDNS_RR_TYPE_HTTPS, ROW(""), false },
	{ LDNS_RR_TYPE_HTTPS, ROW("\0\1\0"), true },
	{ LDNS_RR_TYPE_HTTPS, ROW("\0\0\3www\0"), true }, /* the alias form */
	{ LDNS_RR_TYPE_HTTPS, ROW("\0\1\0\0\4\0\4" V4), true },
	/* What follows the target is nobody's business but the client's. */
	{ LDNS_RR_TYPE_HTTPS, ROW("\0\1\0\0\4\0\10" V4), true }, /* a length that lies */
	{ LDNS_RR_TYPE_HTTPS, ROW("\0\1\0\0"), true },
	{ LDNS_RR_TYPE_HTTPS, ROW("\0\1\0\0\0\0\2\0\4"), true }, /* mandatory, and not there */
	{ LDNS_RR_TYPE_SVCB, ROW("\0\1\300\14"), false },
	{ LDNS_RR_TYPE_SVCB, ROW("\0\1\1a\0\0\6\0\3abc"), true },

	{ LDNS_RR_TYPE_CNAME, ROW("\300\14"), false },
	{ LDNS_RR_TYPE_CNAME, ROW("\1a\0\0"), false }, /* something behind it */
	{ LDNS_RR_TYPE_CNAME, ROW(""), false },
	{ LDNS_RR_TYPE_CNAME, ROW("\1a\0"), true },
	{ LDNS_RR_TYPE_MX, ROW("\0\12\300\14"), false },
	{ LDNS_RR_TYPE_MX, ROW("\0\12"), false },
	{ LDNS_RR_TYPE_MX, ROW("\0\12\1a\0x"), false },
	{ LDNS_RR_TYPE_MX, ROW("\0\12\1a\0"), true },
	{ LDNS_RR_TYPE_SRV, ROW("\0\1\0\2\0\3\300\14"), false },
	{ LDNS_RR_TYPE_SRV, ROW("\0\1\0\2\0\3\0"), true },
	{ LDNS_RR_TYPE_NAPTR, ROW("\0\1\0\2\377\0\0\0"), false }, /* a text that lies */
	{ LDNS_RR_TYPE_NAPTR, ROW("\0\1\0\2\0\0\0\300\14"), false },
	{ LDNS_RR_TYPE_NAPTR, ROW("\0\1\0\2\1u\3E2U\0\0"), true },
	{ LDNS_RR_TYPE_SOA, ROW("\0\300\14" SOA_NUMBERS), false }, /* the second of two */
	{ LDNS_RR_TYPE_SOA, ROW("\0\0" SOA_NUMBERS "\0"), false },
	{ LDNS_RR_TYPE_SOA, ROW("\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0"), false },
	{ LDNS_RR_TYPE_SOA, ROW("\0\0" SOA_NUMBERS), true },

	{ LDNS_RR_TYPE_A, ROW("\300\0\2"), false },
	{ LDNS_RR_TYPE_A, ROW(V4 "\0"), false },
	{ LDNS_RR_TYPE_A, ROW(V4 V4), false }, /* two */
	{ LDNS_RR_TYPE_A, ROW(""), false },
	{ LDNS_RR_TYPE_A, ROW(V4), true },
	{ LDNS_RR_TYPE_AAAA, ROW(V4 V4 V4 "\0\0\0"), false },
	{ LDNS_RR_TYPE_AAAA, ROW(V4 V4 V4 V4 "\0"), false },
	{ LDNS_RR_TYPE_AAAA, ROW(V4 V4 V4 V4), true },
	{ LDNS_RR_TYPE_TXT, ROW(""), false },
	{ LDNS_RR_TYPE_TXT, ROW("\2a"), false },
	{ LDNS_RR_TYPE_TXT, ROW("\1a\2b"), false }, /* the second of two */
	{ LDNS_RR_TYPE_TXT, ROW("\0"), true },
	{ LDNS_RR_TYPE_TXT, ROW("\1a\1b\0"), true },
	{ LDNS_RR_TYPE_HINFO, ROW("\0"), false },
	{ LDNS_RR_TYPE_HINFO, ROW("\0\0\0"), false },
	{ LDNS_RR_TYPE_HINFO, ROW("\1a\1b"), true },
	{ LDNS_RR_TYPE_CAA, ROW(""), false },
	{ LDNS_RR_TYPE_CAA, ROW("\0\5issueca"), true },

	/* Types of which nothing is known: any octets (RFC 3597). */
	{ 127, ROW("\300\14"), true },
	{ 65280, ROW(""), true },
	{ 65280, ROW("\377\377\377"), true },

	/* What is no type of records, and what only a zone's owner can make. */
	{ 0, ROW("x"), false },
	{ LDNS_RR_TYPE_OPT, ROW(""), false },
	{ LDNS_RR_TYPE_SIG, ROW("\0\1\10\0\0\0\0\1\0\0\0\1\0\0\0\1\0\1\0x"), false },
	{ LDNS_RR_TYPE_RRSIG, ROW("\0\1\10\0\0\0\0\1\0\0\0\1\0\0\0\1\0\1\0x"), false },
	{ LDNS_RR_TYPE_NXT, ROW("\0x"), false },
	{ LDNS_RR_TYPE_NSEC, ROW("\0\0\1\100"), false },
	{ LDNS_RR_TYPE_NSEC3, ROW("\1\0\0\0\0\1x\0\1\100"), false },
	{ 128, ROW("x"), false },
	{ LDNS_RR_TYPE_TSIG, ROW("\0x"), false },
	{ LDNS_RR_TYPE_AXFR, ROW("x"), false },
	{ LDNS_RR_TYPE_ANY, ROW("x"), false },
};

START_TEST(rows_of_records)
{
	for (size_t i = 0; i < LENGTH(rows); i++)
		ck_assert_msg(rdata_is_good(rows[i].type, at_wall(rows[i].bytes, rows[i].len)) ==
				rows[i].wanted,
			"row %zu, type %u", i, rows[i].type);
}
END_TEST

/* Each row with each octet that decides something in each place, cut anywhere, as every type there is: nothing is
 * read beyond it. */
START_TEST(any_octets_any_type)
{
	static const uint8_t octets[] = { 0, 1, 63, 64, 192, 255 };
	uint8_t copy[64];
	size_t good = 0;

	for (size_t i = 0; i < LENGTH(rows); i++)
		for (size_t at = 0; at < rows[i].len; at++)
			for (size_t o = 0; o < LENGTH(octets); o++) {
				ck_assert(rows[i].len <= sizeof copy);
				memcpy(copy, rows[i].bytes, rows[i].len);
				copy[at] = octets[o];
				for (size_t len = at; len <= rows[i].len; len++)
					for (unsigned type = 0; type < 300; type++)
						good += rdata_is_good((uint16_t)type,
							at_wall(copy, len));
			}
	ck_assert(good > 0);
}
END_TEST

START_TEST(every_type)
{
	static const uint8_t zeros[RDATA_MAX];

	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		bool is_empty = rdata_is_good((uint16_t)type, at_wall(zeros, 0));
		bool is_full = rdata_is_good((uint16_t)type, at_wall(zeros, RDATA_MAX));

		ck_assert(type < 128 || type > 255 || (!is_empty && !is_full));
		ck_assert(type < 32768 || (is_empty && is_full) || type == LDNS_RR_TYPE_TA ||
			type == LDNS_RR_TYPE_DLV);
	}
	ck_assert(rdata_is_good(LDNS_RR_TYPE_TXT, at_wall(zeros, RDATA_MAX)));
	ck_assert(!rdata_is_good(LDNS_RR_TYPE_CNAME, at_wall(zeros, RDATA_MAX)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rdata");
	TCase *all = tcase_create("all");

	tcase_add_unchecked_fixture(all, build_wall, NULL);
	tcase_add_test(all, rows_of_names);
	tcase_add_test(all, rows_of_records);
	tcase_add_test(all, any_octets_any_type);
	tcase_add_test(all, every_type);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}

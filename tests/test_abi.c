/* test_abi.c - which strings in a program's memory make it the Unbound we were built for. */
#include "abi.h"

#include <stdio.h>

#include "suite.h"

#define BYTES(text) text, sizeof text - 1

#define VERSION "1.17.1"
#define LINE "--with-libevent --with-dynlibmodule"

static const struct {
	const char *memory;
	size_t len;
	const char *configure;
	enum abi_fit fit;
} rows[] = {
	{ BYTES(""), LINE, ABI_OTHER_VERSION },
	{ BYTES("\0"), LINE, ABI_OTHER_VERSION },
	{ BYTES("\0" LINE "\0"), LINE, ABI_OTHER_VERSION },
	{ BYTES("1.17.1"), LINE, ABI_OTHER_VERSION }, /* not ended within the range */
	{ BYTES("1.17.1" LINE "\0"), LINE, ABI_OTHER_VERSION },
	{ BYTES("1.17.10\0" LINE "\0"), LINE, ABI_OTHER_VERSION },
	{ BYTES("1.17.1rc1\0" LINE "\0"), LINE, ABI_OTHER_VERSION },
	{ BYTES("1.17.1_1\0" LINE "\0"), LINE, ABI_OTHER_VERSION },
	{ BYTES("11.17.1\0" LINE "\0"), LINE, ABI_OTHER_VERSION },
	{ BYTES("0.1.17.1\0" LINE "\0"), LINE, ABI_OTHER_VERSION },
	{ BYTES("1.17\0.1\0" LINE "\0"), LINE, ABI_OTHER_VERSION },
	{ BYTES("1.22.0\0" LINE "\0"), LINE, ABI_OTHER_VERSION },

	{ BYTES("1.17.1\0"), LINE, ABI_OTHER_CONFIGURE },
	{ BYTES("1.17.1\0" LINE), LINE, ABI_OTHER_CONFIGURE },
	{ BYTES("1.17.1\0" LINE " --enable-subnet\0"), LINE, ABI_OTHER_CONFIGURE },
	{ BYTES("1.17.1\0--enable-subnet " LINE "\0"), LINE, ABI_OTHER_CONFIGURE },
	{ BYTES("1.17.1\0--with-libevent\0--with-dynlibmodule\0"), LINE, ABI_OTHER_CONFIGURE },
	{ BYTES("1.17.1\0--WITH-libevent --with-dynlibmodule\0"), LINE, ABI_OTHER_CONFIGURE },

	{ BYTES("1.17.1\0" LINE "\0"), LINE, ABI_FITS },
	{ BYTES(LINE "\0"
		     "1.17.1\0"),
		LINE, ABI_FITS },
	{ BYTES("unbound 1.17.1\0\0\0\0" LINE "\0"), LINE, ABI_FITS }, /* how linkers keep it */
	{ BYTES("v1.17.1\0\001" LINE "\0"), LINE, ABI_FITS },
	{ BYTES("11.17.1\0a 1.17.1\0--x " LINE "\0\377" LINE "\0"), LINE,
		ABI_FITS }, /* the second */
	{ BYTES("1.17.1\0"), "", ABI_FITS }, /* configured without arguments */
	{ BYTES("1.17.2\0"), "", ABI_OTHER_VERSION },
};

START_TEST(one_range)
{
	struct sink_span memory = sink_span(rows[_i].memory, rows[_i].len);

	ck_assert_int_eq(abi_compare(&memory, 1, VERSION, rows[_i].configure), rows[_i].fit);
}
END_TEST

START_TEST(ranges_are_apart)
{
	const struct sink_span halves[] = {
		sink_span(BYTES("\0"
				"1.17.1\0--with-libevent ")),
		sink_span(BYTES("--with-dynlibmodule\0")),
	};
	const struct sink_span wholes[] = {
		sink_span(BYTES("\0" LINE "\0")),
		sink_span(NULL, 0),
		sink_span(BYTES("\0"
				"1.17.1\0")),
	};

	ck_assert_int_eq(abi_compare(halves, 2, VERSION, LINE), ABI_OTHER_CONFIGURE);
	ck_assert_int_eq(abi_compare(wholes, 3, VERSION, LINE), ABI_FITS);
	ck_assert_int_eq(abi_compare(NULL, 0, VERSION, LINE), ABI_OTHER_VERSION);
}
END_TEST

/* Read-only data of this program, as the strings are of Unbound; "used", or they become operands
 * of instructions. */
static const char version_here[] __attribute__((used)) = "test_abi 77.88.99";
static const char line_here[] __attribute__((used)) = "--prefix=/nowhere --of=test_abi";

START_TEST(this_program)
{
	char version[32], line[64]; /* copies: what is looked for must not be what is found */

	snprintf(version, sizeof version, "%s", version_here + 9);
	snprintf(line, sizeof line, "%s", line_here);
	ck_assert_int_eq(abi_running(version, line), ABI_FITS);
	ck_assert_int_eq(abi_running(version, line + 1), ABI_OTHER_CONFIGURE);
	ck_assert_int_eq(abi_running(version + 1, line), ABI_OTHER_VERSION);
	version[0] = '5';
	ck_assert_int_eq(abi_running(version, line), ABI_OTHER_VERSION);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("abi");
	TCase *tests = tcase_create("abi");

	tcase_add_loop_test(tests, one_range, 0, LENGTH(rows));
	tcase_add_test(tests, ranges_are_apart);
	tcase_add_test(tests, this_program);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}

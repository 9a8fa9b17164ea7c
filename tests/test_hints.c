/* test_hints.c - the addresses in HTTPS and SVCB records, and what records that are no such things give. */
#include "hints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define TEXT_MAX 512

struct heard {
	char text[TEXT_MAX]; /* a blank after each */
};

static void hear(void *arg, const struct sink_prefix *address)
{
	struct heard *heard = arg;
	char text[SINK_PREFIX_TEXT_MAX];

	ck_assert(sink_prefix_is_good(address));
	strcat(strcat(heard->text, sink_prefix_to_text(address, text)), " ");
}

/* In memory of exactly that size: a sanitizer sees a step beyond. */
static const char *addresses(const void *bytes, size_t len)
{
	static struct heard heard;
	uint8_t *copy = malloc(len ? len : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, len);
	heard.text[0] = '\0';
	hints_each(sink_span(copy, len), hear, &heard);
	free(copy);
	return heard.text;
}

#define ROW(bytes, wanted) \
	{ \
		bytes, sizeof(bytes) - 1, wanted \
	}
#define V4 "\0\4\0\4\300\0\2\1" /* ipv4hint=192.0.2.1 */
#define V6 "\0\6\0\20\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1" /* ipv6hint=2001:db8::1 */
#define ALPN "\0\1\0\3\2h2"

static const struct {
	const char *bytes;
	size_t len;
	const char *wanted;
} rows[] = {
	ROW("\0\1\0" V4, "192.0.2.1 "),
	ROW("\0\1\0" ALPN V4 V6, "192.0.2.1 2001:db8::1 "),
	ROW("\0\1\3www\4test\0" V4, "192.0.2.1 "),
	ROW("\0\1\0\0\4\0\10\300\0\2\1\300\0\2\2", "192.0.2.1 192.0.2.2 "),
	ROW("\0\0\0" V4,
		"192.0.2.1 "), /* an alias has no parameters; who sends some means something */
	ROW("\0\1\0" V6 V4,
		"2001:db8::1 192.0.2.1 "), /* not rising: no proper record, but readable */
	ROW("\0\1\0\0\4\0\5\300\0\2\1\7" V6, "2001:db8::1 "), /* five octets are no addresses */
	ROW("\0\1\0\0\4\0\0", ""),
	ROW("\0\1\0\0\4\0\3\300\0\2" V4, "192.0.2.1 "), /* nor are three */
	ROW("\0\1\0\0\6\0\17\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0" V4, "192.0.2.1 "),
	ROW("\0\1\0\0\6\0\4\300\0\2\1", ""), /* an IPv4 address as ipv6hint */
	ROW("\0\1\0" V4 "\0\4\0\4\300\0\2\2", "192.0.2.1 192.0.2.2 "), /* the key twice */
	ROW("\0\1\0\0\4\377\377\300\0\2\1", ""),
	ROW("\0\1\0\377\377\377\377" V4,
		""), /* an unknown key whose length lies hides what is behind */
	ROW("\0\1\0\0\0\0\4\0\4\0\1" V4,
		"192.0.2.1 "), /* mandatory: ipv4hint, and an alpn that is not there */
	ROW("\0\1\0\0\0\0\1\0" V4, "192.0.2.1 "), /* mandatory, half a key */
	ROW("\0\1\0" ALPN "\0\2\0\0\0\3\0\2\1\273\377\376\0\1x" V4,
		"192.0.2.1 "), /* keys of all kinds */
	ROW("\0\1\0\0\5\0\4\300\0\2\1", ""), /* ech with those octets */
	ROW("\0\1\0\0\4\0\10\300\0\2\1", ""), /* longer than the record */
	ROW("\0\1\0" V4 "\0", "192.0.2.1 "),
	ROW("\0\1\0" V4 "\0\6\0", "192.0.2.1 "),
	ROW("\0\1\0\1\4\0\4\300\0\2\1", ""), /* key 260 */
	ROW("\0\1\300\14" V4, ""), /* a compressed name */
	ROW("\0\1\100" V4, ""),
	ROW("\0\1\5www", ""),
	ROW("\0\1\0", ""),
	ROW("\0\1", ""),
	ROW("\0", ""),
	ROW("", ""),
};

START_TEST(rows_of_records)
{
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *seen = addresses(rows[i].bytes, rows[i].len);

		ck_assert_msg(strcmp(seen, rows[i].wanted) == 0, "row %zu: '%s', wanted '%s'", i,
			seen, rows[i].wanted);
	}
}
END_TEST

/* What is told of a record's beginning is the beginning of what is told of it. */
START_TEST(every_beginning)
{
	for (size_t i = 0; i < LENGTH(rows); i++)
		for (size_t len = 0; len < rows[i].len; len++) {
			const char *seen = addresses(rows[i].bytes, len);

			ck_assert(strncmp(rows[i].wanted, seen, strlen(seen)) == 0);
		}
}
END_TEST

/* Each octet of a record set to each value: nothing is read beyond it. */
START_TEST(every_octet)
{
	static const uint8_t record[] = "\0\1\1a\0" ALPN V4 V6;
	uint8_t copy[sizeof record - 1];

	for (size_t at = 0; at < sizeof copy; at++)
		for (unsigned value = 0; value < 256; value++) {
			memcpy(copy, record, sizeof copy);
			copy[at] = (uint8_t)value;
			ck_assert(strlen(addresses(copy, sizeof copy)) < TEXT_MAX);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hints");
	TCase *all = tcase_create("all");

	tcase_add_test(all, rows_of_records);
	tcase_add_test(all, every_beginning);
	tcase_add_test(all, every_octet);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}

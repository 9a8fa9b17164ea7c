/* test_prefix.c - addresses and prefixes: what is one, what it covers. */
#include "sinkhole/prefix.h"

#include "sinkhole/err.h"
#include "suite.h"

/* --- from text and back ----------------------------------------------------------------------- */

#define BAD SINK_ESYNTAX
#define HOST_BITS SINK_EINVAL

static const struct {
	const char *text;
	int err;
	uint8_t family, bits;
	const char *back; /* NULL: as it was */
} texts[] = {
	{ "", BAD, 0, 0, NULL },
	{ "/", BAD, 0, 0, NULL },
	{ "/8", BAD, 0, 0, NULL },
	{ "1", BAD, 0, 0, NULL }, /* what inet_aton() would take */
	{ "10/8", BAD, 0, 0, NULL },
	{ "192.0.2", BAD, 0, 0, NULL },
	{ "192.0.2.1.", BAD, 0, 0, NULL },
	{ "192.0.2.256", BAD, 0, 0, NULL },
	{ "192.0.2.01", BAD, 0, 0, NULL }, /* decimal or octal? */
	{ "0x7f.0.0.1", BAD, 0, 0, NULL },
	{ " 192.0.2.1", BAD, 0, 0, NULL },
	{ "192.0.2.1 ", BAD, 0, 0, NULL },
	{ "192.0.2.1/", BAD, 0, 0, NULL },
	{ "192.0.2.1/33", BAD, 0, 0, NULL },
	{ "192.0.2.1/032", BAD, 0, 0, NULL },
	{ "192.0.2.0/+24", BAD, 0, 0, NULL },
	{ "192.0.2.0/-1", BAD, 0, 0, NULL },
	{ "192.0.2.0/24/24", BAD, 0, 0, NULL },
	{ "192.0.2.0/255.255.255.0", BAD, 0, 0, NULL },
	{ "192.0.2.0/256", BAD, 0, 0, NULL }, /* 0, if a byte were taken for it */
	{ "192.0.2.0/280", BAD, 0, 0, NULL },
	{ "192.0.2.0/4294967320", BAD, 0, 0, NULL },
	{ "192.0.2.1:80", BAD, 0, 0, NULL },
	{ "[2001:db8::1]", BAD, 0, 0, NULL },
	{ "fe80::1%lo", BAD, 0, 0, NULL },
	{ "2001:db8::1::", BAD, 0, 0, NULL },
	{ "2001:db8", BAD, 0, 0, NULL },
	{ ":", BAD, 0, 0, NULL },
	{ "2001:db8::/129", BAD, 0, 0, NULL },
	{ "1:2:3:4:5:6:7:8:9", BAD, 0, 0, NULL },
	{ "1111:2222:3333:4444:5555:6666:7777:88888888888888888888", BAD, 0, 0, NULL },
	{ "example.com", BAD, 0, 0, NULL },
	{ "192.0.2.1/24", HOST_BITS, 0, 0, NULL },
	{ "192.0.2.1/31", HOST_BITS, 0, 0, NULL },
	{ "0.0.0.1/0", HOST_BITS, 0, 0, NULL },
	{ "128.0.0.0/0", HOST_BITS, 0, 0, NULL },
	{ "2001:db8::1/127", HOST_BITS, 0, 0, NULL },
	{ "2001:db8:8000::/32", HOST_BITS, 0, 0, NULL },
	{ "::1/0", HOST_BITS, 0, 0, NULL },
	{ "192.0.2.1", SINK_OK, 4, 32, NULL },
	{ "192.0.2.1/32", SINK_OK, 4, 32, "192.0.2.1" },
	{ "192.0.2.0/24", SINK_OK, 4, 24, NULL },
	{ "192.0.2.128/25", SINK_OK, 4, 25, NULL },
	{ "0.0.0.0/0", SINK_OK, 4, 0, NULL },
	{ "0.0.0.0", SINK_OK, 4, 32, NULL },
	{ "255.255.255.255", SINK_OK, 4, 32, NULL },
	{ "2001:DB8::1", SINK_OK, 6, 128, "2001:db8::1" },
	{ "2001:db8:0:0:0:0:0:1/128", SINK_OK, 6, 128, "2001:db8::1" },
	{ "2001:db8::/32", SINK_OK, 6, 32, NULL },
	{ "::/0", SINK_OK, 6, 0, NULL },
	{ "::", SINK_OK, 6, 128, NULL },
	{ "::ffff:192.0.2.1", SINK_OK, 6, 128, NULL }, /* as it would stand in an AAAA record */
	{ "::ffff:192.0.2.0/120", SINK_OK, 6, 120, NULL },
	{ "8000::/1", SINK_OK, 6, 1, NULL },
};

START_TEST(text_both_ways)
{
	struct sink_prefix prefix = { .family = 77 };
	char back[SINK_PREFIX_TEXT_MAX];
	int err = sink_prefix_from_text(sink_span_text(texts[_i].text), &prefix);

	ck_assert_msg(err == texts[_i].err, "%s: %d", texts[_i].text, err);
	if (err) {
		ck_assert_uint_eq(prefix.family, 77);
		return;
	}
	ck_assert_uint_eq(prefix.family, texts[_i].family);
	ck_assert_uint_eq(prefix.bits, texts[_i].bits);
	ck_assert(sink_prefix_is_good(&prefix));
	ck_assert_str_eq(sink_prefix_to_text(&prefix, back),
		texts[_i].back ? texts[_i].back : texts[_i].text);
}
END_TEST

START_TEST(text_with_nul)
{
	struct sink_prefix prefix;

	ck_assert_int_eq(sink_prefix_from_text(sink_span("192.0.2.1\0", 10), &prefix), BAD);
	ck_assert_int_eq(sink_prefix_from_text(sink_span("192.0.2.0/2\0", 12), &prefix), BAD);
	ck_assert_int_eq(sink_prefix_from_text(sink_span(NULL, 0), &prefix), BAD);
}
END_TEST

/* The longest text there is fits. */
START_TEST(longest_text)
{
	struct sink_prefix prefix = { .family = 6, .bits = 127 };
	char text[SINK_PREFIX_TEXT_MAX];

	memset(prefix.bytes, 0xff, sizeof prefix.bytes);
	prefix.bytes[15] = 0xfe;
	ck_assert_str_eq(sink_prefix_to_text(&prefix, text),
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127");
}
END_TEST

/* --- which ones cover which ------------------------------------------------------------------- */

static struct sink_prefix prefix_of(const char *text)
{
	struct sink_prefix prefix;

	ck_assert_int_eq(sink_prefix_from_text(sink_span_text(text), &prefix), SINK_OK);
	return prefix;
}

static const struct {
	const char *a, *b;
	bool covers;
} pairs[] = {
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.0/24", "192.0.0.0/16", false }, /* the other way round */
	{ "192.0.2.0/25", "192.0.2.128", false },
	{ "192.0.2.0/25", "192.0.2.0/24", false },
	{ "0.0.0.0/0", "::", false }, /* families are kept apart */
	{ "::/0", "192.0.2.1", false },
	{ "::ffff:0:0/96", "192.0.2.1", false },
	{ "::", "0.0.0.0", false },
	{ "2001:db8::/33", "2001:db8:8000::", false },
	{ "2001:db8::1", "2001:db8::", false },
	{ "192.0.2.0/24", "192.0.2.0", true },
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.2.0/24", true },
	{ "192.0.2.0/24", "192.0.2.64/26", true },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.2/31", "192.0.2.3", true },
	{ "0.0.0.0/0", "255.255.255.255", true },
	{ "0.0.0.0/0", "0.0.0.0/0", true },
	{ "::/0", "ffff::", true },
	{ "::ffff:192.0.2.0/120", "::ffff:192.0.2.9", true },
	{ "8000::/1", "ffff::1", true },
	{ "2001:db8::/127", "2001:db8::1", true },
};

START_TEST(covers)
{
	struct sink_prefix a = prefix_of(pairs[_i].a), b = prefix_of(pairs[_i].b);

	ck_assert_msg(sink_prefix_covers(&a, &b) == pairs[_i].covers, "%s, %s", pairs[_i].a,
		pairs[_i].b);
}
END_TEST

/* Cut to each length, a prefix is good, covers what it was cut from, and nothing longer covers it. */
START_TEST(cut_to_each_length)
{
	static const char *const whole[] = { "255.254.253.251",
		"ffff:fffe:fffd:fffb:ffff:ffff:ffff:ffff" };

	for (size_t i = 0; i < LENGTH(whole); i++) {
		const struct sink_prefix address = prefix_of(whole[i]);

		for (unsigned bits = 0; bits < address.bits; bits++) {
			struct sink_prefix cut = address;

			sink_prefix_cut(&cut, (uint8_t)bits);
			ck_assert(sink_prefix_is_good(&cut));
			ck_assert(cut.bits == bits);
			ck_assert(sink_prefix_covers(&cut, &address));
			ck_assert(!sink_prefix_covers(&address, &cut));
		}
	}
}
END_TEST

static const struct sink_prefix bad[] = {
	{ 0 },
	{ .family = 5, .bits = 8 },
	{ .family = 4, .bits = 33 },
	{ .family = 6, .bits = 129 },
	{ .family = 6, .bits = 255 },
	{ .family = 4, .bits = 24, .bytes = { 192, 0, 2, 1 } },
	{ .family = 4, .bits = 32, .bytes = { 192, 0, 2, 1, 1 } }, /* IPv4 has four bytes */
	{ .family = 4, .bits = 32, .bytes = { [15] = 1 } },
	{ .family = 4, .bits = 0, .bytes = { 0x80 } },
	{ .family = 6, .bits = 127, .bytes = { [15] = 1 } },
};

START_TEST(is_no_prefix)
{
	ck_assert(!sink_prefix_is_good(&bad[_i]));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("prefix");
	TCase *text = tcase_create("text");
	TCase *cover = tcase_create("cover");

	tcase_add_loop_test(text, text_both_ways, 0, LENGTH(texts));
	tcase_add_test(text, text_with_nul);
	tcase_add_test(text, longest_text);
	suite_add_tcase(suite, text);
	tcase_add_loop_test(cover, covers, 0, LENGTH(pairs));
	tcase_add_test(cover, cut_to_each_length);
	tcase_add_loop_test(cover, is_no_prefix, 0, LENGTH(bad));
	suite_add_tcase(suite, cover);
	return run_suite(suite);
}

/* test_name.c - names: limits, escapes, refusals; the order of keys against a slow reference. */
#include "sinkhole/name.h"

#include <locale.h>
#include <stdio.h>

#include "sinkhole/err.h"
#include "suite.h"

/* --- text ------------------------------------------------------------------------------------- */

#define X63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define X61 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg"

#define KEY(text) (text), sizeof(text) - 1

static const struct {
	const char *text;
	int err;
	const char *key;
	size_t len;
} texts[] = {
	{ "", SINK_ESYNTAX, NULL, 0 }, { "..", SINK_ESYNTAX, NULL, 0 },
	{ ".a", SINK_ESYNTAX, NULL, 0 }, { "a..b", SINK_ESYNTAX, NULL, 0 },
	{ "a..", SINK_ESYNTAX, NULL, 0 }, { "a.b\\", SINK_ESYNTAX, NULL, 0 },
	{ "\\", SINK_ESYNTAX, NULL, 0 }, { "\\1", SINK_ESYNTAX, NULL, 0 },
	{ "\\12", SINK_ESYNTAX, NULL, 0 }, { "\\12a", SINK_ESYNTAX, NULL, 0 },
	{ "\\1a2", SINK_ESYNTAX, NULL, 0 }, { "\\256", SINK_ESYNTAX, NULL, 0 },
	{ "\\999", SINK_ESYNTAX, NULL, 0 }, { X63 "g", SINK_ETOOLONG, NULL, 0 },
	{ "a." X63 "g.b", SINK_ETOOLONG, NULL, 0 },
	{ X63 "\\103", SINK_ETOOLONG, NULL, 0 }, /* 64 octets, the last one escaped */
	{ X63 "." X63 "." X63 "." X61 "g", SINK_ETOOLONG, NULL, 0 }, /* 256 octets in wire form */
	{ X63 "." X63 "." X63 "." X61 "g.", SINK_ETOOLONG, NULL, 0 },
	{ X63 "." X63 "." X63 "." X63, SINK_ETOOLONG, NULL, 0 },
	{ X63 "." X63 "." X63 "." X61, SINK_OK,
		KEY(X61 "\0" X63 "\0" X63 "\0" X63 "\0") }, /* 255 octets */
	{ X63 "." X63 "." X63 "." X61 ".", SINK_OK, KEY(X61 "\0" X63 "\0" X63 "\0" X63 "\0") },
	{ X63, SINK_OK, KEY(X63 "\0") }, { ".", SINK_OK, KEY("") },
	{ "\\.", SINK_OK, KEY(".\0") }, /* a label that is a dot */
	{ "com", SINK_OK, KEY("com\0") }, { "com.", SINK_OK, KEY("com\0") },
	{ "ads.Example.COM.", SINK_OK, KEY("com\0example\0ads\0") },
	{ "evil\\.com", SINK_OK, KEY("evil.com\0") }, /* not below com */
	{ "a\\.b.c", SINK_OK, KEY("c\0a.b\0") }, { "a\\\\b", SINK_OK, KEY("a\\b\0") },
	{ "\\065\\Bc", SINK_OK, KEY("abc\0") }, /* escaped letters have no case either */
	{ "a\\000b\\001.", SINK_OK, KEY("a\1\1b\1\2\0") }, { "\\002", SINK_OK, KEY("\2\0") },
	{ "\\255\xff", SINK_OK, KEY("\xff\xff\0") }, { " a b ", SINK_OK, KEY(" a b \0") },
	{ "*.a", SINK_OK, KEY("a\0*\0") },
	{ "@[`{", SINK_OK, KEY("@[`{\0") }, /* neighbours of the letters */
	{ "\xc3\x84.de", SINK_OK, KEY("de\0\xc3\x84\0") }, /* no case outside ASCII */
};

START_TEST(text_is_read)
{
	struct sink_name name, before;
	int err;

	memset(&name, 0x5a, sizeof name);
	before = name;
	err = sink_name_from_text(sink_span_text(texts[_i].text), &name);
	ck_assert_int_eq(err, texts[_i].err);
	if (err) {
		ck_assert_mem_eq(&name, &before, sizeof name);
		return;
	}
	ck_assert_uint_eq(name.len, texts[_i].len);
	ck_assert_mem_eq(name.key, texts[_i].key, name.len);
	ck_assert_uint_eq(name.end[0], 0);
	ck_assert_uint_eq(name.end[name.labels], name.len);
}
END_TEST

/* One-octet labels: 127 fit, 128 do not. */
START_TEST(many_labels)
{
	char text[2 * 128];
	struct sink_name name;

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 2 ? '.' : 'a';
	ck_assert_int_eq(sink_name_from_text(sink_span(text, 256), &name), SINK_ETOOLONG);
	ck_assert_int_eq(sink_name_from_text(sink_span(text, 255), &name), SINK_ETOOLONG);
	ck_assert_int_eq(sink_name_from_text(sink_span(text, 254), &name), SINK_OK);
	ck_assert_uint_eq(name.labels, SINK_LABELS_MAX);
	ck_assert_uint_eq(name.len, 254);
	ck_assert_int_eq(sink_name_from_text(sink_span(text, 253), &name), SINK_OK);
	ck_assert_uint_eq(name.labels, SINK_LABELS_MAX);
}
END_TEST

/* The longest key and the longest text there can be. */
START_TEST(largest_forms)
{
	static const uint8_t lens[] = { 63, 63, 63, 61 };
	uint8_t wire[SINK_WIRE_MAX] = { 0 }, again[SINK_WIRE_MAX];
	char text[SINK_TEXT_MAX];
	struct sink_name name, back;
	size_t at = 0;

	for (size_t i = 0; i < LENGTH(lens); i++) {
		wire[at] = lens[i];
		at += 1u + lens[i];
	}
	ck_assert_int_eq(sink_name_from_wire(sink_span(wire, sizeof wire), &name), SINK_OK);
	ck_assert_uint_eq(name.len, SINK_KEY_MAX);
	ck_assert_uint_eq(sink_name_to_wire(&name, again), sizeof wire);
	ck_assert_mem_eq(wire, again, sizeof wire);
	ck_assert_uint_eq(strlen(sink_name_to_text(&name, text)), 1003);
	ck_assert_int_eq(sink_name_from_text(sink_span_text(text), &back), SINK_OK);
	ck_assert_mem_eq(back.key, name.key, name.len);
}
END_TEST

static const struct {
	const char *in, *out;
} prints[] = {
	{ ".", "." }, { "A.b.", "a.b" }, { "a\\.b.c", "a\\.b.c" }, { "a\\\\", "a\\\\" },
	{ "\\000\\032\\127\\200\xff", "\\000\\032\\127\\200\\255" }, { "!~(;)\"@$", "!~(;)\"@$" },
	{ "\\009\\010\\027[0m", "\\009\\010\\027[0m" }, /* nothing that a terminal obeys */
};

START_TEST(text_is_written)
{
	char text[SINK_TEXT_MAX];
	struct sink_name name;

	ck_assert_int_eq(sink_name_from_text(sink_span_text(prints[_i].in), &name), SINK_OK);
	ck_assert_str_eq(sink_name_to_text(&name, text), prints[_i].out);
}
END_TEST

/* --- wire ------------------------------------------------------------------------------------- */

static const struct {
	const char *wire;
	size_t len;
	int err;
	const char *key;
	size_t key_len;
} wires[] = {
	{ KEY(""), SINK_ESYNTAX, NULL, 0 },
	{ KEY("\1a"), SINK_ESYNTAX, NULL, 0 }, /* no root label */
	{ KEY("\1"), SINK_ESYNTAX, NULL, 0 },
	{ KEY("\3ab\0"), SINK_ESYNTAX, NULL, 0 }, /* the zero is the label's third octet */
	{ KEY("\1a\xc0\0"), SINK_ESYNTAX, NULL, 0 }, /* a compression pointer */
	{ KEY("\x40"
	      "a\0"),
		SINK_ESYNTAX, NULL, 0 }, /* an extended label type */
	{ KEY("\x80\0"), SINK_ESYNTAX, NULL, 0 },
	{ KEY("\xff\0"), SINK_ESYNTAX, NULL, 0 },
	{ KEY("\0"), SINK_OK, KEY("") },
	{ KEY("\0\1a\0"), SINK_OK, KEY("") }, /* what follows the root is not ours */
	{ KEY("\1A\2bC\0\xff"), SINK_OK, KEY("bc\0a\0") },
	{ KEY("\5\0\1\2.\\\0"), SINK_OK, KEY("\1\1\1\2\2.\\\0") },
	{ KEY("\4\x40\x5b\x60\x7b\0"), SINK_OK, KEY("@[`{\0") },
};

START_TEST(wire_is_read)
{
	struct sink_name name, before;
	int err;

	memset(&name, 0x5a, sizeof name);
	before = name;
	err = sink_name_from_wire(sink_span(wires[_i].wire, wires[_i].len), &name);
	ck_assert_int_eq(err, wires[_i].err);
	if (err) {
		ck_assert_mem_eq(&name, &before, sizeof name);
		return;
	}
	ck_assert_uint_eq(name.len, wires[_i].key_len);
	ck_assert_mem_eq(name.key, wires[_i].key, name.len);
}
END_TEST

/* Octets of labels, so that the whole name has `total` octets. */
static void make_wire(uint8_t *wire, size_t total)
{
	size_t at = 0;

	while (at + 1 < total) {
		size_t len = total - at - 2 > 63 ? 63 : total - at - 2;

		if (total - at - 2 == 64)
			len = 62; /* one octet would be left over */
		wire[at] = (uint8_t)len;
		memset(wire + at + 1, 'x', len);
		at += 1 + len;
	}
	wire[at] = 0;
}

START_TEST(wire_limits)
{
	uint8_t wire[300];
	struct sink_name name;

	make_wire(wire, 255);
	ck_assert_int_eq(sink_name_from_wire(sink_span(wire, 255), &name), SINK_OK);
	ck_assert_int_eq(sink_name_from_wire(sink_span(wire, 254), &name), SINK_ESYNTAX);
	make_wire(wire, 256);
	ck_assert_int_eq(sink_name_from_wire(sink_span(wire, 256), &name), SINK_ETOOLONG);
	make_wire(wire, 257);
	ck_assert_int_eq(sink_name_from_wire(sink_span(wire, sizeof wire), &name), SINK_ETOOLONG);
	for (size_t i = 0; i < sizeof wire; i++)
		wire[i] = i % 2 ? 'a' : 1;
	ck_assert_int_eq(sink_name_from_wire(sink_span(wire, sizeof wire), &name), SINK_ETOOLONG);
	wire[254] = 0;
	ck_assert_int_eq(sink_name_from_wire(sink_span(wire, sizeof wire), &name), SINK_OK);
	ck_assert_uint_eq(name.labels, SINK_LABELS_MAX);
}
END_TEST

/* --- keys ------------------------------------------------------------------------------------- */

static const struct {
	const char *key;
	size_t len;
} bad_keys[] = {
	{ KEY("\0") },
	{ KEY("a") },
	{ KEY("com\0a") },
	{ KEY("com\0\0") },
	{ KEY("\0com\0") },
	{ KEY("A\0") },
	{ KEY("coM\0") },
	{ KEY("\1\0") },
	{ KEY("\1") },
	{ KEY("a\1") },
	{ KEY("\1\3\0") },
	{ KEY("\1\1") },
	{ KEY(X63 "g\0") },
	{ KEY(X63 "\1\1\0") },
	{ KEY(X61 "g\0" X63 "\0" X63 "\0" X63 "\0") },
};

START_TEST(bad_key_is_refused)
{
	struct sink_name name, before;

	memset(&name, 0x5a, sizeof name);
	before = name;
	ck_assert_int_eq(sink_name_from_key(sink_span(bad_keys[_i].key, bad_keys[_i].len), &name),
		SINK_ECORRUPT);
	ck_assert_mem_eq(&name, &before, sizeof name);
}
END_TEST

START_TEST(long_keys)
{
	uint8_t key[1024];
	struct sink_name name;

	memset(key, 'a', sizeof key);
	ck_assert_int_eq(sink_name_from_key(sink_span(key, sizeof key), &name), SINK_ECORRUPT);
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = i % 2 ? 0 : 'a';
	ck_assert_int_eq(sink_name_from_key(sink_span(key, 254), &name), SINK_OK);
	ck_assert_int_eq(sink_name_from_key(sink_span(key, 256), &name), SINK_ECORRUPT);
	ck_assert_int_eq(sink_name_from_key(sink_span(key, sizeof key), &name), SINK_ECORRUPT);
}
END_TEST

START_TEST(ancestors)
{
	struct sink_name name;
	char text[SINK_TEXT_MAX];

	sink_name_from_text(sink_span_text("a.b\\000.example.com"), &name);
	ck_assert_uint_eq(name.labels, 4);
	sink_name_cut(&name, 3);
	ck_assert_str_eq(sink_name_to_text(&name, text), "b\\000.example.com");
	sink_name_cut(&name, 1);
	ck_assert(sink_span_equal(sink_name_key(&name), sink_span("com", 4)));
	sink_name_cut(&name, 0);
	ck_assert_str_eq(sink_name_to_text(&name, text), ".");
}
END_TEST

/* --- random names against a slow reference ---------------------------------------------------- */

/* A name as RFC 4034, 6.1 speaks of it: labels of octets, the one next to the root first. */
struct slow {
	unsigned count;
	struct {
		unsigned len;
		uint8_t octets[SINK_LABEL_MAX];
	} label[SINK_LABELS_MAX];
};

static uint64_t seed;

static unsigned draw(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(seed >> 33) % below;
}

/* Few distinct octets, so that names collide, share labels and differ late. */
static uint8_t draw_octet(void)
{
	static const uint8_t octets[] = { 0, 1, 2, '.', '\\', 'a', 'A', 'Z', 'z', '@', '[', 255 };

	return draw(4) ? octets[draw(LENGTH(octets))] : (uint8_t)draw(256);
}

static void draw_name(struct slow *out)
{
	unsigned size = 1, limit = draw(8) ? 12 : SINK_WIRE_MAX;

	out->count = 0;
	for (;;) {
		unsigned len = 1 + (draw(8) ? draw(3) : draw(SINK_LABEL_MAX));

		size += 1 + len;
		if (size > limit)
			return;
		out->label[out->count].len = len;
		for (unsigned i = 0; i < len; i++)
			out->label[out->count].octets[i] = draw_octet();
		out->count++;
	}
}

/* Put some of the labels next to the root of `from` there in `to`, if they fit. */
static void mix(struct slow *to, const struct slow *from)
{
	struct slow mixed = { .count = 0 };
	unsigned size = 1;

	for (unsigned i = 0, keep = draw(from->count + 1); i < keep + to->count; i++) {
		const struct slow *source = i < keep ? from : to;

		mixed.label[mixed.count] = source->label[i < keep ? i : i - keep];
		size += 1 + mixed.label[mixed.count].len;
		if (size > SINK_WIRE_MAX)
			break;
		mixed.count++;
	}
	*to = mixed;
}

static uint8_t slow_lower(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + ('a' - 'A')) : octet;
}

static int compare_labels(const struct slow *a, const struct slow *b, unsigned n)
{
	unsigned a_len = a->label[n].len, b_len = b->label[n].len;

	for (unsigned i = 0; i < a_len && i < b_len; i++) {
		int difference =
			slow_lower(a->label[n].octets[i]) - slow_lower(b->label[n].octets[i]);

		if (difference)
			return difference;
	}
	return (int)a_len - (int)b_len;
}

static int compare(const struct slow *a, const struct slow *b)
{
	for (unsigned n = 0; n < a->count && n < b->count; n++) {
		int difference = compare_labels(a, b, n);

		if (difference)
			return difference;
	}
	return (int)a->count - (int)b->count;
}

static bool is_below_or_same(const struct slow *name, const struct slow *zone)
{
	for (unsigned n = 0; n < zone->count; n++)
		if (n >= name->count || compare_labels(name, zone, n) != 0)
			return false;
	return true;
}

static size_t slow_wire(const struct slow *name, uint8_t *wire)
{
	size_t at = 0;

	for (unsigned n = name->count; n-- > 0;) {
		wire[at++] = (uint8_t)name->label[n].len;
		memcpy(wire + at, name->label[n].octets, name->label[n].len);
		at += name->label[n].len;
	}
	wire[at++] = 0;
	return at;
}

static void from_slow(const struct slow *slow, struct sink_name *out)
{
	uint8_t wire[SINK_WIRE_MAX];
	size_t len = slow_wire(slow, wire);

	ck_assert(sink_name_from_wire(sink_span(wire, len), out) == SINK_OK);
	ck_assert(out->labels == slow->count);
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static int compare_keys(const struct sink_name *a, const struct sink_name *b)
{
	size_t least = a->len < b->len ? a->len : b->len;
	int difference = memcmp(a->key, b->key, least);

	return difference ? difference : a->len - b->len;
}

static bool is_prefix(const struct sink_name *name, const struct sink_name *of)
{
	return name->len <= of->len && memcmp(name->key, of->key, name->len) == 0;
}

START_TEST(order_is_canonical)
{
	struct slow a, b;
	struct sink_name key_a, key_b;
	unsigned equal = 0, below = 0;

	seed = 1;
	for (int i = 0; i < 100000; i++) {
		draw_name(&a);
		draw_name(&b);
		if (draw(2))
			mix(&b, &a);
		from_slow(&a, &key_a);
		from_slow(&b, &key_b);
		ck_assert(sign(compare(&a, &b)) == sign(compare_keys(&key_a, &key_b)));
		ck_assert(is_below_or_same(&a, &b) == is_prefix(&key_b, &key_a));
		equal += compare(&a, &b) == 0;
		below += is_below_or_same(&b, &a);
	}
	ck_assert_uint_gt(equal, 100); /* else the rows above say little */
	ck_assert_uint_gt(below, 1000);
}
END_TEST

/* key -> wire -> key, key -> text -> key, key -> key. */
START_TEST(round_trips)
{
	struct slow slow;
	struct sink_name name, back;
	uint8_t wire[SINK_WIRE_MAX];
	char text[SINK_TEXT_MAX];

	seed = 2;
	for (int i = 0; i < 50000; i++) {
		draw_name(&slow);
		from_slow(&slow, &name);
		size_t len = sink_name_to_wire(&name, wire);

		ck_assert(sink_name_from_wire(sink_span(wire, len), &back) == SINK_OK);
		ck_assert(sink_span_equal(sink_name_key(&name), sink_name_key(&back)));
		sink_name_to_text(&name, text);
		ck_assert(sink_name_from_text(sink_span_text(text), &back) == SINK_OK);
		ck_assert(sink_span_equal(sink_name_key(&name), sink_name_key(&back)));
		ck_assert(sink_name_from_key(sink_name_key(&name), &back) == SINK_OK);
		ck_assert(back.labels == name.labels);
		ck_assert(memcmp(back.end, name.end, (name.labels + 1u) * sizeof name.end[0]) == 0);
	}
}
END_TEST

/* Whatever from_key takes is what some name gives: damaged keys are refused or round-trip. */
START_TEST(damaged_keys)
{
	struct slow slow;
	struct sink_name name, back;
	uint8_t wire[SINK_WIRE_MAX];
	unsigned refused = 0, taken = 0;

	seed = 3;
	for (int i = 0; i < 50000; i++) {
		draw_name(&slow);
		from_slow(&slow, &name);
		if (name.len == 0)
			continue;
		name.key[draw(name.len)] = draw_octet();
		if (sink_name_from_key(sink_name_key(&name), &back) != SINK_OK) {
			refused++;
			continue;
		}
		taken++;
		size_t len = sink_name_to_wire(&back, wire);

		ck_assert(sink_name_from_wire(sink_span(wire, len), &back) == SINK_OK);
		ck_assert(sink_span_equal(sink_name_key(&name), sink_name_key(&back)));
	}
	ck_assert_uint_gt(refused, 1000);
	ck_assert_uint_gt(taken, 1000);
}
END_TEST

/* In Turkish, "I" is no upper case of "i". Where the locale is not installed this still holds. */
START_TEST(locale_does_not_matter)
{
	struct sink_name name;

	setlocale(LC_ALL, "tr_TR.ISO-8859-9");
	ck_assert_int_eq(sink_name_from_text(sink_span_text("WIKI\xdd.\xc4"), &name), SINK_OK);
	ck_assert(sink_span_equal(sink_name_key(&name), sink_span("\xc4\0wiki\xdd", 8)));
	setlocale(LC_ALL, "C");
}
END_TEST

/* --- err.h ------------------------------------------------------------------------------------ */

START_TEST(every_error_has_a_text)
{
	for (int err = SINK_EUNSIGNED; err <= SINK_OK; err++)
		ck_assert_str_ne(sink_strerror(err), "unknown error");
	ck_assert_str_eq(sink_strerror(1), "unknown error");
	ck_assert_str_eq(sink_strerror(SINK_EUNSIGNED - 1), "unknown error");
	ck_assert_str_eq(sink_strerror(-2147483647 - 1), "unknown error");
}
END_TEST

START_TEST(why_is_one_safe_line)
{
	struct sink_why why;
	char text[2 * SINK_WHY_MAX];

	ck_assert_int_eq(sink_why(NULL, SINK_EIO, "%d", 1), SINK_EIO);
	ck_assert_int_eq(sink_why(&why, SINK_EBUSY, "%s: %d", "a\nb\x1b[0m\x7f\xc2\x9b", 7),
		SINK_EBUSY);
	ck_assert_str_eq(why.text, "a?b?[0m???: 7");
	sink_why(&why, SINK_EIO, "\xe2\x80\xa6\xc3\xa4"); /* UTF-8 that is no control stays */
	ck_assert_str_eq(why.text, "\xe2\x80\xa6\xc3\xa4");
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	sink_why(&why, SINK_EIO, "%s", text);
	ck_assert_uint_eq(strlen(why.text), SINK_WHY_MAX - 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("name");
	TCase *text = tcase_create("text");
	TCase *wire = tcase_create("wire");
	TCase *key = tcase_create("key");
	TCase *err = tcase_create("err");

	tcase_add_loop_test(text, text_is_read, 0, LENGTH(texts));
	tcase_add_test(text, many_labels);
	tcase_add_test(text, largest_forms);
	tcase_add_loop_test(text, text_is_written, 0, LENGTH(prints));
	suite_add_tcase(suite, text);
	tcase_add_loop_test(wire, wire_is_read, 0, LENGTH(wires));
	tcase_add_test(wire, wire_limits);
	suite_add_tcase(suite, wire);
	tcase_add_loop_test(key, bad_key_is_refused, 0, LENGTH(bad_keys));
	tcase_add_test(key, long_keys);
	tcase_add_test(key, ancestors);
	tcase_add_test(key, order_is_canonical);
	tcase_add_test(key, round_trips);
	tcase_add_test(key, damaged_keys);
	tcase_add_test(key, locale_does_not_matter);
	tcase_set_timeout(key, 60);
	suite_add_tcase(suite, key);
	tcase_add_test(err, every_error_has_a_text);
	tcase_add_test(err, why_is_one_safe_line);
	suite_add_tcase(suite, err);
	return run_suite(suite);
}

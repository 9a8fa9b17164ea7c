/* test_scope.c - names that have changed: kept in order, and found again with all that lies below them. */
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>

#include "sinkhole/err.h"
#include "suite.h"

static struct changed changed;
static struct scope *scope, *other;

static struct sink_span wire(const char *text)
{
	static uint8_t octets[SINK_WIRE_MAX];
	struct sink_name name;

	ck_assert_int_eq(sink_name_from_text(sink_span_text(text), &name), SINK_OK);
	return sink_span(octets, sink_name_to_wire(&name, octets));
}

/* As changed_learn() does. */
static void put(struct changed *to, const char *text)
{
	struct sink_span name = wire(text);
	uint8_t octets[1 + SINK_WIRE_MAX] = { (uint8_t)name.len };
	struct changed one = { .count = 1, .len = 1 + name.len, .octets = octets };

	memcpy(octets + 1, name.at, name.len);
	ck_assert_int_eq(changed_append(to, &one), SINK_OK);
}

static bool has(const struct scope *in, const char *text)
{
	return scope_has(in, wire(text));
}

static void begin(void)
{
	changed = (struct changed){ 0 };
	scope = calloc(1, sizeof *scope);
	other = calloc(1, sizeof *other);
	ck_assert(scope && other);
}

static void end(void)
{
	changed_free(&changed);
	free(scope);
	free(other);
}

START_TEST(an_empty_one_has_nothing)
{
	ck_assert(!has(scope, "example.com"));
	ck_assert(!has(scope, "."));
	scope_add(scope, &changed);
	ck_assert(!has(scope, "example.com"));
}
END_TEST

START_TEST(a_name_and_what_is_below)
{
	static const struct {
		const char *name;
		bool is;
	} rows[] = {
		{ "evil.example.com", true },
		{ "EVIL.Example.COM", true },
		{ "a.evil.example.com", true },
		{ "a.b.c.d.e.f.g.h.evil.example.com", true },
		{ "\\000.evil.example.com", true },
		{ "example.com", false },
		{ "com", false },
		{ ".", false },
		{ "xevil.example.com", false },
		{ "evil.example.com.net", false },
		{ "evil.example.org", false },
		{ "ev.il.example.com", false },
		{ "evi.lexample.com", false },
	};

	put(&changed, "evil.example.com");
	scope_add(scope, &changed);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ck_assert_msg(has(scope, rows[i].name) == rows[i].is, "%s", rows[i].name);
}
END_TEST

START_TEST(below_the_root_is_everything)
{
	put(&changed, ".");
	scope_add(scope, &changed);
	ck_assert(has(scope, "."));
	ck_assert(has(scope, "example.com"));
}
END_TEST

START_TEST(the_longest_name)
{
	char text[SINK_TEXT_MAX];
	size_t len = 0;

	for (unsigned i = 0; i < SINK_LABELS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "a.");
	put(&changed, text);
	scope_add(scope, &changed);
	ck_assert(has(scope, text));
	ck_assert(!has(scope, text + 2));
}
END_TEST

/* None is missed; of others, few are taken for one. */
START_TEST(many)
{
	unsigned wrong = 0;
	char text[64];

	for (unsigned i = 0; i < 2300; i++) {
		snprintf(text, sizeof text, "c%u.clean.test", i * 434);
		put(&changed, text);
	}
	scope_add(scope, &changed);
	for (unsigned i = 0; i < 2300; i++) {
		snprintf(text, sizeof text, "www.c%u.clean.test", i * 434);
		ck_assert(has(scope, text));
		ck_assert(has(scope, text + 4));
	}
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(text, sizeof text, "c%u.clean.test", i * 434 % 998200 + 1);
		wrong += has(scope, text);
	}
	ck_assert_uint_lt(wrong, 100);
}
END_TEST

START_TEST(cleared_and_merged)
{
	put(&changed, "one.example");
	scope_add(scope, &changed);
	changed_clear(&changed);
	put(&changed, "two.example");
	scope_add(other, &changed);
	scope_merge(scope, other);
	ck_assert(has(scope, "one.example") && has(scope, "two.example"));
	ck_assert(!has(other, "one.example"));
	scope_clear(scope);
	ck_assert(!has(scope, "one.example") && !has(scope, "two.example"));
	changed.whole = true;
	scope_add(other, &changed);
	ck_assert(has(other, "other.example"));
	scope_merge(scope, other);
	ck_assert(has(scope, "other.example"));
	scope_clear(scope);
	ck_assert(!has(scope, "other.example"));
}
END_TEST

/* What is in a message of somebody else's may be anything. */
START_TEST(no_names)
{
	static const uint8_t broken[][4] = { { 3, 'a', 'b' }, { 64 }, { 0xc0, 1 },
		{ 255, 255, 255, 255 } };
	static uint8_t too_long[2 * SINK_WIRE_MAX];

	put(&changed, "a.example");
	scope_add(scope, &changed);
	for (size_t at = 0; at < sizeof too_long - 12; at += 12)
		memcpy(too_long + at, "\13abcdefghijk", 12);
	ck_assert(!scope_has(scope, sink_span(too_long, sizeof too_long)));
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
		for (size_t len = 0; len <= sizeof broken[0]; len++)
			ck_assert(!scope_has(scope, sink_span(broken[i], len)));
}
END_TEST

START_TEST(names_in_order)
{
	struct changed more = { 0 };
	static const char *const names[] = { "a.example", "b.example", "c.example" };
	size_t at = 0;

	put(&changed, "gone.example");
	put(&changed, names[0]);
	put(&more, names[1]);
	put(&more, names[2]);
	ck_assert_int_eq(changed_append(&changed, &more), SINK_OK);
	ck_assert_uint_eq(changed.count, 4);
	changed_drop(&changed, changed_after(&changed, 0));
	ck_assert_uint_eq(changed.count, 3);
	for (size_t i = 0; i < 3; i++, at = changed_after(&changed, at))
		ck_assert(sink_span_equal(changed_name(&changed, at), wire(names[i])));
	ck_assert_uint_eq(at, changed.len);
	changed_drop(&changed, changed.len);
	ck_assert_uint_eq(changed.count + changed.len, 0);
	changed_free(&more);
}
END_TEST

START_TEST(no_more_than_there_may_be)
{
	struct changed more = { .count = CHANGED_MAX };

	put(&changed, "a.example");
	ck_assert_int_eq(changed_append(&changed, &more), SINK_ETOOLONG);
	ck_assert_uint_eq(changed.count, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scope");
	TCase *names = tcase_create("names"), *list = tcase_create("list");

	tcase_add_checked_fixture(names, begin, end);
	tcase_add_test(names, an_empty_one_has_nothing);
	tcase_add_test(names, a_name_and_what_is_below);
	tcase_add_test(names, below_the_root_is_everything);
	tcase_add_test(names, the_longest_name);
	tcase_add_test(names, many);
	tcase_add_test(names, cleared_and_merged);
	tcase_add_test(names, no_names);
	suite_add_tcase(suite, names);
	tcase_add_checked_fixture(list, begin, end);
	tcase_add_test(list, names_in_order);
	tcase_add_test(list, no_more_than_there_may_be);
	suite_add_tcase(suite, list);
	return run_suite(suite);
}

/* test_gate.c - which entries get through the gate: protected names and addresses, bogons, popular names;
 * and how much of a source is said to have changed. */
#include "gate.h"

#include <stdio.h>
#include <unistd.h>

#include "bogon.h"
#include "guard.h"
#include "popular.h"
#include "seen.h"
#include "suite.h"

static struct sink_name name_of(const char *text)
{
	struct sink_name name;

	if (sink_name_from_text(sink_span_text(text), &name))
		ck_abort_msg("'%s' is no name", text);
	return name;
}

static struct feed_entry entry_of(const char *text)
{
	struct feed_entry entry;

	feed_entry_init(&entry);
	if (sink_prefix_from_text(sink_span_text(text), &entry.prefix) == SINK_OK)
		entry.trigger = SINK_TRIGGER_ANSWER;
	else
		entry.name = name_of(text);
	return entry;
}

static void begin_gate(struct gate *gate)
{
	struct sink_why why;

	*gate = (struct gate){ 0 };
	if (gate_begin(gate, &why))
		ck_abort_msg("%s", why.text);
}

/* A file that lives as long as the program. */
static const char *file_of(const char *text)
{
	static char path[64];
	int fd;

	snprintf(path, sizeof path, "/tmp/test_gate-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	return path;
}

/* --- the set ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum sink_scope scope;
	bool hit;
} hits[] = {
	/* the set: a.b.example, and .tree.example with all below it */
	{ "notb.example", SINK_SCOPE_SUBTREE, false }, /* the end of the text, not of the labels */
	{ "x.a.b.example", SINK_SCOPE_SUBTREE, false }, /* below a protected name */
	{ "c.b.example", SINK_SCOPE_SUBTREE, false },
	{ "b.example", SINK_SCOPE_EXACT, false }, /* above, but does not cover */
	{ "b.example", SINK_SCOPE_SUBTREE, true },
	{ "b.example", SINK_SCOPE_BELOW, true },
	{ "example", SINK_SCOPE_SUBTREE, true },
	{ ".", SINK_SCOPE_SUBTREE, true },
	{ "a.b.example", SINK_SCOPE_EXACT, true },
	{ "a.b.example", SINK_SCOPE_SUBTREE, true },
	{ "a.b.example", SINK_SCOPE_BELOW, false }, /* all but the protected name */
	{ "A.B.EXAMPLE", SINK_SCOPE_EXACT, true },
	{ "tree.example", SINK_SCOPE_EXACT, true },
	{ "tree.example", SINK_SCOPE_BELOW, true },
	{ "x.y.tree.example", SINK_SCOPE_EXACT, true },
	{ "x.tree.example", SINK_SCOPE_BELOW, true },
	{ "xtree.example", SINK_SCOPE_SUBTREE, false },
	{ "other.test", SINK_SCOPE_SUBTREE, false },
};

START_TEST(set_hits)
{
	struct name_set set;
	struct sink_name a = name_of("a.b.example"), tree = name_of("tree.example");
	struct sink_name name = name_of(hits[_i].name);

	ck_assert_int_eq(name_set_begin(&set), SINK_OK);
	ck_assert_int_eq(name_set_add(&set, &a, false), SINK_OK);
	ck_assert_int_eq(name_set_add(&set, &tree, true), SINK_OK);
	if (name_set_hit(&set, &name, hits[_i].scope) != hits[_i].hit)
		ck_abort_msg("%s (%s)", hits[_i].name, sink_scope_word(hits[_i].scope));
	name_set_end(&set);
}
END_TEST

START_TEST(set_of_many)
{
	struct name_set set;
	char text[64];

	ck_assert_int_eq(name_set_begin(&set), SINK_OK);
	for (int i = 0; i < 100000; i++) {
		snprintf(text, sizeof text, "n%d.d%d.example", i, i % 1000);
		struct sink_name name = name_of(text);
		ck_assert(name_set_add(&set, &name, false) == SINK_OK);
	}
	for (int i = 0; i < 200000; i++) {
		snprintf(text, sizeof text, "n%d.d%d.example", i, i % 1000);
		struct sink_name name = name_of(text);
		ck_assert(name_set_hit(&set, &name, SINK_SCOPE_EXACT) == (i < 100000));
	}
	name_set_end(&set);
}
END_TEST

/* --- the shipped list ------------------------------------------------------------------------------ */

static const struct {
	const char *subject;
	enum sink_kind kind;
	enum sink_scope scope;
	enum feed_reason reason;
} judged[] = {
	{ "evil.example", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_TAKEN },
	{ "evil.github.io", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_TAKEN },
	{ "evil.github.com", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_TAKEN },
	{ "facebook.com", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_TAKEN },
	{ "use-application-dns.net", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_TAKEN },
	{ "google.com", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_TAKEN },
	{ "google.com", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_PROTECTED }, /* time.google.com */
	{ "google.com", SINK_KIND_IMPORTANT, SINK_SCOPE_SUBTREE, FEED_PROTECTED },
	{ "google.com", SINK_KIND_ALLOW, SINK_SCOPE_SUBTREE, FEED_TAKEN },
	{ "time.google.com", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_PROTECTED },
	{ "a.root-servers.net", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_PROTECTED },
	{ "root-servers.net", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_PROTECTED },
	{ "x.resolver.arpa", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_PROTECTED },
	{ "2.europe.pool.ntp.org", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_PROTECTED },
	{ "r3.o.lencr.org", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_PROTECTED },
	{ "urlhaus.abuse.ch", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_PROTECTED },
	{ "easylist.to", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_PROTECTED },
	{ "dns.google", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_PROTECTED },
	{ "one.one.one.one", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_PROTECTED },
	{ "com", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_TLD },
	{ "co.uk", SINK_KIND_ALLOW, SINK_SCOPE_SUBTREE, FEED_SUFFIX },
	{ "s3.amazonaws.com", SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, FEED_SUFFIX },
	{ "192.0.2.1", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_TAKEN },
	{ "198.51.100.0/24", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_TAKEN },
	{ "2001:db8::1", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_TAKEN },
	{ "93.184.216.34", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_TAKEN },
	{ "8.8.8.8", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_PROTECTED },
	{ "8.8.8.0/24", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_PROTECTED },
	{ "8.8.9.0/24", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_TAKEN },
	{ "8.8.8.8", SINK_KIND_ALLOW, SINK_SCOPE_EXACT, FEED_TAKEN },
	{ "2001:500:2f::f", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_PROTECTED },
	{ "0.0.0.0/0", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_BOGON },
	{ "::/0", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_BOGON },
	{ "127.0.0.1", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_BOGON },
	{ "::1", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_BOGON },
	{ "0.0.0.0", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_BOGON },
	{ "10.1.2.3", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_BOGON },
	{ "172.31.255.255", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_BOGON },
	{ "172.32.0.0", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_TAKEN },
	{ "192.168.0.0/15", SINK_KIND_BLOCK, SINK_SCOPE_EXACT,
		FEED_BOGON }, /* holds a private one */
	{ "5.0.0.0/8", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_TAKEN },
	{ "4.0.0.0/7", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_BOGON }, /* too large */
	{ "fe80::1", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_BOGON },
	{ "::ffff:192.0.2.1", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_BOGON },
	{ "2a00::/19", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_TAKEN },
	{ "2a00::/18", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_BOGON },
	{ "255.255.255.255", SINK_KIND_BLOCK, SINK_SCOPE_EXACT, FEED_BOGON },
	{ "10.0.0.0/8", SINK_KIND_ALLOW, SINK_SCOPE_EXACT, FEED_TAKEN },
};

START_TEST(gate_judges)
{
	struct feed_entry entry = entry_of(judged[_i].subject);
	struct gate gate;
	enum feed_reason reason;

	begin_gate(&gate);
	reason = gate_judge(&gate, &entry, judged[_i].kind, judged[_i].scope, false);
	if (reason != judged[_i].reason)
		ck_abort_msg("%s: %s, not %s", judged[_i].subject, feed_reason_word(reason),
			feed_reason_word(judged[_i].reason));
	gate_end(&gate);
}
END_TEST

static const struct {
	const char *force, *subject;
	bool popular;
	enum feed_reason reason;
} forced[] = {
	{ "tld", "com", false, FEED_TAKEN }, /* although much that is protected is below it */
	{ "tld", "local", false, FEED_PROTECTED },
	{ "tld", ".", false, FEED_TLD },
	{ "tld", "co.uk", false, FEED_SUFFIX },
	{ "suffix", "github.io", false, FEED_TAKEN },
	{ "suffix", "in-addr.arpa", false, FEED_PROTECTED },
	{ "suffix", "google.com", false, FEED_PROTECTED },
	{ "popular", "google.com", true, FEED_TAKEN },
	{ "popular", "google.com", false, FEED_PROTECTED },
	{ "popular", "dns.google", true, FEED_PROTECTED },
	{ "protected", "google.com", false, FEED_TAKEN },
	{ "protected", "a.root-servers.net", false, FEED_TAKEN },
	{ "protected", "8.8.8.8", false, FEED_TAKEN },
	{ "protected", "127.0.0.1", false, FEED_BOGON },
	{ "bogon", "127.0.0.1", false, FEED_TAKEN },
	{ "bogon", "0.0.0.0/0", false, FEED_PROTECTED },
};

START_TEST(gate_forced)
{
	struct feed_entry entry = entry_of(forced[_i].subject);
	struct gate gate;
	enum feed_reason reason;

	begin_gate(&gate);
	ck_assert_int_eq(gate_force(&gate, forced[_i].force), SINK_OK);
	reason = gate_judge(&gate, &entry, SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, forced[_i].popular);
	if (reason != forced[_i].reason)
		ck_abort_msg("%s: %s", forced[_i].subject, feed_reason_word(reason));
	gate_end(&gate);
}
END_TEST

/* A zone that blocks all but what it lists, RPZ's "*": whoever forces it in means it. */
START_TEST(root_wildcard)
{
	struct feed_entry entry = entry_of(".");
	struct gate gate;

	begin_gate(&gate);
	ck_assert_int_eq(gate_judge(&gate, &entry, SINK_KIND_BLOCK, SINK_SCOPE_BELOW, false),
		FEED_TLD);
	ck_assert_int_eq(gate_force(&gate, "tld"), SINK_OK);
	ck_assert_int_eq(gate_judge(&gate, &entry, SINK_KIND_BLOCK, SINK_SCOPE_BELOW, false),
		FEED_TAKEN);
	ck_assert_int_eq(gate_judge(&gate, &entry, SINK_KIND_BLOCK, SINK_SCOPE_EXACT, false),
		FEED_TLD);
	ck_assert_int_eq(gate_judge(&gate, &entry, SINK_KIND_ALLOW, SINK_SCOPE_SUBTREE, false),
		FEED_TLD);
	gate_end(&gate);
}
END_TEST

START_TEST(clients_are_private)
{
	struct sink_prefix all, private;

	sink_prefix_from_text(sink_span_text("0.0.0.0/0"), &all);
	sink_prefix_from_text(sink_span_text("10.0.0.0/8"), &private);
	ck_assert(!bogon_is(SINK_TRIGGER_CLIENT, &private));
	ck_assert(bogon_is(SINK_TRIGGER_NSADDRESS, &private));
	ck_assert(bogon_is(SINK_TRIGGER_CLIENT, &all));
}
END_TEST

START_TEST(words)
{
	struct gate gate = { 0 };
	char text[200];

	ck_assert_int_eq(gate_force(&gate, "everything"), SINK_ENOENT);
	for (int i = 0; i < GATE_COUNT; i++)
		ck_assert_int_eq(gate_force(&gate, gate_word((enum gate_check)i)), SINK_OK);
	ck_assert_str_eq(gate_words(text, sizeof text),
		"empty, tld, suffix, protected, bogon, popular, max-change, errors or live");
}
END_TEST

/* --- an operator's list ------------------------------------------------------------------------------ */

START_TEST(protected_file)
{
	struct gate gate;
	struct sink_why why;
	const char *path =
		file_of("# ours\n\nisp.example # and not what is below\r\n.bank.example\n"
			"*.tree.example\n203.0.113.0/24\nb\xc3\xbc"
			"cher.example\n");
	static const struct {
		const char *subject;
		enum feed_reason reason;
	} rows[] = {
		{ "isp.example", FEED_PROTECTED },
		{ "evil.isp.example", FEED_TAKEN },
		{ "evil.bank.example", FEED_PROTECTED },
		{ "x.tree.example", FEED_PROTECTED },
		{ "xn--bcher-kva.example", FEED_PROTECTED },
		{ "203.0.113.7", FEED_PROTECTED },
		{ "203.0.112.0/23", FEED_PROTECTED },
		{ "203.0.114.0/24", FEED_TAKEN },
	};

	begin_gate(&gate);
	if (protected_add_file(&gate.protected, path, &why))
		ck_abort_msg("%s", why.text);
	unlink(path);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct feed_entry entry = entry_of(rows[i].subject);

		if (gate_judge(&gate, &entry, SINK_KIND_BLOCK, SINK_SCOPE_SUBTREE, false) !=
			rows[i].reason)
			ck_abort_msg("%s", rows[i].subject);
	}
	gate_end(&gate);
}
END_TEST

static const char *const bad_lines[] = { "fine.example\nnot a name\n", "fine.example\na..b\n",
	"fine.example\n192.0.2.1/24\n", "fine.example\nhttps://x.example/\n", "fine.example\n.\n" };

START_TEST(protected_file_is_strict)
{
	struct gate gate;
	struct sink_why why;
	const char *path = file_of(bad_lines[_i]);

	begin_gate(&gate);
	ck_assert_int_eq(protected_add_file(&gate.protected, path, &why), SINK_ESYNTAX);
	ck_assert_ptr_nonnull(strstr(why.text, "':2: "));
	unlink(path);
	ck_assert_int_eq(protected_add_file(&gate.protected, "/nonexistent", &why), SINK_ENOENT);
	gate_end(&gate);
}
END_TEST

START_TEST(protected_url)
{
	struct gate gate;
	static const char *const urls[] = { "https://u:p@lists.example:8443/x?y=z.example",
		"https://other.example", "https://key.example?key=1", "https://[2001:db8::1]:8443/",
		"https://part.example#x", "file:///etc/passwd", "nothing" };
	static const char *const hosts[] = { "lists.example", "other.example", "key.example",
		"part.example" };
	struct sink_prefix address;

	begin_gate(&gate);
	for (size_t i = 0; i < LENGTH(urls); i++)
		ck_assert_int_eq(protected_add_url(&gate.protected, urls[i]), SINK_OK);
	for (size_t i = 0; i < LENGTH(hosts); i++) {
		struct feed_entry entry = entry_of(hosts[i]);

		ck_assert_msg(gate_judge(&gate, &entry, SINK_KIND_BLOCK, SINK_SCOPE_EXACT, false) ==
				FEED_PROTECTED,
			"%s", hosts[i]);
	}
	ck_assert_int_eq(sink_prefix_from_text(sink_span_text("2001:db8::1"), &address), SINK_OK);
	ck_assert(protected_hit_prefix(&gate.protected, &address));
	gate_end(&gate);
}
END_TEST

/* --- popular names ----------------------------------------------------------------------------------- */

static const struct {
	const char *list;
	const char *hit, *miss; /* subtree entries */
} rankings[] = {
	{ "1,popular.example\n2,other.example\n", "popular.example", "fine.example" },
	{ "Rank,Domain\n1,popular.example\n", "popular.example", "rank.example" },
	{ "1,popular.example,US,0.3\r\n2,x.example,DE,0.1\r\n", "x.example", "us.example" },
	{ "popular.example\nother.example\n", "other.example", "fine.example" },
	{ "www.popular.example\nother.example\n", "popular.example", "x.popular.example" },
	{ "popular.example\nother.example\n", "www.popular.example", "www.x.popular.example" },
	{ "deep.in.popular.example\nother.example\n", "popular.example",
		"x.deep.in.popular.example" },
	{ "0.0.0.0 popular.example\n0.0.0.0 x.example\n", "popular.example", "fine.example" },
};

START_TEST(popular_lists)
{
	struct popular popular = { 0 };
	struct sink_why why;
	const char *path = file_of(rankings[_i].list);
	struct sink_name hit = name_of(rankings[_i].hit), miss = name_of(rankings[_i].miss);

	ck_assert(!popular_hit(&popular, &hit, SINK_SCOPE_SUBTREE));
	if (popular_load(&popular, path, &why))
		ck_abort_msg("%s", why.text);
	unlink(path);
	ck_assert(popular_is_on(&popular));
	ck_assert(popular_hit(&popular, &hit, SINK_SCOPE_SUBTREE));
	ck_assert(!popular_hit(&popular, &miss, SINK_SCOPE_SUBTREE));
	popular_end(&popular);
}
END_TEST

START_TEST(popular_refused)
{
	struct popular popular = { 0 };
	struct sink_why why;
	const char *path = file_of("# nothing\n");

	ck_assert_int_eq(popular_load(&popular, path, &why), SINK_ESYNTAX);
	ck_assert_ptr_nonnull(strstr(why.text, "no popular name in it"));
	unlink(path);
	ck_assert_int_eq(popular_load(&popular, "/nonexistent", &why), SINK_ENOENT);
	popular_end(&popular);
}
END_TEST

/* --- change, errors, HTML ----------------------------------------------------------------------------- */

START_TEST(seen_counts)
{
	struct seen before = { 0 }, now = { 0 };
	struct mix mix;
	uint64_t added, removed;

	ck_assert_int_eq(mix_begin(&mix), SINK_OK);
	for (uint64_t round = 0; round < 3; round++) /* the same more than once */
		for (uint64_t i = 0; i < 50000; i++) {
			uint64_t hash = mix_bytes(&mix, 0, sink_span(&i, sizeof i));

			ck_assert(i >= 40000 || seen_add(&before, hash) == SINK_OK);
			ck_assert(i < 10 || seen_add(&now, hash) == SINK_OK);
		}
	seen_settle(&before);
	seen_settle(&now);
	for (size_t i = 1; i < now.count; i++)
		ck_assert(now.hashes[i - 1] < now.hashes[i]);
	seen_compare(&before, &now, &added, &removed);
	ck_assert_uint_eq(before.count, 40000);
	ck_assert_uint_eq(added, 10000);
	ck_assert_uint_eq(removed, 10);
	seen_end(&before);
	seen_end(&now);
}
END_TEST

START_TEST(seen_tells_apart)
{
	struct mix mix;
	struct sink_name name = name_of("a.example");
	struct sink_prefix whole, part;

	ck_assert_int_eq(mix_begin(&mix), SINK_OK);
	sink_prefix_from_text(sink_span_text("192.0.2.0/24"), &whole);
	sink_prefix_from_text(sink_span_text("192.0.2.0"), &part);
	ck_assert(seen_hash_name(&mix, SINK_TRIGGER_QNAME, &name) !=
		seen_hash_name(&mix, SINK_TRIGGER_NSNAME, &name));
	ck_assert(seen_hash_prefix(&mix, SINK_TRIGGER_ANSWER, &whole) !=
		seen_hash_prefix(&mix, SINK_TRIGGER_ANSWER, &part));
	ck_assert(seen_hash_prefix(&mix, SINK_TRIGGER_ANSWER, &part) !=
		seen_hash_prefix(&mix, SINK_TRIGGER_CLIENT, &part));
}
END_TEST

START_TEST(html)
{
	static const char *const pages[] = { "<!DOCTYPE html>", "<html>", "\n\r\n \t<HTML lang=en>",
		"<head><title>" };
	static const char *const lists[] = { "", "a.example\n", "<a", "##html\n", "# <html>\n",
		"<!DOCTYPE xml>" };

	for (size_t i = 0; i < LENGTH(pages); i++)
		ck_assert_msg(guard_is_html(sink_span_text(pages[i])), "%s", pages[i]);
	for (size_t i = 0; i < LENGTH(lists); i++)
		ck_assert_msg(!guard_is_html(sink_span_text(lists[i])), "%s", lists[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gate");
	TCase *set = tcase_create("set"), *gate = tcase_create("gate"),
	      *source = tcase_create("source");

	tcase_add_loop_test(set, set_hits, 0, LENGTH(hits));
	tcase_add_test(set, set_of_many);
	tcase_add_loop_test(gate, gate_judges, 0, LENGTH(judged));
	tcase_add_loop_test(gate, gate_forced, 0, LENGTH(forced));
	tcase_add_test(gate, root_wildcard);
	tcase_add_test(gate, clients_are_private);
	tcase_add_test(gate, words);
	tcase_add_test(gate, protected_file);
	tcase_add_loop_test(gate, protected_file_is_strict, 0, LENGTH(bad_lines));
	tcase_add_test(gate, protected_url);
	tcase_add_loop_test(source, popular_lists, 0, LENGTH(rankings));
	tcase_add_test(source, popular_refused);
	tcase_add_test(source, seen_counts);
	tcase_add_test(source, seen_tells_apart);
	tcase_add_test(source, html);
	tcase_set_timeout(set, 60);
	suite_add_tcase(suite, set);
	suite_add_tcase(suite, gate);
	suite_add_tcase(suite, source);
	return run_suite(suite);
}

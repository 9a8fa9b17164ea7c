/* test_stix.c - the STIX pattern language: what of a pattern suffices by itself, what is left out, and what is
 * no pattern; and which of a document's objects says who is behind an indicator. The format as a whole has its
 * golden files. */
#include "stix_pattern.h"

#include <stdio.h>

#include "base.h"
#include "stix_graph.h"

/* --- patterns ----------------------------------------------------------------------------------------- */

static const char *const subjects[] = {
	[STIX_LEFT_OUT] = "!",
	[STIX_NAME] = "name",
	[STIX_IPV4] = "v4",
	[STIX_IPV6] = "v6",
	[STIX_ADDRESS] = "either",
	[STIX_PEER] = "peer",
	[STIX_URL] = "url",
};

/* A line for all terms: "name a.example; ! LIKE"; or why there are none. */
static void describe(struct sink_span text, char *out, size_t size)
{
	struct stix_pattern pattern = { 0 };
	enum feed_reason refused;
	FILE *to = fmemopen(out, size, "w");

	ck_assert_ptr_nonnull(to);
	ck_assert_int_eq(stix_pattern_read(&pattern, text, &refused), SINK_OK);
	if (refused)
		fprintf(to, "%s", feed_reason_word(refused));
	ck_assert(!refused || pattern.count == 0);
	for (size_t i = 0; i < pattern.count; i++) {
		const struct stix_term *term = &pattern.terms[i];
		struct sink_span shown = term->subject == STIX_LEFT_OUT ? term->detail : term->text;

		fprintf(to, "%s%s %.*s", i > 0 ? "; " : "", subjects[term->subject], (int)shown.len,
			(const char *)shown.at);
	}
	fclose(to);
	stix_pattern_end(&pattern);
}

#define SYNTAX "syntax error"
#define A "[domain-name:value = 'a.example']"
#define B "[domain-name:value = 'b.example']"
#define NAME_A "name a.example"
#define NAME_B "name b.example"

static const struct {
	const char *text, *is;
} patterns[] = {
	/* what is no pattern, to its very end */
	{ "", SYNTAX }, { "   ", SYNTAX }, { "a.example", SYNTAX },
	{ "domain-name:value = 'a.example'", SYNTAX }, { "[]", SYNTAX },
	{ "[domain-name:value = 'a.example'", SYNTAX },
	{ "[domain-name:value = 'a.example", SYNTAX },
	{ "[domain-name:value = 'a.example\\'", SYNTAX },
	{ "[domain-name:value = 'a.example\\", SYNTAX },
	{ "[domain-name:value = 'a.example'']", SYNTAX },
	{ "[domain-name:value = 'a\\nb.example']", SYNTAX }, /* no such escape */
	{ "[domain-name:value = \"a.example\"]", SYNTAX },
	{ "[domain-name:value = a.example]", SYNTAX }, { "[ipv4-addr:value = 192.0.2.1]", SYNTAX },
	{ "[domain-name:value 'a.example']", SYNTAX }, { "[domain-name:value =]", SYNTAX },
	{ "[domain-name:value]", SYNTAX }, { "[domain-name = 'a.example']", SYNTAX },
	{ "[domain-name: = 'a.example']", SYNTAX }, { "[:value = 'a.example']", SYNTAX },
	{ "[domain-name:value. = 'a.example']", SYNTAX },
	{ "[domain-name:value[ = 'a.example']", SYNTAX },
	{ "[domain-name:value['x'] = 'a.example']", SYNTAX },
	{ "[domain-name:value IS 'a.example']", SYNTAX },
	{ "[domain-name:value = 'a.example' OR]", SYNTAX },
	{ "[OR domain-name:value = 'a.example']", SYNTAX },
	{ "[domain-name:value = 'a.example' 'b']", SYNTAX },
	{ "[(domain-name:value = 'a.example']", SYNTAX },
	{ "[domain-name:value = 'a.example')]", SYNTAX },
	{ "[[domain-name:value = 'a.example']]", SYNTAX },
	{ "[NOT domain-name:value = 'a.example']", SYNTAX },
	{ "[domain-name:value IN 'a.example']", SYNTAX },
	{ "[domain-name:value IN ('a.example']", SYNTAX },
	{ "[domain-name:value IN ('a.example',)]", SYNTAX },
	{ "[domain-name:value IN (,)]", SYNTAX },
	{ "[domain-name:value IN ['a.example']]", SYNTAX },
	{ "[ipv4-addr:value ISSUBSET 5]", SYNTAX }, { "[url:value MATCHES 5]", SYNTAX },
	{ "[domain-name:value LIKE ('a')]", SYNTAX }, { A " " B, SYNTAX }, { A " OR", SYNTAX },
	{ "OR " A, SYNTAX }, { "(" A, SYNTAX }, { A ")", SYNTAX }, { "()", SYNTAX },
	{ A " XOR " B, SYNTAX }, { A " WITHIN", SYNTAX }, { A " WITHIN 5", SYNTAX },
	{ A " WITHIN 5 TIMES", SYNTAX }, { A " WITHIN '5' SECONDS", SYNTAX },
	{ A " REPEATS SECONDS", SYNTAX }, { A " START t'2026-01-01T00:00:00Z'", SYNTAX },
	{ A ";", SYNTAX }, { A " $(id)", SYNTAX }, { A " /* never ends", SYNTAX },
	{ "/*/" A, SYNTAX }, { "/" A, SYNTAX }, { A "\xff", SYNTAX },
	{ "\xef\xbb\xbf" A, SYNTAX }, /* a byte order mark is no white space */
	{ "[domain-name:value = h'zz", SYNTAX }, { "[domain-name:value = -]", SYNTAX },
	{ "[domain-name:value ! 'a']", SYNTAX }, { "FOLLOWEDBY", SYNTAX },
	{ A " FOLLOWEDBY", SYNTAX },

	/* equality */
	{ A, NAME_A }, { "[domain-name:value == 'a.example']", NAME_A },
	{ "[domain-name:value='a.example']", NAME_A },
	{ "[domain-name:'value' = 'a.example']", NAME_A },
	{ "[hostname:value = 'a.example']", NAME_A },
	{ "[ipv4-addr:value = '192.0.2.1']", "v4 192.0.2.1" },
	{ "[ipv4-addr:value = '192.0.2.0/24']", "v4 192.0.2.0/24" },
	{ "[ipv6-addr:value = '2001:db8::1']", "v6 2001:db8::1" },
	{ "[url:value = 'http://a.example/']", "url http://a.example/" },
	{ "[network-traffic:dst_ref.value = '192.0.2.1']", "peer 192.0.2.1" },
	{ "[network-traffic:'dst_ref'.'value' = '192.0.2.1']", "peer 192.0.2.1" },
	/* one property with a dot in its name is another than two */
	{ "[network-traffic:'dst_ref.value' = '192.0.2.1']", "! network-traffic:'dst_ref.value'" },
	{ "[domain-name:value = '']", "name " }, { "[domain-name:value = 'it\\'s']", "name it's" },
	{ "[domain-name:value = 'a\\\\b']", "name a\\b" },
	{ "[domain-name:value = '\\\\\\'']", "name \\'" },
	{ "[domain-name:value IN ('\\'a', 'b\\'', '\\\\')]", "name 'a; name b'; name \\" },
	{ "[domain-name:value = 'b\xc3\xbc"
	  "cher.example']",
		"name b\xc3\xbc"
		"cher.example" },
	{ "[domain-name:value = ']) OR [']", "name ]) OR [" },
	{ "[domain-name:value = '/* a */']", "name /* a */" },

	/* sets */
	{ "[domain-name:value IN ('a.example')]", NAME_A },
	{ "[domain-name:value in ('a.example','b.example')]", NAME_A "; " NAME_B },
	{ "[ipv4-addr:value IN ('192.0.2.1', '192.0.2.2/31')]", "v4 192.0.2.1; v4 192.0.2.2/31" },
	{ "[domain-name:value IN ()]", "! IN ()" },
	{ "[domain-name:value IN ('a.example', 5, true)]",
		NAME_A "; ! domain-name:value; ! domain-name:value" },
	{ "[domain-name:value NOT IN ('a.example', 'b.example')]", "! NOT" },
	{ "[file:name IN ('a', 'b', 'c')]", "! file:name" },

	/* OR: each branch suffices */
	{ "[domain-name:value = 'a.example' OR domain-name:value = 'b.example']",
		NAME_A "; " NAME_B },
	{ A " OR " B, NAME_A "; " NAME_B },
	{ A " or " B " Or [ipv4-addr:value = '192.0.2.1']", NAME_A "; " NAME_B "; v4 192.0.2.1" },
	{ "(" A " OR (" B "))", NAME_A "; " NAME_B },
	{ "[(domain-name:value = 'a.example' OR (domain-name:value = 'b.example'))]",
		NAME_A "; " NAME_B },
	{ A " OR [file:name = 'x']", NAME_A "; ! file:name" },
	{ "[file:hashes.'SHA-256' = 'ab' OR domain-name:value = 'a.example']",
		"! file:hashes.'SHA-256'; " NAME_A },
	{ A " OR " A, NAME_A "; " NAME_A },

	/* every other operator */
	{ "[domain-name:value != 'a.example']", "! !=" },
	{ "[domain-name:value <> 'a.example']", "! <>" },
	{ "[domain-name:value < 'a.example']", "! <" },
	{ "[domain-name:value <= 'a.example']", "! <=" },
	{ "[domain-name:value > 'a.example']", "! >" },
	{ "[domain-name:value >= 'a.example']", "! >=" },
	{ "[domain-name:value LIKE '%.example']", "! LIKE" },
	{ "[domain-name:value MATCHES '^a']", "! MATCHES" },
	{ "[domain-name:value ISSUBSET 'a.example']", "! ISSUBSET" },
	{ "[domain-name:value NOT = 'a.example']", "! NOT" },
	{ "[domain-name:value NOT != 'a.example']", "! NOT" },
	{ "[domain-name:value NOT LIKE 'a%']", "! NOT" },
	{ "[EXISTS domain-name:value]", "! EXISTS" },
	{ "[exists:value = 'a']", "! exists:value" }, /* an object may be named so */
	{ "[ipv4-addr:value ISSUBSET '192.0.2.0/24']", "v4 192.0.2.0/24" },
	{ "[ipv6-addr:value ISSUBSET '2001:db8::/32']", "v6 2001:db8::/32" },
	{ "[network-traffic:dst_ref.value ISSUBSET '192.0.2.0/24']", "either 192.0.2.0/24" },
	{ "[url:value ISSUBSET 'http://a.example/']", "! ISSUBSET" },
	{ "[ipv4-addr:value ISSUPERSET '192.0.2.0/24']", "! ISSUPERSET" },
	{ "[ipv4-addr:value NOT ISSUBSET '192.0.2.0/24']", "! NOT" },

	/* literals of other types */
	{ "[domain-name:value = 5]", "! domain-name:value" },
	{ "[domain-name:value = -5.25]", "! domain-name:value" },
	{ "[domain-name:value = .5]", "! domain-name:value" },
	{ "[domain-name:value = true]", "! domain-name:value" },
	{ "[domain-name:value = h'612e6578616d706c65']", "! domain-name:value" },
	{ "[domain-name:value = b'YS5leGFtcGxl']", "! domain-name:value" },
	{ "[domain-name:value = t'2026-01-01T00:00:00Z']", "! domain-name:value" },

	/* paths that are others */
	{ "[domain-name:Value = 'a.example']", "! domain-name:Value" },
	{ "[Domain-Name:value = 'a.example']", "! Domain-Name:value" },
	{ "[ipv4addr:value = '192.0.2.1']", "! ipv4addr:value" },
	{ "[domain-name:value.x = 'a.example']", "! domain-name:value.x" },
	{ "[domain-name:value[0] = 'a.example']", "! domain-name:value[0]" },
	{ "[domain-name:value[*] = 'a.example']", "! domain-name:value[*]" },
	{ "[domain-name:resolves_to_refs[*].value = '192.0.2.1']",
		"! domain-name:resolves_to_refs[*].value" },
	{ "[network-traffic:src_ref.value = '192.0.2.1']", "! network-traffic:src_ref.value" },
	{ "[network-traffic:start = t'2026-01-01T00:00:00Z']", "! network-traffic:start" },
	{ "[file:hashes.SHA-256 = 'ab']", "! file:hashes.SHA-256" },
	{ "[x:y.'\\'' = 'a']", "! x:y.'\\''" },
	{ "[email-addr:value = 'a@a.example']", "! email-addr:value" },

	/* AND says more than either side, but where it does not */
	{ "[domain-name:value = 'a.example' AND domain-name:value = 'b.example']", "! AND" },
	{ "[domain-name:value = 'a.example' AND domain-name:value = 'a.example']", NAME_A },
	{ "[domain-name:value = 'a.example' AND (domain-name:value = 'a.example')]", NAME_A },
	{ "[domain-name:value = 'a.example' AND hostname:value = 'a.example']", NAME_A },
	{ "[domain-name:value = 'a.example' AND url:value = 'a.example']", "! AND" },
	{ "[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = "
	  "'192.0.2.1']",
		"! AND" },
	{ "[domain-name:value = 'a.example' AND network-traffic:dst_port = 443]", "! AND" },
	{ "[domain-name:value IN ('a.example', 'b.example') AND domain-name:value = 'a.example']",
		"! AND" },
	{ "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = "
	  "'192.0.2.1']",
		"v4 192.0.2.1" },
	{ "[network-traffic:dst_ref.value = '2001:db8::1' AND network-traffic:dst_ref.type = "
	  "'ipv6-addr']",
		"v6 2001:db8::1" },
	{ "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = "
	  "'a.example']",
		NAME_A },
	{ "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value "
	  "ISSUBSET '192.0.2.0/24']",
		"v4 192.0.2.0/24" },
	{ "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value "
	  "ISSUBSET '192.0.2.0/24']",
		"! AND" },
	{ "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.type = "
	  "'ipv6-addr' AND network-traffic:dst_ref.value = '192.0.2.1']",
		"! AND" },
	{ "[network-traffic:dst_ref.type = 'mac-addr' AND network-traffic:dst_ref.value = "
	  "'192.0.2.1']",
		"! AND" },
	{ "[network-traffic:dst_ref.type != 'ipv4-addr' AND network-traffic:dst_ref.value = "
	  "'192.0.2.1']",
		"! AND" },
	{ "[network-traffic:dst_ref.type NOT = 'ipv4-addr' AND network-traffic:dst_ref.value = "
	  "'192.0.2.1']",
		"! AND" },
	{ "[network-traffic:dst_ref.type IN ('ipv4-addr') AND network-traffic:dst_ref.value = "
	  "'192.0.2.1']",
		"! AND" },
	{ "[network-traffic:dst_ref.type = 'ipv4-addr' AND ipv4-addr:value = '192.0.2.1']",
		"! AND" },
	{ "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = "
	  "'192.0.2.1' AND network-traffic:dst_port = 443]",
		"! AND" },
	{ "[network-traffic:dst_ref.type = 'ipv4-addr']", "! network-traffic:dst_ref.type" },
	{ "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.type = "
	  "'ipv4-addr']",
		"! AND" },
	/* AND binds tighter than OR */
	{ "[domain-name:value = 'a.example' OR domain-name:value = 'b.example' AND x:y = 1]",
		NAME_A "; ! AND" },
	{ "[(domain-name:value = 'a.example' OR domain-name:value = 'b.example') AND x:y = 1]",
		"! AND" },
	{ "[x:y = 1 AND (x:z = 2 OR domain-name:value = 'a.example')]", "! AND" },
	{ A " AND " B, "! AND" }, { A " AND " A, "! AND" }, /* two observations, not one */
	{ A " OR " B " AND [x:y = 1]", NAME_A "; ! AND" },
	{ A " AND [x:y = 1] OR " B, "! AND; " NAME_B },
	{ "(" A " OR " B ") AND [x:y = 1]", "! AND" },

	/* order and time */
	{ A " FOLLOWEDBY " B, "! FOLLOWEDBY" },
	{ A " OR " B " FOLLOWEDBY [x:y = 1]", "! FOLLOWEDBY" },
	{ A " OR (" B " FOLLOWEDBY [x:y = 1])", NAME_A "; ! FOLLOWEDBY" },
	{ A " WITHIN 300 SECONDS", "! WITHIN" }, { A " REPEATS 5 TIMES", "! REPEATS" },
	{ A " REPEATS 5 TIMES WITHIN 1800 SECONDS", "! WITHIN" },
	{ A " START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'", "! START" },
	{ A " START '2026-01-01T00:00:00Z' STOP '2026-02-01T00:00:00Z'", "! START" },
	{ "(" A " OR " B ") WITHIN 5.5 SECONDS", "! WITHIN" },
	{ A " OR " B " WITHIN 5 SECONDS", NAME_A "; ! WITHIN" },

	/* white space and comments */
	{ "\t[\ndomain-name\r:\x0bvalue\x0c= 'a.example' ] ", NAME_A },
	{ "[domain-name:value\xc2\xa0=\xe2\x80\x83'a.example'\xe3\x80\x80]", NAME_A },
	{ "/**/[/* x */domain-name/*:*/:value = // ']\n'a.example']// end", NAME_A },
	{ "[domain-name:value = 'a.example' /* ' */]", NAME_A }, { A " // OR " B, NAME_A },
	{ "[domain-name:value\xe2\x80\x8b= 'a.example']", SYNTAX }, /* zero width: none */
};

START_TEST(pattern_is_read)
{
	char got[1024];

	describe(sink_span_text(patterns[_i].text), got, sizeof got);
	ck_assert_msg(strcmp(got, patterns[_i].is) == 0, "%s\n--- wanted\n%s\n--- got\n%s",
		patterns[_i].text, patterns[_i].is, got);
}
END_TEST

/* A pattern that is cut anywhere is none, nor reads a byte behind its end. */
START_TEST(cut_patterns)
{
	char got[1024];

	for (size_t i = 0; i < LENGTH(patterns); i++) {
		size_t len = strlen(patterns[i].text);

		for (size_t n = 0; n < len; n++) {
			char *copy = malloc(n + 1);

			ck_assert(copy != NULL);
			memcpy(copy, patterns[i].text, n);
			describe(sink_span(copy, n), got, sizeof got);
			free(copy);
		}
	}
}
END_TEST

/* `count` times a piece, then a tail. */
static void repeat(const char *piece, size_t count, const char *tail, const char *is)
{
	size_t each = strlen(piece), len = each * count + strlen(tail);
	char *text = malloc(len + 1), *end = text, got[4096];

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < count; i++)
		end = stpcpy(end, piece);
	strcpy(end, tail);
	describe(sink_span(text, len), got, sizeof got);
	ck_assert_msg(strcmp(got, is) == 0, "%zu of '%s': %.100s", count, piece, got);
	free(text);
}

START_TEST(hostile_patterns)
{
	repeat("[", 1000000, "", SYNTAX);
	repeat("(", 1000000, "", "nested too deep");
	repeat("( ", 1000000, "", "nested too deep");
	repeat("(", STIX_PATTERN_DEPTH + 1, A, "nested too deep");
	repeat("(", STIX_PATTERN_DEPTH, A, SYNTAX);
	repeat("'", 1000000, "", SYNTAX);
	repeat("'", 1000001, "", SYNTAX);
	repeat("\\", 1000000, "", SYNTAX);
	repeat("/*", 1000000, "", SYNTAX);
	repeat("/* */", 800000, A, NAME_A);
	repeat(" ", 4000000, A, NAME_A);
	repeat(A " WITHIN 5 SECONDS OR ", 1, A " WITHIN 5 SECONDS", "! WITHIN; ! WITHIN");
	repeat(" ", STIX_PATTERN_MAX, A, "line too long");
	repeat("[a:b", 1, "", SYNTAX);
	repeat("\xc3", 1000000, "", SYNTAX);
}
END_TEST

/* Parentheses may be nested as deep as is said, in both places together. */
START_TEST(nested_patterns)
{
	char text[512] = "", got[256];
	size_t half = STIX_PATTERN_DEPTH / 2;

	for (size_t i = 0; i < half; i++)
		strcat(text, "(");
	strcat(text, "[");
	for (size_t i = 0; i < half; i++)
		strcat(text, "(");
	strcat(text, "domain-name:value = 'a.example'");
	for (size_t i = 0; i < half; i++)
		strcat(text, ")");
	strcat(text, "]");
	for (size_t i = 0; i < half; i++)
		strcat(text, ")");
	describe(sink_span_text(text), got, sizeof got);
	ck_assert_str_eq(got, NAME_A);
}
END_TEST

/* 1 MB of values: all of them, and in linear time. The same structure is used again and again. */
START_TEST(large_patterns)
{
	struct stix_pattern pattern = { 0 };
	enum feed_reason refused;
	char *text = malloc(2 << 20), *end = text, *and;
	size_t count = 60000;

	ck_assert_ptr_nonnull(text);
	end += sprintf(end, "[domain-name:value IN (");
	for (size_t i = 0; i < count; i++)
		end += sprintf(end, "%s'n%zu\\\\.example'", i > 0 ? "," : "", i);
	end += sprintf(end, ") AND x:y = 1 OR domain-name:value = 'a.example']");
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(stix_pattern_read(&pattern, sink_span(text, (size_t)(end - text)),
					 &refused),
			SINK_OK);
		ck_assert_int_eq(refused, FEED_TAKEN);
		ck_assert_uint_eq(pattern.count, 2);
	}
	and = strstr(text, "AND");
	and[0] = 'O', and[1] = 'R', and[2] = ' ';
	ck_assert_int_eq(stix_pattern_read(&pattern, sink_span(text, (size_t)(end - text)),
				 &refused),
		SINK_OK);
	ck_assert_uint_eq(pattern.count, count + 2);
	for (size_t i = 0; i < count; i++) {
		char wanted[32];

		snprintf(wanted, sizeof wanted, "n%zu\\.example", i);
		ck_assert(sink_span_equal(pattern.terms[i].text, sink_span_text(wanted)));
	}
	stix_pattern_end(&pattern);
	free(text);
}
END_TEST

/* --- who is behind it ---------------------------------------------------------------------------------- */

static void add(struct stix_graph *graph, const char *id, enum stix_kind kind, const char *name,
	int64_t modified, bool revoked)
{
	struct stix_version version = {
		.id = sink_span_text(id),
		.kind = kind,
		.name = sink_span_text(name),
		.modified = modified,
		.revoked = revoked,
	};

	ck_assert_int_eq(stix_graph_add(graph, &version), SINK_OK);
}

static void relate(struct stix_graph *graph, const char *id, int64_t modified, bool revoked,
	enum stix_verb verb, const char *source, const char *target)
{
	struct stix_version version = {
		.id = sink_span_text(id), .modified = modified, .revoked = revoked
	};

	ck_assert_int_eq(stix_graph_relate(graph, &version, verb, sink_span_text(source),
				 sink_span_text(target)),
		SINK_OK);
}

static void must_be(struct sink_span got, const char *wanted)
{
	ck_assert_msg(sink_span_equal(got, sink_span_text(wanted)), "'%.*s', not '%s'",
		(int)got.len, (const char *)got.at, wanted);
}

START_TEST(attribution)
{
	struct stix_graph *g;
	struct stix_attribution by;

	ck_assert_int_eq(stix_graph_open(&g), SINK_OK);
	add(g, "i", STIX_OBJECT, "", 1, false);
	add(g, "c1", STIX_CAMPAIGN, "Zebra", 1, false);
	add(g, "c2", STIX_CAMPAIGN, "Ant", 1, false);
	add(g, "a1", STIX_ACTOR, "Bear", 1, false);
	add(g, "a2", STIX_ACTOR, "Anchor", 1, false);
	add(g, "a3", STIX_ACTOR, "Aardvark", 1, true);
	add(g, "m1", STIX_MALWARE, "worm", 1, false);
	add(g, "m2", STIX_MALWARE, "bot", 1, false);
	add(g, "m3", STIX_MALWARE, "bot", 1, false);
	add(g, "m4", STIX_MALWARE, "", 1, false);
	relate(g, "r1", 1, false, STIX_INDICATES, "i", "c1");
	relate(g, "r2", 1, false, STIX_INDICATES, "i", "c2");
	relate(g, "r3", 1, false, STIX_ATTRIBUTED_TO, "c2", "a1");
	relate(g, "r4", 1, false, STIX_ATTRIBUTED_TO, "c2", "a3"); /* revoked */
	relate(g, "r5", 1, false, STIX_ATTRIBUTED_TO, "c1", "a2");
	relate(g, "r6", 1, false, STIX_INDICATES, "i", "m1");
	relate(g, "r7", 1, false, STIX_INDICATES, "i", "m2");
	relate(g, "r8", 1, false, STIX_INDICATES, "i", "m3");
	relate(g, "r9", 1, false, STIX_INDICATES, "i", "m4");
	relate(g, "r10", 1, false, STIX_INDICATES, "i", "nobody");
	relate(g, "", 1, false, STIX_INDICATES, "j", "m1");
	relate(g, "", 1, true, STIX_INDICATES, "j", "m2");
	add(g, "j", STIX_OBJECT, "", 1, false);
	stix_graph_settle(g);
	stix_graph_attribute(g, sink_span_text("i"), &by);
	must_be(by.campaign, "Ant");
	must_be(by.actor, "Bear"); /* of that campaign, not of the other */
	ck_assert_uint_eq(by.malware_count, 2);
	must_be(by.malware[0], "bot");
	must_be(by.malware[1], "worm");
	ck_assert_uint_eq(by.tools_count, 0);
	stix_graph_attribute(g, sink_span_text("j"), &by);
	ck_assert_uint_eq(by.malware_count, 1);
	must_be(by.malware[0], "worm");
	stix_graph_attribute(g, sink_span_text("nobody"), &by);
	must_be(by.actor, "");
	stix_graph_close(g);
}
END_TEST

/* A strange document: one indicator, many relationships, and as many versions of it that ask for them. */
START_TEST(many_relationships)
{
	enum { COUNT = 100000 };
	struct stix_graph *g;
	struct stix_attribution by = { 0 };
	char id[64], name[64];

	ck_assert_int_eq(stix_graph_open(&g), SINK_OK);
	add(g, "i", STIX_OBJECT, "", 1, false);
	for (int i = 0; i < COUNT; i++) {
		enum stix_kind kind = i % 4 == 0 ? STIX_MALWARE
			: i % 4 == 1		 ? STIX_TOOL
			: i % 4 == 2		 ? STIX_ACTOR
						 : STIX_CAMPAIGN;

		snprintf(id, sizeof id, "o%d", i);
		snprintf(name, sizeof name, "%06d", COUNT - i / 8); /* each kind has each twice */
		add(g, id, kind, name, 1, false);
		relate(g, "", 1, false, STIX_INDICATES, "i", id);
	}
	stix_graph_settle(g);
	for (int i = 0; i < COUNT; i++)
		stix_graph_attribute(g, sink_span_text("i"), &by);
	must_be(by.actor, "087501");
	must_be(by.campaign, "087501");
	ck_assert_uint_eq(by.malware_count, STIX_TAGS_MAX);
	ck_assert_uint_eq(by.tools_count, STIX_TAGS_MAX);
	for (int i = 0; i < STIX_TAGS_MAX; i++) {
		snprintf(name, sizeof name, "%06d", 87501 + i);
		must_be(by.malware[i], name);
		must_be(by.tools[i], name);
	}
	stix_graph_close(g);
}
END_TEST

START_TEST(versions)
{
	struct stix_graph *g;
	struct stix_attribution by;

	ck_assert_int_eq(stix_graph_open(&g), SINK_OK);
	add(g, "i", STIX_OBJECT, "", 20, false);
	add(g, "i", STIX_OBJECT, "", 10, true); /* older: of no interest */
	add(g, "a", STIX_ACTOR, "new", 2, false);
	add(g, "a", STIX_ACTOR, "old", 1, false);
	add(g, "b", STIX_ACTOR, "b", 1, false);
	add(g, "k", STIX_OBJECT, "", 5, false);
	add(g, "k", STIX_OBJECT, "", 5, true); /* as new, and revoked */
	relate(g, "r", 1, false, STIX_INDICATES, "i", "b");
	relate(g, "r", 3, false, STIX_INDICATES, "i", "a");
	relate(g, "r", 2, true, STIX_INDICATES, "i", "b");
	relate(g, "s", 1, false, STIX_INDICATES, "k", "b");
	relate(g, "s", 2, true, STIX_INDICATES, "k", "b");
	stix_graph_settle(g);
	ck_assert_int_eq(stix_graph_state(g, sink_span_text("i"), 10), STIX_OLDER);
	ck_assert_int_eq(stix_graph_state(g, sink_span_text("i"), 20), STIX_CURRENT);
	ck_assert_int_eq(stix_graph_state(g, sink_span_text("k"), 5), STIX_REVOKED);
	ck_assert_int_eq(stix_graph_state(g, sink_span_text("k"), 4), STIX_OLDER);
	ck_assert_int_eq(stix_graph_state(g, sink_span_text("x"), 0), STIX_CURRENT);
	must_be(stix_graph_name(g, sink_span_text("a"), STIX_ACTOR), "new");
	must_be(stix_graph_name(g, sink_span_text("a"), STIX_IDENTITY), "");
	stix_graph_attribute(g, sink_span_text("i"), &by);
	must_be(by.actor, "new");
	stix_graph_attribute(g, sink_span_text("k"), &by);
	must_be(by.actor, "");
	stix_graph_close(g);
}
END_TEST

START_TEST(fixed_markings)
{
	struct stix_graph *g;
	const char *white = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9";
	struct stix_version red = { .id = sink_span_text(white),
		.kind = STIX_MARKING,
		.tlp = SINK_TLP_RED,
		.modified = INT64_C(253402300799) * 1000000 };

	ck_assert_int_eq(stix_graph_open(&g), SINK_OK);
	ck_assert_int_eq(stix_graph_add(g, &red), SINK_OK); /* what is fixed stays */
	ck_assert_int_eq(stix_graph_tlp(g, sink_span_text(white)), SINK_TLP_CLEAR);
	ck_assert_int_eq(stix_graph_tlp(g, sink_span_text("x")), SINK_TLP_NONE);
	stix_graph_close(g);
}
END_TEST

/* A hundred thousand ids, an edge each, and all to one campaign that is attributed to many. */
START_TEST(many_objects)
{
	enum { COUNT = 100000 };
	struct stix_graph *g;
	struct stix_attribution by;
	char id[64], name[2048];

	ck_assert_int_eq(stix_graph_open(&g), SINK_OK);
	memset(name, 'x', sizeof name);
	name[sizeof name - 1] = 0;
	add(g, "c", STIX_CAMPAIGN, name, 1, false);
	for (int i = 0; i < COUNT; i++) {
		snprintf(id, sizeof id, "i%d", i);
		add(g, id, STIX_OBJECT, "", 1, false);
		relate(g, "", 1, false, STIX_INDICATES, id, "c");
		snprintf(id, sizeof id, "a%d", i);
		add(g, id, i % 2 ? STIX_ACTOR : STIX_MALWARE, id, 1, false);
		relate(g, "", 1, false, STIX_ATTRIBUTED_TO, "c", id);
		relate(g, "", 1, false, STIX_INDICATES, "i0", id);
	}
	stix_graph_settle(g);
	for (int i = 1; i < COUNT; i++) {
		snprintf(id, sizeof id, "i%d", i);
		stix_graph_attribute(g, sink_span_text(id), &by);
		ck_assert(by.campaign.len == SINK_STRING_MAX);
		ck_assert(sink_span_equal(by.actor, sink_span_text("a1")));
	}
	stix_graph_attribute(g, sink_span_text("i0"), &by);
	ck_assert_uint_eq(by.malware_count, STIX_TAGS_MAX);
	must_be(by.malware[0], "a0");
	must_be(by.malware[1], "a10");
	must_be(by.malware[2], "a100");
	stix_graph_close(g);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stix");
	TCase *tcase = tcase_create("pattern");

	tcase_add_loop_test(tcase, pattern_is_read, 0, (int)LENGTH(patterns));
	tcase_add_test(tcase, cut_patterns);
	tcase_add_test(tcase, hostile_patterns);
	tcase_add_test(tcase, nested_patterns);
	tcase_add_test(tcase, large_patterns);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("graph");
	tcase_add_test(tcase, attribution);
	tcase_add_test(tcase, many_relationships);
	tcase_add_test(tcase, versions);
	tcase_add_test(tcase, fixed_markings);
	tcase_add_test(tcase, many_objects);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}

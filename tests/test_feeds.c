/* test_feeds.c - every feed format against its golden files, what is recognised, and that no line gets
 * lost. data/feeds/FORMAT/NAME.in is read in that format, and must give what NAME.out says:
 *
 *   recognised as FORMAT                 or: not recognised: WHY; or: refused: WHY
 *   LINE + KIND NAME (SCOPE) SAYS        an entry; - instead of + withdraws it. For a document, LINE is how
 *                                        many items there were so far
 *   LINE + KIND TRIGGER PREFIX SAYS      one for another trigger than the query name
 *   LINE ! REASON: TEXT                  something left out
 *   bad feed: WHY                        the whole feed is refused
 *   lines N, comments N, taken N, skipped N, entries N
 *
 * NAME.options, where there is one, says how to read a table: a line KEY=FROM for each field, and items=PATH or
 * separator=C.
 *
 * With SINKHOLE_WRITE_GOLDEN set it writes NAME.out instead: read what changed before you keep it. */
#include "feed.h"

#include <glob.h>
#include <stdio.h>

#include "base.h"
#include "host.h"
#include "json.h"
#include "lines.h"
#include "say.h"

#define NOW 1795651200 /* 2026-11-26T00:00:00Z: expiry is judged by this */
#define FEEDS TEST_SRCDIR "/tests/data/feeds"

static glob_t golden; /* all FORMAT/NAME.in */

/* --- golden files --------------------------------------------------------------------------------- */

struct notes {
	FILE *to;
	const struct feed_tally *tally;
};

/* What an entry says of itself, as one line of JSON; its types, exceptions and data in hexadecimal. */
static void note_says(FILE *to, const struct sink_record *record)
{
	const struct sink_span bytes[] = { record->types, record->except, record->data };
	static const char *const words[] = { "types", "except", "data" };
	json_t *json = json_record(record);

	json_object_del(json, "kind");
	fputc(' ', to);
	json_dumpf(json, to, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	json_decref(json);
	for (size_t i = 0; i < LENGTH(bytes); i++) {
		if (bytes[i].len > 0)
			fprintf(to, " %s:", words[i]);
		for (size_t k = 0; k < bytes[i].len; k++)
			fprintf(to, "%02x", bytes[i].at[k]);
	}
}

static int note_entry(void *arg, const struct feed_entry *entry)
{
	struct notes *notes = arg;
	char text[SINK_TEXT_MAX];

	fprintf(notes->to, "%llu %c %s ", (unsigned long long)notes->tally->lines,
		entry->withdraws ? '-' : '+', sink_kind_word(entry->kind));
	if (entry->trigger != SINK_TRIGGER_QNAME)
		fprintf(notes->to, "%s ", sink_trigger_word(entry->trigger));
	if (sink_trigger_is_prefix(entry->trigger))
		fprintf(notes->to, "%s", sink_prefix_to_text(&entry->prefix, text));
	else
		fprintf(notes->to, "%s (%s)", sink_name_to_text(&entry->name, text),
			sink_scope_word(entry->scope));
	if (entry->says)
		note_says(notes->to, &entry->says->record);
	fputc('\n', notes->to);
	return FEED_TAKEN;
}

static void note_skip(void *arg, enum feed_reason reason, struct sink_span what)
{
	struct notes *notes = arg;

	fprintf(notes->to, "%llu ! %s: ", (unsigned long long)notes->tally->lines,
		feed_reason_word(reason));
	put_text(notes->to, what, 80);
	fputc('\n', notes->to);
}

static void note_recognition(FILE *to, const struct lines *lines)
{
	const struct feed_format *format;
	struct sink_why why;
	bool whole;
	struct sink_span sample = lines_sample(lines, &whole);

	if (feed_recognise(sample, whole, &why, &format) == SINK_OK)
		fprintf(to, "recognised as %s\n", format->word);
	else
		fprintf(to, "not recognised: %s\n", why.text);
}

static void note_tally(FILE *to, const struct feed_tally *tally)
{
	fprintf(to, "lines %llu, comments %llu, taken %llu, skipped %llu, entries %llu\n",
		(unsigned long long)tally->lines, (unsigned long long)tally->comments,
		(unsigned long long)tally->taken, (unsigned long long)feed_tally_skipped(tally),
		(unsigned long long)tally->entries);
	ck_assert_uint_eq(tally->lines, tally->comments + tally->taken + feed_tally_skipped(tally));
	ck_assert_uint_ge(tally->entries, tally->taken);
}

static void set_option(struct feed_options *options, const char *line)
{
	struct feed_field *field = &options->fields[options->fields_count];

	if (sscanf(line, "items=%127[^\n]", options->items) == 1 ||
		sscanf(line, "separator=%c", &options->separator) == 1)
		return;
	ck_assert_uint_lt(options->fields_count, FEED_FIELDS_MAX);
	ck_assert_int_eq(sscanf(line, "%15[^=]=%127[^\n]", field->key, field->from), 2);
	options->fields_count++;
}

static void read_options(const char *in, struct feed_options *options)
{
	char path[PATH_MAX], line[256];
	FILE *from;

	snprintf(path, sizeof path, "%.*s.options", (int)(strlen(in) - strlen(".in")), in);
	from = fopen(path, "r");
	while (from && fgets(line, sizeof line, from))
		set_option(options, line);
	if (from)
		fclose(from);
}

static void note_feed(FILE *to, const char *path, const struct feed_format *format)
{
	struct feed_tally tally = { 0 };
	struct notes notes = { .to = to, .tally = &tally };
	struct feed_sink sink = { .entry = note_entry, .skip = note_skip, .arg = &notes };
	struct feed_options options = { .now = NOW };
	int err;
	struct bytes bytes = read_whole(path);
	struct lines *lines;
	struct sink_why why;

	read_options(path, &options);
	/* from memory, so that the message does not name the path */
	if (lines_open_bytes(sink_span(bytes.at, bytes.len), &why, &lines)) {
		fprintf(to, "refused: %s\n", why.text);
	} else {
		note_recognition(to, lines);
		err = feed_read(lines, format, &options, &sink, &tally, &why);
		if (err == SINK_ESYNTAX)
			fprintf(to, "bad feed: %s\n", why.text);
		else
			ck_assert_int_eq(err, SINK_OK);
		note_tally(to, &tally);
		lines_close(lines);
	}
	free(bytes.at);
}

/* The format is the name of the directory. */
static const struct feed_format *format_of(const char *path)
{
	struct sink_span word = sink_span_text(path + strlen(FEEDS) + 1);
	const struct feed_format *format;

	word.len = strcspn((const char *)word.at, "/");
	format = feed_format_find(word);
	ck_assert_msg(format, "%s: no such format", path);
	return format;
}

static void out_path(const char *in, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%.*s.out", (int)(strlen(in) - strlen(".in")), in);
}

START_TEST(golden_file)
{
	const char *in = golden.gl_pathv[_i];
	char out[PATH_MAX], *got = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&got, &len);

	ck_assert_ptr_nonnull(to);
	note_feed(to, in, format_of(in));
	fclose(to);
	out_path(in, out);
	if (getenv("SINKHOLE_WRITE_GOLDEN")) {
		write_whole(out, got, len);
	} else {
		struct bytes wanted = read_whole(out);

		wanted.at[wanted.len] = 0; /* read_whole() leaves room */
		ck_assert_msg(wanted.len == len && memcmp(wanted.at, got, len) == 0,
			"%s\n--- wanted\n%s--- got\n%s", in, (char *)wanted.at, got);
		free(wanted.at);
	}
	free(got);
}
END_TEST

START_TEST(every_format_has_files)
{
	for (size_t i = 0; feed_formats[i]; i++) {
		char pattern[PATH_MAX];
		glob_t found;

		snprintf(pattern, sizeof pattern, "%s/%s/*.in", FEEDS, feed_formats[i]->word);
		ck_assert_msg(glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc >= 5,
			"%s: too few", pattern);
		globfree(&found);
	}
}
END_TEST

/* --- names ------------------------------------------------------------------------------------------ */

#define X63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define X61 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg"

static const struct {
	const char *text;
	enum feed_reason reason;
	const char *name; /* NULL if it is none */
} names[] = {
	{ "", FEED_NOT_NAME, NULL }, { "..", FEED_NOT_NAME, NULL }, { "a..b", FEED_NOT_NAME, NULL },
	{ ".a.b", FEED_NOT_NAME, NULL }, { "a b", FEED_NOT_NAME, NULL },
	{ "a.b;rm", FEED_NOT_NAME, NULL }, { "$(id).example", FEED_NOT_NAME, NULL },
	{ "`id`.example", FEED_NOT_NAME, NULL }, { "%s%n.example", FEED_NOT_NAME, NULL },
	{ "a\\.b", FEED_NOT_NAME, NULL }, /* no escapes: that is presentation form, not a feed's */
	{ "a\\046b.example", FEED_NOT_NAME, NULL }, { "1.2.3", FEED_NOT_NAME, NULL },
	{ "300.1.1.1", FEED_NOT_NAME, NULL }, { "example.123", FEED_NOT_NAME, NULL },
	{ "192.0.2.1", FEED_ADDRESS, NULL }, { "192.0.2.0/24", FEED_ADDRESS, NULL },
	{ "2001:db8::1", FEED_ADDRESS, NULL }, { "2001:db8::/32", FEED_ADDRESS, NULL },
	{ "[2001:db8::1]", FEED_ADDRESS, NULL }, { "::", FEED_ADDRESS, NULL },
	{ "fe80::1%eth0", FEED_ADDRESS, NULL }, { "http://example.com", FEED_URL, NULL },
	{ "example.com/", FEED_URL, NULL }, { "192.0.2.1/bin.sh", FEED_URL, NULL },
	{ "user@example.com", FEED_USERINFO, NULL },
	{ "user:pass@example.com", FEED_USERINFO, NULL }, { "example.com:80", FEED_PORT, NULL },
	{ "example.com:", FEED_PORT, NULL }, { "192.0.2.1:80", FEED_PORT, NULL },
	{ "*", FEED_WILDCARD, NULL }, { "a*.example.com", FEED_WILDCARD, NULL },
	{ X63 "g.example", FEED_NAME_LENGTH, NULL },
	{ X63 "." X63 "." X63 "." X61 "g", FEED_NAME_LENGTH, NULL },
	{ X63 "." X63 "." X63 "." X61, FEED_TAKEN, X63 "." X63 "." X63 "." X61 },
	{ ".", FEED_TAKEN, "." }, /* a name; the gate drops it */
	{ "com", FEED_TAKEN, "com" }, { "EXAMPLE.com.", FEED_TAKEN, "example.com" },
	{ "_dmarc.example.com", FEED_TAKEN, "_dmarc.example.com" },
	{ "-x-.example.com", FEED_TAKEN, "-x-.example.com" }, /* exists, whatever RFC 952 says */
	{ "-rf", FEED_TAKEN, "-rf" },
	/* IDNA: UTS 46, non-transitional */
	{ "b\xc3\xbc"
	  "cher.example",
		FEED_TAKEN, "xn--bcher-kva.example" },
	{ "B\xc3\x9c"
	  "CHER.Example.",
		FEED_TAKEN, "xn--bcher-kva.example" },
	{ "fa\xc3\x9f.de", FEED_TAKEN, "xn--fa-hia.de" }, /* not fass.de */
	{ "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.\xd1\x80\xd1\x84", FEED_TAKEN,
		"xn--e1afmkfd.xn--p1ai" },
	{ "xn--bcher-kva.example", FEED_TAKEN, "xn--bcher-kva.example" },
	{ "xn--.example", FEED_TAKEN,
		"xn--.example" }, /* ASCII is what the wire carries: as it is */
	{ "xn--a-ecp.example", FEED_TAKEN, "xn--a-ecp.example" },
	{ "a_b\xc3\xbc.example", FEED_TAKEN, "xn--a_b-joa.example" },
	{ "\xff\xfe.example", FEED_IDNA, NULL }, { "\xc3.example", FEED_IDNA, NULL },
	{ "\xed\xa0\x80.example", FEED_IDNA, NULL }, /* a lone surrogate */
	{ "\xc0\xae.example", FEED_IDNA, NULL }, /* an overlong dot */
	{ "goo\xe2\x80\x8bgle.com", FEED_IDNA, NULL }, /* a zero-width space: would be google.com */
	{ "goo\xc2\xadgle.com", FEED_IDNA, NULL }, /* a soft hyphen */
	{ "\xef\xbd\x87oogle.com", FEED_IDNA, NULL }, /* a full-width g */
	{ "example\xe3\x80\x82"
	  "com",
		FEED_IDNA, NULL }, /* an ideographic full stop */
	{ "\xe2\x80\xae" /* NOLINT(misc-misleading-bidirectional): that is the point */
	  "moc.example",
		FEED_IDNA, NULL }, /* right-to-left override */
	{ "\xd7\x90"
	  "a.example",
		FEED_IDNA, NULL }, /* mixed direction in a label: RFC 5893 */
	{ "a..b\xc3\xbc", FEED_NOT_NAME, NULL }, { "b\xc3\xbc.1", FEED_NOT_NAME, NULL },
	{ "b\xc3\xbc.com:80", FEED_PORT, NULL },
	{ "\xcc\x81\xcc\x81\xcc\x81\xcc\x81.example", FEED_IDNA, NULL }, /* begins with a mark */
};

START_TEST(name_is_read)
{
	struct sink_name name;
	char text[SINK_TEXT_MAX];
	enum feed_reason reason = host_name(sink_span_text(names[_i].text), &name);

	ck_assert_msg(reason == names[_i].reason, "%s: %s", names[_i].text,
		feed_reason_word(reason));
	if (names[_i].name)
		ck_assert_str_eq(sink_name_to_text(&name, text), names[_i].name);
}
END_TEST

START_TEST(long_labels)
{
	static uint8_t text[30000];
	struct sink_name name;

	for (size_t i = 0; i + 1 < sizeof text; i += 2) /* 15,000 combining acute accents */
		text[i] = 0xcc, text[i + 1] = 0x81;
	text[0] = text[1] = 'a';
	ck_assert_int_eq(host_name(sink_span(text, sizeof text), &name), FEED_IDNA);
	memset(text, 'a', sizeof text);
	ck_assert_int_eq(host_name(sink_span(text, sizeof text), &name), FEED_NAME_LENGTH);
	memset(text, '.', sizeof text);
	ck_assert_int_eq(host_name(sink_span(text, sizeof text), &name), FEED_NOT_NAME);
}
END_TEST

static const struct {
	const char *text;
	bool is_address, is_sink;
} addresses[] = {
	{ "", false, false },
	{ "1.2.3", false, false },
	{ "localhost", false, false },
	{ "0.0.0.0", true, true },
	{ "127.0.0.1", true, true },
	{ "127.255.0.9", true, true },
	{ "::", true, true },
	{ "::1", true, true },
	{ "0.0.0.1", true, false },
	{ "10.0.0.1", true, false },
	{ "192.0.2.1", true, false },
	{ "fe80::1%lo0", true, false },
	{ "::ffff:127.0.0.1", true, false }, /* no hosts file is known to block with it */
	{ "0.0.0.0/8", true, false }, /* a prefix is not where a name leads */
	{ "0.0.0.0/", false, false },
	{ "1.2.3.4/x", false, false },
};

START_TEST(address_is_told)
{
	struct sink_span text = sink_span_text(addresses[_i].text);

	ck_assert_int_eq(host_is_address(text), addresses[_i].is_address);
	if (addresses[_i].is_address)
		ck_assert_int_eq(host_is_sink(text), addresses[_i].is_sink);
}
END_TEST

/* --- any bytes ---------------------------------------------------------------------------------------- */

static int take(void *arg, const struct feed_entry *entry)
{
	struct sink_name again;

	(void)arg;
	ck_assert(entry->scope < SINK_SCOPE_COUNT && entry->kind < SINK_KIND_COUNT);
	ck_assert(sink_name_from_key(sink_name_key(&entry->name), &again) == SINK_OK);
	return FEED_TAKEN;
}

/* Pieces of rules, shuffled: whatever comes, every line is accounted for and every name is one. */
START_TEST(shuffled_pieces)
{
	static const char *const pieces[] = { "||", "@@", "^", "$", "important", "badfilter", "all",
		"doc", ",", "example.com", "0.0.0.0 ", "::1 ", "##", "#", "!", "!#if x", "!#endif",
		"/", "*.", "*", ".", "\n", "\n", "\r\n", "\xc3\xbc", "\xff", "127.0.0.1", ":", "@",
		"[", "]", " ", "\t", "=", "~", "-", "xn--", "com", "domain=a|b" };
	struct dice dice = { .state = 7 };
	struct feed_sink sink = { .entry = take };

	for (int round = 0; round < 3000; round++) {
		char text[1024];
		size_t len = 0, count = roll(&dice, 60);
		const struct feed_format *format;
		struct lines *lines;

		for (size_t i = 0; i < count; i++)
			len += (size_t)sprintf(text + len, "%s",
				pieces[roll(&dice, LENGTH(pieces))]);
		if (lines_open_bytes(sink_span(text, len), NULL, &lines))
			continue;
		for (size_t i = 0; feed_formats[i]; i++) {
			struct feed_tally tally = { 0 };
			int err = feed_read(lines, feed_formats[i], NULL, &sink, &tally, NULL);

			ck_assert(err == SINK_OK ||
				(feed_formats[i]->document && err == SINK_ESYNTAX));
			ck_assert(tally.lines ==
				tally.comments + tally.taken + feed_tally_skipped(&tally));
			ck_assert(lines_rewind(lines) == SINK_OK);
		}
		feed_recognise(sink_span(text, len), true, NULL, &format);
		lines_close(lines);
	}
}
END_TEST

START_TEST(every_reason_has_a_word)
{
	for (int i = 0; i < FEED_REASON_COUNT; i++)
		ck_assert_uint_gt(strlen(feed_reason_word((enum feed_reason)i)), 1);
	ck_assert_str_eq(feed_reason_word(FEED_REASON_COUNT), "?");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("feeds");
	TCase *files = tcase_create("golden");
	TCase *words = tcase_create("names");
	TCase *reading = tcase_create("bytes");

	glob(FEEDS "/*/*.in", 0, NULL, &golden);
	tcase_add_test(files, every_format_has_files);
	tcase_add_loop_test(files, golden_file, 0, (int)golden.gl_pathc);
	suite_add_tcase(suite, files);
	tcase_add_loop_test(words, name_is_read, 0, LENGTH(names));
	tcase_add_test(words, long_labels);
	tcase_add_loop_test(words, address_is_told, 0, LENGTH(addresses));
	tcase_add_test(words, every_reason_has_a_word);
	suite_add_tcase(suite, words);
	tcase_add_test(reading, shuffled_pieces);
	tcase_set_timeout(reading, 120);
	suite_add_tcase(suite, reading);
	int failed = run_suite(suite);
	globfree(&golden);
	return failed;
}

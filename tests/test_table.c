/* test_table.c - rows of fields: what quotes, blanks and line breaks do, that every line belongs to one row, and
 * that no input costs more than its size. URLs: which are a host and nothing less. */
#include "table.h"

#include <time.h>

#include "base.h"
#include "lines.h"
#include "says.h"
#include "url.h"

/* --- rows ------------------------------------------------------------------------------------------------ */

/* "NUMBER:FIELD|FIELD;", "NUMBER#;" for a comment, "NUMBER!REASON;"; a line break in a field is "\n". */
static const struct {
	const char *text;
	char separator;
	const char *rows;
} tables[] = {
	{ "", 0, "" }, { "a", 0, "1:a;" }, { "a,b\nc,d\n", 0, "1:a|b;2:c|d;" },
	{ "a,b\r\nc,d", 0, "1:a|b;2:c|d;" }, { ",\n", 0, "1:|;" }, { "a,,b,\n", 0, "1:a||b|;" },
	{ "\n \n# x\n  # y\na\n", 0, "1#;2#;3#;4#;5:a;" }, { " a , b \n", 0, "1:a|b;" },
	{ "\"a\", \"b\"\n", 0, "1:a|b;" }, { " \"a\" ,\t\" b \" \n", 0, "1:a| b ;" },
	{ "\"a,b\",\"c;d\"\n", 0, "1:a,b|c;d;" },
	{ "\"\",\"\"\"\",\"\"\"\"\"\"\n", 0, "1:|\"|\"\";" },
	{ "\"say \"\"x\"\"\",y\n", 0, "1:say \"x\"|y;" },
	{ "\"a\nb\",c\nd,e\n", 0, "1:a\\nb|c;3:d|e;" },
	{ "\"a\r\n\r\nb\",\"c\n\"\nd\n", 0, "1:a\\n\\nb|c\\n;5:d;" },
	{ "\"# a\n# b\"\n", 0, "1:# a\\n# b;" },
	{ "a\"b,c\n", 0, "1:a\"b|c;" }, /* no quote: it does not begin the field */
	{ "a \"b\" c,d\n", 0, "1:a \"b\" c|d;" },
	{ "\"a\"b,c\nd\n", 0, "1!quotation mark out of place;2:d;" },
	{ "\"a\n", 0, "1!quotation mark out of place;" },
	{ "\"a\nb\n\"c\nd\n", 0, /* the second mark closes, and something follows it */
		"1!quotation mark out of place;2:b;3!quotation mark out of place;4:d;" },
	{ "x,\"a\nb,c\nd,e\n", 0, "1!quotation mark out of place;2:b|c;3:d|e;" },
	{ "a\"b,\"c\nd\",e\n", 0, /* one line with a mark that is none: no second */
		"1!quotation mark out of place;2:d\"|e;" },
	{ "\"a\nb\",c\"d\ne\n", 0, "1!quotation mark out of place;2:b\"|c\"d;3:e;" },
	{ "a;b;c,d\n", 0, "1:a|b|c,d;" },
	{ "\"a,,,,\";b\n", 0, "1:a,,,,|b;" }, /* those in quotes do not count */
	{ "a\t b\tc d\n", 0, "1:a|b|c d;" }, { "a\t\tb\n", '\t', "1:a||b;" },
	{ "a|b\n", 0, "1:a|b;" }, { "a,b;c\n", ';', "1:a,b|c;" },
	{ "a;b\nc,d\n", 0, "1:a|b;2:c,d;" }, /* the first row tells */
	{ "# a;b;c;d\nc,d\n", 0, "1#;2:c|d;" }, { "\xef\xbb\xbf\"a\",b\n", 0, "1:a|b;" },
	{ "a\x01,b\nc\n", 0, "1!control character;2:c;" },
	{ "# a\x1b\nc\n", 0, "1!control character;2:c;" },
	{ "\"a\nb\x01\"\nc\n", 0, "1!control character;3:c;" },
	{ "a\rb\n", 0, "1!control character;" },
	{ "\xff,\xed\xa0\x80\n", 0, "1:\xff|\xed\xa0\x80;" }, /* what bytes mean is not for us */
};

static void note_field(char *to, struct sink_span field)
{
	size_t len = strlen(to);

	for (size_t i = 0; i < field.len; i++)
		len += (size_t)sprintf(to + len, field.at[i] == '\n' ? "\\n" : "%c", field.at[i]);
}

static void note_row(char *to, const struct table_row *row)
{
	sprintf(to + strlen(to), "%llu", (unsigned long long)row->number);
	if (row->reason)
		sprintf(to + strlen(to), "!%s", feed_reason_word(row->reason));
	else if (row->comment)
		strcat(to, "#");
	for (size_t i = 0; i < row->count; i++) {
		strcat(to, i ? "|" : ":");
		note_field(to, row->fields[i]);
	}
	strcat(to, ";");
}

static struct table *open_table(const void *at, size_t len, char separator, struct lines **lines)
{
	struct table *table;

	ck_assert_int_eq(lines_open_bytes(sink_span(at, len), NULL, lines), SINK_OK);
	ck_assert_int_eq(table_begin(*lines, separator, &table), SINK_OK);
	return table;
}

START_TEST(rows)
{
	const struct table_row *row;
	struct lines *lines;
	struct table *table =
		open_table(tables[_i].text, strlen(tables[_i].text), tables[_i].separator, &lines);
	char got[1024] = "";
	int err;

	while ((err = table_next(table, &row)) == SINK_OK)
		note_row(got, row);
	ck_assert_int_eq(err, SINK_ENOENT);
	ck_assert_str_eq(got, tables[_i].rows);
	table_end(table);
	lines_close(lines);
}
END_TEST

static size_t count_lines(const uint8_t *at, size_t len)
{
	size_t count = len > 0 && at[len - 1] != '\n';

	for (size_t i = 0; i < len; i++)
		count += at[i] == '\n';
	return count;
}

/* Rows begin in rising lines, none beyond the last; fields lie in reach. Returns how many rows. */
static size_t check_table(const uint8_t *at, size_t len)
{
	const struct table_row *row;
	struct lines *lines;
	struct table *table = open_table(at, len, 0, &lines);
	uint64_t last = 0;
	size_t count = 0;
	unsigned sum = 0;
	int err;

	while ((err = table_next(table, &row)) == SINK_OK) {
		ck_assert(row->number > last);
		ck_assert(row->count <= TABLE_COLUMNS_MAX);
		ck_assert(row->count > 0 || row->comment || row->reason);
		for (size_t i = 0; i < row->count; i++)
			for (size_t k = 0; k < row->fields[i].len; k++)
				sum += row->fields[i].at[k];
		last = row->number;
		count++;
	}
	ck_assert(err == SINK_ENOENT && sum < UINT32_MAX);
	ck_assert(last <= count_lines(at, len));
	table_end(table);
	lines_close(lines);
	return count;
}

START_TEST(shuffled)
{
	static const char *const pieces[] = { "\"", "\"", "\"\"", ",", ";", "\n", "\n", "\r\n", "a",
		" ", "\t", "#", "|", "\xc3\xbc", "\x01", "example.com" };
	struct dice dice = { .state = 5 };

	for (int round = 0; round < 20000; round++) {
		char text[1024];
		size_t len = 0, count = roll(&dice, 60);

		for (size_t i = 0; i < count; i++)
			len += (size_t)sprintf(text + len, "%s",
				pieces[roll(&dice, LENGTH(pieces))]);
		check_table((const uint8_t *)text, len);
	}
}
END_TEST

/* The same few bytes for megabytes: each made to be read as often as possible. */
static const char *const costly[] = {
	"\"\n",
	"\"a\n",
	"\"\"\"\n",
	"\"\"\n",
	"x,\"\n",
	"a\"\"\",\"\n", /* in a quoted field it closes one and opens one; outside it opens one */
	"\",\"\n",
	"x\",\"x\n",
	"a\"b,\"\n",
	"\"\"\"\"\",\"\n",
	"a\n", /* behind one mark: see below */
	"\"\",",
	",",
	"\"a\"\"\n\"\"\"\n",
};

#define COSTLY_LEN ((size_t)6 << 20)

START_TEST(linear)
{
	uint8_t *text = malloc(COSTLY_LEN + 64);
	size_t len = 0;
	struct timespec begun, ended;

	ck_assert_ptr_nonnull(text);
	memcpy(text, "x,\"\n", 4);
	for (len = 4; len < COSTLY_LEN; len += strlen(costly[_i]))
		memcpy(text + len, costly[_i], strlen(costly[_i]) + 1);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
	check_table(text, len);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
	/* a second would do with all sanitizers; what is quadratic in a megabyte takes hours */
	ck_assert_int_lt(ended.tv_sec - begun.tv_sec, 20);
	free(text);
}
END_TEST

/* Around the limits of a field and of a row, with what follows still read. */
static const struct {
	size_t lines, len; /* of a field in quotes: so many lines of so many bytes */
	size_t fields; /* of these */
	enum feed_reason reason;
} limits[] = {
	{ 1, LINE_LENGTH_MAX - 2, 1, FEED_TAKEN },
	{ 1, LINE_LENGTH_MAX - 1, 1, FEED_TOO_LONG }, /* of a line: the marks count */
	{ 64, 1000, 1, FEED_TAKEN },
	{ 67, 1000, 1, FEED_QUOTE },
	{ 60, 1000, 16, FEED_TAKEN },
	{ 60, 1000, 20, FEED_TOO_LONG },
	{ 1, 1, TABLE_COLUMNS_MAX - 1, FEED_TAKEN },
	{ 1, 1, TABLE_COLUMNS_MAX, FEED_TOO_LONG },
};

static size_t make_long(size_t i, char *text)
{
	size_t len = 0;

	for (size_t f = 0; f < limits[i].fields; f++) {
		text[len++] = '"';
		for (size_t l = 0; l < limits[i].lines; l++) {
			if (l > 0)
				text[len++] = '\n';
			memset(text + len, 'x', limits[i].len);
			/* so that it is decoded */
			if (limits[i].len > 2 && limits[i].lines > 1)
				memset(text + len, '"', 2);
			len += limits[i].len;
		}
		text[len++] = '"';
		text[len++] = ',';
	}
	return len;
}

START_TEST(long_rows)
{
	char *text = malloc((size_t)2 << 20);
	const struct table_row *row;
	struct lines *lines;
	struct table *table;
	size_t len = make_long((size_t)_i, text);
	int err;

	if (limits[_i].fields == 1)
		len--; /* its comma */
	memcpy(text + len, "\nlast\n", 6);
	table = open_table(text, len + 6, ',', &lines);
	ck_assert_int_eq(table_next(table, &row), SINK_OK);
	ck_assert_int_eq(row->reason, limits[_i].reason);
	while ((err = table_next(table, &row)) == SINK_OK)
		if (row->count == 1 && row->fields[0].len == 4)
			break;
	ck_assert_int_eq(err, SINK_OK);
	ck_assert_int_eq(memcmp(row->fields[0].at, "last", 4), 0);
	ck_assert_int_eq(table_next(table, &row), SINK_ENOENT);
	table_end(table);
	lines_close(lines);
	free(text);
}
END_TEST

START_TEST(headings)
{
	struct table_row row;

	table_cut(sink_span_text(" \"a, b\" , C d,\"\""), 0, &row);
	ck_assert_uint_eq(row.count, 3);
	ck_assert_uint_eq(table_column(&row, sink_span_text("a, B")), 0);
	ck_assert_uint_eq(table_column(&row, sink_span_text("c D")), 1);
	ck_assert_uint_eq(table_column(&row, sink_span_text("")), 2);
	ck_assert_uint_eq(table_column(&row, sink_span_text("c")), 3);
	table_cut(sink_span_text("a,\"b"), 0, &row);
	ck_assert_uint_eq(row.count, 0);
	table_cut(sink_span_text(""), 0, &row);
	ck_assert_uint_eq(row.count, 1);
}
END_TEST

/* --- URLs ------------------------------------------------------------------------------------------------- */

static const struct {
	const char *url;
	enum feed_reason reason;
	const char *name;
} urls[] = {
	{ "http://example.com", FEED_TAKEN, "example.com" },
	{ "HTTPS://Example.COM./", FEED_TAKEN, "example.com" },
	{ "http://example.com:80/", FEED_TAKEN, "example.com" },
	{ "https://example.com:0443", FEED_TAKEN, "example.com" },
	{ "https://example.com:", FEED_TAKEN, "example.com" },
	{ "http://b\xc3\xbc"
	  "cher.example/",
		FEED_TAKEN, "xn--bcher-kva.example" },
	{ "http://a_b.example/", FEED_TAKEN, "a_b.example" },
	{ "http://example.com:443/", FEED_PORT, NULL },
	{ "http://example.com:8080", FEED_PORT, NULL },
	{ "http://example.com:80:80", FEED_PORT, NULL },
	{ "http://example.com/x", FEED_PATH, NULL },
	{ "http://example.com//", FEED_PATH, NULL },
	{ "http://example.com?", FEED_PATH, NULL },
	{ "http://example.com/#", FEED_PATH, NULL },
	{ "http://example.com\\", FEED_PATH, NULL },
	{ "http://example.com\\@evil.example", FEED_PATH, NULL }, /* example.com to a browser */
	{ "http://example.com@evil.example", FEED_USERINFO, NULL },
	{ "http://192.0.2.1/", FEED_ADDRESS, NULL },
	{ "http://[2001:db8::1]:80/", FEED_ADDRESS, NULL },
	{ "http://0x7f.1/", FEED_ADDRESS, NULL },
	{ "http://example.0x7f/", FEED_ADDRESS, NULL },
	{ "http://0x.example/", FEED_TAKEN, "0x.example" },
	{ "http://1.example/", FEED_TAKEN, "1.example" },
	{ "ftp://example.com/", FEED_URL, NULL },
	{ "example.com", FEED_URL, NULL },
	{ "http:example.com", FEED_URL, NULL },
	{ "http:/example.com", FEED_URL, NULL },
	{ "http://", FEED_NOT_NAME, NULL },
	{ "", FEED_URL, NULL },
	{ ":", FEED_URL, NULL },
	{ "://", FEED_URL, NULL },
	{ "http://example%2ecom/", FEED_NOT_NAME, NULL },
	{ "http://exa\tmple.com/", FEED_NOT_NAME,
		NULL }, /* browsers drop the tab: we do not guess */
	{ "http://*.example.com/", FEED_WILDCARD, NULL },
};

START_TEST(url)
{
	struct feed_entry entry;
	char text[SINK_TEXT_MAX];
	enum feed_reason reason;

	feed_entry_init(&entry);
	reason = url_entry(sink_span_text(urls[_i].url), &entry);
	ck_assert_msg(reason == urls[_i].reason, "%s: %s", urls[_i].url, feed_reason_word(reason));
	if (!urls[_i].name)
		return;
	ck_assert_str_eq(sink_name_to_text(&entry.name, text), urls[_i].name);
	ck_assert_int_eq(entry.scope, SINK_SCOPE_EXACT);
	ck_assert_int_eq(entry.trigger, SINK_TRIGGER_QNAME);
}
END_TEST

/* --- what entries say of themselves ----------------------------------------------------------------------- */

static const struct {
	const char *key, *value;
	bool ok;
	const char *says; /* the text field of that key afterwards */
} values[] = {
	{ "category", "a", true, "a" },
	{ "category", "  a \n b\t", true, "a   b" },
	{ "category", "", true, "" },
	{ "category", " \n ", true, "" },
	{ "category", "\xff", false, "" },
	{ "category", "a\xc3", false, "" },
	{ "tag", "a,b", true, "a,b" },
	{ "tag", ", a ,, b ,", true, "a,b" },
	{ "tag", "a,\xff,b", false, "a,b" },
	{ "jurisdiction", "FR, DE", true, "FR,DE" },
	{ "jurisdiction", "FR,Germany", false, "FR" },
	{ "nonsense", "a", false, NULL },
};

START_TEST(value_is_set)
{
	static struct attributes says;

	attributes_init(&says);
	ck_assert_int_eq(says_set(&says, sink_span_text(values[_i].key),
				 sink_span_text(values[_i].value)),
		values[_i].ok);
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		if (strcmp(sink_field_word((enum sink_field)f), values[_i].key) == 0)
			ck_assert_str_eq(says.text[f], values[_i].says);
}
END_TEST

/* What is refused leaves no trace. */
START_TEST(refused_values)
{
	static struct attributes says;

	attributes_init(&says);
	ck_assert(says_set(&says, sink_span_text("confidence"), sink_span_text("50")));
	ck_assert(!says_set(&says, sink_span_text("confidence"), sink_span_text("101")));
	ck_assert_int_eq(says.record.confidence, 50);
	ck_assert(!says_set(&says, sink_span_text("valid-until"), sink_span_text("1970-01-01")));
	ck_assert_int_eq(says.record.valid_until, 0);
	ck_assert(!says_set(&says, sink_span_text("action"), sink_span_text("allow")));
	ck_assert(!says.allow);
}
END_TEST

START_TEST(texts_are_cut)
{
	static struct attributes says;
	static char text[3 * SINK_STRING_MAX];

	attributes_init(&says);
	for (size_t i = 0; i + 1 < sizeof text; i += 2) /* two bytes each */
		memcpy(text + i, "\xc3\xbc", 2);
	text[sizeof text - 2] = 0;
	ck_assert(says_set(&says, sink_span_text("category"), sink_span_text(text)));
	ck_assert_uint_eq(says.record.text[SINK_FIELD_CATEGORY].len, SINK_STRING_MAX - 2);
	for (int i = 0; i < 100; i++)
		says_tag(&says, "word", sink_span_text(text));
	ck_assert_uint_le(says.record.text[SINK_FIELD_TAG].len, SINK_STRING_MAX);
	ck_assert_uint_gt(says.record.text[SINK_FIELD_TAG].len, 900);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *cases = tcase_create("rows");
	TCase *others = tcase_create("values");

	tcase_add_loop_test(cases, rows, 0, LENGTH(tables));
	tcase_add_test(cases, shuffled);
	tcase_add_loop_test(cases, linear, 0, LENGTH(costly));
	tcase_add_loop_test(cases, long_rows, 0, LENGTH(limits));
	tcase_add_test(cases, headings);
	tcase_set_timeout(cases, 120);
	suite_add_tcase(suite, cases);
	tcase_add_loop_test(others, url, 0, LENGTH(urls));
	tcase_add_loop_test(others, value_is_set, 0, LENGTH(values));
	tcase_add_test(others, refused_values);
	tcase_add_test(others, texts_are_cut);
	suite_add_tcase(suite, others);
	return run_suite(suite);
}

/* test_jsonstream.c - what is told of a document, wherever its pieces are cut; and that it is JSON for us if
 * and only if it is for libjansson. */
#include "jsonstream.h"

#include <stdio.h>

#include "base.h"

/* --- what is told, as text ------------------------------------------------------------------------------- */

struct notes {
	FILE *to;
	const char *unwanted; /* NULL: all are wanted; "": nothing is */
};

static void note_place(struct notes *notes, char sign, const struct json_place *place)
{
	fprintf(notes->to, "%c %s", sign, place->at);
	if (place->path != JSON_NO_PATH)
		fprintf(notes->to, " p%zu #%llu", place->path, (unsigned long long)place->index);
	if (place->group)
		fprintf(notes->to, " g%llu", (unsigned long long)place->group);
	fprintf(notes->to, " %llu:%llu ", (unsigned long long)place->line,
		(unsigned long long)place->column);
}

static void note_json(struct notes *notes, const json_t *json)
{
	json_dumpf(json, notes->to, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	fputc('\n', notes->to);
}

static int note_element(void *arg, const struct json_place *place, json_t *element)
{
	note_place(arg, 'E', place);
	note_json(arg, element);
	return SINK_OK;
}

static int note_member(void *arg, const struct json_place *place, json_t *value)
{
	note_place(arg, 'M', place);
	note_json(arg, value);
	return SINK_OK;
}

static int note_bad(void *arg, const struct json_place *place, enum feed_reason reason,
	struct sink_span text)
{
	struct notes *notes = arg;

	note_place(arg, 'B', place);
	fprintf(notes->to, "%s\n", feed_reason_word(reason));
	ck_assert_uint_le(text.len, 256);
	ck_assert(text.len > 0 && text.at[0] == place->first);
	return SINK_OK;
}

static bool note_wanted(void *arg, const struct json_place *place)
{
	const struct notes *notes = arg;

	return !notes->unwanted || (*notes->unwanted && strcmp(place->at, notes->unwanted) != 0);
}

/* Read `text` in pieces that end at `cut` and, if step is not 0, every `step` bytes.
 *
 * returns  what was told, and how it ended; free() it */
static char *read_cut(struct sink_span text, const char *const *paths, const char *unwanted,
	size_t cut, size_t step)
{
	char *got = NULL;
	size_t len = 0;
	struct notes notes = { .to = open_memstream(&got, &len), .unwanted = unwanted };
	struct json_stream_handler handler = { .element = note_element,
		.member = note_member,
		.bad = note_bad,
		.wanted = note_wanted,
		.arg = &notes };
	struct json_stream *stream;
	struct sink_why why;
	int err = json_stream_begin(paths, &handler, &why, &stream);

	ck_assert_int_eq(err, SINK_OK);
	while (text.len > 0 && !err) {
		size_t n = step ? step : cut ? cut : text.len;
		uint8_t *copy;

		n = n < text.len ? n : text.len;
		cut = 0;
		copy = malloc(n); /* so that a sanitizer sees who looks back */
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, text.at, n);
		err = json_stream_feed(stream, sink_span(copy, n));
		free(copy);
		text = sink_span(text.at + n, text.len - n);
	}
	if (!err)
		err = json_stream_finish(stream);
	json_stream_end(stream);
	if (err) {
		ck_assert_int_eq(err, SINK_ESYNTAX);
		fprintf(notes.to, "%s\n", why.text);
	}
	fclose(notes.to);
	return got;
}

static void same(char *got, const char *wanted, struct sink_span text, size_t cut)
{
	ck_assert_msg(strcmp(got, wanted) == 0, "%.*s\ncut at %zu\n--- wanted\n%s--- got\n%s",
		(int)(text.len < 500 ? text.len : 500), (const char *)text.at, cut, wanted, got);
	free(got);
}

#define PATHS(...) \
	{ \
		__VA_ARGS__, NULL \
	}
#define NONE "line 1, column 1: there is no JSON in it\n"
#define VALUE ": a value is missing\n"
#define EARLY ": it ends too early\n"
#define MARK ": a member's name in quotation marks is missing\n"

static const struct {
	const char *text;
	const char *paths[5];
	const char *told;
} documents[] = {
	/* the root */
	{ "[]", PATHS(""), "" },
	{ " [ ] \r\n\t", PATHS(""), "" },
	{ "[1,\"a\",null,{\"b\":[]}]", PATHS(""),
		"E  p0 #1 1:2 1\nE  p0 #2 1:4 \"a\"\nE  p0 #3 1:8 null\nE  p0 #4 1:13 "
		"{\"b\":[]}\n" },
	{ "{\"a\":1}", PATHS(""), "E  p0 #1 1:1 {\"a\":1}\n" },
	{ "12", PATHS(""), "E  p0 #1 1:1 12\n" },
	{ "-0.5e-3 ", PATHS("a"), "" },
	{ "null", PATHS(""), "" }, /* there is none, not one of null */
	{ "null", PATHS("a"), "" },
	{ "\"x\"", PATHS("a"), "" },
	{ "[[1],2]", PATHS(""), "E  p0 #1 1:2 [1]\nE  p0 #2 1:6 2\n" },
	/* no JSON */
	{ "", PATHS(""), NONE },
	{ " \n ", PATHS(""), "line 2, column 2: there is no JSON in it\n" },
	{ "<html>", PATHS(""), "line 1, column 1" VALUE },
	{ "nul", PATHS("a"), "line 1, column 4: neither a number nor true, false or null\n" },
	{ "nul", PATHS(""), "B  p0 #1 1:1 syntax error\n" },
	{ "[1] [2]", PATHS(""),
		"E  p0 #1 1:2 1\nline 1, column 5: there is something behind the end\n" },
	{ "{}{}", PATHS("a"), "line 1, column 3: there is something behind the end\n" },
	{ "1 2", PATHS("a"), "line 1, column 3: there is something behind the end\n" },
	{ "[1,]", PATHS(""), "E  p0 #1 1:2 1\nline 1, column 4" VALUE },
	{ "[,1]", PATHS(""), "line 1, column 2" VALUE },
	{ "[1 2]", PATHS(""), "E  p0 #1 1:2 1\nline 1, column 4: ',' or ']' is missing\n" },
	{ "[1}", PATHS(""), "E  p0 #1 1:2 1\nline 1, column 3: ',' or ']' is missing\n" },
	{ "{\"a\":1,}", PATHS("x"), "M a 1:6 1\nline 1, column 8" MARK },
	{ "{\"a\" 1}", PATHS("x"), "line 1, column 6: ':' is missing\n" },
	{ "{a:1}", PATHS("x"), "line 1, column 2" MARK },
	{ "{'a':1}", PATHS("x"), "line 1, column 2" MARK },
	{ "{\"a\":}", PATHS("x"), "line 1, column 6" VALUE },
	{ "{\"a\":1]", PATHS("x"), "M a 1:6 1\nline 1, column 7: ',' or '}' is missing\n" },
	{ "// x\n[]", PATHS(""), "line 1, column 1" VALUE },
	{ "[1, /* x */ 2]", PATHS(""), "E  p0 #1 1:2 1\nline 1, column 5" VALUE },
	/* within what nobody wants, structure counts all the same */
	{ "{\"a\":{\"b\":[1,2}}", PATHS("x"), "line 1, column 15: ',' or ']' is missing\n" },
	{ "{\"a\":[01]}", PATHS("x"), "B a 1:6 syntax error\n" },
	/* one array in an object */
	{ "{\"type\":\"bundle\",\"objects\":[{\"id\":1},{\"id\":2}],\"x\":{\"objects\":[3]}}",
		PATHS("objects"),
		"M type 1:9 \"bundle\"\nE objects p0 #1 1:29 {\"id\":1}\nE objects p0 #2 1:38 "
		"{\"id\":2}\nM x 1:52 {\"objects\":[3]}\n" },
	{ "{\"objects\":{\"objects\":[1]}}", PATHS("objects"),
		"E objects p0 #1 1:12 {\"objects\":[1]}\n" },
	{ "{\"objects\":null,\"a\":null}", PATHS("objects"), "M a 1:21 null\n" },
	{ "{\"objects\":5}", PATHS("objects"), "E objects p0 #1 1:12 5\n" },
	{ "{\"objects\":[1],\"objects\":[2]}", PATHS("objects"),
		"E objects p0 #1 1:13 1\nline 1, column 25: a member on the way to the entries is "
		"there twice\n" },
	{ "{\"a\":1,\"a\":2}", PATHS("objects"), "M a 1:6 1\nM a 1:12 2\n" },
	{ "{\"o\\u0062jects\":[1]}", PATHS("objects"), "E objects p0 #1 1:18 1\n" },
	{ "{\"\\ud800\":[1]}", PATHS("objects"),
		"line 1, column 10: a member's name is no string of UTF-8\n" },
	{ "{\"\xff\":[1]}", PATHS("objects"),
		"line 1, column 5: a member's name is no string of UTF-8\n" },
	{ "{\"objects\\u0000\":[1]}", PATHS("objects"),
		"line 1, column 17: a member's name is no string of UTF-8\n" },
	{ "{\"\":[1]}", PATHS("objects"), "M  1:5 [1]\n" },
	/* a longer way */
	{ "{\"Event\":{\"info\":\"x\",\"Attribute\":[1,2],\"Object\":[{\"Attribute\":[3]}],"
	  "\n\"Tag\":[]}}",
		PATHS("Event.Attribute", "Event.Object.[].Attribute"),
		"M Event.info 1:18 \"x\"\nE Event.Attribute p0 #1 1:35 1\nE Event.Attribute p0 #2 "
		"1:37 2\nE Event.Object.[].Attribute p1 #3 g1 1:64 3\nM Event.Tag 2:7 []\n" },
	{ "{\"response\":[{\"Event\":{\"Attribute\":[1]}},7,{\"Event\":{\"a\":2,\"Attribute\":[3,4]"
	  "}}]}",
		PATHS("Event.Attribute", "response.[].Event.Attribute"),
		"E response.[].Event.Attribute p1 #1 g1 1:37 1\nB response.[] g2 1:42 value of "
		"another "
		"type\nM response.[].Event.a g3 1:58 2\nE response.[].Event.Attribute p1 #2 g3 "
		"1:73 "
		"3\nE response.[].Event.Attribute p1 #3 g3 1:75 4\n" },
	{ "[{\"Event\":{\"Attribute\":[1]}},{\"x\":[]}]", PATHS("[].Event.Attribute"),
		"E [].Event.Attribute p0 #1 g1 1:25 1\nM [].x g2 1:35 []\n" },
	{ "[[1,2],[[3]],[]]", PATHS("[]"),
		"E [] p0 #1 g1 1:3 1\nE [] p0 #2 g1 1:5 2\nE [] p0 #3 g2 1:9 [3]\n" },
	{ "{\"Event\":[{\"Attribute\":[1]}]}", PATHS("Event.Attribute"),
		"M Event 1:10 [{\"Attribute\":[1]}]\n" }, /* no object on the way */
	{ "{\"a\":[1],\"b\":2,\"c\":{\"d\":3}}", PATHS("*"),
		"E a p0 #1 1:7 1\nE b p0 #2 1:14 2\nE c p0 #3 1:20 {\"d\":3}\n" },
	{ "{\"1\":[{\"x\":1}],\"2\":[{\"x\":2}]}", PATHS("*", "2"),
		"E 1 p0 #1 1:7 {\"x\":1}\nE 2 p0 #2 1:21 {\"x\":2}\n" },
	{ "{\"a\":{\"b\":{\"c\":[1]}}}", PATHS("a.b", "a.b.c"), "E a.b.c p1 #1 1:17 1\n" },
	/* what is bad, and what is behind it */
	{ "[{\"a\":1,\"a\":2},3]", PATHS(""), "B  p0 #1 1:2 key given twice\nE  p0 #2 1:16 3\n" },
	{ "[\"\\ud800\",\"\\udc00\",\"\\ud83d\\ude00\"]", PATHS(""),
		"B  p0 #1 1:2 syntax error\nB  p0 #2 1:11 syntax error\nE  p0 #3 1:20 "
		"\"\\uD83D\\uDE00\"\n" },
	{ "[\"\xff\",\"\xed\xa0\x80\",\"\xc3\xbc\"]", PATHS(""),
		"B  p0 #1 1:2 syntax error\nB  p0 #2 1:6 syntax error\nE  p0 #3 1:12 "
		"\"\\u00FC\"\n" },
	{ "[\"a\\u0000b\",{\"a\\u0000\":1}]", PATHS(""),
		"B  p0 #1 1:2 control character\nB  p0 #2 1:13 control character\n" },
	{ "[\"a\nb\",\"\\\n\",\n\"\\\"\"]", PATHS(""),
		"B  p0 #1 1:2 syntax error\nB  p0 #2 2:4 syntax error\nE  p0 #3 4:1 \"\\\"\"\n" },
	{ "[1e999,-1e999,99999999999999999999,1e-999]", PATHS(""),
		"B  p0 #1 1:2 value that its key cannot have\nB  p0 #2 1:8 value that its key "
		"cannot have\nB  p0 #3 1:15 value that its key cannot have\nE  p0 #4 1:36 0.0\n" },
	{ "[01,.5,+1,1.,NaN,Infinity,truee,1]", PATHS(""),
		"B  p0 #1 1:2 syntax error\nline 1, column 5" VALUE },
	{ "[01,1.,NaN,Infinity,truee,1]", PATHS(""),
		"B  p0 #1 1:2 syntax error\nB  p0 #2 1:5 syntax error\nB  p0 #3 1:8 syntax "
		"error\nB  p0 #4 1:12 syntax error\nB  p0 #5 1:21 syntax error\nE  p0 #6 1:27 "
		"1\n" },
	{ "{\"a\":\"\\ud800\",\"objects\":[1]}", PATHS("objects"),
		"B a 1:6 syntax error\nE objects p0 #1 1:26 1\n" },
	{ "[\"\\x\",\"\\", PATHS(""), "B  p0 #1 1:2 syntax error\nline 1, column 9" EARLY },
};

START_TEST(document_is_told)
{
	struct sink_span text = sink_span_text(documents[_i].text);
	const char *const *paths = documents[_i].paths;

	for (size_t cut = 0; cut < text.len; cut++)
		same(read_cut(text, paths, NULL, cut, 0), documents[_i].told, text, cut);
	for (size_t step = 1; step < 4; step++)
		same(read_cut(text, paths, NULL, 0, step), documents[_i].told, text, 0);
}
END_TEST

/* --- what is not wanted ----------------------------------------------------------------------------------- */

static const struct {
	const char *text, *unwanted, *told;
} choices[] = {
	{ "{\"a\":[1,nonsense,null],\"b\":2}", "a", "M b 1:28 2\n" }, /* left to who will want it */
	{ "{\"a\":null,\"b\":2}", "", "" },
	{ "{\"a\":[1],\"b\":nonsense}", "",
		"line 1, column 22: neither a number nor true, false or null\n" },
	{ "{\"a\":[1],\"b\":[[1e999,-0]]}", "", "" }, /* numbers all the same */
	{ "{\"a\":[1],\"b\":[1e]}", "",
		"line 1, column 17: neither a number nor true, false or null\n" },
	{ "{\"a\":[1],\"b\":-}", "",
		"line 1, column 15: neither a number nor true, false or null\n" },
	{ "{\"a\":[1],\"b\":00}", "",
		"line 1, column 16: neither a number nor true, false or null\n" },
	{ "{\"a\":[1],\"b\":1.}", "",
		"line 1, column 16: neither a number nor true, false or null\n" },
	{ "{\"a\":[{\"x\":[}]}", "", "line 1, column 13" VALUE },
	{ "{\"b\":{\"k\":1,\"k\":\"\\ud800\"},\"a\":[1]}", "b", "E a p0 #1 1:32 1\n" },
};

START_TEST(unwanted_is_passed_over)
{
	static const char *const paths[] = { "a", NULL };
	struct sink_span text = sink_span_text(choices[_i].text);

	for (size_t cut = 0; cut < text.len; cut++)
		same(read_cut(text, paths, choices[_i].unwanted, cut, 0), choices[_i].told, text,
			cut);
}
END_TEST

static const char *const objects[] = { "objects", NULL };
static const char *const root[] = { "", NULL };

/* A document cut short is never taken for a whole one. */
START_TEST(cut_short)
{
	static const char sample[] = "{\"type\":\"b\",\"objects\":[{\"a\\n\":[1,-2.5e+1,true,"
				     "null],\"b\":{}},\"x\"],\"n\":12}";

	for (size_t len = 0; len < sizeof sample - 1; len++) {
		char *got = read_cut(sink_span(sample, len), objects, NULL, 0, 1);

		ck_assert_msg(strstr(got, "column") != NULL, "%zu: %s", len, got);
		free(got);
	}
	free(read_cut(sink_span(sample, sizeof sample - 1), objects, NULL, 0, 1));
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------------------ */

/* A text of pieces, each so many times; ended by NULL. */
struct run {
	const char *piece;
	size_t count;
};

static struct bytes build(const struct run *runs)
{
	struct bytes bytes = { NULL, 0 };
	char *text = NULL;
	FILE *to = open_memstream(&text, &bytes.len);

	for (; runs->piece; runs++)
		for (size_t i = 0; i < runs->count; i++)
			fputs(runs->piece, to);
	fclose(to);
	bytes.at = (uint8_t *)text;
	return bytes;
}

static void told(const struct run *runs, const char *const *paths, const char *wanted)
{
	struct bytes bytes = build(runs);
	struct sink_span text = sink_span(bytes.at, bytes.len);

	same(read_cut(text, paths, NULL, 0, 0), wanted, text, 0);
	same(read_cut(text, paths, NULL, 0, 100003), wanted, text, 100003);
	free(bytes.at);
}

#define RUNS(...) ((const struct run[]){ __VA_ARGS__, { NULL, 0 } })
#define X16 "xxxxxxxxxxxxxxxx"

START_TEST(deep)
{
	size_t d = JSON_DEPTH_MAX;

	/* as deep as may be, in the root's array: too deep to be written here, but bad it is not */
	struct bytes bytes = build(RUNS({ "[", d + 1 }, { "]", d }, { ",7]", 1 }));
	char *got = read_cut(sink_span(bytes.at, bytes.len), root, NULL, 0, 1);

	ck_assert_msg(strncmp(got, "E  p0 #1 1:2 [[[[", 17) == 0, "%s", got);
	free(got);
	free(bytes.at);
	/* a level more: counted through, whatever is in it */
	told(RUNS({ "[", d + 2 }, { "\"]\\\"\"\n1 {", 1 }, { "]", d + 2 }, { ",7]", 1 }), root,
		"B  p0 #1 1:2 nested too deep\nE  p0 #2 2:71 7\n");
	told(RUNS({ "{\"a\":", 1 }, { "[", d + 1 }, { "{x", 1 }, { "]", d + 2 },
		     { ",\"objects\":[{\"b\":1}]}", 1 }),
		objects, "B a 1:6 nested too deep\nE objects p0 #1 1:151 {\"b\":1}\n");
	told(RUNS({ "[", 1000000 }), root, "line 1, column 1000001" EARLY);
	told(RUNS({ "[", 1000000 }), objects, "line 1, column 1000001" EARLY);
	told(RUNS({ "{\"a\":", 1 }, { "[", 1000000 }), objects, "line 1, column 1000006" EARLY);
	told(RUNS({ "{\"objects\":", 100000 }), objects, "line 1, column 1100001" EARLY);
}
END_TEST

START_TEST(large)
{
	told(RUNS({ "[\"", 1 }, { X16, JSON_ELEMENT_MAX / 16 }, { "\",1]", 1 }), root,
		"B  p0 #1 1:2 line too long\nE  p0 #2 1:67108869 1\n");
	told(RUNS({ "[[", 1 }, { "{},", JSON_VALUES_MAX - 1 }, { "{}],[1]]", 1 }), root,
		"B  p0 #1 1:2 line too long\nE  p0 #2 1:3145732 [1]\n");
	told(RUNS({ "{\"", 1 }, { "k", JSON_KEY_MAX - 1 }, { "\":{}}", 1 }), objects,
		"line 1, column 1027: a member's name is too long\n");
	told(RUNS({ "{\"x\":[", 1 }, { "1", 1000 }, { "],\"objects\":[2]}", 1 }), objects,
		"B x 1:6 value that its key cannot have\nE objects p0 #1 1:1020 2\n");
}
END_TEST

START_TEST(paths_have_limits)
{
	struct json_stream_handler handler = { .arg = NULL };
	static const char *const longest[] = { "1.2.3.4.5.6.7.8.9.10.11.12", NULL };
	static const char *const too_long[] = { "1.2.3.4.5.6.7.8.9.10.11.12.13", NULL };
	const char *many[JSON_PATHS_MAX + 2] = { NULL };
	struct json_stream *stream;

	for (size_t i = 0; i < JSON_PATHS_MAX; i++)
		many[i] = "a.b";
	ck_assert_int_eq(json_stream_begin(many, &handler, NULL, &stream), SINK_OK);
	json_stream_end(stream);
	many[JSON_PATHS_MAX] = "c";
	ck_assert_int_eq(json_stream_begin(many, &handler, NULL, &stream), SINK_EINVAL);
	ck_assert_int_eq(json_stream_begin(too_long, &handler, NULL, &stream), SINK_EINVAL);
	ck_assert_int_eq(json_stream_begin(longest, &handler, NULL, &stream), SINK_OK);
	json_stream_end(stream);
	json_stream_end(NULL);
}
END_TEST

/* A way as long as may be, with names as long as may be. */
START_TEST(longest_way)
{
	static const char *const paths[] = { "*.*.*.*.*.*.*.*.*.*.*.*", NULL };
	struct run runs[JSON_WAY_MAX * 3 + 3];
	struct bytes bytes;
	char *got;
	size_t n = 0;

	for (int i = 0; i < JSON_WAY_MAX; i++) {
		runs[n++] = (struct run){ "{\"", 1 };
		runs[n++] = (struct run){ "n", JSON_KEY_MAX - 2 };
		runs[n++] = (struct run){ "\":", 1 };
	}
	runs[n++] = (struct run){ "[7]", 1 };
	runs[n++] = (struct run){ "}", JSON_WAY_MAX };
	runs[n++] = (struct run){ NULL, 0 };
	bytes = build(runs);
	got = read_cut(sink_span(bytes.at, bytes.len), paths, NULL, 0, 7);
	ck_assert_uint_gt(strlen(got), JSON_WAY_MAX * (size_t)(JSON_KEY_MAX - 1));
	ck_assert_str_eq(got + strlen(got) - 3, " 7\n");
	free(got);
	free(bytes.at);
}
END_TEST

/* --- handlers ----------------------------------------------------------------------------------------------- */

static int stop(void *arg, const struct json_place *place, json_t *json)
{
	(void)place;
	(void)json;
	++*(int *)arg;
	return SINK_ECANCELED;
}

static int read_all(const char *text, const struct json_stream_handler *handler,
	struct sink_why *why)
{
	struct lines *lines;
	int err;

	ck_assert_int_eq(lines_open_bytes(sink_span_text(text), NULL, &lines), SINK_OK);
	err = json_stream(lines, objects, handler, why);
	lines_close(lines);
	return err;
}

START_TEST(handlers_end_it)
{
	int calls = 0;
	struct sink_why why;
	struct json_stream_handler elements = { .element = stop, .arg = &calls };
	struct json_stream_handler members = { .member = stop, .arg = &calls };
	struct json_stream_handler nobody = { .arg = &calls };

	ck_assert_int_eq(read_all("{\"objects\":[1,2]}", &elements, &why), SINK_ECANCELED);
	ck_assert_int_eq(read_all("{\"a\":1,\"b\":2}", &members, &why), SINK_ECANCELED);
	ck_assert_int_eq(calls, 2);
	ck_assert_int_eq(read_all("{\"objects\":[1,{\"a\":1,\"a\":2}],\"b\":2}", &nobody, &why),
		SINK_OK);
	/* a mark is none of its bytes */
	ck_assert_int_eq(read_all("\xef\xbb\xbf{\"objects\":[\n{\"a\":1,\"a\":2}]}", &elements,
				 &why),
		SINK_ESYNTAX);
	ck_assert_str_eq(why.text, "line 2, column 1: key given twice");
	ck_assert_int_eq(read_all("{\"objects\":[\"\\ud800\"]}", &elements, NULL), SINK_ESYNTAX);
}
END_TEST

/* --- against libjansson -------------------------------------------------------------------------------------- */

static int count_elements(void *arg, const struct json_place *place, json_t *element)
{
	ck_assert(place->index == ++*(size_t *)arg);
	ck_assert(element != NULL);
	return SINK_OK;
}

static int roll_read(struct sink_span text, struct dice *dice, size_t *count)
{
	struct json_stream_handler handler = { .element = count_elements, .arg = count };
	struct json_stream *stream;
	struct sink_why why;
	int err = json_stream_begin(root, &handler, &why, &stream);

	*count = 0;
	while (!err && text.len > 0) {
		size_t n = 1 + roll(dice, text.len);

		err = json_stream_feed(stream, sink_span(text.at, n));
		text = sink_span(text.at + n, text.len - n);
	}
	if (!err)
		err = json_stream_finish(stream);
	json_stream_end(stream);
	return err;
}

/* Pieces of JSON, shuffled: we take what libjansson takes, and no other. */
START_TEST(shuffled_pieces)
{
	static const char *const pieces[] = { "[", "]", "{", "}", ",", ":", "\"a\"", "\"b\"", "1",
		"-", "0", ".5", "e3", "true", "null", " ", "\n", "\"", "\\", "\\u00", "\"\\u0041\"",
		"\xc3\xbc", "\xff", "{\"a\":", "[1,", "]]", "{}", "[]", ",\"b\":" };
	struct dice dice = { .state = 11 };
	size_t sound = 0;

	for (int round = 0; round < 400000; round++) {
		char text[256];
		size_t len = 0, pieces_count = 1 + roll(&dice, 9), count;
		json_t *json;

		for (size_t i = 0; i < pieces_count; i++)
			len += (size_t)sprintf(text + len, "%s",
				pieces[roll(&dice, LENGTH(pieces))]);
		json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
		int err = roll_read(sink_span(text, len), &dice, &count);

		if ((json != NULL) != (err == SINK_OK))
			ck_abort_msg("%s: we say %d", text, err);
		if (json_is_array(json) && count != json_array_size(json))
			ck_abort_msg("%s: we count %zu", text, count);
		sound += json != NULL;
		json_decref(json);
	}
	ck_assert_uint_gt(sound, 10000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jsonstream");
	TCase *tables = tcase_create("documents");
	TCase *limits = tcase_create("limits");
	TCase *dice = tcase_create("dice");

	tcase_add_loop_test(tables, document_is_told, 0, LENGTH(documents));
	tcase_add_loop_test(tables, unwanted_is_passed_over, 0, LENGTH(choices));
	tcase_add_test(tables, cut_short);
	tcase_add_test(tables, handlers_end_it);
	suite_add_tcase(suite, tables);
	tcase_add_test(limits, deep);
	tcase_add_test(limits, large);
	tcase_add_test(limits, paths_have_limits);
	tcase_add_test(limits, longest_way);
	tcase_set_timeout(limits, 120);
	suite_add_tcase(suite, limits);
	tcase_add_test(dice, shuffled_pieces);
	tcase_set_timeout(dice, 120);
	suite_add_tcase(suite, dice);
	return run_suite(suite);
}

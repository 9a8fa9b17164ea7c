/* test_schema.c - the bytes of doc/DATABASE.md, both ways, and what is refused. */
#include "schema.h"
#include "sinkhole/policy.h"

#include "filter.h"
#include "suite.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define SPAN(text) sink_span(text, sizeof(text) - 1)

/* --- varints ---------------------------------------------------------------------------------- */

static const struct {
	const uint8_t *bytes;
	size_t len;
	bool good;
	uint64_t number;
} varints[] = {
	{ BYTES(""), false, 0 },
	{ BYTES("\x80"), false, 0 }, /* broken off */
	{ BYTES("\x80\x00"), false, 0 }, /* 0 in two bytes */
	{ BYTES("\xff\x80\x00"), false, 0 },
	{ BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), false, 0 }, /* 65 bits */
	{ BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81"), false, 0 },
	{ BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), false, 0 },
	{ BYTES("\x00"), true, 0 },
	{ BYTES("\x7f"), true, 127 },
	{ BYTES("\x80\x01"), true, 128 },
	{ BYTES("\xff\x7f"), true, 16383 },
	{ BYTES("\xff\xff\xff\xff\x0f"), true, UINT32_MAX },
	{ BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), true, UINT64_MAX >> 1 },
	{ BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), true, UINT64_MAX },
};

START_TEST(varint)
{
	struct wire_in in = { .left = sink_span(varints[_i].bytes, varints[_i].len) };
	uint8_t bytes[WIRE_VARINT_MAX];
	struct wire_out out = { .at = bytes, .left = sizeof bytes };

	ck_assert_uint_eq(wire_varint(&in), varints[_i].number);
	ck_assert(wire_done(&in) == varints[_i].good);
	if (!varints[_i].good) {
		ck_assert_uint_eq(wire_u8(&in), 0); /* it sticks */
		ck_assert(!wire_done(&in));
		return;
	}
	wire_put_varint(&out, varints[_i].number);
	ck_assert_uint_eq(sizeof bytes - out.left, varints[_i].len);
	ck_assert_mem_eq(bytes, varints[_i].bytes, varints[_i].len);
}
END_TEST

START_TEST(writes_stay_within)
{
	uint8_t bytes[4] = { 1, 2, 3, 4 };
	struct wire_out out = { .at = bytes, .left = 3 };

	wire_put_u16(&out, 0x0a0b);
	wire_put_u16(&out, 0x0c0d);
	ck_assert(out.bad);
	wire_put_u8(&out, 0x0e); /* would fit, but the value is broken already */
	ck_assert_mem_eq(bytes, "\x0a\x0b\3\4", 4);
}
END_TEST

/* --- keys ------------------------------------------------------------------------------------- */

START_TEST(keys)
{
	uint8_t key[SCHEMA_BLOCK_KEY_MAX];
	struct sink_span last;
	uint32_t id = 7;

	ck_assert_uint_eq(schema_block_key('N', SPAN("com\0"), key), 5);
	ck_assert_mem_eq(key, "Ncom\0", 5);
	ck_assert(schema_is_block_key(sink_span(key, 5), &last));
	ck_assert(sink_span_equal(last, SPAN("com\0")));
	ck_assert_uint_eq(schema_name_key(SINK_TRIGGER_QNAME, SPAN(""), key), 1);
	ck_assert(schema_is_block_key(sink_span(key, 1), &last));
	ck_assert_uint_eq(last.len, 0);
	ck_assert_uint_eq(schema_name_key(SINK_TRIGGER_NSNAME, SPAN("com\0"), key), 6);
	ck_assert_mem_eq(key, "O\3com\0", 6);
	ck_assert(schema_is_block_key(sink_span(key, 6), &last));
	ck_assert(sink_span_equal(last, SPAN("\3com\0")));
	ck_assert(!schema_is_block_key(SPAN(""), &last));
	ck_assert(!schema_is_block_key(SPAN("P"), &last));
	ck_assert(!schema_is_block_key(SPAN("M"), &last));
	schema_record_key(0x01020304, key);
	ck_assert_mem_eq(key, "R\1\2\3\4", SCHEMA_RECORD_KEY);
	ck_assert(!schema_is_record_key(SPAN("R\1\2\3"), &id));
	ck_assert(!schema_is_record_key(SPAN("R\1\2\3\4\5"), &id));
	ck_assert(!schema_is_record_key(SPAN("Q\1\2\3\4"), &id));
	ck_assert_uint_eq(id, 7);
	ck_assert(schema_is_record_key(sink_span(key, SCHEMA_RECORD_KEY), &id));
	ck_assert_uint_eq(id, 0x01020304);
}
END_TEST

/* Keys of subjects for other triggers. */
static const struct {
	enum sink_trigger trigger;
	const char *prefix; /* or a name */
	const uint8_t *key;
	size_t len;
} subjects[] = {
	{ SINK_TRIGGER_ANSWER, "192.0.2.0/24", BYTES("O\1\4\xc0\1\1\2\1\1\x19") },
	{ SINK_TRIGGER_ANSWER, "192.0.2.0/25", BYTES("O\1\4\xc0\1\1\2\1\1\x1a") },
	{ SINK_TRIGGER_ANSWER, "192.0.2.1", BYTES("O\1\4\xc0\1\1\2\1\2\x21") },
	{ SINK_TRIGGER_ANSWER, "192.0.2.2", BYTES("O\1\4\xc0\1\1\2\2\x21") },
	{ SINK_TRIGGER_ANSWER, "2001:db8::/32",
		BYTES("O\1\6\x20\1\2\x0d\xb8\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
		      "\x21") },
	{ SINK_TRIGGER_CLIENT, "0.0.0.0/0", BYTES("O\2\4\1\1\1\1\1\1\1\1\1") },
	{ SINK_TRIGGER_CLIENT, "0.0.0.0/1", BYTES("O\2\4\1\1\1\1\1\1\1\1\2") },
	{ SINK_TRIGGER_CLIENT, "0.0.0.1", BYTES("O\2\4\1\1\1\1\1\1\1\2\x21") },
	{ SINK_TRIGGER_NSNAME, ".", BYTES("O\3") },
	{ SINK_TRIGGER_NSNAME, "com", BYTES("O\3com\0") },
	{ SINK_TRIGGER_NSADDRESS, "255.255.255.255", BYTES("O\4\4\xff\xff\xff\xff\x21") },
};

/* returns  the length */
static size_t subject_key(size_t i, struct sink_subject *subject, uint8_t key[SCHEMA_BLOCK_KEY_MAX])
{
	struct sink_span text = sink_span_text(subjects[i].prefix);

	*subject = (struct sink_subject){ .trigger = subjects[i].trigger };
	if (sink_trigger_is_prefix(subject->trigger)) {
		ck_assert(sink_prefix_from_text(text, &subject->prefix) == SINK_OK);
		return schema_prefix_key(subject->trigger, &subject->prefix, key);
	}
	ck_assert(sink_name_from_text(text, &subject->name) == SINK_OK);
	return schema_name_key(subject->trigger, sink_name_key(&subject->name), key);
}

START_TEST(subject_keys)
{
	uint8_t key[SCHEMA_BLOCK_KEY_MAX];
	struct sink_subject subject, next;

	ck_assert_uint_eq(subject_key((size_t)_i, &subject, key), subjects[_i].len);
	ck_assert_mem_eq(key, subjects[_i].key, subjects[_i].len);
	for (size_t at = 1; at < subjects[_i].len; at++) /* sorting relies on that */
		ck_assert(key[at - 1] != 0 || key[at] != 0);
	if ((size_t)_i + 1 == LENGTH(subjects))
		return;
	/* the rows are in order, as values and as bytes */
	subject_key((size_t)_i + 1, &next, key);
	ck_assert_int_lt(sink_subject_compare(&subject, &next), 0);
	ck_assert_int_gt(sink_subject_compare(&next, &subject), 0);
	ck_assert_int_eq(sink_subject_compare(&next, &next), 0);
}
END_TEST

/* The longest key there is. */
START_TEST(longest_subject)
{
	uint8_t wire[SINK_WIRE_MAX] = { [0] = 63, [64] = 63, [128] = 63, [192] = 61 };
	uint8_t key[SCHEMA_BLOCK_KEY_MAX];
	struct sink_name name;

	ck_assert_int_eq(sink_name_from_wire(sink_span(wire, sizeof wire), &name), SINK_OK);
	ck_assert_uint_eq(schema_name_key(SINK_TRIGGER_NSNAME, sink_name_key(&name), key),
		sizeof key);
}
END_TEST

/* --- records ---------------------------------------------------------------------------------- */

static const char record_bytes[] = "\1\3\x50\2"
				   "\0\0\0\0\x65\x92\0\x80"
				   "\0\0\0\0\x67\x74\x85\0"
				   "\0\7urlhaus\0\7malware\0\0\0\0\0\0\0\4ref1\0\5FR,DE\0\0"
				   "\0\0\0\0\0\0\0";
#define RECORD_LEN (sizeof record_bytes - 1)

static struct sink_record make_record(void)
{
	struct sink_record record = {
		.kind = SINK_KIND_ALLOW,
		.severity = SINK_SEVERITY_HIGH,
		.confidence = 80,
		.tlp = SINK_TLP_GREEN,
		.valid_from = 0x65920080,
		.valid_until = 0x67748500,
	};

	record.text[SINK_FIELD_SOURCE] = SPAN("urlhaus");
	record.text[SINK_FIELD_CATEGORY] = SPAN("malware");
	record.text[SINK_FIELD_REFERENCE] = SPAN("ref1");
	record.text[SINK_FIELD_JURISDICTION] = SPAN("FR,DE");
	return record;
}

START_TEST(record_both_ways)
{
	struct sink_record record = make_record(), back;
	uint8_t bytes[SCHEMA_RECORD_MAX];

	ck_assert_uint_eq(schema_record_encode(&record, bytes), RECORD_LEN);
	ck_assert_mem_eq(bytes, record_bytes, RECORD_LEN);
	ck_assert_int_eq(schema_record_decode(SPAN(record_bytes), &back), SINK_OK);
	ck_assert_int_eq(back.kind, record.kind);
	ck_assert_int_eq(back.severity, record.severity);
	ck_assert_uint_eq(back.confidence, record.confidence);
	ck_assert_int_eq(back.tlp, record.tlp);
	ck_assert_int_eq(back.valid_from, record.valid_from);
	ck_assert_int_eq(back.valid_until, record.valid_until);
	for (int i = 0; i < SINK_FIELD_COUNT; i++)
		ck_assert(sink_span_equal(back.text[i], record.text[i]));
}
END_TEST

START_TEST(largest_record)
{
	static char text[SINK_STRING_MAX + 1];
	struct sink_record record = { .confidence = SINK_CONFIDENCE_NONE,
		.valid_from = INT64_MAX,
		.valid_until = INT64_MAX };
	struct sink_record back;
	uint8_t bytes[SCHEMA_RECORD_MAX];

	for (int i = 0; i < SINK_FIELD_COUNT; i++)
		record.text[i] = sink_span(text, SINK_STRING_MAX);
	ck_assert_uint_eq(schema_record_encode(&record, bytes), sizeof bytes - 3 * SINK_BYTES_MAX);
	ck_assert_int_eq(schema_record_decode(sink_span(bytes, sizeof bytes - 3 * SINK_BYTES_MAX),
				 &back),
		SINK_OK);
	record.text[SINK_FIELD_TAG] = sink_span(text, SINK_STRING_MAX + 1);
	ck_assert_uint_eq(schema_record_encode(&record, bytes), 0);
}
END_TEST

/* A byte of the record above replaced by one that makes it wrong. */
static const struct {
	size_t at;
	uint8_t byte;
} record_damages[] = {
	{ 0, SINK_KIND_COUNT },
	{ 0, 255 },
	{ 1, SINK_SEVERITY_COUNT },
	{ 2, 101 },
	{ 2, 254 },
	{ 3, SINK_TLP_COUNT },
	{ 4, 0x80 }, /* valid-from */
	{ 12, 0x80 }, /* valid-until */
	{ 20, 1 }, /* lengths: too long for the value */
	{ 20, 0xff },
	{ 21, 6 }, /* too short: what follows does not add up */
	{ 21, 8 },
	{ 30, 6 },
	{ 39, 1 },
	{ 41, 1 },
	{ 43, 1 },
	{ 45, 5 },
	{ 51, 4 },
	{ 58, 1 },
};

START_TEST(damaged_record)
{
	uint8_t bytes[RECORD_LEN];
	struct sink_record record = { .confidence = 42 };

	memcpy(bytes, record_bytes, sizeof bytes);
	ck_assert_uint_ne(bytes[record_damages[_i].at], record_damages[_i].byte);
	bytes[record_damages[_i].at] = record_damages[_i].byte;
	ck_assert_int_eq(schema_record_decode(sink_span(bytes, sizeof bytes), &record),
		SINK_ECORRUPT);
	ck_assert_uint_eq(record.confidence, 42);
}
END_TEST

/* Every value but the whole one is refused: cut anywhere, or with a byte more. */
START_TEST(cut_record)
{
	struct sink_record record;
	char longer[RECORD_LEN + 1];

	for (size_t len = 0; len < RECORD_LEN; len++)
		ck_assert_int_eq(schema_record_decode(sink_span(record_bytes, len), &record),
			SINK_ECORRUPT);
	memcpy(longer, record_bytes, sizeof longer);
	ck_assert_int_eq(schema_record_decode(sink_span(longer, sizeof longer), &record),
		SINK_ECORRUPT);
}
END_TEST

/* Every list, as doc/DATABASE.md has it. */
static const char lists_bytes[] = "\0\0\xff\0"
				  "\0\0\0\0\0\0\0\0"
				  "\0\0\0\0\0\0\0\0"
				  "\0\1a"
				  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				  "\6"
				  "\0\3"
				  "\0\0\x1c"
				  "\0\x0e"
				  "\0\x0c"
				  "com\0good\0ab\0"
				  "\0\x0c"
				  "\0\1"
				  "\0\0\x0e\x10"
				  "\0\4\xc0\0\2\1";

START_TEST(lists_both_ways)
{
	struct sink_record record = { .confidence = SINK_CONFIDENCE_NONE,
		.text = { SPAN("a") },
		.hint = SINK_HINT_DATA,
		.types = SPAN("\0\0\x1c"),
		.except = SPAN("\0\x0c"
			       "com\0good\0ab\0"),
		.data = SPAN("\0\1\0\0\x0e\x10\0\4\xc0\0\2\1") };
	struct sink_span whole = SPAN(lists_bytes), rest, key;
	uint8_t bytes[SCHEMA_RECORD_MAX];
	struct sink_record back;
	struct sink_data data;
	uint16_t type;

	ck_assert_uint_eq(schema_record_encode(&record, bytes), whole.len);
	ck_assert_mem_eq(bytes, whole.at, whole.len);
	ck_assert_int_eq(schema_record_decode(whole, &back), SINK_OK);
	ck_assert_int_eq(back.hint, SINK_HINT_DATA);
	rest = sink_span(back.types.at + 1, back.types.len - 1);
	ck_assert(sink_types_next(&rest, &type));
	ck_assert_uint_eq(type, 28);
	ck_assert(!sink_types_next(&rest, &type));
	ck_assert(sink_except_next(&back.except, &key));
	ck_assert(sink_span_equal(key, SPAN("com\0good\0ab\0")));
	ck_assert(!sink_except_next(&back.except, &key));
	ck_assert(sink_data_next(&back.data, &data));
	ck_assert_uint_eq(data.type, 1);
	ck_assert_uint_eq(data.ttl, 3600);
	ck_assert(sink_span_equal(data.rdata, SPAN("\xc0\0\2\1")));
	ck_assert(!sink_data_next(&back.data, &data));
	for (size_t len = 0; len < whole.len; len++)
		ck_assert_int_eq(schema_record_decode(sink_span(whole.at, len), &back),
			SINK_ECORRUPT);
}
END_TEST

#define KEY64 \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" /* a label too long */
#define A1 "\0\1\0\0\0\0\0\4\1\1\1\1" /* A 1.1.1.1 */
#define A2 "\0\1\0\0\0\0\0\4\1\1\1\2"
#define DATA SINK_HINT_DATA
#define LIST(text) \
	{ \
		BYTES(text) \
	}

/* What a record may say, and what is refused both ways. */
static const struct {
	bool good;
	enum sink_hint hint;
	struct sink_span types, except, data;
} lists[] = {
	{ false, SINK_HINT_COUNT, { 0 }, { 0 }, { 0 } },
	{ false, (enum sink_hint) - 1, { 0 }, { 0 }, { 0 } },
	{ false, DATA, { 0 }, { 0 }, { 0 } }, /* nothing to answer with */
	{ false, SINK_HINT_NONE, { 0 }, { 0 }, LIST(A1) }, /* data that nobody asks for */
	{ false, SINK_HINT_NODATA, { 0 }, { 0 }, LIST(A1) },
	{ false, 0, LIST("\0"), { 0 }, { 0 } }, /* no type */
	{ false, 0, LIST("\1"), { 0 }, { 0 } }, /* all but none */
	{ false, 0, LIST("\2\0\1"), { 0 }, { 0 } },
	{ false, 0, LIST("\0\0"), { 0 }, { 0 } },
	{ false, 0, LIST("\0\0\1\0"), { 0 }, { 0 } }, /* half a type */
	{ false, 0, LIST("\0\0\1\0\1"), { 0 }, { 0 } }, /* twice */
	{ false, 0, LIST("\0\0\2\0\1"), { 0 }, { 0 } },
	{ false, 0, LIST("\0\1\0\0\xff"), { 0 }, { 0 } }, /* 256 before 255 */
	{ false, 0, { 0 }, LIST("\0"), { 0 } },
	{ false, 0, { 0 }, LIST("\0\4com"), { 0 } }, /* broken off */
	{ false, 0, { 0 }, LIST("\0\3com"), { 0 } }, /* no key: its end is missing */
	{ false, 0, { 0 }, LIST("\0\4Com\0"), { 0 } }, /* upper case */
	{ false, 0, { 0 }, LIST("\0\1\0"), { 0 } }, /* an empty label */
	{ false, 0, { 0 }, LIST("\0\3\1\3\0"), { 0 } }, /* no such escape */
	{ false, 0, { 0 }, LIST("\0\x41" KEY64 "\0"), { 0 } },
	{ false, 0, { 0 }, LIST("\0\4com\0\0\4com\0"), { 0 } }, /* twice */
	{ false, 0, { 0 }, LIST("\0\4net\0\0\4com\0"), { 0 } },
	{ false, 0, { 0 }, LIST("\0\6com\0a\0\0\4com\0"), { 0 } }, /* below before above */
	{ false, 0, { 0 }, LIST("\0\4com\0\0\0"), { 0 } }, /* the root last */
	{ false, 0, { 0 }, LIST("\0\4com\0\0"), { 0 } }, /* a byte left over */
	{ false, DATA, { 0 }, { 0 }, LIST("\0\1\0\0\0\0\0") },
	{ false, DATA, { 0 }, { 0 }, LIST("\0\1\0\0\0\0\0\5\1\1\1\1") },
	{ false, DATA, { 0 }, { 0 }, LIST(A1 "\0") },
	{ false, DATA, { 0 }, { 0 }, LIST(A1 A1) },
	{ false, DATA, { 0 }, { 0 }, LIST(A2 A1) },
	{ false, DATA, { 0 }, { 0 }, LIST("\0\x10\0\0\0\0\0\1\0" A1) }, /* TXT before A */
	{ false, DATA, { 0 }, { 0 }, LIST("\0\1\0\0\0\1\0\0" A1) }, /* by TTL */
	{ true, SINK_HINT_DROP, { 0 }, { 0 }, { 0 } },
	{ true, SINK_HINT_TRUNCATE, { 0 }, { 0 }, { 0 } },
	{ true, 0, LIST("\1\0\0"), { 0 }, { 0 } },
	{ true, 0, LIST("\0\0\1\0\x1c\xff\xff"), { 0 }, { 0 } },
	{ true, 0, { 0 }, LIST("\0\0"), { 0 } }, /* the root: everything is left alone */
	{ true, 0, { 0 }, LIST("\0\0\0\4com\0\0\6com\0a\0\0\4net\0"), { 0 } },
	{ true, DATA, { 0 }, { 0 }, LIST(A1 A2) },
	{ true, DATA, { 0 }, { 0 }, LIST("\0\1\0\0\0\0\0\0" A1 A2 "\0\2\0\0\0\0\0\0") },
	{ true, DATA, LIST("\0\0\1"), LIST("\0\4com\0"), LIST(A1) },
};

/* What the encoder refuses is put together by hand, for the decoder to refuse. */
static size_t force_lists(uint8_t *out, size_t room, size_t i)
{
	const struct sink_span spans[] = { lists[i].types, lists[i].except, lists[i].data };
	struct wire_out to = { .at = out, .left = room };

	wire_put_bytes(&to, sink_span(lists_bytes, 37));
	wire_put_u8(&to, (uint8_t)lists[i].hint);
	for (size_t k = 0; k < LENGTH(spans); k++) {
		wire_put_u16(&to, (uint16_t)spans[k].len);
		wire_put_bytes(&to, spans[k]);
	}
	ck_assert(!to.bad);
	return room - to.left;
}

START_TEST(lists_are_judged)
{
	struct sink_record record = { .confidence = SINK_CONFIDENCE_NONE,
		.text = { SPAN("a") },
		.hint = lists[_i].hint,
		.types = lists[_i].types,
		.except = lists[_i].except,
		.data = lists[_i].data };
	uint8_t wanted[512], bytes[SCHEMA_RECORD_MAX];
	size_t len = force_lists(wanted, sizeof wanted, (size_t)_i);
	int err = schema_record_decode(sink_span(wanted, len), &record);

	ck_assert_int_eq(err, lists[_i].good ? SINK_OK : SINK_ECORRUPT);
	ck_assert_uint_eq(schema_record_encode(&record, bytes), lists[_i].good ? len : 0);
	if (lists[_i].good)
		ck_assert_mem_eq(bytes, wanted, len);
}
END_TEST

/* As long as a list may be, and one more. */
START_TEST(longest_lists)
{
	static uint8_t large[SINK_BYTES_MAX + 1], bytes[SCHEMA_RECORD_MAX];
	struct sink_record record = { .confidence = 1, .hint = DATA }, back;
	size_t len;

	large[1] = 1;
	large[6] = (SINK_BYTES_MAX - 8) >> 8;
	large[7] = (uint8_t)(SINK_BYTES_MAX - 8);
	record.data = sink_span(large, SINK_BYTES_MAX);
	len = schema_record_encode(&record, bytes);
	ck_assert_uint_eq(len, 20 + 16 + 7 + SINK_BYTES_MAX);
	ck_assert_int_eq(schema_record_decode(sink_span(bytes, len), &back), SINK_OK);
	large[7]++;
	record.data.len++;
	ck_assert_uint_eq(schema_record_encode(&record, bytes), 0);
	memcpy(bytes + 20 + 16 + 7, large, sizeof large);
	bytes[20 + 16 + 6]++;
	ck_assert_int_eq(schema_record_decode(sink_span(bytes, len + 1), &back), SINK_ECORRUPT);
}
END_TEST

/* Bytes of lists changed anywhere: refused, or read again as they are. */
START_TEST(damaged_lists)
{
	struct sink_span whole = SPAN(lists_bytes);
	uint8_t again[SCHEMA_RECORD_MAX];
	struct sink_record record;

	for (size_t at = 0; at < whole.len; at++)
		for (unsigned byte = 0; byte < 256; byte++) {
			uint8_t *copy = malloc(whole.len); /* so that ASan sees its end */

			ck_assert(copy);
			memcpy(copy, whole.at, whole.len);
			copy[at] = (uint8_t)byte;
			if (schema_record_decode(sink_span(copy, whole.len), &record) == SINK_OK) {
				ck_assert(schema_record_encode(&record, again) == whole.len);
				ck_assert(memcmp(again, copy, whole.len) == 0);
			}
			free(copy);
		}
}
END_TEST

/* A text of 1,025 bytes that is all there. */
START_TEST(record_with_long_text)
{
	uint8_t bytes[20 + 2 + 1025 + 7 * 2 + 7] = { [2] = 100, [20] = 4, [21] = 1 };
	struct sink_record record;

	ck_assert_int_eq(schema_record_decode(sink_span(bytes, sizeof bytes), &record),
		SINK_ECORRUPT);
	bytes[21] = 0;
	ck_assert_int_eq(schema_record_decode(sink_span(bytes, sizeof bytes - 1), &record),
		SINK_OK);
	ck_assert_uint_eq(record.text[0].len, SINK_STRING_MAX);
}
END_TEST

static const struct sink_record bad_records[] = {
	{ .kind = SINK_KIND_COUNT },
	{ .kind = (enum sink_kind) - 1 },
	{ .severity = SINK_SEVERITY_COUNT },
	{ .confidence = 101 },
	{ .confidence = 254 },
	{ .tlp = SINK_TLP_COUNT },
	{ .valid_from = -1 },
	{ .valid_until = INT64_MIN },
};

START_TEST(bad_record_is_not_written)
{
	uint8_t bytes[SCHEMA_RECORD_MAX];

	ck_assert_uint_eq(schema_record_encode(&bad_records[_i], bytes), 0);
}
END_TEST

/* --- facets ----------------------------------------------------------------------------------- */

static size_t facet_of(const struct sink_record *record, uint8_t out[SCHEMA_FACET_KEY_MAX])
{
	uint8_t bytes[SCHEMA_RECORD_MAX];
	size_t len = schema_record_encode(record, bytes);

	ck_assert_uint_gt(len, 0);
	return schema_facet_key(sink_span(bytes, len), out);
}

static bool one_facet(const struct sink_record *a, const struct sink_record *b)
{
	uint8_t x[SCHEMA_FACET_KEY_MAX], y[SCHEMA_FACET_KEY_MAX];

	return sink_span_equal(sink_span(x, facet_of(a, x)), sink_span(y, facet_of(b, y)));
}

START_TEST(what_rules_can_ask_about)
{
	const struct sink_record plain = { .confidence = 50 };
	struct sink_record other = plain;

	for (int i = 0; i < SINK_FIELD_COUNT; i++) {
		other = plain;
		other.text[i] = sink_span_text("x");
		ck_assert(one_facet(&plain, &other) == (i == SINK_FIELD_REFERENCE));
	}
	other = plain;
	other.severity = SINK_SEVERITY_LOW;
	ck_assert(!one_facet(&plain, &other));
	other = plain;
	other.confidence = 51;
	ck_assert(!one_facet(&plain, &other));
	other = plain;
	other.tlp = SINK_TLP_RED;
	ck_assert(!one_facet(&plain, &other));
}
END_TEST

START_TEST(what_no_rule_asks_about)
{
	const struct sink_record plain = { .confidence = 50 };
	struct sink_record other = plain;

	other.kind = SINK_KIND_ALLOW;
	other.valid_from = 1;
	other.valid_until = 2;
	other.hint = SINK_HINT_DROP;
	other.types = sink_span("\0\0\1", 3);
	ck_assert(one_facet(&plain, &other));
}
END_TEST

/* Two facets of three records: the second has records 1 and 2, and a name server. */
static const char facet_bytes[] = "\0\0\0\2"
				  "\0\0\0\0\1"
				  "\0\0\0\1\x8"
				  "\0\0\0\0"
				  "\0\0\0\1"
				  "\0\0\0\1";

START_TEST(facets_are_found)
{
	struct schema_facets facets;
	uint8_t head[SCHEMA_FACET_HEAD], triggers;
	uint32_t record;

	ck_assert_uint_eq(schema_facets_len(2, 3), sizeof facet_bytes - 1);
	ck_assert_int_eq(schema_facets_decode(SPAN(facet_bytes), 3, &facets), SINK_OK);
	ck_assert_uint_eq(facets.count, 2);
	schema_facet_head(&facets, 1, &record, &triggers);
	ck_assert_uint_eq(record, 1);
	ck_assert_uint_eq(triggers, 1u << SINK_TRIGGER_NSNAME);
	ck_assert_uint_eq(schema_facet_of(&facets, 0), 0);
	ck_assert_uint_eq(schema_facet_of(&facets, 2), 1);
	schema_facet_encode(1, 8, head);
	ck_assert_mem_eq(head, facet_bytes + 9, sizeof head);
}
END_TEST

START_TEST(facet_out_of_range)
{
	char bytes[sizeof facet_bytes];
	struct schema_facets facets;

	memcpy(bytes, facet_bytes, sizeof bytes);
	bytes[sizeof facet_bytes - 2] = 2;
	ck_assert_int_eq(schema_facets_decode(SPAN(bytes), 3, &facets), SINK_OK);
	ck_assert_uint_eq(schema_facet_of(&facets, 2), UINT32_MAX);
}
END_TEST

START_TEST(bad_facets)
{
	const uint8_t *bytes = (const uint8_t *)facet_bytes;
	const size_t len = sizeof facet_bytes - 1;
	struct schema_facets facets;

	for (size_t less = 1; less <= len; less++)
		ck_assert_int_eq(schema_facets_decode(sink_span(bytes, len - less), 3, &facets),
			SINK_ECORRUPT);
	ck_assert_int_eq(schema_facets_decode(sink_span(bytes, len + 1), 3, &facets),
		SINK_ECORRUPT);
	ck_assert_int_eq(schema_facets_decode(sink_span(bytes, len), 2, &facets), SINK_ECORRUPT);
	ck_assert_int_eq(schema_facets_decode(sink_span(bytes, len), 4, &facets), SINK_ECORRUPT);
	ck_assert_int_eq(schema_facets_decode(sink_span("\0\0\0\0", 4), 0, &facets), SINK_OK);
	ck_assert_int_eq(schema_facets_decode(sink_span("\0\0\0\0\0\0\0\0", 8), 1, &facets),
		SINK_ECORRUPT); /* a record without facet */
	ck_assert_int_eq(schema_facets_decode(sink_span("\0\0\0\1\0\0\0\0\0", 9), 0, &facets),
		SINK_ECORRUPT);
}
END_TEST

/* --- times ------------------------------------------------------------------------------------ */

/* Of a block and an allow, as in doc/DATABASE.md. */
static const char time_bytes[] = "\0\0\0\2\0\0\0\1\0\0\0\1"
				 "\0\0\0\0\0\0\0\2\0\0\0\0\x65\x92\0\x80"
				 "\0\0\0\0\x67\x74\x85\0"
				 "\0\0\0\0";

static const struct {
	int64_t now, sure, perhaps;
} next_rows[] = {
	{ INT64_MIN, 2, 0x67748500 },
	{ -1, 2, 0x67748500 },
	{ 0, 2, 0x67748500 },
	{ 1, 2, 0x67748500 },
	{ 2, 0x65920080, 0x67748500 },
	{ 0x6592007f, 0x65920080, 0x67748500 },
	{ 0x65920080, INT64_MAX, 0x67748500 },
	{ 0x67748500, INT64_MAX, INT64_MAX },
	{ INT64_MAX - 1, INT64_MAX, INT64_MAX },
	{ INT64_MAX, INT64_MAX, INT64_MAX },
};

START_TEST(next_times)
{
	const struct schema_times none = { .facets_count = 0 };
	struct schema_times times;

	ck_assert_uint_eq(schema_times_len(2, 1, 1), sizeof time_bytes - 1);
	ck_assert_int_eq(schema_times_decode(sink_span(time_bytes, sizeof time_bytes - 1), 1,
				 &times),
		SINK_OK);
	ck_assert_uint_eq(times.facets_count, 1);
	ck_assert_uint_eq(schema_times_facet(&times, 0), 0);
	for (size_t i = 0; i < LENGTH(next_rows); i++) {
		int64_t now = next_rows[i].now;

		ck_assert_int_eq(schema_times_next(&times, SCHEMA_TURN_SURE, now),
			next_rows[i].sure);
		ck_assert_int_eq(schema_times_next(&times, SCHEMA_TURN_PERHAPS, now),
			next_rows[i].perhaps);
		ck_assert_int_eq(schema_times_next(&none, SCHEMA_TURN_SURE, now), INT64_MAX);
	}
}
END_TEST

/* Whoever wrote seconds in no order gets some second, or none, but never one that is over. */
START_TEST(times_in_no_order)
{
	char bytes[sizeof time_bytes];
	struct schema_times times;

	memcpy(bytes, time_bytes, sizeof bytes);
	bytes[12] = (char)0xff; /* not even within 63 bits */
	ck_assert_int_eq(schema_times_decode(sink_span(bytes, sizeof time_bytes - 1), 1, &times),
		SINK_OK);
	for (int64_t now = 0x65920070; now < 0x65920090; now++)
		ck_assert_int_gt(schema_times_next(&times, SCHEMA_TURN_SURE, now), now);
	ck_assert_int_eq(schema_times_next(&times, SCHEMA_TURN_SURE, 0x65920080), INT64_MAX);
}
END_TEST

START_TEST(bad_times)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "\0\0\0\0\0\0\0\0\0\0\0\0", 12 }, /* then there is no such key */
		{ "\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0", 16 },
		{ "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1", 20 }, /* whose? */
		{ "\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0", 24 },
		{ "\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\2", 24 }, /* no such facet */
		{ "\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0", 28 },
		{ "\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\0", 28 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12 },
	};
	const size_t len = sizeof time_bytes - 1;
	struct schema_times times;

	for (size_t less = 1; less <= len; less++)
		ck_assert_int_eq(schema_times_decode(sink_span(time_bytes, len - less), 1, &times),
			SINK_ECORRUPT);
	ck_assert_int_eq(schema_times_decode(sink_span(time_bytes, len + 1), 1, &times),
		SINK_ECORRUPT);
	ck_assert_int_eq(schema_times_decode(sink_span(time_bytes, len), 0, &times), SINK_ECORRUPT);
	for (size_t i = 0; i < LENGTH(rows); i++)
		ck_assert_msg(schema_times_decode(sink_span(rows[i].bytes, rows[i].len), 2,
				      &times) == SINK_ECORRUPT,
			"row %zu", i);
}
END_TEST

START_TEST(has_times)
{
	struct sink_record record = { .confidence = SINK_CONFIDENCE_NONE };
	uint8_t bytes[SCHEMA_RECORD_MAX];

	record.text[SINK_FIELD_SOURCE] = sink_span_text("a text of some length");
	ck_assert(!schema_record_has_times(sink_span(bytes, schema_record_encode(&record, bytes))));
	record.valid_from = INT64_C(1) << 62;
	ck_assert(schema_record_has_times(sink_span(bytes, schema_record_encode(&record, bytes))));
	record.valid_from = 0;
	record.valid_until = 1;
	ck_assert(schema_record_has_times(sink_span(bytes, schema_record_encode(&record, bytes))));
	ck_assert(!schema_record_has_times(sink_span(bytes, 19)));
}
END_TEST

/* --- what the file is ------------------------------------------------------------------------- */

/* 10,000,000 names, a name server, two prefixes of answers (192.0.2.0/24 and ::/0, say), one of a name
 * server (of 128 bits). */
static const char meta_bytes[SCHEMA_META_LEN + 1] = "SINKHOLE\0\3"
						    "\0\0\0\0\0\x98\x96\x80"
						    "\0\0\0\0\0\0\0\2"
						    "\0\0\0\0\0\0\0\0"
						    "\0\0\0\0\0\0\0\1"
						    "\0\0\0\0\0\0\0\1"
						    "\0\0\0\0\0\x98\x97\xc1"
						    "\0\0\1\2"
						    "\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0"
						    "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
						    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
						    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
						    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
						    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1";

static struct schema_meta make_meta(void)
{
	struct schema_meta meta = {
		.subjects = { 10000000, 2, 0, 1, 1 },
		.listings = 10000321,
		.records = 258,
	};

	meta.lengths[SINK_TRIGGER_ANSWER][0][3] = 1;
	meta.lengths[SINK_TRIGGER_ANSWER][1][0] = 1;
	meta.lengths[SINK_TRIGGER_NSADDRESS][1][16] = 1;
	return meta;
}

START_TEST(meta_both_ways)
{
	struct schema_meta meta = make_meta(), back;
	uint8_t bytes[SCHEMA_META_LEN];

	schema_meta_encode(&meta, bytes);
	ck_assert_mem_eq(bytes, meta_bytes, sizeof bytes);
	ck_assert_int_eq(schema_meta_decode(sink_span(meta_bytes, SCHEMA_META_LEN), &back),
		SINK_OK);
	ck_assert_mem_eq(back.subjects, meta.subjects, sizeof meta.subjects);
	ck_assert_uint_eq(back.listings, meta.listings);
	ck_assert_uint_eq(back.records, meta.records);
	ck_assert_mem_eq(back.lengths, meta.lengths, sizeof meta.lengths);
	ck_assert_uint_eq(schema_meta_total(&back), 10000004);
}
END_TEST

/* What is counted is what is told, of each family and each length. */
START_TEST(meta_counts)
{
	struct schema_meta meta = { 0 };
	uint8_t key[SCHEMA_BLOCK_KEY_MAX];

	for (unsigned n = 0; n <= 32 + 1 + 128; n++) {
		struct sink_prefix prefix = { .family = n <= 32 ? 4 : 6,
			.bits = (uint8_t)(n <= 32 ? n : n - 33) };
		size_t len = schema_prefix_key(SINK_TRIGGER_CLIENT, &prefix, key);

		ck_assert(!schema_meta_has(&meta, SINK_TRIGGER_CLIENT, prefix.family, prefix.bits));
		schema_meta_count(&meta, 'O', sink_span(key + 1, len - 1));
		ck_assert(schema_meta_has(&meta, SINK_TRIGGER_CLIENT, prefix.family, prefix.bits));
		ck_assert(!schema_meta_has(&meta, SINK_TRIGGER_ANSWER, prefix.family, prefix.bits));
		ck_assert_uint_eq(meta.subjects[SINK_TRIGGER_CLIENT], n + 1);
	}
	schema_meta_count(&meta, 'N', SPAN(""));
	schema_meta_count(&meta, 'O', SPAN("\3com\0"));
	ck_assert_uint_eq(meta.subjects[SINK_TRIGGER_QNAME], 1);
	ck_assert_uint_eq(meta.subjects[SINK_TRIGGER_NSNAME], 1);
	ck_assert_uint_eq(schema_meta_total(&meta), 33 + 129 + 2);
}
END_TEST

START_TEST(damaged_meta)
{
	char bytes[SCHEMA_META_LEN + 8] = { 0 };
	struct schema_meta meta;

	for (size_t len = 0; len < sizeof bytes; len++) {
		memcpy(bytes, meta_bytes, SCHEMA_META_LEN);
		if (len != SCHEMA_META_LEN)
			ck_assert_int_eq(schema_meta_decode(sink_span(bytes, len), &meta),
				SINK_ECORRUPT);
	}
	for (size_t at = 0; at < 10; at++) {
		memcpy(bytes, meta_bytes, SCHEMA_META_LEN);
		bytes[at] ^= 0x20;
		ck_assert_int_eq(schema_meta_decode(sink_span(bytes, SCHEMA_META_LEN), &meta),
			at < 8 ? SINK_ECORRUPT : SINK_EVERSION);
	}
	memcpy(bytes, meta_bytes, SCHEMA_META_LEN);
	bytes[9] = 0;
	ck_assert_int_eq(schema_meta_decode(sink_span(bytes, SCHEMA_META_LEN), &meta),
		SINK_EVERSION);
	bytes[9] = 4; /* whose length we cannot know */
	ck_assert_int_eq(schema_meta_decode(sink_span(bytes, 12), &meta), SINK_EVERSION);
	bytes[9] = 1; /* as it was in version 1 */
	ck_assert_int_eq(schema_meta_decode(sink_span(bytes, 30), &meta), SINK_EVERSION);
	bytes[9] = 2; /* as it was in version 2, which had the policy in the file */
	ck_assert_int_eq(schema_meta_decode(sink_span(bytes, SCHEMA_META_LEN), &meta),
		SINK_EVERSION);
}
END_TEST

/* Two prefixes may have one length. */
START_TEST(prefixes_of_one_length)
{
	struct schema_meta meta = make_meta(), back;
	uint8_t bytes[SCHEMA_META_LEN];

	meta.lengths[SINK_TRIGGER_ANSWER][0][3] = 0;
	schema_meta_encode(&meta, bytes);
	ck_assert_int_eq(schema_meta_decode(sink_span(bytes, sizeof bytes), &back), SINK_OK);
}
END_TEST

/* A byte changed so that the numbers contradict each other. */
static const struct {
	size_t at;
	uint8_t byte;
} meta_damages[] = {
	{ 10, 1 }, /* more names than listings */
	{ 10, 255 },
	{ 25, 0 }, /* no prefix of an answer, but lengths of some */
	{ 25, 1 }, /* fewer than there are lengths */
	{ 18, 1 }, /* more subjects than listings, in the second place */
	{ 33, 1 }, /* clients, of no length */
	{ 42, 0xff }, /* together more than listings, and more than 64 bits hold */
	{ 49, 0 },
	{ 55, 0 }, /* fewer listings */
	{ 62 + 4, 2 }, /* 33 bits */
	{ 62 + 16, 0x80 },
	{ 62 + 17 + 16, 2 }, /* 129 bits */
	{ 62 + 17 + 16, 0x80 },
	{ 62 + 34, 1 }, /* a length of no client */
	{ 62 + 2 * 34 + 17 + 16, 0 },
};

START_TEST(contradicting_meta)
{
	uint8_t bytes[SCHEMA_META_LEN];
	struct schema_meta meta = { .records = 42 };
	size_t at = meta_damages[_i].at;

	memcpy(bytes, meta_bytes, sizeof bytes);
	ck_assert_uint_ne(bytes[at], meta_damages[_i].byte);
	bytes[at] = meta_damages[_i].byte;
	ck_assert_int_eq(schema_meta_decode(sink_span(bytes, sizeof bytes), &meta), SINK_ECORRUPT);
	ck_assert_uint_eq(meta.records, 42);
}
END_TEST

/* --- the filter's head ------------------------------------------------------------------------ */

static const char filter_bytes[SCHEMA_FILTER_HEAD + 1 + 64] = "SBBF\0\0\0\1\0\0\0\0\0\0\0\2";
#define FILTER_LEN (SCHEMA_FILTER_HEAD + 64)

START_TEST(filter_both_ways)
{
	uint8_t head[SCHEMA_FILTER_HEAD];
	struct sink_span blocks;

	memset(head, 0x5a, sizeof head);
	schema_filter_encode(2, head);
	ck_assert_mem_eq(head, filter_bytes, sizeof head);
	ck_assert_int_eq(schema_filter_decode(sink_span(filter_bytes, FILTER_LEN), 22, &blocks),
		SINK_OK);
	ck_assert_ptr_eq(blocks.at, filter_bytes + SCHEMA_FILTER_HEAD);
	ck_assert_uint_eq(blocks.len, 64);
}
END_TEST

START_TEST(damaged_filter)
{
	struct sink_span value = sink_span(filter_bytes, FILTER_LEN), blocks = { 0 };
	uint8_t bytes[FILTER_LEN];

	ck_assert_int_eq(schema_filter_decode(value, 21, &blocks), SINK_ECORRUPT); /* needs 1 */
	ck_assert_int_eq(schema_filter_decode(value, 43, &blocks), SINK_ECORRUPT); /* needs 3 */
	ck_assert_int_eq(schema_filter_decode(value, UINT64_MAX, &blocks), SINK_ECORRUPT);
	value.len++;
	ck_assert_int_eq(schema_filter_decode(value, 22, &blocks), SINK_ECORRUPT);
	for (size_t len = 0; len < FILTER_LEN; len++) {
		value.len = len;
		ck_assert_int_eq(schema_filter_decode(value, 22, &blocks), SINK_ECORRUPT);
	}
	for (size_t at = 0; at < SCHEMA_FILTER_HEAD; at++) {
		memcpy(bytes, filter_bytes, sizeof bytes);
		bytes[at] ^= 4;
		ck_assert_int_eq(schema_filter_decode(sink_span(bytes, sizeof bytes), 22, &blocks),
			at >= 4 && at < 8 ? SINK_EVERSION : SINK_ECORRUPT);
	}
	ck_assert_ptr_null(blocks.at);
}
END_TEST

/* --- blocks ----------------------------------------------------------------------------------- */

#define COM "com\0"
#define ADS "com\0example\0ads\0"

/* com (subtree, record 0), ads.example.com (exact, records 0 and 2). */
static const char block_bytes[] = "\0\4com\0\2"
				  "\4\x0c"
				  "example\0ads\0\1\x10";
#define BLOCK_LEN (sizeof block_bytes - 1)

START_TEST(block_is_written)
{
	static const uint64_t com[] = { 0 << 2 | SINK_SCOPE_SUBTREE };
	static const uint64_t ads[] = { 0 << 2 | SINK_SCOPE_EXACT, 2 << 2 | SINK_SCOPE_EXACT };
	struct schema_coder coder = { 0 };
	uint8_t key[SCHEMA_BLOCK_KEY_MAX];

	ck_assert_uint_eq(schema_coder_value(&coder).len, 0);
	ck_assert_int_eq(schema_coder_add(&coder, SPAN(COM), com, 1), SINK_OK);
	ck_assert_int_eq(schema_coder_add(&coder, SPAN(ADS), ads, 2), SINK_OK);
	ck_assert(sink_span_equal(schema_coder_value(&coder), SPAN(block_bytes)));
	ck_assert_uint_eq(schema_block_key('N', schema_coder_last(&coder), key), 17);
	ck_assert_mem_eq(key, "N" ADS, 17);
	schema_coder_clear(&coder);
	ck_assert_uint_eq(schema_coder_value(&coder).len, 0);
	schema_coder_free(&coder);
}
END_TEST

static void expect_listings(struct schema_listings listings, const uint64_t *wanted, size_t count)
{
	uint64_t listing;

	for (size_t i = 0; i < count; i++) {
		ck_assert(schema_listing_next(&listings, &listing) == SINK_OK);
		ck_assert(listing == wanted[i]);
	}
	ck_assert(schema_listing_next(&listings, &listing) == SINK_ENOENT);
	ck_assert(schema_listing_next(&listings, &listing) == SINK_ENOENT);
}

START_TEST(block_is_read)
{
	static const uint64_t com[] = { 0 << 2 | SINK_SCOPE_SUBTREE };
	static const uint64_t ads[] = { 0 << 2 | SINK_SCOPE_EXACT, 2 << 2 | SINK_SCOPE_EXACT };
	struct schema_block walk;
	struct schema_listings listings;

	ck_assert_int_eq(schema_listing_scope(com[0]), SINK_SCOPE_SUBTREE);
	ck_assert_uint_eq(schema_listing_record(ads[1]), 2);
	schema_block_begin(&walk, SPAN(block_bytes), 'N', SPAN(ADS), 3);
	ck_assert_int_eq(schema_block_next(&walk, &listings), SINK_OK);
	ck_assert(sink_span_equal(sink_name_key(&walk.subject.name), SPAN(COM)));
	expect_listings(listings, com, 1);
	ck_assert_int_eq(schema_block_next(&walk, &listings), SINK_OK);
	ck_assert(sink_span_equal(sink_name_key(&walk.subject.name), SPAN(ADS)));
	expect_listings(listings, ads, 2);
	ck_assert_int_eq(schema_block_next(&walk, &listings), SINK_ENOENT);
	ck_assert_int_eq(schema_block_next(&walk, &listings), SINK_ENOENT);
	ck_assert_int_eq(schema_block_find(SPAN(block_bytes), SPAN(COM), 3, &listings), SINK_OK);
	expect_listings(listings, com, 1);
	ck_assert_int_eq(schema_block_find(SPAN(block_bytes), SPAN(ADS), 3, &listings), SINK_OK);
	expect_listings(listings, ads, 2);
}
END_TEST

static const struct {
	const uint8_t *key;
	size_t len;
} absent[] = {
	{ BYTES("") },
	{ BYTES("a\0") },
	{ BYTES("co\0") },
	{ BYTES("coma\0") },
	{ BYTES("com\0a\0") },
	{ BYTES("com\0example\0") },
	{ BYTES("com\0example\0ad\0") },
	{ BYTES("com\0example\0adsa\0") },
	{ BYTES("com\0example\0ads\0x\0") },
	{ BYTES("com\0examplf\0") },
	{ BYTES("con\0") },
};

START_TEST(absent_name)
{
	struct schema_listings listings;

	ck_assert_int_eq(schema_block_find(SPAN(block_bytes),
				 sink_span(absent[_i].key, absent[_i].len), 3, &listings),
		SINK_ENOENT);
}
END_TEST

/* abb, bbb, bbc: the last shares two bytes with its neighbour, as abc did with abb. */
START_TEST(absent_name_between)
{
	struct sink_span block = SPAN("\0\4abb\0\0\0\4bbb\0\0\2\2c\0\0");
	struct schema_listings listings;

	ck_assert_int_eq(schema_block_find(block, SPAN("abc\0"), 1, &listings), SINK_ENOENT);
	ck_assert_int_eq(schema_block_find(block, SPAN("bbc\0"), 1, &listings), SINK_OK);
}
END_TEST

/* Blocks that a walk refuses, all but the last of them stored under the right key. */
static const struct {
	const uint8_t *block;
	size_t len;
	const uint8_t *last;
	size_t last_len;
} bad_blocks[] = {
	{ BYTES(""), BYTES("") }, /* no name at all */
	{ BYTES("\0"), BYTES("") },
	{ BYTES("\0\4com"), BYTES("com\0") },
	{ BYTES("\0\4com\0"), BYTES("com\0") }, /* no listing */
	{ BYTES("\0\4com\0\1"), BYTES("com\0") }, /* more announced than there is */
	{ BYTES("\0\4com\0\x80\0"), BYTES("com\0") }, /* a longer form than needed */
	{ BYTES("\0\x84\0com\0\0"), BYTES("com\0") },
	{ BYTES("\0\4com\0\6"), BYTES("com\0") }, /* scope 3 */
	{ BYTES("\0\4com\0\x18"), BYTES("com\0") }, /* record 3 of 3 */
	{ BYTES("\0\4com\0\x80\x80\x80\x80\x80\1"), BYTES("com\0") }, /* record 2^32 */
	{ BYTES("\0\4com\0\1\0"), BYTES("com\0") }, /* the same listing twice */
	{ BYTES("\0\4com\0\3\0"), BYTES("com\0") }, /* subtree before exact */
	{ BYTES("\0\4com\0\x11\x08"), BYTES("com\0") }, /* record 2 before 1 */
	{ BYTES("\1\3om\0\0"), BYTES("com\0") }, /* shares with nobody */
	{ BYTES("\0\3com\0"), BYTES("com") }, /* a key that is no name's */
	{ BYTES("\0\4Com\0\0"), BYTES("Com\0") },
	{ BYTES("\0\4com\0\0\4\0\0"), BYTES("com\0") }, /* twice the same name */
	{ BYTES("\0\4com\0\0\0\0\0"), BYTES("") },
	{ BYTES("\0\4com\0\0\0\4com\0\0"), BYTES("com\0") },
	{ BYTES("\0\4com\0\0\2\2a\0\0"), BYTES("coa\0") }, /* below the name before */
	{ BYTES("\0\4com\0\0\1\3on\0\0"), BYTES("con\0") }, /* shares 2, says 1 */
	{ BYTES("\0\4com\0\0\5\2a\0\0"), BYTES("com\0a\0") }, /* shares more than there is */
	{ BYTES("\0\4com\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\2a\0\0"), BYTES("a\0") },
	{ BYTES("\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1com\0\0"), BYTES("com\0") },
	{ BYTES("\0\4com\0\0\4\2a\0\0\0"), BYTES("com\0a\0") }, /* a byte too much */
	{ BYTES("\0\4com\0\0"), BYTES("con\0") }, /* stored under another key */
	{ BYTES("\0\4com\0\0"), BYTES("") },
};

START_TEST(bad_block)
{
	struct sink_span block = sink_span(bad_blocks[_i].block, bad_blocks[_i].len);
	struct sink_span last = sink_span(bad_blocks[_i].last, bad_blocks[_i].last_len);
	struct schema_block walk;
	struct schema_listings listings;
	int err;

	schema_block_begin(&walk, block, 'N', last, 3);
	do {
		err = schema_block_next(&walk, &listings);
	} while (!err);
	ck_assert_int_eq(err, SINK_ECORRUPT);
	ck_assert_int_eq(schema_block_next(&walk, &listings), SINK_ECORRUPT);
}
END_TEST

/* What find() may not trip over; it only has to notice what it meets. */
START_TEST(find_in_bad_block)
{
	struct sink_span block = sink_span(bad_blocks[_i].block, bad_blocks[_i].len);
	struct schema_listings listings;
	uint64_t listing;
	int err = schema_block_find(block, SPAN("com\0z\0"), 3, &listings);

	ck_assert(err == SINK_ENOENT || err == SINK_ECORRUPT);
	err = schema_block_find(block, SPAN("com\0"), 3, &listings);
	while (!err)
		err = schema_listing_next(&listings, &listing);
	ck_assert(err == SINK_ENOENT || err == SINK_ECORRUPT);
}
END_TEST

static const struct {
	const uint8_t *listings; /* of com */
	size_t len;
} bad_listings[] = {
	{ BYTES("\1") },
	{ BYTES("\6") },
	{ BYTES("\x18") },
	{ BYTES("\x80\x80\x80\x80\x80\1") },
	{ BYTES("\1\0") },
	{ BYTES("\3\0") },
	{ BYTES("\x80\0") },
};

START_TEST(find_refuses_listings)
{
	uint8_t block[32] = "\0\4com";
	struct schema_listings listings;
	uint64_t listing;
	int err;

	memcpy(block + 6, bad_listings[_i].listings, bad_listings[_i].len);
	err = schema_block_find(sink_span(block, 6 + bad_listings[_i].len), SPAN("com\0"), 3,
		&listings);
	ck_assert_int_eq(err, SINK_OK);
	do {
		err = schema_listing_next(&listings, &listing);
	} while (!err);
	ck_assert_int_eq(err, SINK_ECORRUPT);
	ck_assert_int_eq(schema_listing_next(&listings, &listing), SINK_ECORRUPT);
}
END_TEST

/* --- blocks of other triggers ------------------------------------------------------------------- */

/* The answers 192.0.2.0/24 (record 1) and /25 (record 0), the name server ns1.example.com (subtree). */
static const char others_bytes[] = "\0\x09\1\4\xc0\1\1\2\1\1\x19"
				   "\x08"
				   "\x08\1\x1a"
				   "\0"
				   "\0\x11\3com\0example\0ns1\0"
				   "\2";

START_TEST(others_both_ways)
{
	static const uint64_t one[] = { 1 << 2 }, zero[] = { 0 },
			      subtree[] = { 0 | SINK_SCOPE_SUBTREE };
	struct sink_span inside[] = { SPAN("\1\4\xc0\1\1\2\1\1\x19"),
		SPAN("\1\4\xc0\1\1\2\1\1\x1a"), SPAN("\3com\0example\0ns1\0") };
	const uint64_t *const listed[] = { one, zero, subtree };
	struct schema_listings listings;
	struct schema_coder coder = { 0 };
	struct schema_block walk;
	char text[SINK_TEXT_MAX];

	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(schema_coder_add(&coder, inside[i], listed[i], 1), SINK_OK);
	ck_assert(sink_span_equal(schema_coder_value(&coder), SPAN(others_bytes)));
	schema_block_begin(&walk, SPAN(others_bytes), 'O', inside[2], 2);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(schema_block_next(&walk, &listings), SINK_OK);
		expect_listings(listings, listed[i], 1);
		ck_assert(sink_span_equal(schema_block_at(&walk), inside[i]));
		if (i < 2)
			ck_assert_str_eq(sink_prefix_to_text(&walk.subject.prefix, text),
				i ? "192.0.2.0/25" : "192.0.2.0/24");
		else
			ck_assert_str_eq(sink_name_to_text(&walk.subject.name, text),
				"ns1.example.com");
		ck_assert_int_eq(schema_block_find(schema_coder_value(&coder), inside[i], 2,
					 &listings),
			SINK_OK);
		expect_listings(listings, listed[i], 1);
	}
	ck_assert_int_eq(walk.subject.trigger, SINK_TRIGGER_NSNAME);
	ck_assert_int_eq(schema_block_next(&walk, &listings), SINK_ENOENT);
	schema_coder_free(&coder);
}
END_TEST

/* Keys that are none's, each the only one of its block. */
static const struct {
	const uint8_t *key;
	size_t len;
	uint8_t listing;
} bad_others[] = {
	{ BYTES(""), 0 },
	{ BYTES("\0"), 0 }, /* names asked for have their own blocks */
	{ BYTES("\0com\0"), 0 },
	{ BYTES("\5"), 0 }, /* no such trigger */
	{ BYTES("\xff"), 0 },
	{ BYTES("com\0"), 0 },
	{ BYTES("\3com"), 0 },
	{ BYTES("\3\0"), 0 },
	{ BYTES("\1"), 0 },
	{ BYTES("\1\4"), 0 },
	{ BYTES("\1\5\xc0\1\1\2\1\1\x19"), 0 }, /* no such family */
	{ BYTES("\1\0\xc0\1\1\2\1\1\x19"), 0 },
	{ BYTES("\1\6\xc0\1\1\2\1\1\x19"), 0 }, /* four octets of sixteen */
	{ BYTES("\1\4\xc0\0\2\1\1\x19"), 0 }, /* not escaped */
	{ BYTES("\1\4\xc0\1\0\2\1\1\x19"), 0 },
	{ BYTES("\1\4\xc0\1\3\2\1\1\x19"), 0 }, /* no such escape */
	{ BYTES("\1\4\xc0\1\1\2\1"), 0 }, /* broken off */
	{ BYTES("\1\4\xc0\1\1\2\1\1"), 0 }, /* no length */
	{ BYTES("\1\4\xc0\1\1\2\1\1\0"), 0 }, /* length -1 */
	{ BYTES("\1\4\xc0\1\1\2\1\1\x22"), 0 }, /* 33 bits */
	{ BYTES("\1\4\xc0\1\1\2\1\1\x19\1"), 0 }, /* a byte too much */
	{ BYTES("\1\4\xc0\1\1\2\1\2\x19"), 0 }, /* bits behind the length */
	{ BYTES("\1\4\xc0\1\1\2\1\1\x17"), 0 },
	{ BYTES("\2\6\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\x82"), 0 },
	{ BYTES("\1\4\xc0\1\1\2\1\1\x19"), 2 }, /* a scope that a prefix cannot have */
	{ BYTES("\4\4\xc0\1\1\2\1\1\x19"), 4 },
};

START_TEST(bad_other)
{
	struct sink_span key = sink_span(bad_others[_i].key, bad_others[_i].len);
	struct schema_listings listings;
	struct schema_block walk;
	uint8_t block[64];
	struct wire_out to = { .at = block, .left = sizeof block };

	wire_put_varint(&to, 0);
	wire_put_varint(&to, key.len);
	wire_put_bytes(&to, key);
	wire_put_varint(&to, bad_others[_i].listing);
	schema_block_begin(&walk, sink_span(block, sizeof block - to.left), 'O', key, 3);
	ck_assert_int_eq(schema_block_next(&walk, &listings), SINK_ECORRUPT);
	ck_assert_int_eq(schema_block_next(&walk, &listings), SINK_ECORRUPT);
}
END_TEST

/* --- many random blocks ----------------------------------------------------------------------- */

static uint64_t seed;

static unsigned draw(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(seed >> 33) % below;
}

#define DRAWN 400
struct drawn {
	struct sink_name name;
	size_t count;
	uint64_t listings[4];
};

static int by_key(const void *a, const void *b)
{
	const struct sink_name *x = &((const struct drawn *)a)->name;
	const struct sink_name *y = &((const struct drawn *)b)->name;
	size_t least = x->len < y->len ? x->len : y->len;
	int difference = memcmp(x->key, y->key, least);

	return difference ? difference : x->len - y->len;
}

static void draw_name(struct sink_name *out)
{
	uint8_t wire[SINK_WIRE_MAX];
	size_t at = 0, labels = draw(5), longest = draw(20) ? 3 : SINK_LABEL_MAX;

	for (; labels > 0 && at + 1 + longest < sizeof wire - 1; labels--) {
		size_t len = 1 + draw((unsigned)longest);

		wire[at++] = (uint8_t)len;
		for (; len > 0; len--)
			wire[at++] = (uint8_t)(draw(8) ? 'a' + draw(2) : draw(256));
	}
	wire[at++] = 0;
	ck_assert(sink_name_from_wire(sink_span(wire, at), out) == SINK_OK);
}

/* returns  how many distinct names, in order */
static size_t draw_names(struct drawn *drawn)
{
	size_t n = 0;

	for (size_t i = 0; i < DRAWN; i++) {
		draw_name(&drawn[i].name);
		drawn[i].count = 1 + draw(4);
		for (size_t k = 0; k < drawn[i].count; k++)
			drawn[i].listings[k] =
				schema_listing((uint32_t)(k * 50 + draw(50)), draw(3));
	}
	qsort(drawn, DRAWN, sizeof drawn[0], by_key);
	for (size_t i = 0; i < DRAWN; i++)
		if (i == 0 || by_key(&drawn[n - 1], &drawn[i]) != 0)
			drawn[n++] = drawn[i];
	return n;
}

static size_t node(const struct schema_coder *coder)
{
	size_t size = 8 + 1 + schema_coder_last(coder).len + schema_coder_value(coder).len;

	return size + size % 2;
}

/* Code as many as fit; check the walk, and that of all names find() gives those and no others.
 *
 * returns  how many fit
 */
static size_t check_block(const struct drawn *drawn, size_t from, size_t n)
{
	struct schema_coder coder = { 0 };
	struct schema_block walk;
	struct schema_listings listings;
	size_t to = from;
	int err = SINK_OK;

	for (; to < n && !err; to += !err)
		err = schema_coder_add(&coder, sink_name_key(&drawn[to].name), drawn[to].listings,
			drawn[to].count);
	ck_assert(err == SINK_OK || err == SINK_ETOOLONG);
	ck_assert_uint_gt(to, from);
	ck_assert(node(&coder) <= SCHEMA_NODE_MAX || to == from + 1);
	schema_block_begin(&walk, schema_coder_value(&coder), 'N', schema_coder_last(&coder), 200);
	for (size_t i = from; i < to; i++) {
		ck_assert(schema_block_next(&walk, &listings) == SINK_OK);
		ck_assert(sink_span_equal(sink_name_key(&walk.subject.name),
			sink_name_key(&drawn[i].name)));
		expect_listings(listings, drawn[i].listings, drawn[i].count);
	}
	ck_assert_int_eq(schema_block_next(&walk, &listings), SINK_ENOENT);
	for (size_t i = 0; i < n; i++) {
		err = schema_block_find(schema_coder_value(&coder), sink_name_key(&drawn[i].name),
			200, &listings);
		ck_assert(err == (i >= from && i < to ? SINK_OK : SINK_ENOENT));
		if (!err)
			expect_listings(listings, drawn[i].listings, drawn[i].count);
	}
	schema_coder_free(&coder);
	return to - from;
}

START_TEST(random_blocks)
{
	static struct drawn drawn[DRAWN];

	seed = 4;
	for (int round = 0; round < 20; round++) {
		size_t n = draw_names(drawn);

		for (size_t from = 0; from < n;)
			from += check_block(drawn, from, n);
	}
}
END_TEST

/* Bytes changed anywhere: no walk or search may leave the block (for the sanitizers), and what a
 * walk accepts must rise. */
START_TEST(damaged_blocks)
{
	static struct drawn drawn[DRAWN];
	struct schema_coder coder = { 0 };
	size_t n, accepted = 0;

	seed = 5;
	n = draw_names(drawn);
	for (size_t i = 0; i < n && i < 60; i++)
		if (schema_coder_add(&coder, sink_name_key(&drawn[i].name), drawn[i].listings,
			    drawn[i].count))
			break;
	ck_assert_uint_gt(coder.len, 500);
	for (int i = 0; i < 20000; i++) {
		uint8_t *copy =
			malloc(coder.len); /* its own allocation, so that ASan sees its end */
		struct sink_span block = sink_span(copy, coder.len);
		struct schema_block walk;
		struct schema_listings listings;
		struct drawn before, now;
		uint64_t listing;
		bool first = true;
		int err;

		ck_assert(copy);
		memcpy(copy, coder.bytes, coder.len);
		for (unsigned k = 1 + draw(3); k > 0; k--)
			copy[draw((unsigned)coder.len)] = (uint8_t)draw(256);
		schema_block_begin(&walk, block, 'N', schema_coder_last(&coder), 200);
		for (; (err = schema_block_next(&walk, &listings)) == SINK_OK; first = false) {
			now.name = walk.subject.name;
			ck_assert(first || by_key(&before, &now) < 0);
			before = now;
		}
		accepted += err == SINK_ENOENT;
		err = schema_block_find(block, sink_name_key(&drawn[draw((unsigned)n)].name), 200,
			&listings);
		while (!err)
			err = schema_listing_next(&listings, &listing);
		ck_assert(err == SINK_ENOENT || err == SINK_ECORRUPT);
		free(copy);
	}
	ck_assert_uint_lt(accepted,
		10000); /* a changed letter or record gives another good block */
	schema_coder_free(&coder);
}
END_TEST

/* A name with more listings than a block has room for stands alone. */
START_TEST(large_name)
{
	static uint64_t listings[5000];
	struct schema_coder coder = { 0 };
	struct schema_listings found;

	for (size_t i = 0; i < LENGTH(listings); i++)
		listings[i] = schema_listing((uint32_t)i, SINK_SCOPE_BELOW);
	ck_assert_int_eq(schema_coder_add(&coder, SPAN("a\0"), listings, 1), SINK_OK);
	ck_assert_int_eq(schema_coder_add(&coder, SPAN("b\0"), listings, LENGTH(listings)),
		SINK_ETOOLONG);
	ck_assert_uint_eq(schema_coder_value(&coder).len, 5);
	ck_assert_mem_eq(schema_coder_last(&coder).at, "a\0", 2);
	schema_coder_clear(&coder);
	ck_assert_int_eq(schema_coder_add(&coder, SPAN("b\0"), listings, LENGTH(listings)),
		SINK_OK);
	ck_assert_int_eq(schema_coder_add(&coder, SPAN("c\0"), listings, 1), SINK_ETOOLONG);
	ck_assert_int_eq(schema_block_find(schema_coder_value(&coder), SPAN("b\0"), 5000, &found),
		SINK_OK);
	expect_listings(found, listings, LENGTH(listings));
	schema_coder_free(&coder);
}
END_TEST

/* The node is filled to the last byte, and not beyond. */
START_TEST(block_is_filled)
{
	struct schema_coder coder = { 0 };
	static const uint64_t listing[] = { 0 };
	uint8_t key[SINK_KEY_MAX];
	size_t len = 0;

	memset(key, 0xee, sizeof key);
	for (uint8_t label = 1; label <= 7; label++, len += 64)
		key[len + 63] = 0; /* as if: the coder only sees bytes that rise */
	ck_assert_int_eq(schema_coder_add(&coder, sink_span(key, 448), listing, 1), SINK_OK);
	ck_assert_uint_eq(node(&coder), 8 + 1 + 448 + 452 + 1);
	key[0]++;
	/* 8 + 1 + n + 452 + 3 + n is to be 1,018 at most; 277 makes it 1,018 */
	ck_assert_int_eq(schema_coder_add(&coder, sink_span(key, 278), listing, 1), SINK_ETOOLONG);
	ck_assert_int_eq(schema_coder_add(&coder, sink_span(key, 276), listing, 1), SINK_OK);
	ck_assert_uint_eq(node(&coder), SCHEMA_NODE_MAX);
	schema_coder_free(&coder);
}
END_TEST

/* --- words ------------------------------------------------------------------------------------ */

START_TEST(words)
{
	ck_assert_str_eq(sink_scope_word(SINK_SCOPE_BELOW), "below");
	ck_assert_str_eq(sink_kind_word(SINK_KIND_IMPORTANT), "important");
	ck_assert_str_eq(sink_severity_word(SINK_SEVERITY_CRITICAL), "critical");
	ck_assert_str_eq(sink_tlp_word(SINK_TLP_AMBER_STRICT), "amber+strict");
	ck_assert_str_eq(sink_field_word(SINK_FIELD_LEGAL_BASIS), "legal-basis");
	ck_assert_str_eq(sink_action_word(SINK_ACTION_SINKHOLE), "sinkhole");
	ck_assert_str_eq(sink_trigger_word(SINK_TRIGGER_NSADDRESS), "ns-address");
	ck_assert_str_eq(sink_hint_word(SINK_HINT_DATA), "data");
	ck_assert_str_eq(sink_trigger_word(SINK_TRIGGER_COUNT), "?");
	ck_assert_str_eq(sink_hint_word(SINK_HINT_COUNT), "?");
	ck_assert_str_eq(sink_scope_word(SINK_SCOPE_COUNT), "?");
	ck_assert_str_eq(sink_kind_word((enum sink_kind) - 1), "?");
	ck_assert_str_eq(sink_severity_word(SINK_SEVERITY_COUNT), "?");
	ck_assert_str_eq(sink_tlp_word(SINK_TLP_COUNT), "?");
	ck_assert_str_eq(sink_field_word(SINK_FIELD_COUNT), "?");
	ck_assert_str_eq(sink_action_word(SINK_ACTION_COUNT), "?");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schema");
	TCase *fields = tcase_create("fields");
	TCase *values = tcase_create("values");
	TCase *blocks = tcase_create("blocks");

	tcase_add_loop_test(fields, varint, 0, LENGTH(varints));
	tcase_add_test(fields, writes_stay_within);
	tcase_add_test(fields, keys);
	tcase_add_loop_test(fields, subject_keys, 0, LENGTH(subjects));
	tcase_add_test(fields, longest_subject);
	tcase_add_test(fields, words);
	suite_add_tcase(suite, fields);
	tcase_add_test(values, record_both_ways);
	tcase_add_test(values, largest_record);
	tcase_add_loop_test(values, damaged_record, 0, LENGTH(record_damages));
	tcase_add_test(values, cut_record);
	tcase_add_test(values, record_with_long_text);
	tcase_add_test(values, lists_both_ways);
	tcase_add_loop_test(values, lists_are_judged, 0, LENGTH(lists));
	tcase_add_test(values, longest_lists);
	tcase_add_test(values, damaged_lists);
	tcase_add_loop_test(values, bad_record_is_not_written, 0, LENGTH(bad_records));
	tcase_add_test(values, what_rules_can_ask_about);
	tcase_add_test(values, what_no_rule_asks_about);
	tcase_add_test(values, facets_are_found);
	tcase_add_test(values, facet_out_of_range);
	tcase_add_test(values, bad_facets);
	tcase_add_test(values, next_times);
	tcase_add_test(values, times_in_no_order);
	tcase_add_test(values, bad_times);
	tcase_add_test(values, has_times);
	tcase_add_test(values, meta_both_ways);
	tcase_add_test(values, meta_counts);
	tcase_add_test(values, prefixes_of_one_length);
	tcase_add_test(values, damaged_meta);
	tcase_add_loop_test(values, contradicting_meta, 0, LENGTH(meta_damages));
	tcase_add_test(values, filter_both_ways);
	tcase_add_test(values, damaged_filter);
	suite_add_tcase(suite, values);
	tcase_add_test(blocks, block_is_written);
	tcase_add_test(blocks, block_is_read);
	tcase_add_loop_test(blocks, absent_name, 0, LENGTH(absent));
	tcase_add_test(blocks, absent_name_between);
	tcase_add_loop_test(blocks, bad_block, 0, LENGTH(bad_blocks));
	tcase_add_loop_test(blocks, find_in_bad_block, 0, LENGTH(bad_blocks));
	tcase_add_loop_test(blocks, find_refuses_listings, 0, LENGTH(bad_listings));
	tcase_add_test(blocks, others_both_ways);
	tcase_add_loop_test(blocks, bad_other, 0, LENGTH(bad_others));
	tcase_add_test(blocks, random_blocks);
	tcase_add_test(blocks, damaged_blocks);
	tcase_add_test(blocks, large_name);
	tcase_add_test(blocks, block_is_filled);
	tcase_set_timeout(blocks, 60);
	suite_add_tcase(suite, blocks);
	return run_suite(suite);
}

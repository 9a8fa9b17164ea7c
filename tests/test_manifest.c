/* test_manifest.c - one text for each manifest, and every other text refused. */
#include "sinkhole/store.h"

#include <stdio.h>

#include "digest.h"
#include "suite.h"

static const struct sink_manifest example = {
	.serial = 42,
	.time = 1795262400,
	.base = "base-42-9f86d081884c7d65.mdb",
	.base_size = 140513280,
	.base_digest = { 0x9f, 0x86, 0xd0, 0x81, 0x88, 0x4c, 0x7d, 0x65, 0x9a, 0x2f, 0xea, 0xa0,
		0xc5, 0x5a, 0xd0, 0x15, 0xa3, 0xbf, 0x4f, 0x1b, 0x2b, 0x0b, 0x82, 0x2c, 0xd1, 0x5d,
		0x6c, 0x15, 0xb0, 0xf0, 0x0a, 0x08 },
	.names = 10000000,
	.listings = 10000321,
	.policy = "policy-42-9f86d081884c7d65.bin",
	.policy_size = 9,
	.policy_digest = { 0x9f, 0x86, 0xd0, 0x81, 0x88, 0x4c, 0x7d, 0x65, 0x9a, 0x2f, 0xea, 0xa0,
		0xc5, 0x5a, 0xd0, 0x15, 0xa3, 0xbf, 0x4f, 0x1b, 0x2b, 0x0b, 0x82, 0x2c, 0xd1, 0x5d,
		0x6c, 0x15, 0xb0, 0xf0, 0x0a, 0x08 },
	.origin = "compile",
	.tool = "sinkhole 0.1.0",
};

#define L_HEAD "sinkhole-generation 2\n"
#define L_SERIAL "serial 42\n"
#define L_TIME "time 2026-11-21T12:00:00Z\n"
#define L_TOOL "tool sinkhole 0.1.0\n"
#define L_ORIGIN "origin compile\n"
#define L_REASON "reason\n"
#define L_BASE "base base-42-9f86d081884c7d65.mdb\n"
#define L_SIZE "base-size 140513280\n"
#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define L_SHA "base-sha256 " SHA "\n"
#define L_NAMES "names 10000000\n"
#define L_LISTINGS "listings 10000321\n"
#define L_POLICY "policy policy-42-9f86d081884c7d65.bin\npolicy-size 9\npolicy-sha256 " SHA "\n"

#define TOP L_HEAD L_SERIAL L_TIME L_TOOL L_ORIGIN
#define BELOW L_BASE L_SIZE L_SHA L_NAMES L_LISTINGS L_POLICY
#define ALL TOP L_REASON BELOW

/* With a pause. */
#define L_SINCE "paused 2026-11-21T11:00:00Z\n"
#define L_UNTIL "paused-until 2026-11-21T12:10:00Z\n"
#define L_OPEN "paused-until\n"
#define ALL3 "sinkhole-generation 3\n" L_SERIAL L_TIME L_TOOL L_ORIGIN L_REASON BELOW

/* And what can expire. */
#define L_EXPIRES "expires 2026-12-21T12:00:00Z\n"
/* With live changes, and a delta of them. */
#define L_DELTA "delta delta-42-9f86d081884c7d65.mdb\ndelta-size 65536\ndelta-sha256 " SHA "\n"
#define L_CHANGES \
	"changes changes-42-9f86d081884c7d65.txt\nchanges-size 40\nchanges-sha256 " SHA "\n"
#define HEAD_OF(version) \
	"sinkhole-generation " version "\n" L_SERIAL L_TIME L_TOOL L_ORIGIN L_REASON BELOW
#define ALL4 HEAD_OF("4")

/* And with when it was read. */
#define L_READ "read 2026-11-21T11:59:58.250000Z\n"
#define READ_OF(version, read) \
	"sinkhole-generation " version "\n" L_SERIAL L_TIME read L_TOOL L_ORIGIN L_REASON BELOW
#define ALL5(read) READ_OF("5", read)

#define X255 \
	"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg" \
	"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg" \
	"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg" \
	"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

/* Append the line that makes everything before it good. */
static size_t with_end(const char *text, size_t len, char out[2 * SINK_MANIFEST_MAX])
{
	uint8_t digest[SINK_DIGEST_LEN];
	char hex[DIGEST_HEX_LEN + 1];

	memcpy(out, text, len);
	ck_assert_int_eq(digest_of(sink_span(text, len), digest), SINK_OK);
	digest_to_hex(digest, hex);
	return len + (size_t)sprintf(out + len, "end %s\n", hex);
}

/* --- texts whose `end` is right --------------------------------------------------------------- */

#define TEXT(text) text, sizeof text - 1

static const struct {
	int err;
	const char *text;
	size_t len;
} texts[] = {
	{ SINK_ECORRUPT, TEXT("") },
	{ SINK_ECORRUPT, TEXT(L_HEAD) },
	{ SINK_EVERSION, TEXT("sinkhole-generation 1\n") },
	{ SINK_EVERSION, TEXT("sinkhole-generation 6\nanything\n") },
	{ SINK_ECORRUPT, TEXT("sinkhole-generation 5\nanything\n") },
	{ SINK_ECORRUPT, TEXT("sinkhole-generation 4\nanything\n") },
	{ SINK_ECORRUPT, TEXT("sinkhole-generation 3\nanything\n") },
	{ SINK_EVERSION, TEXT("sinkhole-generation 0\n" L_SERIAL) },
	{ SINK_ECORRUPT,
		TEXT("sinkhole-generation 02\n" L_SERIAL L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT("sinkhole-generation 2 \n" L_SERIAL L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT("sinkhole-generation  1\n" L_SERIAL L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT("Sinkhole-generation 2\n" L_SERIAL L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(ALL "more\n") },
	{ SINK_ECORRUPT, TEXT(ALL "\n") },
	{ SINK_ECORRUPT, TEXT("\n" ALL) },
	{ SINK_ECORRUPT, TEXT("\xef\xbb\xbf" ALL) },
	{ SINK_ECORRUPT, TEXT(ALL ALL) },
	{ SINK_ECORRUPT, TEXT(ALL L_LISTINGS) },
	{ SINK_ECORRUPT, TEXT(TOP BELOW) }, /* no reason */
	{ SINK_ECORRUPT, TEXT(TOP L_REASON L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD L_TIME L_SERIAL L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP L_REASON L_BASE L_SIZE L_SHA L_NAMES) },
	{ SINK_ECORRUPT, TEXT(L_HEAD "serial 42\r\n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD "serial 042\n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD "serial 0\n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD "serial\n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD "serial \n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD "serial42\n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD "serial +42\n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD "serial -42\n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD "serial 42 \n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD "serial 0x2a\n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT(L_HEAD "serial 9223372036854775808\n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT(L_HEAD
			"serial 18446744073709551658\n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_OK,
		TEXT(L_HEAD "serial 9223372036854775807\n" L_TIME L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT(L_HEAD L_SERIAL
			"time 2026-13-21T12:00:00Z\n" L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT(L_HEAD L_SERIAL
			"time 2026-02-30T12:00:00Z\n" L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT(L_HEAD L_SERIAL
			"time 2026-11-21T24:00:00Z\n" L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT(L_HEAD L_SERIAL
			"time 2026-11-21T12:00:60Z\n" L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT(L_HEAD L_SERIAL
			"time 2026-11-21t12:00:00z\n" L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT(L_HEAD L_SERIAL
			"time 2026-11-21 12:00:00Z\n" L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT(L_HEAD L_SERIAL "time 2026-11-21T12:00:00\n" L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT,
		TEXT(L_HEAD L_SERIAL
			"time 1969-12-31T23:59:59Z\n" L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD L_SERIAL "time 1795262400\n" L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_OK,
		TEXT(L_HEAD L_SERIAL
			"time 1970-01-01T00:00:00Z\n" L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_OK,
		TEXT(L_HEAD L_SERIAL
			"time 2024-02-29T23:59:59Z\n" L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_OK,
		TEXT(L_HEAD L_SERIAL
			"time 9999-12-31T23:59:59Z\n" L_TOOL L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD L_SERIAL L_TIME "tool\n" L_ORIGIN L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(L_HEAD L_SERIAL L_TIME L_TOOL "origin\n" L_REASON BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP "reason \n" BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP "reasons\n" BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP "reason a\tb\n" BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP "reason a\0b\n" BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP "reason \0\n" BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP "reason a\x1b[2Jb\n" BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP "reason a\x7f\n" BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP "reason a\xc2\x9b\n" BELOW) }, /* a control character of 8 bits */
	{ SINK_ECORRUPT, TEXT(TOP "reason caf\xe9\n" BELOW) }, /* Latin 1 */
	{ SINK_ECORRUPT, TEXT(TOP "reason \xc0\xaf\n" BELOW) }, /* a long form of '/' */
	{ SINK_ECORRUPT, TEXT(TOP "reason \xe0\x9f\xbf\n" BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP "reason \xed\xa0\x80\n" BELOW) }, /* a surrogate */
	{ SINK_ECORRUPT, TEXT(TOP "reason \xf0\x8f\xbf\xbf\n" BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP "reason \xf4\x90\x80\x80\n" BELOW) }, /* above U+10FFFF */
	{ SINK_ECORRUPT, TEXT(TOP "reason \xe2\x82\n" BELOW) }, /* broken off */
	{ SINK_ECORRUPT, TEXT(TOP "reason \x80\n" BELOW) },
	{ SINK_OK,
		TEXT(TOP "reason caf\xc3\xa9 \xe2\x82\xac \xed\x9f\xbf \xf0\x9f\x90\xb4\n" BELOW) },
	{ SINK_OK, TEXT(TOP "reason  two spaces \n" BELOW) },
	{ SINK_OK, TEXT(TOP "reason " X255 "\n" BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP "reason " X255 "h\n" BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP "reason " X255 X255 X255 X255 "\n" BELOW) },
	{ SINK_ECORRUPT, TEXT(TOP L_REASON "base\n" L_SIZE L_SHA L_NAMES L_LISTINGS) },
	{ SINK_ECORRUPT, TEXT(TOP L_REASON "base ..\n" L_SIZE L_SHA L_NAMES L_LISTINGS) },
	{ SINK_ECORRUPT, TEXT(TOP L_REASON "base .hidden\n" L_SIZE L_SHA L_NAMES L_LISTINGS) },
	{ SINK_ECORRUPT, TEXT(TOP L_REASON "base ../x.mdb\n" L_SIZE L_SHA L_NAMES L_LISTINGS) },
	{ SINK_ECORRUPT, TEXT(TOP L_REASON "base a/b\n" L_SIZE L_SHA L_NAMES L_LISTINGS) },
	{ SINK_ECORRUPT, TEXT(TOP L_REASON "base /etc/passwd\n" L_SIZE L_SHA L_NAMES L_LISTINGS) },
	{ SINK_ECORRUPT, TEXT(TOP L_REASON L_BASE "base-size 1e6\n" L_SHA L_NAMES L_LISTINGS) },
	{ SINK_ECORRUPT, TEXT(TOP L_REASON L_BASE L_SIZE "base-sha256 \n" L_NAMES L_LISTINGS) },
	{ SINK_ECORRUPT,
		TEXT(TOP L_REASON L_BASE L_SIZE "base-sha256 " SHA "0\n" L_NAMES L_LISTINGS) },
	{ SINK_ECORRUPT,
		TEXT(TOP L_REASON L_BASE L_SIZE
			"base-sha256 "
			"9F86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n" L_NAMES
				L_LISTINGS) },
	{ SINK_ECORRUPT,
		TEXT(TOP L_REASON L_BASE L_SIZE
			"base-sha256 "
			"gf86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n" L_NAMES
				L_LISTINGS) },
	{ SINK_OK, TEXT(ALL) },
	/* version 3 is for a pause, and for nothing else */
	{ SINK_ECORRUPT, TEXT(ALL3) },
	{ SINK_ECORRUPT, TEXT(ALL L_SINCE L_UNTIL) },
	{ SINK_ECORRUPT, TEXT(ALL L_SINCE L_OPEN) },
	{ SINK_ECORRUPT, TEXT(ALL3 L_SINCE) },
	{ SINK_ECORRUPT, TEXT(ALL3 L_UNTIL) },
	{ SINK_ECORRUPT, TEXT(ALL3 L_UNTIL L_SINCE) },
	{ SINK_ECORRUPT, TEXT(ALL3 L_SINCE L_UNTIL L_UNTIL) },
	{ SINK_ECORRUPT, TEXT(ALL3 "paused\n" L_UNTIL) },
	{ SINK_ECORRUPT, TEXT(ALL3 "paused \n" L_UNTIL) },
	{ SINK_ECORRUPT, TEXT(ALL3 "paused 1969-12-31T23:59:59Z\n" L_UNTIL) },
	{ SINK_ECORRUPT, TEXT(ALL3 L_SINCE "paused-until \n") },
	{ SINK_ECORRUPT, TEXT(ALL3 L_SINCE "paused-until never\n") },
	{ SINK_ECORRUPT, TEXT(ALL3 L_SINCE "paused-until 0\n") },
	{ SINK_ECORRUPT, TEXT(ALL3 L_SINCE "paused-until 1969-12-31T23:59:59Z\n") },
	{ SINK_ECORRUPT, TEXT(ALL3 L_SINCE "paused-until 1970-01-01T00:00:00Z\n") },
	{ SINK_OK, TEXT(ALL3 L_SINCE L_UNTIL) },
	{ SINK_OK, TEXT(ALL3 L_SINCE L_OPEN) },
	{ SINK_OK, TEXT(ALL3 "paused 1970-01-01T00:00:00Z\npaused-until 1970-01-01T00:00:01Z\n") },
	{ SINK_OK, TEXT(ALL3 "paused 9999-12-31T23:59:59Z\npaused-until 9999-12-31T23:59:59Z\n") },
	/* version 4 is for live changes and what expires, with a pause or without; in that order, the pause between them */
	{ SINK_ECORRUPT, TEXT(ALL4) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_SINCE L_UNTIL) },
	{ SINK_ECORRUPT, TEXT(ALL L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL L_DELTA L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL3 L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL3 L_CHANGES L_SINCE L_UNTIL) },
	{ SINK_EVERSION, TEXT(HEAD_OF("6") L_DELTA L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_DELTA) }, /* made of what? */
	{ SINK_ECORRUPT, TEXT(ALL4 L_CHANGES L_DELTA) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_DELTA L_DELTA L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_DELTA L_CHANGES L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_SINCE L_UNTIL L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_CHANGES L_SINCE) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_CHANGES "more\n") },
	{ SINK_ECORRUPT, TEXT(ALL4 "delta-size 65536\n" L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL4 "delta\ndelta-size 0\ndelta-sha256 " SHA "\n" L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL4 "delta ../x\ndelta-size 1\ndelta-sha256 " SHA "\n" L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL4 "delta x\ndelta-size -1\ndelta-sha256 " SHA "\n" L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL4 "delta x\ndelta-size 1\n" L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL4 "deltas x\n" L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL4 "changes .x\nchanges-size 1\nchanges-sha256 " SHA "\n") },
	{ SINK_ECORRUPT, TEXT(ALL4 "changes x\nchanges-sha256 " SHA "\n") },
	{ SINK_OK, TEXT(ALL4 L_CHANGES) },
	{ SINK_OK, TEXT(ALL4 L_DELTA L_CHANGES) },
	{ SINK_OK, TEXT(ALL4 L_CHANGES L_SINCE L_OPEN) },
	{ SINK_OK, TEXT(ALL4 L_DELTA L_CHANGES L_SINCE L_UNTIL) },
	{ SINK_ECORRUPT, TEXT(ALL L_EXPIRES) },
	{ SINK_ECORRUPT, TEXT(ALL3 L_EXPIRES) },
	{ SINK_ECORRUPT, TEXT(ALL3 L_SINCE L_UNTIL L_EXPIRES) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_EXPIRES L_SINCE L_UNTIL) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_SINCE L_EXPIRES) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_UNTIL L_EXPIRES) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_EXPIRES L_EXPIRES) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_EXPIRES "end\n") },
	{ SINK_ECORRUPT, TEXT(ALL4 "expires\n") },
	{ SINK_ECORRUPT, TEXT(ALL4 "expires \n") },
	{ SINK_ECORRUPT, TEXT(ALL4 "expires 30d\n") },
	{ SINK_ECORRUPT, TEXT(ALL4 "expires 1970-01-01T00:00:00Z\n") },
	{ SINK_ECORRUPT, TEXT(ALL4 "expires 1969-12-31T23:59:59Z\n") },
	{ SINK_OK, TEXT(ALL4 L_EXPIRES) },
	{ SINK_OK, TEXT(ALL4 L_SINCE L_OPEN L_EXPIRES) },
	{ SINK_OK, TEXT(ALL4 "expires 1970-01-01T00:00:01Z\n") },
	{ SINK_OK, TEXT(ALL4 "expires 9999-12-31T23:59:59Z\n") },
	{ SINK_OK, TEXT(ALL4 L_DELTA L_CHANGES L_SINCE L_UNTIL L_EXPIRES) },
	{ SINK_ECORRUPT, TEXT(ALL4 L_EXPIRES L_CHANGES) },
	/* version 5 is for when it was read, with all the others or without */
	{ SINK_ECORRUPT, TEXT(ALL5("")) },
	{ SINK_ECORRUPT, TEXT(ALL5("") L_CHANGES) },
	{ SINK_ECORRUPT, TEXT(ALL5("") L_READ) },
	{ SINK_ECORRUPT, TEXT(ALL5(L_READ L_READ)) },
	{ SINK_ECORRUPT, TEXT(READ_OF("2", L_READ)) },
	{ SINK_ECORRUPT, TEXT(READ_OF("3", L_READ) L_SINCE L_UNTIL) },
	{ SINK_ECORRUPT, TEXT(READ_OF("4", L_READ) L_CHANGES) },
	{ SINK_EVERSION, TEXT(READ_OF("6", L_READ)) },
	{ SINK_ECORRUPT, TEXT(ALL5("read\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read \n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 2026-11-21T11:59:58Z\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 2026-11-21T11:59:58.25Z\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 2026-11-21T11:59:58.2500000Z\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 2026-11-21T11:59:58.250000\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 2026-11-21T11:59:58.250000z\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 2026-11-21T11:59:58,250000Z\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 2026-11-21T11:59:58.-25000Z\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 2026-11-21T11:59:58.+25000Z\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 2026-11-21T11:59:58. 25000Z\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 2026-11-21T11:59:58.0x2500Z\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 2026-11-21T11:59:58.25 000Z\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 2026-11-31T11:59:58.250000Z\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 1969-12-31T23:59:59.999999Z\n")) },
	{ SINK_ECORRUPT, TEXT(ALL5("read 1970-01-01T00:00:00.000000Z\n")) },
	{ SINK_OK, TEXT(ALL5("read 1970-01-01T00:00:00.000001Z\n")) },
	{ SINK_OK, TEXT(ALL5("read 9999-12-31T23:59:59.999999Z\n")) },
	{ SINK_OK, TEXT(ALL5(L_READ)) },
	{ SINK_OK, TEXT(ALL5(L_READ) L_CHANGES) },
	{ SINK_OK, TEXT(ALL5(L_READ) L_SINCE L_UNTIL) },
	{ SINK_OK, TEXT(ALL5(L_READ) L_DELTA L_CHANGES L_SINCE L_OPEN L_EXPIRES) },
};

START_TEST(text_is_read)
{
	char text[2 * SINK_MANIFEST_MAX], again[SINK_MANIFEST_MAX];
	size_t len = with_end(texts[_i].text, texts[_i].len, text);
	struct sink_manifest manifest;
	struct sink_why why = { "" };

	memset(&manifest, 0xa5, sizeof manifest);
	ck_assert_msg(sink_manifest_parse(sink_span(text, len), &why, &manifest) == texts[_i].err,
		"%s: %s", texts[_i].text, why.text);
	if (texts[_i].err) {
		ck_assert_msg(why.text[0], "a refusal without a reason");
		for (size_t i = 0; i < sizeof manifest; i++)
			ck_assert_uint_eq(((uint8_t *)&manifest)[i], 0xa5);
		return;
	}
	ck_assert_uint_eq(sink_manifest_format(&manifest, again), len);
	ck_assert_mem_eq(again, text, len + 1);
}
END_TEST

/* --- damage ----------------------------------------------------------------------------------- */

START_TEST(example_is_as_documented)
{
	char text[SINK_MANIFEST_MAX], expected[2 * SINK_MANIFEST_MAX];
	size_t len = with_end(TEXT(ALL), expected);
	struct sink_manifest manifest;

	ck_assert_uint_eq(sink_manifest_format(&example, text), len);
	ck_assert_mem_eq(text, expected, len + 1);
	ck_assert_int_eq(sink_manifest_parse(sink_span(text, len), NULL, &manifest), SINK_OK);
	ck_assert_uint_eq(manifest.serial, example.serial);
	ck_assert_int_eq(manifest.time, example.time);
	ck_assert_str_eq(manifest.base, example.base);
	ck_assert_uint_eq(manifest.base_size, example.base_size);
	ck_assert_mem_eq(manifest.base_digest, example.base_digest, SINK_DIGEST_LEN);
	ck_assert_uint_eq(manifest.names, example.names);
	ck_assert_uint_eq(manifest.listings, example.listings);
	ck_assert_str_eq(manifest.origin, example.origin);
	ck_assert_str_eq(manifest.reason, "");
	ck_assert_str_eq(manifest.tool, example.tool);
}
END_TEST

/* What version 2 could not say, and how it is read back. */
START_TEST(pause_is_as_documented)
{
	static const struct {
		int64_t until;
		const char *text;
	} rows[] = {
		{ 1795263000, ALL3 L_SINCE L_UNTIL },
		{ SINK_PAUSED_OPEN, ALL3 L_SINCE L_OPEN },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct sink_manifest paused = example, manifest;
		char text[SINK_MANIFEST_MAX], expected[2 * SINK_MANIFEST_MAX];
		size_t len = with_end(rows[i].text, strlen(rows[i].text), expected);

		paused.paused_since = 1795258800;
		paused.paused_until = rows[i].until;
		ck_assert_uint_eq(sink_manifest_format(&paused, text), len);
		ck_assert_mem_eq(text, expected, len + 1);
		ck_assert_int_eq(sink_manifest_parse(sink_span(text, len), NULL, &manifest),
			SINK_OK);
		ck_assert_int_eq(manifest.paused_since, paused.paused_since);
		ck_assert_int_eq(manifest.paused_until, paused.paused_until);
		ck_assert(sink_is_paused(&manifest, paused.time));
	}
	ck_assert(!sink_is_paused(&example, example.time));
	ck_assert(!sink_is_paused(&example, INT64_MIN)); /* nor is it at any other time */
}
END_TEST

/* What version 3 could not say, and how it is read back. */
START_TEST(changes_are_as_documented)
{
	struct sink_manifest changed = example, manifest;
	char text[SINK_MANIFEST_MAX], expected[2 * SINK_MANIFEST_MAX];
	size_t len = with_end(TEXT(ALL4 L_DELTA L_CHANGES), expected);

	strcpy(changed.delta, "delta-42-9f86d081884c7d65.mdb");
	strcpy(changed.changes, "changes-42-9f86d081884c7d65.txt");
	changed.delta_size = 65536;
	changed.changes_size = 40;
	memcpy(changed.delta_digest, example.base_digest, SINK_DIGEST_LEN);
	memcpy(changed.changes_digest, example.base_digest, SINK_DIGEST_LEN);
	ck_assert_uint_eq(sink_manifest_format(&changed, text), len);
	ck_assert_mem_eq(text, expected, len + 1);
	ck_assert_int_eq(sink_manifest_parse(sink_span(text, len), NULL, &manifest), SINK_OK);
	ck_assert_str_eq(manifest.delta, changed.delta);
	ck_assert_uint_eq(manifest.delta_size, changed.delta_size);
	ck_assert_mem_eq(manifest.delta_digest, changed.delta_digest, SINK_DIGEST_LEN);
	ck_assert_str_eq(manifest.changes, changed.changes);
	ck_assert_uint_eq(manifest.changes_size, changed.changes_size);
	ck_assert_mem_eq(manifest.changes_digest, changed.changes_digest, SINK_DIGEST_LEN);
}
END_TEST

/* Every byte, its `end` line and final line feed included, as every other byte. */
START_TEST(any_changed_byte_is_refused)
{
	struct sink_manifest whole = example;
	char text[SINK_MANIFEST_MAX];
	size_t len;
	struct sink_manifest manifest;

	if (_i > 0) { /* of the other versions */
		whole.paused_since = whole.time;
		whole.paused_until = whole.time + 600;
	}
	if (_i > 1)
		whole.expires = whole.time + 86400;
	strcpy(whole.changes, "changes-42-x.txt");
	len = sink_manifest_format(&whole, text);

	for (size_t i = 0; i < len; i++) {
		for (unsigned flip = 1; flip < 256; flip++) {
			text[i] = (char)(text[i] ^ (char)flip);
			int err = sink_manifest_parse(sink_span(text, len), NULL, &manifest);
			/* Another version's manifest is refused, too, and for the better reason. */
			bool version = err == SINK_EVERSION && i == strlen("sinkhole-generation ");
			ck_assert_msg(err == SINK_ECORRUPT || version, "byte %zu ^ %u: %d", i, flip,
				err);
			text[i] = (char)(text[i] ^ (char)flip);
		}
	}
}
END_TEST

START_TEST(any_other_length_is_refused)
{
	char text[2 * SINK_MANIFEST_MAX];
	size_t len = sink_manifest_format(&example, text);
	struct sink_manifest manifest;

	for (size_t cut = 0; cut < len; cut++) {
		ck_assert_int_eq(sink_manifest_parse(sink_span(text, cut), NULL, &manifest),
			SINK_ECORRUPT);
		ck_assert_int_eq(sink_manifest_parse(sink_span(text + len - cut, cut), NULL,
					 &manifest),
			SINK_ECORRUPT);
	}
	ck_assert_int_eq(sink_manifest_parse(sink_span(NULL, 0), NULL, &manifest), SINK_ECORRUPT);
	ck_assert_int_eq(sink_manifest_parse(sink_span(text, len + 1), NULL, &manifest),
		SINK_ECORRUPT);
	memset(text + len, '\n', sizeof text - len);
	ck_assert_int_eq(sink_manifest_parse(sink_span(text, len + 1), NULL, &manifest),
		SINK_ECORRUPT);
	ck_assert_int_eq(sink_manifest_parse(sink_span(text, sizeof text), NULL, &manifest),
		SINK_ECORRUPT);
}
END_TEST

/* The largest fields there are. */
START_TEST(largest_manifest_fits)
{
	struct sink_manifest large = example, manifest;
	char text[SINK_MANIFEST_MAX];
	size_t len;

	large.serial = large.base_size = large.names = large.listings = large.policy_size =
		large.delta_size = large.changes_size = INT64_MAX;
	large.time = large.paused_since = large.paused_until = large.expires = 253402300799;
	large.signatures_count = SINK_SIGNATURES_MAX;
	large.signatures[1].key[0] = 1;
	memset(large.base, 'b', sizeof large.base - 1);
	memset(large.policy, 'p', sizeof large.policy - 1);
	memset(large.delta, 'd', sizeof large.delta - 1);
	memset(large.changes, 'c', sizeof large.changes - 1);
	memset(large.origin, 'o', sizeof large.origin - 1);
	memset(large.reason, 'r', sizeof large.reason - 1);
	memset(large.tool, 't', sizeof large.tool - 1);
	len = sink_manifest_format(&large, text);
	ck_assert_uint_lt(len, SINK_MANIFEST_MAX);
	ck_assert_int_eq(sink_manifest_parse(sink_span(text, len), NULL, &manifest), SINK_OK);
	ck_assert_str_eq(manifest.reason, large.reason);
	ck_assert_str_eq(manifest.base, large.base);
	ck_assert_uint_eq(manifest.listings, INT64_MAX);
	ck_assert_uint_eq(manifest.signatures_count, SINK_SIGNATURES_MAX);
}
END_TEST

/* --- digests, which all this stands on -------------------------------------------------------- */

/* FIPS 180-4 examples. */
static const struct {
	const char *text, *hex;
} digests[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

START_TEST(digest_is_known)
{
	struct sink_span text = sink_span_text(digests[_i].text);
	uint8_t once[SINK_DIGEST_LEN], pieces[SINK_DIGEST_LEN], read[SINK_DIGEST_LEN];
	char hex[DIGEST_HEX_LEN + 1];
	struct digest *digest;

	ck_assert_int_eq(digest_of(text, once), SINK_OK);
	digest_to_hex(once, hex);
	ck_assert_str_eq(hex, digests[_i].hex);
	ck_assert_int_eq(digest_from_hex(sink_span_text(hex), read), SINK_OK);
	ck_assert_mem_eq(read, once, sizeof once);
	ck_assert_int_eq(digest_begin(&digest), SINK_OK);
	for (size_t i = 0; i < text.len; i++)
		ck_assert_int_eq(digest_add(digest, sink_span(text.at + i, 1)), SINK_OK);
	ck_assert_int_eq(digest_end(digest, pieces), SINK_OK);
	ck_assert_mem_eq(pieces, once, sizeof once);
	digest_free(digest);
	digest_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("manifest");
	TCase *text = tcase_create("text");
	TCase *damage = tcase_create("damage");
	TCase *digest = tcase_create("digest");

	tcase_add_loop_test(text, text_is_read, 0, LENGTH(texts));
	suite_add_tcase(suite, text);
	tcase_add_test(damage, example_is_as_documented);
	tcase_add_test(damage, pause_is_as_documented);
	tcase_add_test(damage, changes_are_as_documented);
	tcase_add_loop_test(damage, any_changed_byte_is_refused, 0, 3);
	tcase_add_test(damage, any_other_length_is_refused);
	tcase_add_test(damage, largest_manifest_fits);
	tcase_set_timeout(damage, 60);
	suite_add_tcase(suite, damage);
	tcase_add_loop_test(digest, digest_is_known, 0, LENGTH(digests));
	suite_add_tcase(suite, digest);
	return run_suite(suite);
}

/* test_structured.c - structured DNS errors, byte by byte. */
#include "structured.h"

#include <jansson.h>

#include "suite.h"

static char mailbox[] = "mailto:abuse@isp.example", phone[] = "tel:+33-1-00-00-00-00";
static char *const contacts[] = { mailbox, phone };

static const struct structured whole = { .contact = contacts,
	.contacts = 2,
	.organization = "Exämple \"ISP\"",
	.language = "en",
	.justification = "hosts/malware",
	.sub_error = 1 };

static void check(const struct structured *error, enum sink_error_size size, const char *wanted)
{
	char *text = structured_text(error, size);
	json_t *json;

	ck_assert_str_eq(text, wanted);
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ck_assert(json_is_object(json));
	json_decref(json);
	free(text);
}

/* The longest that fits is sent: each has less than the one before. */
START_TEST(sizes)
{
	check(&whole, SINK_ERROR_WHOLE,
		"{\"c\":[\"mailto:abuse@isp.example\",\"tel:+33-1-00-00-00-00\"],\"j\":\"hosts/"
		"malware\","
		"\"s\":1,\"o\":\"Exämple \\\"ISP\\\"\",\"l\":\"en\"}");
	check(&whole, SINK_ERROR_NO_JUSTIFICATION,
		"{\"c\":[\"mailto:abuse@isp.example\",\"tel:+33-1-00-00-00-00\"],"
		"\"s\":1,\"o\":\"Exämple \\\"ISP\\\"\",\"l\":\"en\"}");
	check(&whole, SINK_ERROR_NO_ORGANIZATION,
		"{\"c\":[\"mailto:abuse@isp.example\",\"tel:+33-1-00-00-00-00\"],\"s\":1,\"l\":"
		"\"en\"}");
}
END_TEST

START_TEST(only_what_is_said)
{
	struct structured least = {
		.contact = contacts, .contacts = 1, .sub_error = STRUCTURED_NONE
	};

	for (int i = 0; i < SINK_ERROR_SIZES; i++)
		check(&least, (enum sink_error_size)i, "{\"c\":[\"mailto:abuse@isp.example\"]}");
}
END_TEST

START_TEST(codes)
{
	for (unsigned ede = 0; ede <= UINT16_MAX; ede++)
		ck_assert_int_eq(structured_has((uint16_t)ede),
			ede == 15 || ede == 16 || ede == 17);
}
END_TEST

static const struct {
	const char *text;
	bool is_fine;
} texts[] = {
	{ "", true },
	{ "Grüße, 世界 \xf0\x9f\x9a\xab", true },
	{ "\xef\xbf\xbd", true }, /* U+FFFD */
	{ "\xef\xbf\xbe", false }, /* U+FFFE */
	{ "\xef\xbf\xbf", false },
	{ "\xef\xb7\x90", false }, /* U+FDD0 */
	{ "\xef\xb7\xaf", false }, /* U+FDEF */
	{ "\xef\xb7\xb0", true }, /* U+FDF0 */
	{ "\xf0\x9f\xbf\xbe", false }, /* U+1FFFE */
	{ "\xf4\x8f\xbf\xbf", false }, /* U+10FFFF */
	{ "\xed\xa0\x80", false }, /* a surrogate */
	{ "x\xff", false },
};

START_TEST(characters)
{
	ck_assert_int_eq(structured_is_text(sink_span_text(texts[_i].text)), texts[_i].is_fine);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("structured");
	TCase *errors = tcase_create("errors");

	tcase_add_test(errors, sizes);
	tcase_add_test(errors, only_what_is_said);
	tcase_add_test(errors, codes);
	tcase_add_loop_test(errors, characters, 0, LENGTH(texts));
	suite_add_tcase(suite, errors);
	return run_suite(suite);
}

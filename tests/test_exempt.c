/* test_exempt.c - which text is a list of prefixes, and who is in it. */
#include "exempt.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "sinkhole/err.h"
#include "suite.h"

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage client = { .ss_family = AF_UNIX };
	void *at = NULL;

	if (strchr(text, ':')) {
		client.ss_family = AF_INET6;
		at = &((struct sockaddr_in6 *)&client)->sin6_addr;
	} else if (text[0]) {
		client.ss_family = AF_INET;
		at = &((struct sockaddr_in *)&client)->sin_addr;
	}
	ck_assert(!at || inet_pton(client.ss_family, text, at) == 1);
	return client;
}

static const struct {
	const char *prefixes, *client;
	bool in;
} clients[] = {
	{ "127.0.0.2/32", "127.0.0.2", true },
	{ "127.0.0.2/32", "127.0.0.3", false },
	{ "127.0.0.2", "127.0.0.2", true },
	{ "127.0.0.2", "127.0.0.3", false },
	{ "10.0.0.0/8", "10.255.255.255", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "10.128.0.0/9", "10.128.0.1", true },
	{ "10.128.0.0/9", "10.127.255.255", false },
	{ "10.1.2.3/31", "10.1.2.2", true },
	{ "10.1.2.3/31", "10.1.2.4", false },
	{ "0.0.0.0/0", "203.0.113.1", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "203.0.113.1", false },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "2001:db8::1", "2001:db8::1", true },
	{ "2001:db8::1/128", "2001:db8::2", false },
	{ "10.0.0.1,10.0.0.2/32,::1", "10.0.0.2", true },
	{ "10.0.0.1,10.0.0.2/32,::1", "::1", true },
	{ "10.0.0.1,10.0.0.2/32,::1", "10.0.0.3", false },
	{ "0.0.0.0/0,::/0", "", false }, /* a Unix socket */
	{ "", "127.0.0.1", false },
};

START_TEST(who_is_in)
{
	struct sockaddr_storage client = address(clients[_i].client);
	struct exempt *exempt;

	ck_assert_int_eq(exempt_new(clients[_i].prefixes, &exempt), SINK_OK);
	ck_assert_int_eq(exempt_has(exempt, &client), clients[_i].in);
	exempt_free(exempt);
}
END_TEST

static const char *const wrong[] = { ",", "10.0.0.1,", "10.0.0.1,,10.0.0.2", "10.0.0.0/33",
	"::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+1", "10.0.0.0/8x", "10.0.0.0/ 8", "10.0.0",
	"10.0.0.256", "localhost", " 10.0.0.1", "10.0.0.1 ", "/8", "10.0.0.0/8/8", ":",
	"10.0.0.0/4294967297" };

START_TEST(what_is_none)
{
	struct sockaddr_storage client = address("10.0.0.1");
	struct exempt *exempt;

	ck_assert_int_eq(exempt_new(wrong[_i], &exempt), SINK_ESYNTAX);
	ck_assert_ptr_null(exempt);
	ck_assert(!exempt_has(exempt, &client));
}
END_TEST

START_TEST(nobody)
{
	struct sockaddr_storage client = address("10.0.0.1");
	struct exempt *exempt;

	ck_assert_int_eq(exempt_new(NULL, &exempt), SINK_OK);
	ck_assert_ptr_null(exempt);
	ck_assert(!exempt_has(NULL, &client));
}
END_TEST

START_TEST(how_many)
{
	char text[65 * 9 + 1] = "";
	struct exempt *exempt;

	for (int i = 0; i < 64; i++)
		strcat(text, i ? ",10.0.0.1" : "10.0.0.1");
	ck_assert_int_eq(exempt_new(text, &exempt), SINK_OK);
	exempt_free(exempt);
	strcat(text, ",10.0.0.1");
	ck_assert_int_eq(exempt_new(text, &exempt), SINK_ESYNTAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exempt");
	TCase *tests = tcase_create("exempt");

	tcase_add_loop_test(tests, who_is_in, 0, LENGTH(clients));
	tcase_add_loop_test(tests, what_is_none, 0, LENGTH(wrong));
	tcase_add_test(tests, nobody);
	tcase_add_test(tests, how_many);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}

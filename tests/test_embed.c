/* test_embed.c - IPv4 addresses inside IPv6 ones: each length of RFC 6052, what is none, and what becomes of such an
 * address in an answer (facts.c). Regions are Unbound's own; its reader of prefixes is played by this file. */
#include "embed.h"

#include <arpa/inet.h>

#include "facts.h"
#include "suite.h"

#include "util/regional.c"

/* --- Unbound, as far as it is asked here --- */

/* Of "ADDRESS/BITS", or an address alone. */
int netblockstrtoaddr(const char *text, int port, struct sockaddr_storage *out, socklen_t *len,
	int *bits)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	char address[INET6_ADDRSTRLEN];
	size_t before = strcspn(text, "/");
	bool is_v6 = strchr(text, ':') != NULL;

	(void)port;
	memset(out, 0, sizeof *out);
	ck_assert(before < sizeof address);
	memcpy(address, text, before);
	address[before] = '\0';
	out->ss_family = is_v6 ? AF_INET6 : AF_INET;
	*len = is_v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	*bits = text[before] ? atoi(text + before + 1) : is_v6 ? 128 : 32;
	return *bits <= (is_v6 ? 128 : 32) &&
		inet_pton(out->ss_family, address,
			is_v6 ? (void *)&v6->sin6_addr
			      : (void *)&((struct sockaddr_in *)out)->sin_addr) == 1;
}

int addr_is_ip6(struct sockaddr_storage *address, socklen_t len)
{
	return len == sizeof(struct sockaddr_in6) && address->ss_family == AF_INET6;
}

static void configure(const char *prefix)
{
	char text[64];
	struct config_file cfg;

	memset(&cfg, 0, sizeof cfg);
	if (prefix) {
		ck_assert(strlen(prefix) < sizeof text);
		cfg.dns64_prefix = strcpy(text, prefix);
	}
	embed_begin(&cfg);
}

/* --- what is in an address --- */

/* The IPv4 address in it; "-": none. */
static const char *inside(const char *ipv6)
{
	static char text[INET_ADDRSTRLEN];
	uint8_t octets[16], ipv4[4];

	ck_assert_msg(inet_pton(AF_INET6, ipv6, octets) == 1, "%s", ipv6);
	if (!embed_ipv4(octets, ipv4))
		return "-";
	return inet_ntop(AF_INET, ipv4, text, sizeof text);
}

static const struct {
	const char *prefix; /* dns64-prefix, or NULL */
	const char *ipv6;
	const char *wanted;
} rows[] = {
	/* RFC 6052, 2.4 */
	{ "2001:db8::/32", "2001:db8:c000:221::", "192.0.2.33" },
	{ "2001:db8:100::/40", "2001:db8:1c0:2:21::", "192.0.2.33" },
	{ "2001:db8:122::/48", "2001:db8:122:c000:2:2100::", "192.0.2.33" },
	{ "2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::", "192.0.2.33" },
	{ "2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100:0", "192.0.2.33" },
	{ "2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33", "192.0.2.33" },
	{ "64:ff9b::/96", "64:ff9b::192.0.2.33", "192.0.2.33" },
	{ NULL, "64:ff9b::192.0.2.33", "192.0.2.33" },
	{ "2001:db8::/32", "64:ff9b::192.0.2.33", "192.0.2.33" }, /* known besides */

	/* The octet in the middle is no part of it, be it zero, as it must, or not; nor is the suffix. */
	{ "2001:db8::/32", "2001:db8:c000:221:ff00::", "192.0.2.33" },
	{ "2001:db8:100::/40", "2001:db8:1c0:2:ff21::", "192.0.2.33" },
	{ "2001:db8:122::/48", "2001:db8:122:c000:ff02:2100::", "192.0.2.33" },
	{ "2001:db8:122:300::/56", "2001:db8:122:3c0:ff00:221::", "192.0.2.33" },
	{ "2001:db8:122:344::/64", "2001:db8:122:344:ffc0:2:2100:0", "192.0.2.33" },
	{ "2001:db8:122:344::/64", "2001:db8:122:344:c0:2:21ff:ffff", "192.0.2.33" },
	{ "2001:db8::/32", "2001:db8:c000:221:0:ffff:ffff:ffff", "192.0.2.33" },
	/* With 96 bits it is one of the prefix. */
	{ "2001:db8:122:344::/96", "2001:db8:122:344:100::192.0.2.33", "-" },

	/* One bit beside */
	{ "2001:db8::/32", "2001:db9:c000:221::", "-" },
	{ "2001:db8:100::/40", "2001:db8:2c0:2:21::", "-" },
	{ "2001:db8:122:344::/64", "2001:db8:122:345:c0:2:2100:0", "-" },
	{ "2001:db8:122:344::/96", "2001:db8:122:344::1:192.0.2.33", "-" },
	{ NULL, "64:ff9b::1:192.0.2.33", "-" },
	{ NULL, "64:ff9a::192.0.2.33", "-" },
	{ NULL, "64:ff9b:1::192.0.2.33", "-" }, /* RFC 8215: anybody's, hence to be configured */
	{ "64:ff9b:1::/48", "64:ff9b:1:c000:2:2100::", "192.0.2.33" },

	/* What only looks like one */
	{ NULL, "::ffff:192.0.2.33", "-" },
	{ NULL, "::192.0.2.33", "-" },
	{ NULL, "2002:c000:221::", "-" }, /* 6to4 */
	{ NULL, "::", "-" },
	{ "::/96", "::192.0.2.33", "192.0.2.33" }, /* who wants it so */

	/* What is configured is asked first, also where the well-known prefix would say otherwise. */
	{ "64:ff9b::/64", "64:ff9b::192.0.2.33", "0.0.0.192" },

	/* No such lengths: there is none but the well-known one. */
	{ "2001:db8::/33", "2001:db8:c000:221::", "-" },
	{ "2001:db8::/0", "2001:db8:c000:221::", "-" },
	{ "2001:db8::/31", "2001:db8:c000:221::", "-" },
	{ "2001:db8::/72", "2001:db8::c0:2:2100:0", "-" },
	{ "2001:db8::/95", "2001:db8::192.0.2.33", "-" },
	{ "2001:db8::/128", "2001:db8::", "-" },
	{ "2001:db8::", "2001:db8::", "-" },
	{ "192.0.2.0/32", "2001:db8:c000:221::", "-" }, /* of another family */
	{ "nonsense/96", "2001:db8:c000:221::", "-" },
	{ "", "2001:db8:c000:221::", "-" },
	{ "nonsense/96", "64:ff9b::192.0.2.33", "192.0.2.33" },
};

START_TEST(rows_of_addresses)
{
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *seen;

		configure(rows[i].prefix);
		seen = inside(rows[i].ipv6);
		ck_assert_msg(strcmp(seen, rows[i].wanted) == 0, "row %zu: %s in %s", i, seen,
			rows[i].ipv6);
	}
}
END_TEST

/* Configured again, as by a reload: the prefix before is forgotten. */
START_TEST(another_prefix)
{
	configure("2001:db8::/32");
	configure("2001:db8:122:344::/96");
	ck_assert_str_eq(inside("2001:db8:c000:221::"), "-");
	configure(NULL);
	ck_assert_str_eq(inside("2001:db8:122:344::192.0.2.33"), "-");
}
END_TEST

/* --- what becomes of it in an answer --- */

#define RECORDS_MAX 10000
#define RECORD_MAX 64

/* A record set as Unbound keeps it: two octets of length before each RDATA. */
struct set {
	struct ub_packed_rrset_key key;
	struct packed_rrset_data data;
	size_t lengths[RECORDS_MAX];
	uint8_t *at[RECORDS_MAX];
	uint8_t octets[RECORDS_MAX][2 + RECORD_MAX];
};

static struct set set;
static struct facts facts;
static struct regional *region;

static void begin(uint16_t type)
{
	memset(&set, 0, sizeof set);
	set.key.rk.type = htons(type);
	set.key.entry.data = &set.data;
	set.data.rr_len = set.lengths;
	set.data.rr_data = set.at;
	region = regional_create();
	ck_assert_ptr_nonnull(region);
	facts_begin(&facts, region, type, sink_span("", 1));
	configure("2001:db8:122:344::/64");
}

static void add(const void *rdata, size_t len)
{
	size_t i = set.data.count++;

	ck_assert(i < RECORDS_MAX && len <= RECORD_MAX);
	set.octets[i][0] = (uint8_t)(len >> 8);
	set.octets[i][1] = (uint8_t)len;
	memcpy(set.octets[i] + 2, rdata, len);
	set.at[i] = set.octets[i];
	set.lengths[i] = 2 + len;
}

static void add_ipv6(const char *text)
{
	uint8_t octets[16];

	ck_assert_int_eq(inet_pton(AF_INET6, text, octets), 1);
	add(octets, sizeof octets);
}

/* All addresses that were found, a blank after each; ends the region. */
static const char *found(void)
{
	static char text[1024];
	char one[SINK_PREFIX_TEXT_MAX];

	facts_add_addresses_of_set(&facts, &set.key);
	text[0] = '\0';
	for (size_t i = 0; i < facts.addresses_count; i++) {
		ck_assert(sink_prefix_is_good(&facts.addresses[i]));
		strcat(strcat(text, sink_prefix_to_text(&facts.addresses[i], one)), " ");
	}
	ck_assert(!facts.lacking);
	regional_destroy(region);
	return text;
}

START_TEST(facts_of_aaaa)
{
	begin(LDNS_RR_TYPE_AAAA);
	add_ipv6("2001:db8:122:344:c0:2:2100:0");
	add_ipv6("2001:db8::1"); /* none inside */
	add_ipv6("64:ff9b::198.51.100.7");
	add("\40\1\15\270", 4); /* broken off */
	add("", 0);
	ck_assert_str_eq(found(),
		"2001:db8:122:344:c0:2:2100:0 192.0.2.33 2001:db8::1 "
		"64:ff9b::c633:6407 198.51.100.7 ");
}
END_TEST

START_TEST(facts_of_a)
{
	begin(LDNS_RR_TYPE_A);
	add("\300\0\2", 3);
	add("\300\0\2\1", 4);
	add("\300\0\2\1\0", 5);
	ck_assert_str_eq(found(), "192.0.2.1 ");
}
END_TEST

/* 16 octets of another type are no address. */
START_TEST(facts_of_others)
{
	begin(LDNS_RR_TYPE_TXT);
	add_ipv6("64:ff9b::192.0.2.1");
	ck_assert_str_eq(found(), "");
}
END_TEST

/* ipv4hint, then ipv6hint with an address made by DNS64. */
START_TEST(facts_of_https)
{
	static const char record[] =
		"\0\1\0\0\4\0\4\300\0\2\1\0\6\0\20\0\144\377\233\0\0\0\0\0\0\0\0\306\63\144\7";

	begin(LDNS_RR_TYPE_HTTPS);
	add("\0\1\300\14\0\4\0\4\300\0\2\1", 12); /* a compressed target */
	add(record, sizeof record - 1);
	ck_assert_str_eq(found(), "192.0.2.1 64:ff9b::c633:6407 198.51.100.7 ");
}
END_TEST

/* Of more than there is room for, the first ones count. */
START_TEST(facts_have_an_end)
{
	begin(LDNS_RR_TYPE_AAAA);
	for (unsigned i = 0; i < RECORDS_MAX; i++) {
		const uint8_t octets[16] = { 0, 0x64, 0xff,
			0x9b, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i };

		add(octets, sizeof octets);
	}
	facts_add_addresses_of_set(&facts, &set.key);
	ck_assert_uint_eq(facts.addresses_count, FACTS_ADDRESSES_MAX);
	ck_assert(!facts.lacking);
	for (size_t i = 0; i < FACTS_ADDRESSES_MAX; i++) {
		const struct sink_prefix *at = &facts.addresses[i];
		const uint8_t *last = at->bytes + (at->family == 4 ? 2 : 14);

		ck_assert(at->family == (i % 2 ? 4 : 6));
		ck_assert((size_t)(last[0] << 8 | last[1]) == i / 2);
	}
	regional_destroy(region);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("embed");
	TCase *all = tcase_create("all");

	tcase_add_test(all, rows_of_addresses);
	tcase_add_test(all, another_prefix);
	tcase_add_test(all, facts_of_aaaa);
	tcase_add_test(all, facts_of_a);
	tcase_add_test(all, facts_of_others);
	tcase_add_test(all, facts_of_https);
	tcase_add_test(all, facts_have_an_end);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}

/* qtype.c - mnemonics of the IANA registry "Resource Record (RR) TYPEs" that people ask for. */
#include "qtype.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *word;
	uint16_t type;
} rows[] = {
	{ "A", 1 },
	{ "NS", 2 },
	{ "CNAME", 5 },
	{ "SOA", 6 },
	{ "NULL", 10 },
	{ "PTR", 12 },
	{ "HINFO", 13 },
	{ "MX", 15 },
	{ "TXT", 16 },
	{ "AAAA", 28 },
	{ "LOC", 29 },
	{ "SRV", 33 },
	{ "NAPTR", 35 },
	{ "DNAME", 39 },
	{ "DS", 43 },
	{ "SSHFP", 44 },
	{ "RRSIG", 46 },
	{ "NSEC", 47 },
	{ "DNSKEY", 48 },
	{ "NSEC3", 50 },
	{ "TLSA", 52 },
	{ "CDS", 59 },
	{ "CDNSKEY", 60 },
	{ "OPENPGPKEY", 61 },
	{ "SVCB", 64 },
	{ "HTTPS", 65 },
	{ "SPF", 99 },
	{ "ANY", 255 },
	{ "URI", 256 },
	{ "CAA", 257 },
};

static bool parse_number(const char *text, uint16_t *out)
{
	unsigned n = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > 6553)
			return false;
		n = n * 10 + (unsigned)(*text - '0');
	}
	*out = (uint16_t)n;
	return n <= 65535;
}

bool qtype_parse(const char *text, uint16_t *out)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcasecmp(text, rows[i].word) == 0) {
			*out = rows[i].type;
			return true;
		}
	return strncasecmp(text, "TYPE", 4) == 0 && parse_number(text + 4, out);
}

struct qtype_text qtype_text(uint16_t type)
{
	struct qtype_text out;

	snprintf(out.text, sizeof out.text, "TYPE%u", type);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].type == type)
			snprintf(out.text, sizeof out.text, "%s", rows[i].word);
	return out;
}

/* rdata.c - resource data to text. */
#include "rdata.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "sinkhole/err.h"
#include "sinkhole/name.h"

/* Each writes what the data says; false: it is not what its type says, and nothing was written. */
typedef bool put_fn(FILE *to, struct sink_span rdata);

static bool put_address(FILE *to, int family, struct sink_span rdata, size_t len)
{
	char text[INET6_ADDRSTRLEN];

	if (rdata.len != len || !inet_ntop(family, rdata.at, text, sizeof text))
		return false;
	fputs(text, to);
	return true;
}

static bool put_a(FILE *to, struct sink_span rdata)
{
	return put_address(to, AF_INET, rdata, 4);
}

static bool put_aaaa(FILE *to, struct sink_span rdata)
{
	return put_address(to, AF_INET6, rdata, 16);
}

/* Octets that mean something else in no zone file, wherever they stand: all others are written as numbers. */
static bool is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '-' || c == '_' || c == '*';
}

/* One name and no more. */
static bool put_name(FILE *to, struct sink_span rdata)
{
	uint8_t wire[SINK_WIRE_MAX];
	struct sink_name name = { 0 };

	if (sink_name_from_wire(rdata, &name) || sink_name_to_wire(&name, wire) != rdata.len)
		return false;
	if (wire[0] == 0)
		fputc('.', to);
	for (const uint8_t *label = wire; *label > 0; label += 1 + *label) {
		for (uint8_t i = 1; i <= *label; i++)
			fprintf(to, is_plain(label[i]) ? "%c" : "\\%03u", label[i]);
		if (label[1 + *label] > 0)
			fputc('.', to);
	}
	return true;
}

static void put_string(FILE *to, struct sink_span text)
{
	fputc('"', to);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];

		if (c < 32 || c > 126)
			fprintf(to, "\\%03u", c);
		else
			fprintf(to, "%s%c", c == '"' || c == '\\' ? "\\" : "", c);
	}
	fputc('"', to);
}

/* Strings, each behind its length, one at least. */
static bool put_strings(FILE *to, struct sink_span rdata)
{
	size_t at = 0;

	while (at < rdata.len)
		at += 1u + rdata.at[at];
	if (rdata.len == 0 || at != rdata.len)
		return false;
	for (at = 0; at < rdata.len; at += 1u + rdata.at[at]) {
		if (at > 0)
			fputc(' ', to);
		put_string(to, sink_span(rdata.at + at + 1, rdata.at[at]));
	}
	return true;
}

static void put_hex(FILE *to, struct sink_span rdata)
{
	fprintf(to, "\\# %zu", rdata.len);
	for (size_t i = 0; i < rdata.len; i++)
		fprintf(to, "%s%02x", i == 0 ? " " : "", rdata.at[i]);
}

static const struct {
	uint16_t type;
	put_fn *put;
} rows[] = {
	{ 1, put_a }, { 2, put_name }, /* NS */
	{ 5, put_name }, /* CNAME */
	{ 12, put_name }, /* PTR */
	{ 16, put_strings }, /* TXT */
	{ 28, put_aaaa }, { 39, put_name }, /* DNAME */
};

static bool put_known(FILE *to, uint16_t type, struct sink_span rdata)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].type == type)
			return rows[i].put(to, rdata);
	return false;
}

char *rdata_text(uint16_t type, struct sink_span rdata)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return NULL;
	if (!put_known(to, type, rdata))
		put_hex(to, rdata);
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

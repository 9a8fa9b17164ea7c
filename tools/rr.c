/* rr.c - records from text. What ldns is given is one line that we put together, never a file. */
#include "rr.h"

#include <ldns/ldns.h>
#include <stdio.h>

#include "qtype.h"
#include "text.h"

#define WORD_MAX 32 /* bytes of a mnemonic with its NUL; the longest, NSEC3PARAM, has 10 */
/* Nothing longer becomes RDATA that can be stored: \DDD takes 4 bytes for 1. */
#define RDATA_TEXT_MAX ((size_t)4 * SINK_BYTES_MAX + 256)
#define TTL_MAX INT32_MAX /* RFC 2181, 8 */

struct sink_span rr_token(struct sink_span *rest)
{
	size_t n = 0;

	*rest = text_trim(*rest);
	while (n < rest->len && !text_is_space(rest->at[n]))
		n += rest->at[n] == '\\' && n + 1 < rest->len ? 2 : 1;
	struct sink_span token = sink_span(rest->at, n);
	*rest = text_after(*rest, n);
	return token;
}

static uint32_t unit_seconds(uint8_t c)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (text_lower(c) == (uint8_t)units[i].unit)
			return units[i].seconds;
	return 0;
}

enum feed_reason rr_ttl(struct sink_span text, uint32_t *out)
{
	uint64_t sum = 0, number = 0;
	bool has_digit = false, too_large = false;

	for (size_t i = 0; i < text.len; i++) {
		uint32_t unit = unit_seconds(text.at[i]);

		if (text_is_digit(text.at[i])) {
			number = number * 10 + (uint64_t)(text.at[i] - '0');
			has_digit = true;
		} else if (unit > 0 && has_digit) {
			sum += number * unit;
			number = 0;
			has_digit = false;
		} else {
			return FEED_SYNTAX;
		}
		too_large = too_large || number > TTL_MAX || sum > TTL_MAX;
		if (too_large)
			number = sum = 0;
	}
	if (text.len == 0)
		return FEED_SYNTAX;
	if (too_large || sum + number > TTL_MAX)
		return FEED_VALUE;
	*out = (uint32_t)(sum + number);
	return FEED_TAKEN;
}

/* returns  whether it fits and is all letters, digits and '-' */
static bool copy_word(struct sink_span text, char out[WORD_MAX])
{
	if (text.len == 0 || text.len >= WORD_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text_lower(text.at[i]);

		if ((c < 'a' || c > 'z') && !text_is_digit(c) && c != '-')
			return false;
	}
	memcpy(out, text.at, text.len);
	out[text.len] = 0;
	return true;
}

static bool read_class(struct sink_span text, uint16_t *out)
{
	static const struct {
		const char *word;
		uint16_t class;
	} rows[] = { { "in", RR_CLASS_IN }, { "cs", 2 }, { "ch", 3 }, { "hs", 4 } };
	char word[WORD_MAX], number[WORD_MAX];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (text_is_anycase(text, rows[i].word)) {
			*out = rows[i].class;
			return true;
		}
	if (text.len < 6 || !text_is_anycase(sink_span(text.at, 5), "class") ||
		!copy_word(text_after(text, 5), number) ||
		snprintf(word, sizeof word, "TYPE%.5s", number) != (int)text.len - 1)
		return false; /* CLASS1 (RFC 3597, 5) has the form of TYPE1 */
	return qtype_parse(word, out);
}

static enum feed_reason read_type(struct sink_span text, uint16_t *out)
{
	char word[WORD_MAX];

	if (text_is(text, "CNAME")) {
		*out = RR_TYPE_CNAME;
		return FEED_TAKEN;
	}
	if (!copy_word(text, word))
		return FEED_SYNTAX;
	if (qtype_parse(word, out))
		return FEED_TAKEN;
	if (text_is_anycase(sink_span(text.at, text.len < 4 ? text.len : 4), "type"))
		return FEED_RECORD_TYPE; /* ldns would cut TYPE65537 to TYPE1 */
	*out = (uint16_t)ldns_get_rr_type_by_name(word);
	return *out ? FEED_TAKEN : FEED_RECORD_TYPE;
}

enum feed_reason rr_head(struct sink_span line, struct rr_head *out)
{
	bool same = line.len > 0 && text_is_space(line.at[0]);
	struct rr_head head = { .ttl = RR_TTL_NONE, .class = RR_CLASS_IN };
	struct sink_span rest = line, token;
	enum feed_reason reason;

	head.owner = same ? sink_span(line.at, 0) : rr_token(&rest);
	*out = head;
	for (token = rr_token(&rest); token.len > 0; token = rr_token(&rest)) {
		if (head.ttl == RR_TTL_NONE && text_is_digit(token.at[0])) {
			reason = rr_ttl(token, &head.ttl);
			if (reason)
				return reason;
		} else if (head.class_word.len == 0 && read_class(token, &head.class)) {
			head.class_word = token;
		} else {
			reason = read_type(token, &head.type);
			head.type_word = token;
			head.rdata = text_trim(rest);
			*out = head;
			return reason;
		}
	}
	return FEED_SYNTAX;
}

bool rr_type_is_none_of_policy(uint16_t type)
{
	static const uint16_t types[] = {
		LDNS_RR_TYPE_NS,
		LDNS_RR_TYPE_SOA,
		LDNS_RR_TYPE_SIG,
		LDNS_RR_TYPE_KEY,
		LDNS_RR_TYPE_NXT,
		LDNS_RR_TYPE_DNAME,
		LDNS_RR_TYPE_OPT,
		LDNS_RR_TYPE_DS,
		LDNS_RR_TYPE_RRSIG,
		LDNS_RR_TYPE_NSEC,
		LDNS_RR_TYPE_DNSKEY,
		LDNS_RR_TYPE_NSEC3,
		LDNS_RR_TYPE_NSEC3PARAM,
		59 /* CDS */,
		60 /* CDNSKEY */,
		62 /* CSYNC */,
		63 /* ZONEMD */,
		LDNS_RR_TYPE_DLV,
		65534 /* BIND keeps the state of signing in it */,
	};

	if (type == 0 || (type >= 128 && type <= 255)) /* RFC 6895, 3.1: questions and meta-types */
		return true;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (type == types[i])
			return true;
	return false;
}

/* --- RDATA, by ldns ----------------------------------------------------------------------------- */

static ldns_rdf *origin_rdf(const struct sink_name *origin)
{
	uint8_t wire[SINK_WIRE_MAX] = { 0 };
	size_t len = origin ? sink_name_to_wire(origin, wire) : 1;

	return ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, len, wire);
}

/* "\# 4 c0000201" (RFC 3597, 5): ldns cuts what is too long for the type, so we compare.
 *
 * returns  whether the length that the text states, if it does, is `len` */
static bool is_stated_length(struct sink_span text, size_t len)
{
	char number[8];

	if (!text_starts(text, "\\#"))
		return true;
	text = text_after(text, 2);
	struct sink_span token = rr_token(&text);
	if (token.len == 0 || token.len >= sizeof number)
		return false;
	return token.len == (size_t)snprintf(number, sizeof number, "%zu", len) &&
		memcmp(token.at, number, token.len) == 0;
}

static enum feed_reason to_wire(const ldns_rr *rr, struct rr_rdata *out)
{
	ldns_buffer *buffer = ldns_buffer_new(SINK_BYTES_MAX);
	enum feed_reason reason = FEED_VALUE;

	if (buffer && ldns_rr_rdata2buffer_wire(buffer, rr) == LDNS_STATUS_OK &&
		ldns_buffer_position(buffer) + RR_HEAD <= SINK_BYTES_MAX) {
		out->len = (uint16_t)ldns_buffer_position(buffer);
		memcpy(out->bytes, ldns_buffer_begin(buffer), out->len);
		reason = FEED_TAKEN;
	}
	ldns_buffer_free(buffer);
	return reason;
}

enum feed_reason rr_rdata(uint16_t type, struct sink_span text, const struct sink_name *origin,
	struct rr_rdata *out)
{
	enum feed_reason reason = FEED_SYNTAX;
	ldns_rdf *root = NULL;
	ldns_rr *rr = NULL;
	char *line = NULL;

	if (text.len > RDATA_TEXT_MAX)
		return FEED_VALUE;
	if (text.len == 0)
		return FEED_SYNTAX;
	root = origin_rdf(origin);
	if (root &&
		asprintf(&line, ". 0 IN TYPE%u %.*s", type, (int)text.len, (const char *)text.at) <
			0)
		line = NULL;
	if (line && ldns_rr_new_frm_str(&rr, line, 0, root, NULL) == LDNS_STATUS_OK) {
		reason = to_wire(rr, out);
		if (!reason && !is_stated_length(text, out->len))
			reason = FEED_SYNTAX;
		ldns_rr_free(rr);
	}
	free(line);
	ldns_rdf_deep_free(root);
	return reason;
}

/* --- as record.h has it ------------------------------------------------------------------------- */

static uint8_t *put16(uint8_t *to, unsigned value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
	return to + 2;
}

size_t rr_data(uint16_t type, uint32_t ttl, struct sink_span rdata, uint8_t *out)
{
	uint8_t *to = put16(out, type);

	to = put16(to, ttl >> 16);
	to = put16(to, ttl & 0xffff);
	to = put16(to, (unsigned)rdata.len);
	if (rdata.len > 0)
		memcpy(to, rdata.at, rdata.len);
	return RR_HEAD + rdata.len;
}

struct sink_span rr_types_one(uint16_t type, uint8_t out[RR_TYPES_ONE])
{
	out[0] = 0;
	put16(out + 1, type);
	return sink_span(out, RR_TYPES_ONE);
}

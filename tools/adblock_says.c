/* adblock_says.c - $dnstype, $denyallow and $dnsrewrite, as AdGuard's "DNS filtering rules syntax" has them.
 * Whatever is not exactly what it describes is refused: the rule is then left out. */
#include "adblock_says.h"

#include "host.h"
#include "qtype.h"
#include "rr.h"
#include "text.h"

#define TTL 10 /* seconds: what AdGuard Home gives its own answers, unless told otherwise */
#define TYPES_MAX 64 /* in one rule; more than there are in use */
#define NAMES_MAX 128 /* in one rule: no published one has as many */
#define WORD_MAX 16 /* bytes of a type's mnemonic with its NUL */

const char *adblock_says_word(enum adblock_says says)
{
	static const char *const words[] = { "dnstype", "denyallow", "dnsrewrite" };

	return words[says];
}

static uint8_t *put16(uint8_t *to, size_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
	return to + 2;
}

static bool read_type(struct sink_span text, uint16_t *out)
{
	char word[WORD_MAX];

	if (text.len == 0 || text.len >= sizeof word)
		return false;
	memcpy(word, text.at, text.len);
	word[text.len] = 0;
	return qtype_parse(word, out);
}

/* --- $dnstype --------------------------------------------------------------------------------------- */

struct types {
	uint16_t at[TYPES_MAX]; /* rising */
	size_t count;
};

static bool add_type(struct types *types, uint16_t type)
{
	size_t i = types->count;

	while (i > 0 && types->at[i - 1] > type)
		i--;
	if (i > 0 && types->at[i - 1] == type)
		return true;
	if (types->count == TYPES_MAX)
		return false;
	memmove(types->at + i + 1, types->at + i, (types->count - i) * sizeof *types->at);
	types->at[i] = type;
	types->count++;
	return true;
}

/* Types with '~' are those that the rule is not about; beside others they add nothing, so that such a mixture
 * is a mistake, and nobody knows which. */
static bool say_types(struct sink_span value, struct adblock_said *said)
{
	struct types types = { .count = 0 };
	bool more = true, inverted = value.at[0] == '~';
	uint8_t *to = said->types;
	uint16_t type;

	while (more) {
		more = text_find(value, '|') < value.len;
		struct sink_span word = text_trim(text_cut(&value, '|'));

		if ((word.len > 0 && word.at[0] == '~') != inverted)
			return false;
		if (!read_type(text_after(word, inverted), &type) || !add_type(&types, type))
			return false;
	}
	*to++ = inverted;
	for (size_t i = 0; i < types.count; i++)
		to = put16(to, types.at[i]);
	said->attributes.record.types = sink_span(said->types, (size_t)(to - said->types));
	return true;
}

/* --- $denyallow ------------------------------------------------------------------------------------- */

struct names {
	struct sink_name at[NAMES_MAX];
	const struct sink_name *order[NAMES_MAX]; /* by key, rising */
	size_t count;
};

static bool add_name(struct names *names, struct sink_span text)
{
	struct sink_name *name = &names->at[names->count];
	size_t i = names->count;
	int order = 1;

	if (names->count == NAMES_MAX || host_name(text, name))
		return false;
	while (i > 0) {
		order = sink_span_compare(sink_name_key(name), sink_name_key(names->order[i - 1]));
		if (order >= 0)
			break;
		i--;
	}
	if (i > 0 && order == 0)
		return true;
	memmove(names->order + i + 1, names->order + i,
		(names->count - i) * sizeof(const struct sink_name *));
	names->order[i] = name;
	names->count++;
	return true;
}

static bool put_names(const struct names *names, struct adblock_said *said)
{
	size_t len = 0;

	for (size_t i = 0; i < names->count; i++) {
		struct sink_span key = sink_name_key(names->order[i]);

		if (2 + key.len > sizeof said->except - len)
			return false;
		put16(said->except + len, key.len);
		memcpy(said->except + len + 2, key.at, key.len);
		len += 2 + key.len;
	}
	said->attributes.record.except = sink_span(said->except, len);
	return true;
}

static bool say_except(struct sink_span value, struct adblock_said *said)
{
	struct names names;
	bool more = true;

	names.count = 0;
	while (more) {
		more = text_find(value, '|') < value.len;
		if (!add_name(&names, text_trim(text_cut(&value, '|'))))
			return false;
	}
	return put_names(&names, said);
}

/* --- $dnsrewrite ------------------------------------------------------------------------------------ */

/* Codes that can be asked for; SERVFAIL and the others cannot. */
static bool say_code(struct sink_span code, struct adblock_said *said)
{
	static const struct {
		const char *word;
		enum sink_hint hint;
	} rows[] = { { "NOERROR", SINK_HINT_NODATA }, { "NXDOMAIN", SINK_HINT_NXDOMAIN },
		{ "REFUSED", SINK_HINT_REFUSED } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (text_is(code, rows[i].word)) {
			said->attributes.record.hint = rows[i].hint;
			return true;
		}
	return false;
}

static void say_data(uint16_t type, struct sink_span rdata, struct adblock_said *said)
{
	struct sink_record *record = &said->attributes.record;

	record->hint = SINK_HINT_DATA;
	record->data = sink_span(said->data, rr_data(type, TTL, rdata, said->data));
	/* rules of one host add up, and lines do not know each other: each is about its own type */
	if (record->types.len == 0 && type != RR_TYPE_CNAME)
		record->types = rr_types_one(type, said->types);
}

/* returns  whether it is an address of that type; one that leads nowhere blocks, and says nothing else */
static bool say_address(uint16_t type, struct sink_span text, struct adblock_said *said)
{
	struct sink_prefix address;
	bool wants_v4 = type == RR_TYPE_A;

	if (sink_prefix_from_text(text, &address) || address.family != (wants_v4 ? 4 : 6) ||
		address.bits != (wants_v4 ? 32 : 128))
		return false;
	if (!host_is_sink(text))
		say_data(type, sink_span(address.bytes, wants_v4 ? 4 : 16), said);
	return true;
}

static bool say_alias(struct sink_span text, struct adblock_said *said)
{
	uint8_t wire[SINK_WIRE_MAX];
	struct sink_name name;

	if (host_name(text, &name) || name.labels == 0)
		return false;
	say_data(RR_TYPE_CNAME, sink_span(wire, sink_name_to_wire(&name, wire)), said);
	return true;
}

/* One string of 255 octets, which needs no quotation marks here but does in a zone file. */
static bool say_text(struct sink_span text, struct adblock_said *said)
{
	uint8_t rdata[256];
	size_t len = 1;

	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\\' && i + 1 < text.len && text.at[i + 1] == ',')
			i++;
		if (len == sizeof rdata)
			return false;
		rdata[len++] = text.at[i];
	}
	rdata[0] = (uint8_t)(len - 1);
	say_data(16, sink_span(rdata, len), said);
	return true;
}

/* MX, SRV, SVCB, HTTPS, PTR: as in a zone file. */
static bool say_record(uint16_t type, struct sink_span value, struct adblock_said *said)
{
	static const uint16_t types[] = { 12, 15, 33, 64, 65 };
	struct rr_rdata rdata;

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (type != types[i] || rr_rdata(type, value, RR_ORIGIN_NONE, &rdata))
			continue;
		say_data(type, sink_span(rdata.bytes, rdata.len), said);
		return true;
	}
	return false;
}

/* "NOERROR;A;192.0.2.1", "NXDOMAIN;;" */
static bool say_full(struct sink_span rest, struct adblock_said *said)
{
	struct sink_span code = text_cut(&rest, ';');
	struct sink_span word = text_trim(text_cut(&rest, ';'));
	struct sink_span value = text_trim(rest);
	uint16_t type;

	if (word.len == 0)
		return value.len == 0 && say_code(code, said);
	if (!text_is(code, "NOERROR") || !read_type(word, &type))
		return false;
	switch (type) {
	case RR_TYPE_A:
	case RR_TYPE_AAAA:
		return say_address(type, value, said);
	case RR_TYPE_CNAME:
		return say_alias(value, said);
	case 16:
		return say_text(value, said);
	default:
		return say_record(type, value, said);
	}
}

static bool is_keyword(struct sink_span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < 'A' || text.at[i] > 'Z')
			return false;
	return true;
}

static bool say_rewrite(struct sink_span value, struct adblock_said *said)
{
	if (text_find(value, ';') < value.len)
		return say_full(value, said);
	if (is_keyword(value))
		return say_code(value, said);
	if (host_is_address(value))
		return say_address(text_has(value, ":") ? RR_TYPE_AAAA : RR_TYPE_A, value, said);
	return say_alias(value, said);
}

/* --------------------------------------------------------------------------------------------------- */

bool adblock_say(const struct sink_span values[ADBLOCK_SAYS_COUNT], bool allows,
	struct adblock_said *out, enum adblock_says *refused)
{
	static bool (*const say[])(struct sink_span value, struct adblock_said * said) = {
		[ADBLOCK_DNSTYPE] = say_types, /* before the rewriting, which asks for them */
		[ADBLOCK_DENYALLOW] = say_except,
		[ADBLOCK_DNSREWRITE] = say_rewrite,
	};

	attributes_init(&out->attributes);
	for (int i = 0; i < ADBLOCK_SAYS_COUNT; i++) {
		*refused = (enum adblock_says)i;
		if (values[i].len > 0 &&
			((i == ADBLOCK_DNSREWRITE && allows) || !say[i](values[i], out)))
			return false;
	}
	return true;
}

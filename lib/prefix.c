/* prefix.c - addresses and prefixes, from text and back. */
#include "sinkhole/prefix.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "sinkhole/err.h"

#define ADDRESS_MAX 48 /* bytes of an address in text with its NUL, more than any has */

static unsigned bits_of(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

/* Digits without a leading zero, at most `most`. */
static bool read_bits(struct sink_span text, unsigned most, uint8_t *out)
{
	unsigned n = 0;

	if (text.len == 0 || text.len > 3 || (text.len > 1 && text.at[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		n = n * 10 + (unsigned)(text.at[i] - '0');
	}
	*out = (uint8_t)n;
	return n <= most;
}

/* The two halves of its bytes, as numbers that compare as they do. */
static uint64_t half_of(const struct sink_prefix *p, size_t half)
{
	uint64_t value;

	memcpy(&value, p->bytes + 8 * half, sizeof value);
	return be64toh(value);
}

/* Zero the bits of a half behind the prefix's length; tells whether they were zero. */
static bool trim_half(struct sink_prefix *p, size_t half)
{
	unsigned from = half ? 64 : 0;
	uint64_t mask = p->bits <= from ? UINT64_MAX
		: p->bits >= from + 64	? 0
					: UINT64_MAX >> (p->bits - from);
	uint64_t value = half_of(p, half), kept = htobe64(value & ~mask);

	memcpy(p->bytes + 8 * half, &kept, sizeof kept);
	return (value & mask) == 0;
}

/* Zero the bits behind the prefix's length; tells whether they were zero. */
static bool trim(struct sink_prefix *p)
{
	bool first = trim_half(p, 0), second = trim_half(p, 1);

	return first && second;
}

int sink_prefix_from_text(struct sink_span text, struct sink_prefix *out)
{
	const uint8_t *slash = text.len > 0 ? memchr(text.at, '/', text.len) : NULL;
	size_t len = slash ? (size_t)(slash - text.at) : text.len;
	struct sink_prefix p = { .family = 4, .bits = 32 };
	char address[ADDRESS_MAX];

	if (len == 0 || len >= sizeof address || memchr(text.at, 0, len))
		return SINK_ESYNTAX;
	memcpy(address, text.at, len);
	address[len] = 0;
	if (inet_pton(AF_INET, address, p.bytes) != 1) {
		p.family = 6;
		p.bits = 128;
		if (inet_pton(AF_INET6, address, p.bytes) != 1)
			return SINK_ESYNTAX;
	}
	if (slash && !read_bits(sink_span(slash + 1, text.len - len - 1), p.bits, &p.bits))
		return SINK_ESYNTAX;
	if (!trim(&p))
		return SINK_EINVAL;
	*out = p;
	return SINK_OK;
}

char *sink_prefix_to_text(const struct sink_prefix *prefix, char out[SINK_PREFIX_TEXT_MAX])
{
	bool is_v4 = prefix->family == 4;
	size_t len;

	inet_ntop(is_v4 ? AF_INET : AF_INET6, prefix->bytes, out, SINK_PREFIX_TEXT_MAX);
	len = strlen(out);
	if (prefix->bits < bits_of(prefix->family))
		snprintf(out + len, SINK_PREFIX_TEXT_MAX - len, "/%u", prefix->bits);
	return out;
}

bool sink_prefix_is_good(const struct sink_prefix *prefix)
{
	struct sink_prefix cut = *prefix;

	return (prefix->family == 4 || prefix->family == 6) &&
		prefix->bits <= bits_of(prefix->family) && trim(&cut);
}

struct sink_prefix sink_prefix_unmap(const struct sink_prefix *prefix)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct sink_prefix v4 = { .family = 4, .bits = (uint8_t)(prefix->bits - 96) };

	if (prefix->family != 6 || prefix->bits < 96 ||
		memcmp(prefix->bytes, mapped, sizeof mapped) != 0)
		return *prefix;
	memcpy(v4.bytes, prefix->bytes + sizeof mapped, 4);
	return v4;
}

void sink_prefix_cut(struct sink_prefix *prefix, uint8_t bits)
{
	prefix->bits = bits;
	trim(prefix);
}

int sink_prefix_compare(const struct sink_prefix *a, const struct sink_prefix *b)
{
	if (a->family != b->family)
		return a->family - b->family;
	for (size_t half = 0; half < 2; half++) {
		uint64_t x = half_of(a, half), y = half_of(b, half);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return a->bits - b->bits;
}

bool sink_prefix_covers(const struct sink_prefix *a, const struct sink_prefix *b)
{
	struct sink_prefix cut = *b;

	if (a->family != b->family || a->bits > b->bits)
		return false;
	sink_prefix_cut(&cut, a->bits);
	return memcmp(cut.bytes, a->bytes, sizeof cut.bytes) == 0;
}

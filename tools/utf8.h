/* utf8.h - one character of UTF-8, strictly (RFC 3629): no surrogates, no longer forms than needed. */
#ifndef TOOLS_UTF8_H
#define TOOLS_UTF8_H

#include "sinkhole/span.h"

/* returns  the bytes of the first character, 1 to 4; 0 if there is none or it is not valid */
static inline size_t utf8_take(struct sink_span text, uint32_t *out)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = text.len > 0 ? text.at[0] : 0xff;
	size_t n = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c = n <= 1 ? first : first & (0x7fu >> n);

	if (n == 0 || first >= 0xf8 || n > text.len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((text.at[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text.at[i] & 0x3f);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return n;
}

static inline bool utf8_is_valid(struct sink_span text)
{
	uint32_t c;

	while (text.len > 0) {
		size_t n = utf8_take(text, &c);

		if (n == 0)
			return false;
		text = sink_span(text.at + n, text.len - n);
	}
	return true;
}

#endif

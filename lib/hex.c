/* hex.c - hexadecimal digits. The locale has no say. */
#include "hex.h"

void hex_write(struct sink_span bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		*out++ = digits[bytes.at[i] >> 4];
		*out++ = digits[bytes.at[i] & 15];
	}
	*out = 0;
}

/* The value of a digit, or 16. */
static unsigned digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - (unsigned)'0';
	if (c >= 'a' && c <= 'f')
		return c - (unsigned)'a' + 10;
	return 16;
}

bool hex_read(struct sink_span text, uint8_t *out, size_t len)
{
	if (text.len != 2 * len)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (digit(text.at[i]) > 15)
			return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(digit(text.at[2 * i]) << 4 | digit(text.at[2 * i + 1]));
	return true;
}

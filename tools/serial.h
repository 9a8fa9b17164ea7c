/* serial.h - a generation's number as users type it. */
#ifndef TOOLS_SERIAL_H
#define TOOLS_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal, from 1, below 2^63, without leading zeros. */
static inline bool serial_parse(const char *text, uint64_t *out)
{
	uint64_t n = 0;

	if (*text < '1' || *text > '9')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > (UINT64_C(1) << 63) / 10 - 1)
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	*out = n;
	return true;
}

#endif

/* quantity.c - digits, and the unit behind them. */
#include "quantity.h"

#include <string.h>

#define DIGITS_MAX 18 /* cannot overflow */

/* Take the digits off the front of *text. */
static bool take_digits(const char **text, size_t most, uint64_t *out)
{
	size_t digits = strspn(*text, "0123456789");
	uint64_t n = 0;

	if (digits == 0 || digits > most)
		return false;
	for (size_t i = 0; i < digits; i++)
		n = n * 10 + (uint64_t)((*text)[i] - '0');
	*text += digits;
	*out = n;
	return true;
}

#define DAY (INT64_C(24) * 3600)

bool quantity_seconds(const char *text, int64_t *out)
{
	static const char units[] = "smhdw";
	static const int64_t seconds[] = { 1, 60, 3600, DAY, 7 * DAY };
	const char *unit;
	uint64_t n;

	if (!take_digits(&text, 11, &n) || !text[0] || text[1])
		return false;
	unit = strchr(units, text[0]);
	if (!unit || (int64_t)n > 365000 * DAY / seconds[unit - units])
		return false;
	*out = (int64_t)n * seconds[unit - units];
	return true;
}

bool quantity_bytes(const char *text, uint64_t *out)
{
	static const char units[] = "KMG";
	const char *unit = NULL;
	uint64_t n;

	if (!take_digits(&text, DIGITS_MAX, &n))
		return false;
	if (text[0]) {
		unit = strchr(units, text[0]);
		if (!unit || text[1])
			return false;
	}
	for (; unit && unit >= units; unit--) {
		if (n > UINT64_MAX / 1024)
			return false;
		n *= 1024;
	}
	*out = n;
	return true;
}

bool quantity_percent(const char *text, double *out)
{
	uint64_t whole, part = 0;
	double scale = 1;

	if (!take_digits(&text, 6, &whole))
		return false;
	if (*text == '.') {
		const char *from = ++text;

		if (!take_digits(&text, 3, &part))
			return false;
		for (; from < text; from++)
			scale *= 10;
	}
	if (strcmp(text, "%") != 0)
		return false;
	*out = (double)whole + (double)part / scale;
	return true;
}

bool quantity_count(const char *text, uint64_t *out)
{
	uint64_t n;

	if (!take_digits(&text, DIGITS_MAX, &n) || *text)
		return false;
	*out = n;
	return true;
}

bool quantity_threshold(const char *text, uint64_t *out)
{
	if (strcmp(text, "never") != 0)
		return quantity_count(text, out);
	*out = 0;
	return true;
}

/* when.c - a date, perhaps a time, perhaps a zone: RFC 3339 and its looser relatives. */
#include "when.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Read exactly `digits` digits. */
static bool take_digits(const char **at, int digits, int *out)
{
	int n = 0;

	for (int i = 0; i < digits; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		n = n * 10 + (**at - '0');
	}
	*out = n;
	return true;
}

static bool take_char(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static int days_in(int month, int year)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(const char **at, struct tm *tm)
{
	int year, month, day;

	if (!take_digits(at, 4, &year) || !take_char(at, '-') || !take_digits(at, 2, &month) ||
		!take_char(at, '-') || !take_digits(at, 2, &day))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(month, year))
		return false;
	*tm = (struct tm){ .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };
	return true;
}

/* The digits behind the point; those behind a microsecond count for nothing. */
static bool take_fraction(const char **at, int *micros)
{
	int scale = 100000;

	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
		*micros += (**at - '0') * scale;
	return true;
}

static bool take_time(const char **at, struct tm *tm, int *micros)
{
	if (!take_digits(at, 2, &tm->tm_hour) || !take_char(at, ':') ||
		!take_digits(at, 2, &tm->tm_min))
		return false;
	if (take_char(at, ':')) {
		if (!take_digits(at, 2, &tm->tm_sec))
			return false;
		if (take_char(at, '.') && !take_fraction(at, micros))
			return false;
	}
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

/* Another word for no difference at all; what is not known (EST) is none. */
static bool take_utc(const char **at)
{
	static const char *const words[] = { "Z", "z", "UTC", "GMT" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(*at, words[i]) == 0) {
			*at += strlen(words[i]);
			return true;
		}
	return false;
}

/* Seconds east of Greenwich: "+01:00" as RFC 3339 has it, "+0100" and "+01" as ISO 8601 does too. */
static bool take_zone(const char **at, int64_t *out)
{
	int sign, hours, minutes = 0;

	*out = 0;
	if (**at == 0)
		return true;
	take_char(at, ' ');
	if (take_utc(at))
		return true;
	sign = **at == '-' ? -1 : 1;
	if (!take_char(at, '+') && !take_char(at, '-'))
		return false;
	if (!take_digits(at, 2, &hours) ||
		((take_char(at, ':') || **at) && !take_digits(at, 2, &minutes)) || hours > 23 ||
		minutes > 59)
		return false;
	*out = sign * ((int64_t)hours * 3600 + (int64_t)minutes * 60);
	return true;
}

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

/* Decimal seconds, without sign or leading zeros, within four-digit years. */
static bool parse_seconds(const char *text, int64_t *out)
{
	int64_t n = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > LAST_SECOND)
			return false;
		n = n * 10 + (*text - '0');
	}
	if (n > LAST_SECOND)
		return false;
	*out = n;
	return true;
}

static bool parse(const char *text, int64_t *out, int *micros)
{
	struct tm tm;
	int64_t zone = 0;

	if (*text == '@')
		return parse_seconds(text + 1, out);
	if (!take_date(&text, &tm))
		return false;
	if (*text == 'T' || *text == 't' || *text == ' ') {
		text++;
		if (!take_time(&text, &tm, micros) || !take_zone(&text, &zone))
			return false;
	}
	if (*text)
		return false;
	zone = (int64_t)timegm(&tm) - zone;
	if (zone < 0)
		return false;
	*out = zone;
	return true;
}

bool when_parse(const char *text, int64_t *out)
{
	int micros = 0;

	return parse(text, out, &micros);
}

bool when_parse_micros(const char *text, int64_t *out)
{
	int micros = 0;
	int64_t seconds;

	if (!parse(text, &seconds, &micros))
		return false;
	*out = seconds * 1000000 + micros;
	return true;
}

static const char *given(void)
{
	return getenv("SOURCE_DATE_EPOCH");
}

bool when_is_given(void)
{
	return given() != NULL;
}

bool when_reproducible(int64_t *out)
{
	const char *epoch = given();

	if (epoch)
		return parse_seconds(epoch, out);
	*out = (int64_t)time(NULL);
	return true;
}

bool when_reproducible_micros(int64_t *out)
{
	struct timespec now;
	int64_t seconds;

	if (!given()) {
		clock_gettime(CLOCK_REALTIME, &now);
		*out = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
		return true;
	}
	if (!when_reproducible(&seconds))
		return false;
	*out = seconds * 1000000;
	return true;
}

/* say.c - printing. */
#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include "utf8.h"

#define MICROS 1000000

#define TEXT_MAX 1024 /* bytes of a message */
#define PROGRESS_MS 100

static bool is_shown; /* a progress line stands on the terminal */

/* Characters that move or hide others: controls, and the marks that turn text around. */
static bool is_safe(uint32_t c)
{
	return c >= 0x20 && !(c >= 0x7f && c < 0xa0) && !(c >= 0x200b && c <= 0x200f) &&
		!(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff;
}

void put_text(FILE *to, struct sink_span text, size_t max)
{
	size_t at = 0, shown = text.len < max ? text.len : max;

	while (at < shown) {
		uint32_t c;
		size_t n = utf8_take(sink_span(text.at + at, text.len - at), &c);

		if (n > 0 && is_safe(c)) {
			fwrite(text.at + at, 1, n, to);
		} else {
			n = n > 0 ? n : 1;
			for (size_t i = 0; i < n; i++)
				fprintf(to, "\\x%02X", text.at[at + i]);
		}
		at += n;
	}
	if (at < text.len)
		fputs("...", to);
}

void say(const char *format, ...)
{
	char text[TEXT_MAX];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	progress_end();
	fputs("sinkhole: ", stderr);
	put_text(stderr, sink_span_text(text), sizeof text);
	fputc('\n', stderr);
}

bool is_note(const char *text)
{
	if (strlen(text) >= SINK_NOTE_MAX || !utf8_is_valid(sink_span_text(text)))
		return false;
	for (const char *c = text; *c; c++)
		if ((uint8_t)*c < 0x20 || *c == 0x7f)
			return false;
	return true;
}

struct number number(uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
	struct number out;
	size_t to = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out.text[to++] = ',';
		out.text[to++] = digits[i];
	}
	out.text[to] = 0;
	return out;
}

const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

struct moment moment(int64_t time)
{
	struct moment out;
	time_t t = (time_t)time;
	struct tm tm;

	/* far beyond any calendar: the number itself */
	if (!gmtime_r(&t, &tm) || tm.tm_year > 8099)
		snprintf(out.text, sizeof out.text, "@%lld", (long long)time);
	else
		strftime(out.text, sizeof out.text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

struct instant instant(int64_t micros)
{
	struct moment second = moment(micros / MICROS);
	struct instant out;

	second.text[strcspn(second.text, "Z")] = 0;
	snprintf(out.text, sizeof out.text, "%s.%06dZ", second.text, (int)(micros % MICROS));
	return out;
}

int64_t read_to_published(const struct sink_manifest *m)
{
	int64_t span = m->time - m->read / MICROS;

	return span > 0 ? span : 0;
}

static bool is_due(void)
{
	static int64_t last; /* ms */
	struct timespec now;
	int64_t ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (last != 0 && ms - last < PROGRESS_MS)
		return false;
	last = ms;
	return true;
}

void progress(const char *format, ...)
{
	char text[120];
	va_list list;

	if (!isatty(STDERR_FILENO) || !is_due())
		return;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	fputc('\r', stderr);
	put_text(stderr, sink_span_text(text), sizeof text);
	fputs("\033[K", stderr);
	fflush(stderr);
	is_shown = true;
}

void progress_end(void)
{
	if (is_shown) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	is_shown = false;
}

bool finish_output(void)
{
	progress_end();
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	say("cannot write to standard output: %s", strerror(errno));
	return false;
}

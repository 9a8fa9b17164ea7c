/* lines.c - one buffer, of a megabyte if there is so much, memchr() for the ends of lines, no allocation a line. */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "input.h"
#include "sinkhole/grow.h"

#define HEAD_MAX 128 /* bytes kept of a line that is too long */

struct lines {
	struct input *input;
	uint8_t *buffer; /* NULL after a rewind */
	size_t size, at, end; /* bytes: of buffer, next to give out, filled */
	bool eof;
	int err; /* what the next call returns */
	uint64_t number, count_max;
	uint8_t head[HEAD_MAX];
	char problem[128]; /* of the last call; empty: none */
};

/* What a file begins with that is no text we could read, and what to do about it. */
static const struct {
	size_t at; /* offset */
	const char *bytes;
	size_t len;
	const char *what;
} refused[] = {
	{ 0, "\xff\xfe", 2, "UTF-16 or UTF-32 text: convert it to UTF-8 first" },
	{ 0, "\xfe\xff", 2, "UTF-16 text: convert it to UTF-8 first" },
	{ 0, "\0\0\xfe\xff", 4, "UTF-32 text: convert it to UTF-8 first" },
	{ 0, "PK\x03\x04", 4, "a zip archive: unpack it first" },
	{ 0, "PK\x05\x06", 4, "a zip archive: unpack it first" },
	{ 0, "7z\xbc\xaf\x27\x1c", 6, "a 7z archive: unpack it first" },
	{ 0, "Rar!\x1a\x07", 6, "a rar archive: unpack it first" },
	{ 257, "ustar", 5, "a tar archive: unpack it first" },
	{ 0, "\x1f\x9d", 2, "compressed by compress: decompress it first" },
	{ 0, "\x04\x22\x4d\x18", 4, "compressed by lz4: decompress it first" },
	{ 0, "LZIP\x01", 5, "compressed by lzip: decompress it first" },
};

/* UTF-16 without a mark: ASCII letters with zero bytes between. */
static bool is_bare_utf16(const uint8_t *at, size_t len)
{
	return len >= 4 &&
		((at[0] && !at[1] && at[2] && !at[3]) || (!at[0] && at[1] && !at[2] && at[3]));
}

static int refuse(const struct lines *l, struct sink_why *why, const char *title)
{
	const char *outer = lines_compression(l);
	const struct codec *inner = outer ? codec_of(sink_span(l->buffer, l->end)) : NULL;

	if (inner)
		return sink_why(why, SINK_ESYNTAX, "'%.300s': compressed twice, by %s in %s", title,
			inner->word, outer);
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		if (l->end >= refused[i].at + refused[i].len &&
			memcmp(l->buffer + refused[i].at, refused[i].bytes, refused[i].len) == 0)
			return sink_why(why, SINK_ESYNTAX, "'%.300s': %s", title, refused[i].what);
	if (is_bare_utf16(l->buffer, l->end))
		return sink_why(why, SINK_ESYNTAX, "'%.300s': %s", title, refused[0].what);
	return SINK_OK;
}

/* Keep what is to be said of a failure. */
static int failed(struct lines *l, int err)
{
	snprintf(l->problem, sizeof l->problem, "%s", input_problem(l->input));
	return err;
}

static int no_memory(struct lines *l)
{
	snprintf(l->problem, sizeof l->problem, "no memory");
	return SINK_ENOMEM;
}

/* Read until a whole buffer is full or the input ends. */
static int fill(struct lines *l)
{
	while (!l->eof && l->end < LINES_BUFFER) {
		uint8_t *buffer = sink_grow_by(l->buffer, l->end, &l->size, 1);
		size_t got;
		int err;

		if (!buffer)
			return no_memory(l);
		l->buffer = buffer;
		err = input_read(l->input, l->buffer + l->end, l->size - l->end, &got);
		if (err)
			return failed(l, err);
		l->eof = got == 0;
		l->end += got;
	}
	return SINK_OK;
}

static void skip_mark(struct lines *l)
{
	if (l->buffer && l->end >= 3 && memcmp(l->buffer, "\xef\xbb\xbf", 3) == 0)
		l->at = 3;
}

/* The first fill, also after a rewind. */
static int begin(struct lines *l)
{
	int err = fill(l);

	if (!err)
		skip_mark(l);
	return err;
}

static int check_kind(int fd, const char *path, struct sink_why *why)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return sink_why(why, SINK_EIO, "'%.300s': %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return sink_why(why, SINK_ESYNTAX, "'%.300s' is a directory", path);
	if (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) || is_stdin)
		return SINK_OK;
	return sink_why(why, SINK_ESYNTAX, "'%.300s' is neither a file nor a pipe", path);
}

static int open_path(const char *path, struct sink_why *why, int *out)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					: open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int err = errno == ENOENT ? SINK_ENOENT : SINK_EIO;

	if (fd < 0)
		return sink_why(why, err, "'%.300s': %s", path, strerror(errno));
	err = check_kind(fd, path, why);
	if (err) {
		close(fd);
		return err;
	}
	*out = fd;
	return SINK_OK;
}

static int explain(struct sink_why *why, int err, const char *title, const char *problem)
{
	return sink_why(why, err, "'%.300s': %s", title, *problem ? problem : sink_strerror(err));
}

/* Takes over the input. */
static int open_input(struct input *input, const char *title, struct sink_why *why,
	struct lines **out)
{
	struct lines *l = calloc(1, sizeof *l);
	int err = SINK_ENOMEM;

	if (!l) {
		input_close(input);
		return explain(why, err, title, "no memory");
	}
	l->input = input;
	lines_limit(l, 0, 0);
	err = begin(l);
	if (err)
		explain(why, err, title, l->problem);
	else
		err = refuse(l, why, title);
	if (err) {
		lines_close(l);
		return err;
	}
	*out = l;
	return SINK_OK;
}

int lines_open_fd(int fd, unsigned seconds, const char *title, struct sink_why *why,
	struct lines **out)
{
	struct input *input;
	int err = input_open(fd, seconds, &input);

	if (err == SINK_ETOOLONG)
		return sink_why(why, err, "'%.300s': not at its end after %u seconds", title,
			seconds);
	if (err)
		return explain(why, err, title, err == SINK_EIO ? strerror(errno) : "");
	return open_input(input, title, why, out);
}

int lines_open(const char *path, struct sink_why *why, struct lines **out)
{
	int fd = -1;
	int err = open_path(path, why, &fd);

	return err ? err : lines_open_fd(fd, 0, path, why, out);
}

int lines_open_bytes(struct sink_span bytes, struct sink_why *why, struct lines **out)
{
	struct input *input;
	int err = input_open_bytes(bytes, &input);

	if (err)
		return explain(why, err, "input", "");
	return open_input(input, "input", why, out);
}

void lines_limit(struct lines *l, uint64_t bytes, uint64_t count)
{
	l->err = input_limit(l->input, bytes ? bytes : LINES_BYTES_MAX);
	if (l->err)
		failed(l, l->err);
	l->count_max = count ? count : LINES_COUNT_MAX;
}

const char *lines_problem(const struct lines *l)
{
	return l->problem;
}

const char *lines_compression(const struct lines *l)
{
	return input_compression(l->input);
}

void lines_close(struct lines *l)
{
	if (!l)
		return;
	input_close(l->input);
	free(l->buffer);
	free(l);
}

struct sink_span lines_sample(const struct lines *l, bool *whole)
{
	*whole = l->eof;
	return sink_span(l->buffer + l->at, l->end - l->at);
}

/* Drop what was given out and read on. */
static int refill(struct lines *l)
{
	input_forget(l->input);
	memmove(l->buffer, l->buffer + l->at, l->end - l->at);
	l->end -= l->at;
	l->at = 0;
	return fill(l);
}

/* Go past a line that does not fit, keeping its beginning. The buffer's end is within it. */
static int skip_long(struct lines *l, struct line *out)
{
	const uint8_t *end = NULL;
	int err;

	memcpy(l->head, l->buffer + l->at, HEAD_MAX);
	while (!end) {
		l->at = l->end;
		if (l->eof)
			break;
		err = refill(l);
		if (err)
			return err;
		end = l->end > 0 ? memchr(l->buffer, '\n', l->end) : NULL;
		if (end)
			l->at = (size_t)(end - l->buffer) + 1;
	}
	*out = (struct line){
		.text = sink_span(l->head, HEAD_MAX), .number = ++l->number, .too_long = true
	};
	return SINK_OK;
}

static struct line whole_line(struct lines *l, size_t len)
{
	struct line line = { .text = sink_span(l->buffer + l->at, len), .number = ++l->number };

	if (len > 0 && line.text.at[len - 1] == '\r')
		line.text.len--;
	line.too_long = line.text.len > LINE_LENGTH_MAX;
	if (line.too_long)
		line.text.len = HEAD_MAX;
	return line;
}

/* May more be given out? */
static int go_on(struct lines *l)
{
	if (!l->buffer)
		l->err = begin(l);
	return l->err;
}

int lines_take(struct lines *l, struct sink_span *out)
{
	int err = go_on(l);

	if (!err && l->at == l->end && !l->eof)
		err = refill(l);
	if (err)
		return err;
	if (l->at == l->end)
		return SINK_ENOENT;
	*out = sink_span(l->buffer + l->at, l->end - l->at);
	l->at = l->end;
	return SINK_OK;
}

static int next(struct lines *l, struct line *out)
{
	int err = go_on(l);

	while (!err) {
		size_t left = l->end - l->at;
		const uint8_t *lf = left > 0 ? memchr(l->buffer + l->at, '\n', left) : NULL;

		if (lf) {
			*out = whole_line(l, (size_t)(lf - l->buffer) - l->at);
			l->at = (size_t)(lf - l->buffer) + 1;
			return SINK_OK;
		}
		if (left > LINE_LENGTH_MAX + 1) /* a CR may be the last */
			return skip_long(l, out);
		if (l->eof && left == 0)
			return SINK_ENOENT;
		if (l->eof) { /* a last line without its end */
			*out = whole_line(l, left);
			l->at = l->end;
			return SINK_OK;
		}
		err = refill(l);
	}
	return err;
}

int lines_next(struct lines *l, struct line *out)
{
	int err = next(l, out);

	if (err || out->number <= l->count_max)
		return err;
	snprintf(l->problem, sizeof l->problem, "more than the limit of %llu lines",
		(unsigned long long)l->count_max);
	return l->err = SINK_ETOOLONG;
}

int lines_keep(struct lines *l, const char *title, struct sink_why *why)
{
	int err;

	if (input_can_rewind(l->input))
		return SINK_OK;
	err = input_keep(l->input);
	if (err)
		return explain(why, failed(l, err), title, l->problem);
	return lines_rewind(l);
}

int lines_rewind(struct lines *l)
{
	int err;

	if (!input_can_rewind(l->input))
		return SINK_OK;
	err = input_rewind(l->input);
	if (err)
		return failed(l, err);
	free(l->buffer);
	l->buffer = NULL;
	l->size = 0;
	l->at = l->end = 0;
	l->number = 0;
	l->eof = false;
	l->err = SINK_OK;
	l->problem[0] = 0;
	return SINK_OK;
}

bool lines_ended(const struct lines *l)
{
	return l->eof;
}

uint64_t lines_count(const struct lines *l)
{
	return l->number;
}

uint64_t lines_bytes(const struct lines *l)
{
	return input_bytes(l->input);
}

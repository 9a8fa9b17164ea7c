/* lines.c - one buffer of a megabyte, memchr() for the ends of lines, no allocation a line. */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_MAX 128 /* bytes kept of a line that is too long */

struct lines {
	int fd; /* -1: bytes in memory */
	off_t start; /* offset to rewind to; -1: a pipe */
	uint8_t *buffer; /* NULL after a rewind */
	size_t size, at, end; /* bytes: of buffer, next to give out, filled */
	bool eof;
	uint64_t bytes, number;
	uint8_t head[HEAD_MAX];
};

/* What a file begins with that is no text we could read, and what to do about it. */
static const struct {
	const char *bytes;
	size_t len;
	const char *what;
} refused[] = {
	{ "\xff\xfe", 2, "UTF-16 or UTF-32 text: convert it to UTF-8 first" },
	{ "\xfe\xff", 2, "UTF-16 text: convert it to UTF-8 first" },
	{ "\0\0\xfe\xff", 4, "UTF-32 text: convert it to UTF-8 first" },
	{ "\x1f\x8b", 2, "compressed by gzip: decompress it first" },
	{ "\xfd"
	  "7zXZ\0",
		6, "compressed by xz: decompress it first" },
	{ "\x28\xb5\x2f\xfd", 4, "compressed by zstd: decompress it first" },
	{ "BZh", 3, "compressed by bzip2: decompress it first" },
	{ "PK\x03\x04", 4, "a zip archive: unpack it first" },
};

/* UTF-16 without a mark: ASCII letters with zero bytes between. */
static bool is_bare_utf16(const uint8_t *at, size_t len)
{
	return len >= 4 &&
		((at[0] && !at[1] && at[2] && !at[3]) || (!at[0] && at[1] && !at[2] && at[3]));
}

static int refuse(const struct lines *l, struct sink_why *why, const char *path)
{
	size_t len = l->end;

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		if (len >= refused[i].len &&
			memcmp(l->buffer, refused[i].bytes, refused[i].len) == 0)
			return sink_why(why, SINK_ESYNTAX, "'%.300s': %s", path, refused[i].what);
	if (is_bare_utf16(l->buffer, len))
		return sink_why(why, SINK_ESYNTAX, "'%.300s': %s", path, refused[0].what);
	return SINK_OK;
}

/* Read until the buffer is full or the input ends. */
static int fill(struct lines *l)
{
	while (!l->eof && l->end < l->size) {
		ssize_t n = read(l->fd, l->buffer + l->end, l->size - l->end);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return SINK_EIO;
		if (n == 0)
			l->eof = true;
		l->end += (size_t)n;
		l->bytes += (uint64_t)n;
		if (l->bytes > LINES_BYTES_MAX)
			return SINK_ETOOLONG;
	}
	return SINK_OK;
}

static void skip_mark(struct lines *l)
{
	if (l->end >= 3 && memcmp(l->buffer, "\xef\xbb\xbf", 3) == 0)
		l->at = 3;
}

/* The first fill, also after a rewind. */
static int begin(struct lines *l)
{
	int err;

	l->buffer = malloc(LINES_BUFFER);
	if (!l->buffer)
		return SINK_ENOMEM;
	l->size = LINES_BUFFER;
	err = fill(l);
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

int lines_open(const char *path, struct sink_why *why, struct lines **out)
{
	struct lines *l = calloc(1, sizeof *l);
	int err;

	if (!l)
		return sink_why(why, SINK_ENOMEM, "'%.300s': no memory", path);
	l->fd = -1;
	err = open_path(path, why, &l->fd);
	if (err)
		goto fail;
	l->start = lseek(l->fd, 0, SEEK_CUR);
	err = begin(l);
	if (err) {
		sink_why(why, err, "'%.300s': %s", path,
			err == SINK_EIO ? strerror(errno) : sink_strerror(err));
		goto fail;
	}
	err = refuse(l, why, path);
	if (err)
		goto fail;
	*out = l;
	return SINK_OK;
fail:
	lines_close(l);
	return err;
}

int lines_open_bytes(struct sink_span bytes, struct sink_why *why, struct lines **out)
{
	struct lines *l = calloc(1, sizeof *l);
	int err = SINK_ENOMEM;

	if (!l)
		return SINK_ENOMEM;
	l->fd = -1;
	l->start = -1;
	l->eof = true;
	l->buffer = malloc(bytes.len + 1);
	if (!l->buffer)
		goto fail;
	if (bytes.len > 0)
		memcpy(l->buffer, bytes.at, bytes.len);
	l->size = l->end = bytes.len;
	l->bytes = bytes.len;
	err = refuse(l, why, "input");
	if (err)
		goto fail;
	skip_mark(l);
	*out = l;
	return SINK_OK;
fail:
	lines_close(l);
	return err;
}

void lines_close(struct lines *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
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

int lines_take(struct lines *l, struct sink_span *out)
{
	int err = l->buffer ? SINK_OK : begin(l);

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

int lines_next(struct lines *l, struct line *out)
{
	int err = l->buffer ? SINK_OK : begin(l);

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

static int temporary_file(void)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int fd;

	if (!dir || !*dir)
		dir = "/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	/* a file system without O_TMPFILE */
	if ((size_t)snprintf(path, sizeof path, "%s/sinkhole-XXXXXX", dir) >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static int write_all(int fd, const uint8_t *at, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return SINK_EIO;
		at += n;
		len -= (size_t)n;
	}
	return SINK_OK;
}

/* Copy the whole input. *is_copy tells which of the two an error is about. */
static int copy(struct lines *l, int fd, bool *is_copy)
{
	int err = SINK_OK;

	for (;;) {
		*is_copy = true;
		err = write_all(fd, l->buffer, l->end);
		if (err || l->eof)
			return err;
		*is_copy = false;
		l->end = 0;
		err = fill(l);
		if (err)
			return err;
	}
}

int lines_keep(struct lines *l, const char *title, struct sink_why *why)
{
	bool is_copy = true;
	int fd, err;

	if (l->start >= 0 || l->fd < 0)
		return SINK_OK;
	fd = temporary_file();
	err = fd < 0 ? SINK_EIO : copy(l, fd, &is_copy);
	if (err)
		sink_why(why, err, "'%.300s': %s%s", title,
			is_copy ? "cannot be kept in $TMPDIR: " : "",
			err == SINK_EIO ? strerror(errno) : sink_strerror(err));
	if (fd < 0)
		return err;
	close(l->fd);
	l->fd = fd;
	l->start = 0;
	return err ? err : lines_rewind(l);
}

int lines_rewind(struct lines *l)
{
	if (l->fd < 0) {
		l->at = 0;
		l->number = 0;
		skip_mark(l);
		return SINK_OK;
	}
	if (l->start < 0)
		return SINK_OK;
	if (lseek(l->fd, l->start, SEEK_SET) < 0)
		return SINK_EIO;
	free(l->buffer);
	l->buffer = NULL;
	l->at = l->end = 0;
	l->bytes = l->number = 0;
	l->eof = false;
	return SINK_OK;
}

uint64_t lines_bytes(const struct lines *l)
{
	return l->bytes;
}

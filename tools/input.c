/* input.c - reads a descriptor or memory, and decompresses what comes if its first bytes say so. No mmap():
 * a file that shrinks while it is read must not end us. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "codec.h"

#define RAW_SIZE ((size_t)128 << 10) /* bytes read at once of what is compressed */
#define HEAD_SIZE 16 /* bytes that tell what it is compressed with */

/* Archives may hold nothing: empty members, padding. Beyond so many bytes, and twice what came out of them,
 * it is an attempt to keep us busy. */
#define HOLLOW_MAX ((uint64_t)2 << 20)

struct input {
	int fd; /* -1: in memory */
	off_t start; /* offset to rewind to; -1: a pipe */
	unsigned seconds; /* that it may take; 0: any number */
	struct timespec begun;
	uint8_t *memory; /* all of it, if fd is -1 */
	size_t memory_at, memory_end;
	uint8_t *raw; /* read and not yet decompressed, or looked at only; NULL: nothing */
	size_t raw_at, raw_end;
	bool eof; /* nothing follows behind that */
	bool remembers;
	uint8_t *past; /* a pipe's, from its beginning to raw_end; NULL: nothing */
	size_t past_len, past_size;
	const struct codec *codec; /* NULL: plain */
	void *state; /* its */
	bool whole; /* it has come to an end that may be the last */
	uint64_t limit, taken, given; /* bytes: that may be given; read; plain ones given */
	int err; /* what input_read() ended with */
	char problem[96];
};

static int fail(struct input *in, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct input *in, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(in->problem, sizeof in->problem, format, args);
	va_end(args);
	return err;
}

static int too_long(struct input *in)
{
	const char *suffix = in->codec ? " when decompressed" : "";

	if (in->limit % (1 << 20) == 0)
		return fail(in, SINK_ETOOLONG, "larger than the limit of %llu MiB%s",
			(unsigned long long)(in->limit >> 20), suffix);
	return fail(in, SINK_ETOOLONG, "larger than the limit of %llu bytes%s",
		(unsigned long long)in->limit, suffix);
}

/* --- bytes as they come --------------------------------------------------------------------------- */

static ssize_t read_memory(struct input *in, uint8_t *out, size_t size)
{
	size_t n = in->memory_end - in->memory_at;

	n = n < size ? n : size;
	if (n > 0)
		memcpy(out, in->memory + in->memory_at, n);
	in->memory_at += n;
	return (ssize_t)n;
}

static bool remember(struct input *in, const uint8_t *at, size_t len)
{
	size_t size = in->past_size ? in->past_size : RAW_SIZE;
	uint8_t *past;

	while (size - in->past_len < len)
		size *= 2;
	if (size != in->past_size) {
		past = realloc(in->past, size);
		if (!past)
			return false;
		in->past = past;
		in->past_size = size;
	}
	memcpy(in->past + in->past_len, at, len);
	in->past_len += len;
	return true;
}

/* Wait until there is something to read. What is there already is never too late. */
static int wait_for_more(struct input *in)
{
	struct pollfd poll_fd = { .fd = in->fd, .events = POLLIN };
	struct timespec now;
	int64_t left;
	int ready;

	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = ((int64_t)in->seconds - (now.tv_sec - in->begun.tv_sec)) * 1000;
		left = left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : left;
		ready = poll(&poll_fd, 1, (int)left);
	} while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return fail(in, SINK_ETOOLONG, "not at its end after %u seconds", in->seconds);
	return SINK_OK; /* read() tells of failures */
}

/* Read some; none only at the end. */
static int take(struct input *in, uint8_t *out, size_t size, size_t *got)
{
	ssize_t n;

	*got = 0;
	if (in->eof)
		return SINK_OK;
	if (in->seconds > 0 && wait_for_more(in))
		return SINK_ETOOLONG;
	do
		n = in->fd < 0 ? read_memory(in, out, size) : read(in->fd, out, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(in, SINK_EIO, "%s", strerror(errno));
	in->eof = n == 0;
	in->taken += (uint64_t)n;
	if (in->taken > in->limit && in->taken - in->limit > HOLLOW_MAX)
		return too_long(in); /* also while it is only kept */
	if (n > 0 && in->remembers && !remember(in, out, (size_t)n))
		return fail(in, SINK_ENOMEM, "no memory");
	*got = (size_t)n;
	return SINK_OK;
}

static int fill_raw(struct input *in)
{
	size_t got;
	int err;

	if (in->raw_at == in->raw_end)
		in->raw_at = in->raw_end = 0;
	err = take(in, in->raw + in->raw_end, RAW_SIZE - in->raw_end, &got);
	in->raw_end += got;
	return err;
}

/* Enough to tell what it is, however it trickles in. */
static int take_head(struct input *in)
{
	int err = SINK_OK;

	in->raw = malloc(RAW_SIZE);
	if (!in->raw)
		return fail(in, SINK_ENOMEM, "no memory");
	while (!err && !in->eof && in->raw_end < HEAD_SIZE)
		err = fill_raw(in);
	return err;
}

/* --- plain bytes ---------------------------------------------------------------------------------- */

static int read_plain(struct input *in, uint8_t *out, size_t size, size_t *got)
{
	size_t n = in->raw_end - in->raw_at;

	if (!in->raw)
		return take(in, out, size, got);
	n = n < size ? n : size;
	memcpy(out, in->raw + in->raw_at, n);
	in->raw_at += n;
	*got = n;
	if (in->raw_at < in->raw_end)
		return SINK_OK;
	free(in->raw); /* from now on without a detour */
	in->raw = NULL;
	in->raw_at = in->raw_end = 0;
	return n > 0 ? SINK_OK : take(in, out, size, got);
}

static int begin_codec(struct input *in)
{
	if (!in->raw)
		in->raw = malloc(RAW_SIZE);
	if (!in->state)
		in->state = in->codec->begin();
	return in->raw && in->state ? SINK_OK : fail(in, SINK_ENOMEM, "no memory");
}

static int decompress_some(struct input *in, struct codec_io *io)
{
	size_t had = in->raw_end - in->raw_at, room = io->room;
	const char *problem;

	io->in = sink_span(in->raw + in->raw_at, had);
	io->last = in->eof;
	io->whole = in->whole;
	problem = in->codec->step(in->state, io);
	in->whole = io->whole;
	in->raw_at = in->raw_end - io->in.len;
	if (problem)
		return fail(in, SINK_ESYNTAX, "%s data that are %s", in->codec->word, problem);
	if (io->room < room || io->in.len < had)
		return SINK_OK;
	if (had > 0)
		return fail(in, SINK_ESYNTAX, "%s data that lead nowhere", in->codec->word);
	if (in->eof && !in->whole)
		return fail(in, SINK_ESYNTAX, "%s data that are cut short", in->codec->word);
	return SINK_OK;
}

static int decompress(struct input *in, uint8_t *out, size_t size, size_t *got)
{
	struct codec_io io = { .out = out, .room = size };
	int err = begin_codec(in);

	while (!err && io.room == size) {
		if (in->raw_at == in->raw_end && !in->eof)
			err = fill_raw(in);
		if (!err && in->raw_at == in->raw_end && in->eof && in->whole)
			break;
		if (!err)
			err = decompress_some(in, &io);
		if (!err && in->taken > HOLLOW_MAX + 2 * in->given)
			err = fail(in, SINK_ESYNTAX, "%s data with next to nothing in them",
				in->codec->word);
	}
	*got = size - io.room;
	return err;
}

int input_read(struct input *in, uint8_t *out, size_t size, size_t *got)
{
	if (!in->err)
		in->err = (in->codec ? decompress : read_plain)(in, out, size, got);
	if (in->err)
		return in->err;
	in->given += *got;
	if (in->given > in->limit)
		in->err = too_long(in);
	return in->err;
}

/* --- opening and closing -------------------------------------------------------------------------- */

static int begin(struct input *in, struct input **out)
{
	int err = take_head(in);

	if (err) {
		input_close(in);
		return err;
	}
	in->codec = codec_of(sink_span(in->raw, in->raw_end));
	*out = in;
	return SINK_OK;
}

int input_open(int fd, unsigned seconds, struct input **out)
{
	struct input *in = calloc(1, sizeof *in);

	if (!in) {
		close(fd);
		return SINK_ENOMEM;
	}
	in->fd = fd;
	in->start = lseek(fd, 0, SEEK_CUR);
	in->remembers = in->start < 0;
	in->seconds = seconds;
	clock_gettime(CLOCK_MONOTONIC, &in->begun);
	in->limit = UINT64_MAX;
	return begin(in, out);
}

int input_open_bytes(struct sink_span bytes, struct input **out)
{
	struct input *in = calloc(1, sizeof *in);

	if (!in)
		return SINK_ENOMEM;
	in->fd = -1;
	in->limit = UINT64_MAX;
	in->memory = malloc(bytes.len + 1);
	if (!in->memory) {
		input_close(in);
		return SINK_ENOMEM;
	}
	if (bytes.len > 0)
		memcpy(in->memory, bytes.at, bytes.len);
	in->memory_end = bytes.len;
	return begin(in, out);
}

static void stop(struct input *in)
{
	if (in->codec)
		in->codec->end(in->state);
	free(in->raw);
	in->state = NULL;
	in->raw = NULL;
	in->raw_at = in->raw_end = 0;
}

void input_close(struct input *in)
{
	int saved = errno;

	if (!in)
		return;
	stop(in);
	if (in->fd >= 0)
		close(in->fd);
	free(in->memory);
	free(in->past);
	free(in);
	errno = saved;
}

int input_limit(struct input *in, uint64_t bytes)
{
	in->limit = bytes;
	return in->given > bytes ? too_long(in) : SINK_OK;
}

const char *input_problem(const struct input *in)
{
	return in->problem;
}

const char *input_compression(const struct input *in)
{
	return in->codec ? in->codec->word : NULL;
}

uint64_t input_bytes(const struct input *in)
{
	return in->given;
}

/* --- once more ------------------------------------------------------------------------------------ */

bool input_can_rewind(const struct input *in)
{
	return in->fd < 0 || in->start >= 0;
}

int input_rewind(struct input *in)
{
	if (in->fd >= 0 && lseek(in->fd, in->start, SEEK_SET) < 0)
		return fail(in, SINK_EIO, "%s", strerror(errno));
	stop(in);
	in->memory_at = 0;
	in->eof = in->whole = false;
	in->taken = in->given = 0;
	in->err = SINK_OK;
	return SINK_OK;
}

void input_forget(struct input *in)
{
	free(in->past);
	in->past = NULL;
	in->past_len = in->past_size = 0;
	in->remembers = false;
}

int input_temporary(void)
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

int input_write(int fd, const uint8_t *at, size_t len)
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

static int cannot_keep(struct input *in)
{
	return fail(in, SINK_EIO, "cannot be kept in $TMPDIR: %s", strerror(errno));
}

/* All of it: what is remembered, and what follows. */
static int copy(struct input *in, int fd, uint8_t *buffer)
{
	size_t got = in->past_len;
	int err = SINK_OK;

	if (input_write(fd, in->past, in->past_len))
		return cannot_keep(in);
	input_forget(in);
	while (got > 0) {
		err = take(in, buffer, RAW_SIZE, &got);
		if (err)
			return err;
		if (input_write(fd, buffer, got))
			return cannot_keep(in);
	}
	return SINK_OK;
}

int input_keep(struct input *in)
{
	uint8_t *buffer;
	int fd, err;

	if (input_can_rewind(in))
		return SINK_OK;
	if (!in->remembers)
		return fail(in, SINK_EINVAL, "read from already");
	fd = input_temporary();
	if (fd < 0)
		return cannot_keep(in);
	buffer = malloc(RAW_SIZE);
	err = buffer ? copy(in, fd, buffer) : fail(in, SINK_ENOMEM, "no memory");
	free(buffer);
	if (err) {
		close(fd);
		return err;
	}
	close(in->fd);
	in->fd = fd;
	in->start = 0;
	in->seconds = 0;
	return input_rewind(in);
}

/* spool.c - bytes put aside in a temporary file without a name. */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "file.h"
#include "sinkhole/err.h"

int spool_begin(struct spool *spool, const char *dir, size_t room)
{
	*spool = (struct spool){ .dir = dir, .fd = -1, .room = room };
	spool->buffer = malloc(room);
	return spool->buffer ? SINK_OK : SINK_ENOMEM;
}

/* For file systems that know no O_TMPFILE. Killed in between it leaves a file that looks like an
 * abandoned one of a writer, which the next publisher removes. */
static int open_and_unlink(const char *dir)
{
	char *path;
	int fd, saved;

	if (asprintf(&path, "%s/tmp-%ld-XXXXXX", dir, (long)getpid()) < 0)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	saved = errno;
	if (fd >= 0)
		unlink(path);
	free(path);
	errno = saved;
	return fd;
}

static int open_file(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		fd = open_and_unlink(dir);
	return fd;
}

static int flush(struct spool *spool)
{
	int err;

	if (spool->fd < 0)
		spool->fd = open_file(spool->dir);
	if (spool->fd < 0)
		return SINK_EIO;
	err = file_write(spool->fd, sink_span(spool->buffer, spool->used)) ? SINK_EIO : SINK_OK;
	if (err)
		return err;
	spool->flushed += spool->used;
	spool->used = 0;
	return SINK_OK;
}

int spool_write(struct spool *spool, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > spool->room - spool->used) {
		size_t part = spool->room - spool->used;
		int err;

		memcpy(spool->buffer + spool->used, at, part);
		spool->used += part;
		at += part;
		len -= part;
		err = flush(spool);
		if (err)
			return err;
	}
	memcpy(spool->buffer + spool->used, at, len);
	spool->used += len;
	return SINK_OK;
}

/* Bytes of the file; its end cannot come before ours. */
static int read_file(int fd, uint64_t at, uint8_t *to, size_t len)
{
	while (len > 0) {
		ssize_t n = pread(fd, to, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return SINK_EIO;
		at += (uint64_t)n;
		to += n;
		len -= (size_t)n;
	}
	return SINK_OK;
}

int spool_read(const struct spool *spool, uint64_t at, void *to, size_t len)
{
	uint8_t *next = to;
	size_t part = 0;

	if (at < spool->flushed) {
		part = spool->flushed - at < len ? (size_t)(spool->flushed - at) : len;
		if (read_file(spool->fd, at, next, part) != SINK_OK)
			return SINK_EIO;
	}
	if (len > part)
		memcpy(next + part, spool->buffer + (at + part - spool->flushed), len - part);
	return SINK_OK;
}

void spool_end(struct spool *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	free(spool->buffer);
	*spool = (struct spool){ .fd = -1 };
}

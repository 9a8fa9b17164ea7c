/* file.c - reading and writing in full, and telling apart what a caller treats differently. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"

#define PIECE ((size_t)1 << 20) /* bytes */
#define HOW (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) /* a FIFO does not hang us */

static int refuse_open(const char *shown, struct sink_why *why)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return sink_why(why, SINK_ENOENT, "%s: %m", shown);
	case ELOOP: /* a symbolic link, refused by O_NOFOLLOW, or a circle of them */
	case ENXIO: /* a socket */
		return sink_why(why, SINK_ECORRUPT, "%s: not a regular file", shown);
	case ENOMEM:
		return sink_why(why, SINK_ENOMEM, "%s: %m", shown);
	}
	return sink_why(why, SINK_EIO, "%s: %m", shown);
}

static int take_regular(int fd, const char *shown, struct sink_why *why, int *out, uint64_t *size)
{
	struct stat st;
	int err;

	if (fd < 0)
		return refuse_open(shown, why);
	if (fstat(fd, &st)) {
		err = sink_why(why, SINK_EIO, "%s: %m", shown);
	} else if (!S_ISREG(st.st_mode)) {
		err = sink_why(why, SINK_ECORRUPT, "%s: not a regular file", shown);
	} else {
		*out = fd;
		*size = (uint64_t)st.st_size;
		return SINK_OK;
	}
	close(fd);
	return err;
}

int file_open(int dirfd, const char *name, const char *shown, struct sink_why *why, int *out,
	uint64_t *size)
{
	return take_regular(openat(dirfd, name, HOW | O_NOFOLLOW), shown, why, out, size);
}

int file_open_path(const char *path, struct sink_why *why, int *out, uint64_t *size)
{
	return take_regular(open(path, HOW), path, why, out, size);
}

ssize_t file_read(int fd, void *at, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (uint8_t *)at + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int file_write(int fd, struct sink_span bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.at, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes = sink_span(bytes.at + n, bytes.len - (size_t)n);
	}
	return 0;
}

/* No room for a copy is no fault of the file: keep what is in use and try again later. */
static int refuse_write(const char *shown, struct sink_why *why)
{
	bool full = errno == ENOMEM || errno == ENOSPC || errno == EFBIG || errno == EDQUOT;

	return sink_why(why, full ? SINK_ENOMEM : SINK_EIO, "%s: copy into memory: %m", shown);
}

struct copying {
	int from, to;
	uint64_t left; /* bytes */
	uint8_t *piece;
	struct digest *digest;
	const char *shown;
};

static int copy_piece(struct copying *c, struct sink_why *why)
{
	size_t want = c->left < PIECE ? (size_t)c->left : PIECE;
	ssize_t got = file_read(c->from, c->piece, want);
	struct sink_span bytes;

	if (got < 0)
		return sink_why(why, SINK_EIO, "%s: %m", c->shown);
	if ((size_t)got < want)
		return sink_why(why, SINK_ECORRUPT, "%s: shrank while being read", c->shown);
	bytes = sink_span(c->piece, want);
	if (c->to >= 0 && file_write(c->to, bytes))
		return refuse_write(c->shown, why);
	c->left -= want;
	if (digest_add(c->digest, bytes))
		return sink_why(why, SINK_ENOMEM, "%s: digest failed", c->shown);
	return SINK_OK;
}

static int copy_end(struct copying *c, struct sink_why *why, uint8_t digest[SINK_DIGEST_LEN])
{
	ssize_t got = file_read(c->from, c->piece, 1);

	if (got < 0)
		return sink_why(why, SINK_EIO, "%s: %m", c->shown);
	if (got > 0)
		return sink_why(why, SINK_ECORRUPT, "%s: grew while being read", c->shown);
	if (digest_end(c->digest, digest))
		return sink_why(why, SINK_ENOMEM, "%s: digest failed", c->shown);
	return SINK_OK;
}

int file_digest(int from, int to, uint64_t size, const char *shown, const atomic_bool *cancel,
	struct sink_why *why, uint8_t digest[SINK_DIGEST_LEN])
{
	struct copying c = { .from = from, .to = to, .left = size, .shown = shown };
	int err = digest_begin(&c.digest);

	if (err)
		return sink_why(why, err, "%s: %s", shown, sink_strerror(err));
	c.piece = malloc(PIECE);
	if (!c.piece)
		err = sink_why(why, SINK_ENOMEM, "%s: %s", shown, sink_strerror(SINK_ENOMEM));
	while (!err && c.left > 0) {
		if (cancel && atomic_load(cancel))
			err = sink_why(why, SINK_ECANCELED, "%s: reading was cancelled", shown);
		else
			err = copy_piece(&c, why);
	}
	if (!err)
		err = copy_end(&c, why, digest);
	free(c.piece);
	digest_free(c.digest);
	return err;
}

static int load(int fd, uint8_t *bytes, size_t len, const char *shown,
	const uint8_t digest[SINK_DIGEST_LEN], struct sink_why *why)
{
	uint8_t found[SINK_DIGEST_LEN];
	ssize_t got = file_read(fd, bytes, len);
	int err;

	if (got < 0)
		return sink_why(why, SINK_EIO, "%s: %m", shown);
	if ((size_t)got != len)
		return sink_why(why, SINK_ECORRUPT, "%s: shorter than it was", shown);
	err = digest_of(sink_span(bytes, len), found);
	if (err)
		return sink_why(why, err, "%s: %s", shown, sink_strerror(err));
	if (memcmp(found, digest, sizeof found) != 0)
		return sink_why(why, SINK_ECORRUPT, "%s: digest differs from the manifest", shown);
	return SINK_OK;
}

int file_load(int dirfd, const char *name, const char *shown, uint64_t size, uint64_t max,
	const uint8_t digest[SINK_DIGEST_LEN], struct sink_why *why, uint8_t **out)
{
	uint8_t *bytes = NULL;
	uint64_t found = 0;
	int fd = -1, err = file_open(dirfd, name, shown, why, &fd, &found);

	if (err)
		return err;
	if (found != size || size > max) {
		err = sink_why(why, SINK_ECORRUPT, "%s: %llu bytes, the manifest says %llu", shown,
			(unsigned long long)found, (unsigned long long)size);
	} else {
		bytes = malloc((size_t)size + 1);
		err = bytes
			? load(fd, bytes, (size_t)size, shown, digest, why)
			: sink_why(why, SINK_ENOMEM, "%s: %s", shown, sink_strerror(SINK_ENOMEM));
	}
	close(fd);
	if (err)
		free(bytes);
	else
		*out = bytes;
	return err;
}

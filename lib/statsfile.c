/* statsfile.c - the file of counters: doc/STATS.md. Written in place, so that it costs the disk little, and never
 * mapped, so that nobody who cuts it harms its writer; torn, it is told by its digest. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "sinkhole/stats.h"

/* O_NONBLOCK: a FIFO does not hang us. */
#define HOW (O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
#define MODE 0644 /* whatever the umask: whoever is curious reads it */

#define LOOKS 40 /* at what a resolver is writing, until it is called damaged */
#define BETWEEN_NS 50000000 /* two of them */

/* Of the descriptor, not of the process: it ends with the last of these, however that comes. */
static struct flock whole(short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Asking takes nothing: no writer is kept out by a reader. */
static bool is_locked(int fd)
{
	struct flock lock = whole(F_RDLCK);

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static int look(const char *path, struct sink_why *why, bool *runs, struct sink_stats *out)
{
	uint8_t bytes[SINK_STATS_SIZE + 1]; /* one more tells of a longer file */
	struct sink_why inner = { "" };
	uint64_t size;
	ssize_t len;
	int fd, err = file_open_path(path, why, &fd, &size);

	*runs = false;
	if (err)
		return err;
	*runs = is_locked(fd);
	len = file_read(fd, bytes, sizeof bytes);
	if (len < 0)
		err = sink_why(why, SINK_EIO, "%s: %m", path);
	close(fd);
	if (err)
		return err;
	err = sink_stats_decode(sink_span(bytes, (size_t)len), &inner, out);
	return err ? sink_why(why, err, "%s: %s", path, inner.text) : SINK_OK;
}

int sink_stats_read(const char *dir, struct sink_why *why, bool *runs, struct sink_stats *out)
{
	const struct timespec pause = { .tv_nsec = BETWEEN_NS };
	char path[PATH_MAX];
	bool locked = false;
	int len = snprintf(path, sizeof path, "%s/" SINK_STATS_FILE, dir), err;

	if (len < 0 || (size_t)len >= sizeof path)
		return sink_why(why, SINK_EIO, "%s: path too long", dir);
	err = look(path, why, &locked, out);
	for (int i = 1; i < LOOKS && err == SINK_ECORRUPT && locked; i++) {
		nanosleep(&pause, NULL);
		err = look(path, why, &locked, out);
	}
	if (!err)
		*runs = locked;
	return err;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct sink_stats_file {
	char *dir, *path;
	int fd; /* locked; -1: none */
};

int sink_stats_file_new(const char *dir, struct sink_stats_file **out)
{
	struct sink_stats_file *file = calloc(1, sizeof *file);

	if (!file)
		return SINK_ENOMEM;
	file->fd = -1;
	file->dir = strdup(dir);
	if (asprintf(&file->path, "%s/" SINK_STATS_FILE, dir) < 0)
		file->path = NULL;
	if (!file->dir || !file->path) {
		sink_stats_file_free(file);
		return SINK_ENOMEM;
	}
	*out = file;
	return SINK_OK;
}

static void shut(struct sink_stats_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

void sink_stats_file_free(struct sink_stats_file *file)
{
	if (!file)
		return;
	shut(file);
	free(file->dir);
	free(file->path);
	free(file);
}

/* A file that was deleted, or moved away, can still be written to, and nobody would see it. */
static bool is_there(const struct sink_stats_file *file)
{
	struct stat ours, found;

	return file->fd >= 0 && fstat(file->fd, &ours) == 0 && lstat(file->path, &found) == 0 &&
		ours.st_dev == found.st_dev && ours.st_ino == found.st_ino;
}

static int refuse(const struct sink_stats_file *file, struct sink_why *why)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return sink_why(why, SINK_ENOENT, "%s: %m", file->path);
	case ELOOP:
	case ENXIO:
	case EISDIR:
		return sink_why(why, SINK_ECORRUPT, "%s: not a regular file", file->path);
	}
	return sink_why(why, SINK_EIO, "%s: %m", file->path);
}

static int lock(const struct sink_stats_file *file, struct sink_why *why)
{
	struct flock lock = whole(F_WRLCK);

	if (fcntl(file->fd, F_OFD_SETLK, &lock) == 0)
		return SINK_OK;
	if (errno != EAGAIN && errno != EACCES)
		return refuse(file, why);
	return sink_why(why, SINK_EBUSY, "%s: another resolver writes it", file->path);
}

/* Nothing of it is touched that another resolver writes, nor what is no regular file. */
static int take(const struct sink_stats_file *file, struct sink_why *why)
{
	struct stat st;

	if (fstat(file->fd, &st))
		return refuse(file, why);
	if (!S_ISREG(st.st_mode))
		return sink_why(why, SINK_ECORRUPT, "%s: not a regular file", file->path);
	return lock(file, why);
}

static int open_file(struct sink_stats_file *file, struct sink_why *why)
{
	int err;

	if (mkdir(file->dir, 0755) == 0)
		(void)chmod(file->dir, 0755); /* whatever the umask */
	file->fd = open(file->path, HOW, MODE);
	if (file->fd < 0)
		return refuse(file, why);
	err = take(file, why);
	if (err)
		shut(file);
	else
		(void)fchmod(file->fd, MODE); /* somebody else's: it may be written to as it is */
	return err;
}

/* What is longer, by whomever, is cut. */
static int put(const struct sink_stats_file *file, struct sink_span bytes, struct sink_why *why)
{
	struct stat st;
	ssize_t n;

	if (fstat(file->fd, &st) ||
		(st.st_size > SINK_STATS_SIZE && ftruncate(file->fd, SINK_STATS_SIZE)))
		return refuse(file, why);
	n = pwrite(file->fd, bytes.at, bytes.len, 0);
	if (n >= 0 && (size_t)n < bytes.len)
		errno = ENOSPC;
	return n == (ssize_t)bytes.len ? SINK_OK : refuse(file, why);
}

int sink_stats_file_write(struct sink_stats_file *file, const struct sink_stats *stats,
	struct sink_why *why)
{
	uint8_t bytes[SINK_STATS_SIZE];
	int err = sink_stats_encode(stats, bytes);

	if (err)
		return sink_why(why, err, "%s: %s", file->path, sink_strerror(err));
	if (!is_there(file)) {
		shut(file);
		err = open_file(file, why);
	}
	return err ? err : put(file, sink_span(bytes, sizeof bytes), why);
}

/* sealed.c - the copy is written with write(), never through a mapping: the kernel refuses to seal
 * a file that is mapped for writing, and a page it cannot give would be SIGBUS, not ENOSPC. */
#include "sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3: never executable; implies MFD_ALLOW_SEALING */
#endif

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static int memory_file(void)
{
	int fd = memfd_create("sinkhole", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* Linux before 6.3 */
		fd = memfd_create("sinkhole", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

/* Find a path to an open file; sealed->proc stays empty when there is none: no /proc, or a policy
 * that forbids it. */
static void find_proc(struct sealed *sealed)
{
	struct stat a, b;
	int fd;

	snprintf(sealed->proc, sizeof sealed->proc, "/proc/self/fd/%d", sealed->fd);
	fd = open(sealed->proc, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &a) || fstat(sealed->fd, &b) || a.st_ino != b.st_ino ||
		a.st_dev != b.st_dev)
		sealed->proc[0] = 0;
	if (fd >= 0)
		close(fd);
}

/* A memory file that a path leads to, or map DIRECT when the system has none. */
static int begin_copy(const char *path, struct sealed *sealed, struct sink_why *why)
{
	sealed->fd = memory_file();
	if (sealed->fd < 0 && errno == ENOMEM)
		return sink_why(why, SINK_ENOMEM, "%s: copy into memory: %m", path);
	if (sealed->fd < 0 && (errno == EMFILE || errno == ENFILE))
		return sink_why(why, SINK_EIO, "%s: copy into memory: %m", path);
	if (sealed->fd >= 0) {
		find_proc(sealed);
		if (sealed->proc[0])
			return SINK_OK;
		sealed_close(sealed);
	}
	sealed->map = SINK_MAP_DIRECT;
	return SINK_OK;
}

/* Digest `file` and, if sealed->fd is there to take it, copy it, and seal the copy. */
static int copy(int file, uint64_t size, const char *path, const atomic_bool *cancel,
	const struct sealed *sealed, struct sink_why *why, uint8_t digest[SINK_DIGEST_LEN])
{
	int err;

	posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
	err = file_digest(file, sealed->fd, size, path, cancel, why, digest);
	if (!err && sealed->fd >= 0 && fcntl(sealed->fd, F_ADD_SEALS, SEALS))
		err = sink_why(why, SINK_EIO, "%s: seal the copy: %m", path);
	return err;
}

/* The same of a file that must be what the manifest promises. */
static int verify(int file, const char *path, const struct sink_db_options *options,
	const struct sealed *sealed, struct sink_why *why)
{
	uint8_t digest[SINK_DIGEST_LEN];
	int err = copy(file, options->size, path, options->cancel, sealed, why, digest);

	if (!err && memcmp(digest, options->digest, sizeof digest) != 0)
		err = sink_why(why, SINK_ECORRUPT, "%s: digest differs from the manifest", path);
	return err;
}

int sealed_open(const char *path, const struct sink_db_options *options, struct sink_why *why,
	struct sealed *out)
{
	struct sealed sealed = { .fd = -1, .map = options->map };
	uint64_t size;
	int file, err;

	err = file_open(AT_FDCWD, path, path, why, &file, &size);
	if (err)
		return err;
	if (size != options->size)
		err = sink_why(why, SINK_ECORRUPT, "%s: %llu bytes, the manifest says %llu", path,
			(unsigned long long)size, (unsigned long long)options->size);
	if (!err && sealed.map == SINK_MAP_SEALED)
		err = begin_copy(path, &sealed, why);
	if (!err)
		err = verify(file, path, options, &sealed, why);
	if (err)
		goto fail;
	if (sealed.map == SINK_MAP_SEALED) {
		close(file);
	} else {
		sealed.fd = file;
		find_proc(&sealed);
	}
	*out = sealed;
	return SINK_OK;
fail:
	close(file);
	sealed_close(&sealed);
	return err;
}

int sealed_copy(const char *path, uint64_t max, const atomic_bool *cancel, struct sink_why *why,
	struct sealed *out, uint64_t *size)
{
	struct sealed sealed = { .fd = -1, .map = SINK_MAP_SEALED };
	uint8_t digest[SINK_DIGEST_LEN]; /* nobody promised one */
	int file, err;

	err = file_open_path(path, why, &file, size);
	if (err)
		return err;
	if (*size > max)
		err = sink_why(why, SINK_ECORRUPT, "%s: larger than %llu bytes", path,
			(unsigned long long)max);
	if (!err)
		err = begin_copy(path, &sealed, why);
	if (!err && sealed.fd >= 0)
		err = copy(file, *size, path, cancel, &sealed, why, digest);
	if (err || sealed.fd >= 0)
		close(file);
	else
		sealed.fd = file;
	if (err)
		sealed_close(&sealed);
	else
		*out = sealed;
	return err;
}

void sealed_close(struct sealed *sealed)
{
	if (sealed->fd >= 0)
		close(sealed->fd);
	sealed->fd = -1;
}

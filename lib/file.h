/* file.h - regular files, read and written whole, without waiting for anything but the disk.
 *
 * EINTR: a signal handler that returns interrupts read() and write() on file systems that wait for somebody (NFS, FUSE),
 * and flock() anywhere; what one of these had not begun is begun again. open(), fsync() and rename() fail with it like
 * with any other error: what is being made is given up, which harms nobody. close() is not looked at: its descriptor is
 * gone whatever it says, and what was to be kept has passed an fsync(). Neither the command, whose handlers do not
 * return, nor our thread in the resolver, which blocks all signals, meets it. */
#ifndef SINK_FILE_H
#define SINK_FILE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "sinkhole/db.h"

/* Open a regular file for reading and refuse everything else at once: a FIFO does not hang us, a
 * symbolic link is not followed. What was opened is judged, not what the name stood for before.
 *
 * shown    the path for `why`
 * out      a descriptor that the caller closes
 * size     of the file, bytes
 * returns  SINK_OK; SINK_ENOENT; SINK_ECORRUPT (not a regular file); SINK_ENOMEM; SINK_EIO
 */
int file_open(int dirfd, const char *name, const char *shown, struct sink_why *why, int *out,
	uint64_t *size);

/* The same for a path that the operator chose: links are followed. */
int file_open_path(const char *path, struct sink_why *why, int *out, uint64_t *size);

/* Read until `len` bytes are there or the file ends.
 *
 * returns  their number; -1 with errno
 */
ssize_t file_read(int fd, void *at, size_t len);

/* returns  0; -1 with errno */
int file_write(int fd, struct sink_span bytes);

/* Read `size` bytes from `from`, which must then be at its end, digesting them and, unless `to` is
 * negative, copying them there.
 *
 * shown    the path for `why`
 * cancel   looked at between pieces of 1 MiB; may be NULL
 * returns  SINK_OK; SINK_ECORRUPT (shorter or longer); SINK_ENOMEM (no room in `to`, too);
 *          SINK_EIO; SINK_ECANCELED
 */
int file_digest(int from, int to, uint64_t size, const char *shown, const atomic_bool *cancel,
	struct sink_why *why, uint8_t digest[SINK_DIGEST_LEN]);

/* Read a whole file into memory, if it is what a manifest promises.
 *
 * size     that is promised
 * max      bytes; more are refused, whatever is promised
 * out      the caller frees it; `size` bytes
 * returns  as file_open(); SINK_ECORRUPT (another size or digest, or too large)
 */
int file_load(int dirfd, const char *name, const char *shown, uint64_t size, uint64_t max,
	const uint8_t digest[SINK_DIGEST_LEN], struct sink_why *why, uint8_t **out);

#endif

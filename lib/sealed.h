/* sealed.h - verify, then use what was verified: a file's bytes, digested while they are copied
 * into memory that nobody can change afterwards. */
#ifndef SINK_SEALED_H
#define SINK_SEALED_H

#include "sinkhole/db.h"

#define SEALED_PATH_MAX 32 /* bytes: "/proc/self/fd/2147483647" */

struct sealed {
	int fd; /* open for reading: the sealed copy, or the file itself; -1: none */
	enum sink_map map; /* what `fd` is */
	char proc[SEALED_PATH_MAX]; /* a path that leads to `fd`; empty when there is no /proc */
};

/* Open a file that has the size and digest that `options` promise.
 *
 * SINK_MAP_SEALED becomes SINK_MAP_DIRECT where the system has no sealable memory files or no
 * /proc to open them by (old kernels, chroots, seccomp): see out->map.
 *
 * out      for sealed_close(); written on SINK_OK only
 * returns  as sink_db_open()
 */
int sealed_open(const char *path, const struct sink_db_options *options, struct sink_why *why,
	struct sealed *out);

/* Copy a file about which nothing is promised; symbolic links are followed. With SINK_MAP_DIRECT in out->map, `fd` is
 * the file itself and there is no path that leads to it.
 *
 * max      bytes; a larger file is SINK_ECORRUPT
 * size     of the file, bytes
 */
int sealed_copy(const char *path, uint64_t max, const atomic_bool *cancel, struct sink_why *why,
	struct sealed *out, uint64_t *size);

void sealed_close(struct sealed *sealed);

#endif

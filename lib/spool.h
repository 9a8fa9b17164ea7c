/* spool.h - bytes put aside while a database is written: a buffer, and behind it a temporary file
 * without a name, which is gone when the process is. */
#ifndef SINK_SPOOL_H
#define SINK_SPOOL_H

#include "sinkhole/span.h"

struct spool {
	const char *dir; /* where the file goes; borrowed */
	int fd; /* -1 until the buffer was full once */
	uint64_t flushed; /* bytes in the file */
	size_t used, room; /* bytes of the buffer */
	uint8_t *buffer;
};

/* Begin an empty spool; end it with spool_end(), whatever this returned.
 *
 * dir      borrowed until the end
 * room     bytes to keep in memory
 * returns  SINK_OK; SINK_ENOMEM
 */
int spool_begin(struct spool *spool, const char *dir, size_t room);

/* returns  SINK_OK; SINK_EIO */
int spool_write(struct spool *spool, const void *bytes, size_t len);

/* How many bytes were written. */
static inline uint64_t spool_len(const struct spool *spool)
{
	return spool->flushed + spool->used;
}

/* Read back bytes that were written, all of them.
 *
 * returns  SINK_OK; SINK_EIO
 */
int spool_read(const struct spool *spool, uint64_t at, void *to, size_t len);

void spool_end(struct spool *spool);

#endif

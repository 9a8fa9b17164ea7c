/* fill.h - create one LMDB file and fill it: whole and durable, or not there. */
#ifndef SINK_FILL_H
#define SINK_FILL_H

#include "sinkhole/err.h"
#include "sinkhole/span.h"

struct fill;

/* Create the file (0644 whatever the umask says) and lock it (flock), so that nobody takes it for
 * abandoned.
 *
 * path     must not exist; copied
 * out      the caller ends it with commit or abort
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO
 */
int fill_begin(const char *path, struct sink_why *why, struct fill **out);

/* Store a value under a key above all keys that were stored.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO; SINK_EINVAL (a key out of order, empty or over 511
 *          bytes); on failure only fill_abort() is left
 */
int fill_append(struct fill *fill, struct sink_span key, struct sink_span value);

/* Make room for a value under a new key, wherever it sorts.
 *
 * out      `len` bytes that the caller writes, all of them, before the next call
 * returns  as fill_append()
 */
int fill_reserve(struct fill *fill, struct sink_span key, size_t len, uint8_t **out);

/* Did a call fail? */
bool fill_has_failed(const struct fill *fill);

/* Say what made it fail, for the caller's `why`.
 *
 * returns  err
 */
int fill_why(const struct fill *fill, struct sink_why *why, int err);

/* Write out, fsync, close. Frees `fill`, whatever it returns; on failure the file is gone.
 *
 * bytes    size of the file; written on SINK_OK only
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO
 */
int fill_commit(struct fill *fill, struct sink_why *why, uint64_t *bytes);

/* Remove the file. NULL is fine. */
void fill_abort(struct fill *fill);

#endif

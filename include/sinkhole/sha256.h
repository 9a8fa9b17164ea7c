/* sha256.h - the digest of bytes and files, for who needs one without a database. */
#ifndef SINKHOLE_SHA256_H
#define SINKHOLE_SHA256_H

#include "sinkhole/db.h"

#define SINK_SHA256_TEXT ((size_t)2 * SINK_DIGEST_LEN + 1) /* bytes as text, with the NUL */

/* Lower-case hexadecimal digits, NUL-terminated.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int sink_sha256(struct sink_span bytes, char out[SINK_SHA256_TEXT]);

/* The same of a file from its first byte to its last, wherever the descriptor stands; it stays there.
 *
 * size     its bytes; written on SINK_OK only
 * returns  SINK_OK; SINK_EIO (errno); SINK_ENOMEM
 */
int sink_sha256_file(int fd, uint64_t *size, char out[SINK_SHA256_TEXT]);

#endif

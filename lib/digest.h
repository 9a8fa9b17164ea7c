/* digest.h - SHA-256, in pieces or at once, and as text. With sign.c the only place that knows libcrypto. */
#ifndef SINK_DIGEST_H
#define SINK_DIGEST_H

#include "sinkhole/db.h"

#define DIGEST_HEX_LEN ((size_t)2 * SINK_DIGEST_LEN) /* characters */

struct digest;

/* returns  SINK_OK; SINK_ENOMEM */
int digest_begin(struct digest **out);

/* returns  SINK_OK; SINK_ENOMEM (libcrypto gave up; the state is of no use any more) */
int digest_add(struct digest *digest, struct sink_span bytes);

/* The digest of what was added. Nothing can be added afterwards; digest_free() is still due.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int digest_end(struct digest *digest, uint8_t out[SINK_DIGEST_LEN]);

/* NULL is fine. */
void digest_free(struct digest *digest);

/* returns  SINK_OK; SINK_ENOMEM */
int digest_of(struct sink_span bytes, uint8_t out[SINK_DIGEST_LEN]);

/* Lower-case digits, NUL-terminated. */
void digest_to_hex(const uint8_t digest[SINK_DIGEST_LEN], char out[DIGEST_HEX_LEN + 1]);

/* Strict: DIGEST_HEX_LEN lower-case digits and nothing else.
 *
 * returns  SINK_OK; SINK_ESYNTAX
 */
int digest_from_hex(struct sink_span text, uint8_t out[SINK_DIGEST_LEN]);

#endif

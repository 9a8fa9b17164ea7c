/* sign.h - keys, and signatures of manifests: Ed25519 over everything that a generation is. What the bytes are is in
 * doc/DATABASE.md, "Signatures". */
#ifndef SINKHOLE_SIGN_H
#define SINKHOLE_SIGN_H

#include "sinkhole/store.h"

#define SINK_KEY_TEXT \
	(2 * SINK_KEY_ID_LEN + 1) /* bytes of an id in hexadecimal digits, with the NUL */
#define SINK_KEY_LINE 128 /* bytes of a public key's line, with the NUL */
#define SINK_KEYS_MAX 8 /* public keys in a file */
#define SINK_KEYS_FILE_MAX 65536 /* bytes of such a file */

/* "21fe31dfa154a261". */
void sink_key_text(const uint8_t id[SINK_KEY_ID_LEN], char out[SINK_KEY_TEXT]);

/* --- secret keys ------------------------------------------------------------------------------ */

struct sink_signer; /* a secret key */

/* Make a new one.
 *
 * out      the caller frees it with sink_signer_free()
 * returns  SINK_OK; SINK_ENOMEM (libcrypto gave up)
 */
int sink_signer_new(struct sink_signer **out);

/* Read one that sink_signer_write() or OpenSSL wrote; links are followed.
 *
 * returns  SINK_OK; SINK_ENOENT; SINK_ECORRUPT (no secret key, one of another kind, one under a passphrase); SINK_ENOMEM;
 *          SINK_EIO
 */
int sink_signer_read(const char *path, struct sink_why *why, struct sink_signer **out);

/* Write it to a new file, for its owner's eyes only (0600), and make that durable. What is there already stays.
 *
 * returns  SINK_OK; SINK_EINVAL (the file is there); SINK_EIO; SINK_ENOMEM. After a failure there is no such file
 */
int sink_signer_write(const struct sink_signer *signer, const char *path, struct sink_why *why);

/* NULL is fine. */
void sink_signer_free(struct sink_signer *signer);

/* The public key's id: borrowed. */
const uint8_t *sink_signer_id(const struct sink_signer *signer);

/* The public key as a line, with its line feed and a NUL. */
void sink_signer_public(const struct sink_signer *signer, char out[SINK_KEY_LINE]);

/* Sign a manifest: replace its signatures by those of `count` keys, in the order of their ids.
 *
 * count    0 to SINK_SIGNATURES_MAX; 0 takes signatures away
 * returns  SINK_OK; SINK_EINVAL (too many, the same key twice); SINK_ENOMEM. After a failure it has none
 */
int sink_manifest_sign(struct sink_manifest *manifest, struct sink_signer *const *signers,
	unsigned count, struct sink_why *why);

/* --- public keys ------------------------------------------------------------------------------ */

struct sink_keys; /* those of a file: whom to believe */

/* Read a file of public keys; links are followed. There is at least one in it, or it is refused.
 *
 * out      the caller frees it with sink_keys_free()
 * returns  SINK_OK; SINK_ENOENT (no such file); SINK_ECORRUPT; SINK_ENOMEM; SINK_EIO
 */
int sink_keys_read(const char *path, struct sink_why *why, struct sink_keys **out);

/* The same from its text; `why` tells the line. */
int sink_keys_parse(struct sink_span text, struct sink_why *why, struct sink_keys **out);

/* NULL is fine. */
void sink_keys_free(struct sink_keys *keys);

/* How many, and the id of each: borrowed. */
unsigned sink_keys_count(const struct sink_keys *keys);
const uint8_t *sink_keys_id(const struct sink_keys *keys, unsigned index);

/* Is there one with this id? */
bool sink_keys_know(const struct sink_keys *keys, const uint8_t id[SINK_KEY_ID_LEN]);

/* Is a manifest signed by these keys: by one of them at least, and by none of them wrongly?
 *
 * returns  SINK_OK; SINK_EUNSIGNED (no signature, or by others only); SINK_ECORRUPT (a signature by one of these keys
 *          is of something else); SINK_ENOMEM
 * cost     some 100 microseconds a signature
 */
int sink_keys_check(const struct sink_keys *keys, const struct sink_manifest *manifest,
	struct sink_why *why);

#endif

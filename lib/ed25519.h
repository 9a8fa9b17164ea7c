/* ed25519.h - a public key, its id, and the line that tells both; for sign.c, signed.c. */
#ifndef SINK_ED25519_H
#define SINK_ED25519_H

#include "sinkhole/sign.h"

#define ED25519_KEY_LEN 32 /* bytes */

struct ed25519_key {
	uint8_t bytes[ED25519_KEY_LEN];
	uint8_t id[SINK_KEY_ID_LEN];
};

/* Work out the id from the bytes.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int ed25519_name(struct ed25519_key *key);

/* The line, with its line feed and a NUL. */
void ed25519_line(const struct ed25519_key *key, char out[SINK_KEY_LINE]);

#endif

/* signing.h - what whoever publishes says of keys and of time: --sign, --unsigned and --expires. */
#ifndef TOOLS_SIGNING_H
#define TOOLS_SIGNING_H

#include "cmd.h"
#include "sinkhole/sign.h"

struct signing {
	const char *paths[SINK_SIGNATURES_MAX]; /* of secret keys */
	unsigned count;
	bool is_unsigned; /* --unsigned */
	int64_t lasts; /* seconds from publication; 0: --expires is not given */
	struct sink_signer *signers[SINK_SIGNATURES_MAX]; /* once begun */
};

enum { OPT_SIGN = 512, OPT_UNSIGNED, OPT_EXPIRES };

/* The rows of a command that publishes. */
#define SIGNING_OPTIONS \
	{ OPT_SIGN, "sign", "KEY", "sign with this secret key; twice, with two" }, \
		{ OPT_UNSIGNED, "unsigned", NULL, \
			"do not sign, although what is published is signed" }, \
	{ \
		OPT_EXPIRES, "expires", "DURATION", \
			"resolvers raise an alarm if nothing follows within, such as 2d" \
	}

/* Is it one of these options? */
bool signing_is(int key);

/* Take one of them.
 *
 * returns  STATUS_DONE; STATUS_USAGE, told
 */
enum status signing_take(struct signing *signing, const struct command *self, int key,
	const char *value);

/* Read the keys, before anything else is done; signing_end() after it, whatever it returned.
 *
 * dir      the data directory: what is published there without a signature, if that is missing by oversight, is refused.
 *          NULL: nothing is to be published
 * returns  STATUS_DONE; another, told
 */
enum status signing_begin(struct signing *signing, const struct command *self, const char *dir);

void signing_end(struct signing *signing);

/* Have what is published signed, and expire; its time is set already. */
void signing_fill(const struct signing *signing, struct sink_publish *what);

#endif

/* data.h - the data directory as commands see it. */
#ifndef TOOLS_DATA_H
#define TOOLS_DATA_H

#include "sinkhole/sign.h"

/* Which one: what -d said (may be NULL), $SINKHOLE_DIR, the compiled default. */
const char *data_directory(const char *option);

/* Read the manifest of a generation, and verify and open what is listed in it in place: its base, and its delta over it.
 *
 * serial   0: the published one
 * why      holds a sentence after every failure
 * returns  SINK_OK; SINK_ENOENT (no such generation); SINK_ECORRUPT (also when the base that the
 *          manifest promises is not there); SINK_EVERSION; SINK_ENOMEM; SINK_EIO
 * cost     reads the whole base, to compare its digest
 */
int data_open(const char *dir, uint64_t serial, struct sink_why *why,
	struct sink_manifest *manifest, struct sink_db **out);

/* The same of the base alone: what feeds say, without what was changed by hand. */
int data_open_base(const char *dir, uint64_t serial, struct sink_why *why,
	struct sink_manifest *manifest, struct sink_db **out);

/* Verify and read the policy of that generation.
 *
 * why      holds a sentence after every failure
 * out      the caller frees it with sink_policy_free(); written on SINK_OK only
 * returns  as sink_store_policy(), but SINK_ECORRUPT when the file that the manifest promises is not there
 */
int data_policy(const char *dir, const struct sink_manifest *manifest, struct sink_why *why,
	struct sink_policy **out);

/* The same, to know that it reads. */
int data_check_policy(const char *dir, const struct sink_manifest *manifest, struct sink_why *why);

/* The public keys that a resolver of this machine goes by: of the file that --key named (may be NULL), else
 * $SINKHOLE_KEY, else the compiled default, if it is there.
 *
 * why      holds a sentence after every failure
 * path     that file; borrowed
 * out      NULL: there is no such file, and nobody named one. The caller frees it with sink_keys_free()
 * returns  as sink_keys_read(), but SINK_EIO when a file that was named is not there
 */
int data_keys(const char *option, struct sink_why *why, const char **path, struct sink_keys **out);

#endif

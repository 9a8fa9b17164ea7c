/* gendir.h - the names in the data directory, and what lies under them; for store.c, publish.c. */
#ifndef SINK_GENDIR_H
#define SINK_GENDIR_H

#include <limits.h>

#include "distinct.h"
#include "sinkhole/store.h"

#define GENDIR_CURRENT "current"
#define GENDIR_GEN "gen"
#define GENDIR_TEMP "tmp-"

/* An open data directory: what happens to its path afterwards does not matter. */
struct gendir {
	const char *path; /* for messages; borrowed */
	int dir, gen; /* -1: not open */
};

/* returns  SINK_OK; SINK_ENOENT (DIR or DIR/gen is not there); SINK_EIO */
int gendir_open(const char *dir, struct sink_why *why, struct gendir *out);

void gendir_close(struct gendir *gendir);

/* SERIAL.manifest, and back. Only the name that a serial is given counts, not others that a number
 * could be read from. */
void gendir_manifest_name(uint64_t serial, char out[SINK_FILE_NAME_MAX]);
bool gendir_is_manifest(const char *name, uint64_t *serial);

/* The files that a manifest may name. */
enum gendir_kind { GENDIR_BASE, GENDIR_POLICY, GENDIR_DELTA, GENDIR_CHANGES, GENDIR_KINDS };

/* What a manifest says of one; an empty name: there is none. Borrowed from the manifest. */
struct gendir_file {
	char *name; /* SINK_FILE_NAME_MAX bytes */
	uint64_t *size;
	uint8_t *digest; /* SINK_DIGEST_LEN bytes */
};

struct gendir_file gendir_file_of(struct sink_manifest *manifest, enum gendir_kind kind);

/* base-SERIAL-DIGEST.mdb, policy-SERIAL-DIGEST.bin and so on, and back; here any serial in such a place counts. */
void gendir_name(enum gendir_kind kind, uint64_t serial, const uint8_t digest[SINK_DIGEST_LEN],
	char out[SINK_FILE_NAME_MAX]);
bool gendir_is(enum gendir_kind kind, const char *name, uint64_t *serial);

/* Is it a file of any of these kinds? */
bool gendir_is_file(const char *name, uint64_t *serial);

/* tmp-PID-N, new in `gen`. */
void gendir_temp_name(int gen, char out[SINK_FILE_NAME_MAX]);

/* Called for each name in DIR/gen, in no order; anything but SINK_OK ends the walk. */
typedef int gendir_fn(void *arg, const char *name);

/* returns  SINK_OK; SINK_EIO; SINK_ENOMEM; what `fn` returned */
int gendir_walk(const struct gendir *gendir, gendir_fn *fn, void *arg, struct sink_why *why);

/* The serials of all manifests in DIR/gen, by their names.
 *
 * out      settled; the caller frees it; written on SINK_OK only
 * returns  SINK_OK; SINK_EIO; SINK_ENOMEM
 */
int gendir_serials(const struct gendir *gendir, struct sink_why *why, struct distinct *out);

/* Read a manifest.
 *
 * serial   0: the published one
 * returns  as sink_store_manifest(); SINK_ENOMEM
 */
int gendir_manifest(const struct gendir *gendir, uint64_t serial, struct sink_why *why,
	struct sink_manifest *out);

/* Read and verify the live changes that a manifest names; as sink_store_changes(). */
int gendir_changes(const struct gendir *gendir, const struct sink_manifest *manifest,
	struct sink_why *why, uint8_t **out, size_t *len);

#endif

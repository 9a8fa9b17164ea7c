/* store.h - the data directory: which generations there are, which one is published, and publishing
 * another. Every change is atomic: killed at any instruction it leaves the old or the new one. */
#ifndef SINKHOLE_STORE_H
#define SINKHOLE_STORE_H

#include "sinkhole/db.h"

/* Layout (doc/DATABASE.md):
 *
 *   DIR/current                   the manifest of the published generation
 *   DIR/gen/SERIAL.manifest       the manifest of each generation that is kept
 *   DIR/gen/base-SERIAL-DIGEST.mdb
 *   DIR/gen/tmp-PID-N             being written; removed by the next publisher if its writer died
 */

#define SINK_FILE_NAME_MAX 128 /* bytes of a file's name inside gen/, with the NUL */
#define SINK_MANIFEST_MAX 8192 /* bytes of a manifest */
#define SINK_NOTE_MAX 256 /* bytes of origin and reason, with the NUL */
#define SINK_KEEP_DEFAULT 8 /* generations, the published one among them */

struct sink_manifest {
	uint64_t serial; /* 1 and up; never reused, never goes back */
	int64_t time; /* of publication, seconds since 1970-01-01 UTC */
	char base[SINK_FILE_NAME_MAX]; /* name of the file inside gen/ */
	uint64_t base_size; /* bytes */
	uint8_t base_digest[SINK_DIGEST_LEN];
	uint64_t names, listings; /* in it */
	char origin[SINK_NOTE_MAX]; /* "compile", "rollback to 3" */
	char reason[SINK_NOTE_MAX]; /* what the operator said, or empty */
	char tool[64]; /* "sinkhole 0.1" */
};

/* Read a manifest from its text, strictly: an unknown line, a missing line, a wrong digest of the
 * manifest itself are refused.
 *
 * returns  SINK_OK; SINK_ECORRUPT; SINK_EVERSION; SINK_ENOMEM
 */
int sink_manifest_parse(struct sink_span text, struct sink_why *why, struct sink_manifest *out);

/* Write its text: what parse reads, and the same bytes for equal manifests.
 *
 * returns  the length in bytes, less than SINK_MANIFEST_MAX; `out` is NUL-terminated
 */
size_t sink_manifest_format(const struct sink_manifest *manifest, char out[SINK_MANIFEST_MAX]);

/* Read the manifest of a generation.
 *
 * dir      the data directory
 * serial   0: the published one
 * returns  SINK_OK; SINK_ENOENT (no such generation, or nothing published yet); SINK_ECORRUPT;
 *          SINK_EVERSION; SINK_EIO
 */
int sink_store_manifest(const char *dir, uint64_t serial, struct sink_why *why,
	struct sink_manifest *out);

/* Verify and open the base file of a generation; see sink_db_open() for costs and errors. */
int sink_store_open(const char *dir, const struct sink_manifest *manifest, enum sink_map map,
	const atomic_bool *cancel, struct sink_why *why, struct sink_db **out);

/* Called for each generation that is kept, oldest first. */
typedef int sink_manifest_fn(void *arg, const struct sink_manifest *manifest);

/* returns  SINK_OK; SINK_ENOENT (no data directory); SINK_EIO; SINK_ENOMEM; what `fn` returned. A
 *          manifest that cannot be read is reported through `damaged` (may be NULL), with its path
 *          and the reason, and passed over. */
int sink_store_each(const char *dir, sink_manifest_fn *fn,
	void (*damaged)(void *arg, const char *text), void *arg, struct sink_why *why);

/* A name for a new file inside DIR/gen, both directories made if missing (0755). Pass it to
 * sink_writer_begin(), then to sink_store_publish().
 *
 * out      a path of at most `size` bytes with its NUL
 * returns  SINK_OK; SINK_EIO; SINK_EINVAL (path too long)
 */
int sink_store_temp(const char *dir, struct sink_why *why, char *out, size_t size);

struct sink_publish {
	const char *temp; /* a complete database file inside DIR/gen; renamed */
	uint64_t again; /* or, when temp is NULL: the serial of a kept generation */
	struct sink_summary summary; /* of temp */
	int64_t time; /* seconds since 1970-01-01 UTC */
	const char *origin, *reason; /* one line of UTF-8 each; reason may be NULL */
	const char *tool; /* likewise */
	unsigned keep; /* how many generations stay; 0: SINK_KEEP_DEFAULT */
	bool wait; /* wait for another publisher's lock instead of SINK_EBUSY */
};

/* Publish: digest, fsync, name by content, manifest, rename over `current`, fsync of the
 * directories; then prune. The new serial is one above every serial that the directory knows, by
 * the names of manifests and bases and by `current`.
 *
 * A damaged `current` does not lock the operator out: it is replaced. Its serial is known all the
 * same, because gen holds its manifest, damaged or not, under a name that says the serial.
 *
 * Pruning keeps the newest `keep` manifests and the bases that they name. While one of these
 * cannot be read no base is removed, since it might be the one. What cannot be removed is left for
 * the next time.
 *
 * out      the manifest as published; written when it is: on SINK_OK, and on SINK_EIO when the very last
 *          fsync failed, which `why` says too. Set its serial to 0 before, to tell the two apart
 * returns  SINK_OK; SINK_ENOENT (no data directory, no generation `again`); SINK_EBUSY; SINK_EIO;
 *          SINK_ENOMEM; SINK_ECORRUPT (the manifest or the base of `again` is damaged; `temp` has
 *          another size than its summary says); SINK_EINVAL (a text that is not one line or too
 *          long, a time before 1970, `temp` not inside DIR/gen). After a failure nothing is
 *          published (but for that last fsync: what is published may then not outlive a power cut)
 *          and `temp`, if it was there, still is there: the caller removes it
 */
int sink_store_publish(const char *dir, const struct sink_publish *what, struct sink_why *why,
	struct sink_manifest *out);

#endif

/* store.h - the data directory: which generations there are, which one is published, and publishing
 * another. Every change is atomic: killed at any instruction it leaves the old or the new one. */
#ifndef SINKHOLE_STORE_H
#define SINKHOLE_STORE_H

#include <string.h>

#include "sinkhole/change.h"
#include "sinkhole/db.h"
#include "sinkhole/policy.h"

/* Layout (doc/DATABASE.md):
 *
 *   DIR/current                   the manifest of the published generation
 *   DIR/gen/SERIAL.manifest       the manifest of each generation that is kept
 *   DIR/gen/base-SERIAL-DIGEST.mdb      what is listed
 *   DIR/gen/policy-SERIAL-DIGEST.bin    what is done about it
 *   DIR/gen/delta-SERIAL-DIGEST.mdb     what has changed of what is listed, over the base
 *   DIR/gen/changes-SERIAL-DIGEST.txt   the live changes that the delta is made of
 *   DIR/gen/tmp-PID-N             being written; removed by the next publisher if its writer died
 */

#define SINK_FILE_NAME_MAX 128 /* bytes of a file's name inside gen/, with the NUL */
#define SINK_MANIFEST_MAX 8192 /* bytes of a manifest */
#define SINK_NOTE_MAX 256 /* bytes of origin and reason, with the NUL */
#define SINK_KEY_ID_LEN 8 /* bytes that name a key: of the SHA-256 of the public one */
#define SINK_SIGNATURE_LEN 64 /* bytes */
#define SINK_SIGNATURES_MAX 2 /* of a manifest */
#define SINK_KEEP_DEFAULT 8 /* generations, the published one among them */

struct sink_signer;

/* By whom, and what; see sign.h. */
struct sink_signature {
	uint8_t key[SINK_KEY_ID_LEN];
	uint8_t bytes[SINK_SIGNATURE_LEN];
};

struct sink_manifest {
	uint64_t serial; /* 1 and up; never reused, never goes back */
	int64_t time; /* of publication, seconds since 1970-01-01 UTC */
	int64_t read; /* when what is new was read, in microseconds since then; 0: nothing was */
	char base[SINK_FILE_NAME_MAX]; /* name of the file inside gen/ */
	uint64_t base_size; /* bytes */
	uint8_t base_digest[SINK_DIGEST_LEN];
	uint64_t names, listings; /* in it */
	/* The delta over it and the live changes that are in force, likewise; empty names, and zeros: there are none */
	char delta[SINK_FILE_NAME_MAX];
	uint64_t delta_size;
	uint8_t delta_digest[SINK_DIGEST_LEN];
	char changes[SINK_FILE_NAME_MAX];
	uint64_t changes_size;
	uint8_t changes_digest[SINK_DIGEST_LEN];
	char policy[SINK_FILE_NAME_MAX]; /* name of the policy's file inside gen/ */
	uint64_t policy_size; /* bytes */
	uint8_t policy_digest[SINK_DIGEST_LEN];
	char origin[SINK_NOTE_MAX]; /* "compile", "rollback to 3" */
	char reason[SINK_NOTE_MAX]; /* what the operator said, or empty */
	char tool[64]; /* "sinkhole 0.1" */
	/* A pause: seconds since 1970. Both 0: there is none */
	int64_t paused_since; /* for people; whatever the clock says before, it is paused */
	int64_t paused_until; /* the first second at which filtering is back, or SINK_PAUSED_OPEN */
	int64_t expires; /* from which second on something fresher should be there; 0: never */
	/* Nobody has looked whether they are right, unless sink_keys_check() did */
	unsigned signatures_count;
	struct sink_signature
		signatures[SINK_SIGNATURES_MAX]; /* of different keys, their ids rising */
};

/* Do two generations have the same base, whatever the names of its files? */
static inline bool sink_is_same_base(const struct sink_manifest *a, const struct sink_manifest *b)
{
	return a->base_size == b->base_size && a->names == b->names && a->listings == b->listings &&
		memcmp(a->base_digest, b->base_digest, sizeof a->base_digest) == 0;
}

/* Do they have the same delta, or both none? */
static inline bool sink_is_same_delta(const struct sink_manifest *a, const struct sink_manifest *b)
{
	return !a->delta[0] == !b->delta[0] && a->delta_size == b->delta_size &&
		memcmp(a->delta_digest, b->delta_digest, sizeof a->delta_digest) == 0;
}

/* The same policy, whatever the name of its file? */
static inline bool sink_is_same_policy(const struct sink_manifest *a, const struct sink_manifest *b)
{
	return a->policy_size == b->policy_size &&
		memcmp(a->policy_digest, b->policy_digest, sizeof a->policy_digest) == 0;
}

/* The same pause, or both none? */
static inline bool sink_is_same_pause(const struct sink_manifest *a, const struct sink_manifest *b)
{
	return a->paused_since == b->paused_since && a->paused_until == b->paused_until;
}

#define SINK_PAUSED_OPEN INT64_MAX /* until somebody ends it */

/* Is filtering off, so that nothing that is listed and no rule counts?
 *
 * now      seconds since 1970-01-01 UTC
 */
static inline bool sink_is_paused(const struct sink_manifest *manifest, int64_t now)
{
	return manifest->paused_until != 0 && now < manifest->paused_until;
}

/* Should something fresher be published by now? It is no reason not to use it. */
static inline bool sink_is_expired(const struct sink_manifest *manifest, int64_t now)
{
	return manifest->expires != 0 && now >= manifest->expires;
}

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

/* Verify and open the base of a generation, whatever lies over it; see sink_db_open() for costs and errors. */
int sink_store_open_base(const char *dir, const struct sink_manifest *manifest, enum sink_map map,
	const atomic_bool *cancel, struct sink_why *why, struct sink_db **out);

/* The same of its delta.
 *
 * base     as that returned it, or the base of an earlier generation if it is the same. Shared, not taken
 * out      where there is no delta, another share of `base`
 */
int sink_store_open_delta(const char *dir, const struct sink_manifest *manifest,
	const struct sink_db *base, enum sink_map map, const atomic_bool *cancel,
	struct sink_why *why, struct sink_db **out);

/* Both: what is listed in a generation. */
int sink_store_open(const char *dir, const struct sink_manifest *manifest, enum sink_map map,
	const atomic_bool *cancel, struct sink_why *why, struct sink_db **out);

/* Read and verify what is kept of a generation's live changes (sinkhole/change.h).
 *
 * out      the caller frees it; `len` bytes, none if there are no changes
 * returns  SINK_OK; SINK_ENOENT; SINK_ECORRUPT (size or digest); SINK_ENOMEM; SINK_EIO
 */
int sink_store_changes(const char *dir, const struct sink_manifest *manifest, struct sink_why *why,
	uint8_t **out, size_t *len);

/* Count the subjects that a generation's delta says something about (doc/DATABASE.md, "The delta").
 *
 * out      0 if it has none
 * returns  SINK_OK; SINK_ENOENT (its file is not there); SINK_ECORRUPT, SINK_EVERSION; SINK_ENOMEM; SINK_EIO
 * cost     a few reads of a page: nothing is verified but these
 */
int sink_store_changed(const char *dir, const struct sink_manifest *manifest, struct sink_why *why,
	uint64_t *out);

/* Read, verify and decode the policy of a generation.
 *
 * out      the caller frees it with sink_policy_free()
 * returns  SINK_OK; as sink_policy_decode(); SINK_ENOENT; SINK_ECORRUPT (size or digest); SINK_EIO
 */
int sink_store_policy(const char *dir, const struct sink_manifest *manifest, struct sink_why *why,
	struct sink_policy **out);

/* Called for each generation that is kept, oldest first. */
typedef int sink_manifest_fn(void *arg, const struct sink_manifest *manifest);

/* Called for each whose manifest cannot be read.
 *
 * err      SINK_EVERSION: of another version of sinkhole, hence not damaged; SINK_ECORRUPT; SINK_EIO; SINK_ENOMEM
 * text     its path and the reason */
typedef void sink_unread_fn(void *arg, int err, const char *text);

/* unread   may be NULL: such are passed over
 * returns  SINK_OK; SINK_ENOENT (no data directory); SINK_EIO; SINK_ENOMEM; what `fn` returned */
int sink_store_each(const char *dir, sink_manifest_fn *fn, sink_unread_fn *unread, void *arg,
	struct sink_why *why);

/* A name for a new file inside DIR/gen, both directories made if missing (0755). Pass it to
 * sink_writer_begin(), then to sink_store_publish().
 *
 * out      a path of at most `size` bytes with its NUL
 * returns  SINK_OK; SINK_EIO; SINK_EINVAL (path too long)
 */
int sink_store_temp(const char *dir, struct sink_why *why, char *out, size_t size);

/* What becomes of a pause. */
enum sink_pausing {
	SINK_PAUSE_KEEP, /* that of the published generation goes on, if it is not over by the clock of this machine */
	SINK_PAUSE_BEGIN, /* the same, but with this end; else one begins now */
	SINK_PAUSE_END,
};

struct sink_publish {
	const char *temp; /* a complete database file inside DIR/gen; renamed */
	/* NULL, or with temp: the digest of the base that it stands for, holding the same in other files. That must still be
	 * the published one once the lock is held, and its policy stays unless another one is given */
	const uint8_t *over;
	/* Or, when temp is NULL: the serial of a kept generation, whose base it is then, and whose delta and live changes. 0,
	 * with a policy, with live changes, or with a pause begun or ended: the published one, whichever that is once the
	 * lock is held, so that nothing is undone that was published meanwhile */
	uint64_t again;
	/* The live changes that shall be in force, asked for under the lock (sinkhole/change.h), so that nobody's is lost.
	 * NULL: with `temp` none, with `again` that generation's */
	const struct sink_live *live;
	/* NULL: with `temp` sink_policy_default (but see `over`), with `again` that generation's. Encoded, and written to a file
	 * of its own (of the same name, if the bytes are kept already) */
	const struct sink_policy *policy;
	struct sink_summary summary; /* of temp */
	int64_t time; /* seconds since 1970-01-01 UTC */
	int64_t read; /* microseconds since then; 0: nothing was read for it */
	const char *origin, *reason; /* one line of UTF-8 each; reason may be NULL */
	const char *tool; /* likewise */
	unsigned keep; /* how many generations stay; 0: SINK_KEEP_DEFAULT */
	bool wait; /* wait for another publisher's lock instead of SINK_EBUSY */
	enum sink_pausing pausing;
	int64_t pause_until; /* of BEGIN: the first second at which it is over, to come; SINK_PAUSED_OPEN */
	int64_t expires; /* seconds since 1970; 0: that of `again`, and with `temp` none */
	struct sink_signer *const *signers; /* secret keys to sign with; borrowed */
	unsigned signers_count; /* 0 to SINK_SIGNATURES_MAX */
	bool may_unsign; /* publish without a signature although what is published now has one */
};

/* Publish: digest, fsync, name by content, the policy's file, manifest, rename over `current`, fsync of the
 * directories; then prune. The new serial is one above every serial that the directory knows, by
 * the names of manifests and files and by `current`.
 *
 * What is published again is compared with its digests, but for what is listed with another policy or other live changes, or
 * for the sake of a pause: sizes will do, since whoever opens it compares digests, and such a change should neither wait for
 * a base to be read nor be hindered by damage that a resolver, with a copy of its own, does not see. For the same reason live changes are looked up in it page by page, each checked before it is followed.
 *
 * A damaged `current` does not lock the operator out: it is replaced. Its serial is known all the
 * same, because gen holds its manifest, damaged or not, under a name that says the serial. One that cannot be read
 * (SINK_EIO) does: it might hold a pause, which would be lost.
 *
 * Where what is published has a signature, nothing is published without one, unless `may_unsign` says so: resolvers that
 * have a key would refuse it, and one that starts then would have nothing to filter by.
 *
 * Pruning keeps the newest `keep` manifests, and the files that they name. While one of these
 * cannot be read no such file is removed, since it might be the one: that goes for those of another version, too.
 * What cannot be removed is left for the next time.
 *
 * out      the manifest as published; written when it is: on SINK_OK, and on SINK_EIO when the very last
 *          fsync failed, which `why` says too. Set its serial to 0 before, to tell the two apart
 * returns  SINK_OK; SINK_ENOENT (no data directory, no generation `again`, no pause to end); SINK_EBUSY; SINK_EOLD (the
 *          published base is another one than `over` says); SINK_EIO;
 *          SINK_ENOMEM; SINK_EUNSIGNED (what is published has a signature, and there are no `signers`);
 *          SINK_ECORRUPT (the manifest or the base of `again` is damaged, or its policy where that
 *          is published again; or the live changes in force; `temp` has another size than its summary says);
 *          what live->take() and live->next() return; SINK_EVERSION (the manifest of
 *          `again`); SINK_EINVAL (a policy with a field out of its range, a text that is not one line or too
 *          long, a time before 1970, a pause that would be over, the same signer twice or too many, `temp` not inside DIR/gen, nothing to publish).
 *          After a failure nothing is
 *          published (but for that last fsync: what is published may then not outlive a power cut)
 *          and `temp`, if it was there, still is there: the caller removes it
 */
int sink_store_publish(const char *dir, const struct sink_publish *what, struct sink_why *why,
	struct sink_manifest *out);

#endif

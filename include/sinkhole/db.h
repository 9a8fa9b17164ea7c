/* db.h - what is listed, opened: find it by name or prefix. Immutable once open.
 *
 * That is one file, the base, or two: a delta over a base (doc/DATABASE.md, "The delta"). What a delta says about a
 * subject, which may be nothing, is all there is about that subject; all others are the base's. Whoever holds a
 * struct sink_db need not know: records and facets are numbered through, the delta's behind the base's. Without a delta
 * a look-up costs what it cost before there were any: one comparison more. */
#ifndef SINKHOLE_DB_H
#define SINKHOLE_DB_H

#include <stdatomic.h>

#include "sinkhole/err.h"
#include "sinkhole/name.h"
#include "sinkhole/prefix.h"
#include "sinkhole/record.h"
#include "sinkhole/writer.h"

struct sink_db; /* shared by all threads */
struct sink_reader; /* one thread at a time */

#define SINK_DIGEST_LEN 32 /* bytes: SHA-256 */

enum sink_map {
	SINK_MAP_SEALED, /* copy into sealed memory, verify the copy, read the copy (the default) */
	SINK_MAP_DIRECT, /* verify the file, then map it: less memory, trusts the file to stay */
};

struct sink_db_options {
	enum sink_map map;
	uint64_t size; /* bytes that the manifest promises */
	uint8_t digest[SINK_DIGEST_LEN]; /* that the manifest promises */
	const atomic_bool *cancel; /* may be NULL; when it becomes true, opening gives up soon */
	const struct sink_db
		*base; /* the file is a delta over this one, which it shares; NULL: it is a base */
};

/* Verify a database file and open what was verified (doc/DATABASE.md, "What a reader refuses").
 *
 * path     a regular file, not a symbolic link
 * out      the caller closes it, after every reader of it has ended
 * returns  SINK_OK; SINK_ENOENT (no such file); SINK_ECORRUPT (size, digest or structure; a delta where a base is
 *          wanted, or the other way round, or over another base than it was made for);
 *          SINK_EVERSION; SINK_ENOMEM; SINK_EIO; SINK_ECANCELED; SINK_EINVAL (options->base is a delta)
 * thread   any
 * cost     reads the whole file, and walks over its leaves to learn where things lie: 32 bytes of memory for each 50 to 70
 *          names, 9 for each record. SEALED keeps a copy of the file in memory besides
 */
int sink_db_open(const char *path, const struct sink_db_options *options, struct sink_why *why,
	struct sink_db **out);

/* NULL is fine. */
void sink_db_close(struct sink_db *db);

/* What the file says it holds; summary->bytes is the file's size, duplicates 0. With a delta: names and listings of both
 * together, records and bytes of each. Any thread. */
void sink_db_summary(const struct sink_db *db, struct sink_summary *out);

/* What a delta lies over, borrowed until it is closed; NULL: this is no delta. Any thread. */
const struct sink_db *sink_db_base(const struct sink_db *db);

/* Of a delta and its base the latter, or what has none itself. */
static inline const struct sink_db *sink_db_lowest(const struct sink_db *db)
{
	const struct sink_db *base = sink_db_base(db);

	return base ? base : db;
}

/* One more owner of an open database: each of them closes it, the last one for good. Any thread. */
struct sink_db *sink_db_share(const struct sink_db *db);

/* Facets: what rules can ask about records (policy.h: all texts but the reference, severity, confidence, TLP), told
 * apart. Databases have few: a feed's entries mostly share one. Numbers count from 0. Any thread. */
uint32_t sink_db_facets(const struct sink_db *db);

/* The facet of a record.
 *
 * record   as a listing says; one that does not exist has facet UINT32_MAX
 * cost     a load from the map
 */
uint32_t sink_db_facet_of(const struct sink_db *db, uint32_t record);

/* A facet's content.
 *
 * record   one that has it, to be read with sink_reader_record()
 * triggers bit 1 << enum sink_trigger of each for which something is listed under records with this facet
 * returns  SINK_OK; SINK_EINVAL (no such facet)
 */
int sink_db_facet(const struct sink_db *db, uint32_t facet, uint32_t *record, uint8_t *triggers);

/* The first second after `now` from which on something may be blocked that was not, since a record begins or ends to be
 * valid: one that is no allow begins, an allow or a STOP ends, or, `with_ends`, any other one ends, which matters where
 * a rule lets such pass. INT64_MAX: none. Any thread.
 *
 * cost     a search by halving in the map, or two
 */
int64_t sink_db_next_turn(const struct sink_db *db, bool with_ends, int64_t now);

/* The facets of the records that `with_ends` is about, by place, rising; UINT32_MAX behind the last. Any thread. */
uint32_t sink_db_ending(const struct sink_db *db, uint32_t place);

/* How the file is read: SINK_MAP_DIRECT although SEALED was asked for where the system has no
 * sealable memory or no /proc to open it by; worth a line in the log. Any thread. */
enum sink_map sink_db_map(const struct sink_db *db);

/* A view of the database for one thread at a time.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO
 * thread   any may begin one, and any may end it
 */
int sink_reader_begin(const struct sink_db *db, struct sink_reader **out);

/* NULL is fine. */
void sink_reader_end(struct sink_reader *reader);

const struct sink_db *sink_reader_db(const struct sink_reader *reader);

/* One thing listed about the name asked for or an ancestor of it. */
struct sink_listing {
	uint32_t record; /* for sink_reader_record() */
	enum sink_scope scope;
	uint8_t labels; /* of the listed name, or bits of the listed prefix: how specific it is */
};

/* What is listed: a name or a prefix. */
struct sink_subject {
	enum sink_trigger trigger;
	struct sink_name name; /* valid unless the trigger is about prefixes */
	struct sink_prefix prefix; /* valid if it is */
};

/* Called for each listing; anything but SINK_OK ends the search and is returned by it. */
typedef int sink_listing_fn(void *arg, const struct sink_listing *listing);

/* Report every listing of `name` and of its ancestors whose scope covers `name`, the most specific
 * first, and of one name in the order of their records. (Of several names or prefixes, records of a delta have higher
 * numbers than those of its base, whatever they say.)
 *
 * returns  SINK_OK, also when nothing is listed; SINK_ECORRUPT; what `fn` returned
 * cost     one hash pass and one filter probe a label, all overlapping; a search for a block and in it for each
 *          label that the filter lets through (0.6 % of those that are not listed). With a delta, a probe
 *          a label of its filter before. No allocation, no lock, no log line.
 */
int sink_reader_find(struct sink_reader *reader, const struct sink_name *name, sink_listing_fn *fn,
	void *arg);

/* The same for another trigger that is about names.
 *
 * returns  as sink_reader_find(); SINK_EINVAL (a trigger that is about prefixes)
 */
int sink_reader_find_name(struct sink_reader *reader, enum sink_trigger trigger,
	const struct sink_name *name, sink_listing_fn *fn, void *arg);

/* Report every listing of `prefix` and of the prefixes that cover it, the longest first.
 *
 * returns  as sink_reader_find(); SINK_EINVAL (a trigger that is about names)
 * cost     a filter probe for each length that is listed at all; a B-tree search for each that passes
 */
int sink_reader_find_prefix(struct sink_reader *reader, enum sink_trigger trigger,
	const struct sink_prefix *prefix, sink_listing_fn *fn, void *arg);

/* Read a record by its stored id.
 *
 * out      its text is borrowed from the database until the reader ends
 * returns  SINK_OK; SINK_ENOENT; SINK_ECORRUPT
 */
int sink_reader_record(struct sink_reader *reader, uint32_t record, struct sink_record *out);

/* What a record's entries are, if that is all there is to ask: they are in force at any time, for each type, and about
 * each name that they cover.
 *
 * kind, hint  written on true only
 * returns     false: it is no such record, or there is none; read it
 * cost        a look at a byte
 */
bool sink_reader_plain(const struct sink_reader *reader, uint32_t record, enum sink_kind *kind,
	enum sink_hint *hint);

/* Called for each listed subject, trigger by trigger, names in canonical order (RFC 4034, 6.1), prefixes by
 * family, address and length; with one listing at a time. */
typedef int sink_each_fn(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing);

/* Walk over everything that is listed, checking each byte on the way.
 *
 * returns  SINK_OK; SINK_ECORRUPT; what `fn` returned
 */
int sink_reader_each(struct sink_reader *reader, sink_each_fn *fn, void *arg);

/* The same walk, one step at a time, so that two databases can be compared side by side. */
struct sink_walk;

/* returns  SINK_OK; SINK_ENOMEM; SINK_EIO. End it before its reader
 */
int sink_walk_begin(struct sink_reader *reader, struct sink_walk **out);

/* The next subject and all that is listed about it.
 *
 * subject, listings  borrowed until the next call; written on SINK_OK only
 * returns  SINK_OK; SINK_ENOENT (that was all); SINK_ECORRUPT; SINK_ENOMEM
 */
int sink_walk_next(struct sink_walk *walk, const struct sink_subject **subject,
	const struct sink_listing **listings, size_t *count);

/* NULL is fine. */
void sink_walk_end(struct sink_walk *walk);

/* In the order of the walk: below, equal or above zero. */
int sink_subject_compare(const struct sink_subject *a, const struct sink_subject *b);

/* Told of a subject, borrowed until it returns; anything but SINK_OK ends the walk and is returned by it. */
typedef int sink_subject_fn(void *arg, const struct sink_subject *subject);

/* Tell of each subject about which one of two databases says something else than the other, in the order of a walk. What a
 * delta says that its base says as well may be told of, too.
 *
 * returns  SINK_OK; SINK_EINVAL (they do not lie over the same base, shared by both: anything may differ); SINK_ENOMEM;
 *          SINK_EIO; SINK_ECORRUPT; what `fn` returned
 * thread   any
 * cost     a walk over their deltas; nothing of the base is read
 */
int sink_db_changed(const struct sink_db *now, const struct sink_db *before, sink_subject_fn *fn,
	void *arg);

/* Read everything back, of a delta and its base both: every block, listing and record, the counts, and that the filter
 * knows every name (a filter that forgets one would let it through unseen).
 *
 * returns  SINK_OK; SINK_ECORRUPT
 * cost     reads the whole database
 */
int sink_reader_verify(struct sink_reader *reader, struct sink_why *why);

#endif

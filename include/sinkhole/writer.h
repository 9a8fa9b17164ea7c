/* writer.h - build one database file: begin, intern records, add names and prefixes in any order, commit. */
#ifndef SINKHOLE_WRITER_H
#define SINKHOLE_WRITER_H

#include "sinkhole/err.h"
#include "sinkhole/name.h"
#include "sinkhole/prefix.h"
#include "sinkhole/record.h"

struct sink_writer;
struct sink_subject; /* sinkhole/db.h */

/* Blocks of one subject by one source (text) that are written, since a query looks at all of them. Of more, those are
 * left out without which every query is answered by the same rule in the same way: first what differs
 * from one that stays in its reference alone, and is in force only while others of these are. Allow entries and stops
 * are not counted, and left out for no other reason. Where that does not suffice, one of each kind, scope,
 * types, except, hint and data stays first, and rules that tell apart what goes may decide otherwise. Equal ones are
 * taken in the order of their records, so the bytes do not depend on the order of what is added. */
#define SINK_LISTINGS_MAX 64

/* What was left out of one source's listings of one subject. Borrowed for the call. */
struct sink_crowd {
	const struct sink_subject *subject;
	struct sink_span source;
	uint64_t listings;
	uint64_t distinct; /* of these, those that rules or the time could tell from what stays */
};

struct sink_writer_options {
	const char *path; /* the file to create; must not exist; kept only by commit */
	const char *tmpdir; /* where sorted runs are spilled; NULL: the directory of path */
	size_t memory; /* bytes to sort in before spilling; 0: 256 MiB. Once anything is listed for
			* another trigger than QNAME, a quarter of it more */
	/* Told during commit, in the order of subjects; may be NULL. What is told of a file that cannot be
	 * finished is to be forgotten */
	void (*crowd)(void *arg, const struct sink_crowd *crowd);
	void *arg;
};

/* What was written; the same numbers stand in the file. */
struct sink_summary {
	uint64_t names; /* distinct; and prefixes, and each trigger for itself */
	uint64_t listings; /* (trigger, name or prefix, scope, record), distinct */
	uint64_t duplicates; /* listings added again and dropped */
	uint64_t crowded; /* listings left out: SINK_LISTINGS_MAX */
	uint32_t records; /* distinct */
	uint64_t bytes; /* of the file */
};

/* Begin a database file. Same names, scopes and records, added in whatever order and however
 * often, give the same bytes (doc/DATABASE.md).
 *
 * options  copied
 * out      the caller ends it with commit or abort
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO
 * thread   a writer is used by one thread at a time
 */
int sink_writer_begin(const struct sink_writer_options *options, struct sink_why *why,
	struct sink_writer **out);

/* Make a record known, once for the many names that share it.
 *
 * record   copied; an equal record gets the same id again
 * out      an id for sink_writer_add() of this writer; not the id that will be stored
 * returns  SINK_OK; SINK_ENOMEM; SINK_EINVAL (a field out of its range)
 * cost     hash of the record's bytes; records stay in memory until the end
 */
int sink_writer_record(struct sink_writer *w, const struct sink_record *record, uint32_t *out);

/* List a name under a record.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO (spilling failed: abort); SINK_EINVAL
 * cost     a copy of the key; from time to time a sort and a spill of the memory given
 */
int sink_writer_add(struct sink_writer *w, const struct sink_name *name, enum sink_scope scope,
	uint32_t record);

/* List a name under a record, for a trigger that is about names.
 *
 * returns  as sink_writer_add(), which is this with SINK_TRIGGER_QNAME; SINK_EINVAL (a trigger that is about
 *          prefixes)
 */
int sink_writer_add_name(struct sink_writer *w, enum sink_trigger trigger,
	const struct sink_name *name, enum sink_scope scope, uint32_t record);

/* List a prefix under a record.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO (as sink_writer_add()); SINK_EINVAL (a trigger that is about
 *          names, a prefix that sink_prefix_from_text() would not give)
 */
int sink_writer_add_prefix(struct sink_writer *w, enum sink_trigger trigger,
	const struct sink_prefix *prefix, uint32_t record);

/* Begin a batch: records made known from here on, and what is listed under them, belong to it. What
 * was made known before the first call belongs to batch 0.
 *
 * returns  its number
 */
uint32_t sink_writer_batch(struct sink_writer *w);

/* Drop a batch: what is listed under its records will not be written, nor will the records. May be
 * called until commit, more than once. An equal record of another batch stays.
 */
void sink_writer_drop(struct sink_writer *w, uint32_t batch);

/* Merge, write, and make durable (fsync of the file). Frees the writer, whatever it returns; on
 * failure the file is gone.
 *
 * summary  written on SINK_OK only; may be NULL
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO. What an earlier call failed with is returned here
 *          again
 */
int sink_writer_commit(struct sink_writer *w, struct sink_why *why, struct sink_summary *summary);

/* Drop everything, the file too. NULL is fine. */
void sink_writer_abort(struct sink_writer *w);

#endif

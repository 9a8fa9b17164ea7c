/* scan.h - one file of a database, subject by subject in key order; for scan.c and verify.c. */
#ifndef SINK_SCAN_H
#define SINK_SCAN_H

#include "env.h"

struct scan {
	struct sink_reader *reader; /* of the file */
	MDB_cursor *cursor; /* of its own, so that who walks may search on the way */
	uint64_t blocks; /* that were entered */
	int ended; /* SINK_OK, or why there is no more */
	bool inside; /* there may be more in the block at hand */
	struct schema_block block;
	uint8_t letter; /* of the block before; 0: there was none */
	size_t len; /* of the key that it ended with: keys rise across blocks, too */
	uint8_t key[SCHEMA_SUBJECT_MAX];
};

/* Begin with the file that `reader` itself is about, whatever lies behind it. scan_end() after it, whatever it returned.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO
 */
int scan_begin(struct scan *scan, struct sink_reader *reader);

/* Go to the next subject, which is scan->block.subject then.
 *
 * listings as schema_block_next() gives them
 * returns  SINK_OK; SINK_ENOENT (that was all); SINK_ECORRUPT; what it returned before, if that was not OK
 */
int scan_next(struct scan *scan, struct schema_listings *listings);

void scan_end(struct scan *scan);

/* Of the subjects that two scans are at, in the order of keys: below, equal or above zero. */
int scan_compare_subjects(const struct scan *a, const struct scan *b);

#endif

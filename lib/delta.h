/* delta.h - from a base and live changes to the file of a delta. */
#ifndef SINK_DELTA_H
#define SINK_DELTA_H

#include "sinkhole/change.h"

struct delta_base {
	int fd; /* open for reading */
	uint64_t size; /* bytes */
	const uint8_t *digest; /* SINK_DIGEST_LEN bytes; taken on trust */
	const char *shown; /* its path for messages */
};

/* Write the file, if there is anything in which the changes make another database than the base alone.
 *
 * path     must not exist
 * live     after take()
 * written  false: nothing is written, and no file there
 * summary  as sink_writer_commit() gives it; written where a file is
 * returns  SINK_OK; as sink_writer_commit(); SINK_ECORRUPT, SINK_EVERSION (the base); SINK_EINVAL (a change that
 *          cannot be); what next() returned. The file is not there on failure
 * cost     some reads of a page for each subject (probe.h); nothing grows with the base
 */
int delta_write(const char *path, const struct delta_base *base, const struct sink_live *live,
	struct sink_why *why, bool *written, struct sink_summary *summary);

#endif

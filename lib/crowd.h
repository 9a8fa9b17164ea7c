/* crowd.h - of one subject's listings, where a source has very many, those that are written: so many that no query is
 * slow, and so chosen that none is answered otherwise. */
#ifndef SINK_CROWD_H
#define SINK_CROWD_H

#include "schema.h"
#include "sinkhole/writer.h"

/* Who knows the records, and who wants to know what went. */
struct crowd {
	/* The stored bytes of a record by its id; borrowed until crowd_thin() returns */
	struct sink_span (*record)(const void *arg, uint32_t id);
	/* Once for each source that lost some, in the order of their first listings; `source` is borrowed */
	void (*left_out)(void *arg, struct sink_span source, uint64_t listings, uint64_t distinct);
	void *arg;
};

/* Leave out what sources list beyond SINK_LISTINGS_MAX (sinkhole/writer.h says which).
 *
 * listings  of one subject, numbered as they are stored, rising and distinct; those that stay, rising
 * count     how many; how many stay
 * returns   SINK_OK; SINK_ENOMEM, SINK_EIO (no randomness), SINK_ECORRUPT (a record that cannot be read): nothing
 *           has changed then
 * cost      a comparison if there are no more than that; else n log n, and 64 bytes a listing
 */
int crowd_thin(const struct crowd *crowd, uint64_t *listings, size_t *count);

#endif

/* probe.h - a few look-ups in a base that nobody has verified: for who changes some names of ten million, and has no time
 * to read them all.
 *
 * Pages are read, not mapped, and each is checked before it is followed: so a file that is damaged, or cut while we look,
 * gives an error or, like damage that keeps the layout, another answer, and never a crash. What is made of such an answer
 * is no worse than the base: whoever opens that compares its digest, and refuses both. */
#ifndef SINK_PROBE_H
#define SINK_PROBE_H

#include "schema.h"

struct probe;

/* fd       of a regular file, open for reading until probe_end()
 * size     of the file, bytes
 * shown    its path for messages; borrowed as long
 * returns  SINK_OK; SINK_ECORRUPT; SINK_EVERSION; SINK_EIO; SINK_ENOMEM
 * cost     a few reads of a page
 */
int probe_begin(int fd, uint64_t size, const char *shown, struct sink_why *why, struct probe **out);

/* NULL is fine. */
void probe_end(struct probe *probe);

/* What the file says it holds. */
const struct schema_meta *probe_holds(const struct probe *probe);

/* Find the listings of one subject.
 *
 * out      borrowed until the next call
 * returns  SINK_OK; SINK_ENOENT; SINK_ECORRUPT, SINK_EIO, SINK_ENOMEM (with why)
 * cost     a read of a page or two; those above them are kept
 */
int probe_find(struct probe *probe, const struct sink_subject *subject, struct sink_why *why,
	struct schema_listings *out);

/* Find a record, as it is stored.
 *
 * out      borrowed until the next call of this one
 * returns  SINK_OK; SINK_ECORRUPT (also if there is none), SINK_EIO, SINK_ENOMEM (with why)
 */
int probe_record(struct probe *probe, uint32_t id, struct sink_why *why, struct sink_span *out);

#endif

/* localdata.h - records to answer with, gathered by what they are listed for: those of one name or prefix
 * become one entry, wherever in a file they stand. */
#ifndef TOOLS_LOCALDATA_H
#define TOOLS_LOCALDATA_H

#include "feed.h"

/* Bytes kept at most. A zone with more is told in parts, each sorted; a name that stands in two of them
 * becomes two entries, unless its records are neighbours. */
#define LOCALDATA_MAX ((size_t)64 << 20)

struct localdata {
	uint8_t *at;
	size_t len, room; /* bytes */
	struct localdata_item *items;
	size_t count, size;
};

/* Keep one record.
 *
 * subject  its trigger, name or prefix, and scope
 * text     of the record, for messages: its beginning is kept
 * returns  SINK_OK; SINK_ENOMEM
 */
int localdata_add(struct localdata *data, const struct feed_entry *subject, uint64_t number,
	struct sink_span rr, struct sink_span text);

bool localdata_is_full(const struct localdata *data);

/* Hand on what was gathered, an item for each entry and for each record that is left out: beside a CNAME
 * (RFC 1034, 3.6.2), or of more than SINK_BYTES_MAX in all. Forgets it.
 *
 * last     nothing follows; else the records of what was added last are kept for those to come
 * returns  SINK_OK; SINK_ENOMEM; what out->entry() returned
 */
int localdata_tell(struct localdata *data, bool last, const struct feed_out *out);

void localdata_end(struct localdata *data);

#endif

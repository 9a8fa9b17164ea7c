/* source.h - one SOURCE of `compile`: where a feed is, how to read it, what it says of its entries. */
#ifndef TOOLS_SOURCE_H
#define TOOLS_SOURCE_H

#include "attributes.h"
#include "feed.h"
#include "lines.h"

struct source {
	char *path; /* "-": standard input */
	const struct feed_format *format; /* NULL until recognised */
	bool recognised; /* by content: nobody named it */
	struct attributes attributes;
	struct lines *lines; /* NULL unless open */
	struct feed_tally tally;
	uint64_t distinct; /* listings of it in the database; UINT64_MAX: not counted */
};

/* Read "[FORMAT:]PATH[,key=value...]".
 *
 * returns  SINK_OK; SINK_ESYNTAX; SINK_ENOMEM
 */
int source_parse(const char *text, struct sink_why *why, struct source *out);

/* Open it and find its format.
 *
 * returns  SINK_OK; as lines_open(); SINK_ESYNTAX (not recognised)
 */
int source_open(struct source *source, struct sink_why *why);

/* Close it and forget its path. */
void source_end(struct source *source);

/* How messages name it: its path, or "standard input". */
const char *source_title(const struct source *source);

#endif

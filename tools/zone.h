/* zone.h - a zone file, one record after the other: parentheses, quotation marks, comments and escapes
 * are understood here; owners, origins and records are not. */
#ifndef TOOLS_ZONE_H
#define TOOLS_ZONE_H

#include "feed.h"
#include "lines.h"

/* Bytes of one record's text with all of its lines. A parenthesis that is still open behind so many was
 * never meant to be. */
#define ZONE_RECORD_MAX ((size_t)1 << 17)

struct zone_record {
	uint64_t number; /* of the line where it begins */
	enum feed_reason reason; /* FEED_TAKEN, or why it cannot be read */
	struct sink_span
		text; /* in one line, without parentheses and comments; until the next call */
};

struct zone {
	struct lines *lines;
	uint8_t *text; /* the record at hand */
	size_t len;
	/* The record's lines but the first, as they came, each ended by LF. If its parenthesis is never closed
	 * they are read again, each for itself. */
	uint8_t *tail;
	size_t tail_len, tail_at;
	uint64_t tail_number; /* of the line at tail_at */
	bool replays; /* lines come from the tail */
	struct line pending; /* read, and not yet used, when replaying began */
	bool has_pending;
};

/* returns  SINK_OK; SINK_ENOMEM */
int zone_begin(struct zone *zone, struct lines *lines);

/* The next record or directive; what is blank is passed over.
 *
 * A record whose parenthesis is not closed within ZONE_RECORD_MAX, or at all, is given as a bad one, and
 * its other lines each for itself: what an unfinished record costs is that record.
 *
 * returns  SINK_OK; SINK_ENOENT (no more); what lines_next() returned
 * cost     each byte is looked at twice at most
 */
int zone_next(struct zone *zone, struct zone_record *out);

/* Fine also after a zone_begin() that failed. */
void zone_end(struct zone *zone);

#endif

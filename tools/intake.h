/* intake.h - the sources of one compilation: each on its way into the new generation, and, where several
 * share a name, what they are together. The unit that guards judge is the name: it is all that the database
 * knows of a source. */
#ifndef TOOLS_INTAKE_H
#define TOOLS_INTAKE_H

#include "feed.h"
#include "feedurl.h"
#include "fetch.h"
#include "parts.h"
#include "seen.h"
#include "source.h"

/* All sources of one name. */
struct origin {
	struct sink_span name; /* of its first source */
	size_t intakes;
	uint64_t entries; /* taken from all of them */
	enum source_held held; /* of the first of them that is */
	double max_change; /* per cent; negative: not judged */
	struct seen now; /* if judged */
	struct seen before; /* likewise */
	uint64_t previous; /* listings in the published generation */
	uint64_t added, removed; /* names and prefixes, if judged */
	uint64_t kept; /* last good listings, put into the new generation */
	uint64_t expired; /* of these, those that are over already: they only tell what it had */
	uint64_t kept_not; /* those that the gate lets through no longer */
	bool judged;
	/* What was left out since there was too much of one name (sinkhole/writer.h); the first names, without a line */
	struct feed_skips crowded; /* names: listings */
	uint64_t crowded_subjects;
	uint64_t
		crowded_distinct; /* listings among these that rules could tell from all that stay */
};

/* One source. */
struct intake {
	struct source *source;
	struct origin *origin;
	struct fetch_report *fetched; /* NULL: it is not */
	struct parts *parts; /* its inputs; NULL: not open */
	struct lines *lines; /* of the one at hand, which the parts close */
	struct feedurl_shown shown; /* how messages name it, if it is fetched */
	char **titles; /* of those that were opened so far */
	uint32_t titles_count;
	size_t titles_room;
	uint32_t batch; /* of the writer */
	int64_t listed; /* when its entries were last listed: `valid_for` counts from then */
	bool read; /* to its end, or to where it was stopped */
	int err; /* what it was unreadable with */
	double seconds;
	struct feed_skips
		popular; /* lines: how many entries hit a popular name, and the first ones */
	uint64_t distinct; /* listings in the database; UINT64_MAX: not counted */
	uint64_t subsumed; /* of them, those that a parent covers, if counted */
};

struct intakes {
	struct intake *at; /* in the order of the command line */
	size_t count;
	struct origin *origins; /* in the order of their names */
	size_t origins_count;
};

/* Make an intake of each source, and find out which share a name. Sources stay the caller's. End it with
 * intakes_end(), whatever this returned.
 *
 * max_change  of sources that say nothing of their own; negative: not judged
 * returns     SINK_OK; SINK_ENOMEM
 */
int intakes_begin(struct intakes *intakes, struct source *const *sources, size_t count,
	double max_change);

/* The origin of that name, or NULL. Cost: a binary search. */
struct origin *intakes_find(const struct intakes *intakes, struct sink_span name);

/* How messages name the source as a whole, and one of its inputs. */
const char *intake_name(const struct intake *intake);
const char *intake_title(const struct intake *intake, uint32_t part);

struct sink_span source_name(const struct source *source);

/* All zero is fine. */
void intakes_end(struct intakes *intakes);

#endif

/* report.h - what became of every line: a few lines for people, JSON for programs. */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include <jansson.h>

#include "gate.h"
#include "sinkhole/store.h"
#include "source.h"

struct report {
	struct source *sources;
	size_t count;
	const struct gate *gate;
	int64_t time; /* of the generation */
	bool dry_run;
	const char *refused; /* the gate's word, or NULL */
	const struct sink_summary *summary; /* NULL: nothing was written */
	const struct sink_manifest *manifest; /* NULL likewise; of a dry run: what would be */
	double seconds; /* that it took */
};

json_t *report_json(const struct report *report);

/* A line a source, and what the gate left out. */
void report_sources(const struct report *report);

/* The last line. */
void report_result(const struct report *report);

/* Count the listings of each source in a database, into source->distinct. Sources that share a name are
 * left at UINT64_MAX.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO; SINK_ECORRUPT
 */
int report_count(const struct sink_db *db, struct source *sources, size_t count);

#endif

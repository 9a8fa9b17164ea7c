/* report.h - what became of every line: a few lines for people, JSON for programs. */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include <jansson.h>

#include "changes.h"
#include "gate.h"
#include "intake.h"
#include "sinkhole/store.h"

struct report {
	const struct intakes *intakes;
	const struct gate *gate;
	int64_t time; /* of the generation */
	bool dry_run;
	const char *refused; /* what for, or NULL */
	const struct sink_summary *summary; /* NULL: nothing was written */
	const struct sink_manifest *manifest; /* NULL likewise; of a dry run: what would be */
	const struct changes *changes; /* of a dry run; else NULL */
	double seconds; /* that it took */
};

json_t *report_json(const struct report *report);

/* A line a source, and what the gate left out of its entries. */
void report_sources(const struct report *report);

/* A line for each source that is held back, and why. */
void report_held(const struct report *report);

/* The same if none remains: in one line if there is only one source. */
void report_refusal(const struct report *report);

/* The last line. */
void report_result(const struct report *report);

#endif

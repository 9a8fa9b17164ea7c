/* guard.h - checks of whole sources. One that fails is held back: nothing of what it says now is published,
 * and its last good entries stay. */
#ifndef TOOLS_GUARD_H
#define TOOLS_GUARD_H

#include "gate.h"
#include "intake.h"
#include "popular.h"

#define GUARD_ERRORS_DEFAULT 50.0 /* per cent of lines */
#define GUARD_LINES_FEWEST 10 /* that are no comments: fewer are too few to judge by */
#define GUARD_ENTRIES_MAX UINT64_C(100000000) /* of a source that has no limit of its own */

struct guards {
	struct popular popular;
	double max_change; /* per cent of a source's entries; negative: not judged */
	double max_errors; /* per cent of a source's lines; negative: GUARD_ERRORS_DEFAULT */
	struct source_limits limits; /* of sources that have none of their own; 0: the default */
};

/* "popular", "unreadable": as reports have it. */
const char *guard_word(enum source_held held);

/* The check that --force overrides; GATE_COUNT if nothing does. */
enum gate_check guard_check(enum source_held held);

/* Is it the beginning of an HTML page? */
bool guard_is_html(struct sink_span sample);

/* Lines that were skipped because they are malformed, not because DNS cannot say what they say. */
uint64_t guard_errors(const struct feed_tally *tally);

/* Hold a source back, unless that is overridden or it is held back already. `why` names the place. */
void guard_hold(const struct gate *gate, struct intake *intake, enum source_held held,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Judge a source by what was read from it: errors, popular names. */
void guard_judge(const struct guards *guards, const struct gate *gate, struct intake *intake);

/* Judge sources by what they had before, once all are read and the published generation is counted: empty,
 * changed too much. */
void guard_judge_change(const struct gate *gate, struct intakes *intakes);

/* What holds one source of a name back holds all of that name. After each round of judging. */
void guard_settle(struct intakes *intakes);

#endif

/* changes.h - what differs between two generations, the riskiest first. What one source says about one name
 * or prefix is an entry here, whatever number of records it takes. */
#ifndef TOOLS_CHANGES_H
#define TOOLS_CHANGES_H

#include <jansson.h>

#include "popular.h"
#include "sinkhole/db.h"

enum change_kind { CHANGE_ADDED, CHANGE_CHANGED, CHANGE_REMOVED, CHANGE_KIND_COUNT };

/* How much a change may break, the worst first. Words stand in reports. */
enum change_risk {
	RISK_POPULAR, /* blocks a popular name */
	RISK_SHORT, /* blocks all below a name of two labels or less, or a prefix shorter than /24, /48 */
	RISK_IMPORTANT, /* blocks, and no allow entry lifts it */
	RISK_WIDE, /* blocks all below a longer name, or any other prefix */
	RISK_EXACT, /* blocks a single name */
	RISK_DISALLOWED, /* an allow entry is gone */
	RISK_ALLOWED, /* an allow entry is there */
	RISK_UNBLOCKED, /* a block is gone */
	RISK_COUNT
};

/* One side of a change. */
struct change_state {
	enum sink_kind kind;
	enum sink_scope scope;
	struct sink_record record; /* borrowed for the call */
};

struct change {
	enum change_kind what;
	enum change_risk risk;
	const struct sink_subject *subject; /* borrowed for the call */
	struct change_state was, is; /* as far as `what` has them: of several records the widest */
};

struct changes_question {
	const struct sink_db *before; /* NULL: there was nothing */
	const struct sink_db *after;
	const struct popular *popular; /* NULL or off: nothing is popular */
};

struct changes;

/* Compare, count, and remember the riskiest.
 *
 * out      the caller frees it; the databases may be closed before
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO; SINK_ECORRUPT
 * cost     a walk over both databases side by side; memory for their records, not for their entries
 */
int changes_find(const struct changes_question *question, struct changes **out);

/* NULL is fine. */
void changes_free(struct changes *changes);

/* What changed of one source's entries of one category. */
struct changes_row {
	const char *source, *category; /* borrowed for the call; empty: none */
	uint64_t counts[CHANGE_KIND_COUNT];
	uint64_t renewed; /* last longer, or shorter, and are otherwise the same */
};
typedef void changes_row_fn(void *arg, const struct changes_row *row);

/* Tell of every source and category of which something changed. */
void changes_each_row(const struct changes *changes, changes_row_fn *fn, void *arg);

/* The sum of all rows, without source and category. */
void changes_total(const struct changes *changes, struct changes_row *out);

/* Entries added, changed or removed. What only lasts longer than before is not among them. */
uint64_t changes_count(const struct changes *changes);

/* anything but SINK_OK ends it */
typedef int change_fn(void *arg, const struct change *change);

/* Tell of every change, the riskiest first, and of equal risk in the order of the database.
 *
 * question  of changes_find(); its databases are still open
 * returns   as changes_find(); what `fn` returned
 * cost      a walk for every risk that occurs
 */
int changes_each(const struct changes_question *question, const struct changes *changes,
	change_fn *fn, void *arg);

/* Tell of the riskiest, at most 20.
 *
 * returns  how many others there are
 */
uint64_t changes_each_shown(const struct changes *changes, change_fn *fn, void *arg);

/* On standard output: counts by source and category, and, unless that is left to changes_each(), the
 * riskiest changes. */
void changes_print_counts(const struct changes *changes);
void changes_print(const struct changes *changes);
void change_print(const struct change *change);

/* The same in JSON. */
json_t *changes_counts_json(const struct changes *changes);
json_t *changes_json(const struct changes *changes);
json_t *change_json(const struct change *change);

#endif

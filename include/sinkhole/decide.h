/* decide.h - from what is listed to what is done: the one place where precedence lives, for the
 * resolver and for `sinkhole lookup` alike. */
#ifndef SINKHOLE_DECIDE_H
#define SINKHOLE_DECIDE_H

#include "sinkhole/db.h"

/* What became of a listing that covers the name asked for. */
enum sink_standing {
	SINK_STANDING_ELIGIBLE, /* in force: it wins, or loses to the winner */
	SINK_STANDING_FUTURE, /* its valid-from has not come */
	SINK_STANDING_EXPIRED, /* its valid-until is over */
	SINK_STANDING_EXCEPTED, /* it leaves this name alone: record.except */
	/* It asks for what this version does not do: to truncate, or to block certain query types only. (An allow
	 * entry for certain types is in force for all of them meanwhile: rather too little blocked.) */
	SINK_STANDING_LATER,
};

/* What becomes of a record's listings that cover a name, if that depends on the record alone.
 *
 * name     NULL: no name is at hand, hence none is excepted
 * now      seconds since 1970-01-01 UTC
 * thread   any; no allocation
 */
enum sink_standing sink_stand(const struct sink_record *record, const struct sink_name *name,
	int64_t now);

struct sink_verdict {
	enum sink_action action;
	struct sink_listing winner; /* valid unless action is NONE */
	enum sink_kind kind; /* of the winner; valid unless action is NONE */
};

/* Told of every listing that was considered; for explanations. */
typedef void sink_consider_fn(void *arg, const struct sink_listing *listing,
	const struct sink_record *record, enum sink_standing standing);

/* Decide about a name at a moment.
 *
 * Without rules (doc of policy.h): an important block wins over an allow, an allow over a block;
 * within one of these the more specific name wins, then the smaller record id, so that the verdict
 * does not depend on the order of feeds.
 *
 * now      seconds since 1970-01-01 UTC
 * consider may be NULL
 * out      written on SINK_OK only; action NONE when nothing in force covers the name
 * returns  SINK_OK; SINK_ECORRUPT (the caller treats the name as unlisted and counts it)
 * cost     as sink_reader_find(), and one record a listing; no allocation, no lock
 */
int sink_decide(struct sink_reader *reader, const struct sink_name *name, int64_t now,
	sink_consider_fn *consider, void *arg, struct sink_verdict *out);

/* Does `a` win over `b`, both eligible? The order described above; for explanations. */
bool sink_outranks(enum sink_kind a_kind, const struct sink_listing *a, enum sink_kind b_kind,
	const struct sink_listing *b);

#endif

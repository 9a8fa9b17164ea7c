/* previous.h - the published generation as a compilation needs it: what each source had in it, and its
 * last good entries in the place of bad ones. Of live changes nothing is seen: they are not what the source said, and come
 * over the new base anyway. */
#ifndef TOOLS_PREVIOUS_H
#define TOOLS_PREVIOUS_H

#include "gate.h"
#include "intake.h"
#include "popular.h"
#include "sinkhole/store.h"

struct previous {
	bool tried; /* previous_open() was called */
	int err; /* what it returned */
	struct sink_why why;
	struct sink_manifest manifest;
	struct sink_db *db;
	struct sink_reader *reader;
	struct origin **owner; /* by record; NULL: of no source of this compilation */
	bool *is_stop; /* by record: no entry, and counted nowhere */
	uint32_t records;
};

/* Open it; calls after the first one return what that one did.
 *
 * returns  SINK_OK; SINK_ENOENT (nothing has been published); as data_open(), with previous->why
 */
int previous_open(struct previous *previous, const char *dir, const struct intakes *intakes);

/* Count what each origin has in it, into origin->previous, and pile up in origin->before what those have
 * whose change is judged.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_ECORRUPT
 * cost     a walk over the whole database
 */
int previous_count(struct previous *previous, const struct intakes *intakes, const struct mix *mix);

/* Write what origins that are held back have in it, counted in origin->kept. What the gate would not let
 * through today, popular names among it, is left out, and counted in origin->kept_not. What is over at
 * `now` stays, so that max-change has something to compare with, and is counted in origin->expired, too.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO; SINK_ECORRUPT
 * cost     a walk over the whole database
 */
int previous_keep(struct previous *previous, const struct gate *gate, const struct popular *popular,
	int64_t now, struct sink_writer *writer);

/* All zero is fine. */
void previous_end(struct previous *previous);

#endif

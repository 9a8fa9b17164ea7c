/* fold.h - from a base and a delta over it to one base that holds the same: look-ups need not ask two files, and the next
 * change writes a small delta again. For `compact`, and for who does so in the background. */
#ifndef TOOLS_FOLD_H
#define TOOLS_FOLD_H

#include <limits.h>

#include "live.h"
#include "signing.h"
#include "sinkhole/store.h"

struct folding {
	/* Set by the caller */
	const char *dir, *origin, *reason;
	size_t memory; /* bytes to sort in; 0: as compile does */
	const struct signing *signing;
	int64_t now; /* the time of publication */
	/* Ours */
	struct sink_manifest before,
		after; /* serial 0: nothing has been published; that stays so if there is nothing to fold */
	struct sink_summary summary; /* of the new base */
	char temp[PATH_MAX]; /* it, until it is published; empty: there is nothing to fold */
};

/* Be the only one who folds in a data directory, by a lock on that; the lock of publishers is another one. It is over when
 * the descriptor is closed, in each process that has it.
 *
 * wait     for another's end, instead of SINK_EBUSY
 * out      a descriptor, the caller's; closed by exec
 * returns  SINK_OK; SINK_EBUSY; SINK_ENOENT; SINK_EIO
 */
int fold_lock(const char *dir, bool wait, struct sink_why *why, int *out);

/* Count what can be folded: subjects that have something else listed than in the base, without those that `allow` lets
 * through.
 *
 * live     that went into this generation, or has been settled with its changes
 * returns  as sink_store_changed()
 */
int fold_count(const char *dir, const struct sink_manifest *manifest, const struct live *live,
	struct sink_why *why, uint64_t *out);

/* Write the new base, beside those that are published; fold_publish(), or unlink(temp), after it. What a dead one leaves
 * the next publisher removes.
 *
 * returns  SINK_OK, also if there is nothing to fold; as data_open(), sink_writer_commit()
 * thread   any, one at a time
 * cost     reads and writes all that is listed
 */
int fold_write(struct folding *folding, struct sink_why *why);

/* Publish it, with what was changed meanwhile over it.
 *
 * returns  as sink_store_publish(); SINK_EOLD also if somebody went back meanwhile. `after` tells whether it was published
 *          all the same; if not the file is gone
 */
int fold_publish(struct folding *folding, struct sink_why *why);

#endif

/* applying.h - live changes on their way into a generation: read, judged, published. For `apply` and `allow`. */
#ifndef TOOLS_APPLYING_H
#define TOOLS_APPLYING_H

#include "gate.h"
#include "live.h"
#include "signing.h"
#include "sinkhole/store.h"

#define COMPACT_AT_UNSAID UINT64_MAX /* what the configuration says, or the default */

struct applying {
	/* Set by the caller */
	const char *dir, *origin, *reason;
	const struct signing *signing;
	const char *
		config; /* whose guards count, too, and its compact-at, if that is said; NULL: none */
	unsigned keep; /* generations; 0: the default */
	uint64_t compact_at; /* see background.h; 0: never */
	bool dry_run;
	bool tells_all; /* of lines that are wrong, not only of the first ones */
	struct gate gate; /* what is forced */
	/* Ours */
	int64_t now; /* when the batch began, seconds since 1970 */
	int64_t read; /* when the first change of it was read, microseconds; 0: none was. Of `allow`, which reads none, too */
	struct live *live;
	struct liveline line;
	uint64_t added, removed; /* changes of this batch */
	uint64_t wrong,
		refused; /* lines of it that are no change, or that the gate does not let through */
	struct sink_manifest before, after; /* serial 0: nothing was, or has been published */
};

/* Get ready to judge: what the gate needs, the gardens of the policy in force, and what the configuration protects. applying_end() after it, whatever it
 * returned.
 *
 * returns  SINK_OK; SINK_ENOENT (nothing has been published yet); SINK_ECORRUPT and so on (with why); SINK_ESYNTAX (the
 *          configuration, told); SINK_EINVAL (SOURCE_DATE_EPOCH is no number of seconds)
 */
int applying_begin(struct applying *applying, struct sink_why *why);
void applying_end(struct applying *applying);

/* Take a line. What is wrong with it is told and counted.
 *
 * title, number  where it stands
 * returns        SINK_OK, also for one that is wrong; SINK_ENOMEM
 */
int applying_line(struct applying *applying, const char *title, uint64_t number,
	struct sink_span line);

/* Take what liveline_parse() has read, judged like any other.
 *
 * returns  FEED_TAKEN; why the gate does not let it through; SINK_ENOMEM
 */
int applying_take(struct applying *applying, const struct liveline *line);

/* The word for --force that lets it through. */
const char *applying_force(enum feed_reason reason);

/* Tell and count one that is wrong for another reason. */
void applying_wrong(struct applying *applying, const char *title, uint64_t number,
	const char *text);

/* Publish the batch, or of a dry run work out what would be in force; then the next batch may begin, over what was published.
 *
 * returns  as sink_store_publish(); `after` tells whether it was published all the same
 */
int applying_publish(struct applying *applying, struct sink_why *why);
int applying_next(struct applying *applying);

#endif

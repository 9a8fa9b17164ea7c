/* gauge.h - what `sinkhole stats` shows: gathered here, and written into the run directory (doc/STATS.md) once a second
 * and when something of note has happened. Knows no Unbound header. One thread at a time: the watch's, and before it
 * begins and after it has ended, init's and deinit's. */
#ifndef MODULE_GAUGE_H
#define MODULE_GAUGE_H

#include <stdatomic.h>

#include "counters.h"
#include "mail.h"
#include "watch.h"

struct gauge;

/* dir      the run directory; copied
 * version  of the module
 * counters, failures  that are shown; outlive the gauge
 * mail     gets a line when the file cannot be written, and one when it can again; outlives the gauge
 * returns  SINK_OK; SINK_ENOMEM
 */
int gauge_new(const char *dir, const char *version, const struct counters *counters,
	const atomic_ulong *failures, struct mail *mail, struct gauge **out);

/* Write a last time, if anything was ever written. NULL is fine. */
void gauge_free(struct gauge *gauge);

/* A generation has come, and is in use.
 *
 * epoch    sink_current_epoch() since it is
 */
void gauge_arrived(struct gauge *gauge, const struct watch_arrival *arrival, uint64_t epoch);

/* What was in use at an epoch is enforced. Times by clock_us(). */
struct gauge_enforced {
	uint64_t epoch;
	int64_t heard, walked,
		at; /* each worker had come by; the caches had been walked through; now */
	unsigned long sets, messages; /* removed from the caches */
};

void gauge_enforced(struct gauge *gauge, const struct gauge_enforced *enforced);

/* Time has passed: write, if it is time to.
 *
 * cost     a comparison; once a second that of sink_stats_file_write(), and a look at each worker's counters
 */
void gauge_tick(struct gauge *gauge);

#endif

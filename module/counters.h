/* counters.h - what became of queries, counted by each worker for itself: no lock, and no cache line of another's.
 * Knows no Unbound header. */
#ifndef MODULE_COUNTERS_H
#define MODULE_COUNTERS_H

#include <stdint.h>

#include "sinkhole/policy.h"

struct counters;

/* What is counted; doc/STATS.md tells what each means. A number below the first of these is the enum sink_action that a
 * client's answer came to. */
enum counter { COUNTER_SERVFAIL = SINK_ACTION_LISTED, COUNTER_MONITORED, COUNTER_COUNT };

/* workers  how many; what one counts whose number is not below it is lost
 * returns  SINK_OK; SINK_ENOMEM
 */
int counters_new(unsigned workers, struct counters **out);

/* When no worker is left. NULL is fine. */
void counters_free(struct counters *counters);

/* Count so many more.
 *
 * worker   its number
 * which    an enum counter
 * thread   the worker's
 * cost     an addition
 */
void counters_add(struct counters *counters, unsigned worker, unsigned which, uint64_t count);

/* Of all workers together; exact when they rest. Any thread. */
uint64_t counters_sum(const struct counters *counters, unsigned which);

#endif

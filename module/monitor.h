/* monitor.h - what is answered from Unbound's cache, shown to the rules that monitor. No module is asked about that, so
 * only names count, not what the answer leads to by its addresses or servers. */
#ifndef MODULE_MONITOR_H
#define MODULE_MONITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "ub.h"

struct self;
struct monitor;

/* count    of workers; what one answers whose thread number is not below it is not shown
 * returns  SINK_OK; SINK_ENOMEM
 */
int monitor_new(unsigned count, struct monitor **out);

/* When no worker is left. NULL is fine. */
void monitor_free(struct monitor *monitor);

/* Note what rules that monitor have to say of an answer from the cache.
 *
 * rep      borrowed, and shared by all workers under a lock; NULL: an error
 * returns  false: no rule monitors
 * thread   the worker's
 * cost     an answer that nothing is listed about, and that was seen not long ago: some dozens of instructions; else
 *          as verdict_note()
 */
bool monitor_cached(struct self *self, struct module_env *env, const struct query_info *asked,
	const struct reply_info *rep, const struct comm_reply *client);

/* Bytes of it. Any thread. */
size_t monitor_bytes(const struct monitor *monitor);

#endif

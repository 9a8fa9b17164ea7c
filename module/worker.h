/* worker.h - Unbound's workers as we see them: an eventfd on the event loop of each, which is how
 * our own thread gets something done that touches Unbound, and the queries that each has alive. */
#ifndef MODULE_WORKER_H
#define MODULE_WORKER_H

#include "import.h"
#include "mail.h"
#include "query.h"

struct workers;

/* Work for a worker, called on its event loop soon after workers_call(), and again as long as it
 * returns true; between two calls the worker does what else it has to. Where there is no event
 * loop (testbound, Unbound's own small one) it is called when the worker is met.
 *
 * env      the worker's own
 * in_line  nothing else can happen between two calls
 */
typedef bool worker_fn(void *arg, struct module_env *env, bool in_line);

/* count    of workers; one whose thread number is not below it is not met, and its queries are not
 *          counted
 * mail     whose lines the workers log; outlives the workers
 * returns  SINK_OK; SINK_ENOMEM
 */
int workers_new(unsigned count, struct mail *mail, struct workers **out);

/* What the workers do when called. Before threads share it. */
void workers_on_call(struct workers *workers, worker_fn *work, void *arg);

/* After the workers and their event loops are gone. NULL is fine. */
void workers_free(struct workers *workers);

/* To be called at every entry from a worker; the first one puts the eventfd on its loop.
 *
 * env      the worker's own
 * cost     a comparison
 */
void workers_meet(struct workers *workers, struct module_env *env);

/* The queries that the calling worker has alive; NULL: they are not counted. */
struct queries *workers_queries(struct workers *workers, const struct module_env *env);

/* What the calling worker is expected to store; NULL: nothing is counted. */
struct import *workers_import(struct workers *workers, const struct module_env *env);

/* The smallest epoch that a query alive began under; QUERIES_NONE if no query is alive. Any
 * thread. */
uint64_t workers_oldest(const struct workers *workers);

/* Call all workers. Any thread. */
void workers_call(struct workers *workers);

/* Have one worker do its work once: that which unbound-control talks to. Any thread. */
void workers_call_first(struct workers *workers);

/* Does any worker listen? Any thread. */
bool workers_listen(const struct workers *workers);

/* Has each worker been on its event loop since the last call? What it had begun before is done
 * then. A worker that was never met has begun nothing. Any thread. */
bool workers_heard(const struct workers *workers);

/* Log what waits in the mail, each line after `prefix`. In a thread of Unbound's. */
void workers_log(struct mail *mail, const char *prefix);

#endif

/* worker.h - an eventfd on each worker's event loop: how our own thread gets something done that
 * touches Unbound. For now that is writing to the log. */
#ifndef MODULE_WORKER_H
#define MODULE_WORKER_H

#include "mail.h"

struct module_env;
struct workers;

/* count    of workers; one whose thread number is not below it has no eventfd, and looks at the
 *          mail whenever it is met
 * mail     whose lines the workers log; outlives the workers
 * returns  SINK_OK; SINK_ENOMEM
 */
int workers_new(unsigned count, struct mail *mail, struct workers **out);

/* After the workers and their event loops are gone. NULL is fine. */
void workers_free(struct workers *workers);

/* To be called at every entry from a worker; the first one puts the eventfd on its loop.
 *
 * env      the worker's own
 * cost     a comparison
 */
void workers_meet(struct workers *workers, unsigned slot, struct module_env *env);

/* Log what waits in the mail, each line after `prefix`. In a thread of Unbound's. */
void workers_log(struct mail *mail, const char *prefix);

#endif

/* drop.h - the action DROP: clients that get no answer at all, also those that share a query state with others. */
#ifndef MODULE_DROP_H
#define MODULE_DROP_H

#include <stdbool.h>

#include "ub.h"

typedef bool drop_fn(void *arg, const struct mesh_reply *client);

/* Take clients off a query state without an answer. One that came over a stream loses its connection, and with it what
 * else it asked for there. To be called within operate(), any number of times.
 *
 * drops    is this one of them? Asked once for each client, in the order in which they came; not for one that has just
 *          lost its connection
 * returns  how many were taken off
 * cost     a look at each client; Unbound's own at each again, once for all and once for each connection that is closed
 */
size_t drop_clients(struct module_qstate *qstate, drop_fn *drops, void *arg);

#endif

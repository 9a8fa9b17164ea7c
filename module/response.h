/* response.h - each response of a server, before Unbound's iterator stores it: under the name of a
 * step on the way, which no module is ever asked about. */
#ifndef MODULE_RESPONSE_H
#define MODULE_RESPONSE_H

#include "query.h"

struct self;

/* In init, before workers run.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int response_register(struct self *self, struct module_env *env, int id);

/* In deinit. */
void response_unregister(struct module_env *env, int id);

/* Follow the chain from query->tip, where it was seen last, through Unbound's cache, up to the first
 * name that an entry decides about.
 *
 * out      in with action NONE; written for each name
 */
void response_follow(struct self *self, struct module_qstate *qstate, struct query *query,
	struct verdict *out);

#endif

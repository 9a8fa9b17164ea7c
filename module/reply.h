/* reply.h - each client's reply, before it is encoded: the one place where clients that share a
 * query state can get different answers. */
#ifndef MODULE_REPLY_H
#define MODULE_REPLY_H

#include "query.h"

/* Each client's reply, about to be encoded. A callback of Unbound's (util/module.h), which drops what
 * is returned; `arg` is the module's self. */
inplace_cb_reply_func_type reply_on_client;

/* A client is about to get SERVFAIL for one: counted. Likewise. */
inplace_cb_reply_func_type reply_on_servfail;

/* A query state is about to be answered, not to everybody with its reply: make that one that can be
 * changed for each client. The caller then sets query->judged.
 *
 * failed   there is an error, or a reply that nobody may get: clients that are not blocked get SERVFAIL
 * returns  false: no memory, nothing is changed
 */
bool reply_change(struct module_qstate *qstate, struct query *query, bool failed);

#endif

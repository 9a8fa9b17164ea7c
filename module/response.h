/* response.h - each response of a server, before Unbound's iterator stores it: under the name of a
 * step on the way, which no module is ever asked about. */
#ifndef MODULE_RESPONSE_H
#define MODULE_RESPONSE_H

#include "query.h"

struct self;

/* A server's response, parsed and about to be stored; and before it, where it has EDNS options, those.
 * Callbacks of Unbound's (util/module.h), which logs it if 0 is returned; `arg` is the module's self. */
inplace_cb_query_response_func_type response_on_answer;
inplace_cb_edns_back_parsed_func_type response_on_options;

/* Follow the chain from query->tip, where it was seen last, through Unbound's cache, up to the first
 * name that an entry decides about.
 *
 * out      in with action NONE; written for each name
 */
void response_follow(struct self *self, struct module_qstate *qstate, struct query *query,
	struct verdict *out);

#endif

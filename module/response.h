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

/* Follow the chain on from its tip through Unbound's cache. */
void response_follow(struct module_qstate *qstate, struct facts *way);

/* The addresses of the records that Unbound's cache has for the name that the chain has come to, of the type asked
 * for.
 *
 * returns  whether it has any records
 */
bool response_add_cached(struct module_qstate *qstate, struct facts *facts);

/* The servers of the delegations that served an answer, as far as responses told; of names that came from the cache,
 * those that the cache has for them.
 *
 * rep      the answer; NULL: an error
 * facts    with the names of the answer
 */
void response_add_servers(struct module_qstate *qstate, const struct query *query,
	const struct reply_info *rep, struct facts *facts);

#endif

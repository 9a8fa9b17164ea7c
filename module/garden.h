/* garden.h - the action CNAME: where the alias leads is resolved by a query of its own (Unbound's mesh, a sub-query), so
 * that clients get it with its target, and Unbound validates the target by itself.
 *
 * The sub-query is one of Unbound's own: no list and no rule is about it. A target that fails validation, that
 * has no servers, or whose query is blocked because a client asked for it first, has nothing to give: the
 * alias is answered alone. */
#ifndef MODULE_GARDEN_H
#define MODULE_GARDEN_H

#include "query.h"

/* Begin to resolve what the verdict's alias leads to, for a query state that is about to be answered with it. To be
 * called before anything is changed in the state or its reply, since all of it is judged once more then.
 *
 * verdict  one that blocks; for other actions than CNAME nothing is done
 * event    that the state is at: new, pass or moddone
 * returns  true: the state waits (its ext_state says so); return from operate() at once. false: nothing to wait
 *          for - it is resolved or has failed already, there is no memory, or it would lead back to the name itself:
 *          answer with what there is
 */
bool garden_begin(struct module_qstate *qstate, int id, struct query *query,
	const struct verdict *verdict, enum module_ev event);

/* A sub-query has ended, maybe one of ours: Unbound's inform_super. */
void garden_inform(struct module_qstate *sub, int id, struct module_qstate *super);

/* The event that a query state goes on with: the one at which it began to wait, if it did, which is then dealt with
 * from its beginning; else `event`. */
enum module_ev garden_resume(struct module_qstate *qstate, int id, enum module_ev event);

/* What the target of a verdict's alias has, for answer_order.target: as a sub-query found out, or as Unbound has it in
 * its cache.
 *
 * verdict  one that blocks
 * region   for copies; the query state's, or one that ends before
 * returns  NULL: nothing, or another action than CNAME
 */
const struct reply_info *garden_target(struct module_qstate *qstate, const struct query *query,
	const struct verdict *verdict, struct regional *region);

#endif

/* judge.h - a query state begins, and ends; what is between is in response.h, what its clients get
 * in reply.h. */
#ifndef MODULE_JUDGE_H
#define MODULE_JUDGE_H

#include "ub.h"

struct self;

/* Judge a query that begins: either it is answered and finished, or it goes on to the next
 * module. */
void judge_begin(struct self *self, struct module_qstate *qstate, enum module_ev event, int id);

/* Judge what the other modules found: see to it that no cache of Unbound's keeps what a client may
 * not have, and that clients get what they should. */
void judge_done(struct self *self, struct module_qstate *qstate, int id);

#endif

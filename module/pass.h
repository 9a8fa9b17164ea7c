/* pass.h - hand a query on to the next module as if we were not there. */
#ifndef MODULE_PASS_H
#define MODULE_PASS_H

#include "ub.h"

/* Let a query that begins go on: the next module gets the event that it would have got without us.
 *
 * event    module_event_new or module_event_pass, as we got it
 * thread   the query's worker; the next module may have run when this returns
 */
void pass_on(struct module_qstate *qstate, enum module_ev event, int id);

#endif

/* foreign.c - reads and writes nothing of Unbound's.
 *
 * To pass a query on, a module writes into the query's state, and where to is exactly what is not
 * known: 1.17.1 built with --enable-subnet has the place at 108, 1.22.0 at 236, and a module that
 * writes to the wrong one leaves every client without an answer. So the running Unbound does it,
 * by its own respip module, which is part of every build: begun with, that passes on; given an
 * event it has no use for, it finishes. Neither looks at response-ip or RPZ. */
#include "foreign.h"

#include "ub.h"

void foreign_pass(struct module_qstate *qstate, bool begins, int id)
{
	respip_operate(qstate, begins ? module_event_pass : module_event_error, id, NULL);
}

void foreign_clear(struct module_qstate *qstate, int id)
{
	respip_clear(qstate, id);
}

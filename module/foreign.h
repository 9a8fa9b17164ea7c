/* foreign.h - passing queries on in an Unbound whose structures lie otherwise than in the one we
 * were built for. */
#ifndef MODULE_FOREIGN_H
#define MODULE_FOREIGN_H

#include <stdbool.h>

struct module_qstate;

/* `begins`: the query comes from the client's side and goes on to the next module; else it comes
 * back and is finished. */
void foreign_pass(struct module_qstate *qstate, bool begins, int id);

void foreign_clear(struct module_qstate *qstate, int id);

#endif

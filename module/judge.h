/* judge.h - per query: name, verdict, answer or pass on. */
#ifndef MODULE_JUDGE_H
#define MODULE_JUDGE_H

#include <stdint.h>

#include "ub.h"

struct self;

/* What a query state remembers (its minfo) when it was answered here; NULL otherwise. */
struct judged {
	uint16_t ede; /* extended DNS error for clients with EDNS, or SINK_EDE_NONE */
};

/* Judge a query that begins: either it is answered and finished, or it goes on to the next
 * module. */
void judge_query(struct self *self, struct module_qstate *qstate, enum module_ev event, int id);

#endif

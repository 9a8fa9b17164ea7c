/* stops.h - where wildcards of a zone end. `*.P` reaches a name only if P is its closest encloser, the longest
 * existing ancestor (RFC 4592, 3.3.1); the database knows no such thing, and a name below a listed one would be
 * found under `*.P`. So where a name exists below a wildcard, an entry says that: see SINK_HINT_STOP in record.h. */
#ifndef TOOLS_STOPS_H
#define TOOLS_STOPS_H

#include "owners.h"
#include "sinkhole/record.h"

/* key      of a name that exists
 * returns  SINK_OK; another code ends it
 */
typedef int stop_fn(void *arg, uint8_t tree, struct sink_span key, enum sink_scope scope);

/* Tell where stops are needed, and nowhere else, in canonical order.
 *
 * owners   finished; of all names of the zone
 * returns  SINK_OK; as owners_next(); what `fn` returned
 * cost     one pass; no allocation
 */
int stops_tell(struct owners *owners, stop_fn *fn, void *arg);

#endif

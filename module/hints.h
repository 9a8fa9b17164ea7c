/* hints.h - the addresses in a record of type HTTPS or SVCB (RFC 9460). Knows no Unbound header. */
#ifndef MODULE_HINTS_H
#define MODULE_HINTS_H

#include "sinkhole/prefix.h"

typedef void hints_fn(void *arg, const struct sink_prefix *address);

/* Tell of each address among the parameters `ipv4hint` and `ipv6hint`, in their order.
 *
 * Any bytes are safe. What is broken off ends the reading, and a value that is no whole number of addresses is left out;
 * what was told before stands: a client that reads less strictly than it should would use it, too.
 *
 * rdata    as on the wire, uncompressed
 */
void hints_each(struct sink_span rdata, hints_fn *fn, void *arg);

#endif

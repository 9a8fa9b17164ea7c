/* rdata.h - resource data as people write it. */
#ifndef TOOLS_RDATA_H
#define TOOLS_RDATA_H

#include "sinkhole/span.h"

/* Presentation form of an address, a name or text; of other types, and of what is not what its type says,
 * the form for unknown ones (RFC 3597, 5): "\# 4 0a000001". Printable ASCII.
 *
 * rdata    uncompressed
 * returns  a string that the caller frees; NULL: no memory
 */
char *rdata_text(uint16_t type, struct sink_span rdata);

#endif

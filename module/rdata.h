/* rdata.h - is what a list or a policy wants to answer with what its type says? Unbound's encoder looks for names to
 * compress in RDATA, and believes in what it finds. */
#ifndef MODULE_RDATA_H
#define MODULE_RDATA_H

#include "sinkhole/span.h"

/* The length of the uncompressed name that the bytes begin with; 0: none. */
size_t rdata_name(struct sink_span bytes);

/* May records of ours be of this type, with this RDATA? Names, texts and numbers are looked at up to the first field
 * without a length of its own; what follows is nobody's business but the client's. Never good are pseudo-types, and
 * signatures and proofs, which only a zone's owner can make. */
bool rdata_is_good(uint16_t type, struct sink_span rdata);

#endif

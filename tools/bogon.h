/* bogon.h - prefixes that no list may block: nobody is to be reached there, or far too many are. */
#ifndef TOOLS_BOGON_H
#define TOOLS_BOGON_H

#include "sinkhole/prefix.h"
#include "sinkhole/record.h"

/* May an entry with this trigger block this prefix? Of those who ask (SINK_TRIGGER_CLIENT) only prefixes
 * that are too short are bogons: clients do live in private networks. */
bool bogon_is(enum sink_trigger trigger, const struct sink_prefix *prefix);

#endif

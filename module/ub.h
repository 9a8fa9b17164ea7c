/* Every Unbound header we use, in the order they want. To follow a new Unbound, begin here.
 *
 * config.h is Unbound's own and must come first: its HAVE_ macros shape Unbound's structures. */
#ifndef MODULE_UB_H
#define MODULE_UB_H

#include "config.h"

#include "daemon/worker.h"
#include "dynlibmod/dynlibmod.h"
#include "iterator/iter_delegpt.h"
#include "iterator/iterator.h"
#include "respip/respip.h"
#include "services/cache/dns.h"
#include "services/cache/rrset.h"
#include "services/localzone.h"
#include "services/mesh.h"
#include "services/modstack.h"
#include "sldns/rrdef.h"
#include "util/alloc.h"
#include "util/config_file.h"
#include "util/data/dname.h"
#include "util/data/msgencode.h"
#include "util/data/msgreply.h"
#include "util/data/packed_rrset.h"
#include "util/locks.h"
#include "util/log.h"
#include "util/module.h"
#include "util/net_help.h"
#include "util/netevent.h"
#include "util/regional.h"
#include "util/storage/slabhash.h"
#include "util/ub_event.h"

#include "sinkhole/span.h"

/* Unbound takes what it only reads without const. */
static inline uint8_t *ub_octets(struct sink_span name)
{
	return (uint8_t *)(uintptr_t)name.at;
}

#endif

/* answer.h - the answers a blocked client gets. They carry no signature, never AD, and are never
 * stored in a cache of Unbound's. */
#ifndef MODULE_ANSWER_H
#define MODULE_ANSWER_H

#include <stdint.h>

#include "sinkhole/name.h"
#include "sinkhole/policy.h"

struct dns_msg;
struct query_info;
struct regional;

struct answer_order {
	enum sink_action action; /* one that blocks */
	const struct sink_policy *policy; /* copied from, not kept */
	const struct sink_name *listed; /* owner of the SOA: the entry that blocks */
	uint64_t serial; /* of the generation; its low 32 bits are the SOA's */
	const struct query_info *asked; /* its name must live as long as `region` */
	struct regional *region; /* that the answer lives in */
};

/* Make the answer to an order.
 *
 * returns  the answer; NULL: no memory
 * cost     memory from the region only
 */
struct dns_msg *answer_make(const struct answer_order *order);

#endif

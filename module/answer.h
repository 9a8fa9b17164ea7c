/* answer.h - the answers a blocked client gets. They carry no signature, never AD, and are never
 * stored in a cache of Unbound's. And sets of records, what they are made of. */
#ifndef MODULE_ANSWER_H
#define MODULE_ANSWER_H

#include <stdint.h>
#include <time.h>

struct dns_msg;
struct query_info;
struct regional;
struct ub_packed_rrset_key;
struct verdict;

struct answer_order {
	const struct verdict *verdict; /* one that blocks; copied from, not kept */
	const struct query_info *asked; /* its name must live as long as `region` */
	struct regional *region; /* that the answer lives in */
};

/* Make the answer to an order.
 *
 * returns  the answer; NULL: no memory
 * cost     memory from the region only
 */
struct dns_msg *answer_make(const struct answer_order *order);

/* A set of `count` records of `len` octets each, one after the other in `rdata`; class IN.
 *
 * owner    in wire form; must live as long as `region`
 * returns  NULL: no memory
 */
struct ub_packed_rrset_key *answer_set(struct regional *region, uint8_t *owner, size_t owner_len,
	uint16_t type, time_t ttl, const uint8_t *rdata, uint16_t len, size_t count);

#endif

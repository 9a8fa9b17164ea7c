/* answer.h - the answers a blocked client gets. They carry no signature, never AD, and are never
 * stored in a cache of Unbound's. */
#ifndef MODULE_ANSWER_H
#define MODULE_ANSWER_H

struct dns_msg;
struct query_info;
struct regional;
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

#endif

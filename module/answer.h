/* answer.h - the answers a blocked client gets. They carry no signature, never AD, and are never
 * stored in a cache of Unbound's. And sets of records, what they are made of. What a client gets for
 * which action and type: doc/unbound-sinkhole.7, "ANSWERS". */
#ifndef MODULE_ANSWER_H
#define MODULE_ANSWER_H

#include <stdint.h>
#include <time.h>

#include "sinkhole/name.h"

struct dns_msg;
struct query_info;
struct regional;
struct reply_info;
struct ub_packed_rrset_key;
struct verdict;

struct answer_order {
	const struct verdict *verdict; /* one that blocks; copied from, not kept */
	const struct query_info *asked; /* its name must live as long as `region` */
	struct regional *region; /* that the answer lives in */
	/* CNAME: what its target has (garden.h), living as long as `region`; NULL: the alias alone */
	const struct reply_info *target;
};

/* Make the answer to an order. For TRUNCATE it is what UDP clients get; for DROP, REFUSED, which is for
 * clients that get an answer all the same, because Unbound does not ask us before (drop.h).
 *
 * Records of DATA that are malformed, or that no list may forge (signatures, proofs, pseudo-types), are left
 * out: Unbound's encoder believes what it is given.
 *
 * returns  the answer; NULL: no memory
 * cost     memory from the region only
 */
struct dns_msg *answer_make(const struct answer_order *order);

/* Where an alias leads.
 *
 * target   as sink_form.cname: a first label "*" gives way to the name asked for
 * asked    in wire form
 * out      in wire form
 * returns  its length; 0: it is too long for a name, or malformed
 */
size_t answer_alias(struct sink_span target, struct sink_span asked, uint8_t out[SINK_WIRE_MAX]);

/* Is an alias answered with what its target has? Not to those who ask for the alias itself, or for all there is. */
bool answer_follows(uint16_t type);

/* A set of `count` records of `len` octets each, one after the other in `rdata`; class IN. It is for an answer: its hash is
 * not the one by which Unbound looks for sets (rrset_key_hash()), so whoever stores it has to give it that.
 *
 * owner    in wire form; must live as long as `region`
 * returns  NULL: no memory
 */
struct ub_packed_rrset_key *answer_set(struct regional *region, uint8_t *owner, size_t owner_len,
	uint16_t type, time_t ttl, const uint8_t *rdata, uint16_t len, size_t count);

/* The same, of records that differ in length. */
struct ub_packed_rrset_key *answer_set_of(struct regional *region, uint8_t *owner, size_t owner_len,
	uint16_t type, time_t ttl, const struct sink_span *rdata, size_t count);

#endif

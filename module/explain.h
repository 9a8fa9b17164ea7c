/* explain.h - errors that explain themselves: an extended DNS error (RFC 8914), whose text is a structured one
 * (draft-ietf-dnsop-structured-dns-error) for clients that ask for it with an empty EDNS option. */
#ifndef MODULE_EXPLAIN_H
#define MODULE_EXPLAIN_H

#include "query.h"

/* How much a client takes over UDP. */
struct explain_size {
	const struct explain_size *next;
	const struct comm_reply *client;
	size_t octets;
};

/* Remember how much the clients of a query state take: Unbound puts its own size in the place of theirs before it
 * asks for their replies. To be called whenever a state is finished whose clients are blocked; what is not
 * remembered counts as 512 octets.
 */
void explain_remember(struct module_qstate *qstate, struct query *query);

struct explain_order {
	const struct verdict *verdict; /* one that blocks */
	const struct query *query;
	const struct query_info *qinfo; /* as the callback got it */
	struct reply_info
		*rep; /* that is about to be sent: what is left beside it is for explanations */
	const struct edns_data *edns; /* what the client sent: its options */
	const struct comm_reply *client; /* NULL: unknown */
	struct module_env *env;
	struct regional *region; /* for what is added */
};

/* Add to a client's reply what the verdict says about it, if the client speaks EDNS.
 *
 * The longest text that leaves the answer whole within the client's UDP size: the structured error, where asked
 * for, without its justification, without its organization; the short text; none. The error's code always.
 *
 * options  of the reply; may be shared with other clients: copied before it is changed
 * returns  false: no memory; the reply is right without
 * cost     where a text is tight, the answer is encoded once more
 */
bool explain_reply(const struct explain_order *order, struct edns_option **options);

#endif

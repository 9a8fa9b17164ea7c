/* query.h - what the module remembers about a query state, from its beginning to its end (Unbound's
 * minfo): what was decided, and which generation it began under. */
#ifndef MODULE_QUERY_H
#define MODULE_QUERY_H

#include <stdatomic.h>

#include "ub.h"
#include "verdict.h"

struct explain_size;
struct garden;

/* The query states of one worker that are alive, in the order in which they began. Epochs never
 * go back, so the oldest state has the smallest. */
struct queries {
	struct query *oldest, *newest; /* the worker's own */
	atomic_uint_fast64_t
		epoch; /* of the oldest; QUERIES_NONE if there is none. Any thread reads */
};

#define QUERIES_NONE UINT_FAST64_MAX

struct query {
	struct queries *queries; /* NULL: not counted */
	struct query *older, *newer;
	uint64_t epoch; /* sink_current_epoch() when it began */

	/* What the chain of names has led to so far; see response.c. */
	struct facts way; /* the names, and who served them */
	size_t served; /* names, from the first: the servers of these are among the facts */
	struct verdict_clear clear;

	/* How to answer clients; see reply.c. */
	const struct reply_info *seen; /* the reply that the following is about */
	struct verdict *block; /* what every client gets; NULL: each is judged */
	/* What clients are judged by. NULL: they get the reply as it is, and that may be the block itself */
	const struct facts *judged;
	/* What rules that monitor are asked about, for each client; NULL: nothing */
	const struct facts *watched;
	/* What clients are counted by whose reply stays as it is: each by its own verdict on these facts; NULL: `passes`
	 * tells of all (verdict.h) */
	const struct facts *weighed;
	struct reply_info
		*saved; /* what the reply was, up to `ref`; NULL: nothing that a client could get */
	struct dns_msg *for_supers; /* what waiting queries get, once the reply is changed */
	const struct explain_size *sizes; /* see explain.h */

	/* Where aliases of answers lead; see garden.c. */
	struct garden *gardens; /* that were asked for, the last one first */
	enum module_ev garden_event; /* that the state waited at */

	enum verdict_pass pass, watched_pass,
		weighed_pass; /* with which clients are judged, and so on */
	bool for_client; /* it began for a client, or is the prefetch of what one asked */
	bool passes; /* see `weighed` */
	bool ours; /* no_cache_store was set by us */
	bool failed; /* there is no reply that clients could get who are not blocked */
	bool gardening; /* the state waits for the last garden */
};

/* What is remembered about a query state; made if nothing is.
 *
 * queries  of the worker; NULL is fine
 * epoch    sink_current_epoch()
 * returns  NULL: no memory
 * thread   the state's worker
 * cost     memory of the state's region, once
 */
struct query *query_of(struct module_qstate *qstate, int id, struct queries *queries,
	uint64_t epoch);

/* The query state ends. */
void query_end(struct module_qstate *qstate, int id);

/* Nothing is decided about its reply, or not any more. */
static inline void query_undecide(struct query *query)
{
	query->block = NULL;
	query->judged = NULL;
	query->watched = NULL;
	query->weighed = NULL;
	query->passes = false;
}

/* A verdict to keep as long as the query state.
 *
 * returns  NULL: no memory
 */
struct verdict *query_keep(struct module_qstate *qstate, const struct verdict *verdict);

/* The reply that a query state has come to; NULL: an error. */
struct reply_info *query_reply(const struct module_qstate *qstate);

/* A message for a query state with this reply, in the state's region.
 *
 * returns  NULL: no memory
 */
struct dns_msg *query_message(const struct module_qstate *qstate, struct reply_info *rep);

/* The name that a question asks for. */
static inline struct sink_span query_name(const struct query_info *asked)
{
	return sink_span(asked->qname, asked->qname_len);
}

/* Does a query state begin that Unbound has for itself: keys for the validator, the root's servers, a
 * trust anchor's state, the address of a name server? Blocking those would break names that nobody
 * listed. What has neither a client nor a query waiting for it is a prefetch, and that is judged like
 * its client was. */
bool query_begins_internal(const struct module_qstate *qstate);

/* Is it still one that no client waits for? Most of those are never seen to begin, and what waited
 * for them may have gone. */
bool query_is_internal(const struct module_qstate *qstate, const struct query *query);

/* Is the answer the same for whoever asks? Unbound's response-ip, and RPZ, and client subnets make
 * answers for some clients. */
bool query_is_for_all(const struct module_qstate *qstate);

/* Is this one of Unbound's modules? */
bool query_has_module(const struct module_qstate *qstate, const char *name);

/* Lists are about the Internet's names. ANY as a class is answered by Unbound with the Internet's
 * data, so it is judged; CHAOS, HESIOD and NONE hold nothing that is listed. */
bool query_is_ours(const struct query_info *asked);

#endif

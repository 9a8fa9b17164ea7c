/* reply.c - Unbound hands in the reply once for each client, and what was done to it for one is
 * there for the next; after the last it gives the query state's message to the queries that wait
 * for it. So the reply is put together from scratch each time, and waiting queries get a copy of
 * what it was. */
#include "reply.h"

#include "answer.h"
#include "exempt.h"
#include "layout.h"
#include "self.h"
#include "sinkhole/err.h"

/* Unbound makes them with a tail, `ref`, or, in a query's region, without. */
#define REPLY_SIZE offsetof(struct reply_info, ref)

/* --- what the reply was --- */

static bool save(struct query *query, struct regional *region, const struct reply_info *rep)
{
	query->saved = regional_alloc_init(region, rep, REPLY_SIZE);
	query->seen = rep;
	return query->saved != NULL;
}

static struct dns_msg *blank(const struct module_qstate *qstate)
{
	struct reply_info *rep = regional_alloc_zero(qstate->region, sizeof *rep);

	if (!rep)
		return NULL;
	rep->flags = BIT_QR | BIT_RA;
	rep->qdcount = 1;
	rep->security = sec_status_insecure;
	rep->reason_bogus = LDNS_EDE_NONE;
	return query_message(qstate, rep);
}

/* AD is made of `security` before our callback is asked, and a reply that is SERVFAIL never comes
 * to it. */
bool reply_change(struct module_qstate *qstate, struct query *query, bool failed)
{
	struct dns_msg *msg = query_reply(qstate) ? qstate->return_msg : blank(qstate);
	struct reply_info *rep;

	if (!msg || !save(query, qstate->region, msg->rep))
		return false;
	query->for_supers = query_message(qstate, query->saved);
	if (!query->for_supers)
		return false;
	if (!query_reply(qstate))
		query->saved->flags |= LDNS_RCODE_SERVFAIL;
	rep = msg->rep;
	rep->security = sec_status_insecure;
	if (FLAGS_GET_RCODE(rep->flags) == LDNS_RCODE_SERVFAIL)
		rep->flags &= (uint16_t)~0xf;
	query->failed = failed;
	qstate->return_msg = msg;
	qstate->return_rcode = LDNS_RCODE_NOERROR;
	return true;
}

/* From the timer of serve-expired comes a reply out of the cache that nobody has judged. */
static void judge_unseen(struct self *self, struct module_qstate *qstate, struct query *query,
	const struct reply_info *rep, struct sink_span name)
{
	struct verdict verdict;

	query->block = NULL;
	query->failed = false;
	query->for_supers = NULL;
	query->seen = rep;
	verdict_of_answer(self, qstate->env, name, rep, &verdict);
	if (verdict_blocks(&verdict) && save(query, qstate->region, rep))
		query->block = query_keep(qstate, &verdict);
}

/* --- what a client gets --- */

/* What is in the list already is shared by all clients of the query state. */
static bool add_ede(struct edns_option **options, uint16_t code, struct regional *region)
{
	uint8_t info[2] = { (uint8_t)(code >> 8), (uint8_t)code };

	if (*options)
		*options = edns_opt_copy_region(*options, region);
	return edns_opt_list_append(options, LDNS_EDNS_EDE, sizeof info, info, region);
}

/* The name that was resolved, as this client spelt it: Unbound resolves for a client with an alias
 * in its own local data what that leads to. */
static struct query_info question(const struct query_info *qinfo)
{
	struct query_info asked = *qinfo;

	if (qinfo->local_alias && qinfo->local_alias->rrset)
		get_cname_target(qinfo->local_alias->rrset, &asked.qname, &asked.qname_len);
	asked.local_alias = NULL;
	return asked;
}

static void give_error(struct reply_info *rep)
{
	rep->flags = BIT_QR | BIT_RA | LDNS_RCODE_SERVFAIL;
	rep->an_numrrsets = rep->ns_numrrsets = rep->ar_numrrsets = rep->rrset_count = 0;
}

/* What security the reply has now is what the next client's AD is made of, so that stays. */
static void give_real(const struct query *query, struct reply_info *rep)
{
	enum sec_status security = rep->security;

	memcpy(rep, query->saved, REPLY_SIZE);
	rep->security = security;
	if (query->failed)
		give_error(rep);
}

static void give_block(const struct query *query, const struct query_info *asked,
	struct regional *region, struct reply_info *rep)
{
	struct answer_order order = {
		.verdict = query->block,
		.asked = asked,
		.region = region,
	};
	struct dns_msg *answer = answer_make(&order);

	/* A reply that was secure a moment ago would be sent with AD. */
	if (!answer || rep->security == sec_status_secure)
		give_error(rep);
	else
		memcpy(rep, answer->rep, REPLY_SIZE);
}

static void change(struct module_qstate *qstate, struct query *query,
	const struct query_info *asked, bool exempt, struct reply_info *rep)
{
	if (query->for_supers) {
		qstate->return_msg = query->for_supers;
		query->for_supers = NULL;
	}
	if (exempt)
		give_real(query, rep);
	else
		give_block(query, asked, qstate->region, rep);
}

/* `client` is NULL for Unbound's own questions, `qstate` where no query state could be made. `ede: no`
 * in Unbound's own configuration is about Unbound's own errors; whether ours are sent is in the
 * policy. */
int reply_on_client(struct query_info *qinfo, struct module_qstate *qstate, struct reply_info *rep,
	int rcode, struct edns_data *edns, struct edns_option **options, struct comm_reply *client,
	struct regional *region, struct timeval *start, int id, void *arg)
{
	struct self *self = arg;
	struct query_info asked;
	struct query *query;
	bool exempt;

	(void)start;
	if (layout_is_foreign() || !qstate || !rep || rcode || !query_is_ours(qinfo))
		return 1;
	query = self_query(self, qstate, id);
	if (!query)
		return 1;
	asked = question(qinfo);
	if (query->seen != rep)
		judge_unseen(self, qstate, query, rep, query_name(&asked));
	if (!query->block)
		return 1;
	exempt = !client || exempt_has(self->exempt, &client->client_addr);
	if (query->saved)
		change(qstate, query, &asked, exempt, rep);
	if (exempt)
		return 1;
	if (query->block->policy.ede != SINK_EDE_NONE && edns->edns_present &&
		!add_ede(options, query->block->policy.ede, region))
		verdict_failed(self, qstate->env, SINK_ENOMEM);
	return 1;
}

/* reply.c - Unbound hands in the reply once for each client, and what was done to it for one is
 * there for the next; after the last it gives the query state's message to the queries that wait
 * for it. So the reply is put together from scratch each time, and waiting queries get a copy of
 * what it was. */
#include "reply.h"

#include "answer.h"
#include "counters.h"
#include "explain.h"
#include "garden.h"
#include "layout.h"
#include "response.h"
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
	struct facts *facts = regional_alloc(qstate->region, sizeof *facts);
	const struct verdict_case what = { .facts = facts, .pass = VERDICT_ON_ANSWER };
	struct verdict verdict;

	query_undecide(query);
	query->failed = false;
	query->for_supers = NULL;
	query->seen = rep;
	if (!facts)
		return;
	facts_begin(facts, qstate->region, qstate->qinfo.qtype, name);
	facts_add_chain(facts, rep);
	facts_add_addresses(facts, rep);
	if (verdict_needs(self, qstate->env).servers)
		response_add_servers(qstate, query, rep, facts);
	query->watched = facts;
	query->watched_pass = what.pass;
	verdict_of_all(self, qstate->env, &what, &verdict);
	query->passes = verdict.passes;
	if (!verdict.touches || !save(query, qstate->region, rep))
		return;
	query->judged = facts;
	query->pass = VERDICT_ON_ANSWER;
}

/* --- what a client gets --- */

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

static void give_block(struct module_qstate *qstate, const struct query *query,
	const struct query_info *asked, const struct verdict *verdict, struct reply_info *rep)
{
	struct answer_order order = {
		.verdict = verdict,
		.asked = asked,
		.region = qstate->region,
	};
	struct dns_msg *answer;

	order.target = garden_target(qstate, query, verdict, qstate->region);
	answer = answer_make(&order);
	/* A reply that was secure a moment ago would be sent with AD. */
	if (!answer || rep->security == sec_status_secure)
		give_error(rep);
	else
		memcpy(rep, answer->rep, REPLY_SIZE);
}

/* verdict  the client's; NULL: one that gets the reply as it was */
static void change(struct module_qstate *qstate, struct query *query,
	const struct query_info *asked, const struct verdict *verdict, struct reply_info *rep)
{
	if (query->for_supers) {
		qstate->return_msg = query->for_supers;
		query->for_supers = NULL;
	}
	if (verdict && verdict_blocks(verdict))
		give_block(qstate, query, asked, verdict, rep);
	else if (query->saved)
		give_real(query, rep);
	else
		give_error(rep);
}

/* One client's verdict.
 *
 * client   NULL: a question of Unbound's own, which is not filtered
 * returns  NULL: that client gets the reply as it was */
static const struct verdict *verdict_for(struct self *self, struct module_qstate *qstate,
	const struct query *query, const struct comm_reply *client, struct verdict *out)
{
	const struct verdict_case what = {
		.facts = query->judged,
		.pass = query->pass,
		.region = qstate->region,
	};

	if (!client)
		return NULL;
	if (query->block)
		return query->block;
	verdict_of_client(self, qstate->env, &what, client, out);
	return out;
}

static void note(struct self *self, struct module_qstate *qstate, const struct query *query,
	const struct comm_reply *client)
{
	const struct verdict_case what = {
		.facts = query->watched,
		.pass = query->watched_pass,
	};

	if (client && query->watched)
		verdict_note(self, qstate->env, &what, client);
}

static void count(struct self *self, const struct module_qstate *qstate, unsigned which)
{
	counters_add(self->counters, (unsigned)qstate->env->alloc->thread_num, which, 1);
}

/* What was decided about a client that gets the reply as it is. */
static enum sink_action action_unchanged(struct self *self, struct module_qstate *qstate,
	const struct query *query, const struct comm_reply *client)
{
	const struct verdict_case what = {
		.facts = query->weighed,
		.pass = query->weighed_pass,
	};
	struct verdict verdict;

	if (!query->weighed)
		return query->passes ? SINK_ACTION_PASS : SINK_ACTION_NONE;
	verdict_of_client(self, qstate->env, &what, client, &verdict);
	return verdict.action;
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
	struct verdict one;
	const struct verdict *verdict;

	(void)start;
	if (layout_is_foreign() || !qstate || !rep || rcode || !query_is_ours(qinfo))
		return 1;
	query = self_query(self, qstate, id);
	if (!query)
		return 1;
	asked = question(qinfo);
	if (query->seen != rep)
		judge_unseen(self, qstate, query, rep, query_name(&asked));
	note(self, qstate, query, client);
	if (!query->block && !query->judged) {
		if (client)
			count(self, qstate, action_unchanged(self, qstate, query, client));
		return 1;
	}
	verdict = verdict_for(self, qstate, query, client, &one);
	if (verdict)
		count(self, qstate, verdict->action);
	if (query->judged)
		change(qstate, query, &asked, verdict, rep);
	if (verdict && verdict_blocks(verdict) &&
		!explain_reply(
			&(struct explain_order){
				.verdict = verdict,
				.query = query,
				.qinfo = qinfo,
				.rep = rep,
				.edns = edns,
				.client = client,
				.env = qstate->env,
				.region = region,
			},
			options))
		verdict_failed(self, qstate->env, SINK_ENOMEM);
	return 1;
}

/* Without a query state it is an error that was in the cache. */
int reply_on_servfail(struct query_info *qinfo, struct module_qstate *qstate,
	struct reply_info *rep, int rcode, struct edns_data *edns, struct edns_option **options,
	struct comm_reply *client, struct regional *region, struct timeval *start, int id,
	void *arg)
{
	struct self *self = arg;

	(void)rep;
	(void)rcode;
	(void)edns;
	(void)options;
	(void)region;
	(void)start;
	(void)id;
	if (!layout_is_foreign() && qstate && client && query_is_ours(qinfo))
		count(self, qstate, COUNTER_SERVFAIL);
	return 1;
}

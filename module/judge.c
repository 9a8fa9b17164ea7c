/* judge.c - the query path never fails a user: no lock that is held for long, no memory but the
 * query's own and two tables of bounded size (learned.h), no log line a query; whatever goes wrong,
 * the query is passed on, and counted. */
#include "judge.h"

#include "answer.h"
#include "exempt.h"
#include "learned.h"
#include "pass.h"
#include "query.h"
#include "reply.h"
#include "response.h"
#include "self.h"
#include "sinkhole/err.h"
#include "worker.h"

/* --- a query begins --- */

/* The only client that a beginning query can have. */
static bool client_is_exempt(const struct self *self, const struct module_qstate *qstate)
{
	const struct mesh_reply *reply = qstate->mesh_info->reply_list;

	return reply && exempt_has(self->exempt, &reply->query_reply.client_addr);
}

/* By its name, or by the name that its answer led to the last time. */
static void judge_name(struct self *self, struct module_qstate *qstate, struct verdict *out)
{
	uint8_t target[SINK_WIRE_MAX];
	size_t len;

	verdict_of_name(self, qstate->env, query_name(&qstate->qinfo), out);
	if (out->action != SINK_ACTION_NONE)
		return;
	len = learned_get_name(self->learned, qstate, target);
	if (len == 0)
		return;
	verdict_of_name(self, qstate->env, sink_span(target, len), out);
	if (out->action == SINK_ACTION_PASS)
		out->action = SINK_ACTION_NONE; /* the answer may lead elsewhere by now */
	out->by_answer = true;
}

/* An answer that is put together of what is in the cache comes with no response that could be judged
 * before it is stored. */
static void judge_cached_way(struct self *self, struct module_qstate *qstate, struct query *query)
{
	struct verdict verdict = { .action = SINK_ACTION_NONE };

	response_follow(self, qstate, query, &verdict);
	if (verdict.action == SINK_ACTION_NONE)
		return;
	query->decided = query_keep(qstate, &verdict);
	if (verdict_blocks(&verdict) && !qstate->no_cache_store) {
		qstate->no_cache_store = 1;
		query->ours = true;
	}
}

static void finish(struct module_qstate *qstate, int id, struct dns_msg *answer,
	struct query *query)
{
	query->seen = answer->rep;
	qstate->no_cache_store = 1;
	qstate->return_rcode = LDNS_RCODE_NOERROR; /* the message has its own */
	qstate->return_msg = answer;
	qstate->ext_state[id] = module_finished;
}

static bool answer_block(struct self *self, struct module_qstate *qstate, int id,
	struct query *query, const struct verdict *verdict)
{
	struct answer_order order = {
		.verdict = verdict,
		.asked = &qstate->qinfo,
		.region = qstate->region,
	};
	struct dns_msg *answer = answer_make(&order);

	query->block = query_keep(qstate, verdict);
	if (!answer || !query->block) {
		verdict_failed(self, qstate->env, SINK_ENOMEM);
		return false;
	}
	finish(qstate, id, answer, query);
	return true;
}

/* An exempt client gets the real answer: from memory, or by resolving it without storing. Where an
 * answer may lead today, if the name is an alias, is decided by the answer. */
static bool answer_exempt(struct self *self, struct module_qstate *qstate, int id,
	struct query *query, const struct verdict *verdict)
{
	struct dns_msg *answer = learned_get_answer(self->learned, qstate);

	if (answer) {
		finish(qstate, id, answer, query);
		return true;
	}
	query->ours = !qstate->no_cache_store;
	qstate->no_cache_store = 1;
	if (!verdict->by_answer)
		query->decided = query_keep(qstate, verdict);
	return false;
}

/* returns whether it is answered */
static bool judge(struct self *self, struct module_qstate *qstate, int id, struct query *query)
{
	struct verdict verdict;

	judge_name(self, qstate, &verdict);
	if (verdict.action == SINK_ACTION_PASS)
		query->decided = query_keep(qstate, &verdict);
	if (verdict.action == SINK_ACTION_NONE)
		judge_cached_way(self, qstate, query);
	if (!verdict_blocks(&verdict))
		return false;
	if (client_is_exempt(self, qstate))
		return answer_exempt(self, qstate, id, query, &verdict);
	return answer_block(self, qstate, id, query, &verdict);
}

void judge_begin(struct self *self, struct module_qstate *qstate, enum module_ev event, int id)
{
	struct query *query;

	workers_meet(self->workers, qstate->env);
	query = self_query(self, qstate, id);
	if (query)
		query->for_client = !query_begins_internal(qstate);
	else
		verdict_failed(self, qstate->env, SINK_ENOMEM);
	if (!query || !query->for_client || !query_is_ours(&qstate->qinfo) ||
		!judge(self, qstate, id, query))
		pass_on(qstate, event, id);
}

/* --- a query ends --- */

/* Answers that Unbound would turn into SERVFAIL: their data has failed validation. */
static bool is_bogus(const struct module_qstate *qstate, const struct reply_info *rep)
{
	if (qstate->query_flags & BIT_CD && !qstate->env->cfg->ignore_cd)
		return false;
	return rep->security == sec_status_bogus ||
		rep->security == sec_status_secure_sentinel_fail;
}

static void judge_answer(struct self *self, struct module_qstate *qstate, struct query *query,
	const struct reply_info *rep, struct verdict *out)
{
	verdict_of_answer(self, qstate->env, query_name(&qstate->qinfo), rep, out);
	if (rep || out->action != SINK_ACTION_NONE)
		return;
	/* Without an answer, what is known is how far the chain of names had come. */
	if (query->decided)
		*out = *query->decided;
	else
		response_follow(self, qstate, query, out);
}

static void forget_message(struct module_qstate *qstate)
{
	const struct query_info *asked = &qstate->qinfo;

	msg_cache_remove(qstate->env, asked->qname, asked->qname_len, asked->qtype, asked->qclass,
		qstate->query_flags);
}

/* Of a client's answer, what belongs to a blocked name; what Unbound looked up for itself it may
 * keep, or a good domain with a listed name server would cost a question each time. */
static void forget_sets(struct self *self, struct module_qstate *qstate,
	const struct reply_info *rep)
{
	for (size_t i = 0; i < rep->an_numrrsets; i++) {
		const struct packed_rrset_key *key = &rep->rrsets[i]->rk;
		struct verdict verdict;

		verdict_of_name(self, qstate->env, sink_span(key->dname, key->dname_len), &verdict);
		if (verdict_blocks(&verdict))
			rrset_cache_remove(qstate->env->rrset_cache, key->dname, key->dname_len,
				ntohs(key->type), ntohs(key->rrset_class), key->flags);
	}
}

static void forget(struct self *self, struct module_qstate *qstate, const struct query *query,
	const struct reply_info *rep)
{
	forget_message(qstate);
	if (rep && !query_is_internal(qstate, query))
		forget_sets(self, qstate, rep);
}

#define ERROR_TTL 30 /* seconds for which an alias of a name without living servers is remembered */

/* How long the way to that name is known. The CNAME that Unbound makes of a DNAME has no time of its
 * own, but the DNAME before it has. */
static time_t way_ttl(const struct reply_info *rep, struct sink_span name)
{
	time_t ttl = ERROR_TTL;
	bool made = false;

	for (size_t i = 0; rep && i < rep->an_numrrsets; i++) {
		const struct ub_packed_rrset_key *set = rep->rrsets[i];
		const struct packed_rrset_data *data = set->entry.data;
		struct sink_span target = verdict_target(set);

		if (i == 0 || (data->ttl < ttl && !made))
			ttl = data->ttl;
		made = ntohs(set->rk.type) == LDNS_RR_TYPE_DNAME;
		if (!made && target.len == name.len &&
			query_dname_compare(verdict_octets(target), verdict_octets(name)) == 0)
			break;
	}
	return ttl;
}

static void learn(struct self *self, struct module_qstate *qstate, const struct verdict *verdict,
	const struct reply_info *rep)
{
	struct sink_span name = sink_span(verdict->name, verdict->name_len);

	if (verdict->by_answer)
		learned_put_name(self->learned, qstate, name, way_ttl(rep, name));
	if (rep && qstate->query_flags & BIT_RD && query_is_for_all(qstate))
		learned_put_answer(self->learned, qstate, rep);
}

/* A part of the answer may not be stored under its own name, and so nothing was, but the whole may:
 * an allowed name that is an alias of a listed one. */
static void store_late(struct self *self, struct module_qstate *qstate, const struct query *query,
	const struct reply_info *rep)
{
	if (!rep || !query->ours || query_is_internal(qstate, query) || is_bogus(qstate, rep) ||
		!(qstate->query_flags & BIT_RD) || !query_is_for_all(qstate) ||
		query_has_module(qstate, "dns64"))
		return;
	import_expect(workers_import(self->workers, qstate->env), rep);
	dns_cache_store(qstate->env, &qstate->qinfo, qstate->return_msg->rep, 0,
		qstate->prefetch_leeway, 0, qstate->region, qstate->query_flags,
		qstate->qstarttime);
}

static bool blocks_a_client(const struct self *self, const struct module_qstate *qstate)
{
	const struct mesh_reply *reply = qstate->mesh_info->reply_list;

	while (reply && exempt_has(self->exempt, &reply->query_reply.client_addr))
		reply = reply->next;
	return reply != NULL;
}

/* Have each client's reply made when it is sent (reply.c). */
static void prepare(struct self *self, struct module_qstate *qstate, struct query *query,
	const struct verdict *verdict, const struct reply_info *rep)
{
	if (rep && is_bogus(qstate, rep) && verdict->by_answer)
		return; /* who says that it leads there is not to be trusted: SERVFAIL stays */
	if (reply_change(qstate, query, !rep || is_bogus(qstate, rep)))
		query->block = query_keep(qstate, verdict);
	if (!query->block)
		verdict_failed(self, qstate->env, SINK_ENOMEM);
}

void judge_done(struct self *self, struct module_qstate *qstate, int id)
{
	const struct reply_info *rep = query_reply(qstate);
	struct query *query = self_query(self, qstate, id);
	struct verdict verdict;

	qstate->ext_state[id] = module_finished;
	if (!qstate->no_cache_store)
		import_expect(workers_import(self->workers, qstate->env), rep);
	if (!query || !query_is_ours(&qstate->qinfo))
		return;
	query->seen = rep;
	query->block = NULL;
	query->saved = NULL;
	judge_answer(self, qstate, query, rep, &verdict);
	if (!verdict_blocks(&verdict)) {
		store_late(self, qstate, query, rep);
		return;
	}
	forget(self, qstate, query, rep);
	if (query_is_internal(qstate, query))
		return;
	if (!rep || !is_bogus(qstate, rep))
		learn(self, qstate, &verdict, rep);
	if (blocks_a_client(self, qstate))
		prepare(self, qstate, query, &verdict, rep);
}

/* judge.c - the query path never fails a user: no lock that is held for long, no memory but the
 * query's own and two tables of bounded size (learned.h), no log line a query; whatever goes wrong,
 * the query is passed on, and counted. */
#include "judge.h"

#include "answer.h"
#include "counters.h"
#include "drop.h"
#include "explain.h"
#include "garden.h"
#include "learned.h"
#include "pass.h"
#include "query.h"
#include "reply.h"
#include "response.h"
#include "self.h"
#include "sinkhole/err.h"
#include "worker.h"

/* A query state that is judged, with all that is known about it. */
struct hearing {
	struct self *self;
	struct module_qstate *qstate;
	int id;
	enum module_ev event; /* that it is at */
	struct query *query;
	struct facts *facts; /* in the state's region */
	enum verdict_pass pass;
	struct verdict all; /* what becomes of it for all clients together */
	struct dns_msg *answer; /* the real one, kept from last time; NULL: none */
};

static void consider(struct hearing *hearing, enum verdict_pass pass)
{
	const struct verdict_case what = {
		.facts = hearing->facts,
		.pass = pass,
		.region = hearing->qstate->region,
	};

	hearing->pass = pass;
	verdict_of_all_once(hearing->self, hearing->qstate->env, &what, &hearing->query->clear,
		&hearing->all);
}

/* What clients get is counted, and noted, when they get it (reply.c). */
static void watch(const struct hearing *hearing)
{
	hearing->query->passes = hearing->all.passes;
	hearing->query->weighed = hearing->all.touches ? hearing->facts : NULL;
	hearing->query->weighed_pass = hearing->pass;
	if (!hearing->all.needs.monitors)
		return;
	hearing->query->watched = hearing->facts;
	hearing->query->watched_pass = hearing->pass;
}

static struct facts *facts_for(struct module_qstate *qstate)
{
	struct facts *facts = regional_alloc(qstate->region, sizeof *facts);

	if (!facts)
		return NULL;
	facts_begin(facts, qstate->region, qstate->qinfo.qtype, query_name(&qstate->qinfo));
	return facts->names_count > 0 ? facts : NULL;
}

/* --- the clients that wait --- */

struct clients {
	size_t count, blocked; /* but for those that get no answer at all */
	size_t dropped;
	const struct verdict *one; /* of a blocked one; rather of one whose answer is an alias */
	struct verdict own; /* one's, if not everybody's */
};

/* One for whom that waits for the answer is not dropped yet. */
static bool is_dropped(const struct verdict *verdict)
{
	return verdict->action == SINK_ACTION_DROP && !verdict->waits;
}

/* verdict  everybody's, or that of this one */
static void add_client(struct clients *clients, const struct hearing *hearing,
	const struct verdict *verdict)
{
	clients->count++;
	if (!verdict_blocks(verdict) || verdict->waits)
		return;
	clients->blocked++;
	if (verdict == &hearing->all)
		return;
	if (clients->blocked == 1 || verdict->action == SINK_ACTION_CNAME) {
		clients->own = *verdict;
		clients->one = &clients->own;
	}
}

/* A client's verdict. Everybody's saves asking, and copying.
 *
 * own      for one that differs; borrowed until it is used again */
static const struct verdict *ask(const struct hearing *hearing, const struct mesh_reply *client,
	struct verdict *own)
{
	const struct verdict_case what = {
		.facts = hearing->facts,
		.pass = hearing->pass,
		.region = hearing->qstate->region,
	};

	if (hearing->all.is_same)
		return &hearing->all;
	verdict_of_client(hearing->self, hearing->qstate->env, &what, &client->query_reply, own);
	return own;
}

/* Unbound drops a client whose answer comes too late without asking us, by the same clock: where nobody else waits,
 * the reply must not be changed, or whoever waits for this state would get the change. */
static bool is_too_late(const struct module_qstate *qstate, const struct mesh_reply *client)
{
#ifdef UNBOUND_DISCARDS
	int64_t most = qstate->env->cfg->discard_timeout;
	const struct timeval *now = qstate->env->now_tv, *then = &client->start_time;
	int64_t age =
		((int64_t)now->tv_sec - then->tv_sec) * 1000000 + now->tv_usec - then->tv_usec;

	return most > 0 && age / 1000 > most;
#else
	(void)qstate;
	(void)client;
	return false;
#endif
}

struct asking {
	const struct hearing *hearing;
	struct clients *clients;
};

/* What is decided for one.
 *
 * returns  whether it is to get no answer */
static bool ask_client(void *arg, const struct mesh_reply *client)
{
	const struct asking *asking = arg;
	const struct verdict *verdict;
	struct verdict own;

	if (is_too_late(asking->hearing->qstate, client))
		return false;
	verdict = ask(asking->hearing, client, &own);
	if (is_dropped(verdict))
		return true;
	add_client(asking->clients, asking->hearing, verdict);
	return false;
}

/* What is decided for each, now, and once: a generation that comes between two looks at a client would leave it with an
 * answer that neither gives. Those that get no answer are gone then. */
static void ask_clients(struct hearing *hearing, struct clients *out)
{
	struct asking asking = { .hearing = hearing };

	out->count = out->blocked = 0; /* a verdict is large: not cleared */
	out->one = &hearing->all;
	asking.clients = out;
	out->dropped = drop_clients(hearing->qstate, ask_client, &asking);
	if (out->dropped > 0)
		counters_add(hearing->self->counters,
			(unsigned)hearing->qstate->env->alloc->thread_num, SINK_ACTION_DROP,
			out->dropped);
}

/* Is there nobody left who may get, or wait for, the real answer? Not so where nobody ever asked: a prefetch. */
static bool are_blocked(const struct clients *clients)
{
	return clients->count + clients->dropped > 0 && clients->blocked == clients->count;
}

/* Does a question of Unbound's own, or another client's, wait for this state? Where it had to wait for a walled garden
 * that may be, also before anything is resolved. It gets what this state comes to, so that has to be the real answer,
 * which reply_change() keeps for it. */
static bool is_awaited(const struct module_qstate *qstate)
{
	return qstate->mesh_info->super_set.count > 0 || qstate->mesh_info->cb_list;
}

/* Where an alias of a walled garden is to be given, let its target be resolved first: one after the other, if clients
 * have different ones.
 *
 * returns whether the state waits for that */
static bool wait_for_garden(const struct hearing *hearing, const struct clients *clients)
{
	const struct mesh_reply *client = hearing->qstate->mesh_info->reply_list;

	if (clients->blocked == 0 || clients->one->action != SINK_ACTION_CNAME)
		return false;
	for (; client; client = client->next) {
		struct verdict own;
		const struct verdict *verdict = ask(hearing, client, &own);

		if (!verdict->waits &&
			garden_begin(hearing->qstate, hearing->id, hearing->query, verdict,
				hearing->event))
			return true;
	}
	return false;
}

/* --- a query begins --- */

static void finish(const struct hearing *hearing, struct dns_msg *answer)
{
	struct module_qstate *qstate = hearing->qstate;

	watch(hearing);
	hearing->query->seen = answer->rep;
	qstate->no_cache_store = 1;
	qstate->return_rcode = LDNS_RCODE_NOERROR; /* the message has its own */
	qstate->return_msg = answer;
	qstate->ext_state[hearing->id] = module_finished;
}

/* returns  false: no memory */
static bool answer_block(const struct hearing *hearing, const struct clients *clients)
{
	struct module_qstate *qstate = hearing->qstate;
	struct query *query = hearing->query;
	const struct answer_order order = {
		.verdict = clients->one,
		.asked = &qstate->qinfo,
		.region = qstate->region,
		.target = garden_target(qstate, query, clients->one, qstate->region),
	};
	struct dns_msg *answer = answer_make(&order);

	if (clients->count <= 1 || hearing->all.is_same)
		query->block = query_keep(qstate, order.verdict);
	else
		query->judged = hearing->facts;
	query->pass = hearing->pass;
	if (!answer || (!query->block && !query->judged)) {
		query->block = NULL;
		query->judged = NULL;
		verdict_failed(hearing->self, qstate->env, SINK_ENOMEM);
		return false;
	}
	explain_remember(qstate, query);
	finish(hearing, answer);
	return true;
}

/* Nobody is there any more.
 *
 * returns  false: no memory */
static bool end(const struct hearing *hearing)
{
	struct reply_info *rep = regional_alloc_zero(hearing->qstate->region, sizeof *rep);
	struct dns_msg *nothing = rep ? query_message(hearing->qstate, rep) : NULL;

	if (nothing) {
		rep->flags = BIT_QR | BIT_RA | LDNS_RCODE_REFUSED;
		rep->qdcount = 1;
		rep->security = sec_status_insecure;
		finish(hearing, nothing);
	}
	return nothing != NULL;
}

/* Nobody who waits gets the real answer: there is no need to resolve.
 *
 * returns  whether it is answered, or will be */
static bool block(const struct hearing *hearing, const struct clients *clients)
{
	if (clients->count == 0 && clients->dropped > 0)
		return end(hearing);
	return wait_for_garden(hearing, clients) || answer_block(hearing, clients);
}

/* The real answer is at hand: each client gets it, or what it is to get in its place. */
static void answer_each(const struct hearing *hearing, const struct clients *clients);

static void hold_back(struct module_qstate *qstate, struct query *query)
{
	if (qstate->no_cache_store)
		return;
	qstate->no_cache_store = 1;
	query->ours = true;
}

/* An answer that is put together of what is in the cache comes with no response that could be judged
 * before it is stored. */
static void judge_cached_way(struct hearing *hearing)
{
	struct module_qstate *qstate = hearing->qstate;
	struct sink_needs needs = hearing->all.needs;
	bool waits = hearing->all.waits, cached = false;

	response_follow(qstate, hearing->facts);
	if (needs.addresses || needs.servers)
		cached = response_add_cached(qstate, hearing->facts);
	if (needs.servers && cached)
		facts_add_closest(hearing->facts, qstate->env, facts_tip(hearing->facts),
			qstate->qinfo.qclass);
	if (cached || hearing->facts->names_count > 1)
		consider(hearing, VERDICT_ON_ANSWER);
	if (hearing->all.touches || waits)
		hold_back(qstate, hearing->query);
}

/* The answer of last time tells all; or at least where it led.
 *
 * returns  whether that changes somebody's answer */
static bool recall(struct hearing *hearing)
{
	struct module_qstate *qstate = hearing->qstate;
	struct learned *learned = hearing->self->learned;
	struct facts *name_only = hearing->facts;
	struct verdict first;
	enum verdict_pass pass = hearing->pass;

	if (learned_is_empty(learned))
		return false;
	first = hearing->all;
	hearing->facts = facts_for(qstate);
	if (hearing->facts)
		hearing->answer = learned_get_answer(learned, qstate, hearing->facts);
	if (hearing->answer) {
		facts_add_chain(hearing->facts, hearing->answer->rep);
		facts_add_addresses(hearing->facts, hearing->answer->rep);
		consider(hearing, VERDICT_ON_ANSWER);
	} else if (hearing->facts && learned_get_way(learned, qstate, hearing->facts)) {
		consider(hearing, VERDICT_ON_NAMES);
	} else {
		hearing->all.touches = false;
	}
	if (hearing->all.touches && !hearing->all.waits)
		return true;
	hearing->facts = name_only;
	hearing->answer = NULL;
	hearing->all = first;
	hearing->pass = pass;
	return false;
}

/* Some clients may have the real answer: kept from last time, or by resolving it without storing.
 *
 * returns  whether it is answered, or will be */
static bool answer_some(struct hearing *hearing)
{
	struct clients clients;

	ask_clients(hearing, &clients);
	if (!are_blocked(&clients) && !hearing->answer && recall(hearing))
		ask_clients(hearing, &clients);
	if (are_blocked(&clients) && !is_awaited(hearing->qstate))
		return block(hearing, &clients);
	if (!hearing->answer) {
		hold_back(hearing->qstate, hearing->query);
		return false;
	}
	if (wait_for_garden(hearing, &clients))
		return true;
	finish(hearing, hearing->answer);
	answer_each(hearing, &clients);
	return true;
}

/* Everybody is blocked, a prefetch with them.
 *
 * returns  whether it is answered, or will be */
static bool answer_all(struct hearing *hearing)
{
	struct clients clients;

	ask_clients(hearing, &clients);
	if (!is_awaited(hearing->qstate))
		return block(hearing, &clients);
	hold_back(hearing->qstate, hearing->query);
	return false;
}

/* What is stored for all is not for a client that is listed itself.
 *
 * returns  whether it is answered, or will be */
static bool answer_listed_client(struct hearing *hearing)
{
	struct clients clients;

	if (!hearing->all.needs.listed_clients)
		return false;
	ask_clients(hearing, &clients);
	return are_blocked(&clients) && !is_awaited(hearing->qstate) && block(hearing, &clients);
}

/* returns  whether it is answered, or will be */
static bool judge(struct hearing *hearing)
{
	consider(hearing, VERDICT_ON_NAMES);
	if ((!hearing->all.touches || hearing->all.waits) && !recall(hearing)) {
		if (answer_listed_client(hearing))
			return true;
		judge_cached_way(hearing);
		return false;
	}
	return hearing->all.is_same ? answer_all(hearing) : answer_some(hearing);
}

static void reset(struct query *query)
{
	query_undecide(query);
	query->saved = NULL;
}

/* The verdict is large: it is left as it is until something is considered. */
static void begin(struct hearing *hearing, struct self *self, struct module_qstate *qstate,
	enum module_ev event, int id)
{
	hearing->self = self;
	hearing->qstate = qstate;
	hearing->id = id;
	hearing->event = event;
	hearing->query = self_query(self, qstate, id);
	hearing->facts = NULL;
	hearing->answer = NULL;
}

void judge_begin(struct self *self, struct module_qstate *qstate, enum module_ev event, int id)
{
	struct hearing hearing;
	struct query *query;

	begin(&hearing, self, qstate, event, id);
	query = hearing.query;
	hearing.facts = facts_for(qstate);
	workers_meet(self->workers, qstate->env);
	if (query) /* an expired answer may have been given out meanwhile (reply.c) */
		reset(query);
	if (!query || !hearing.facts)
		verdict_failed(self, qstate->env, SINK_ENOMEM);
	if (query && !query_begins_internal(qstate))
		query->for_client = true;
	if (!query || !hearing.facts || !query->for_client || !query_is_ours(&qstate->qinfo) ||
		!judge(&hearing))
		pass_on(qstate, event, id);
}

/* --- a query ends --- */

/* Answers that Unbound would turn into SERVFAIL: their data has failed validation. */
static bool is_bogus(const struct module_qstate *qstate, const struct reply_info *rep)
{
	if (!rep || (qstate->query_flags & BIT_CD && !qstate->env->cfg->ignore_cd))
		return false;
	return rep->security == sec_status_bogus ||
		rep->security == sec_status_secure_sentinel_fail;
}

/* Without an answer, what is known is how far the chain of names had come. */
static bool gather(struct hearing *hearing, const struct reply_info *rep)
{
	struct sink_needs needs = verdict_needs(hearing->self, hearing->qstate->env);

	hearing->facts = facts_for(hearing->qstate);
	if (!hearing->facts)
		return false;
	if (rep) {
		facts_add_chain(hearing->facts, rep);
		if (needs.addresses)
			facts_add_addresses(hearing->facts, rep);
	} else {
		response_follow(hearing->qstate, &hearing->query->way);
		for (size_t i = 1; i < hearing->query->way.names_count; i++)
			facts_add_name(hearing->facts, hearing->query->way.names[i]);
	}
	if (needs.servers)
		response_add_servers(hearing->qstate, hearing->query, rep, hearing->facts);
	return true;
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
		struct facts facts;

		facts_begin(&facts, qstate->region, qstate->qinfo.qtype,
			sink_span(key->dname, key->dname_len));
		facts_add_addresses_of_set(&facts, rep->rrsets[i]);
		if (verdict_touches(self, qstate->env, &facts))
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
		if (!made && facts_same_name(target, name))
			break;
	}
	return ttl;
}

/* The number of names, from the first, after which somebody's answer is changed; 0: they do not tell. */
static size_t names_that_touch(const struct hearing *hearing)
{
	struct facts way = *hearing->facts;
	const struct verdict_case what = { .facts = &way, .pass = VERDICT_ON_NAMES };

	for (way.names_count = 1; way.names_count <= hearing->facts->names_count;
		way.names_count++) {
		struct verdict verdict;

		verdict_of_all(hearing->self, hearing->qstate->env, &what, &verdict);
		if (verdict.touches && !verdict.waits)
			return way.names_count;
	}
	return 0;
}

/* What everybody is kept from by names alone is blocked the next time by these; for the rest the answer itself is
 * needed. */
static void learn(const struct hearing *hearing, const struct reply_info *rep)
{
	struct module_qstate *qstate = hearing->qstate;
	struct learned *learned = hearing->self->learned;
	size_t count = names_that_touch(hearing);

	if (count > 1)
		learned_put_way(learned, qstate, hearing->facts, count,
			way_ttl(rep, hearing->facts->names[count - 1]));
	if (rep && (count == 0 || !hearing->all.is_same) && qstate->query_flags & BIT_RD &&
		query_is_for_all(qstate))
		learned_put_answer(learned, qstate, rep, hearing->facts);
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

/* Have each client's reply made when it is sent (reply.c), if any client's is to be changed. */
static void answer_each(const struct hearing *hearing, const struct clients *clients)
{
	struct module_qstate *qstate = hearing->qstate;
	struct query *query = hearing->query;
	const struct reply_info *rep = query_reply(qstate);

	if (clients->blocked == 0)
		return;
	explain_remember(qstate, query);
	query->pass = hearing->pass;
	if (reply_change(qstate, query, !rep || is_bogus(qstate, rep))) {
		if (hearing->all.is_same)
			query->block = query_keep(qstate, &hearing->all);
		query->judged = hearing->facts;
	} else {
		verdict_failed(hearing->self, qstate->env, SINK_ENOMEM);
	}
}

/* Who says where a bogus answer leads is not to be trusted: what is left is the name asked for. If that is not
 * listed, SERVFAIL stays.
 *
 * returns  false: no memory */
static bool distrust(struct hearing *hearing)
{
	hearing->facts = facts_for(hearing->qstate);
	if (hearing->facts)
		consider(hearing, VERDICT_ON_ANSWER);
	return hearing->facts != NULL;
}

static void judge_clients(struct hearing *hearing)
{
	struct clients clients;

	watch(hearing);
	if (!hearing->all.touches && !hearing->all.needs.listed_clients)
		return;
	ask_clients(hearing, &clients);
	if (!wait_for_garden(hearing, &clients))
		answer_each(hearing, &clients);
}

static void judge_answer(struct hearing *hearing, const struct reply_info *rep)
{
	struct module_qstate *qstate = hearing->qstate;

	if (!gather(hearing, rep)) {
		verdict_failed(hearing->self, qstate->env, SINK_ENOMEM);
		return;
	}
	consider(hearing, VERDICT_ON_ANSWER);
	if (hearing->all.touches)
		forget(hearing->self, qstate, hearing->query, rep);
	else
		store_late(hearing->self, qstate, hearing->query, rep);
	if (query_is_internal(qstate, hearing->query))
		return;
	if (is_bogus(qstate, rep) && !distrust(hearing))
		return;
	if (hearing->all.touches && !is_bogus(qstate, rep))
		learn(hearing, rep);
	judge_clients(hearing);
}

void judge_done(struct self *self, struct module_qstate *qstate, int id)
{
	const struct reply_info *rep = query_reply(qstate);
	struct hearing hearing;
	struct query *query;

	begin(&hearing, self, qstate, module_event_moddone, id);
	query = hearing.query;
	qstate->ext_state[id] = module_finished;
	if (!qstate->no_cache_store)
		import_expect(workers_import(self->workers, qstate->env), rep);
	if (!query || !query_is_ours(&qstate->qinfo))
		return;
	reset(query);
	query->seen = rep;
	judge_answer(&hearing, rep);
}

/* response.c - the iterator stores every response under the name that it asked for. On the way to
 * what the client asked for that may be another name: the target of an alias, or, with
 * minimisation, an ancestor. So each response is judged by itself; and the chain of names from the
 * client's question onwards is followed, because the whole will be stored under that question.
 *
 * Only the name asked for and the answer section count. If authority or glue did, a good domain
 * with a listed name server would never be stored. */
#include "response.h"

#include "answer.h"
#include "layout.h"
#include "self.h"
#include "worker.h"

#define HOPS_MAX 16 /* more than Unbound follows, unless max-query-restarts says so */
#define NO_ADDRESS_TTL 900 /* seconds at most: as Unbound remembers servers (infra-host-ttl) */

/* The target of a CNAME in the cache, copied; its length is 0 if there is none. */
static struct sink_span cached_target(struct module_qstate *qstate, struct sink_span name)
{
	struct sink_span target = sink_span(NULL, 0);
	struct ub_packed_rrset_key *set =
		rrset_cache_lookup(qstate->env->rrset_cache, verdict_octets(name), name.len,
			LDNS_RR_TYPE_CNAME, LDNS_RR_CLASS_IN, 0, *qstate->env->now, 0);

	if (!set)
		return target;
	target = verdict_target(set);
	target.at = regional_alloc_init(qstate->region, target.at, target.len);
	lock_rw_unlock(&set->entry.lock);
	return target.at ? target : sink_span(NULL, 0);
}

void response_follow(struct self *self, struct module_qstate *qstate, struct query *query,
	struct verdict *out)
{
	for (int i = 0; i < HOPS_MAX && out->action == SINK_ACTION_NONE; i++) {
		struct sink_span target = cached_target(qstate, query->tip);

		if (target.len == 0)
			return;
		verdict_of_name(self, qstate->env, target, out);
		out->by_answer = true;
		query->tip = target;
	}
}

static bool is_at_or_above(const struct query_info *asked, struct sink_span tip)
{
	return dname_subdomain_c(verdict_octets(tip), asked->qname);
}

/* Where the chain came on by the cache nobody told us, and nobody judged it. */
static void catch_up(struct self *self, struct module_qstate *qstate, struct query *query,
	const struct query_info *asked)
{
	struct verdict verdict = { .action = SINK_ACTION_NONE };
	struct sink_span tip = query->tip;

	for (int i = 0; i < HOPS_MAX && tip.len > 0 && !is_at_or_above(asked, tip); i++) {
		tip = cached_target(qstate, tip);
		if (tip.len > 0 && verdict.action == SINK_ACTION_NONE)
			verdict_of_name(self, qstate->env, tip, &verdict);
	}
	if (tip.len == 0)
		return;
	query->tip = tip;
	verdict.by_answer = true;
	if (!query->decided && verdict.action != SINK_ACTION_NONE)
		query->decided = query_keep(qstate, &verdict);
}

/* Is this response only about an ancestor of the name that the chain has come to? */
static bool is_between(const struct query *query, const struct query_info *asked)
{
	return is_at_or_above(asked, query->tip) &&
		query_dname_compare(verdict_octets(query->tip), asked->qname) != 0;
}

/* The chain has come to the name asked for: follow it through the answer. */
static void advance(struct query *query, const struct dns_msg *response)
{
	query->tip = query_name(&response->qinfo);
	for (size_t i = 0; i < response->rep->an_numrrsets; i++) {
		struct sink_span target = sink_span(NULL, 0);

		if (ntohs(response->rep->rrsets[i]->rk.type) == LDNS_RR_TYPE_CNAME)
			target = verdict_target(response->rep->rrsets[i]);
		if (target.len > 0)
			query->tip = target;
	}
}

/* The flag belongs to others as well: only what we set may we take back, and not where someone may
 * have wished for the same since. */
static void take_back(struct module_qstate *qstate, struct query *query)
{
	if (!query->ours || qstate->no_cache_lookup || query_has_module(qstate, "ipsecmod"))
		return;
	qstate->no_cache_store = 0;
	query->ours = false;
}

static void allow_storing(struct module_qstate *qstate, struct query *query, bool allowed)
{
	if (allowed) {
		take_back(qstate, query);
	} else if (!qstate->no_cache_store) {
		qstate->no_cache_store = 1;
		query->ours = true;
	}
}

/* Only where to ask next: nothing is stored under the name asked for but what the way to names below
 * it needs. A server that was asked to resolve (it repeats RD) means no such thing. */
static bool is_referral(const struct reply_info *rep)
{
	if (rep->flags & (BIT_AA | BIT_RD) || FLAGS_GET_RCODE(rep->flags) != LDNS_RCODE_NOERROR ||
		rep->an_numrrsets > 0 || rep->ns_numrrsets == 0)
		return false;
	for (size_t i = 0; i < rep->ns_numrrsets; i++)
		if (ntohs(rep->rrsets[i]->rk.type) == LDNS_RR_TYPE_SOA)
			return false;
	return true;
}

/* Records alone are no message: no client gets them. */
static void store_sets(struct self *self, struct module_qstate *qstate, struct query_info *asked,
	struct reply_info *rep)
{
	import_expect(workers_import(self->workers, qstate->env), rep);
	dns_cache_store(qstate->env, asked, rep, 1, 0, 0, NULL, qstate->query_flags,
		qstate->qstarttime);
}

/* What Unbound needs for its own way to a name that is not blocked would otherwise be asked for
 * each time. Only what a server is authoritative for; with the rest the iterator has more
 * experience. */
static void store_records(struct self *self, struct module_qstate *qstate, struct dns_msg *response)
{
	const struct reply_info *rep = response->rep;

	if (rep->flags & BIT_AA && FLAGS_GET_RCODE(rep->flags) == LDNS_RCODE_NOERROR)
		store_sets(self, qstate, &response->qinfo, response->rep);
}

/* That a listed name server has no address of one family would be asked again for each name below
 * its zones: such an answer has no records, and a message may not be stored. So we store one that
 * Unbound takes for an address and never uses, because it is bogus, until a real one comes. */
static void store_no_address(struct self *self, struct module_qstate *qstate,
	struct dns_msg *response)
{
	static const uint8_t none[16];
	struct query_info *asked = &response->qinfo;
	struct reply_info rep = { .flags = response->rep->flags, .qdcount = 1, .rrset_count = 1 };
	time_t ttl = response->rep->ttl < NO_ADDRESS_TTL ? response->rep->ttl : NO_ADDRESS_TTL;
	struct ub_packed_rrset_key *set;
	struct packed_rrset_data *data;

	set = answer_set(qstate->region, asked->qname, asked->qname_len, asked->qtype, ttl, none,
		asked->qtype == LDNS_RR_TYPE_A ? 4 : 16, 1);
	if (!set)
		return;
	data = set->entry.data;
	data->security = sec_status_bogus;
	rep.an_numrrsets = 1;
	rep.rrsets = &set;
	store_sets(self, qstate, asked, &rep);
}

static void store_for_unbound(struct self *self, struct module_qstate *qstate,
	struct dns_msg *response)
{
	const struct query_info *asked = &response->qinfo;
	bool address = asked->qtype == LDNS_RR_TYPE_A || asked->qtype == LDNS_RR_TYPE_AAAA;

	if (response->rep->an_numrrsets > 0)
		store_records(self, qstate, response);
	else if (address && response->rep->flags & BIT_AA && asked->qtype == qstate->qinfo.qtype &&
		query_dname_compare(asked->qname, qstate->qinfo.qname) == 0)
		store_no_address(self, qstate, response);
}

static void judge(struct self *self, struct module_qstate *qstate, struct query *query,
	struct dns_msg *response)
{
	bool between, alone, whole; /* the last two: the response, the chain is a listed name's */
	bool forbidden = qstate->no_cache_store && !query->ours; /* by others */
	struct verdict verdict;

	catch_up(self, qstate, query, &response->qinfo);
	between = is_between(query, &response->qinfo);
	verdict_of_answer(self, qstate->env, query_name(&response->qinfo), response->rep, &verdict);
	if (!between && !query->decided && verdict.action != SINK_ACTION_NONE) {
		verdict.by_answer |=
			query_dname_compare(response->qinfo.qname, qstate->qinfo.qname) != 0;
		query->decided = query_keep(qstate, &verdict);
	}
	if (!between)
		advance(query, response);
	alone = verdict_blocks(&verdict);
	whole = query->decided && verdict_blocks(query->decided);
	allow_storing(qstate, query, is_referral(response->rep) || (!alone && !whole));
	if (!alone || forbidden)
		return;
	if (query_is_internal(qstate, query))
		store_for_unbound(self, qstate, response);
	else if (between && !whole)
		store_records(self, qstate, response);
}

int response_on_answer(struct module_qstate *qstate, struct dns_msg *response, int id, void *arg)
{
	struct self *self = arg;
	struct query *query;

	if (layout_is_foreign() || !response || !response->rep || !query_is_ours(&response->qinfo))
		return 1;
	query = self_query(self, qstate, id);
	if (query)
		judge(self, qstate, query, response);
	if (!qstate->no_cache_store)
		import_expect(workers_import(self->workers, qstate->env), response->rep);
	return 1;
}

/* A response came with EDNS options; response_on_answer() is called after it. Before subnetcache looks at
 * them, which may set the flag for this response: registered first, we are called first. What it
 * sets then is not ours. */
int response_on_options(struct module_qstate *qstate, int id, void *arg)
{
	struct query *query = layout_is_foreign() ? NULL : qstate->minfo[id];

	(void)arg;
	if (query)
		take_back(qstate, query);
	return 1;
}

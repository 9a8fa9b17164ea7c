/* response.c - the iterator stores every response under the name that it asked for. On the way to
 * what the client asked for that may be another name: the target of an alias, or, with
 * minimisation, an ancestor. So each response is judged by itself; and the chain of names from the
 * client's question onwards is followed, because the whole will be stored under that question.
 *
 * Of a response, the name asked for and the answer section count, and the delegation that served it. If all of
 * authority and glue did, a good domain with a listed name server would never be stored. */
#include "response.h"

#include "answer.h"
#include "layout.h"
#include "self.h"
#include "worker.h"

#define HOPS_MAX 16 /* more than Unbound follows, unless max-query-restarts says so */
#define NO_ADDRESS_TTL 900 /* seconds at most: as Unbound remembers servers (infra-host-ttl) */

/* --- the way that the names lead --- */

/* The target of a CNAME in the cache, copied; its length is 0 if there is none. */
static struct sink_span cached_target(struct module_qstate *qstate, struct sink_span name)
{
	struct sink_span target = sink_span(NULL, 0);
	struct ub_packed_rrset_key *set =
		rrset_cache_lookup(qstate->env->rrset_cache, ub_octets(name), name.len,
			LDNS_RR_TYPE_CNAME, LDNS_RR_CLASS_IN, 0, *qstate->env->now, 0);

	if (!set)
		return target;
	target = verdict_target(set);
	target.at = regional_alloc_init(qstate->region, target.at, target.len);
	lock_rw_unlock(&set->entry.lock);
	return target.at ? target : sink_span(NULL, 0);
}

void response_follow(struct module_qstate *qstate, struct facts *way)
{
	for (int i = 0; i < HOPS_MAX; i++) {
		struct sink_span target = cached_target(qstate, facts_tip(way));

		if (target.len == 0)
			return;
		facts_add_name(way, target);
	}
}

/* Who served the names that the cache led to is what it knows by now. */
static void add_unserved(struct module_qstate *qstate, struct query *query, size_t until)
{
	for (; query->served < until; query->served++)
		facts_add_closest(&query->way, qstate->env, query->way.names[query->served],
			qstate->qinfo.qclass);
}

bool response_add_cached(struct module_qstate *qstate, struct facts *facts)
{
	struct sink_span tip = facts_tip(facts);
	struct ub_packed_rrset_key *set =
		rrset_cache_lookup(qstate->env->rrset_cache, ub_octets(tip), tip.len,
			qstate->qinfo.qtype, LDNS_RR_CLASS_IN, 0, *qstate->env->now, 0);

	if (!set)
		return false;
	facts_add_addresses_of_set(facts, set);
	lock_rw_unlock(&set->entry.lock);
	return true;
}

/* Where there is no answer, those that were asked for it. */
void response_add_servers(struct module_qstate *qstate, const struct query *query,
	const struct reply_info *rep, struct facts *facts)
{
	size_t until = facts->names_count;

	if (rep && facts_add_authority(facts, rep))
		until--;
	facts_add_server_addresses(facts, qstate->env);
	facts_add_servers_of(facts, &query->way);
	if (!rep)
		facts_add_current_delegation(facts, qstate);
	for (size_t i = query->served; i < until; i++)
		facts_add_closest(facts, qstate->env, facts->names[i], qstate->qinfo.qclass);
}

static bool is_at_or_above(const struct query_info *asked, struct sink_span tip)
{
	return sink_span_equal(tip, query_name(asked)) ||
		dname_subdomain_c(ub_octets(tip), asked->qname);
}

/* The number of names up to and with the first one at or below `asked`; 0: none. */
static size_t find_on_way(const struct query *query, const struct query_info *asked)
{
	const struct facts *way = &query->way;

	for (size_t i = way->names_count; i > 0; i--)
		if (is_at_or_above(asked, way->names[i - 1]))
			return i;
	return 0;
}

/* Where the chain came on by the cache nobody told us, and nobody judged it. What was followed before and the chain did
 * not come to is taken back. */
static void catch_up(struct module_qstate *qstate, struct query *query,
	const struct query_info *asked, bool servers)
{
	struct facts ahead = query->way;
	size_t found = find_on_way(query, asked);

	for (int i = 0; i < HOPS_MAX && found == 0; i++) {
		struct sink_span target = cached_target(qstate, facts_tip(&ahead));

		if (target.len == 0)
			break;
		facts_add_name(&ahead, target);
		if (is_at_or_above(asked, target))
			found = ahead.names_count;
	}
	if (found == 0)
		return;
	query->way = ahead;
	query->way.names_count = found;
	if (query->served > found - 1)
		query->served = found - 1;
	if (servers)
		add_unserved(qstate, query, found - 1);
}

/* Is this response only about an ancestor of the name that the chain has come to? */
static bool is_between(const struct query *query, const struct query_info *asked)
{
	struct sink_span tip = facts_tip(&query->way);

	return is_at_or_above(asked, tip) && !facts_same_name(tip, query_name(asked));
}

/* Does it hold what was wanted of the last name that it leads to, or that there is none of it? Else that
 * has to be asked for elsewhere. */
static bool is_complete(const struct reply_info *rep, struct sink_span last)
{
	for (size_t i = 0; i < rep->an_numrrsets; i++) {
		const struct packed_rrset_key *key = &rep->rrsets[i]->rk;

		if (ntohs(key->type) != LDNS_RR_TYPE_CNAME &&
			facts_same_name(sink_span(key->dname, key->dname_len), last))
			return true;
	}
	for (size_t i = 0; i < rep->ns_numrrsets; i++)
		if (ntohs(rep->rrsets[rep->an_numrrsets + i]->rk.type) == LDNS_RR_TYPE_SOA)
			return true;
	return false;
}

/* The chain has come to the name asked for: follow it through the answer. */
static void advance(struct query *query, const struct dns_msg *response)
{
	struct facts *way = &query->way;
	struct sink_span asked = query_name(&response->qinfo);
	size_t before;

	if (!facts_same_name(facts_tip(way), asked))
		facts_add_name(way, asked);
	before = way->names_count;
	facts_add_chain(way, response->rep);
	query->served = way->names_count;
	if (way->names_count > before && !is_complete(response->rep, facts_tip(way)))
		query->served--;
}

/* --- what may be stored --- */

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
	set->entry.hash = rrset_key_hash(&set->rk);
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
		facts_same_name(query_name(asked), query_name(&qstate->qinfo)))
		store_no_address(self, qstate, response);
}

static bool touches_alone(struct self *self, struct module_qstate *qstate, struct query *query,
	const struct facts *facts)
{
	const struct verdict_case what = { .facts = facts, .pass = VERDICT_ON_ANSWER };
	struct verdict verdict;

	verdict_of_all_once(self, qstate->env, &what, &query->clear, &verdict);
	return verdict.touches;
}

/* The response by itself: as it would be stored under the name asked for. */
static void gather(struct module_qstate *qstate, const struct dns_msg *response,
	struct sink_needs needs, struct facts *out)
{
	facts_begin(out, qstate->region, response->qinfo.qtype, query_name(&response->qinfo));
	facts_add_chain(out, response->rep);
	if (needs.addresses)
		facts_add_addresses(out, response->rep);
	if (needs.servers) {
		facts_add_current_delegation(out, qstate);
		facts_add_authority(out, response->rep);
		facts_add_server_addresses(out, qstate->env);
	}
}

/* The chain is of this response alone, and who served it plays no part: what becomes of the one becomes of the other. */
static bool is_whole(const struct query *query, const struct facts *response)
{
	const struct facts *way = &query->way;

	return way->servers_count + response->servers_count + way->server_addresses_count +
			response->server_addresses_count ==
		0 &&
		facts_same_names(way, response);
}

/* The chain, with this response at its end. */
static bool touches_whole(struct self *self, struct module_qstate *qstate,
	const struct query *query, const struct facts *response)
{
	struct facts whole = query->way;

	whole.addresses = response->addresses;
	whole.addresses_count = response->addresses_count;
	return verdict_touches(self, qstate->env, &whole);
}

static void judge(struct self *self, struct module_qstate *qstate, struct query *query,
	struct dns_msg *response)
{
	struct sink_needs needs = verdict_needs(self, qstate->env);
	bool between, referral = is_referral(response->rep);
	bool alone,
		whole; /* somebody's answer is changed: the response, that at the end of the chain */
	bool forbidden = qstate->no_cache_store && !query->ours; /* by others */
	struct facts facts;

	gather(qstate, response, needs, &facts);
	catch_up(qstate, query, &response->qinfo, needs.servers);
	between = is_between(query, &response->qinfo);
	if (!between && !referral) {
		advance(query, response);
		facts_add_servers_of(&query->way, &facts);
	}
	alone = touches_alone(self, qstate, query, &facts);
	whole = is_whole(query, &facts) ? alone : touches_whole(self, qstate, query, &facts);
	allow_storing(qstate, query, referral || (!alone && !whole));
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

/* garden.c - as Unbound's response-ip does it for a CNAME of its own: attach a query, wait, take what it found. */
#include "garden.h"

#include "answer.h"

/* What a query state asked for: clients of different groups may have gardens of their own. */
struct garden {
	struct garden *next;
	struct sink_span name; /* in wire form */
	const struct reply_info *found; /* NULL: nothing that clients could get, or not known yet */
};

/* Where the alias leads that a query state is answered with.
 *
 * out      its name in `name`
 * returns  false: nowhere that could be asked for
 */
static bool target_of(const struct module_qstate *qstate, const struct verdict *verdict,
	uint8_t name[SINK_WIRE_MAX], struct query_info *out)
{
	const struct query_info *asked = &qstate->qinfo;
	size_t len;

	if (verdict->action != SINK_ACTION_CNAME || !answer_follows(asked->qtype))
		return false;
	len = answer_alias(verdict->form.cname, query_name(asked), name);
	if (len == 0 || query_dname_compare(name, asked->qname) == 0)
		return false;
	*out = (struct query_info){
		.qname = name,
		.qname_len = len,
		.qtype = asked->qtype,
		.qclass = LDNS_RR_CLASS_IN,
	};
	return true;
}

static bool is_named(const struct garden *garden, const struct query_info *target)
{
	return facts_same_name(garden->name, query_name(target));
}

/* NULL: it was not asked for. */
static struct garden *find(const struct query *query, const struct query_info *target)
{
	struct garden *garden = query->gardens;

	while (garden && !is_named(garden, target))
		garden = garden->next;
	return garden;
}

/* returns NULL: no memory */
static struct garden *add(struct module_qstate *qstate, struct query *query,
	const struct query_info *target)
{
	struct garden *garden = regional_alloc_zero(qstate->region, sizeof *garden);
	uint8_t *name = regional_alloc_init(qstate->region, target->qname, target->qname_len);

	if (!garden || !name)
		return NULL;
	garden->name = sink_span(name, target->qname_len);
	garden->next = query->gardens;
	query->gardens = garden;
	return garden;
}

/* --- what a target has --- */

static bool is_believed(const struct module_env *env, const struct reply_info *rep)
{
	if (!env->need_to_validate)
		return true;
	return rep->security > sec_status_bogus && rep->security != sec_status_secure_sentinel_fail;
}

static bool is_answer(const struct reply_info *rep)
{
	uint16_t rcode = FLAGS_GET_RCODE(rep->flags);

	return rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN ||
		rcode == LDNS_RCODE_YXDOMAIN;
}

/* Without signatures: the alias before it has none either. */
static struct ub_packed_rrset_key *copy_set(const struct ub_packed_rrset_key *set,
	struct regional *region)
{
	const struct packed_rrset_data *data = set->entry.data;
	struct sink_span *rdata = regional_alloc(region, data->count * sizeof *rdata);
	uint8_t *owner = regional_alloc_init(region, set->rk.dname, set->rk.dname_len);

	if (!rdata || !owner)
		return NULL;
	for (size_t i = 0; i < data->count; i++)
		rdata[i] = sink_span(data->rr_data[i] + 2, data->rr_len[i] - 2);
	return answer_set_of(region, owner, set->rk.dname_len, ntohs(set->rk.type), data->ttl,
		rdata, data->count);
}

/* Of the authority section, what tells for how long something is not there. */
static const struct ub_packed_rrset_key *soa_of(const struct reply_info *rep)
{
	for (size_t i = rep->an_numrrsets; i < rep->an_numrrsets + rep->ns_numrrsets; i++)
		if (ntohs(rep->rrsets[i]->rk.type) == LDNS_RR_TYPE_SOA)
			return rep->rrsets[i];
	return NULL;
}

/* What clients get of a target's answer; NULL: nothing, or no memory. */
static const struct reply_info *copy(const struct reply_info *rep, struct regional *region)
{
	const struct ub_packed_rrset_key *soa = soa_of(rep);
	struct reply_info *out = regional_alloc_zero(region, sizeof *out);

	if (!out)
		return NULL;
	out->flags = rep->flags & 0xf;
	out->rrsets = regional_alloc_zero(region, (rep->an_numrrsets + 1) * sizeof(void *));
	if (!out->rrsets)
		return NULL;
	for (size_t i = 0; i < rep->an_numrrsets; i++) {
		out->rrsets[out->an_numrrsets] = copy_set(rep->rrsets[i], region);
		if (!out->rrsets[out->an_numrrsets++])
			return NULL;
	}
	if (soa) {
		out->rrsets[out->an_numrrsets] = copy_set(soa, region);
		if (!out->rrsets[out->an_numrrsets])
			return NULL;
		out->ns_numrrsets = 1;
	}
	out->rrset_count = out->an_numrrsets + out->ns_numrrsets;
	return out;
}

static const struct reply_info *usable(const struct module_env *env, const struct reply_info *rep,
	struct regional *region)
{
	return is_answer(rep) && is_believed(env, rep) ? copy(rep, region) : NULL;
}

/* What a client may have is in Unbound's cache as a whole, and has been validated. */
static const struct reply_info *from_cache(struct module_qstate *qstate, struct query_info *target,
	struct regional *region)
{
	struct module_env *env = qstate->env;
	const struct reply_info *found = NULL;
	struct msgreply_entry *entry = msg_cache_lookup(env, target->qname, target->qname_len,
		target->qtype, target->qclass, 0, *env->now, 0);
	struct dns_msg *msg = NULL;

	if (!entry)
		return NULL;
	if (is_believed(env, entry->entry.data))
		msg = tomsg(env, target, entry->entry.data, region, *env->now, 0, env->scratch);
	lock_rw_unlock(&entry->entry.lock);
	if (msg)
		found = usable(env, msg->rep, region);
	return found;
}

const struct reply_info *garden_target(struct module_qstate *qstate, const struct query *query,
	const struct verdict *verdict, struct regional *region)
{
	uint8_t name[SINK_WIRE_MAX];
	struct query_info target;
	const struct garden *garden;

	if (!target_of(qstate, verdict, name, &target))
		return NULL;
	garden = find(query, &target);
	return garden ? garden->found : from_cache(qstate, &target, region);
}

/* --- waiting for it --- */

/* Queries that are alike are one in the mesh, with all who wait for it. */
static bool attach(struct module_qstate *qstate, struct query_info *target)
{
	struct module_qstate *fresh = NULL;

	return (*qstate->env->attach_sub)(qstate, target, BIT_RD, 0, 0, &fresh);
}

bool garden_begin(struct module_qstate *qstate, int id, struct query *query,
	const struct verdict *verdict, enum module_ev event)
{
	uint8_t name[SINK_WIRE_MAX];
	struct query_info target;
	struct garden *garden;

	if (!target_of(qstate, verdict, name, &target) || find(query, &target))
		return false;
	garden = add(qstate, query, &target);
	if (!garden)
		return false;
	garden->found = from_cache(qstate, &target, qstate->region);
	if (garden->found || !attach(qstate, &target))
		return false;
	query->gardening = true;
	query->garden_event = event;
	qstate->ext_state[id] = module_wait_subquery;
	return true;
}

/* Its reply is our own block: for a client who asked for the target itself. */
static bool is_blocked(const struct module_qstate *sub, int id)
{
	const struct query *query = sub->minfo[id];

	return query && (query->block || query->judged) && !query->saved;
}

void garden_inform(struct module_qstate *sub, int id, struct module_qstate *super)
{
	struct query *query = super->minfo[id];
	const struct reply_info *rep = query_reply(sub);

	if (query && query->gardening && is_named(query->gardens, &sub->qinfo) && rep &&
		!is_blocked(sub, id))
		query->gardens->found = usable(super->env, rep, super->region);
}

enum module_ev garden_resume(struct module_qstate *qstate, int id, enum module_ev event)
{
	struct query *query = qstate->minfo[id];

	if (!query || !query->gardening)
		return event;
	query->gardening = false;
	return query->garden_event;
}

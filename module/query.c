/* query.c - states end in any order, so the list of those alive is doubly linked. */
#include "query.h"

#include <stddef.h>

static void publish(struct queries *queries)
{
	const struct query *oldest = queries->oldest;

	atomic_store_explicit(&queries->epoch, oldest ? oldest->epoch : QUERIES_NONE,
		memory_order_release);
}

static void join(struct queries *queries, struct query *query)
{
	query->queries = queries;
	query->older = queries->newest;
	if (queries->newest)
		queries->newest->newer = query;
	else
		queries->oldest = query;
	queries->newest = query;
	if (queries->oldest == query)
		publish(queries);
}

static void leave(struct queries *queries, struct query *query)
{
	bool was_oldest = queries->oldest == query;

	if (query->older)
		query->older->newer = query->newer;
	else
		queries->oldest = query->newer;
	if (query->newer)
		query->newer->older = query->older;
	else
		queries->newest = query->older;
	if (was_oldest)
		publish(queries);
}

struct query *query_of(struct module_qstate *qstate, int id, struct queries *queries,
	uint64_t epoch)
{
	struct query *query = qstate->minfo[id];

	if (query)
		return query;
	query = regional_alloc_zero(qstate->region, sizeof *query);
	if (!query)
		return NULL;
	query->epoch = epoch;
	facts_begin(&query->way, qstate->region, qstate->qinfo.qtype, query_name(&qstate->qinfo));
	if (query->way.names_count == 0)
		return NULL;
	if (queries)
		join(queries, query);
	qstate->minfo[id] = query;
	return query;
}

void query_end(struct module_qstate *qstate, int id)
{
	struct query *query = qstate->minfo[id];

	if (query && query->queries)
		leave(query->queries, query);
	qstate->minfo[id] = NULL;
}

struct verdict *query_keep(struct module_qstate *qstate, const struct verdict *verdict)
{
	size_t name = verdict_blocks(verdict) ? verdict->listed_len : 0;
	struct verdict *kept = regional_alloc(qstate->region, sizeof *kept);

	if (kept) /* what is behind the name means nothing */
		memcpy(kept, verdict, offsetof(struct verdict, listed) + name);
	return kept;
}

struct reply_info *query_reply(const struct module_qstate *qstate)
{
	if (qstate->return_rcode != LDNS_RCODE_NOERROR || !qstate->return_msg)
		return NULL;
	return qstate->return_msg->rep;
}

struct dns_msg *query_message(const struct module_qstate *qstate, struct reply_info *rep)
{
	struct dns_msg *msg = regional_alloc_zero(qstate->region, sizeof *msg);

	if (!msg)
		return NULL;
	msg->qinfo = qstate->qinfo;
	msg->rep = rep;
	return msg;
}

bool query_begins_internal(const struct module_qstate *qstate)
{
	const struct mesh_state *mesh = qstate->mesh_info;

	if (qstate->is_valrec || qstate->is_priming || mesh->cb_list)
		return true;
	return !mesh->reply_list && mesh->super_set.count > 0;
}

bool query_is_internal(const struct module_qstate *qstate, const struct query *query)
{
	return !query->for_client && !qstate->mesh_info->reply_list;
}

bool query_has_module(const struct module_qstate *qstate, const char *name)
{
	const struct module_stack *mods = &qstate->env->mesh->mods;

	for (int i = 0; i < mods->num; i++)
		if (strcmp(mods->mod[i]->name, name) == 0)
			return true;
	return false;
}

bool query_is_for_all(const struct module_qstate *qstate)
{
	return !query_has_module(qstate, "respip") && !query_has_module(qstate, "subnetcache");
}

bool query_is_ours(const struct query_info *asked)
{
	return asked->qclass == LDNS_RR_CLASS_IN || asked->qclass == LDNS_RR_CLASS_ANY;
}

/* greet.c - Unbound calls back for each answer from its cache, without saying which worker gives it.
 * That stands in the worker's own sockets. Once met, and while no rule monitors, the worker is asked to call no more:
 * an answer from the cache costs what it did before. */
#include "greet.h"

#include "layout.h"
#include "monitor.h"
#include "self.h"
#include "ub.h"
#include "worker.h"

/* Only pointers are compared before one is followed: see layout.h. */
static struct module_env *worker_of(const struct self *self, const struct comm_reply *client,
	int id)
{
	struct worker *worker = client && client->c ? client->c->cb_arg : NULL;

	if (!worker || worker->env.worker != worker || worker->env.modinfo[id] != self->modinfo)
		return NULL;
	return &worker->env;
}

/* The list is shared by all workers, its head is each one's own. */

static struct inplace_cb **head_of(struct module_env *env)
{
	return &env->inplace_cb_lists[inplace_cb_reply_cache];
}

static void call_no_more(struct module_env *env, int id)
{
	struct inplace_cb **head = head_of(env);

	if (*head && (*head)->id == id)
		*head = (*head)->next;
}

void greet_begin(struct self *self, struct module_env *env, int id)
{
	struct inplace_cb *hook = *head_of(env);

	while (hook && hook->id != id)
		hook = hook->next;
	self->on_cached = hook;
}

void greet_again(struct self *self, struct module_env *env)
{
	struct inplace_cb **head = head_of(env);

	if (self->on_cached && *head == self->on_cached->next)
		*head = self->on_cached;
}

int greet_on_cached(struct query_info *qinfo, struct module_qstate *qstate, struct reply_info *rep,
	int rcode, struct edns_data *edns, struct edns_option **options, struct comm_reply *client,
	struct regional *region, struct timeval *start, int id, void *arg)
{
	struct self *self = arg;
	struct module_env *env;

	(void)qstate;
	(void)rcode;
	(void)edns;
	(void)options;
	(void)region;
	(void)start;
	env = layout_is_foreign() ? NULL : worker_of(self, client, id);
	if (!env)
		return 1;
	workers_meet(self->workers, env);
	if (!monitor_cached(self, env, qinfo, rep, client))
		call_no_more(env, id);
	return 1;
}

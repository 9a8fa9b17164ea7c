/* reply.c - a blocked client that speaks EDNS is told so (RFC 8914). */
#include "reply.h"

#include "judge.h"
#include "sinkhole/err.h"
#include "sinkhole/policy.h"
#include "ub.h"

static void add_ede(struct edns_option **options, uint16_t code, struct regional *region)
{
	uint8_t info[2] = { (uint8_t)(code >> 8), (uint8_t)code };

	if (!edns_opt_list_append(options, LDNS_EDNS_EDE, sizeof info, info, region))
		log_err("sinkhole: out of memory: a blocked client is not told so");
}

/* Unbound's order of arguments; it drops what is returned. `repinfo` is NULL for Unbound's own
 * questions, `qstate` where no query state could be made. `ede: no` in Unbound's own
 * configuration is about Unbound's own errors; whether ours are sent is in the policy. */
static int on_reply(struct query_info *qinfo, struct module_qstate *qstate, struct reply_info *rep,
	int rcode, struct edns_data *edns, struct edns_option **options, struct comm_reply *repinfo,
	struct regional *region, struct timeval *start, int id, void *arg)
{
	const struct judged *judged = qstate ? qstate->minfo[id] : NULL;

	(void)qinfo;
	(void)start;
	(void)arg;
	if (!judged || !rep || rcode || !repinfo)
		return 1;
	if (judged->ede != SINK_EDE_NONE && edns->edns_present)
		add_ede(options, judged->ede, region);
	return 1;
}

int reply_register(struct module_env *env, int id)
{
	struct dynlibmod_env *dynlib = env->modinfo[id];

	if (!dynlib->inplace_cb_register_wrapped((void *)on_reply, inplace_cb_reply, NULL, env, id))
		return SINK_ENOMEM;
	return SINK_OK;
}

void reply_unregister(struct module_env *env, int id)
{
	struct dynlibmod_env *dynlib = env->modinfo[id];

	dynlib->inplace_cb_delete_wrapped(env, inplace_cb_reply, id);
}

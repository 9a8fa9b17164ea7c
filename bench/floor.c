/* floor.c - the least that a module can do: it answers NXDOMAIN to everything but `clean.test`, with no record, and looks
 * nothing up. What such an answer takes is what Unbound takes to ask its modules at all (bench/policy.py).
 *
 * For the Unbound that it is built against, and for nobody to filter with. */
#include <string.h>

#include "symbols.h"

static const uint8_t clean[] = "\5clean\4test";

static bool is_clean(const struct query_info *asked)
{
	return asked->qname_len >= sizeof clean &&
		memcmp(asked->qname + asked->qname_len - sizeof clean, clean, sizeof clean) == 0;
}

int init(struct module_env *env, int id)
{
	(void)env;
	(void)id;
	return 1;
}

void deinit(struct module_env *env, int id)
{
	(void)env;
	(void)id;
}

void operate(struct module_qstate *qstate, enum module_ev event, int id,
	struct outbound_entry *entry)
{
	bool begins = event == module_event_new || event == module_event_pass;

	(void)entry;
	if (begins && is_clean(&qstate->qinfo)) {
		qstate->ext_state[id] = module_wait_module;
		return;
	}
	if (begins)
		qstate->return_rcode = LDNS_RCODE_NXDOMAIN;
	qstate->ext_state[id] = module_finished;
}

void inform_super(struct module_qstate *qstate, int id, struct module_qstate *super)
{
	(void)qstate;
	(void)id;
	(void)super;
}

void clear(struct module_qstate *qstate, int id)
{
	qstate->minfo[id] = NULL;
}

size_t get_mem(struct module_env *env, int id)
{
	(void)env;
	(void)id;
	return 0;
}

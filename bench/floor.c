/* floor.c - the least that a module can do: it answers NXDOMAIN to everything but `clean.test`, with no record, and looks
 * nothing up. What such an answer takes is what Unbound takes to ask its modules at all (bench/policy.py). With
 * FLOOR_RECORD in its environment it gives the answer that ours gives, with an SOA record, and still looks nothing up.
 *
 * For the Unbound that it is built against, one worker thread, and for nobody to filter with. */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "symbols.h"
#include "verdict.h"

static bool has_record;

/* Of each query, but for its name. */
static struct verdict verdict = {
	.action = SINK_ACTION_NXDOMAIN,
	.serial = 1,
	.form = { .ttl = 300 },
};

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
	has_record = getenv("FLOOR_RECORD") != NULL;
	return 1;
}

void deinit(struct module_env *env, int id)
{
	(void)env;
	(void)id;
}

static struct dns_msg *answer_of(struct module_qstate *qstate)
{
	const struct answer_order order = {
		.verdict = &verdict,
		.asked = &qstate->qinfo,
		.region = qstate->region,
	};

	verdict.listed_len = qstate->qinfo.qname_len;
	memcpy(verdict.listed, qstate->qinfo.qname, verdict.listed_len);
	return answer_make(&order);
}

static void answer(struct module_qstate *qstate)
{
	if (has_record) {
		qstate->no_cache_store = 1;
		qstate->return_msg = answer_of(qstate);
	}
	qstate->return_rcode = qstate->return_msg ? LDNS_RCODE_NOERROR : LDNS_RCODE_NXDOMAIN;
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
		answer(qstate);
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

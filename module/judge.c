/* judge.c - the query path never fails a user: no lock, no memory but the query's own, no log
 * line a query; whatever goes wrong, the query is passed on, and counted. */
#include "judge.h"

#include "answer.h"
#include "pass.h"
#include "self.h"
#include "sinkhole/current.h"
#include "sinkhole/decide.h"
#include "ub.h"
#include "worker.h"

#define QUIET 60 /* seconds between two log lines about queries passed on */

/* Questions that Unbound asks itself: keys for the validator, the root's servers, a trust
 * anchor's state, the address of a name server. Blocking those would break names that nobody
 * listed. What has neither a client nor a query waiting for it is a prefetch, and that is judged
 * like its client was. */
static bool is_internal(const struct module_qstate *qstate)
{
	const struct mesh_state *mesh = qstate->mesh_info;

	if (qstate->is_valrec || qstate->is_priming || mesh->cb_list)
		return true;
	return !mesh->reply_list && mesh->super_set.count > 0;
}

/* Lists are about the Internet's names. ANY as a class is answered by Unbound with the Internet's
 * data, so it is judged; CHAOS, HESIOD and NONE hold nothing that is listed. */
static bool is_ours(const struct query_info *asked)
{
	return asked->qclass == LDNS_RR_CLASS_IN || asked->qclass == LDNS_RR_CLASS_ANY;
}

/* What was found about one query. */
struct finding {
	struct sink_verdict verdict;
	struct dns_msg *answer; /* NULL: none, pass on */
	struct judged *judged;
};

static bool blocks(enum sink_action action)
{
	return action != SINK_ACTION_NONE && action != SINK_ACTION_PASS;
}

static int build_answer(struct self *self, struct module_qstate *qstate,
	const struct sink_policy *policy, struct sink_name *name, struct finding *out)
{
	struct answer_order order = {
		.action = out->verdict.action,
		.policy = policy,
		.listed = name,
		.serial = sink_current_serial(self->current),
		.asked = &qstate->qinfo,
		.region = qstate->region,
	};

	sink_name_cut(name, out->verdict.winner.labels);
	out->judged = regional_alloc_zero(qstate->region, sizeof *out->judged);
	out->answer = answer_make(&order);
	if (!out->judged || !out->answer)
		return SINK_ENOMEM;
	out->judged->ede = policy->ede;
	return SINK_OK;
}

/* Between enter and leave: everything that looks at the database. */
static int find(struct self *self, struct module_qstate *qstate, struct sink_reader *reader,
	struct sink_name *name, struct finding *out)
{
	int err = sink_decide(reader, name, *qstate->env->now, NULL, NULL, &out->verdict);

	if (err || !blocks(out->verdict.action))
		return err;
	return build_answer(self, qstate, sink_db_policy(sink_reader_db(reader)), name, out);
}

static int judge(struct self *self, struct module_qstate *qstate, unsigned slot,
	struct finding *out)
{
	struct sink_reader *reader;
	struct sink_name name;
	int err =
		sink_name_from_wire(sink_span(qstate->qinfo.qname, qstate->qinfo.qname_len), &name);

	if (err)
		return err;
	err = sink_current_enter(self->current, slot, &reader);
	if (err == SINK_ENOENT)
		return SINK_OK; /* no generation yet: said when that was noticed */
	if (err)
		return err;
	err = find(self, qstate, reader, &name, out);
	sink_current_leave(self->current, slot);
	return err;
}

/* Said at once, then at most once a minute, by whichever worker gets the turn. */
static void count_failure(struct self *self, int err, time_t now)
{
	unsigned long count = atomic_fetch_add(&self->failures, 1) + 1;
	long long quiet_until = atomic_load(&self->quiet_until);

	if (now < quiet_until)
		return;
	if (atomic_compare_exchange_strong(&self->quiet_until, &quiet_until, now + QUIET))
		log_warn("sinkhole: query passed on unfiltered: %s; %lu so far", sink_strerror(err),
			count);
}

static void finish(struct module_qstate *qstate, int id, const struct finding *finding)
{
	qstate->minfo[id] = finding->judged;
	qstate->no_cache_store = 1;
	qstate->return_rcode = LDNS_RCODE_NOERROR; /* the message has its own */
	qstate->return_msg = finding->answer;
	qstate->ext_state[id] = module_finished;
}

void judge_query(struct self *self, struct module_qstate *qstate, enum module_ev event, int id)
{
	unsigned slot = (unsigned)qstate->env->alloc->thread_num;
	struct finding finding = { .answer = NULL };
	int err = SINK_OK;

	workers_meet(self->workers, slot, qstate->env);
	if (!is_internal(qstate) && is_ours(&qstate->qinfo))
		err = judge(self, qstate, slot, &finding);
	if (err)
		count_failure(self, err, *qstate->env->now);
	if (!err && finding.answer)
		finish(qstate, id, &finding);
	else
		pass_on(qstate, event, id);
}

/* verdict.c - between enter and leave the generation cannot go away; nothing of it is kept after. */
#include "verdict.h"

#include <time.h>

#include "self.h"
#include "sinkhole/current.h"
#include "sinkhole/decide.h"

#define QUIET 60 /* seconds between two log lines about names that could not be judged */

static void fill(struct sink_reader *reader, struct sink_name *name, uint8_t labels,
	struct verdict *out)
{
	out->policy = *sink_db_policy(sink_reader_db(reader));
	out->name_len = sink_name_to_wire(name, out->name);
	sink_name_cut(name, labels);
	out->listed_len = sink_name_to_wire(name, out->listed);
}

/* In init, when a cache that was kept is walked through, there is no worker yet to have a clock and a
 * number. */
static time_t now_of(const struct module_env *env)
{
	return env->now ? *env->now : time(NULL);
}

static unsigned slot_of(const struct module_env *env)
{
	return env->alloc ? (unsigned)env->alloc->thread_num : 0;
}

static int decide(struct self *self, struct module_env *env, struct sink_name *name,
	struct verdict *out)
{
	unsigned slot = slot_of(env);
	struct sink_reader *reader;
	struct sink_verdict decided;
	int err = sink_current_enter(self->current, slot, &reader);

	if (err == SINK_ENOENT)
		return SINK_OK; /* no generation yet: said when that was noticed */
	if (err)
		return err;
	out->serial = sink_current_entered(self->current, slot);
	err = sink_decide(reader, name, now_of(env), NULL, NULL, &decided);
	if (!err)
		out->action = decided.action;
	if (!err && verdict_blocks(out))
		fill(reader, name, decided.winner.labels, out);
	sink_current_leave(self->current, slot);
	return err;
}

/* By whichever worker gets the turn. */
void verdict_failed(struct self *self, struct module_env *env, int err)
{
	unsigned long count = atomic_fetch_add(&self->failures, 1) + 1;
	long long quiet_until = atomic_load(&self->quiet_until);
	time_t now = now_of(env);

	if (now < quiet_until)
		return;
	if (atomic_compare_exchange_strong(&self->quiet_until, &quiet_until, now + QUIET))
		log_warn("sinkhole: a name could not be judged: %s; %lu so far", sink_strerror(err),
			count);
}

void verdict_of_name(struct self *self, struct module_env *env, struct sink_span wire,
	struct verdict *out)
{
	struct sink_name name;
	int err = sink_name_from_wire(wire, &name);

	out->action = SINK_ACTION_NONE;
	out->by_answer = false;
	if (!err)
		err = decide(self, env, &name, out);
	if (err) {
		out->action = SINK_ACTION_NONE;
		verdict_failed(self, env, err);
	}
}

struct sink_span verdict_target(const struct ub_packed_rrset_key *set)
{
	uint8_t *target = NULL;
	size_t len = 0;

	get_cname_target((struct ub_packed_rrset_key *)(uintptr_t)set, &target, &len);
	return sink_span(target, target ? len : 0);
}

/* A DNAME needs no look: Unbound puts the CNAME that it makes of it into every answer. */
void verdict_of_answer(struct self *self, struct module_env *env, struct sink_span wire,
	const struct reply_info *rep, struct verdict *out)
{
	verdict_of_name(self, env, wire, out);
	if (!rep)
		return;
	for (size_t i = 0; i < rep->an_numrrsets && out->action == SINK_ACTION_NONE; i++) {
		struct sink_span target;

		if (ntohs(rep->rrsets[i]->rk.type) != LDNS_RR_TYPE_CNAME)
			continue;
		target = verdict_target(rep->rrsets[i]);
		if (target.len == 0)
			continue;
		verdict_of_name(self, env, target, out);
		out->by_answer = true;
	}
}

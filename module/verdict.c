/* verdict.c - between enter and leave the generation cannot go away; nothing of it is kept after. */
#include "verdict.h"

#include <time.h>

#include "counters.h"
#include "self.h"
#include "sinkhole/current.h"

#define QUIET 60 /* seconds between two log lines about what could not be judged */

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

/* --- who asks --- */

/* By TCP, TLS or HTTPS. */
static bool is_stream(const struct comm_reply *client)
{
	return client && client->c && client->c->type != comm_udp;
}

/* returns  false: it has none, as on a Unix socket */
static bool address_of(const struct comm_reply *client, struct sink_prefix *out)
{
	const struct sockaddr_storage *socket = &client->client_addr;

	*out = (struct sink_prefix){ 0 };
	if (socket->ss_family == AF_INET) {
		out->family = 4;
		out->bits = 32;
		memcpy(out->bytes, &((const struct sockaddr_in *)socket)->sin_addr, 4);
	} else if (socket->ss_family == AF_INET6) {
		out->family = 6;
		out->bits = 128;
		memcpy(out->bytes, &((const struct sockaddr_in6 *)socket)->sin6_addr, 16);
	}
	return out->family != 0;
}

/* --- what of a decision is kept --- */

/* returns  false: no memory */
static bool keep_span(struct sink_span *span, struct regional *region)
{
	const uint8_t *copy = NULL;

	if (span->len > 0 && region) {
		copy = regional_alloc_init(region, span->at, span->len);
		if (!copy)
			return false;
	}
	*span = sink_span(copy, copy ? span->len : 0);
	return true;
}

static bool keep_form(const struct sink_form *form, struct regional *region, struct sink_form *out)
{
	bool kept;

	*out = *form;
	kept = keep_span(&out->ede_text, region) && keep_span(&out->cname, region) &&
		keep_span(&out->data, region) && keep_span(&out->soa, region);
	for (int i = 0; i < SINK_ERROR_SIZES; i++)
		kept = kept && keep_span(&out->error[i], region);
	return kept;
}

/* The last `labels` labels of a good name in wire form, or all. */
static const uint8_t *last_labels(const uint8_t *name, unsigned labels)
{
	unsigned count = 0;

	for (const uint8_t *at = name; *at; at += *at + 1)
		count++;
	for (; count > labels; count--)
		name += *name + 1;
	return name;
}

static int keep_listed(const struct sink_verdict *decided, const struct facts *facts,
	struct verdict *out)
{
	bool by_name = decided->has_entry && decided->trigger == SINK_TRIGGER_QNAME;
	struct sink_span name = facts->names[by_name ? decided->name : 0];
	const uint8_t *listed = name.at;
	size_t len = dname_valid(ub_octets(name), name.len);

	if (len == 0 || len > sizeof out->listed)
		return SINK_ESYNTAX;
	if (by_name)
		listed = last_labels(name.at, decided->winner.labels);
	out->listed_len = len - (size_t)(listed - name.at);
	memcpy(out->listed, listed, out->listed_len);
	query_dname_tolower(out->listed);
	return SINK_OK;
}

static int keep(const struct sink_judge *judge, const struct sink_verdict *decided,
	const struct verdict_case *what, struct verdict *out)
{
	int err;

	out->action = decided->action;
	out->error_option = sink_generation_policy(sink_judge_generation(judge))->error_option;
	out->by_answer = (decided->trigger != SINK_TRIGGER_QNAME &&
				 decided->trigger != SINK_TRIGGER_CLIENT) ||
		decided->name > 0;
	if (!verdict_blocks(out))
		return SINK_OK;
	err = keep_listed(decided, what->facts, out);
	if (!err && !keep_form(&decided->form, what->region, &out->form))
		err = SINK_ENOMEM;
	return err;
}

/* --- deciding --- */

static struct sink_case case_of(const struct verdict_case *what, time_t now)
{
	const struct facts *facts = what->facts;

	return (struct sink_case){
		.type = facts->type,
		.now = now,
		.names = facts->names,
		.names_count = facts->names_count,
		.addresses = facts->addresses,
		.addresses_count = facts->addresses_count,
		.servers = facts->servers,
		.servers_count = facts->servers_count,
		.server_addresses = facts->server_addresses,
		.server_addresses_count = facts->server_addresses_count,
	};
}

static int decide_for_all(struct sink_judge *judge, const struct sink_case *asked,
	const struct verdict_case *what, struct verdict *out)
{
	bool names = what->pass == VERDICT_ON_NAMES;
	struct sink_verdict decided;
	enum sink_reach reach;
	int err = names ? sink_reach(judge, asked, &reach, &decided)
			: sink_reach_answer(judge, asked, &reach, &decided);

	if (err)
		return err;
	out->waits = names && decided.waits;
	out->touches = reach != SINK_REACH_NONE;
	out->passes = !out->touches && decided.action == SINK_ACTION_PASS;
	/* Whether an answer is truncated depends on how the client came. */
	out->is_same = reach == SINK_REACH_ALL && decided.action != SINK_ACTION_TRUNCATE &&
		!out->needs.listed_clients;
	return out->is_same ? keep(judge, &decided, what, out) : SINK_OK;
}

static int decide_by_client(struct sink_judge *judge, const struct sink_case *asked,
	enum verdict_pass pass, const struct comm_reply *client, sink_consider_fn *consider,
	void *arg, struct sink_verdict *out)
{
	struct sink_prefix address;
	struct sink_client who;

	sink_client_of(judge, client && address_of(client, &address) ? &address : NULL, asked->now,
		&who);
	return pass == VERDICT_ON_NAMES
		? sink_decide(judge, asked, &who, consider, arg, out)
		: sink_decide_answer(judge, asked, &who, consider, arg, out);
}

static int decide_for_one(struct sink_judge *judge, const struct sink_case *asked,
	const struct verdict_case *what, const struct comm_reply *client, struct verdict *out)
{
	struct sink_verdict decided;
	int err = decide_by_client(judge, asked, what->pass, client, NULL, NULL, &decided);

	if (err)
		return err;
	if (decided.action == SINK_ACTION_TRUNCATE && is_stream(client))
		decided.action = SINK_ACTION_PASS;
	out->waits = what->pass == VERDICT_ON_NAMES && decided.waits;
	out->touches = sink_action_blocks(decided.action);
	return keep(judge, &decided, what, out);
}

/* Nothing is done. */
static void let_be(struct verdict *out)
{
	out->action = SINK_ACTION_NONE;
	out->by_answer = out->waits = out->is_same = out->touches = out->passes = false;
}

/* client   NULL: all of them, or, with `one`, one without an address
 * returns  whether a generation has decided */
static bool decide(struct self *self, struct module_env *env, const struct verdict_case *what,
	bool one, const struct comm_reply *client, struct verdict *out)
{
	unsigned slot = slot_of(env);
	struct sink_case asked = case_of(what, now_of(env));
	struct sink_judge *judge;
	int err;

	let_be(out);
	out->needs = (struct sink_needs){ .addresses = false };
	if (what->facts->names_count == 0)
		return false;
	err = sink_current_enter(self->current, slot, &judge);
	if (err == SINK_ENOENT)
		return false; /* no generation yet: said when that was noticed */
	if (!err) {
		out->serial = sink_current_entered(self->current, slot);
		out->needs = sink_generation_needs(sink_judge_generation(judge));
		err = one ? decide_for_one(judge, &asked, what, client, out)
			  : decide_for_all(judge, &asked, what, out);
		sink_current_leave(self->current, slot);
	}
	if (err) {
		let_be(out);
		verdict_failed(self, env, err);
	}
	return !err;
}

void verdict_of_all(struct self *self, struct module_env *env, const struct verdict_case *what,
	struct verdict *out)
{
	decide(self, env, what, false, NULL, out);
}

/* Does a generation ask for nothing but names, so that both passes are one? */
static bool is_one_pass(struct sink_needs needs)
{
	return !needs.addresses && !needs.servers;
}

static bool is_clear(const struct verdict_clear *clear, const struct verdict_case *what,
	uint64_t epoch, time_t now)
{
	return clear->facts.names_count > 0 && clear->epoch == epoch && clear->second == now &&
		(clear->pass == what->pass || is_one_pass(clear->needs)) &&
		facts_same(&clear->facts, what->facts);
}

/* The epoch is that from before the decision, so that this is by no older generation. */
void verdict_of_all_once(struct self *self, struct module_env *env, const struct verdict_case *what,
	struct verdict_clear *clear, struct verdict *out)
{
	uint64_t epoch = sink_current_epoch(self->current);
	time_t now = now_of(env);

	if (is_clear(clear, what, epoch, now)) {
		let_be(out);
		out->passes = clear->passes;
		out->needs = clear->needs;
		return;
	}
	clear->facts.names_count = 0;
	if (!decide(self, env, what, false, NULL, out) || out->touches || out->waits)
		return;
	*clear = (struct verdict_clear){
		.facts = *what->facts,
		.pass = what->pass,
		.needs = out->needs,
		.passes = out->passes,
		.epoch = epoch,
		.second = now,
	};
}

bool verdict_touches(struct self *self, struct module_env *env, const struct facts *facts)
{
	const struct verdict_case what = { .facts = facts, .pass = VERDICT_ON_ANSWER };
	struct verdict verdict;

	verdict_of_all(self, env, &what, &verdict);
	return verdict.touches;
}

bool verdict_touches_name(struct self *self, struct module_env *env, struct regional *region,
	struct sink_span name, uint16_t type)
{
	struct facts facts;

	facts_begin(&facts, region, type, name);
	return verdict_touches(self, env, &facts);
}

void verdict_of_client(struct self *self, struct module_env *env, const struct verdict_case *what,
	const struct comm_reply *client, struct verdict *out)
{
	decide(self, env, what, true, client, out);
}

static void see(void *arg, enum sink_trigger trigger, size_t subject,
	const struct sink_listing *listing, const struct sink_record *record,
	enum sink_standing standing, uint16_t rule)
{
	bool *seen = arg;

	(void)trigger;
	(void)subject;
	(void)listing;
	(void)record;
	(void)standing;
	(void)rule;
	*seen = true;
}

bool verdict_note(struct self *self, struct module_env *env, const struct verdict_case *what,
	const struct comm_reply *client)
{
	unsigned slot = slot_of(env);
	struct sink_case asked = case_of(what, now_of(env));
	struct sink_verdict decided;
	struct sink_judge *judge;
	bool seen = false;
	int err;

	if (sink_current_enter(self->current, slot, &judge))
		return true; /* said where it was to be judged */
	if (sink_generation_needs(sink_judge_generation(judge)).monitors) {
		err = decide_by_client(judge, &asked, what->pass, client, see, &seen, &decided);
		if (!err)
			sink_judge_note(judge, decided.monitor);
		else
			verdict_failed(self, env, err);
		if (!err && decided.monitor != SINK_RULE_NONE)
			counters_add(self->counters, slot, COUNTER_MONITORED, 1);
		seen = seen || err;
	}
	sink_current_leave(self->current, slot);
	return seen;
}

struct sink_needs verdict_needs(struct self *self, struct module_env *env)
{
	unsigned slot = slot_of(env);
	struct sink_needs needs = { .addresses = false };
	struct sink_judge *judge;

	if (sink_current_enter(self->current, slot, &judge) == SINK_OK) {
		needs = sink_generation_needs(sink_judge_generation(judge));
		sink_current_leave(self->current, slot);
	}
	return needs;
}

/* --- */

struct sink_span verdict_target(const struct ub_packed_rrset_key *set)
{
	uint8_t *target = NULL;
	size_t len = 0;

	get_cname_target((struct ub_packed_rrset_key *)(uintptr_t)set, &target, &len);
	return sink_span(target, target ? len : 0);
}

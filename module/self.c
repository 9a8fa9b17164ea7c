#include "self.h"

#include <errno.h>
#include <stdlib.h>

#include "counters.h"
#include "embed.h"
#include "enforce.h"
#include "gauge.h"
#include "greet.h"
#include "learned.h"
#include "mail.h"
#include "monitor.h"
#include "query.h"
#include "reply.h"
#include "response.h"
#include "sinkhole/current.h"
#include "ub.h"
#include "watch.h"
#include "worker.h"

/* A worker's thread number is below num-threads, with one exception: after a reload with a
 * smaller num-threads and so-reuseport Unbound keeps as many workers as it has sockets, which
 * init cannot see. A slot that nobody uses costs
 * some 350 bytes. */
#define SLOTS_MIN 1024

static unsigned threads_of(const struct module_env *env)
{
	return env->cfg->num_threads > 0 ? (unsigned)env->cfg->num_threads : 1;
}

static unsigned slots_for(unsigned threads)
{
	return threads < SLOTS_MIN ? SLOTS_MIN : threads;
}

/* A variable of the environment, or what stands for one that is not set or empty. */
static const char *setting(const char *variable, const char *otherwise)
{
	const char *value = getenv(variable);

	return value && value[0] ? value : otherwise;
}

static int build_watch(struct self *self)
{
	const char *keys = setting("SINKHOLE_KEY", NULL);
	struct trust *trust;
	int err = watch_new(setting("SINKHOLE_DIR", SINK_DATA_DIR), self->current, self->mail,
		&self->watch);

	if (!err)
		err = trust_new(keys ? keys : SINK_KEY_FILE, keys != NULL,
			setting("SINKHOLE_RUN", SINK_RUN_DIR), self->mail, &trust);
	if (!err)
		watch_trust(self->watch, trust);
	return err;
}

static int build(struct self *self, const struct module_env *env)
{
	unsigned slots = slots_for(threads_of(env));
	int err = mail_new(&self->mail);

	if (!err)
		err = workers_new(slots, self->mail, &self->workers);
	if (!err)
		err = sink_current_new(slots, &self->current);
	if (!err)
		err = learned_new(env->cfg, &self->learned);
	if (!err)
		err = monitor_new(slots, &self->monitor);
	if (!err)
		err = counters_new(slots, &self->counters);
	if (!err)
		err = gauge_new(setting("SINKHOLE_RUN", SINK_RUN_DIR), SINK_VERSION, self->counters,
			&self->failures, self->mail, &self->gauge);
	if (!err)
		err = enforce_new(self, &self->enforce);
	if (!err)
		err = build_watch(self);
	return err;
}

static void destroy(struct self *self)
{
	watch_stop(self->watch); /* first: its thread uses the others */
	enforce_free(self->enforce);
	gauge_free(self->gauge);
	counters_free(self->counters);
	monitor_free(self->monitor);
	learned_free(self->learned);
	sink_current_free(self->current);
	workers_free(self->workers);
	if (self->mail)
		workers_log(self->mail, "sinkhole");
	mail_free(self->mail);
	free(self);
}

/* Unbound's callbacks, each with its own type of function. */
static const struct {
	enum inplace_cb_list_type list;
	void *callback;
} hooks[] = {
	{ inplace_cb_reply, (void *)reply_on_client },
	{ inplace_cb_reply_servfail, (void *)reply_on_servfail },
	{ inplace_cb_reply_cache, (void *)greet_on_cached },
	{ inplace_cb_edns_back_parsed, (void *)response_on_options },
	{ inplace_cb_query_response, (void *)response_on_answer },
};

#define HOOKS (sizeof hooks / sizeof hooks[0])

/* What was not registered is not there: that is fine. */
static void unhook(struct module_env *env, int id)
{
	struct dynlibmod_env *dynlib = env->modinfo[id];

	for (size_t i = 0; i < HOOKS; i++)
		dynlib->inplace_cb_delete_wrapped(env, hooks[i].list, id);
}

/* In init, before workers run: later Unbound refuses it. */
static int hook(struct self *self, struct module_env *env, int id)
{
	struct dynlibmod_env *dynlib = env->modinfo[id];

	for (size_t i = 0; i < HOOKS; i++) {
		if (!dynlib->inplace_cb_register_wrapped(hooks[i].callback, hooks[i].list, self,
			    env, id)) {
			unhook(env, id);
			return SINK_ENOMEM;
		}
	}
	return SINK_OK;
}

static void on_arrival(void *arg, const struct watch_arrival *arrival)
{
	struct self *self = arg;

	gauge_arrived(self->gauge, arrival, sink_current_epoch(self->current));
}

static void on_switching(void *arg, const struct sink_generation *next,
	const struct sink_generation *before)
{
	struct self *self = arg;

	enforce_switching(self->enforce, next, before);
}

static void on_switch(void *arg)
{
	struct self *self = arg;

	enforce_switched(self->enforce);
}

static void on_turn(void *arg)
{
	struct self *self = arg;

	enforce_turned(self->enforce);
}

static int on_tick(void *arg)
{
	struct self *self = arg;
	int pause = enforce_tick(self->enforce);

	gauge_tick(self->gauge);
	return pause;
}

/* In line, because no worker exists yet: the very first answer is filtered. */
static void first_look(struct self *self, struct module_env *env)
{
	struct watch_ear ear = { .arrived = on_arrival, .arg = self };

	watch_tell(self->watch, &ear);
	watch_look(self->watch);
	gauge_tick(self->gauge);
	workers_log(self->mail, "sinkhole " SINK_VERSION);
	enforce_at_start(self->enforce, env);
	ear.switching = on_switching;
	ear.switched = on_switch;
	ear.turned = on_turn;
	ear.tick = on_tick;
	watch_tell(self->watch, &ear);
	if (watch_start(self->watch))
		log_warn("sinkhole: cannot start a thread: %s; "
			 "a new generation is noticed at the next reload only",
			strerror(errno));
}

int self_begin(struct module_env *env, int id, struct self **out)
{
	struct self *self = calloc(1, sizeof *self);
	int err;

	if (!self)
		return SINK_ENOMEM;
	self->modinfo = env->modinfo[id];
	embed_begin(env->cfg);
	err = build(self, env);
	if (!err)
		err = hook(self, env, id);
	if (!err)
		greet_begin(self, env, id);
	if (err) {
		destroy(self);
		return err;
	}
	if (id != 0)
		log_warn("sinkhole: dynlib should be the first word of module-config; "
			 "a module before it may store or change what it answers");
	first_look(self, env);
	*out = self;
	return SINK_OK;
}

void self_end(struct self *self, struct module_env *env, int id)
{
	unhook(env, id);
	destroy(self);
}

struct query *self_query(struct self *self, struct module_qstate *qstate, int id)
{
	return query_of(qstate, id, workers_queries(self->workers, qstate->env),
		sink_current_epoch(self->current));
}

size_t self_size(const struct self *self)
{
	return sizeof *self + watch_bytes(self->watch) + learned_bytes(self->learned) +
		monitor_bytes(self->monitor);
}

/* entry.c - the six symbols that Unbound looks up in a dynlib file. Translates, decides nothing. */
#include "abi.h"
#include "foreign.h"
#include "garden.h"
#include "judge.h"
#include "layout.h"
#include "pass.h"
#include "query.h"
#include "self.h"
#include "sinkhole/err.h"
#include "symbols.h"

/* The number of the module that filters, or -1. Two `dynlib` lines with one file share it, and
 * the second instance passes. Both are written by init and deinit only, when no worker runs. */
static int filtering = -1;

static struct self *self_of(struct module_env *env, int id)
{
	return id == filtering ? ((struct dynlibmod_env *)env->modinfo[id])->dyn_env : NULL;
}

/* Why this process cannot have a filter, or NULL. */
static const char *obstacle(void)
{
#ifdef THREADS_DISABLED
	return "this Unbound was built without threads";
#else
	return filtering >= 0 ? "loaded twice, and this is the second time" : NULL;
#endif
}

/* Why none of Unbound's structures may be touched, or NULL. */
static const char *difference(void)
{
	switch (abi_running(PACKAGE_VERSION, CONFCMDLINE)) {
	case ABI_FITS:
		break;
	case ABI_OTHER_VERSION:
		return "built for Unbound " PACKAGE_VERSION ", which this is not";
	case ABI_OTHER_CONFIGURE:
		return "built for an Unbound " PACKAGE_VERSION " with another configure line";
	}
	return NULL;
}

#define OTHER_LAYOUT \
	"this Unbound " PACKAGE_VERSION \
	" was patched since, and its structures differ: build the module again"

static void pass_everything(const char *why)
{
	log_err("sinkhole " SINK_VERSION ": %s: every query is passed on unfiltered", why);
}

static void begin(struct module_env *env, int id)
{
	struct dynlibmod_env *dynlib = env->modinfo[id];
	struct self *self;
	int err = self_begin(env, id, &self);

	if (err) {
		pass_everything(sink_strerror(err));
		return;
	}
	dynlib->dyn_env = self;
	filtering = id;
}

/* Never 0, which would stop the resolver. */
int init(struct module_env *env, int id)
{
	const char *why = difference();

	if (!why && !layout_fits_environment(env, id, init))
		why = OTHER_LAYOUT;
	layout_set_foreign(why != NULL);
	if (!why)
		why = obstacle();
	if (why)
		pass_everything(why);
	else
		begin(env, id);
	return 1;
}

void deinit(struct module_env *env, int id)
{
	struct self *self = self_of(env, id);

	if (!self)
		return;
	filtering = -1;
	((struct dynlibmod_env *)env->modinfo[id])->dyn_env = NULL;
	self_end(self, env, id);
}

static bool is_foreign(const struct module_qstate *qstate, int id)
{
	if (layout_is_foreign())
		return true;
	if (layout_fits_query(qstate, id))
		return false;
	if (!layout_set_foreign(true))
		pass_everything(OTHER_LAYOUT);
	return true;
}

void operate(struct module_qstate *qstate, enum module_ev event, int id,
	struct outbound_entry *entry)
{
	bool begins = event == module_event_new || event == module_event_pass;
	struct self *self;

	(void)entry;
	if (is_foreign(qstate, id)) {
		foreign_pass(qstate, begins, id);
		return;
	}
	self = self_of(qstate->env, id);
	event = garden_resume(qstate, id, event);
	begins = event == module_event_new || event == module_event_pass;
	if (begins && self)
		judge_begin(self, qstate, event, id);
	else if (begins)
		pass_on(qstate, event, id);
	else if (self && event == module_event_moddone)
		judge_done(self, qstate, id);
	else
		qstate->ext_state[id] = module_finished;
}

void inform_super(struct module_qstate *qstate, int id, struct module_qstate *super)
{
	if (!layout_is_foreign() && self_of(super->env, id))
		garden_inform(qstate, id, super);
}

void clear(struct module_qstate *qstate, int id)
{
	if (layout_is_foreign())
		foreign_clear(qstate, id);
	else
		query_end(qstate, id);
}

size_t get_mem(struct module_env *env, int id)
{
	struct self *self = self_of(env, id);

	return self ? self_size(self) : 0;
}

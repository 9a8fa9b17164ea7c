#include "self.h"

#include <errno.h>
#include <stdlib.h>

#include "mail.h"
#include "reply.h"
#include "sinkhole/current.h"
#include "ub.h"
#include "watch.h"
#include "worker.h"

/* A worker's thread number is below num-threads, with one exception: after a reload with a
 * smaller num-threads and so-reuseport Unbound keeps as many workers as it has sockets, which
 * init cannot see. A slot that nobody uses costs a cache line. */
#define SLOTS_MIN 1024

static unsigned threads_of(const struct module_env *env)
{
	return env->cfg->num_threads > 0 ? (unsigned)env->cfg->num_threads : 1;
}

static unsigned slots_for(unsigned threads)
{
	return threads < SLOTS_MIN ? SLOTS_MIN : threads;
}

static const char *data_dir(void)
{
	const char *dir = getenv("SINKHOLE_DIR");

	return dir && dir[0] ? dir : SINK_DATA_DIR;
}

static int build(struct self *self, unsigned threads)
{
	int err = mail_new(&self->mail);

	if (!err)
		err = workers_new(threads, self->mail, &self->workers);
	if (!err)
		err = sink_current_new(slots_for(threads), &self->current);
	if (!err)
		err = watch_new(data_dir(), self->current, self->mail, &self->watch);
	return err;
}

static void destroy(struct self *self)
{
	watch_stop(self->watch); /* first: its thread uses the others */
	sink_current_free(self->current);
	workers_free(self->workers);
	if (self->mail)
		workers_log(self->mail, "sinkhole");
	mail_free(self->mail);
	free(self);
}

/* In line, because no worker exists yet: the very first answer is filtered. */
static void first_look(struct self *self)
{
	watch_look(self->watch);
	workers_log(self->mail, "sinkhole " SINK_VERSION);
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
	err = build(self, threads_of(env));
	if (!err)
		err = reply_register(env, id);
	if (err) {
		destroy(self);
		return err;
	}
	if (id != 0)
		log_warn("sinkhole: dynlib should be the first word of module-config; "
			 "a module before it may store or change what it answers");
	first_look(self);
	*out = self;
	return SINK_OK;
}

void self_end(struct self *self, struct module_env *env, int id)
{
	reply_unregister(env, id);
	destroy(self);
}

size_t self_size(const struct self *self)
{
	return sizeof *self + watch_bytes(self->watch);
}

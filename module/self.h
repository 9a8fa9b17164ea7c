/* self.h - what the module keeps from init to deinit; it hangs on Unbound's dyn_env. */
#ifndef MODULE_SELF_H
#define MODULE_SELF_H

#include <stdatomic.h>
#include <stddef.h>

struct counters;
struct enforce;
struct gauge;
struct inplace_cb;
struct learned;
struct mail;
struct monitor;
struct module_env;
struct module_qstate;
struct query;
struct sink_current;
struct watch;
struct workers;

struct self {
	const void *modinfo; /* of this module, the same in each worker's environment */
	struct sink_current *current; /* a slot a worker, by its thread number */
	struct mail *mail;
	struct workers *workers;
	struct learned *learned;
	struct enforce *enforce;
	struct watch *watch;
	struct monitor *monitor;
	struct counters *counters; /* a row a worker */
	struct gauge *gauge; /* the watch's */
	struct inplace_cb *on_cached; /* our entry in Unbound's list of callbacks (greet.h) */
	atomic_ulong failures; /* names that could not be judged */
	atomic_llong quiet_until; /* seconds: no log line about those before */
};

/* Begin to filter: the generation that is published, if there is one, is in use on return. What
 * is wrong with the data is logged and no error.
 *
 * out      for self_end()
 * returns  SINK_OK; SINK_ENOMEM, SINK_EIO (this process cannot have the module)
 */
int self_begin(struct module_env *env, int id, struct self **out);

/* When no worker is left. */
void self_end(struct self *self, struct module_env *env, int id);

/* What is remembered about a query state; see query_of(). */
struct query *self_query(struct self *self, struct module_qstate *qstate, int id);

/* Bytes of this, of the database, and of what was learned. */
size_t self_size(const struct self *self);

#endif

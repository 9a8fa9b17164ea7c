/* greet.h - meet a worker that has not brought a query yet, because Unbound answers all it gets from
 * a cache that was kept over a reload or loaded by unbound-control. */
#ifndef MODULE_GREET_H
#define MODULE_GREET_H

struct module_env;
struct self;

/* In init, before workers run.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int greet_register(struct self *self, struct module_env *env, int id);

/* In deinit. */
void greet_unregister(struct module_env *env, int id);

#endif

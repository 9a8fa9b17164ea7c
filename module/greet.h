/* greet.h - meet a worker that has not brought a query yet, because Unbound answers all it gets from
 * a cache that was kept over a reload or loaded by unbound-control; and hear of all answers from the cache while a rule
 * monitors. */
#ifndef MODULE_GREET_H
#define MODULE_GREET_H

#include "ub.h"

/* An answer from the cache, about to be encoded. A callback of Unbound's (util/module.h), which drops
 * what is returned; `arg` is the module's self. */
inplace_cb_reply_func_type greet_on_cached;

struct self;

/* greet_on_cached() is registered. In init. */
void greet_begin(struct self *self, struct module_env *env, int id);

/* Have it called by this worker again: a rule may monitor from now on. The worker's own thread. */
void greet_again(struct self *self, struct module_env *env);

#endif

/* named.h - names about which a new generation says something else than the one before, when a delta tells: what the
 * caches hold of these goes at once, in microseconds a name, before the walk through all that is cached has begun.
 *
 * A message is of use only while every record set is there that it refers to, so with a name's own sets go the cached
 * answers of every alias that leads to it, at any depth. What lies below a name is left to the walk. */
#ifndef MODULE_NAMED_H
#define MODULE_NAMED_H

#include <stdbool.h>

#include "walk.h"

struct named;
struct sink_generation;

/* returns  SINK_OK; SINK_ENOMEM */
int named_new(struct named **out);

/* When no worker is left. NULL is fine. */
void named_free(struct named *named);

/* Learn what will be another: before the switch, while both generations are there. By the thread that switches.
 *
 * before   NULL: there was none
 * cost     a walk over two deltas. Where these do not tell, or there is no memory, there are no names: the walk has all
 */
void named_learn(struct named *named, const struct sink_generation *next,
	const struct sink_generation *before);

/* The switch is over: let workers begin, after the names of the last time that none has looked at yet. By the same thread.
 *
 * returns  whether there is something to do
 */
bool named_go(struct named *named);

/* Look at some names. Any worker.
 *
 * budget   microseconds after which no further name is looked at
 * returns  true: there are more
 */
bool named_on(struct named *named, struct self *self, struct module_env *env, unsigned budget);

/* What was removed since this was asked last. Any thread. */
struct walk_count named_take_count(struct named *named);

#endif

/* named.h - names about which a new generation says something else than the one before, when a delta tells: what the
 * caches hold of these goes at once, in microseconds a name, before the walk through all that is cached has begun.
 *
 * A message is of use only while every record set is there that it refers to, so with a name's own sets go the cached
 * answers of every alias that leads to it, at any depth. What lies below a name is left to the walk. */
#ifndef MODULE_NAMED_H
#define MODULE_NAMED_H

#include <stdbool.h>

#include "changed.h"
#include "walk.h"

struct named;

/* returns  SINK_OK; SINK_ENOMEM */
int named_new(struct named **out);

/* When no worker is left. NULL is fine. */
void named_free(struct named *named);

/* A switch is over: let workers begin with what has changed, after the names of the last time that none has looked at yet.
 * By the thread that switches.
 *
 * changed  taken; what is left there is of no use but to learn the next in
 * returns  whether there is something to do
 */
bool named_go(struct named *named, struct changed *changed);

/* Look at some names. Any worker.
 *
 * budget   microseconds after which no further name is looked at
 * returns  true: there are more
 */
bool named_on(struct named *named, struct self *self, struct module_env *env, unsigned budget);

/* What was removed since this was asked last. Any thread. */
struct walk_count named_take_count(struct named *named);

#endif

/* walk.h - through Unbound's caches, removing what the generation in use would change. Several
 * workers walk together, each for a moment at a time. */
#ifndef MODULE_WALK_H
#define MODULE_WALK_H

#include <stdbool.h>

#include "ub.h"

struct scope;
struct self;
struct walk;

struct walk_count {
	unsigned long sets, messages; /* removed */
};

/* returns  SINK_OK; SINK_ENOMEM */
int walk_new(struct walk **out);

/* NULL is fine. */
void walk_free(struct walk *walk);

/* Begin at the beginning, when the last walk is over; a worker may still be looking for work in it.
 *
 * env      for its caches
 * scope    what of them may have changed; lives, and stays as it is, until the walk is over
 * returns  SINK_OK; SINK_ENOMEM
 */
int walk_begin(struct walk *walk, const struct module_env *env, const struct scope *scope);

/* Walk on for some time. Any worker.
 *
 * budget   microseconds after which no further step is begun; a step takes some tens
 * returns  true: there is something left that this worker can do
 */
bool walk_on(struct walk *walk, struct self *self, struct module_env *env, unsigned budget);

/* Has everything been walked through, by whichever worker? Any thread. */
bool walk_is_over(const struct walk *walk);

/* What this walk removed so far. Any thread. */
struct walk_count walk_count(const struct walk *walk);

#endif

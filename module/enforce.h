/* enforce.h - a new generation takes hold of what is there already: of Unbound's caches, and of the
 * queries that began before it (doc/DECISIONS.md). */
#ifndef MODULE_ENFORCE_H
#define MODULE_ENFORCE_H

#include <stdbool.h>
#include <stdint.h>

struct enforce;
struct module_env;
struct self;
struct sink_generation;

/* self     whose workers walk and whose mail hears of it; outlives what is made
 * returns  SINK_OK; SINK_ENOMEM
 */
int enforce_new(struct self *self, struct enforce **out);

/* When no worker is left. NULL is fine. */
void enforce_free(struct enforce *enforce);

/* A generation is about to be put in use (watch_ear.switching): learn what names it changes. The watch's thread. */
void enforce_switching(struct enforce *enforce, const struct sink_generation *next,
	const struct sink_generation *before);

/* Verdicts are others (watch_ear.switched): let the workers begin. When that happens faster than the caches can be
 * walked through, some times are passed over, never the last. The watch's thread.
 */
void enforce_switched(struct enforce *enforce);

/* The same (watch_ear.turned), of which nothing is to be said by itself: what it removes is counted in the next line. */
void enforce_turned(struct enforce *enforce);

/* Go on with what waits for time to pass. The watch's thread.
 *
 * returns  milliseconds after which to call again; large if nothing waits
 */
int enforce_tick(struct enforce *enforce);

/* Walk through caches that were kept over a reload, before there are workers. */
void enforce_at_start(struct enforce *enforce, struct module_env *env);

#endif

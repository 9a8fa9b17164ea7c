/* prune.h - removing the oldest generations. */
#ifndef SINK_PRUNE_H
#define SINK_PRUNE_H

#include "gendir.h"

/* Remove the oldest generations: first the manifests, so that none ever names a file that is gone. What cannot be removed
 * now is left to the next publisher. Under its lock.
 *
 * keep     how many stay
 */
void prune(const struct gendir *dir, size_t keep);

#endif

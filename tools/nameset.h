/* nameset.h - a set of names, asked whether an entry would hit one of them. Keeps hashes, not names:
 * 8 to 32 bytes a name. */
#ifndef TOOLS_NAMESET_H
#define TOOLS_NAMESET_H

#include "mix.h"
#include "sinkhole/name.h"
#include "sinkhole/record.h"

struct name_set {
	struct mix mix;
	uint64_t *slots; /* a hash above, how the name is meant in the low bits; 0: free */
	size_t mask; /* slots - 1 */
	size_t used;
	uint64_t names; /* added, the same twice counted twice */
};

/* End it with name_set_end(), whatever this returned.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO (no randomness)
 */
int name_set_begin(struct name_set *set);

/* Add a name, and all below it if `tree`.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int name_set_add(struct name_set *set, const struct sink_name *name, bool tree);

/* Would an entry for `name` with this scope reach a name of the set?
 *
 * cost     one probe a label, up to the first label that no name of the set has; no allocation
 */
bool name_set_hit(const struct name_set *set, const struct sink_name *name, enum sink_scope scope);

/* All zero is fine. */
void name_set_end(struct name_set *set);

#endif

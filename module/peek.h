/* peek.h - which of many keys one of Unbound's caches holds. */
#ifndef MODULE_PEEK_H
#define MODULE_PEEK_H

#include <stdbool.h>

#include "ub.h"

struct peek {
	hashvalue_type hash; /* of the key, as the cache hashes it */
	bool there; /* out: an entry of that hash is; seldom it is another key's */
};

/* Look for all of them at once: most are not there, and one after the other each would wait for memory by itself. Any
 * worker, under no lock of the cache.
 *
 * cost     three locks of a table for each, and memory's latency once for some dozens
 */
void peek_all(struct slabhash *cache, struct peek *keys, size_t count);

#endif

/* import.h - did records come into Unbound's cache that no query of ours brought? `unbound-control
 * load_cache` puts them there, listed names among them, and tells nobody. But each record set in the
 * cache has a number, and each worker counts the numbers that it gave out. Only the first worker loads. */
#ifndef MODULE_IMPORT_H
#define MODULE_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "ub.h"

/* One worker's; all of it in that worker's thread. */
struct import {
	uint64_t given; /* numbers, at the last look */
	uint64_t expected; /* at most so many since then, for what we saw */
};

/* Unbound may store this message now, or has just done so. NULL is fine. */
static inline void import_expect(struct import *import, const struct reply_info *rep)
{
	if (import)
		import->expected += 1 + (rep ? 2 * rep->rrset_count : 0);
}

/* Look, and begin anew. At the first look everything that the worker ever stored is found. */
bool import_found(struct import *import, const struct alloc_cache *alloc);

#endif

/* import.c - a response is stored once, a whole answer perhaps by the iterator and again by the
 * validator, and a record set of it may be stored once more under a wildcard's name or as a parent's:
 * two numbers a record set, each time that a message is seen, and one for what is not in it, are
 * more than is given out. So a loaded cache is not noticed while it is smaller than what is left over
 * of that, which a busy worker has at times; but who loads a cache loads thousands. */
#include "import.h"

#define WORKER_SHIFT 48 /* a worker's numbers begin with its own (util/alloc.c) */

bool import_found(struct import *import, const struct alloc_cache *alloc)
{
	uint64_t given = alloc->next_id - ((uint64_t)alloc->thread_num << WORKER_SHIFT) - 1;
	bool found = given - import->given > import->expected;

	import->given = given;
	import->expected = 0;
	return found;
}

/* raise.h - a number that only rises, shared by threads. */
#ifndef MODULE_RAISE_H
#define MODULE_RAISE_H

#include <stdatomic.h>

/* Let it be `least` or more. Any thread. Cost: a load, if it is already. */
static inline void raise_to(atomic_uint *number, unsigned least)
{
	unsigned before = atomic_load(number);

	while (before < least && !atomic_compare_exchange_weak(number, &before, least))
		;
}

#endif

/* changed.h - about what a new generation says something else than the one before. */
#ifndef MODULE_CHANGED_H
#define MODULE_CHANGED_H

#include "sinkhole/generation.h"

#define CHANGED_MAX 100000 /* names; of more, a walk through all that is cached is as fast */

/* Names in wire form and lower case behind each other, an octet of length before each. Begin with zeros. */
struct changed {
	bool whole; /* something besides the names is another, or there was no telling: anything may be */
	size_t count;
	size_t len, room; /* octets */
	uint8_t *octets;
};

/* Learn it, in the place of what was learned before.
 *
 * before   NULL: there was none
 * cost     a walk over two deltas
 */
void changed_learn(struct changed *changed, const struct sink_generation *next,
	const struct sink_generation *before);

/* The name at an offset into the octets. */
static inline struct sink_span changed_name(const struct changed *changed, size_t at)
{
	return sink_span(changed->octets + at + 1, changed->octets[at]);
}

/* The offset of the name behind it. */
static inline size_t changed_after(const struct changed *changed, size_t at)
{
	return at + 1 + changed->octets[at];
}

/* Put the names of one behind those of another. One that has no room for all of them stays as it is.
 *
 * returns  SINK_OK; SINK_ETOOLONG; SINK_ENOMEM
 */
int changed_append(struct changed *to, const struct changed *from);

/* Forget the names before an offset. */
void changed_drop(struct changed *changed, size_t at);

/* Forget all; the memory stays. */
void changed_clear(struct changed *changed);

void changed_free(struct changed *changed);

#endif

/* scope.h - what a walk is about: everything that is cached, or only what lies at and below some names. */
#ifndef MODULE_SCOPE_H
#define MODULE_SCOPE_H

#include "changed.h"

#define SCOPE_BITS 20 /* of 2,300 names, one in ten thousand others looks like one of them */

/* Of each name the bits that its hash says, two in a word: whoever's are not both set is none of them. 128 KiB. */
struct scope {
	bool whole;
	bool any; /* a name or more is in it */
	uint64_t bits[1u << (SCOPE_BITS - 6)]; /* 2^SCOPE_BITS of them */
};

void scope_clear(struct scope *scope);

/* Add what has changed.
 *
 * cost     a pass over the names
 */
void scope_add(struct scope *scope, const struct changed *changed);

/* Add all of another one. */
void scope_merge(struct scope *to, const struct scope *from);

/* May the name be one of them, or lie below one? Any thread, while nobody adds.
 *
 * name     in wire form, in any case
 * returns  false: surely not
 * cost     a pass over the name, and a look at memory for each label
 */
bool scope_has(const struct scope *scope, struct sink_span name);

#endif

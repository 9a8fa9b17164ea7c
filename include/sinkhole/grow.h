/* grow.h - an array that becomes longer, by an element or by bytes. */
#ifndef SINKHOLE_GROW_H
#define SINKHOLE_GROW_H

#include <stddef.h>
#include <stdlib.h>

#define SINK_GROW_FIRST 16 /* elements that an array begins with */

/* See to it that an array has room for one element more, by doubling it.
 *
 * at       from the last call, or NULL
 * count    elements in use
 * room     elements that there is memory for; kept by the caller, 0 at first
 * each     bytes of an element
 * returns  the array, in the place of `at`, which the caller frees; NULL: no memory, `at` and `room`
 *          are what they were
 * cost     none but at each doubling
 */
static inline void *sink_grow(void *at, size_t count, size_t *room, size_t each)
{
	size_t more = *room ? 2 * *room : SINK_GROW_FIRST;

	if (count < *room)
		return at;
	at = reallocarray(at, more, each);
	if (at)
		*room = more;
	return at;
}

#define SINK_GROW_BYTES 4096 /* that a buffer begins with */

/* The same of bytes: room for `more` of them.
 *
 * len      bytes in use
 */
static inline void *sink_grow_by(void *at, size_t len, size_t *room, size_t more)
{
	size_t enough = *room ? *room : SINK_GROW_BYTES;

	while (enough - len < more)
		enough *= 2;
	if (enough == *room)
		return at;
	at = realloc(at, enough);
	if (at)
		*room = enough;
	return at;
}

#endif

/* intern.h - distinct byte strings, numbered as they come; in the end, numbered in their order. */
#ifndef SINK_INTERN_H
#define SINK_INTERN_H

#include "sinkhole/span.h"

#define INTERN_MAX (1u << 30) /* strings */

struct intern {
	uint8_t key[16]; /* of the hash: who crafts strings does not know what collides */
	uint32_t count;
	size_t room; /* strings that there is room for */
	struct interned *strings;
	size_t mask; /* slots - 1 */
	uint32_t *slots; /* number + 1 of a string, or 0 */
};

/* Begin with none; end with intern_end(), whatever this returned.
 *
 * returns  SINK_OK; SINK_EIO (no randomness)
 */
int intern_begin(struct intern *intern);

/* The number of a string, the same for equal ones.
 *
 * bytes    copied when new
 * returns  SINK_OK; SINK_ENOMEM
 */
int intern_add(struct intern *intern, struct sink_span bytes, uint32_t *out);

/* The string with a number below intern->count. Borrowed until the end. */
struct sink_span intern_get(const struct intern *intern, uint32_t number);

/* Numbers in the byte order of their strings, a prefix first.
 *
 * out      the caller frees it; intern->count numbers
 * returns  SINK_OK; SINK_ENOMEM
 */
int intern_order(const struct intern *intern, uint32_t **out);

void intern_end(struct intern *intern);

#endif

/* owners.h - the owner names of a zone, told in canonical order (RFC 4034, 6.1) in whatever order they came, in
 * bounded memory: sorted where they lie, spilled to a nameless file when there are many. */
#ifndef TOOLS_OWNERS_H
#define TOOLS_OWNERS_H

#include "sinkhole/err.h"
#include "sinkhole/name.h"

#define OWNERS_MEMORY ((size_t)64 << 20) /* bytes: some two million names */

/* What is known of a name, as bits. */
enum {
	OWNER_EXISTS = 1, /* it owns a record, or `*` below it does */
	OWNER_IS_LISTED = 2, /* there is an entry for it */
	OWNER_HAS_WILDCARD = 4, /* there is an entry for all below it */
};

struct owner {
	uint8_t tree; /* names of different trees have nothing to do with each other */
	uint8_t is; /* bits; of a name that was added more than once, all of them */
	struct sink_span key; /* of the name (name.h) */
};

struct owners;

/* memory   bytes to keep at most before spilling; a name alone may need more
 * out      the caller ends it
 * returns  SINK_OK; SINK_ENOMEM
 */
int owners_begin(size_t memory, struct owners **out);

/* Add a name. The key is copied.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO (it cannot be spilled into $TMPDIR: only owners_end() is left)
 * cost     a copy; none if it is the name added before. From time to time a sort and a write
 */
int owners_add(struct owners *owners, const struct owner *owner);

/* How many names, duplicates included, were added with a bit. */
uint64_t owners_count(const struct owners *owners, uint8_t bit);

/* No more names. Once, before the first owners_next().
 *
 * returns  as owners_add()
 */
int owners_finish(struct owners *owners);

/* The next name, by tree and in canonical order, each once.
 *
 * out      its key is borrowed until the next call; written on SINK_OK only
 * returns  SINK_OK; SINK_ENOENT (that was all); SINK_EIO
 */
int owners_next(struct owners *owners, struct owner *out);

/* NULL is fine. */
void owners_end(struct owners *owners);

#endif

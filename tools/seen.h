/* seen.h - a pile of 64-bit hashes of what a source lists, to tell how much of it is another than before. */
#ifndef TOOLS_SEEN_H
#define TOOLS_SEEN_H

#include "mix.h"
#include "sinkhole/db.h"

struct seen {
	uint64_t *hashes;
	size_t count, size;
};

/* Of a name or prefix and its trigger. */
uint64_t seen_hash_name(const struct mix *mix, enum sink_trigger trigger,
	const struct sink_name *name);
uint64_t seen_hash_prefix(const struct mix *mix, enum sink_trigger trigger,
	const struct sink_prefix *prefix);
uint64_t seen_hash(const struct mix *mix, const struct sink_subject *subject);

/* returns  SINK_OK; SINK_ENOMEM */
int seen_add(struct seen *seen, uint64_t hash);

/* Order it, and drop what is there twice. */
void seen_settle(struct seen *seen);

/* What only one of two piles has; both settled. */
void seen_compare(const struct seen *before, const struct seen *now, uint64_t *added,
	uint64_t *removed);

/* All zero is fine. */
void seen_end(struct seen *seen);

#endif

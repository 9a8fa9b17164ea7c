/* seen.c - an array that is sorted once: 8 bytes an entry, and only for sources that are to be judged. */
#include "seen.h"

#include <stdlib.h>

#include "sinkhole/grow.h"

uint64_t seen_hash_name(const struct mix *mix, enum sink_trigger trigger,
	const struct sink_name *name)
{
	return mix_bytes(mix, (uint64_t)trigger + 1, sink_name_key(name));
}

uint64_t seen_hash_prefix(const struct mix *mix, enum sink_trigger trigger,
	const struct sink_prefix *prefix)
{
	uint64_t seed = (uint64_t)trigger + 1 + ((uint64_t)prefix->family << 8) +
		((uint64_t)prefix->bits << 16);

	return mix_bytes(mix, seed, sink_span(prefix->bytes, sizeof prefix->bytes));
}

uint64_t seen_hash(const struct mix *mix, const struct sink_subject *subject)
{
	return sink_trigger_is_prefix(subject->trigger)
		? seen_hash_prefix(mix, subject->trigger, &subject->prefix)
		: seen_hash_name(mix, subject->trigger, &subject->name);
}

int seen_add(struct seen *seen, uint64_t hash)
{
	uint64_t *hashes = sink_grow(seen->hashes, seen->count, &seen->size, sizeof *hashes);

	if (!hashes)
		return SINK_ENOMEM;
	seen->hashes = hashes;
	seen->hashes[seen->count++] = hash;
	return SINK_OK;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void seen_settle(struct seen *seen)
{
	size_t kept = 0;

	if (seen->count == 0)
		return;
	qsort(seen->hashes, seen->count, sizeof *seen->hashes, compare);
	for (size_t i = 0; i < seen->count; i++)
		if (i == 0 || seen->hashes[i] != seen->hashes[kept - 1])
			seen->hashes[kept++] = seen->hashes[i];
	seen->count = kept;
}

void seen_compare(const struct seen *before, const struct seen *now, uint64_t *added,
	uint64_t *removed)
{
	size_t i = 0, j = 0, same = 0;

	while (i < before->count && j < now->count) {
		uint64_t a = before->hashes[i], b = now->hashes[j];

		same += a == b;
		i += a <= b;
		j += b <= a;
	}
	*added = now->count - same;
	*removed = before->count - same;
}

void seen_end(struct seen *seen)
{
	free(seen->hashes);
	*seen = (struct seen){ 0 };
}

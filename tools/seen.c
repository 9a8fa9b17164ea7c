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

static void insert_sort(uint64_t *at, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		uint64_t hash = at[i];
		size_t j = i;

		for (; j > 0 && at[j - 1] > hash; j--)
			at[j] = at[j - 1];
		at[j] = hash;
	}
}

#define FEW 32 /* hashes that are not worth buckets */

/* By the byte at `shift`, then each bucket by the next one; in place, since there may be ten millions. */
static void radix_sort(uint64_t *at, size_t count, unsigned shift)
{
	size_t next[256], end[256], sum = 0;

	if (count <= FEW) {
		insert_sort(at, count);
		return;
	}
	memset(end, 0, sizeof end);
	for (size_t i = 0; i < count; i++)
		end[at[i] >> shift & 0xff]++;
	for (size_t b = 0; b < 256; b++) {
		next[b] = sum;
		end[b] = sum += end[b];
	}
	for (size_t b = 0; b < 256; b++) {
		while (next[b] < end[b]) {
			size_t belongs = at[next[b]] >> shift & 0xff;
			uint64_t hash = at[next[b]];

			at[next[b]] = at[next[belongs]];
			at[next[belongs]++] = hash;
		}
	}
	for (size_t b = 0; shift > 0 && b < 256; b++) {
		size_t from = b == 0 ? 0 : end[b - 1];

		radix_sort(at + from, end[b] - from, shift - 8);
	}
}

void seen_settle(struct seen *seen)
{
	size_t kept = 0;

	if (seen->count == 0)
		return;
	radix_sort(seen->hashes, seen->count, 56);
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

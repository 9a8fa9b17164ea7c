/* radix.c - most significant digit first, in place, eight bytes of each key at a time.
 *
 * The eight bytes lie beside the pointer, so that the inner loops do not follow pointers. There are
 * no pivots, so no input makes it slow. The stack holds counters for at most eight digits (16 KiB)
 * and a small frame for each eight bytes of the longest key. */
#include "radix.h"

#define SMALL 24 /* refs; below it insertion wins */
#define FEW 8 /* keys; below it comparing whole keys wins */
#define WORD 8 /* bytes */

/* No key has two zero bytes in a row (one ends a label, and no label is empty): after two zeros there is
 * no more of it. Keys with such a word in common are equal. */
static inline bool has_ended(uint64_t word)
{
	return (word & 0xffff) == 0;
}

static void insert_words(struct ref *refs, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct ref ref = refs[i];
		size_t k = i;

		for (; k > 0 && refs[k - 1].word > ref.word; k--)
			refs[k] = refs[k - 1];
		refs[k] = ref;
	}
}

static inline unsigned digit(const struct ref *ref, unsigned shift)
{
	return (unsigned)(ref->word >> shift) & 0xff;
}

/* Bring each ref to the bucket of its digit; end[] says where each bucket ends. */
static void distribute(struct ref *refs, unsigned shift, const size_t *end)
{
	size_t next[256] = { 0 };

	memcpy(next + 1, end, 255 * sizeof next[0]);
	for (unsigned bucket = 0; bucket < 256; bucket++) {
		while (next[bucket] < end[bucket]) {
			struct ref ref = refs[next[bucket]];
			unsigned home;

			while ((home = digit(&ref, shift)) != bucket) {
				struct ref other = refs[next[home]];

				refs[next[home]++] = ref;
				ref = other;
			}
			refs[next[bucket]++] = ref;
		}
	}
}

/* The highest byte in which words differ, as a shift; -1 if none does. */
static int first_difference(const struct ref *refs, size_t count)
{
	uint64_t bits = 0;

	for (size_t i = 1; i < count; i++)
		bits |= refs[i].word ^ refs[0].word;
	return bits ? (63 - __builtin_clzll(bits)) / 8 * 8 : -1;
}

static void sort_words(struct ref *refs, size_t count)
{
	size_t end[256] = { 0 };
	int shift;

	if (count < SMALL) {
		insert_words(refs, count);
		return;
	}
	shift = first_difference(refs, count);
	if (shift < 0)
		return;
	for (size_t i = 0; i < count; i++)
		end[digit(&refs[i], (unsigned)shift)]++;
	for (unsigned bucket = 1; bucket < 256; bucket++)
		end[bucket] += end[bucket - 1];
	distribute(refs, (unsigned)shift, end);
	if (shift == 0)
		return;
	for (unsigned bucket = 0; bucket < 256; bucket++) {
		size_t from = bucket ? end[bucket - 1] : 0;

		if (end[bucket] - from > 1)
			sort_words(refs + from, end[bucket] - from);
	}
}

/* Is a key, from `depth` on, above another? */
static bool is_above(const uint8_t *a, const uint8_t *b, size_t depth)
{
	struct sink_span x = entry_key(a), y = entry_key(b);
	size_t least = x.len < y.len ? x.len : y.len;
	int difference = least > depth ? memcmp(x.at + depth, y.at + depth, least - depth) : 0;

	return difference ? difference > 0 : x.len > y.len;
}

static void insert_keys(struct ref *refs, size_t count, size_t depth)
{
	for (size_t i = 1; i < count; i++) {
		struct ref ref = refs[i];
		size_t k = i;

		for (; k > 0 && is_above(refs[k - 1].entry, ref.entry, depth); k--)
			refs[k] = refs[k - 1];
		refs[k] = ref;
	}
}

static void load_words(struct ref *refs, size_t count, size_t depth)
{
	for (size_t i = 0; i < count; i++)
		refs[i].word = key_word(entry_key(refs[i].entry), depth);
}

/* The words hold the keys' bytes at `depth`; before it the keys are equal. */
static void sort_from(struct ref *refs, size_t count, size_t depth)
{
	size_t to;

	sort_words(refs, count);
	for (size_t from = 0; from < count; from = to) {
		for (to = from + 1; to < count && refs[to].word == refs[from].word; to++)
			;
		if (to - from == 1 || has_ended(refs[from].word))
			continue;
		if (to - from < FEW) {
			insert_keys(refs + from, to - from, depth + WORD);
			continue;
		}
		load_words(refs + from, to - from, depth + WORD);
		sort_from(refs + from, to - from, depth + WORD);
	}
}

void radix_sort(struct ref *refs, size_t count)
{
	sort_from(refs, count, 0);
}

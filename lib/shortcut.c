/* shortcut.c - heads of keys in one array, since that is all that a search reads of most blocks. */
#include "shortcut.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "sinkhole/err.h"
#include "sinkhole/grow.h"

/* A place is a number that tells of a block's last key, and of the block right behind it, which is how LMDB lays down what
 * is small: where it is seen from the first key, and both lengths. Eight of them lie in a cache line. */
#define LAST_BITS 9 /* LMDB allows 511 bytes */
#define BLOCK_BITS 15 /* zero: the block lies elsewhere, or is longer */
#define MIDDLE \
	(INT64_C(1) << (63 - LAST_BITS - BLOCK_BITS)) /* half a terabyte in either direction */

/* The blocks whose last names are in one top-level domain. */
struct family {
	struct sink_span label; /* with its zero; borrowed from a block's key */
	size_t from, to; /* places */
};

struct shortcut {
	const uint8_t *anchor; /* what places are told from */
	size_t count, heads_room, places_room;
	uint64_t *
		heads; /* of each place: 8 bytes behind the label, as a number in the order of keys */
	uint64_t *places;
	size_t families_count, families_room, labels_room;
	uint64_t *
		labels; /* of each family: the first 8 bytes of its label, which mostly are all of it */
	struct family *families; /* in their order */
};

/* --- keys --- */

/* The first label, with its zero; empty for the root. */
static struct sink_span label_of(struct sink_span name)
{
	const uint8_t *end = name.len > 0 ? memchr(name.at, 0, name.len) : NULL;

	return sink_span(name.at, end ? (size_t)(end - name.at) + 1 : 0);
}

#define HEAD 8 /* bytes */

/* The first bytes of a key, or of what follows its first label, as a number in the order of keys: no label begins with a
 * zero byte, so that filling up with these keeps the order. */
static uint64_t head_of(struct sink_span key)
{
	uint64_t head = 0;

	memcpy(&head, key.at, key.len < HEAD ? key.len : HEAD);
	return be64toh(head);
}

static struct sink_span behind(struct sink_span name, struct sink_span label)
{
	return sink_span(name.at + label.len, name.len - label.len);
}

/* --- places --- */

/* returns  false: it cannot be told */
static bool place_of(const struct shortcut *shortcut, struct sink_span last, struct sink_span block,
	uint64_t *out)
{
	int64_t distance = last.at - shortcut->anchor;
	bool is_behind = block.at == last.at + last.len && block.len < 1 << BLOCK_BITS;

	if (distance < -MIDDLE || distance >= MIDDLE || last.len >= 1 << LAST_BITS)
		return false;
	*out = ((uint64_t)(distance + MIDDLE) << LAST_BITS | last.len) << BLOCK_BITS |
		(is_behind ? block.len : 0);
	return true;
}

static struct sink_span last_of(const struct shortcut *shortcut, uint64_t place)
{
	int64_t distance = (int64_t)(place >> (LAST_BITS + BLOCK_BITS)) - MIDDLE;

	return sink_span(shortcut->anchor + distance, place >> BLOCK_BITS & ((1 << LAST_BITS) - 1));
}

/* Empty: not known. */
static struct sink_span block_of(const struct shortcut *shortcut, uint64_t place)
{
	struct sink_span last = last_of(shortcut, place);

	return sink_span(last.at + last.len, place & ((1 << BLOCK_BITS) - 1));
}

/* --- making --- */

int shortcut_new(struct shortcut **out)
{
	*out = calloc(1, sizeof **out);
	return *out ? SINK_OK : SINK_ENOMEM;
}

void shortcut_free(struct shortcut *shortcut)
{
	if (!shortcut)
		return;
	free(shortcut->heads);
	free(shortcut->places);
	free(shortcut->labels);
	free(shortcut->families);
	free(shortcut);
}

static bool make_room_for_family(struct shortcut *shortcut)
{
	size_t count = shortcut->families_count;
	uint64_t *labels =
		sink_grow(shortcut->labels, count, &shortcut->labels_room, sizeof *labels);
	struct family *families;

	if (!labels)
		return false;
	shortcut->labels = labels;
	families = sink_grow(shortcut->families, count, &shortcut->families_room, sizeof *families);
	if (!families)
		return false;
	shortcut->families = families;
	return true;
}

/* The family that the next block belongs to; NULL: no memory. */
static struct family *family_for(struct shortcut *shortcut, struct sink_span label)
{
	size_t count = shortcut->families_count;

	if (count > 0 && sink_span_equal(shortcut->families[count - 1].label, label))
		return &shortcut->families[count - 1];
	if (!make_room_for_family(shortcut))
		return NULL;
	shortcut->families_count++;
	shortcut->labels[count] = head_of(label);
	shortcut->families[count] = (struct family){ .label = label, .from = shortcut->count };
	return &shortcut->families[count];
}

static bool make_room(struct shortcut *shortcut)
{
	uint64_t *heads =
		sink_grow(shortcut->heads, shortcut->count, &shortcut->heads_room, sizeof *heads);
	uint64_t *places;

	if (!heads)
		return false;
	shortcut->heads = heads;
	places = sink_grow(shortcut->places, shortcut->count, &shortcut->places_room,
		sizeof *places);
	if (!places)
		return false;
	shortcut->places = places;
	return true;
}

int shortcut_add(struct shortcut *shortcut, struct sink_span last, struct sink_span block)
{
	struct sink_span label = label_of(last);
	size_t at = shortcut->count;
	struct family *family;
	uint64_t place;

	if (at > 0 && sink_span_compare(last_of(shortcut, shortcut->places[at - 1]), last) >= 0)
		return SINK_ECORRUPT;
	if (label.len == 0)
		return SINK_OK; /* a block of the root alone: left to the B-tree */
	if (!shortcut->anchor)
		shortcut->anchor = last.at;
	if (!place_of(shortcut, last, block, &place))
		return SINK_ECORRUPT;
	family = family_for(shortcut, label);
	if (!family || !make_room(shortcut))
		return SINK_ENOMEM;
	shortcut->heads[at] = head_of(behind(last, label));
	shortcut->places[at] = place;
	family->to = ++shortcut->count;
	return SINK_OK;
}

/* --- asking --- */

#define LINE 64 /* bytes that memory comes in */

/* A block is read from its beginning: let all of it come at once, not line after line. */
static void prefetch(struct sink_span block)
{
	for (size_t at = 0; at < block.len && at < (size_t)16 * LINE; at += LINE)
		__builtin_prefetch(block.at + at);
}

/* The first place from `from` to before `to` whose head is not below; `to`: none. */
static size_t first_not_below(const uint64_t *heads, size_t from, size_t to, uint64_t head)
{
	size_t count = to - from;

	while (count > 0) {
		size_t half = count / 2;

		from += heads[from + half] < head ? count - half : 0;
		count = half;
	}
	return from;
}

/* The same, of one that is above. */
static size_t first_above(const uint64_t *heads, size_t from, size_t to, uint64_t head)
{
	return head < UINT64_MAX ? first_not_below(heads, from, to, head + 1) : to;
}

/* Among places with the same head as the name. */
static size_t first_by_key(const struct shortcut *shortcut, size_t from, size_t to,
	struct sink_span name)
{
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (sink_span_compare(last_of(shortcut, shortcut->places[middle]), name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* Among families whose labels begin alike; labels are in the order of their bytes, and none begins another. */
static const struct family *family_by_label(const struct family *families, size_t from, size_t to,
	struct sink_span label)
{
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		struct sink_span other = families[middle].label;
		int order =
			memcmp(other.at, label.at, other.len < label.len ? other.len : label.len);

		if (order == 0)
			return &families[middle];
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

/* returns  NULL: there is none */
static const struct family *find_family(const struct shortcut *shortcut, struct sink_span label)
{
	uint64_t head = head_of(label);
	size_t count = shortcut->families_count;
	size_t at = first_not_below(shortcut->labels, 0, count, head);

	if (at == count || shortcut->labels[at] != head)
		return NULL;
	if (label.len <= HEAD)
		return &shortcut->families[at]; /* its zero is in the head */
	return family_by_label(shortcut->families, at,
		first_above(shortcut->labels, at, count, head), label);
}

bool shortcut_find(const struct shortcut *shortcut, struct sink_span name, struct sink_span *block)
{
	struct sink_span label = label_of(name);
	const struct family *family = label.len > 0 ? find_family(shortcut, label) : NULL;
	struct sink_span found;
	uint64_t head;
	size_t at;

	if (!family)
		return false;
	head = head_of(behind(name, label));
	at = first_not_below(shortcut->heads, family->from, family->to, head);
	if (at < family->to && shortcut->heads[at] == head)
		at = first_by_key(shortcut, at, first_above(shortcut->heads, at, family->to, head),
			name);
	if (at >= family->to)
		return false;
	found = block_of(shortcut, shortcut->places[at]);
	if (found.len == 0)
		return false;
	prefetch(found);
	*block = found;
	return true;
}

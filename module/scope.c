/* scope.c - a Bloom filter whose two bits of a name lie in one word, so that a look at it is one look at memory. A false
 * "perhaps" costs no more than a look at the database. */
#include "scope.h"

#include <endian.h>

#define LABELS_MAX 128 /* the root's among them */

void scope_clear(struct scope *scope)
{
	scope->whole = false;
	if (scope->any)
		memset(scope->bits, 0, sizeof scope->bits);
	scope->any = false;
}

static uint64_t load4(const uint8_t *at)
{
	uint32_t octets;

	memcpy(&octets, at, sizeof octets);
	return le32toh(octets);
}

/* 1 to 8 octets; loads may overlap, so that none leaves the label. */
static uint64_t load(const uint8_t *at, size_t len)
{
	if (len >= 4)
		return load4(at) | load4(at + len - 4) << 8 * (len - 4);
	return at[0] | (uint64_t)at[len / 2] << 8 * (len / 2) |
		(uint64_t)at[len - 1] << 8 * (len - 1);
}

/* Of the name that has one more label, whose length counts as well. 0x20 makes letters small, and other octets something
 * that is no name's more than theirs. */
static uint64_t add_label(uint64_t hash, const uint8_t *label)
{
	size_t left = *label++;

	for (hash += left; left > 0;) {
		size_t len = left < 8 ? left : 8;

		hash ^= load(label, len) | UINT64_C(0x2020202020202020);
		hash *= UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
		label += len;
		left -= len;
	}
	return hash;
}

/* Where the labels of a name begin.
 *
 * returns  how many there are but for the root's; 0 also for what is no name */
static size_t labels_of(struct sink_span name, uint8_t starts[LABELS_MAX])
{
	size_t count = 0, at = 0;

	if (name.len > SINK_WIRE_MAX)
		return 0;
	while (at < name.len && name.at[at] != 0) {
		if (name.at[at] > SINK_LABEL_MAX || count == LABELS_MAX ||
			at + name.at[at] >= name.len)
			return 0;
		starts[count++] = (uint8_t)at;
		at += 1u + name.at[at];
	}
	return count;
}

static const uint64_t root = UINT64_C(0xcbf29ce484222325);

/* Which word, and which bits in it. */
struct place {
	size_t word;
	uint64_t bits;
};

static struct place place(uint64_t hash)
{
	return (struct place){
		.word = (size_t)(hash >> (64 - SCOPE_BITS + 6)),
		.bits = UINT64_C(1) << (hash >> 38 & 63) | UINT64_C(1) << (hash >> 32 & 63),
	};
}

static bool is_set(const struct scope *scope, uint64_t hash)
{
	struct place at = place(hash);

	return (scope->bits[at.word] & at.bits) == at.bits;
}

void scope_add(struct scope *scope, const struct changed *changed)
{
	scope->whole |= changed->whole;
	for (size_t at = 0; at < changed->len; at = changed_after(changed, at)) {
		struct sink_span name = changed_name(changed, at);
		uint8_t starts[LABELS_MAX];
		uint64_t hash = root;

		for (size_t i = labels_of(name, starts); i > 0; i--)
			hash = add_label(hash, name.at + starts[i - 1]);
		scope->bits[place(hash).word] |= place(hash).bits;
		scope->any = true;
	}
}

void scope_merge(struct scope *to, const struct scope *from)
{
	to->whole |= from->whole;
	if (!from->any)
		return;
	to->any = true;
	for (size_t i = 0; i < sizeof to->bits / sizeof to->bits[0]; i++)
		to->bits[i] |= from->bits[i];
}

bool scope_has(const struct scope *scope, struct sink_span name)
{
	uint8_t starts[LABELS_MAX];
	uint64_t hash = root;

	if (scope->whole || is_set(scope, hash))
		return true;
	for (size_t i = labels_of(name, starts); i > 0; i--) {
		hash = add_label(hash, name.at + starts[i - 1]);
		if (is_set(scope, hash))
			return true;
	}
	return false;
}

/* scope.c - a Bloom filter with one hash. A false "perhaps" costs no more than a look at the database. */
#include "scope.h"

#define LABELS_MAX 128 /* the root's among them */

void scope_clear(struct scope *scope)
{
	scope->whole = false;
	if (scope->any)
		memset(scope->bits, 0, sizeof scope->bits);
	scope->any = false;
}

/* Of the name that has one more label. FNV-1a, with the length of the label ahead; 0x20 makes letters small, and other
 * octets something that is no name's more than theirs. */
static uint64_t add_label(uint64_t hash, const uint8_t *label)
{
	const uint64_t prime = UINT64_C(0x100000001b3);

	hash = (hash ^ label[0]) * prime;
	for (unsigned i = 1; i <= label[0]; i++)
		hash = (hash ^ (label[i] | 0x20)) * prime;
	return hash;
}

/* Where the labels of a name begin.
 *
 * returns  how many there are but for the root's; 0 also for what is no name */
static size_t labels_of(struct sink_span name, uint8_t starts[LABELS_MAX])
{
	size_t count = 0, at = 0;

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

/* The high bits are good ones once more is multiplied. */
static size_t place(uint64_t hash)
{
	return (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SCOPE_BITS));
}

static bool is_set(const struct scope *scope, uint64_t hash)
{
	size_t at = place(hash);

	return scope->bits[at / 64] >> at % 64 & 1;
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
		scope->bits[place(hash) / 64] |= UINT64_C(1) << place(hash) % 64;
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

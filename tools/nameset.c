/* nameset.c - every name of the set stands in it with all of its ancestors, so a walk from the root
 * ends at the first label that leads to none of them. */
#include "nameset.h"

#include <stdlib.h>

#define SELF UINT64_C(1) /* it is a name of the set */
#define ABOVE UINT64_C(2) /* one is below it */
#define TREE UINT64_C(4) /* it is, and all below it are */
#define HOW (SELF | ABOVE | TREE)
#define MARK UINT64_C(8) /* in every slot that is used: none is 0 */

#define SLOTS_FIRST 1024

int name_set_begin(struct name_set *set)
{
	*set = (struct name_set){ .mask = SLOTS_FIRST - 1 };
	set->slots = calloc(SLOTS_FIRST, sizeof *set->slots);
	return set->slots ? mix_begin(&set->mix) : SINK_ENOMEM;
}

void name_set_end(struct name_set *set)
{
	free(set->slots);
	*set = (struct name_set){ 0 };
}

static struct sink_span label(const struct sink_name *name, unsigned n)
{
	return sink_span(name->key + name->end[n], (size_t)name->end[n + 1] - name->end[n]);
}

/* The slot that holds the hash, or the free one where it belongs. */
static uint64_t *find(const struct name_set *set, uint64_t hash)
{
	size_t at = (size_t)(hash >> 4) & set->mask;

	hash = (hash & ~HOW) | MARK;
	while (set->slots[at] && (set->slots[at] & ~HOW) != hash)
		at = (at + 1) & set->mask;
	return &set->slots[at];
}

static int widen(struct name_set *set)
{
	struct name_set wide = *set;
	size_t count = 2 * (set->mask + 1);

	wide.mask = count - 1;
	wide.slots = calloc(count, sizeof *wide.slots);
	if (!wide.slots)
		return SINK_ENOMEM;
	for (size_t i = 0; i <= set->mask; i++)
		if (set->slots[i])
			*find(&wide, set->slots[i]) = set->slots[i];
	free(set->slots);
	*set = wide;
	return SINK_OK;
}

static int put(struct name_set *set, uint64_t hash, uint64_t how)
{
	uint64_t *slot = find(set, hash);

	if (!*slot) {
		if (++set->used > set->mask / 2) {
			if (widen(set) != SINK_OK)
				return SINK_ENOMEM;
			slot = find(set, hash);
		}
		*slot = (hash & ~HOW) | MARK;
	}
	*slot |= how;
	return SINK_OK;
}

int name_set_add(struct name_set *set, const struct sink_name *name, bool tree)
{
	uint64_t hash = 0;
	int err = SINK_OK;

	set->names++;
	for (unsigned n = 0; n < name->labels && !err; n++) {
		bool last = n + 1u == name->labels;

		hash = mix_bytes(&set->mix, hash, label(name, n));
		err = put(set, hash, !last ? ABOVE : tree ? SELF | TREE : SELF);
	}
	return err;
}

bool name_set_hit(const struct name_set *set, const struct sink_name *name, enum sink_scope scope)
{
	uint64_t hash = 0, how = ABOVE;

	for (unsigned n = 0; n < name->labels; n++) {
		if (!(how & ABOVE))
			return false;
		hash = mix_bytes(&set->mix, hash, label(name, n));
		how = *find(set, hash);
		if (how & TREE)
			return true;
	}
	return (scope != SINK_SCOPE_BELOW && (how & SELF)) ||
		(scope != SINK_SCOPE_EXACT && (how & ABOVE));
}

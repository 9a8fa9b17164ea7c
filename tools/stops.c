/* stops.c - one walk over the names of a zone, parents before their children. What is on the stack is the path to the
 * name at hand, names that exist only because something does below them included. */
#include "stops.h"

/* What the database says of names below a name that exist nowhere in the zone. */
enum reach {
	REACH_NOTHING, /* nothing is listed for them */
	REACH_WILDCARD, /* a wildcard is: this name's own, or one from above */
	REACH_STOP, /* it would, and has been stopped already */
};

struct walk {
	stop_fn *fn;
	void *arg;
	uint8_t tree;
	uint8_t key[SINK_KEY_MAX]; /* of the name at hand */
	size_t len;
	size_t depth; /* labels */
	size_t end[SINK_LABELS_MAX +
		1]; /* end[n]: bytes of the key of the ancestor with n labels */
	enum reach below[SINK_LABELS_MAX + 1];
};

/* Go one label down to a name that exists, and stop there what comes from above, as far as it is not the name's own
 * business. */
static int descend(struct walk *walk, size_t end, uint8_t is)
{
	enum reach above = walk->below[walk->depth];
	bool has_wildcard = is & OWNER_HAS_WILDCARD, is_listed = is & OWNER_IS_LISTED;
	enum sink_scope scope = is_listed ? SINK_SCOPE_BELOW
		: has_wildcard		  ? SINK_SCOPE_EXACT
					  : SINK_SCOPE_SUBTREE;

	walk->depth++;
	walk->end[walk->depth] = end;
	walk->below[walk->depth] = has_wildcard ? REACH_WILDCARD : above;
	if (above != REACH_WILDCARD || (is_listed && has_wildcard))
		return SINK_OK;
	if (!has_wildcard)
		walk->below[walk->depth] = REACH_STOP;
	return walk->fn(walk->arg, walk->tree, sink_span(walk->key, end), scope);
}

static void begin_tree(struct walk *walk, uint8_t tree)
{
	walk->tree = tree;
	walk->depth = walk->len = 0;
	walk->end[0] = 0;
	walk->below[0] = REACH_NOTHING;
}

/* Back to the deepest ancestor of `key` on the path. */
static void ascend(struct walk *walk, struct sink_span key)
{
	size_t same = 0;

	while (same < walk->len && same < key.len && walk->key[same] == key.at[same])
		same++;
	while (walk->end[walk->depth] > same)
		walk->depth--;
}

static int visit(struct walk *walk, const struct owner *owner)
{
	size_t from;
	int err = SINK_OK;

	if (owner->tree != walk->tree)
		begin_tree(walk, owner->tree);
	ascend(walk, owner->key);
	from = walk->end[walk->depth];
	if (owner->key.len > 0)
		memcpy(walk->key, owner->key.at, owner->key.len);
	walk->len = owner->key.len;
	if (owner->key.len == 0 && owner->is & OWNER_HAS_WILDCARD)
		walk->below[0] = REACH_WILDCARD;
	for (; from < walk->len && !err; from++)
		if (walk->key[from] == 0) /* ends a label */
			err = descend(walk, from + 1,
				from + 1 == walk->len ? owner->is : OWNER_EXISTS);
	return err;
}

int stops_tell(struct owners *owners, stop_fn *fn, void *arg)
{
	struct walk walk = { .fn = fn, .arg = arg };
	struct owner owner;
	int err;

	begin_tree(&walk, 0);
	do {
		err = owners_next(owners, &owner);
		if (!err)
			err = visit(&walk, &owner);
	} while (!err);
	return err == SINK_ENOENT ? SINK_OK : err;
}

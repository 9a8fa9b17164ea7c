/* changed.c - the names come from two deltas over one base. */
#include "changed.h"

#include <stdlib.h>

#include "sinkhole/err.h"
#include "sinkhole/grow.h"

static bool make_room(struct changed *changed, size_t len)
{
	uint8_t *octets = sink_grow_by(changed->octets, changed->len, &changed->room, len);

	if (octets)
		changed->octets = octets;
	return octets != NULL;
}

static int put(struct changed *changed, const uint8_t *name, size_t len)
{
	if (changed->count == CHANGED_MAX)
		return SINK_ETOOLONG;
	if (!make_room(changed, 1 + len))
		return SINK_ENOMEM;
	changed->octets[changed->len++] = (uint8_t)len;
	memcpy(changed->octets + changed->len, name, len);
	changed->len += len;
	changed->count++;
	return SINK_OK;
}

/* What is listed otherwise than by a name that is asked for has no name that could be looked for. */
static int learn(void *arg, const struct sink_subject *subject)
{
	struct changed *changed = arg;
	uint8_t wire[SINK_WIRE_MAX];

	if (subject->trigger != SINK_TRIGGER_QNAME) {
		changed->whole = true;
		return SINK_OK;
	}
	return put(changed, wire, sink_name_to_wire(&subject->name, wire));
}

void changed_learn(struct changed *changed, const struct sink_generation *next,
	const struct sink_generation *before)
{
	changed_clear(changed);
	changed->whole = !before || !sink_generation_has_rules_of(next, before);
	if (before &&
		sink_db_changed(sink_generation_db(next), sink_generation_db(before), learn,
			changed) == SINK_OK)
		return;
	changed_clear(changed);
	changed->whole = true;
}

int changed_append(struct changed *to, const struct changed *from)
{
	if (to->count + from->count > CHANGED_MAX)
		return SINK_ETOOLONG;
	if (from->len == 0)
		return SINK_OK;
	if (!make_room(to, from->len))
		return SINK_ENOMEM;
	memcpy(to->octets + to->len, from->octets, from->len);
	to->len += from->len;
	to->count += from->count;
	return SINK_OK;
}

void changed_drop(struct changed *changed, size_t at)
{
	for (size_t i = 0; i < at; i = changed_after(changed, i))
		changed->count--;
	changed->len -= at;
	if (changed->len > 0)
		memmove(changed->octets, changed->octets + at, changed->len);
}

void changed_clear(struct changed *changed)
{
	changed->len = changed->count = 0;
	changed->whole = false;
}

void changed_free(struct changed *changed)
{
	free(changed->octets);
}

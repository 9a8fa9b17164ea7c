/* misp_facts.h - what an event or an attribute of MISP says of itself: its tags, its galaxies, the members of an event.
 * Into the words that records have. */
#ifndef TOOLS_MISP_FACTS_H
#define TOOLS_MISP_FACTS_H

#include <jansson.h>

#include "attributes.h"

struct misp_facts {
	struct attributes says;
	bool has_tlp, has_actor; /* on this level */
	int64_t day; /* the event's; 0: unknown */
	int64_t retention; /* seconds of addresses, from that day on; 0: no limit */
	bool retired; /* the retention of addresses is over */
};

/* Nothing is said. */
void misp_facts_begin(struct misp_facts *facts);

/* A member of an event that says something. */
struct misp_member {
	const char *name;
	void (*take)(struct misp_facts *facts, const json_t *value);
};

/* Which one stands at a place of a document (jsonstream.h); NULL if none does. */
const struct misp_member *misp_member_of(const char *at);

/* All that an object with the members of an event says; NULL: nothing. */
void misp_take_event(struct misp_facts *facts, const json_t *event);

/* Tags and galaxies of an attribute, over those of its event: an actor, a colour and a retention of its own stand for
 * those of the event, all else adds up. And its category, "Network activity" as network-activity. */
void misp_take_attribute(struct misp_facts *facts, const json_t *attribute);

#endif

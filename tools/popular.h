/* popular.h - names that many people use: a source of blocks that lists one is wrong, or has been made
 * wrong. Any list of such names will do. */
#ifndef TOOLS_POPULAR_H
#define TOOLS_POPULAR_H

#include "feed.h"
#include "nameset.h"

struct popular {
	struct name_set names; /* without a "www" in front; no slots: the guard is off */
};

/* Add a list.
 *
 * text     "[FORMAT:]PATH" of any format that compile reads, or a table of rank and name a line
 * returns  SINK_OK; as source_open(), feed_read(); SINK_ESYNTAX also for a list without any name
 */
int popular_load(struct popular *popular, const char *text, struct sink_why *why);

static inline bool popular_is_on(const struct popular *popular)
{
	return popular->names.slots != NULL;
}

/* Would an entry for `name` with this scope block a popular name? "www" in front is no other name. */
bool popular_hit(const struct popular *popular, const struct sink_name *name,
	enum sink_scope scope);

/* All zero is fine. */
void popular_end(struct popular *popular);

#endif

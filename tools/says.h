/* says.h - what an entry says of itself, from values as feeds write them: too long, with line breaks, with
 * what a key cannot have. */
#ifndef TOOLS_SAYS_H
#define TOOLS_SAYS_H

#include "attributes.h"

/* Set a key. Text that is too long is cut at a character, control characters become blanks; tags and
 * jurisdictions may be several, with commas between them. An empty value says nothing.
 *
 * key      as attributes_set() takes it
 * returns  false: a value that the key cannot have, which is left out
 */
bool says_set(struct attributes *says, struct sink_span key, struct sink_span value);

/* Add the tag "WORD:VALUE"; a comma in the value becomes a blank. As says_set(). */
bool says_tag(struct attributes *says, const char *word, struct sink_span value);

/* Add a tag as it is, a comma in it as a blank, unless it is there already. As says_set(). */
bool says_plain_tag(struct attributes *says, struct sink_span tag);

/* Add the tag "first-seen:2026-11-21" of a time that when_parse() reads. As says_set(). */
bool says_first_seen(struct attributes *says, struct sink_span time);

#endif

/* nearest.h - the word that was meant: few words, and one that is none of them. */
#ifndef TOOLS_NEAREST_H
#define TOOLS_NEAREST_H

#include "sinkhole/span.h"

struct nearest {
	struct sink_span typed;
	const char *word; /* the nearest so far; NULL: none is near */
	size_t mistakes; /* of `word`; a better one has fewer */
};

/* Begin with what was typed; then show it each word that it could be. */
struct nearest nearest_begin(struct sink_span typed);

/* Letters that must be added, dropped or changed to make `word` of it count as mistakes. At most two make it
 * near, and not as many as the word is long.
 *
 * word     stays the caller's
 * cost     the product of the lengths; words of 32 bytes and more are near to none
 */
void nearest_try(struct nearest *nearest, const char *word);

#endif

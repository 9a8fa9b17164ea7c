/* gate.h - what is not published, whatever a feed says: entries that would take a whole top-level domain
 * or public suffix with them, and a generation of nothing. Each check can be overridden by name. */
#ifndef TOOLS_GATE_H
#define TOOLS_GATE_H

#include "feed.h"

enum gate_check { GATE_EMPTY, GATE_TLD, GATE_SUFFIX, GATE_COUNT };

struct gate {
	bool forced[GATE_COUNT];
	struct suffixes *suffixes; /* the Public Suffix List, ICANN and private section */
};

/* returns  SINK_OK; SINK_ENOENT (no such check) */
int gate_force(struct gate *gate, const char *word);

const char *gate_word(enum gate_check check);

/* Load the Public Suffix List: the system's, or the one that libpsl was built with.
 *
 * returns  SINK_OK; SINK_ENOENT (there is none)
 */
int gate_begin(struct gate *gate);

void gate_end(struct gate *gate);

/* FEED_TAKEN, FEED_TLD or FEED_SUFFIX. */
enum feed_reason gate_judge(const struct gate *gate, const struct sink_name *name);

#endif

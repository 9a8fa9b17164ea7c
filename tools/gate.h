/* gate.h - what is not published, whatever a feed says. Of an entry, which is dropped and counted: it would
 * take a top-level domain, a public suffix, a protected name or half the Internet with it. Of a source,
 * which is held back: see guard.h. Each check can be overridden by name. */
#ifndef TOOLS_GATE_H
#define TOOLS_GATE_H

#include "feed.h"
#include "protected.h"

/* Checks that --force overrides. */
enum gate_check {
	GATE_EMPTY,
	GATE_TLD,
	GATE_SUFFIX,
	GATE_PROTECTED,
	GATE_BOGON,
	GATE_POPULAR,
	GATE_CHANGE,
	GATE_ERRORS,
	GATE_LIVE,
	GATE_COUNT
};

struct gate {
	bool forced[GATE_COUNT];
	struct suffixes *suffixes; /* the Public Suffix List, ICANN and private section */
	struct protected protected;
};

/* returns  SINK_OK; SINK_ENOENT (no such check) */
int gate_force(struct gate *gate, const char *word);

/* What users type behind --force=, and what it does. */
const char *gate_word(enum gate_check check);
const char *gate_help(enum gate_check check);

/* All words, as a sentence has them: "empty, tld or suffix". */
const char *gate_words(char *out, size_t size);

/* Load the Public Suffix List (the system's, or the one that libpsl was built with) and the shipped list
 * of what is protected. gate_end() after it, whatever it returned.
 *
 * returns  SINK_OK; SINK_ENOENT (there is no Public Suffix List); SINK_ENOMEM; SINK_EIO
 */
int gate_begin(struct gate *gate, struct sink_why *why);

void gate_end(struct gate *gate);

/* May this entry be published?
 *
 * kind, scope  that it will have, where its source says otherwise than the entry
 * popular      it would block a popular name: if these are forced in, so is what is protected below them
 * returns      FEED_TAKEN, or why not
 */
enum feed_reason gate_judge(const struct gate *gate, const struct feed_entry *entry,
	enum sink_kind kind, enum sink_scope scope, bool popular);

#endif

/* overlay.h - what lies over the base of a new generation: its live changes, and the delta that they make. For publish.c,
 * under its lock. */
#ifndef SINK_OVERLAY_H
#define SINK_OVERLAY_H

#include "gendir.h"

struct overlay {
	char temp
		[SINK_FILE_NAME_MAX]; /* in gen: the delta, complete and durable; empty: there is none */
	struct sink_span
		changes; /* what is to be kept of the changes; empty: nothing. The owner's (sink_live) */
	uint8_t *before; /* what was kept of those that were in force */
};

/* Ask what shall be in force, and write the delta of it.
 *
 * base     descriptor of the new generation's base; -1: manifest->base names it
 * manifest of the new generation: its base's size and digest are known; size and digest of the delta are put there
 * out      all zero before; to be ended whatever this returned. The file is the caller's, also on failure
 * returns  SINK_OK; SINK_ECORRUPT, SINK_EVERSION (the changes in force, or the base); SINK_EIO; SINK_ENOMEM;
 *          SINK_EINVAL; what the callbacks of `live` return
 */
int overlay_make(const struct gendir *dir, const struct sink_live *live, int base,
	struct sink_manifest *manifest, struct sink_why *why, struct overlay *out);

void overlay_end(struct overlay *overlay);

#endif

/* paused.h - how commands tell that filtering is paused. */
#ifndef TOOLS_PAUSED_H
#define TOOLS_PAUSED_H

#include "json.h"

/* Of a manifest with a pause: "since 2026-11-21T12:00:00Z until 2026-11-21T12:10:00Z", or "... until 'sinkhole resume'". */
struct paused {
	char text[96];
};
struct paused paused_text(const struct sink_manifest *manifest);

/* Likewise: {"since", "until"}, times; null if it has no end. */
json_t *paused_json(const struct sink_manifest *manifest);

/* Of what has just been published, for another reason: say that a pause goes on, if one does. */
void paused_say(const struct sink_manifest *manifest);

#endif

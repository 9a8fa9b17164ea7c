/* sourcekeys.h - every key of a source, for sinkhole.yaml and for the command line alike. */
#ifndef TOOLS_SOURCEKEYS_H
#define TOOLS_SOURCEKEYS_H

#include "keys.h"
#include "source.h"

/* About a struct source that source_init() has made. */
extern const struct key_row source_keys[];

/* Set one as the command line says it: "category", "columns.name", "limits.bytes".
 *
 * key      not NUL-terminated
 * returns  SINK_OK; SINK_ESYNTAX (unknown key, or a value it cannot have); SINK_ENOMEM
 */
int source_set(struct source *source, struct sink_span key, const char *value,
	struct sink_why *why);

/* What no single key shows: times that contradict each other, columns beside fields.
 *
 * returns  SINK_OK; SINK_ESYNTAX, and which key is to be blamed
 */
int source_check(const struct source *source, struct sink_why *why, const char **blamed);

#endif

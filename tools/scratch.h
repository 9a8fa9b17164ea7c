/* scratch.h - what a compilation must not leave behind: its unfinished file, and the directory of a dry
 * run. When SIGINT, SIGTERM or SIGHUP ends us they are removed first. */
#ifndef TOOLS_SCRATCH_H
#define TOOLS_SCRATCH_H

#include "sinkhole/err.h"

/* Make a data directory for a dry run, in $TMPDIR.
 *
 * out      its path, until scratch_end()
 * returns  SINK_OK; SINK_EIO
 */
int scratch_begin(struct sink_why *why, const char **out);

/* From now on this file, too, is removed by such a signal. Once a process. */
void scratch_watch(const char *path);

/* Remove the directory and what is in it. Fine without one. */
void scratch_end(void);

#endif

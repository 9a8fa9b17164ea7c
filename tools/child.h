/* child.h - a command of the operator's, run by the shell, whose output is read. */
#ifndef TOOLS_CHILD_H
#define TOOLS_CHILD_H

#include <sys/types.h>

#include "sinkhole/err.h"

struct child {
	pid_t pid; /* 0: none, or it was waited for. It leads a process group */
};

/* Run it by /bin/sh -c: nothing on standard input, standard error as it is.
 *
 * output   the end of a pipe to read from; the caller's to close
 * returns  SINK_OK; SINK_EIO
 */
int child_begin(const char *command, struct child *out, int *output, struct sink_why *why);

/* Wait for it, but no longer than so many seconds.
 *
 * child    none is fine
 * title    how messages name it
 * returns  SINK_OK (its status is 0); SINK_EIO (another, or a signal); SINK_EBUSY (it did not end)
 */
int child_end(struct child *child, int seconds, const char *title, struct sink_why *why);

/* End it and all in its group, and wait for it. None is fine. */
void child_stop(struct child *child);

#endif

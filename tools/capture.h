/* capture.h - run a program and keep what it prints. No shell. */
#ifndef TOOLS_CAPTURE_H
#define TOOLS_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sinkhole/err.h"

/* Find a program as a shell would, and in the directories of system programs besides.
 *
 * returns  SINK_OK; SINK_ENOENT; SINK_EINVAL (path longer than size)
 */
int capture_find(const char *name, char *out, size_t size);

/* Run it with standard output and error in `out`, cut to `size` and NUL-terminated.
 *
 * argv     as for execv(), argv[0] a path
 * status   exit status; 128 + signal if one ended it
 * returns  SINK_OK; SINK_EIO (it could not be run); SINK_ECANCELED (it took longer than 10 s: killed)
 */
int capture(char *const argv[], char *out, size_t size, int *status);

#endif

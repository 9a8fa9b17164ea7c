/* parts.h - the inputs that one source consists of, one after another: a file, the files of a directory, or
 * what a command writes. */
#ifndef TOOLS_PARTS_H
#define TOOLS_PARTS_H

#include "source.h"

#define PARTS_MAX 100000 /* files in a directory */
#define PARTS_COMMAND_SECONDS \
	600 /* that a command may take, unless the source's limits say otherwise */

struct parts;

/* Begin: `path`, else `command`, says where they are.
 *
 * A directory stands for the files in it that are not hidden, by name (bytewise), symbolic links to files
 * included, directories in it not. A command is run by /bin/sh -c, in a process group of its own, with
 * nothing on standard input; its standard error is ours.
 *
 * source   must outlive the parts
 * returns  SINK_OK; SINK_ENOENT (not there; a directory without files); SINK_EIO; SINK_ENOMEM; SINK_ETOOLONG (more
 *          than PARTS_MAX files)
 */
int parts_open(const struct source *source, struct sink_why *why, struct parts **out);

/* Go on to the next one. The source's limits are limits of all parts together.
 *
 * lines    open, at its beginning; closed by the next call or parts_close()
 * title    how messages name it; borrowed until then
 * returns  SINK_OK; SINK_ENOENT (that was all, and `why` is not written); as lines_open(), but SINK_EIO for what
 *          vanished; SINK_ETOOLONG; SINK_EIO (the command failed: whatever it wrote is not to be trusted)
 */
int parts_next(struct parts *parts, struct sink_why *why, struct lines **lines, const char **title);

/* Begin again with the first one: after parts_next() said SINK_ENOENT. What is read from a pipe or a command
 * must have been kept (lines_keep()) before it was read; the command is not run again.
 *
 * returns  SINK_OK; SINK_EIO
 */
int parts_rewind(struct parts *parts, struct sink_why *why);

/* End it. A command that is still at work is ended, and waited for.
 *
 * parts    NULL is fine
 * returns  SINK_OK; SINK_EIO (the command wrote all it had to say, and failed, and parts_next() did not say so
 *          yet: the better reason, if its output looked wrong)
 */
int parts_close(struct parts *parts, struct sink_why *why);

#endif

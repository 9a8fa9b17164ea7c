/* liveline.h - one live change as people write it, and as it is kept: "+ NAME|PREFIX [key=value...]", "- NAME|PREFIX
 * [source=S]". */
#ifndef TOOLS_LIVELINE_H
#define TOOLS_LIVELINE_H

#include "attributes.h"
#include "sinkhole/change.h"

#define LIVELINE_SOURCE "live" /* of what is added without another source */
#define LIVELINE_MAX 20480 /* bytes of a formatted line, with its line feed */

struct liveline {
	struct sink_change
		change; /* its record's texts are those of the attributes: do not move it */
	struct attributes attributes;
};

/* Read a line. A value stands as it is, up to the next blank, or in double quotes, with \" and \\ in it.
 *
 * line     without its end
 * now      seconds since 1970, for valid-for; what is over by then is refused. 0: nothing is
 * returns  SINK_OK; SINK_ENOENT (a blank line, or a comment: '#' first); SINK_ESYNTAX
 */
int liveline_parse(struct sink_span line, int64_t now, struct sink_why *why, struct liveline *out);

/* Write it, with a line feed behind it, in the one form that all of a meaning have.
 *
 * returns  the length in bytes
 */
size_t liveline_format(const struct liveline *line, char out[LIVELINE_MAX]);

#endif

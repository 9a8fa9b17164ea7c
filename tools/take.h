/* take.h - from one open source to the writer: what its entries become, and what is left out of them. */
#ifndef TOOLS_TAKE_H
#define TOOLS_TAKE_H

#include "job.h"

/* Read a source to its end, in a batch of its own. What is wrong with the source holds it back; only what
 * is wrong with the writer is returned.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO (with `why`)
 */
int take_source(struct job *job, struct intake *intake, struct sink_why *why);

#endif

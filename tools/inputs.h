/* inputs.h - the inputs of one source, each opened, recognised, and looked at: is it a list at all? What is
 * wrong holds the source back. */
#ifndef TOOLS_INPUTS_H
#define TOOLS_INPUTS_H

#include "job.h"

/* Open the first input, and gather what lists withdraw ($badfilter) into job->withdrawn. The source is held
 * back if that fails. */
void inputs_open(struct job *job, struct intake *intake);

/* The next input, in intake->lines, at its beginning, with intake->source->format and the tally's part.
 *
 * returns  SINK_OK; SINK_ENOENT (no more); SINK_ECANCELED (the source is held back)
 */
int inputs_next(struct job *job, struct intake *intake);

/* Close all. The source is held back if a command turns out to have failed. */
void inputs_close(struct job *job, struct intake *intake);

/* Hold a source back that cannot be read. */
void inputs_fail(struct job *job, struct intake *intake, int err, const char *why);

/* What feed_read() failed with, behind the input's name and as much of the place as is known.
 *
 * number   of the line at hand; 0: there was none
 * reason   empty: what the error says
 * returns  err
 */
int inputs_blame(const struct intake *intake, uint64_t number, int err, const char *reason,
	struct sink_why *why);

#endif

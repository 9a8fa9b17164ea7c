/* job.h - one run of `compile`: what was asked for, and what is open. */
#ifndef TOOLS_JOB_H
#define TOOLS_JOB_H

#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "answer.h"
#include "cmd.h"
#include "config.h"
#include "gate.h"
#include "guard.h"
#include "intake.h"
#include "live.h"
#include "previous.h"
#include "signing.h"
#include "sinkhole/store.h"
#include "source.h"
#include "withdraw.h"

struct job {
	const struct command *self;
	const char *data; /* the data directory */
	const char *dir; /* where the generation goes: the same; of a dry run: a temporary one */
	const char *config_path, *report_path, *reason;
	bool dry_run, json, quiet;
	unsigned keep;
	size_t memory; /* bytes */
	int64_t time;
	int64_t read; /* the same in microseconds: when it began to read */
	struct signing signing;
	struct answer answer;
	const struct sink_policy *policy; /* of the configuration, or of the answer */
	struct gate gate;
	struct guards guards;
	struct path_list popular, protected; /* of the command line; the strings are not ours */
	struct withdrawn withdrawn;
	struct config config; /* its sources come first */
	struct config renewed; /* the same, its policy as it is when that is published */
	struct source *arguments; /* the sources of the command line */
	size_t arguments_count;
	struct source **sources; /* all of them */
	size_t count;
	bool is_stale; /* a source could not be fetched: an older copy of it is compiled */
	struct intakes intakes;
	struct previous previous;
	struct mix mix;
	FILE *report_file;
	struct sink_writer *writer;
	struct sink_summary summary;
	struct sink_manifest manifest;
	struct live *live; /* what was changed by hand, which stays over the new base */
	uint8_t *changes; /* the same of a dry run, which publishes elsewhere */
	char temp[PATH_MAX]; /* the database being written */
	struct timespec begun;
};

extern const struct option_row job_options[];

/* Read the command line and do all that can fail before a feed is touched. job_end() after it, whatever
 * it returned.
 *
 * job      all zero but self
 * more     false: there is nothing to do; the status is the program's
 */
enum status job_begin(struct job *job, int argc, char **argv, bool *more);

void job_end(struct job *job);

double seconds_since(const struct timespec *begun); /* by CLOCK_MONOTONIC */

#endif

/* gauge.c - spans are taken by a clock that never jumps, from the moment at which a generation was published by that
 * clock: so they are in order whatever happens to the clock of day. */
#include "gauge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "sinkhole/stats.h"

#define WRITE_EVERY 1000000 /* us */

struct gauge {
	struct sink_stats_file *file;
	const struct counters *counters;
	const atomic_ulong *failures;
	struct mail *mail;
	struct sink_stats stats;
	uint64_t epoch; /* since the generation of stats.reaction is in use */
	int64_t published; /* when that was published, by clock_us() */
	int64_t write_at; /* us */
	char said[SINK_WHY_MAX]; /* why it cannot be written; empty: it can */
};

static int64_t wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void gather(struct gauge *gauge)
{
	struct sink_stats *stats = &gauge->stats;

	stats->written = wall_us(); /* first: what was answered before this is counted */
	for (unsigned action = 0; action < SINK_ACTION_LISTED; action++)
		stats->actions[action] = counters_sum(gauge->counters, action);
	stats->servfail = counters_sum(gauge->counters, COUNTER_SERVFAIL);
	stats->monitored = counters_sum(gauge->counters, COUNTER_MONITORED);
	stats->failed = atomic_load(gauge->failures);
}

/* A failure is said when it begins, and when it ends. */
static void say(struct gauge *gauge, const char *failure)
{
	if (strcmp(gauge->said, failure) == 0)
		return;
	snprintf(gauge->said, sizeof gauge->said, "%s", failure);
	if (failure[0])
		mail_put(gauge->mail, true, "%s: no statistics are written, trying again", failure);
	else
		mail_put(gauge->mail, false, "statistics are written again");
}

static void write_file(struct gauge *gauge)
{
	struct sink_why why = { "" };
	int err = sink_stats_file_write(gauge->file, &gauge->stats, &why);

	say(gauge, err ? why.text : "");
	gauge->write_at = clock_us() + WRITE_EVERY;
}

void gauge_tick(struct gauge *gauge)
{
	if (clock_us() < gauge->write_at)
		return;
	gather(gauge);
	write_file(gauge);
}

/* --- what happens ----------------------------------------------------------------------------- */

static void take_generation(struct gauge *gauge, const struct sink_manifest *manifest)
{
	gauge->stats.generation = (struct sink_stats_generation){
		.serial = manifest->serial,
		.time = manifest->time,
		.names = manifest->names,
		.listings = manifest->listings,
		.paused_since = manifest->paused_since,
		.paused_until = manifest->paused_until,
	};
}

static void take_reaction(struct gauge *gauge, const struct watch_arrival *arrival, uint64_t epoch)
{
	gauge->epoch = epoch;
	gauge->published = arrival->noticed - arrival->waited;
	gauge->stats.reaction = (struct sink_reaction){
		.serial = arrival->manifest->serial,
		.read = arrival->manifest->read,
		.published = arrival->published,
		.noticed = arrival->waited,
		.in_use = arrival->in_use - gauge->published,
		.heard = SINK_STATS_NOT_YET,
		.walked = SINK_STATS_NOT_YET,
		.enforced = SINK_STATS_NOT_YET,
	};
	sink_series_add(&gauge->stats.in_use, gauge->stats.reaction.in_use);
}

void gauge_arrived(struct gauge *gauge, const struct watch_arrival *arrival, uint64_t epoch)
{
	take_generation(gauge, arrival->manifest);
	if (arrival->is_awaited)
		take_reaction(gauge, arrival, epoch);
	gauge->write_at = 0;
}

static int64_t not_before(int64_t earliest, int64_t span)
{
	return span > earliest ? span : earliest;
}

/* What changed since by itself is enforced with it: a schedule, entries that begin. A walk through a cache that was loaded at the
 * very moment may have begun while the old generation was being freed, which is before we call the new one in use. */
void gauge_enforced(struct gauge *gauge, const struct gauge_enforced *enforced)
{
	struct sink_reaction *reaction = &gauge->stats.reaction;

	if (reaction->serial == 0 || reaction->enforced != SINK_STATS_NOT_YET ||
		enforced->epoch < gauge->epoch)
		return;
	reaction->heard = not_before(reaction->in_use, enforced->heard - gauge->published);
	reaction->walked = not_before(reaction->heard, enforced->walked - gauge->published);
	reaction->enforced = not_before(reaction->walked, enforced->at - gauge->published);
	reaction->sets = enforced->sets;
	reaction->messages = enforced->messages;
	sink_series_add(&gauge->stats.enforced, reaction->enforced);
	gauge->write_at = 0;
}

/* --- beginning and end ------------------------------------------------------------------------ */

int gauge_new(const char *dir, const char *version, const struct counters *counters,
	const atomic_ulong *failures, struct mail *mail, struct gauge **out)
{
	struct gauge *gauge = calloc(1, sizeof *gauge);
	int err;

	if (!gauge)
		return SINK_ENOMEM;
	err = sink_stats_file_new(dir, &gauge->file);
	if (err) {
		free(gauge);
		return err;
	}
	gauge->counters = counters;
	gauge->failures = failures;
	gauge->mail = mail;
	gauge->stats.started = wall_us();
	gauge->stats.pid = getpid();
	snprintf(gauge->stats.tool, sizeof gauge->stats.tool, "%s", version);
	gauge->stats.reaction.heard = gauge->stats.reaction.walked =
		gauge->stats.reaction.enforced = SINK_STATS_NOT_YET;
	*out = gauge;
	return SINK_OK;
}

void gauge_free(struct gauge *gauge)
{
	if (!gauge)
		return;
	if (gauge->stats.written && !gauge->said[0]) {
		gather(gauge);
		gauge->stats.ended = gauge->stats.written;
		write_file(gauge);
	}
	sink_stats_file_free(gauge->file);
	free(gauge);
}

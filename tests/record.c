/* record.c - writes a file of counters for stats.sh: record DIR STATE [hold]. With `hold` it goes on writing it, as a
 * resolver does, until it is killed. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sinkhole/policy.h"
#include "sinkhole/stats.h"
#include "sinkhole/store.h"

#define NOON INT64_C(1795262400) /* 2026-11-21T12:00:00Z */
#define MICROS 1000000

static void bare(struct sink_stats *s)
{
	*s = (struct sink_stats){
		.started = NOON * MICROS,
		.written = (NOON + 3600) * MICROS,
		.pid = 4711,
		.tool = "0.1.0",
		.reaction = { .heard = SINK_STATS_NOT_YET,
			.walked = SINK_STATS_NOT_YET,
			.enforced = SINK_STATS_NOT_YET },
	};
}

static void unenforced(struct sink_stats *s)
{
	bare(s);
	s->generation = (struct sink_stats_generation){
		.serial = 42, .time = NOON + 1800, .names = 1000000, .listings = 1000321
	};
	s->reaction.serial = 42;
	s->reaction.read = (NOON + 1795) * MICROS + 125000;
	s->reaction.published = (NOON + 1800) * MICROS + 250000;
	s->reaction.noticed = 300;
	s->reaction.in_use = 2000;
}

static void whole(struct sink_stats *s)
{
	unenforced(s);
	s->ended = s->written;
	s->actions[SINK_ACTION_NONE] = 1000;
	s->actions[SINK_ACTION_NXDOMAIN] = 31;
	s->servfail = 3;
	s->monitored = 12;
	s->failed = 1;
	s->reaction.heard = 2500;
	s->reaction.walked = 100000;
	s->reaction.enforced = 1500000;
	s->reaction.sets = 16;
	s->reaction.messages = 17;
	sink_series_add(&s->in_use, 3000);
	sink_series_add(&s->in_use, 1000);
	sink_series_add(&s->in_use, 2000);
	sink_series_add(&s->enforced, 1500000);
}

static void paused(struct sink_stats *s)
{
	whole(s);
	s->generation.paused_since = NOON;
	s->generation.paused_until = SINK_PAUSED_OPEN;
}

static void resumed(struct sink_stats *s)
{
	paused(s);
	s->generation.paused_until = 1000; /* long ago */
}

static const struct {
	const char *word;
	void (*fill)(struct sink_stats *stats);
} states[] = {
	{ "bare", bare },
	{ "unenforced", unenforced },
	{ "whole", whole },
	{ "paused", paused },
	{ "resumed", resumed },
};

static int write_as(const char *dir, const struct sink_stats *stats, bool hold)
{
	struct sink_stats_file *file;
	struct sink_why why = { "" };
	int err = sink_stats_file_new(dir, &file);

	if (err)
		return 1;
	do {
		err = sink_stats_file_write(file, stats, &why);
		if (hold)
			nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	} while (hold && !err);
	if (err)
		fprintf(stderr, "%s\n", why.text);
	sink_stats_file_free(file);
	return err != SINK_OK;
}

int main(int argc, char **argv)
{
	bool hold = argc == 4 && strcmp(argv[3], "hold") == 0;
	struct sink_stats stats;

	for (size_t i = 0; argc >= 3 && i < sizeof states / sizeof states[0]; i++) {
		if (strcmp(argv[2], states[i].word) != 0)
			continue;
		states[i].fill(&stats);
		if (hold)
			stats.ended = 0;
		return write_as(argv[1], &stats, hold);
	}
	fprintf(stderr, "usage: record DIR STATE [hold]\n");
	return 2;
}

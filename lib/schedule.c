/* schedule.c - when a schedule is on. */
#include "sinkhole/policy.h"

#define WEEK 604800 /* seconds */

/* How many edges are at or before `time`. */
static size_t passed(const struct sink_schedule *schedule, int64_t time)
{
	size_t low = 0, high = schedule->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (schedule->edges[middle] <= time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* After the last edge, the second of the week before it that stands for `now`. */
static int64_t fold(const struct sink_schedule *schedule, int64_t now)
{
	int64_t last = schedule->edges[schedule->count - 1];

	return now < last ? now : last - WEEK + (now - last) % WEEK;
}

static bool is_on(const struct sink_schedule *schedule, int64_t now)
{
	return passed(schedule, fold(schedule, now)) % 2 == 1;
}

/* The first edge after `now`: a change, but perhaps where one week meets the next. */
static int64_t next_edge(const struct sink_schedule *schedule, int64_t now)
{
	int64_t at, wait;

	if (now < schedule->edges[0])
		return schedule->edges[0];
	at = fold(schedule, now);
	wait = schedule->edges[passed(schedule, at)] - at; /* `at` is before the last one */
	return now > INT64_MAX - wait ? INT64_MAX : now + wait;
}

bool sink_schedule_is_on(const struct sink_schedule *schedule, int64_t now, int64_t *next)
{
	bool on = is_on(schedule, now);

	if (!next)
		return on;
	/* A meeting of weeks that changes nothing, an edge; two such meetings, and there is none. */
	*next = now;
	for (int i = 0; i < 3; i++) {
		*next = next_edge(schedule, *next);
		if (*next == INT64_MAX || is_on(schedule, *next) != on)
			return on;
	}
	*next = INT64_MAX;
	return on;
}

/* schedule.h - from days and hours of a place to the seconds at which a schedule goes on and off. The only file
 * that knows time zones: the resolver sees seconds. */
#ifndef TOOLS_SCHEDULE_H
#define TOOLS_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sinkhole/err.h"

#define SCHEDULE_HOURS_MAX 8 /* ranges of a day */
#define SCHEDULE_DAYS_AHEAD 400 /* that are written out */

struct schedule_hours {
	int from,
		until; /* minutes since midnight, 0 to 1439 and 1 to 1440; until <= from: of the next day */
};

struct schedule_week {
	uint8_t days; /* bit 0: Monday; 0: every day */
	struct schedule_hours hours[SCHEDULE_HOURS_MAX];
	size_t count; /* 0: all day */
	const char *zone; /* of the IANA database: "Europe/Paris" */
};

/* Is there such a zone? Compares with the files of tzdata ($TZDIR, or /usr/share/zoneinfo). */
bool schedule_is_zone(const char *zone);

/* Read "08:00-16:30". 24:00 is the midnight that ends the day.
 *
 * returns  false: it is none, or begins when it ends
 */
bool schedule_hours_parse(const char *text, struct schedule_hours *out);

/* Write out when it is on, from eight days before `now` to SCHEDULE_DAYS_AHEAD after it; ranges that touch are one.
 *
 * A time that the clock shows twice (in autumn) begins a range when it is shown first, and ends one when it is shown
 * last; for a time that it leaves out (in spring) the moment of the leap stands.
 *
 * now      seconds since 1970-01-01 UTC
 * edges    on, off, on ..., rising; the caller frees it; written on SINK_OK only
 * count    even; 0: it is always on, and *edges is NULL
 * returns  SINK_OK; SINK_ENOENT (no such zone); SINK_EINVAL (not a second of it lies between 1970 and 9999);
 *          SINK_ENOMEM
 * thread   one, and no other may ask for local time meanwhile: it changes TZ, and puts it back
 */
int schedule_expand(const struct schedule_week *week, int64_t now, int64_t **edges, size_t *count);

#endif

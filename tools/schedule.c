/* schedule.c - local time by the C library, which knows the zones' rules. */
#include "schedule.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY 86400 /* seconds */
#define DAYS_BEHIND 8 /* a lookup may ask about last week */
#define LATEST INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define MINUTES 1440 /* of a day */

/* --- zones -------------------------------------------------------------------------------------------- */

/* Words as the IANA database has them: nothing that leads out of the directory, nothing hidden. */
static bool is_zone_name(const char *zone)
{
	static const char bytes[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";

	return zone[0] && zone[0] != '/' && zone[strspn(zone, bytes)] == 0 && !strstr(zone, "//") &&
		strlen(zone) < 64;
}

static bool zone_path(const char *zone, char out[PATH_MAX])
{
	const char *dir = getenv("TZDIR");

	return is_zone_name(zone) &&
		snprintf(out, PATH_MAX, "%s/%s", dir && dir[0] ? dir : "/usr/share/zoneinfo",
			zone) < PATH_MAX;
}

bool schedule_is_zone(const char *zone)
{
	char path[PATH_MAX], magic[4];
	struct stat st;
	bool is_one;
	int fd;

	if (!zone_path(zone, path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return false;
	is_one = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		read(fd, magic, sizeof magic) == (ssize_t)sizeof magic &&
		memcmp(magic, "TZif", sizeof magic) == 0;
	close(fd);
	return is_one;
}

/* Local time becomes that of a zone. *was: what zone_leave() puts back, or NULL. */
static int zone_enter(const char *zone, char **was)
{
	const char *old = getenv("TZ");
	/* a file, whatever it is called: "EST5EDT" is a rule otherwise */
	char path[PATH_MAX + 1] = ":";

	*was = NULL;
	if (!zone_path(zone, path + 1))
		return SINK_ENOENT;
	if (old) {
		*was = strdup(old);
		if (!*was)
			return SINK_ENOMEM;
	}
	if (setenv("TZ", path, 1) != 0) {
		free(*was);
		*was = NULL;
		return SINK_ENOMEM;
	}
	tzset();
	return SINK_OK;
}

static void zone_leave(char *was)
{
	if (was)
		setenv("TZ", was, 1);
	else
		unsetenv("TZ");
	tzset();
	free(was);
}

/* --- clocks ------------------------------------------------------------------------------------------- */

/* Seconds that the local clock is ahead of UTC. */
static int64_t offset_at(int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm;

	return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
}

/* The second between `low` and `high` at which the offset becomes another than that of `low`. */
static int64_t leap_between(int64_t low, int64_t high)
{
	int64_t before = offset_at(low);

	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;

		if (offset_at(middle) == before)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* When the local clock shows `clock`, a time written as if it were UTC.
 *
 * last     of two: the second; else the first */
static int64_t moment_of(int64_t clock, bool last)
{
	/* no zone is more than 15 hours from UTC, and none changes twice within two days */
	int64_t before = offset_at(clock - DAY), after = offset_at(clock + DAY);
	int64_t first = clock - before, second = clock - after;
	bool is_first = offset_at(first) == before, is_second = offset_at(second) == after;

	if (is_first && is_second)
		return last ? second : first;
	if (is_first || is_second)
		return is_first ? first : second;
	return leap_between(clock - DAY, clock + DAY);
}

/* --- hours -------------------------------------------------------------------------------------------- */

static bool take_time(const char **at, int *minutes)
{
	const char *c = *at;
	int hour, minute;

	for (int i = 0; i < 5; i++)
		if (i == 2 ? c[i] != ':' : c[i] < '0' || c[i] > '9')
			return false;
	hour = (c[0] - '0') * 10 + c[1] - '0';
	minute = (c[3] - '0') * 10 + c[4] - '0';
	*at = c + 5;
	*minutes = hour * 60 + minute;
	return minute < 60 && *minutes <= MINUTES;
}

bool schedule_hours_parse(const char *text, struct schedule_hours *out)
{
	struct schedule_hours hours;

	if (!take_time(&text, &hours.from) || *text++ != '-' || !take_time(&text, &hours.until))
		return false;
	if (*text || hours.from == MINUTES || hours.from == hours.until)
		return false;
	if (hours.until == 0)
		hours.until = MINUTES;
	*out = hours;
	return true;
}

/* --- ranges ------------------------------------------------------------------------------------------- */

struct range {
	int64_t from, until;
};

static int compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->until > y->until) - (x->until < y->until);
}

static size_t add_day(const struct schedule_week *week, int64_t day, struct range *out)
{
	static const struct schedule_hours all = { 0, MINUTES };
	const struct schedule_hours *hours = week->count > 0 ? week->hours : &all;
	size_t count = week->count > 0 ? week->count : 1, made = 0;
	int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */

	if (week->days && !(week->days & 1 << weekday))
		return 0;
	for (size_t i = 0; i < count; i++) {
		int64_t until = hours[i].until + (hours[i].until <= hours[i].from ? MINUTES : 0);
		struct range range = {
			.from = moment_of(day * DAY + hours[i].from * INT64_C(60), false),
			.until = moment_of(day * DAY + until * 60, true),
		};

		range.from = range.from < 0 ? 0 : range.from;
		range.until = range.until > LATEST ? LATEST : range.until;
		if (range.from < range.until)
			out[made++] = range;
	}
	return made;
}

/* returns  how many remain */
static size_t merge(struct range *ranges, size_t count)
{
	size_t last = 0;

	if (count == 0)
		return 0;
	qsort(ranges, count, sizeof *ranges, compare);
	for (size_t i = 1; i < count; i++) {
		if (ranges[i].from > ranges[last].until)
			ranges[++last] = ranges[i];
		else if (ranges[i].until > ranges[last].until)
			ranges[last].until = ranges[i].until;
	}
	return last + 1;
}

/* Of a week that repeats itself for more than a year, one range is all of it. */
static bool is_always(const struct range *ranges, size_t count)
{
	return count == 1 && ranges[0].until - ranges[0].from >= INT64_C(14) * DAY;
}

static int64_t *edges_of(const struct range *ranges, size_t count)
{
	int64_t *edges = calloc(2 * count, sizeof *edges);

	for (size_t i = 0; edges && i < count; i++) {
		edges[2 * i] = ranges[i].from;
		edges[2 * i + 1] = ranges[i].until;
	}
	return edges;
}

static int expand(const struct schedule_week *week, int64_t now, struct range *ranges,
	int64_t **edges, size_t *count)
{
	int64_t today = now / DAY;
	size_t made = 0;

	for (int64_t day = today - DAYS_BEHIND; day <= today + SCHEDULE_DAYS_AHEAD; day++)
		made += add_day(week, day, ranges + made);
	made = merge(ranges, made);
	if (made == 0)
		return SINK_EINVAL;
	*edges = NULL;
	*count = 0;
	if (is_always(ranges, made))
		return SINK_OK;
	*edges = edges_of(ranges, made);
	if (!*edges)
		return SINK_ENOMEM;
	*count = 2 * made;
	return SINK_OK;
}

int schedule_expand(const struct schedule_week *week, int64_t now, int64_t **edges, size_t *count)
{
	size_t most = (SCHEDULE_DAYS_AHEAD + DAYS_BEHIND + 1) * (week->count ? week->count : 1);
	struct range *ranges;
	char *was;
	int err;

	if (!schedule_is_zone(week->zone))
		return SINK_ENOENT;
	ranges = calloc(most, sizeof *ranges);
	if (!ranges)
		return SINK_ENOMEM;
	err = zone_enter(week->zone, &was);
	if (!err) {
		err = expand(week, now, ranges, edges, count);
		zone_leave(was);
	}
	free(ranges);
	return err;
}

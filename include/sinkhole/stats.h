/* stats.h - what a running resolver tells of itself: counters and times, in one file of its run directory that the
 * module writes and `sinkhole stats` reads. What each number means, and the layout: doc/STATS.md. */
#ifndef SINKHOLE_STATS_H
#define SINKHOLE_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "sinkhole/err.h"
#include "sinkhole/span.h"

#define SINK_STATS_FILE "stats" /* its name in the run directory */
#define SINK_STATS_SIZE 4536 /* bytes of it */
#define SINK_STATS_ACTIONS 16 /* numbers of enum sink_action that there is room for */
#define SINK_STATS_LAST 256 /* spans of a series that are kept */
#define SINK_STATS_TOOL 64 /* bytes, with the NUL */
#define SINK_STATS_NOT_YET (-1) /* for a span */

/* A quantity that comes once a generation: microseconds. */
struct sink_series {
	uint64_t count; /* how many there were */
	int64_t last[SINK_STATS_LAST]; /* the n-th, from 0, at n modulo SINK_STATS_LAST */
};

/* The generation in use. */
struct sink_stats_generation {
	uint64_t serial; /* 0: none, and the rest is 0 */
	int64_t time; /* of publication, as its manifest says; seconds since 1970 */
	uint64_t names, listings;
	int64_t paused_since, paused_until; /* as in struct sink_manifest */
};

/* The last generation that was published while the resolver ran, and when it took hold: `published` in microseconds
 * since 1970, the others in microseconds from there, none before the one above it. */
struct sink_reaction {
	uint64_t serial; /* 0: there was none; the last three are NOT_YET then, and the rest 0 */
	int64_t published, noticed, in_use;
	int64_t heard, walked, enforced; /* or SINK_STATS_NOT_YET, and so are those that follow */
	uint64_t sets, messages; /* removed from the caches */
	int64_t read; /* when what is new in it was read, microseconds since 1970; 0: nothing was */
};

/* Times are microseconds since 1970; all numbers are below 2^63. */
struct sink_stats {
	int64_t written, started;
	int64_t ended; /* 0: it runs, or has ended without a word */
	int64_t pid;
	char tool[SINK_STATS_TOOL]; /* version of the module: printable ASCII */
	struct sink_stats_generation generation;
	uint64_t actions[SINK_STATS_ACTIONS]; /* answers, by enum sink_action */
	uint64_t servfail, monitored, failed;
	struct sink_reaction reaction;
	struct sink_series in_use, enforced;
};

/* Add a span to a series. */
void sink_series_add(struct sink_series *series, int64_t span);

/* How the spans that are kept are spread. */
struct sink_spread {
	unsigned count; /* of those; 0: the rest is 0 */
	int64_t min, median, p95, max; /* each one that is there: the nearest rank */
};

struct sink_spread sink_series_spread(const struct sink_series *series);

/* Write the bytes of the file.
 *
 * returns  SINK_OK; SINK_ENOMEM (for the digest; `out` is of no use)
 */
int sink_stats_encode(const struct sink_stats *stats, uint8_t out[SINK_STATS_SIZE]);

/* Read them, strictly.
 *
 * why      what is wrong, without the file's name
 * returns  SINK_OK; SINK_ECORRUPT; SINK_EVERSION; SINK_ENOMEM
 */
int sink_stats_decode(struct sink_span bytes, struct sink_why *why, struct sink_stats *out);

/* Read the file of a run directory. What cannot be read while a resolver is writing is read again, for two seconds at
 * most.
 *
 * runs     a resolver is writing: it lives, or another one that shares its directory
 * returns  SINK_OK; SINK_ENOENT; SINK_ECORRUPT (also: no regular file); SINK_EVERSION; SINK_ENOMEM; SINK_EIO
 */
int sink_stats_read(const char *dir, struct sink_why *why, bool *runs, struct sink_stats *out);

/* The file as its writer has it. */
struct sink_stats_file;

/* dir      copied; nothing is opened yet
 * returns  SINK_OK; SINK_ENOMEM
 */
int sink_stats_file_new(const char *dir, struct sink_stats_file **out);

/* Write the file anew, whatever became of it since the last time: made again if it is gone, or replaced; cut, or filled,
 * to its size. The directory is made if its parent is there. By one thread at a time.
 *
 * returns  SINK_OK; SINK_EBUSY (another process writes it); SINK_ECORRUPT (what has its name is no regular file);
 *          SINK_ENOENT, SINK_EIO; SINK_ENOMEM. After a failure the next call tries again
 * cost     a few system calls, SHA-256 of 4 KiB; waits for the file system
 */
int sink_stats_file_write(struct sink_stats_file *file, const struct sink_stats *stats,
	struct sink_why *why);

/* The file stays. NULL is fine. */
void sink_stats_file_free(struct sink_stats_file *file);

#endif

/* watch.h - notices a new generation in the data directory, and replaced geo files, and puts them in use; and tells
 * when a schedule of the policy goes on or off, when a pause is over, and when entries begin or end to be valid. Its
 * thread touches
 * nothing of Unbound's: a reload of the resolver frees that before it tells us, so it knows no
 * Unbound header and what it has to say goes through the mail. */
#ifndef MODULE_WATCH_H
#define MODULE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail.h"
#include "sinkhole/current.h"
#include "trust.h"

struct watch;

/* dir      the data directory; copied; need not exist yet
 * current  where generations are put in use; outlives the watch
 * mail     gets a line for each generation put in use, and for each failure once; outlives the
 *          watch
 * out      for watch_stop()
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO (no file descriptor)
 */
int watch_new(const char *dir, struct sink_current *current, struct mail *mail, struct watch **out);

/* Put in use only what may be taken. Before the first look; the watch frees it in the end. */
void watch_trust(struct watch *watch, struct trust *trust);
/* How a generation came into use. */
struct watch_arrival {
	const struct sink_manifest *manifest; /* borrowed for the call */
	/* It was published while the watch was looking in a thread of its own. Else nobody waited for it, and what
	 * follows is 0. */
	bool is_awaited;
	int64_t published; /* us since 1970: when its manifest came to lie there, as its file system says */
	int64_t waited; /* us from there until it was noticed, at least 0 */
	int64_t noticed, in_use; /* clock_us() */
};

/* Who wants to know, in the watch's thread. */
struct watch_ear {
	/* A generation that was published is about to be put in use, in the place of another one or of none (NULL). May be
	 * NULL. */
	void (*switching)(void *arg, const struct sink_generation *next,
		const struct sink_generation *before);
	/* A generation that was published is in use; `switched` comes next. May be NULL. */
	void (*arrived)(void *arg, const struct watch_arrival *arrival);
	/* Verdicts are others: a generation was put in use, or that one again with other geo files, or one of its
	 * schedules went on or off, or its pause is over, or entries began or ended (sink_current_epoch() has
	 * changed). May be NULL. */
	void (*switched)(void *arg);
	/* The same, of entries that turn so soon after others that the mail got no line about it: what follows from
	 * it is not worth one either. May be NULL. */
	void (*turned)(void *arg);
	/* Time has passed. Returns milliseconds until it wants to be called again; it may be
	 * called earlier. */
	int (*tick)(void *arg);
	void *arg;
};

/* Tell of what happens from now on, no other ear than this. Before watch_start() only. */
void watch_tell(struct watch *watch, const struct watch_ear *ear);

/* Look once, in the calling thread: put a generation in use if a newer one is published. Before
 * watch_start() only.
 *
 * cost     a few system calls if nothing changed; else what sink_generation_open() costs
 */
void watch_look(struct watch *watch);

/* Look from now on in a thread of its own: whenever the directory changes, and every 50 ms for
 * the file systems and moments that inotify does not cover.
 *
 * returns  SINK_OK; SINK_EIO (errno says why; nothing is started)
 */
int watch_start(struct watch *watch);

/* End the thread, within milliseconds also while it loads, and free the watch. NULL is fine. */
void watch_stop(struct watch *watch);

/* Bytes of the database in use, base and delta; 0 if none. Any thread. */
size_t watch_bytes(const struct watch *watch);

#endif

/* watch.c - two rules: what is in use stays until something better was verified, and a failure is
 * said when it begins and when it ends, not at every look between.
 *
 * Five things make verdicts others: a generation that is published, a geo file that is replaced, a schedule of the
 * policy that goes on or off, a pause that is over, and an entry that begins or ends to be valid. */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "sinkhole/store.h"
#include "stamp.h"
#include "tally.h"
#include "trust.h"

#define LOOK_EVERY 50 /* ms */

/* Some failures pass without the manifest changing: memory, a base that is copied after it. */
#define RETRY_FIRST 1000 /* ms */
#define RETRY_LAST 60000 /* ms, doubling up to it: a damaged base costs its reading each time */

#define GEO_EVERY 1000 /* ms between looks at geo files, which lie elsewhere; failures double it */

#define TURNS_EVERY \
	60000 /* ms between two lines about entries: they may begin one by one, every second */

#define TALLY_EVERY 3600 /* seconds between two lines about what was monitored */

#define CHANGES (IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR)

/* Sentences about geo files; see sink_generation_options. */
struct neutral {
	unsigned count;
	char text[SINK_GEO_KINDS][SINK_WHY_MAX];
};

struct watch {
	char *dir, *path; /* of the manifest */
	struct sink_current *current;
	struct mail *mail;
	struct watch_ear ear;
	struct trust *trust; /* NULL: everything is taken */
	struct stamp stamp; /* of the manifest looked at last */
	bool attends; /* in a thread of its own */
	struct watch_arrival arrival; /* of that manifest, if it is put in use */
	int64_t switched_at; /* clock_us(): a generation was put in use */
	struct sink_manifest used; /* in use; serial 0: none */
	time_t second; /* for which the next two were looked for last */
	int64_t edge; /* the second at which a schedule goes on or off, or a pause is over */
	int64_t turn; /* and that at which entries begin or end */
	int64_t paused_until; /* as was said last; 0: it is not paused */
	bool expired; /* as was said last */
	int64_t quiet_until; /* ms: nothing is said about entries that turn */
	int64_t geo_at, geo_pause; /* ms */
	struct neutral neutral, opening; /* what is said of geo files: in use, and being opened */
	char geo_said[MAIL_TEXT_MAX]; /* why they could not be opened again; empty: they could */
	struct tally *tally; /* of what was monitored */
	int64_t tally_from; /* ms */
	atomic_size_t bytes;
	bool told_direct;
	bool failed; /* at the last look that did something */
	char said[MAIL_TEXT_MAX]; /* about that failure */
	bool base_failed; /* that failure was not the manifest's */
	int64_t retry_at; /* ms; 0: not before the manifest changes */
	int64_t retry_pause; /* ms */
	int wake, notify; /* descriptors; notify may be -1 */
	int directory; /* inotify's number for it, or -1 */
	atomic_bool cancel;
	bool running;
	pid_t owner; /* the process that has the thread */
	pthread_t thread;
};

static int64_t now_ms(void)
{
	return clock_us() / 1000;
}

static int64_t us_of(struct timespec time)
{
	return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* --- what is looked at --- */

/* From the rename that put it there, which its change time is of; that of a file server may be ahead of ours. */
static struct watch_arrival arrival_now(const struct watch *w)
{
	struct watch_arrival arrival = { .is_awaited = w->attends };
	struct timespec now;

	if (!w->attends)
		return arrival;
	clock_gettime(CLOCK_REALTIME, &now);
	arrival.noticed = clock_us();
	arrival.published = us_of(w->stamp.changed);
	if (us_of(now) > arrival.published)
		arrival.waited = us_of(now) - arrival.published;
	return arrival;
}

static bool stamp_changed(struct watch *w)
{
	struct stamp stamp = stamp_of(w->path, lstat);

	if (stamp_same(&stamp, &w->stamp))
		return false;
	w->stamp = stamp;
	w->arrival = arrival_now(w);
	return true;
}

/* Adding a watch again is how to learn that the directory is another one now; for the same one
 * the kernel answers with the same number. */
static void attend_directory(struct watch *w)
{
	int directory;

	if (w->notify < 0)
		return;
	directory = inotify_add_watch(w->notify, w->dir, CHANGES);
	if (directory == w->directory)
		return;
	if (w->directory >= 0)
		inotify_rm_watch(w->notify, w->directory);
	w->directory = directory;
}

/* --- what is said --- */

static void say_failure(struct watch *w, int err, const struct sink_why *why)
{
	char text[MAIL_TEXT_MAX];
	bool absent = err == SINK_ENOENT && w->stamp.error != 0;

	if (absent)
		snprintf(text, sizeof text, "nothing is published in \"%s\"", w->dir);
	else
		snprintf(text, sizeof text, "%s", why->text);
	if (w->failed && strcmp(text, w->said) == 0)
		return;
	w->failed = true;
	memcpy(w->said, text, sizeof w->said);
	if (w->used.serial)
		mail_put(w->mail, true, "%s: generation %llu stays in use", text,
			(unsigned long long)w->used.serial);
	else
		mail_put(w->mail, true, "%s: answering unfiltered, and looking again", text);
}

static void say_again(struct watch *w)
{
	if (w->failed)
		mail_put(w->mail, false, "generation %llu, still in use, is readable again",
			(unsigned long long)w->used.serial);
	w->failed = false;
}

static bool same_names(const struct sink_manifest *a, const struct sink_manifest *b)
{
	return sink_is_same_base(a, b) && sink_is_same_delta(a, b);
}

static void say_in_use(struct watch *w, const struct sink_manifest *before, int64_t began)
{
	const struct sink_generation *generation = sink_current_generation(w->current);
	size_t rules = sink_generation_policy(generation)->rules_count;
	struct sink_summary summary;
	char policy[64] = "";

	sink_db_summary(sink_generation_db(generation), &summary);
	if (before->serial && same_names(before, &w->used))
		snprintf(policy, sizeof policy, "; same names, policy of %zu rule%s", rules,
			rules == 1 ? "" : "s");
	w->failed = false;
	mail_put(w->mail, false, "generation %llu in use, %llu names, %.3f seconds to switch%s",
		(unsigned long long)w->used.serial, (unsigned long long)summary.names,
		(double)(now_ms() - began) / 1000, policy);
}

/* returns  0: it is not paused */
static int64_t pause_of_now(const struct watch *w)
{
	return sink_is_paused(&w->used, w->second) ? w->used.paused_until : 0;
}

static void put_moment(int64_t moment, char out[32])
{
	time_t time = (time_t)moment;
	struct tm tm;

	if (!gmtime_r(&time, &tm) || !strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		out[0] = 0;
}

/* When filtering stops, when that is to end at another time, and when filtering is back. */
static void say_pause(struct watch *w)
{
	int64_t until = pause_of_now(w);
	char end[64] = "'sinkhole resume'";

	if (until == w->paused_until)
		return;
	w->paused_until = until;
	if (until != SINK_PAUSED_OPEN)
		put_moment(until, end);
	if (until == 0)
		mail_put(w->mail, false, "generation %llu: filtering is back",
			(unsigned long long)w->used.serial);
	else
		mail_put(w->mail, true,
			"generation %llu: filtering is paused until %s: every query is answered "
			"unfiltered",
			(unsigned long long)w->used.serial, end);
}

/* Nothing fresher has come in time: perhaps somebody keeps it from us. */
static void say_expiry(struct watch *w)
{
	bool expired = sink_is_expired(&w->used, w->second);
	char when[32];

	if (expired == w->expired)
		return;
	w->expired = expired;
	put_moment(w->used.expires, when);
	if (expired)
		mail_put(w->mail, true,
			"generation %llu has expired at %s and nothing fresher was published: it "
			"stays in use",
			(unsigned long long)w->used.serial, when);
	else
		mail_put(w->mail, false, "generation %llu: what is in use has not expired any more",
			(unsigned long long)w->used.serial);
}

static bool is_said(const struct neutral *neutral, const char *text)
{
	for (unsigned i = 0; i < neutral->count; i++)
		if (strcmp(neutral->text[i], text) == 0)
			return true;
	return false;
}

/* A geo file that is missing is said to be so once, however many generations follow. */
static void say_neutral(struct watch *w)
{
	for (unsigned i = 0; i < w->opening.count; i++)
		if (!is_said(&w->neutral, w->opening.text[i]))
			mail_put(w->mail, true, "%s", w->opening.text[i]);
	if (w->neutral.count > 0 && w->opening.count == 0)
		mail_put(w->mail, false, "no rule is neutral for want of a geo file any more");
	w->neutral = w->opening;
}

static void say_geo_failure(struct watch *w, const struct sink_why *why)
{
	if (strcmp(w->geo_said, why->text) == 0)
		return;
	snprintf(w->geo_said, sizeof w->geo_said, "%s", why->text);
	mail_put(w->mail, true, "%s: geo files stay as they were", why->text);
}

/* We asked for a copy in memory. Without one the file must stay what it is, which people should
 * know. */
static void say_direct(struct watch *w, enum sink_map map)
{
	if (map != SINK_MAP_DIRECT || w->told_direct)
		return;
	w->told_direct = true;
	mail_put(w->mail, true,
		"the database is mapped directly from its file, for want of /proc: "
		"replace that file, never change it in place");
}

/* --- what is done --- */

static void hear_neutral(void *arg, const char *text)
{
	struct watch *w = arg;

	if (w->opening.count < SINK_GEO_KINDS)
		snprintf(w->opening.text[w->opening.count++], SINK_WHY_MAX, "%s", text);
}

static int open_generation(struct watch *w, const struct sink_manifest *manifest,
	struct sink_why *why, struct sink_generation **out)
{
	const struct sink_generation_options options = {
		.dir = w->dir,
		.manifest = manifest,
		.map = SINK_MAP_SEALED,
		.cancel = &w->cancel,
		.previous = sink_current_generation(w->current),
		.neutral = hear_neutral,
		.arg = w,
	};

	w->opening.count = 0;
	return sink_generation_open(&options, why, out);
}

static void tell_arrival(struct watch *w)
{
	w->arrival.manifest = &w->used;
	if (w->arrival.is_awaited)
		w->arrival.in_use = w->switched_at;
	if (w->ear.arrived)
		w->ear.arrived(w->ear.arg, &w->arrival);
}

static void tell_ear(struct watch *w)
{
	if (w->ear.switched)
		w->ear.switched(w->ear.arg);
}

static void find_edges(struct watch *w, time_t now)
{
	const struct sink_generation *generation = sink_current_generation(w->current);

	w->second = now;
	w->edge = sink_generation_next_edge(generation, now);
	w->turn = sink_generation_next_turn(generation, now);
}

/* returns  SINK_OK; else the generation is closed, and the one before in use */
static int switch_to(struct watch *w, struct sink_generation *generation,
	const struct sink_manifest *manifest, struct sink_why *why)
{
	int err;

	if (w->ear.switching)
		w->ear.switching(w->ear.arg, generation, sink_current_generation(w->current));
	err = sink_current_switch(w->current, generation, manifest->serial);
	if (err) {
		sink_generation_close(generation);
		return sink_why(why, err, "generation %llu: %s",
			(unsigned long long)manifest->serial, sink_strerror(err));
	}
	w->switched_at = clock_us();
	w->used = *manifest;
	w->geo_pause = GEO_EVERY;
	w->geo_at = now_ms() + w->geo_pause;
	return SINK_OK;
}

/* Has a second come, of the generation before, at which verdicts are others? Of nobody else's will it be heard. */
static bool has_passed(const struct watch *w, int64_t edge, int64_t turn, time_t since)
{
	return w->second >= edge || w->second >= turn || w->second < since;
}

static int put_in_use(struct watch *w, const struct sink_manifest *manifest, struct sink_why *why,
	int64_t began)
{
	const struct sink_manifest before = w->used;
	const int64_t edge = w->edge, turn = w->turn;
	const time_t since = w->second;
	struct sink_generation *generation;
	int err = open_generation(w, manifest, why, &generation);

	if (!err)
		err = switch_to(w, generation, manifest, why);
	if (err)
		return err;
	find_edges(w, time(NULL)); /* before the ear is told: what has turned by now is judged so */
	atomic_store(&w->bytes, (size_t)(manifest->base_size + manifest->delta_size));
	say_in_use(w, &before, began);
	say_pause(w);
	say_expiry(w);
	say_neutral(w);
	say_direct(w, sink_db_map(sink_generation_db(generation)));
	tell_arrival(w);
	if (before.serial > 0 && has_passed(w, edge, turn, since) && w->ear.turned)
		w->ear.turned(w->ear.arg); /* first, since the switch is worth a line */
	tell_ear(w);
	if (w->trust)
		trust_keep(w->trust, manifest); /* last: it waits for the disk */
	return SINK_OK;
}

/* returns  SINK_OK; as sink_store_manifest(), and as trust_check() */
static int read_manifest(struct watch *w, uint64_t serial, struct sink_why *why,
	struct sink_manifest *out)
{
	int err = sink_store_manifest(w->dir, serial, why, out);

	return err || !w->trust ? err : trust_check(w->trust, out, why);
}

/* Is something published that is not to be used, rather than nothing? */
static bool is_refused(int err)
{
	return err == SINK_EUNSIGNED || err == SINK_EOLD || err == SINK_ECORRUPT;
}

/* After a start: what this resolver used before is known by its serial where there are keys, and mostly still kept. */
static void use_highest(struct watch *w, int64_t began)
{
	uint64_t serial = w->trust ? trust_highest(w->trust) : 0;
	struct sink_manifest manifest;

	if (serial && read_manifest(w, serial, NULL, &manifest) == SINK_OK)
		(void)put_in_use(w, &manifest, NULL, began);
}

/* A serial never goes back while this watch lives: who can replace the files cannot make the
 * resolver forget entries by publishing an old generation. A rollback has a serial of its own. */
static int load(struct watch *w, struct sink_why *why)
{
	int64_t began = now_ms();
	struct sink_manifest manifest;
	int err = read_manifest(w, 0, why, &manifest);

	w->base_failed = false;
	if (err && w->used.serial == 0 && is_refused(err))
		use_highest(w, began);
	if (err)
		return err;
	if (manifest.serial > w->used.serial) {
		err = put_in_use(w, &manifest, why, began);
		w->base_failed = err != SINK_OK;
		return err;
	}
	if (manifest.serial < w->used.serial)
		return sink_why(why, SINK_EOLD, "generation %llu is published, which is older",
			(unsigned long long)manifest.serial);
	if (!same_names(&manifest, &w->used) || !sink_is_same_policy(&manifest, &w->used) ||
		!sink_is_same_pause(&manifest, &w->used) || manifest.expires != w->used.expires)
		return sink_why(why, SINK_EOLD, "generation %llu is published with other content",
			(unsigned long long)manifest.serial);
	say_again(w);
	return SINK_OK;
}

/* Would looking again help, although the manifest stays what it is? */
static bool may_pass(const struct watch *w, int err)
{
	switch (err) {
	case SINK_ENOMEM:
	case SINK_EIO:
		return true;
	case SINK_ENOENT: /* not `current` itself, but what belongs to it */
		return w->stamp.error == 0;
	case SINK_ECORRUPT:
	case SINK_EVERSION:
		return w->base_failed;
	}
	return false;
}

static void plan_retry(struct watch *w, int err, bool changed)
{
	if (!may_pass(w, err)) {
		w->retry_at = 0;
		return;
	}
	w->retry_pause = changed ? RETRY_FIRST : w->retry_pause * 2;
	if (w->retry_pause > RETRY_LAST)
		w->retry_pause = RETRY_LAST;
	w->retry_at = now_ms() + w->retry_pause;
}

static void look_at_manifest(struct watch *w)
{
	struct sink_why why = { "" };
	bool changed;
	int err;

	attend_directory(w);
	changed = stamp_changed(w);
	if (w->trust && trust_changed(w->trust))
		changed = true;
	if (!changed && (w->retry_at == 0 || now_ms() < w->retry_at))
		return;
	err = load(w, &why);
	if (err == SINK_ECANCELED)
		return;
	if (err)
		say_failure(w, err, &why);
	plan_retry(w, err, changed);
}

/* Entries may turn as often as their feeds please. */
static void tell_turn(struct watch *w)
{
	if (now_ms() < w->quiet_until) {
		if (w->ear.turned)
			w->ear.turned(w->ear.arg);
		return;
	}
	w->quiet_until = now_ms() + TURNS_EVERY;
	mail_put(w->mail, false, "generation %llu: entries begin or end to be valid",
		(unsigned long long)w->used.serial);
	tell_ear(w);
}

static void tell_edge(struct watch *w)
{
	if (pause_of_now(w) != w->paused_until)
		say_pause(w);
	else
		mail_put(w->mail, false, "generation %llu: a schedule goes on or off",
			(unsigned long long)w->used.serial);
	tell_ear(w);
}

/* Whichever way the clock goes. */
static void look_at_clock(struct watch *w)
{
	const int64_t edge = w->edge, turn = w->turn;
	time_t now = time(NULL);

	if (now == w->second)
		return;
	find_edges(w, now);
	say_expiry(w);
	if (w->edge == edge && w->turn == turn)
		return;
	sink_current_turn(w->current);
	if (w->edge != edge)
		tell_edge(w);
	if (w->turn != turn)
		tell_turn(w);
}

static int open_geo_again(struct watch *w, struct sink_why *why)
{
	const struct sink_manifest manifest = w->used;
	struct sink_generation *generation;
	int64_t began = now_ms();
	bool changed;
	int err = open_generation(w, &manifest, why, &generation);

	if (err)
		return err;
	changed = !sink_generation_has_geo_of(generation, sink_current_generation(w->current));
	err = switch_to(w, generation, &manifest, why);
	if (err)
		return err;
	w->geo_said[0] = 0;
	if (changed)
		mail_put(w->mail, false,
			"generation %llu: geo files replaced, %.3f seconds to switch",
			(unsigned long long)w->used.serial, (double)(now_ms() - began) / 1000);
	say_neutral(w);
	if (changed)
		tell_ear(w);
	return SINK_OK;
}

/* One that is written to all the time, or cannot be had for want of memory, is looked at less and less often. */
static void look_at_geo(struct watch *w)
{
	int64_t pause = 2 * w->geo_pause;
	struct sink_why why = { "" };
	int err;

	if (now_ms() < w->geo_at)
		return;
	w->geo_at = now_ms() + GEO_EVERY;
	if (!sink_generation_is_stale(sink_current_generation(w->current)))
		return;
	err = open_geo_again(w, &why);
	if (err == SINK_ECANCELED)
		return;
	if (err)
		say_geo_failure(w, &why);
	else if (!sink_generation_is_stale(sink_current_generation(w->current)))
		return;
	w->geo_pause = pause < RETRY_LAST ? pause : RETRY_LAST;
	w->geo_at = now_ms() + w->geo_pause;
}

static void hear_noted(void *arg, const struct sink_rule *rule, uint64_t count)
{
	const struct watch *w = arg;

	tally_add(w->tally, rule, count);
}

/* Also when nothing is left that could note anything, about what was noted before. */
static void say_tally(struct watch *w)
{
	int64_t now = now_ms();

	sink_current_take_noted(w->current);
	tally_say(w->tally, w->mail, (now - w->tally_from + 999) / 1000);
	w->tally_from = now;
}

static void look_at_tally(struct watch *w)
{
	if (now_ms() - w->tally_from >= TALLY_EVERY * (int64_t)1000)
		say_tally(w);
}

void watch_look(struct watch *w)
{
	look_at_tally(w);
	look_at_manifest(w);
	if (!sink_current_generation(w->current))
		return;
	look_at_geo(w);
	look_at_clock(w);
}

/* --- when --- */

static void drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof events) > 0)
		; /* what happened does not matter: we look */
}

static int pause_of(struct watch *w)
{
	int pause = w->ear.tick ? w->ear.tick(w->ear.arg) : LOOK_EVERY;

	return pause < LOOK_EVERY ? pause : LOOK_EVERY;
}

void watch_trust(struct watch *w, struct trust *trust)
{
	w->trust = trust;
}

void watch_tell(struct watch *w, const struct watch_ear *ear)
{
	w->ear = *ear;
}

static void *run(void *arg)
{
	struct watch *w = arg;

	w->attends = true;
	while (!atomic_load(&w->cancel)) {
		struct pollfd fds[] = {
			{ .fd = w->wake, .events = POLLIN },
			{ .fd = w->notify, .events = POLLIN }, /* passed over if negative */
		};

		poll(fds, sizeof fds / sizeof fds[0], pause_of(w));
		if (fds[1].revents)
			drain(w->notify);
		watch_look(w);
	}
	return NULL;
}

int watch_start(struct watch *w)
{
	sigset_t all, before;
	int error;

	/* A thread inherits its creator's mask: signals are for the workers. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		errno = error;
		return SINK_EIO;
	}
	pthread_setname_np(w->thread, "sinkhole-watch");
	w->owner = getpid();
	w->running = true;
	return SINK_OK;
}

int watch_new(const char *dir, struct sink_current *current, struct mail *mail, struct watch **out)
{
	struct watch *w = calloc(1, sizeof *w);

	if (!w)
		return SINK_ENOMEM;
	w->current = current;
	w->mail = mail;
	w->directory = -1;
	w->stamp.error = -1; /* like no other: the first look looks */
	w->tally = tally_new();
	w->tally_from = now_ms();
	sink_current_tell(current, hear_noted, w);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	w->dir = strdup(dir);
	if (!w->dir || asprintf(&w->path, "%s/current", dir) < 0)
		w->path = NULL;
	if (w->wake < 0 || !w->path || !w->tally) {
		int err = w->wake < 0 ? SINK_EIO : SINK_ENOMEM;

		watch_stop(w);
		return err;
	}
	*out = w;
	return SINK_OK;
}

static void end_thread(struct watch *w)
{
	atomic_store(&w->cancel, true);
	eventfd_write(w->wake, 1); /* were it to fail: LOOK_EVERY ends too */
	pthread_join(w->thread, NULL);
}

void watch_stop(struct watch *w)
{
	if (!w)
		return;
	if (w->running && w->owner == getpid()) /* in a forked child there is no thread to join */
		end_thread(w);
	if (w->tally)
		say_tally(w);
	sink_current_tell(w->current, NULL, NULL);
	tally_free(w->tally);
	trust_free(w->trust);
	if (w->notify >= 0)
		close(w->notify);
	if (w->wake >= 0)
		close(w->wake);
	free(w->dir);
	free(w->path);
	free(w);
}

size_t watch_bytes(const struct watch *w)
{
	return atomic_load(&w->bytes);
}

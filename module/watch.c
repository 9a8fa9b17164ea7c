/* watch.c - two rules: what is in use stays until something better was verified, and a failure is
 * said when it begins and when it ends, not at every look between. */
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

#include "sinkhole/store.h"

#define LOOK_EVERY 50 /* ms */

/* Some failures pass without the manifest changing: memory, a base that is copied after it. */
#define RETRY_FIRST 1000 /* ms */
#define RETRY_LAST 60000 /* ms, doubling up to it: a damaged base costs its reading each time */

#define CHANGES (IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR)

/* What tells one manifest from the next without reading it: a rename brings another inode. */
struct stamp {
	int error; /* errno of lstat(); the rest is zero then */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified, changed;
};

struct watch {
	char *dir, *path; /* of the manifest */
	struct sink_current *current;
	struct mail *mail;
	struct watch_ear ear;
	struct stamp stamp; /* of the manifest looked at last */
	struct sink_manifest used; /* in use; serial 0: none */
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
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- what is looked at --- */

static struct stamp stamp_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return (struct stamp){ .error = errno };
	return (struct stamp){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.size = st.st_size,
		.modified = st.st_mtim,
		.changed = st.st_ctim,
	};
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->error == b->error && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
		same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

static bool stamp_changed(struct watch *w)
{
	struct stamp stamp = stamp_of(w->path);

	if (same_stamp(&stamp, &w->stamp))
		return false;
	w->stamp = stamp;
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

static void say_in_use(struct watch *w, int64_t began)
{
	w->failed = false;
	mail_put(w->mail, false, "generation %llu in use, %llu names, %.3f seconds to switch",
		(unsigned long long)w->used.serial, (unsigned long long)w->used.names,
		(double)(now_ms() - began) / 1000);
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

static int put_in_use(struct watch *w, const struct sink_manifest *manifest, struct sink_why *why,
	int64_t began)
{
	enum sink_map map;
	struct sink_db *db;
	int err = sink_store_open(w->dir, manifest, SINK_MAP_SEALED, &w->cancel, why, &db);

	if (err)
		return err;
	map = sink_db_map(db);
	err = sink_current_switch(w->current, db, manifest->serial);
	if (err) {
		sink_db_close(db);
		return sink_why(why, err, "generation %llu: %s",
			(unsigned long long)manifest->serial, sink_strerror(err));
	}
	w->used = *manifest;
	atomic_store(&w->bytes, (size_t)manifest->base_size);
	say_in_use(w, began);
	say_direct(w, map);
	if (w->ear.switched)
		w->ear.switched(w->ear.arg, manifest->serial);
	return SINK_OK;
}

static bool same_base(const struct sink_manifest *a, const struct sink_manifest *b)
{
	return a->base_size == b->base_size &&
		memcmp(a->base_digest, b->base_digest, sizeof a->base_digest) == 0;
}

/* A serial never goes back while this watch lives: who can replace the files cannot make the
 * resolver forget entries by publishing an old generation. A rollback has a serial of its own. */
static int load(struct watch *w, struct sink_why *why)
{
	int64_t began = now_ms();
	struct sink_manifest manifest;
	int err = sink_store_manifest(w->dir, 0, why, &manifest);

	w->base_failed = false;
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
	if (!same_base(&manifest, &w->used))
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

void watch_look(struct watch *w)
{
	struct sink_why why = { "" };
	bool changed;
	int err;

	attend_directory(w);
	changed = stamp_changed(w);
	if (!changed && (w->retry_at == 0 || now_ms() < w->retry_at))
		return;
	err = load(w, &why);
	if (err == SINK_ECANCELED)
		return;
	if (err)
		say_failure(w, err, &why);
	plan_retry(w, err, changed);
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

void watch_tell(struct watch *w, const struct watch_ear *ear)
{
	w->ear = *ear;
}

static void *run(void *arg)
{
	struct watch *w = arg;

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
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	w->dir = strdup(dir);
	if (!w->dir || asprintf(&w->path, "%s/current", dir) < 0)
		w->path = NULL;
	if (w->wake < 0 || !w->path) {
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

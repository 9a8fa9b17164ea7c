/* worker.c - what runs in a worker runs on its event loop, between two queries; any other thread only
 * writes to the eventfd that wakes it. */
#include "worker.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "raise.h"
#include "sinkhole/err.h"
#include "ub.h"

struct slot {
	struct workers *workers;
	struct module_env *env; /* the worker's own; NULL: not met yet */
	struct ub_event *event; /* the worker's own; NULL: its loop takes none */
	int fd; /* valid while `listens` */
	atomic_bool listens; /* the event is on the loop */
	atomic_uint heard; /* the last call that the worker heard */
	struct queries queries;
	struct import import; /* the worker's own */
};

struct workers {
	struct mail *mail;
	worker_fn *work;
	void *arg;
	atomic_uint calls;
	atomic_uint met; /* slots below this number may be in use */
	atomic_bool waits; /* a call that workers without an event loop have not answered */
	unsigned count;
	struct slot slots[];
};

/* --- the log --- */

static void log_line(void *arg, bool alarm, const char *text)
{
	const char **prefix = arg;

	if (alarm)
		log_warn("%s: %s", *prefix, text);
	else
		log_info("%s: %s", *prefix, text);
}

void workers_log(struct mail *mail, const char *prefix)
{
	mail_take(mail, log_line, &prefix);
}

/* --- calling --- */

/* Whoever put a line may be any thread; one worker that hears of it is enough. While none listens
 * the line waits: the first one that comes asks for it. */
static void wake_one(void *arg)
{
	struct workers *workers = arg;
	unsigned met = atomic_load(&workers->met);

	for (unsigned i = 0; i < met; i++) {
		struct slot *slot = &workers->slots[i];

		if (atomic_load(&slot->listens) && eventfd_write(slot->fd, 1) == 0)
			return;
	}
}

void workers_call(struct workers *workers)
{
	unsigned met;

	atomic_fetch_add(&workers->calls, 1);
	atomic_store(&workers->waits, true);
	met = atomic_load(&workers->met);
	for (unsigned i = 0; i < met; i++)
		if (atomic_load(&workers->slots[i].listens))
			eventfd_write(workers->slots[i].fd, 1);
}

void workers_call_first(struct workers *workers)
{
	if (workers->count > 0 && atomic_load(&workers->slots[0].listens))
		eventfd_write(workers->slots[0].fd, 1);
}

bool workers_listen(const struct workers *workers)
{
	unsigned met = atomic_load(&workers->met);

	for (unsigned i = 0; i < met; i++)
		if (atomic_load(&workers->slots[i].listens))
			return true;
	return false;
}

bool workers_heard(const struct workers *workers)
{
	unsigned calls = atomic_load(&workers->calls), met = atomic_load(&workers->met);

	for (unsigned i = 0; i < met; i++) {
		const struct slot *slot = &workers->slots[i];

		if (atomic_load(&slot->listens) && atomic_load(&slot->heard) != calls)
			return false;
	}
	return true;
}

/* One call of the work each time the loop comes by: what else waits on the loop comes between. */
static void on_wake(int fd, short bits, void *arg)
{
	struct slot *slot = arg;
	struct workers *workers = slot->workers;
	eventfd_t times;

	(void)bits;
	if (eventfd_read(fd, &times))
		return;
	/* The worker's clock stands still between its own events, however long: what begins or ends now would be judged
	 * by the time of the last packet. */
	ub_comm_base_now(slot->env->worker_base);
	atomic_store(&slot->heard, atomic_load(&workers->calls));
	if (mail_waits(workers->mail))
		workers_log(workers->mail, "sinkhole");
	if (workers->work && workers->work(workers->arg, slot->env, false))
		eventfd_write(fd, 1);
}

/* --- meeting --- */

/* testbound has no event loop to be on, and Unbound's own small loop refuses callbacks that are
 * not on its list; there everything is done whenever a query comes. */
static bool has_loop(const struct module_env *env)
{
#ifdef USE_MINI_EVENT
	(void)env;
	return false;
#else
	return env->worker_base && comm_base_internal(env->worker_base);
#endif
}

static void register_event(struct slot *slot)
{
	if (!has_loop(slot->env))
		return;
	slot->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (slot->fd < 0)
		return;
	slot->event = ub_event_new(comm_base_internal(slot->env->worker_base), slot->fd,
		UB_EV_READ | UB_EV_PERSIST, on_wake, slot);
	if (!slot->event || ub_event_add(slot->event, NULL)) {
		ub_event_free(slot->event);
		slot->event = NULL;
		close(slot->fd);
		return;
	}
	atomic_store(&slot->heard, atomic_load(&slot->workers->calls));
	atomic_store(&slot->listens, true);
	eventfd_write(slot->fd, 1); /* there may be work already */
}

static struct slot *slot_of(struct workers *workers, const struct module_env *env)
{
	unsigned number = (unsigned)env->alloc->thread_num;

	return number < workers->count ? &workers->slots[number] : NULL;
}

static void work_in_line(struct workers *workers, struct module_env *env)
{
	bool in_line = !env->worker_base || !comm_base_internal(env->worker_base);

	if (!workers->work || !atomic_exchange(&workers->waits, false))
		return;
	if (workers->work(workers->arg, env, in_line))
		atomic_store(&workers->waits, true);
}

void workers_meet(struct workers *workers, struct module_env *env)
{
	struct slot *slot = slot_of(workers, env);

	if (slot && slot->event)
		return;
	if (slot && !slot->env) {
		slot->env = env;
		register_event(slot);
		raise_to(&workers->met, (unsigned)env->alloc->thread_num + 1);
	}
	if (mail_waits(workers->mail))
		workers_log(workers->mail, "sinkhole");
	if (!slot || !slot->event)
		work_in_line(workers, env);
}

struct queries *workers_queries(struct workers *workers, const struct module_env *env)
{
	struct slot *slot = slot_of(workers, env);

	return slot ? &slot->queries : NULL;
}

struct import *workers_import(struct workers *workers, const struct module_env *env)
{
	struct slot *slot = slot_of(workers, env);

	return slot ? &slot->import : NULL;
}

uint64_t workers_oldest(const struct workers *workers)
{
	unsigned met = atomic_load(&workers->met);
	uint64_t oldest = QUERIES_NONE;

	for (unsigned i = 0; i < met; i++) {
		uint64_t epoch = atomic_load(&workers->slots[i].queries.epoch);

		if (epoch < oldest)
			oldest = epoch;
	}
	return oldest;
}

/* --- beginning and end --- */

int workers_new(unsigned count, struct mail *mail, struct workers **out)
{
	struct workers *workers = calloc(1, sizeof *workers + count * sizeof workers->slots[0]);

	if (!workers)
		return SINK_ENOMEM;
	workers->mail = mail;
	workers->count = count;
	for (unsigned i = 0; i < count; i++) {
		workers->slots[i].workers = workers;
		atomic_init(&workers->slots[i].queries.epoch, QUERIES_NONE);
	}
	mail_on_put(mail, wake_one, workers);
	*out = workers;
	return SINK_OK;
}

void workers_on_call(struct workers *workers, worker_fn *work, void *arg)
{
	workers->work = work;
	workers->arg = arg;
}

/* Unbound frees the loops before it calls deinit: the event must not be taken off its loop any
 * more, and ub_event_free() does not; it is plain free(). */
static void slot_free(struct slot *slot)
{
	if (!slot->event)
		return;
	ub_event_free(slot->event);
	close(slot->fd);
}

void workers_free(struct workers *workers)
{
	if (!workers)
		return;
	for (unsigned i = 0; i < workers->count; i++)
		slot_free(&workers->slots[i]);
	mail_on_put(workers->mail, NULL, NULL);
	free(workers);
}

#include "worker.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sinkhole/err.h"
#include "ub.h"

struct slot {
	int fd; /* -1: none */
	bool met; /* the worker's own */
	struct ub_event *event; /* the worker's own; NULL: its loop takes none */
	atomic_bool listens; /* the event is on the loop */
};

struct workers {
	struct mail *mail;
	unsigned count;
	struct slot slots[];
};

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

/* Whoever put a line may be any thread; one worker that hears of it is enough. While none listens
 * the line waits: the first one that comes asks for it. */
static void wake_one(void *arg)
{
	struct workers *workers = arg;

	for (unsigned i = 0; i < workers->count; i++) {
		struct slot *slot = &workers->slots[i];

		if (atomic_load(&slot->listens) && eventfd_write(slot->fd, 1) == 0)
			return;
	}
}

static void on_wake(int fd, short bits, void *arg)
{
	struct workers *workers = arg;
	eventfd_t times;

	(void)bits;
	if (eventfd_read(fd, &times) == 0)
		workers_log(workers->mail, "sinkhole");
}

/* testbound has no event loop to be on, and Unbound's own small loop refuses callbacks that are
 * not on its list; there the mail is looked at whenever a query comes. */
static bool has_loop(const struct module_env *env)
{
#ifdef USE_MINI_EVENT
	(void)env;
	return false;
#else
	return env->worker_base && comm_base_internal(env->worker_base);
#endif
}

static void register_event(struct workers *workers, struct slot *slot, struct module_env *env)
{
	if (slot->fd < 0 || !has_loop(env))
		return;
	slot->event = ub_event_new(comm_base_internal(env->worker_base), slot->fd,
		UB_EV_READ | UB_EV_PERSIST, on_wake, workers);
	if (slot->event && ub_event_add(slot->event, NULL)) {
		ub_event_free(slot->event);
		slot->event = NULL;
	}
	atomic_store(&slot->listens, slot->event != NULL);
}

void workers_meet(struct workers *workers, unsigned number, struct module_env *env)
{
	struct slot *slot = number < workers->count ? &workers->slots[number] : NULL;

	if (slot && slot->event)
		return;
	if (slot && !slot->met) {
		slot->met = true;
		register_event(workers, slot, env);
	}
	if (mail_waits(workers->mail))
		workers_log(workers->mail, "sinkhole");
}

int workers_new(unsigned count, struct mail *mail, struct workers **out)
{
	struct workers *workers = calloc(1, sizeof *workers + count * sizeof workers->slots[0]);

	if (!workers)
		return SINK_ENOMEM;
	workers->mail = mail;
	workers->count = count;
	for (unsigned i = 0; i < count; i++)
		workers->slots[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	mail_on_put(mail, wake_one, workers);
	*out = workers;
	return SINK_OK;
}

/* Unbound frees the loops before it calls deinit: the event must not be taken off its loop any
 * more, and ub_event_free() does not; it is plain free(). */
static void slot_free(struct slot *slot)
{
	ub_event_free(slot->event);
	if (slot->fd >= 0)
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

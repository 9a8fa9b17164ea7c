/* enforce.c - in the order of effect: new queries see the new generation at once; then every worker
 * comes by its event loop, so that none is between judging a response by the old generation and
 * storing it; then the caches are walked through, while what a delta names is gone already (named.h); then the last query
 * is awaited that began before, whose answer may be stored for the moment until it is judged as a whole.
 *
 * Only then can nothing of the old be seen any more, and only then is it said. */
#include "enforce.h"

#include <pthread.h>
#include <stdlib.h>

#include "changed.h"
#include "clock.h"
#include "gauge.h"
#include "greet.h"
#include "mail.h"
#include "named.h"
#include "scope.h"
#include "self.h"
#include "sinkhole/current.h"
#include "sinkhole/err.h"
#include "walk.h"
#include "worker.h"

#define SLICE 400 /* us that a worker walks before it looks after its queries again */
#define NAMES_FIRST \
	20000 /* us that a walk waits for names; a stream of these must not keep it from ever ending */
#define HEAR_MAX \
	20000 /* us to wait for all workers to come by; one may be busy with a control command */
#define REST 3 /* times as long as a walk took, until the next: so walking never takes over */
#define REST_MAX 2000000 /* us */
#define IMPORT_EVERY 200000 /* us between two looks for a loaded cache */
#define TICK 10 /* ms */
#define TICK_IDLE 1000000 /* ms: never; a switch comes by itself */

enum phase {
	IDLE,
	RESTING, /* a walk is wanted, and the last one was only just */
	CALLING, /* until each worker has come by */
	WALKING,
	DRAINING, /* until older queries have ended */
};

/* What was put in use last and is not said to be enforced yet. */
struct owed {
	uint64_t epoch; /* 0: nothing is owed */
	/* us: when it was put in use; when each worker had come by, and when the caches had been walked through, or 0 */
	int64_t at, heard_at, walked_at;
};

struct enforce {
	struct self *self;
	struct walk *walk;
	struct named *named; /* what goes before the walk */
	/* Learned before a switch, by the thread that switches, and for whom */
	struct changed changed;
	struct scope *learned;
	const struct sink_generation *next;
	uint64_t next_epoch;
	pthread_mutex_t lock; /* of what follows */
	enum phase phase;
	uint64_t wanted,
		epoch; /* the newest (sink_current_epoch()); the one that this walk is for */
	int64_t wanted_at, switched_at; /* us, when these were put in use */
	int64_t called_at, begun_at, walked_at, rest_until; /* us */
	struct scope *walked, *waiting; /* what this walk is for, and what the next */
	bool again; /* not every worker had come by: walk once more */
	struct owed owed; /* a line that is to come */
	bool quiet; /* none is to come of the walk */
	struct walk_count untold; /* removed, and not in a line yet */
	unsigned long at_once; /* of these, before a walk */
	int64_t look_at; /* us: for what was loaded into the cache */
};

/* --- each under the lock --- */

/* What is put in use from now on is for the next walk: workers may come by before it is. */
static void take_scope(struct enforce *e)
{
	struct scope *before = e->walked;

	e->walked = e->waiting;
	e->waiting = before;
	scope_clear(e->waiting);
}

static void call(struct enforce *e, int64_t now)
{
	take_scope(e);
	e->phase = CALLING;
	e->epoch = e->wanted;
	e->switched_at = e->wanted_at;
	e->called_at = now;
	workers_call(e->self->workers);
}

static void call_when_rested(struct enforce *e, int64_t now)
{
	if (now < e->rest_until)
		e->phase = RESTING;
	else
		call(e, now);
}

/* The worker brings the caches: our own thread must not touch them. */
static void begin_when_heard(struct enforce *e, struct module_env *env, int64_t now)
{
	bool heard = workers_heard(e->self->workers);

	if (!heard && now - e->called_at < HEAR_MAX)
		return;
	if (walk_begin(e->walk, env, e->walked))
		return; /* no memory: the next call tries again */
	e->again = !heard;
	if (e->again)
		scope_merge(e->waiting, e->walked);
	e->begun_at = now;
	e->phase = WALKING;
}

static void end_walk(struct enforce *e, int64_t now)
{
	struct walk_count count = walk_count(e->walk), named = named_take_count(e->named);
	int64_t rest = (now - e->begun_at) * REST;

	e->untold.sets += count.sets + named.sets;
	e->untold.messages += count.messages + named.messages;
	e->at_once += named.sets + named.messages;
	e->walked_at = now;
	e->rest_until = now + (rest < REST_MAX ? rest : REST_MAX);
	if (e->owed.epoch > 0 && e->owed.walked_at == 0 && !e->again && e->epoch >= e->owed.epoch) {
		e->owed.heard_at = e->begun_at;
		e->owed.walked_at = now;
	}
	if (e->again || e->wanted != e->epoch)
		call_when_rested(e, now);
	else
		e->phase = DRAINING;
}

#define ENFORCED \
	"generation %llu enforced: caches after %.3f seconds, queries after %.3f; " \
	"removed %lu record sets, %lu messages"

static double seconds(int64_t us)
{
	return (double)us / 1e6;
}

/* What is to be said. A line may have to wait for a slow log, and is put when the lock is released: what the workers need
 * it for is not to wait with it. */
struct news {
	int count; /* at most 2: what is owed, and what was loaded into the caches since */
	struct {
		unsigned long long serial;
		double walked, ended; /* seconds */
		struct walk_count count;
		unsigned long at_once;
	} at[2];
};

static void note(struct enforce *e, int64_t since, int64_t walked_at, int64_t now,
	struct news *news)
{
	news->at[news->count].serial = sink_current_serial(e->self->current);
	news->at[news->count].walked = seconds(walked_at - since);
	news->at[news->count].ended = seconds(now - since);
	news->at[news->count].count = e->untold;
	news->at[news->count++].at_once = e->at_once;
	e->untold = (struct walk_count){ 0 };
	e->at_once = 0;
}

static void note_owed(struct enforce *e, int64_t now, struct news *news)
{
	const struct gauge_enforced enforced = {
		.epoch = e->owed.epoch,
		.heard = e->owed.heard_at,
		.walked = e->owed.walked_at,
		.at = now,
		.sets = e->untold.sets,
		.messages = e->untold.messages,
	};

	gauge_enforced(e->self->gauge, &enforced);
	note(e, e->owed.at, e->owed.walked_at, now, news);
}

/* Entries may begin every second, and a query wait longer than that: what is owed does not wait for what came after it. */
static void end_drain(struct enforce *e, int64_t now, struct news *news)
{
	uint64_t oldest = workers_oldest(e->self->workers);

	if (e->owed.epoch && e->owed.walked_at && oldest >= e->owed.epoch) {
		note_owed(e, now, news);
		e->owed = (struct owed){ 0 };
	}
	if (e->phase != DRAINING || oldest < e->epoch)
		return;
	e->phase = IDLE;
	if (!e->quiet && e->untold.sets + e->untold.messages > 0)
		note(e, e->switched_at, e->walked_at, now, news);
}

/* A walk is wanted, for what changed just now. */
static void want(struct enforce *e, int64_t now)
{
	e->wanted = sink_current_epoch(e->self->current);
	e->wanted_at = now;
	if (e->phase == IDLE || e->phase == DRAINING)
		call_when_rested(e, now);
}

/* What was loaded into the cache comes from another time, or from another resolver: walk through it
 * as after a switch. */
static void look_for_import(struct enforce *e, struct module_env *env, int64_t now)
{
	struct import *import = workers_import(e->self->workers, env);

	if (env->alloc->thread_num != 0 || !import || !import_found(import, env->alloc))
		return;
	e->quiet = false;
	e->waiting->whole = true;
	if (sink_current_epoch(e->self->current))
		want(e, now);
}

/* --- not under it --- */

static void tell(struct enforce *e, const struct news *news)
{
	for (int i = 0; i < news->count; i++) {
		char at_once[64] = "";

		if (news->at[i].at_once > 0)
			snprintf(at_once, sizeof at_once, "; %lu of these at once, by name",
				news->at[i].at_once);
		mail_put(e->self->mail, false, ENFORCED "%s", news->at[i].serial,
			news->at[i].walked, news->at[i].ended, news->at[i].count.sets,
			news->at[i].count.messages, at_once);
	}
}

/* --- from outside --- */

/* The work of a worker; see worker.h. */
static bool on_call(void *arg, struct module_env *env, bool in_line)
{
	struct enforce *e = arg;
	bool more = false, walking, named;

	greet_again(e->self, env);
	do
		named = named_on(e->named, e->self, env, SLICE);
	while (in_line && named);
	pthread_mutex_lock(&e->lock);
	if (e->phase == IDLE || e->phase == DRAINING)
		look_for_import(e, env, clock_us());
	if (e->phase == CALLING) {
		begin_when_heard(e, env, clock_us());
		if (e->phase == WALKING)
			workers_call(e->self->workers); /* those who had come by too early */
	}
	/* The walk goes on beside the names after a while. */
	walking = e->phase == WALKING && !(named && clock_us() - e->begun_at < NAMES_FIRST);
	pthread_mutex_unlock(&e->lock);
	if (walking) {
		do
			more = walk_on(e->walk, e->self, env, SLICE);
		while (in_line && more);
		pthread_mutex_lock(&e->lock);
		if (e->phase == WALKING && walk_is_over(e->walk))
			end_walk(e, clock_us());
		pthread_mutex_unlock(&e->lock);
	}
	return more || named;
}

void enforce_switching(struct enforce *e, const struct sink_generation *next,
	const struct sink_generation *before)
{
	changed_learn(&e->changed, next, before);
	scope_clear(e->learned);
	scope_add(e->learned, &e->changed);
	e->next = next;
	e->next_epoch = sink_current_epoch(e->self->current) + 1;
}

/* Is it that switch, and nothing since? It may have failed, or have been one that nobody was told of, since nothing was
 * another by it; and a schedule may go on, or an entry begin, long after. */
static bool is_announced(const struct enforce *e)
{
	return e->next && e->next == sink_current_generation(e->self->current) &&
		e->next_epoch == sink_current_epoch(e->self->current);
}

void enforce_switched(struct enforce *e)
{
	const bool announced = is_announced(e);
	int64_t now = clock_us();

	if (announced && named_go(e->named, &e->changed))
		workers_call(e->self->workers); /* whether or not a walk has to wait */
	pthread_mutex_lock(&e->lock);
	e->quiet = false;
	if (announced)
		scope_merge(e->waiting, e->learned);
	else
		e->waiting->whole = true;
	want(e, now);
	e->owed = (struct owed){ .epoch = e->wanted, .at = now };
	pthread_mutex_unlock(&e->lock);
	e->next = NULL;
}

/* A line that is owed for what came before is still owed. */
void enforce_turned(struct enforce *e)
{
	int64_t now = clock_us();

	pthread_mutex_lock(&e->lock);
	e->quiet = true;
	e->waiting->whole = true;
	want(e, now);
	pthread_mutex_unlock(&e->lock);
}

int enforce_tick(struct enforce *e)
{
	struct news news = { 0 };
	int64_t now;
	int pause;

	pthread_mutex_lock(&e->lock);
	now = clock_us(); /* not before what others have noted under the lock */
	if (e->phase == RESTING)
		call_when_rested(e, now);
	else if (e->phase == WALKING || (e->phase == CALLING && now - e->called_at >= HEAR_MAX))
		workers_call(e->self->workers); /* one that walks may be busy with something else */
	end_drain(e, now, &news);
	if (now >= e->look_at) {
		e->look_at = now + IMPORT_EVERY;
		workers_call_first(e->self->workers);
	}
	pause = e->phase == IDLE || !workers_listen(e->self->workers) ? TICK_IDLE : TICK;
	pthread_mutex_unlock(&e->lock);
	tell(e, &news);
	return pause;
}

void enforce_at_start(struct enforce *e, struct module_env *env)
{
	struct walk_count count;
	int64_t began = clock_us();

	e->walked->whole = true;
	if (sink_current_serial(e->self->current) == 0 || walk_begin(e->walk, env, e->walked))
		return;
	while (walk_on(e->walk, e->self, env, SLICE))
		;
	count = walk_count(e->walk);
	if (count.sets + count.messages == 0)
		return;
	log_info("sinkhole: " ENFORCED, (unsigned long long)sink_current_serial(e->self->current),
		seconds(clock_us() - began), seconds(clock_us() - began), count.sets,
		count.messages);
}

static int scopes_new(struct enforce *e)
{
	e->learned = calloc(1, sizeof *e->learned);
	e->walked = calloc(1, sizeof *e->walked);
	e->waiting = calloc(1, sizeof *e->waiting);
	return e->learned && e->walked && e->waiting ? SINK_OK : SINK_ENOMEM;
}

static void free_parts(struct enforce *e)
{
	walk_free(e->walk);
	named_free(e->named);
	changed_free(&e->changed);
	free(e->learned);
	free(e->walked);
	free(e->waiting);
	free(e);
}

int enforce_new(struct self *self, struct enforce **out)
{
	struct enforce *e = calloc(1, sizeof *e);
	int err;

	if (!e)
		return SINK_ENOMEM;
	err = walk_new(&e->walk);
	if (!err)
		err = named_new(&e->named);
	if (!err)
		err = scopes_new(e);
	if (err) {
		free_parts(e);
		return err;
	}
	pthread_mutex_init(&e->lock, NULL); /* cannot fail without attributes */
	e->self = self;
	workers_on_call(self->workers, on_call, e);
	*out = e;
	return SINK_OK;
}

void enforce_free(struct enforce *e)
{
	if (!e)
		return;
	pthread_mutex_destroy(&e->lock);
	free_parts(e);
}

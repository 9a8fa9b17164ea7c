/* monitor.c - looking up a name costs a third of what Unbound spends on an answer from its cache. Most of these are about
 * the same few thousand names, and nothing is listed about them; so each worker remembers which cached answers are
 * such. An answer is known by its address and the second at which it expires: were another one to come to lie there
 * with the same second, it would be missing from the count. */
#include "monitor.h"

#include <stdlib.h>

#include "query.h"
#include "self.h"
#include "sinkhole/current.h"
#include "sinkhole/err.h"
#include "verdict.h"

#define NAMES_MAX 16 /* of a chain; Unbound itself follows fewer */
#define CLEAN_BITS 15
#define CLEAN ((size_t)1 << CLEAN_BITS) /* answers that are remembered: 256 KiB a worker */

struct seen {
	uint64_t epoch; /* of what follows: sink_current_epoch() */
	bool monitors, remembers;
	uint64_t *clean; /* CLEAN of them, in pairs by their last bits; NULL: never needed yet */
};

struct monitor {
	atomic_size_t bytes;
	unsigned count;
	struct seen seen[]; /* a worker's own each */
};

int monitor_new(unsigned count, struct monitor **out)
{
	struct monitor *monitor = calloc(1, sizeof *monitor + count * sizeof monitor->seen[0]);

	if (!monitor)
		return SINK_ENOMEM;
	monitor->count = count;
	atomic_init(&monitor->bytes, sizeof *monitor + count * sizeof monitor->seen[0]);
	*out = monitor;
	return SINK_OK;
}

void monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return;
	for (unsigned i = 0; i < monitor->count; i++)
		free(monitor->seen[i].clean);
	free(monitor);
}

size_t monitor_bytes(const struct monitor *monitor)
{
	return atomic_load(&monitor->bytes);
}

/* --- what is remembered --- */

/* Entries that list clients make it a matter of who asks. */
static void turn(struct seen *seen, struct self *self, struct module_env *env, uint64_t epoch)
{
	struct sink_needs needs = verdict_needs(self, env);

	seen->epoch = epoch;
	seen->monitors = needs.monitors;
	if (needs.monitors && !seen->clean) {
		seen->clean = calloc(CLEAN, sizeof *seen->clean);
		if (seen->clean)
			atomic_fetch_add(&self->monitor->bytes, CLEAN * sizeof *seen->clean);
	}
	seen->remembers = seen->clean && !needs.listed_clients;
}

/* Of this answer under this epoch; never 0. */
static uint64_t key_of(const struct seen *seen, const struct reply_info *rep)
{
	uint64_t key = (uint64_t)(uintptr_t)rep ^ seen->epoch << 48 ^ seen->epoch >> 16;

	key = (key ^ (uint64_t)rep->ttl << 20) * 0x9e3779b97f4a7c15;
	return (key ^ key >> 32) | (uint64_t)1 << 63;
}

static bool is_clean(const struct seen *seen, uint64_t key)
{
	const uint64_t *pair = &seen->clean[key & (CLEAN - 2)];

	return pair[0] == key || pair[1] == key;
}

static void remember(struct seen *seen, uint64_t key)
{
	uint64_t *pair = &seen->clean[key & (CLEAN - 2)];

	pair[1] = pair[0];
	pair[0] = key;
}

/* --- what it is about --- */

/* The names that the answer leads to, where they are: under the lock that the caller holds. */
static size_t chain_of(const struct query_info *asked, const struct reply_info *rep,
	struct sink_span names[NAMES_MAX])
{
	size_t count = 0;

	names[count++] = query_name(asked);
	for (size_t i = 0; rep && i < rep->an_numrrsets && count < NAMES_MAX; i++) {
		struct sink_span target = verdict_target(rep->rrsets[i]);

		if (target.len > 0)
			names[count++] = target;
	}
	return count;
}

static bool note(struct self *self, struct module_env *env, const struct query_info *asked,
	const struct reply_info *rep, const struct comm_reply *client)
{
	struct sink_span names[NAMES_MAX];
	struct facts facts = { .type = asked->qtype, .names = names };
	const struct verdict_case what = { .facts = &facts, .pass = VERDICT_ON_NAMES };

	facts.names_count = chain_of(asked, rep, names);
	return verdict_note(self, env, &what, client);
}

bool monitor_cached(struct self *self, struct module_env *env, const struct query_info *asked,
	const struct reply_info *rep, const struct comm_reply *client)
{
	unsigned number = (unsigned)env->alloc->thread_num;
	uint64_t epoch = sink_current_epoch(self->current), key;
	struct seen *seen;

	if (number >= self->monitor->count)
		return false;
	seen = &self->monitor->seen[number];
	if (seen->epoch != epoch)
		turn(seen, self, env, epoch);
	if (!seen->monitors || !query_is_ours(asked))
		return seen->monitors;
	if (!rep || !seen->remembers) {
		note(self, env, asked, rep, client);
		return true;
	}
	key = key_of(seen, rep);
	if (!is_clean(seen, key) && !note(self, env, asked, rep, client))
		remember(seen, key);
	return true;
}

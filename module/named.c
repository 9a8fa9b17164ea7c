/* named.c - names wait in wire form behind each other, an octet of length before each; workers take a few at a time. */
#include "named.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "clock.h"
#include "sinkhole/generation.h"
#include "ub.h"
#include "verdict.h"

#define NAMES_MAX 100000 /* of more names the walk is as fast */
#define TAKEN 8 /* names at a time */

/* Names in a buffer. */
struct list {
	uint8_t *octets;
	size_t len, room;
	size_t count;
};

#define ROUNDS 2 /* in which each name is looked at */

struct named {
	struct list learned; /* before the switch; the thread's that switches */
	pthread_mutex_t lock; /* of what follows */
	struct list list;
	size_t at
		[ROUNDS]; /* octets of it that were taken, in each round; the later one begins when the first is over */
	atomic_ulong sets, messages; /* removed */
};

/* What is cached of nearly every name comes first. */
static const uint16_t types[][6] = {
	{ LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA, LDNS_RR_TYPE_CNAME, LDNS_RR_TYPE_HTTPS },
	{ LDNS_RR_TYPE_DNAME, LDNS_RR_TYPE_SVCB, LDNS_RR_TYPE_TXT, LDNS_RR_TYPE_MX, LDNS_RR_TYPE_NS,
		LDNS_RR_TYPE_SRV },
};

_Static_assert(sizeof types / sizeof types[0] == ROUNDS, "a round has no types");
#define EACH (sizeof types[0] / sizeof types[0][0])

/* --- learning --- */

static bool make_room(struct list *list, size_t len)
{
	size_t room = list->room ? list->room : 4096;
	uint8_t *octets;

	while (room - list->len < len)
		room *= 2;
	if (room == list->room)
		return true;
	octets = realloc(list->octets, room);
	if (!octets)
		return false;
	list->octets = octets;
	list->room = room;
	return true;
}

static int put(struct list *list, const uint8_t *name, size_t len)
{
	if (list->count == NAMES_MAX)
		return SINK_ETOOLONG;
	if (!make_room(list, 1 + len))
		return SINK_ENOMEM;
	list->octets[list->len++] = (uint8_t)len;
	memcpy(list->octets + list->len, name, len);
	list->len += len;
	list->count++;
	return SINK_OK;
}

/* What is listed otherwise than by a name that is asked for has no name that could be looked for. */
static int learn(void *arg, const struct sink_subject *subject)
{
	uint8_t wire[SINK_WIRE_MAX];

	if (subject->trigger != SINK_TRIGGER_QNAME)
		return SINK_OK;
	return put(arg, wire, sink_name_to_wire(&subject->name, wire));
}

void named_learn(struct named *named, const struct sink_generation *next,
	const struct sink_generation *before)
{
	named->learned.len = named->learned.count = 0;
	if (!before ||
		sink_db_changed(sink_generation_db(next), sink_generation_db(before), learn,
			&named->learned))
		named->learned.len = named->learned.count = 0;
}

/* --- handing over --- */

static void clear(struct list *list)
{
	list->len = list->count = 0;
}

/* Names that had their first look. Their rarer types are left to the walk when new names come. */
static void drop_taken(struct named *named)
{
	struct list *list = &named->list;
	size_t taken = named->at[0];

	for (size_t at = 0; at < taken; at += 1u + list->octets[at])
		list->count--;
	list->len -= taken;
	if (list->len > 0)
		memmove(list->octets, list->octets + taken, list->len);
	named->at[0] = named->at[1] = 0;
}

/* Behind those that wait still; of too many the new ones are left to the walk. */
static void append(struct list *to, const struct list *from)
{
	if (to->count + from->count > NAMES_MAX || !make_room(to, from->len))
		return;
	memcpy(to->octets + to->len, from->octets, from->len);
	to->len += from->len;
	to->count += from->count;
}

/* Mostly nothing waits any more: then the lists change places, so that no worker waits for this. */
bool named_go(struct named *named)
{
	struct list learned = named->learned;
	bool any;

	pthread_mutex_lock(&named->lock);
	if (named->at[0] == named->list.len && learned.count > 0) {
		named->learned = named->list;
		named->list = learned;
		named->at[0] = named->at[1] = 0;
	} else if (learned.count > 0) {
		drop_taken(named);
		append(&named->list, &learned);
	}
	any = named->at[0] < named->list.len;
	pthread_mutex_unlock(&named->lock);
	clear(&named->learned);
	return any;
}

/* Octets of names, and which types of them are looked for. */
struct taken {
	size_t len;
	unsigned round;
	uint8_t octets[TAKEN * (1 + SINK_WIRE_MAX)];
};

/* returns  false: there are none left */
static bool take(struct named *named, struct taken *taken)
{
	const struct list *list = &named->list;
	size_t *at, from, count = 0;

	pthread_mutex_lock(&named->lock);
	taken->round = named->at[0] == list->len;
	at = &named->at[taken->round];
	from = *at;
	while (*at < list->len && count++ < TAKEN)
		*at += 1u + list->octets[*at];
	taken->len = *at - from;
	if (taken->len > 0)
		memcpy(taken->octets, list->octets + from, taken->len);
	pthread_mutex_unlock(&named->lock);
	return taken->len > 0;
}

/* --- removing --- */

struct look {
	struct named *named;
	struct self *self;
	struct module_env *env;
	struct regional *region;
	bool types; /* a rule is about some query types */
};

static bool touches(const struct look *look, struct sink_span name, uint16_t type)
{
	return verdict_touches(look->self, look->env, look->region, name, type);
}

static void remove_set(const struct look *look, struct sink_span name, uint16_t type)
{
	struct rrset_cache *cache = look->env->rrset_cache;
	/* at time 0 nothing has expired: what has is served by serve-expired */
	struct ub_packed_rrset_key *set = rrset_cache_lookup(cache, verdict_octets(name), name.len,
		type, LDNS_RR_CLASS_IN, 0, 0, 0);

	if (!set)
		return;
	lock_rw_unlock(&set->entry.lock);
	rrset_cache_remove(cache, verdict_octets(name), name.len, type, LDNS_RR_CLASS_IN, 0);
	atomic_fetch_add_explicit(&look->named->sets, 1, memory_order_relaxed);
}

/* That there is no such name, or no such record, has no set of its own. */
static void remove_message(const struct look *look, struct sink_span name, uint16_t type,
	uint16_t flags)
{
	struct msgreply_entry *entry = msg_cache_lookup(look->env, verdict_octets(name), name.len,
		type, LDNS_RR_CLASS_IN, flags, 0, 0);

	if (!entry)
		return;
	lock_rw_unlock(&entry->entry.lock);
	msg_cache_remove(look->env, verdict_octets(name), name.len, type, LDNS_RR_CLASS_IN, flags);
	atomic_fetch_add_explicit(&look->named->messages, 1, memory_order_relaxed);
}

/* What the generation in use does not change may stay. An entry may be about some query types, as a rule may; but a name
 * that is touched for the first of them and no rule asks for types mostly is for all. */
static void look_at(const struct look *look, struct sink_span name, unsigned round)
{
	bool all = !look->types && touches(look, name, types[round][0]);

	for (size_t i = 0; i < EACH && types[round][i]; i++) {
		uint16_t type = types[round][i];

		if (!all && !touches(look, name, type))
			continue;
		remove_set(look, name, type);
		remove_message(look, name, type, 0);
		remove_message(look, name, type, BIT_CD);
	}
	regional_free_all(look->region);
}

/* And the one below it that people ask for. */
static void look_at_both(const struct look *look, struct sink_span name, unsigned round)
{
	static const uint8_t www[] = { 3, 'w', 'w', 'w' };
	uint8_t below[sizeof www + SINK_WIRE_MAX];

	look_at(look, name, round);
	if (name.len + sizeof www > SINK_WIRE_MAX)
		return;
	memcpy(below, www, sizeof www);
	memcpy(below + sizeof www, name.at, name.len);
	look_at(look, sink_span(below, sizeof www + name.len), round);
}

bool named_on(struct named *named, struct self *self, struct module_env *env, unsigned budget)
{
	struct look look = { .named = named, .self = self, .env = env };
	int64_t end = clock_us() + budget;
	struct taken taken;
	bool more;

	while ((more = take(named, &taken))) {
		if (!look.region) {
			look.region = regional_create();
			look.types = verdict_needs(self, env).types;
		}
		if (!look.region)
			break; /* the walk has them, too */
		for (size_t at = 0; at < taken.len; at += 1u + taken.octets[at])
			look_at_both(&look, sink_span(taken.octets + at + 1, taken.octets[at]),
				taken.round);
		if (clock_us() >= end)
			break;
	}
	if (look.region)
		regional_destroy(look.region);
	return more && look.region;
}

struct walk_count named_take_count(struct named *named)
{
	return (struct walk_count){
		.sets = atomic_exchange(&named->sets, 0),
		.messages = atomic_exchange(&named->messages, 0),
	};
}

/* --- */

int named_new(struct named **out)
{
	struct named *named = calloc(1, sizeof *named);

	if (!named)
		return SINK_ENOMEM;
	pthread_mutex_init(&named->lock, NULL); /* cannot fail without attributes */
	*out = named;
	return SINK_OK;
}

void named_free(struct named *named)
{
	if (!named)
		return;
	pthread_mutex_destroy(&named->lock);
	free(named->list.octets);
	free(named->learned.octets);
	free(named);
}

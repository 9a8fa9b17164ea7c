/* named.c - names wait in a list; workers take a few at a time, and look for all that may be cached of these at once. */
#include "named.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "clock.h"
#include "peek.h"
#include "sinkhole/err.h"
#include "ub.h"
#include "verdict.h"

#define TAKEN 8 /* names at a time */
#define TYPES 8 /* looked for in a round, at most */
#define ROUNDS 4 /* in which each name is looked at */

struct named {
	pthread_mutex_t lock; /* of what follows */
	struct changed list;
	size_t at
		[ROUNDS]; /* octets of it that were taken, in each round; a later one begins when the one before is over */
	atomic_ulong sets, messages; /* removed */
};

/* --- handing over --- */

static void begin_again(struct named *named)
{
	memset(named->at, 0, sizeof named->at);
}

/* Mostly nothing waits any more: then the lists change places, so that no worker waits for this. Of names that had their
 * first look the rarer types are left to the walk when new names come; and so are new names of which there are too many. */
bool named_go(struct named *named, struct changed *changed)
{
	struct changed *list = &named->list, before;
	bool any;

	pthread_mutex_lock(&named->lock);
	if (named->at[0] == list->len && changed->len > 0) {
		before = *list;
		*list = *changed;
		*changed = before;
		begin_again(named);
	} else if (changed->len > 0) {
		changed_drop(list, named->at[0]);
		begin_again(named);
		changed_append(list, changed);
	}
	any = named->at[0] < list->len;
	pthread_mutex_unlock(&named->lock);
	return any;
}

/* Names that a worker has taken, each with the one below it that people ask for. */
struct taken {
	unsigned round;
	size_t count;
	size_t len[2 * TAKEN];
	uint8_t octets[2 * TAKEN][SINK_WIRE_MAX];
};

static void add(struct taken *taken, struct sink_span name)
{
	static const uint8_t www[] = { 3, 'w', 'w', 'w' };
	uint8_t *below = taken->octets[taken->count + 1];

	memcpy(taken->octets[taken->count], name.at, name.len);
	taken->len[taken->count++] = name.len;
	if (name.len + sizeof www > SINK_WIRE_MAX)
		return;
	memcpy(below, www, sizeof www);
	memcpy(below + sizeof www, name.at, name.len);
	taken->len[taken->count++] = name.len + sizeof www;
}

/* returns  false: there are none left */
static bool take(struct named *named, struct taken *taken)
{
	const struct changed *list = &named->list;
	unsigned round = 0;

	taken->count = 0;
	pthread_mutex_lock(&named->lock);
	while (round < ROUNDS - 1 && named->at[round] == list->len)
		round++;
	for (unsigned i = 0; i < TAKEN && named->at[round] < list->len; i++) {
		add(taken, changed_name(list, named->at[round]));
		named->at[round] = changed_after(list, named->at[round]);
	}
	pthread_mutex_unlock(&named->lock);
	taken->round = round;
	return taken->count > 0;
}

/* --- removing --- */

struct look {
	struct named *named;
	struct self *self;
	struct module_env *env;
	struct regional *region;
	bool types; /* a rule is about some query types */
};

/* A key of one of the caches. */
struct key {
	struct sink_span name;
	uint16_t type, flags;
};

struct kind { /* of cache */
	struct slabhash *(*cache)(const struct module_env *env);
	hashvalue_type (*hash)(const struct key *key);
	void (*remove)(const struct look *look, const struct key *key);
	unsigned ways; /* in which one type is kept: without CD, and with */
};

static struct slabhash *cache_of_sets(const struct module_env *env)
{
	return &env->rrset_cache->table;
}

static hashvalue_type hash_of_set(const struct key *key)
{
	struct packed_rrset_key set = {
		.dname = ub_octets(key->name),
		.dname_len = key->name.len,
		.type = htons(key->type),
		.rrset_class = htons(LDNS_RR_CLASS_IN),
	};

	return rrset_key_hash(&set);
}

/* At time 0 nothing has expired: what has is served by serve-expired. */
static void remove_set(const struct look *look, const struct key *key)
{
	struct rrset_cache *cache = look->env->rrset_cache;
	uint8_t *name = ub_octets(key->name);
	struct ub_packed_rrset_key *set = rrset_cache_lookup(cache, name, key->name.len, key->type,
		LDNS_RR_CLASS_IN, 0, 0, 0);

	if (!set)
		return;
	lock_rw_unlock(&set->entry.lock);
	rrset_cache_remove(cache, name, key->name.len, key->type, LDNS_RR_CLASS_IN, 0);
	atomic_fetch_add_explicit(&look->named->sets, 1, memory_order_relaxed);
}

static struct slabhash *cache_of_messages(const struct module_env *env)
{
	return env->msg_cache;
}

static hashvalue_type hash_of_message(const struct key *key)
{
	struct query_info asked = {
		.qname = ub_octets(key->name),
		.qname_len = key->name.len,
		.qtype = key->type,
		.qclass = LDNS_RR_CLASS_IN,
	};

	return query_info_hash(&asked, key->flags);
}

/* That there is no such name, or no such record, has no set of its own. */
static void remove_message(const struct look *look, const struct key *key)
{
	uint8_t *name = ub_octets(key->name);
	struct msgreply_entry *entry = msg_cache_lookup(look->env, name, key->name.len, key->type,
		LDNS_RR_CLASS_IN, key->flags, 0, 0);

	if (!entry)
		return;
	lock_rw_unlock(&entry->entry.lock);
	msg_cache_remove(look->env, name, key->name.len, key->type, LDNS_RR_CLASS_IN, key->flags);
	atomic_fetch_add_explicit(&look->named->messages, 1, memory_order_relaxed);
}

static const struct kind sets = { cache_of_sets, hash_of_set, remove_set, 1 };
static const struct kind messages = { cache_of_messages, hash_of_message, remove_message, 2 };

/* Of all names first what is cached of nearly every one, and kills the answers of aliases. */
static const struct round {
	const struct kind *kind;
	uint16_t types[TYPES]; /* up to a 0 */
} rounds[] = {
	{ &sets, { LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA, LDNS_RR_TYPE_CNAME } },
	{ &messages, { LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA, LDNS_RR_TYPE_HTTPS } },
	{ &sets,
		{ LDNS_RR_TYPE_HTTPS, LDNS_RR_TYPE_DNAME, LDNS_RR_TYPE_SVCB, LDNS_RR_TYPE_TXT,
			LDNS_RR_TYPE_MX, LDNS_RR_TYPE_NS, LDNS_RR_TYPE_SRV } },
	{ &messages,
		{ LDNS_RR_TYPE_CNAME, LDNS_RR_TYPE_DNAME, LDNS_RR_TYPE_SVCB, LDNS_RR_TYPE_TXT,
			LDNS_RR_TYPE_MX, LDNS_RR_TYPE_NS, LDNS_RR_TYPE_SRV } },
};

_Static_assert(sizeof rounds / sizeof rounds[0] == ROUNDS, "rounds are as many as are counted");

#define KEYS (2 * TAKEN * TYPES * 2)

/* All that is looked for at once. */
struct batch {
	size_t count;
	struct key keys[KEYS];
	struct peek peeks[KEYS];
};

/* Most types have one place in the cache for both ways. */
static void add_key(struct batch *batch, const struct kind *kind, struct sink_span name,
	uint16_t type)
{
	size_t first = batch->count;

	for (unsigned way = 0; way < kind->ways; way++) {
		const struct key key = { name, type, way ? BIT_CD : 0 };
		hashvalue_type hash = kind->hash(&key);

		if (way > 0 && hash == batch->peeks[first].hash)
			continue;
		batch->keys[batch->count] = key;
		batch->peeks[batch->count++].hash = hash;
	}
}

static void add_keys(struct batch *batch, const struct taken *taken)
{
	const struct round *round = &rounds[taken->round];

	batch->count = 0;
	for (size_t i = 0; i < taken->count; i++)
		for (size_t t = 0; t < TYPES && round->types[t]; t++)
			add_key(batch, round->kind, sink_span(taken->octets[i], taken->len[i]),
				round->types[t]);
}

/* What the generation in use does not change may stay. An entry may be about some query types, as a rule may; but a name
 * that is touched for one of them and no rule asks for types mostly is for all. */
static bool touches(const struct look *look, const struct key *key)
{
	bool touched =
		verdict_touches_name(look->self, look->env, look->region, key->name, key->type);

	regional_free_all(look->region);
	return touched;
}

static void look_at(const struct look *look, const struct taken *taken, struct batch *batch)
{
	const struct kind *kind = rounds[taken->round].kind;
	const uint8_t *touched = NULL;

	add_keys(batch, taken);
	peek_all(kind->cache(look->env), batch->peeks, batch->count);
	for (size_t i = 0; i < batch->count; i++) {
		const struct key *key = &batch->keys[i];

		if (!batch->peeks[i].there)
			continue;
		if (look->types || touched != key->name.at) {
			if (!touches(look, key))
				continue;
			touched = key->name.at;
		}
		kind->remove(look, key);
	}
}

bool named_on(struct named *named, struct self *self, struct module_env *env, unsigned budget)
{
	struct look look = { .named = named, .self = self, .env = env };
	int64_t end = clock_us() + budget;
	struct taken taken;
	struct batch batch;
	bool more;

	while ((more = take(named, &taken))) {
		if (!look.region) {
			look.region = regional_create();
			look.types = verdict_needs(self, env).types;
		}
		if (!look.region)
			break; /* the walk has them, too */
		look_at(&look, &taken, &batch);
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
	changed_free(&named->list);
	free(named);
}

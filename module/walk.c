/* walk.c - Unbound's caches are hash tables in slabs, a lock each. A table's lock stops every query
 * that wants that slab, so it is held for a few dozen bins only, while names are copied out of
 * them, those that the walk is about; judging and removing come after it.
 *
 * A worker has a slab for itself while it walks there. If the table grows meanwhile, an entry moves
 * from a bin walked through to a later one or not at all: nothing is missed. What was stored after
 * the switch was judged by the generation in use. */
#include "walk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "clock.h"
#include "scope.h"
#include "sinkhole/err.h"
#include "verdict.h"

#define BINS 32 /* at a time under a table's lock; a bin holds about one entry */
#define KEYS 128 /* copied at a time */

/* A key of either cache, copied: what it is that is cached. */
struct key {
	uint16_t type, class; /* host order */
	uint32_t flags; /* of a record set */
	hashvalue_type hash; /* of a message: that with CD has another */
	bool within; /* what the walk is about: its name, or one above it */
	size_t len;
	uint8_t name[SINK_WIRE_MAX];
};

struct batch {
	size_t count;
	struct key key[KEYS];
};

struct kind; /* of cache */

struct slab {
	const struct kind *kind;
	struct lruhash *table;
	size_t bin; /* next */
	size_t skip; /* entries of that bin that were looked at already */
	uintptr_t read; /* see fetch() */
	bool busy, over;
};

struct walk {
	pthread_mutex_t lock; /* of which slab is whose */
	size_t count, room;
	struct slab *slabs;
	const struct scope *scope; /* for who has a slab */
	atomic_size_t left; /* slabs that are not over */
	atomic_ulong sets, messages; /* removed */
};

/* --- two kinds of cache --- */

/* What a worker judges by, in one step of its. */
struct visit {
	struct walk *walk;
	struct self *self;
	struct module_env *env;
	struct sink_needs needs;
	struct regional *region; /* emptied after each */
};

/* Something of each line of memory that an entry and its key lie in, which are parts of one structure. */
typedef uintptr_t read_fn(const struct lruhash_entry *entry);
typedef const uint8_t *name_fn(const struct lruhash_entry *entry);

/* With the table's lock, so this is no more than a look at its name: may it have to go? Then it is copied. */
typedef bool take_fn(const struct visit *visit, const struct lruhash_entry *entry, struct key *out);

/* Judge one and remove it if it must go. */
typedef void visit_fn(const struct visit *visit, struct key *key);

struct kind {
	read_fn *read;
	name_fn *name;
	take_fn *take;
	visit_fn *visit;
};

static bool is_alias(uint16_t type)
{
	return type == LDNS_RR_TYPE_CNAME || type == LDNS_RR_TYPE_DNAME;
}

/* Rules ask for more than names, so that every message must be looked at. */
static bool needs_answers(const struct visit *visit)
{
	return visit->needs.addresses || visit->needs.servers || visit->needs.types;
}

static void copy_name(struct key *out, const uint8_t *name, size_t len)
{
	out->len = len <= sizeof out->name ? len : 0;
	memcpy(out->name, name, out->len);
}

static uintptr_t read_set(const struct lruhash_entry *entry)
{
	const struct packed_rrset_key *key = &((const struct ub_packed_rrset_key *)entry)->rk;

	return (uintptr_t)entry->overflow_next ^ (uintptr_t)entry->key ^ (uintptr_t)key->dname ^
		key->type;
}

static const uint8_t *name_of_set(const struct lruhash_entry *entry)
{
	return ((struct ub_packed_rrset_key *)entry->key)->rk.dname;
}

/* An alias may lead to what the walk is about. */
static bool take_set(const struct visit *visit, const struct lruhash_entry *entry, struct key *out)
{
	const struct packed_rrset_key *key = &((struct ub_packed_rrset_key *)entry->key)->rk;

	out->within = scope_has(visit->walk->scope, sink_span(key->dname, key->dname_len));
	out->type = ntohs(key->type);
	if (!out->within && !is_alias(out->type))
		return false;
	out->class = ntohs(key->rrset_class);
	out->flags = key->flags;
	copy_name(out, key->dname, key->dname_len);
	return true;
}

static uintptr_t read_message(const struct lruhash_entry *entry)
{
	const char *whole = (const char *)entry - offsetof(struct msgreply_entry, entry);
	const struct query_info *key = &((const struct msgreply_entry *)(const void *)whole)->key;

	return (uintptr_t)entry->overflow_next ^ (uintptr_t)entry->key ^ (uintptr_t)key->qname ^
		key->qtype;
}

static const uint8_t *name_of_message(const struct lruhash_entry *entry)
{
	return ((struct msgreply_entry *)entry->key)->key.qname;
}

static bool take_message(const struct visit *visit, const struct lruhash_entry *entry,
	struct key *out)
{
	const struct query_info *key = &((struct msgreply_entry *)entry->key)->key;

	out->within = scope_has(visit->walk->scope, sink_span(key->qname, key->qname_len));
	if (!out->within && !needs_answers(visit))
		return false;
	out->type = key->qtype;
	out->class = key->qclass;
	out->hash = entry->hash;
	copy_name(out, key->qname, key->qname_len);
	return true;
}

static bool name_touches(const struct visit *visit, const struct key *key)
{
	return key->within &&
		verdict_touches_name(visit->self, visit->env, visit->region,
			sink_span(key->name, key->len), key->type);
}

/* Entries may be about some query types only. */
static bool touches_any_type(const struct visit *visit, struct sink_span name)
{
	static const uint16_t types[] = {
		LDNS_RR_TYPE_A,
		LDNS_RR_TYPE_AAAA,
		LDNS_RR_TYPE_HTTPS,
		LDNS_RR_TYPE_TXT,
		LDNS_RR_TYPE_MX,
		LDNS_RR_TYPE_SRV,
		LDNS_RR_TYPE_SVCB,
		LDNS_RR_TYPE_ANY,
	};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (verdict_touches_name(visit->self, visit->env, visit->region, name, types[i]))
			return true;
	return false;
}

/* An alias of a blocked name whose target has no records at all would stand on its own. */
static bool leads_to_blocked(const struct visit *visit, struct key *key)
{
	struct ub_packed_rrset_key *set;
	struct sink_span target;
	uint8_t copy[SINK_WIRE_MAX];

	if (!is_alias(key->type))
		return false;
	/* At time 0 nothing has expired: what has is still served by serve-expired. */
	set = rrset_cache_lookup(visit->env->rrset_cache, key->name, key->len, key->type,
		key->class, key->flags, 0, 0);
	if (!set)
		return false;
	target = verdict_target(set);
	if (target.len > sizeof copy)
		target.len = 0;
	memcpy(copy, target.at, target.len);
	lock_rw_unlock(&set->entry.lock);
	target.at = copy;
	return target.len > 0 && scope_has(visit->walk->scope, target) &&
		touches_any_type(visit, target);
}

/* An alias that was let pass let pass what it leads to, however far: the scope has the alias, and nothing of what is
 * behind it need have changed. Mostly such an answer is not stored (doc/DECISIONS.md), but nothing here shall rest on that. */
static bool may_have_passed(const struct visit *visit, const struct key *key)
{
	return is_alias(key->type) && !visit->walk->scope->whole && key->within;
}

/* A message can be used only while each record set that it refers to is there: removing one kills
 * the cached answers of its name, and of every alias that leads to it. */
static void visit_set(const struct visit *visit, struct key *key)
{
	if (!name_touches(visit, key) && !may_have_passed(visit, key) &&
		!leads_to_blocked(visit, key))
		return;
	rrset_cache_remove(visit->env->rrset_cache, key->name, key->len, key->type, key->class,
		key->flags);
	atomic_fetch_add_explicit(&visit->walk->sets, 1, memory_order_relaxed);
}

/* Who served the names on the way stands in the cache only; of the last one perhaps in the message (`served`). */
static void add_servers(const struct visit *visit, const struct key *key, bool served,
	struct facts *facts)
{
	facts_add_server_addresses(facts, visit->env);
	for (size_t i = 0; i + served < facts->names_count; i++)
		facts_add_closest(facts, visit->env, facts->names[i], key->class);
}

/* The message as its clients would get it. Under its locks nothing else of the caches may be looked for.
 *
 * returns  false: it cannot be used any more, or there is none */
static bool add_message(const struct visit *visit, struct key *key, struct facts *facts)
{
	struct query_info asked = {
		.qname = key->name,
		.qname_len = key->len,
		.qtype = key->type,
		.qclass = key->class,
	};
	struct lruhash_entry *entry = slabhash_lookup(visit->env->msg_cache, key->hash, &asked, 0);
	struct reply_info *rep;
	bool whole, served = false;

	if (!entry)
		return false;
	rep = entry->data;
	whole = rrset_array_lock(rep->ref, rep->rrset_count, 0);
	if (whole) {
		facts_add_chain(facts, rep);
		if (visit->needs.addresses)
			facts_add_addresses(facts, rep);
		if (visit->needs.servers)
			served = facts_add_authority(facts, rep);
		rrset_array_unlock(rep->ref, rep->rrset_count);
	}
	lock_rw_unlock(&entry->lock);
	if (whole && visit->needs.servers)
		add_servers(visit, key, served, facts);
	return whole;
}

/* What names do not tell. Addresses and servers are of a message, not of a set: what names a server, or is the address of
 * one, stays. And rules about query types go by the message's. */
static bool answer_touches(const struct visit *visit, struct key *key)
{
	struct facts facts;

	if (!needs_answers(visit))
		return false;
	facts_begin(&facts, visit->region, key->type, sink_span(key->name, key->len));
	return add_message(visit, key, &facts) &&
		facts.names_count + facts.addresses_count + facts.servers_count +
			facts.server_addresses_count >
		1 &&
		verdict_touches(visit->self, visit->env, &facts);
}

/* What has no record set of its own among them: that a name does not exist, or has no such records.
 * The answers to queries for AAAA with CD are kept in another place. */
static void visit_message(const struct visit *visit, struct key *key)
{
	if (!name_touches(visit, key) && !answer_touches(visit, key))
		return;
	msg_cache_remove(visit->env, key->name, key->len, key->type, key->class, 0);
	msg_cache_remove(visit->env, key->name, key->len, key->type, key->class, BIT_CD);
	atomic_fetch_add_explicit(&visit->walk->messages, 1, memory_order_relaxed);
}

static const struct kind sets = { read_set, name_of_set, take_set, visit_set };
static const struct kind messages = { read_message, name_of_message, take_message, visit_message };

/* --- one step --- */

/* The time goes into waiting for memory, so all of it is read before any is used, in loads of which few need another: the
 * first entries of bins with their keys, those behind them (every third is), then names.
 *
 * returns  of no use but to keep the loads */
static uintptr_t fetch(const struct slab *slab, size_t from, size_t to)
{
	const struct lruhash_bin *bins = slab->table->array;
	const struct lruhash_entry *entries[KEYS];
	size_t count = 0;
	uintptr_t sum = 0;

	for (size_t bin = from; bin < to; bin++)
		if (bins[bin].overflow_list)
			entries[count++] = bins[bin].overflow_list;
	for (size_t i = 0; i < count; i++)
		sum ^= slab->kind->read(entries[i]);
	for (size_t i = 0; i < count && count < KEYS; i++) {
		const struct lruhash_entry *next = entries[i]->overflow_next;

		if (!next)
			continue;
		sum ^= slab->kind->read(next);
		entries[count++] = next;
	}
	for (size_t i = 0; i < count; i++)
		sum ^= *slab->kind->name(entries[i]);
	return sum;
}

/* Of a bin what is wanted is copied, all or nothing, but for one that no batch has room for.
 *
 * returns  false: the batch has no room for the rest */
static bool copy_bin(const struct visit *visit, struct slab *slab, struct batch *batch)
{
	const struct lruhash_entry *entry = slab->table->array[slab->bin].overflow_list;
	size_t before = batch->count, seen = 0;

	for (; entry; entry = entry->overflow_next) {
		if (seen++ < slab->skip)
			continue;
		if (batch->count == KEYS)
			break;
		batch->count += slab->kind->take(visit, entry, &batch->key[batch->count]);
	}
	if (!entry) {
		slab->skip = 0;
		return true;
	}
	if (before > 0)
		batch->count = before;
	else
		slab->skip = seen - 1;
	return false;
}

/* With the table's lock no entry comes or goes, and a key never changes. */
static void copy_bins(const struct visit *visit, struct slab *slab, struct batch *batch)
{
	struct lruhash *table = slab->table;
	size_t end;

	batch->count = 0;
	lock_quick_lock(&table->lock);
	end = slab->bin + BINS < table->size ? slab->bin + BINS : table->size;
	slab->read = fetch(slab, slab->bin, end);
	while (slab->bin < end && copy_bin(visit, slab, batch))
		slab->bin++;
	slab->over = slab->bin >= table->size;
	lock_quick_unlock(&table->lock);
}

static void step(const struct visit *visit, struct slab *slab)
{
	struct batch batch;

	copy_bins(visit, slab, &batch);
	for (size_t i = 0; i < batch.count; i++) {
		if (batch.key[i].len == 0)
			continue;
		slab->kind->visit(visit, &batch.key[i]);
		regional_free_all(visit->region);
	}
}

/* --- who walks where --- */

static struct slab *take(struct walk *walk)
{
	struct slab *slab = NULL;

	pthread_mutex_lock(&walk->lock);
	for (size_t i = 0; i < walk->count && !slab; i++)
		if (!walk->slabs[i].busy && !walk->slabs[i].over)
			slab = &walk->slabs[i];
	if (slab)
		slab->busy = true;
	pthread_mutex_unlock(&walk->lock);
	return slab;
}

static void give_back(struct walk *walk, struct slab *slab)
{
	pthread_mutex_lock(&walk->lock);
	slab->busy = false;
	if (slab->over)
		atomic_fetch_sub(&walk->left, 1);
	pthread_mutex_unlock(&walk->lock);
}

/* returns whether something is left */
static bool walk_slabs(const struct visit *visit, int64_t end)
{
	struct walk *walk = visit->walk;
	struct slab *slab = NULL;

	do {
		if (!slab && !(slab = take(walk)))
			return false;
		step(visit, slab);
		if (slab->over) {
			give_back(walk, slab);
			slab = NULL;
		}
	} while (clock_us() < end);
	if (slab)
		give_back(walk, slab);
	return !walk_is_over(walk);
}

bool walk_on(struct walk *walk, struct self *self, struct module_env *env, unsigned budget)
{
	const struct visit visit = {
		.walk = walk,
		.self = self,
		.env = env,
		.needs = verdict_needs(self, env),
		.region = regional_create(),
	};
	bool more = visit.region && walk_slabs(&visit, clock_us() + budget);

	if (visit.region)
		regional_destroy(visit.region);
	else
		verdict_failed(self, env, SINK_ENOMEM);
	return more;
}

/* --- beginning and end --- */

static void add(struct walk *walk, const struct kind *kind, struct slabhash *cache)
{
	for (size_t i = 0; i < cache->size; i++)
		walk->slabs[walk->count++] = (struct slab){
			.kind = kind,
			.table = cache->array[i],
		};
}

static int make_room(struct walk *walk, size_t count)
{
	struct slab *slabs;

	if (count <= walk->room)
		return SINK_OK;
	slabs = realloc(walk->slabs, count * sizeof *slabs);
	if (!slabs)
		return SINK_ENOMEM;
	walk->slabs = slabs;
	walk->room = count;
	return SINK_OK;
}

/* Under the lock: a worker may be looking for a slab of the last walk still. */
int walk_begin(struct walk *walk, const struct module_env *env, const struct scope *scope)
{
	struct slabhash *record_sets = &env->rrset_cache->table;
	int err;

	pthread_mutex_lock(&walk->lock);
	err = make_room(walk, record_sets->size + env->msg_cache->size);
	if (!err) {
		walk->count = 0;
		walk->scope = scope;
		add(walk, &sets, record_sets);
		add(walk, &messages, env->msg_cache);
		atomic_store(&walk->sets, 0);
		atomic_store(&walk->messages, 0);
		atomic_store(&walk->left, walk->count);
	}
	pthread_mutex_unlock(&walk->lock);
	return err;
}

bool walk_is_over(const struct walk *walk)
{
	return atomic_load(&walk->left) == 0;
}

struct walk_count walk_count(const struct walk *walk)
{
	return (struct walk_count){
		.sets = atomic_load(&walk->sets),
		.messages = atomic_load(&walk->messages),
	};
}

int walk_new(struct walk **out)
{
	struct walk *walk = calloc(1, sizeof *walk);

	if (!walk)
		return SINK_ENOMEM;
	pthread_mutex_init(&walk->lock, NULL); /* cannot fail without attributes */
	*out = walk;
	return SINK_OK;
}

void walk_free(struct walk *walk)
{
	if (!walk)
		return;
	pthread_mutex_destroy(&walk->lock);
	free(walk->slabs);
	free(walk);
}

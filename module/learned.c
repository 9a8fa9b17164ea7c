/* learned.c - keys and copies; where they are kept is in recall.c. */
#include "learned.h"

#include <stdlib.h>

#include "query.h"
#include "recall.h"
#include "sinkhole/err.h"

#define WAYS_BYTES ((size_t)4 << 20) /* of all ways: some 20,000 */
#define WAY_MAX 2048 /* bytes of names: more than Unbound follows one by one */
#define ANSWERS_BYTES ((size_t)64 << 20) /* at most: some 50,000 */
#define ANSWER_MAX 16384 /* bytes */
#define WAY_TTL_MAX 3600 /* seconds: an alias may change although its record said otherwise */

struct learned {
	struct recall *ways;
	struct recall *answers;
};

/* Names in wire form, one after the other: each ends by its root. */
struct way {
	size_t len;
	uint8_t names[];
};

/* --- keys --- */

struct key {
	size_t len;
	uint8_t bytes[5 + SINK_WIRE_MAX];
};

static uint8_t lower(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + 32) : octet;
}

/* Octets of a label's length are below 64 and so below the letters.
 *
 * flags    of the query that make another answer */
static struct sink_span key_of(const struct query_info *asked, uint8_t flags, struct key *key)
{
	const uint8_t head[] = { (uint8_t)(asked->qtype >> 8), (uint8_t)asked->qtype,
		(uint8_t)(asked->qclass >> 8), (uint8_t)asked->qclass, flags };
	size_t len = asked->qname_len < SINK_WIRE_MAX ? asked->qname_len : SINK_WIRE_MAX;

	memcpy(key->bytes, head, sizeof head);
	for (size_t i = 0; i < len; i++)
		key->bytes[sizeof head + i] = lower(asked->qname[i]);
	key->len = sizeof head + len;
	return sink_span(key->bytes, key->len);
}

/* DNS64 makes addresses for those only who leave checking to us, whether or not anything is checked. */
static uint8_t is_cd(const struct module_qstate *qstate)
{
	return (qstate->query_flags & BIT_CD) != 0;
}

/* What is learned with checking disabled may be forged: it is not for those who want it checked. */
static uint8_t unchecked(const struct module_qstate *qstate)
{
	return qstate->env->need_to_validate && is_cd(qstate);
}

/* --- ways --- */

void learned_put_way(struct learned *learned, const struct module_qstate *qstate,
	const struct facts *facts, size_t count, time_t ttl)
{
	struct way *way;
	struct key key;
	size_t len = 0;

	for (size_t i = 1; i < count; i++)
		len += facts->names[i].len;
	if (ttl <= 0 || len == 0 || len > WAY_MAX)
		return;
	way = malloc(sizeof *way + len);
	if (!way)
		return;
	way->len = 0;
	for (size_t i = 1; i < count; i++) {
		memcpy(way->names + way->len, facts->names[i].at, facts->names[i].len);
		way->len += facts->names[i].len;
	}
	recall_put(learned->ways, key_of(&qstate->qinfo, unchecked(qstate), &key), way,
		sizeof *way + len, *qstate->env->now + (ttl < WAY_TTL_MAX ? ttl : WAY_TTL_MAX));
}

static void use_way(void *arg, const void *value)
{
	struct facts *facts = arg;
	const struct way *way = value;
	size_t len;

	for (size_t at = 0; at < way->len; at += len) {
		const uint8_t *name = way->names + at;

		for (len = 1; name[len - 1] != 0; len += (size_t)name[len - 1] + 1)
			;
		facts_add_name(facts, sink_span(name, len));
	}
}

bool learned_get_way(struct learned *learned, const struct module_qstate *qstate,
	struct facts *facts)
{
	struct key key;
	bool found = false;

	/* What was checked is good for those who do not want it checked, too. */
	for (int flags = unchecked(qstate); flags >= 0 && !found; flags--)
		found = recall_use(learned->ways, key_of(&qstate->qinfo, (uint8_t)flags, &key),
			*qstate->env->now, use_way, facts);
	return found;
}

/* --- answers --- */

struct answer {
	struct regional *region; /* that it and all of it lives in */
	struct reply_info *rep; /* times to live count from `since` */
	struct facts served; /* the servers only */
	time_t since;
};

#define ALIGNMENT 8 /* bytes: what a region rounds up to */

static size_t size_of(const struct reply_info *rep)
{
	size_t size = sizeof *rep + rep->rrset_count * sizeof(struct ub_packed_rrset_key *);

	for (size_t i = 0; i < rep->rrset_count; i++)
		size += sizeof(struct ub_packed_rrset_key) + rep->rrsets[i]->rk.dname_len +
			packed_rrset_sizeof(rep->rrsets[i]->entry.data) + (size_t)3 * ALIGNMENT;
	return size;
}

/* Lists that grow leave what they grew out of behind. */
static size_t size_of_servers(const struct facts *facts)
{
	size_t size = 4 *
		(facts->servers_count * sizeof *facts->servers +
			facts->server_addresses_count * sizeof *facts->server_addresses);

	for (size_t i = 0; i < facts->servers_count; i++)
		size += facts->servers[i].len + ALIGNMENT;
	return size ? size + (size_t)16 * ALIGNMENT : 0;
}

static void drop_answer(void *value)
{
	struct answer *answer = value;

	regional_destroy(answer->region);
}

/* Unbound's own copying takes what it only reads without const. */
static struct reply_info *copy(const struct reply_info *rep, struct regional *region)
{
	return reply_info_copy((struct reply_info *)(uintptr_t)rep, NULL, region);
}

/* In a region whose first piece has room for all of it: further ones are large. */
static struct answer *new_answer(const struct reply_info *rep, const struct facts *served,
	time_t now)
{
	struct regional *region =
		regional_create_custom(sizeof(struct regional) + sizeof(struct answer) +
			size_of(rep) + size_of_servers(served) + (size_t)4 * ALIGNMENT);
	struct answer *answer;

	if (!region)
		return NULL;
	answer = regional_alloc_zero(region, sizeof *answer);
	if (answer)
		answer->rep = copy(rep, region);
	if (!answer || !answer->rep) {
		regional_destroy(region);
		return NULL;
	}
	answer->region = region;
	answer->served.region = region;
	facts_add_servers_of(&answer->served, served);
	answer->since = now;
	return answer;
}

/* The CNAME that Unbound makes of a DNAME lives for no time, but can be made again. */
static time_t life_of(const struct reply_info *rep)
{
	time_t life = 0;
	bool made = false;

	if (rep->ttl > 0)
		return rep->ttl;
	for (size_t i = 0; i < rep->an_numrrsets; i++) {
		const struct packed_rrset_data *data = rep->rrsets[i]->entry.data;

		if (i == 0 || (data->ttl < life && !made))
			life = data->ttl;
		made = ntohs(rep->rrsets[i]->rk.type) == LDNS_RR_TYPE_DNAME;
	}
	return life;
}

void learned_put_answer(struct learned *learned, const struct module_qstate *qstate,
	const struct reply_info *rep, const struct facts *served)
{
	time_t now = *qstate->env->now, life = life_of(rep);
	struct answer *answer;
	struct key key;

	if (life <= 0 || size_of(rep) > ANSWER_MAX)
		return;
	answer = new_answer(rep, served, now);
	/* As long as Unbound's cache would have it, or the authority were asked more often: through the last second, when
	 * nothing is left of its time to live. */
	if (answer)
		recall_put(learned->answers, key_of(&qstate->qinfo, is_cd(qstate), &key), answer,
			regional_get_mem(answer->region), now + life + 1);
}

struct found_answer {
	struct regional *region;
	time_t now;
	struct facts *facts;
	struct reply_info *rep;
};

static void count_down(struct reply_info *rep, time_t age)
{
	rep->ttl = rep->ttl > age ? rep->ttl - age : 0;
	for (size_t i = 0; i < rep->rrset_count; i++) {
		struct packed_rrset_data *data = rep->rrsets[i]->entry.data;

		data->ttl = data->ttl > age ? data->ttl - age : 0;
		for (size_t j = 0; j < data->count + data->rrsig_count; j++)
			data->rr_ttl[j] = data->rr_ttl[j] > age ? data->rr_ttl[j] - age : 0;
	}
}

static void use_answer(void *arg, const void *value)
{
	struct found_answer *found = arg;
	const struct answer *answer = value;

	found->rep = copy(answer->rep, found->region);
	if (!found->rep)
		return;
	count_down(found->rep, found->now - answer->since);
	facts_add_servers_of(found->facts, &answer->served);
}

struct dns_msg *learned_get_answer(struct learned *learned, struct module_qstate *qstate,
	struct facts *facts)
{
	struct found_answer found = {
		.region = qstate->region,
		.now = *qstate->env->now,
		.facts = facts,
	};
	struct key key;

	if (!recall_use(learned->answers, key_of(&qstate->qinfo, is_cd(qstate), &key), found.now,
		    use_answer, &found) ||
		!found.rep)
		return NULL;
	return query_message(qstate, found.rep);
}

/* --- both --- */

/* As much as the operator has given Unbound for such answers: it holds none of these. */
static size_t answers_bytes(const struct config_file *cfg)
{
	size_t bytes = cfg->msg_cache_size + cfg->rrset_cache_size;

	return bytes < ANSWERS_BYTES ? bytes : ANSWERS_BYTES;
}

int learned_new(const struct config_file *cfg, struct learned **out)
{
	struct learned *learned = calloc(1, sizeof *learned);
	int err;

	if (!learned)
		return SINK_ENOMEM;
	err = recall_new(WAYS_BYTES, free, &learned->ways);
	if (!err)
		err = recall_new(answers_bytes(cfg), drop_answer, &learned->answers);
	if (err)
		learned_free(learned);
	else
		*out = learned;
	return err;
}

void learned_free(struct learned *learned)
{
	if (!learned)
		return;
	recall_free(learned->ways);
	recall_free(learned->answers);
	free(learned);
}

bool learned_is_empty(const struct learned *learned)
{
	return recall_is_empty(learned->ways) && recall_is_empty(learned->answers);
}

size_t learned_bytes(const struct learned *learned)
{
	return recall_bytes(learned->ways) + recall_bytes(learned->answers);
}

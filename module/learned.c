/* learned.c - keys and copies; where they are kept is in recall.c. */
#include "learned.h"

#include <stdlib.h>

#include "query.h"
#include "recall.h"
#include "sinkhole/err.h"

#define NAMES 16384 /* of about 150 bytes */
#define ANSWERS 2048
#define ANSWER_MAX 4096 /* bytes; so all of them are at most 8 MiB */
#define NAME_TTL_MAX 3600 /* seconds: an alias may change although its record said otherwise */

struct learned {
	struct recall *names;
	struct recall *answers; /* NULL: not kept */
};

struct name {
	size_t len;
	uint8_t wire[];
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

/* What is learned with checking disabled may be forged: it is not for those who want it checked. */
static uint8_t unchecked(const struct module_qstate *qstate)
{
	return qstate->env->need_to_validate && (qstate->query_flags & BIT_CD) != 0;
}

/* --- names --- */

void learned_put_name(struct learned *learned, const struct module_qstate *qstate,
	struct sink_span wire, time_t ttl)
{
	struct name *name;
	struct key key;

	if (ttl <= 0)
		return;
	name = malloc(sizeof *name + wire.len);
	if (!name)
		return;
	name->len = wire.len;
	memcpy(name->wire, wire.at, wire.len);
	recall_put(learned->names, key_of(&qstate->qinfo, unchecked(qstate), &key), name,
		*qstate->env->now + (ttl < NAME_TTL_MAX ? ttl : NAME_TTL_MAX));
}

struct found_name {
	uint8_t *out;
	size_t len;
};

static void use_name(void *arg, const void *value)
{
	struct found_name *found = arg;
	const struct name *name = value;

	memcpy(found->out, name->wire, name->len);
	found->len = name->len;
}

size_t learned_get_name(struct learned *learned, const struct module_qstate *qstate, uint8_t *out)
{
	struct found_name found = { .out = out };
	struct key key;

	/* What was checked is good for those who do not want it checked, too. */
	for (int flags = unchecked(qstate); flags >= 0 && found.len == 0; flags--)
		recall_use(learned->names, key_of(&qstate->qinfo, (uint8_t)flags, &key),
			*qstate->env->now, use_name, &found);
	return found.len;
}

/* --- answers --- */

struct answer {
	struct regional *region; /* that it and all of it lives in */
	struct reply_info *rep; /* times to live count from `since` */
	time_t since;
};

static size_t size_of(const struct reply_info *rep)
{
	size_t size = sizeof *rep + rep->rrset_count * sizeof(struct ub_packed_rrset_key *);

	for (size_t i = 0; i < rep->rrset_count; i++)
		size += sizeof(struct ub_packed_rrset_key) + rep->rrsets[i]->rk.dname_len +
			packed_rrset_sizeof(rep->rrsets[i]->entry.data);
	return size;
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

static struct answer *new_answer(const struct reply_info *rep, time_t now)
{
	struct regional *region = regional_create_custom(ANSWER_MAX / 2);
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
	answer->since = now;
	return answer;
}

void learned_put_answer(struct learned *learned, const struct module_qstate *qstate,
	const struct reply_info *rep)
{
	time_t now = *qstate->env->now;
	struct answer *answer;
	struct key key;

	if (!learned->answers || rep->ttl <= 0 || size_of(rep) > ANSWER_MAX)
		return;
	answer = new_answer(rep, now);
	if (answer)
		recall_put(learned->answers, key_of(&qstate->qinfo, unchecked(qstate), &key),
			answer, now + rep->ttl);
}

struct found_answer {
	struct regional *region;
	time_t now;
	struct reply_info *rep;
};

static void count_down(struct reply_info *rep, time_t age)
{
	rep->ttl -= age;
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
	if (found->rep)
		count_down(found->rep, found->now - answer->since);
}

struct dns_msg *learned_get_answer(struct learned *learned, struct module_qstate *qstate)
{
	struct found_answer found = { .region = qstate->region, .now = *qstate->env->now };
	struct key key;

	if (!learned->answers ||
		!recall_use(learned->answers, key_of(&qstate->qinfo, unchecked(qstate), &key),
			found.now, use_answer, &found) ||
		!found.rep)
		return NULL;
	return query_message(qstate, found.rep);
}

/* --- both --- */

int learned_new(bool answers, struct learned **out)
{
	struct learned *learned = calloc(1, sizeof *learned);
	int err;

	if (!learned)
		return SINK_ENOMEM;
	err = recall_new(NAMES, free, &learned->names);
	if (!err && answers)
		err = recall_new(ANSWERS, drop_answer, &learned->answers);
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
	recall_free(learned->names);
	recall_free(learned->answers);
	free(learned);
}

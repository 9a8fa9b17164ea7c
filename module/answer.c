/* answer.c - one function an action; all of them fill a draft, from which Unbound's structures
 * are made. */
#include "answer.h"

#include "rdata.h"
#include "ub.h"
#include "verdict.h"

struct draft {
	const struct answer_order *order;
	uint16_t flags; /* RCODE, and TC */
	size_t answers; /* sets in the answer section, first in sets[] */
	size_t authority; /* sets in the authority section, after them */
	struct ub_packed_rrset_key **sets;
};

/* returns false: no memory */
typedef bool answer_fn(struct draft *draft);

/* --- sets of records --- */

/* The one piece of memory that packed_rrset_ptr_fixup() knows: others copy rrsets by that layout. */
static struct packed_rrset_data *records(struct regional *region, time_t ttl,
	const struct sink_span *rdata, size_t count)
{
	size_t size = sizeof(struct packed_rrset_data);
	struct packed_rrset_data *data;

	for (size_t i = 0; i < count; i++)
		size += sizeof(size_t) + sizeof(uint8_t *) + sizeof(time_t) + 2 + rdata[i].len;
	data = regional_alloc_zero(region, size);
	if (!data)
		return NULL;
	data->ttl = ttl;
	data->count = count;
	data->trust = rrset_trust_none;
	data->security = sec_status_insecure;
	data->rr_len = (size_t *)(data + 1);
	for (size_t i = 0; i < count; i++)
		data->rr_len[i] = 2 + rdata[i].len;
	packed_rrset_ptr_fixup(data);
	for (size_t i = 0; i < count; i++) {
		data->rr_ttl[i] = ttl;
		data->rr_data[i][0] = (uint8_t)(rdata[i].len >> 8);
		data->rr_data[i][1] = (uint8_t)rdata[i].len;
		memcpy(data->rr_data[i] + 2, rdata[i].at, rdata[i].len);
	}
	return data;
}

/* FNV-1a, 32 bits. A set of an answer is not to lie in a cache, so its hash need not be Unbound's, which takes six times
 * as long: only be its own, should a module that ours does not go with store it. */
static hashvalue_type hash_of(const uint8_t *owner, size_t len, uint16_t type)
{
	hashvalue_type hash = 2166136261u ^ type;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ owner[i]) * 16777619u;
	return hash;
}

struct ub_packed_rrset_key *answer_set_of(struct regional *region, uint8_t *owner, size_t owner_len,
	uint16_t type, time_t ttl, const struct sink_span *rdata, size_t count)
{
	struct packed_rrset_data *data = records(region, ttl, rdata, count);
	struct ub_packed_rrset_key *key = regional_alloc_zero(region, sizeof *key);

	if (!key || !data)
		return NULL;
	key->rk.dname = owner;
	key->rk.dname_len = owner_len;
	key->rk.type = htons(type);
	key->rk.rrset_class = htons(LDNS_RR_CLASS_IN); /* also where ANY was asked for */
	key->entry.key = key;
	key->entry.data = data;
	key->entry.hash = hash_of(owner, owner_len, type);
	return key;
}

struct ub_packed_rrset_key *answer_set(struct regional *region, uint8_t *owner, size_t owner_len,
	uint16_t type, time_t ttl, const uint8_t *rdata, uint16_t len, size_t count)
{
	struct sink_span *each = regional_alloc(region, count * sizeof *each);

	if (!each)
		return NULL;
	for (size_t i = 0; i < count; i++)
		each[i] = sink_span(rdata + i * len, len);
	return answer_set_of(region, owner, owner_len, type, ttl, each, count);
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(value >> shift);
	return at;
}

/* MNAME and RNAME: a policy's, if they are two names and no more. Else the root, twice: nobody to send updates or mail to,
 * and no names for Unbound to look for in the answer, which takes it longer than all else in the record. */
static struct sink_span soa_names(const struct sink_form *form)
{
	static const uint8_t roots[2];
	size_t mname = rdata_name(form->soa);
	struct sink_span rest = sink_span(form->soa.at + mname, form->soa.len - mname);

	if (mname > 0 && rest.len > 0 && rdata_name(rest) == rest.len)
		return form->soa;
	return sink_span(roots, sizeof roots);
}

/* The times are those of Unbound's own local zones; the serial tells which generation blocked. */
static size_t soa_rdata(const struct verdict *verdict,
	uint8_t out[(size_t)2 * SINK_WIRE_MAX + 5 * sizeof(uint32_t)])
{
	struct sink_span names = soa_names(&verdict->form);
	uint8_t *at = out;

	memcpy(at, names.at, names.len);
	at = put_u32(at + names.len, (uint32_t)verdict->serial);
	at = put_u32(at, 3600); /* refresh, seconds; nobody does */
	at = put_u32(at, 1200); /* retry */
	at = put_u32(at, 604800); /* expire */
	at = put_u32(at, verdict->form.ttl); /* minimum: how long the "no" is kept, RFC 2308, 5 */
	return (size_t)(at - out);
}

static struct ub_packed_rrset_key *soa_set(const struct answer_order *order)
{
	const struct verdict *verdict = order->verdict;
	uint8_t *owner = regional_alloc_init(order->region, verdict->listed, verdict->listed_len);
	uint8_t rdata[(size_t)2 * SINK_WIRE_MAX + 5 * sizeof(uint32_t)];
	struct sink_span record = sink_span(rdata, soa_rdata(verdict, rdata));

	if (!owner)
		return NULL;
	return answer_set_of(order->region, owner, verdict->listed_len, LDNS_RR_TYPE_SOA,
		verdict->form.ttl, &record, 1);
}

/* --- answers --- */

static bool make_room(struct draft *draft, size_t sets)
{
	draft->sets = regional_alloc_zero(draft->order->region, sets * sizeof(void *));
	return draft->sets != NULL;
}

static bool answer_code(struct draft *draft, uint16_t flags)
{
	draft->flags = flags;
	return true;
}

static bool answer_refused(struct draft *draft)
{
	return answer_code(draft, LDNS_RCODE_REFUSED);
}

static bool answer_truncated(struct draft *draft)
{
	return answer_code(draft, BIT_TC);
}

static bool answer_negative(struct draft *draft, uint16_t rcode)
{
	if (!make_room(draft, 1))
		return false;
	draft->authority = 1;
	draft->sets[0] = soa_set(draft->order);
	return draft->sets[0] && answer_code(draft, rcode);
}

static bool answer_nxdomain(struct draft *draft)
{
	return answer_negative(draft, LDNS_RCODE_NXDOMAIN);
}

static bool answer_nodata(struct draft *draft)
{
	return answer_negative(draft, LDNS_RCODE_NOERROR);
}

static bool is_asked_for(const struct draft *draft, uint16_t type)
{
	uint16_t asked = draft->order->asked->qtype;

	return asked == type || asked == LDNS_RR_TYPE_ANY;
}

/* There must be room. */
static bool add_set(struct draft *draft, struct ub_packed_rrset_key *set)
{
	draft->sets[draft->answers++] = set;
	return set != NULL;
}

static bool add_addresses(struct draft *draft, uint16_t type, const uint8_t *addresses,
	uint16_t len, size_t count)
{
	const struct answer_order *order = draft->order;

	if (count == 0 || !is_asked_for(draft, type))
		return true;
	return add_set(draft,
		answer_set(order->region, order->asked->qname, order->asked->qname_len, type,
			order->verdict->form.ttl, addresses, len, count));
}

static bool answer_sinkhole(struct draft *draft)
{
	const struct sink_form *form = &draft->order->verdict->form;

	if (!make_room(draft, 2) ||
		!add_addresses(draft, LDNS_RR_TYPE_A, form->a[0], 4, form->a_count) ||
		!add_addresses(draft, LDNS_RR_TYPE_AAAA, form->aaaa[0], 16, form->aaaa_count))
		return false;
	return draft->answers > 0 || answer_nodata(draft);
}

#define DATA_MIN 8 /* octets of sink_form.data that a record takes at least */

/* The records of one type, as long as they follow each other: their number and TTL, which is the set's and hence one
 * (RFC 2181, 5.2). They are sorted by type and TTL. */
struct group {
	uint16_t type;
	uint32_t ttl;
	size_t count;
};

static bool add_group(struct draft *draft, const struct group *group, const struct sink_span *rdata)
{
	const struct answer_order *order = draft->order;

	if (group->count == 0)
		return true;
	return add_set(draft,
		answer_set_of(order->region, order->asked->qname, order->asked->qname_len,
			group->type, group->ttl, rdata, group->count));
}

static bool answer_data(struct draft *draft)
{
	struct sink_span rest = draft->order->verdict->form.data;
	size_t most = rest.len / DATA_MIN + 1;
	struct sink_span *rdata = regional_alloc(draft->order->region, most * sizeof *rdata);
	struct group group = { .count = 0 };
	struct sink_data data;

	if (!rdata || !make_room(draft, most))
		return false;
	while (sink_data_next(&rest, &data)) {
		if (!is_asked_for(draft, data.type) || !rdata_is_good(data.type, data.rdata))
			continue;
		if (data.type != group.type) {
			if (!add_group(draft, &group, rdata))
				return false;
			group = (struct group){ .type = data.type, .ttl = data.ttl };
		}
		rdata[group.count++] = data.rdata;
	}
	if (!add_group(draft, &group, rdata))
		return false;
	return draft->answers > 0 || answer_nodata(draft);
}

size_t answer_alias(struct sink_span target, struct sink_span asked, uint8_t out[SINK_WIRE_MAX])
{
	bool wild = target.len > 2 && target.at[0] == 1 && target.at[1] == '*';
	size_t head = wild ? asked.len - 1 : 0; /* without its root */
	size_t skip = wild ? 2 : 0;

	if (rdata_name(target) != target.len || target.len == 0 ||
		head + target.len - skip > SINK_WIRE_MAX)
		return 0;
	if (wild)
		memcpy(out, asked.at, head);
	memcpy(out + head, target.at + skip, target.len - skip);
	return head + target.len - skip;
}

bool answer_follows(uint16_t type)
{
	return type != LDNS_RR_TYPE_CNAME && type != LDNS_RR_TYPE_ANY;
}

static bool add_target(struct draft *draft, const struct reply_info *target)
{
	for (size_t i = 0; i < target->an_numrrsets; i++)
		if (!add_set(draft, target->rrsets[i]))
			return false;
	for (size_t i = 0; i < target->ns_numrrsets; i++)
		draft->sets[draft->answers + draft->authority++] =
			target->rrsets[target->an_numrrsets + i];
	return answer_code(draft, FLAGS_GET_RCODE(target->flags));
}

/* An alias of itself is none: the name is where it leads. */
static bool answer_cname(struct draft *draft)
{
	const struct answer_order *order = draft->order;
	const struct query_info *asked = order->asked;
	const struct reply_info *target = answer_follows(asked->qtype) ? order->target : NULL;
	uint8_t name[SINK_WIRE_MAX];
	size_t len = answer_alias(order->verdict->form.cname,
		sink_span(asked->qname, asked->qname_len), name);

	if (len == 0)
		return answer_negative(draft, LDNS_RCODE_YXDOMAIN);
	if (query_dname_compare(name, asked->qname) == 0)
		return answer_nodata(draft);
	if (!make_room(draft, 1 + (target ? target->rrset_count : 0)) ||
		!add_set(draft,
			answer_set(order->region, asked->qname, asked->qname_len,
				LDNS_RR_TYPE_CNAME, order->verdict->form.ttl, name, (uint16_t)len,
				1)))
		return false;
	return !target || add_target(draft, target);
}

static answer_fn *const answers[] = {
	[SINK_ACTION_NONE] = NULL, /* these two are never ordered: the query goes on */
	[SINK_ACTION_PASS] = NULL,
	[SINK_ACTION_NXDOMAIN] = answer_nxdomain,
	[SINK_ACTION_NODATA] = answer_nodata,
	[SINK_ACTION_SINKHOLE] = answer_sinkhole,
	[SINK_ACTION_REFUSED] = answer_refused,
	[SINK_ACTION_DROP] = answer_refused,
	[SINK_ACTION_TRUNCATE] = answer_truncated,
	[SINK_ACTION_CNAME] = answer_cname,
	[SINK_ACTION_DATA] = answer_data,
	[SINK_ACTION_LISTED] = NULL, /* what a verdict never is */
	[SINK_ACTION_MONITOR] = NULL,
};
_Static_assert(sizeof answers / sizeof answers[0] == SINK_ACTION_COUNT, "an action has no answer");

/* --- Unbound's structures --- */

/* construct_reply_info_base() takes other arguments in each version; zero is right for what is
 * not named here. Security "insecure" is what keeps AD off and the validator away. */
static struct reply_info *reply_of(const struct draft *draft)
{
	struct reply_info *rep = regional_alloc_zero(draft->order->region, sizeof *rep);
	time_t ttl = draft->order->verdict->form.ttl;

	if (!rep)
		return NULL;
	rep->flags = (uint16_t)(BIT_QR | BIT_RA | draft->flags);
	rep->qdcount = 1;
	rep->ttl = ttl;
	rep->prefetch_ttl = ttl;
	rep->serve_expired_ttl = ttl;
	rep->security = sec_status_insecure;
	rep->reason_bogus = LDNS_EDE_NONE;
	rep->an_numrrsets = draft->answers;
	rep->ns_numrrsets = draft->authority;
	rep->rrset_count = draft->answers + draft->authority;
	rep->rrsets = draft->sets;
	return rep;
}

struct dns_msg *answer_make(const struct answer_order *order)
{
	struct draft draft = { .order = order };
	struct dns_msg *msg = regional_alloc_zero(order->region, sizeof *msg);

	if (!msg || !answers[order->verdict->action](&draft))
		return NULL;
	msg->qinfo = *order->asked;
	msg->rep = reply_of(&draft);
	return msg->rep ? msg : NULL;
}

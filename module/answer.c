/* answer.c - one function an action; all of them fill a draft, from which Unbound's structures
 * are made. */
#include "answer.h"

#include "ub.h"
#include "verdict.h"

#define SETS_MAX 2 /* A and AAAA */

struct draft {
	const struct answer_order *order;
	uint16_t rcode;
	size_t answers; /* sets in the answer section, first in sets[] */
	size_t authority; /* sets in the authority section, after them */
	struct ub_packed_rrset_key *sets[SETS_MAX];
};

/* returns false: no memory */
typedef bool answer_fn(struct draft *draft);

/* --- sets of records --- */

/* Same-sized records of one type, in the one piece of memory that packed_rrset_ptr_fixup() knows:
 * others copy rrsets by that layout. */
static struct packed_rrset_data *records(struct regional *region, time_t ttl, const uint8_t *rdata,
	uint16_t len, size_t count)
{
	size_t each = sizeof(size_t) + sizeof(uint8_t *) + sizeof(time_t) + 2 + len;
	struct packed_rrset_data *data = regional_alloc_zero(region, sizeof *data + count * each);

	if (!data)
		return NULL;
	data->ttl = ttl;
	data->count = count;
	data->trust = rrset_trust_none;
	data->security = sec_status_insecure;
	data->rr_len = (size_t *)(data + 1);
	for (size_t i = 0; i < count; i++)
		data->rr_len[i] = 2 + (size_t)len;
	packed_rrset_ptr_fixup(data);
	for (size_t i = 0; i < count; i++) {
		data->rr_ttl[i] = ttl;
		data->rr_data[i][0] = (uint8_t)(len >> 8);
		data->rr_data[i][1] = (uint8_t)len;
		memcpy(data->rr_data[i] + 2, rdata + i * len, len);
	}
	return data;
}

struct ub_packed_rrset_key *answer_set(struct regional *region, uint8_t *owner, size_t owner_len,
	uint16_t type, time_t ttl, const uint8_t *rdata, uint16_t len, size_t count)
{
	struct packed_rrset_data *data = records(region, ttl, rdata, len, count);
	struct ub_packed_rrset_key *key = regional_alloc_zero(region, sizeof *key);

	if (!key || !data)
		return NULL;
	key->rk.dname = owner;
	key->rk.dname_len = owner_len;
	key->rk.type = htons(type);
	key->rk.rrset_class = htons(LDNS_RR_CLASS_IN); /* also where ANY was asked for */
	key->entry.key = key;
	key->entry.data = data;
	key->entry.hash = rrset_key_hash(&key->rk);
	return key;
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(value >> shift);
	return at;
}

/* The names and times are those of Unbound's own local zones; the serial tells which generation
 * blocked. */
#define SOA_NAMES "\011localhost\000\006nobody\007invalid" /* MNAME, RNAME, whose root is the NUL */
#define SOA_LEN (sizeof SOA_NAMES + 5 * sizeof(uint32_t))

static void soa_rdata(const struct answer_order *order, uint8_t out[SOA_LEN])
{
	uint8_t *at = out;

	memcpy(at, SOA_NAMES, sizeof SOA_NAMES);
	at = put_u32(at + sizeof SOA_NAMES, (uint32_t)order->verdict->serial);
	at = put_u32(at, 3600); /* refresh, seconds; nobody does */
	at = put_u32(at, 1200); /* retry */
	at = put_u32(at, 604800); /* expire */
	put_u32(at,
		order->verdict->policy.ttl); /* minimum: how long the "no" is kept, RFC 2308, 5 */
}

static struct ub_packed_rrset_key *soa_set(const struct answer_order *order)
{
	const struct verdict *verdict = order->verdict;
	uint8_t *owner = regional_alloc_init(order->region, verdict->listed, verdict->listed_len);
	uint8_t rdata[SOA_LEN];

	if (!owner)
		return NULL;
	soa_rdata(order, rdata);
	return answer_set(order->region, owner, verdict->listed_len, LDNS_RR_TYPE_SOA,
		verdict->policy.ttl, rdata, SOA_LEN, 1);
}

/* --- answers --- */

static bool answer_negative(struct draft *draft, uint16_t rcode)
{
	draft->rcode = rcode;
	draft->authority = 1;
	draft->sets[0] = soa_set(draft->order);
	return draft->sets[0] != NULL;
}

static bool answer_nxdomain(struct draft *draft)
{
	return answer_negative(draft, LDNS_RCODE_NXDOMAIN);
}

static bool answer_nodata(struct draft *draft)
{
	return answer_negative(draft, LDNS_RCODE_NOERROR);
}

static bool add_addresses(struct draft *draft, uint16_t type, const uint8_t *addresses,
	uint16_t len, size_t count)
{
	const struct answer_order *order = draft->order;
	const struct query_info *asked = order->asked;
	struct ub_packed_rrset_key *set;

	if (count == 0 || (asked->qtype != type && asked->qtype != LDNS_RR_TYPE_ANY))
		return true;
	set = answer_set(order->region, asked->qname, asked->qname_len, type,
		order->verdict->policy.ttl, addresses, len, count);
	draft->sets[draft->answers++] = set;
	return set != NULL;
}

static bool answer_sinkhole(struct draft *draft)
{
	const struct sink_policy *policy = &draft->order->verdict->policy;

	if (!add_addresses(draft, LDNS_RR_TYPE_A, policy->a[0], 4, policy->a_count) ||
		!add_addresses(draft, LDNS_RR_TYPE_AAAA, policy->aaaa[0], 16, policy->aaaa_count))
		return false;
	return draft->answers > 0 || answer_nodata(draft);
}

static answer_fn *const answers[] = {
	[SINK_ACTION_NONE] = NULL, /* these two are never ordered: the query goes on */
	[SINK_ACTION_PASS] = NULL,
	[SINK_ACTION_NXDOMAIN] = answer_nxdomain,
	[SINK_ACTION_NODATA] = answer_nodata,
	[SINK_ACTION_SINKHOLE] = answer_sinkhole,
};
_Static_assert(sizeof answers / sizeof answers[0] == SINK_ACTION_COUNT, "an action has no answer");

/* --- Unbound's structures --- */

/* construct_reply_info_base() takes other arguments in each version; zero is right for what is
 * not named here. Security "insecure" is what keeps AD off and the validator away. */
static struct reply_info *reply_of(const struct draft *draft)
{
	struct regional *region = draft->order->region;
	struct reply_info *rep = regional_alloc_zero(region, sizeof *rep);
	time_t ttl = draft->order->verdict->policy.ttl;

	if (!rep)
		return NULL;
	rep->flags = (uint16_t)(BIT_QR | BIT_RA | draft->rcode);
	rep->qdcount = 1;
	rep->ttl = ttl;
	rep->prefetch_ttl = ttl;
	rep->serve_expired_ttl = ttl;
	rep->security = sec_status_insecure;
	rep->reason_bogus = LDNS_EDE_NONE;
	rep->an_numrrsets = draft->answers;
	rep->ns_numrrsets = draft->authority;
	rep->rrset_count = draft->answers + draft->authority;
	rep->rrsets = regional_alloc_init(region, draft->sets, sizeof draft->sets);
	return rep->rrsets ? rep : NULL;
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

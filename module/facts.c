/* facts.c - lists that grow in a region. Records are read as a server sent them: each length is checked. */
#include "facts.h"

#include <arpa/inet.h>

#include "embed.h"
#include "hints.h"

#define FIRST_ROOM 4

/* --- lists --- */

/* Room for one more in a list.
 *
 * returns  the list, moved if it had none; NULL: no memory, or the list is as long as it may be */
static void *grown(struct facts *facts, void *list, size_t each, size_t count, size_t *room,
	size_t most)
{
	size_t more = *room ? *room * 2 : FIRST_ROOM;
	void *moved;

	if (count < *room)
		return list;
	if (count >= most)
		return NULL;
	moved = regional_alloc(facts->region, more * each);
	if (!moved) {
		facts->lacking = true;
		return NULL;
	}
	if (count > 0)
		memcpy(moved, list, count * each);
	*room = more;
	return moved;
}

static struct sink_span copied(struct facts *facts, const uint8_t *octets, size_t len)
{
	uint8_t *copy = regional_alloc_init(facts->region, octets, len);

	if (!copy)
		facts->lacking = true;
	return sink_span(copy, copy ? len : 0);
}

static void put_name(struct facts *facts, struct sink_span name)
{
	struct sink_span *names = grown(facts, facts->names, sizeof *names, facts->names_count,
		&facts->names_room, SIZE_MAX);

	if (!names)
		return;
	facts->names = names;
	names[facts->names_count++] = name;
}

static void put_server(struct facts *facts, const uint8_t *name, size_t len)
{
	struct sink_span *servers;

	for (size_t i = 0; i < facts->servers_count; i++)
		if (facts_same_name(facts->servers[i], sink_span(name, len)))
			return;
	servers = grown(facts, facts->servers, sizeof *servers, facts->servers_count,
		&facts->servers_room, FACTS_SERVERS_MAX);
	if (!servers)
		return;
	facts->servers = servers;
	servers[facts->servers_count] = copied(facts, name, len);
	facts->servers_count += servers[facts->servers_count].len > 0;
}

/* An address of `len` octets, 4 or 16. */
static struct sink_prefix address_of(const uint8_t *octets, size_t len)
{
	struct sink_prefix address = { .family = len == 4 ? 4 : 6, .bits = (uint8_t)(len * 8) };

	memcpy(address.bytes, octets, len);
	return address;
}

static void put_one_address(struct facts *facts, const struct sink_prefix *address)
{
	struct sink_prefix *addresses = grown(facts, facts->addresses, sizeof *addresses,
		facts->addresses_count, &facts->addresses_room, FACTS_ADDRESSES_MAX);

	if (!addresses)
		return;
	facts->addresses = addresses;
	addresses[facts->addresses_count++] = *address;
}

static void put_address(struct facts *facts, const struct sink_prefix *address)
{
	uint8_t ipv4[4];
	struct sink_prefix inner;

	put_one_address(facts, address);
	if (address->family == 4 || !embed_ipv4(address->bytes, ipv4))
		return;
	inner = address_of(ipv4, sizeof ipv4);
	put_one_address(facts, &inner);
}

static void put_octets(struct facts *facts, const uint8_t *octets, size_t len)
{
	struct sink_prefix address = address_of(octets, len);

	put_address(facts, &address);
}

static void put_server_address(struct facts *facts, const struct sink_prefix *address)
{
	struct sink_prefix *addresses;

	for (size_t i = 0; i < facts->server_addresses_count; i++)
		if (memcmp(&facts->server_addresses[i], address, sizeof *address) == 0)
			return;
	addresses = grown(facts, facts->server_addresses, sizeof *addresses,
		facts->server_addresses_count, &facts->server_addresses_room,
		FACTS_SERVER_ADDRESSES_MAX);
	if (!addresses)
		return;
	facts->server_addresses = addresses;
	addresses[facts->server_addresses_count++] = *address;
}

/* --- names --- */

void facts_begin(struct facts *facts, struct regional *region, uint16_t type, struct sink_span name)
{
	*facts = (struct facts){ .region = region, .type = type };
	put_name(facts, name);
}

void facts_add_name(struct facts *facts, struct sink_span name)
{
	struct sink_span copy = copied(facts, name.at, name.len);

	if (copy.len > 0)
		put_name(facts, copy);
}

void facts_add_chain(struct facts *facts, const struct reply_info *rep)
{
	for (size_t i = 0; i < rep->an_numrrsets; i++) {
		uint8_t *target = NULL;
		size_t len = 0;

		if (ntohs(rep->rrsets[i]->rk.type) == LDNS_RR_TYPE_CNAME)
			get_cname_target(rep->rrsets[i], &target, &len);
		if (target && len > 0)
			facts_add_name(facts, sink_span(target, len));
	}
}

bool facts_same_names(const struct facts *a, const struct facts *b)
{
	if (a->type != b->type || a->names_count != b->names_count)
		return false;
	for (size_t i = 0; i < a->names_count; i++)
		if (!facts_same_name(a->names[i], b->names[i]))
			return false;
	return true;
}

static bool is_comparable(const struct facts *facts)
{
	return !facts->lacking && facts->servers_count + facts->server_addresses_count == 0;
}

bool facts_same(const struct facts *a, const struct facts *b)
{
	if (!is_comparable(a) || !is_comparable(b) || a->addresses_count != b->addresses_count ||
		!facts_same_names(a, b))
		return false;
	return a->addresses_count == 0 ||
		memcmp(a->addresses, b->addresses, a->addresses_count * sizeof *a->addresses) == 0;
}

/* --- addresses --- */

static void put_hint(void *arg, const struct sink_prefix *address)
{
	put_address(arg, address);
}

static void add_addresses_of_record(struct facts *facts, uint16_t type, const uint8_t *rdata,
	size_t len)
{
	switch (type) {
	case LDNS_RR_TYPE_A:
		if (len == 4)
			put_octets(facts, rdata, len);
		break;
	case LDNS_RR_TYPE_AAAA:
		if (len == 16)
			put_octets(facts, rdata, len);
		break;
	case LDNS_RR_TYPE_HTTPS:
	case LDNS_RR_TYPE_SVCB:
		hints_each(sink_span(rdata, len), put_hint, facts);
		break;
	}
}

/* Unbound keeps each record with two octets of length before it. */
void facts_add_addresses_of_set(struct facts *facts, const struct ub_packed_rrset_key *set)
{
	const struct packed_rrset_data *data = set->entry.data;
	uint16_t type = ntohs(set->rk.type);

	for (size_t i = 0; i < data->count; i++)
		if (data->rr_len[i] > 2)
			add_addresses_of_record(facts, type, data->rr_data[i] + 2,
				data->rr_len[i] - 2);
}

void facts_add_addresses(struct facts *facts, const struct reply_info *rep)
{
	for (size_t i = 0; i < rep->an_numrrsets; i++)
		facts_add_addresses_of_set(facts, rep->rrsets[i]);
}

/* --- servers --- */

static void put_socket_address(struct facts *facts, const struct sockaddr_storage *socket)
{
	struct sink_prefix address;

	if (socket->ss_family == AF_INET)
		address =
			address_of((const uint8_t *)&((const struct sockaddr_in *)socket)->sin_addr,
				4);
	else if (socket->ss_family == AF_INET6)
		address = address_of((const uint8_t *)&((const struct sockaddr_in6 *)socket)
					     ->sin6_addr,
			16);
	else
		return;
	put_server_address(facts, &address);
}

void facts_add_delegation(struct facts *facts, const struct delegpt *delegation)
{
	for (const struct delegpt_ns *ns = delegation->nslist; ns; ns = ns->next)
		put_server(facts, ns->name, ns->namelen);
	for (const struct delegpt_addr *at = delegation->target_list; at; at = at->next_target)
		put_socket_address(facts, &at->addr);
}

void facts_add_current_delegation(struct facts *facts, const struct module_qstate *qstate)
{
	int id = modstack_find(&qstate->env->mesh->mods, "iterator");
	const struct iter_qstate *state = id >= 0 ? qstate->minfo[id] : NULL;

	if (state && state->dp)
		facts_add_delegation(facts, state->dp);
}

/* At time 0 nothing has expired. */
static void add_cached_addresses(struct facts *facts, struct module_env *env,
	struct sink_span server, uint16_t type, size_t len)
{
	struct ub_packed_rrset_key *set = rrset_cache_lookup(env->rrset_cache, ub_octets(server),
		server.len, type, LDNS_RR_CLASS_IN, 0, 0, 0);
	const struct packed_rrset_data *data;

	if (!set)
		return;
	data = set->entry.data;
	for (size_t i = 0; i < data->count; i++) {
		struct sink_prefix address;

		if (data->rr_len[i] != len + 2)
			continue;
		address = address_of(data->rr_data[i] + 2, len);
		put_server_address(facts, &address);
	}
	lock_rw_unlock(&set->entry.lock);
}

/* The name in each record of a set of NS records. */
static void add_servers_of_set(struct facts *facts, const struct ub_packed_rrset_key *set)
{
	const struct packed_rrset_data *data = set->entry.data;

	for (size_t i = 0; i < data->count; i++) {
		size_t len = data->rr_len[i] > 2
			? dname_valid(data->rr_data[i] + 2, data->rr_len[i] - 2)
			: 0;

		if (len > 0)
			put_server(facts, data->rr_data[i] + 2, len);
	}
}

bool facts_add_authority(struct facts *facts, const struct reply_info *rep)
{
	bool found = false;

	for (size_t i = 0; i < rep->ns_numrrsets; i++) {
		const struct ub_packed_rrset_key *set = rep->rrsets[rep->an_numrrsets + i];

		if (ntohs(set->rk.type) != LDNS_RR_TYPE_NS)
			continue;
		add_servers_of_set(facts, set);
		found = true;
	}
	return found;
}

void facts_add_server_addresses(struct facts *facts, struct module_env *env)
{
	for (size_t i = 0; i < facts->servers_count; i++) {
		add_cached_addresses(facts, env, facts->servers[i], LDNS_RR_TYPE_A, 4);
		add_cached_addresses(facts, env, facts->servers[i], LDNS_RR_TYPE_AAAA, 16);
	}
}

void facts_add_closest(struct facts *facts, struct module_env *env, struct sink_span name,
	uint16_t class)
{
	struct delegpt *found = dns_cache_find_delegation(env, ub_octets(name), name.len,
		LDNS_RR_TYPE_A, class, facts->region, NULL, 0, 0, NULL, 0);

	if (found)
		facts_add_delegation(facts, found);
}

void facts_add_servers_of(struct facts *facts, const struct facts *others)
{
	for (size_t i = 0; i < others->servers_count; i++)
		put_server(facts, others->servers[i].at, others->servers[i].len);
	for (size_t i = 0; i < others->server_addresses_count; i++)
		put_server_address(facts, &others->server_addresses[i]);
}

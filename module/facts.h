/* facts.h - what a verdict may turn on, besides who asks and when: the names that a chain leads to, the addresses in
 * an answer, and who served it. Gathers, and decides nothing. */
#ifndef MODULE_FACTS_H
#define MODULE_FACTS_H

#include "sinkhole/decide.h"
#include "ub.h"

#define FACTS_ADDRESSES_MAX \
	16384 /* as many hints as a message has room for, of 4 octets each; of more, the first ones count */
#define FACTS_SERVERS_MAX 64 /* of names, the first ones */
#define FACTS_SERVER_ADDRESSES_MAX 256

/* Everything is copied into the region, but for the name that it begins with. What there is no memory for is missing,
 * and `lacking` says so. */
struct facts {
	struct regional *region;
	uint16_t type; /* of the query */
	bool lacking;
	struct sink_span *names; /* the name asked for, and where it leads, in order */
	size_t names_count, names_room;
	struct sink_prefix *addresses;
	size_t addresses_count, addresses_room;
	struct sink_span *servers;
	size_t servers_count, servers_room;
	struct sink_prefix *server_addresses;
	size_t server_addresses_count, server_addresses_room;
};

/* name     the name asked for, in wire form; must live as long as the facts */
void facts_begin(struct facts *facts, struct regional *region, uint16_t type,
	struct sink_span name);

/* The name that the chain has come to. */
static inline struct sink_span facts_tip(const struct facts *facts)
{
	return facts->names_count > 0 ? facts->names[facts->names_count - 1] : sink_span(NULL, 0);
}

void facts_add_name(struct facts *facts, struct sink_span name);

/* The same name, in whatever letters; both in wire form. */
static inline bool facts_same_name(struct sink_span a, struct sink_span b)
{
	return a.len == b.len &&
		(sink_span_equal(a, b) || query_dname_compare(ub_octets(a), ub_octets(b)) == 0);
}

/* The same type and names, in the same order. */
bool facts_same_names(const struct facts *a, const struct facts *b);

/* The same altogether. Those that lack something, or tell who served the answer, are never: these are not compared. */
bool facts_same(const struct facts *a, const struct facts *b);

/* Where an answer leads: the targets of the CNAME records in its answer section. A DNAME needs no look: Unbound
 * puts the CNAME that it makes of it into every answer. */
void facts_add_chain(struct facts *facts, const struct reply_info *rep);

/* The addresses in its answer section: of A, AAAA, and the hints of HTTPS and SVCB (RFC 9460, 7.3); and of an IPv6
 * address that DNS64 made, the IPv4 address in it besides (embed.h). What is broken off within a record is left out. */
void facts_add_addresses(struct facts *facts, const struct reply_info *rep);
void facts_add_addresses_of_set(struct facts *facts, const struct ub_packed_rrset_key *set);

/* The servers of a delegation. */
void facts_add_delegation(struct facts *facts, const struct delegpt *delegation);

/* The servers of the delegation that Unbound's iterator is following for this query state; nothing if it follows
 * none. */
void facts_add_current_delegation(struct facts *facts, const struct module_qstate *qstate);

/* Those that an answer's authority section names.
 *
 * returns  whether there were any
 */
bool facts_add_authority(struct facts *facts, const struct reply_info *rep);

/* The addresses that Unbound's cache has of the servers so far, if only expired ones. No lock of that cache may be held
 * already. */
void facts_add_server_addresses(struct facts *facts, struct module_env *env);

/* Those of the closest zone above a name, as Unbound's cache knows them, if only by what has expired. */
void facts_add_closest(struct facts *facts, struct module_env *env, struct sink_span name,
	uint16_t class);

/* All the servers of others. */
void facts_add_servers_of(struct facts *facts, const struct facts *others);

#endif

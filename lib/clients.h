/* clients.h - which group a client belongs to, by the longest prefix, and whether it is of a share. */
#ifndef SINK_CLIENTS_H
#define SINK_CLIENTS_H

#include "sinkhole/policy.h"
#include "siphash.h"

/* The prefixes of one group that have not been told yet. */
struct client_run {
	const struct sink_prefix *at, *end;
	uint8_t group;
};

/* The prefixes of all groups, in one order, without a copy of them: rising by prefix, equal ones of two groups one
 * after the other. */
struct clients_merge {
	struct client_run runs[SINK_GROUPS_MAX]; /* rising by their first prefix; none is empty */
	size_t left;
};

/* policy   each group's prefixes are good ones, and rise; at most SINK_GROUPS_MAX groups. It stays until the last
 *          clients_merge_next(). */
void clients_merge_begin(struct clients_merge *merge, const struct sink_policy *policy);

/* The next one.
 *
 * group    out: whose it is
 * returns  it, of the policy; NULL: that was all
 * cost     a comparison while one group goes on; a binary search among groups otherwise
 */
const struct sink_prefix *clients_merge_next(struct clients_merge *merge, uint8_t *group);

/* An address as a number; one of IPv4 fills the upper bits. */
struct client_number {
	uint64_t high, low;
};

/* Groups of one family's clients: ranges side by side, from each start to the next. */
struct client_ranges {
	size_t count; /* at least 1 */
	struct client_number *starts; /* rising; the first is 0 */
	uint8_t *groups; /* SINK_GROUP_OTHERS: of none */
};

struct clients {
	struct client_ranges ranges[2]; /* of IPv4, of IPv6 */
};

/* End with clients_end(), whatever this returned.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int clients_begin(struct clients *clients, const struct sink_policy *policy);

void clients_end(struct clients *clients);

/* The group of a client.
 *
 * address  a single one, not an IPv4 address mapped into IPv6
 * returns  its number, or SINK_GROUP_OTHERS
 * cost     a binary search
 */
uint8_t clients_group(const struct clients *clients, const struct sink_prefix *address);

/* The key by which a rule chooses its share of clients: that of the policy, mixed with the rule's name, so that
 * two rules choose each for itself. */
struct siphash_key clients_key(const struct sink_policy *policy, const struct sink_rule *rule);

/* Is a client of the share that a rule is for? An IPv6 client is its /56, as a household is given.
 *
 * share    of SINK_SHARE_ALL; who is of one is also of every larger one
 */
bool clients_is_of_share(struct siphash_key key, uint16_t share, const struct sink_prefix *address);

#endif

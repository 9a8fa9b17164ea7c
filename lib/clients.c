/* clients.c - groups of clients as ranges of addresses, and shares of them by hash. */
#include "clients.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* --- all groups in one order ------------------------------------------------------------------ */

/* Put a run among those behind `from`, which are in order; its own place, `from`, is free. */
static void place(struct clients_merge *merge, size_t from, struct client_run run)
{
	struct client_run *low = &merge->runs[from + 1];
	size_t left = merge->left - from - 1;

	if (left > 0 && sink_prefix_compare(low->at, run.at) >= 0)
		left = 0; /* as mostly: networks are given to groups one by one */
	while (left > 0) {
		size_t half = left / 2;

		if (sink_prefix_compare(low[half].at, run.at) < 0) {
			low += half + 1;
			left -= half + 1;
		} else {
			left = half;
		}
	}
	memmove(&merge->runs[from], &merge->runs[from + 1],
		(size_t)(low - &merge->runs[from + 1]) * sizeof run);
	low[-1] = run;
}

void clients_merge_begin(struct clients_merge *merge, const struct sink_policy *policy)
{
	merge->left = 0;
	for (size_t g = 0; g < policy->groups_count; g++) {
		const struct sink_group *group = &policy->groups[g];

		if (group->count > 0)
			merge->runs[merge->left++] = (struct client_run){ group->prefixes,
				group->prefixes + group->count, (uint8_t)g };
	}
	for (size_t i = merge->left; i-- > 0;)
		place(merge, i, merge->runs[i]);
}

const struct sink_prefix *clients_merge_next(struct clients_merge *merge, uint8_t *group)
{
	struct client_run run;
	const struct sink_prefix *prefix;

	if (merge->left == 0)
		return NULL;
	run = merge->runs[0];
	prefix = run.at;
	*group = run.group;
	if (++run.at < run.end)
		place(merge, 0, run);
	else
		memmove(merge->runs, merge->runs + 1, --merge->left * sizeof run);
	return prefix;
}

/* --- ranges ----------------------------------------------------------------------------------- */

#define DEPTH 129 /* prefixes that cover each other, one of each length */

static struct client_number number_of(const struct sink_prefix *prefix)
{
	uint64_t parts[2];

	memcpy(parts, prefix->bytes, sizeof parts);
	return (struct client_number){ be64toh(parts[0]), be64toh(parts[1]) };
}

static bool is_below(struct client_number a, struct client_number b)
{
	return a.high < b.high || (a.high == b.high && a.low < b.low);
}

/* A prefix that is being walked through. */
struct open {
	struct client_number
		last; /* of its addresses; those behind an IPv4 address are all ones, too */
	uint8_t group;
};

static struct open open_of(const struct sink_prefix *prefix, uint8_t group)
{
	struct client_number n = number_of(prefix);
	unsigned bits = prefix->bits;

	n.high |= bits < 64 ? UINT64_MAX >> bits : 0;
	n.low |= bits <= 64 ? UINT64_MAX : bits < 128 ? UINT64_MAX >> (bits - 64) : 0;
	return (struct open){ n, group };
}

/* From here on it is this group. */
static void start(struct client_ranges *ranges, struct client_number from, uint8_t group)
{
	size_t last = ranges->count - 1;

	if (is_below(ranges->starts[last], from))
		last = ranges->count++;
	ranges->starts[last] = from;
	ranges->groups[last] = group;
}

/* Behind the innermost prefix it is again the one around. */
static void close_one(struct client_ranges *ranges, const struct open *stack, size_t *depth)
{
	struct client_number from = stack[--*depth].last;
	uint8_t group = *depth > 0 ? stack[*depth - 1].group : SINK_GROUP_OTHERS;

	if (++from.low == 0 && ++from.high == 0)
		return; /* nothing is behind it */
	start(ranges, from, group);
}

/* The next `count` prefixes, which are all that there are of a family. */
static void cut(struct client_ranges *ranges, struct clients_merge *merge, size_t count)
{
	struct open stack[DEPTH];
	size_t depth = 0;

	for (size_t i = 0; i < count; i++) {
		uint8_t group;
		const struct sink_prefix *prefix = clients_merge_next(merge, &group);
		struct client_number first;

		if (!prefix)
			break;
		first = number_of(prefix);
		while (depth > 0 && is_below(stack[depth - 1].last, first))
			close_one(ranges, stack, &depth);
		start(ranges, first, group);
		stack[depth++] = open_of(prefix, group);
	}
	while (depth > 0)
		close_one(ranges, stack, &depth);
}

/* Each prefix starts a range, and ends one. */
static int make_ranges(struct client_ranges *ranges, struct clients_merge *merge, size_t count)
{
	ranges->starts = calloc(2 * count + 1, sizeof *ranges->starts);
	ranges->groups = calloc(2 * count + 1, sizeof *ranges->groups);
	if (!ranges->starts || !ranges->groups)
		return SINK_ENOMEM;
	ranges->groups[0] = SINK_GROUP_OTHERS;
	ranges->count = 1;
	cut(ranges, merge, count);
	return SINK_OK;
}

static size_t count_family(const struct sink_policy *policy, bool is_v4)
{
	size_t count = 0;

	for (size_t g = 0; g < policy->groups_count; g++)
		for (size_t i = 0; i < policy->groups[g].count; i++)
			count += (policy->groups[g].prefixes[i].family == 4) == is_v4;
	return count;
}

int clients_begin(struct clients *clients, const struct sink_policy *policy)
{
	struct clients_merge merge;
	int err;

	*clients = (struct clients){ 0 };
	clients_merge_begin(&merge, policy);
	err = make_ranges(&clients->ranges[0], &merge, count_family(policy, true));
	if (!err)
		err = make_ranges(&clients->ranges[1], &merge, count_family(policy, false));
	return err;
}

void clients_end(struct clients *clients)
{
	for (int i = 0; i < 2; i++) {
		free(clients->ranges[i].starts);
		free(clients->ranges[i].groups);
	}
}

uint8_t clients_group(const struct clients *clients, const struct sink_prefix *address)
{
	const struct client_ranges *ranges = &clients->ranges[address->family != 4];
	const struct client_number *base = ranges->starts;
	struct client_number n = number_of(address);

	/* The last start that is not above it; the first is not. */
	for (size_t left = ranges->count; left > 1;) {
		size_t half = left / 2;

		if (!is_below(n, base[half]))
			base += half;
		left -= half;
	}
	return ranges->groups[base - ranges->starts];
}

/* --- single clients --------------------------------------------------------------------------- */

struct siphash_key clients_key(const struct sink_policy *policy, const struct sink_rule *rule)
{
	struct siphash_key key = { siphash_load(policy->key), siphash_load(policy->key + 8) };
	struct siphash_key other = { ~key.a, ~key.b };

	return (struct siphash_key){ siphash(key, rule->name), siphash(other, rule->name) };
}

bool clients_is_of_share(struct siphash_key key, uint16_t share, const struct sink_prefix *address)
{
	uint8_t bytes[8] = { address->family };
	uint64_t hash;

	memcpy(bytes + 1, address->bytes, address->family == 4 ? 4 : 7);
	hash = siphash(key, sink_span(bytes, sizeof bytes));
	return (hash >> 32) * SINK_SHARE_ALL >> 32 < share;
}

/* bind.h - a policy made into tables for one database: what decide.c looks up instead of comparing. */
#ifndef SINK_BIND_H
#define SINK_BIND_H

#include "clients.h"
#include "sets.h"

#define COUNTRIES ((size_t)26 * 26) /* of two letters; the row behind them is for all others */

/* A number that some rule asks for, and the rules that are content with it. */
struct bound_number {
	uint32_t number;
	uint32_t set; /* in bound.sets */
};

/* Rising numbers. */
struct bound_numbers {
	struct bound_number *at;
	size_t count;
	uint32_t others; /* the set for all other numbers */
};

/* Clients to whom the same rules apply, but for countries, shares and time. */
struct bound_view {
	rule_set rules;
};

struct bound {
	const struct sink_policy *policy;
	size_t words; /* in use of each set */
	struct sink_needs needs;

	/* Entries: by facet, the rules whose selectors they satisfy but for the trigger. */
	uint32_t *facets; /* a set for each */
	uint32_t facets_count;
	uint8_t listed; /* bit 1 << trigger: something is listed for it that some rule is about */

	/* Is there a rule that is bare; that is for clients in some country; that lets pass entries to be blocked that
	 * end, so that another rule may block from then on? (Here for the sake of their size.) */
	bool has_bare, asks_client_country, passes_ending;
	struct sets sets;
	rule_set triggers[SINK_TRIGGER_COUNT]; /* rules about entries for this trigger */

	/* Kinds of rules. */
	rule_set all;
	rule_set listed_rules, monitors;
	rule_set waits; /* LISTED, with entries about the answer */
	rule_set bare;
	rule_set on_answer; /* that ask for a country or system of the answer */
	rule_set conditional; /* that are for some clients of a view only: by country or share */

	/* For whom. */
	struct clients clients;
	rule_set groups[SINK_GROUPS_MAX + 1];
	struct bound_view views[SINK_GROUPS_MAX + 1]; /* distinct ones of `groups` */
	size_t views_count, view_of_others;
	uint32_t client_countries[COUNTRIES + 1]; /* a set for each */
	uint16_t *shares; /* rules that are for a share of clients, in order */
	size_t shares_count;
	struct siphash_key *share_keys; /* of each of those */

	/* When: the rules of each schedule. */
	uint32_t schedules[SINK_SCHEDULES_MAX];

	/* What is asked, and what is answered; the latter sets hold rules of `on_answer` alone. */
	struct bound_numbers types;
	bool asks_country, asks_asn;
	uint32_t countries[COUNTRIES + 1];
	struct bound_numbers asns;
};

/* Bind a policy to a database.
 *
 * policy, db  borrowed until bound_free()
 * returns  SINK_OK; SINK_ENOMEM; SINK_ECORRUPT (the database's); SINK_ECANCELED
 * cost     a look at each facet and each client prefix
 */
int bound_new(const struct sink_policy *policy, const struct sink_db *db, const atomic_bool *cancel,
	struct bound **out);

/* NULL is fine. */
void bound_free(struct bound *bound);

/* The row of a country in a table; COUNTRIES for what is none. */
static inline size_t bound_country(uint32_t country)
{
	uint32_t first = (country >> 8) - 'A', second = (country & 0xff) - 'A';

	return first < 26 && second < 26 ? first * 26 + second : COUNTRIES;
}

/* The rules that are content with a number. */
const uint64_t *bound_find(const struct bound *bound, const struct bound_numbers *numbers,
	uint32_t number);

#endif

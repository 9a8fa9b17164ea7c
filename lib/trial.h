/* trial.h - rules tried in their order over entries, which come one by one, all about one subject (a name, an address)
 * behind each other: the precedence that decide.h describes. Knows no database. */
#ifndef SINK_TRIAL_H
#define SINK_TRIAL_H

#include "bind.h"

/* An entry in force. */
struct found {
	struct sink_listing listing;
	enum sink_kind kind;
	enum sink_hint hint;
	enum sink_trigger trigger;
	uint16_t
		weight; /* how specific: labels, or bits, of which IPv4 has 96 more as if mapped into IPv6 */
	size_t subject; /* index among the case's names, addresses and so on */
	const uint64_t *rules; /* whose selectors it satisfies, but for the trigger */
};

struct trial {
	const struct bound *bound;
	const uint64_t *rules; /* those in question */
	uint16_t from; /* all rules before it had nothing to say */
	uint16_t rule; /* the first that an entry satisfies, of those that were taken */
	uint16_t monitor; /* the first that monitored one */
	uint8_t has; /* bit 1 << place in the order of triggers */
	struct found best[SINK_TRIGGER_COUNT]; /* in that order: the entry that wins for the rule */
	/* If the rule is LISTED: the entry that wins about the subject at hand. If that is a STOP, there is none */
	struct found held;
	bool has_held;
};

/* Begin to try rules.
 *
 * rules    that are for this client, now, and for what is asked; borrowed
 */
void trial_begin(struct trial *trial, const struct bound *bound, const uint64_t *rules);

/* The first rule that an entry satisfies; SINK_RULE_NONE, also if that is one that had nothing to say.
 *
 * rules    as struct found has them
 * stops    its hint is STOP
 */
uint16_t trial_first(const struct trial *trial, const uint64_t *rules, enum sink_trigger trigger,
	bool stops);

/* Could an entry of this first rule still matter? */
static inline bool trial_wants(const struct trial *trial, uint16_t first)
{
	return first != SINK_RULE_NONE &&
		(first <= trial->rule || set_has(trial->bound->monitors, first));
}

/* Take an entry into account. */
void trial_take(struct trial *trial, const struct found *found);

/* The same, where trial_first() was asked already. */
void trial_take_as(struct trial *trial, const struct found *found, uint16_t first);

enum trial_state {
	TRIAL_UNDECIDED, /* no rule has anything to say */
	TRIAL_DECIDED, /* trial->rule has */
	TRIAL_AGAIN, /* the rule had nothing to say after all: take all entries again */
};

/* All entries were taken.
 *
 * winner   NULL: a bare rule decided; written with DECIDED only
 */
enum trial_state trial_end(struct trial *trial, const struct found **winner);

/* The first rule that monitored something on the way; SINK_RULE_NONE. After the end. */
static inline uint16_t trial_monitor(const struct trial *trial)
{
	return trial->monitor < trial->rule ? trial->monitor : SINK_RULE_NONE;
}

/* Take entries that are at hand, as often as that is needed. */
enum trial_state trial_run(struct trial *trial, const struct found *found, size_t count,
	const struct found **winner);

#endif

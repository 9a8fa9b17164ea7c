/* answer.h - from --action, --sinkhole-a, --sinkhole-aaaa and --ttl to a policy of one rule. */
#ifndef TOOLS_ANSWER_H
#define TOOLS_ANSWER_H

#include <stdbool.h>

#include "sinkhole/err.h"
#include "sinkhole/policy.h"

struct answer {
	struct sink_rule rule;
	struct sink_policy
		policy; /* of that rule, once answer_check() returned; must not be moved then */
	bool has_action; /* --action was given */
	bool is_given; /* any of them was */
};

void answer_init(struct answer *answer);

/* Each takes the value of its option.
 *
 * returns  SINK_OK; SINK_ESYNTAX
 */
int answer_action(struct answer *answer, const char *value, struct sink_why *why);
int answer_a(struct answer *answer, const char *list, struct sink_why *why);
int answer_aaaa(struct answer *answer, const char *list, struct sink_why *why);
int answer_ttl(struct answer *answer, const char *value, struct sink_why *why);

/* After the last option: do they agree? */
int answer_check(struct answer *answer, struct sink_why *why);

#endif

/* policy.c - memory of a policy: pieces, all freed together. */
#include "policy.h"

#include <stdlib.h>

struct policy_piece {
	struct policy_piece *next;
	max_align_t at[];
};

void policy_begin(struct policy *policy)
{
	*policy = (struct policy){ .made = sink_policy_default };
	policy->made.rules = NULL;
	policy->made.rules_count = 0;
}

void *policy_keep(struct policy *policy, const void *bytes, size_t len)
{
	struct policy_piece *piece;

	if (len > SIZE_MAX - sizeof *piece - 1)
		return NULL;
	piece = calloc(1, sizeof *piece + len + 1);
	if (!piece)
		return NULL;
	piece->next = policy->pieces;
	policy->pieces = piece;
	if (bytes && len > 0)
		memcpy(piece->at, bytes, len);
	return piece->at;
}

int policy_keep_span(struct policy *policy, struct sink_span *span)
{
	void *at = policy_keep(policy, span->at, span->len);

	if (!at)
		return SINK_ENOMEM;
	span->at = at;
	return SINK_OK;
}

int policy_set_rule(struct policy *policy, const struct sink_rule *rule)
{
	struct sink_rule *copy = policy_keep(policy, rule, sizeof *rule);

	if (!copy)
		return SINK_ENOMEM;
	copy->groups = 0;
	copy->is_for_others = true;
	policy->made.groups_count = 0;
	policy->made.rules = copy;
	policy->made.rules_count = 1;
	return SINK_OK;
}

void policy_end(struct policy *policy)
{
	for (struct policy_piece *piece = policy->pieces; piece;) {
		struct policy_piece *next = piece->next;

		free(piece);
		piece = next;
	}
	*policy = (struct policy){ 0 };
}

const char *policy_severity_word(int number)
{
	return sink_severity_word((enum sink_severity)number);
}

const char *policy_tlp_word(int number)
{
	return sink_tlp_word((enum sink_tlp)number);
}

const char *policy_trigger_word(int number)
{
	return sink_trigger_word((enum sink_trigger)number);
}

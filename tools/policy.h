/* policy.h - what sinkhole.yaml says of clients, geo files and rules, made into a policy that can be published;
 * with all the memory that it points to. */
#ifndef TOOLS_POLICY_H
#define TOOLS_POLICY_H

#include "sinkhole/err.h"
#include "sinkhole/policy.h"

struct policy_piece;

struct policy {
	/* Complete if has_rules, or once policy_set_rule() returned. All that it points to is below. */
	struct sink_policy made;
	bool has_rules; /* the configuration has some */
	struct policy_piece *pieces;
};

/* One without rules, groups and files. policy_end() ends it; it may be moved. */
void policy_begin(struct policy *policy);

/* Memory that lives as long as the policy: a copy of `len` bytes; zeros where bytes is NULL.
 *
 * returns  never NULL for 0 bytes; NULL: no memory
 */
void *policy_keep(struct policy *policy, const void *bytes, size_t len);

/* The same of a span, in place.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int policy_keep_span(struct policy *policy, struct sink_span *span);

/* Make a rule the only one, for everybody; groups, which it does not need, are left out.
 *
 * rule     copied; its texts are not
 * returns  SINK_OK; SINK_ENOMEM
 */
int policy_set_rule(struct policy *policy, const struct sink_rule *rule);

/* For everybody: bits of all groups. */
static inline uint64_t policy_all_groups(size_t count)
{
	return count < 64 ? ((uint64_t)1 << count) - 1 : UINT64_MAX;
}

/* Words of what rules have as bits, by the number of a bit: the library's, for callers that take any of the three. */
const char *policy_severity_word(int number);
const char *policy_tlp_word(int number);
const char *policy_trigger_word(int number);

/* All zero is fine. */
void policy_end(struct policy *policy);

#endif

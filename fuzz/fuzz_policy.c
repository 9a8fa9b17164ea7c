/* fuzz_policy.c - any bytes as a policy: nothing crashes, a refusal has a reason, what is taken is written again as it
 * was, and its schedules can be asked. */
#include <string.h>

#include "fuzz.h"
#include "sinkhole/policy.h"

void fuzz_file(const char *path)
{
	(void)path; /* every file is one */
}

/* Sizes first, so that what is counted can be used. */
static void look_at(const struct sink_policy *policy)
{
	must(policy->rules_count > 0 && policy->rules_count <= SINK_RULES_MAX);
	must(policy->groups_count <= SINK_GROUPS_MAX);
	must(policy->schedules_count <= SINK_SCHEDULES_MAX);
	for (size_t i = 0; i < policy->rules_count; i++) {
		const struct sink_rule *rule = &policy->rules[i];

		must(rule->action > SINK_ACTION_NONE && rule->action < SINK_ACTION_COUNT);
		must(rule->groups || rule->is_for_others);
		must(rule->schedule == SINK_SCHEDULE_NONE ||
			rule->schedule < policy->schedules_count);
	}
	for (size_t i = 0; i < policy->schedules_count; i++) {
		int64_t next;

		sink_schedule_is_on(&policy->schedules[i], INT64_C(1700000000), &next);
		must(next > INT64_C(1700000000));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sink_why why = { "" };
	struct sink_policy *policy;
	uint8_t *again;
	size_t len;
	int err = sink_policy_decode(sink_span(data, size), &why, &policy);

	must(err == SINK_OK || err == SINK_ECORRUPT || err == SINK_EVERSION);
	must((err == SINK_OK) == !why.text[0]);
	if (err)
		return 0;
	look_at(policy);
	must(sink_policy_encode(policy, &why, &again, &len) == SINK_OK);
	must(len == size && memcmp(again, data, size) == 0);
	free(again);
	sink_policy_free(policy);
	return 0;
}

/* policy_check.h - could a policy with these fields be read back? The ranges of policy.h. */
#ifndef SINK_POLICY_CHECK_H
#define SINK_POLICY_CHECK_H

#include "sinkhole/policy.h"

/* Everything but that no two groups have an equal prefix, which is seen where prefixes are merged.
 *
 * err      what to return of a policy that is not good
 * returns  SINK_OK; err, with the field in `why`; SINK_ENOMEM
 * cost     one pass
 */
int policy_check(const struct sink_policy *policy, int err, struct sink_why *why);

#endif

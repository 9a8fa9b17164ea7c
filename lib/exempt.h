/* exempt.h - the rule that SINK_SOURCE_ALLOW stands for. */
#ifndef SINK_EXEMPT_H
#define SINK_EXEMPT_H

#include "sinkhole/db.h"
#include "sinkhole/policy.h"

/* Put it in front of a policy, if something is listed under that source (generation.h).
 *
 * policy   another one, for sink_policy_free(), in the place of the one that was there; as it was on failure
 * returns  SINK_OK, also where it is left as it is; SINK_ENOMEM; SINK_EIO; SINK_ECORRUPT (a facet without its record)
 * cost     a look at each facet; if there is such, a copy of the policy
 */
int exempt_policy(const struct sink_db *db, struct sink_policy **policy);

#endif

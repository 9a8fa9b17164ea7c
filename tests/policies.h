/* policies.h - for tests that need policies, and generations that go by them. */
#ifndef SINK_POLICIES_H
#define SINK_POLICIES_H

#include "sinkhole/decide.h"
#include "sinkhole/generation.h"
#include "suite.h"

/* A rule for everybody and every entry, to be narrowed. */
static inline struct sink_rule rule_of(const char *name, enum sink_action action)
{
	struct sink_rule rule = sink_policy_default.rules[0];

	rule.name = sink_span_text(name);
	rule.action = action;
	return rule;
}

/* A policy as a generation owns it, from one that lies somewhere. */
static inline struct sink_policy *policy_copy(const struct sink_policy *policy)
{
	struct sink_policy *copy;
	struct sink_why why = { "" };
	uint8_t *bytes;
	size_t len;

	ck_assert_msg(sink_policy_encode(policy, &why, &bytes, &len) == SINK_OK, "%s", why.text);
	ck_assert_msg(sink_policy_decode(sink_span(bytes, len), &why, &copy) == SINK_OK, "%s",
		why.text);
	free(bytes);
	return copy;
}

/* Takes the database; without geo files. */
static inline struct sink_generation *generation_of(struct sink_db *db,
	const struct sink_policy *policy)
{
	struct sink_geo *geo[SINK_GEO_KINDS] = { NULL };
	struct sink_generation *generation;

	ck_assert_int_eq(sink_generation_of(db, policy_copy(policy), geo, &generation), SINK_OK);
	return generation;
}

/* The first pass, for an A query of a client that nobody knows. */
static inline int decide_name(struct sink_judge *judge, const struct sink_name *name, int64_t now,
	struct sink_verdict *out)
{
	uint8_t wire[SINK_WIRE_MAX];
	struct sink_span names = sink_span(wire, sink_name_to_wire(name, wire));
	struct sink_case what = { .type = 1, .now = now, .names = &names, .names_count = 1 };
	struct sink_client client;

	sink_client_of(judge, NULL, now, &client);
	return sink_decide(judge, &what, &client, NULL, NULL, out);
}

#endif

/* exempt.c - one rule in front of all others. */
#include "exempt.h"

#include <stdlib.h>

static const struct sink_span source = { (const uint8_t *)SINK_SOURCE_ALLOW,
	sizeof SINK_SOURCE_ALLOW - 1 };

static int is_listed(const struct sink_db *db, bool *out)
{
	struct sink_record record;
	struct sink_reader *reader;
	uint32_t number;
	uint8_t triggers;
	int err = sink_reader_begin(db, &reader);

	*out = false;
	if (err)
		return err;
	for (uint32_t facet = 0; !err && !*out && facet < sink_db_facets(db); facet++) {
		err = sink_db_facet(db, facet, &number, &triggers);
		if (!err)
			err = sink_reader_record(reader, number, &record) ? SINK_ECORRUPT : SINK_OK;
		if (!err)
			*out = triggers && sink_span_equal(record.text[SINK_FIELD_SOURCE], source);
	}
	sink_reader_end(reader);
	return err;
}

/* For everybody: each group, and who is of none. */
static struct sink_rule allow_rule(const struct sink_policy *policy)
{
	struct sink_rule rule = sink_policy_default.rules[0];

	for (size_t group = 0; group < policy->groups_count; group++)
		rule.groups |= UINT64_C(1) << group;
	rule.name = source;
	rule.action = SINK_ACTION_PASS;
	rule.texts[SINK_FIELD_SOURCE] = (struct sink_texts){ .at = &source, .count = 1 };
	return rule;
}

/* A policy owns all that it points to, and reading its bytes is the one way to make such a one. */
static int copy(const struct sink_policy *policy, struct sink_policy **out)
{
	uint8_t *bytes;
	size_t len;
	int err = sink_policy_encode(policy, NULL, &bytes, &len);

	if (err)
		return err;
	err = sink_policy_decode(sink_span(bytes, len), NULL, out);
	free(bytes);
	return err;
}

static bool has_room(const struct sink_policy *policy)
{
	for (size_t i = 0; i < policy->rules_count; i++)
		if (sink_span_equal(policy->rules[i].name, source))
			return false;
	return policy->rules_count < SINK_RULES_MAX;
}

int exempt_policy(const struct sink_db *db, struct sink_policy **policy)
{
	struct sink_policy more = **policy, *made;
	struct sink_rule *rules;
	bool listed;
	int err = is_listed(db, &listed);

	if (err || !listed || !has_room(*policy))
		return err;
	rules = calloc(more.rules_count + 1, sizeof *rules);
	if (!rules)
		return SINK_ENOMEM;
	rules[0] = allow_rule(*policy);
	memcpy(rules + 1, more.rules, more.rules_count * sizeof *rules);
	more.rules = rules;
	more.rules_count++;
	err = copy(&more, &made);
	free(rules);
	if (err)
		return err;
	sink_policy_free(*policy);
	*policy = made;
	return SINK_OK;
}

/* answer.c - the policy that needs no configuration: one rule, for everybody and every entry. */
#include "answer.h"

#include <arpa/inet.h>
#include <string.h>

void answer_init(struct answer *answer)
{
	*answer = (struct answer){ .rule = sink_policy_default.rules[0],
		.policy = sink_policy_default };
}

int answer_action(struct answer *answer, const char *value, struct sink_why *why)
{
	/* Those that need nothing besides. */
	for (int i = SINK_ACTION_NXDOMAIN; i <= SINK_ACTION_TRUNCATE; i++)
		if (strcmp(value, sink_action_word((enum sink_action)i)) == 0) {
			answer->rule.action = (enum sink_action)i;
			answer->has_action = answer->is_given = true;
			return SINK_OK;
		}
	return sink_why(why, SINK_ESYNTAX,
		"--action is nxdomain, nodata, sinkhole, refused, drop or truncate, not '%s'",
		value);
}

/* Append each address of a comma-separated list to `out`. */
static int take_addresses(int family, const char *list, uint8_t *out, uint8_t *count,
	struct sink_why *why)
{
	size_t size = family == AF_INET ? 4 : 16;
	char text[INET6_ADDRSTRLEN];

	for (;;) {
		size_t len = strcspn(list, ",");

		if (*count == SINK_ADDRESSES_MAX)
			return sink_why(why, SINK_ESYNTAX, "more than %d addresses",
				SINK_ADDRESSES_MAX);
		if (len < sizeof text) {
			memcpy(text, list, len);
			text[len] = 0;
		}
		if (len >= sizeof text || inet_pton(family, text, out + *count * size) != 1)
			return sink_why(why, SINK_ESYNTAX, "'%.*s' is no IPv%d address",
				(int)(len < 64 ? len : 64), list, family == AF_INET ? 4 : 6);
		(*count)++;
		if (list[len] == 0)
			return SINK_OK;
		list += len + 1;
	}
}

int answer_a(struct answer *answer, const char *list, struct sink_why *why)
{
	struct sink_form *form = &answer->rule.form;

	answer->is_given = true;
	return take_addresses(AF_INET, list, form->a[0], &form->a_count, why);
}

int answer_aaaa(struct answer *answer, const char *list, struct sink_why *why)
{
	struct sink_form *form = &answer->rule.form;

	answer->is_given = true;
	return take_addresses(AF_INET6, list, form->aaaa[0], &form->aaaa_count, why);
}

int answer_ttl(struct answer *answer, const char *value, struct sink_why *why)
{
	uint32_t n = 0;
	const char *at;

	for (at = value; *at >= '0' && *at <= '9' && n <= SINK_TTL_MAX; at++)
		n = n * 10 + (uint32_t)(*at - '0');
	if (at == value || *at || n > SINK_TTL_MAX)
		return sink_why(why, SINK_ESYNTAX, "--ttl is 0 to %d seconds, not '%s'",
			SINK_TTL_MAX, value);
	answer->is_given = true;
	answer->rule.form.ttl = n;
	return SINK_OK;
}

int answer_check(struct answer *answer, struct sink_why *why)
{
	struct sink_rule *rule = &answer->rule;
	bool has_address = rule->form.a_count > 0 || rule->form.aaaa_count > 0;

	if (has_address && !answer->has_action)
		rule->action = SINK_ACTION_SINKHOLE;
	if (has_address && rule->action != SINK_ACTION_SINKHOLE)
		return sink_why(why, SINK_ESYNTAX,
			"--sinkhole-a and --sinkhole-aaaa go with --action=sinkhole only");
	if (!has_address && rule->action == SINK_ACTION_SINKHOLE)
		return sink_why(why, SINK_ESYNTAX,
			"--action=sinkhole needs --sinkhole-a or --sinkhole-aaaa");
	answer->policy.rules = rule;
	return SINK_OK;
}

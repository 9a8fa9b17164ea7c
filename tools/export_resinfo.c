/* export_resinfo.c - a RESINFO record (RFC 9606): which extended errors the policy sends, and what the operator
 * says of the resolver. */
#include <stdio.h>
#include <string.h>

#include "export.h"
#include "sinkhole/name.h"

#define TTL 7200 /* seconds, as in the examples of RFC 9606 */
#define TYPE_RESINFO 261
#define STRING_MAX 255 /* bytes of a character string */
#define STRINGS_MAX 3

struct strings {
	char at[STRINGS_MAX][STRING_MAX + 1];
	size_t count;
};

/* Does a client ever see the rule's answer? */
static bool answers(const struct sink_rule *rule)
{
	return sink_action_blocks(rule->action) && rule->action != SINK_ACTION_MONITOR &&
		rule->action != SINK_ACTION_DROP;
}

/* The smallest code from `from` on that a rule sends; SINK_EDE_NONE: none. */
static uint32_t next_code(const struct sink_policy *policy, uint32_t from)
{
	uint32_t next = SINK_EDE_NONE;

	for (size_t i = 0; i < policy->rules_count; i++) {
		uint32_t code = policy->rules[i].form.ede;

		if (answers(&policy->rules[i]) && code >= from && code < next)
			next = code;
	}
	return next;
}

/* "exterr=15-17,22": ranges and single codes, rising. What does not fit is left out, from the last on. */
static void add_errors(const struct sink_policy *policy, struct strings *out)
{
	char *text = out->at[out->count];
	size_t at = 0;

	for (uint32_t first = next_code(policy, 0), last; first < SINK_EDE_NONE;
		first = next_code(policy, last + 1)) {
		char range[16];
		int len;

		for (last = first;
			last + 1 < SINK_EDE_NONE && next_code(policy, last + 1) == last + 1;)
			last++;
		len = last > first ? snprintf(range, sizeof range, "%u-%u", first, last)
				   : snprintf(range, sizeof range, "%u", first);
		if (at + (size_t)len + 8 > STRING_MAX)
			break;
		at += (size_t)snprintf(text + at, STRING_MAX + 1 - at, "%s%s",
			at ? "," : "exterr=", range);
	}
	if (at > 0)
		out->count++;
}

static void put_strings(const struct strings *strings)
{
	for (size_t i = 0; i < strings->count; i++) {
		const char *mark = strpbrk(strings->at[i], ";()@") ? "\"" : "";

		printf(" %s%s%s", mark, strings->at[i], mark);
	}
}

/* For servers that do not know the type by its name (RFC 3597, 5). */
static void put_bytes(const struct strings *strings)
{
	size_t len = 0;

	for (size_t i = 0; i < strings->count; i++)
		len += 1 + strlen(strings->at[i]);
	printf(" \\# %zu ", len);
	for (size_t i = 0; i < strings->count; i++) {
		printf("%02x", (unsigned)strlen(strings->at[i]));
		for (const char *c = strings->at[i]; *c; c++)
			printf("%02x", (unsigned)(unsigned char)*c);
	}
}

static int write_resinfo(const struct export_order *order)
{
	struct strings strings = { .count = 0 };
	char text[SINK_TEXT_MAX], owner[SINK_TEXT_MAX + 1];
	struct sink_name name;

	if (sink_name_from_text(sink_span_text(order->owner), &name))
		return SINK_EINVAL;
	snprintf(owner, sizeof owner, "%s%s", sink_name_to_text(&name, text),
		name.labels > 0 ? "." : "");
	if (order->qnamemin)
		snprintf(strings.at[strings.count++], STRING_MAX + 1, "qnamemin");
	add_errors(order->policy, &strings);
	if (order->infourl)
		snprintf(strings.at[strings.count++], STRING_MAX + 1, "infourl=%s", order->infourl);
	if (strings.count == 0) {
		printf("; nothing to tell: no rule sends an extended error, and no option says "
		       "more\n");
		return SINK_OK;
	}
	printf("%s %d IN RESINFO", owner, TTL);
	put_strings(&strings);
	printf("\n; unbound.conf: local-data: '%s %d IN TYPE%d", owner, TTL, TYPE_RESINFO);
	put_bytes(&strings);
	printf("'\n");
	return SINK_OK;
}

const struct export_format export_resinfo = {
	.word = "resinfo",
	.summary = "what the resolver tells about itself (RFC 9606)",
	.is_resinfo = true,
	.write = write_resinfo,
};

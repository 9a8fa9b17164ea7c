/* lookup_show.c - what was found out, for people. */
#include <stdlib.h>

#include "lookup.h"
#include "paused.h"
#include "policy_json.h"
#include "qtype.h"
#include "rdata.h"
#include "say.h"

/* --- an entry --------------------------------------------------------------------------------- */

#define SHOWN 10 /* names or records of a list; JSON gives them all */

static void put_pair(const char *key, const char *value)
{
	printf(", %s %s", key, value);
}

static void put_types(struct sink_span types)
{
	const char *mark = types.at[0] == 1 ? ", all types but " : ", types ";
	uint16_t type;

	types = sink_span(types.at + 1, types.len - 1);
	for (; sink_types_next(&types, &type); mark = " ")
		printf("%s%s", mark, qtype_text(type).text);
}

static void put_more(size_t count)
{
	if (count > SHOWN)
		printf(" and %zu more", count - SHOWN);
}

static void put_except(struct sink_span except)
{
	char text[SINK_TEXT_MAX];
	struct sink_name name;
	struct sink_span key;
	size_t count = 0;

	for (; sink_except_next(&except, &key); count++)
		if (count < SHOWN && sink_name_from_key(key, &name) == SINK_OK)
			printf("%s%s", count ? " " : ", except ", sink_name_to_text(&name, text));
	put_more(count);
}

static void put_data(struct sink_span data)
{
	struct sink_data item;
	size_t count = 0;

	for (; sink_data_next(&data, &item); count++) {
		char *text = count < SHOWN ? rdata_text(item.type, item.rdata) : NULL;

		if (text)
			printf("%s%s %s (%u s)", count ? "; " : ", data ",
				qtype_text(item.type).text, text, item.ttl);
		free(text);
	}
	put_more(count);
}

static void put_lists(const struct sink_record *r)
{
	if (r->hint != SINK_HINT_NONE)
		put_pair("hint", sink_hint_word(r->hint));
	if (r->types.len > 0)
		put_types(r->types);
	if (r->except.len > 0)
		put_except(r->except);
	if (r->data.len > 0)
		put_data(r->data);
}

static void put_record(const struct sink_record *r)
{
	for (int i = 0; i < SINK_FIELD_COUNT; i++) {
		if (r->text[i].len == 0)
			continue;
		printf(", %s ", sink_field_word((enum sink_field)i));
		put_text(stdout, r->text[i], 200);
	}
	if (r->severity != SINK_SEVERITY_NONE)
		put_pair("severity", sink_severity_word(r->severity));
	if (r->confidence != SINK_CONFIDENCE_NONE)
		printf(", confidence %u", r->confidence);
	if (r->tlp != SINK_TLP_NONE)
		put_pair("tlp", sink_tlp_word(r->tlp));
	if (r->valid_from)
		put_pair("from", moment(r->valid_from).text);
	if (r->valid_until)
		put_pair("until", moment(r->valid_until).text);
	put_lists(r);
}

/* How far it reaches, or for which trigger it is; of a name that is listed for another one, both. */
static void put_reach(const struct lookup_item *item)
{
	const char *trigger = sink_trigger_word(item->trigger);
	const char *scope = sink_scope_word(item->listing.scope);

	if (sink_trigger_is_prefix(item->trigger))
		printf(" (%s)", trigger);
	else if (item->trigger == SINK_TRIGGER_QNAME)
		printf(" (%s)", scope);
	else
		printf(" (%s, %s)", trigger, scope);
}

static void put_item(const struct lookup_finding *f, const struct lookup_item *item)
{
	char outcome[LOOKUP_OUTCOME_MAX], text[LOOKUP_TEXT_MAX];

	fputs("  ", stdout);
	put_text(stdout, sink_span_text(lookup_outcome(f, item, outcome)), 200);
	printf(": %s %s", sink_kind_word(item->record.kind), lookup_listed(f, item, text));
	put_reach(item);
	put_record(&item->record);
	putchar('\n');
}

/* Those of a role, the winner first, then the others as they were considered. */
static void put_items(const struct lookup_finding *f, enum lookup_role role)
{
	for (int wins = 1; wins >= 0; wins--)
		for (size_t i = 0; i < f->count; i++)
			if (f->items[i].role == role && lookup_wins(f, &f->items[i]) == wins)
				put_item(f, &f->items[i]);
}

static bool has_items(const struct lookup_finding *f, enum lookup_role role)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].role == role)
			return true;
	return false;
}

/* --- the verdict ------------------------------------------------------------------------------ */

static void put_rule_name(const struct lookup_finding *f, const char *before, uint16_t rule)
{
	if (rule == SINK_RULE_NONE)
		return;
	fputs(before, stdout);
	put_text(stdout, lookup_rule(f, rule), 80);
}

static void put_country(uint16_t country)
{
	if (country)
		printf(", country %c%c", country >> 8, country & 0xff);
}

static void put_client(const struct lookup_finding *f)
{
	char text[SINK_PREFIX_TEXT_MAX];

	if (!f->question->has_client)
		return;
	printf("  client %s: group ", sink_prefix_to_text(&f->question->client, text));
	put_text(stdout, lookup_group(f), 80);
	put_country(f->client.country);
	putchar('\n');
}

static void put_answer(const struct sink_verdict *verdict)
{
	if (!sink_action_blocks(verdict->action) || verdict->action == SINK_ACTION_DROP)
		return;
	fputs("  answer: ", stdout);
	put_form(stdout, verdict->action, &verdict->form);
	putchar('\n');
}

static void put_awaited(const struct lookup_finding *f)
{
	size_t count = 0;

	for (uint16_t rule = 0; rule < f->policy->rules_count; rule++)
		if (f->awaited[rule / 64] >> rule % 64 & 1 && count++ < SHOWN)
			put_rule_name(f,
				count == 1 ? "  may change with the answer, which these rules look "
					     "at: "
					   : ", ",
				rule);
	put_more(count);
	if (count > 0)
		putchar('\n');
}

static void put_verdict(const struct lookup_finding *f, enum lookup_role role)
{
	const struct sink_verdict *verdict = &f->verdicts[role];

	fputs(sink_action_word(verdict->action), stdout);
	put_rule_name(f, ", rule ", verdict->rule);
	put_rule_name(f, ", watched by rule ", verdict->monitor);
}

static void put_role(const struct lookup_finding *f, enum lookup_role role, const char *what)
{
	if (!has_items(f, role))
		return;
	printf("  %s: ", what);
	put_verdict(f, role);
	putchar('\n');
	put_answer(&f->verdicts[role]);
	put_items(f, role);
}

static bool is_single(const struct sink_prefix *prefix)
{
	return prefix->bits == (prefix->family == 4 ? 32 : 128);
}

static const char *remark(const struct lookup_finding *f)
{
	if (f->count == 0 && f->verdicts[LOOKUP_ANSWER].rule == SINK_RULE_NONE)
		return ", not listed";
	if (!f->is_address)
		return "";
	return is_single(&f->address) ? "; in an answer of which nothing else is listed"
				      : ", only told: prefixes that cover all of it";
}

void lookup_show(const struct lookup_finding *f)
{
	char text[LOOKUP_TEXT_MAX];

	printf("%s: ", lookup_asked(f, text));
	put_verdict(f, LOOKUP_ANSWER);
	printf("%s\n", remark(f));
	if (lookup_is_paused(f))
		printf("  filtering is paused %s\n", paused_text(f->manifest).text);
	put_client(f);
	put_answer(&f->verdicts[LOOKUP_ANSWER]);
	put_items(f, LOOKUP_ANSWER);
	put_awaited(f);
	if (f->depends)
		puts("  depends on the client");
	put_role(f, LOOKUP_CLIENT, "as a client's");
	put_role(f, LOOKUP_SERVER, "as a name server's");
}

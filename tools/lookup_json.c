/* lookup_json.c - what was found out, for programs. */
#include <stdlib.h>

#include "lookup.h"
#include "paused.h"
#include "policy_json.h"
#include "qtype.h"

static json_t *text_or_null(struct sink_span text)
{
	return text.len > 0 ? json_text(text) : json_null();
}

static json_t *country_json(uint16_t country)
{
	char text[2] = { (char)(country >> 8), (char)country };

	return country ? json_stringn(text, sizeof text) : json_null();
}

static json_t *client_json(const struct lookup_question *question)
{
	char text[SINK_PREFIX_TEXT_MAX];

	return question->has_client ? json_string(sink_prefix_to_text(&question->client, text))
				    : json_null();
}

/* --- entries ---------------------------------------------------------------------------------- */

static json_t *item_json(const struct lookup_finding *f, const struct lookup_item *item)
{
	bool is_prefix = sink_trigger_is_prefix(item->trigger);
	char listed[LOOKUP_TEXT_MAX], about[LOOKUP_TEXT_MAX], outcome[LOOKUP_OUTCOME_MAX];
	json_t *out = json_pack("{s:s,s:s,s:s,s:o,s:o,s:s}", is_prefix ? "prefix" : "name",
		lookup_listed(f, item, listed), "scope", sink_scope_word(item->listing.scope),
		"trigger", sink_trigger_word(item->trigger), "outcome",
		json_text(sink_span_text(lookup_outcome(f, item, outcome))), "rule",
		text_or_null(lookup_rule(f, item->rule)), "about", lookup_about(f, item, about));

	if (is_prefix)
		json_object_del(out, "scope");
	json_object_update_new(out, json_record(&item->record));
	return out;
}

static json_t *considered_json(const struct lookup_finding *f)
{
	json_t *out = json_array();

	for (size_t i = 0; i < f->count; i++)
		json_array_append_new(out, item_json(f, &f->items[i]));
	return out;
}

/* Does it stand behind the verdict on what was asked for? */
static bool is_behind(const struct lookup_finding *f, const struct lookup_item *item)
{
	return item->role == LOOKUP_ANSWER && (lookup_wins(f, item) || lookup_agrees(f, item));
}

/* Records that were told: an entry may stand in the list more than once, with another scope. */
struct told {
	uint64_t *bits; /* by record */
};

static bool begin_told(const struct lookup_finding *f, struct told *out)
{
	uint32_t most = f->verdicts[LOOKUP_ANSWER].winner.record;

	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].listing.record > most)
			most = f->items[i].listing.record;
	out->bits = calloc((size_t)most / 64 + 1, sizeof *out->bits);
	return out->bits != NULL;
}

/* Was it told before? Now it is. */
static bool tell(struct told *told, uint32_t record)
{
	uint64_t bit = UINT64_C(1) << record % 64;
	bool before = told->bits[record / 64] & bit;

	told->bits[record / 64] |= bit;
	return before;
}

static const struct lookup_item *winner(const struct lookup_finding *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].role == LOOKUP_ANSWER && lookup_wins(f, &f->items[i]))
			return &f->items[i];
	return NULL;
}

/* The winner's record, and those of others that say the same. NULL: no memory. */
static json_t *records_json(const struct lookup_finding *f)
{
	const struct lookup_item *first = winner(f);
	struct told told;
	json_t *out;

	if (!begin_told(f, &told))
		return NULL;
	out = json_array();
	if (first)
		json_array_append_new(out, json_record(&first->record));
	tell(&told, f->verdicts[LOOKUP_ANSWER].winner.record);
	for (size_t i = 0; i < f->count; i++)
		if (is_behind(f, &f->items[i]) && !tell(&told, f->items[i].listing.record))
			json_array_append_new(out, json_record(&f->items[i].record));
	free(told.bits);
	return out;
}

/* --- verdicts --------------------------------------------------------------------------------- */

static json_t *answer_json(const struct sink_verdict *verdict)
{
	json_t *out;

	if (!sink_action_blocks(verdict->action))
		return json_null();
	out = json_object();
	json_add_form(out, verdict->action, &verdict->form);
	return out;
}

static json_t *awaited_json(const struct lookup_finding *f)
{
	json_t *out = json_array();

	for (uint16_t rule = 0; rule < f->policy->rules_count; rule++)
		if (f->awaited[rule / 64] >> rule % 64 & 1)
			json_array_append_new(out, json_text(lookup_rule(f, rule)));
	return out;
}

/* Who asks, and what it gets. */
static json_t *verdict_json(const struct lookup_finding *f)
{
	const struct sink_verdict *verdict = &f->verdicts[LOOKUP_ANSWER];
	char asked[LOOKUP_TEXT_MAX];
	json_t *out = json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:I,s:s,s:o}", "name",
		lookup_asked(f, asked), "type", qtype_text(f->question->type).text, "client",
		client_json(f->question), "group", text_or_null(lookup_group(f)), "country",
		country_json(f->client.country), "at", json_moment(f->question->at), "generation",
		(json_int_t)f->manifest->serial, "action", sink_action_word(verdict->action),
		"rule", text_or_null(lookup_rule(f, verdict->rule)));

	json_object_update_new(out,
		json_pack("{s:o,s:o,s:b,s:o}", "answer", answer_json(verdict), "monitor",
			text_or_null(lookup_rule(f, verdict->monitor)), "depends-on-client",
			f->depends || f->has_listed_clients, "awaits", awaited_json(f)));
	if (lookup_is_paused(f))
		json_object_set_new(out, "paused", paused_json(f->manifest));
	return out;
}

/* Why. */
static json_t *reason_json(const struct lookup_finding *f, json_t *records)
{
	const struct sink_verdict *verdict = &f->verdicts[LOOKUP_ANSWER];
	const struct lookup_item *item = winner(f);
	bool is_name = item && !sink_trigger_is_prefix(item->trigger);
	bool is_decided = verdict->rule != SINK_RULE_NONE;
	char listed[LOOKUP_TEXT_MAX];

	return json_pack("{s:s?,s:s?,s:s?,s:o,s:o}", "matched",
		item ? lookup_listed(f, item, listed) : NULL, "scope",
		is_name ? sink_scope_word(item->listing.scope) : NULL, "trigger",
		is_decided ? sink_trigger_word(verdict->trigger) : NULL, "records", records,
		"considered", considered_json(f));
}

static json_t *role_json(const struct lookup_finding *f, enum lookup_role role)
{
	const struct sink_verdict *verdict = &f->verdicts[role];

	return json_pack("{s:s,s:o,s:o}", "action", sink_action_word(verdict->action), "rule",
		text_or_null(lookup_rule(f, verdict->rule)), "answer", answer_json(verdict));
}

json_t *lookup_json(const struct lookup_finding *f)
{
	json_t *records = records_json(f), *out;

	if (!records)
		return NULL;
	out = verdict_json(f);
	json_object_update_new(out, reason_json(f, records));
	if (f->is_address)
		json_object_set_new(out, "as",
			json_pack("{s:o,s:o}", "client", role_json(f, LOOKUP_CLIENT), "ns-address",
				role_json(f, LOOKUP_SERVER)));
	return out;
}

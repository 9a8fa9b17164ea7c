/* changes_show.c - changes, for people and for programs. */
#include "changes.h"

#include <stdio.h>

#include "json.h"
#include "say.h"

static const char *const risk_words[] = {
	[RISK_POPULAR] = "popular",
	[RISK_SHORT] = "short",
	[RISK_IMPORTANT] = "important",
	[RISK_WIDE] = "wide",
	[RISK_EXACT] = "exact",
	[RISK_DISALLOWED] = "disallowed",
	[RISK_ALLOWED] = "allowed",
	[RISK_UNBLOCKED] = "unblocked",
};
_Static_assert(sizeof risk_words / sizeof risk_words[0] == RISK_COUNT, "a risk has no word");

static const struct {
	const char *word;
	char sign;
} whats[] = {
	[CHANGE_ADDED] = { "added", '+' },
	[CHANGE_CHANGED] = { "changed", '~' },
	[CHANGE_REMOVED] = { "removed", '-' },
};
_Static_assert(sizeof whats / sizeof whats[0] == CHANGE_KIND_COUNT, "a change has no word");

/* --- for people ------------------------------------------------------------------------------------ */

static const char *subject_text(const struct sink_subject *subject, char out[SINK_TEXT_MAX])
{
	return sink_trigger_is_prefix(subject->trigger) ? sink_prefix_to_text(&subject->prefix, out)
							: sink_name_to_text(&subject->name, out);
}

static void print_state(const struct sink_subject *subject, const struct change_state *state)
{
	fputs(sink_kind_word(state->kind), stdout);
	if (!sink_trigger_is_prefix(subject->trigger))
		printf(" (%s)", sink_scope_word(state->scope));
	for (int i = 0; i < 2; i++) {
		struct sink_span text =
			state->record.text[i ? SINK_FIELD_CATEGORY : SINK_FIELD_SOURCE];

		if (text.len == 0)
			continue;
		fputs(i ? ", category " : ", source ", stdout);
		put_text(stdout, text, 80);
	}
}

void change_print(const struct change *change)
{
	const struct sink_subject *subject = change->subject;
	bool removed = change->what == CHANGE_REMOVED;
	char text[SINK_TEXT_MAX];

	printf("%c %-10s ", whats[change->what].sign, risk_words[change->risk]);
	if (subject->trigger != SINK_TRIGGER_QNAME)
		printf("%s ", sink_trigger_word(subject->trigger));
	printf("%s: ", subject_text(subject, text));
	print_state(subject, removed ? &change->was : &change->is);
	if (change->what == CHANGE_CHANGED) {
		fputs("; was ", stdout);
		print_state(subject, &change->was);
	}
	putchar('\n');
}

static void print_row(void *arg, const struct changes_row *row)
{
	(void)arg;
	fputs("  ", stdout);
	put_text(stdout, sink_span_text(row->source), 80);
	if (*row->category) {
		fputs(", ", stdout);
		put_text(stdout, sink_span_text(row->category), 80);
	}
	printf(": +%s ~%s -%s", number(row->counts[CHANGE_ADDED]).text,
		number(row->counts[CHANGE_CHANGED]).text, number(row->counts[CHANGE_REMOVED]).text);
	if (row->renewed > 0)
		printf(", %s last until another time", number(row->renewed).text);
	putchar('\n');
}

void changes_print_counts(const struct changes *changes)
{
	struct changes_row total;

	changes_total(changes, &total);
	printf("%s added, %s changed, %s removed\n", number(total.counts[CHANGE_ADDED]).text,
		number(total.counts[CHANGE_CHANGED]).text,
		number(total.counts[CHANGE_REMOVED]).text);
	changes_each_row(changes, print_row, NULL);
}

static int print_one(void *arg, const struct change *change)
{
	(void)arg;
	change_print(change);
	return SINK_OK;
}

void changes_print(const struct changes *changes)
{
	uint64_t left;

	changes_print_counts(changes);
	left = changes_each_shown(changes, print_one, NULL);
	if (left > 0)
		printf("and %s more\n", number(left).text);
}

/* --- for programs ---------------------------------------------------------------------------------- */

static json_t *state_json(const struct sink_subject *subject, const struct change_state *state)
{
	json_t *out = json_pack("{s:s}", "kind", sink_kind_word(state->kind));

	if (!sink_trigger_is_prefix(subject->trigger))
		json_object_set_new(out, "scope", json_string(sink_scope_word(state->scope)));
	for (int i = 0; i < 2; i++) {
		enum sink_field field = i ? SINK_FIELD_CATEGORY : SINK_FIELD_SOURCE;

		if (state->record.text[field].len > 0)
			json_object_set_new(out, sink_field_word(field),
				json_text(state->record.text[field]));
	}
	return out;
}

json_t *change_json(const struct change *change)
{
	const struct sink_subject *subject = change->subject;
	bool is_prefix = sink_trigger_is_prefix(subject->trigger);
	char text[SINK_TEXT_MAX];
	json_t *out = json_pack("{s:s,s:s,s:s,s:s}", "change", whats[change->what].word, "risk",
		risk_words[change->risk], "trigger", sink_trigger_word(subject->trigger),
		is_prefix ? "prefix" : "name", subject_text(subject, text));

	json_object_update_new(out,
		state_json(subject, change->what == CHANGE_REMOVED ? &change->was : &change->is));
	if (change->what == CHANGE_CHANGED)
		json_object_set_new(out, "was", state_json(subject, &change->was));
	return out;
}

static json_t *counts_json(const struct changes_row *row)
{
	return json_pack("{s:I,s:I,s:I,s:I}", "added", (json_int_t)row->counts[CHANGE_ADDED],
		"changed", (json_int_t)row->counts[CHANGE_CHANGED], "removed",
		(json_int_t)row->counts[CHANGE_REMOVED], "renewed", (json_int_t)row->renewed);
}

static void append_row(void *arg, const struct changes_row *row)
{
	json_t *out =
		json_pack("{s:o,s:o}", "source", json_text(sink_span_text(row->source)), "category",
			*row->category ? json_text(sink_span_text(row->category)) : json_null());

	json_object_update_new(out, counts_json(row));
	json_array_append_new(arg, out);
}

json_t *changes_counts_json(const struct changes *changes)
{
	json_t *sources = json_array(), *out;
	struct changes_row total;

	changes_total(changes, &total);
	out = counts_json(&total);
	changes_each_row(changes, append_row, sources);
	json_object_set_new(out, "sources", sources);
	return out;
}

static int append_one(void *arg, const struct change *change)
{
	json_array_append_new(arg, change_json(change));
	return SINK_OK;
}

json_t *changes_json(const struct changes *changes)
{
	json_t *out = changes_counts_json(changes), *list = json_array();
	uint64_t left = changes_each_shown(changes, append_one, list);

	json_object_set_new(out, "changes", list);
	json_object_set_new(out, "left-out", json_integer((json_int_t)left));
	return out;
}

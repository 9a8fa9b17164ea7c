/* match.c - texts of rules in hash tables, so that an entry is looked up in them and not compared with each
 * rule. */
#include "match.h"

#include <stdlib.h>

#include "siphash.h"

#define CONFIDENCES 102 /* 0 to 100, and none */

/* Rules that ask for one text of a field. */
struct asked {
	struct sink_span text; /* length 0: the slot is empty */
	rule_set rules;
};

struct field {
	rule_set others; /* rules that ask nothing of this field */
	size_t mask; /* slots - 1 */
	struct asked *slots; /* NULL: no rule asks for it */
};

struct match {
	size_t words;
	rule_set entries; /* rules that are about entries at all */
	struct field fields[SINK_FIELD_COUNT];
	rule_set severities[SINK_SEVERITY_COUNT];
	rule_set tlps[SINK_TLP_COUNT];
	rule_set confidences[CONFIDENCES];
};

/* --- making ----------------------------------------------------------------------------------- */

static struct asked *slot_of(const struct field *field, struct sink_span text)
{
	const struct siphash_key any = { 0 };
	size_t at = siphash(any, text) & field->mask;

	while (field->slots[at].text.len > 0 && !sink_span_equal(field->slots[at].text, text))
		at = (at + 1) & field->mask;
	return &field->slots[at];
}

static int make_field(struct field *field, const struct sink_policy *policy, int number)
{
	size_t texts = 0, slots = 4;

	for (size_t r = 0; r < policy->rules_count; r++)
		texts += policy->rules[r].texts[number].count;
	while (slots < 2 * texts)
		slots *= 2;
	if (texts > 0) {
		field->slots = calloc(slots, sizeof *field->slots);
		if (!field->slots)
			return SINK_ENOMEM;
	}
	field->mask = slots - 1;
	for (size_t r = 0; r < policy->rules_count; r++) {
		const struct sink_texts *asked = &policy->rules[r].texts[number];

		if (asked->count == 0)
			set_put(field->others, r);
		for (size_t i = 0; i < asked->count; i++) {
			struct asked *slot = slot_of(field, asked->at[i]);

			slot->text = asked->at[i];
			set_put(slot->rules, r);
		}
	}
	return SINK_OK;
}

/* Rules of a few values: those that ask for a value, or for none. */
static void make_value(rule_set *values, size_t count, size_t rule, uint8_t asked)
{
	for (size_t i = 0; i < count; i++)
		if (asked == 0 || asked >> i & 1)
			set_put(values[i], rule);
}

static void make_confidence(struct match *match, const struct sink_rule *rule, size_t number)
{
	for (unsigned i = rule->confidence_min; i <= rule->confidence_max; i++)
		set_put(match->confidences[i], number);
	if (rule->confidence_min == 0 && rule->confidence_max == 100)
		set_put(match->confidences[CONFIDENCES - 1], number);
}

static void make_rule(struct match *match, const struct sink_rule *rule, size_t number)
{
	if (!rule->is_bare)
		set_put(match->entries, number);
	make_value(match->severities, SINK_SEVERITY_COUNT, number, rule->severities);
	make_value(match->tlps, SINK_TLP_COUNT, number, rule->tlps);
	make_confidence(match, rule, number);
}

int match_new(const struct sink_policy *policy, struct match **out)
{
	struct match *match = calloc(1, sizeof *match);
	int err = SINK_OK;

	if (!match)
		return SINK_ENOMEM;
	match->words = (policy->rules_count + 63) / 64;
	for (size_t r = 0; r < policy->rules_count; r++)
		make_rule(match, &policy->rules[r], r);
	for (int f = 0; !err && f < SINK_FIELD_COUNT; f++)
		err = make_field(&match->fields[f], policy, f);
	if (err) {
		match_free(match);
		return err;
	}
	*out = match;
	return SINK_OK;
}

void match_free(struct match *match)
{
	if (!match)
		return;
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		free(match->fields[f].slots);
	free(match);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void add_text(const struct match *match, const struct field *field, struct sink_span text,
	uint64_t *out)
{
	if (text.len > 0)
		set_or(out, slot_of(field, text)->rules, match->words);
}

/* Take what stands before the next comma. */
static struct sink_span take_piece(struct sink_span *rest)
{
	const uint8_t *comma = memchr(rest->at, ',', rest->len);
	size_t len = comma ? (size_t)(comma - rest->at) : rest->len;
	struct sink_span piece = sink_span(rest->at, len);

	*rest = comma ? sink_span(comma + 1, rest->len - len - 1) : sink_span(NULL, 0);
	return piece;
}

static void narrow(const struct match *match, int number, struct sink_span text, uint64_t *out)
{
	const struct field *field = &match->fields[number];
	rule_set rules;

	set_copy(rules, field->others, match->words);
	if (number == SINK_FIELD_JURISDICTION || number == SINK_FIELD_TAG)
		while (text.len > 0)
			add_text(match, field, take_piece(&text), rules);
	else
		add_text(match, field, text, rules);
	set_and(out, rules, match->words);
}

void match_record(const struct match *match, const struct sink_record *record, uint64_t *out)
{
	unsigned confidence =
		record->confidence <= 100 ? record->confidence : (unsigned)CONFIDENCES - 1;

	set_copy(out, match->entries, match->words);
	set_and(out, match->severities[record->severity], match->words);
	set_and(out, match->tlps[record->tlp], match->words);
	set_and(out, match->confidences[confidence], match->words);
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		if (match->fields[f].slots)
			narrow(match, f, record->text[f], out);
}

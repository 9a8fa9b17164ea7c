/* config_warn.c - rules that surprise: that can never match, and that others forestall. Only what is certain from the
 * configuration: feeds may say more of their entries. */
#include "config_parts.h"
#include "text.h"

struct view {
	struct reading *reading;
	const struct rule_reading *rules;
	size_t count;
};

static const struct node *name_of(const struct rule_reading *rule)
{
	return node_find(rule->map, "rule");
}

static struct shown shown_name(const struct rule_reading *rule)
{
	return shown(rule->rule.name);
}

/* --- sets ------------------------------------------------------------------------------------------------ */

static bool has_text(const struct sink_texts *texts, struct sink_span text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (sink_span_equal(texts->at[i], text))
			return true;
	return false;
}

/* Each returns: does whatever satisfies `b` satisfy `a`? Empty asks for nothing. */

static bool texts_cover(const struct sink_texts *a, const struct sink_texts *b)
{
	if (a->count == 0)
		return true;
	for (size_t i = 0; i < b->count; i++)
		if (!has_text(a, b->at[i]))
			return false;
	return b->count > 0;
}

static bool bits_cover(unsigned a, unsigned b)
{
	return a == 0 || (b != 0 && (b & ~a) == 0);
}

/* Of rising numbers, each of `width` bytes. */
static bool numbers_cover(const void *a, size_t a_count, const void *b, size_t b_count,
	size_t width)
{
	const char *at = a, *wanted = b;
	size_t i = 0;

	if (a_count == 0)
		return true;
	for (size_t k = 0; k < b_count; k++) {
		while (i < a_count && memcmp(at + i * width, wanted + k * width, width) != 0)
			i++;
		if (i == a_count)
			return false;
	}
	return b_count > 0;
}

static bool countries_cover(const struct sink_countries *a, const struct sink_countries *b)
{
	return numbers_cover(a->at, a->count, b->at, b->count, sizeof *a->at);
}

static bool asns_cover(const struct sink_asns *a, const struct sink_asns *b)
{
	return numbers_cover(a->at, a->count, b->at, b->count, sizeof *a->at);
}

static bool is_any_confidence(const struct sink_rule *rule)
{
	return rule->confidence_min == 0 && rule->confidence_max == 100;
}

static bool confidence_covers(const struct sink_rule *a, const struct sink_rule *b)
{
	return is_any_confidence(a) ||
		(!is_any_confidence(b) && a->confidence_min <= b->confidence_min &&
			a->confidence_max >= b->confidence_max);
}

/* --- rules that can never match -------------------------------------------------------------------------- */

static bool asks_answer(const struct sink_rule *rule)
{
	return rule->answer_countries.count > 0 || rule->answer_asns.count > 0;
}

static bool entries_cover(const struct sink_rule *a, const struct sink_rule *b)
{
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		if (!texts_cover(&a->texts[f], &b->texts[f]))
			return false;
	return bits_cover(a->severities, b->severities) && bits_cover(a->tlps, b->tlps) &&
		bits_cover(a->triggers, b->triggers) && confidence_covers(a, b);
}

static bool clients_cover(const struct sink_rule *a, const struct sink_rule *b)
{
	return (b->groups & ~a->groups) == 0 && (a->is_for_others || !b->is_for_others) &&
		countries_cover(&a->client_countries, &b->client_countries) &&
		a->share == SINK_SHARE_ALL;
}

static bool times_cover(const struct sink_rule *a, const struct sink_rule *b)
{
	return a->schedule == SINK_SCHEDULE_NONE || a->schedule == b->schedule;
}

/* Does the earlier rule leave nothing to the later one? Whatever it does: what it monitors, or decides as listed, takes
 * part in no later rule. */
static bool covers(const struct sink_rule *a, const struct sink_rule *b)
{
	if (b->is_bare && (!a->is_bare || a->action == SINK_ACTION_MONITOR))
		return false;
	if (a->is_bare && !b->is_bare && a->action == SINK_ACTION_MONITOR)
		return false;
	if (!a->is_bare && !entries_cover(a, b))
		return false;
	return clients_cover(a, b) && times_cover(a, b) &&
		countries_cover(&a->answer_countries, &b->answer_countries) &&
		asns_cover(&a->answer_asns, &b->answer_asns) &&
		(a->types.len == 0 || sink_span_equal(a->types, b->types));
}

static void warn_covered(const struct view *view)
{
	for (size_t b = 1; b < view->count; b++)
		for (size_t a = 0; a < b; a++)
			if (!view->rules[a].is_never && !view->rules[b].is_never &&
				covers(&view->rules[a].rule, &view->rules[b].rule)) {
				node_warn(view->reading, name_of(&view->rules[b]),
					"the rule '%s' can never match: '%s' in line %lu takes all "
					"that "
					"it could",
					shown_name(&view->rules[b]).text,
					shown_name(&view->rules[a]).text,
					name_of(&view->rules[a])->line);
				break;
			}
}

static void warn_never(const struct view *view)
{
	for (size_t i = 0; i < view->count; i++)
		if (view->rules[i].is_never)
			node_warn(view->reading, node_find(view->rules[i].map, "enforce"),
				"enforce: 0%% is nobody: the rule '%s' is left out",
				shown_name(&view->rules[i]).text);
}

/* --- geo files and sources that are not there --------------------------------------------------------------- */

static void warn_geo(const struct view *view, const struct node *map, const char *word,
	bool is_there, const char *needs)
{
	const struct node *node = node_find(map, word);

	if (node && !is_there)
		node_warn(view->reading, node->key,
			"%s asks for %s, which the configuration does not name: the rule never "
			"matches",
			word, needs);
}

static void warn_geos(const struct view *view)
{
	const struct geoip_config *geoip = &view->reading->config->geoip;

	for (size_t i = 0; i < view->count; i++) {
		const struct node *map = view->rules[i].map, *match = node_find(map, "match");

		warn_geo(view, map, "client-country", geoip->country, "geoip: country");
		warn_geo(view, match, "answer-country", geoip->country, "geoip: country");
		warn_geo(view, match, "answer-asn", geoip->asn, "geoip: asn");
	}
}

static bool is_source(const struct config *config, struct sink_span name)
{
	for (size_t i = 0; i < config->count; i++)
		if (sink_span_equal(config->sources[i].attributes.record.text[SINK_FIELD_SOURCE],
			    name))
			return true;
	return false;
}

static void warn_source(const struct view *view, const struct node *node)
{
	if (node->type == NODE_TEXT && !is_source(view->reading->config, node_text(node)))
		node_warn(view->reading, node,
			"source: there is no source '%s' in this configuration",
			shown(node_text(node)).text);
}

static void warn_sources(const struct view *view)
{
	if (view->reading->config->count == 0)
		return; /* those of a command line */
	for (size_t i = 0; i < view->count; i++) {
		const struct node *node =
			node_find(node_find(view->rules[i].map, "match"), "source");

		if (!node)
			continue;
		if (node->type == NODE_TEXT)
			warn_source(view, node);
		for (node = node->first; node; node = node->next)
			warn_source(view, node);
	}
}

/* --- allow lists ----------------------------------------------------------------------------------------------- */

/* A list as records have them: "FR,DE". */
static bool has_listed(const struct sink_texts *texts, struct sink_span list)
{
	while (list.len > 0)
		if (has_text(texts, text_cut(&list, ',')))
			return true;
	return false;
}

/* Do a source's entries satisfy a rule's match by what the source says of all of them? */
static bool satisfies(const struct sink_record *record, const struct sink_rule *rule)
{
	for (int f = 0; f < SINK_FIELD_COUNT; f++) {
		bool is_list = f == SINK_FIELD_JURISDICTION || f == SINK_FIELD_TAG;

		if (rule->texts[f].count == 0)
			continue;
		if (is_list ? !has_listed(&rule->texts[f], record->text[f])
			    : !has_text(&rule->texts[f], record->text[f]))
			return false;
	}
	if (rule->severities && !(rule->severities & 1u << record->severity))
		return false;
	if (rule->tlps && !(rule->tlps & 1u << record->tlp))
		return false;
	return is_any_confidence(rule) ||
		(record->confidence >= rule->confidence_min &&
			record->confidence <= rule->confidence_max);
}

static bool is_for_all(const struct view *view, const struct sink_rule *rule)
{
	return rule->is_for_others &&
		rule->groups == policy_all_groups(view->reading->groups_count) &&
		rule->client_countries.count == 0 && rule->share == SINK_SHARE_ALL &&
		rule->schedule == SINK_SCHEDULE_NONE && rule->types.len == 0 && !asks_answer(rule);
}

static bool blocks(const struct sink_rule *rule)
{
	return sink_action_blocks(rule->action) && rule->action != SINK_ACTION_MONITOR;
}

/* An allow list that takes part in no rule before one that blocks is asked too late. */
static void warn_allow(const struct view *view, const struct source *source)
{
	const struct sink_record *record = &source->attributes.record;

	for (size_t i = 0; i < view->count; i++) {
		const struct rule_reading *rule = &view->rules[i];

		if (!rule->rule.is_bare && satisfies(record, &rule->rule)) {
			if (is_for_all(view, &rule->rule))
				return;
			continue;
		}
		if (!blocks(&rule->rule) || rule->is_never)
			continue;
		node_warn(view->reading, name_of(rule),
			"the rule '%s' can block what the source '%s' allows: a rule {match: "
			"{source: "
			"%s}, action: pass} before it would keep that",
			shown_name(rule).text, shown(record->text[SINK_FIELD_SOURCE]).text,
			shown(record->text[SINK_FIELD_SOURCE]).text);
		return;
	}
}

static void warn_allows(const struct view *view)
{
	const struct config *config = view->reading->config;

	for (size_t i = 0; i < config->count; i++) {
		bool is_first = i == 0 ||
			config->sources[i].config_line != config->sources[i - 1].config_line;

		if (is_first && config->sources[i].attributes.allow)
			warn_allow(view, &config->sources[i]);
	}
}

/* --- two passes ------------------------------------------------------------------------------------------------ */

/* Can it be asked only once the answer is there? */
static bool waits_for_answer(const struct sink_rule *rule)
{
	return asks_answer(rule) ||
		(rule->triggers &&
			!(rule->triggers & (1u << SINK_TRIGGER_QNAME | 1u << SINK_TRIGGER_CLIENT)));
}

static bool share_clients(const struct sink_rule *a, const struct sink_rule *b)
{
	return (a->groups & b->groups) != 0 || (a->is_for_others && b->is_for_others);
}

/* Can one entry be about both? Only of sources it is certain that it cannot. */
static bool share_entries(const struct sink_rule *a, const struct sink_rule *b)
{
	const struct sink_texts *x = &a->texts[SINK_FIELD_SOURCE],
				*y = &b->texts[SINK_FIELD_SOURCE];

	if (a->is_bare || x->count == 0 || y->count == 0)
		return true;
	for (size_t i = 0; i < y->count; i++)
		if (has_text(x, y->at[i]))
			return true;
	return false;
}

static bool differs(const struct sink_rule *a, const struct sink_rule *b)
{
	return a->action != b->action && a->action != SINK_ACTION_MONITOR &&
		b->action != SINK_ACTION_MONITOR;
}

static void warn_passes(const struct view *view)
{
	for (size_t a = 0; a < view->count; a++) {
		const struct rule_reading *early = &view->rules[a];

		if (early->is_never || !waits_for_answer(&early->rule))
			continue;
		for (size_t b = a + 1; b < view->count; b++) {
			const struct rule_reading *late = &view->rules[b];

			if (late->is_never || waits_for_answer(&late->rule) ||
				!differs(&early->rule, &late->rule) ||
				!share_clients(&early->rule, &late->rule) ||
				!share_entries(&early->rule, &late->rule))
				continue;
			node_warn(view->reading, name_of(early),
				"the rule '%s' waits for the answer: '%s' in line %lu, which does "
				"not, "
				"decides about listed names before it",
				shown_name(early).text, shown_name(late).text, name_of(late)->line);
			break;
		}
	}
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static void warn_unused(struct reading *reading, const struct node *root)
{
	static const char *const keys[] = { "groups", "geoip" };

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const struct node *node = node_find(root, keys[i]);

		if (node)
			node_warn(reading, node->key, "%s without policy: no rule asks for them",
				keys[i]);
	}
}

static void warn_contact(const struct view *view)
{
	static const char *const keys[] = { "sub-error", "justification" };

	if (view->reading->config->operator.contacts> 0)
		return;
	for (size_t i = 0; i < view->count; i++)
		for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
			const struct node *node = node_find(view->rules[i].map, keys[k]);

			if (node)
				node_warn(view->reading, node->key,
					"%s is part of a structured error, and none is sent "
					"without "
					"operator: contact",
					keys[k]);
		}
}

void policy_warn(struct reading *reading, const struct node *root)
{
	const struct view view = { .reading = reading,
		.rules = reading->policy->rules.at,
		.count = reading->policy->rules.count };

	if (!node_find(root, "policy")) {
		warn_unused(reading, root);
		return;
	}
	warn_covered(&view);
	warn_never(&view);
	warn_geos(&view);
	warn_sources(&view);
	warn_allows(&view);
	warn_passes(&view);
	warn_contact(&view);
}

/* gate.c - checks of single entries, and the words of all checks. The only file that knows libpsl. */
#include "gate.h"

#include <libpsl.h>
#include <stdio.h>

#include "bogon.h"

static const struct {
	const char *word, *help;
} checks[] = {
	[GATE_EMPTY] = { "empty", "publish a source, or a generation, without any entry" },
	[GATE_TLD] = { "tld", "take entries that are a top-level domain" },
	[GATE_SUFFIX] = { "suffix", "take entries that are a public suffix: co.uk, github.io" },
	[GATE_PROTECTED] = { "protected", "take entries for what a protected list names" },
	[GATE_BOGON] = { "bogon", "take private, loopback and far too large prefixes" },
	[GATE_POPULAR] = { "popular", "take sources that list a popular name" },
	[GATE_CHANGE] = { "max-change", "take sources that changed by more than they may" },
	[GATE_ERRORS] = { "errors", "take sources whose lines are mostly errors" },
	[GATE_LIVE] = { "live", "publish without the live changes (apply): they may be damaged" },
};
_Static_assert(sizeof checks / sizeof checks[0] == GATE_COUNT, "a check has no word");

int gate_force(struct gate *gate, const char *word)
{
	for (int i = 0; i < GATE_COUNT; i++)
		if (strcmp(word, checks[i].word) == 0) {
			gate->forced[i] = true;
			return SINK_OK;
		}
	return SINK_ENOENT;
}

const char *gate_word(enum gate_check check)
{
	return checks[check].word;
}

const char *gate_help(enum gate_check check)
{
	return checks[check].help;
}

const char *gate_words(char *out, size_t size)
{
	size_t len = 0;

	out[0] = 0;
	for (int i = 0; i < GATE_COUNT && len < size; i++) {
		const char *mark = i == 0 ? "" : i + 1 == GATE_COUNT ? " or " : ", ";

		len += (size_t)snprintf(out + len, size - len, "%s%s", mark, checks[i].word);
	}
	return out;
}

int gate_begin(struct gate *gate, struct sink_why *why)
{
	gate->suffixes = (struct suffixes *)psl_latest(NULL);
	if (!gate->suffixes)
		return sink_why(why, SINK_ENOENT,
			"there is no Public Suffix List to check entries against");
	return protected_begin(&gate->protected, why);
}

void gate_end(struct gate *gate)
{
	psl_free((psl_ctx_t *)gate->suffixes);
	gate->suffixes = NULL;
	protected_end(&gate->protected);
}

static bool is_public_suffix(const struct gate *gate, const struct sink_name *name)
{
	char text[SINK_TEXT_MAX];

	/* Without the list's default rule "*": a top-level domain is judged by its single label. */
	return psl_is_public_suffix2((const psl_ctx_t *)gate->suffixes,
		       sink_name_to_text(name, text), PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) == 1;
}

/* Who forces a top-level domain, a public suffix or a popular name in knows that much is below it; the name
 * itself stays protected. */
static bool is_forced(const struct gate *gate, const struct sink_name *name, bool popular)
{
	return name->labels <= 1 || (popular && gate->forced[GATE_POPULAR]) ||
		(gate->forced[GATE_SUFFIX] && is_public_suffix(gate, name));
}

static bool is_protected(const struct gate *gate, const struct sink_name *name,
	enum sink_scope scope, bool popular)
{
	const struct name_set *names = &gate->protected.names;

	if (gate->forced[GATE_PROTECTED] || !name_set_hit(names, name, scope))
		return false;
	return !is_forced(gate, name, popular) || name_set_hit(names, name, SINK_SCOPE_EXACT);
}

/* Of the root, only all that is below it can be meant in earnest: "*" in a zone that lets through what it lists. */
static bool is_top(const struct gate *gate, const struct sink_name *name, enum sink_scope scope)
{
	if (name->labels == 0 && scope != SINK_SCOPE_BELOW)
		return true;
	return name->labels <= 1 && !gate->forced[GATE_TLD];
}

static enum feed_reason judge_name(const struct gate *gate, const struct sink_name *name,
	enum sink_kind kind, enum sink_scope scope, bool popular)
{
	if (is_top(gate, name, scope))
		return FEED_TLD;
	if (name->labels > 1 && !gate->forced[GATE_SUFFIX] && is_public_suffix(gate, name))
		return FEED_SUFFIX;
	if (kind != SINK_KIND_ALLOW && is_protected(gate, name, scope, popular))
		return FEED_PROTECTED;
	return FEED_TAKEN;
}

static enum feed_reason judge_prefix(const struct gate *gate, const struct feed_entry *entry,
	enum sink_kind kind)
{
	if (kind == SINK_KIND_ALLOW)
		return FEED_TAKEN;
	if (!gate->forced[GATE_BOGON] && bogon_is(entry->trigger, &entry->prefix))
		return FEED_BOGON;
	if (entry->trigger != SINK_TRIGGER_CLIENT && !gate->forced[GATE_PROTECTED] &&
		protected_hit_prefix(&gate->protected, &entry->prefix))
		return FEED_PROTECTED;
	return FEED_TAKEN;
}

enum feed_reason gate_judge(const struct gate *gate, const struct feed_entry *entry,
	enum sink_kind kind, enum sink_scope scope, bool popular)
{
	return sink_trigger_is_prefix(entry->trigger)
		? judge_prefix(gate, entry, kind)
		: judge_name(gate, &entry->name, kind, scope, popular);
}

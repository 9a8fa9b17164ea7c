/* gate.c - the only file that knows libpsl. */
#include "gate.h"

#include <libpsl.h>

static const char *const words[] = {
	[GATE_EMPTY] = "empty",
	[GATE_TLD] = "tld",
	[GATE_SUFFIX] = "suffix",
};
_Static_assert(sizeof words / sizeof words[0] == GATE_COUNT, "a check has no word");

int gate_force(struct gate *gate, const char *word)
{
	for (int i = 0; i < GATE_COUNT; i++)
		if (strcmp(word, words[i]) == 0) {
			gate->forced[i] = true;
			return SINK_OK;
		}
	return SINK_ENOENT;
}

const char *gate_word(enum gate_check check)
{
	return words[check];
}

int gate_begin(struct gate *gate)
{
	gate->suffixes = (struct suffixes *)psl_latest(NULL);
	return gate->suffixes ? SINK_OK : SINK_ENOENT;
}

void gate_end(struct gate *gate)
{
	psl_free((psl_ctx_t *)gate->suffixes);
	gate->suffixes = NULL;
}

static bool is_public_suffix(const struct gate *gate, const struct sink_name *name)
{
	char text[SINK_TEXT_MAX];

	/* Without the list's default rule "*": a top-level domain is judged by its single label. */
	return psl_is_public_suffix2((const psl_ctx_t *)gate->suffixes,
		       sink_name_to_text(name, text), PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) == 1;
}

enum feed_reason gate_judge(const struct gate *gate, const struct sink_name *name)
{
	if (name->labels <= 1)
		return gate->forced[GATE_TLD] && name->labels == 1 ? FEED_TAKEN : FEED_TLD;
	if (!gate->forced[GATE_SUFFIX] && is_public_suffix(gate, name))
		return FEED_SUFFIX;
	return FEED_TAKEN;
}

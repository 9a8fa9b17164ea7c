/* export_names.c - a name is asked about with type A, with one that no rule names, and with those that rules name which
 * come before the one that decides. */
#include "export_names.h"

#define TYPE_A 1
#define TYPE_UNNAMED \
	65280 /* for private use (RFC 6895, 3.1): in the place of all that no rule names */

/* Do the verdicts on another type and on A come to the same? */
typedef bool fits_fn(const struct sink_verdict *other, const struct sink_verdict *first);

void name_judge_begin(struct name_judge *judge, const struct export_order *order)
{
	judge->order = order;
	sink_client_of(order->judge, NULL, order->now, &judge->client);
}

/* What is considered on the way may be about some query types only. */
static void see_types(void *arg, enum sink_trigger trigger, size_t subject,
	const struct sink_listing *listing, const struct sink_record *record,
	enum sink_standing standing, uint16_t rule)
{
	bool *is_typed = arg;

	(void)trigger;
	(void)subject;
	(void)listing;
	(void)standing;
	(void)rule;
	*is_typed = *is_typed || record->types.len > 0;
}

static int ask(const struct name_judge *judge, struct sink_span wire, uint16_t type, bool *is_typed,
	struct sink_verdict *out)
{
	const struct sink_case what = {
		.type = type, .now = judge->order->now, .names = &wire, .names_count = 1
	};

	return sink_decide(judge->order->judge, &what, &judge->client, see_types, is_typed, out);
}

static int ask_type(const struct name_judge *judge, struct sink_span wire, uint16_t type,
	fits_fn *fits, const struct sink_verdict *first, bool *fit)
{
	struct sink_verdict verdict;
	bool is_typed = false;
	int err = ask(judge, wire, type, &is_typed, &verdict);

	*fit = !err && !verdict.waits && fits(&verdict, first);
	return err;
}

/* Rules before the one that decides may be about other types than the one that was asked for: about those that they
 * name, or about all but these. */
static int ask_types(const struct name_judge *judge, struct sink_span wire, fits_fn *fits,
	const struct sink_verdict *first, bool *fit)
{
	const struct sink_policy *policy = judge->order->policy;
	int err = ask_type(judge, wire, TYPE_UNNAMED, fits, first, fit);

	for (uint16_t i = 0; i < first->rule && i < policy->rules_count; i++) {
		struct sink_span rest = policy->rules[i].types;
		uint16_t type;

		if (rest.len > 0)
			rest = sink_span(rest.at + 1,
				rest.len - 1); /* whether it is these, or the others */
		while (!err && *fit && sink_types_next(&rest, &type))
			err = ask_type(judge, wire, type, fits, first, fit);
	}
	return err;
}

static int ask_all(const struct name_judge *judge, struct sink_span wire, fits_fn *fits, bool *fit,
	struct sink_verdict *out)
{
	bool is_typed = false;
	int err = ask(judge, wire, TYPE_A, &is_typed, out);

	*fit = !err && !out->waits && !is_typed && fits(out, out);
	return err || !*fit ? err : ask_types(judge, wire, fits, out, fit);
}

static bool blocks_too(const struct sink_verdict *other, const struct sink_verdict *first)
{
	(void)first;
	return sink_action_blocks(other->action);
}

int name_judge_blocks(const struct name_judge *judge, struct sink_span wire, bool *blocks,
	struct sink_verdict *out)
{
	return ask_all(judge, wire, blocks_too, blocks, out);
}

static bool is_alike(const struct sink_verdict *other, const struct sink_verdict *first)
{
	return other->action == first->action && other->rule == first->rule;
}

int name_judge_all(const struct name_judge *judge, struct sink_span wire, bool *is_sure,
	struct sink_verdict *out)
{
	return ask_all(judge, wire, is_alike, is_sure, out);
}

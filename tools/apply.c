/* apply.c - the options of `apply`. */
#include "apply.h"

#include <malloc.h>

#include "data.h"
#include "quantity.h"

#define HEAP_STEP (8 * 1024 * 1024) /* bytes of addresses; memory is taken as it is written */

enum {
	OPT_POLICY = 256,
	OPT_REASON,
	OPT_KEEP,
	OPT_DRY_RUN,
	OPT_JSON,
	OPT_FOLLOW,
	OPT_FORCE,
	OPT_COMPACT_AT,
};

static enum status take_force(struct apply_request *r, const char *value)
{
	char words[200];

	if (gate_force(&r->gate, value) == SINK_OK)
		return STATUS_DONE;
	return usage_error(r->self, "--force is %s, not '%s'", gate_words(words, sizeof words),
		value);
}

static enum status take_option(void *arg, int key, const char *value)
{
	struct apply_request *r = arg;

	if (signing_is(key))
		return signing_take(&r->signing, r->self, key, value);
	switch (key) {
	case 'd':
		r->dir = value;
		break;
	case 'c':
		r->config = value;
		break;
	case OPT_POLICY:
		if (r->policy)
			return usage_error(r->self, "--policy is given twice");
		r->policy = value;
		break;
	case OPT_REASON:
		return take_reason(r->self, value, &r->reason);
	case OPT_KEEP:
		return take_keep(r->self, value, &r->keep);
	case OPT_FORCE:
		return take_force(r, value);
	case OPT_COMPACT_AT:
		if (!quantity_threshold(value, &r->compact_at))
			return usage_error(r->self, "--compact-at is a number, or never, not '%s'",
				value);
		break;
	case OPT_DRY_RUN:
		r->dry_run = true;
		break;
	case OPT_JSON:
		r->json = true;
		break;
	case OPT_FOLLOW:
		r->follow = true;
		break;
	}
	return STATUS_DONE;
}

/* Do they go together? */
static enum status check(const struct apply_request *r, int operands)
{
	if (operands > 1)
		return usage_error(r->self, "one FILE at most");
	if (r->policy && (operands > 0 || r->follow || r->config))
		return usage_error(r->self, "a policy or entries: --policy goes without %s",
			operands > 0	    ? "FILE"
				: r->follow ? "--follow"
					    : "-c");
	if (r->policy && r->compact_at != COMPACT_AT_UNSAID)
		return usage_error(r->self, "--policy changes nothing that --compact-at counts");
	if (r->follow && r->dry_run)
		return usage_error(r->self, "--follow publishes: no --dry-run");
	if (!r->policy && !r->follow && operands == 0)
		return usage_error(r->self, "no FILE, and no --policy");
	return STATUS_DONE;
}

static enum status apply_run(const struct command *self, int argc, char **argv)
{
	struct apply_request r = { .self = self, .compact_at = COMPACT_AT_UNSAID };
	enum status status;
	int first;

	/* The heap grows in one step: each is a call, and nothing is given back before this is over. */
	mallopt(M_TOP_PAD, HEAP_STEP);
	if (!options_read(self, argc, argv, take_option, &r, &first, &status))
		return status;
	status = check(&r, argc - first);
	if (status)
		return status;
	r.dir = data_directory(r.dir);
	r.file = first < argc ? argv[first] : "-";
	status = signing_begin(&r.signing, self, r.dry_run ? NULL : r.dir);
	if (!status && r.policy)
		status = apply_policy(&r);
	else if (!status)
		status = r.follow ? apply_follow(&r) : apply_entries(&r);
	signing_end(&r.signing);
	return status;
}

const struct command cmd_apply = {
	.word = "apply",
	.operands = "[FILE]",
	.summary = "change what is listed, or publish a changed policy, at once",
	.details =
		"Each line of FILE (- is standard input) is a change:\n"
		"  + NAME|PREFIX [key=value...]   lists it, under the source 'live' unless source= "
		"says another\n"
		"  - NAME|PREFIX [source=S]       lists it no longer, whatever feeds say\n"
		"Keys: source category severity confidence actor campaign tlp legal-basis "
		"reference\n"
		"jurisdiction valid-from valid-until valid-for scope action tag trigger. All lines "
		"are right,\n"
		"or nothing is published. What is changed so outlasts every compile. CONFIG is a\n"
		"sinkhole.yaml(5); no source is read.\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ 'c', "config", "CONFIG",
				"what its guards protect, and its sources' hosts, stay unlisted" },
			{ OPT_FOLLOW, "follow", NULL,
				"publish lines as they come, wrong ones are skipped" },
			{ OPT_POLICY, "policy", "CONFIG",
				"instead: groups, geoip and policy are taken from it" },
			{ OPT_DRY_RUN, "dry-run", NULL, "check and compare, publish nothing" },
			{ OPT_FORCE, "force", "CHECK",
				"override a check: tld, suffix, protected, bogon" },
			{ OPT_JSON, "json", NULL, "what was published, on standard output" },
			{ OPT_REASON, "reason", "TEXT", "why, for the history" },
			{ OPT_KEEP, "keep", "N", "generations to keep (default 8)" },
			{ OPT_COMPACT_AT, "compact-at", "N",
				"changes over the base that are folded into it in the background "
				"(default 10000)" },
			SIGNING_OPTIONS,
			{ 0 },
		},
	.run = apply_run,
};

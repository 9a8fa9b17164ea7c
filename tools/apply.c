/* apply.c - publish a changed policy on the base that is there: no feed is read, no database written. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "config.h"
#include "data.h"
#include "json.h"
#include "paused.h"
#include "say.h"
#include "signing.h"
#include "sinkhole/sha256.h"
#include "when.h"

#define HEAP_STEP (8 * 1024 * 1024) /* bytes of addresses; memory is taken as it is written */

enum { OPT_POLICY = 256, OPT_REASON, OPT_KEEP, OPT_DRY_RUN, OPT_JSON };

struct request {
	const struct command *self;
	const char *dir, *path, *reason;
	unsigned keep;
	bool dry_run, json;
	struct signing signing;
	struct config config;
	struct sink_manifest before, after; /* serial 0: nothing was, or has been published */
	bool is_changed; /* the policy is another than the one before */
};

static enum status failed(int err, const struct sink_why *why)
{
	say("%s; nothing published", why->text[0] ? why->text : sink_strerror(err));
	return err == SINK_EINVAL ? STATUS_DATA : status_of(err); /* a policy that cannot be */
}

/* --- telling --------------------------------------------------------------------------------------------- */

static size_t count_prefixes(const struct sink_policy *policy)
{
	size_t sum = 0;

	for (size_t i = 0; i < policy->groups_count; i++)
		sum += policy->groups[i].count;
	return sum;
}

/* Somebody may have published since `before` was read. */
static uint64_t names_of(const struct request *r)
{
	return r->after.serial ? r->after.names : r->before.names;
}

static json_t *report(const struct request *r)
{
	const struct sink_policy *policy = &r->config.policy.made;
	json_t *serial = r->after.serial ? json_integer((json_int_t)r->after.serial) : json_null();

	return json_pack("{s:o,s:b,s:b,s:I,s:I,s:I,s:I,s:I}", "generation", serial, "dry-run",
		(int)r->dry_run, "changed", (int)r->is_changed, "names", (json_int_t)names_of(r),
		"rules", (json_int_t)policy->rules_count, "groups",
		(json_int_t)policy->groups_count, "prefixes", (json_int_t)count_prefixes(policy),
		"schedules", (json_int_t)policy->schedules_count);
}

static void tell(const struct request *r)
{
	const struct sink_policy *policy = &r->config.policy.made;
	char head[64] = "dry run, nothing published";

	if (r->json)
		json_print(stdout, report(r), false); /* finish_output() judges */
	if (!r->dry_run)
		snprintf(head, sizeof head, "generation %llu published",
			(unsigned long long)r->after.serial);
	say("%s: policy of %zu rule%s and %zu group%s, %s what was in force; %s names as before",
		head, policy->rules_count, policy->rules_count == 1 ? "" : "s",
		policy->groups_count, policy->groups_count == 1 ? "" : "s",
		r->is_changed ? "another than" : "the same as", number(names_of(r)).text);
	paused_say(&r->after);
}

/* --- publishing -------------------------------------------------------------------------------------------- */

/* Would it be published as it is in force? */
static int compare(struct request *r, struct sink_why *why)
{
	char digest[SINK_SHA256_TEXT], before[SINK_SHA256_TEXT];
	uint8_t *bytes;
	size_t len;
	int err = sink_policy_encode(&r->config.policy.made, why, &bytes, &len);

	if (err)
		return err;
	err = sink_sha256(sink_span(bytes, len), digest);
	free(bytes);
	for (size_t i = 0; i < SINK_DIGEST_LEN; i++)
		snprintf(before + 2 * i, 3, "%02x", r->before.policy_digest[i]);
	r->is_changed = err || strcmp(digest, before) != 0;
	return err;
}

static int publish(struct request *r, int64_t now, struct sink_why *why)
{
	struct sink_publish what = { .policy = &r->config.policy.made,
		.time = now,
		.origin = "apply --policy",
		.reason = r->reason,
		.tool = "sinkhole " SINK_VERSION,
		.keep = r->keep,
		.wait = true };
	int err;

	signing_fill(&r->signing, &what);
	err = sink_store_publish(r->dir, &what, why, &r->after);
	r->is_changed = memcmp(r->before.policy_digest, r->after.policy_digest,
				sizeof r->after.policy_digest) != 0;
	return err;
}

static enum status apply(struct request *r)
{
	struct sink_why why = { .text = "" };
	int64_t now;
	int err;

	if (!when_reproducible(&now))
		return usage_error(r->self, "SOURCE_DATE_EPOCH is no number of seconds");
	err = config_read_policy(r->path, config_say, NULL, &r->config);
	if (err)
		return err == SINK_ENOENT ? STATUS_SYSTEM : status_of(err);
	if (!r->config.policy.has_rules) {
		config_say(NULL, r->path, 1, 1, true, "there is no policy in it");
		return STATUS_DATA;
	}
	err = sink_store_manifest(r->dir, 0, &why, &r->before);
	if (err == SINK_ENOENT) {
		say("'%s': nothing has been published yet", r->dir);
		return STATUS_DATA;
	}
	if (!err)
		err = r->dry_run ? compare(r, &why) : publish(r, now, &why);
	if (err && r->after.serial == 0)
		return failed(err, &why);
	tell(r);
	if (err) /* published, but a power cut may undo it */
		say("%s", why.text);
	return status_of(err);
}

/* --- options ----------------------------------------------------------------------------------------------- */

static enum status take_option(void *arg, int key, const char *value)
{
	struct request *r = arg;

	if (signing_is(key))
		return signing_take(&r->signing, r->self, key, value);
	switch (key) {
	case 'd':
		r->dir = value;
		break;
	case OPT_POLICY:
		if (r->path)
			return usage_error(r->self, "--policy is given twice");
		r->path = value;
		break;
	case OPT_REASON:
		return take_reason(r->self, value, &r->reason);
	case OPT_KEEP:
		return take_keep(r->self, value, &r->keep);
	case OPT_DRY_RUN:
		r->dry_run = true;
		break;
	case OPT_JSON:
		r->json = true;
		break;
	}
	return STATUS_DONE;
}

static enum status apply_run(const struct command *self, int argc, char **argv)
{
	struct request r = { .self = self };
	enum status status;
	int first;

	/* The heap grows in one step: each is a call, and nothing is given back before this is over. */
	mallopt(M_TOP_PAD, HEAP_STEP);
	if (!options_read(self, argc, argv, take_option, &r, &first, &status))
		return status;
	if (first < argc)
		return usage_error(self,
			"entries cannot be applied yet, such as '%s'; --policy "
			"CONFIG can",
			argv[first]);
	if (!r.path)
		return usage_error(self, "no --policy");
	r.dir = data_directory(r.dir);
	status = signing_begin(&r.signing, self, r.dry_run ? NULL : r.dir);
	if (!status)
		status = apply(&r);
	signing_end(&r.signing);
	config_end(&r.config);
	return status;
}

const struct command cmd_apply = {
	.word = "apply",
	.operands = "--policy=CONFIG",
	.summary = "publish a changed policy, with what is listed as it is",
	.details =
		"CONFIG is a sinkhole.yaml(5); its sources are not read. Entries cannot be applied "
		"yet: compile.\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ OPT_POLICY, "policy", "CONFIG",
				"groups, geoip and policy are taken from it" },
			{ OPT_DRY_RUN, "dry-run", NULL, "check and compare, publish nothing" },
			{ OPT_JSON, "json", NULL, "what was published, on standard output" },
			{ OPT_REASON, "reason", "TEXT", "why, for the history" },
			{ OPT_KEEP, "keep", "N", "generations to keep (default 8)" },
			SIGNING_OPTIONS,
			{ 0 },
		},
	.run = apply_run,
};

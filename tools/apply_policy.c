/* apply_policy.c - publish a changed policy on the base that is there: no feed is read, no database written. */
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "config.h"
#include "json.h"
#include "paused.h"
#include "say.h"
#include "sinkhole/sha256.h"
#include "when.h"

struct request {
	const struct apply_request *what;
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
		(int)r->what->dry_run, "changed", (int)r->is_changed, "names",
		(json_int_t)names_of(r), "rules", (json_int_t)policy->rules_count, "groups",
		(json_int_t)policy->groups_count, "prefixes", (json_int_t)count_prefixes(policy),
		"schedules", (json_int_t)policy->schedules_count);
}

static void tell(const struct request *r)
{
	const struct sink_policy *policy = &r->config.policy.made;
	char head[64] = "dry run, nothing published";

	if (r->what->json)
		json_print(stdout, report(r), false); /* finish_output() judges */
	if (!r->what->dry_run)
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
		.reason = r->what->reason,
		.tool = "sinkhole " SINK_VERSION,
		.keep = r->what->keep,
		.wait = true };
	int err;

	signing_fill(&r->what->signing, &what);
	err = sink_store_publish(r->what->dir, &what, why, &r->after);
	r->is_changed = !sink_is_same_policy(&r->before, &r->after);
	return err;
}

static enum status apply(struct request *r)
{
	struct sink_why why = { .text = "" };
	int64_t now;
	int err;

	if (!when_reproducible(&now))
		return usage_error(r->what->self, "SOURCE_DATE_EPOCH is no number of seconds");
	err = config_read_policy(r->what->policy, config_say, NULL, &r->config);
	if (err)
		return err == SINK_ENOENT ? STATUS_SYSTEM : status_of(err);
	if (!r->config.policy.has_rules) {
		config_say(NULL, r->what->policy, 1, 1, true, "there is no policy in it");
		return STATUS_DATA;
	}
	err = sink_store_manifest(r->what->dir, 0, &why, &r->before);
	if (err == SINK_ENOENT) {
		say("'%s': nothing has been published yet", r->what->dir);
		return STATUS_DATA;
	}
	if (!err)
		err = r->what->dry_run ? compare(r, &why) : publish(r, now, &why);
	if (err && r->after.serial == 0)
		return failed(err, &why);
	tell(r);
	if (err) /* published, but a power cut may undo it */
		say("%s", why.text);
	return status_of(err);
}

enum status apply_policy(const struct apply_request *what)
{
	struct request r = { .what = what };
	enum status status = apply(&r);

	config_end(&r.config);
	return status;
}

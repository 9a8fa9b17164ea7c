/* applying.c - what `apply` and `allow` have in common. */
#include "applying.h"

#include <stdlib.h>

#include "config.h"
#include "say.h"
#include "when.h"

#define TOLD_MAX 20 /* lines that are wrong; of the others only how many */

/* Gardens that blocked clients are led to must stay within reach. */
static int protect_gardens(struct applying *a, struct sink_why *why)
{
	struct sink_policy *policy;
	int err = sink_store_policy(a->dir, &a->before, why, &policy);

	if (err)
		return err == SINK_ENOENT ? SINK_ECORRUPT : err;
	for (size_t i = 0; i < policy->rules_count && !err; i++)
		if (policy->rules[i].form.cname.len > 0)
			err = protected_add_target(&a->gate.protected, policy->rules[i].form.cname);
	sink_policy_free(policy);
	return err;
}

/* Names and addresses that it protects, and where its sources are fetched from. */
static int take_guards(struct gate *gate, const struct config *config, struct sink_why *why)
{
	const struct path_list *files = &config->guards.protected;
	int err = SINK_OK;

	for (size_t i = 0; i < files->count && !err; i++)
		err = protected_add_file(&gate->protected, files->at[i], why);
	for (size_t i = 0; i < config->count && !err; i++)
		if (config->sources[i].url)
			err = protected_add_url(&gate->protected, config->sources[i].url);
	return err == SINK_ENOENT ? SINK_EIO : err;
}

static int read_guards(struct applying *a, struct sink_why *why)
{
	struct config config = { .compact_at = COMPACT_AT_DEFAULT };
	int err = a->config ? config_read(a->config, config_say, NULL, &config) : SINK_OK;

	if (err)
		return sink_why(why, err == SINK_ENOENT ? SINK_EIO : err, "'%s' cannot be gone by",
			a->config);
	err = take_guards(&a->gate, &config, why);
	if (a->compact_at == COMPACT_AT_UNSAID)
		a->compact_at = config.compact_at;
	config_end(&config);
	return err;
}

int applying_begin(struct applying *a, struct sink_why *why)
{
	int err = when_reproducible(&a->now) ? SINK_OK : SINK_EINVAL;

	if (err)
		return sink_why(why, err, "SOURCE_DATE_EPOCH is no number of seconds");
	err = sink_store_manifest(a->dir, 0, why, &a->before);
	if (err == SINK_ENOENT)
		return sink_why(why, err, "'%s': nothing has been published yet", a->dir);
	if (!err)
		err = gate_begin(&a->gate, why) ? SINK_EIO : SINK_OK;
	if (!err)
		err = protect_gardens(a, why);
	if (!err)
		err = read_guards(a, why);
	return err ? err : live_begin(a->now, &a->live);
}

void applying_end(struct applying *a)
{
	live_end(a->live);
	gate_end(&a->gate);
}

/* As compile does with what a source lists. */
static enum feed_reason judge(const struct applying *a, const struct sink_change *change)
{
	struct feed_entry entry;

	if (change->removes)
		return FEED_TAKEN;
	feed_entry_init(&entry);
	entry.trigger = change->subject.trigger;
	if (sink_trigger_is_prefix(entry.trigger))
		entry.prefix = change->subject.prefix;
	else
		entry.name = change->subject.name;
	return gate_judge(&a->gate, &entry, change->record.kind, change->scope, false);
}

static void tell(const struct applying *a, const char *title, uint64_t number, const char *text)
{
	uint64_t told = a->wrong + a->refused;

	if (told <= TOLD_MAX || a->tells_all)
		say("%s:%llu: %s", title, (unsigned long long)number, text);
	if (told == TOLD_MAX && !a->tells_all)
		say("what is wrong with further lines is not told");
}

void applying_wrong(struct applying *a, const char *title, uint64_t number, const char *text)
{
	a->wrong++;
	tell(a, title, number, text);
}

const char *applying_force(enum feed_reason reason)
{
	switch (reason) {
	case FEED_TLD:
		return gate_word(GATE_TLD);
	case FEED_SUFFIX:
		return gate_word(GATE_SUFFIX);
	case FEED_BOGON:
		return gate_word(GATE_BOGON);
	default:
		return gate_word(GATE_PROTECTED);
	}
}

int applying_take(struct applying *a, const struct liveline *line)
{
	enum feed_reason reason = judge(a, &line->change);

	if (reason)
		return (int)reason;
	a->added += !line->change.removes;
	a->removed += line->change.removes;
	return live_add(a->live, line);
}

/* What wins over everything is said by a command of its own, so that nobody does by accident. */
static bool is_reserved(const struct sink_change *change)
{
	return !change->removes &&
		sink_span_equal(change->record.text[SINK_FIELD_SOURCE],
			sink_span_text(SINK_SOURCE_ALLOW));
}

int applying_line(struct applying *a, const char *title, uint64_t number, struct sink_span line)
{
	struct sink_why why = { .text = "" };
	char text[200];
	int err = liveline_parse(line, a->now, &why, &a->line);

	if (err == SINK_ENOENT)
		return SINK_OK;
	if (a->read == 0 && !when_reproducible_micros(&a->read))
		return SINK_EINVAL;
	if (!err && is_reserved(&a->line.change))
		err = sink_why(&why, SINK_ESYNTAX, "that source is for 'sinkhole allow'");
	if (err) {
		applying_wrong(a, title, number, why.text);
		return SINK_OK;
	}
	err = applying_take(a, &a->line);
	if (err <= 0)
		return err;
	a->refused++;
	snprintf(text, sizeof text, "%s (--force=%s takes it)",
		feed_reason_word((enum feed_reason)err), applying_force((enum feed_reason)err));
	tell(a, title, number, text);
	return SINK_OK;
}

static int settle(struct applying *a, struct sink_why *why)
{
	uint8_t *before;
	size_t len;
	int err = sink_store_changes(a->dir, &a->before, why, &before, &len);

	if (err)
		return err;
	err = live_settle(a->live, sink_span(before, len), why);
	free(before);
	return err;
}

int applying_publish(struct applying *a, struct sink_why *why)
{
	const struct sink_live live = live_of(a->live);
	struct sink_publish what = { .live = &live,
		.time = a->now,
		.read = a->read,
		.origin = a->origin,
		.reason = a->reason,
		.tool = "sinkhole " SINK_VERSION,
		.keep = a->keep,
		.wait = true };

	if (!when_reproducible(&what.time))
		return SINK_EINVAL;
	signing_fill(a->signing, &what);
	a->after.serial = 0;
	return a->dry_run ? settle(a, why) : sink_store_publish(a->dir, &what, why, &a->after);
}

int applying_next(struct applying *a)
{
	a->added = a->removed = a->wrong = a->refused = 0;
	a->read = 0;
	if (a->after.serial)
		a->before = a->after;
	if (!when_reproducible(&a->now))
		return SINK_EINVAL;
	live_clear(a->live, a->now);
	return SINK_OK;
}

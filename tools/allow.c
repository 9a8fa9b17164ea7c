/* allow.c - the emergency exit for one name: an allow entry that no rule comes before, and no feed takes back. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "applying.h"
#include "caller.h"
#include "cmd.h"
#include "data.h"
#include "json.h"
#include "paused.h"
#include "say.h"
#include "signing.h"
#include "text.h"

enum { OPT_FOR = 256, OPT_END, OPT_FORCE, OPT_REASON, OPT_JSON };

struct request {
	const struct command *self;
	const char *dir, *reason, *name;
	const char *duration; /* as it was typed; NULL: none */
	bool ends, json;
	char origin[SINK_NOTE_MAX];
	struct gate gate;
	struct signing signing;
	struct liveline line;
};

/* --- the change ----------------------------------------------------------------------------------- */

/* "+ NAME" or "- NAME", of the one source that wins. */
static int make_line(struct request *r, int64_t now, struct sink_why *why)
{
	char text[SINK_TEXT_MAX + 64];
	int len = snprintf(text, sizeof text, "%c %s source=\"%s\"%s%s%s", r->ends ? '-' : '+',
		r->name, SINK_SOURCE_ALLOW, r->ends ? "" : " action=pass",
		r->duration ? " valid-for=" : "", r->duration ? r->duration : "");
	int err;

	if (len < 0 || (size_t)len >= sizeof text || strpbrk(r->name, " \t\r\n"))
		return sink_why(why, SINK_ESYNTAX, "'%.100s' is no name", r->name);
	err = liveline_parse(sink_span(text, (size_t)len), now, why, &r->line);
	if (!err && r->line.change.subject.trigger != SINK_TRIGGER_QNAME)
		err = sink_why(why, SINK_ESYNTAX, "'%.100s' is no name", r->name);
	return err;
}

/* Is the name let through, so that this can end? Not under the lock: who ends it twice at once does no harm. */
static int find_allowed(const struct request *r, const struct applying *a, bool *out,
	struct sink_why *why)
{
	static struct liveline line;
	struct sink_span rest;
	uint8_t *text;
	size_t len;
	int err = sink_store_changes(a->dir, &a->before, why, &text, &len);

	*out = false;
	if (err)
		return err;
	rest = sink_span(text, len);
	while (rest.len > 0 && !*out)
		*out = liveline_parse(text_cut(&rest, '\n'), 0, NULL, &line) == SINK_OK &&
			sink_subject_compare(&line.change.subject, &r->line.change.subject) == 0 &&
			sink_span_equal(line.change.record.text[SINK_FIELD_SOURCE],
				sink_span_text(SINK_SOURCE_ALLOW));
	free(text);
	return SINK_OK;
}

/* Is there a place for the rule that lets it through (generation.h)? */
static int check_policy(const struct applying *a, struct sink_why *why)
{
	struct sink_policy *policy;
	int err = data_policy(a->dir, &a->before, why, &policy);

	if (err)
		return err;
	if (policy->rules_count == SINK_RULES_MAX)
		err = sink_why(why, SINK_ECORRUPT,
			"the policy has %d rules, and no room for the one that lets a name through",
			SINK_RULES_MAX);
	sink_policy_free(policy);
	return err;
}

static void tell(const struct request *r, const struct applying *a)
{
	char name[SINK_TEXT_MAX];
	int64_t until = r->line.change.record.valid_until;

	if (r->json)
		json_print(stdout, json_manifest(&a->after, true),
			false); /* finish_output() judges */
	say("generation %llu published: %s and all below it %s%s%s",
		(unsigned long long)a->after.serial,
		sink_name_to_text(&r->line.change.subject.name, name),
		r->ends ? "is filtered as the policy says" : "is let through",
		until ? " until " : "", until ? moment(until).text : "");
	paused_say(&a->after);
}

/* With the name as it is known, which is ASCII, and can be cut anywhere. */
static void write_origin(struct request *r)
{
	char caller[CALLER_MAX], name[SINK_TEXT_MAX];

	caller_find(caller);
	snprintf(r->origin, sizeof r->origin, "allow%s %.100s%s%s by %s", r->ends ? " --end" : "",
		sink_name_to_text(&r->line.change.subject.name, name), r->duration ? " --for " : "",
		r->duration ? r->duration : "", caller);
}

static enum status publish(struct request *r, struct applying *a)
{
	struct sink_why why = { .text = "" };
	int err = make_line(r, a->now, &why), reason;
	bool allowed = true;

	if (err)
		return usage_error(r->self, "%s", why.text);
	write_origin(r);
	reason = applying_take(a, &r->line);
	if (reason > 0) {
		say("'%s': %s (--force=%s takes it); nothing published", r->name,
			feed_reason_word((enum feed_reason)reason),
			applying_force((enum feed_reason)reason));
		return STATUS_NO;
	}
	err = reason ? reason : check_policy(a, &why);
	if (!err && r->ends)
		err = find_allowed(r, a, &allowed, &why);
	if (!err && !allowed) {
		say("'%s' is not allowed by this command; nothing published", r->name);
		return STATUS_NO;
	}
	if (!err)
		err = applying_publish(a, &why);
	if (err && a->after.serial == 0) {
		say("%s; nothing published", why.text[0] ? why.text : sink_strerror(err));
		return status_of(err);
	}
	tell(r, a);
	if (err) /* published, but a power cut may undo it */
		say("%s", why.text);
	return status_of(err);
}

static enum status allow(struct request *r)
{
	/* It prunes nothing, as a pause does not: what somebody wants to go back to may be the oldest that is kept. */
	struct applying a = {
		.dir = r->dir,
		.reason = r->reason,
		.signing = &r->signing,
		.keep = UINT_MAX,
		.gate = r->gate,
	};
	struct sink_why why = { .text = "" };
	enum status status;
	int err;

	a.origin = r->origin;
	err = applying_begin(&a, &why);
	if (err) {
		say("%s; nothing published", why.text[0] ? why.text : sink_strerror(err));
		status = err == SINK_ENOENT ? STATUS_DATA : status_of(err);
	} else {
		status = publish(r, &a);
	}
	applying_end(&a);
	return status;
}

/* --- options ---------------------------------------------------------------------------------------- */

static enum status take_option(void *arg, int key, const char *value)
{
	struct request *r = arg;
	int64_t seconds;

	if (signing_is(key))
		return signing_take(&r->signing, r->self, key, value);
	switch (key) {
	case 'd':
		r->dir = value;
		break;
	case OPT_FOR:
		r->duration = value;
		return take_for(r->self, value, &seconds);
	case OPT_END:
		r->ends = true;
		break;
	case OPT_FORCE:
		if (gate_force(&r->gate, value))
			return usage_error(r->self, "--force is tld or suffix, not '%s'", value);
		break;
	case OPT_REASON:
		return take_reason(r->self, value, &r->reason);
	case OPT_JSON:
		r->json = true;
		break;
	}
	return STATUS_DONE;
}

static enum status allow_run(const struct command *self, int argc, char **argv)
{
	static struct request r;
	enum status status;
	int first;

	r = (struct request){ .self = self };
	if (!options_read(self, argc, argv, take_option, &r, &first, &status))
		return status;
	if (argc - first != 1)
		return usage_error(self, "one NAME is wanted");
	if (r.ends && r.duration)
		return usage_error(self, "--end is at once: no --for");
	r.name = argv[first];
	r.dir = data_directory(r.dir);
	status = signing_begin(&r.signing, self, r.dir);
	if (!status)
		status = allow(&r);
	signing_end(&r.signing);
	return status;
}

const struct command cmd_allow = {
	.word = "allow",
	.operands = "NAME",
	.summary = "let a name and all below it through, whatever is listed and whatever the rules "
		   "say",
	.details = "It stays so until --end, or for a time; compile and apply do not change it.\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ OPT_FOR, "for", "DURATION",
				"it is over after that, such as 2h (default: no end)" },
			{ OPT_END, "end", NULL, "end it: the name is filtered again" },
			{ OPT_FORCE, "force", "CHECK", "override a check: tld or suffix" },
			{ OPT_REASON, "reason", "TEXT", "why, for the history" },
			{ OPT_JSON, "json", NULL, "what was published, on standard output" },
			SIGNING_OPTIONS,
			{ 0 },
		},
	.run = allow_run,
};

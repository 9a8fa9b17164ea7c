/* pause.c - the emergency exit, and the way back: what is published, published again with a pause or without. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "caller.h"
#include "cmd.h"
#include "data.h"
#include "paused.h"
#include "say.h"
#include "signing.h"
#include "when.h"

enum { OPT_FOR = 256, OPT_REASON, OPT_JSON };

struct request {
	const struct command *self;
	const char *dir, *reason;
	const char *duration; /* as it was typed; NULL: none */
	int64_t seconds; /* the same */
	bool json;
	struct signing signing;
};

/* --- what the history says ---------------------------------------------------------------------------------- */

static void write_origin(const struct request *r, char out[SINK_NOTE_MAX])
{
	char caller[CALLER_MAX];

	caller_find(caller);
	snprintf(out, SINK_NOTE_MAX, "%s%s%s by %s", r->self->word, r->duration ? " --for " : "",
		r->duration ? r->duration : "", caller);
}

/* --- publishing --------------------------------------------------------------------------------------------- */

static enum status failed(int err, const struct sink_why *why)
{
	say("%s; nothing published", why->text[0] ? why->text : sink_strerror(err));
	return status_of(err);
}

static void tell(const struct request *r, const struct sink_manifest *after)
{
	unsigned long long serial = after->serial;

	if (r->json)
		json_print(stdout, json_manifest(after, true), false); /* finish_output() judges */
	if (after->paused_until != 0)
		say("generation %llu published: filtering is paused %s", serial,
			paused_text(after).text);
	else
		say("generation %llu published: filtering is back, %s names as before", serial,
			number(after->names).text);
}

static enum status publish(struct request *r, enum sink_pausing pausing)
{
	/* It prunes nothing, as rollback does not: what somebody wants to go back to may be the oldest that is kept. */
	struct sink_publish what = { .tool = "sinkhole " SINK_VERSION,
		.reason = r->reason,
		.keep = UINT_MAX,
		.wait = true,
		.pausing = pausing,
		.pause_until = SINK_PAUSED_OPEN };
	struct sink_manifest before, after = { 0 };
	struct sink_why why = { .text = "" };
	char origin[SINK_NOTE_MAX];
	int err;

	if (!when_reproducible(&what.time))
		return usage_error(r->self, "SOURCE_DATE_EPOCH is no number of seconds");
	if (r->duration) /* by the clock that the resolver goes by */
		what.pause_until = (int64_t)time(NULL) + r->seconds;
	signing_fill(&r->signing, &what);
	write_origin(r, origin);
	what.origin = origin;
	err = sink_store_manifest(r->dir, 0, &why, &before);
	if (err == SINK_ENOENT) {
		say("'%s': nothing has been published yet", r->dir);
		return STATUS_DATA;
	}
	if (!err)
		err = sink_store_publish(r->dir, &what, &why, &after);
	if (err && after.serial == 0)
		return failed(err, &why);
	tell(r, &after);
	if (err) /* published, but a power cut may undo it */
		say("%s", why.text);
	return status_of(err);
}

/* --- options ------------------------------------------------------------------------------------------------- */

static enum status take_option(void *arg, int key, const char *value)
{
	struct request *r = arg;

	if (signing_is(key))
		return signing_take(&r->signing, r->self, key, value);
	switch (key) {
	case 'd':
		r->dir = value;
		break;
	case OPT_FOR:
		r->duration = value;
		return take_for(r->self, value, &r->seconds);
	case OPT_REASON:
		return take_reason(r->self, value, &r->reason);
	case OPT_JSON:
		r->json = true;
		break;
	}
	return STATUS_DONE;
}

static enum status run(const struct command *self, int argc, char **argv, enum sink_pausing pausing)
{
	struct request r = { .self = self };
	enum status status;
	int first;

	if (!options_read(self, argc, argv, take_option, &r, &first, &status))
		return status;
	if (first < argc)
		return usage_error(self, "'%s' is one word too many", argv[first]);
	r.dir = data_directory(r.dir);
	status = signing_begin(&r.signing, self, r.dir);
	if (!status)
		status = publish(&r, pausing);
	signing_end(&r.signing);
	return status;
}

static enum status pause_run(const struct command *self, int argc, char **argv)
{
	return run(self, argc, argv, SINK_PAUSE_BEGIN);
}

static enum status resume_run(const struct command *self, int argc, char **argv)
{
	return run(self, argc, argv, SINK_PAUSE_END);
}

const struct command cmd_pause = {
	.word = "pause",
	.operands = "",
	.summary = "filter nothing, for everybody, until 'resume' or for a time",
	.details =
		"Whatever is published meanwhile stays paused. Another pause replaces the end.\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ OPT_FOR, "for", "DURATION",
				"filtering is back after that, such as 10m (default: no end)" },
			{ OPT_REASON, "reason", "TEXT", "why, for the history" },
			{ OPT_JSON, "json", NULL, "what was published, on standard output" },
			SIGNING_OPTIONS,
			{ 0 },
		},
	.run = pause_run,
};

const struct command cmd_resume = {
	.word = "resume",
	.operands = "",
	.summary = "filter again: end a pause",
	.details = "Ends with 1 if filtering is not paused.\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ OPT_REASON, "reason", "TEXT", "why, for the history" },
			{ OPT_JSON, "json", NULL, "what was published, on standard output" },
			SIGNING_OPTIONS,
			{ 0 },
		},
	.run = resume_run,
};

/* compact.c - fold what lies over the base into a new one, now. */
#include <stdlib.h>
#include <unistd.h>

#include "cmd.h"
#include "data.h"
#include "fold.h"
#include "paused.h"
#include "quantity.h"
#include "say.h"
#include "scratch.h"
#include "when.h"

enum { OPT_REASON = 256, OPT_MEMORY };

struct request {
	const struct command *self;
	struct folding folding;
	struct signing signing;
};

static void tell(const struct folding *f)
{
	if (f->after.serial == 0) {
		say("nothing to fold; nothing published");
		return;
	}
	say("generation %llu published: what was in two files is in one, %s names, %s bytes",
		(unsigned long long)f->after.serial, number(f->summary.names).text,
		number(f->summary.bytes).text);
	paused_say(&f->after);
}

/* Another one may be at work in the background: its end is what is wanted, or all but what came meanwhile. */
static int fold(struct folding *f, struct sink_why *why)
{
	int lock, err = fold_lock(f->dir, false, why, &lock);

	if (err == SINK_EBUSY) {
		say("another one is folding; waiting for its end");
		err = fold_lock(f->dir, true, why, &lock);
	}
	if (err)
		return err;
	err = fold_write(f, why);
	if (!err && f->temp[0])
		err = fold_publish(f, why);
	close(lock);
	scratch_end();
	return err;
}

static enum status compact(struct request *r)
{
	struct folding *f = &r->folding;
	struct sink_why why = { .text = "" };
	int err;

	if (!when_reproducible(&f->now))
		return usage_error(r->self, "SOURCE_DATE_EPOCH is no number of seconds");
	err = fold(f, &why);
	progress_end();
	if (err && f->after.serial == 0) {
		say("%s; nothing published", why.text[0] ? why.text : sink_strerror(err));
		return err == SINK_ENOENT  ? STATUS_DATA
			: err == SINK_EOLD ? STATUS_NO
					   : status_of(err);
	}
	tell(f);
	if (err) /* published, but a power cut may undo it */
		say("%s", why.text);
	return status_of(err);
}

static enum status take_option(void *arg, int key, const char *value)
{
	struct request *r = arg;
	uint64_t n;

	if (signing_is(key))
		return signing_take(&r->signing, r->self, key, value);
	switch (key) {
	case 'd':
		r->folding.dir = value;
		break;
	case OPT_REASON:
		return take_reason(r->self, value, &r->folding.reason);
	case OPT_MEMORY:
		if (!quantity_bytes(value, &n) || n == 0 || n > SIZE_MAX)
			return usage_error(r->self, "--memory is a size such as 64M, not '%s'",
				value);
		r->folding.memory = (size_t)n;
		break;
	}
	return STATUS_DONE;
}

static enum status compact_run(const struct command *self, int argc, char **argv)
{
	static struct request r;
	enum status status;
	int first;

	r = (struct request){ .self = self };
	r.folding.origin = "compact";
	r.folding.signing = &r.signing;
	if (!options_read(self, argc, argv, take_option, &r, &first, &status))
		return status;
	if (first < argc)
		return usage_error(self, "'%s' is one word too many", argv[first]);
	r.folding.dir = data_directory(r.folding.dir);
	status = signing_begin(&r.signing, self, r.folding.dir);
	if (!status)
		status = compact(&r);
	signing_end(&r.signing);
	return status;
}

const struct command cmd_compact = {
	.word = "compact",
	.operands = "",
	.summary = "fold what apply has changed into a new base",
	.details = "What is listed stays the same. For when there are many live changes; the next "
		   "compile\nbegins with feeds alone again, and lays them over that.\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ OPT_REASON, "reason", "TEXT", "why, for the history" },
			{ OPT_MEMORY, "memory", "SIZE", "to sort in (default 256M)" },
			SIGNING_OPTIONS,
			{ 0 },
		},
	.run = compact_run,
};

/* rollback.c - publish an earlier generation again, under a new serial. */
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "data.h"
#include "say.h"
#include "serial.h"
#include "when.h"

struct request {
	const struct command *self;
	const char *dir, *reason;
	uint64_t serial; /* 0: the one before */
};

/* Looking for the one before. What is published may itself be an older one again: then the one before
 * that is meant, so that each rollback goes one further back. */
struct search {
	const struct sink_manifest *published;
	uint64_t original; /* the first serial that had the published content */
	uint64_t found; /* 0: none */
};

static bool is_same(const struct sink_manifest *a, const struct sink_manifest *b)
{
	return memcmp(a->base_digest, b->base_digest, SINK_DIGEST_LEN) == 0;
}

static int find_original(void *arg, const struct sink_manifest *m)
{
	struct search *s = arg;

	if (is_same(m, s->published) && m->serial < s->original)
		s->original = m->serial;
	return SINK_OK;
}

static int find_before(void *arg, const struct sink_manifest *m)
{
	struct search *s = arg;

	if (m->serial < s->original && !is_same(m, s->published) && m->serial > s->found)
		s->found = m->serial;
	return SINK_OK;
}

static int find(struct request *r, const struct sink_manifest *published, struct sink_why *why)
{
	struct search search = { .published = published, .original = published->serial };
	int err = sink_store_each(r->dir, find_original, NULL, &search, why);

	if (!err)
		err = sink_store_each(r->dir, find_before, NULL, &search, why);
	if (err)
		return err;
	if (search.found == 0)
		return sink_why(why, SINK_ENOENT,
			"no generation before %llu, with another content, is kept",
			(unsigned long long)published->serial);
	r->serial = search.found;
	return SINK_OK;
}

static enum status failed(int err, const struct sink_why *why)
{
	say("%s; nothing published", why->text[0] ? why->text : sink_strerror(err));
	return status_of(err);
}

/* Nothing is published that does not verify: a rollback is done in a hurry. */
static int check(const struct request *r, struct sink_why *why)
{
	struct sink_manifest manifest;
	struct sink_db *db;
	int err = data_open(r->dir, r->serial, why, &manifest, &db);

	if (!err)
		sink_db_close(db);
	return err;
}

static enum status rollback(struct request *r)
{
	struct sink_manifest before = { 0 }, after;
	struct sink_publish what = { .tool = "sinkhole " SINK_VERSION, .wait = true };
	struct sink_why why = { .text = "" };
	char origin[64];
	int err = sink_store_manifest(r->dir, 0, &why, &before);

	/* a damaged `current` is no reason to refuse the serial that was asked for */
	if (err && (r->serial == 0 || err != SINK_ECORRUPT))
		return failed(err, &why);
	err = r->serial == 0 ? find(r, &before, &why) : SINK_OK;
	if (!err)
		err = check(r, &why);
	if (err)
		return failed(err, &why);
	if (!when_reproducible(&what.time))
		return usage_error(r->self, "SOURCE_DATE_EPOCH is no number of seconds");
	snprintf(origin, sizeof origin, "rollback to %llu", (unsigned long long)r->serial);
	what.again = r->serial;
	what.origin = origin;
	what.reason = r->reason;
	err = sink_store_publish(r->dir, &what, &why, &after);
	if (err)
		return failed(err, &why);
	say("generation %llu published: that of %llu again, %s names (%llu was published before)",
		(unsigned long long)after.serial, (unsigned long long)r->serial,
		number(after.names).text, (unsigned long long)before.serial);
	return STATUS_DONE;
}

static enum status take_option(void *arg, int key, const char *value)
{
	struct request *r = arg;

	if (key == 'd') {
		r->dir = value;
		return STATUS_DONE;
	}
	r->reason = value;
	if (is_note(value))
		return STATUS_DONE;
	return usage_error(r->self, "--reason is one line of less than %d bytes", SINK_NOTE_MAX);
}

static enum status rollback_run(const struct command *self, int argc, char **argv)
{
	struct request r = { .self = self };
	enum status status;
	int first;

	if (!options_read(self, argc, argv, take_option, &r, &first, &status))
		return status;
	if (argc - first > 1)
		return usage_error(self, "one SERIAL at most");
	if (first < argc && !serial_parse(argv[first], &r.serial))
		return usage_error(self, "'%s' is no serial", argv[first]);
	r.dir = data_directory(r.dir);
	return rollback(&r);
}

const struct command cmd_rollback = {
	.word = "rollback",
	.operands = "[SERIAL]",
	.summary = "publish an earlier generation again, under a new serial",
	.details = "Without SERIAL the one before what is published; once more goes one further "
		   "back.\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ 256, "reason", "TEXT", "why, for the history" },
			{ 0 },
		},
	.run = rollback_run,
};

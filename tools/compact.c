/* compact.c - from a base and a delta over it to one base that holds the same: look-ups need not ask two files, and the
 * next change writes a small delta again. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "data.h"
#include "live.h"
#include "paused.h"
#include "quantity.h"
#include "rollback.h"
#include "say.h"
#include "scratch.h"
#include "signing.h"
#include "when.h"

enum { OPT_REASON = 256, OPT_MEMORY };

struct request {
	const struct command *self;
	const char *dir, *reason;
	size_t memory; /* bytes to sort in; 0: as compile does */
	struct signing signing;
	struct sink_manifest before, after; /* serial 0: nothing has been published */
	struct sink_summary summary;
	char temp[PATH_MAX];
};

/* --- copying -------------------------------------------------------------------------------------- */

struct copying {
	struct sink_reader *reader;
	struct sink_writer *writer;
	uint32_t *record; /* of the writer, plus 1, by record; 0: not yet known to it */
	uint64_t told; /* subjects, for the progress */
};

/* What wins over everything stays a change: that it is no longer in force must not wait for a compile. */
static bool stays_live(const struct sink_record *record)
{
	return sink_span_equal(record->text[SINK_FIELD_SOURCE], sink_span_text(SINK_SOURCE_ALLOW));
}

static int find_record(struct copying *c, uint32_t id, bool *stays, uint32_t *out)
{
	struct sink_record record;
	int err;

	*stays = false;
	if (c->record[id] > 0) {
		*out = c->record[id] - 1;
		return SINK_OK;
	}
	err = sink_reader_record(c->reader, id, &record);
	if (err)
		return SINK_ECORRUPT;
	*stays = stays_live(&record);
	if (*stays)
		return SINK_OK;
	err = sink_writer_record(c->writer, &record, out);
	if (!err)
		c->record[id] = *out + 1;
	return err;
}

static int copy_listing(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	struct copying *c = arg;
	uint32_t id = 0;
	bool stays;
	int err = find_record(c, listing->record, &stays, &id);

	if (err || stays)
		return err;
	if (++c->told % 65536 == 0)
		progress("%s listings", number(c->told).text);
	if (sink_trigger_is_prefix(subject->trigger))
		return sink_writer_add_prefix(c->writer, subject->trigger, &subject->prefix, id);
	return sink_writer_add_name(c->writer, subject->trigger, &subject->name, listing->scope,
		id);
}

static int copy_all(struct copying *c, const struct sink_db *db)
{
	struct sink_summary summary;
	int err;

	sink_db_summary(db, &summary);
	c->record = calloc(summary.records + (size_t)1, sizeof *c->record);
	err = c->record ? sink_reader_begin(db, &c->reader) : SINK_ENOMEM;
	if (!err)
		err = sink_reader_each(c->reader, copy_listing, c);
	sink_reader_end(c->reader);
	free(c->record);
	return err;
}

static int write_base(struct request *r, const struct sink_db *db, struct sink_why *why)
{
	struct sink_writer_options options = { .path = r->temp, .memory = r->memory };
	struct copying copying = { .told = 0 };
	int err = sink_store_temp(r->dir, why, r->temp, sizeof r->temp);

	if (err)
		return err;
	scratch_watch(r->temp);
	err = sink_writer_begin(&options, why, &copying.writer);
	if (err)
		return err;
	err = copy_all(&copying, db);
	if (err) {
		sink_why(why, err, "%s: %s", r->dir, sink_strerror(err));
		sink_writer_abort(copying.writer);
		return err;
	}
	progress("writing");
	return sink_writer_commit(copying.writer, why, &r->summary);
}

/* --- what came meanwhile ---------------------------------------------------------------------------- */

/* Live changes that were applied meanwhile lie over what was folded. Not so where somebody went back: what that took back
 * was folded already. */
struct meanwhile {
	const struct request *request;
	struct sink_live changes;
	uint64_t
		first; /* serial of the first generation after the one that was folded; 0: there is none */
	bool went_back;
};

static int look_at(void *arg, const struct sink_manifest *manifest)
{
	struct meanwhile *m = arg;

	if (manifest->serial <= m->request->before.serial)
		return SINK_OK;
	if (m->first == 0)
		m->first = manifest->serial;
	if (strncmp(manifest->origin, ROLLBACK_ORIGIN, strlen(ROLLBACK_ORIGIN)) == 0)
		m->went_back = true;
	return SINK_OK;
}

/* Under the publishers' lock. A generation that is pruned already may have been anything. */
static int take(void *arg, struct sink_span before, struct sink_why *why, struct sink_span *after)
{
	struct meanwhile *m = arg;
	uint64_t next = m->request->before.serial + 1;
	int err = sink_store_each(m->request->dir, look_at, NULL, m, why);

	if (err)
		return err;
	if (m->went_back || (m->first != 0 && m->first != next))
		return sink_why(why, SINK_EOLD, "%s: somebody went back meanwhile, or may have",
			m->request->dir);
	return m->changes.take(m->changes.arg, before, why, after);
}

static int next(void *arg, struct sink_change *out)
{
	struct meanwhile *m = arg;

	return m->changes.next(m->changes.arg, out);
}

/* --- publishing ------------------------------------------------------------------------------------ */

static int publish(struct request *r, int64_t now, struct sink_why *why)
{
	struct sink_publish what = { .temp = r->temp,
		.over = r->before.base_digest,
		.summary = r->summary,
		.time = now,
		.origin = "compact",
		.reason = r->reason,
		.tool = "sinkhole " SINK_VERSION,
		.keep = UINT_MAX, /* nothing is another one than before */
		.wait = true };
	struct meanwhile meanwhile = { .request = r };
	const struct sink_live changes = { .take = take, .next = next, .arg = &meanwhile };
	struct live *live;
	int err = live_begin(now, &live);

	if (err)
		return err;
	meanwhile.changes = live_of(live);
	what.live = &changes;
	signing_fill(&r->signing, &what);
	err = sink_store_publish(r->dir, &what, why, &r->after);
	live_end(live);
	return err;
}

static int fold(struct request *r, int64_t now, struct sink_why *why)
{
	struct sink_db *db;
	int err = data_open(r->dir, 0, why, &r->before, &db);

	if (err)
		return err;
	if (!sink_db_base(db)) {
		sink_db_close(db);
		return SINK_OK;
	}
	err = write_base(r, db, why);
	sink_db_close(db);
	if (err)
		return err;
	err = publish(r, now, why);
	if (err && r->after.serial == 0)
		unlink(r->temp);
	return err;
}

static enum status compact(struct request *r)
{
	struct sink_why why = { .text = "" };
	int64_t now;
	int err;

	if (!when_reproducible(&now))
		return usage_error(r->self, "SOURCE_DATE_EPOCH is no number of seconds");
	err = fold(r, now, &why);
	scratch_end();
	if (err && r->after.serial == 0) {
		say("%s; nothing published", why.text[0] ? why.text : sink_strerror(err));
		return err == SINK_ENOENT  ? STATUS_DATA
			: err == SINK_EOLD ? STATUS_NO
					   : status_of(err);
	}
	progress_end();
	if (r->after.serial == 0) {
		say("no delta over the base; nothing to fold");
		return STATUS_DONE;
	}
	say("generation %llu published: what was in two files is in one, %s names, %s bytes",
		(unsigned long long)r->after.serial, number(r->summary.names).text,
		number(r->summary.bytes).text);
	paused_say(&r->after);
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
		r->dir = value;
		break;
	case OPT_REASON:
		return take_reason(r->self, value, &r->reason);
	case OPT_MEMORY:
		if (!quantity_bytes(value, &n) || n == 0 || n > SIZE_MAX)
			return usage_error(r->self, "--memory is a size such as 64M, not '%s'",
				value);
		r->memory = (size_t)n;
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
	if (!options_read(self, argc, argv, take_option, &r, &first, &status))
		return status;
	if (first < argc)
		return usage_error(self, "'%s' is one word too many", argv[first]);
	r.dir = data_directory(r.dir);
	status = signing_begin(&r.signing, self, r.dir);
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

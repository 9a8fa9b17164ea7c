/* fold.c - read what two files hold, write it to one, and publish that. */
#include "fold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "data.h"
#include "rollback.h"
#include "say.h"
#include "scratch.h"

/* --- one at a time -------------------------------------------------------------------------------- */

int fold_lock(const char *dir, bool wait, struct sink_why *why, int *out)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return sink_why(why, errno == ENOENT ? SINK_ENOENT : SINK_EIO, "'%s': %s", dir,
			strerror(errno));
	do
		rc = flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
	while (rc && errno == EINTR);
	if (rc) {
		int err = errno == EWOULDBLOCK ? SINK_EBUSY : SINK_EIO;

		sink_why(why, err, "'%s': %s", dir, strerror(errno));
		close(fd);
		return err;
	}
	*out = fd;
	return SINK_OK;
}

/* --- how much there is ---------------------------------------------------------------------------- */

int fold_count(const char *dir, const struct sink_manifest *manifest, const struct live *live,
	struct sink_why *why, uint64_t *out)
{
	uint64_t exits = live_exits(live), changed;
	int err = sink_store_changed(dir, manifest, why, &changed);

	if (!err)
		*out = changed > exits ? changed - exits : 0;
	return err;
}

/* The same of what is published, whoever has done it. */
static int count_published(const struct folding *f, struct sink_why *why, uint64_t *out)
{
	struct live *live = NULL;
	uint8_t *text = NULL;
	size_t len = 0;
	int err = live_begin(f->now, &live);

	if (!err)
		err = sink_store_changes(f->dir, &f->before, why, &text, &len);
	if (!err)
		err = live_settle(live, sink_span(text, len), why);
	if (!err)
		err = fold_count(f->dir, &f->before, live, why, out);
	free(text);
	live_end(live);
	return err;
}

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

static int write_base(struct folding *f, const struct sink_db *db, struct sink_why *why)
{
	struct sink_writer_options options = { .path = f->temp, .memory = f->memory };
	struct copying copying = { .told = 0 };
	int err = sink_store_temp(f->dir, why, f->temp, sizeof f->temp);

	if (err)
		return err;
	scratch_watch(f->temp);
	err = sink_writer_begin(&options, why, &copying.writer);
	if (err)
		return err;
	err = copy_all(&copying, db);
	if (err) {
		sink_why(why, err, "%s: %s", f->dir, sink_strerror(err));
		sink_writer_abort(copying.writer);
		return err;
	}
	progress("writing");
	return sink_writer_commit(copying.writer, why, &f->summary);
}

int fold_write(struct folding *f, struct sink_why *why)
{
	struct sink_db *db;
	uint64_t count = 0;
	int err = data_open(f->dir, 0, why, &f->before, &db);

	f->temp[0] = 0;
	if (err)
		return err;
	err = count_published(f, why, &count);
	if (!err && count > 0)
		err = write_base(f, db, why);
	sink_db_close(db);
	if (err)
		f->temp[0] = 0; /* the writer has removed it */
	return err;
}

/* --- what came meanwhile ---------------------------------------------------------------------------- */

/* Live changes that were applied meanwhile lie over what was folded. Not so where somebody went back: what that took back
 * was folded already. */
struct meanwhile {
	const struct folding *folding;
	struct sink_live changes;
	uint64_t
		first; /* serial of the first generation after the one that was folded; 0: there is none */
	bool went_back;
};

static int look_at(void *arg, const struct sink_manifest *manifest)
{
	struct meanwhile *m = arg;

	if (manifest->serial <= m->folding->before.serial)
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
	uint64_t following = m->folding->before.serial + 1;
	int err = sink_store_each(m->folding->dir, look_at, NULL, m, why);

	if (err)
		return err;
	if (m->went_back || (m->first != 0 && m->first != following))
		return sink_why(why, SINK_EOLD, "%s: somebody went back meanwhile, or may have",
			m->folding->dir);
	return m->changes.take(m->changes.arg, before, why, after);
}

static int next(void *arg, struct sink_change *out)
{
	struct meanwhile *m = arg;

	return m->changes.next(m->changes.arg, out);
}

/* --- publishing ------------------------------------------------------------------------------------ */

static int publish(struct folding *f, struct live *live, struct sink_why *why)
{
	struct meanwhile meanwhile = { .folding = f, .changes = live_of(live) };
	const struct sink_live changes = { .take = take, .next = next, .arg = &meanwhile };
	struct sink_publish what = { .temp = f->temp,
		.over = f->before.base_digest,
		.summary = f->summary,
		.live = &changes,
		.time = f->now,
		.origin = f->origin,
		.reason = f->reason,
		.tool = "sinkhole " SINK_VERSION,
		.keep = UINT_MAX, /* nothing is another one than before */
		.wait = true };

	signing_fill(f->signing, &what);
	return sink_store_publish(f->dir, &what, why, &f->after);
}

int fold_publish(struct folding *f, struct sink_why *why)
{
	struct live *live;
	int err = live_begin(f->now, &live);

	if (!err) {
		err = publish(f, live, why);
		live_end(live);
	}
	if (f->after.serial == 0)
		unlink(f->temp);
	return err;
}

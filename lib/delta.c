/* delta.c - what live changes make of the subjects that they are about. */
#include "delta.h"

#include <stdlib.h>

#include "intern.h"
#include "probe.h"
#include "sinkhole/grow.h"
#include "writer.h"

#define MEMORY ((size_t)8 << 20) /* bytes to sort in: the subjects are few */

/* Something to be listed about the subject at hand. */
struct entry {
	uint32_t record; /* number in delta.records */
	enum sink_scope scope;
};

/* What the base lists is taken away, for good or for as long as what takes its place is valid. */
struct away {
	struct sink_span source; /* whose; a copy */
	int64_t from, until; /* seconds, as of a record: 0 is no bound */
};

struct entries {
	struct entry *at;
	size_t count, room;
};

struct delta {
	const struct sink_live *live;
	struct sink_why *why;
	struct probe *probe;
	struct sink_writer *writer;
	struct schema_delta head;
	uint64_t subjects; /* in it */
	/* Records as they are stored; the writer gets to know those alone that something is listed under: others would be
	 * stored, too */
	struct intern records;
	struct sink_subject subject; /* the one at hand */
	struct entries before, after; /* what the base lists about it, and what is to be listed */
	struct {
		bool all; /* that the base lists */
		struct away *at; /* or of these sources */
		size_t count, room;
	} away;
};

static int put(struct entries *entries, uint32_t record, enum sink_scope scope)
{
	struct entry *at = sink_grow(entries->at, entries->count, &entries->room, sizeof *at);

	if (!at)
		return SINK_ENOMEM;
	entries->at = at;
	entries->at[entries->count++] = (struct entry){ record, scope };
	return SINK_OK;
}

/* --- one change after the other ------------------------------------------------------------------ */

static int take_away(struct delta *d, const struct away *what)
{
	struct away *at = sink_grow(d->away.at, d->away.count, &d->away.room, sizeof *at);
	struct sink_span source = what->source; /* borrowed until next() */
	uint8_t *copy;

	if (!at)
		return SINK_ENOMEM;
	d->away.at = at;
	copy = malloc(source.len + 1);
	if (!copy)
		return SINK_ENOMEM;
	if (source.len > 0)
		memcpy(copy, source.at, source.len);
	at = &at[d->away.count++];
	*at = *what;
	at->source = sink_span(copy, source.len);
	return SINK_OK;
}

static void forget(struct delta *d)
{
	for (size_t i = 0; i < d->away.count; i++)
		free((void *)(uintptr_t)d->away.at[i].source.at);
	d->away.all = false;
	d->away.count = d->before.count = d->after.count = 0;
}

static int put_record(struct delta *d, const struct sink_record *record, enum sink_scope scope)
{
	uint8_t bytes[SCHEMA_RECORD_MAX];
	size_t len = schema_record_encode(record, bytes);
	uint32_t number;
	int err;

	if (len == 0)
		return SINK_EINVAL;
	err = intern_add(&d->records, sink_span(bytes, len), &number);
	return err ? err : put(&d->after, number, scope);
}

static bool is_ever_valid(const struct sink_record *record)
{
	return record->valid_until == 0 || record->valid_from < record->valid_until;
}

static int take(struct delta *d, const struct sink_change *change)
{
	struct away away = { .source = change->record.text[SINK_FIELD_SOURCE] };
	int err = SINK_OK;

	if (change->removes && away.source.len == 0) {
		d->away.all = true;
		return SINK_OK;
	}
	if (change->removes)
		return take_away(d, &away);
	away.from = change->record.valid_from;
	away.until = change->record.valid_until;
	if (is_ever_valid(&change->record))
		err = take_away(d, &away);
	return err ? err : put_record(d, &change->record, change->scope);
}

/* --- one subject after the other ----------------------------------------------------------------- */

static bool is_away_from(const struct away *away, const struct sink_record *record)
{
	return sink_span_equal(away->source, record->text[SINK_FIELD_SOURCE]) &&
		(away->until == 0 || record->valid_from < away->until) &&
		(record->valid_until == 0 || away->from < record->valid_until);
}

/* What is left of a record of the base: when nothing is in its place, it is in force as ever.
 *
 * i        what was taken away before this number is looked at already */
static int put_rest(struct delta *d, struct sink_record record, enum sink_scope scope, size_t i)
{
	for (; i < d->away.count; i++) {
		const struct away *away = &d->away.at[i];
		struct sink_record before = record;
		int err = SINK_OK;

		if (!is_away_from(away, &record))
			continue;
		before.valid_until = away->from;
		if (record.valid_from < away->from)
			err = put_rest(d, before, scope, i + 1);
		if (err || away->until == 0)
			return err;
		record.valid_from =
			record.valid_from > away->until ? record.valid_from : away->until;
		if (!is_ever_valid(&record))
			return SINK_OK;
	}
	return put_record(d, &record, scope);
}

/* The base lists the subject under this record. */
static int take_listing(struct delta *d, uint64_t listing)
{
	struct sink_record record;
	struct sink_span bytes;
	uint32_t number;
	int err = probe_record(d->probe, schema_listing_record(listing), d->why, &bytes);

	if (!err)
		err = schema_record_decode(bytes, &record);
	if (err)
		return err;
	err = intern_add(&d->records, bytes, &number);
	if (!err)
		err = put(&d->before, number, schema_listing_scope(listing));
	if (err || d->away.all)
		return err;
	return put_rest(d, record, schema_listing_scope(listing), 0);
}

static int look_up(struct delta *d)
{
	struct schema_listings listings;
	uint64_t listing;
	int err = probe_find(d->probe, &d->subject, d->why, &listings);

	while (!err) {
		err = schema_listing_next(&listings, &listing);
		if (!err)
			err = take_listing(d, listing);
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

static bool has(const struct entries *entries, const struct entry *entry)
{
	for (size_t i = 0; i < entries->count; i++)
		if (entries->at[i].record == entry->record && entries->at[i].scope == entry->scope)
			return true;
	return false;
}

static bool covers(const struct entries *a, const struct entries *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (!has(a, &b->at[i]))
			return false;
	return true;
}

static int write_entry(struct delta *d, const struct entry *entry)
{
	struct sink_record record;
	uint32_t id;
	int err = schema_record_decode(intern_get(&d->records, entry->record), &record);

	if (!err)
		err = sink_writer_record(d->writer, &record, &id);
	return err ? err : writer_add(d->writer, &d->subject, entry->scope, id);
}

/* All changes of a subject are taken. What is as it was before needs no place in the delta. */
static int end_subject(struct delta *d)
{
	int err = look_up(d);

	if (err || (covers(&d->before, &d->after) && covers(&d->after, &d->before)))
		return err;
	if (d->before.count > 0 && (d->head.names == 0 || d->head.listings < d->before.count))
		return SINK_ECORRUPT; /* the base lists more than it says */
	d->subjects++;
	d->head.names -= d->before.count > 0;
	d->head.listings -= d->before.count;
	if (d->after.count == 0)
		return writer_remove(d->writer, &d->subject);
	for (size_t i = 0; !err && i < d->after.count; i++)
		err = write_entry(d, &d->after.at[i]);
	return err;
}

static void begin_sums(struct delta *d, const struct delta_base *base)
{
	const struct schema_meta *holds = probe_holds(d->probe);

	memcpy(d->head.base, base->digest, sizeof d->head.base);
	d->head.names = schema_meta_total(holds);
	d->head.listings = holds->listings;
}

static int take_all(struct delta *d)
{
	struct sink_change change;
	bool begun = false;
	int err;

	while (!(err = d->live->next(d->live->arg, &change))) {
		if (begun && sink_subject_compare(&d->subject, &change.subject) != 0) {
			err = end_subject(d);
			forget(d);
			if (err)
				return err;
		}
		d->subject = change.subject;
		begun = true;
		err = take(d, &change);
		if (err)
			return err;
	}
	if (err != SINK_ENOENT)
		return err;
	return begun ? end_subject(d) : SINK_OK;
}

/* --- all of it ------------------------------------------------------------------------------------- */

static int write_it(struct delta *d, const char *path, const struct delta_base *base, bool *written,
	struct sink_summary *summary)
{
	struct sink_writer_options options = { .path = path, .memory = MEMORY };
	struct sink_writer *writer;
	int err = probe_begin(base->fd, base->size, base->shown, d->why, &d->probe);

	if (err)
		return err;
	begin_sums(d, base);
	err = intern_begin(&d->records);
	if (!err)
		err = sink_writer_begin(&options, d->why, &d->writer);
	if (!err)
		err = take_all(d);
	if (err || d->subjects == 0)
		return err;
	writer_set_delta(d->writer, &d->head);
	writer = d->writer;
	d->writer = NULL; /* freed by commit, whatever it returns */
	err = sink_writer_commit(writer, d->why, summary);
	*written = !err;
	return err;
}

int delta_write(const char *path, const struct delta_base *base, const struct sink_live *live,
	struct sink_why *why, bool *written, struct sink_summary *summary)
{
	struct sink_why reason = { .text = "" };
	struct delta d = { .live = live, .why = &reason };
	int err;

	*written = false;
	err = write_it(&d, path, base, written, summary);
	if (err)
		sink_why(why, err, "%s", reason.text[0] ? reason.text : sink_strerror(err));
	forget(&d);
	sink_writer_abort(d.writer);
	probe_end(d.probe);
	free(d.before.at);
	free(d.after.at);
	free(d.away.at);
	intern_end(&d.records);
	return err;
}

/* take.c - one source into the writer. */
#include "take.h"

#include <errno.h>
#include <string.h>

#include "guard.h"
#include "inputs.h"
#include "say.h"

struct taking {
	struct job *job;
	struct intake *intake;
	const struct source *source;
	/* ids for the writer, of entries that say nothing of themselves */
	uint32_t record[SINK_KIND_COUNT];
	bool has_record[SINK_KIND_COUNT];
	uint64_t left; /* entries that it may still have */
	bool is_full; /* it had one more */
	bool piles_up; /* hashes of what it lists, to compare with what it had */
	int err; /* what the writer failed with */
};

/* The record of an entry: its source's, with what it says of itself over it. */
static int find_record(struct taking *t, const struct feed_entry *entry, enum sink_kind kind,
	uint32_t *out)
{
	struct attributes both;
	int err;

	if (!entry->says && t->has_record[kind]) {
		*out = t->record[kind];
		return SINK_OK;
	}
	attributes_over(&t->source->attributes, entry->says, &both);
	both.record.kind = kind;
	if (both.record.valid_until == 0 && t->source->valid_for > 0)
		both.record.valid_until = t->intake->listed + t->source->valid_for;
	err = sink_writer_record(t->job->writer, &both.record, out);
	if (err || entry->says)
		return err;
	t->record[kind] = *out;
	t->has_record[kind] = true;
	return SINK_OK;
}

static int pile_up(struct taking *t, const struct feed_entry *entry)
{
	const struct mix *mix = &t->job->mix;

	return seen_add(&t->intake->origin->now,
		sink_trigger_is_prefix(entry->trigger)
			? seen_hash_prefix(mix, entry->trigger, &entry->prefix)
			: seen_hash_name(mix, entry->trigger, &entry->name));
}

static int write_entry(struct taking *t, const struct feed_entry *entry, enum sink_kind kind,
	enum sink_scope scope)
{
	uint32_t record;
	int err = find_record(t, entry, kind, &record);

	if (!err && sink_trigger_is_prefix(entry->trigger))
		err = sink_writer_add_prefix(t->job->writer, entry->trigger, &entry->prefix,
			record);
	else if (!err)
		err = sink_writer_add_name(t->job->writer, entry->trigger, &entry->name, scope,
			record);
	t->err = err;
	return err;
}

static int add_entry(struct taking *t, const struct feed_entry *entry, enum sink_kind kind,
	enum sink_scope scope)
{
	int err = write_entry(t, entry, kind, scope);

	if (!err && t->piles_up)
		t->err = err = pile_up(t, entry);
	return err;
}

static bool is_popular(const struct taking *t, const struct feed_entry *entry, enum sink_kind kind,
	enum sink_scope scope)
{
	return popular_is_on(&t->job->guards.popular) && kind != SINK_KIND_ALLOW &&
		!sink_trigger_is_prefix(entry->trigger) &&
		popular_hit(&t->job->guards.popular, &entry->name, scope);
}

/* Also when the entry is left out as protected: who lists such a name is not to be believed. A public suffix
 * is nobody's site, however popular those below it are. */
static void note_popular(struct taking *t, const struct feed_entry *entry, enum feed_reason reason)
{
	struct feed_skips *hits = &t->intake->popular;
	char text[SINK_TEXT_MAX];

	if (reason == FEED_TLD || reason == FEED_SUFFIX)
		return;
	sink_name_to_text(&entry->name, text);
	feed_example_add(hits, hits->lines++, &t->source->tally, sink_span_text(text));
}

/* It takes nothing away from anybody, so that there is nothing to judge. Where the source says how far its entries
 * reach, it is no zone any more. */
static int take_stop(struct taking *t, const struct feed_entry *entry)
{
	return t->source->attributes.has_scope
		? SINK_OK
		: write_entry(t, entry, SINK_KIND_BLOCK, entry->scope);
}

static int take_entry(void *arg, const struct feed_entry *entry)
{
	struct taking *t = arg;
	const struct attributes *attributes = &t->source->attributes;
	enum sink_kind kind = attributes->allow ? SINK_KIND_ALLOW : entry->kind;
	enum sink_scope scope = attributes->has_scope ? attributes->scope : entry->scope;
	enum feed_reason reason;
	bool popular;

	if (entry->withdraws)
		return FEED_WITHDRAWAL;
	if (feed_is_stop(entry))
		return take_stop(t, entry);
	if (t->source->format->withdraws && withdraw_has(&t->job->withdrawn, entry))
		return FEED_WITHDRAWN;
	popular = is_popular(t, entry, kind, scope);
	reason = gate_judge(&t->job->gate, entry, kind, scope, popular);
	if (popular)
		note_popular(t, entry, reason);
	if (reason)
		return (int)reason;
	t->is_full = t->left == 0;
	if (t->is_full)
		return SINK_ETOOLONG;
	t->left--;
	return add_entry(t, entry, kind, scope);
}

static void show_progress(void *arg, const struct feed_tally *tally)
{
	const struct taking *t = arg;

	if (!t->job->quiet)
		progress("%s: %s lines, %s entries", intake_name(t->intake),
			number(tally->lines).text, number(tally->entries).text);
}

/* What the source failed with; what the writer failed with is another matter. */
static void hold(struct taking *t, int err, const struct sink_why *reason)
{
	const struct feed_tally *tally = &t->source->tally;
	struct sink_why why, full;

	snprintf(full.text, sizeof full.text, "more than %s entries", number(tally->entries).text);
	inputs_blame(t->intake, tally->number, err, t->is_full ? full.text : reason->text, &why);
	inputs_fail(t->job, t->intake, err, why.text);
}

static int read_part(struct taking *t)
{
	struct source *source = t->intake->source;
	struct feed_sink sink = { .entry = take_entry, .tick = show_progress, .arg = t };
	struct sink_why reason = { .text = "" };
	int err = feed_read(t->intake->lines, source->format, &source->options, &sink,
		&source->tally, &reason);

	if (err && !t->err)
		hold(t, err, &reason);
	return err;
}

/* One input after the other. */
static int read_parts(struct taking *t)
{
	int err;

	do {
		err = read_part(t);
		if (!err)
			err = inputs_next(t->job, t->intake);
	} while (!err);
	inputs_close(t->job, t->intake);
	return t->err;
}

int take_source(struct job *job, struct intake *intake, struct sink_why *why)
{
	struct taking taking = { .job = job, .intake = intake, .source = intake->source };
	struct timespec begun;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	taking.piles_up = intake->origin->max_change >= 0 && !job->gate.forced[GATE_CHANGE];
	intake->batch = sink_writer_batch(job->writer);
	taking.left = intake->source->limits.entries;
	if (taking.left == 0)
		taking.left = GUARD_ENTRIES_MAX;
	err = read_parts(&taking);
	intake->read = true;
	intake->seconds = seconds_since(&begun);
	intake->origin->entries += intake->source->tally.entries;
	if (err)
		return sink_why(why, err, "'%s', line %llu: %s", intake_name(intake),
			(unsigned long long)intake->source->tally.lines,
			err == SINK_EIO ? strerror(errno) : sink_strerror(err));
	guard_judge(&job->guards, &job->gate, intake);
	return SINK_OK;
}

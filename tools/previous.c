/* previous.c - two walks over the published base, each only when a guard asks for it. */
#include "previous.h"

#include <stdlib.h>

#include "data.h"

static int find_owners(struct previous *previous, const struct intakes *intakes)
{
	struct sink_summary summary;

	sink_db_summary(previous->db, &summary);
	previous->records = summary.records;
	previous->owner = calloc(summary.records + (size_t)1, sizeof(struct origin *));
	previous->is_stop = calloc(summary.records + (size_t)1, sizeof *previous->is_stop);
	if (!previous->owner || !previous->is_stop)
		return SINK_ENOMEM;
	for (uint32_t id = 0; id < summary.records; id++) {
		struct sink_record record;
		int err = sink_reader_record(previous->reader, id, &record);

		if (err)
			return err;
		previous->owner[id] = intakes_find(intakes, record.text[SINK_FIELD_SOURCE]);
		previous->is_stop[id] = record.hint == SINK_HINT_STOP;
	}
	return SINK_OK;
}

static int open_it(struct previous *previous, const char *dir, const struct intakes *intakes)
{
	int err = data_open_base(dir, 0, &previous->why, &previous->manifest, &previous->db);

	if (err)
		return err;
	err = sink_reader_begin(previous->db, &previous->reader);
	if (!err)
		err = find_owners(previous, intakes);
	return err ? sink_why(&previous->why, err, "'%s': %s", dir, sink_strerror(err)) : SINK_OK;
}

int previous_open(struct previous *previous, const char *dir, const struct intakes *intakes)
{
	if (!previous->tried)
		previous->err = open_it(previous, dir, intakes);
	previous->tried = true;
	return previous->err;
}

/* One step of a walk: a subject and what is listed about it. */
struct step {
	const struct sink_subject *subject;
	const struct sink_listing *listings;
	size_t count;
};

static int walk(struct previous *previous, int (*fn)(void *arg, const struct step *step), void *arg)
{
	struct sink_walk *walk;
	struct step step;
	int err = sink_walk_begin(previous->reader, &walk);

	if (err)
		return err;
	while (!err) {
		err = sink_walk_next(walk, &step.subject, &step.listings, &step.count);
		for (size_t i = 0; i < step.count && !err; i++)
			if (step.listings[i].record >= previous->records)
				err = SINK_ECORRUPT;
		if (!err)
			err = fn(arg, &step);
	}
	sink_walk_end(walk);
	return err == SINK_ENOENT ? SINK_OK : err;
}

struct counting {
	struct previous *previous;
	const struct mix *mix;
};

/* A source may list a subject more than once; equal hashes are dropped when the pile is settled. */
static int count_step(void *arg, const struct step *step)
{
	const struct counting *c = arg;
	int err = SINK_OK;

	for (size_t i = 0; i < step->count && !err; i++) {
		struct origin *origin = c->previous->owner[step->listings[i].record];

		if (!origin || c->previous->is_stop[step->listings[i].record])
			continue;
		origin->previous++;
		if (origin->max_change >= 0)
			err = seen_add(&origin->before, seen_hash(c->mix, step->subject));
	}
	return err;
}

int previous_count(struct previous *previous, const struct intakes *intakes, const struct mix *mix)
{
	struct counting c = { .previous = previous, .mix = mix };
	int err = walk(previous, count_step, &c);

	for (size_t i = 0; i < intakes->origins_count && !err; i++)
		seen_settle(&intakes->origins[i].before);
	return err;
}

struct keeping {
	struct previous *previous;
	const struct gate *gate;
	const struct popular *popular;
	int64_t now;
	struct sink_writer *writer;
	uint32_t *record; /* of the writer, plus 1, by record; 0: not yet known to it */
};

/* A list of protected or popular names may be another one by now. */
static bool is_good(const struct keeping *k, const struct sink_subject *subject,
	const struct sink_listing *listing, enum sink_kind kind)
{
	bool is_prefix = sink_trigger_is_prefix(subject->trigger);
	bool popular = !is_prefix && kind != SINK_KIND_ALLOW &&
		popular_hit(k->popular, &subject->name, listing->scope);
	struct feed_entry entry;

	if (popular && !k->gate->forced[GATE_POPULAR])
		return false;
	feed_entry_init(&entry);
	entry.trigger = subject->trigger;
	if (is_prefix)
		entry.prefix = subject->prefix;
	else
		entry.name = subject->name;
	return gate_judge(k->gate, &entry, kind, listing->scope, popular) == FEED_TAKEN;
}

static int find_record(struct keeping *k, uint32_t id, const struct sink_record *record,
	uint32_t *out)
{
	int err = SINK_OK;

	if (k->record[id] == 0) {
		err = sink_writer_record(k->writer, record, &k->record[id]);
		if (!err)
			k->record[id]++;
	}
	*out = k->record[id] - 1;
	return err;
}

static int keep_listing(struct keeping *k, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	struct origin *origin = k->previous->owner[listing->record];
	bool is_stop = k->previous->is_stop[listing->record];
	struct sink_record record;
	uint32_t id;
	int err = sink_reader_record(k->previous->reader, listing->record, &record);

	if (err)
		return err;
	if (!is_stop && !is_good(k, subject, listing, record.kind)) {
		origin->kept_not++;
		return SINK_OK;
	}
	err = find_record(k, listing->record, &record, &id);
	if (err)
		return err;
	origin->kept += !is_stop;
	origin->expired += !is_stop && record.valid_until != 0 && record.valid_until <= k->now;
	return sink_trigger_is_prefix(subject->trigger)
		? sink_writer_add_prefix(k->writer, subject->trigger, &subject->prefix, id)
		: sink_writer_add_name(k->writer, subject->trigger, &subject->name, listing->scope,
			  id);
}

static int keep_step(void *arg, const struct step *step)
{
	struct keeping *k = arg;
	int err = SINK_OK;

	for (size_t i = 0; i < step->count && !err; i++) {
		const struct origin *origin = k->previous->owner[step->listings[i].record];

		if (origin && origin->held)
			err = keep_listing(k, step->subject, &step->listings[i]);
	}
	return err;
}

int previous_keep(struct previous *previous, const struct gate *gate, const struct popular *popular,
	int64_t now, struct sink_writer *writer)
{
	struct keeping k = {
		.previous = previous, .gate = gate, .popular = popular, .now = now, .writer = writer
	};
	int err;

	k.record = calloc(previous->records + (size_t)1, sizeof *k.record);
	if (!k.record)
		return SINK_ENOMEM;
	sink_writer_batch(writer); /* no other's: what is held back has been dropped */
	err = walk(previous, keep_step, &k);
	free(k.record);
	return err;
}

void previous_end(struct previous *previous)
{
	sink_reader_end(previous->reader);
	sink_db_close(previous->db);
	free(previous->owner);
	free(previous->is_stop);
	*previous = (struct previous){ 0 };
}

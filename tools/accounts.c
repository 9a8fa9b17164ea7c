/* accounts.c - one walk: parents come before their children, so what covers a subject is on a stack. */
#include "accounts.h"

#include <stdlib.h>

#define DEPTH_MAX 130 /* labels of a name and the root, or bits of a prefix and none */

/* What matters of a record here. */
struct digest {
	struct intake *intake; /* NULL: of none that is counted, or no entry but a stop */
	enum sink_kind kind;
	bool covers; /* says all that it says about everything below, from now on */
	int64_t until; /* INT64_MAX: for ever */
};

/* A subject that covers what is below it. */
struct frame {
	struct sink_prefix prefix;
	uint16_t len;
	uint8_t labels;
	uint8_t key[SINK_KEY_MAX];
	int64_t until[SINK_KIND_COUNT]; /* its own or a parent's; 0: not covered */
};

struct accounting {
	struct sink_reader *reader;
	struct digest *digests;
	uint32_t records;
	enum sink_trigger trigger; /* of what is on the stack */
	size_t depth;
	struct frame stack[DEPTH_MAX];
};

static struct digest digest_of(const struct sink_record *record)
{
	return (struct digest){ .kind = record->kind,
		.covers = record->types.len == 0 && record->except.len == 0 &&
			record->valid_from == 0 && record->hint != SINK_HINT_STOP,
		.until = record->valid_until ? record->valid_until : INT64_MAX };
}

/* The only source of that name, unless it was held back. */
static struct intake *find_intake(const struct intakes *intakes, struct sink_span name)
{
	const struct origin *origin = intakes_find(intakes, name);

	if (!origin || origin->intakes > 1 || origin->held)
		return NULL;
	for (size_t i = 0; i < intakes->count; i++)
		if (intakes->at[i].origin == origin)
			return &intakes->at[i];
	return NULL;
}

static int read_records(struct accounting *a, const struct intakes *intakes)
{
	struct sink_span last =
		sink_span(NULL, 0); /* records stand in the order of their sources */
	struct intake *intake = NULL;

	for (uint32_t id = 0; id < a->records; id++) {
		struct sink_record record;
		int err = sink_reader_record(a->reader, id, &record);

		if (err)
			return err;
		if (id == 0 || !sink_span_equal(last, record.text[SINK_FIELD_SOURCE]))
			intake = find_intake(intakes, record.text[SINK_FIELD_SOURCE]);
		last = record.text[SINK_FIELD_SOURCE];
		a->digests[id] = digest_of(&record);
		a->digests[id].intake = record.hint == SINK_HINT_STOP ? NULL : intake;
	}
	return SINK_OK;
}

static bool is_above(const struct frame *frame, const struct sink_subject *subject)
{
	if (sink_trigger_is_prefix(subject->trigger))
		return frame->prefix.bits < subject->prefix.bits &&
			sink_prefix_covers(&frame->prefix, &subject->prefix);
	return frame->labels < subject->name.labels &&
		subject->name.end[frame->labels] == frame->len &&
		memcmp(frame->key, subject->name.key, frame->len) == 0;
}

static void push(struct accounting *a, const struct sink_subject *subject,
	const int64_t until[SINK_KIND_COUNT])
{
	struct frame *frame = &a->stack[a->depth++];

	memcpy(frame->until, until, sizeof frame->until);
	if (sink_trigger_is_prefix(subject->trigger)) {
		frame->prefix = subject->prefix;
		return;
	}
	frame->len = subject->name.len;
	frame->labels = subject->name.labels;
	memcpy(frame->key, subject->name.key, frame->len);
}

/* What is listed about a subject, below what is on the stack. */
static void account(struct accounting *a, const struct sink_subject *subject,
	const struct sink_listing *listings, size_t count)
{
	bool is_prefix = sink_trigger_is_prefix(subject->trigger);
	int64_t above[SINK_KIND_COUNT] = { 0 }, here[SINK_KIND_COUNT];
	bool covers = false;

	if (a->depth > 0)
		memcpy(above, a->stack[a->depth - 1].until, sizeof above);
	memcpy(here, above, sizeof here);
	for (size_t i = 0; i < count; i++) {
		const struct digest *d = &a->digests[listings[i].record];

		if (d->intake) {
			d->intake->distinct++;
			d->intake->subsumed += above[d->kind] >= d->until;
		}
		if (!d->covers || (!is_prefix && listings[i].scope == SINK_SCOPE_EXACT) ||
			here[d->kind] >= d->until)
			continue;
		here[d->kind] = d->until;
		covers = true;
	}
	if (covers && a->depth < DEPTH_MAX)
		push(a, subject, here);
}

static int account_all(struct accounting *a, struct sink_walk *walk)
{
	const struct sink_subject *subject;
	const struct sink_listing *listings;
	size_t count;
	int err;

	while ((err = sink_walk_next(walk, &subject, &listings, &count)) == SINK_OK) {
		for (size_t i = 0; i < count; i++)
			if (listings[i].record >= a->records)
				return SINK_ECORRUPT;
		if (subject->trigger != a->trigger)
			a->depth = 0;
		a->trigger = subject->trigger;
		while (a->depth > 0 && !is_above(&a->stack[a->depth - 1], subject))
			a->depth--;
		account(a, subject, listings, count);
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

static int count_all(struct accounting *a, struct intakes *intakes)
{
	struct sink_walk *walk;
	int err = read_records(a, intakes);

	if (err)
		return err;
	for (size_t i = 0; i < intakes->count; i++)
		if (find_intake(intakes, intakes->at[i].origin->name))
			intakes->at[i].distinct = 0;
	err = sink_walk_begin(a->reader, &walk);
	if (err)
		return err;
	err = account_all(a, walk);
	sink_walk_end(walk);
	return err;
}

int accounts_count(const struct sink_db *db, struct intakes *intakes)
{
	struct accounting *a = calloc(1, sizeof *a);
	struct sink_summary summary;
	int err = SINK_ENOMEM;

	if (!a)
		return err;
	sink_db_summary(db, &summary);
	a->records = summary.records;
	a->digests = calloc(a->records + (size_t)1, sizeof *a->digests);
	if (!a->digests)
		goto done;
	err = sink_reader_begin(db, &a->reader);
	if (!err)
		err = count_all(a, intakes);
	sink_reader_end(a->reader);
done:
	free(a->digests);
	free(a);
	return err;
}

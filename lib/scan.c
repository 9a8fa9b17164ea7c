/* scan.c - a database from one end to the other: each of its files by itself, checking each byte on the way, and the two
 * merged. */
#include "scan.h"

#include <stdlib.h>
#include <string.h>

#include "sinkhole/grow.h"

/* --- one subject after the other -------------------------------------------------------------- */

/* Names asked for come before all others, as their letters do. */
int scan_compare_subjects(const struct scan *a, const struct scan *b)
{
	const struct schema_block *x = &a->block, *y = &b->block;

	if (x->letter != y->letter)
		return x->letter < y->letter ? -1 : 1;
	return sink_span_compare(schema_block_at(x), schema_block_at(y));
}

int scan_begin(struct scan *scan, struct sink_reader *reader)
{
	*scan = (struct scan){ .reader = reader };
	return mdb_to_err(mdb_cursor_open(reader->txn, reader->db->table, &scan->cursor));
}

void scan_end(struct scan *scan)
{
	if (scan->cursor)
		mdb_cursor_close(scan->cursor);
}

/* Go on to the next block: names asked for come first, all others right behind them.
 *
 * returns  SINK_OK; SINK_ENOENT (that was all); SINK_ECORRUPT
 */
static int enter_block(struct scan *scan)
{
	static const uint8_t first = SCHEMA_NAMES;
	struct sink_span key = sink_span(&first, 1), block, last;
	int err = env_move(scan->cursor, scan->blocks ? MDB_NEXT : MDB_SET_RANGE, &key, &block);

	if (err)
		return err;
	if (!schema_is_block_key(key, &last))
		return SINK_ENOENT;
	scan->blocks++;
	scan->letter = scan->block.letter;
	scan->len = scan->block.len;
	memcpy(scan->key, scan->block.key, scan->len);
	schema_block_begin(&scan->block, block, key.at[0], last, scan->reader->db->meta.records);
	scan->block.is_delta = scan->reader->base != NULL;
	return SINK_OK;
}

/* The first subject of the next block. */
static int walk_first(struct scan *scan, struct schema_listings *listings)
{
	int err = enter_block(scan);

	if (!err)
		err = schema_block_next(&scan->block, listings);
	if (!err && scan->letter == scan->block.letter &&
		sink_span_compare(schema_block_at(&scan->block), sink_span(scan->key, scan->len)) <=
			0)
		err = SINK_ECORRUPT;
	return err;
}

int scan_next(struct scan *scan, struct schema_listings *listings)
{
	int err = scan->ended;

	if (err)
		return err;
	err = scan->inside ? schema_block_next(&scan->block, listings) : SINK_ENOENT;
	if (err == SINK_ENOENT)
		err = walk_first(scan, listings);
	scan->inside = true;
	scan->ended = err;
	return err;
}

/* --- both files side by side ------------------------------------------------------------------- */

/* Where one file's scan stands. */
struct side {
	struct scan scan;
	int state; /* SINK_OK: at a subject; else why there is none */
	struct schema_listings listings; /* of that */
};

#define SIDES 2 /* the file of the reader itself first: it has the last word */

struct sink_walk {
	struct side sides[SIDES];
	unsigned count;
	bool passed[SIDES]; /* its subject was told, or is not to be told */
	struct sink_listing *listings;
	size_t room;
};

static int begin(struct sink_walk *w, struct sink_reader *reader)
{
	for (; reader && w->count < SIDES; reader = reader->base) {
		int err = scan_begin(&w->sides[w->count].scan, reader);

		if (err)
			return err;
		w->passed[w->count++] = true; /* the place before the first */
	}
	return SINK_OK;
}

static void end(struct sink_walk *w)
{
	for (unsigned i = 0; i < SIDES; i++)
		scan_end(&w->sides[i].scan);
	free(w->listings);
}

/* Go on with those that were told.
 *
 * returns  SINK_OK; SINK_ECORRUPT
 */
static int advance(struct sink_walk *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		struct side *side = &w->sides[i];

		if (w->passed[i])
			side->state = scan_next(&side->scan, &side->listings);
		if (side->state && side->state != SINK_ENOENT)
			return side->state;
		w->passed[i] = false;
	}
	return SINK_OK;
}

/* The first subject of all; what the base says about one of a delta's is passed over.
 *
 * returns  NULL: there is no more
 */
static struct side *first(struct sink_walk *w)
{
	struct side *top = &w->sides[0], *base = &w->sides[1], *found;
	int order = -1;

	if (w->count == SIDES && !base->state)
		order = top->state ? 1 : scan_compare_subjects(&top->scan, &base->scan);
	w->passed[0] = order <= 0;
	w->passed[1] = order >= 0;
	found = order <= 0 ? top : base;
	return found->state ? NULL : found;
}

/* Go to the next subject that is listed.
 *
 * returns  SINK_OK; SINK_ENOENT; SINK_ECORRUPT
 */
static int next(struct sink_walk *w, struct side **out)
{
	int err;

	do {
		err = advance(w);
		*out = err ? NULL : first(w);
		if (!*out)
			return err ? err : SINK_ENOENT;
	} while (!(*out)->listings.more); /* removed */
	return SINK_OK;
}

/* How specific its listings are. */
static uint8_t labels_of(const struct sink_subject *subject)
{
	return sink_trigger_is_prefix(subject->trigger) ? subject->prefix.bits
							: subject->name.labels;
}

static struct sink_listing listing_of(const struct side *side, uint64_t number)
{
	return (struct sink_listing){ .record = side->scan.reader->db->first_record +
			schema_listing_record(number),
		.scope = schema_listing_scope(number),
		.labels = labels_of(&side->scan.block.subject) };
}

/* --- all at once -------------------------------------------------------------------------------- */

static int tell(struct side *side, sink_each_fn *fn, void *arg)
{
	uint64_t number;
	int err;

	while (!(err = schema_listing_next(&side->listings, &number))) {
		struct sink_listing listing = listing_of(side, number);

		err = fn(arg, &side->scan.block.subject, &listing);
		if (err)
			return err;
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

int sink_reader_each(struct sink_reader *reader, sink_each_fn *fn, void *arg)
{
	struct sink_walk walk = { .count = 0 };
	struct side *side;
	bool over = false;
	int err = begin(&walk, reader);

	while (!err && !over) {
		err = next(&walk, &side);
		over = err == SINK_ENOENT;
		if (!err)
			err = tell(side, fn, arg);
	}
	end(&walk);
	return over ? SINK_OK : err;
}

/* --- step by step ----------------------------------------------------------------------------- */

int sink_walk_begin(struct sink_reader *reader, struct sink_walk **out)
{
	struct sink_walk *w = calloc(1, sizeof *w);
	int err;

	if (!w)
		return SINK_ENOMEM;
	err = begin(w, reader);
	if (err) {
		sink_walk_end(w);
		return err;
	}
	*out = w;
	return SINK_OK;
}

static int gather(struct sink_walk *w, struct side *side, size_t *count)
{
	uint64_t number;
	size_t n = 0;
	int err;

	while (!(err = schema_listing_next(&side->listings, &number))) {
		struct sink_listing *at = sink_grow(w->listings, n, &w->room, sizeof *at);

		if (!at)
			return SINK_ENOMEM;
		w->listings = at;
		w->listings[n++] = listing_of(side, number);
	}
	*count = n;
	return err == SINK_ENOENT ? SINK_OK : err;
}

int sink_walk_next(struct sink_walk *w, const struct sink_subject **subject,
	const struct sink_listing **listings, size_t *count)
{
	struct side *side;
	int err = next(w, &side);

	if (err)
		return err;
	err = gather(w, side, count);
	if (err)
		return side->scan.ended = err;
	*subject = &side->scan.block.subject;
	*listings = w->listings;
	return SINK_OK;
}

void sink_walk_end(struct sink_walk *w)
{
	if (!w)
		return;
	end(w);
	free(w);
}

/* --- the order of subjects ------------------------------------------------------------------------ */

static int compare_prefixes(const struct sink_prefix *a, const struct sink_prefix *b)
{
	int order = memcmp(a->bytes, b->bytes, sizeof a->bytes);

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return order ? order : (a->bits > b->bits) - (a->bits < b->bits);
}

int sink_subject_compare(const struct sink_subject *a, const struct sink_subject *b)
{
	if (a->trigger != b->trigger)
		return a->trigger < b->trigger ? -1 : 1;
	if (sink_trigger_is_prefix(a->trigger))
		return compare_prefixes(&a->prefix, &b->prefix);
	return sink_span_compare(sink_name_key(&a->name), sink_name_key(&b->name));
}

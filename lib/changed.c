/* changed.c - what two deltas over one base say otherwise. */
#include <stdlib.h>

#include "scan.h"

/* The file of a database that lies over a base, subject by subject; a base alone says nothing. */
struct side {
	struct sink_reader *reader;
	struct scan scan;
	int state; /* SINK_OK: at a subject; SINK_ENOENT: at the end */
	struct schema_listings listings;
};

static int side_next(struct side *side)
{
	side->state = side->reader ? scan_next(&side->scan, &side->listings) : SINK_ENOENT;
	return side->state == SINK_ENOENT ? SINK_OK : side->state;
}

static int side_begin(struct side *side, const struct sink_db *db)
{
	int err;

	*side = (struct side){ .state = SINK_ENOENT };
	if (!db->base)
		return SINK_OK;
	err = sink_reader_begin(db, &side->reader);
	if (!err)
		err = scan_begin(&side->scan, side->reader);
	return err ? err : side_next(side);
}

static void side_end(struct side *side)
{
	scan_end(&side->scan);
	sink_reader_end(side->reader);
}

/* Which comes first; one at its end comes last. */
static int compare(const struct side *a, const struct side *b)
{
	if (a->state || b->state)
		return (a->state != SINK_OK) - (b->state != SINK_OK);
	return scan_compare_subjects(&a->scan, &b->scan);
}

static struct sink_span record_of(const struct side *side, uint64_t listing)
{
	return places_record(side->reader->db->places, schema_listing_record(listing));
}

/* Do both list the same? Listings stand in the order of records, and these in that of their bytes, so equal ones come
 * in the same order. */
static bool is_same(const struct side *a, const struct side *b)
{
	struct schema_listings x = a->listings, y = b->listings;
	uint64_t mine, others;
	int more, others_more;

	for (;;) {
		more = schema_listing_next(&x, &mine);
		others_more = schema_listing_next(&y, &others);
		if (more || others_more)
			return more == SINK_ENOENT && others_more == SINK_ENOENT;
		if (schema_listing_scope(mine) != schema_listing_scope(others) ||
			!sink_span_equal(record_of(a, mine), record_of(b, others)))
			return false;
	}
}

static int tell(struct side *now, struct side *before, sink_subject_fn *fn, void *arg)
{
	int order = compare(now, before), err = SINK_OK;

	if (order != 0 || !is_same(now, before))
		err = fn(arg, order <= 0 ? &now->scan.block.subject : &before->scan.block.subject);
	if (!err && order <= 0)
		err = side_next(now);
	if (!err && order >= 0)
		err = side_next(before);
	return err;
}

int sink_db_changed(const struct sink_db *now, const struct sink_db *before, sink_subject_fn *fn,
	void *arg)
{
	struct side mine, others = { .state = SINK_ENOENT };
	int err;

	if (sink_db_lowest(now) != sink_db_lowest(before))
		return SINK_EINVAL;
	err = side_begin(&mine, now);
	if (!err)
		err = side_begin(&others, before);
	while (!err && (mine.state == SINK_OK || others.state == SINK_OK))
		err = tell(&mine, &others, fn, arg);
	side_end(&mine);
	side_end(&others);
	return err;
}

/* places.c - the leaves of the B-tree, walked over once. */
#include "places.h"

#include <stdlib.h>

#include "env.h"
#include "shortcut.h"

/* Where a record lies, in one number: as bytes from the file's first, which is below a terabyte, and its length. */
#define LENGTH_BITS 24
_Static_assert(SCHEMA_RECORD_MAX < 1 << LENGTH_BITS, "a record is longer than its place can say");

struct places {
	struct shortcut *shortcut; /* NULL: the blocks' keys are out of order */
	const uint8_t *origin; /* the file's first byte in the map */
	uint64_t *records; /* 0: there is none of this number */
};

/* --- blocks --- */

static int add_blocks(const struct sink_reader *reader, struct shortcut *shortcut)
{
	static const uint8_t first[] = { SCHEMA_NAMES };
	struct sink_span key = sink_span(first, sizeof first), block, last;
	MDB_cursor_op op = MDB_SET_RANGE;
	int err;

	while (!(err = env_move(reader->cursor, op, &key, &block))) {
		if (!schema_is_block_key(key, &last) || key.at[0] != SCHEMA_NAMES)
			return SINK_OK;
		err = shortcut_add(shortcut, last, block);
		if (err)
			return err;
		op = MDB_NEXT;
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

static int learn_blocks(const struct sink_reader *reader, struct shortcut **out)
{
	struct shortcut *shortcut;
	int err = shortcut_new(&shortcut);

	if (err)
		return err;
	err = add_blocks(reader, shortcut);
	if (!err)
		err = shortcut_settle(shortcut);
	if (err)
		shortcut_free(shortcut);
	else
		*out = shortcut;
	return err == SINK_ECORRUPT ? SINK_OK : err;
}

/* --- records --- */

static void put_record(struct places *places, uint32_t number, struct sink_span record)
{
	places->records[number] =
		(uint64_t)(record.at - places->origin) << LENGTH_BITS | record.len;
}

/* They lie in the order of their numbers, and none is longer than a writer makes them; what is otherwise is left out. */
static int learn_records(const struct sink_reader *reader, struct places *places)
{
	uint32_t count = reader->db->meta.records, number;
	uint8_t first[SCHEMA_RECORD_KEY];
	struct sink_span key = sink_span(first, sizeof first), record;
	MDB_cursor_op op = MDB_SET_RANGE;
	int err;

	if (count == 0)
		return SINK_OK;
	places->records = calloc(count, sizeof *places->records);
	if (!places->records)
		return SINK_ENOMEM;
	schema_record_key(0, first);
	while (!(err = env_move(reader->cursor, op, &key, &record))) {
		if (!schema_is_record_key(key, &number))
			return SINK_OK;
		if (number < count && record.len <= SCHEMA_RECORD_MAX)
			put_record(places, number, record);
		op = MDB_NEXT;
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

/* --- */

int places_learn(struct sink_reader *reader, struct places **out)
{
	struct places *places = calloc(1, sizeof *places);
	int err;

	if (!places)
		return SINK_ENOMEM;
	places->origin = reader->db->origin;
	err = learn_blocks(reader, &places->shortcut);
	if (!err)
		err = learn_records(reader, places);
	if (err)
		places_free(places);
	else
		*out = places;
	return err;
}

void places_free(struct places *places)
{
	if (!places)
		return;
	shortcut_free(places->shortcut);
	free(places->records);
	free(places);
}

bool places_block(const struct places *places, struct sink_span name, struct sink_span *block)
{
	return places->shortcut && shortcut_find(places->shortcut, name, block);
}

struct sink_span places_record(const struct places *places, uint32_t number)
{
	uint64_t place = places->records[number];
	size_t len = place & ((UINT64_C(1) << LENGTH_BITS) - 1);

	return sink_span(len > 0 ? places->origin + (place >> LENGTH_BITS) : NULL, len);
}

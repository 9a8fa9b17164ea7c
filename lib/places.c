/* places.c - the leaves of the B-tree, walked over once. */
#include "places.h"

#include <stdlib.h>

#include "env.h"
#include "shortcut.h"

/* Where a record lies, in one number: bytes from somewhere in the map, forward or back, which are less than half a terabyte,
 * and its length. */
#define LENGTH_BITS 24
#define CANCEL_EVERY 4096 /* leaves between two looks whether to give up */
_Static_assert(SCHEMA_RECORD_MAX < 1 << LENGTH_BITS, "a record is longer than its place can say");

struct places {
	struct shortcut *shortcut; /* NULL: the blocks' keys are out of order */
	const uint8_t *anchor; /* some byte of the map */
	int64_t *records; /* 0: there is none of this number */
	uint8_t *plain; /* of each of them; NOT_PLAIN, or what is to be known of it */
};

#define NOT_PLAIN UINT8_MAX
_Static_assert(SINK_KIND_COUNT *SINK_HINT_COUNT <= NOT_PLAIN, "more than a byte can say");

/* What is walked over. */
struct leaves {
	const struct sink_reader *reader;
	const atomic_bool *cancel; /* may be NULL */
	size_t count;
};

static int next_leaf(struct leaves *leaves, struct sink_span *key, struct sink_span *value)
{
	if (leaves->cancel && leaves->count % CANCEL_EVERY == 0 && atomic_load(leaves->cancel))
		return SINK_ECANCELED;
	return env_move(leaves->reader->cursor, leaves->count++ ? MDB_NEXT : MDB_SET_RANGE, key,
		value);
}

/* --- blocks --- */

static int add_blocks(struct leaves leaves, struct shortcut *shortcut)
{
	static const uint8_t first[] = { SCHEMA_NAMES };
	struct sink_span key = sink_span(first, sizeof first), block, last;
	int err;

	while (!(err = next_leaf(&leaves, &key, &block))) {
		if (!schema_is_block_key(key, &last) || key.at[0] != SCHEMA_NAMES)
			return SINK_OK;
		err = shortcut_add(shortcut, last, block);
		if (err)
			return err;
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

static int learn_blocks(struct leaves leaves, struct shortcut **out)
{
	struct shortcut *shortcut;
	int err = shortcut_new(&shortcut);

	if (err)
		return err;
	err = add_blocks(leaves, shortcut);
	if (err)
		shortcut_free(shortcut);
	else
		*out = shortcut;
	return err == SINK_ECORRUPT ? SINK_OK : err;
}

/* --- records --- */

static void put_record(struct places *places, uint32_t number, struct sink_span record)
{
	int64_t distance = record.at - places->anchor;

	places->records[number] = distance * (INT64_C(1) << LENGTH_BITS) + (int64_t)record.len;
}

/* As most are. */
static uint8_t plainly(struct sink_span value)
{
	struct sink_record record;

	if (schema_record_decode(value, &record) || !sink_record_is_plain(&record))
		return NOT_PLAIN;
	return (uint8_t)(record.kind * SINK_HINT_COUNT + record.hint);
}

/* They lie in the order of their numbers, and none is longer than a writer makes them; what is otherwise is left out. */
static int learn_records(struct leaves leaves, struct places *places)
{
	uint32_t count = leaves.reader->db->meta.records, number;
	uint8_t first[SCHEMA_RECORD_KEY];
	struct sink_span key = sink_span(first, sizeof first), record;
	int err;

	if (count == 0)
		return SINK_OK;
	places->records = calloc(count, sizeof *places->records);
	places->plain = malloc(count);
	if (!places->records || !places->plain)
		return SINK_ENOMEM;
	memset(places->plain, NOT_PLAIN, count);
	schema_record_key(0, first);
	while (!(err = next_leaf(&leaves, &key, &record))) {
		if (!schema_is_record_key(key, &number))
			return SINK_OK;
		if (number >= count || record.len > SCHEMA_RECORD_MAX)
			continue;
		put_record(places, number, record);
		places->plain[number] = plainly(record);
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

/* --- */

int places_learn(struct sink_reader *reader, const uint8_t *anchor, const atomic_bool *cancel,
	struct places **out)
{
	const struct leaves leaves = { .reader = reader, .cancel = cancel };
	struct places *places = calloc(1, sizeof *places);
	int err;

	if (!places)
		return SINK_ENOMEM;
	places->anchor = anchor;
	err = learn_blocks(leaves, &places->shortcut);
	if (!err)
		err = learn_records(leaves, places);
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
	free(places->plain);
	free(places);
}

bool places_block(const struct places *places, struct sink_span name, struct sink_span *block)
{
	return places->shortcut && shortcut_find(places->shortcut, name, block);
}

struct sink_span places_record(const struct places *places, uint32_t number)
{
	const int64_t unit = INT64_C(1) << LENGTH_BITS;
	int64_t place = places->records[number], len = place & (unit - 1);

	return sink_span(len > 0 ? places->anchor + (place - len) / unit : NULL, (size_t)len);
}

bool places_plain(const struct places *places, uint32_t number, enum sink_kind *kind,
	enum sink_hint *hint)
{
	unsigned plain = places->plain[number];

	if (plain == NOT_PLAIN)
		return false;
	*kind = (enum sink_kind)(plain / SINK_HINT_COUNT);
	*hint = (enum sink_hint)(plain % SINK_HINT_COUNT);
	return true;
}

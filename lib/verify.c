/* verify.c - read a database from end to end: for listing it, and to see whether it is sound. */
#include <string.h>

#include "env.h"
#include "hash.h"

/* Called for each name in canonical order. */
typedef int name_fn(void *arg, const struct sink_name *name, struct schema_listings *listings);

struct walk {
	struct sink_reader *reader;
	name_fn *fn;
	void *arg;
	uint64_t blocks; /* that were seen */
	size_t len; /* of the key of the last name seen; names cross blocks in order, too */
	uint8_t key[SINK_KEY_MAX];
};

static int compare(struct sink_span a, struct sink_span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.at, b.at, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int walk_block(struct walk *walk, struct sink_span block, struct sink_span last)
{
	struct schema_block names;
	struct schema_listings listings;
	struct sink_name name;
	bool first = walk->blocks++ == 0;
	int err;

	schema_block_begin(&names, block, last, walk->reader->db->meta.records);
	while (!(err = schema_block_next(&names, &name, &listings))) {
		if (!first && compare(sink_name_key(&name), sink_span(walk->key, walk->len)) <= 0)
			return SINK_ECORRUPT;
		first = false;
		walk->len = name.len;
		memcpy(walk->key, name.key, name.len);
		err = walk->fn(walk->arg, &name, &listings);
		if (err)
			return err;
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

static int walk_blocks(struct walk *walk, MDB_cursor *cursor)
{
	uint8_t bytes[SCHEMA_NAMES_KEY_MAX];
	struct sink_span key = sink_span(bytes, schema_names_key(sink_span(NULL, 0), bytes));
	struct sink_span block, last;
	int err = env_move(cursor, MDB_SET_RANGE, &key, &block);

	while (!err && schema_is_names_key(key, &last)) {
		err = walk_block(walk, block, last);
		if (!err)
			err = env_move(cursor, MDB_NEXT, &key, &block);
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

/* With a cursor of its own, so that `fn` may search. */
static int walk_names(struct walk *walk)
{
	struct sink_reader *reader = walk->reader;
	MDB_cursor *cursor;
	int err = mdb_to_err(mdb_cursor_open(reader->txn, reader->db->table, &cursor));

	if (err)
		return err;
	err = walk_blocks(walk, cursor);
	mdb_cursor_close(cursor);
	return err;
}

/* --- listing ---------------------------------------------------------------------------------- */

struct each {
	sink_each_fn *fn;
	void *arg;
};

static int each_name(void *arg, const struct sink_name *name, struct schema_listings *listings)
{
	struct each *each = arg;
	struct sink_listing listing = { .labels = name->labels };
	struct sink_subject subject = { .trigger = SINK_TRIGGER_QNAME, .name = *name };
	uint64_t number;
	int err;

	while (!(err = schema_listing_next(listings, &number))) {
		listing.record = schema_listing_record(number);
		listing.scope = schema_listing_scope(number);
		err = each->fn(each->arg, &subject, &listing);
		if (err)
			return err;
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

int sink_reader_each(struct sink_reader *reader, sink_each_fn *fn, void *arg)
{
	struct each each = { .fn = fn, .arg = arg };
	struct walk walk = { .reader = reader, .fn = each_name, .arg = &each };

	return walk_names(&walk);
}

/* --- verifying -------------------------------------------------------------------------------- */

struct count {
	const struct sink_db *db;
	uint64_t names, listings;
	const char *wrong; /* what was found first */
};

static int count_name(void *arg, const struct sink_name *name, struct schema_listings *listings)
{
	struct count *count = arg;
	uint64_t number;
	int err;

	if (!filter_has(&count->db->filter, hash_key(sink_name_key(name)))) {
		count->wrong = "the filter does not know a listed name";
		return SINK_ECORRUPT;
	}
	count->names++;
	while (!(err = schema_listing_next(listings, &number)))
		count->listings++;
	return err == SINK_ENOENT ? SINK_OK : err;
}

/* Every record reads, and stands where the order of bytes wants it. */
static int verify_records(struct sink_reader *reader)
{
	struct sink_span value, before = sink_span(NULL, 0);
	uint8_t key[SCHEMA_RECORD_KEY];
	struct sink_record record;

	for (uint32_t id = 0; id < reader->db->meta.records; id++) {
		schema_record_key(id, key);
		if (env_get(reader, sink_span(key, sizeof key), &value) ||
			schema_record_decode(value, &record) || compare(value, before) <= 0)
			return SINK_ECORRUPT;
		before = value;
	}
	return SINK_OK;
}

/* How many keys there are. */
static int count_keys(struct sink_reader *reader, uint64_t *out)
{
	struct sink_span key = sink_span(NULL, 0), value;
	uint64_t keys = 0;
	int err = env_move(reader->cursor, MDB_FIRST, &key, &value);

	for (; !err; keys++)
		err = env_move(reader->cursor, MDB_NEXT, &key, &value);
	*out = keys;
	return err == SINK_ENOENT ? SINK_OK : err;
}

/* Opening found filter, head and policy; blocks and records were counted: is that all? */
static int verify_counts(struct sink_reader *reader, const struct count *count, uint64_t blocks,
	const char **wrong)
{
	const struct schema_meta *meta = &reader->db->meta;
	uint64_t keys;

	if (count_keys(reader, &keys))
		*wrong = "a key that cannot be read";
	else if (keys != 3 + blocks + meta->records)
		*wrong = "a key that does not belong there";
	else if (count->names != meta->names)
		*wrong = "another number of names than its head says";
	else if (count->listings != meta->listings)
		*wrong = "another number of listings than its head says";
	else
		return SINK_OK;
	return SINK_ECORRUPT;
}

int sink_reader_verify(struct sink_reader *reader, struct sink_why *why)
{
	struct count count = { .db = reader->db, .wrong = "a damaged block of names" };
	struct walk walk = { .reader = reader, .fn = count_name, .arg = &count };
	int err = walk_names(&walk);

	if (!err) {
		count.wrong = "a damaged record";
		err = verify_records(reader);
	}
	if (!err)
		err = verify_counts(reader, &count, walk.blocks, &count.wrong);
	return err
		? sink_why(why, err, "%s", err == SINK_ECORRUPT ? count.wrong : sink_strerror(err))
		: SINK_OK;
}

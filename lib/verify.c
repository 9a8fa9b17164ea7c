/* verify.c - read a database from end to end: for listing it, and to see whether it is sound. */
#include <stdlib.h>
#include <string.h>

#include "env.h"
#include "intern.h"
#include "sinkhole/grow.h"
#include "times.h"

/* --- one subject after the other -------------------------------------------------------------- */

struct walk {
	struct sink_reader *reader;
	MDB_cursor *cursor; /* of its own, so that who walks may search on the way */
	uint64_t blocks; /* that were entered */
	int ended; /* SINK_OK, or why there is no more */
	bool inside; /* there may be more in the block at hand */
	struct schema_block block;
	uint8_t letter; /* of the block before; 0: there was none */
	size_t len; /* of the key that it ended with: keys rise across blocks, too */
	uint8_t key[SCHEMA_SUBJECT_MAX];
};

static int compare(struct sink_span a, struct sink_span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.at, b.at, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int walk_begin(struct walk *walk, struct sink_reader *reader)
{
	*walk = (struct walk){ .reader = reader };
	return mdb_to_err(mdb_cursor_open(reader->txn, reader->db->table, &walk->cursor));
}

static void walk_end(struct walk *walk)
{
	if (walk->cursor)
		mdb_cursor_close(walk->cursor);
}

/* Go on to the next block: names asked for come first, all others right behind them.
 *
 * returns  SINK_OK; SINK_ENOENT (that was all); SINK_ECORRUPT
 */
static int enter_block(struct walk *walk)
{
	static const uint8_t first = SCHEMA_NAMES;
	struct sink_span key = sink_span(&first, 1), block, last;
	int err = env_move(walk->cursor, walk->blocks ? MDB_NEXT : MDB_SET_RANGE, &key, &block);

	if (err)
		return err;
	if (!schema_is_block_key(key, &last))
		return SINK_ENOENT;
	walk->blocks++;
	walk->letter = walk->block.letter;
	walk->len = walk->block.len;
	memcpy(walk->key, walk->block.key, walk->len);
	schema_block_begin(&walk->block, block, key.at[0], last, walk->reader->db->meta.records);
	return SINK_OK;
}

/* The first subject of the next block. */
static int walk_first(struct walk *walk, struct schema_listings *listings)
{
	int err = enter_block(walk);

	if (!err)
		err = schema_block_next(&walk->block, listings);
	if (!err && walk->letter == walk->block.letter &&
		compare(schema_block_at(&walk->block), sink_span(walk->key, walk->len)) <= 0)
		err = SINK_ECORRUPT;
	return err;
}

/* Go to the next subject, which is walk->block.subject then.
 *
 * returns  SINK_OK; SINK_ENOENT (that was all); SINK_ECORRUPT; what it returned before, if that was not OK
 */
static int walk_next(struct walk *walk, struct schema_listings *listings)
{
	int err = walk->ended;

	if (err)
		return err;
	err = walk->inside ? schema_block_next(&walk->block, listings) : SINK_ENOENT;
	if (err == SINK_ENOENT)
		err = walk_first(walk, listings);
	walk->inside = true;
	walk->ended = err;
	return err;
}

/* How specific its listings are. */
static uint8_t labels_of(const struct sink_subject *subject)
{
	return sink_trigger_is_prefix(subject->trigger) ? subject->prefix.bits
							: subject->name.labels;
}

static struct sink_listing listing_of(const struct sink_subject *subject, uint64_t number)
{
	return (struct sink_listing){ .record = schema_listing_record(number),
		.scope = schema_listing_scope(number),
		.labels = labels_of(subject) };
}

/* --- listing ---------------------------------------------------------------------------------- */

static int tell(const struct sink_subject *subject, struct schema_listings *listings,
	sink_each_fn *fn, void *arg)
{
	uint64_t number;
	int err;

	while (!(err = schema_listing_next(listings, &number))) {
		struct sink_listing listing = listing_of(subject, number);

		err = fn(arg, subject, &listing);
		if (err)
			return err;
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

int sink_reader_each(struct sink_reader *reader, sink_each_fn *fn, void *arg)
{
	struct schema_listings listings;
	struct walk walk;
	int err = walk_begin(&walk, reader);

	if (err)
		return err;
	while (!err) {
		err = walk_next(&walk, &listings);
		if (err == SINK_ENOENT)
			break;
		if (!err)
			err = tell(&walk.block.subject, &listings, fn, arg);
	}
	walk_end(&walk);
	return walk.ended == SINK_ENOENT ? SINK_OK : err;
}

/* --- step by step ----------------------------------------------------------------------------- */

struct sink_walk {
	struct walk walk;
	struct sink_listing *listings;
	size_t room;
};

int sink_walk_begin(struct sink_reader *reader, struct sink_walk **out)
{
	struct sink_walk *w = calloc(1, sizeof *w);
	int err;

	if (!w)
		return SINK_ENOMEM;
	err = walk_begin(&w->walk, reader);
	if (err) {
		sink_walk_end(w);
		return err;
	}
	*out = w;
	return SINK_OK;
}

static int gather(struct sink_walk *w, struct schema_listings *listings, size_t *count)
{
	const struct sink_subject *subject = &w->walk.block.subject;
	uint64_t number;
	size_t n = 0;
	int err;

	while (!(err = schema_listing_next(listings, &number))) {
		struct sink_listing *at = sink_grow(w->listings, n, &w->room, sizeof *at);

		if (!at)
			return SINK_ENOMEM;
		w->listings = at;
		w->listings[n++] = listing_of(subject, number);
	}
	*count = n;
	return err == SINK_ENOENT ? SINK_OK : err;
}

int sink_walk_next(struct sink_walk *w, const struct sink_subject **subject,
	const struct sink_listing **listings, size_t *count)
{
	struct schema_listings found;
	int err = walk_next(&w->walk, &found);

	if (err)
		return err;
	err = gather(w, &found, count);
	if (err)
		return w->walk.ended = err;
	*subject = &w->walk.block.subject;
	*listings = w->listings;
	return SINK_OK;
}

void sink_walk_end(struct sink_walk *w)
{
	if (!w)
		return;
	walk_end(&w->walk);
	free(w->listings);
	free(w);
}

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
	return compare(sink_name_key(&a->name), sink_name_key(&b->name));
}

/* --- verifying -------------------------------------------------------------------------------- */

/* What is counted on the way through the blocks. */
struct seen {
	struct schema_meta meta;
	uint64_t blocks;
	uint8_t *triggers; /* of each record, bit 1 << trigger */
};

static int count_subjects(struct walk *walk, struct seen *seen, const char **wrong)
{
	const struct filter *filter = &walk->reader->db->filter;
	struct schema_listings listings;
	uint64_t number;
	int err;

	while (!(err = walk_next(walk, &listings))) {
		struct sink_span key = schema_block_at(&walk->block);

		if (!filter_has(filter, schema_hash(walk->block.letter, key))) {
			*wrong = "the filter does not know a listed name or prefix";
			return SINK_ECORRUPT;
		}
		schema_meta_count(&seen->meta, walk->block.letter, key);
		while (!schema_listing_next(&listings, &number)) {
			seen->meta.listings++;
			seen->triggers[schema_listing_record(number)] |=
				(uint8_t)(1u << walk->block.subject.trigger);
		}
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

static int verify_blocks(struct sink_reader *reader, struct seen *seen, const char **wrong)
{
	struct walk walk;
	int err = walk_begin(&walk, reader);

	*wrong = "a damaged block of names or prefixes";
	if (!err)
		err = count_subjects(&walk, seen, wrong);
	seen->blocks = walk.blocks;
	walk_end(&walk);
	return err;
}

/* Every record reads, and stands where the order of bytes wants it. */
static int verify_records(struct sink_reader *reader, const char **wrong)
{
	struct sink_span value, before = sink_span(NULL, 0);
	uint8_t key[SCHEMA_RECORD_KEY];
	struct sink_record record;

	*wrong = "a damaged record";
	for (uint32_t id = 0; id < reader->db->meta.records; id++) {
		schema_record_key(id, key);
		if (env_get(reader, sink_span(key, sizeof key), &value) ||
			schema_record_decode(value, &record) || compare(value, before) <= 0)
			return SINK_ECORRUPT;
		before = value;
	}
	return SINK_OK;
}

/* Is this the facet that a record has, and the head of that facet as it must be so far? */
static int verify_facet(struct sink_reader *reader, struct intern *keys, const struct seen *seen,
	uint8_t *triggers, uint32_t id)
{
	uint8_t key[SCHEMA_FACET_KEY_MAX], stored[SCHEMA_RECORD_KEY], head;
	uint32_t known = keys->count, facet, first;
	struct sink_span value;
	int err;

	schema_record_key(id, stored);
	err = env_get(reader, sink_span(stored, sizeof stored), &value);
	if (!err)
		err = intern_add(keys, sink_span(key, schema_facet_key(value, key)), &facet);
	if (err)
		return err;
	if (sink_db_facet_of(reader->db, id) != facet)
		return SINK_ECORRUPT;
	schema_facet_head(&reader->db->facets, facet, &first, &head);
	if (facet == known && first != id)
		return SINK_ECORRUPT;
	triggers[facet] |= seen->triggers[id];
	return SINK_OK;
}

static int verify_each_facet(struct sink_reader *reader, const struct seen *seen, uint8_t *triggers,
	struct intern *keys)
{
	const struct schema_facets *facets = &reader->db->facets;
	uint32_t first;
	uint8_t head;
	int err = intern_begin(keys);

	for (uint32_t id = 0; id < reader->db->meta.records && !err; id++)
		err = verify_facet(reader, keys, seen, triggers, id);
	if (err)
		return err;
	if (keys->count != facets->count)
		return SINK_ECORRUPT;
	for (uint32_t i = 0; i < facets->count; i++) {
		schema_facet_head(facets, i, &first, &head);
		if (head != triggers[i])
			return SINK_ECORRUPT;
	}
	return SINK_OK;
}

static int verify_facets(struct sink_reader *reader, const struct seen *seen, const char **wrong)
{
	uint8_t *triggers = calloc((size_t)reader->db->facets.count + 1, 1);
	struct intern keys = { .count = 0 };
	int err = triggers ? verify_each_facet(reader, seen, triggers, &keys) : SINK_ENOMEM;

	*wrong = "facets that are not those of its records";
	intern_end(&keys);
	free(triggers);
	return err;
}

static int gather_times(struct sink_reader *reader, struct times *times)
{
	uint8_t key[SCHEMA_RECORD_KEY];
	struct sink_span value;
	int err = SINK_OK;

	for (uint32_t id = 0; !err && id < reader->db->meta.records; id++) {
		schema_record_key(id, key);
		err = env_get(reader, sink_span(key, sizeof key), &value);
		if (!err)
			err = times_take(times, value, sink_db_facet_of(reader->db, id));
	}
	return err;
}

static bool has_times(const struct sink_reader *reader)
{
	const struct schema_times *times = &reader->db->times;

	return times->counts[SCHEMA_TURN_SURE] > 0 || times->counts[SCHEMA_TURN_PERHAPS] > 0;
}

static int compare_times(const struct sink_reader *reader, struct times *times)
{
	size_t len = times_settle(times);
	uint8_t *bytes = malloc(len + 1);
	struct sink_span stored;
	int err = bytes ? env_get(reader, sink_span_text(SCHEMA_TIMES), &stored) : SINK_ENOMEM;

	if (!err) {
		times_write(times, bytes, len);
		err = sink_span_equal(stored, sink_span(bytes, len)) ? SINK_OK : SINK_ECORRUPT;
	}
	free(bytes);
	return err;
}

/* That they are lacking is no fault: they did not belong to this version from its beginning. */
static int verify_times(struct sink_reader *reader, const char **wrong)
{
	struct times times;
	int err;

	if (!has_times(reader))
		return SINK_OK;
	err = times_begin(&times, reader->db->facets.count);
	if (!err)
		err = gather_times(reader, &times);
	if (!err)
		err = compare_times(reader, &times);
	times_end(&times);
	*wrong = "times that are not those of its records";
	return err;
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

/* Opening found filter, head, facets and perhaps times; blocks and records were counted: is that all? */
static int verify_counts(struct sink_reader *reader, const struct seen *counted, const char **wrong)
{
	const struct schema_meta *seen = &counted->meta;
	const struct schema_meta *meta = &reader->db->meta;
	uint64_t keys;

	if (count_keys(reader, &keys))
		*wrong = "a key that cannot be read";
	else if (keys != 3 + has_times(reader) + counted->blocks + meta->records)
		*wrong = "a key that does not belong there";
	else if (memcmp(seen->subjects, meta->subjects, sizeof meta->subjects) != 0)
		*wrong = "another number of names or prefixes than its head says";
	else if (memcmp(seen->lengths, meta->lengths, sizeof meta->lengths) != 0)
		*wrong = "prefixes of other lengths than its head says";
	else if (seen->listings != meta->listings)
		*wrong = "another number of listings than its head says";
	else
		return SINK_OK;
	return SINK_ECORRUPT;
}

int sink_reader_verify(struct sink_reader *reader, struct sink_why *why)
{
	struct seen seen = { .blocks = 0 };
	const char *wrong = "";
	int err;

	seen.triggers = calloc((size_t)reader->db->meta.records + 1, 1);
	err = seen.triggers ? verify_blocks(reader, &seen, &wrong) : SINK_ENOMEM;
	if (!err)
		err = verify_records(reader, &wrong);
	if (!err)
		err = verify_facets(reader, &seen, &wrong);
	if (!err)
		err = verify_times(reader, &wrong);
	if (!err)
		err = verify_counts(reader, &seen, &wrong);
	free(seen.triggers);
	return err ? sink_why(why, err, "%s", err == SINK_ECORRUPT ? wrong : sink_strerror(err))
		   : SINK_OK;
}

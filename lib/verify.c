/* verify.c - read a database from end to end, to see whether it is sound. */
#include <stdlib.h>
#include <string.h>

#include "intern.h"
#include "scan.h"
#include "times.h"

/* What is counted on the way through the blocks. */
struct seen {
	struct schema_meta meta;
	uint64_t blocks;
	uint8_t *triggers; /* of each record, bit 1 << trigger */
};

static int count_subjects(struct scan *scan, struct seen *seen, const char **wrong)
{
	const struct filter *filter = &scan->reader->db->filter;
	struct schema_listings listings;
	uint64_t number;
	int err;

	while (!(err = scan_next(scan, &listings))) {
		struct sink_span key = schema_block_at(&scan->block);

		if (!filter_has(filter, schema_hash(scan->block.letter, key))) {
			*wrong = "the filter does not know a listed name or prefix";
			return SINK_ECORRUPT;
		}
		schema_meta_count(&seen->meta, scan->block.letter, key);
		seen->meta.listings += !listings.more; /* removed: counted like a listing */
		while (!schema_listing_next(&listings, &number)) {
			seen->meta.listings++;
			seen->triggers[schema_listing_record(number)] |=
				(uint8_t)(1u << scan->block.subject.trigger);
		}
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

static int verify_blocks(struct sink_reader *reader, struct seen *seen, const char **wrong)
{
	struct scan scan;
	int err = scan_begin(&scan, reader);

	*wrong = "a damaged block of names or prefixes";
	if (!err)
		err = count_subjects(&scan, seen, wrong);
	seen->blocks = scan.blocks;
	scan_end(&scan);
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
			schema_record_decode(value, &record) ||
			sink_span_compare(value, before) <= 0)
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
	if (schema_facet_of(&reader->db->facets, id) != facet)
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
			err = times_take(times, value, schema_facet_of(&reader->db->facets, id));
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

/* Opening found filter, head, facets, of a delta what it is, and perhaps times; blocks and records were counted: is that
 * all? */
static int verify_counts(struct sink_reader *reader, const struct seen *counted, const char **wrong)
{
	const struct schema_meta *seen = &counted->meta;
	const struct schema_meta *meta = &reader->db->meta;
	uint64_t keys;

	if (count_keys(reader, &keys))
		*wrong = "a key that cannot be read";
	else if (keys !=
		3u + (reader->base ? 1u : 0u) + has_times(reader) + counted->blocks + meta->records)
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

/* One file by itself. */
static int verify_file(struct sink_reader *reader, const char **wrong)
{
	struct seen seen = { .blocks = 0 };
	int err;

	seen.triggers = calloc((size_t)reader->db->meta.records + 1, 1);
	err = seen.triggers ? verify_blocks(reader, &seen, wrong) : SINK_ENOMEM;
	if (!err)
		err = verify_records(reader, wrong);
	if (!err)
		err = verify_facets(reader, &seen, wrong);
	if (!err)
		err = verify_times(reader, wrong);
	if (!err)
		err = verify_counts(reader, &seen, wrong);
	free(seen.triggers);
	return err;
}

/* Does a delta say rightly how much is listed in both files together? */
static int verify_sums(struct sink_reader *reader, const char **wrong)
{
	const struct schema_delta *delta = &reader->db->delta;
	const struct sink_listing *listings;
	const struct sink_subject *subject;
	uint64_t names = 0, sum = 0;
	struct sink_walk *scan;
	size_t count;
	int err = sink_walk_begin(reader, &scan);

	if (err)
		return err;
	while (!(err = sink_walk_next(scan, &subject, &listings, &count))) {
		names++;
		sum += count;
	}
	sink_walk_end(scan);
	*wrong = "other sums of names or listings than the delta says";
	if (err == SINK_ENOENT)
		err = names == delta->names && sum == delta->listings ? SINK_OK : SINK_ECORRUPT;
	return err;
}

int sink_reader_verify(struct sink_reader *reader, struct sink_why *why)
{
	const char *wrong = "";
	int err = verify_file(reader, &wrong);

	if (!err && reader->base)
		err = verify_file(reader->base, &wrong);
	if (!err && reader->base)
		err = verify_sums(reader, &wrong);
	return err ? sink_why(why, err, "%s", err == SINK_ECORRUPT ? wrong : sink_strerror(err))
		   : SINK_OK;
}

/* writer.c - from names, prefixes and records in any order to one database file. */
#include "writer.h"

#include <errno.h>
#include <stdlib.h>

#include "crowd.h"
#include "distinct.h"
#include "fill.h"
#include "filter.h"
#include "intern.h"
#include "run.h"
#include "sinkhole/grow.h"
#include "sort.h"
#include "spool.h"
#include "times.h"
#include "wire.h"

#define MEMORY_DEFAULT (UINT64_C(256) << 20) /* bytes */
#define HASHES_ROOM (1u << 18) /* bytes of hashes to keep in memory */
#define HASHES_BATCH 1024 /* to read at once */
#define OTHERS_PART 4 /* of the memory goes to what is no name asked for, if there is any */
#define BATCH_LEN 4 /* bytes behind an interned record: its batch */
#define DROPPED UINT32_MAX /* in the place of a stored id */
#define AHEAD 16 /* hashes whose blocks are loaded before they are needed */

_Static_assert(sizeof((struct run_reader *)0)->key >= SCHEMA_SUBJECT_MAX,
	"keys must fit what sorts them");

struct sink_writer {
	char *path, *dir;
	size_t memory;
	int err,
		cause; /* of the first call that failed, and errno: the file would miss something */
	struct intern records; /* each with its batch */
	uint32_t batch; /* the current one */
	size_t batches_room;
	bool *dropped; /* by batch */
	struct sort *names; /* the numbers are listings with the record as it was interned */
	struct sort *others; /* the same; NULL until the first one */
	struct fill *fill;
	bool is_delta;
	struct schema_delta delta; /* if it is one */
	void (*tell)(void *arg, const struct sink_crowd *crowd); /* NULL: nobody wants to know */
	void *tell_arg;
};

/* What becomes of the sorted entries. */
struct build {
	struct sink_writer *w;
	uint32_t *order; /* interned numbers of records in the order in which they are stored */
	uint32_t *stored; /* and the other way round; or DROPPED */
	uint8_t *triggers; /* of each stored record: bit 1 << trigger of what is listed under it */
	struct distinct listings; /* of the subject at hand */
	bool removed; /* the subject at hand, unless it has listings */
	uint8_t letter; /* of the blocks at hand */
	size_t key_len; /* of the subject at hand */
	uint8_t key[SCHEMA_SUBJECT_MAX];
	struct schema_coder coder;
	struct spool hashes; /* 8 bytes a subject: how large the filter is, is known at the end */
	struct schema_meta meta;
	uint64_t removals; /* subjects; they count among the listings of meta */
	uint64_t crowded;
};

/* --- begin, add ------------------------------------------------------------------------------- */

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static int begin(struct sink_writer *w, const struct sink_writer_options *options,
	struct sink_why *why)
{
	int err;

	w->memory = options->memory ? options->memory : MEMORY_DEFAULT;
	w->tell = options->crowd;
	w->tell_arg = options->arg;
	w->path = strdup(options->path);
	w->dir = options->tmpdir ? strdup(options->tmpdir) : directory_of(options->path);
	w->dropped = sink_grow(NULL, 0, &w->batches_room, sizeof *w->dropped);
	if (!w->path || !w->dir || !w->dropped)
		return SINK_ENOMEM;
	w->dropped[0] = false;
	err = intern_begin(&w->records);
	if (!err)
		err = sort_begin(w->dir, w->memory, &w->names);
	if (err)
		return sink_why(why, err, "%s: %s", w->path, sink_strerror(err));
	return fill_begin(options->path, why, &w->fill);
}

int sink_writer_begin(const struct sink_writer_options *options, struct sink_why *why,
	struct sink_writer **out)
{
	struct sink_writer *w = calloc(1, sizeof *w);
	int err;

	if (!w)
		return SINK_ENOMEM;
	err = begin(w, options, why);
	if (err) {
		sink_writer_abort(w);
		return err;
	}
	*out = w;
	return SINK_OK;
}

/* --- batches: a record is interned with the number of its batch behind it -------------------------- */

uint32_t sink_writer_batch(struct sink_writer *w)
{
	bool *dropped =
		sink_grow(w->dropped, (size_t)w->batch + 1, &w->batches_room, sizeof *w->dropped);

	if (!dropped) {
		w->err = SINK_ENOMEM;
		w->cause = ENOMEM;
		return w->batch;
	}
	w->dropped = dropped;
	w->dropped[++w->batch] = false;
	return w->batch;
}

void sink_writer_drop(struct sink_writer *w, uint32_t batch)
{
	if (batch <= w->batch)
		w->dropped[batch] = true;
}

/* A record as it will be stored. */
static struct sink_span record_bytes(const struct sink_writer *w, uint32_t number)
{
	struct sink_span bytes = intern_get(&w->records, number);

	return sink_span(bytes.at, bytes.len - BATCH_LEN);
}

static bool is_dropped(const struct sink_writer *w, uint32_t number)
{
	struct sink_span bytes = intern_get(&w->records, number);
	struct wire_in in = { .left = sink_span(bytes.at + bytes.len - BATCH_LEN, BATCH_LEN) };

	return w->dropped[wire_u32(&in)];
}

int sink_writer_record(struct sink_writer *w, const struct sink_record *record, uint32_t *out)
{
	uint8_t bytes[SCHEMA_RECORD_MAX + BATCH_LEN];
	size_t len = schema_record_encode(record, bytes);
	struct wire_out to = { .at = bytes + len, .left = BATCH_LEN };

	if (len == 0)
		return SINK_EINVAL;
	wire_put_u32(&to, w->batch);
	return intern_add(&w->records, sink_span(bytes, len + BATCH_LEN), out);
}

/* --- listings ----------------------------------------------------------------------------------- */

/* What failed once fails ever after: the file would miss something. */
static int remember(struct sink_writer *w, int err)
{
	if (err && !w->err) {
		w->err = err;
		w->cause = errno;
	}
	errno = w->cause;
	return w->err;
}

static bool is_listing(const struct sink_writer *w, enum sink_scope scope, uint32_t record)
{
	return (unsigned)scope < SINK_SCOPE_COUNT && record < w->records.count;
}

int sink_writer_add(struct sink_writer *w, const struct sink_name *name, enum sink_scope scope,
	uint32_t record)
{
	int err;

	if (!is_listing(w, scope, record))
		return SINK_EINVAL;
	if (w->err)
		return remember(w, w->err);
	/* INTERN_MAX leaves the two bits that the scope takes */
	err = sort_add(w->names, sink_name_key(name), (uint32_t)schema_listing(record, scope));
	return err ? remember(w, err) : SINK_OK;
}

/* Add a subject of another trigger; its key begins behind the block's letter. */
static int add_other(struct sink_writer *w, const uint8_t *key, size_t len, uint32_t number)
{
	int err = w->err;

	if (!err && !w->others)
		err = sort_begin(w->dir, w->memory / OTHERS_PART, &w->others);
	if (!err)
		err = sort_add(w->others, sink_span(key + 1, len - 1), number);
	return err ? remember(w, err) : SINK_OK;
}

int sink_writer_add_name(struct sink_writer *w, enum sink_trigger trigger,
	const struct sink_name *name, enum sink_scope scope, uint32_t record)
{
	uint8_t key[SCHEMA_BLOCK_KEY_MAX];

	if ((unsigned)trigger >= SINK_TRIGGER_COUNT || sink_trigger_is_prefix(trigger) ||
		!is_listing(w, scope, record))
		return SINK_EINVAL;
	if (trigger == SINK_TRIGGER_QNAME)
		return sink_writer_add(w, name, scope, record);
	return add_other(w, key, schema_name_key(trigger, sink_name_key(name), key),
		(uint32_t)schema_listing(record, scope));
}

int sink_writer_add_prefix(struct sink_writer *w, enum sink_trigger trigger,
	const struct sink_prefix *prefix, uint32_t record)
{
	uint8_t key[SCHEMA_BLOCK_KEY_MAX];

	if (!sink_trigger_is_prefix(trigger) || !sink_prefix_is_good(prefix) ||
		!is_listing(w, SINK_SCOPE_EXACT, record))
		return SINK_EINVAL;
	return add_other(w, key, schema_prefix_key(trigger, prefix, key),
		(uint32_t)schema_listing(record, SINK_SCOPE_EXACT));
}

void writer_set_delta(struct sink_writer *w, const struct schema_delta *delta)
{
	w->is_delta = true;
	w->delta = *delta;
}

int writer_add(struct sink_writer *w, const struct sink_subject *subject, enum sink_scope scope,
	uint32_t record)
{
	return sink_trigger_is_prefix(subject->trigger)
		? sink_writer_add_prefix(w, subject->trigger, &subject->prefix, record)
		: sink_writer_add_name(w, subject->trigger, &subject->name, scope, record);
}

#define REMOVAL 3 /* the number of an entry: record 0, the scope that is none */

int writer_remove(struct sink_writer *w, const struct sink_subject *subject)
{
	enum sink_trigger trigger = subject->trigger;
	uint8_t key[SCHEMA_BLOCK_KEY_MAX];
	size_t len;

	if ((unsigned)trigger >= SINK_TRIGGER_COUNT)
		return SINK_EINVAL;
	if (w->err)
		return remember(w, w->err);
	if (trigger == SINK_TRIGGER_QNAME)
		return remember(w, sort_add(w->names, sink_name_key(&subject->name), REMOVAL));
	if (sink_trigger_is_prefix(trigger))
		len = schema_prefix_key(trigger, &subject->prefix, key);
	else
		len = schema_name_key(trigger, sink_name_key(&subject->name), key);
	return add_other(w, key, len, REMOVAL);
}

/* --- blocks ----------------------------------------------------------------------------------- */

static int add_listing(struct build *build, uint32_t number)
{
	uint32_t record;

	if (number == REMOVAL) {
		build->removed = true;
		return SINK_OK;
	}
	record = build->stored[schema_listing_record(number)];
	if (record == DROPPED)
		return SINK_OK;
	return distinct_add(&build->listings, schema_listing(record, schema_listing_scope(number)));
}

static int store_block(struct build *build)
{
	uint8_t key[SCHEMA_BLOCK_KEY_MAX];
	size_t len = schema_block_key(build->letter, schema_coder_last(&build->coder), key);
	int err;

	err = fill_append(build->w->fill, sink_span(key, len), schema_coder_value(&build->coder));
	schema_coder_clear(&build->coder);
	return err;
}

static struct sink_span stored_record(const void *arg, uint32_t id)
{
	const struct build *build = arg;

	return record_bytes(build->w, build->order[id]);
}

static void left_out(void *arg, struct sink_span source, uint64_t listings, uint64_t distinct)
{
	struct build *build = arg;
	struct sink_span key = sink_span(build->key, build->key_len);
	struct sink_subject subject;
	struct sink_crowd crowd = {
		.subject = &subject, .source = source, .listings = listings, .distinct = distinct
	};

	build->crowded += listings;
	if (build->w->tell && schema_subject(build->letter, key, &subject) == SINK_OK)
		build->w->tell(build->w->tell_arg, &crowd);
}

static int thin(struct build *build)
{
	const struct crowd crowd = { .record = stored_record, .left_out = left_out, .arg = build };

	return crowd_thin(&crowd, build->listings.at, &build->listings.count);
}

/* Which records have what is listed for this trigger? */
static void note_trigger(struct build *build)
{
	const struct distinct *listings = &build->listings;
	uint8_t bit = (uint8_t)(1u
		<< (build->letter == SCHEMA_NAMES ? SINK_TRIGGER_QNAME : build->key[0]));

	for (size_t i = 0; i < listings->count; i++)
		build->triggers[schema_listing_record(listings->at[i])] |= bit;
}

static int code_subject(struct build *build)
{
	struct sink_span key = sink_span(build->key, build->key_len);
	const struct distinct *listings = &build->listings;
	int err;

	note_trigger(build);
	err = schema_coder_add(&build->coder, key, listings->at, listings->count);

	if (err != SINK_ETOOLONG)
		return err;
	err = store_block(build);
	return err ? err : schema_coder_add(&build->coder, key, listings->at, listings->count);
}

/* The subject at hand is complete. */
static int end_subject(struct build *build)
{
	struct sink_span key = sink_span(build->key, build->key_len);
	uint64_t hash;
	int err;

	if (build->listings.count == 0 && !build->removed)
		return SINK_OK; /* before the first, or dropped */
	distinct_settle(&build->listings);
	err = thin(build);
	if (!err)
		err = code_subject(build);
	if (err)
		return err;
	schema_meta_count(&build->meta, build->letter, key);
	build->removals += build->listings.count == 0;
	build->meta.listings += build->listings.count > 0 ? build->listings.count : 1;
	build->listings.count = 0;
	build->removed = false;
	hash = schema_hash(build->letter, key);
	return spool_write(&build->hashes, &hash, sizeof hash);
}

static int take_entry(struct build *build, struct sink_span key, uint32_t number)
{
	int err;

	if (!sink_span_equal(key, sink_span(build->key, build->key_len))) {
		err = end_subject(build);
		if (err)
			return err;
		memcpy(build->key, key.at, key.len); /* not empty: the root comes first */
		build->key_len = key.len;
	}
	return add_listing(build, number);
}

static int take_entries(struct build *build, struct sort *sort)
{
	struct sink_span key;
	uint32_t number;
	int err = sort_finish(sort);

	while (!err) {
		err = sort_next(sort, &key, &number);
		if (!err)
			err = take_entry(build, key, number);
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

/* Make blocks of what was sorted, if anything was; its memory is worth more to what follows. */
static int store_blocks(struct build *build, struct sort **sort, uint8_t letter)
{
	int err;

	if (!*sort)
		return SINK_OK;
	build->letter = letter;
	build->key_len = 0;
	err = take_entries(build, *sort);
	if (err)
		return err;
	sort_end(*sort);
	*sort = NULL;
	err = end_subject(build);
	if (!err && schema_coder_value(&build->coder).len > 0)
		err = store_block(build);
	return err;
}

/* --- the rest --------------------------------------------------------------------------------- */

/* In the order of their bytes, and behind them of their batches: equal ones stand together, and the first
 * that is not dropped stands for all. */
static void number_kept(struct build *build)
{
	const struct sink_writer *w = build->w;
	uint32_t *order = build->order, kept = 0;

	for (uint32_t i = 0; i < w->records.count; i++) {
		uint32_t number = order[i];

		if (is_dropped(w, number)) {
			build->stored[number] = DROPPED;
			continue;
		}
		if (kept == 0 ||
			!sink_span_equal(record_bytes(w, order[kept - 1]), record_bytes(w, number)))
			order[kept++] = number;
		build->stored[number] = kept - 1;
	}
	build->meta.records = kept;
}

static int number_records(struct build *build)
{
	const struct intern *records = &build->w->records;
	int err = intern_order(records, &build->order);

	if (err)
		return err;
	build->stored = calloc((size_t)records->count + 1, sizeof *build->stored);
	build->triggers = calloc((size_t)records->count + 1, sizeof *build->triggers);
	if (!build->stored || !build->triggers)
		return SINK_ENOMEM;
	number_kept(build);
	return SINK_OK;
}

static int store_records(struct build *build)
{
	uint8_t key[SCHEMA_RECORD_KEY];
	int err = SINK_OK;

	for (uint32_t id = 0; id < build->meta.records && !err; id++) {
		schema_record_key(id, key);
		err = fill_append(build->w->fill, sink_span(key, sizeof key),
			record_bytes(build->w, build->order[id]));
	}
	return err;
}

/* The facet of each stored record, and the record that each facet was first met at; numbers as they come. */
struct facets {
	struct intern keys;
	uint32_t *of, *first;
	uint8_t *triggers;
};

static int find_facets(const struct build *build, struct facets *facets)
{
	uint8_t key[SCHEMA_FACET_KEY_MAX];

	for (uint32_t id = 0; id < build->meta.records; id++) {
		struct sink_span record = record_bytes(build->w, build->order[id]);
		uint32_t known = facets->keys.count, facet;
		int err = intern_add(&facets->keys, sink_span(key, schema_facet_key(record, key)),
			&facet);

		if (err)
			return err;
		facets->of[id] = facet;
		if (facet == known)
			facets->first[facet] = id;
		facets->triggers[facet] |= build->triggers[id];
	}
	return SINK_OK;
}

static void write_facets(const struct facets *facets, uint32_t records, uint8_t *at, size_t len)
{
	struct wire_out to = { .at = at, .left = len };
	uint8_t head[SCHEMA_FACET_HEAD];

	wire_put_u32(&to, facets->keys.count);
	for (uint32_t i = 0; i < facets->keys.count; i++) {
		schema_facet_encode(facets->first[i], facets->triggers[i], head);
		wire_put_bytes(&to, sink_span(head, sizeof head));
	}
	for (uint32_t i = 0; i < records; i++)
		wire_put_u32(&to, facets->of[i]);
}

static int store_found(struct build *build, struct facets *facets)
{
	uint32_t records = build->meta.records;
	size_t len;
	uint8_t *to;
	int err = intern_begin(&facets->keys);

	facets->of = calloc((size_t)records + 1, sizeof *facets->of);
	facets->first = calloc((size_t)records + 1, sizeof *facets->first);
	facets->triggers = calloc((size_t)records + 1, sizeof *facets->triggers);
	if (!err && (!facets->of || !facets->first || !facets->triggers))
		err = SINK_ENOMEM;
	if (!err)
		err = find_facets(build, facets);
	if (err)
		return err;
	len = schema_facets_len(facets->keys.count, records);
	err = fill_reserve(build->w->fill, sink_span_text(SCHEMA_FACETS), len, &to);
	if (!err)
		write_facets(facets, records, to, len);
	return err;
}

static int store_gathered(struct build *build, struct times *times)
{
	size_t len = times_settle(times);
	uint8_t *to;
	int err;

	if (len == 0)
		return SINK_OK;
	err = fill_reserve(build->w->fill, sink_span_text(SCHEMA_TIMES), len, &to);
	if (!err)
		times_write(times, to, len);
	return err;
}

static int store_times(struct build *build, const struct facets *facets)
{
	struct times times;
	int err = times_begin(&times, facets->keys.count);

	for (uint32_t id = 0; !err && id < build->meta.records; id++)
		err = times_take(&times, record_bytes(build->w, build->order[id]), facets->of[id]);
	if (!err)
		err = store_gathered(build, &times);
	times_end(&times);
	return err;
}

/* And what is told by them. */
static int store_facets(struct build *build)
{
	struct facets facets = { .of = NULL };
	int err = store_found(build, &facets);

	if (!err)
		err = store_times(build, &facets);
	intern_end(&facets.keys);
	free(facets.of);
	free(facets.first);
	free(facets.triggers);
	return err;
}

static void add_hashes(const uint64_t *hashes, size_t count, uint8_t *blocks, uint64_t block_count)
{
	for (size_t i = 0; i < count; i++) {
		if (count - i > AHEAD)
			__builtin_prefetch(blocks + filter_block(block_count, hashes[i + AHEAD]),
				1);
		filter_add(blocks, block_count, hashes[i]);
	}
}

static int fill_blocks(const struct spool *hashes, uint8_t *blocks, uint64_t block_count)
{
	uint64_t batch[HASHES_BATCH];
	uint64_t left = spool_len(hashes) / sizeof batch[0];
	uint64_t at = 0;

	while (left > 0) {
		size_t count = left < HASHES_BATCH ? (size_t)left : HASHES_BATCH;
		size_t len = count * sizeof batch[0];
		int err = spool_read(hashes, at, batch, len);

		if (err)
			return err;
		add_hashes(batch, count, blocks, block_count);
		at += len;
		left -= count;
	}
	return SINK_OK;
}

static int store_filter(struct build *build)
{
	uint64_t blocks = filter_count(schema_meta_total(&build->meta));
	size_t len = SCHEMA_FILTER_HEAD + blocks * FILTER_BLOCK;
	uint8_t *to;
	int err;

	err = fill_reserve(build->w->fill, sink_span_text(SCHEMA_FILTER), len, &to);
	if (err)
		return err;
	memset(to, 0, len);
	schema_filter_encode(blocks, to);
	return fill_blocks(&build->hashes, to + SCHEMA_FILTER_HEAD, blocks);
}

static int store_delta(struct build *build)
{
	struct schema_delta delta = build->w->delta;
	uint8_t *to;
	int err;

	if (!build->w->is_delta)
		return SINK_OK;
	delta.names += schema_meta_total(&build->meta) - build->removals;
	delta.listings += build->meta.listings - build->removals;
	err = fill_reserve(build->w->fill, sink_span_text(SCHEMA_DELTA), SCHEMA_DELTA_LEN, &to);
	if (!err)
		schema_delta_encode(&delta, to);
	return err;
}

static int store_meta(struct build *build)
{
	uint8_t *to;
	int err;

	err = fill_reserve(build->w->fill, sink_span_text(SCHEMA_META), SCHEMA_META_LEN, &to);
	if (!err)
		schema_meta_encode(&build->meta, to);
	return err;
}

/* In the order of the keys as far as that goes: LMDB packs best what is appended. */
static int store_all(struct build *build)
{
	int err = number_records(build);

	if (!err)
		err = store_blocks(build, &build->w->names, SCHEMA_NAMES);
	if (!err)
		err = store_blocks(build, &build->w->others, SCHEMA_OTHERS);
	if (!err)
		err = store_records(build);
	if (!err)
		err = store_facets(build);
	if (!err)
		err = store_filter(build);
	if (!err)
		err = store_delta(build);
	if (!err)
		err = store_meta(build);
	return err;
}

static void end_build(struct build *build)
{
	free(build->order);
	free(build->stored);
	free(build->triggers);
	distinct_free(&build->listings);
	schema_coder_free(&build->coder);
	spool_end(&build->hashes);
}

static int build_all(struct sink_writer *w, struct sink_summary *sum)
{
	struct build build = { .w = w };
	int err = spool_begin(&build.hashes, w->dir, HASHES_ROOM);

	if (w->err) {
		err = w->err;
		errno = w->cause;
	}
	if (!err)
		err = store_all(&build);
	w->cause = errno;
	*sum = (struct sink_summary){ .names = schema_meta_total(&build.meta),
		.listings = build.meta.listings,
		.duplicates = build.listings.dropped,
		.crowded = build.crowded,
		.records = build.meta.records };
	end_build(&build);
	return err;
}

/* Which file it was, ours or what was put aside. */
static int explain(const struct sink_writer *w, struct sink_why *why, int err)
{
	if (fill_has_failed(w->fill))
		return fill_why(w->fill, why, err);
	if (err == SINK_EIO)
		return sink_why(why, err, "%s: temporary file: %s", w->dir, strerror(w->cause));
	return sink_why(why, err, "%s: %s", w->path, sink_strerror(err));
}

int sink_writer_commit(struct sink_writer *w, struct sink_why *why, struct sink_summary *summary)
{
	struct sink_summary sum;
	struct fill *fill = w->fill;
	int err = build_all(w, &sum);

	if (err) {
		explain(w, why, err);
		errno = w->cause;
		sink_writer_abort(w);
		return err;
	}
	w->fill = NULL; /* freed by commit, whatever it returned */
	err = fill_commit(fill, why, &sum.bytes);
	sink_writer_abort(w);
	if (!err && summary)
		*summary = sum;
	return err;
}

void sink_writer_abort(struct sink_writer *w)
{
	int saved = errno; /* who fails tells why */

	if (!w)
		return;
	fill_abort(w->fill);
	sort_end(w->names);
	sort_end(w->others);
	free(w->dropped);
	intern_end(&w->records);
	free(w->path);
	free(w->dir);
	free(w);
	errno = saved;
}

/* writer.c - from names and records in any order to one database file. */
#include "sinkhole/writer.h"

#include <errno.h>
#include <stdlib.h>

#include "fill.h"
#include "filter.h"
#include "hash.h"
#include "intern.h"
#include "schema.h"
#include "sort.h"
#include "spool.h"

#define MEMORY_DEFAULT (UINT64_C(256) << 20) /* bytes */
#define HASHES_ROOM (1u << 18) /* bytes of hashes to keep in memory */
#define HASHES_BATCH 1024 /* to read at once */
#define AHEAD 16 /* hashes whose blocks are loaded before they are needed */

struct sink_writer {
	char *path, *dir;
	int err,
		cause; /* of the first call that failed, and errno: the file would miss something */
	struct intern records;
	struct sort *sort; /* its numbers are listings with the record as it was interned */
	struct fill *fill;
};

/* The listings of the name at hand. */
struct listings {
	size_t count, room;
	uint64_t *at;
};

/* What becomes of the sorted entries. */
struct build {
	struct sink_writer *w;
	uint32_t *order; /* interned numbers of records in the order in which they are stored */
	uint32_t *stored; /* and the other way round */
	struct listings listings;
	size_t key_len; /* of the name at hand */
	uint8_t key[SINK_KEY_MAX];
	struct schema_coder coder;
	struct spool hashes; /* 8 bytes a name: how large the filter is, is known at the end */
	struct sink_summary sum;
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
	size_t memory = options->memory ? options->memory : MEMORY_DEFAULT;
	int err;

	w->path = strdup(options->path);
	w->dir = options->tmpdir ? strdup(options->tmpdir) : directory_of(options->path);
	if (!w->path || !w->dir)
		return SINK_ENOMEM;
	err = intern_begin(&w->records);
	if (!err)
		err = sort_begin(w->dir, memory, &w->sort);
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

int sink_writer_record(struct sink_writer *w, const struct sink_record *record, uint32_t *out)
{
	uint8_t bytes[SCHEMA_RECORD_MAX];
	size_t len = schema_record_encode(record, bytes);

	return len ? intern_add(&w->records, sink_span(bytes, len), out) : SINK_EINVAL;
}

int sink_writer_add(struct sink_writer *w, const struct sink_name *name, enum sink_scope scope,
	uint32_t record)
{
	int err;

	if ((unsigned)scope >= SINK_SCOPE_COUNT || record >= w->records.count)
		return SINK_EINVAL;
	if (w->err) {
		errno = w->cause;
		return w->err;
	}
	/* INTERN_MAX leaves the two bits that the scope takes */
	err = sort_add(w->sort, sink_name_key(name), (uint32_t)schema_listing(record, scope));
	if (err) {
		w->err = err;
		w->cause = errno;
	}
	return err;
}

/* TODO(lib): replaced with the whole of schema version 2 */
int sink_writer_add_name(struct sink_writer *w, enum sink_trigger trigger,
	const struct sink_name *name, enum sink_scope scope, uint32_t record)
{
	return trigger == SINK_TRIGGER_QNAME ? sink_writer_add(w, name, scope, record)
					     : SINK_EINVAL;
}

int sink_writer_add_prefix(struct sink_writer *w, enum sink_trigger trigger,
	const struct sink_prefix *prefix, uint32_t record)
{
	(void)w;
	(void)trigger;
	(void)prefix;
	(void)record;
	return SINK_EINVAL;
}

uint32_t sink_writer_batch(struct sink_writer *w)
{
	(void)w;
	return 0;
}

void sink_writer_drop(struct sink_writer *w, uint32_t batch)
{
	(void)w;
	(void)batch;
}

/* --- names ------------------------------------------------------------------------------------ */

static int compare_listings(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Order the listings and drop what is there twice. */
static void settle(struct build *build)
{
	struct listings *listings = &build->listings;
	size_t kept = 0;

	if (listings->count < 2)
		return;
	qsort(listings->at, listings->count, sizeof listings->at[0], compare_listings);
	for (size_t i = 0; i < listings->count; i++) {
		if (kept == 0 || listings->at[i] != listings->at[kept - 1])
			listings->at[kept++] = listings->at[i];
	}
	build->sum.duplicates += listings->count - kept;
	listings->count = kept;
}

/* Duplicates first: however often a name was added, memory is for its distinct listings. */
static int widen(struct build *build)
{
	struct listings *listings = &build->listings;
	size_t room = listings->room ? 2 * listings->room : 64;
	uint64_t *at;

	settle(build);
	if (listings->count < listings->room / 2)
		return SINK_OK;
	at = reallocarray(listings->at, room, sizeof *at);
	if (!at)
		return SINK_ENOMEM;
	listings->at = at;
	listings->room = room;
	return SINK_OK;
}

static int add_listing(struct build *build, uint32_t number)
{
	uint32_t record = build->stored[schema_listing_record(number)];
	struct listings *listings = &build->listings;

	if (listings->count == listings->room && widen(build) != SINK_OK)
		return SINK_ENOMEM;
	listings->at[listings->count++] = schema_listing(record, schema_listing_scope(number));
	return SINK_OK;
}

static int store_block(struct build *build)
{
	uint8_t key[SCHEMA_NAMES_KEY_MAX];
	size_t len = schema_names_key(schema_coder_last(&build->coder), key);
	int err;

	err = fill_append(build->w->fill, sink_span(key, len), schema_coder_value(&build->coder));
	schema_coder_clear(&build->coder);
	return err;
}

static int code_name(struct build *build)
{
	struct sink_span key = sink_span(build->key, build->key_len);
	const struct listings *listings = &build->listings;
	int err = schema_coder_add(&build->coder, key, listings->at, listings->count);

	if (err != SINK_ETOOLONG)
		return err;
	err = store_block(build);
	return err ? err : schema_coder_add(&build->coder, key, listings->at, listings->count);
}

/* The name at hand is complete. */
static int end_name(struct build *build)
{
	uint64_t hash;
	int err;

	if (build->listings.count == 0)
		return SINK_OK; /* before the first */
	settle(build);
	err = code_name(build);
	if (err)
		return err;
	build->sum.names++;
	build->sum.listings += build->listings.count;
	build->listings.count = 0;
	hash = hash_key(sink_span(build->key, build->key_len));
	return spool_write(&build->hashes, &hash, sizeof hash);
}

static int take_entry(struct build *build, struct sink_span key, uint32_t number)
{
	int err;

	if (!sink_span_equal(key, sink_span(build->key, build->key_len))) {
		err = end_name(build);
		if (err)
			return err;
		memcpy(build->key, key.at, key.len); /* not empty: the root comes first */
		build->key_len = key.len;
	}
	return add_listing(build, number);
}

static int store_names(struct build *build)
{
	struct sink_span key;
	uint32_t number;
	int err = sort_finish(build->w->sort);

	while (!err) {
		err = sort_next(build->w->sort, &key, &number);
		if (!err)
			err = take_entry(build, key, number);
	}
	if (err != SINK_ENOENT)
		return err;
	sort_end(build->w->sort); /* its memory is worth more to the filter */
	build->w->sort = NULL;
	err = end_name(build);
	if (!err && schema_coder_value(&build->coder).len > 0)
		err = store_block(build);
	return err;
}

/* --- the rest --------------------------------------------------------------------------------- */

static int number_records(struct build *build)
{
	const struct intern *records = &build->w->records;
	int err = intern_order(records, &build->order);

	if (err)
		return err;
	build->stored = calloc((size_t)records->count + 1, sizeof *build->stored);
	if (!build->stored)
		return SINK_ENOMEM;
	for (uint32_t id = 0; id < records->count; id++)
		build->stored[build->order[id]] = id;
	build->sum.records = records->count;
	return SINK_OK;
}

static int store_records(struct build *build)
{
	uint8_t key[SCHEMA_RECORD_KEY];
	int err = SINK_OK;

	for (uint32_t id = 0; id < build->sum.records && !err; id++) {
		schema_record_key(id, key);
		err = fill_append(build->w->fill, sink_span(key, sizeof key),
			intern_get(&build->w->records, build->order[id]));
	}
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
	uint64_t blocks = filter_count(build->sum.names);
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

static int store_meta(struct build *build)
{
	struct schema_meta meta = { build->sum.names, build->sum.listings, build->sum.records };
	uint8_t *to;
	int err;

	err = fill_reserve(build->w->fill, sink_span_text(SCHEMA_META), SCHEMA_META_LEN, &to);
	if (!err)
		schema_meta_encode(&meta, to);
	return err;
}

/* In the order of the keys as far as that goes: LMDB packs best what is appended. */
static int store_all(struct build *build, struct sink_span policy)
{
	int err = number_records(build);

	if (!err)
		err = store_names(build);
	if (!err)
		err = fill_append(build->w->fill, sink_span_text(SCHEMA_POLICY), policy);
	if (!err)
		err = store_records(build);
	if (!err)
		err = store_filter(build);
	if (!err)
		err = store_meta(build);
	return err;
}

static void end_build(struct build *build)
{
	free(build->order);
	free(build->stored);
	free(build->listings.at);
	schema_coder_free(&build->coder);
	spool_end(&build->hashes);
}

static int build_all(struct sink_writer *w, const struct sink_policy *policy,
	struct sink_summary *sum)
{
	uint8_t bytes[SCHEMA_POLICY_MAX];
	size_t len = schema_policy_encode(policy, bytes);
	struct build build = { .w = w };
	int err = spool_begin(&build.hashes, w->dir, HASHES_ROOM);

	if (len == 0)
		err = SINK_EINVAL;
	if (w->err) {
		err = w->err;
		errno = w->cause;
	}
	if (!err)
		err = store_all(&build, sink_span(bytes, len));
	w->cause = errno;
	*sum = build.sum;
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

int sink_writer_commit(struct sink_writer *w, const struct sink_policy *policy,
	struct sink_why *why, struct sink_summary *summary)
{
	struct sink_summary sum;
	struct fill *fill = w->fill;
	int err = build_all(w, policy, &sum);

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
	sort_end(w->sort);
	intern_end(&w->records);
	free(w->path);
	free(w->dir);
	free(w);
	errno = saved;
}

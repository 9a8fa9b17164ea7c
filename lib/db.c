/* db.c - the query path: open a database, find what is listed about a name. Which bytes mean what
 * is schema.c's business. */
#include "sinkhole/db.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env.h"
#include "hash.h"
#include "pages.h"
#include "sealed.h"

/* No lock file, no reader table, no thread-specific key that outlives a dlclose(). */
#define ENV_FLAGS (MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS)

/* --- LMDB in our terms ------------------------------------------------------------------------ */

/* While reading a verified file LMDB does no I/O: what it cannot do is the file's fault. */
static int reading_err(int rc)
{
	switch (mdb_to_err(rc)) {
	case SINK_ENOENT:
		return SINK_ENOENT;
	case SINK_ENOMEM:
		return SINK_ENOMEM;
	}
	return SINK_ECORRUPT;
}

int env_get(const struct sink_reader *reader, struct sink_span key, struct sink_span *out)
{
	MDB_val name = mdb_val(key), value;
	int rc = mdb_get(reader->txn, reader->db->table, &name, &value);

	if (rc)
		return reading_err(rc);
	*out = mdb_span(&value);
	return SINK_OK;
}

int env_move(MDB_cursor *cursor, MDB_cursor_op op, struct sink_span *key, struct sink_span *value)
{
	MDB_val k = mdb_val(*key), v;
	int rc = mdb_cursor_get(cursor, &k, &v, op);

	if (rc)
		return reading_err(rc);
	*key = mdb_span(&k);
	*value = mdb_span(&v);
	return SINK_OK;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* Look at the pages before LMDB does. */
static int check_pages(const struct sealed *sealed, uint64_t size, const char *path,
	struct sink_why *why)
{
	void *map;
	int err;

	if (size == 0 || size > SIZE_MAX)
		return sink_why(why, SINK_ECORRUPT, "%s: not an LMDB file", path);
	map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, sealed->fd, 0);
	if (map == MAP_FAILED)
		return sink_why(why, errno == ENOMEM ? SINK_ENOMEM : SINK_EIO, "%s: %m", path);
	err = pages_check(sink_span(map, (size_t)size), path, why);
	munmap(map, (size_t)size);
	return err;
}

/* Does LMDB read what was verified? Without /proc it had to open the path again. */
static bool is_same(MDB_env *env, const struct sealed *sealed)
{
	struct stat a, b;
	int fd;

	return mdb_env_get_fd(env, &fd) == 0 && fstat(fd, &a) == 0 && fstat(sealed->fd, &b) == 0 &&
		a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The map is as large as the file, whatever size its writer worked with. */
static int open_env(struct sink_db *db, const struct sealed *sealed, const char *path,
	struct sink_why *why)
{
	int rc = mdb_env_create(&db->env), err;

	if (!rc)
		rc = mdb_env_set_mapsize(db->env, (size_t)db->bytes);
	if (!rc)
		rc = mdb_env_open(db->env, sealed->proc[0] ? sealed->proc : path, ENV_FLAGS, 0);
	if (rc) {
		err = mdb_to_err(rc);
		return sink_why(why, err == SINK_EINVAL ? SINK_ECORRUPT : err, "%s: %s", path,
			mdb_strerror(rc));
	}
	if (!is_same(db->env, sealed))
		return sink_why(why, SINK_EIO, "%s: replaced while being opened", path);
	mdb_close_on_exec(db->env);
	return SINK_OK;
}

/* Learn the unnamed table's number, once: LMDB notes it in the environment, for all threads. */
static int open_table(struct sink_db *db)
{
	MDB_txn *txn;
	unsigned flags;
	int rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn);

	if (rc)
		return mdb_to_err(rc);
	rc = mdb_dbi_open(txn, NULL, 0, &db->table);
	if (!rc)
		rc = mdb_dbi_flags(txn, db->table, &flags);
	mdb_txn_abort(txn);
	if (rc)
		return reading_err(rc);
	return flags == 0 ? SINK_OK : SINK_ECORRUPT;
}

static int read_meta(struct sink_db *db, const struct sink_reader *reader)
{
	struct sink_span value;
	int err = env_get(reader, sink_span_text(SCHEMA_META), &value);

	return err ? err : schema_meta_decode(value, &db->meta);
}

static int read_facets(struct sink_db *db, const struct sink_reader *reader)
{
	struct sink_span value;
	int err = env_get(reader, sink_span_text(SCHEMA_FACETS), &value);

	return err ? err : schema_facets_decode(value, db->meta.records, &db->facets);
}

/* There need not be any. */
static int read_times(struct sink_db *db, const struct sink_reader *reader)
{
	struct sink_span value;
	int err = env_get(reader, sink_span_text(SCHEMA_TIMES), &value);

	if (err == SINK_ENOENT)
		return SINK_OK;
	return err ? err : schema_times_decode(value, db->facets.count, &db->times);
}

static int read_filter(struct sink_db *db, const struct sink_reader *reader)
{
	struct sink_span value, blocks;
	int err = env_get(reader, sink_span_text(SCHEMA_FILTER), &value);

	if (!err)
		err = schema_filter_decode(value, schema_meta_total(&db->meta), &blocks);
	if (err)
		return err;
	db->filter = (struct filter){ .blocks = blocks.at, .count = blocks.len / FILTER_BLOCK };
	return SINK_OK;
}

/* A delta says over which file it lies, and a base nothing of the kind. */
static int read_delta(struct sink_db *db, const struct sink_reader *reader)
{
	struct sink_span value;
	int err = env_get(reader, sink_span_text(SCHEMA_DELTA), &value);

	if (!db->base)
		return err == SINK_ENOENT ? SINK_OK : err ? err : SINK_ECORRUPT;
	if (!err)
		err = schema_delta_decode(value, &db->delta);
	if (!err && memcmp(db->delta.base, db->base->digest, sizeof db->delta.base) != 0)
		err = SINK_ECORRUPT;
	return err;
}

static const struct {
	const char *what;
	int (*read)(struct sink_db *db, const struct sink_reader *reader);
} heads[] = {
	{ "head", read_meta }, /* first: the sizes of the others follow from it */
	{ "filter", read_filter },
	{ "facets", read_facets },
	{ "times", read_times }, /* after the facets */
	{ "delta", read_delta },
};

static int read_heads(struct sink_db *db, const char *path, struct sink_why *why)
{
	struct sink_reader *reader;
	int err = sink_reader_begin(db, &reader);

	if (err)
		return sink_why(why, err, "%s: %s", path, sink_strerror(err));
	for (size_t i = 0; !err && i < sizeof heads / sizeof heads[0]; i++) {
		err = heads[i].read(db, reader);
		if (err == SINK_ENOENT)
			err = SINK_ECORRUPT;
		if (err == SINK_EVERSION)
			sink_why(why, err,
				"%s: %s: written by another version of sinkhole; compile again",
				path, heads[i].what);
		else if (err)
			sink_why(why, err, "%s: %s: %s", path, heads[i].what, sink_strerror(err));
	}
	sink_reader_end(reader);
	return err;
}

/* Number records and facets through, and know what is listed at all in either file. */
static int join(struct sink_db *db)
{
	const struct sink_db *base = db->base;
	uint8_t *lengths = &db->all.lengths[0][0][0];

	db->all = db->meta;
	for (unsigned trigger = 0; trigger < SINK_TRIGGER_COUNT; trigger++)
		db->roots |=
			(uint8_t)(filter_has(&db->filter, hash_of(hash_start((uint8_t)trigger)))
				<< trigger);
	if (!base)
		return SINK_OK;
	db->roots |= base->roots;
	db->first_record = base->meta.records;
	db->first_facet = base->facets.count;
	if (db->meta.records > UINT32_MAX - db->first_record)
		return SINK_ECORRUPT; /* facets are not more */
	for (int i = 0; i < SINK_TRIGGER_COUNT; i++)
		db->all.subjects[i] += base->meta.subjects[i];
	for (size_t i = 0; i < sizeof db->all.lengths; i++)
		lengths[i] |= (&base->meta.lengths[0][0][0])[i];
	return SINK_OK;
}

/* Fill the page tables here, in the background, rather than with a fault at a query. A kernel without
 * MADV_POPULATE_READ (before Linux 5.14) leaves us with the faults, and that is all; so does a file from a machine
 * with larger pages, in which places are no longer aligned to its own.
 *
 * head     a short value in the map */
static void populate(const struct sink_db *db, const struct sink_reader *reader,
	struct sink_span head)
{
#ifdef MADV_POPULATE_READ
	MDB_stat stat;

	if (mdb_stat(reader->txn, db->table, &stat) == 0 &&
		stat.ms_psize <= (unsigned long)sysconf(_SC_PAGESIZE))
		(void)madvise((void *)(uintptr_t)pages_origin(head, stat.ms_psize),
			(size_t)db->bytes, MADV_POPULATE_READ);
#else
	(void)db;
	(void)reader;
	(void)head;
#endif
}

/* What a query would have to find out each time. */
static int learn(struct sink_db *db, const atomic_bool *cancel)
{
	struct sink_reader *reader;
	struct sink_span head;
	int err = sink_reader_begin(db, &reader);

	if (err)
		return err;
	err = env_get(reader, sink_span_text(SCHEMA_META), &head);
	if (!err) {
		populate(db, reader, head);
		err = places_learn(reader, head.at, cancel, &db->places);
	}
	sink_reader_end(reader);
	return err;
}

int sink_db_open(const char *path, const struct sink_db_options *options, struct sink_why *why,
	struct sink_db **out)
{
	struct sealed sealed = { .fd = -1 };
	struct sink_db *db = calloc(1, sizeof *db);
	int err;

	if (!db)
		return sink_why(why, SINK_ENOMEM, "%s: %s", path, sink_strerror(SINK_ENOMEM));
	atomic_init(&db->owners, 1);
	if (options->base && options->base->base)
		err = sink_why(why, SINK_EINVAL, "%s: over a delta", path);
	else
		err = sealed_open(path, options, why, &sealed);
	if (err)
		goto fail;
	if (options->base)
		db->base = sink_db_share(options->base);
	memcpy(db->digest, options->digest, sizeof db->digest);
	db->map = sealed.map;
	db->bytes = options->size;
	err = check_pages(&sealed, db->bytes, path, why);
	if (!err)
		err = open_env(db, &sealed, path, why);
	if (err)
		goto fail;
	err = open_table(db);
	if (err) {
		sink_why(why, err, "%s: %s", path, sink_strerror(err));
		goto fail;
	}
	err = read_heads(db, path, why);
	if (err)
		goto fail;
	err = join(db);
	if (err) {
		sink_why(why, err, "%s: more records than numbers", path);
		goto fail;
	}
	err = learn(db, options->cancel);
	if (err) {
		sink_why(why, err, "%s: %s", path, sink_strerror(err));
		goto fail;
	}
	sealed_close(&sealed); /* LMDB has a descriptor and a map of its own */
	*out = db;
	return SINK_OK;
fail:
	sealed_close(&sealed);
	sink_db_close(db);
	return err;
}

void sink_db_close(struct sink_db *db)
{
	if (!db || atomic_fetch_sub(&db->owners, 1) > 1)
		return;
	places_free(db->places);
	if (db->env)
		mdb_env_close(db->env);
	sink_db_close(db->base);
	free(db);
}

void sink_db_summary(const struct sink_db *db, struct sink_summary *out)
{
	*out = (struct sink_summary){
		.names = db->base ? db->delta.names : schema_meta_total(&db->meta),
		.listings = db->base ? db->delta.listings : db->meta.listings,
		.records = db->first_record + db->meta.records,
		.bytes = db->bytes + (db->base ? db->base->bytes : 0),
	};
}

const struct sink_db *sink_db_base(const struct sink_db *db)
{
	return db->base;
}

/* Only the count changes: who shares it has it as const. */
struct sink_db *sink_db_share(const struct sink_db *db)
{
	struct sink_db *shared = (struct sink_db *)(uintptr_t)db;

	atomic_fetch_add(&shared->owners, 1);
	return shared;
}

uint32_t sink_db_facets(const struct sink_db *db)
{
	return db->first_facet + db->facets.count;
}

/* Which of the two a record is of. */
static inline const struct sink_db *owner_of(const struct sink_db *db, uint32_t record)
{
	return record < db->first_record ? db->base : db;
}

uint32_t sink_db_facet_of(const struct sink_db *db, uint32_t record)
{
	const struct sink_db *owner = owner_of(db, record);
	uint32_t place = record - owner->first_record, facet;

	if (place >= owner->meta.records)
		return UINT32_MAX;
	facet = schema_facet_of(&owner->facets, place);
	return facet == UINT32_MAX ? facet : owner->first_facet + facet;
}

int sink_db_facet(const struct sink_db *db, uint32_t facet, uint32_t *record, uint8_t *triggers)
{
	const struct sink_db *owner = facet < db->first_facet ? db->base : db;
	uint32_t place = facet - owner->first_facet;

	if (place >= owner->facets.count)
		return SINK_EINVAL;
	schema_facet_head(&owner->facets, place, record, triggers);
	*record += owner->first_record;
	return SINK_OK;
}

/* What a base lists may be the delta's by now: then there is a turn too many, which does no harm. */
int64_t sink_db_next_turn(const struct sink_db *db, bool with_ends, int64_t now)
{
	int64_t next = INT64_MAX;

	for (const struct sink_db *each = db; each; each = each->base)
		for (int turn = 0; turn <= (with_ends ? SCHEMA_TURN_PERHAPS : SCHEMA_TURN_SURE);
			turn++) {
			int64_t second =
				schema_times_next(&each->times, (enum schema_turn)turn, now);

			next = second < next ? second : next;
		}
	return next;
}

uint32_t sink_db_ending(const struct sink_db *db, uint32_t place)
{
	uint32_t before = db->base ? db->base->times.facets_count : 0;

	if (place < before)
		return schema_times_facet(&db->base->times, place);
	place -= before;
	return place < db->times.facets_count
		? db->first_facet + schema_times_facet(&db->times, place)
		: UINT32_MAX;
}

enum sink_map sink_db_map(const struct sink_db *db)
{
	return db->base ? db->base->map : db->map;
}

/* --- reading ---------------------------------------------------------------------------------- */

int sink_reader_begin(const struct sink_db *db, struct sink_reader **out)
{
	struct sink_reader *reader = calloc(1, sizeof *reader);
	int err;

	if (!reader)
		return SINK_ENOMEM;
	reader->db = db;
	err = db->base ? sink_reader_begin(db->base, &reader->base) : SINK_OK;
	if (!err)
		err = mdb_to_err(mdb_txn_begin(db->env, NULL, MDB_RDONLY, &reader->txn));
	if (!err)
		err = mdb_to_err(mdb_cursor_open(reader->txn, db->table, &reader->cursor));
	if (err)
		goto fail;
	*out = reader;
	return SINK_OK;
fail:
	sink_reader_end(reader);
	return err;
}

void sink_reader_end(struct sink_reader *reader)
{
	if (!reader)
		return;
	if (reader->cursor)
		mdb_cursor_close(reader->cursor); /* a read-only transaction does not close it */
	if (reader->txn)
		mdb_txn_abort(reader->txn);
	sink_reader_end(reader->base);
	free(reader);
}

const struct sink_db *sink_reader_db(const struct sink_reader *reader)
{
	return reader->db;
}

int sink_reader_record(struct sink_reader *reader, uint32_t record, struct sink_record *out)
{
	const struct sink_db *owner = owner_of(reader->db, record);
	struct sink_span value;

	record -= owner->first_record;
	if (record >= owner->meta.records)
		return SINK_ENOENT;
	value = places_record(owner->places, record);
	return value.len > 0 ? schema_record_decode(value, out) : SINK_ECORRUPT;
}

bool sink_reader_plain(const struct sink_reader *reader, uint32_t record, enum sink_kind *kind,
	enum sink_hint *hint)
{
	const struct sink_db *owner = owner_of(reader->db, record);

	record -= owner->first_record;
	return record < owner->meta.records && places_plain(owner->places, record, kind, hint);
}

/* The block that can hold a subject.
 *
 * returns  SINK_OK; SINK_ENOENT (there is none); SINK_ECORRUPT
 */
static int find_block(struct sink_reader *reader, struct sink_span key, struct sink_span *out)
{
	struct sink_span found = key, last;
	int err;

	if (key.at[0] == SCHEMA_NAMES &&
		places_block(reader->db->places, sink_span(key.at + 1, key.len - 1), out))
		return SINK_OK;
	err = env_move(reader->cursor, MDB_SET_RANGE, &found, out);
	if (err)
		return err;
	return schema_is_block_key(found, &last) && found.at[0] == key.at[0]
		? SINK_OK
		: SINK_ENOENT; /* beyond the last block */
}

/* Find the listings of one subject in one file.
 *
 * key      made by schema_name_key() or schema_prefix_key()
 * returns  SINK_OK, also when a delta says that there are none; SINK_ENOENT; SINK_ECORRUPT
 */
static int find_subject(struct sink_reader *reader, struct sink_span key,
	struct schema_listings *out)
{
	struct sink_span block = { 0 };
	int err = find_block(reader, key, &block);

	if (err)
		return err;
	err = schema_block_find(block, sink_span(key.at + 1, key.len - 1), reader->db->meta.records,
		out);
	if (!err && reader->base)
		schema_listings_removed(out);
	return err;
}

/* What is asked for, and who is told. */
struct search {
	struct sink_reader *reader;
	enum sink_trigger trigger;
	sink_listing_fn *fn;
	void *arg;
};

/* Which scopes of an ancestor reach a name. */
static bool covers(enum sink_scope scope, bool itself)
{
	return scope == SINK_SCOPE_SUBTREE || (scope == SINK_SCOPE_EXACT) == itself;
}

/* Report what one file lists about the subject with this key and covers what is asked for.
 *
 * reader   of that file
 * labels   of the subject, or bits
 * itself   it is what is asked for, or a prefix: those have one scope, which is that of a name itself
 * known    does the file know the subject? If not, it is left as it is
 */
static int report(const struct search *search, struct sink_reader *reader, struct sink_span key,
	uint8_t labels, bool itself, bool *known)
{
	struct schema_listings listings;
	struct sink_listing listing = { .labels = labels };
	uint64_t number;
	int err = find_subject(reader, key, &listings);

	if (err)
		return err == SINK_ENOENT ? SINK_OK : err;
	*known = true;
	while (!(err = schema_listing_next(&listings, &number))) {
		listing.record = reader->db->first_record + schema_listing_record(number);
		listing.scope = schema_listing_scope(number);
		if (!covers(listing.scope, itself))
			continue;
		err = search->fn(search->arg, &listing);
		if (err)
			return err;
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

static int report_ancestor(const struct search *search, struct sink_reader *reader,
	const struct sink_name *name, uint8_t labels, bool *known)
{
	uint8_t key[SCHEMA_BLOCK_KEY_MAX];
	size_t len = schema_name_key(search->trigger, sink_span(name->key, name->end[labels]), key);

	return report(search, reader, sink_span(key, len), labels, labels == name->labels, known);
}

/* The fewest labels of what can cover a name: mostly nobody lists the root, and then no query asks for it. */
static inline unsigned fewest(const struct search *search)
{
	return search->reader->db->roots >> search->trigger & 1 ? 0 : 1;
}

static void prefetch(const struct sink_db *db, const struct sink_name *name, unsigned from,
	const uint64_t *hashes)
{
	for (unsigned labels = from; labels <= name->labels; labels++)
		filter_prefetch(&db->filter, hashes[labels]);
}

/* In a delta, and in its base what the delta does not know. */
static int find_in_both(const struct search *search, const struct sink_name *name,
	const uint64_t *hashes)
{
	const unsigned from = fewest(search);
	struct sink_reader *reader = search->reader, *base = reader->base;
	int err = SINK_OK;

	prefetch(base->db, name, from, hashes);
	for (unsigned left = name->labels + 1u; !err && left > from; left--) {
		unsigned labels = left - 1;
		bool known = false;

		if (filter_has(&reader->db->filter, hashes[labels]))
			err = report_ancestor(search, reader, name, (uint8_t)labels, &known);
		if (!err && !known && filter_has(&base->db->filter, hashes[labels]))
			err = report_ancestor(search, base, name, (uint8_t)labels, &known);
	}
	return err;
}

static int find_name(const struct search *search, const struct sink_name *name)
{
	struct sink_reader *reader = search->reader;
	const struct filter *filter = &reader->db->filter;
	const unsigned from = fewest(search);
	uint64_t hashes[SINK_LABELS_MAX + 1];
	bool known = false;
	int err = SINK_OK;

	hash_name(hash_start((uint8_t)search->trigger), name, hashes);
	prefetch(reader->db, name, from, hashes);
	if (reader->base)
		return find_in_both(search, name, hashes);
	for (unsigned left = name->labels + 1u; !err && left > from; left--)
		if (filter_has(filter, hashes[left - 1]))
			err = report_ancestor(search, reader, name, (uint8_t)(left - 1), &known);
	return err;
}

int sink_reader_find(struct sink_reader *reader, const struct sink_name *name, sink_listing_fn *fn,
	void *arg)
{
	const struct search search = { reader, SINK_TRIGGER_QNAME, fn, arg };

	return find_name(&search, name);
}

int sink_reader_find_name(struct sink_reader *reader, enum sink_trigger trigger,
	const struct sink_name *name, sink_listing_fn *fn, void *arg)
{
	const struct search search = { reader, trigger, fn, arg };

	if ((unsigned)trigger >= SINK_TRIGGER_COUNT || sink_trigger_is_prefix(trigger))
		return SINK_EINVAL;
	return reader->db->all.subjects[trigger] > 0 ? find_name(&search, name) : SINK_OK;
}

static int report_prefix(const struct search *search, struct sink_prefix prefix, uint8_t bits)
{
	uint8_t key[SCHEMA_BLOCK_KEY_MAX];
	struct sink_span subject;
	uint64_t hash;
	bool known = false;
	int err = SINK_OK;

	sink_prefix_cut(&prefix, bits);
	subject = sink_span(key, schema_prefix_key(search->trigger, &prefix, key));
	hash = schema_hash(SCHEMA_OTHERS, sink_span(key + 1, subject.len - 1));
	for (struct sink_reader *at = search->reader; at && !known && !err; at = at->base)
		if (filter_has(&at->db->filter, hash))
			err = report(search, at, subject, bits, true, &known);
	return err;
}

int sink_reader_find_prefix(struct sink_reader *reader, enum sink_trigger trigger,
	const struct sink_prefix *prefix, sink_listing_fn *fn, void *arg)
{
	const struct search search = { reader, trigger, fn, arg };
	const struct schema_meta *all = &reader->db->all;
	int err = SINK_OK;

	if (!sink_trigger_is_prefix(trigger) || !sink_prefix_is_good(prefix))
		return SINK_EINVAL;
	for (int bits = prefix->bits; !err && bits >= 0; bits--)
		if (schema_meta_has(all, trigger, prefix->family, (unsigned)bits))
			err = report_prefix(&search, *prefix, (uint8_t)bits);
	return err;
}

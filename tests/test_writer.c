/* test_writer.c - database files: the same bytes whatever the order, read back with LMDB and the
 * schema alone, and never left behind by a failure. */
#include "sinkhole/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filter.h"
#include "full_disk.h"
#include "mdb.h"
#include "schema.h"
#include "suite.h"

static uint64_t seed;

static unsigned draw(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(seed >> 33) % below;
}

/* --- a directory of its own ------------------------------------------------------------------- */

static char dir[256];
static char path[300];

static void make_dir(void)
{
	const char *parent = getenv("TMPDIR");

	snprintf(dir, sizeof dir, "%s/test-writer-XXXXXX", parent ? parent : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/db", dir);
}

/* Nothing else may be in it but the file, if at all. */
static void remove_dir(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static bool exists(const char *file)
{
	return access(file, F_OK) == 0;
}

struct bytes {
	size_t len;
	uint8_t *at;
};

static struct bytes slurp(const char *file)
{
	struct stat status;
	struct bytes bytes = { 0 };
	FILE *in = fopen(file, "re");

	ck_assert_ptr_nonnull(in);
	ck_assert_int_eq(fstat(fileno(in), &status), 0);
	bytes.len = (size_t)status.st_size;
	bytes.at = malloc(bytes.len);
	ck_assert_ptr_nonnull(bytes.at);
	ck_assert_uint_eq(fread(bytes.at, 1, bytes.len, in), bytes.len);
	fclose(in);
	return bytes;
}

/* The file at `path` is these very bytes. */
static void must_hold(const struct bytes *wanted)
{
	struct bytes got = slurp(path);

	ck_assert_uint_eq(got.len, wanted->len);
	ck_assert(memcmp(got.at, wanted->at, wanted->len) == 0);
	free(got.at);
}

/* --- what is written -------------------------------------------------------------------------- */

static struct sink_name name_of(const char *text)
{
	struct sink_name name;

	ck_assert(sink_name_from_text(sink_span_text(text), &name) == SINK_OK);
	return name;
}

static struct sink_record record_of(const char *source, uint8_t confidence)
{
	struct sink_record record = { .confidence = confidence };

	record.text[SINK_FIELD_SOURCE] = sink_span_text(source);
	return record;
}

static struct sink_writer *begin(size_t memory)
{
	struct sink_writer_options options = { .path = path, .memory = memory };
	struct sink_writer *w = NULL;
	struct sink_why why;

	ck_assert_int_eq(sink_writer_begin(&options, &why, &w), SINK_OK);
	return w;
}

static uint32_t add_record(struct sink_writer *w, const char *source, uint8_t confidence)
{
	struct sink_record record = record_of(source, confidence);
	uint32_t id = UINT32_MAX;

	ck_assert(sink_writer_record(w, &record, &id) == SINK_OK);
	return id;
}

static void add(struct sink_writer *w, const char *text, enum sink_scope scope, uint32_t record)
{
	struct sink_name name = name_of(text);

	ck_assert(sink_writer_add(w, &name, scope, record) == SINK_OK);
}

static void add_other(struct sink_writer *w, enum sink_trigger trigger, const char *text,
	enum sink_scope scope, uint32_t record)
{
	struct sink_prefix prefix;
	struct sink_name name;

	if (sink_trigger_is_prefix(trigger)) {
		ck_assert(sink_prefix_from_text(sink_span_text(text), &prefix) == SINK_OK);
		ck_assert(sink_writer_add_prefix(w, trigger, &prefix, record) == SINK_OK);
		return;
	}
	name = name_of(text);
	ck_assert(sink_writer_add_name(w, trigger, &name, scope, record) == SINK_OK);
}

static struct sink_summary commit(struct sink_writer *w)
{
	struct sink_summary sum;
	struct sink_why why = { "" };
	int err = sink_writer_commit(w, &why, &sum);

	ck_assert_msg(err == SINK_OK, "%s", why.text);
	return sum;
}

/* --- what is read ----------------------------------------------------------------------------- */

struct reading {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_cursor *cursor;
	MDB_val key, value;
};

static bool step(struct reading *in)
{
	return mdb_cursor_get(in->cursor, &in->key, &in->value, MDB_NEXT) == 0;
}

static void open_file(struct reading *in)
{
	MDB_envinfo info;
	struct stat status;

	ck_assert_int_eq(mdb_env_create(&in->env), 0);
	ck_assert_int_eq(mdb_env_open(in->env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0), 0);
	ck_assert_int_eq(mdb_txn_begin(in->env, NULL, MDB_RDONLY, &in->txn), 0);
	ck_assert_int_eq(mdb_dbi_open(in->txn, NULL, 0, &in->dbi), 0);
	ck_assert_int_eq(mdb_cursor_open(in->txn, in->dbi, &in->cursor), 0);
	/* what a reader maps: all of the file, and little more */
	ck_assert_int_eq(mdb_env_info(in->env, &info), 0);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_ge(info.me_mapsize, (size_t)status.st_size);
	ck_assert_uint_le(info.me_mapsize,
		(size_t)status.st_size + (size_t)status.st_size / 8 + (600u << 10));
}

static void close_file(struct reading *in)
{
	mdb_cursor_close(in->cursor);
	mdb_txn_abort(in->txn);
	mdb_env_close(in->env);
}

/* A line a listing, "name scope source confidence", and before it the trigger if that is another than the
 * name asked for. */
static void print_listing(FILE *out, const struct sink_subject *subject, uint64_t listing,
	const struct sink_record *records)
{
	const struct sink_record *record = &records[schema_listing_record(listing)];
	char text[SINK_TEXT_MAX];

	if (subject->trigger != SINK_TRIGGER_QNAME)
		fprintf(out, "%s ", sink_trigger_word(subject->trigger));
	fprintf(out, "%s %s %.*s %u\n",
		sink_trigger_is_prefix(subject->trigger)
			? sink_prefix_to_text(&subject->prefix, text)
			: sink_name_to_text(&subject->name, text),
		sink_scope_word(schema_listing_scope(listing)),
		(int)record->text[SINK_FIELD_SOURCE].len,
		(const char *)record->text[SINK_FIELD_SOURCE].at, record->confidence);
}

/* The blocks of a file. */
struct blocks {
	FILE *out;
	const struct sink_record *records;
	struct filter filter;
	uint64_t listings;
	struct schema_meta seen;
	struct sink_subject before; /* if any was seen */
};

static void see(struct blocks *blocks, const struct schema_block *walk)
{
	uint8_t letter = walk->letter;

	ck_assert(schema_meta_total(&blocks->seen) == 0 ||
		sink_subject_compare(&blocks->before, &walk->subject) < 0);
	ck_assert((letter == SCHEMA_NAMES) == (walk->subject.trigger == SINK_TRIGGER_QNAME));
	ck_assert(filter_has(&blocks->filter, schema_hash(letter, schema_block_at(walk))));
	schema_meta_count(&blocks->seen, letter, schema_block_at(walk));
	blocks->before = walk->subject;
}

static void print_block(struct blocks *blocks, const struct reading *in, struct sink_span last,
	uint32_t records)
{
	struct schema_block walk;
	struct schema_listings listings;
	uint64_t listing;
	int err;

	ck_assert(8 + in->key.mv_size + in->value.mv_size <= SCHEMA_NODE_MAX ||
		in->value.mv_size > 500);
	schema_block_begin(&walk, mdb_span(&in->value), mdb_span(&in->key).at[0], last, records);
	while ((err = schema_block_next(&walk, &listings)) == SINK_OK) {
		see(blocks, &walk);
		while (schema_listing_next(&listings, &listing) == SINK_OK) {
			blocks->seen.listings++;
			print_listing(blocks->out, &walk.subject, listing, blocks->records);
		}
	}
	ck_assert(err == SINK_ENOENT);
}

static struct sink_record *read_records(const struct reading *in, uint32_t count)
{
	struct sink_record *records = calloc((size_t)count + 1, sizeof *records);
	struct sink_span before = { 0 };

	ck_assert_ptr_nonnull(records);
	for (uint32_t id = 0; id < count; id++) {
		uint8_t bytes[SCHEMA_RECORD_KEY];
		MDB_val key = { sizeof bytes, bytes }, value;

		schema_record_key(id, bytes);
		ck_assert(mdb_get(in->txn, in->dbi, &key, &value) == 0);
		ck_assert(schema_record_decode(mdb_span(&value), &records[id]) == SINK_OK);
		/* ids are in the order of the bytes */
		ck_assert(id == 0 ||
			memcmp(before.at, value.mv_data,
				before.len < value.mv_size ? before.len : value.mv_size) < 0);
		before = mdb_span(&value);
	}
	return records;
}

/* Do these two say the same, as far as rules can ask? */
static bool same_facet(const struct sink_record *a, const struct sink_record *b)
{
	for (int i = 0; i < SINK_FIELD_COUNT; i++)
		if (i != SINK_FIELD_REFERENCE && !sink_span_equal(a->text[i], b->text[i]))
			return false;
	return a->severity == b->severity && a->confidence == b->confidence && a->tlp == b->tlp;
}

/* Each record has the facet of the first one that says the same. */
static void check_facets(const struct schema_facets *facets, const struct sink_record *records,
	uint32_t count)
{
	uint32_t known = 0;

	for (uint32_t id = 0; id < count; id++) {
		uint32_t facet = schema_facet_of(facets, id), first;
		uint8_t triggers;

		ck_assert(facet <= known && facet < facets->count);
		schema_facet_head(facets, facet, &first, &triggers);
		ck_assert(facet == known ? first == id : first < id);
		ck_assert(same_facet(&records[id], &records[first]));
		for (uint32_t other = 0; facet == known && other < known; other++) {
			schema_facet_head(facets, other, &first, &triggers);
			ck_assert(!same_facet(&records[id], &records[first]));
		}
		known += facet == known;
	}
	ck_assert(known == facets->count);
}

static bool is_rising(const struct schema_times *times, enum schema_turn turn)
{
	int64_t now = INT64_MIN;

	for (uint32_t i = 0; i < times->counts[turn]; i++) {
		int64_t next = schema_times_next(times, turn, now);

		if (next == INT64_MAX)
			return false;
		now = next;
	}
	return schema_times_next(times, turn, now) == INT64_MAX;
}

/* How many distinct seconds there are; each is looked for. */
static uint32_t count_seconds(const struct schema_times *times, enum schema_turn turn,
	const struct sink_record *records, uint32_t count)
{
	int64_t *seen = calloc((size_t)2 * count + 1, sizeof *seen);
	uint32_t distinct = 0;

	ck_assert_ptr_nonnull(seen);
	for (uint32_t id = 0; id < count; id++) {
		const struct sink_record *r = &records[id];
		bool allows = r->kind == SINK_KIND_ALLOW,
		     ends = allows || r->hint == SINK_HINT_STOP;
		int64_t seconds[2] = { 0, 0 };

		if (r->valid_until && r->valid_until <= r->valid_from)
			continue;
		if (turn == SCHEMA_TURN_SURE && !allows)
			seconds[0] = r->valid_from;
		if ((turn == SCHEMA_TURN_SURE) == ends)
			seconds[1] = r->valid_until;
		for (int i = 0; i < 2; i++) {
			uint32_t n = 0;

			if (!seconds[i])
				continue;
			ck_assert(schema_times_next(times, turn, seconds[i] - 1) == seconds[i]);
			while (n < distinct && seen[n] != seconds[i])
				n++;
			if (n == distinct)
				seen[distinct++] = seconds[i];
		}
	}
	free(seen);
	return distinct;
}

/* They are there if there is a second, and are those of the records. */
static void check_times(const struct reading *in, bool there, uint32_t facets,
	const struct sink_record *records, uint32_t count)
{
	struct schema_times times = { .facets_count = 0 };

	if (there) {
		ck_assert(sink_span_equal(mdb_span(&in->key), sink_span_text(SCHEMA_TIMES)));
		ck_assert_int_eq(schema_times_decode(mdb_span(&in->value), facets, &times),
			SINK_OK);
	}
	for (int turn = 0; turn < SCHEMA_TURN_COUNT; turn++) {
		ck_assert(is_rising(&times, (enum schema_turn)turn));
		ck_assert_uint_eq(count_seconds(&times, (enum schema_turn)turn, records, count),
			times.counts[turn]);
	}
}

/* Every key of the file, in the order and of the kinds that doc/DATABASE.md says.
 *
 * returns  the listings as text; the caller frees it
 */
static char *dump(const struct sink_summary *sum)
{
	struct reading in;
	struct schema_meta meta;
	struct sink_span filter, last;
	struct schema_facets facets;
	struct blocks blocks = { 0 };
	struct stat status;
	char *text = NULL;
	size_t len;
	uint32_t id, records_seen = 0;

	blocks.out = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(blocks.out);
	open_file(&in);
	ck_assert(step(&in));
	ck_assert(sink_span_equal(mdb_span(&in.key), sink_span_text(SCHEMA_FILTER)));
	MDB_val filter_value = in.value;

	ck_assert(step(&in));
	ck_assert(sink_span_equal(mdb_span(&in.key), sink_span_text(SCHEMA_META)));
	ck_assert_int_eq(schema_meta_decode(mdb_span(&in.value), &meta), SINK_OK);
	ck_assert_int_eq(schema_filter_decode(mdb_span(&filter_value), schema_meta_total(&meta),
				 &filter),
		SINK_OK);
	blocks.filter = (struct filter){ filter.at, filter.len / FILTER_BLOCK };
	if (blocks.filter.count > 100) /* a large value: blocks do not straddle cache lines */
		ck_assert_uint_eq((uintptr_t)filter.at % 64, 0);
	struct sink_record *records = read_records(&in, meta.records);

	blocks.records = records;
	blocks.seen.records = meta.records;
	while (step(&in) && schema_is_block_key(mdb_span(&in.key), &last))
		print_block(&blocks, &in, last, meta.records);
	for (bool more = true; more && schema_is_record_key(mdb_span(&in.key), &id);
		more = step(&in))
		ck_assert(id == records_seen++);
	ck_assert_uint_eq(records_seen, meta.records);
	ck_assert(sink_span_equal(mdb_span(&in.key), sink_span_text(SCHEMA_FACETS)));
	ck_assert_int_eq(schema_facets_decode(mdb_span(&in.value), meta.records, &facets), SINK_OK);
	check_facets(&facets, records, meta.records);
	bool times = step(&in);

	check_times(&in, times, facets.count, records, meta.records);
	ck_assert(!times || !step(&in));
	ck_assert_mem_eq(blocks.seen.subjects, meta.subjects, sizeof meta.subjects);
	ck_assert_mem_eq(blocks.seen.lengths, meta.lengths, sizeof meta.lengths);
	ck_assert_uint_eq(blocks.seen.listings, meta.listings);
	ck_assert_uint_eq(sum->names, schema_meta_total(&meta));
	ck_assert_uint_eq(sum->listings, meta.listings);
	ck_assert_uint_eq(sum->records, meta.records);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(sum->bytes, (uint64_t)status.st_size);
	free(records);
	close_file(&in);
	fclose(blocks.out);
	return text;
}

/* --- content ---------------------------------------------------------------------------------- */

/* What becomes of a record's times, of which some are equal; a block of source "b", which alone ends perhaps, has a
 * facet of its own. */
static const struct {
	const char *source;
	enum sink_kind kind;
	enum sink_hint hint;
	int64_t from, until;
} timed[] = {
	{ "a", SINK_KIND_BLOCK, SINK_HINT_NONE, 50, 0 },
	{ "a", SINK_KIND_BLOCK, SINK_HINT_NODATA, 50, 0 },
	{ "a", SINK_KIND_IMPORTANT, SINK_HINT_NONE, 40, 0 },
	{ "a", SINK_KIND_ALLOW, SINK_HINT_NONE, 10, 0 }, /* lets pass from then on: nothing */
	{ "a", SINK_KIND_ALLOW, SINK_HINT_NONE, 11, 60 },
	{ "a", SINK_KIND_BLOCK, SINK_HINT_STOP, 45, 50 }, /* each way */
	{ "a", SINK_KIND_BLOCK, SINK_HINT_NONE, 99, 99 }, /* never */
	{ "a", SINK_KIND_BLOCK, SINK_HINT_NONE, 99, 98 },
	{ "b", SINK_KIND_BLOCK, SINK_HINT_NONE, 0, 70 },
	{ "b", SINK_KIND_BLOCK, SINK_HINT_NONE, 50, 70 },
	{ "b", SINK_KIND_IMPORTANT, SINK_HINT_NONE, 0, INT64_MAX - 1 },
};

static void check_turns(const struct schema_times *times, enum schema_turn turn,
	const int64_t *seconds, uint32_t count)
{
	ck_assert_uint_eq(times->counts[turn], count);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_int_eq(schema_times_next(times, turn, i == 0 ? 0 : seconds[i - 1]),
			seconds[i]);
}

START_TEST(times_of_records)
{
	static const int64_t sure[] = { 40, 45, 50, 60 }, perhaps[] = { 70, INT64_MAX - 1 };
	struct sink_writer *w;
	struct sink_summary sum;
	struct schema_times times;
	struct reading in;
	MDB_val key = { 1, (void *)(uintptr_t)SCHEMA_TIMES }, value;

	make_dir();
	w = begin(0);
	for (size_t i = 0; i < LENGTH(timed); i++) {
		struct sink_record record = record_of(timed[i].source, 50);
		uint32_t id;

		record.kind = timed[i].kind;
		record.hint = timed[i].hint;
		record.valid_from = timed[i].from;
		record.valid_until = timed[i].until;
		ck_assert(sink_writer_record(w, &record, &id) == SINK_OK);
		add(w, "one.example", SINK_SCOPE_EXACT, id);
	}
	sum = commit(w);
	free(dump(&sum));
	open_file(&in);
	ck_assert_int_eq(mdb_get(in.txn, in.dbi, &key, &value), 0);
	ck_assert_int_eq(schema_times_decode(mdb_span(&value), 2, &times), SINK_OK);
	check_turns(&times, SCHEMA_TURN_SURE, sure, LENGTH(sure));
	check_turns(&times, SCHEMA_TURN_PERHAPS, perhaps, LENGTH(perhaps));
	ck_assert_uint_eq(times.facets_count, 1);
	ck_assert_uint_ne(schema_times_facet(&times, 0), UINT32_MAX);
	close_file(&in);
	remove_dir();
}
END_TEST

/* A second for each entry, backwards, some of them twice. */
START_TEST(many_times)
{
	enum { MANY = 3000 };
	struct sink_writer *w;
	struct sink_summary sum;
	char text[32];

	make_dir();
	w = begin(0);
	for (unsigned i = MANY; i > 0; i--) {
		struct sink_record record = record_of("many", 50);
		uint32_t id;

		snprintf(text, sizeof text, "n%u.example", i);
		record.valid_from = 1000000 + i / 2 * 2;
		record.valid_until = 2000000 + i;
		ck_assert(sink_writer_record(w, &record, &id) == SINK_OK);
		add(w, text, SINK_SCOPE_EXACT, id);
	}
	sum = commit(w);
	free(dump(&sum));
	remove_dir();
}
END_TEST

START_TEST(listings_are_ordered)
{
	struct sink_summary sum;
	struct sink_writer *w;
	uint32_t zeta, alpha;
	char *text;

	make_dir();
	w = begin(0);
	zeta = add_record(w, "zeta", 50);
	alpha = add_record(w, "alpha", 50);
	ck_assert_uint_eq(add_record(w, "zeta", 50), zeta);
	ck_assert_uint_ne(zeta, alpha);
	add_record(w, "unused", 10);
	add(w, "b.example", SINK_SCOPE_SUBTREE, zeta);
	add(w, "b.example", SINK_SCOPE_EXACT, zeta);
	add(w, "B.EXAMPLE.", SINK_SCOPE_EXACT, zeta); /* the same */
	add(w, "b.example", SINK_SCOPE_BELOW, alpha);
	add(w, ".", SINK_SCOPE_EXACT, alpha);
	add(w, "example", SINK_SCOPE_EXACT, alpha);
	add(w, "ab.example", SINK_SCOPE_EXACT, zeta);
	add(w, "a.b.example", SINK_SCOPE_EXACT, alpha);
	add(w, "\\000\\001\\.\\\\", SINK_SCOPE_EXACT, alpha);
	sum = commit(w);
	text = dump(&sum);
	/* records are stored in the order of their bytes, a text's length before the text */
	ck_assert_str_eq(text,
		". exact alpha 50\n"
		"\\000\\001\\.\\\\ exact alpha 50\n"
		"example exact alpha 50\n"
		"ab.example exact zeta 50\n"
		"b.example exact zeta 50\n"
		"b.example subtree zeta 50\n"
		"b.example below alpha 50\n"
		"a.b.example exact alpha 50\n");
	ck_assert_uint_eq(sum.names, 6);
	ck_assert_uint_eq(sum.listings, 8);
	ck_assert_uint_eq(sum.duplicates, 1);
	ck_assert_uint_eq(sum.records, 3);
	free(text);
	remove_dir();
}
END_TEST

START_TEST(empty_file)
{
	struct sink_summary sum;
	char *text;

	make_dir();
	sum = commit(begin(0));
	text = dump(&sum);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(sum.names, 0);
	ck_assert_uint_eq(sum.records, 0);
	free(text);
	remove_dir();
}
END_TEST

/* Names with thousands of listings, records of 8 KiB: values that take pages of their own. */
START_TEST(large_values)
{
	static char text[SINK_STRING_MAX];
	struct sink_record record = { .confidence = 1 };
	struct sink_summary sum;
	struct sink_writer *w;
	uint32_t id;
	char *got;

	make_dir();
	w = begin(0);
	memset(text, 'x', sizeof text);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(text, 8, "%07u", 3000 - i);
		for (int field = 0; field < (i % 100 ? 1 : SINK_FIELD_COUNT); field++)
			record.text[field] = sink_span(text, i % 100 ? 7 : sizeof text);
		ck_assert(sink_writer_record(w, &record, &id) == SINK_OK);
		for (int field = 0; field < SINK_FIELD_COUNT; field++)
			record.text[field].len = 0;
		for (int again = 0; again < 3; again++) {
			add(w, "much.example", SINK_SCOPE_SUBTREE, id);
			add(w, "much.more.example", SINK_SCOPE_EXACT, id);
		}
		add(w, "a.example", SINK_SCOPE_EXACT, 0);
	}
	sum = commit(w);
	ck_assert_uint_eq(sum.names, 3);
	ck_assert_uint_eq(sum.listings, 6001);
	ck_assert_uint_eq(sum.duplicates, 12000 + 2999);
	got = dump(&sum);
	free(got);
	remove_dir();
}
END_TEST

/* Names as long as they can be: blocks of one name, keys of 505 bytes in the tree's branches. */
START_TEST(longest_names)
{
	uint8_t wire[SINK_WIRE_MAX];
	struct sink_summary sum;
	struct sink_writer *w;
	struct sink_name name;
	char *text;

	make_dir();
	w = begin(0);
	add_record(w, "x", 0);
	seed = 3;
	for (unsigned i = 0; i < 2000; i++) {
		for (size_t at = 0; at < sizeof wire; at++)
			wire[at] = (uint8_t)draw(2);
		wire[0] = wire[64] = wire[128] = 63;
		wire[192] = 61;
		wire[254] = 0;
		ck_assert(sink_name_from_wire(sink_span(wire, sizeof wire), &name) == SINK_OK);
		ck_assert(sink_writer_add(w, &name, SINK_SCOPE_EXACT, 0) == SINK_OK);
	}
	sum = commit(w);
	ck_assert_uint_eq(sum.names, 2000);
	text = dump(&sum);
	free(text);
	remove_dir();
}
END_TEST

/* --- other triggers --------------------------------------------------------------------------- */

static const struct {
	enum sink_trigger trigger;
	const char *subject;
	enum sink_scope scope;
	const char *source;
} others[] = {
	{ SINK_TRIGGER_NSADDRESS, "192.0.2.0/24", 0, "b" },
	{ SINK_TRIGGER_NSNAME, "example", SINK_SCOPE_SUBTREE, "b" },
	{ SINK_TRIGGER_NSNAME, ".", SINK_SCOPE_BELOW, "a" },
	{ SINK_TRIGGER_NSNAME, "a.example", SINK_SCOPE_EXACT, "a" },
	{ SINK_TRIGGER_CLIENT, "::/0", 0, "a" },
	{ SINK_TRIGGER_CLIENT, "255.255.255.255", 0, "a" },
	{ SINK_TRIGGER_CLIENT, "::", 0, "a" },
	{ SINK_TRIGGER_CLIENT, "0.0.0.0/0", 0, "a" },
	{ SINK_TRIGGER_CLIENT, "0.0.0.0", 0, "a" },
	{ SINK_TRIGGER_ANSWER, "192.0.2.1", 0, "b" },
	{ SINK_TRIGGER_ANSWER, "192.0.2.1", 0, "a" },
	{ SINK_TRIGGER_ANSWER, "192.0.2.1/32", 0, "b" }, /* the same */
	{ SINK_TRIGGER_ANSWER, "192.0.2.0", 0, "b" },
	{ SINK_TRIGGER_ANSWER, "192.0.2.0/24", 0, "b" },
	{ SINK_TRIGGER_ANSWER, "192.0.2.0/23", 0, "b" },
	{ SINK_TRIGGER_ANSWER, "192.0.2.0/25", 0, "b" },
	{ SINK_TRIGGER_ANSWER, "0.0.2.1", 0, "b" },
	{ SINK_TRIGGER_ANSWER, "1.0.2.1", 0, "b" },
	{ SINK_TRIGGER_ANSWER, "::1.0.2.1", 0, "b" },
	{ SINK_TRIGGER_QNAME, "example", SINK_SCOPE_EXACT, "b" },
};

START_TEST(others_are_ordered)
{
	struct sink_summary sum;
	struct sink_writer *w;
	char *text;

	make_dir();
	w = begin(0);
	for (size_t i = 0; i < LENGTH(others); i++)
		add_other(w, others[i].trigger, others[i].subject, others[i].scope,
			add_record(w, others[i].source, 1));
	sum = commit(w);
	text = dump(&sum);
	ck_assert_str_eq(text,
		"example exact b 1\n"
		"answer 0.0.2.1 exact b 1\n"
		"answer 1.0.2.1 exact b 1\n"
		"answer 192.0.2.0/23 exact b 1\n"
		"answer 192.0.2.0/24 exact b 1\n"
		"answer 192.0.2.0/25 exact b 1\n"
		"answer 192.0.2.0 exact b 1\n"
		"answer 192.0.2.1 exact a 1\n"
		"answer 192.0.2.1 exact b 1\n"
		"answer ::1.0.2.1 exact b 1\n"
		"client 0.0.0.0/0 exact a 1\n"
		"client 0.0.0.0 exact a 1\n"
		"client 255.255.255.255 exact a 1\n"
		"client ::/0 exact a 1\n"
		"client :: exact a 1\n"
		"ns-name . below a 1\n"
		"ns-name example subtree b 1\n"
		"ns-name a.example exact a 1\n"
		"ns-address 192.0.2.0/24 exact b 1\n");
	ck_assert_uint_eq(sum.names, 18);
	ck_assert_uint_eq(sum.listings, 19);
	ck_assert_uint_eq(sum.duplicates, 1);
	free(text);
	remove_dir();
}
END_TEST

static int by_prefix(const void *a, const void *b)
{
	struct sink_subject x = { .trigger = SINK_TRIGGER_ANSWER },
			    y = { .trigger = SINK_TRIGGER_ANSWER };

	x.prefix = *(const struct sink_prefix *)a;
	y.prefix = *(const struct sink_prefix *)b;
	return sink_subject_compare(&x, &y);
}

/* Octets of 0, 1, 2 and 255 in any order, cut anywhere: what an order that trips over zeros, or over
 * escapes, gets wrong. */
static struct sink_prefix draw_prefix(void)
{
	static const uint8_t octets[] = { 0, 0, 0, 1, 1, 2, 255 };
	struct sink_prefix prefix = { .family = draw(2) ? 4 : 6 };
	unsigned len = prefix.family == 4 ? 4 : 16;

	for (unsigned i = 0; i < len; i++)
		prefix.bytes[i] = octets[draw(LENGTH(octets))];
	sink_prefix_cut(&prefix, (uint8_t)draw(8 * len + 1));
	return prefix;
}

#define PREFIXES 20000

static const size_t prefix_memories[] = { 0, 1 };

START_TEST(prefixes_full_of_zeros)
{
	static struct sink_prefix drawn[PREFIXES];
	struct sink_summary sum;
	struct sink_writer *w;
	char *text, *at, wanted[SINK_PREFIX_TEXT_MAX];
	size_t distinct = 0;

	make_dir();
	w = begin(prefix_memories[_i]);
	add_record(w, "x", 1);
	seed = 17;
	for (size_t i = 0; i < PREFIXES; i++) {
		drawn[i] = draw_prefix();
		ck_assert(sink_writer_add_prefix(w, SINK_TRIGGER_CLIENT, &drawn[i], 0) == SINK_OK);
	}
	sum = commit(w);
	text = dump(&sum);
	qsort(drawn, PREFIXES, sizeof drawn[0], by_prefix);
	at = text;
	for (size_t i = 0; i < PREFIXES; i++) {
		if (i > 0 && by_prefix(&drawn[i - 1], &drawn[i]) == 0)
			continue;
		distinct++;
		sink_prefix_to_text(&drawn[i], wanted);
		ck_assert(strncmp(at, "client ", 7) == 0);
		ck_assert(strncmp(at + 7, wanted, strlen(wanted)) == 0);
		ck_assert(strncmp(at + 7 + strlen(wanted), " exact x 1\n", 11) == 0);
		at += 7 + strlen(wanted) + 11;
	}
	ck_assert_str_eq(at, "");
	ck_assert_uint_eq(sum.names, distinct);
	ck_assert_uint_eq(sum.duplicates, PREFIXES - distinct);
	free(text);
	remove_dir();
}
END_TEST

START_TEST(others_broken_contracts)
{
	static const struct sink_prefix good = { .family = 4, .bits = 8, .bytes = { 10 } };
	struct sink_prefix bad = good;
	struct sink_name name = name_of("example");
	struct sink_writer *w;
	uint32_t id;

	make_dir();
	w = begin(0);
	ck_assert_int_eq(sink_writer_add_prefix(w, SINK_TRIGGER_ANSWER, &good, 0), SINK_EINVAL);
	id = add_record(w, "x", 1);
	ck_assert_int_eq(sink_writer_add_prefix(w, SINK_TRIGGER_QNAME, &good, id), SINK_EINVAL);
	ck_assert_int_eq(sink_writer_add_prefix(w, SINK_TRIGGER_NSNAME, &good, id), SINK_EINVAL);
	ck_assert_int_eq(sink_writer_add_prefix(w, SINK_TRIGGER_COUNT, &good, id), SINK_EINVAL);
	bad.bytes[1] = 1; /* 10.1.0.0/8 */
	ck_assert_int_eq(sink_writer_add_prefix(w, SINK_TRIGGER_ANSWER, &bad, id), SINK_EINVAL);
	bad = good;
	bad.bits = 33;
	ck_assert_int_eq(sink_writer_add_prefix(w, SINK_TRIGGER_ANSWER, &bad, id), SINK_EINVAL);
	ck_assert_int_eq(sink_writer_add_name(w, SINK_TRIGGER_CLIENT, &name, 0, id), SINK_EINVAL);
	ck_assert_int_eq(sink_writer_add_name(w, SINK_TRIGGER_COUNT, &name, 0, id), SINK_EINVAL);
	ck_assert_int_eq(sink_writer_add_name(w, SINK_TRIGGER_NSNAME, &name, SINK_SCOPE_COUNT, id),
		SINK_EINVAL);
	ck_assert_int_eq(sink_writer_add_name(w, SINK_TRIGGER_NSNAME, &name, 0, id + 1),
		SINK_EINVAL);
	ck_assert_uint_eq(commit(w).names, 0);
	remove_dir();
}
END_TEST

/* --- batches ---------------------------------------------------------------------------------- */

START_TEST(dropped_batch)
{
	struct sink_summary sum;
	struct sink_writer *w;
	uint32_t first, second, third, a, b, c;
	char *text;

	make_dir();
	w = begin(0);
	a = add_record(w, "a", 1); /* of batch 0 */
	add(w, "kept.example", SINK_SCOPE_EXACT, a);
	first = sink_writer_batch(w);
	ck_assert_uint_ne(first, 0);
	b = add_record(w, "a", 1); /* equal, and yet another */
	ck_assert_uint_ne(a, b);
	ck_assert_uint_eq(add_record(w, "a", 1), b);
	c = add_record(w, "b", 1);
	add_record(w, "unused, dropped", 1);
	add(w, "kept.example", SINK_SCOPE_EXACT, b); /* a duplicate, if it were kept */
	add(w, "kept.example", SINK_SCOPE_BELOW, b);
	add(w, "gone.example", SINK_SCOPE_EXACT, c);
	add(w, "gone.example", SINK_SCOPE_EXACT, c);
	add_other(w, SINK_TRIGGER_ANSWER, "192.0.2.0/24", 0, c);
	add_other(w, SINK_TRIGGER_ANSWER, "192.0.2.1", 0, a); /* of batch 0, whenever it is added */
	second = sink_writer_batch(w);
	ck_assert_uint_ne(first, second);
	add(w, "late.example", SINK_SCOPE_EXACT, add_record(w, "b", 1));
	sink_writer_drop(w, first);
	sink_writer_drop(w, first);
	add(w, "gone.too.example", SINK_SCOPE_EXACT, c); /* its record was dropped */
	third = sink_writer_batch(w);
	add_record(w, "unused", 1);
	sink_writer_drop(w, third + 1); /* nobody's */
	sink_writer_drop(w, UINT32_MAX);
	sum = commit(w);
	text = dump(&sum);
	ck_assert_str_eq(text,
		"kept.example exact a 1\n"
		"late.example exact b 1\n"
		"answer 192.0.2.1 exact a 1\n");
	ck_assert_uint_eq(sum.names, 3);
	ck_assert_uint_eq(sum.listings, 3);
	ck_assert_uint_eq(sum.duplicates, 0);
	ck_assert_uint_eq(sum.records, 3); /* a, b, unused */
	free(text);
	remove_dir();
}
END_TEST

/* Batches that are all kept leave no trace: equal records are one, equal listings are duplicates. */
START_TEST(kept_batches)
{
	struct sink_summary sum;
	struct sink_writer *w;
	char *text;

	make_dir();
	w = begin(0);
	for (int i = 0; i < 1000; i++) {
		ck_assert_uint_eq(sink_writer_batch(w), (unsigned)i + 1);
		add(w, "a.example", SINK_SCOPE_EXACT, add_record(w, "same", 1));
		add_other(w, SINK_TRIGGER_CLIENT, "::/0", 0, add_record(w, i % 2 ? "o" : "p", 1));
	}
	sum = commit(w);
	text = dump(&sum);
	ck_assert_str_eq(text,
		"a.example exact same 1\n"
		"client ::/0 exact o 1\n"
		"client ::/0 exact p 1\n");
	ck_assert_uint_eq(sum.records, 3);
	ck_assert_uint_eq(sum.duplicates, 1997);
	free(text);
	remove_dir();
}
END_TEST

/* Batch 0 can be dropped, and with it all there is: what is left is an empty file, byte by byte. */
START_TEST(everything_dropped)
{
	struct bytes wanted;
	struct sink_summary sum;
	struct sink_writer *w;

	make_dir();
	commit(begin(0));
	wanted = slurp(path);
	unlink(path);
	w = begin(1);
	for (unsigned i = 0; i < 20000; i++) {
		char text[32];

		snprintf(text, sizeof text, "n%u.example", i);
		add(w, text, SINK_SCOPE_EXACT, add_record(w, text, 1));
		add_other(w, SINK_TRIGGER_NSNAME, text, SINK_SCOPE_SUBTREE, i);
	}
	sink_writer_drop(w, 0);
	sum = commit(w);
	ck_assert_uint_eq(sum.names, 0);
	ck_assert_uint_eq(sum.records, 0);
	must_hold(&wanted);
	free(wanted.at);
	remove_dir();
}
END_TEST

#define SOURCES 12

/* What a source lists; each shares names, and some share records, with the others. */
static void add_source(struct sink_writer *w, unsigned source, unsigned from, unsigned to)
{
	char word[16], text[64];
	uint32_t record;

	snprintf(word, sizeof word, "source %u", source / 2);
	record = add_record(w, word, 7);
	for (unsigned i = from; i < to; i++) {
		snprintf(text, sizeof text, "n%u.example", i * (source + 1) % 3001);
		add(w, text, i % SINK_SCOPE_COUNT, record);
		snprintf(text, sizeof text, "10.%u.%u.0/24", source % 3, i % 256);
		add_other(w, SINK_TRIGGER_ANSWER, text, 0, record);
	}
}

/* Whatever the order of sources, and whether one was held back when it was read and its last good entries
 * came later: the same bytes as of what is good alone. */
START_TEST(same_bytes_of_batches)
{
	struct sink_summary first, sum;
	struct bytes wanted;
	struct sink_writer *w;

	make_dir();
	w = begin(0);
	for (unsigned source = 0; source < SOURCES; source++)
		add_source(w, source, 0, 500);
	first = commit(w);
	wanted = slurp(path);
	for (unsigned round = 0; round < SOURCES; round++) {
		unlink(path);
		w = begin(round % 2 ? 1 : 0);
		for (unsigned n = 0; n < SOURCES; n++) {
			unsigned source = (n * 5 + round) % SOURCES;
			uint32_t batch = sink_writer_batch(w);
			bool is_bad = (source + round) % 3 == 0;

			add_source(w, source, is_bad ? 200 : 0, is_bad ? 2000 : 500);
			if (!is_bad)
				continue;
			sink_writer_drop(w, batch);
			sink_writer_batch(w);
			add_source(w, source, 0, 500);
		}
		sum = commit(w);
		ck_assert_mem_eq(&sum, &first, sizeof sum);
		must_hold(&wanted);
	}
	free(wanted.at);
	remove_dir();
}
END_TEST

/* --- too much of one name --------------------------------------------------------------------- */

#define CROWD 200

static char crowds[1000];

static void note_crowd(void *arg, const struct sink_crowd *crowd)
{
	size_t len = strlen(crowds);
	char text[SINK_TEXT_MAX];

	ck_assert_ptr_eq(arg, crowds);
	if (sink_trigger_is_prefix(crowd->subject->trigger))
		sink_prefix_to_text(&crowd->subject->prefix, text);
	else
		sink_name_to_text(&crowd->subject->name, text);
	snprintf(crowds + len, sizeof crowds - len, "%s %.60s %.*s %llu %llu\n",
		sink_trigger_word(crowd->subject->trigger), text, (int)crowd->source.len,
		(const char *)crowd->source.at, (unsigned long long)crowd->listings,
		(unsigned long long)crowd->distinct);
}

/* The entry that says it the n-th time; the first one, in the order of the database, is "r100". */
static void add_reference(struct sink_writer *w, unsigned n, const char *name)
{
	struct sink_record record = record_of("crowd", 7);
	char reference[16];
	uint32_t id;

	snprintf(reference, sizeof reference, "r%u", 100 + n);
	record.text[SINK_FIELD_REFERENCE] = sink_span_text(reference);
	ck_assert(sink_writer_record(w, &record, &id) == SINK_OK);
	add(w, name, SINK_SCOPE_SUBTREE, id);
	if (n < 65)
		add_other(w, SINK_TRIGGER_ANSWER, "192.0.2.0/24", 0, id);
	if (n < 66)
		add_other(w, SINK_TRIGGER_NSNAME, name, SINK_SCOPE_EXACT, id);
}

static struct sink_summary write_crowd(size_t memory, unsigned step, bool twice)
{
	struct sink_writer_options options = {
		.path = path, .memory = memory, .crowd = note_crowd, .arg = crowds
	};
	struct sink_writer *w = NULL;
	uint32_t batch;

	crowds[0] = 0;
	ck_assert_int_eq(sink_writer_begin(&options, NULL, &w), SINK_OK);
	batch = sink_writer_batch(w);
	for (unsigned n = 0; n < 70; n++) /* would crowd this name, but is dropped */
		add_reference(w, n, "few.example");
	sink_writer_drop(w, batch);
	sink_writer_batch(w);
	for (unsigned n = 0; n < 64; n++)
		add_reference(w, n, "few.example");
	for (unsigned n = 0; n < CROWD; n++)
		add_reference(w, n * step % CROWD, "many.example");
	for (unsigned n = 0; n < CROWD && twice; n++)
		add_reference(w, n, "many.example");
	add(w, "many.example", SINK_SCOPE_EXACT, add_record(w, "other", 1));
	return commit(w);
}

/* Which ones stay does not depend on the order in which they came, nor on how often. */
START_TEST(crowd)
{
	struct sink_summary first, sum;
	struct bytes wanted;
	char *text;

	make_dir();
	first = write_crowd(0, 1, false);
	ck_assert_str_eq(crowds,
		"qname many.example crowd 136 0\n"
		"answer 192.0.2.0/24 crowd 1 0\n"
		"ns-name many.example crowd 2 0\n");
	ck_assert_uint_eq(first.crowded, 136 + 1 + 2);
	ck_assert_uint_eq(first.listings, 64 + 64 + 1 + 64 + 64 + 64);
	ck_assert_uint_eq(first.names, 5);
	ck_assert_uint_eq(first.records, CROWD + 1); /* those of no listing, too */
	text = dump(&first);
	ck_assert_ptr_nonnull(strstr(text, "many.example exact other 1\n"));
	free(text);
	wanted = slurp(path);
	for (unsigned round = 0; round < 6; round++) {
		static const unsigned steps[] = { 1, 7, 199 };

		unlink(path);
		sum = write_crowd(round % 2, steps[round / 2], round % 2);
		ck_assert_uint_eq(sum.listings, first.listings);
		ck_assert_uint_eq(sum.crowded, first.crowded);
		must_hold(&wanted);
	}
	free(wanted.at);
	remove_dir();
}
END_TEST

/* --- the same bytes --------------------------------------------------------------------------- */

struct entry {
	unsigned name, source;
	enum sink_scope scope;
};

#define ENTRIES 60000

static struct entry *make_entries(void)
{
	struct entry *entries = calloc(ENTRIES, sizeof *entries);

	ck_assert_ptr_nonnull(entries);
	seed = 11;
	for (unsigned i = 0; i < ENTRIES; i++)
		entries[i] = (struct entry){ draw(40000), draw(40), draw(3) };
	return entries;
}

static void shuffle(struct entry *entries)
{
	for (unsigned i = ENTRIES - 1; i > 0; i--) {
		unsigned other = draw(i + 1);
		struct entry entry = entries[i];

		entries[i] = entries[other];
		entries[other] = entry;
	}
}

static struct sink_summary write_entries(const struct entry *entries, size_t memory, bool twice)
{
	struct sink_writer *w = begin(memory);

	for (unsigned i = 0; i < ENTRIES; i++) {
		const struct entry *entry = &entries[i];
		char text[64], source[16];

		snprintf(source, sizeof source, "source %u", entry->source);
		snprintf(text, sizeof text, "n%u.%u.example.%s", entry->name % 7, entry->name,
			entry->name % 3 ? "com" : "net");
		for (int n = 0; n <= (twice && i % 3 == 0); n++)
			add(w, text, entry->scope,
				add_record(w, source, (uint8_t)(entry->source % 100)));
	}
	return commit(w);
}

static const struct {
	size_t memory;
	bool twice;
	int perturb; /* what malloc fills memory with */
} ways[] = {
	{ 0, false, 0 },
	{ 0, false, 0xaa },
	{ 0, true, 0x55 },
	{ 1, false, 0 }, /* as little as there may be: dozens of runs, merged in passes */
	{ 65536, true, 0xff },
	{ 1000000, false, 0x11 },
	{ 3000000, true, 0 },
};

START_TEST(same_bytes)
{
	struct entry *entries = make_entries();
	struct sink_summary first, sum;
	struct bytes wanted;
	char *text;

	make_dir();
	first = write_entries(entries, 0, false);
	text = dump(&first);
	ck_assert_uint_eq(first.listings + first.duplicates, ENTRIES);
	wanted = slurp(path);
	for (size_t i = 0; i < LENGTH(ways); i++) {
		unlink(path);
		mallopt(M_PERTURB, ways[i].perturb);
		shuffle(entries);
		sum = write_entries(entries, ways[i].memory, ways[i].twice);
		mallopt(M_PERTURB, 0);
		ck_assert_uint_eq(sum.names, first.names);
		ck_assert_uint_eq(sum.listings, first.listings);
		ck_assert_uint_eq(sum.duplicates,
			first.duplicates + (ways[i].twice ? ENTRIES / 3 : 0));
		must_hold(&wanted);
	}
	free(wanted.at);
	free(text);
	free(entries);
	remove_dir();
}
END_TEST

/* --- the file --------------------------------------------------------------------------------- */

START_TEST(mode_is_for_readers)
{
	struct stat status;
	struct sink_writer *w;

	make_dir();
	umask(0077);
	w = begin(0);
	umask(0022);
	commit(w);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0644);
	remove_dir();
}
END_TEST

START_TEST(existing_file_stays)
{
	struct sink_writer_options options = { .path = path };
	struct sink_writer *w = NULL;
	struct sink_why why = { "" };
	struct bytes bytes;
	FILE *out;

	make_dir();
	out = fopen(path, "we");
	ck_assert_ptr_nonnull(out);
	fputs("ours", out);
	fclose(out);
	ck_assert_int_eq(sink_writer_begin(&options, &why, &w), SINK_EIO);
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_ptr_null(w);
	ck_assert_ptr_nonnull(strstr(why.text, path));
	bytes = slurp(path);
	ck_assert_uint_eq(bytes.len, 4);
	free(bytes.at);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("elsewhere", path), 0);
	ck_assert_int_eq(sink_writer_begin(&options, NULL, &w), SINK_EIO);
	ck_assert(!exists("elsewhere"));
	remove_dir();
}
END_TEST

START_TEST(no_such_directory)
{
	struct sink_writer_options options = { .path = "no/such/db" };
	struct sink_writer *w = NULL;
	struct sink_why why = { "" };

	ck_assert_int_eq(sink_writer_begin(&options, &why, &w), SINK_EIO);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(why.text, "no/such/db: No such file or directory");
}
END_TEST

START_TEST(abort_leaves_nothing)
{
	struct sink_writer *w;

	make_dir();
	sink_writer_abort(NULL);
	w = begin(0);
	ck_assert(exists(path));
	add(w, "a.example", SINK_SCOPE_EXACT, add_record(w, "x", 1));
	sink_writer_abort(w);
	ck_assert(!exists(path));
	remove_dir();
}
END_TEST

/* From the first moment until it is complete nobody else gets the lock. */
START_TEST(file_is_locked)
{
	struct sink_writer *w;
	int fd;

	make_dir();
	w = begin(0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), -1);
	ck_assert_int_eq(errno, EWOULDBLOCK);
	commit(w);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
	remove_dir();
}
END_TEST

START_TEST(broken_contracts)
{
	struct sink_record record = { .confidence = 101 };
	struct sink_name name = name_of("a.example");
	struct sink_summary sum = { .names = 42 };
	struct sink_why why = { "" };
	struct sink_writer *w;
	uint32_t id = 7;

	make_dir();
	w = begin(0);
	ck_assert_int_eq(sink_writer_add(w, &name, SINK_SCOPE_EXACT, 0), SINK_EINVAL);
	ck_assert_int_eq(sink_writer_record(w, &record, &id), SINK_EINVAL);
	ck_assert_uint_eq(id, 7);
	id = add_record(w, "x", 1);
	ck_assert_int_eq(sink_writer_add(w, &name, SINK_SCOPE_EXACT, id + 1), SINK_EINVAL);
	ck_assert_int_eq(sink_writer_add(w, &name, SINK_SCOPE_COUNT, id), SINK_EINVAL);
	ck_assert_int_eq(sink_writer_add(w, &name, SINK_SCOPE_EXACT, id), SINK_OK);
	ck_assert_int_eq(sink_writer_commit(w, &why, &sum), SINK_OK); /* none of that harmed it */
	ck_assert_uint_eq(sum.names, 1);
	remove_dir();
}
END_TEST

/* --- a full disk ------------------------------------------------------------------------------ */

/* Full at once, in the middle, and just before the end, with and without runs on the same disk. */
static const struct {
	size_t memory;
	unsigned percent; /* of the file's size */
} full[] = {
	{ 0, 0 },
	{ 0, 1 },
	{ 0, 30 },
	{ 0, 60 },
	{ 0, 99 },
	{ 65536, 0 },
	{ 65536, 30 },
	{ 65536, 99 },
};

static int write_some(struct sink_writer *w, unsigned count, struct sink_why *why)
{
	struct sink_record record = record_of("x", 1);
	uint32_t id;
	int err = sink_writer_record(w, &record, &id);

	for (unsigned i = 0; i < count && !err; i++) {
		char text[32];
		struct sink_name name;

		snprintf(text, sizeof text, "n%u.example", i);
		err = sink_name_from_text(sink_span_text(text), &name);
		if (!err)
			err = sink_writer_add(w, &name, SINK_SCOPE_EXACT, id);
	}
	/* also after a failure: it must be remembered */
	return sink_writer_commit(w, why, NULL);
}

START_TEST(full_disk)
{
	struct sink_writer_options options = { .path = path, .memory = full[_i].memory };
	struct sink_writer *w = NULL;
	struct sink_why why = { "" };
	struct stat status;
	rlim_t before;
	int err, cause;

	make_dir();
	ck_assert_int_eq(write_some(begin(0), 100000, &why), SINK_OK);
	ck_assert_int_eq(stat(path, &status), 0);
	unlink(path);
	before = limit_files((rlim_t)status.st_size * full[_i].percent / 100);
	err = sink_writer_begin(&options, &why, &w);
	if (!err)
		err = write_some(w, 100000, &why);
	cause = errno;
	limit_files(before);
	ck_assert_int_eq(err, SINK_EIO);
	/* LMDB calls a short write EIO, and in the first pages ENOSPC */
	ck_assert_msg(cause == EFBIG || cause == EIO || cause == ENOSPC, "%d", cause);
	ck_assert_msg(strstr(why.text, dir) && strchr(why.text, ':'), "%s", why.text);
	ck_assert(!exists(path));
	remove_dir();
}
END_TEST

/* The memory for other triggers is a quarter. */
START_TEST(no_place_to_spill_others)
{
	struct sink_writer_options options = {
		.path = path, .tmpdir = "no/such/tmp", .memory = 262144
	};
	struct sink_record record = record_of("x", 1);
	struct sink_prefix prefix = { .family = 4, .bits = 32 };
	struct sink_writer *w = NULL;
	struct sink_why why = { "" };
	struct sink_name name = name_of("a.example");
	uint32_t id;
	int err = SINK_OK;

	make_dir();
	ck_assert_int_eq(sink_writer_begin(&options, &why, &w), SINK_OK);
	ck_assert_int_eq(sink_writer_record(w, &record, &id), SINK_OK);
	for (unsigned count = 0; count < 20000 && !err; count++) {
		prefix.bytes[2] = (uint8_t)(count >> 8);
		prefix.bytes[3] = (uint8_t)count;
		err = sink_writer_add_prefix(w, SINK_TRIGGER_ANSWER, &prefix, id);
	}
	ck_assert_int_eq(err, SINK_EIO);
	ck_assert_int_eq(sink_writer_add(w, &name, SINK_SCOPE_EXACT, id), SINK_EIO);
	ck_assert_int_eq(sink_writer_commit(w, &why, NULL), SINK_EIO);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(why.text, "no/such/tmp: temporary file: No such file or directory");
	ck_assert(!exists(path));
	remove_dir();
}
END_TEST

START_TEST(no_place_to_spill)
{
	struct sink_writer_options options = { .tmpdir = "no/such/tmp", .memory = 65536 };
	struct sink_writer *w = NULL;
	struct sink_why why = { "" };

	make_dir();
	options.path = path;
	ck_assert_int_eq(sink_writer_begin(&options, &why, &w), SINK_OK);
	ck_assert_int_eq(write_some(w, 20000, &why), SINK_EIO);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(why.text, "no/such/tmp: temporary file: No such file or directory");
	ck_assert(!exists(path));
	remove_dir();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("writer");
	TCase *content = tcase_create("content");
	TCase *file = tcase_create("file");
	TCase *disk = tcase_create("disk");

	tcase_add_test(content, listings_are_ordered);
	tcase_add_test(content, times_of_records);
	tcase_add_test(content, many_times);
	tcase_add_test(content, empty_file);
	tcase_add_test(content, large_values);
	tcase_add_test(content, longest_names);
	tcase_add_test(content, others_are_ordered);
	tcase_add_loop_test(content, prefixes_full_of_zeros, 0, LENGTH(prefix_memories));
	tcase_add_test(content, others_broken_contracts);
	tcase_add_test(content, dropped_batch);
	tcase_add_test(content, kept_batches);
	tcase_add_test(content, everything_dropped);
	tcase_add_test(content, same_bytes_of_batches);
	tcase_add_test(content, crowd);
	tcase_add_test(content, same_bytes);
	tcase_set_timeout(content, 120);
	suite_add_tcase(suite, content);
	tcase_add_test(file, mode_is_for_readers);
	tcase_add_test(file, existing_file_stays);
	tcase_add_test(file, no_such_directory);
	tcase_add_test(file, abort_leaves_nothing);
	tcase_add_test(file, file_is_locked);
	tcase_add_test(file, broken_contracts);
	suite_add_tcase(suite, file);
	tcase_add_loop_test(disk, full_disk, 0, LENGTH(full));
	tcase_add_test(disk, no_place_to_spill);
	tcase_add_test(disk, no_place_to_spill_others);
	tcase_set_timeout(disk, 60);
	suite_add_tcase(suite, disk);
	return run_suite(suite);
}

/* test_damage.c - ten thousand damaged databases, none of them used, and the old one stays in use.
 *
 * Then the same damage under a digest that was made to fit, as a hostile or broken writer would:
 * such a file may be opened or refused, but nothing that it says leads LMDB or us out of it. */
#include "sinkhole/current.h"

#include <errno.h>

#include "base.h"
#include "mdb.h"
#include "policies.h"
#include "schema.h"
#include "sinkhole/decide.h"

#define CASES 10000
#define NAMES \
	3216 /* and half as many others: about 200 KB of file; a few names more or less need no other filter */

static char room[PATH_ROOM], good[PATH_ROOM], bad[PATH_ROOM];
static struct bytes image; /* of the good file */
static struct sink_name listed, unlisted;

static struct sink_name name_number(unsigned i)
{
	char text[64];

	snprintf(text, sizeof text, "host%u.d%u.example", i * 2654435761U, i % 97);
	return name_of(text);
}

/* Some say more than others. */
static struct sink_record make_record(const char *source, unsigned i)
{
	struct sink_record record = record_of(SINK_KIND_BLOCK, source);

	if (i % 4 == 1)
		record.types = sink_span("\0\0\1\0\x1c", 5);
	if (i % 4 == 2)
		record.except = sink_span("\0\4com\0\0\4net\0", 12);
	if (i % 4 == 3) {
		record.hint = SINK_HINT_DATA;
		record.data = sink_span("\0\1\0\0\0\0\0\4\1\1\1\1", 12);
	}
	if (i % 8 == 5)
		record.valid_from = 1000 + i;
	if (i % 8 == 6)
		record.valid_until = INT64_C(4102444800) + i;
	return record;
}

static struct sink_prefix prefix_number(unsigned i)
{
	struct sink_prefix prefix = { .family = i % 3 ? 4 : 6,
		.bits = i % 5 ? 24 : 32,
		.bytes = { 10, (uint8_t)(i * 7), (uint8_t)(i >> 8), i % 5 ? 0 : (uint8_t)i } };

	return prefix;
}

static void add_others(struct sink_writer *writer, unsigned i, const struct sink_record *record)
{
	struct sink_prefix prefix = prefix_number(i);
	struct sink_name name = name_number(i);
	uint32_t id;

	ck_assert_int_eq(sink_writer_record(writer, record, &id), SINK_OK);
	ck_assert_int_eq(sink_writer_add_prefix(writer,
				 i % 4 ? SINK_TRIGGER_ANSWER : SINK_TRIGGER_NSADDRESS, &prefix, id),
		SINK_OK);
	if (i % 8 == 0 && i >= 80) /* a number such that one more or less needs no other filter */
		ck_assert_int_eq(sink_writer_add_name(writer, SINK_TRIGGER_NSNAME, &name,
					 SINK_SCOPE_SUBTREE, id),
			SINK_OK);
}

static void enter_room(void)
{
	struct sink_writer *writer;
	char source[32];

	make_room(room);
	listed = name_number(NAMES / 2);
	writer = begin_base(inside(room, "good.mdb", good));
	inside(room, "bad.mdb", bad);
	for (unsigned i = 0; i < NAMES; i++) {
		struct sink_name name = name_number(i);
		struct sink_record record;

		snprintf(source, sizeof source, "source %u", i % 40);
		record = make_record(source, i % 40);
		add_name(writer, &name, SINK_SCOPE_SUBTREE, &record);
		if (i % 2 == 0)
			add_others(writer, i, &record);
		if (i > 0 && i < 40) /* more listings than names */
			add_name(writer, &listed, SINK_SCOPE_EXACT, &record);
	}
	end_base(writer);
	image = read_whole(good);
	unlisted = name_of("unlisted.example");
}

static void leave_room(void)
{
	clear_room(room);
	free(image.at);
}

/* --- damage ----------------------------------------------------------------------------------- */

#define PAGE 4096

struct victim {
	uint8_t *at; /* room for twice the image */
	size_t len;
	struct dice dice;
};

static void flip_bits(struct victim *v)
{
	for (uint64_t n = roll(&v->dice, 8) + 1; n > 0; n--)
		v->at[roll(&v->dice, v->len)] ^= (uint8_t)(1 << roll(&v->dice, 8));
}

static void flip_head(struct victim *v) /* where LMDB looks first */
{
	for (uint64_t n = roll(&v->dice, 8) + 1; n > 0; n--)
		v->at[roll(&v->dice, 3) * PAGE + roll(&v->dice, 160)] ^=
			(uint8_t)(1 << roll(&v->dice, 8));
}

static void cut(struct victim *v)
{
	v->len = roll(&v->dice, v->len);
}

static void cut_page(struct victim *v)
{
	v->len = roll(&v->dice, v->len / PAGE) * PAGE;
}

static void grow(struct victim *v)
{
	size_t more = roll(&v->dice, v->len) + 1;

	memset(v->at + v->len, (int)roll(&v->dice, 256), more);
	v->len += more;
}

static void zero_page(struct victim *v)
{
	memset(v->at + roll(&v->dice, v->len / PAGE) * PAGE, 0, PAGE);
}

static void swap_pages(struct victim *v)
{
	uint8_t *a = v->at + roll(&v->dice, v->len / PAGE) * PAGE;
	uint8_t *b = v->at + roll(&v->dice, v->len / PAGE) * PAGE;
	uint8_t page[PAGE];

	memcpy(page, a, PAGE);
	memcpy(a, b, PAGE);
	memcpy(b, page, PAGE);
}

static void shift(struct victim *v) /* a byte lost, the length kept */
{
	size_t at = roll(&v->dice, v->len - 1);

	memmove(v->at + at, v->at + at + 1, v->len - at - 1);
}

static void hole(struct victim *v) /* what a lost write leaves in a file */
{
	size_t at = roll(&v->dice, v->len), len = roll(&v->dice, v->len - at) + 1;

	memset(v->at + at, 0, len);
}

static void empty(struct victim *v)
{
	v->len = 0;
}

static void noise(struct victim *v)
{
	size_t at = roll(&v->dice, v->len / 16) * 16;

	for (size_t i = at; i < at + 16; i++)
		v->at[i] = (uint8_t)roll(&v->dice, 256);
}

typedef void damage_fn(struct victim *victim);

static damage_fn *const damages[] = { flip_bits, flip_head, cut, cut_page, grow, zero_page,
	swap_pages, shift, hole, noise, empty };

/* Damage number n; always another file than the good one. */
static void damage(struct victim *v, unsigned n)
{
	memcpy(v->at, image.at, image.len);
	v->len = image.len;
	v->dice.state = UINT64_C(0x9e3779b97f4a7c15) * (n + 1);
	damages[n % LENGTH(damages)](v);
	if (v->len == image.len && memcmp(v->at, image.at, image.len) == 0)
		v->at[roll(&v->dice, v->len)] ^= 1;
}

static struct victim make_victim(void)
{
	struct victim v = { .at = malloc(2 * image.len + PAGE) };

	ck_assert_ptr_nonnull(v.at);
	return v;
}

/* --- as promised by nobody -------------------------------------------------------------------- */

static void check_old_one(struct sink_current *current)
{
	struct sink_verdict verdict;
	struct sink_judge *judge;

	ck_assert_int_eq(sink_current_enter(current, 0, &judge), SINK_OK);
	ck_assert_int_eq(decide_name(judge, &listed, 0, &verdict), SINK_OK);
	ck_assert_int_eq(verdict.action, SINK_ACTION_NXDOMAIN);
	ck_assert_int_eq(decide_name(judge, &unlisted, 0, &verdict), SINK_OK);
	ck_assert_int_eq(verdict.action, SINK_ACTION_NONE);
	sink_current_leave(current, 0);
}

START_TEST(damaged_files_are_refused)
{
	struct sink_db_options options = promise(good, SINK_MAP_SEALED);
	struct victim v = make_victim();
	struct sink_current *current;
	unsigned before = open_files();

	ck_assert_int_eq(sink_current_new(1, &current), SINK_OK);
	ck_assert_int_eq(sink_current_switch(current,
				 generation_of(open_base(good, SINK_MAP_SEALED),
					 &sink_policy_default),
				 1),
		SINK_OK);
	for (unsigned n = 0; n < CASES; n += STRIDE) {
		struct sink_db *db = NULL;
		struct sink_why why;
		int err;

		damage(&v, n);
		write_whole(bad, v.at, v.len);
		options.map = n % 2 ? SINK_MAP_SEALED : SINK_MAP_DIRECT;
		err = sink_db_open(bad, &options, &why, &db);
		ck_assert_msg(err == SINK_ECORRUPT, "case %u: %d", n, err);
		ck_assert_ptr_null(db);
		ck_assert_ptr_nonnull(strstr(why.text, "manifest"));
		check_old_one(current);
	}
	sink_current_free(current);
	free(v.at);
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

/* A hole in the file itself, of the right size: what a crash leaves on some file systems. */
START_TEST(sparse_files_are_refused)
{
	struct sink_db_options options = promise(good, SINK_MAP_SEALED);
	struct sink_db *db;

	for (size_t keep = 0; keep < image.len; keep += PAGE) {
		write_whole(bad, image.at, keep);
		ck_assert_int_eq(truncate(bad, (off_t)image.len), 0);
		ck_assert_int_eq(sink_db_open(bad, &options, NULL, &db), SINK_ECORRUPT);
	}
	write_whole(bad, image.at, image.len); /* that was the damage, and nothing else */
	ck_assert_int_eq(sink_db_open(bad, &options, NULL, &db), SINK_OK);
	sink_db_close(db);
}
END_TEST

/* --- as promised by a liar -------------------------------------------------------------------- */

static int ignore_listing(void *arg, const struct sink_listing *listing)
{
	struct sink_record record;

	(void)sink_reader_record(arg, listing->record, &record);
	return SINK_OK;
}

static int ignore_name(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	(void)subject;
	return ignore_listing(arg, listing);
}

static void walk_through(struct sink_reader *reader)
{
	const struct sink_subject *subject;
	const struct sink_listing *listings;
	struct sink_walk *walk;
	size_t count;
	int err;

	ck_assert_int_eq(sink_walk_begin(reader, &walk), SINK_OK);
	while (!(err = sink_walk_next(walk, &subject, &listings, &count)))
		ck_assert_uint_gt(count, 0);
	ck_assert(err == SINK_ENOENT || err == SINK_ECORRUPT);
	ck_assert_int_eq(sink_walk_next(walk, &subject, &listings, &count), err); /* it stays so */
	sink_walk_end(walk);
}

/* Bind a policy to it, which looks at each facet, and decide. */
static void decide_by(const struct sink_db *db)
{
	struct sink_geo *geo[SINK_GEO_KINDS] = { NULL };
	struct sink_generation *generation;
	struct sink_verdict verdict;
	struct sink_judge *judge;
	int err = sink_generation_of(sink_db_share(db), policy_copy(&sink_policy_default), geo,
		&generation);

	ck_assert(err == SINK_OK || err == SINK_ECORRUPT);
	if (err)
		return;
	ck_assert_int_eq(sink_judge_begin(generation, &judge), SINK_OK);
	(void)decide_name(judge, &listed, 0, &verdict);
	(void)decide_name(judge, &unlisted, 0, &verdict);
	sink_judge_end(judge);
	sink_generation_close(generation);
}

/* Use everything there is. True if it verifies. */
static bool use(const struct sink_db *db)
{
	struct sink_reader *reader = begin_reader(db);
	bool sound;

	decide_by(db);
	for (unsigned i = 0; i < NAMES; i += 101) {
		struct sink_name name = name_number(i);

		struct sink_prefix prefix = prefix_number(i);

		(void)sink_reader_find(reader, &name, ignore_listing, reader);
		(void)sink_reader_find_name(reader, SINK_TRIGGER_NSNAME, &name, ignore_listing,
			reader);
		(void)sink_reader_find_prefix(reader, SINK_TRIGGER_ANSWER, &prefix, ignore_listing,
			reader);
	}
	(void)sink_reader_each(reader, ignore_name, reader);
	walk_through(reader);
	sound = sink_reader_verify(reader, NULL) == SINK_OK;
	sink_reader_end(reader);
	return sound;
}

START_TEST(lies_do_not_crash)
{
	struct victim v = make_victim();
	unsigned refused = 0, unsound = 0;

	for (unsigned n = 0; n < CASES; n++) {
		struct sink_db_options options;
		struct sink_db *db;
		int err;

		damage(&v, n);
		write_whole(bad, v.at, v.len);
		options = promise(bad, n % 2 ? SINK_MAP_SEALED : SINK_MAP_DIRECT);
		err = sink_db_open(bad, &options, NULL, &db);
		ck_assert_msg(err == SINK_OK || err == SINK_ECORRUPT || err == SINK_EVERSION,
			"case %u: %d", n, err);
		refused += err != SINK_OK;
		if (err)
			continue;
		unsound += !use(db);
		sink_db_close(db);
	}
	free(v.at);
	/* Both happen often, or this test has lost its subject. */
	ck_assert_msg(refused > CASES / 10 && unsound > CASES / 10, "%u refused, %u unsound",
		refused, unsound);
}
END_TEST

/* --- by hand ---------------------------------------------------------------------------------- */

struct edit {
	MDB_txn *txn;
	MDB_dbi dbi;
	uint8_t letter; /* of the blocks that are edited */
};

static struct sink_span read_value(const struct edit *edit, struct sink_span key)
{
	MDB_val k = mdb_val(key), v;

	ck_assert_int_eq(mdb_get(edit->txn, edit->dbi, &k, &v), 0);
	return mdb_span(&v);
}

static void put_value(const struct edit *edit, struct sink_span key, struct sink_span value)
{
	MDB_val k = mdb_val(key), v = mdb_val(value);

	ck_assert_int_eq(mdb_put(edit->txn, edit->dbi, &k, &v, 0), 0);
}

static void drop(const struct edit *edit, struct sink_span key)
{
	MDB_val k = mdb_val(key);

	ck_assert_int_eq(mdb_del(edit->txn, edit->dbi, &k, NULL), 0);
}

/* Change bytes of a value: xor at an offset, cut so many off its end, or add some. */
static void change(const struct edit *edit, struct sink_span key, size_t at, uint8_t flip,
	size_t cut, size_t more)
{
	struct sink_span value = read_value(edit, key);
	uint8_t *copy = calloc(1, value.len + more + 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, value.at, value.len);
	ck_assert_uint_lt(at, value.len);
	copy[at] ^= flip;
	put_value(edit, key, sink_span(copy, value.len - cut + more));
	free(copy);
}

/* The key of the n-th block of the letter at hand. */
static struct sink_span block_key(const struct edit *edit, unsigned n, uint8_t copy[512])
{
	MDB_cursor *cursor;
	MDB_val k = mdb_val(sink_span(&edit->letter, 1)), v;
	size_t len;

	ck_assert_int_eq(mdb_cursor_open(edit->txn, edit->dbi, &cursor), 0);
	ck_assert_int_eq(mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE), 0);
	while (n-- > 0)
		ck_assert_int_eq(mdb_cursor_get(cursor, &k, &v, MDB_NEXT), 0);
	len = k.mv_size;
	memcpy(copy, k.mv_data, len);
	mdb_cursor_close(cursor);
	return sink_span(copy, len);
}

static struct sink_span record_key(uint32_t id, uint8_t copy[512])
{
	schema_record_key(id, copy);
	return sink_span(copy, SCHEMA_RECORD_KEY);
}

static void filter_forgets(const struct edit *e)
{
	struct sink_span value = read_value(e, sink_span_text("F"));
	uint8_t *copy = calloc(1, value.len);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, value.at, SCHEMA_FILTER_HEAD);
	put_value(e, sink_span_text("F"), sink_span(copy, value.len));
	free(copy);
}

static void block_short(const struct edit *e)
{
	uint8_t copy[512];

	change(e, block_key(e, 3, copy), 0, 0, 1, 0);
}

static void block_long(const struct edit *e)
{
	uint8_t copy[512];

	change(e, block_key(e, 3, copy), 0, 0, 0, 1);
}

static void block_empty(const struct edit *e)
{
	uint8_t copy[512];

	put_value(e, block_key(e, 3, copy), sink_span("", 0));
}

static void block_shares(const struct edit *e) /* the first name shares bytes with none */
{
	uint8_t copy[512];

	change(e, block_key(e, 3, copy), 0, 1, 0, 0);
}

static void block_lost(const struct edit *e)
{
	uint8_t copy[512];

	drop(e, block_key(e, 3, copy));
}

static void block_twice(const struct edit *e) /* names that do not rise from block to block */
{
	uint8_t one[512], two[512], value[2 * PAGE];
	struct sink_span from = read_value(e, block_key(e, 3, one));

	ck_assert_uint_le(from.len, sizeof value);
	memcpy(value, from.at, from.len);
	put_value(e, block_key(e, 4, two), sink_span(value, from.len));
}

static void block_renamed(const struct edit *e) /* its key is that of no name in it */
{
	uint8_t copy[512], value[2 * PAGE];
	struct sink_span key = block_key(e, 3, copy), from = read_value(e, key);

	ck_assert_uint_le(from.len, sizeof value);
	memcpy(value, from.at, from.len);
	drop(e, key);
	copy[key.len - 2]++;
	put_value(e, key, sink_span(value, from.len));
}

static void block_moved(const struct edit *e) /* under the letter of the other kind */
{
	uint8_t copy[512], value[2 * PAGE];
	struct sink_span key = block_key(e, 3, copy), from = read_value(e, key);

	ck_assert_uint_le(from.len, sizeof value);
	memcpy(value, from.at, from.len);
	drop(e, key);
	copy[0] ^= SCHEMA_NAMES ^ SCHEMA_OTHERS;
	put_value(e, key, sink_span(value, from.len));
}

static void block_scope(const struct edit *e) /* the last listing's: 3 for a name, 1 for a prefix */
{
	uint8_t copy[512], value[2 * PAGE];
	struct sink_span key = block_key(e, 3, copy), from = read_value(e, key);

	ck_assert_uint_le(from.len, sizeof value);
	memcpy(value, from.at, from.len);
	ck_assert_uint_lt(value[from.len - 1] >> 7, 1);
	value[from.len - 1] ^= e->letter == SCHEMA_NAMES ? 4 : 2;
	if (e->letter == SCHEMA_NAMES)
		value[from.len - 1] |= 2;
	put_value(e, key, sink_span(value, from.len));
}

static void other_trigger(const struct edit *e, uint8_t trigger)
{
	uint8_t copy[512];
	const struct edit others = { e->txn, e->dbi, SCHEMA_OTHERS };

	change(&others, block_key(&others, 0, copy), 2, SINK_TRIGGER_ANSWER ^ trigger, 0, 0);
}

static void other_qname(const struct edit *e)
{
	other_trigger(e, SINK_TRIGGER_QNAME);
}

static void other_unknown(const struct edit *e)
{
	other_trigger(e, SINK_TRIGGER_COUNT);
}

static void other_family(const struct edit *e)
{
	uint8_t copy[512];
	const struct edit others = { e->txn, e->dbi, SCHEMA_OTHERS };

	change(&others, block_key(&others, 0, copy), 3, 1, 0, 0); /* IPv5 */
}

static void other_stray(const struct edit *e) /* the root as a name server, in a place of its own */
{
	put_value(e, sink_span("O\3", 2), sink_span("\0\1\3\2", 4));
}

static void record_short(const struct edit *e)
{
	uint8_t copy[512];

	change(e, record_key(7, copy), 0, 0, 1, 0);
}

static void record_long(const struct edit *e)
{
	uint8_t copy[512];

	change(e, record_key(7, copy), 0, 0, 0, 1);
}

static void record_kind(const struct edit *e)
{
	uint8_t copy[512];

	change(e, record_key(7, copy), 0, 3, 0, 0);
}

static void record_lost(const struct edit *e)
{
	uint8_t copy[512];

	drop(e, record_key(7, copy));
}

static void record_order(const struct edit *e) /* the same value under two ids */
{
	uint8_t one[512], two[512], value[2 * PAGE];
	struct sink_span from = read_value(e, record_key(7, one));

	memcpy(value, from.at, from.len);
	put_value(e, record_key(8, two), sink_span(value, from.len));
}

static void record_extra(const struct edit *e)
{
	uint8_t copy[512];

	put_value(e, record_key(40, copy), sink_span("x", 1));
}

static void no_head(const struct edit *e)
{
	drop(e, sink_span_text("M"));
}

static void no_facets(const struct edit *e)
{
	drop(e, sink_span_text("S"));
}

static void no_times(const struct edit *e) /* as before there were any */
{
	drop(e, sink_span_text("T"));
}

static void empty_times(const struct edit *e)
{
	put_value(e, sink_span_text("T"), sink_span("\0\0\0\0\0\0\0\0\0\0\0\0", 12));
}

static void times_lost(const struct edit *e)
{
	put_value(e, sink_span_text("T"),
		sink_span("\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x3\xed", 20));
}

static void no_filter(const struct edit *e)
{
	drop(e, sink_span_text("F"));
}

static void stray_key(const struct edit *e)
{
	put_value(e, sink_span_text("Z"), sink_span_text("?"));
}

static void stray_head(const struct edit *e)
{
	put_value(e, sink_span_text("MM"), sink_span_text("?"));
}

static void stray_record(const struct edit *e)
{
	put_value(e, sink_span_text("R1234"), sink_span_text("?"));
}

static void nothing(const struct edit *e)
{
	(void)e;
}

/* What opening says, and where that is SINK_OK what verifying says. A row changes the value of a
 * key: its byte `at` by xor, its end by bytes fewer or more; */
static const struct {
	const char *word, *key;
	size_t at;
	uint8_t flip;
	size_t fewer, more;
	int open, verify;
} changes[] = {
	{ "magic", "M", 0, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "version 2", "M", 9, 1, 0, 0, SINK_EVERSION, 0 },
	{ "version 4", "M", 9, 7, 0, 0, SINK_EVERSION, 0 },
	{ "head short", "M", 0, 0, 1, 0, SINK_ECORRUPT, 0 },
	{ "head long", "M", 0, 0, 0, 1, SINK_ECORRUPT, 0 },
	{ "many names", "M", 15, 0x80, 0, 0, SINK_ECORRUPT, 0 },
	{ "huge names", "M", 10, 0xff, 0, 0, SINK_ECORRUPT, 0 },
	{ "one name off", "M", 17, 0x1f, 0, 0, SINK_OK, SINK_ECORRUPT },
	{ "listings off", "M", 57, 1, 0, 0, SINK_OK, SINK_ECORRUPT },
	{ "a record more", "M", 61, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "no records", "M", 61, 40, 0, 0, SINK_ECORRUPT, 0 },
	{ "an answer more", "M", 25, 1, 0, 0, SINK_OK, SINK_ECORRUPT },
	{ "an answer less", "M", 25, 7, 0, 0, SINK_OK, SINK_ECORRUPT },
	{ "a client", "M", 33, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "a name server off", "M", 41, 1, 0, 0, SINK_OK, SINK_ECORRUPT },
	{ "a length more", "M", 62 + 2, 1, 0, 0, SINK_OK, SINK_ECORRUPT },
	{ "a length less", "M", 62 + 3, 1, 0, 0, SINK_OK, SINK_ECORRUPT },
	{ "a length of IPv6", "M", 62 + 17 + 4, 1, 0, 0, SINK_OK, SINK_ECORRUPT },
	{ "33 bits", "M", 62 + 4, 2, 0, 0, SINK_ECORRUPT, 0 },
	{ "129 bits", "M", 62 + 17 + 16, 2, 0, 0, SINK_ECORRUPT, 0 },
	{ "a length of no client", "M", 62 + 34, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "facets short", "S", 0, 0, 1, 0, SINK_ECORRUPT, 0 },
	{ "facets long", "S", 0, 0, 0, 4, SINK_ECORRUPT, 0 },
	{ "another number of facets", "S", 3, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "a facet of another record", "S", 7, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "a facet with another trigger", "S", 8, 2, 0, 0, SINK_OK, SINK_ECORRUPT },
	{ "times short", "T", 0, 0, 1, 0, SINK_ECORRUPT, 0 },
	{ "times long", "T", 0, 0, 0, 4, SINK_ECORRUPT, 0 },
	{ "another number of times", "T", 3, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "times of more facets", "T", 11, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "another second", "T", 12 + 7, 1, 0, 0, SINK_OK, SINK_ECORRUPT },
	{ "seconds that fall", "T", 12, 0xff, 0, 0, SINK_OK, SINK_ECORRUPT },
	{ "another facet's times", "T", 12 + 10 * 8 + 3, 0x10, 0, 0, SINK_OK, SINK_ECORRUPT },
	{ "a facet's times twice", "T", 12 + 10 * 8 + 3, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "times of no facet", "T", 12 + 10 * 8 + 4 * 4, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "filter magic", "F", 0, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "filter version", "F", 7, 3, 0, 0, SINK_EVERSION, 0 },
	{ "filter count", "F", 15, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "filter zeros", "F", 16, 1, 0, 0, SINK_ECORRUPT, 0 },
	{ "filter short", "F", 0, 0, 32, 0, SINK_ECORRUPT, 0 },
	{ "filter long", "F", 0, 0, 0, 32, SINK_ECORRUPT, 0 },
	{ "filter odd", "F", 0, 0, 0, 1, SINK_ECORRUPT, 0 },
};

/* or does something else. */
static const struct {
	const char *word;
	void (*make)(const struct edit *edit);
	int open, verify;
} edits[] = {
	{ "no head", no_head, SINK_ECORRUPT, 0 },
	{ "no facets", no_facets, SINK_ECORRUPT, 0 },
	{ "no times", no_times, SINK_OK, SINK_OK },
	{ "empty times", empty_times, SINK_ECORRUPT, 0 },
	{ "times lost", times_lost, SINK_OK, SINK_ECORRUPT },
	{ "no filter", no_filter, SINK_ECORRUPT, 0 },
	{ "filter forgets", filter_forgets, SINK_OK, SINK_ECORRUPT },
	{ "stray key", stray_key, SINK_OK, SINK_ECORRUPT },
	{ "stray head", stray_head, SINK_OK, SINK_ECORRUPT },
	{ "stray record", stray_record, SINK_OK, SINK_ECORRUPT },
	{ "block short", block_short, SINK_OK, SINK_ECORRUPT },
	{ "block long", block_long, SINK_OK, SINK_ECORRUPT },
	{ "block empty", block_empty, SINK_OK, SINK_ECORRUPT },
	{ "block shares", block_shares, SINK_OK, SINK_ECORRUPT },
	{ "block lost", block_lost, SINK_OK, SINK_ECORRUPT },
	{ "block twice", block_twice, SINK_OK, SINK_ECORRUPT },
	{ "block renamed", block_renamed, SINK_OK, SINK_ECORRUPT },
	{ "block moved", block_moved, SINK_OK, SINK_ECORRUPT },
	{ "block scope", block_scope, SINK_OK, SINK_ECORRUPT },
	{ "other qname", other_qname, SINK_OK, SINK_ECORRUPT },
	{ "other unknown", other_unknown, SINK_OK, SINK_ECORRUPT },
	{ "other family", other_family, SINK_OK, SINK_ECORRUPT },
	{ "other stray", other_stray, SINK_OK, SINK_ECORRUPT },
	{ "record short", record_short, SINK_OK, SINK_ECORRUPT },
	{ "record long", record_long, SINK_OK, SINK_ECORRUPT },
	{ "record kind", record_kind, SINK_OK, SINK_ECORRUPT },
	{ "record lost", record_lost, SINK_OK, SINK_ECORRUPT },
	{ "record order", record_order, SINK_OK, SINK_ECORRUPT },
	{ "record extra", record_extra, SINK_OK, SINK_ECORRUPT },
	{ "nothing", nothing, SINK_OK, SINK_OK },
};

static MDB_env *open_for_edit(const char *path, struct edit *edit, unsigned flags)
{
	MDB_env *env;

	ck_assert_int_eq(mdb_env_create(&env), 0);
	ck_assert_int_eq(mdb_env_set_mapsize(env, 1 << 24), 0);
	ck_assert_int_eq(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0644), 0);
	ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &edit->txn), 0);
	ck_assert_int_eq(mdb_dbi_open(edit->txn, NULL, flags, &edit->dbi), 0);
	return env;
}

static void end_edit(MDB_env *env, struct edit *edit)
{
	ck_assert_int_eq(mdb_txn_commit(edit->txn), 0);
	mdb_env_close(env);
}

/* Open and verify what became of the good file, under a digest that fits. */
static void check_edited(const char *word, int open, int verify)
{
	struct sink_db_options options = promise(bad, SINK_MAP_SEALED);
	struct sink_reader *reader;
	struct sink_db *db;
	int err = sink_db_open(bad, &options, NULL, &db);

	ck_assert_msg(err == open, "%s: open: %d", word, err);
	if (err)
		return;
	reader = begin_reader(db);
	err = sink_reader_verify(reader, NULL);
	ck_assert_msg(err == verify, "%s: verify: %d", word, err);
	sink_reader_end(reader);
	use(db);
	sink_db_close(db);
}

START_TEST(changed_values)
{
	struct edit edit;
	MDB_env *env;

	write_whole(bad, image.at, image.len);
	env = open_for_edit(bad, &edit, 0);
	change(&edit, sink_span_text(changes[_i].key), changes[_i].at, changes[_i].flip,
		changes[_i].fewer, changes[_i].more);
	end_edit(env, &edit);
	check_edited(changes[_i].word, changes[_i].open, changes[_i].verify);
}
END_TEST

START_TEST(edited_files)
{
	static const uint8_t letters[] = { SCHEMA_NAMES, SCHEMA_OTHERS };
	size_t i = (size_t)_i % LENGTH(edits);
	struct edit edit;
	MDB_env *env;

	write_whole(bad, image.at, image.len);
	env = open_for_edit(bad, &edit, 0);
	edit.letter = letters[(size_t)_i / LENGTH(edits)];
	edits[i].make(&edit);
	end_edit(env, &edit);
	check_edited(edits[i].word, edits[i].open, edits[i].verify);
}
END_TEST

/* A file of version 1 says what to do about it. */
START_TEST(older_version)
{
	struct sink_db_options options;
	struct sink_why why = { "" };
	struct sink_db *db;
	struct edit edit;
	MDB_env *env;

	write_whole(bad, image.at, image.len);
	env = open_for_edit(bad, &edit, 0);
	put_value(&edit, sink_span_text("M"),
		sink_span("SINKHOLE\0\1" /* as version 1 had it */
			  "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\1",
			30));
	end_edit(env, &edit);
	options = promise(bad, SINK_MAP_SEALED);
	ck_assert_int_eq(sink_db_open(bad, &options, &why, &db), SINK_EVERSION);
	ck_assert_ptr_nonnull(strstr(why.text, bad));
	ck_assert_ptr_nonnull(strstr(why.text, "another version of sinkhole; compile again"));
}
END_TEST

/* LMDB files of others: of another shape, of another program, of nobody. */
START_TEST(foreign_files)
{
	static const unsigned flags[] = { 0, MDB_DUPSORT, MDB_REVERSEKEY,
		MDB_DUPSORT | MDB_DUPFIXED };

	for (size_t i = 0; i < LENGTH(flags); i++)
		for (unsigned keys = 0; keys < 3; keys++) {
			struct sink_db_options options;
			struct sink_db *db;
			struct edit edit;
			MDB_env *env;

			unlink(bad);
			env = open_for_edit(bad, &edit, flags[i] | MDB_CREATE);
			for (unsigned n = 0; n < keys; n++)
				put_value(&edit, sink_span_text(n ? "P" : "M"),
					sink_span_text("value"));
			end_edit(env, &edit);
			options = promise(bad, SINK_MAP_SEALED);
			ck_assert_int_eq(sink_db_open(bad, &options, NULL, &db), SINK_ECORRUPT);
		}
}
END_TEST

/* Meta pages that lie: offsets are those of LMDB 0.9 on 64 bits. */
static const struct {
	size_t at; /* in the first meta page */
	uint64_t value;
	size_t len;
	int err;
} metas[] = {
	{ 16, 0xdec0efbe, 4, SINK_ECORRUPT }, /* the other byte order */
	{ 20, 0, 4, SINK_EVERSION },
	{ 20, 2, 4, SINK_EVERSION },
	{ 20, 999, 4, SINK_EVERSION },
	{ 40, 0, 4, SINK_ECORRUPT }, /* page size */
	{ 40, 1, 4, SINK_ECORRUPT },
	{ 40, 512, 4, SINK_ECORRUPT },
	{ 40, 4095, 4, SINK_ECORRUPT },
	{ 40, 8192, 4, SINK_ECORRUPT },
	{ 40, UINT32_MAX, 4, SINK_ECORRUPT },
	{ 92, 4, 2, SINK_ECORRUPT }, /* flags of the table */
	{ 94, 0, 2, SINK_ECORRUPT }, /* depth */
	{ 94, 1, 2, SINK_ECORRUPT },
	{ 94, 7, 2, SINK_ECORRUPT },
	{ 94, 65535, 2, SINK_ECORRUPT },
	{ 128, 0, 8, SINK_ECORRUPT }, /* root */
	{ 128, 1, 8, SINK_ECORRUPT },
	{ 128, 1 << 20, 8, SINK_ECORRUPT },
	{ 128, UINT64_MAX, 8, SINK_ECORRUPT },
	{ 136, UINT64_MAX, 8, SINK_ECORRUPT }, /* last page */
	{ 136, (uint64_t)1 << 40, 8, SINK_ECORRUPT },
	{ 32, 0, 8, SINK_OK }, /* map size: the writer's business */
	{ 32, UINT64_MAX, 8, SINK_OK },
	{ 32, (uint64_t)1 << 60, 8, SINK_OK },
};

START_TEST(lying_metas)
{
	struct sink_db_options options;
	struct sink_db *db;
	uint64_t txn[2];
	size_t meta;
	int err;

	if (sizeof(size_t) != 8)
		return;
	memcpy(&txn[0], image.at + 144, 8);
	memcpy(&txn[1], image.at + PAGE + 144, 8);
	meta = txn[0] < txn[1] ? PAGE : 0; /* the one that counts */
	memcpy(image.at + meta + metas[_i].at, &metas[_i].value, metas[_i].len);
	write_whole(bad, image.at, image.len);
	options = promise(bad, SINK_MAP_SEALED);
	err = sink_db_open(bad, &options, NULL, &db);
	ck_assert_msg(err == metas[_i].err, "%zu: %d", metas[_i].at, err);
	if (!err) {
		ck_assert(use(db));
		sink_db_close(db);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("damage");
	TCase *damaged = tcase_create("damaged");
	TCase *lying = tcase_create("lying");

	tcase_add_checked_fixture(damaged, enter_room, leave_room);
	tcase_add_test(damaged, damaged_files_are_refused);
	tcase_add_test(damaged, sparse_files_are_refused);
	tcase_set_timeout(damaged, 600);
	suite_add_tcase(suite, damaged);
	tcase_add_checked_fixture(lying, enter_room, leave_room);
	tcase_add_test(lying, lies_do_not_crash);
	tcase_add_loop_test(lying, changed_values, 0, LENGTH(changes));
	tcase_add_loop_test(lying, edited_files, 0, 2 * LENGTH(edits));
	tcase_add_test(lying, older_version);
	tcase_add_test(lying, foreign_files);
	tcase_add_loop_test(lying, lying_metas, 0, LENGTH(metas));
	tcase_set_timeout(lying, 600);
	suite_add_tcase(suite, lying);
	return run_suite(suite);
}

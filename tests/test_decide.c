/* test_decide.c - who wins, and from which second to which. */
#include "sinkhole/decide.h"

#include "base.h"
#include "mdb.h"
#include "schema.h"

static char room[PATH_ROOM], file[PATH_ROOM];

static void enter_room(void)
{
	make_room(room);
	inside(room, "base.mdb", file);
}

static void leave_room(void)
{
	clear_room(room);
}

#define EXACT SINK_SCOPE_EXACT
#define SUBTREE SINK_SCOPE_SUBTREE
#define BELOW SINK_SCOPE_BELOW
#define BLOCK SINK_KIND_BLOCK
#define ALLOW SINK_KIND_ALLOW
#define IMPORTANT SINK_KIND_IMPORTANT

#define NOW 1000

static const struct {
	const char *name;
	enum sink_scope scope;
	enum sink_kind kind;
	const char *source;
	int64_t from, until;
} listed[] = {
	{ "evil.net", SUBTREE, BLOCK, "a", 0, 0 },
	{ "good.evil.net", SUBTREE, ALLOW, "a", 0, 0 },
	{ "bad.good.evil.net", EXACT, BLOCK, "a", 0,
		0 }, /* a block below an allow does not lift it */
	{ "worst.good.evil.net", EXACT, IMPORTANT, "a", 0, 0 },
	{ "exact.org", EXACT, BLOCK, "a", 0, 0 },
	{ "wild.org", BELOW, BLOCK, "a", 0, 0 },
	{ "ok.wild.org", EXACT, ALLOW, "a", 0, 0 },
	/* Any important block, however far up, over any allow, however near. */
	{ "law.example", SUBTREE, IMPORTANT, "a", 0, 0 },
	{ "x.y.z.law.example", EXACT, ALLOW, "a", 0, 0 },
	{ "x.y.z.law.example", EXACT, BLOCK, "a", 0, 0 },
	{ "y.z.law.example", SUBTREE, IMPORTANT, "b", 0, 0 },
	/* Any allow, however far up, over any block. */
	{ "free.example", SUBTREE, ALLOW, "a", 0, 0 },
	{ "x.y.free.example", EXACT, BLOCK, "a", 0, 0 },
	{ "below.example", BELOW, ALLOW, "a", 0, 0 },
	{ "below.example", SUBTREE, BLOCK, "a", 0, 0 },
	/* Ties: stored ids are in the order of bytes, here of the source. */
	{ "tie.example", SUBTREE, BLOCK, "c", 0, 0 },
	{ "tie.example", SUBTREE, BLOCK, "b", 0, 0 },
	{ "tie.example", BELOW, BLOCK, "b", 0, 0 },
	{ "tie.example", EXACT, BLOCK, "b", 0, 0 },
	{ "tie.example", SUBTREE, BLOCK, "d", 0, 0 },
	{ "tie.example", BELOW, BLOCK, "a", 0, 0 },
	/* Times. */
	{ "at.time", EXACT, BLOCK, "now on", NOW, 0 },
	{ "soon.time", EXACT, BLOCK, "soon", NOW + 1, 0 },
	{ "over.time", EXACT, BLOCK, "over", 0, NOW },
	{ "last.time", EXACT, BLOCK, "last", 0, NOW + 1 },
	{ "one.time", EXACT, BLOCK, "one second", NOW, NOW + 1 },
	{ "never.time", EXACT, BLOCK, "never", NOW, NOW },
	{ "upside.time", EXACT, BLOCK, "upside down", NOW + 5, NOW - 5 },
	{ "old.allow.time", EXACT, ALLOW, "over", 0, NOW },
	{ "allow.time", SUBTREE, BLOCK, "a", 0, 0 },
	{ "next.allow.time", EXACT, IMPORTANT, "soon", NOW + 1, 0 },
	/* Odd labels. */
	{ "evil\\.com", SUBTREE, BLOCK, "a", 0, 0 },
	{ "com", BELOW, ALLOW, "tld", 0, 0 },
	{ ".", EXACT, BLOCK, "root", 0, 0 },
};

#define NONE SINK_ACTION_NONE
#define PASS SINK_ACTION_PASS
#define NX SINK_ACTION_NXDOMAIN

static const struct {
	const char *name;
	int64_t now;
	enum sink_action action;
	unsigned labels; /* of the winner */
	enum sink_scope scope;
	const char *source;
} verdicts[] = {
	{ "notevil.net", NOW, NONE, 0, 0, "" }, /* a suffix of the text, not of the labels */
	{ "net", NOW, NONE, 0, 0, "" },
	{ "evil.net.example", NOW, NONE, 0, 0, "" },
	{ "evil\\.net", NOW, NONE, 0, 0, "" }, /* one label */
	{ "x.exact.org", NOW, NONE, 0, 0, "" },
	{ "wild.org", NOW, NONE, 0, 0, "" },
	{ "org", NOW, NONE, 0, 0, "" },
	{ "unlisted", NOW, NONE, 0, 0, "" },
	{ "x.time", NOW, NONE, 0, 0, "" },
	{ "evil.net", NOW, NX, 2, SUBTREE, "a" },
	{ "EVIL.net.", NOW, NX, 2, SUBTREE, "a" },
	{ "a.b.c.evil.net", NOW, NX, 2, SUBTREE, "a" },
	{ "good.evil.net", NOW, PASS, 3, SUBTREE, "a" },
	{ "x.good.evil.net", NOW, PASS, 3, SUBTREE, "a" },
	{ "xgood.evil.net", NOW, NX, 2, SUBTREE, "a" },
	{ "bad.good.evil.net", NOW, PASS, 3, SUBTREE, "a" },
	{ "worst.good.evil.net", NOW, NX, 4, EXACT, "a" },
	{ "x.worst.good.evil.net", NOW, PASS, 3, SUBTREE, "a" },
	{ "exact.org", NOW, NX, 2, EXACT, "a" },
	{ "x.wild.org", NOW, NX, 2, BELOW, "a" },
	{ "ok.wild.org", NOW, PASS, 3, EXACT, "a" },
	{ "x.ok.wild.org", NOW, NX, 2, BELOW, "a" },
	{ "law.example", NOW, NX, 2, SUBTREE, "a" },
	{ "z.law.example", NOW, NX, 2, SUBTREE, "a" },
	{ "y.z.law.example", NOW, NX, 4, SUBTREE, "b" },
	{ "x.y.z.law.example", NOW, NX, 4, SUBTREE, "b" },
	{ "x.y.free.example", NOW, PASS, 2, SUBTREE, "a" },
	{ "free.example", NOW, PASS, 2, SUBTREE, "a" },
	{ "below.example", NOW, NX, 2, SUBTREE, "a" },
	{ "x.below.example", NOW, PASS, 2, BELOW, "a" },
	{ "tie.example", NOW, NX, 2, EXACT,
		"b" }, /* "a" does not reach it; one record, two scopes */
	{ "x.tie.example", NOW, NX, 2, BELOW, "a" },
	{ "at.time", NOW - 1, NONE, 0, 0, "" },
	{ "at.time", NOW, NX, 2, EXACT, "now on" },
	{ "at.time", INT64_MAX, NX, 2, EXACT, "now on" },
	{ "at.time", 0, NONE, 0, 0, "" },
	{ "at.time", INT64_MIN, NONE, 0, 0, "" },
	{ "soon.time", NOW, NONE, 0, 0, "" },
	{ "soon.time", NOW + 1, NX, 2, EXACT, "soon" },
	{ "over.time", NOW, NONE, 0, 0, "" },
	{ "over.time", NOW - 1, NX, 2, EXACT, "over" },
	{ "over.time", 0, NX, 2, EXACT, "over" },
	{ "last.time", NOW, NX, 2, EXACT, "last" },
	{ "last.time", NOW + 1, NONE, 0, 0, "" },
	{ "one.time", NOW - 1, NONE, 0, 0, "" },
	{ "one.time", NOW, NX, 2, EXACT, "one second" },
	{ "one.time", NOW + 1, NONE, 0, 0, "" },
	{ "never.time", NOW - 1, NONE, 0, 0, "" },
	{ "never.time", NOW, NONE, 0, 0, "" },
	{ "never.time", NOW + 1, NONE, 0, 0, "" },
	{ "upside.time", NOW, NONE, 0, 0, "" },
	{ "upside.time", NOW + 9, NONE, 0, 0, "" },
	{ "upside.time", NOW - 9, NONE, 0, 0, "" },
	{ "old.allow.time", NOW - 1, PASS, 3, EXACT, "over" },
	{ "old.allow.time", NOW, NX, 2, SUBTREE, "a" }, /* what is over lifts nothing */
	{ "next.allow.time", NOW, NX, 2, SUBTREE, "a" },
	{ "next.allow.time", NOW + 1, NX, 3, EXACT, "soon" },
	{ "evil\\.com", NOW, NX, 1, SUBTREE, "a" }, /* not below com */
	{ "x.evil\\.com", NOW, NX, 1, SUBTREE, "a" },
	{ "evil.com", NOW, PASS, 1, BELOW, "tld" },
	{ ".", NOW, NX, 0, EXACT, "root" },
};

static void make(void)
{
	struct sink_writer *writer = begin_base(file);

	for (size_t i = 0; i < LENGTH(listed); i++) {
		struct sink_name name = name_of(listed[i].name);
		struct sink_record record = record_of(listed[i].kind, listed[i].source);

		record.valid_from = listed[i].from;
		record.valid_until = listed[i].until;
		add_name(writer, &name, listed[i].scope, &record);
	}
	end_base(writer);
}

static void check_source(struct sink_reader *reader, const struct sink_verdict *verdict,
	const char *source, const char *name)
{
	struct sink_record record;

	ck_assert_int_eq(sink_reader_record(reader, verdict->winner.record, &record), SINK_OK);
	ck_assert_msg(sink_span_equal(record.text[SINK_FIELD_SOURCE], sink_span_text(source)),
		"%s: another source", name);
	ck_assert_int_eq(record.kind, verdict->kind);
}

START_TEST(verdict_rows)
{
	struct sink_reader *reader;
	struct sink_db *db;

	make();
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	for (size_t i = 0; i < LENGTH(verdicts); i++) {
		struct sink_name name = name_of(verdicts[i].name);
		struct sink_verdict verdict;

		ck_assert_int_eq(sink_decide(reader, &name, verdicts[i].now, NULL, NULL, &verdict),
			SINK_OK);
		ck_assert_msg(verdict.action == verdicts[i].action, "%s at %lld: %s",
			verdicts[i].name, (long long)verdicts[i].now,
			sink_action_word(verdict.action));
		if (verdict.action == NONE)
			continue;
		ck_assert_msg(verdict.winner.labels == verdicts[i].labels, "%s", verdicts[i].name);
		ck_assert_msg(verdict.winner.scope == verdicts[i].scope, "%s", verdicts[i].name);
		check_source(reader, &verdict, verdicts[i].source, verdicts[i].name);
	}
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* --- explanations ----------------------------------------------------------------------------- */

static void note(void *arg, const struct sink_listing *listing, const struct sink_record *record,
	enum sink_standing standing)
{
	static const char *const words[] = {
		[SINK_STANDING_ELIGIBLE] = "in force",
		[SINK_STANDING_FUTURE] = "future",
		[SINK_STANDING_EXPIRED] = "expired",
		[SINK_STANDING_EXCEPTED] = "excepted",
		[SINK_STANDING_LATER] = "later",
	};
	char *text = arg;

	sprintf(text + strlen(text), "%u %s %s %s, ", listing->labels,
		sink_scope_word(listing->scope), sink_kind_word(record->kind), words[standing]);
}

static const struct {
	const char *name;
	const char *considered;
} explanations[] = {
	{ "unlisted", "" },
	{ "wild.org", "" }, /* what does not reach the name is not considered */
	{ "over.time", "2 exact block expired, " },
	{ "upside.time", "2 exact block future, " },
	{ "old.allow.time", "3 exact allow expired, 2 subtree block in force, " },
	{ "next.allow.time", "3 exact important future, 2 subtree block in force, " },
	{ "bad.good.evil.net",
		"4 exact block in force, 3 subtree allow in force, 2 subtree block in force, " },
};

START_TEST(considered_rows)
{
	struct sink_reader *reader;
	struct sink_db *db;

	make();
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	for (size_t i = 0; i < LENGTH(explanations); i++) {
		struct sink_name name = name_of(explanations[i].name);
		struct sink_verdict verdict;
		char text[512] = "";

		ck_assert_int_eq(sink_decide(reader, &name, NOW, note, text, &verdict), SINK_OK);
		ck_assert_str_eq(text, explanations[i].considered);
	}
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* --- what a record says besides --------------------------------------------------------------- */

#define ROOT "\0\0"
#define GOOD \
	"\0\x0d" \
	"example\0good\0" /* good.example */
#define GOOD_OTHER \
	GOOD "\0\x0e" \
	     "example\0other\0"
#define A_1 "\0\1\0\0\0\0\0\4\xc0\0\2\1"
#define BYTES(text) \
	{ \
		.at = (const uint8_t *)(text), .len = sizeof(text) - 1 \
	}

static const struct {
	const char *name, *source;
	enum sink_kind kind;
	struct sink_span types, except, data;
	enum sink_hint hint;
	int64_t until;
} saying[] = {
	{ "example", "except", BLOCK, { 0 }, BYTES(GOOD_OTHER), { 0 }, 0, 0 },
	{ "x.good.example", "under", BLOCK, { 0 }, { 0 }, { 0 }, 0, 0 }, /* below what it excepts */
	{ "important.test", "except", IMPORTANT, { 0 }, BYTES(GOOD), { 0 }, 0, 0 },
	{ "all.test", "root", BLOCK, { 0 }, BYTES(ROOT), { 0 }, 0, 0 },
	{ "types.test", "types", BLOCK, BYTES("\0\0\1"), { 0 }, { 0 }, 0, 0 },
	{ "types.test", "types", ALLOW, BYTES("\1\0\1"), { 0 }, { 0 }, 0, 0 },
	{ "tcp.test", "tcp", BLOCK, { 0 }, { 0 }, { 0 }, SINK_HINT_TRUNCATE, 0 },
	{ "nx.test", "hints", BLOCK, { 0 }, { 0 }, { 0 }, SINK_HINT_NXDOMAIN, 0 },
	{ "nodata.test", "hints", BLOCK, { 0 }, { 0 }, { 0 }, SINK_HINT_NODATA, 0 },
	{ "refused.test", "hints", BLOCK, { 0 }, { 0 }, { 0 }, SINK_HINT_REFUSED, 0 },
	{ "drop.test", "hints", BLOCK, { 0 }, { 0 }, { 0 }, SINK_HINT_DROP, 0 },
	{ "data.test", "hints", BLOCK, { 0 }, { 0 }, BYTES(A_1), SINK_HINT_DATA, 0 },
	/* What is over is over, whatever else it says. */
	{ "over.test", "over", BLOCK, BYTES("\0\0\1"), BYTES(ROOT), { 0 }, 0, NOW },
	{ "both.test", "both", BLOCK, BYTES("\0\0\1"), BYTES(ROOT), { 0 }, 0, 0 },
	/* What does nothing hides nothing; an allow entry for some types lifts for all of them. */
	{ "a.mixed.test", "mixed", ALLOW, BYTES("\0\0\1"), { 0 }, { 0 }, 0, 0 },
	{ "mixed.test", "mixed", BLOCK, { 0 }, { 0 }, { 0 }, 0, 0 },
	{ "b.mixed.test", "mixed", IMPORTANT, { 0 }, { 0 }, { 0 }, SINK_HINT_TRUNCATE, 0 },
	{ "b.mixed.test", "mixed", ALLOW, { 0 }, { 0 }, { 0 }, 0, 0 },
};

static const struct {
	const char *name;
	enum sink_action action;
	const char *considered;
} said[] = {
	{ "good.example", NONE, "1 subtree block excepted, " },
	{ "a.b.good.example", NONE, "1 subtree block excepted, " },
	{ "GOOD.Example", NONE, "1 subtree block excepted, " },
	{ "other.example", NONE, "1 subtree block excepted, " },
	{ "example", NX, "1 subtree block in force, " },
	{ "notgood.example", NX, "1 subtree block in force, " }, /* a suffix of the text */
	{ "goo.example", NX, "1 subtree block in force, " },
	{ "gooda.example", NX, "1 subtree block in force, " },
	{ "good.x.example", NX, "1 subtree block in force, " },
	{ "x.good.example", NX, "3 subtree block in force, 1 subtree block excepted, " },
	{ "good.important.test", NX, "2 subtree important in force, " }, /* another good one */
	{ "all.test", NONE, "2 subtree block excepted, " },
	{ "x.all.test", NONE, "2 subtree block excepted, " },
	{ "types.test", PASS, "2 subtree block later, 2 subtree allow in force, " },
	{ "tcp.test", NONE, "2 subtree block later, " },
	{ "nx.test", NX, "2 subtree block in force, " },
	{ "nodata.test", NX, "2 subtree block in force, " },
	{ "refused.test", NX, "2 subtree block in force, " },
	{ "drop.test", NX, "2 subtree block in force, " },
	{ "data.test", NX, "2 subtree block in force, " },
	{ "over.test", NONE, "2 subtree block expired, " },
	{ "both.test", NONE, "2 subtree block excepted, " },
	{ "a.mixed.test", PASS, "3 subtree allow in force, 2 subtree block in force, " },
	{ "b.mixed.test", PASS,
		"3 subtree allow in force, 3 subtree important later, 2 subtree block in force, " },
};

static void make_saying(void)
{
	struct sink_writer *writer = begin_base(file);

	for (size_t i = 0; i < LENGTH(saying); i++) {
		struct sink_record record = record_of(saying[i].kind, saying[i].source);

		record.types = saying[i].types;
		record.except = saying[i].except;
		record.data = saying[i].data;
		record.hint = saying[i].hint;
		record.valid_until = saying[i].until;
		add_subject(writer, SINK_TRIGGER_QNAME, saying[i].name, SUBTREE, &record);
		/* what is listed for another trigger says nothing about a name asked for */
		add_subject(writer, SINK_TRIGGER_NSNAME, "unlisted", SUBTREE, &record);
	}
	end_base(writer);
}

START_TEST(said_rows)
{
	struct sink_reader *reader;
	struct sink_db *db;

	make_saying();
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	for (size_t i = 0; i < LENGTH(said); i++) {
		struct sink_name name = name_of(said[i].name);
		struct sink_verdict verdict;
		char text[512] = "";

		ck_assert_int_eq(sink_decide(reader, &name, NOW, note, text, &verdict), SINK_OK);
		ck_assert_msg(verdict.action == said[i].action &&
				strcmp(text, said[i].considered) == 0,
			"%s: %s: %s", said[i].name, sink_action_word(verdict.action), text);
	}
	struct sink_name unlisted = name_of("unlisted");
	struct sink_verdict verdict;

	ck_assert_int_eq(sink_decide(reader, &unlisted, NOW, NULL, NULL, &verdict), SINK_OK);
	ck_assert_int_eq(verdict.action, NONE);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* Without a name no exception applies; times and types do. */
START_TEST(standing_of_a_record)
{
	struct sink_record record = record_of(BLOCK, "a");

	record.except = sink_span(ROOT, 2);
	ck_assert_int_eq(sink_stand(&record, NULL, NOW), SINK_STANDING_ELIGIBLE);
	record.types = sink_span("\0\0\1", 3);
	ck_assert_int_eq(sink_stand(&record, NULL, NOW), SINK_STANDING_LATER);
	record.kind = IMPORTANT;
	ck_assert_int_eq(sink_stand(&record, NULL, NOW), SINK_STANDING_LATER);
	record.kind = ALLOW; /* to wait would block more than any feed said */
	ck_assert_int_eq(sink_stand(&record, NULL, NOW), SINK_STANDING_ELIGIBLE);
	record.hint = SINK_HINT_TRUNCATE;
	ck_assert_int_eq(sink_stand(&record, NULL, NOW), SINK_STANDING_LATER);
	record.valid_until = NOW;
	ck_assert_int_eq(sink_stand(&record, NULL, NOW), SINK_STANDING_EXPIRED);
	record.valid_from = NOW + 1;
	ck_assert_int_eq(sink_stand(&record, NULL, NOW), SINK_STANDING_FUTURE);
}
END_TEST

/* A strict order of everything that can stand against each other: one of two wins, and who wins
 * over a winner wins over the loser. */
START_TEST(order_is_total)
{
	struct side {
		enum sink_kind kind;
		struct sink_listing listing;
	} sides[3 * 3 * 3 * 3];
	size_t n = 0;

	for (unsigned kind = 0; kind < SINK_KIND_COUNT; kind++)
		for (unsigned labels = 0; labels < 3; labels++)
			for (unsigned record = 3; record-- > 0;)
				for (unsigned scope = SINK_SCOPE_COUNT; scope-- > 0;)
					sides[n++] = (struct side){ kind,
						{ .record = record,
							.scope = scope,
							.labels = (uint8_t)labels } };
	/* They were made from the weakest to the strongest. */
	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++)
			ck_assert_int_eq(sink_outranks(sides[a].kind, &sides[a].listing,
						 sides[b].kind, &sides[b].listing),
				a > b);
}
END_TEST

/* --- the policy and damage -------------------------------------------------------------------- */

START_TEST(policy_decides)
{
	static const enum sink_action actions[] = { SINK_ACTION_NXDOMAIN, SINK_ACTION_NODATA,
		SINK_ACTION_SINKHOLE };
	struct sink_record block = record_of(BLOCK, "a"), allow = record_of(ALLOW, "a");
	struct sink_name evil = name_of("evil.net"), good = name_of("good.net");

	for (size_t i = 0; i < LENGTH(actions); i++) {
		struct sink_policy policy = sink_policy_default;
		struct sink_writer *writer = begin_base(file);
		struct sink_verdict verdict;
		struct sink_reader *reader;
		struct sink_db *db;

		policy.block = actions[i];
		if (policy.block == SINK_ACTION_SINKHOLE)
			policy.a_count = 1;
		add_name(writer, &evil, EXACT, &block);
		add_name(writer, &good, EXACT, &allow);
		ck_assert_int_eq(sink_writer_commit(writer, &policy, NULL, NULL), SINK_OK);
		db = open_base(file, SINK_MAP_SEALED);
		reader = begin_reader(db);
		ck_assert_int_eq(sink_decide(reader, &evil, NOW, NULL, NULL, &verdict), SINK_OK);
		ck_assert_int_eq(verdict.action, actions[i]);
		ck_assert_int_eq(sink_decide(reader, &good, NOW, NULL, NULL, &verdict), SINK_OK);
		ck_assert_int_eq(verdict.action, PASS);
		sink_reader_end(reader);
		sink_db_close(db);
		ck_assert_int_eq(unlink(file), 0);
	}
}
END_TEST

/* Replace a value in a file that LMDB finds sound. */
static void replace(const char *path, struct sink_span key, struct sink_span value)
{
	MDB_val k = mdb_val(key), v = mdb_val(value);
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	ck_assert_int_eq(mdb_env_create(&env), 0);
	ck_assert_int_eq(mdb_env_set_mapsize(env, 1 << 24), 0);
	ck_assert_int_eq(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0644), 0);
	ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	ck_assert_int_eq(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	ck_assert_int_eq(mdb_put(txn, dbi, &k, &v, 0), 0);
	ck_assert_int_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

/* A record that is none: what names it cannot be judged, the rest can. */
START_TEST(corrupt_record)
{
	static const struct base_row rows[] = {
		{ "evil.net", SUBTREE, BLOCK, "a" },
		{ "worse.net", SUBTREE, BLOCK, "b" },
	};
	const struct sink_verdict untouched = { .action = SINK_ACTION_COUNT };
	struct sink_verdict verdict = untouched;
	struct sink_name evil = name_of("x.evil.net"), worse = name_of("worse.net");
	struct sink_reader *reader;
	uint8_t key[SCHEMA_RECORD_KEY];
	struct sink_db *db;

	make_base(file, rows, LENGTH(rows));
	schema_record_key(0, key);
	replace(file, sink_span(key, sizeof key), sink_span("rubbish", 7));
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	ck_assert_int_eq(sink_decide(reader, &evil, NOW, NULL, NULL, &verdict), SINK_ECORRUPT);
	ck_assert_mem_eq(&verdict, &untouched, sizeof verdict);
	ck_assert_int_eq(sink_decide(reader, &worse, NOW, NULL, NULL, &verdict), SINK_OK);
	ck_assert_int_eq(verdict.action, NX);
	ck_assert_int_eq(sink_reader_verify(reader, NULL), SINK_ECORRUPT);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decide");
	TCase *decide = tcase_create("decide");

	tcase_add_checked_fixture(decide, enter_room, leave_room);
	tcase_add_test(decide, verdict_rows);
	tcase_add_test(decide, considered_rows);
	tcase_add_test(decide, said_rows);
	tcase_add_test(decide, standing_of_a_record);
	tcase_add_test(decide, order_is_total);
	tcase_add_test(decide, policy_decides);
	tcase_add_test(decide, corrupt_record);
	tcase_set_timeout(decide, 60);
	suite_add_tcase(suite, decide);
	return run_suite(suite);
}

/* test_decide.c - who wins, and from which second to which. */
#include "sinkhole/decide.h"

#include "base.h"
#include "mdb.h"
#include "policies.h"
#include "schema.h"
#include "trial.h"

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

/* --- generations and what is asked of them ------------------------------------------------------ */

struct world {
	struct sink_generation *generation;
	struct sink_judge *judge;
};

/* Of the database at `file`, without geo files. */
static struct world world_of(const struct sink_policy *policy)
{
	struct world world = { .generation =
				       generation_of(open_base(file, SINK_MAP_SEALED), policy) };

	ck_assert_int_eq(sink_judge_begin(world.generation, &world.judge), SINK_OK);
	return world;
}

static void end_world(struct world *world)
{
	sink_judge_end(world->judge);
	sink_generation_close(world->generation);
	*world = (struct world){ NULL, NULL };
}

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

static void check_source(struct sink_judge *judge, const struct sink_verdict *verdict,
	const char *source, const char *name)
{
	struct sink_record record;

	ck_assert(sink_reader_record(sink_judge_reader(judge), verdict->winner.record, &record) ==
		SINK_OK);
	if (!sink_span_equal(record.text[SINK_FIELD_SOURCE], sink_span_text(source)))
		ck_abort_msg("%s: another source", name);
	ck_assert(record.kind == verdict->kind);
}

static void check_untouched(const struct sink_verdict *verdict, const char *name)
{
	if (verdict->action != NONE || verdict->rule != SINK_RULE_NONE || verdict->has_entry ||
		verdict->waits || verdict->monitor != SINK_RULE_NONE)
		ck_abort_msg("%s: %s", name, sink_action_word(verdict->action));
}

START_TEST(verdict_rows)
{
	struct world world;

	make();
	world = world_of(&sink_policy_default);
	for (size_t i = 0; i < LENGTH(verdicts); i++) {
		struct sink_name name = name_of(verdicts[i].name);
		struct sink_verdict verdict;

		ck_assert(decide_name(world.judge, &name, verdicts[i].now, &verdict) == SINK_OK);
		if (verdicts[i].action == NONE) {
			check_untouched(&verdict, verdicts[i].name);
			continue;
		}
		ck_assert_msg(verdict.action == verdicts[i].action, "%s at %lld: %s",
			verdicts[i].name, (long long)verdicts[i].now,
			sink_action_word(verdict.action));
		ck_assert_msg(verdict.winner.labels == verdicts[i].labels, "%s", verdicts[i].name);
		ck_assert_msg(verdict.winner.scope == verdicts[i].scope, "%s", verdicts[i].name);
		ck_assert(verdict.rule == 0 && verdict.has_entry && !verdict.waits);
		ck_assert(verdict.trigger == SINK_TRIGGER_QNAME && verdict.name == 0);
		check_source(world.judge, &verdict, verdicts[i].source, verdicts[i].name);
	}
	end_world(&world);
}
END_TEST

/* --- explanations ----------------------------------------------------------------------------- */

static const char *const standings[] = {
	[SINK_STANDING_ELIGIBLE] = "in force",
	[SINK_STANDING_FUTURE] = "future",
	[SINK_STANDING_EXPIRED] = "expired",
	[SINK_STANDING_EXCEPTED] = "excepted",
	[SINK_STANDING_TYPE] = "other type",
	[SINK_STANDING_UNRULED] = "unruled",
	[SINK_STANDING_WATCHED] = "watched",
};

static void note(void *arg, enum sink_trigger trigger, size_t subject,
	const struct sink_listing *listing, const struct sink_record *record,
	enum sink_standing standing, uint16_t rule)
{
	char *text = arg;

	ck_assert(trigger == SINK_TRIGGER_QNAME && subject == 0);
	ck_assert(rule == (record->hint == SINK_HINT_STOP ? SINK_RULE_NONE : 0));
	sprintf(text + strlen(text), "%u %s %s %s, ", listing->labels,
		sink_scope_word(listing->scope), sink_kind_word(record->kind), standings[standing]);
}

/* The first pass, explained. */
static void explain(struct sink_judge *judge, const char *text, uint16_t type, char out[512],
	struct sink_verdict *verdict)
{
	struct sink_name name = name_of(text);
	uint8_t wire[SINK_WIRE_MAX];
	struct sink_span names = sink_span(wire, sink_name_to_wire(&name, wire));
	struct sink_case what = { .type = type, .now = NOW, .names = &names, .names_count = 1 };
	struct sink_verdict silent;
	struct sink_client client;

	out[0] = 0;
	sink_client_of(judge, NULL, NOW, &client);
	ck_assert(sink_decide(judge, &what, &client, note, out, verdict) == SINK_OK);
	ck_assert(sink_decide(judge, &what, &client, NULL, NULL, &silent) == SINK_OK);
	ck_assert(silent.action == verdict->action && silent.rule == verdict->rule);
	ck_assert(!silent.has_entry || silent.winner.record == verdict->winner.record);
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
	struct world world;

	make();
	world = world_of(&sink_policy_default);
	for (size_t i = 0; i < LENGTH(explanations); i++) {
		struct sink_verdict verdict;
		char text[512];

		explain(world.judge, explanations[i].name, 1, text, &verdict);
		ck_assert_str_eq(text, explanations[i].considered);
	}
	end_world(&world);
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
	{ "stop.test", "stop", BLOCK, { 0 }, { 0 }, { 0 }, SINK_HINT_STOP, 0 },
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
	{ "a.mixed.test", "mixed", ALLOW, BYTES("\0\0\1"), { 0 }, { 0 }, 0, 0 },
	{ "mixed.test", "mixed", BLOCK, { 0 }, { 0 }, { 0 }, 0, 0 },
	{ "b.mixed.test", "mixed", IMPORTANT, { 0 }, { 0 }, { 0 }, SINK_HINT_TRUNCATE, 0 },
	{ "b.mixed.test", "mixed", ALLOW, { 0 }, { 0 }, { 0 }, 0, 0 },
};

#define A 1
#define MX 15

static const struct {
	const char *name;
	uint16_t type;
	enum sink_action action;
	const char *considered;
} said[] = {
	{ "good.example", A, NONE, "1 subtree block excepted, " },
	{ "a.b.good.example", A, NONE, "1 subtree block excepted, " },
	{ "GOOD.Example", A, NONE, "1 subtree block excepted, " },
	{ "other.example", A, NONE, "1 subtree block excepted, " },
	{ "example", A, NX, "1 subtree block in force, " },
	{ "notgood.example", A, NX, "1 subtree block in force, " }, /* a suffix of the text */
	{ "goo.example", A, NX, "1 subtree block in force, " },
	{ "gooda.example", A, NX, "1 subtree block in force, " },
	{ "good.x.example", A, NX, "1 subtree block in force, " },
	{ "x.good.example", A, NX, "3 subtree block in force, 1 subtree block excepted, " },
	{ "good.important.test", A, NX, "2 subtree important in force, " }, /* another good one */
	{ "all.test", A, NONE, "2 subtree block excepted, " },
	{ "x.all.test", A, NONE, "2 subtree block excepted, " },
	/* One record is about A alone, the other about all but A. */
	{ "types.test", A, NX, "2 subtree block in force, 2 subtree allow other type, " },
	{ "types.test", MX, PASS, "2 subtree block other type, 2 subtree allow in force, " },
	{ "x.types.test", 256, PASS, "2 subtree block other type, 2 subtree allow in force, " },
	/* A rule that is not LISTED does as it says, not as the entry does. */
	{ "tcp.test", A, NX, "2 subtree block in force, " },
	{ "nx.test", A, NX, "2 subtree block in force, " },
	{ "nodata.test", A, NX, "2 subtree block in force, " },
	{ "refused.test", A, NX, "2 subtree block in force, " },
	{ "drop.test", A, NX, "2 subtree block in force, " },
	{ "data.test", A, NX, "2 subtree block in force, " },
	{ "stop.test", A, NONE, "2 subtree block unruled, " }, /* nor does it know of stops */
	/* What is over is over, whatever else it says. */
	{ "over.test", A, NONE, "2 subtree block expired, " },
	{ "both.test", A, NONE, "2 subtree block excepted, " },
	{ "a.mixed.test", A, PASS, "3 subtree allow in force, 2 subtree block in force, " },
	/* What is not about the type lifts nothing. */
	{ "a.mixed.test", MX, NX, "3 subtree allow other type, 2 subtree block in force, " },
	{ "b.mixed.test", A, NX,
		"3 subtree allow in force, 3 subtree important in force, 2 subtree block in "
		"force, " },
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
	struct sink_verdict verdict;
	struct world world;
	char text[512];

	make_saying();
	world = world_of(&sink_policy_default);
	check_plain(sink_judge_reader(world.judge));
	for (size_t i = 0; i < LENGTH(said); i++) {
		explain(world.judge, said[i].name, said[i].type, text, &verdict);
		ck_assert_msg(verdict.action == said[i].action &&
				strcmp(text, said[i].considered) == 0,
			"%s: %s: %s", said[i].name, sink_action_word(verdict.action), text);
	}
	explain(world.judge, "unlisted", A, text, &verdict);
	check_untouched(&verdict, "unlisted");
	ck_assert_str_eq(text, "");
	end_world(&world);
}
END_TEST

/* Without a name no exception applies, without a type all types do; times always do, and come first. */
START_TEST(standing_of_a_record)
{
	struct sink_record record = record_of(BLOCK, "a");
	struct sink_name root = name_of(".");

	record.except = sink_span(ROOT, 2);
	ck_assert_int_eq(sink_stand(&record, NULL, A, NOW), SINK_STANDING_ELIGIBLE);
	ck_assert_int_eq(sink_stand(&record, &root, A, NOW), SINK_STANDING_EXCEPTED);
	record.types = sink_span("\0\0\1", 3);
	ck_assert_int_eq(sink_stand(&record, NULL, A, NOW), SINK_STANDING_ELIGIBLE);
	ck_assert_int_eq(sink_stand(&record, NULL, 0, NOW), SINK_STANDING_ELIGIBLE);
	ck_assert_int_eq(sink_stand(&record, NULL, 2, NOW), SINK_STANDING_TYPE);
	ck_assert_int_eq(sink_stand(&record, NULL, 256, NOW), SINK_STANDING_TYPE); /* 1, swapped */
	ck_assert_int_eq(sink_stand(&record, &root, 2, NOW), SINK_STANDING_EXCEPTED);
	record.types = sink_span("\1\0\1", 3);
	ck_assert_int_eq(sink_stand(&record, NULL, A, NOW), SINK_STANDING_TYPE);
	ck_assert_int_eq(sink_stand(&record, NULL, 0, NOW), SINK_STANDING_ELIGIBLE);
	ck_assert_int_eq(sink_stand(&record, NULL, 65535, NOW), SINK_STANDING_ELIGIBLE);
	record.kind = ALLOW;
	record.hint = SINK_HINT_TRUNCATE; /* neither matters here */
	ck_assert_int_eq(sink_stand(&record, NULL, A, NOW), SINK_STANDING_TYPE);
	record.valid_until = NOW;
	ck_assert_int_eq(sink_stand(&record, &root, A, NOW), SINK_STANDING_EXPIRED);
	record.valid_from = NOW + 1;
	ck_assert_int_eq(sink_stand(&record, &root, A, NOW), SINK_STANDING_FUTURE);
}
END_TEST

/* --- the order of entries ----------------------------------------------------------------------- */

#define QNAME SINK_TRIGGER_QNAME
#define ANSWER SINK_TRIGGER_ANSWER
#define CLIENT SINK_TRIGGER_CLIENT
#define NSNAME SINK_TRIGGER_NSNAME
#define NSADDRESS SINK_TRIGGER_NSADDRESS

/* All that can stand against each other, from the weakest to the strongest. */
static size_t all_sides(struct found *out, bool is_listed)
{
	static const enum sink_trigger triggers[] = { NSADDRESS, NSNAME, ANSWER, QNAME, CLIENT };
	static const uint64_t rules[SINK_RULE_WORDS] = { 1 };
	size_t n = 0;

	for (unsigned kind = is_listed ? SINK_KIND_ALLOW : 0; kind < SINK_KIND_COUNT; kind++)
		for (size_t t = 0; t < LENGTH(triggers); t++)
			for (size_t subject = triggers[t] == QNAME ? 2 : 1; subject-- > 0;)
				for (unsigned at = 0; at < 3 * 2 * SINK_SCOPE_COUNT; at++)
					out[n++] = (struct found){
						.listing = { .record =
								     1 - at / SINK_SCOPE_COUNT % 2,
							.scope = SINK_SCOPE_COUNT - 1 -
								at % SINK_SCOPE_COUNT },
						.kind = is_listed ? BLOCK : kind,
						.trigger = triggers[t],
						.subject = subject,
						.weight = (uint16_t)(at / SINK_SCOPE_COUNT / 2),
						.rules = rules,
					};
	return is_listed ? n / 2 : n;
}

/* A strict order: of two one wins, whichever comes first, and who wins over a winner wins over the loser. */
START_TEST(order_is_total)
{
	static const uint64_t all[SINK_RULE_WORDS] = { 1 };
	struct bound *bound = calloc(1, sizeof *bound);
	struct found sides[512];
	size_t n = all_sides(sides, _i == 1);

	ck_assert(bound && n <= LENGTH(sides));
	bound->words = 1;
	bound->listed_rules[0] = _i == 1;
	for (int t = 0; t < SINK_TRIGGER_COUNT; t++)
		bound->triggers[t][0] = 1;
	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++) {
			const struct found both[] = { sides[a], sides[b] }, *winner = NULL;
			const struct found *expected = &sides[a > b ? a : b];
			struct trial trial;

			trial_begin(&trial, bound, all);
			ck_assert(trial_run(&trial, both, 2, &winner) == TRIAL_DECIDED);
			ck_assert(!memcmp(winner, expected, sizeof *winner));
		}
	free(bound);
}
END_TEST

/* --- what a rule says ----------------------------------------------------------------------------- */

#define TARGET "\1x\7example" /* with the zero byte behind it */

static const struct {
	enum sink_action action;
	enum sink_action verdict;
} actions[] = {
	{ SINK_ACTION_PASS, SINK_ACTION_PASS },
	{ SINK_ACTION_NXDOMAIN, SINK_ACTION_NXDOMAIN },
	{ SINK_ACTION_NODATA, SINK_ACTION_NODATA },
	{ SINK_ACTION_SINKHOLE, SINK_ACTION_SINKHOLE },
	{ SINK_ACTION_REFUSED, SINK_ACTION_REFUSED },
	{ SINK_ACTION_DROP, SINK_ACTION_DROP },
	{ SINK_ACTION_TRUNCATE, SINK_ACTION_TRUNCATE },
	{ SINK_ACTION_CNAME, SINK_ACTION_CNAME },
	{ SINK_ACTION_DATA, SINK_ACTION_DATA },
	{ SINK_ACTION_LISTED, SINK_ACTION_NXDOMAIN }, /* the entry does not say what */
	{ SINK_ACTION_MONITOR, SINK_ACTION_NONE },
};

static struct sink_rule rule_with_form(enum sink_action action)
{
	struct sink_rule rule = rule_of("rule", action);

	rule.form.ttl = 77;
	rule.form.ede = 17;
	if (action == SINK_ACTION_SINKHOLE)
		rule.form.a_count = 1;
	if (action == SINK_ACTION_CNAME)
		rule.form.cname = sink_span(TARGET, sizeof TARGET);
	if (action == SINK_ACTION_DATA)
		rule.form.data = sink_span(A_1, sizeof A_1 - 1);
	return rule;
}

static bool is_form_of(const struct sink_verdict *verdict, const struct sink_rule *rule)
{
	const struct sink_form *form = &verdict->form;

	return form->ttl == 77 && form->ede == 17 && form->a_count == rule->form.a_count &&
		sink_span_equal(form->cname, rule->form.cname) &&
		sink_span_equal(form->data, rule->form.data);
}

START_TEST(policy_decides)
{
	static const struct base_row rows[] = { { "evil.net", EXACT, BLOCK, "a" },
		{ "good.net", EXACT, ALLOW, "a" }, { "law.net", EXACT, IMPORTANT, "a" } };
	enum sink_action action = actions[_i].action;
	struct sink_rule rule = rule_with_form(action);
	struct sink_policy policy = { .rules = &rule, .rules_count = 1 };
	struct world world;

	make_base(file, rows, LENGTH(rows));
	world = world_of(&policy);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct sink_name name = name_of(rows[i].name);
		struct sink_verdict verdict;

		ck_assert_int_eq(decide_name(world.judge, &name, NOW, &verdict), SINK_OK);
		ck_assert_uint_eq(verdict.monitor,
			action == SINK_ACTION_MONITOR ? 0 : SINK_RULE_NONE);
		if (action == SINK_ACTION_MONITOR)
			ck_assert(verdict.action == NONE && verdict.rule == SINK_RULE_NONE);
		else
			ck_assert_int_eq(verdict.action,
				rows[i].kind == ALLOW ? PASS : actions[_i].verdict);
		if (sink_action_blocks(verdict.action))
			ck_assert(is_form_of(&verdict, &rule));
	}
	end_world(&world);
}
END_TEST

#define ALIAS "\0\5\0\0\0\7\0\13" TARGET "\0" /* CNAME x.example, 7 seconds */

static const struct {
	enum sink_hint hint;
	struct sink_span data;
	enum sink_action action;
} hints[] = {
	{ SINK_HINT_NONE, { 0 }, SINK_ACTION_NXDOMAIN },
	{ SINK_HINT_NXDOMAIN, { 0 }, SINK_ACTION_NXDOMAIN },
	{ SINK_HINT_NODATA, { 0 }, SINK_ACTION_NODATA },
	{ SINK_HINT_REFUSED, { 0 }, SINK_ACTION_REFUSED },
	{ SINK_HINT_DROP, { 0 }, SINK_ACTION_DROP },
	{ SINK_HINT_TRUNCATE, { 0 }, SINK_ACTION_TRUNCATE },
	{ SINK_HINT_DATA, BYTES(A_1), SINK_ACTION_DATA },
	{ SINK_HINT_DATA, BYTES(ALIAS), SINK_ACTION_CNAME },
	{ SINK_HINT_STOP, { 0 }, SINK_ACTION_NONE },
};

/* LISTED: as the entry says. */
START_TEST(hints_decide)
{
	struct sink_rule rule = rule_with_form(SINK_ACTION_LISTED);
	struct sink_policy policy = { .rules = &rule, .rules_count = 1 };
	struct sink_record record = record_of(BLOCK, "a");
	struct sink_writer *writer = begin_base(file);
	struct sink_name name = name_of("evil.net");
	struct sink_verdict verdict;
	struct world world;

	record.hint = hints[_i].hint;
	record.data = hints[_i].data;
	add_name(writer, &name, EXACT, &record);
	end_base(writer);
	world = world_of(&policy);
	ck_assert_int_eq(decide_name(world.judge, &name, NOW, &verdict), SINK_OK);
	ck_assert_int_eq(verdict.action, hints[_i].action);
	if (verdict.action == SINK_ACTION_CNAME) {
		ck_assert(sink_span_equal(verdict.form.cname, sink_span(TARGET, sizeof TARGET)));
		ck_assert_uint_eq(verdict.form.ttl, 7);
	}
	if (verdict.action == SINK_ACTION_DATA)
		ck_assert(sink_span_equal(verdict.form.data, hints[_i].data));
	if (verdict.action == NONE)
		check_untouched(&verdict, "stop");
	end_world(&world);
}
END_TEST

/* --- rules over a whole case ---------------------------------------------------------------------- */

/* One entry; its sources are what rules ask for. A STOP is about names here as elsewhere. */
struct entry {
	const char *source; /* NULL: no more */
	enum sink_trigger trigger;
	const char *subject;
	enum sink_scope scope; /* of a name */
	enum sink_kind kind;
	enum sink_hint hint;
};

/* One rule; `sources` are letters, each a source. */
struct ruled {
	enum sink_action action; /* NONE: no more */
	const char *sources; /* NULL: any */
	unsigned triggers;
	const char *country; /* of the answer */
	uint32_t asn;
	bool is_bare;
};

struct asked {
	const char *names; /* these four: with spaces between them; NULL: none */
	const char *addresses, *servers, *server_addresses;
	const char *client;
};

#define NOBODY (-1) /* no rule, no entry */

struct expected {
	enum sink_action action;
	int rule, entry; /* entry: its number; NOBODY: a bare rule decided, or nothing */
	size_t name;
	int monitor;
	bool waits;
};

#define ENTRIES_MAX 6
#define RULES_MAX 4
#define OF_EACH 4

#define STOP SINK_HINT_STOP
#define LISTED SINK_ACTION_LISTED
#define MONITOR SINK_ACTION_MONITOR
#define NODATA SINK_ACTION_NODATA
#define NOTHING \
	{ \
		NONE, NOBODY, NOBODY, 0, NOBODY, false \
	}

static const struct scenario {
	const char *what;
	struct entry entries[ENTRIES_MAX];
	struct ruled rules[RULES_MAX];
	struct asked asked;
	struct expected first, answer;
} scenarios[] = {
	/* What a rule LISTED leaves alone. */
	{ "a stop that a rule before all of them is about too", /* the other ends rule 1 */
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "b", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "c", QNAME, "evil", SUBTREE, BLOCK, 0 } },
		{ { NODATA, .sources = "b" }, { LISTED, .sources = "a" },
			{ LISTED, .sources = "bc" } },
		{ .names = "x.evil" }, NOTHING, NOTHING },
	{ "what is stopped is blocked by no later rule",
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "a", QNAME, "evil", SUBTREE, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { NX, .sources = NULL } }, { .names = "x.evil" },
		NOTHING, NOTHING },
	{ "nor by one that is LISTED",
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "a", QNAME, "evil", SUBTREE, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { LISTED, .sources = NULL } }, { .names = "x.evil" },
		NOTHING, NOTHING },
	{ "nor is it monitored by one",
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "a", QNAME, "evil", SUBTREE, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { MONITOR, .sources = NULL } }, { .names = "x.evil" },
		NOTHING, NOTHING },
	{ "but an earlier one has it",
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "a", QNAME, "evil", SUBTREE, BLOCK, 0 } },
		{ { NX, .sources = NULL }, { LISTED, .sources = "a" } }, { .names = "x.evil" },
		{ NX, 0, 1, 0, NOBODY, false }, { NX, 0, 1, 0, NOBODY, false } },
	{ "and other entries are for later rules",
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "a", QNAME, "evil", SUBTREE, BLOCK, 0 },
			{ "b", QNAME, "evil", SUBTREE, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { NX, .sources = NULL } }, { .names = "x.evil" },
		{ NX, 1, 2, 0, NOBODY, false }, { NX, 1, 2, 0, NOBODY, false } },
	{ "a stop gives way where something is said about the same name",
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "a", QNAME, "x.evil", EXACT, BLOCK, SINK_HINT_NODATA } },
		{ { LISTED, .sources = "a" } }, { .names = "x.evil" },
		{ NODATA, 0, 1, 0, NOBODY, false }, { NODATA, 0, 1, 0, NOBODY, false } },
	{ "under whatever scope",
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "a", QNAME, "x.evil", SUBTREE, ALLOW, 0 } },
		{ { LISTED, .sources = "a" } }, { .names = "x.evil" },
		{ PASS, 0, 1, 0, NOBODY, false }, { PASS, 0, 1, 0, NOBODY, false } },
	{ "but not where that is said about all below it only",
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "a", QNAME, "x.evil", BELOW, BLOCK, 0 } },
		{ { LISTED, .sources = "a" } }, { .names = "x.evil" }, NOTHING, NOTHING },
	{ "a stop above stops nothing",
		{ { "a", QNAME, "evil", SUBTREE, BLOCK, STOP },
			{ "a", QNAME, "x.evil", EXACT, BLOCK, 0 } },
		{ { LISTED, .sources = "a" } }, { .names = "x.evil" },
		{ NX, 0, 1, 0, NOBODY, false }, { NX, 0, 1, 0, NOBODY, false } },
	{ "a stop is about one of the names",
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "a", QNAME, "evil", SUBTREE, BLOCK, 0 } },
		{ { LISTED, .sources = "a" } }, { .names = "x.evil y.evil" },
		{ NX, 0, 1, 1, NOBODY, false }, { NX, 0, 1, 1, NOBODY, false } },
	{ "and about one of the servers",
		{ { "a", NSNAME, "ns1.evil", EXACT, BLOCK, STOP },
			{ "a", NSNAME, "evil", SUBTREE, BLOCK, 0 } },
		{ { LISTED, .sources = "a" } }, { "x", NULL, .servers = "ns1.evil ns2.evil" },
		NOTHING, { NX, 0, 1, 0, NOBODY, false } },
	{ "and about one trigger",
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "a", QNAME, "evil", SUBTREE, BLOCK, 0 },
			{ "a", NSNAME, "evil", SUBTREE, BLOCK, SINK_HINT_NODATA } },
		{ { LISTED, .sources = "a" } }, { "x.evil", NULL, .servers = "x.evil" }, NOTHING,
		{ NODATA, 0, 2, 0, NOBODY, false } },

	/* LISTED: the more specific wins, be it block or allow. */
	{ "an allow entry below an important block",
		{ { "a", QNAME, "evil", SUBTREE, IMPORTANT, 0 },
			{ "a", QNAME, "x.evil", EXACT, ALLOW, 0 } },
		{ { LISTED, .sources = NULL } }, { .names = "x.evil" },
		{ PASS, 0, 1, 0, NOBODY, false }, { PASS, 0, 1, 0, NOBODY, false } },
	{ "for others it is the other way round",
		{ { "a", QNAME, "evil", SUBTREE, IMPORTANT, 0 },
			{ "a", QNAME, "x.evil", EXACT, ALLOW, 0 } },
		{ { NODATA, .sources = NULL } }, { .names = "x.evil" },
		{ NODATA, 0, 0, 0, NOBODY, false }, { NODATA, 0, 0, 0, NOBODY, false } },
	{ "a block below an allow entry",
		{ { "a", QNAME, "evil", SUBTREE, ALLOW, 0 },
			{ "a", QNAME, "x.evil", EXACT, BLOCK, 0 } },
		{ { LISTED, .sources = NULL } }, { .names = "x.evil" },
		{ NX, 0, 1, 0, NOBODY, false }, { NX, 0, 1, 0, NOBODY, false } },
	{ "the earlier trigger, be it less specific",
		{ { "a", QNAME, "x.evil", EXACT, IMPORTANT, 0 },
			{ "a", CLIENT, "192.0.0.0/8", 0, ALLOW, 0 } },
		{ { LISTED, .sources = NULL } }, { "x.evil", .client = "192.0.2.1" },
		{ PASS, 0, 1, 0, NOBODY, false }, { PASS, 0, 1, 0, NOBODY, false } },
	{ "a client's own entry comes before all zones that follow",
		{ { "a", CLIENT, "::/0", 0, BLOCK, 0 }, { "b", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { LISTED, .sources = "b" }, { LISTED, .sources = "a" } },
		{ "evil", .client = "2001:db8::1" }, { NX, 0, 1, 0, NOBODY, false },
		{ NX, 0, 1, 0, NOBODY, false } },

	/* Other rules: important over allow over block, then triggers, then how specific they are. */
	{ "an allow entry of a later trigger",
		{ { "a", CLIENT, "192.0.2.1", 0, BLOCK, 0 },
			{ "a", QNAME, ".", SUBTREE, ALLOW, 0 } },
		{ { NX, .sources = NULL } }, { "x.evil", .client = "192.0.2.1" },
		{ PASS, 0, 1, 0, NOBODY, false }, { PASS, 0, 1, 0, NOBODY, false } },
	{ "the last trigger, with an important block",
		{ { "a", ANSWER, "192.0.2.1", 0, ALLOW, 0 }, { "a", NSNAME, "ns", EXACT, ALLOW, 0 },
			{ "a", NSADDRESS, "0.0.0.0/0", 0, IMPORTANT, 0 } },
		{ { NX, .sources = NULL } },
		{ "x", "192.0.2.1", "ns", .server_addresses = "203.0.113.7" }, NOTHING,
		{ NX, 0, 2, 0, NOBODY, false } },
	{ "client, name, answer, server, its address: all five",
		{ { "a", NSADDRESS, "203.0.113.7", 0, BLOCK, 0 },
			{ "a", NSNAME, "ns", EXACT, BLOCK, 0 },
			{ "a", ANSWER, "192.0.2.1", 0, BLOCK, 0 },
			{ "b", QNAME, "x", EXACT, BLOCK, 0 },
			{ "b", CLIENT, "::/0", 0, BLOCK, 0 } },
		{ { NX, .sources = NULL } },
		{ "x", "192.0.2.1", "ns", "203.0.113.7", "2001:db8::1" },
		{ NX, 0, 4, 0, NOBODY, false }, { NX, 0, 4, 0, NOBODY, false } },
	{ "those of the answer",
		{ { "a", NSADDRESS, "203.0.113.7", 0, BLOCK, 0 },
			{ "a", NSNAME, "ns", EXACT, BLOCK, 0 },
			{ "a", ANSWER, "192.0.0.0/8", 0, BLOCK, 0 } },
		{ { NX, .sources = NULL } },
		{ "x", "192.0.2.1", "ns", .server_addresses = "203.0.113.7" }, NOTHING,
		{ NX, 0, 2, 0, NOBODY, false } },
	{ "servers before their addresses",
		{ { "a", NSADDRESS, "203.0.113.7", 0, BLOCK, 0 },
			{ "a", NSNAME, ".", BELOW, BLOCK, 0 } },
		{ { NX, .sources = NULL } },
		{ "x", "192.0.2.1", "ns", .server_addresses = "203.0.113.7" }, NOTHING,
		{ NX, 0, 1, 0, NOBODY, false } },
	{ "the longest prefix, of any address; one of IPv4 is as if mapped into IPv6",
		{ { "a", ANSWER, "192.0.2.0/24", 0, BLOCK, 0 },
			{ "a", ANSWER, "2001:db8:1::/48", 0, BLOCK, 0 },
			{ "a", ANSWER, "198.51.100.0/25", 0, BLOCK, 0 } },
		{ { NX, .sources = NULL } },
		{ "x", .addresses = "2001:db8:1::1 192.0.2.1 198.51.100.1" }, NOTHING,
		{ NX, 0, 2, 0, NOBODY, false } },
	{ "the rule that lets through: important or not",
		{ { "a", QNAME, "evil", SUBTREE, IMPORTANT, 0 } },
		{ { PASS, .sources = "a" }, { NX, .sources = NULL } }, { .names = "evil" },
		{ PASS, 0, 0, 0, NOBODY, false }, { PASS, 0, 0, 0, NOBODY, false } },

	/* The order of rules. */
	{ "the first rule, whatever later ones are about",
		{ { "a", QNAME, "evil", SUBTREE, BLOCK, 0 },
			{ "b", QNAME, "x.evil", EXACT, IMPORTANT, 0 },
			{ "c", QNAME, "x.evil", EXACT, ALLOW, 0 } },
		{ { NODATA, .sources = "a" }, { NX, .sources = "b" }, { NX, .sources = NULL } },
		{ .names = "x.evil" }, { NODATA, 0, 0, 0, NOBODY, false },
		{ NODATA, 0, 0, 0, NOBODY, false } },
	{ "an entry is weighed for each rule that it satisfies",
		{ { "a", QNAME, "evil", SUBTREE, BLOCK, 0 },
			{ "b", QNAME, "evil", SUBTREE, ALLOW, 0 } },
		{ { NX, .sources = "c" }, { NODATA, .sources = "ab" }, { NX, .sources = "a" } },
		{ .names = "evil" }, { PASS, 1, 1, 0, NOBODY, false },
		{ PASS, 1, 1, 0, NOBODY, false } },
	{ "a rule about other triggers is not about it",
		{ { "a", QNAME, "evil", SUBTREE, BLOCK, 0 },
			{ "a", NSNAME, "x", EXACT, BLOCK, 0 } },
		{ { NODATA, "a", .triggers = 1 << NSNAME }, { NX, .sources = "a" } },
		{ "evil", NULL, .servers = "evil" }, { NX, 1, 0, 0, NOBODY, false },
		{ NX, 1, 0, 0, NOBODY, false } },

	/* The names, each in order. */
	{ "the first name for which a rule decides, be it by a later rule",
		{ { "a", QNAME, "second", EXACT, IMPORTANT, 0 },
			{ "b", QNAME, "first", EXACT, BLOCK, 0 } },
		{ { NODATA, .sources = "a" }, { NX, .sources = "b" } }, { .names = "first second" },
		{ NX, 1, 1, 0, NOBODY, false }, { NX, 1, 1, 0, NOBODY, false } },
	{ "be it to let through",
		{ { "a", QNAME, "second", EXACT, IMPORTANT, 0 },
			{ "b", QNAME, "first", EXACT, ALLOW, 0 } },
		{ { NODATA, .sources = "a" }, { NX, .sources = "b" } }, { .names = "first second" },
		{ PASS, 1, 1, 0, NOBODY, false }, { PASS, 1, 1, 0, NOBODY, false } },
	{ "where an alias leads to", { { "a", QNAME, "third", EXACT, BLOCK, 0 } },
		{ { NX, .sources = NULL } }, { .names = "first second third fourth" },
		{ NX, 0, 0, 2, NOBODY, false }, { NX, 0, 0, 2, NOBODY, false } },
	{ "the client counts before where it leads to",
		{ { "a", CLIENT, "192.0.2.0/24", 0, BLOCK, 0 },
			{ "b", QNAME, "second", EXACT, BLOCK, 0 } },
		{ { NX, .sources = "b" }, { NODATA, .sources = "a" } },
		{ "first second", .client = "192.0.2.9" }, { NODATA, 1, 0, 0, NOBODY, false },
		{ NODATA, 1, 0, 0, NOBODY, false } },
	{ "no name, but a client", { { "a", CLIENT, "192.0.2.0/24", 0, BLOCK, 0 } },
		{ { NX, .sources = NULL } }, { NULL, .client = "192.0.2.9" },
		{ NX, 0, 0, 0, NOBODY, false }, { NX, 0, 0, 0, NOBODY, false } },
	{ "who is mapped into IPv6 is who it is", { { "a", CLIENT, "192.0.2.0/24", 0, BLOCK, 0 } },
		{ { NX, .sources = NULL } }, { "x", .client = "::ffff:192.0.2.9" },
		{ NX, 0, 0, 0, NOBODY, false }, { NX, 0, 0, 0, NOBODY, false } },
	{ "another client, and an address that is none",
		{ { "a", CLIENT, "192.0.2.0/24", 0, BLOCK, 0 } }, { { NX, .sources = NULL } },
		{ "x", "192.0.2.1", NULL, "192.0.2.1", "192.0.3.1" }, NOTHING, NOTHING },

	/* MONITOR. */
	{ "what is watched takes no further part",
		{ { "a", QNAME, "evil", SUBTREE, IMPORTANT, 0 } },
		{ { MONITOR, .sources = "a" }, { NX, .sources = NULL } }, { .names = "x.evil" },
		{ NONE, NOBODY, NOBODY, 0, 0, false }, { NONE, NOBODY, NOBODY, 0, 0, false } },
	{ "so a watched allow entry lifts nothing",
		{ { "a", QNAME, "evil", EXACT, ALLOW, 0 },
			{ "b", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { MONITOR, .sources = "a" }, { NX, .sources = NULL } }, { .names = "evil" },
		{ NX, 1, 1, 0, 0, false }, { NX, 1, 1, 0, 0, false } },
	{ "the first that watched",
		{ { "a", QNAME, "evil", EXACT, BLOCK, 0 }, { "b", QNAME, "evil", EXACT, BLOCK, 0 },
			{ "c", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { MONITOR, .sources = "d" }, { MONITOR, .sources = "c" },
			{ MONITOR, .sources = "b" }, { NX, .sources = NULL } },
		{ .names = "evil" }, { NX, 3, 0, 0, 1, false }, { NX, 3, 0, 0, 1, false } },
	{ "not on the way: behind the rule that decides",
		{ { "a", QNAME, "evil", EXACT, BLOCK, 0 },
			{ "b", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { NX, .sources = "b" }, { MONITOR, .sources = NULL } }, { .names = "evil" },
		{ NX, 0, 1, 0, NOBODY, false }, { NX, 0, 1, 0, NOBODY, false } },
	{ "on the way: about a name before",
		{ { "a", QNAME, "first", EXACT, BLOCK, 0 },
			{ "b", QNAME, "second", EXACT, BLOCK, 0 } },
		{ { NX, .sources = "b" }, { MONITOR, .sources = NULL } },
		{ .names = "first second" }, { NX, 0, 1, 1, 1, false }, { NX, 0, 1, 1, 1, false } },
	{ "there is no stop to watch",
		{ { "a", QNAME, "evil", EXACT, BLOCK, STOP },
			{ "b", QNAME, "x", EXACT, BLOCK, 0 } },
		{ { MONITOR, .sources = NULL }, { LISTED, .sources = NULL } }, { .names = "evil" },
		NOTHING, NOTHING },
	{ "in the answer",
		{ { "a", ANSWER, "192.0.2.1", 0, BLOCK, 0 },
			{ "b", NSNAME, "ns", EXACT, BLOCK, 0 } },
		{ { MONITOR, .sources = "a" }, { NX, .sources = NULL } },
		{ "x", "192.0.2.1", .servers = "ns" }, NOTHING, { NX, 1, 1, 0, 0, false } },

	/* Two passes. */
	{ "an earlier zone has entries about answers: it is waited for",
		{ { "a", ANSWER, "192.0.2.0/24", 0, BLOCK, SINK_HINT_NODATA },
			{ "b", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { NX, .sources = "b" } },
		{ "evil", .addresses = "192.0.2.1" }, { NX, 1, 1, 0, NOBODY, true },
		{ NODATA, 0, 0, 0, NOBODY, false } },
	{ "in vain",
		{ { "a", ANSWER, "192.0.2.0/24", 0, BLOCK, SINK_HINT_NODATA },
			{ "b", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { NX, .sources = "b" } },
		{ "evil", .addresses = "192.0.3.1" }, { NX, 1, 1, 0, NOBODY, true },
		{ NX, 1, 1, 0, NOBODY, false } },
	{ "about name servers likewise",
		{ { "a", NSNAME, "ns", EXACT, ALLOW, 0 }, { "b", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { LISTED, .sources = "b" } },
		{ "evil", NULL, .servers = "ns" }, { NX, 1, 1, 0, NOBODY, true },
		{ PASS, 0, 0, 0, NOBODY, false } },
	{ "and about their addresses",
		{ { "a", NSADDRESS, "::/0", 0, BLOCK, 0 },
			{ "b", QNAME, "evil", EXACT, ALLOW, 0 } },
		{ { LISTED, .sources = "a" }, { NX, .sources = "b" } },
		{ "evil", .server_addresses = "2001:db8::1" }, { PASS, 1, 1, 0, NOBODY, true },
		{ NX, 0, 0, 0, NOBODY, false } },
	{ "no rule waits for its own entries",
		{ { "a", ANSWER, "192.0.2.0/24", 0, ALLOW, 0 },
			{ "a", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { LISTED, .sources = "a" } }, { "evil", .addresses = "192.0.2.1" },
		{ NX, 0, 1, 0, NOBODY, false }, { NX, 0, 1, 0, NOBODY, false } },
	{ "nor for later ones",
		{ { "a", ANSWER, "192.0.2.0/24", 0, ALLOW, 0 },
			{ "b", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { LISTED, .sources = "b" }, { LISTED, .sources = "a" } },
		{ "evil", .addresses = "192.0.2.1" }, { NX, 0, 1, 0, NOBODY, false },
		{ NX, 0, 1, 0, NOBODY, false } },
	{ "nor for rules that are not LISTED",
		{ { "a", ANSWER, "192.0.2.0/24", 0, ALLOW, 0 },
			{ "b", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { PASS, .sources = "a" }, { MONITOR, .sources = "a" }, { NX, .sources = "b" } },
		{ "evil", .addresses = "192.0.2.1" }, { NX, 2, 1, 0, NOBODY, false },
		{ NX, 2, 1, 0, NOBODY, false } },
	{ "nor for entries that the rule is not about",
		{ { "a", ANSWER, "192.0.2.0/24", 0, ALLOW, 0 },
			{ "b", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { LISTED, "a", .triggers = 1 << QNAME | 1 << CLIENT }, { NX, .sources = "b" } },
		{ "evil", .addresses = "192.0.2.1" }, { NX, 1, 1, 0, NOBODY, false },
		{ NX, 1, 1, 0, NOBODY, false } },
	{ "once it waits, all is weighed, by the order of rules",
		{ { "a", ANSWER, "192.0.2.0/24", 0, BLOCK, 0 },
			{ "b", ANSWER, "192.0.3.0/24", 0, BLOCK, 0 },
			{ "c", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { NODATA, .sources = "b" }, { NX, .sources = "c" } },
		{ "evil", .addresses = "192.0.3.1" }, { NX, 2, 2, 0, NOBODY, true },
		{ NODATA, 1, 1, 0, NOBODY, false } },

	/* Rules about the answer. */
	{ "a bare rule, by any of the addresses", { { "a", QNAME, "x", EXACT, BLOCK, 0 } },
		{ { NODATA, .country = "FR", .is_bare = true }, { NX, .sources = NULL } },
		{ "good", .addresses = "198.51.100.1 192.0.2.1" }, NOTHING,
		{ NODATA, 0, NOBODY, 0, NOBODY, false } },
	{ "in no other country", { { "a", QNAME, "x", EXACT, BLOCK, 0 } },
		{ { NODATA, .country = "FR", .is_bare = true }, { NX, .sources = NULL } },
		{ "good", .addresses = "198.51.100.1 10.0.0.1" }, NOTHING, NOTHING },
	{ "nor without an answer", { { "a", QNAME, "x", EXACT, BLOCK, 0 } },
		{ { NODATA, .country = "FR", .is_bare = true }, { NX, .sources = NULL } },
		{ .names = "good" }, NOTHING, NOTHING },
	{ "nor by a server's address, or the client's", { { "a", QNAME, "x", EXACT, BLOCK, 0 } },
		{ { NODATA, .country = "FR", .is_bare = true }, { NX, .sources = NULL } },
		{ "good", "10.0.0.1", NULL, "192.0.2.1", "192.0.2.1" }, NOTHING, NOTHING },
	{ "country and system must be those of one address",
		{ { "a", QNAME, "x", EXACT, BLOCK, 0 } },
		{ { NODATA, .country = "FR", .asn = 64511, .is_bare = true } },
		{ "good", .addresses = "192.0.2.1 203.0.113.1" }, NOTHING, NOTHING },
	{ "as they are here", { { "a", QNAME, "x", EXACT, BLOCK, 0 } },
		{ { NODATA, .country = "JP", .asn = 64511, .is_bare = true } },
		{ "good", .addresses = "192.0.2.1 203.0.113.7" }, NOTHING,
		{ NODATA, 0, NOBODY, 0, NOBODY, false } },
	{ "a bare rule is not waited for", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { PASS, .country = "FR", .is_bare = true }, { NX, .sources = NULL } },
		{ "evil", .addresses = "192.0.2.1" }, { NX, 1, 0, 0, NOBODY, false },
		{ NX, 1, 0, 0, NOBODY, false } },
	{ "an earlier rule that an entry satisfies comes before it",
		{ { "a", NSADDRESS, "192.0.2.1", 0, ALLOW, 0 } },
		{ { NX, .sources = NULL }, { NODATA, .country = "FR", .is_bare = true } },
		{ "good", "192.0.2.1", NULL, .server_addresses = "192.0.2.1" }, NOTHING,
		{ PASS, 0, 0, 0, NOBODY, false } },
	{ "a later one behind it", { { "a", NSADDRESS, "192.0.2.1", 0, ALLOW, 0 } },
		{ { NODATA, .country = "FR", .is_bare = true }, { NX, .sources = NULL } },
		{ "good", "192.0.2.1", NULL, .server_addresses = "192.0.2.1" }, NOTHING,
		{ NODATA, 0, NOBODY, 0, NOBODY, false } },
	{ "between a zone that had nothing to say and the rest",
		{ { "a", NSNAME, "ns", EXACT, BLOCK, STOP }, { "a", NSNAME, ".", BELOW, BLOCK, 0 },
			{ "b", ANSWER, "192.0.2.1", 0, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { PASS, .country = "FR", .is_bare = true },
			{ NX, .sources = NULL } },
		{ "good", "192.0.2.1", .servers = "ns" }, NOTHING,
		{ PASS, 1, NOBODY, 0, NOBODY, false } },
	{ "a bare rule that watches", { { "a", QNAME, "x", EXACT, BLOCK, 0 } },
		{ { MONITOR, .country = "FR", .is_bare = true },
			{ NX, .country = "DE", .is_bare = true } },
		{ "good", .addresses = "198.51.100.1 192.0.2.1" }, NOTHING,
		{ NX, 1, NOBODY, 0, 0, false } },
	{ "an entry and a country", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { NX, "a", .country = "FR" } }, { "evil", .addresses = "192.0.2.1" }, NOTHING,
		{ NX, 0, 0, 0, NOBODY, false } },
	{ "but not that one", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { NX, "a", .country = "FR" } }, { "evil", .addresses = "198.51.100.1" }, NOTHING,
		NOTHING },
	{ "what asks for another country keeps nothing from later rules",
		{ { "a", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { LISTED, "a", .country = "FR" }, { MONITOR, "a", .country = "JP" },
			{ NODATA, "a", .country = "DE" } },
		{ "evil", .addresses = "198.51.100.1" }, NOTHING,
		{ NODATA, 2, 0, 0, NOBODY, false } },
};

struct scene {
	struct sink_rule rules[RULES_MAX];
	struct sink_span texts[RULES_MAX][ENTRIES_MAX];
	uint16_t countries[RULES_MAX];
	struct sink_policy policy;
	struct sink_case what;
	uint8_t wire[2 * OF_EACH][SINK_WIRE_MAX];
	struct sink_span names[OF_EACH], servers[OF_EACH];
	struct sink_prefix addresses[OF_EACH], server_addresses[OF_EACH];
};

static void write_entries(const struct entry entries[ENTRIES_MAX])
{
	static const char *const numbers[] = { "0", "1", "2", "3", "4", "5" };
	struct sink_writer *writer = begin_base(file);

	for (size_t i = 0; i < ENTRIES_MAX && entries[i].source; i++) {
		struct sink_record record = record_of(entries[i].kind, entries[i].source);

		record.hint = entries[i].hint;
		record.text[SINK_FIELD_REFERENCE] = sink_span_text(numbers[i]);
		add_subject(writer, entries[i].trigger, entries[i].subject, entries[i].scope,
			&record);
	}
	end_base(writer);
}

static void set_rule(struct scene *scene, size_t r, const struct ruled *ruled)
{
	static const char *const names[] = { "r0", "r1", "r2", "r3" };
	struct sink_rule *rule = &scene->rules[r];
	size_t count = ruled->sources ? strlen(ruled->sources) : 0;

	*rule = rule_of(names[r], ruled->action);
	for (size_t i = 0; i < count; i++)
		scene->texts[r][i] = sink_span(ruled->sources + i, 1);
	rule->texts[SINK_FIELD_SOURCE] = (struct sink_texts){ scene->texts[r], count };
	rule->triggers = (uint8_t)ruled->triggers;
	rule->is_bare = ruled->is_bare;
	if (ruled->country) {
		scene->countries[r] = (uint16_t)(ruled->country[0] << 8 | ruled->country[1]);
		rule->answer_countries = (struct sink_countries){ &scene->countries[r], 1 };
	}
	if (ruled->asn)
		rule->answer_asns = (struct sink_asns){ &ruled->asn, 1 };
}

/* The next of words with spaces between them; NULL: no more. */
static const char *next_word(const char **rest, char out[64])
{
	size_t len = *rest ? strcspn(*rest, " ") : 0;

	if (len == 0)
		return NULL;
	snprintf(out, 64, "%.*s", (int)len, *rest);
	*rest += len + ((*rest)[len] == ' ');
	return out;
}

static size_t set_names(const char *words, struct sink_span *out, uint8_t (*wire)[SINK_WIRE_MAX])
{
	char word[64];
	size_t n = 0;

	for (; next_word(&words, word); n++) {
		struct sink_name name = name_of(word);

		out[n] = sink_span(wire[n], sink_name_to_wire(&name, wire[n]));
	}
	return n;
}

static size_t set_prefixes(const char *words, struct sink_prefix *out)
{
	char word[64];
	size_t n = 0;

	while (next_word(&words, word))
		out[n++] = prefix_of(word);
	return n;
}

static void set_scene(struct scene *scene, const struct ruled rules[RULES_MAX],
	const struct asked *asked)
{
	size_t count = 0;

	*scene = (struct scene){ .policy = { .rules = scene->rules } };
	for (; count < RULES_MAX && rules[count].action != NONE; count++)
		set_rule(scene, count, &rules[count]);
	scene->policy.rules_count = count;
	scene->what = (struct sink_case){
		.type = A,
		.now = NOW,
		.names = scene->names,
		.names_count = set_names(asked->names, scene->names, scene->wire),
		.addresses = scene->addresses,
		.addresses_count = set_prefixes(asked->addresses, scene->addresses),
		.servers = scene->servers,
		.servers_count = set_names(asked->servers, scene->servers, scene->wire + OF_EACH),
		.server_addresses = scene->server_addresses,
		.server_addresses_count =
			set_prefixes(asked->server_addresses, scene->server_addresses),
	};
}

static struct sink_geo *geo_of(const char *name, enum sink_geo_kind kind)
{
	char path[PATH_ROOM];
	struct sink_geo *geo;
	struct sink_why why;

	inside(TEST_SRCDIR "/tests/data/geo", name, path);
	ck_assert_msg(sink_geo_open(path, kind, NULL, &why, &geo) == SINK_OK, "%s", why.text);
	return geo;
}

static struct world world_with_geo(const struct sink_policy *policy)
{
	struct sink_geo *geo[SINK_GEO_KINDS] = { geo_of("country.mmdb", SINK_GEO_COUNTRY),
		geo_of("asn.mmdb", SINK_GEO_ASN) };
	struct world world;

	ck_assert_int_eq(sink_generation_of(open_base(file, SINK_MAP_SEALED), policy_copy(policy),
				 geo, &world.generation),
		SINK_OK);
	ck_assert_int_eq(sink_judge_begin(world.generation, &world.judge), SINK_OK);
	return world;
}

static void know(struct sink_judge *judge, const char *text, int64_t now, struct sink_client *out)
{
	struct sink_prefix address;

	if (text)
		address = prefix_of(text);
	sink_client_of(judge, text ? &address : NULL, now, out);
}

/* The number of the entry, from what it says. */
static int entry_of(struct sink_judge *judge, const struct sink_verdict *verdict)
{
	struct sink_record record;

	if (!verdict->has_entry)
		return NOBODY;
	ck_assert_int_eq(sink_reader_record(sink_judge_reader(judge), verdict->winner.record,
				 &record),
		SINK_OK);
	ck_assert_int_eq(record.kind, verdict->kind);
	return record.text[SINK_FIELD_REFERENCE].at[0] - '0';
}

static int number_of(uint16_t rule)
{
	return rule == SINK_RULE_NONE ? NOBODY : rule;
}

static void check_scenario(struct sink_judge *judge, const struct scenario *s, const char *pass,
	const struct expected *expected, const struct sink_verdict *verdict)
{
	int entry = entry_of(judge, verdict);

	ck_assert_msg(verdict->action == expected->action &&
			number_of(verdict->rule) == expected->rule && entry == expected->entry &&
			number_of(verdict->monitor) == expected->monitor &&
			verdict->waits == expected->waits && verdict->name == expected->name,
		"%s, %s: %s by rule %d, entry %d, name %zu, monitor %d%s", s->what, pass,
		sink_action_word(verdict->action), number_of(verdict->rule), entry, verdict->name,
		number_of(verdict->monitor), verdict->waits ? ", waits" : "");
	if (verdict->rule != SINK_RULE_NONE)
		ck_assert_int_eq(verdict->trigger,
			entry == NOBODY ? ANSWER : s->entries[entry].trigger);
}

START_TEST(scenario_rows)
{
	const struct scenario *s = &scenarios[_i];
	struct sink_verdict verdict;
	struct sink_client client;
	struct scene scene;
	struct world world;

	write_entries(s->entries);
	set_scene(&scene, s->rules, &s->asked);
	world = world_with_geo(&scene.policy);
	know(world.judge, s->asked.client, NOW, &client);
	ck_assert_int_eq(sink_decide(world.judge, &scene.what, &client, NULL, NULL, &verdict),
		SINK_OK);
	check_scenario(world.judge, s, "names", &s->first, &verdict);
	ck_assert_int_eq(sink_decide_answer(world.judge, &scene.what, &client, NULL, NULL,
				 &verdict),
		SINK_OK);
	check_scenario(world.judge, s, "answer", &s->answer, &verdict);
	end_world(&world);
}
END_TEST

/* Without geo files, rules that ask for countries and systems are neutral. */
START_TEST(nowhere)
{
	static const struct entry entries[ENTRIES_MAX] = { { "a", QNAME, "evil", EXACT, BLOCK,
		0 } };
	static const struct ruled rules[RULES_MAX] = { { NX, .country = "FR", .is_bare = true },
		{ NX, .asn = 64496, .is_bare = true }, { NX, "a", .country = "FR" } };
	static const struct asked asked = { "evil", .addresses = "192.0.2.1" };
	struct sink_verdict verdict;
	struct sink_client client;
	struct scene scene;
	struct world world;

	write_entries(entries);
	set_scene(&scene, rules, &asked);
	world = world_of(&scene.policy);
	know(world.judge, NULL, NOW, &client);
	ck_assert_int_eq(sink_decide_answer(world.judge, &scene.what, &client, NULL, NULL,
				 &verdict),
		SINK_OK);
	check_untouched(&verdict, "evil");
	end_world(&world);
}
END_TEST

/* --- for whom, and when ----------------------------------------------------------------------------- */

#define GROUP(n) (UINT64_C(1) << (n))

/* Everything is listed. */
static void list_everything(void)
{
	static const struct base_row row = { ".", SUBTREE, BLOCK, "a" };

	make_base(file, &row, 1);
}

/* What one client gets for a name.
 *
 * returns  the number of the rule
 */
static int ask(struct sink_judge *judge, const char *address, uint16_t type, int64_t now)
{
	struct sink_span names = sink_span("\1x", 3);
	struct sink_case what = { .type = type, .now = now, .names = &names, .names_count = 1 };
	struct sink_verdict verdict;
	struct sink_client client;

	know(judge, address, now, &client);
	ck_assert(sink_decide(judge, &what, &client, NULL, NULL, &verdict) == SINK_OK);
	return number_of(verdict.rule);
}

static const struct {
	const char *address; /* NULL: unknown */
	uint16_t group;
	int rule;
} members[] = {
	{ "192.0.2.1", 1, 1 }, /* the longest prefix, whatever the order of groups */
	{ "192.0.2.2", 2, 2 },
	{ "192.0.2.127", 2, 2 },
	{ "192.0.2.128", 0, 0 },
	{ "192.1.0.0", SINK_GROUP_OTHERS, 3 },
	{ "191.255.255.255", SINK_GROUP_OTHERS, 3 },
	{ "192.0.0.0", 0, 0 },
	{ "::ffff:192.0.2.1", 1, 1 }, /* is that IPv4 address */
	{ "::ffff:10.0.0.1", SINK_GROUP_OTHERS, 3 },
	{ "2001:db8::1", 0, 0 },
	{ "2001:db8:0:1::1", 2, 2 },
	{ "2001:db8:0:1:ffff::", 2, 2 },
	{ "2001:db8:0:2::", 0, 0 },
	{ "2001:db9::", SINK_GROUP_OTHERS, 3 },
	{ "::c000:201", SINK_GROUP_OTHERS, 3 }, /* 192.0.2.1 in other bits */
	{ NULL, SINK_GROUP_OTHERS, 3 },
};

START_TEST(groups)
{
	struct sink_prefix wide[] = { prefix_of("192.0.0.0/16"), prefix_of("2001:db8::/32") };
	struct sink_prefix one[] = { prefix_of("192.0.2.1") };
	struct sink_prefix half[] = { prefix_of("192.0.2.0/25"), prefix_of("2001:db8:0:1::/64") };
	const struct sink_group all[] = { { sink_span_text("wide"), wide, LENGTH(wide) },
		{ sink_span_text("one"), one, LENGTH(one) },
		{ sink_span_text("half"), half, LENGTH(half) } };
	struct sink_rule rules[] = { rule_of("r0", NX), rule_of("r1", NX), rule_of("r2", NX),
		rule_of("r3", NX) };
	const struct sink_policy policy = { .rules = rules,
		.rules_count = LENGTH(rules),
		.groups = all,
		.groups_count = LENGTH(all) };
	struct world world;

	for (size_t g = 0; g < LENGTH(all); g++) {
		rules[g].groups = GROUP(g);
		rules[g].is_for_others = false;
	}
	list_everything();
	world = world_of(&policy);
	for (size_t i = 0; i < LENGTH(members); i++) {
		struct sink_client client;

		know(world.judge, members[i].address, NOW, &client);
		ck_assert_msg(client.group == members[i].group, "%s: group %u", members[i].address,
			client.group);
		for (int r = 0; r < (int)LENGTH(rules); r++)
			ck_assert_int_eq(client.rules[0] >> r & 1, r == members[i].rule);
		ck_assert_int_eq(ask(world.judge, members[i].address, A, NOW), members[i].rule);
	}
	end_world(&world);
}
END_TEST

/* A rule for several groups and for others, and one of more rules than a word has bits. */
START_TEST(many_rules)
{
	static char names[SINK_RULES_MAX][8];
	struct sink_prefix home = prefix_of("192.0.2.0/24"), office = prefix_of("198.51.100.0/24");
	const struct sink_group all[] = { { sink_span_text("home"), &home, 1 },
		{ sink_span_text("office"), &office, 1 } };
	struct sink_rule *rules = calloc(SINK_RULES_MAX, sizeof *rules);
	struct sink_policy policy = {
		.rules = rules, .rules_count = SINK_RULES_MAX, .groups = all, .groups_count = 2
	};
	struct world world;

	ck_assert(rules);
	for (size_t r = 0; r < SINK_RULES_MAX; r++) {
		snprintf(names[r], sizeof names[r], "r%zu", r);
		rules[r] = rule_of(names[r], NX);
		rules[r].types = sink_span("\0\0\2", 3); /* not what is asked */
	}
	rules[64].types = rules[700].types = rules[1023].types = sink_span(NULL, 0);
	rules[64].groups = GROUP(0);
	rules[64].is_for_others = false;
	rules[700].groups = GROUP(1);
	rules[700].is_for_others = false;
	rules[1023].groups = GROUP(0) | GROUP(1);
	list_everything();
	world = world_of(&policy);
	ck_assert_int_eq(ask(world.judge, "192.0.2.1", A, NOW), 64);
	ck_assert_int_eq(ask(world.judge, "198.51.100.1", A, NOW), 700);
	ck_assert_int_eq(ask(world.judge, "10.0.0.1", A, NOW), 1023);
	ck_assert_int_eq(ask(world.judge, "198.51.100.1", 2, NOW), 700);
	ck_assert_int_eq(ask(world.judge, "10.0.0.1", 2, NOW), 0);
	ck_assert_int_eq(ask(world.judge, "192.0.2.1", 2, NOW), 64); /* the others are not for it */
	end_world(&world);
	free(rules);
}
END_TEST

static const char *numbered(uint32_t n, char out[32])
{
	snprintf(out, 32, "10.%u.%u.%u", n >> 16 & 255, n >> 8 & 255, n & 255);
	return out;
}

#define CLIENTS 10000

/* Shares of a tenth, a third and everybody, the first two each for itself; then again, bound anew, asked backwards. */
START_TEST(shares)
{
	static uint8_t got[CLIENTS];
	struct sink_rule rules[] = { rule_of("tenth", NX), rule_of("third", NX),
		rule_of("all", NX) };
	struct sink_policy policy = { .rules = rules, .rules_count = LENGTH(rules), .key = { 7 } };
	unsigned tenth = 0, third = 0, moved = 0;
	struct world world, other;
	char text[32];

	rules[0].share = 1000;
	rules[1].share = 3333;
	list_everything();
	world = world_of(&policy);
	for (uint32_t n = 0; n < CLIENTS; n++) {
		got[n] = (uint8_t)ask(world.judge, numbered(n, text), A, NOW);
		tenth += got[n] == 0;
		third += got[n] == 1;
	}
	ck_assert_uint_ge(tenth, 850); /* five times what chance makes of 1000 */
	ck_assert_uint_le(tenth, 1150);
	ck_assert_uint_ge(third, 2765); /* a third of those that are left: each rule chooses anew */
	ck_assert_uint_le(third, 3235);
	ck_assert_int_eq(ask(world.judge, NULL, A, NOW), 2); /* who is unknown is of no share */
	policy.key[0] = 8;
	other = world_of(&policy);
	end_world(&world);
	policy.key[0] = 7;
	rules[0].share = 1500; /* who is of the smaller one is of this one */
	world = world_of(&policy);
	for (uint32_t n = CLIENTS; n-- > 0;) {
		int now = ask(world.judge, numbered(n, text), A, NOW + n);

		ck_assert(now == got[n] || (now == 0 && got[n] != 0));
		moved += ask(other.judge, text, A, NOW) != got[n];
	}
	ck_assert_uint_gt(moved, CLIENTS / 4); /* another key, other clients */
	end_world(&other);
	end_world(&world);
}
END_TEST

/* A household's /56 is of a share, or not, as one. */
START_TEST(shares_of_households)
{
	struct sink_rule rules[] = { rule_of("half", NX), rule_of("all", NX) };
	const struct sink_policy policy = { .rules = rules, .rules_count = LENGTH(rules) };
	unsigned half = 0;
	struct world world;
	char text[64];

	rules[0].share = SINK_SHARE_ALL / 2;
	list_everything();
	world = world_of(&policy);
	for (unsigned n = 0; n < 1000; n++) {
		int first;

		snprintf(text, sizeof text, "2001:db8:%x:%x00::", n / 256, n % 256);
		first = ask(world.judge, text, A, NOW);
		snprintf(text, sizeof text, "2001:db8:%x:%xff:%x::1", n / 256, n % 256, n);
		ck_assert(ask(world.judge, text, A, NOW) == first);
		half += first == 0;
	}
	ck_assert_uint_ge(half, 420);
	ck_assert_uint_le(half, 580);
	end_world(&world);
	rules[0].share = SINK_SHARE_ALL - 1;
	world = world_of(&policy);
	ck_assert_int_eq(ask(world.judge, "2001:db8::", A, NOW), 0);
	ck_assert_int_eq(ask(world.judge, NULL, A, NOW), 1); /* of no share, be it as good as all */
	end_world(&world);
}
END_TEST

/* By the client's country; unknown is none. */
START_TEST(client_countries)
{
	static const uint16_t codes[] = { 'D' << 8 | 'E', 'F' << 8 | 'R' };
	static const struct {
		const char *address;
		int rule;
	} rows[] = { { "192.0.2.1", 0 }, { "::ffff:192.0.2.1", 0 }, { "198.51.100.1", 0 },
		{ "198.51.100.128", 1 }, { "2001:db8::1", 1 }, { "10.0.0.1", 1 }, { NULL, 1 } };
	struct sink_rule rules[] = { rule_of("some", NX), rule_of("all", NX) };
	const struct sink_policy policy = { .rules = rules, .rules_count = LENGTH(rules) };
	struct world world;

	rules[0].client_countries = (struct sink_countries){ codes, 2 };
	list_everything();
	world = world_with_geo(&policy);
	for (size_t i = 0; i < LENGTH(rows); i++)
		ck_assert_int_eq(ask(world.judge, rows[i].address, A, NOW), rows[i].rule);
	end_world(&world);
	world = world_of(&policy); /* without the file */
	ck_assert_int_eq(ask(world.judge, "192.0.2.1", A, NOW), 1);
	end_world(&world);
}
END_TEST

/* One judge is asked forth and back in time; its memory of what is on may not stand in the way. */
START_TEST(schedules)
{
	static const int64_t night[] = { 1000, 2000, 3000, 4000 }, short_one[] = { 1999, 2001 };
	static const struct {
		int64_t now;
		int rule;
	} rows[] = { { 999, 2 }, { 1000, 0 }, { 1999, 0 }, { 2000, 1 }, { 2001, 2 }, { 2000, 1 },
		{ 1999, 0 }, { 2999, 2 }, { 3000, 0 }, { 3999, 0 }, { 4000, 2 }, { 1000, 0 },
		{ 999, 2 }, { 0, 2 }, { INT64_MIN, 2 } };
	const struct sink_schedule all[] = { { sink_span_text("night"), night, 4 },
		{ sink_span_text("short"), short_one, 2 } };
	struct sink_rule rules[] = { rule_of("r0", NX), rule_of("r1", NX), rule_of("r2", NX) };
	const struct sink_policy policy = { .rules = rules,
		.rules_count = LENGTH(rules),
		.schedules = all,
		.schedules_count = LENGTH(all) };
	struct world world;

	rules[0].schedule = 0;
	rules[1].schedule = 1;
	list_everything();
	world = world_of(&policy);
	for (size_t i = 0; i < LENGTH(rows); i++)
		ck_assert_msg(ask(world.judge, NULL, A, rows[i].now) == rows[i].rule, "at %lld",
			(long long)rows[i].now);
	ck_assert_int_eq(sink_generation_next_edge(world.generation, 1000), 1999);
	ck_assert_int_eq(sink_generation_next_edge(world.generation, 1999), 2000);
	end_world(&world);
}
END_TEST

/* --- when entries turn -------------------------------------------------------------------------- */

struct timed {
	enum sink_kind kind;
	const char *source;
	int64_t from, until;
	enum sink_hint hint;
};

static void list_timed(const struct timed *rows, size_t count)
{
	struct sink_writer *writer = begin_base(file);
	struct sink_name name = name_of("x");

	for (size_t i = 0; i < count; i++) {
		struct sink_record record = record_of(rows[i].kind, rows[i].source);

		record.valid_from = rows[i].from;
		record.valid_until = rows[i].until;
		record.hint = rows[i].hint;
		add_name(writer, &name, SUBTREE, &record);
	}
	end_base(writer);
}

/* Under a policy that blocks what is listed, but lets pass what one source lists; and the seconds that it has from 0 on. */
static const struct {
	const char *passes; /* a source; NULL: no such rule */
	size_t count;
	struct timed rows[4];
	int64_t turns[8]; /* up to the first 0 */
} turn_rows[] = {
	{ NULL, 0, { { 0 } }, { 0 } },
	{ NULL, 1, { { BLOCK, "a", 0, 0, 0 } }, { 0 } },
	{ NULL, 1, { { BLOCK, "a", 50, 0, 0 } }, { 50 } },
	{ NULL, 1, { { BLOCK, "a", 0, 60, 0 } }, { 0 } }, /* what ends was not cached */
	{ NULL, 1, { { BLOCK, "a", 50, 60, 0 } }, { 50 } },
	{ NULL, 1, { { BLOCK, "a", 60, 60, 0 } }, { 0 } }, /* never was */
	{ NULL, 1, { { ALLOW, "a", 50, 0, 0 } }, { 0 } },
	{ NULL, 1, { { ALLOW, "a", 50, 60, 0 } }, { 60 } }, /* then something else blocks */
	{ NULL, 1, { { IMPORTANT, "a", 50, 60, 0 } }, { 50 } },
	{ NULL, 1, { { BLOCK, "a", 50, 60, SINK_HINT_STOP } }, { 50, 60 } },
	{ NULL, 4,
		{ { BLOCK, "a", 50, 70, 0 }, { IMPORTANT, "b", 50, 0, 0 }, { ALLOW, "a", 0, 50, 0 },
			{ BLOCK, "a", INT64_MAX - 1, 0, 0 } },
		{ 50, INT64_MAX - 1 } },
	{ "b", 2, { { BLOCK, "a", 50, 60, 0 }, { BLOCK, "b", 0, 0, 0 } }, { 50 } },
	{ "b", 2, { { BLOCK, "a", 50, 60, 0 }, { ALLOW, "b", 0, 55, 0 } }, { 50, 55 } },
	{ "c", 2, { { BLOCK, "a", 50, 60, 0 }, { BLOCK, "b", 0, 70, 0 } },
		{ 50 } }, /* nothing lists it */
	{ "b", 2, { { BLOCK, "a", 50, 60, 0 }, { BLOCK, "b", 0, 70, 0 } }, { 50, 60, 70 } },
};

START_TEST(turns)
{
	struct sink_rule rules[] = { rule_of("pass", PASS), rule_of("rest", NX) };
	struct sink_policy policy = { .rules = rules, .rules_count = LENGTH(rules) };
	struct sink_span source;
	struct world world;
	int64_t now = 0, next;

	if (turn_rows[_i].passes) {
		source = sink_span_text(turn_rows[_i].passes);
		rules[0].texts[SINK_FIELD_SOURCE] = (struct sink_texts){ &source, 1 };
	} else {
		policy.rules = rules + 1;
		policy.rules_count = 1;
	}
	list_timed(turn_rows[_i].rows, turn_rows[_i].count);
	world = world_of(&policy);
	for (size_t i = 0; turn_rows[_i].turns[i]; i++) {
		next = sink_generation_next_turn(world.generation, now);
		ck_assert_int_eq(next, turn_rows[_i].turns[i]);
		ck_assert_int_eq(sink_generation_next_turn(world.generation, next - 1), next);
		now = next;
	}
	ck_assert_int_eq(sink_generation_next_turn(world.generation, now), INT64_MAX);
	ck_assert_int_eq(sink_generation_next_turn(world.generation, INT64_MAX), INT64_MAX);
	ck_assert_int_eq(sink_generation_next_edge(world.generation, 0),
		INT64_MAX); /* no schedule */
	end_world(&world);
}
END_TEST

#define TURNS_UNTIL 12 /* seconds */

static void roll_timed(struct dice *dice, struct timed *row)
{
	static const char *const sources[] = { "a", "b", "c" };

	*row = (struct timed){
		.kind = (enum sink_kind)roll(dice, SINK_KIND_COUNT),
		.source = sources[roll(dice, LENGTH(sources))],
		.from = roll(dice, 2) ? (int64_t)roll(dice, TURNS_UNTIL) : 0,
		.until = roll(dice, 2) ? (int64_t)roll(dice, TURNS_UNTIL) : 0,
		.hint = row->kind != ALLOW && roll(dice, 4) == 0 ? SINK_HINT_STOP : SINK_HINT_NONE,
	};
}

static enum sink_reach reach_at(const struct world *world, int64_t now)
{
	struct sink_span name = sink_span("\1y\1x", 5);
	struct sink_case what = { .type = A, .now = now, .names = &name, .names_count = 1 };
	enum sink_reach reach;
	struct sink_verdict verdict;

	ck_assert(sink_reach_answer(world->judge, &what, &reach, &verdict) == SINK_OK);
	return reach;
}

/* Whatever the entries and the policy: what was not blocked a second before is blocked at a turn only. */
START_TEST(nothing_turns_unforeseen)
{
	static const enum sink_action kinds[] = { PASS, NX, SINK_ACTION_LISTED,
		SINK_ACTION_MONITOR };
	static const char letters[] = "abc";
	struct dice dice = { 0x7ed6e5 };
	unsigned seen = 0;

	for (int round = 0; round < 1500; round++) {
		struct sink_rule rules[] = { rule_of("r0", NX), rule_of("r1", NX),
			rule_of("r2", NX), rule_of("r3", NX) };
		const struct sink_policy policy = { .rules = rules, .rules_count = LENGTH(rules) };
		struct sink_span sources[LENGTH(rules)];
		struct timed rows[4];
		struct world world;

		for (size_t r = 0; r + 1 < LENGTH(rules); r++) {
			rules[r].action = kinds[roll(&dice, LENGTH(kinds))];
			sources[r] = sink_span(letters + roll(&dice, 3), 1);
			rules[r].texts[SINK_FIELD_SOURCE] = (struct sink_texts){ &sources[r], 1 };
		}
		for (size_t i = 0; i < LENGTH(rows); i++)
			roll_timed(&dice, &rows[i]);
		list_timed(rows, LENGTH(rows));
		world = world_of(&policy);
		for (int64_t now = 0; now <= TURNS_UNTIL; now++) {
			if (reach_at(&world, now) != SINK_REACH_NONE ||
				reach_at(&world, now + 1) == SINK_REACH_NONE)
				continue;
			seen++;
			if (sink_generation_next_turn(world.generation, now) != now + 1)
				ck_abort_msg("round %d: at %lld", round, (long long)now + 1);
		}
		end_world(&world);
		unlink(file);
	}
	ck_assert_uint_gt(seen, 200);
}
END_TEST

START_TEST(types)
{
	static const struct {
		uint16_t type;
		int rule;
	} rows[] = { { 1, 0 }, { 28, 0 }, { 2, 2 }, { 65, 1 }, { 256, 1 }, { 7168, 1 } };
	struct sink_rule rules[] = { rule_of("r0", NX), rule_of("r1", NX), rule_of("r2", NX) };
	const struct sink_policy policy = { .rules = rules, .rules_count = LENGTH(rules) };
	struct world world;

	rules[0].types = sink_span("\0\0\1\0\34", 5); /* A and AAAA */
	rules[1].types = sink_span("\1\0\1\0\2", 5); /* neither A nor NS */
	list_everything();
	world = world_of(&policy);
	for (size_t i = 0; i < LENGTH(rows); i++)
		ck_assert_int_eq(ask(world.judge, NULL, rows[i].type, NOW), rows[i].rule);
	end_world(&world);
}
END_TEST

/* --- all clients ------------------------------------------------------------------------------------ */

/* Who a rule is for, in what follows. */
enum whom { ALL, HOME, OFFICE, NEITHER, TENTH, FRENCH, NEVER };

#define ANYBODY SINK_REACH_ALL
#define SOMEBODY SINK_REACH_SOME
#define NOT_ANYBODY SINK_REACH_NONE

static const struct reach_row {
	const char *what;
	struct entry entries[ENTRIES_MAX];
	struct ruled rules[RULES_MAX];
	enum whom whom[RULES_MAX];
	struct asked asked;
	enum sink_reach first, answer;
	bool waits;
} reach_rows[] = {
	{ "nothing", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } }, { { NX, .sources = NULL } },
		{ ALL }, { .names = "good" }, NOT_ANYBODY, NOT_ANYBODY, false },
	{ "a block", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } }, { { NX, .sources = NULL } },
		{ ALL }, { .names = "evil" }, ANYBODY, ANYBODY, false },
	{ "an allow entry", { { "a", QNAME, "evil", EXACT, ALLOW, 0 } },
		{ { NX, .sources = NULL } }, { ALL }, { .names = "evil" }, NOT_ANYBODY, NOT_ANYBODY,
		false },
	{ "each group by its own rule, though all do the same",
		{ { "a", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { NX, .sources = "a" }, { NX, .sources = "a" } }, { HOME, ALL },
		{ .names = "evil" }, SOMEBODY, SOMEBODY, false },
	{ "one group", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } }, { { NX, .sources = "a" } },
		{ OFFICE }, { .names = "evil" }, SOMEBODY, SOMEBODY, false },
	{ "others", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } }, { { NX, .sources = "a" } },
		{ NEITHER }, { .names = "evil" }, SOMEBODY, SOMEBODY, false },
	{ "a share", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } }, { { NX, .sources = "a" } },
		{ TENTH }, { .names = "evil" }, SOMEBODY, SOMEBODY, false },
	{ "a country", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } }, { { NX, .sources = "a" } },
		{ FRENCH }, { .names = "evil" }, SOMEBODY, SOMEBODY, false },
	{ "a share is let through, the rest too", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { PASS, .sources = "a" }, { PASS, .sources = "a" } }, { TENTH, ALL },
		{ .names = "evil" }, NOT_ANYBODY, NOT_ANYBODY, false },
	{ "a share is let through", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { PASS, .sources = "a" }, { NX, .sources = "a" } }, { TENTH, ALL },
		{ .names = "evil" }, SOMEBODY, SOMEBODY, false },
	{ "off now", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } }, { { NX, .sources = "a" } },
		{ NEVER }, { .names = "evil" }, NOT_ANYBODY, NOT_ANYBODY, false },
	{ "an earlier rule leaves nothing for a group's",
		{ { "a", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { NX, .sources = "a" }, { PASS, .sources = "a" } }, { ALL, HOME },
		{ .names = "evil" }, ANYBODY, ANYBODY, false },
	{ "TCP only: who comes by it gets the real answer",
		{ { "a", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { SINK_ACTION_TRUNCATE, .sources = "a" } }, { ALL }, { .names = "evil" },
		SOMEBODY, SOMEBODY, false },
	{ "entries that list clients are left aside", { { "a", CLIENT, "0.0.0.0/0", 0, BLOCK, 0 } },
		{ { NX, .sources = "a" } }, { ALL }, { .names = "good" }, NOT_ANYBODY, NOT_ANYBODY,
		false },
	{ "the answer", { { "a", ANSWER, "192.0.2.1", 0, BLOCK, 0 } }, { { NX, .sources = "a" } },
		{ ALL }, { "good", .addresses = "192.0.2.1" }, NOT_ANYBODY, ANYBODY, false },
	{ "the answer, for a share", { { "a", ANSWER, "192.0.2.1", 0, BLOCK, 0 } },
		{ { NX, .sources = "a" } }, { TENTH }, { "good", .addresses = "192.0.2.1" },
		NOT_ANYBODY, SOMEBODY, false },
	{ "a country of the answer", { { "a", QNAME, "x", EXACT, BLOCK, 0 } },
		{ { NX, .country = "FR", .is_bare = true } }, { ALL },
		{ "good", .addresses = "192.0.2.1" }, NOT_ANYBODY, ANYBODY, false },
	{ "of an answer, for one group", { { "a", QNAME, "x", EXACT, BLOCK, 0 } },
		{ { NX, .country = "FR", .is_bare = true } }, { HOME },
		{ "good", .addresses = "192.0.2.1" }, NOT_ANYBODY, SOMEBODY, false },
	{ "everybody waits",
		{ { "a", ANSWER, "192.0.2.1", 0, BLOCK, SINK_HINT_NODATA },
			{ "b", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { NX, .sources = "b" } }, { ALL, ALL },
		{ "evil", .addresses = "192.0.2.1" }, ANYBODY, ANYBODY, true },
	{ "one group waits, and that is let through",
		{ { "a", ANSWER, "192.0.2.1", 0, ALLOW, 0 },
			{ "b", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { NX, .sources = "b" } }, { HOME, ALL },
		{ "evil", .addresses = "192.0.2.1" }, SOMEBODY, SOMEBODY, true },
	{ "one group waits in vain",
		{ { "a", ANSWER, "192.0.2.1", 0, ALLOW, 0 },
			{ "b", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { NX, .sources = "b" } }, { HOME, ALL },
		{ "evil", .addresses = "192.0.3.1" }, SOMEBODY, ANYBODY, true },
	{ "a share watches what blocks all others", { { "a", QNAME, "evil", EXACT, BLOCK, 0 } },
		{ { MONITOR, .sources = "a" }, { NX, .sources = "a" } }, { TENTH, ALL },
		{ .names = "evil" }, SOMEBODY, SOMEBODY, false },
	{ "a zone's stop, for a share",
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "a", QNAME, "evil", SUBTREE, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { NX, .sources = "a" } }, { TENTH, ALL },
		{ .names = "x.evil" }, SOMEBODY, SOMEBODY, false },
	{ "one group's answer is stopped by nothing, by the same entry all the same",
		{ { "s", ANSWER, "192.0.2.1", 0, BLOCK, STOP },
			{ "a", ANSWER, "192.0.2.0/24", 0, BLOCK, 0 } },
		{ { LISTED, .sources = "s" }, { LISTED, .sources = "sa" } }, { HOME, ALL },
		{ "good", .addresses = "192.0.2.1 192.0.2.2" }, NOT_ANYBODY, ANYBODY, false },
	{ "a zone's stop, for all",
		{ { "a", QNAME, "x.evil", EXACT, BLOCK, STOP },
			{ "a", QNAME, "evil", SUBTREE, BLOCK, 0 } },
		{ { LISTED, .sources = "a" }, { NX, .sources = "a" } }, { ALL, HOME },
		{ .names = "x.evil" }, NOT_ANYBODY, NOT_ANYBODY, false },
};

static const int64_t past[] = { 1, 2, NOW + 10000000, NOW + 10000001 };

static void set_whom(struct sink_rule *rule, enum whom whom)
{
	static const uint16_t france = 'F' << 8 | 'R';

	rule->groups = whom == HOME ? GROUP(0) : whom == OFFICE ? GROUP(1) : GROUP(0) | GROUP(1);
	rule->is_for_others = whom != HOME && whom != OFFICE;
	if (whom == NEITHER)
		rule->groups = 0;
	if (whom == TENTH)
		rule->share = 1000;
	if (whom == FRENCH)
		rule->client_countries = (struct sink_countries){ &france, 1 };
	if (whom == NEVER)
		rule->schedule = 0;
}

static bool is_same_verdict(const struct sink_verdict *a, const struct sink_verdict *b)
{
	return a->action == b->action && a->rule == b->rule && a->has_entry == b->has_entry &&
		a->name == b->name && a->trigger == b->trigger && a->monitor == b->monitor &&
		a->winner.record == b->winner.record;
}

/* What it says of all clients, against what each of many gets. */
static void check_reach(struct sink_judge *judge, const struct reach_row *row,
	const struct sink_case *what, bool on_answer)
{
	static const char *const more[] = { "192.0.2.1", "192.0.2.200", "198.51.100.1",
		"198.51.100.200", "203.0.113.7", "2001:db8::1", "2001:db8:2::1", NULL };
	struct sink_verdict verdict, one, first = { 0 };
	bool any_blocks = false, all_same = true, any_waits = false;
	enum sink_reach reach;
	char text[32];

	ck_assert((on_answer ? sink_reach_answer : sink_reach)(judge, what, &reach, &verdict) ==
		SINK_OK);
	ck_assert_msg(reach == (on_answer ? row->answer : row->first), "%s, %s: %d", row->what,
		on_answer ? "answer" : "names", (int)reach);
	for (uint32_t n = 0; n < 300; n++) {
		struct sink_client client;

		know(judge, n < LENGTH(more) ? more[n] : numbered(n, text), NOW, &client);
		client.address.family = 0; /* clients that are listed are left aside */
		ck_assert((on_answer ? sink_decide_answer : sink_decide)(judge, what, &client, NULL,
				  NULL, &one) == SINK_OK);
		any_blocks |= sink_action_blocks(one.action);
		any_waits |= one.waits;
		all_same &= n == 0 || is_same_verdict(&one, &first);
		if (n == 0)
			first = one;
		if (reach == NOT_ANYBODY && n + 1 == LENGTH(more)) /* who is unknown */
			ck_assert(verdict.action == one.action && verdict.rule == one.rule);
		if (reach == ANYBODY)
			ck_assert(is_same_verdict(&verdict, &one));
	}
	ck_assert(any_waits == verdict.waits);
	ck_assert(any_blocks == (reach != NOT_ANYBODY));
	ck_assert(all_same || reach != ANYBODY);
}

START_TEST(reaches)
{
	const struct reach_row *row = &reach_rows[_i];
	struct sink_prefix home = prefix_of("192.0.2.0/24"), office = prefix_of("198.51.100.0/24");
	const struct sink_group groups_of[] = { { sink_span_text("home"), &home, 1 },
		{ sink_span_text("office"), &office, 1 } };
	const struct sink_schedule never = { sink_span_text("never"), past, LENGTH(past) };
	struct scene scene;
	struct world world;

	write_entries(row->entries);
	set_scene(&scene, row->rules, &row->asked);
	for (size_t r = 0; r < scene.policy.rules_count; r++)
		set_whom(&scene.rules[r], row->whom[r]);
	scene.policy.groups = groups_of;
	scene.policy.groups_count = LENGTH(groups_of);
	scene.policy.schedules = &never;
	scene.policy.schedules_count = 1;
	world = world_with_geo(&scene.policy);
	check_reach(world.judge, row, &scene.what, false);
	check_reach(world.judge, row, &scene.what, true);
	if (row->waits) {
		struct sink_verdict verdict;
		enum sink_reach reach;

		ck_assert(sink_reach(world.judge, &scene.what, &reach, &verdict) == SINK_OK);
		ck_assert(verdict.waits);
	}
	end_world(&world);
}
END_TEST

/* More entries about one name than are weighed for all clients at once: in doubt, SOME. */
START_TEST(reach_in_doubt)
{
	struct sink_writer *writer = begin_base(file);
	struct sink_name name = name_of("evil");
	struct sink_span names = sink_span("\4evil", 6);
	struct sink_case what = { .type = A, .now = NOW, .names = &names, .names_count = 1 };
	struct sink_verdict verdict;
	enum sink_reach reach;
	struct world world;
	char source[8];

	for (int i = 0; i < 1000; i++) {
		struct sink_record record;

		snprintf(source, sizeof source, "s%d", i);
		record = record_of(i == 999 ? IMPORTANT : BLOCK, source);
		add_name(writer, &name, EXACT, &record);
	}
	end_base(writer);
	world = world_of(&sink_policy_default);
	ck_assert_int_eq(sink_reach(world.judge, &what, &reach, &verdict), SINK_OK);
	ck_assert_int_eq(reach, SINK_REACH_SOME);
	ck_assert_int_eq(decide_name(world.judge, &name, NOW, &verdict), SINK_OK);
	ck_assert_int_eq(verdict.kind, IMPORTANT);
	end_world(&world);
}
END_TEST

#define ALONE 40 /* more than a judge remembers what comes of */

/* What one entry comes to is remembered for the next like it; not for one that another rule is about, at another time, or
 * asked for by another type. */
START_TEST(one_after_the_other)
{
	static const int64_t evening[] = { 1000, 2000 };
	static const uint8_t mx[] = { 0, 0, MX };
	const struct sink_schedule schedule = { sink_span_text("evening"), evening, 2 };
	struct sink_rule rules[ALONE + 1] = { [ALONE] = rule_of("rest", SINK_ACTION_REFUSED) };
	const struct sink_policy policy = { .rules = rules,
		.rules_count = LENGTH(rules),
		.schedules = &schedule,
		.schedules_count = 1 };
	struct sink_writer *writer = begin_base(file);
	struct sink_span sources[ALONE];
	char texts[ALONE][8];
	struct dice dice = { 9 };
	struct world world;

	for (int i = 0; i < ALONE; i++) {
		struct sink_record record;

		snprintf(texts[i], sizeof texts[i], "s%d", i);
		sources[i] = sink_span_text(texts[i]);
		record = record_of(i % 3 == 2 ? ALLOW : BLOCK, texts[i]);
		add_subject(writer, QNAME, texts[i], EXACT, &record);
		rules[i] = rule_of(texts[i], i % 2 ? NODATA : NX);
		rules[i].texts[SINK_FIELD_SOURCE] = (struct sink_texts){ &sources[i], 1 };
		rules[i].schedule = i % 5 == 0 ? 0 : rules[i].schedule;
		if (i % 7 == 0)
			rules[i].types = sink_span(mx, sizeof mx);
	}
	end_base(writer);
	world = world_of(&policy);
	for (int n = 0; n < 100 * ALONE; n++) {
		int i = (int)roll(&dice, ALONE);
		bool is_mx = roll(&dice, 2), is_evening = roll(&dice, 2);
		bool is_on = (i % 5 != 0 || is_evening) && (i % 7 != 0 || is_mx);
		struct sink_name name = name_of(texts[i]);
		uint8_t wire[SINK_WIRE_MAX];
		struct sink_span names = sink_span(wire, sink_name_to_wire(&name, wire));
		struct sink_case what = { .type = is_mx ? MX : A,
			.now = is_evening ? 1500 : 2500,
			.names = &names,
			.names_count = 1 };
		enum sink_action wanted = i % 3 == 2 ? PASS
			: !is_on		     ? SINK_ACTION_REFUSED
			: i % 2			     ? NODATA
						     : NX;
		struct sink_verdict verdict;
		enum sink_reach reach;

		ck_assert_int_eq(sink_reach(world.judge, &what, &reach, &verdict), SINK_OK);
		ck_assert_msg(verdict.action == wanted, "%s: %s", texts[i],
			sink_action_word(verdict.action));
		ck_assert(reach == (sink_action_blocks(wanted) ? ANYBODY : NOT_ANYBODY));
		ck_assert(verdict.rule == (is_on ? i : ALONE));
		ck_assert(verdict.has_entry && verdict.winner.scope == EXACT);
	}
	end_world(&world);
}
END_TEST

/* --- what is awaited, and told ---------------------------------------------------------------------- */

static const struct {
	const char *what;
	struct entry entries[ENTRIES_MAX];
	struct ruled rules[RULES_MAX];
	struct asked asked;
	unsigned awaited; /* bit 1 << rule */
} awaited_rows[] = {
	{ "what has decided waits for nothing",
		{ { "a", QNAME, "evil", EXACT, BLOCK, 0 },
			{ "b", ANSWER, "192.0.2.1", 0, BLOCK, 0 } },
		{ { PASS, .sources = "b" }, { NX, .sources = "a" }, { NX, .sources = "b" } },
		{ .names = "evil" }, 0 },
	{ "what nothing decides: all that are about the answer",
		{ { "a", QNAME, "evil", EXACT, BLOCK, 0 },
			{ "b", ANSWER, "192.0.2.1", 0, BLOCK, 0 } },
		{ { PASS, .sources = "b" }, { NX, .sources = "a" }, { MONITOR, .sources = "b" },
			{ NX, .country = "FR", .is_bare = true } },
		{ .names = "good" }, 1 << 0 | 1 << 3 },
	{ "what waits: those before it",
		{ { "a", QNAME, "evil", EXACT, BLOCK, 0 }, { "b", NSNAME, "ns", EXACT, BLOCK, 0 } },
		{ { NX, .country = "FR", .is_bare = true }, { LISTED, .sources = "b" },
			{ NX, .sources = "a" }, { NX, .sources = "b" } },
		{ .names = "evil" }, 1 << 0 | 1 << 1 },
};

START_TEST(awaited)
{
	uint64_t rules[SINK_RULE_WORDS], none[SINK_RULE_WORDS] = { 0 };
	struct sink_verdict verdict;
	struct sink_client client;
	struct scene scene;
	struct world world;

	write_entries(awaited_rows[_i].entries);
	set_scene(&scene, awaited_rows[_i].rules, &awaited_rows[_i].asked);
	world = world_with_geo(&scene.policy);
	know(world.judge, NULL, NOW, &client);
	ck_assert(sink_decide(world.judge, &scene.what, &client, NULL, NULL, &verdict) == SINK_OK);
	memset(rules, 0xff, sizeof rules);
	sink_awaited(world.judge, &scene.what, &client, &verdict, rules);
	ck_assert_msg(rules[0] == awaited_rows[_i].awaited, "%s: %#llx", awaited_rows[_i].what,
		(unsigned long long)rules[0]);
	ck_assert_mem_eq(rules + 1, none + 1, sizeof rules - sizeof *rules);
	end_world(&world);
}
END_TEST

static void note_all(void *arg, enum sink_trigger trigger, size_t subject,
	const struct sink_listing *listing, const struct sink_record *record,
	enum sink_standing standing, uint16_t rule)
{
	char *text = arg;

	(void)listing;
	sprintf(text + strlen(text), "%s %zu %.*s %s %d, ", sink_trigger_word(trigger), subject,
		(int)record->text[SINK_FIELD_REFERENCE].len,
		(const char *)record->text[SINK_FIELD_REFERENCE].at, standings[standing],
		number_of(rule));
}

/* Each listing once a pass, with the first rule that it satisfies, though rules are tried again. */
START_TEST(told_of_everything)
{
	static const struct entry entries[ENTRIES_MAX] = { { "a", QNAME, "x.evil", EXACT, BLOCK,
								   STOP },
		{ "a", QNAME, "evil", SUBTREE, BLOCK, 0 }, { "b", QNAME, "next", EXACT, BLOCK, 0 },
		{ "c", ANSWER, "192.0.2.0/24", 0, BLOCK, 0 },
		{ "d", NSNAME, "ns", EXACT, ALLOW, 0 }, { "e", CLIENT, "::/0", 0, BLOCK, 0 } };
	static const struct ruled rules[RULES_MAX] = { { MONITOR, .sources = "ab" },
		{ LISTED, .sources = "ac" }, { NX, .sources = "d" } };
	static const struct asked asked = { "x.evil next", "10.0.0.1 192.0.2.1", "ns", NULL,
		"2001:db8::1" };
	struct sink_verdict verdict;
	struct sink_client client;
	char text[1024] = "";
	struct scene scene;
	struct world world;

	write_entries(entries);
	set_scene(&scene, rules, &asked);
	world = world_of(&scene.policy);
	know(world.judge, asked.client, NOW, &client);
	ck_assert(sink_decide(world.judge, &scene.what, &client, note_all, text, &verdict) ==
		SINK_OK);
	ck_assert_str_eq(text,
		"client 0 5 unruled -1, qname 0 0 in force 1, qname 0 1 watched 0, "
		"qname 1 2 watched 0, ");
	text[0] = 0;
	ck_assert(sink_decide_answer(world.judge, &scene.what, &client, note_all, text, &verdict) ==
		SINK_OK);
	ck_assert_str_eq(text,
		"client 0 5 unruled -1, qname 0 0 in force 1, qname 0 1 watched 0, "
		"qname 1 2 watched 0, "
		"client 0 5 unruled -1, qname 0 0 in force 1, qname 0 1 watched 0, "
		"qname 1 2 watched 0, answer 1 3 in force 1, ns-name 0 4 in force 2, ");
	ck_assert_int_eq(verdict.rule, 1);
	ck_assert_int_eq(verdict.monitor, 0);
	end_world(&world);
}
END_TEST

/* --- damage ------------------------------------------------------------------------------------- */

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

/* A record that is none: what names it cannot be judged, the rest can. It is one of a facet of which another is
 * looked at when the policy is bound. */
START_TEST(corrupt_record)
{
	const struct sink_verdict untouched = { .action = SINK_ACTION_COUNT };
	struct sink_record first = record_of(BLOCK, "a"), second = first;
	struct sink_name evil = name_of("x.evil.net"), worse = name_of("worse.net");
	struct sink_verdict verdict = untouched;
	struct sink_writer *writer = begin_base(file);
	uint8_t key[SCHEMA_RECORD_KEY];
	struct world world;

	second.text[SINK_FIELD_REFERENCE] = sink_span_text("case 7");
	add_subject(writer, QNAME, "worse.net", SUBTREE, &first);
	add_subject(writer, QNAME, "evil.net", SUBTREE, &second);
	end_base(writer);
	schema_record_key(1, key);
	replace(file, sink_span(key, sizeof key), sink_span("rubbish", 7));
	world = world_of(&sink_policy_default);
	ck_assert_int_eq(decide_name(world.judge, &evil, NOW, &verdict), SINK_ECORRUPT);
	ck_assert_mem_eq(&verdict, &untouched, sizeof verdict);
	ck_assert_int_eq(decide_name(world.judge, &worse, NOW, &verdict), SINK_OK);
	ck_assert_int_eq(verdict.action, NX);
	ck_assert_int_eq(sink_reader_verify(sink_judge_reader(world.judge), NULL), SINK_ECORRUPT);
	end_world(&world);
}
END_TEST

/* Where no other record of the facet says what it is, there is nothing to bind. */
START_TEST(corrupt_facet)
{
	static const struct base_row rows[] = { { "evil.net", SUBTREE, BLOCK, "a" },
		{ "worse.net", SUBTREE, BLOCK, "b" } };
	struct sink_geo *geo[SINK_GEO_KINDS] = { NULL };
	struct sink_generation *generation = NULL;
	uint8_t key[SCHEMA_RECORD_KEY];

	make_base(file, rows, LENGTH(rows));
	schema_record_key(0, key);
	replace(file, sink_span(key, sizeof key), sink_span("rubbish", 7));
	ck_assert_int_eq(sink_generation_of(open_base(file, SINK_MAP_SEALED),
				 policy_copy(&sink_policy_default), geo, &generation),
		SINK_ECORRUPT);
	ck_assert_ptr_null(generation);
}
END_TEST

/* Names that are none: an error, and nothing written. */
START_TEST(no_names)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = { { "", 0 }, { "\4evil", 5 }, { "\5evil", 6 }, { "\300\0", 2 } };
	const struct sink_verdict untouched = { .action = SINK_ACTION_COUNT };
	struct sink_span name = sink_span(rows[_i].bytes, rows[_i].len);
	struct sink_case what = { .type = A, .now = NOW, .names = &name, .names_count = 1 };
	struct sink_verdict verdict = untouched;
	enum sink_reach reach = SINK_REACH_SOME;
	struct sink_client client;
	struct world world;

	list_everything();
	world = world_of(&sink_policy_default);
	know(world.judge, NULL, NOW, &client);
	ck_assert_int_ne(sink_decide(world.judge, &what, &client, NULL, NULL, &verdict), SINK_OK);
	ck_assert_int_ne(sink_decide_answer(world.judge, &what, &client, NULL, NULL, &verdict),
		SINK_OK);
	ck_assert_int_ne(sink_reach(world.judge, &what, &reach, &verdict), SINK_OK);
	ck_assert_mem_eq(&verdict, &untouched, sizeof verdict);
	end_world(&world);
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
	tcase_add_loop_test(decide, order_is_total, 0, 2); /* as others do, as LISTED does */
	tcase_add_loop_test(decide, policy_decides, 0, LENGTH(actions));
	tcase_add_loop_test(decide, hints_decide, 0, LENGTH(hints));
	tcase_add_loop_test(decide, scenario_rows, 0, LENGTH(scenarios));
	tcase_add_test(decide, nowhere);
	tcase_add_test(decide, groups);
	tcase_add_test(decide, many_rules);
	tcase_add_test(decide, shares);
	tcase_add_test(decide, shares_of_households);
	tcase_add_test(decide, client_countries);
	tcase_add_test(decide, schedules);
	tcase_add_loop_test(decide, turns, 0, LENGTH(turn_rows));
	tcase_add_test(decide, nothing_turns_unforeseen);
	tcase_add_test(decide, types);
	tcase_add_loop_test(decide, reaches, 0, LENGTH(reach_rows));
	tcase_add_test(decide, reach_in_doubt);
	tcase_add_test(decide, one_after_the_other);
	tcase_add_loop_test(decide, awaited, 0, LENGTH(awaited_rows));
	tcase_add_test(decide, told_of_everything);
	tcase_add_test(decide, corrupt_record);
	tcase_add_test(decide, corrupt_facet);
	tcase_add_loop_test(decide, no_names, 0, 4);
	tcase_set_timeout(decide, 60);
	suite_add_tcase(suite, decide);
	return run_suite(suite);
}

/* test_layers.c - a delta over a base answers as a base that was written of the final state would. */
#include "base.h"
#include "writer.h"

static char room[PATH_ROOM], base_file[PATH_ROOM], delta_file[PATH_ROOM], whole_file[PATH_ROOM];

static void enter_room(void)
{
	make_room(room);
	inside(room, "base.mdb", base_file);
	inside(room, "delta.mdb", delta_file);
	inside(room, "whole.mdb", whole_file);
}

static void leave_room(void)
{
	clear_room(room);
}

static struct dice dice;

static bool one_in(uint64_t n)
{
	return roll(&dice, n) == 0;
}

/* --- a small world: everything is near everything else ------------------------------------------ */

static const char *const names[] = { ".", "a", "b.a", "c.b.a", "d.c.b.a", "x.b.a", "e", "f.e",
	"g.f.e", "\\000.e", "\\001\\000.e", "zz" };
static const char *const prefixes[] = { "0.0.0.0/0", "192.0.2.0/24", "192.0.2.0/25", "192.0.2.1",
	"198.51.100.0/24", "::/0", "2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::1" };
static const char *const probes[] = { ".", "a", "q.a", "b.a", "c.b.a", "q.c.b.a", "q.d.c.b.a",
	"x.b.a", "q.x.b.a", "f.e", "q.g.f.e", "q.\\000.e", "\\001\\000.e", "zz", "zzz" };
static const char *const addresses[] = { "192.0.2.1", "192.0.2.77", "192.0.2.200", "198.51.100.1",
	"10.0.0.1", "2001:db8:1::1", "2001:db8:2::1", "2001:db9::1" };

static const struct {
	enum sink_kind kind;
	const char *source, *category;
	int64_t from, until;
} records[] = {
	{ SINK_KIND_BLOCK, "a", "", 0, 0 },
	{ SINK_KIND_BLOCK, "a", "malware", 0, 100 },
	{ SINK_KIND_BLOCK, "b", "malware", 50, 0 },
	{ SINK_KIND_ALLOW, "b", "", 0, 70 },
	{ SINK_KIND_IMPORTANT, "c", "x", 20, 90 },
	{ SINK_KIND_BLOCK, "live", "", 0, 0 },
	{ SINK_KIND_ALLOW, "live", "", 0, 200 },
};

#define SUBJECTS (2 * LENGTH(names) + 3 * LENGTH(prefixes))

static struct sink_subject subject_number(size_t i)
{
	static const enum sink_trigger about_prefixes[] = { SINK_TRIGGER_ANSWER,
		SINK_TRIGGER_CLIENT, SINK_TRIGGER_NSADDRESS };
	struct sink_subject subject;

	if (i < 2 * LENGTH(names)) {
		subject.trigger = i % 2 ? SINK_TRIGGER_NSNAME : SINK_TRIGGER_QNAME;
		subject.name = name_of(names[i / 2]);
		return subject;
	}
	i -= 2 * LENGTH(names);
	subject.trigger = about_prefixes[i % 3];
	subject.prefix = prefix_of(prefixes[i / 3]);
	return subject;
}

/* What is listed about each subject: of each record the scopes, a bit each. */
struct state {
	uint8_t scopes[SUBJECTS][LENGTH(records)];
};

static void roll_subject(struct state *state, size_t subject)
{
	bool is_prefix = subject >= 2 * LENGTH(names);

	for (size_t r = 0; r < LENGTH(records); r++)
		state->scopes[subject][r] =
			one_in(4) ? (uint8_t)(is_prefix ? 1 : 1 + roll(&dice, 7)) : 0;
}

static unsigned count_listings(const struct state *state, size_t subject)
{
	unsigned count = 0;

	for (size_t r = 0; r < LENGTH(records); r++)
		count += (unsigned)__builtin_popcount(state->scopes[subject][r]);
	return count;
}

static void write_subject(struct sink_writer *writer, const struct state *state, size_t number)
{
	struct sink_subject subject = subject_number(number);

	for (size_t r = 0; r < LENGTH(records); r++) {
		struct sink_record record = record_of(records[r].kind, records[r].source);
		uint32_t id;

		record.text[SINK_FIELD_CATEGORY] = sink_span_text(records[r].category);
		record.valid_from = records[r].from;
		record.valid_until = records[r].until;
		for (int scope = 0; scope < SINK_SCOPE_COUNT; scope++) {
			if (!(state->scopes[number][r] >> scope & 1))
				continue;
			ck_assert(sink_writer_record(writer, &record, &id) == SINK_OK);
			ck_assert(writer_add(writer, &subject, (enum sink_scope)scope, id) ==
				SINK_OK);
		}
	}
}

static void write_state(const char *path, const struct state *state)
{
	struct sink_writer *writer = begin_base(path);

	for (size_t i = 0; i < SUBJECTS; i++)
		write_subject(writer, state, i);
	end_base(writer);
}

/* What is another than in the base, and some of what is not. */
static void write_delta(const char *path, const struct state *base, const struct state *whole,
	const bool changed[SUBJECTS])
{
	struct sink_writer *writer = begin_base(path);
	struct sink_db_options promised = promise(base_file, SINK_MAP_DIRECT);
	struct schema_delta delta = { .names = 0 };

	memcpy(delta.base, promised.digest, sizeof delta.base);
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct sink_subject subject = subject_number(i);
		unsigned had = count_listings(base, i);

		if (!changed[i]) {
			delta.names += had > 0;
			delta.listings += had;
			continue;
		}
		if (count_listings(whole, i) == 0 ||
			one_in(3)) /* who removes and adds, has added */
			ck_assert(writer_remove(writer, &subject) == SINK_OK);
		write_subject(writer, whole, i);
	}
	writer_set_delta(writer, &delta);
	end_base(writer);
}

static struct sink_db *open_over(const char *path, const struct sink_db *base)
{
	struct sink_db_options options = promise(path, SINK_MAP_SEALED);
	struct sink_why why;
	struct sink_db *db;

	options.base = base;
	ck_assert_msg(sink_db_open(path, &options, &why, &db) == SINK_OK, "%s", why.text);
	return db;
}

/* --- what a database answers, as text ------------------------------------------------------------ */

struct answer {
	struct sink_reader *reader;
	const struct sink_subject *subject; /* NULL: not known */
	enum sink_trigger trigger;
	size_t len;
	char text[65536];
};

static void put(struct answer *answer, const struct sink_listing *listing)
{
	const struct sink_db *db = sink_reader_db(answer->reader);
	uint32_t facet = sink_db_facet_of(db, listing->record), first;
	struct sink_record record, of_facet;
	uint8_t triggers;

	ck_assert(sink_reader_record(answer->reader, listing->record, &record) == SINK_OK);
	ck_assert(facet < sink_db_facets(db));
	ck_assert(sink_db_facet(db, facet, &first, &triggers) == SINK_OK);
	ck_assert(triggers >> answer->trigger & 1);
	ck_assert(sink_db_facet_of(db, first) == facet);
	ck_assert(sink_reader_record(answer->reader, first, &of_facet) == SINK_OK);
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		ck_assert(sink_span_equal(record.text[f], of_facet.text[f]));
	answer->len += (size_t)snprintf(answer->text + answer->len,
		sizeof answer->text - answer->len, "%u %d %d %.*s %.*s %d %d; ", listing->labels,
		listing->scope, record.kind, (int)record.text[SINK_FIELD_SOURCE].len,
		(const char *)record.text[SINK_FIELD_SOURCE].at,
		(int)record.text[SINK_FIELD_CATEGORY].len,
		(const char *)record.text[SINK_FIELD_CATEGORY].at, (int)record.valid_from,
		(int)record.valid_until);
	ck_assert(answer->len < sizeof answer->text);
}

static int take_listing(void *arg, const struct sink_listing *listing)
{
	put(arg, listing);
	return SINK_OK;
}

static void put_subject(struct answer *answer, const struct sink_subject *subject)
{
	char text[SINK_TEXT_MAX];

	if (sink_trigger_is_prefix(subject->trigger))
		sink_prefix_to_text(&subject->prefix, text);
	else
		sink_name_to_text(&subject->name, text);
	answer->trigger = subject->trigger;
	answer->len += (size_t)snprintf(answer->text + answer->len,
		sizeof answer->text - answer->len, "| %d %s: ", subject->trigger, text);
}

static int take_each(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	struct answer *answer = arg;

	put_subject(answer, subject);
	put(answer, listing);
	return SINK_OK;
}

static void find_all(struct answer *answer)
{
	for (size_t i = 0; i < LENGTH(probes); i++) {
		struct sink_name name = name_of(probes[i]);

		answer->trigger = SINK_TRIGGER_QNAME;
		ck_assert(sink_reader_find(answer->reader, &name, take_listing, answer) == SINK_OK);
		answer->trigger = SINK_TRIGGER_NSNAME;
		ck_assert(sink_reader_find_name(answer->reader, SINK_TRIGGER_NSNAME, &name,
				  take_listing, answer) == SINK_OK);
	}
	for (size_t i = 0; i < LENGTH(addresses); i++)
		for (int t = 0; t < SINK_TRIGGER_COUNT; t++) {
			struct sink_prefix prefix = prefix_of(addresses[i]);

			if (!sink_trigger_is_prefix((enum sink_trigger)t))
				continue;
			answer->trigger = (enum sink_trigger)t;
			ck_assert(sink_reader_find_prefix(answer->reader, answer->trigger, &prefix,
					  take_listing, answer) == SINK_OK);
		}
}

static void walk_all(struct answer *answer)
{
	const struct sink_listing *listings;
	const struct sink_subject *subject;
	struct sink_walk *walk;
	size_t count;
	int err;

	ck_assert(sink_reader_each(answer->reader, take_each, answer) == SINK_OK);
	ck_assert(sink_walk_begin(answer->reader, &walk) == SINK_OK);
	while (!(err = sink_walk_next(walk, &subject, &listings, &count))) {
		put_subject(answer, subject);
		for (size_t i = 0; i < count; i++)
			put(answer, &listings[i]);
	}
	ck_assert(err == SINK_ENOENT);
	sink_walk_end(walk);
}

static struct answer answers[2];

static void ask(struct answer *answer, const struct sink_db *db, void (*fn)(struct answer *))
{
	struct sink_why why = { .text = "" };

	answer->reader = begin_reader(db);
	answer->len = 0;
	answer->text[0] = 0;
	fn(answer);
	check_plain(answer->reader);
	ck_assert_msg(sink_reader_verify(answer->reader, &why) == SINK_OK, "%s", why.text);
	sink_reader_end(answer->reader);
}

static void compare(const struct sink_db *layers, const struct sink_db *whole)
{
	void (*const questions[])(struct answer *) = { find_all, walk_all };
	struct sink_summary a, b;

	for (size_t i = 0; i < LENGTH(questions); i++) {
		ask(&answers[0], layers, questions[i]);
		ask(&answers[1], whole, questions[i]);
		ck_assert_str_eq(answers[0].text, answers[1].text);
	}
	sink_db_summary(layers, &a);
	sink_db_summary(whole, &b);
	ck_assert_uint_eq(a.names, b.names);
	ck_assert_uint_eq(a.listings, b.listings);
}

/* A turn too many does no harm; one too few would leave an answer in a cache. */
static void compare_turns(const struct sink_db *layers, const struct sink_db *whole)
{
	uint32_t facets = sink_db_facets(layers), before = 0, facet;

	for (int64_t now = 0; now < 250; now += 5)
		for (int ends = 0; ends < 2; ends++) {
			int64_t turn = sink_db_next_turn(layers, ends, now);

			ck_assert(turn > now);
			ck_assert(turn <= sink_db_next_turn(whole, ends, now));
		}
	for (uint32_t place = 0; (facet = sink_db_ending(layers, place)) != UINT32_MAX; place++) {
		ck_assert(facet < facets && (place == 0 || facet > before));
		before = facet;
	}
}

/* --- against the model ---------------------------------------------------------------------------- */

#define ROUNDS 120

/* Seldom much, often little, sometimes nothing at all on either side. */
static void roll_states(struct state *base, struct state *whole, bool changed[SUBJECTS])
{
	uint64_t full = 1 + roll(&dice, 4), touched = 1 + roll(&dice, 4);

	memset(base, 0, sizeof *base);
	for (size_t i = 0; i < SUBJECTS; i++)
		if (one_in(full))
			roll_subject(base, i);
	*whole = *base;
	for (size_t i = 0; i < SUBJECTS; i++) {
		changed[i] = one_in(touched);
		if (changed[i] && one_in(3))
			memset(whole->scopes[i], 0, sizeof whole->scopes[i]);
		else if (changed[i])
			roll_subject(whole, i);
	}
}

START_TEST(layers_answer_as_the_whole)
{
	dice.state = 42;
	for (unsigned n = 0; n < ROUNDS; n += STRIDE) {
		struct sink_db *base, *layers, *whole;
		struct state before, after;
		bool changed[SUBJECTS];

		roll_states(&before, &after, changed);
		write_state(base_file, &before);
		write_state(whole_file, &after);
		write_delta(delta_file, &before, &after, changed);
		base = open_base(base_file, SINK_MAP_SEALED);
		layers = open_over(delta_file, base);
		ck_assert_ptr_eq(sink_db_base(layers), base);
		ck_assert_ptr_null(sink_db_base(base));
		sink_db_close(base); /* the delta has a share of it */
		whole = open_base(whole_file, SINK_MAP_SEALED);
		compare(layers, whole);
		compare_turns(layers, whole);
		sink_db_close(layers);
		sink_db_close(whole);
		unlink(base_file);
		unlink(delta_file);
		unlink(whole_file);
	}
}
END_TEST

/* --- what two deltas say otherwise ----------------------------------------------------------------- */

struct told {
	size_t count;
	struct sink_subject last;
	bool subjects[SUBJECTS];
};

static int tell(void *arg, const struct sink_subject *subject)
{
	struct told *told = arg;

	ck_assert(told->count == 0 || sink_subject_compare(&told->last, subject) < 0);
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct sink_subject each = subject_number(i);

		told->subjects[i] |= sink_subject_compare(&each, subject) == 0;
	}
	told->last = *subject;
	told->count++;
	return SINK_OK;
}

static bool is_same_state(const struct state *a, const struct state *b, size_t subject)
{
	return memcmp(a->scopes[subject], b->scopes[subject], sizeof a->scopes[subject]) == 0;
}

START_TEST(what_has_changed_is_told)
{
	dice.state = 99;
	for (unsigned n = 0; n < ROUNDS / 2; n += STRIDE) {
		struct state before, first, second;
		bool in_first[SUBJECTS], in_second[SUBJECTS];
		struct sink_db *base, *one, *two;
		struct told told = { .count = 0 }, none = { .count = 0 };

		roll_states(&before, &first, in_first);
		second = first;
		write_state(base_file, &before);
		write_delta(delta_file, &before, &first, in_first);
		for (size_t i = 0; i < SUBJECTS; i++) {
			in_second[i] = in_first[i] && !one_in(4);
			if (!in_first[i] && one_in(8)) {
				in_second[i] = true;
				roll_subject(&second, i);
			} else if (in_second[i] && one_in(3)) {
				roll_subject(&second, i);
			}
		}
		write_delta(whole_file, &before, &second, in_second);
		base = open_base(base_file, SINK_MAP_SEALED);
		one = open_over(delta_file, base);
		two = open_over(whole_file, base);
		ck_assert(sink_db_changed(two, one, tell, &told) == SINK_OK);
		for (size_t i = 0; i < SUBJECTS; i++)
			ck_assert(told.subjects[i] ==
				(in_first[i] != in_second[i] ||
					(in_first[i] && !is_same_state(&first, &second, i))));
		ck_assert(sink_db_changed(one, one, tell, &none) == SINK_OK && none.count == 0);
		ck_assert(sink_db_changed(one, base, tell, &none) == SINK_OK);
		for (size_t i = 0; i < SUBJECTS; i++)
			ck_assert(none.subjects[i] == in_first[i]);
		sink_db_close(two);
		sink_db_close(one);
		sink_db_close(base);
		unlink(base_file);
		unlink(delta_file);
		unlink(whole_file);
	}
}
END_TEST

/* A base and a delta, and the latter's bytes. */
static struct sink_db *make_both(uint64_t seed, struct bytes *delta)
{
	struct state before, after;
	bool changed[SUBJECTS];

	dice.state = seed;
	roll_states(&before, &after, changed);
	write_state(base_file, &before);
	write_delta(delta_file, &before, &after, changed);
	*delta = read_whole(delta_file);
	return open_base(base_file, SINK_MAP_SEALED);
}

START_TEST(of_other_bases_nothing_is_told)
{
	struct bytes bytes;
	struct sink_db *base = make_both(7, &bytes), *again = open_base(base_file, SINK_MAP_SEALED);
	struct told told = { .count = 0 };

	ck_assert_int_eq(sink_db_changed(again, base, tell, &told), SINK_EINVAL);
	ck_assert_uint_eq(told.count, 0);
	sink_db_close(again);
	sink_db_close(base);
	free(bytes.at);
}
END_TEST

/* --- what goes wrong ------------------------------------------------------------------------------- */

static int open_as(const char *path, const struct sink_db *base)
{
	struct sink_db_options options = promise(path, SINK_MAP_SEALED);
	struct sink_db *db;
	int err;

	options.base = base;
	err = sink_db_open(path, &options, NULL, &db);
	if (!err)
		sink_db_close(db);
	return err;
}

START_TEST(a_delta_belongs_to_its_base)
{
	struct bytes bytes;
	struct sink_db *base = make_both(7, &bytes), *layers = open_over(delta_file, base), *other;
	const struct base_row row = { "a", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "a" };

	make_base(whole_file, &row, 1);
	other = open_base(whole_file, SINK_MAP_DIRECT);
	ck_assert_int_eq(open_as(delta_file, base), SINK_OK);
	ck_assert_int_eq(open_as(delta_file, NULL), SINK_ECORRUPT);
	ck_assert_int_eq(open_as(delta_file, other), SINK_ECORRUPT);
	ck_assert_int_eq(open_as(base_file, base), SINK_ECORRUPT);
	ck_assert_int_eq(open_as(delta_file, layers), SINK_EINVAL);
	sink_db_close(other);
	sink_db_close(layers);
	sink_db_close(base);
	free(bytes.at);
}
END_TEST

static int ignore(void *arg, const struct sink_listing *listing)
{
	(void)arg;
	(void)listing;
	return SINK_OK;
}

/* In a base, what says that nothing is listed any more is damage. */
START_TEST(a_base_removes_nothing)
{
	struct sink_writer *writer = begin_base(base_file);
	struct sink_subject subject = { .trigger = SINK_TRIGGER_QNAME, .name = name_of("a.b") };
	struct sink_reader *reader;
	struct sink_db *db;

	ck_assert_int_eq(writer_remove(writer, &subject), SINK_OK);
	end_base(writer);
	db = open_base(base_file, SINK_MAP_DIRECT);
	reader = begin_reader(db);
	ck_assert_int_eq(sink_reader_find(reader, &subject.name, ignore, NULL), SINK_ECORRUPT);
	ck_assert_int_eq(sink_reader_verify(reader, NULL), SINK_ECORRUPT);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

START_TEST(wrong_sums_are_found)
{
	struct sink_writer *writer = begin_base(delta_file);
	struct sink_db_options promised;
	struct schema_delta delta = { .names = 1,
		.listings = 1 }; /* there is nothing in the base */
	struct sink_reader *reader;
	struct sink_db *base, *layers;
	struct sink_why why;

	end_base(begin_base(base_file));
	promised = promise(base_file, SINK_MAP_DIRECT);
	memcpy(delta.base, promised.digest, sizeof delta.base);
	writer_set_delta(writer, &delta);
	end_base(writer);
	base = open_base(base_file, SINK_MAP_DIRECT);
	layers = open_over(delta_file, base);
	reader = begin_reader(layers);
	ck_assert_int_eq(sink_reader_verify(reader, &why), SINK_ECORRUPT);
	ck_assert_ptr_nonnull(strstr(why.text, "other sums"));
	sink_reader_end(reader);
	sink_db_close(layers);
	sink_db_close(base);
}
END_TEST

static void use(const struct sink_db *db, unsigned *unsound)
{
	struct sink_reader *reader = begin_reader(db);
	const struct sink_listing *listings;
	const struct sink_subject *subject;
	struct sink_walk *walk;
	size_t count;

	for (size_t i = 0; i < LENGTH(probes); i++) {
		struct sink_name name = name_of(probes[i]);
		struct sink_prefix prefix = prefix_of(addresses[i % LENGTH(addresses)]);

		(void)sink_reader_find(reader, &name, ignore, NULL);
		(void)sink_reader_find_name(reader, SINK_TRIGGER_NSNAME, &name, ignore, NULL);
		(void)sink_reader_find_prefix(reader, SINK_TRIGGER_ANSWER, &prefix, ignore, NULL);
	}
	for (uint32_t id = 0; id < 40; id++) {
		struct sink_record record;

		(void)sink_reader_record(reader, id, &record);
		(void)sink_db_facet_of(db, id);
		(void)sink_db_ending(db, id);
	}
	ck_assert(sink_walk_begin(reader, &walk) == SINK_OK);
	while (!sink_walk_next(walk, &subject, &listings, &count))
		;
	sink_walk_end(walk);
	*unsound += sink_reader_verify(reader, NULL) != SINK_OK;
	sink_reader_end(reader);
}

#define CASES 3000

/* With a digest that fits, as only who wrote it could do. */
START_TEST(damaged_deltas_do_not_crash)
{
	struct bytes bytes;
	struct sink_db *base = make_both(11, &bytes);
	unsigned refused = 0, unsound = 0;

	for (unsigned n = 0; n < CASES; n += STRIDE) {
		struct bytes bad = { malloc(bytes.len), bytes.len };
		struct sink_db_options options;
		struct sink_db *db;
		int err;

		ck_assert(bad.at);
		memcpy(bad.at, bytes.at, bytes.len);
		for (uint64_t times = 1 + roll(&dice, 4); times > 0; times--)
			bad.at[roll(&dice, bad.len)] = (uint8_t)roll(&dice, 256);
		write_whole(delta_file, bad.at, bad.len);
		options = promise(delta_file, SINK_MAP_SEALED);
		options.base = base;
		err = sink_db_open(delta_file, &options, NULL, &db);
		ck_assert(err == SINK_OK || err == SINK_ECORRUPT || err == SINK_EVERSION);
		refused += err != SINK_OK;
		if (!err) {
			use(db, &unsound);
			sink_db_close(db);
		}
		free(bad.at);
	}
	ck_assert_msg(refused > CASES / STRIDE / 20 && unsound > CASES / STRIDE / 20,
		"%u refused, %u unsound", refused, unsound);
	sink_db_close(base);
	free(bytes.at);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layers");
	TCase *tc = tcase_create("layers");

	tcase_add_checked_fixture(tc, enter_room, leave_room);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, layers_answer_as_the_whole);
	tcase_add_test(tc, what_has_changed_is_told);
	tcase_add_test(tc, of_other_bases_nothing_is_told);
	tcase_add_test(tc, a_delta_belongs_to_its_base);
	tcase_add_test(tc, a_base_removes_nothing);
	tcase_add_test(tc, wrong_sums_are_found);
	tcase_add_test(tc, damaged_deltas_do_not_crash);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}

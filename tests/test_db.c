/* test_db.c - opening what was promised and nothing else; finding what covers a name and nothing
 * else. Damage in masses is in test_damage.c. */
#include "sinkhole/db.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "base.h"

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

/* --- finding ---------------------------------------------------------------------------------- */

static const struct base_row listed[] = {
	{ "evil.net", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, "a" },
	{ "good.evil.net", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "b" },
	{ "exact.org", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "a" },
	{ "wild.org", SINK_SCOPE_BELOW, SINK_KIND_BLOCK, "a" },
	{ "deep.wild.org", SINK_SCOPE_BELOW, SINK_KIND_BLOCK, "b" },
	{ "multi.example", SINK_SCOPE_BELOW, SINK_KIND_BLOCK, "c" },
	{ "multi.example", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "b" },
	{ "multi.example", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, "a" },
	{ "multi.example", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "a" },
	{ "MULTI.example.", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "a" }, /* the same once more */
	{ "a.multi.example", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, "c" },
	{ "tld", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, "a" },
	{ "x\\.y.dots", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, "a" }, /* a label that holds a dot */
	{ "x.y.dots", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "b" },
	{ "\\000.bytes", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, "a" },
	{ "\\001.bytes", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, "b" },
	{ "\\255.bytes", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, "c" },
	{ "*.star", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "a" }, /* a label like any other */
};

/* What is found, as "labels scope source, ...", most specific first. */
static const struct {
	const char *name, *found;
} finds[] = {
	{ "notevil.net", "" }, /* a suffix of the text, not of the labels */
	{ "net", "" },
	{ "evil.net.org", "" },
	{ "evil.ne", "" },
	{ "evil.nett", "" },
	{ "evi.net", "" },
	{ "evilnet", "" },
	{ "evil\\.net", "" }, /* one label */
	{ ".", "" },
	{ "x.exact.org", "" }, /* exact */
	{ "org", "" },
	{ "wild.org", "" }, /* below */
	{ "xwild.org", "" },
	{ "ld", "" },
	{ "xtld", "" },
	{ "xy.dots", "" },
	{ "y.dots", "" },
	{ "dots", "" },
	{ "\\002.bytes", "" },
	{ "\\000\\000.bytes", "" },
	{ "\\001\\001.bytes", "" },
	{ "bytes", "" },
	{ "x.star", "" },
	{ "x.*.star", "" },
	{ "star", "" },
	{ "zzzz", "" }, /* after the last of all */
	{ "evil.net", "2 subtree a, " },
	{ "EVIL.nEt.", "2 subtree a, " },
	{ "x.evil.net", "2 subtree a, " },
	{ "a.b.c.d.e.f.evil.net", "2 subtree a, " },
	{ "good.evil.net", "3 exact b, 2 subtree a, " },
	{ "x.good.evil.net", "2 subtree a, " },
	{ "xgood.evil.net", "2 subtree a, " },
	{ "exact.org", "2 exact a, " },
	{ "x.wild.org", "2 below a, " },
	{ "x.y.wild.org", "2 below a, " },
	{ "deep.wild.org", "2 below a, " },
	{ "x.deep.wild.org", "3 below b, 2 below a, " },
	{ "multi.example", "2 exact a, 2 subtree a, 2 exact b, " },
	{ "x.multi.example", "2 subtree a, 2 below c, " },
	{ "a.multi.example", "3 subtree c, 2 subtree a, 2 below c, " },
	{ "x.a.multi.example", "3 subtree c, 2 subtree a, 2 below c, " },
	{ "tld", "1 subtree a, " },
	{ "x.y.z.tld", "1 subtree a, " },
	{ "x\\.y.dots", "2 subtree a, " },
	{ "w.x\\.y.dots", "2 subtree a, " },
	{ "x.y.dots", "3 exact b, " },
	{ "\\000.bytes", "2 subtree a, " },
	{ "x.\\001.bytes", "2 subtree b, " },
	{ "x.\\255.bytes", "2 subtree c, " },
	{ "*.star", "2 exact a, " },
};

struct found {
	struct sink_reader *reader;
	char text[4096];
};

static int note(void *arg, const struct sink_listing *listing)
{
	struct found *found = arg;
	struct sink_record record;
	size_t len = strlen(found->text);
	struct sink_span source;

	ck_assert_int_eq(sink_reader_record(found->reader, listing->record, &record), SINK_OK);
	source = record.text[SINK_FIELD_SOURCE];
	snprintf(found->text + len, sizeof found->text - len, "%u %s %.*s, ", listing->labels,
		sink_scope_word(listing->scope), (int)source.len, (const char *)source.at);
	return SINK_OK;
}

static int stop(void *arg, const struct sink_listing *listing)
{
	(void)listing;
	*(unsigned *)arg += 1;
	return 77; /* whatever it is, it comes through */
}

static const char *find(struct sink_reader *reader, const char *text, struct found *found)
{
	struct sink_name name = name_of(text);

	*found = (struct found){ .reader = reader };
	ck_assert_int_eq(sink_reader_find(reader, &name, note, found), SINK_OK);
	return found->text;
}

static void check_finds(enum sink_map map)
{
	struct sink_db *db = open_base(file, map);
	struct sink_reader *reader = begin_reader(db);
	struct found found;

	ck_assert_int_eq(sink_db_map(db), map);
	ck_assert_ptr_eq(sink_reader_db(reader), db);
	for (size_t i = 0; i < LENGTH(finds); i++)
		ck_assert_msg(strcmp(find(reader, finds[i].name, &found), finds[i].found) == 0,
			"%s: %s", finds[i].name, found.text);
	ck_assert_int_eq(sink_reader_verify(reader, NULL), SINK_OK);
	sink_reader_end(reader);
	sink_db_close(db);
}

START_TEST(find_rows)
{
	struct sink_summary summary = make_base(file, listed, LENGTH(listed));

	ck_assert_uint_eq(summary.names, 14);
	ck_assert_uint_eq(summary.listings, 17);
	ck_assert_uint_eq(summary.duplicates, 1);
	check_finds(SINK_MAP_SEALED);
	check_finds(SINK_MAP_DIRECT);
}
END_TEST

/* What is asked in any other order is answered alike: the reader's cursor remembers nothing. */
START_TEST(find_in_any_order)
{
	struct dice dice = { .state = 1 };
	struct sink_reader *reader;
	struct found found;
	struct sink_db *db;

	make_base(file, listed, LENGTH(listed));
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	for (int n = 0; n < 20000; n++) {
		size_t i = roll(&dice, LENGTH(finds));

		ck_assert_str_eq(find(reader, finds[i].name, &found), finds[i].found);
	}
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

START_TEST(root_is_listed)
{
	static const struct base_row rows[] = {
		{ ".", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, "a" },
		{ ".", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "b" },
		{ ".", SINK_SCOPE_BELOW, SINK_KIND_BLOCK, "c" },
		{ "com", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "a" },
	};
	struct sink_reader *reader;
	struct found found;
	struct sink_db *db;

	make_base(file, rows, LENGTH(rows));
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	ck_assert_str_eq(find(reader, ".", &found), "0 subtree a, 0 exact b, ");
	ck_assert_str_eq(find(reader, "org", &found), "0 subtree a, 0 below c, ");
	ck_assert_str_eq(find(reader, "com", &found), "1 exact a, 0 subtree a, 0 below c, ");
	ck_assert_int_eq(sink_reader_verify(reader, NULL), SINK_OK);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

START_TEST(nothing_is_listed)
{
	struct sink_summary summary = make_base(file, NULL, 0);
	struct sink_reader *reader;
	struct sink_record record;
	struct found found;
	struct sink_db *db;

	ck_assert_uint_eq(summary.names, 0);
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	ck_assert_str_eq(find(reader, ".", &found), "");
	ck_assert_str_eq(find(reader, "a.b.c", &found), "");
	ck_assert_int_eq(sink_reader_record(reader, 0, &record), SINK_ENOENT);
	ck_assert_int_eq(sink_reader_verify(reader, NULL), SINK_OK);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* The deepest name, each of its ancestors listed. */
START_TEST(deepest_name)
{
	struct sink_record record = record_of(SINK_KIND_BLOCK, "a");
	struct sink_writer *writer = begin_base(file);
	char text[2 * SINK_LABELS_MAX + 1] = "";
	struct sink_name deepest, name;
	struct sink_reader *reader;
	struct found found;
	struct sink_db *db;
	const char *at;

	for (int i = 0; i < SINK_LABELS_MAX; i++)
		strcat(text, i % 2 ? "a." : "b.");
	deepest = name_of(text);
	ck_assert_uint_eq(deepest.labels, SINK_LABELS_MAX);
	for (uint8_t labels = 0; labels <= SINK_LABELS_MAX; labels++) {
		name = deepest;
		sink_name_cut(&name, labels);
		add_name(writer, &name, SINK_SCOPE_SUBTREE, &record);
	}
	ck_assert_uint_eq(end_base(writer).names, SINK_LABELS_MAX + 1);
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	at = find(reader, text, &found);
	for (int labels = SINK_LABELS_MAX; labels >= 0; labels--) {
		char expected[32];

		snprintf(expected, sizeof expected, "%d subtree a, ", labels);
		ck_assert_msg(strncmp(at, expected, strlen(expected)) == 0, "at %d: %s", labels,
			at);
		at += strlen(expected);
	}
	ck_assert_str_eq(at, "");
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* --- other triggers --------------------------------------------------------------------------- */

#define ANSWER SINK_TRIGGER_ANSWER
#define CLIENT SINK_TRIGGER_CLIENT
#define NSNAME SINK_TRIGGER_NSNAME
#define NSADDRESS SINK_TRIGGER_NSADDRESS

static const struct {
	enum sink_trigger trigger;
	const char *subject;
	enum sink_scope scope;
	const char *source;
} other_rows[] = {
	{ SINK_TRIGGER_QNAME, "evil.net", SINK_SCOPE_SUBTREE, "a" },
	{ ANSWER, "192.0.2.0/24", 0, "a" },
	{ ANSWER, "192.0.2.0/24", 0, "b" },
	{ ANSWER, "192.0.2.1", 0, "b" },
	{ ANSWER, "192.0.2.128/25", 0, "c" },
	{ ANSWER, "192.0.0.0/16", 0, "c" },
	{ ANSWER, "198.51.100.7", 0, "a" },
	{ ANSWER, "2001:db8::/32", 0, "a" },
	{ ANSWER, "2001:db8::1", 0, "b" },
	{ ANSWER, "::ffff:203.0.113.0/120", 0, "b" },
	{ CLIENT, "0.0.0.0/0", 0, "a" },
	{ CLIENT, "::/0", 0, "b" },
	{ CLIENT, "10.0.0.0/8", 0, "c" },
	{ NSADDRESS, "192.0.2.1", 0, "c" },
	{ NSNAME, "evil-dns.net", SINK_SCOPE_SUBTREE, "a" },
	{ NSNAME, "ns1.evil-dns.net", SINK_SCOPE_EXACT, "b" },
	{ NSNAME, "wild.net", SINK_SCOPE_BELOW, "b" },
	{ NSNAME, ".", SINK_SCOPE_BELOW, "c" },
};

static const struct {
	enum sink_trigger trigger;
	const char *subject, *found;
} other_finds[] = {
	{ ANSWER, "193.0.2.1", "" },
	{ ANSWER, "0.0.0.0", "" },
	{ ANSWER, "255.255.255.255", "" },
	{ ANSWER, "192.0.0.0/8", "" }, /* larger than what is listed */
	{ ANSWER, "198.51.100.6", "" },
	{ ANSWER, "198.51.100.8", "" },
	{ ANSWER, "198.51.100.6/31", "" }, /* only one of the two is listed */
	{ ANSWER, "203.0.113.1", "" }, /* listed as it stands in IPv6, and nowhere else */
	{ ANSWER, "::ffff:192.0.2.1", "" }, /* the other way round */
	{ ANSWER, "2001:db9::", "" },
	{ ANSWER, "::", "" },
	{ ANSWER, "10.1.2.3", "" }, /* of another trigger */
	{ ANSWER, "192.0.2.1", "32 exact b, 24 exact a, 24 exact b, 16 exact c, " },
	{ ANSWER, "192.0.2.2", "24 exact a, 24 exact b, 16 exact c, " },
	{ ANSWER, "192.0.2.255", "25 exact c, 24 exact a, 24 exact b, 16 exact c, " },
	{ ANSWER, "192.0.2.0/24", "24 exact a, 24 exact b, 16 exact c, " },
	{ ANSWER, "192.0.2.0/23", "16 exact c, " },
	{ ANSWER, "192.0.2.0/31", "24 exact a, 24 exact b, 16 exact c, " },
	{ ANSWER, "198.51.100.7", "32 exact a, " },
	{ ANSWER, "2001:db8::1", "128 exact b, 32 exact a, " },
	{ ANSWER, "2001:db8:ffff::1", "32 exact a, " },
	{ ANSWER, "::ffff:203.0.113.255", "120 exact b, " },
	{ CLIENT, "192.0.2.1", "0 exact a, " },
	{ CLIENT, "10.255.0.0/16", "8 exact c, 0 exact a, " },
	{ CLIENT, "0.0.0.0/0", "0 exact a, " },
	{ CLIENT, "2001:db8::1", "0 exact b, " },
	{ NSADDRESS, "192.0.2.1", "32 exact c, " },
	{ NSADDRESS, "192.0.2.2", "" },
	{ NSADDRESS, "2001:db8::1", "" },
	{ NSNAME, "evil.net", "0 below c, " }, /* of another trigger */
	{ NSNAME, "evil-dns.net", "2 subtree a, 0 below c, " },
	{ NSNAME, "ns1.evil-dns.net", "3 exact b, 2 subtree a, 0 below c, " },
	{ NSNAME, "x.ns1.evil-dns.net", "2 subtree a, 0 below c, " },
	{ NSNAME, "wild.net", "0 below c, " },
	{ NSNAME, "x.wild.net", "2 below b, 0 below c, " },
	{ NSNAME, ".", "" },
	{ SINK_TRIGGER_QNAME, "evil-dns.net", "" },
	{ SINK_TRIGGER_QNAME, "x.evil.net", "2 subtree a, " },
};

static struct sink_summary make_others(void)
{
	struct sink_writer *writer = begin_base(file);

	for (size_t i = 0; i < LENGTH(other_rows); i++) {
		struct sink_record record = record_of(SINK_KIND_BLOCK, other_rows[i].source);

		add_subject(writer, other_rows[i].trigger, other_rows[i].subject,
			other_rows[i].scope, &record);
	}
	return end_base(writer);
}

static int find_other(struct sink_reader *reader, enum sink_trigger trigger, const char *text,
	struct found *found)
{
	struct sink_prefix prefix;
	struct sink_name name;

	*found = (struct found){ .reader = reader };
	if (sink_trigger_is_prefix(trigger)) {
		prefix = prefix_of(text);
		return sink_reader_find_prefix(reader, trigger, &prefix, note, found);
	}
	name = name_of(text);
	return sink_reader_find_name(reader, trigger, &name, note, found);
}

START_TEST(find_others)
{
	struct sink_summary summary = make_others(), read;
	struct sink_prefix bad = { .family = 4, .bits = 8, .bytes = { 10, 1 } };
	struct sink_prefix good = prefix_of("192.0.2.1");
	struct sink_name name = name_of("evil.net");
	struct sink_db *db = open_base(file, SINK_MAP_SEALED);
	struct sink_reader *reader = begin_reader(db);
	struct found found;
	unsigned calls = 0;

	ck_assert_uint_eq(summary.names, 17);
	ck_assert_uint_eq(summary.listings, 18);
	sink_db_summary(db, &read);
	ck_assert_mem_eq(&read, &summary, sizeof read);
	for (size_t i = 0; i < LENGTH(other_finds); i++) {
		ck_assert_int_eq(find_other(reader, other_finds[i].trigger, other_finds[i].subject,
					 &found),
			SINK_OK);
		ck_assert_msg(strcmp(found.text, other_finds[i].found) == 0, "%s: %s",
			other_finds[i].subject, found.text);
	}
	ck_assert_int_eq(sink_reader_find_prefix(reader, ANSWER, &good, stop, &calls), 77);
	ck_assert_uint_eq(calls, 1);
	ck_assert_int_eq(sink_reader_find_prefix(reader, NSNAME, &good, stop, &calls), SINK_EINVAL);
	ck_assert_int_eq(sink_reader_find_prefix(reader, SINK_TRIGGER_QNAME, &good, stop, &calls),
		SINK_EINVAL);
	ck_assert_int_eq(sink_reader_find_prefix(reader, SINK_TRIGGER_COUNT, &good, stop, &calls),
		SINK_EINVAL);
	ck_assert_int_eq(sink_reader_find_prefix(reader, CLIENT, &bad, stop, &calls), SINK_EINVAL);
	ck_assert_int_eq(sink_reader_find_name(reader, CLIENT, &name, stop, &calls), SINK_EINVAL);
	ck_assert_int_eq(sink_reader_find_name(reader, SINK_TRIGGER_COUNT, &name, stop, &calls),
		SINK_EINVAL);
	ck_assert_uint_eq(calls, 1);
	ck_assert_int_eq(sink_reader_verify(reader, NULL), SINK_OK);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* In a file that knows names only, nothing is found for anything else, and the other way round. */
START_TEST(nothing_of_others)
{
	struct sink_record record = record_of(SINK_KIND_BLOCK, "a");
	struct sink_writer *writer;
	struct sink_reader *reader;
	struct found found;
	struct sink_db *db;

	make_base(file, listed, LENGTH(listed));
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	for (size_t i = 0; i < LENGTH(other_finds); i++) {
		if (other_finds[i].trigger == SINK_TRIGGER_QNAME)
			continue;
		ck_assert_int_eq(find_other(reader, other_finds[i].trigger, other_finds[i].subject,
					 &found),
			SINK_OK);
		ck_assert_str_eq(found.text, "");
	}
	sink_reader_end(reader);
	sink_db_close(db);
	unlink(file);
	writer = begin_base(file);
	add_subject(writer, ANSWER, "::/0", 0, &record);
	end_base(writer);
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	ck_assert_str_eq(find(reader, ".", &found), "");
	ck_assert_str_eq(find(reader, "evil.net", &found), "");
	ck_assert_int_eq(find_other(reader, ANSWER, "::", &found), SINK_OK);
	ck_assert_str_eq(found.text, "0 exact a, ");
	ck_assert_int_eq(sink_reader_verify(reader, NULL), SINK_OK);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* --- against plain comparison ----------------------------------------------------------------- */

#define DRAWN 3000

/* Few octets, so that much is covered by much. */
static struct sink_prefix draw_prefix(struct dice *dice, bool whole)
{
	struct sink_prefix prefix = { .family = roll(dice, 2) ? 4 : 6 };
	unsigned len = prefix.family == 4 ? 4 : 16;

	for (unsigned i = 0; i < len; i++)
		prefix.bytes[i] = (uint8_t)(roll(dice, 3) ? 0 : 255 * roll(dice, 2));
	sink_prefix_cut(&prefix, (uint8_t)(8 * len));
	if (!whole)
		sink_prefix_cut(&prefix, (uint8_t)roll(dice, 8 * len + 1));
	return prefix;
}

static int sum_bits(void *arg, const struct sink_listing *listing)
{
	*(uint64_t *)arg += 1000 + listing->labels;
	return SINK_OK;
}

START_TEST(prefixes_like_plain_comparison)
{
	static struct sink_prefix drawn[DRAWN];
	struct sink_record record = record_of(SINK_KIND_BLOCK, "a");
	struct sink_writer *writer = begin_base(file);
	struct dice dice = { .state = 5 };
	struct sink_reader *reader;
	struct sink_db *db;
	uint32_t id;
	uint64_t hits = 0;

	ck_assert_int_eq(sink_writer_record(writer, &record, &id), SINK_OK);
	for (size_t i = 0; i < DRAWN; i++) {
		drawn[i] = draw_prefix(&dice, false);
		for (size_t k = 0; k < i; k++) /* distinct ones */
			if (memcmp(&drawn[k], &drawn[i], sizeof drawn[i]) == 0) {
				drawn[i] = draw_prefix(&dice, false);
				k = (size_t)-1;
			}
		ck_assert(sink_writer_add_prefix(writer, CLIENT, &drawn[i], id) == SINK_OK);
	}
	ck_assert_uint_eq(end_base(writer).names, DRAWN);
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	for (unsigned n = 0; n < 5000; n++) {
		struct sink_prefix asked = draw_prefix(&dice, n % 4 != 0);
		uint64_t wanted = 0, found = 0;

		for (size_t i = 0; i < DRAWN; i++)
			if (sink_prefix_covers(&drawn[i], &asked))
				wanted += 1000 + drawn[i].bits;
		ck_assert(sink_reader_find_prefix(reader, CLIENT, &asked, sum_bits, &found) ==
			SINK_OK);
		ck_assert(found == wanted);
		hits += found > 0;
	}
	ck_assert_uint_gt(hits, 100);
	ck_assert_int_eq(sink_reader_verify(reader, NULL), SINK_OK);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* --- walking ---------------------------------------------------------------------------------- */

/* A walk as text: "trigger subject: scope source, scope source; ". */
static int print_subject(char *to, size_t room_left, struct sink_reader *reader,
	const struct sink_subject *subject, const struct sink_listing *listings, size_t count)
{
	char text[SINK_TEXT_MAX];
	struct sink_record record;
	int len;

	len = snprintf(to, room_left, "%s %s:", sink_trigger_word(subject->trigger),
		sink_trigger_is_prefix(subject->trigger)
			? sink_prefix_to_text(&subject->prefix, text)
			: sink_name_to_text(&subject->name, text));
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(sink_reader_record(reader, listings[i].record, &record), SINK_OK);
		ck_assert_uint_eq(listings[i].labels,
			sink_trigger_is_prefix(subject->trigger) ? subject->prefix.bits
								 : subject->name.labels);
		len += snprintf(to + len, room_left - (size_t)len, " %s %.*s",
			sink_scope_word(listings[i].scope), (int)record.text[SINK_FIELD_SOURCE].len,
			(const char *)record.text[SINK_FIELD_SOURCE].at);
	}
	return len + snprintf(to + len, room_left - (size_t)len, "\n");
}

static const char walked_text[] = "qname evil.net: subtree a\n"
				  "answer 192.0.0.0/16: exact c\n"
				  "answer 192.0.2.0/24: exact a exact b\n"
				  "answer 192.0.2.1: exact b\n"
				  "answer 192.0.2.128/25: exact c\n"
				  "answer 198.51.100.7: exact a\n"
				  "answer ::ffff:203.0.113.0/120: exact b\n"
				  "answer 2001:db8::/32: exact a\n"
				  "answer 2001:db8::1: exact b\n"
				  "client 0.0.0.0/0: exact a\n"
				  "client 10.0.0.0/8: exact c\n"
				  "client ::/0: exact b\n"
				  "ns-name .: below c\n"
				  "ns-name evil-dns.net: subtree a\n"
				  "ns-name ns1.evil-dns.net: exact b\n"
				  "ns-name wild.net: below b\n"
				  "ns-address 192.0.2.1: exact c\n";

START_TEST(walk_others)
{
	const struct sink_subject *subject = NULL;
	const struct sink_listing *listings = NULL;
	struct sink_reader *reader;
	struct sink_walk *walk;
	struct sink_db *db;
	struct found found;
	char text[2048];
	size_t count = 0;
	int len = 0, err;

	make_others();
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	ck_assert_int_eq(sink_walk_begin(reader, &walk), SINK_OK);
	while (!(err = sink_walk_next(walk, &subject, &listings, &count))) {
		len += print_subject(text + len, sizeof text - (size_t)len, reader, subject,
			listings, count);
		ck_assert_str_eq(find(reader, "evil.net", &found), "2 subtree a, ");
	}
	ck_assert_int_eq(err, SINK_ENOENT);
	ck_assert_str_eq(text, walked_text);
	ck_assert_int_eq(sink_walk_next(walk, &subject, &listings, &count), SINK_ENOENT);
	sink_walk_end(walk);
	sink_walk_end(NULL);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* What each() tells one by one. */
struct told {
	struct sink_reader *reader;
	struct sink_walk *walk;
	const struct sink_subject *subject;
	const struct sink_listing *listings;
	size_t count, next;
};

static int tell(void *arg, const struct sink_subject *subject, const struct sink_listing *listing)
{
	struct told *told = arg;

	if (told->next == told->count) {
		struct sink_subject before = { .trigger = SINK_TRIGGER_COUNT };

		if (told->subject)
			before = *told->subject;
		ck_assert(sink_walk_next(told->walk, &told->subject, &told->listings,
				  &told->count) == SINK_OK);
		ck_assert(before.trigger == SINK_TRIGGER_COUNT ||
			sink_subject_compare(&before, told->subject) < 0);
		ck_assert(told->count > 0);
		told->next = 0;
	}
	ck_assert(sink_subject_compare(subject, told->subject) == 0);
	ck_assert(listing->record == told->listings[told->next].record);
	ck_assert(listing->scope == told->listings[told->next].scope);
	ck_assert(listing->labels == told->listings[told->next].labels);
	told->next++;
	return SINK_OK;
}

static void check_walk(void)
{
	struct sink_db *db = open_base(file, SINK_MAP_SEALED);
	struct told told = { .reader = begin_reader(db) };

	ck_assert_int_eq(sink_walk_begin(told.reader, &told.walk), SINK_OK);
	ck_assert_int_eq(sink_reader_each(told.reader, tell, &told), SINK_OK);
	ck_assert_uint_eq(told.next, told.count);
	ck_assert_int_eq(sink_walk_next(told.walk, &told.subject, &told.listings, &told.count),
		SINK_ENOENT);
	sink_walk_end(told.walk);
	sink_reader_end(told.reader);
	sink_db_close(db);
	unlink(file);
}

START_TEST(walk_like_each)
{
	struct sink_record record = record_of(SINK_KIND_BLOCK, "a");
	struct sink_writer *writer;
	char text[64];

	make_base(file, NULL, 0);
	check_walk();
	make_base(file, listed, LENGTH(listed));
	check_walk();
	make_others();
	check_walk();
	writer = begin_base(file);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(text, sizeof text, "h%u.example", i * 7919);
		add_subject(writer, i % 2 ? NSNAME : SINK_TRIGGER_QNAME, text, i % 3, &record);
		snprintf(text, sizeof text, "10.%u.%u.0/24", i % 200, i / 200);
		add_subject(writer, i % 2 ? ANSWER : NSADDRESS, text, 0, &record);
	}
	end_base(writer);
	check_walk();
}
END_TEST

/* Listings of one subject beyond what the walk began with. */
START_TEST(walk_with_many_listings)
{
	const struct sink_subject *subject = NULL;
	const struct sink_listing *listings = NULL;
	struct sink_writer *writer = begin_base(file);
	struct sink_reader *reader;
	struct sink_walk *walk;
	struct sink_db *db;
	char source[16];
	size_t count = 0;

	for (unsigned i = 0; i < 3000; i++) {
		struct sink_record record;

		snprintf(source, sizeof source, "s%u", i);
		record = record_of(SINK_KIND_BLOCK, source);
		add_subject(writer, ANSWER, "192.0.2.1", 0, &record);
	}
	end_base(writer);
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	ck_assert_int_eq(sink_walk_begin(reader, &walk), SINK_OK);
	ck_assert_int_eq(sink_walk_next(walk, &subject, &listings, &count), SINK_OK);
	ck_assert_uint_eq(count, 3000);
	for (uint32_t i = 0; i < count; i++)
		ck_assert(listings[i].record == i && listings[i].labels == 32);
	ck_assert_int_eq(sink_walk_next(walk, &subject, &listings, &count), SINK_ENOENT);
	sink_walk_end(walk);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* --- many ------------------------------------------------------------------------------------- */

#define MANY 20000

/* The i-th of many names; odd ones are never listed. Neighbours share much of their keys. */
static struct sink_name many_name(unsigned i)
{
	char text[64];

	snprintf(text, sizeof text, "h%u.d%u.z%u.example", i, i / 7 % 50, i / 1000);
	return name_of(text);
}

static int count_one(void *arg, const struct sink_listing *listing)
{
	unsigned *count = arg;

	(void)listing;
	*count += 1;
	return SINK_OK;
}

static unsigned count_found(struct sink_reader *reader, const struct sink_name *name)
{
	unsigned count = 0;

	ck_assert_int_eq(sink_reader_find(reader, name, count_one, &count), SINK_OK);
	return count;
}

struct walked {
	struct sink_reader *reader;
	struct sink_name last;
	unsigned names, listings;
};

static int walk_one(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	const struct sink_name *name = &subject->name;
	struct walked *walked = arg;
	bool same = walked->names > 0 &&
		sink_span_equal(sink_name_key(name), sink_name_key(&walked->last));
	size_t len = name->len < walked->last.len ? name->len : walked->last.len;
	int order = memcmp(name->key, walked->last.key, len);

	ck_assert_uint_eq(listing->labels, name->labels);
	walked->listings++;
	if (same)
		return SINK_OK;
	if (walked->names++ > 0)
		ck_assert(order > 0 || (order == 0 && name->len > walked->last.len));
	if (walked->names % 16 == 0) /* searching on the way does not disturb the walk */
		ck_assert_uint_eq(count_found(walked->reader, name), 2);
	walked->last = *name;
	return SINK_OK;
}

static struct sink_summary make_many(void)
{
	struct sink_record a = record_of(SINK_KIND_BLOCK, "a"), b = record_of(SINK_KIND_ALLOW, "b");
	struct sink_writer *writer = begin_base(file);

	for (unsigned i = 0; i < 2 * MANY; i += 2) {
		struct sink_name name = many_name(i);

		add_name(writer, &name, SINK_SCOPE_EXACT, &a);
		add_name(writer, &name, SINK_SCOPE_SUBTREE, &b);
	}
	return end_base(writer);
}

START_TEST(many_names)
{
	struct sink_summary written = make_many(), read;
	struct walked walked = { .names = 0 };
	struct sink_reader *reader;
	struct sink_db *db;

	ck_assert_uint_eq(written.names, MANY);
	db = open_base(file, SINK_MAP_SEALED);
	sink_db_summary(db, &read);
	ck_assert_mem_eq(&read, &written, sizeof read);
	ck_assert_uint_ge(sink_db_facets(db), 1);
	reader = walked.reader = begin_reader(db);
	for (unsigned i = 0; i < 2 * MANY; i++) {
		struct sink_name name = many_name(i);

		ck_assert_uint_eq(count_found(reader, &name), i % 2 ? 0 : 2);
	}
	ck_assert_int_eq(sink_reader_each(reader, walk_one, &walked), SINK_OK);
	ck_assert_uint_eq(walked.names, MANY);
	ck_assert_uint_eq(walked.listings, 2 * MANY);
	ck_assert_int_eq(sink_reader_verify(reader, NULL), SINK_OK);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* A sanitizer has pages of its own. */
#if defined MADV_POPULATE_READ && !defined __SANITIZE_ADDRESS__
#define COUNTS_FAULTS
#endif

#ifdef COUNTS_FAULTS
static long page_faults(void)
{
	struct rusage usage;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_minflt;
}

#define ENOUGH 200000 /* names, for hundreds of pages; a fault brings sixteen */

static struct sink_name name_of_enough(unsigned i)
{
	char text[64];

	snprintf(text, sizeof text, "h%u.example", i);
	return name_of(text);
}

/* The table of pages is filled when the database is opened, all of it: the first queries wait for none of them. */
START_TEST(pages_are_there)
{
	struct sink_record a = record_of(SINK_KIND_BLOCK, "a");
	struct sink_writer *writer = begin_base(file);
	struct sink_reader *reader;
	struct sink_db *db;
	long before = 0;

	for (unsigned i = 0; i < ENOUGH; i++) {
		struct sink_name name = name_of_enough(i);

		add_name(writer, &name, SINK_SCOPE_EXACT, &a);
	}
	end_base(writer);
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	for (unsigned i = 0; i < ENOUGH; i += 50) {
		struct sink_name name = name_of_enough(i);
		unsigned found = 0;

		ck_assert(sink_reader_find(reader, &name, count_one, &found) == SINK_OK);
		ck_assert(found == 1);
		if (i == 0) /* code and heap are there, too */
			before = page_faults();
	}
	ck_assert_int_le(page_faults() - before, 4);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST
#endif

#define SOURCES 3000

/* More listings of one name than a block of usual size holds, between two neighbours. */
START_TEST(many_listings)
{
	struct sink_name name = name_of("b.example"), before = name_of("a.example"),
			 after = name_of("c.example");
	struct sink_writer *writer = begin_base(file);
	struct sink_reader *reader;
	struct sink_db *db;

	for (unsigned i = 0; i < SOURCES; i++) {
		char source[16];
		struct sink_record record;

		snprintf(source, sizeof source, "s%u", i);
		record = record_of(SINK_KIND_BLOCK, source);
		add_name(writer, &name, SINK_SCOPE_SUBTREE, &record);
		if (i == 7) {
			add_name(writer, &before, SINK_SCOPE_SUBTREE, &record);
			add_name(writer, &after, SINK_SCOPE_SUBTREE, &record);
		}
	}
	end_base(writer);
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	ck_assert_uint_eq(count_found(reader, &name), SOURCES);
	ck_assert_uint_eq(count_found(reader, &before), 1);
	ck_assert_uint_eq(count_found(reader, &after), 1);
	ck_assert_int_eq(sink_reader_verify(reader, NULL), SINK_OK);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* --- callers ---------------------------------------------------------------------------------- */

static int stop_walk(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	(void)subject;
	return stop(arg, listing);
}

START_TEST(callback_ends_it)
{
	struct sink_name name = name_of("x.a.multi.example");
	struct sink_reader *reader;
	struct sink_record record;
	struct found found;
	struct sink_db *db;
	unsigned calls = 0;

	make_base(file, listed, LENGTH(listed));
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	ck_assert_int_eq(sink_reader_find(reader, &name, stop, &calls), 77);
	ck_assert_uint_eq(calls, 1);
	ck_assert_int_eq(sink_reader_each(reader, stop_walk, &calls), 77);
	ck_assert_uint_eq(calls, 2);
	ck_assert_str_eq(find(reader, "evil.net", &found), "2 subtree a, ");
	ck_assert_int_eq(sink_reader_record(reader, 3, &record), SINK_ENOENT);
	ck_assert_int_eq(sink_reader_record(reader, UINT32_MAX, &record), SINK_ENOENT);
	sink_reader_end(reader);
	sink_reader_end(NULL);
	sink_db_close(db);
	sink_db_close(NULL);
}
END_TEST

#define RECORDS 1000 /* more than a reader remembers the places of */

/* A reader says of a record what it said before, whatever was asked between; a new one says the same. */
START_TEST(records_in_any_order)
{
	struct sink_writer *writer = begin_base(file);
	struct sink_name name = name_of("evil.net");
	struct dice dice = { 4 };
	static bool seen[RECORDS];
	struct sink_reader *reader;
	struct sink_db *db;

	memset(seen, 0, sizeof seen);
	for (int i = 0; i < RECORDS; i++) {
		char source[16];
		struct sink_record record;

		snprintf(source, sizeof source, "%d", i);
		record = record_of(SINK_KIND_BLOCK, source);
		add_name(writer, &name, SINK_SCOPE_SUBTREE, &record);
	}
	ck_assert_uint_eq(end_base(writer).records, RECORDS);
	db = open_base(file, SINK_MAP_SEALED);
	reader = begin_reader(db);
	for (int i = 0; i < 50 * RECORDS; i++) {
		uint32_t number = (uint32_t)roll(&dice, RECORDS);
		struct sink_reader *fresh = begin_reader(db);
		struct sink_record a, b;

		ck_assert(sink_reader_record(reader, number, &a) == SINK_OK);
		ck_assert(sink_reader_record(fresh, number, &b) == SINK_OK);
		ck_assert(sink_span_equal(a.text[SINK_FIELD_SOURCE], b.text[SINK_FIELD_SOURCE]));
		seen[strtoul((const char *)memcpy((char[16]){ 0 }, a.text[SINK_FIELD_SOURCE].at,
				     a.text[SINK_FIELD_SOURCE].len),
			NULL, 10)] = true;
		sink_reader_end(fresh);
	}
	for (int i = 0; i < RECORDS; i++)
		ck_assert(seen[i]);
	ck_assert_int_eq(sink_reader_verify(reader, NULL), SINK_OK);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

static void *search(void *arg)
{
	struct sink_reader *reader = begin_reader(arg);
	struct found found;

	for (int n = 0; n < 200; n++)
		for (size_t i = 0; i < LENGTH(finds); i++)
			ck_assert_str_eq(find(reader, finds[i].name, &found), finds[i].found);
	return reader; /* ended by another thread */
}

START_TEST(readers_in_threads)
{
	pthread_t threads[4];
	struct sink_db *db;
	void *reader;

	make_base(file, listed, LENGTH(listed));
	db = open_base(file, SINK_MAP_SEALED);
	for (size_t i = 0; i < LENGTH(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, search, db), 0);
	for (size_t i = 0; i < LENGTH(threads); i++) {
		ck_assert_int_eq(pthread_join(threads[i], &reader), 0);
		sink_reader_end(reader);
	}
	sink_db_close(db);
}
END_TEST

/* --- opening ---------------------------------------------------------------------------------- */

static int open_fails(const char *path, const struct sink_db_options *options)
{
	struct sink_db *db = (struct sink_db *)(uintptr_t)1;
	struct sink_why why = { "" };
	int err = sink_db_open(path, options, &why, &db);

	ck_assert_int_ne(err, SINK_OK);
	ck_assert_uint_eq((uintptr_t)db, 1);
	ck_assert_msg(strstr(why.text, path) != NULL, "no path in: %s", why.text);
	return err;
}

/* None of these may hang; that is for the test's clock to find. */
static void refuse_odd_files(enum sink_map map)
{
	struct sink_db_options options = promise(file, map);
	char path[PATH_ROOM];

	inside(room, "odd", path);
	ck_assert_int_eq(open_fails(path, &options), SINK_ENOENT);
	ck_assert_int_eq(open_fails(inside(room, "no/such", path), &options), SINK_ENOENT);
	ck_assert_int_eq(open_fails(inside(room, "base.mdb/x", path), &options), SINK_ENOENT);
	ck_assert_int_eq(open_fails(room, &options), SINK_ECORRUPT);
	ck_assert_int_eq(open_fails("/dev/null", &options), SINK_ECORRUPT);
	ck_assert_int_eq(open_fails("/dev/zero", &options), SINK_ECORRUPT);
	inside(room, "odd", path);
	ck_assert_int_eq(symlink(file, path), 0);
	ck_assert_int_eq(open_fails(path, &options), SINK_ECORRUPT);
	ck_assert_int_eq(unlink(path) | mkfifo(path, 0644), 0);
	ck_assert_int_eq(open_fails(path, &options), SINK_ECORRUPT);
	ck_assert_int_eq(unlink(path), 0);
	options.size++;
	ck_assert_int_eq(open_fails(file, &options), SINK_ECORRUPT);
	options.size -= 2;
	ck_assert_int_eq(open_fails(file, &options), SINK_ECORRUPT);
	options.size = 0;
	ck_assert_int_eq(open_fails(file, &options), SINK_ECORRUPT);
	options.size = UINT64_MAX;
	ck_assert_int_eq(open_fails(file, &options), SINK_ECORRUPT);
	options = promise(file, map);
	options.digest[31] ^= 1;
	ck_assert_int_eq(open_fails(file, &options), SINK_ECORRUPT);
}

START_TEST(odd_files)
{
	unsigned before;

	make_base(file, listed, LENGTH(listed));
	before = open_files();
	refuse_odd_files(SINK_MAP_SEALED);
	refuse_odd_files(SINK_MAP_DIRECT);
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

/* Not ours, but as promised. */
static const struct {
	const char *bytes;
	size_t len, repeat;
} strangers[] = {
	{ "", 0, 0 }, { "x", 1, 1 }, { "\0", 1, 4096 }, { "\0", 1, 8192 }, { "\0", 1, 1 << 20 },
	{ "SINKHOLE", 8, 2048 },
	{ "\0\0\0\0\0\0\0\0\0\0\x08\0\0\0\0\0\xde\xc0\xef\xbe\1\0\0\0", 24, 1 }, /* an LMDB, cut */
};

START_TEST(stranger)
{
	struct sink_db_options options;
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	for (size_t i = 0; i < strangers[_i].repeat; i++)
		ck_assert_int_eq(write(fd, strangers[_i].bytes, strangers[_i].len),
			(ssize_t)strangers[_i].len);
	close(fd);
	options = promise(file, SINK_MAP_SEALED);
	ck_assert_int_eq(open_fails(file, &options), SINK_ECORRUPT);
	options.map = SINK_MAP_DIRECT;
	ck_assert_int_eq(open_fails(file, &options), SINK_ECORRUPT);
}
END_TEST

static int open_as_nobody(void *arg)
{
	struct sink_db *db = NULL;
	int err;

	/* By a short path: nobody may not be allowed on the long one. */
	if (chdir(room) || (geteuid() == 0 && seteuid(65534)))
		return 127;
	err = sink_db_open("base.mdb", arg, NULL, &db);
	sink_db_close(db);
	return -err;
}

START_TEST(unreadable)
{
	struct sink_db_options options;

	make_base(file, listed, LENGTH(listed));
	options = promise(file, SINK_MAP_SEALED);
	ck_assert_int_eq(chmod(room, 0755) | chmod(file, 0), 0);
	ck_assert_int_eq(in_child(open_as_nobody, &options), -SINK_EIO);
	ck_assert_int_eq(chmod(file, 0644), 0);
	ck_assert_int_eq(in_child(open_as_nobody, &options), -SINK_OK);
}
END_TEST

/* In a child: what happens with less of something. Returns minus the code; 99 if files leak. */
static int open_limited(void *arg)
{
	unsigned before = open_files();
	struct sink_db *db = NULL;
	int err = sink_db_open(file, arg, NULL, &db);

	sink_db_close(db);
	return open_files() == before ? -err : 99;
}

static int open_without_room(void *arg)
{
	const struct rlimit limit = { .rlim_cur = 8192, .rlim_max = 8192 };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit); /* a memory file is a file in this, too */
	return open_limited(arg);
}

static int open_without_descriptors(void *arg)
{
	unsigned fds = open_files();
	struct rlimit limit = { .rlim_cur = fds + 1, .rlim_max = fds + 1 };
	int fd = -1;

	/* No holes below the limit but one, for the file. */
	for (;;) {
		int next = dup(0);

		if (next < 0 || (unsigned)next > fds)
			break;
		fd = next;
	}
	(void)fd;
	setrlimit(RLIMIT_NOFILE, &limit);
	return open_limited(arg);
}

START_TEST(too_little)
{
	struct sink_db_options options;

	make_many();
	options = promise(file, SINK_MAP_SEALED);
	ck_assert_int_eq(in_child(open_without_room, &options), -SINK_ENOMEM);
	ck_assert_int_eq(in_child(open_without_descriptors, &options), -SINK_EIO);
	options.map = SINK_MAP_DIRECT;
	ck_assert_int_eq(in_child(open_without_descriptors, &options), -SINK_EIO);
}
END_TEST

#define NOT_ALLOWED 126 /* to hide /proc: a container, or neither root nor user namespaces */

static int open_without_proc(void *arg)
{
	struct sink_db *db = NULL;
	struct sink_reader *reader;
	struct found found;
	int err;

	if (unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("none", "/proc", "tmpfs", 0, NULL))
		return NOT_ALLOWED;
	err = sink_db_open(file, arg, NULL, &db);
	if (err)
		return -err;
	if (sink_db_map(db) != SINK_MAP_DIRECT)
		return 99;
	reader = begin_reader(db);
	if (strcmp(find(reader, "x.evil.net", &found), "2 subtree a, ") != 0)
		return 98;
	sink_reader_end(reader);
	sink_db_close(db);
	return 0;
}

/* Without /proc there is no path to a copy: the file is verified and mapped, and says so. */
START_TEST(no_proc)
{
	struct sink_db_options options;
	int result;

	make_base(file, listed, LENGTH(listed));
	options = promise(file, SINK_MAP_SEALED);
	result = in_child(open_without_proc, &options);
	ck_assert_msg(result == 0 || result == NOT_ALLOWED, "%d", result);
	options.digest[0] ^= 1;
	result = in_child(open_without_proc, &options);
	ck_assert_msg(result == -SINK_ECORRUPT || result == NOT_ALLOWED, "%d", result);
}
END_TEST

static void *cancel_soon(void *arg)
{
	atomic_bool *cancel = arg;

	usleep(20000);
	atomic_store(cancel, true);
	return NULL;
}

START_TEST(cancelled)
{
	const off_t huge = (off_t)1 << 40; /* 1 TiB of hole: hours to read */
	atomic_bool cancel = false;
	struct sink_db_options options = { .map = SINK_MAP_DIRECT, .cancel = &cancel };
	pthread_t thread;

	options.size = (uint64_t)huge;
	write_whole(file, "", 0);
	ck_assert_int_eq(truncate(file, huge), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
	ck_assert_int_eq(open_fails(file, &options), SINK_ECANCELED);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	options.map = SINK_MAP_SEALED;
	ck_assert_int_eq(open_fails(file, &options), SINK_ECANCELED);
}
END_TEST

/* What becomes of the file afterwards is no matter to a sealed copy. */
START_TEST(file_is_destroyed)
{
	struct sink_reader *reader;
	struct found found;
	struct sink_db *db;

	make_base(file, listed, LENGTH(listed));
	db = open_base(file, SINK_MAP_SEALED);
	ck_assert_int_eq(truncate(file, 0), 0);
	reader = begin_reader(db);
	for (size_t i = 0; i < LENGTH(finds); i++)
		ck_assert_str_eq(find(reader, finds[i].name, &found), finds[i].found);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(sink_reader_verify(reader, NULL), SINK_OK);
	sink_reader_end(reader);
	sink_db_close(db);
}
END_TEST

/* Open databases share nothing, not even when they come from one file. */
START_TEST(twice_open)
{
	struct sink_reader *a, *b;
	struct sink_db *one, *two;
	struct found found;
	unsigned before;

	make_base(file, listed, LENGTH(listed));
	before = open_files();
	one = open_base(file, SINK_MAP_SEALED);
	two = open_base(file, SINK_MAP_DIRECT);
	a = begin_reader(one);
	b = begin_reader(two);
	sink_reader_end(a);
	sink_db_close(one);
	ck_assert_str_eq(find(b, "evil.net", &found), "2 subtree a, ");
	sink_reader_end(b);
	sink_db_close(two);
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("db");
	TCase *finding = tcase_create("find");
	TCase *opening = tcase_create("open");

	tcase_add_checked_fixture(finding, enter_room, leave_room);
	tcase_add_test(finding, find_rows);
	tcase_add_test(finding, find_in_any_order);
	tcase_add_test(finding, root_is_listed);
	tcase_add_test(finding, nothing_is_listed);
	tcase_add_test(finding, deepest_name);
	tcase_add_test(finding, find_others);
	tcase_add_test(finding, nothing_of_others);
	tcase_add_test(finding, prefixes_like_plain_comparison);
	tcase_add_test(finding, walk_others);
	tcase_add_test(finding, walk_like_each);
	tcase_add_test(finding, walk_with_many_listings);
	tcase_add_test(finding, many_names);
#ifdef COUNTS_FAULTS
	tcase_add_test(finding, pages_are_there);
#endif
	tcase_add_test(finding, many_listings);
	tcase_add_test(finding, callback_ends_it);
	tcase_add_test(finding, records_in_any_order);
	tcase_add_test(finding, readers_in_threads);
	tcase_set_timeout(finding, 120);
	suite_add_tcase(suite, finding);
	tcase_add_checked_fixture(opening, enter_room, leave_room);
	tcase_add_test(opening, odd_files);
	tcase_add_loop_test(opening, stranger, 0, LENGTH(strangers));
	tcase_add_test(opening, unreadable);
	tcase_add_test(opening, too_little);
	tcase_add_test(opening, no_proc);
	tcase_add_test(opening, cancelled);
	tcase_add_test(opening, file_is_destroyed);
	tcase_add_test(opening, twice_open);
	tcase_set_timeout(opening, 120);
	suite_add_tcase(suite, opening);
	return run_suite(suite);
}

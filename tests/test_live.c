/* test_live.c - live changes: what a delta makes of them, and that nobody's is lost. Their owner here keeps a line each:
 * "+ NAME SOURCE SCOPE [FROM UNTIL]" (seconds; 0: none) or "- NAME [SOURCE]". */
#include "sinkhole/change.h"

#include <dirent.h>
#include <signal.h>
#include <time.h>

#include "base.h"

static char room[PATH_ROOM], data[PATH_ROOM], gen[PATH_ROOM];

static void enter_room(void)
{
	make_room(room);
	inside(room, "data", data);
	inside(data, "gen", gen);
}

static void leave_room(void)
{
	clear_room(room);
}

/* --- an owner -------------------------------------------------------------------------------------- */

struct owner {
	const char *more; /* lines to add; NULL: none */
	int refuses; /* what take() returns */
	int breaks; /* what next() returns at the end instead of SINK_ENOENT, if not 0 */
	char text[65536];
	const char *at; /* the next line */
	char source[64];
};

static int take(void *arg, struct sink_span before, struct sink_why *why, struct sink_span *after)
{
	struct owner *owner = arg;

	owner->text[0] = 0;
	if (before.len > 0)
		strncat(owner->text, (const char *)before.at, before.len);
	strcat(owner->text, owner->more ? owner->more : "");
	owner->at = owner->text;
	if (owner->refuses)
		return sink_why(why, owner->refuses, "the owner refuses");
	*after = sink_span_text(owner->text);
	return SINK_OK;
}

static int next(void *arg, struct sink_change *out)
{
	struct owner *owner = arg;
	char sign, name[64] = "", word[4][16] = { "", "exact", "0", "0" };
	int len = 0;

	owner->source[0] = 0;
	if (!*owner->at)
		return owner->breaks ? owner->breaks : SINK_ENOENT;
	sscanf(owner->at, "%c %63s%n", &sign, name, &len);
	owner->at += len;
	for (int i = 0; *owner->at++ == ' '; i++) {
		sscanf(owner->at, "%15s%n", word[i], &len);
		owner->at += len;
	}
	strcpy(owner->source, word[0]);
	*out = (struct sink_change){ .removes = sign == '-',
		.record = record_of(SINK_KIND_BLOCK, owner->source) };
	out->record.valid_from = strtoll(word[2], NULL, 10);
	out->record.valid_until = strtoll(word[3], NULL, 10);
	for (int i = 0; i < SINK_SCOPE_COUNT; i++)
		if (strcmp(word[1], sink_scope_word((enum sink_scope)i)) == 0)
			out->scope = (enum sink_scope)i;
	if (strchr("0123456789", name[0])) {
		out->subject.trigger = SINK_TRIGGER_ANSWER;
		out->subject.prefix = prefix_of(name);
	} else {
		out->subject.trigger = SINK_TRIGGER_QNAME;
		out->subject.name = name_of(name);
	}
	return SINK_OK;
}

static int try_apply(struct owner *owner, const char *temp, struct sink_summary *summary,
	struct sink_why *why, struct sink_manifest *out)
{
	const struct sink_live live = { .take = take, .next = next, .arg = owner };
	struct sink_publish what = { .temp = temp,
		.live = &live,
		.time = 1795262400,
		.origin = "test",
		.tool = "test 1",
		.wait = true };

	if (summary)
		what.summary = *summary;
	return sink_store_publish(data, &what, why, out);
}

static struct sink_manifest apply(const char *lines)
{
	static struct owner owner;
	struct sink_manifest manifest;
	struct sink_why why = { .text = "" };

	owner = (struct owner){ .more = lines };
	ck_assert_msg(try_apply(&owner, NULL, NULL, &why, &manifest) == SINK_OK, "%s", why.text);
	return manifest;
}

/* --- a base ---------------------------------------------------------------------------------------- */

static const struct base_row rows[] = {
	{ "evil.net", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, "a" },
	{ "evil.net", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "b" },
	{ "evil.net", SINK_SCOPE_BELOW, SINK_KIND_BLOCK, "b" },
	{ "www.evil.net", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "b" },
	{ "good.org", SINK_SCOPE_EXACT, SINK_KIND_ALLOW, "c" },
	{ "zz", SINK_SCOPE_SUBTREE, SINK_KIND_IMPORTANT, "a" },
};

static struct sink_manifest publish_base(struct owner *owner)
{
	char temp[PATH_ROOM];
	struct sink_manifest manifest;
	struct sink_summary summary;
	struct sink_why why = { .text = "" };

	ck_assert_int_eq(sink_store_temp(data, &why, temp, sizeof temp), SINK_OK);
	summary = make_base(temp, rows, LENGTH(rows));
	ck_assert_msg(try_apply(owner, temp, &summary, &why, &manifest) == SINK_OK, "%s", why.text);
	return manifest;
}

static struct owner nobody;

static int put(void *arg, const struct sink_subject *subject, const struct sink_listing *listing)
{
	char *text = arg, name[SINK_TEXT_MAX];

	if (sink_trigger_is_prefix(subject->trigger))
		sink_prefix_to_text(&subject->prefix, name);
	else
		sink_name_to_text(&subject->name, name);
	sprintf(text + strlen(text), "%s %s #%u; ", name, sink_scope_word(listing->scope),
		listing->record);
	return SINK_OK;
}

static void put_record(char *text, const struct sink_record *record)
{
	strncat(text, (const char *)record->text[SINK_FIELD_SOURCE].at,
		record->text[SINK_FIELD_SOURCE].len);
	if (record->valid_from || record->valid_until)
		sprintf(text + strlen(text), " %lld %lld", (long long)record->valid_from,
			(long long)record->valid_until);
}

/* All that is listed, with sources in the place of records, and when they are valid, if not always:
 * "evil.net subtree a; x.net exact b 0 7; " */
static const char *listed(const struct sink_manifest *manifest, char text[8192])
{
	struct sink_why why = { .text = "" };
	struct sink_reader *reader;
	struct sink_record record;
	char raw[8192] = "", *at = raw, *mark;
	struct sink_db *db;

	ck_assert_msg(sink_store_open(data, manifest, SINK_MAP_DIRECT, NULL, &why, &db) == SINK_OK,
		"%s", why.text);
	reader = begin_reader(db);
	ck_assert_msg(sink_reader_verify(reader, &why) == SINK_OK, "%s", why.text);
	ck_assert_int_eq(sink_reader_each(reader, put, raw), SINK_OK);
	text[0] = 0;
	while ((mark = strchr(at, '#'))) {
		strncat(text, at, (size_t)(mark - at));
		ck_assert_int_eq(sink_reader_record(reader, (uint32_t)strtoul(mark + 1, &at, 10),
					 &record),
			SINK_OK);
		put_record(text, &record);
	}
	strcat(text, at);
	sink_reader_end(reader);
	sink_db_close(db);
	return text;
}

#define REST "www.evil.net exact b; good.org exact c; zz subtree a; "

/* --- what comes of changes ---------------------------------------------------------------------------- */

#define T "t.net subtree feed; "
#define W "w.net exact feed 100 200; "
#define BASE "evil.net subtree a; evil.net exact b; evil.net below b; "

static const struct {
	const char *lines, *listed; /* NULL: there is no delta */
} cases[] = {
	{ "- nowhere.net\n", NULL },
	{ "- nowhere.net a\n- evil.net c\n", NULL },
	{ "+ evil.net a subtree\n", NULL }, /* as it is */
	{ "- x.evil.net\n- net\n", NULL }, /* neighbours are not meant */
	{ "- zz\n+ zz a subtree\n",
		"evil.net subtree a; evil.net exact b; evil.net below b; "
		"www.evil.net exact b; good.org exact c; zz subtree a; " }, /* less important */
	{ "- evil.net\n", REST },
	{ "- evil.net a\n", "evil.net exact b; evil.net below b; " REST },
	{ "- evil.net b\n", "evil.net subtree a; " REST },
	{ "- evil.net a\n- evil.net b\n", REST },
	{ "+ evil.net b below\n", "evil.net subtree a; evil.net below b; " REST },
	{ "+ evil.net live subtree\n", BASE "evil.net subtree live; " REST },
	{ "- evil.net\n+ evil.net live exact\n", "evil.net exact live; " REST },
	{ "+ a.evil.net live exact\n", BASE "a.evil.net exact live; " REST },
	{ "+ com live subtree\n- good.org c\n",
		"com subtree live; " BASE "www.evil.net exact b; zz subtree a; " },
	{ "+ 192.0.2.0/24 live\n", BASE REST "192.0.2.0/24 exact live; " },
	{ "- evil.net\n- www.evil.net\n- good.org\n- zz\n", "" },
};

START_TEST(changes_come_over_the_base)
{
	struct sink_manifest manifest;
	char text[8192];

	publish_base(&nobody);
	manifest = apply(cases[_i].lines);
	ck_assert_int_eq(manifest.delta[0] != 0, cases[_i].listed != NULL);
	ck_assert_ptr_nonnull(strstr(manifest.changes, "changes-2-"));
	ck_assert_str_eq(listed(&manifest, text), cases[_i].listed ? cases[_i].listed : BASE REST);
	ck_assert_uint_eq(manifest.names, 4); /* the base's */
}
END_TEST

/* A feed's own entry gives way to a live one of its source for as long as that is valid, and is back at the very second. */
static const struct {
	const char *lines, *listed;
} spans[] = {
	{ "+ t.net feed exact 0 150\n", "t.net exact feed 0 150; t.net subtree feed 150 0; " W },
	{ "+ t.net feed exact 50 0\n", "t.net subtree feed 0 50; t.net exact feed 50 0; " W },
	{ "+ t.net feed exact 50 150\n",
		"t.net subtree feed 0 50; t.net exact feed 50 150; t.net subtree feed 150 0; " W },
	{ "+ t.net feed exact 0 0\n", "t.net exact feed; " W },
	{ "+ t.net live exact 0 150\n", "t.net subtree feed; t.net exact live 0 150; " W },
	{ "- t.net\n+ t.net feed exact 0 150\n", "t.net exact feed 0 150; " W },
	{ "+ t.net feed exact 0 150\n- t.net feed\n", "t.net exact feed 0 150; " W },
	{ "+ t.net feed exact 20 30\n+ t.net feed below 40 50\n", /* more than a command would keep */
		"t.net subtree feed 0 20; t.net exact feed 20 30; t.net subtree feed 30 40; "
		"t.net below feed 40 50; t.net subtree feed 50 0; " W },
	{ "+ t.net feed exact 150 150\n", /* never valid, so in nobody's way */
		"t.net subtree feed; t.net exact feed 150 150; " W },
	{ "+ w.net feed subtree 0 150\n",
		T "w.net subtree feed 0 150; w.net exact feed 150 200; " },
	{ "+ w.net feed subtree 120 150\n",
		T "w.net exact feed 100 120; w.net subtree feed 120 150; w.net exact feed 150 "
		  "200; " },
	{ "+ w.net feed subtree 0 200\n", T "w.net subtree feed 0 200; " },
	{ "+ w.net feed subtree 50 250\n", T "w.net subtree feed 50 250; " },
	{ "+ w.net feed subtree 0 100\n",
		T "w.net subtree feed 0 100; w.net exact feed 100 200; " },
	{ "+ w.net feed subtree 200 0\n",
		T "w.net exact feed 100 200; w.net subtree feed 200 0; " },
};

static void publish_timed_base(void)
{
	struct owner owner = { .more = "" };
	struct sink_name always = name_of("t.net"), sometimes = name_of("w.net");
	struct sink_record record = record_of(SINK_KIND_BLOCK, "feed");
	struct sink_manifest manifest;
	struct sink_summary summary;
	struct sink_writer *writer;
	struct sink_why why = { .text = "" };
	char temp[PATH_ROOM];

	ck_assert_int_eq(sink_store_temp(data, &why, temp, sizeof temp), SINK_OK);
	writer = begin_base(temp);
	add_name(writer, &always, SINK_SCOPE_SUBTREE, &record);
	record.valid_from = 100;
	record.valid_until = 200;
	add_name(writer, &sometimes, SINK_SCOPE_EXACT, &record);
	summary = end_base(writer);
	ck_assert_msg(try_apply(&owner, temp, &summary, &why, &manifest) == SINK_OK, "%s",
		why.text);
}

START_TEST(what_is_over_hides_nothing)
{
	struct sink_manifest manifest;
	char text[8192];

	publish_timed_base();
	manifest = apply(spans[_i].lines);
	ck_assert_str_eq(listed(&manifest, text), spans[_i].listed);
}
END_TEST

START_TEST(what_is_changed_is_counted)
{
	struct sink_manifest manifest = publish_base(&nobody);
	char path[PATH_ROOM];
	uint64_t count = 1;

	ck_assert_int_eq(sink_store_changed(data, &manifest, NULL, &count), SINK_OK);
	ck_assert_uint_eq(count, 0);
	apply("- evil.net\n+ com live exact\n");
	manifest = apply("+ com live subtree\n"); /* the same subject */
	ck_assert_int_eq(sink_store_changed(data, &manifest, NULL, &count), SINK_OK);
	ck_assert_uint_eq(count, 2);
	write_whole(inside(gen, manifest.delta, path), "damage\n", 7);
	ck_assert_int_eq(sink_store_changed(data, &manifest, NULL, &count), SINK_ECORRUPT);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(sink_store_changed(data, &manifest, NULL, &count), SINK_ENOENT);
	ck_assert_uint_eq(count, 0);
}
END_TEST

/* What was changed before stays changed; a compile of the same feeds, or others, changes nothing of that. */
START_TEST(changes_last)
{
	struct sink_manifest one, two, three, four;
	struct owner owner = { .more = "" };
	char text[8192];

	publish_base(&nobody);
	one = apply("- evil.net b\n");
	two = apply("+ com live exact\n");
	ck_assert_str_eq(listed(&two, text), "com exact live; evil.net subtree a; " REST);
	ck_assert_str_eq(listed(&one, text), "evil.net subtree a; " REST);
	three = publish_base(&owner);
	ck_assert_str_ne(three.base, two.base);
	ck_assert_mem_eq(three.base_digest, two.base_digest, SINK_DIGEST_LEN);
	ck_assert_str_eq(three.changes, two.changes); /* the same bytes, the same file */
	ck_assert_str_eq(three.delta, two.delta);
	ck_assert_str_eq(listed(&three, text), "com exact live; evil.net subtree a; " REST);
	four = publish_base(&nobody); /* who knows of no changes, and keeps them */
	ck_assert_str_eq(four.changes, two.changes);
}
END_TEST

/* What is published without a word about changes: again they stay, with a base of its own they are over. */
START_TEST(changes_go_along)
{
	struct sink_publish what = { .time = 1795262400, .origin = "test", .tool = "test 1" };
	struct sink_manifest one, two;
	char temp[PATH_ROOM];

	publish_base(&nobody);
	apply("- evil.net b\n");
	one = apply("- zz\n");
	what.pausing = SINK_PAUSE_BEGIN;
	what.pause_until = SINK_PAUSED_OPEN;
	ck_assert_int_eq(sink_store_publish(data, &what, NULL, &two), SINK_OK);
	ck_assert_str_eq(two.delta, one.delta);
	ck_assert_str_eq(two.changes, one.changes);
	ck_assert_int_eq(two.paused_until, SINK_PAUSED_OPEN);
	two = apply("- www.evil.net\n"); /* a pause goes along, too */
	ck_assert_int_eq(two.paused_until, SINK_PAUSED_OPEN);
	what.pausing = SINK_PAUSE_KEEP;
	what.policy = &sink_policy_default;
	ck_assert_int_eq(sink_store_publish(data, &what, NULL, &one), SINK_OK);
	ck_assert_str_eq(one.delta, two.delta);
	what.policy = NULL;
	what.again = 2;
	ck_assert_int_eq(sink_store_publish(data, &what, NULL, &one), SINK_OK);
	ck_assert_ptr_nonnull(strstr(one.delta, "delta-2-"));
	ck_assert_ptr_nonnull(strstr(one.changes, "changes-2-"));
	what.again = 0;
	what.temp = temp;
	ck_assert_int_eq(sink_store_temp(data, NULL, temp, sizeof temp), SINK_OK);
	what.summary = make_base(temp, rows, LENGTH(rows));
	ck_assert_int_eq(sink_store_publish(data, &what, NULL, &one), SINK_OK);
	ck_assert_str_eq(one.changes, "");
	ck_assert_str_eq(one.delta, "");
}
END_TEST

/* A base that stands for the one that is published: nothing is undone that came between. */
START_TEST(a_base_stands_for_another)
{
	const struct sink_live live = { .take = take, .next = next, .arg = &nobody };
	struct sink_publish what = { .live = &live, .time = 1, .origin = "test", .tool = "test 1" };
	struct sink_rule rule = sink_policy_default.rules[0];
	struct sink_policy policy = sink_policy_default;
	struct sink_manifest one, two, after = { .serial = 0 };
	char temp[PATH_ROOM], text[8192];

	publish_base(&nobody);
	rule.action = SINK_ACTION_REFUSED;
	policy.rules = &rule;
	what.policy = &policy;
	ck_assert_int_eq(sink_store_publish(data, &what, NULL, &one), SINK_OK);
	apply("+ com x exact\n");
	what.policy = NULL;
	what.temp = temp;
	what.over = one.base_digest;
	ck_assert_int_eq(sink_store_temp(data, NULL, temp, sizeof temp), SINK_OK);
	what.summary = make_base(temp, rows, 2);
	ck_assert_int_eq(sink_store_publish(data, &what, NULL, &two), SINK_OK);
	ck_assert_str_eq(two.policy, one.policy);
	ck_assert_str_eq(listed(&two, text), "com exact x; evil.net subtree a; evil.net exact b; ");
	ck_assert_int_eq(sink_store_temp(data, NULL, temp, sizeof temp), SINK_OK);
	what.summary = make_base(temp, rows, 1);
	ck_assert_int_eq(sink_store_publish(data, &what, NULL, &after), SINK_EOLD);
	ck_assert_uint_eq(after.serial, 0);
	ck_assert_int_eq(access(temp, F_OK), 0); /* the caller's still */
}
END_TEST

/* --- what fails ------------------------------------------------------------------------------------- */

static unsigned count_files(void)
{
	DIR *dir = opendir(gen);
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

START_TEST(refusals_publish_nothing)
{
	static const struct {
		int err;
		struct owner owner;
	} refusals[] = {
		{ SINK_ESYNTAX, { .refuses = SINK_ESYNTAX, .more = "- a\n" } },
		{ SINK_ECANCELED,
			{ .breaks = SINK_ECANCELED, .more = "- evil.net\n+ com x exact\n" } },
	};
	unsigned before;

	publish_base(&nobody);
	before = count_files();
	for (size_t i = 0; i < LENGTH(refusals); i++) {
		struct owner owner = refusals[i].owner;
		struct sink_manifest manifest;
		struct sink_why why = { .text = "" };

		ck_assert_int_eq(try_apply(&owner, NULL, NULL, &why, &manifest), refusals[i].err);
		ck_assert_str_ne(why.text, "");
		ck_assert_uint_eq(count_files(), before);
	}
	ck_assert_int_eq(sink_store_manifest(data, 1, NULL, &(struct sink_manifest){ 0 }), SINK_OK);
}
END_TEST

START_TEST(damaged_changes_are_not_lost)
{
	const struct sink_live anew = { .take = take, .next = next, .arg = &nobody, .anew = true };
	struct sink_publish what = { .live = &anew, .time = 1, .origin = "test", .tool = "test 1" };
	struct sink_manifest manifest;
	struct owner owner = { .more = "- zz\n" };
	struct sink_why why = { .text = "" };
	char path[PATH_ROOM];

	publish_base(&nobody);
	manifest = apply("- evil.net\n");
	write_whole(inside(gen, manifest.changes, path), "- good.org\n\n", 12);
	ck_assert_int_eq(try_apply(&owner, NULL, NULL, &why, &manifest), SINK_ECORRUPT);
	ck_assert_ptr_nonnull(strstr(why.text, manifest.changes));
	ck_assert_int_eq(sink_store_publish(data, &what, NULL, &manifest), SINK_OK);
	ck_assert_str_eq(manifest.changes, "");
	ck_assert_str_eq(manifest.delta, "");
}
END_TEST

/* A damaged manifest locks nobody out, and what can be known of the changes stays in force. */
START_TEST(damaged_manifests_are_passed_over)
{
	struct sink_manifest manifest;
	struct owner owner = { .more = "" };
	char path[PATH_ROOM], text[8192];

	publish_base(&nobody);
	apply("- evil.net\n");
	apply("- zz\n");
	write_whole(inside(data, "current", path), "damage\n", 7);
	manifest = publish_base(&owner); /* gen holds the same text */
	ck_assert_str_eq(listed(&manifest, text), "www.evil.net exact b; good.org exact c; ");
	write_whole(inside(data, "current", path), "damage\n", 7);
	write_whole(inside(gen, "000000000004.manifest", path), "damage\n", 7);
	write_whole(inside(gen, "000000000003.manifest", path), "damage\n", 7);
	manifest = publish_base(&owner);
	ck_assert_str_eq(listed(&manifest, text), REST);
	for (int serial = 1; serial <= 5; serial++) {
		char name[32];

		snprintf(name, sizeof name, "%012d.manifest", serial);
		write_whole(inside(gen, name, path), "damage\n", 7);
	}
	write_whole(inside(data, "current", path), "damage\n", 7);
	manifest = publish_base(&owner);
	ck_assert_str_eq(manifest.changes, "");
}
END_TEST

/* A base is not verified for a change, but whatever is wrong with it, nothing crashes. */
#define CASES 1500

START_TEST(damaged_bases_do_not_crash)
{
	struct sink_manifest manifest = publish_base(&nobody), after;
	struct dice dice = { 5 };
	char path[PATH_ROOM];
	struct bytes good = read_whole(inside(gen, manifest.base, path));
	unsigned refused = 0;

	for (unsigned n = 0; n < CASES; n += STRIDE) {
		struct owner owner = {
			.more = "- evil.net\n- zz a\n+ good.org c exact\n+ q x exact\n"
		};
		struct bytes bad = { malloc(good.len), good.len };
		struct sink_why why = { .text = "" };
		int err;

		ck_assert(bad.at);
		memcpy(bad.at, good.at, good.len);
		for (uint64_t times = 1 + roll(&dice, 8); times > 0; times--) {
			/* mostly where something is: an LMDB page fills up from its end */
			size_t page = roll(&dice, bad.len / 4096) * 4096;
			size_t at = roll(&dice, 2) ? roll(&dice, 64) : 4095 - roll(&dice, 600);

			bad.at[page + at] = (uint8_t)roll(&dice, 256);
		}
		write_whole(path, bad.at, bad.len);
		err = try_apply(&owner, NULL, NULL, &why, &after);
		if (err)
			ck_assert(why.text[0] && (err == SINK_ECORRUPT || err == SINK_EVERSION));
		refused += err != SINK_OK;
		free(bad.at);
	}
	ck_assert_uint_gt(refused, CASES / STRIDE / 10);
	write_whole(path, good.at, good.len / 2);
	ck_assert_int_eq(try_apply(&nobody, NULL, NULL, NULL, &after), SINK_ECORRUPT);
	free(good.at);
}
END_TEST

/* --- many at once ------------------------------------------------------------------------------------ */

#define WORKERS 8
#define EACH 6

static int apply_some(void *arg)
{
	int worker = *(int *)arg;

	for (int i = 0; i < EACH; i++) {
		static struct owner owner;
		struct sink_manifest manifest;
		char line[64];

		snprintf(line, sizeof line, "+ w%d-%d.net live exact\n", worker, i);
		owner = (struct owner){ .more = line };
		if (worker % 4 == 0 && i % 3 == 0)
			publish_base(&nobody);
		if (try_apply(&owner, NULL, NULL, NULL, &manifest))
			return 1;
	}
	return 0;
}

START_TEST(no_change_is_lost)
{
	struct sink_manifest manifest;
	char text[8192];
	pid_t pids[WORKERS];
	int status;

	publish_base(&nobody);
	for (int i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(apply_some(&i));
	}
	for (int i = 0; i < WORKERS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(sink_store_manifest(data, 0, NULL, &manifest), SINK_OK);
	listed(&manifest, text);
	for (int i = 0; i < WORKERS * EACH; i++) {
		char name[64];

		snprintf(name, sizeof name, "w%d-%d.net exact live; ", i / EACH, i % EACH);
		ck_assert_msg(strstr(text, name) != NULL, "%s is lost", name);
	}
	ck_assert_uint_eq(manifest.serial, 1 + WORKERS * EACH + 2 * WORKERS / 4);
}
END_TEST

/* --- killed ------------------------------------------------------------------------------------------ */

#define KILLS 100

static int apply_quietly(const char *line)
{
	static struct owner owner;
	struct sink_manifest manifest;

	owner = (struct owner){ .more = line };
	return try_apply(&owner, NULL, NULL, NULL, &manifest) != SINK_OK;
}

/* Apply a line in a process that lives at most so long; returns if it came to its end. */
static bool apply_and_kill(const char *line, int64_t microseconds)
{
	const struct timespec wait = { .tv_sec = (time_t)(microseconds / 1000000),
		.tv_nsec = (long)(microseconds % 1000000) * 1000 };
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(apply_quietly(line));
	nanosleep(&wait, NULL);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		ck_assert_int_eq(WEXITSTATUS(status), 0);
	return WIFEXITED(status);
}

/* Whenever an applier dies, the old generation or the new one is there, whole, with every change that was published.
 * However fast the machine is, about half of them die. */
START_TEST(killed_anywhere)
{
	struct dice dice = { 2026 };
	struct sink_manifest manifest;
	unsigned published = 0, found = 0;
	char text[8192], line[64];
	int64_t longest = 1000; /* microseconds that one may live */
	uint64_t before;

	publish_base(&nobody);
	before = apply("- evil.net\n").serial;
	for (int i = 0; i < KILLS; i++) {
		snprintf(line, sizeof line, "+ k%d.net live exact\n", i);
		if (apply_and_kill(line, (int64_t)roll(&dice, (uint64_t)longest)))
			longest -= longest / 8;
		else
			longest += longest / 8;
		ck_assert_int_eq(sink_store_manifest(data, 0, NULL, &manifest), SINK_OK);
		ck_assert_uint_ge(manifest.serial, before);
		listed(&manifest, text);
		published += manifest.serial > before;
		snprintf(line, sizeof line, "k%d.net exact live; ", i);
		ck_assert_int_eq(strstr(text, line) != NULL, manifest.serial > before);
		ck_assert_ptr_null(strstr(text, "evil.net subtree"));
		before = manifest.serial;
	}
	ck_assert_msg(published > 0 && published < KILLS, "%u published", published);
	manifest = apply("+ last.net live exact\n");
	for (const char *at = listed(&manifest, text); (at = strstr(at, " live; ")); at++)
		found++;
	ck_assert_uint_eq(found, published + 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("live");
	TCase *tc = tcase_create("live");

	tcase_add_checked_fixture(tc, enter_room, leave_room);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, changes_come_over_the_base, 0, LENGTH(cases));
	tcase_add_loop_test(tc, what_is_over_hides_nothing, 0, LENGTH(spans));
	tcase_add_test(tc, what_is_changed_is_counted);
	tcase_add_test(tc, changes_last);
	tcase_add_test(tc, changes_go_along);
	tcase_add_test(tc, a_base_stands_for_another);
	tcase_add_test(tc, refusals_publish_nothing);
	tcase_add_test(tc, damaged_changes_are_not_lost);
	tcase_add_test(tc, damaged_manifests_are_passed_over);
	tcase_add_test(tc, damaged_bases_do_not_crash);
	tcase_add_test(tc, no_change_is_lost);
	tcase_add_test(tc, killed_anywhere);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}

/* test_watch.c - what is put in use, what is refused, and what is said about it, once. Each test
 * makes a data directory with the real writer and looks at it through the eyes of the resolver. */
#include "watch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policies.h"
#include "sinkhole/store.h"
#include "suite.h"

#define SAID_MAX 16

static char top[64]; /* a directory of ours */
static char dir[96]; /* the data directory in it */
static struct sink_current *current;
static struct mail *mail;
static struct watch *watch;

static struct {
	unsigned count, alarms;
	char text[SAID_MAX][MAIL_TEXT_MAX];
} said;

/* --- helpers --- */

static const char *in_dir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void hear(void *arg, bool alarm, const char *text)
{
	(void)arg;
	ck_assert_uint_lt(said.count, SAID_MAX);
	snprintf(said.text[said.count++], MAIL_TEXT_MAX, "%s", text);
	said.alarms += alarm;
}

/* One look, and what was said since the last one. */
static void look(void)
{
	memset(&said, 0, sizeof said);
	watch_look(watch);
	mail_take(mail, hear, NULL);
}

static void heard(const char *part, bool alarm)
{
	ck_assert_uint_eq(said.count, 1);
	ck_assert_msg(strstr(said.text[0], part), "\"%s\" is not in \"%s\"", part, said.text[0]);
	ck_assert_uint_eq(said.alarms, alarm);
}

static void silence(void)
{
	look();
	ck_assert_msg(said.count == 0, "said \"%s\"", said.text[0]);
}

/* Is the name blocked by what is in use? */
static bool blocked(const char *text)
{
	struct sink_verdict verdict = { .action = SINK_ACTION_NONE };
	struct sink_judge *judge;
	struct sink_name name;

	ck_assert_int_eq(sink_name_from_text(sink_span_text(text), &name), SINK_OK);
	if (sink_current_enter(current, 0, &judge))
		return false;
	ck_assert_int_eq(decide_name(judge, &name, time(NULL), &verdict), SINK_OK);
	sink_current_leave(current, 0);
	return verdict.action == SINK_ACTION_NXDOMAIN;
}

static int64_t listed_from; /* when what is listed begins to be valid */

static void write_base(const char *path, const char *text, struct sink_summary *summary)
{
	struct sink_writer_options options = { .path = path, .memory = 1 << 20 };
	struct sink_record record = { .confidence = SINK_CONFIDENCE_NONE };
	struct sink_writer *writer;
	struct sink_name name;
	uint32_t id;

	record.text[SINK_FIELD_SOURCE] = sink_span_text("test");
	record.valid_from = listed_from;
	ck_assert_int_eq(sink_writer_begin(&options, NULL, &writer), SINK_OK);
	ck_assert_int_eq(sink_writer_record(writer, &record, &id), SINK_OK);
	ck_assert_int_eq(sink_name_from_text(sink_span_text(text), &name), SINK_OK);
	ck_assert_int_eq(sink_writer_add(writer, &name, SINK_SCOPE_SUBTREE, id), SINK_OK);
	ck_assert_int_eq(sink_writer_commit(writer, NULL, summary), SINK_OK);
}

/* Publish a generation that lists one name. */
static struct sink_manifest publish_with(const char *name, const struct sink_policy *policy)
{
	struct sink_publish what = {
		.origin = "compile", .tool = "test", .wait = true, .policy = policy
	};
	struct sink_manifest manifest;
	struct sink_why why;
	char temp[256];

	ck_assert_int_eq(sink_store_temp(dir, NULL, temp, sizeof temp), SINK_OK);
	write_base(temp, name, &what.summary);
	what.temp = temp;
	ck_assert_msg(!sink_store_publish(dir, &what, &why, &manifest), "%s", why.text);
	return manifest;
}

/* And by default blocks it. */
static struct sink_manifest publish(const char *name)
{
	return publish_with(name, NULL);
}

static struct sink_manifest publish_again(struct sink_publish what)
{
	struct sink_manifest manifest;
	struct sink_why why;

	what.tool = "test";
	what.wait = true;
	ck_assert_msg(!sink_store_publish(dir, &what, &why, &manifest), "%s", why.text);
	return manifest;
}

/* Publish a generation's names again, under another policy. */
static struct sink_manifest publish_policy(uint64_t serial, const struct sink_policy *policy)
{
	return publish_again((struct sink_publish){
		.origin = "apply --policy", .again = serial, .policy = policy });
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	char temp[300];
	FILE *file;

	snprintf(temp, sizeof temp, "%s.new", path);
	file = fopen(temp, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(rename(temp, path), 0);
}

/* Publish as a thief of the directory would: any manifest, under the published name. */
static void force(const struct sink_manifest *manifest)
{
	char text[SINK_MANIFEST_MAX];

	write_file(in_dir("current"), text, sink_manifest_format(manifest, text));
}

static void flip_byte(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char byte;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void flip_base(const struct sink_manifest *manifest)
{
	char name[SINK_FILE_NAME_MAX + 8];

	snprintf(name, sizeof name, "gen/%s", manifest->base);
	flip_byte(in_dir(name), (off_t)manifest->base_size / 2);
}

static void begin(void)
{
	snprintf(top, sizeof top, "test_watch.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(dir, sizeof dir, "%s/data", top);
	ck_assert_int_eq(mail_new(&mail), SINK_OK);
	ck_assert_int_eq(sink_current_new(1, &current), SINK_OK);
	ck_assert_int_eq(watch_new(dir, current, mail, &watch), SINK_OK);
}

static int delete_entry(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

static void delete (const char *path)
{
	nftw(path, delete_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void end(void)
{
	watch_stop(watch);
	sink_current_free(current);
	mail_free(mail);
	delete (top);
}

/* --- one look at a time --- */

START_TEST(no_directory)
{
	look();
	heard("nothing is published in \"", true);
	heard("answering unfiltered", true);
	silence();
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	silence(); /* still nothing there */
	publish("evil.example");
	look();
	heard("generation 1 in use, 1 names, ", false);
	ck_assert(blocked("www.evil.example"));
	ck_assert(!blocked("example"));
	ck_assert_uint_gt(watch_bytes(watch), 0);
	silence();
}
END_TEST

/* One live change: a name is taken off. */
static int take_change(void *arg, struct sink_span before, struct sink_why *why,
	struct sink_span *after)
{
	(void)arg;
	(void)before;
	(void)why;
	*after = sink_span_text("one\n");
	return SINK_OK;
}

static int next_change(void *arg, struct sink_change *out)
{
	int *given = arg;

	if ((*given)++ > 0)
		return SINK_ENOENT;
	*out = (struct sink_change){ .subject.trigger = SINK_TRIGGER_QNAME, .removes = true };
	return sink_name_from_text(sink_span_text("evil.example"), &out->subject.name);
}

START_TEST(the_delta_counts)
{
	int given = 0;
	const struct sink_live live = { .take = take_change, .next = next_change, .arg = &given };
	struct sink_manifest manifest;

	manifest = publish("evil.example");
	look();
	ck_assert_uint_eq(watch_bytes(watch), manifest.base_size);
	manifest = publish_again((struct sink_publish){ .live = &live, .origin = "apply" });
	ck_assert_uint_gt(manifest.delta_size, 0);
	look();
	ck_assert_uint_eq(watch_bytes(watch), manifest.base_size + manifest.delta_size);
}
END_TEST

START_TEST(next_generation)
{
	publish("one.example");
	look();
	publish("two.example");
	look();
	heard("generation 2 in use", false);
	ck_assert(!blocked("one.example"));
	ck_assert(blocked("two.example"));
}
END_TEST

START_TEST(passes_over_what_it_missed)
{
	publish("one.example");
	publish("two.example");
	publish("three.example");
	look();
	heard("generation 3 in use", false);
	silence();
}
END_TEST

START_TEST(vanishes_and_returns)
{
	char away[128];

	snprintf(away, sizeof away, "%s/away", top);
	publish("one.example");
	look();
	ck_assert_int_eq(rename(dir, away), 0);
	look();
	heard("nothing is published in \"", true);
	heard("generation 1 stays in use", true);
	ck_assert(blocked("one.example"));
	silence();
	ck_assert_int_eq(rename(away, dir), 0);
	look();
	heard("generation 1, still in use, is readable again", false);
	silence();
	publish("two.example");
	look();
	heard("generation 2 in use", false);
}
END_TEST

START_TEST(older_is_refused)
{
	struct sink_manifest first = publish("one.example"), third;

	look();
	publish("two.example");
	look();
	force(&first);
	look();
	heard("generation 1 is published, which is older: generation 2 stays in use", true);
	ck_assert(blocked("two.example"));
	silence();

	/* What is lost is not published again under a used number. */
	third = publish("three.example");
	ck_assert_uint_eq(third.serial, 3);
	look();
	heard("generation 3 in use", false);
}
END_TEST

START_TEST(same_serial_other_content)
{
	struct sink_manifest first = publish("one.example"), other;

	look();
	other = publish("two.example");
	other.serial = first.serial;
	force(&other);
	look();
	heard("generation 1 is published with other content: generation 1 stays in use", true);
	ck_assert(blocked("one.example"));
	ck_assert(!blocked("two.example"));
}
END_TEST

START_TEST(same_again_is_no_news)
{
	struct sink_manifest first = publish("one.example");

	look();
	force(&first);
	silence();
	ck_assert(blocked("one.example"));
}
END_TEST

START_TEST(damaged_base_keeps_the_old)
{
	struct sink_manifest second;

	publish("one.example");
	look();
	second = publish("two.example");
	flip_base(&second);
	look();
	heard("digest", true);
	heard("generation 1 stays in use", true);
	ck_assert(blocked("one.example"));
	ck_assert(!blocked("two.example"));
	ck_assert_uint_eq(sink_current_serial(current), 1);
	silence();
	publish("three.example");
	look();
	heard("generation 3 in use", false);
}
END_TEST

START_TEST(damaged_base_at_the_start)
{
	struct sink_manifest first = publish("one.example");

	flip_base(&first);
	look();
	heard("answering unfiltered", true);
	ck_assert(!blocked("one.example"));
	ck_assert_uint_eq(sink_current_serial(current), 0);
	publish("two.example");
	look();
	heard("generation 2 in use", false);
}
END_TEST

/* The manifest did not change, so only trying again now and then can find this. */
START_TEST(base_that_comes_late)
{
	const struct timespec tick = { .tv_nsec = 20000000 };
	struct sink_manifest first = publish("one.example");

	flip_base(&first);
	look();
	heard("answering unfiltered", true);
	flip_base(&first);
	for (int i = 0; i < 500 && !blocked("one.example"); i++) {
		nanosleep(&tick, NULL);
		look();
	}
	heard("generation 1 in use", false);
}
END_TEST

/* What stands where the manifest should: each is refused, and the old generation stays. */
static void stand_in(int kind)
{
	const char *path = in_dir("current");

	ck_assert_int_eq(remove(path), 0);
	switch (kind) {
	case 0:
		write_file(path, "", 0);
		break;
	case 1:
		write_file(path, "sinkhole-generation 1\nserial 2\n", 31);
		break;
	case 2:
		ck_assert_int_eq(mkdir(path, 0755), 0);
		break;
	case 3:
		ck_assert_int_eq(mkfifo(path, 0644), 0);
		break;
	case 4:
		ck_assert_int_eq(symlink("/dev/zero", path), 0);
		break;
	case 5:
		ck_assert_int_eq(symlink("current", path), 0);
		break;
	}
}

START_TEST(damaged_manifest)
{
	publish("one.example");
	look();
	stand_in(_i);
	look();
	heard("generation 1 stays in use", true);
	ck_assert(blocked("one.example"));
	silence();
}
END_TEST

/* --- policies --- */

static unsigned heard_switches; /* how often the ear was told */

static void hear_switch(void *arg)
{
	(void)arg;
	heard_switches++;
}

static unsigned heard_turns;

static void hear_turn(void *arg)
{
	(void)arg;
	heard_turns++;
}

static void listen(void)
{
	const struct watch_ear ear = { .switched = hear_switch, .turned = hear_turn };

	heard_switches = heard_turns = 0;
	watch_tell(watch, &ear);
}

START_TEST(policy_alone)
{
	struct sink_rule rules[] = { rule_of("first", SINK_ACTION_PASS),
		rule_of("second", SINK_ACTION_NXDOMAIN) };
	struct sink_policy passes = { .rules = rules, .rules_count = 2 };
	struct sink_policy blocks = { .rules = rules + 1, .rules_count = 1 };
	const struct sink_db *db;

	listen();
	publish("one.example");
	look();
	ck_assert_ptr_null(strstr(said.text[0], "policy"));
	ck_assert(blocked("one.example"));
	db = sink_generation_db(sink_current_generation(current));
	publish_policy(1, &passes);
	look();
	heard("generation 2 in use, 1 names, ", false);
	heard(" seconds to switch; same names, policy of 2 rules", false);
	ck_assert(!blocked("one.example"));
	ck_assert_ptr_eq(sink_generation_db(sink_current_generation(current)), db);
	publish_policy(2, &blocks);
	look();
	heard(" seconds to switch; same names, policy of 1 rule", false);
	ck_assert(blocked("one.example"));
	publish_policy(3, NULL); /* as it is */
	look();
	heard("generation 4 in use, 1 names, ", false);
	ck_assert(blocked("one.example"));
	ck_assert_uint_eq(heard_switches, 4);
}
END_TEST

START_TEST(same_serial_other_policy)
{
	struct sink_rule rule = rule_of("all", SINK_ACTION_PASS);
	struct sink_policy passes = { .rules = &rule, .rules_count = 1 };
	struct sink_manifest first = publish("one.example"), other;

	look();
	other = publish_policy(1, &passes);
	other.serial = first.serial;
	force(&other);
	look();
	heard("generation 1 is published with other content: generation 1 stays in use", true);
	ck_assert(blocked("one.example"));
}
END_TEST

START_TEST(damaged_policy_keeps_the_old)
{
	struct sink_rule rule = rule_of("all", SINK_ACTION_PASS);
	struct sink_policy passes = { .rules = &rule, .rules_count = 1 };
	struct sink_manifest second;
	char name[SINK_FILE_NAME_MAX + 8];

	publish("one.example");
	look();
	second = publish_policy(1, &passes);
	snprintf(name, sizeof name, "gen/%s", second.policy);
	flip_byte(in_dir(name), (off_t)second.policy_size / 2);
	look();
	heard("generation 1 stays in use", true);
	ck_assert(blocked("one.example"));
	silence();
}
END_TEST

/* Look until something is said, for ten seconds at most; that is for slow machines. */
static void look_until_said(void)
{
	const struct timespec tick = { .tv_nsec = 20000000 };

	for (int i = 0; i < 500; i++) {
		look();
		if (said.count > 0)
			return;
		nanosleep(&tick, NULL);
	}
	ck_abort_msg("nothing was said");
}

static bool was_said(const char *part)
{
	for (unsigned i = 0; i < said.count; i++)
		if (strstr(said.text[i], part))
			return true;
	return false;
}

static void copy_geo(const char *name, const char *to)
{
	static uint8_t bytes[65536];
	char path[256];
	FILE *file;
	size_t len;

	snprintf(path, sizeof path, TEST_SRCDIR "/tests/data/geo/%s.mmdb", name);
	file = fopen(path, "rbe");
	ck_assert_msg(file != NULL, "%s: %m", path);
	len = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	write_file(to, bytes, len);
}

static uint32_t country_of(const char *text)
{
	const struct sink_generation *generation = sink_current_generation(current);
	struct sink_prefix address;

	ck_assert_int_eq(sink_prefix_from_text(sink_span_text(text), &address), SINK_OK);
	return sink_geo_find(sink_generation_geo(generation, SINK_GEO_COUNTRY), &address);
}

START_TEST(geo_files_come_and_go)
{
	const uint16_t france = 'F' << 8 | 'R';
	struct sink_rule rules[] = { rule_of("foreign", SINK_ACTION_NXDOMAIN),
		rule_of("all", SINK_ACTION_NXDOMAIN) };
	struct sink_policy policy = { .rules = rules, .rules_count = 2 };
	char path[256], here[128];
	uint64_t epoch;

	rules[0].client_countries = (struct sink_countries){ &france, 1 };
	snprintf(path, sizeof path, "%s/%s/country.mmdb", getcwd(here, sizeof here), top);
	policy.geo_country = sink_span_text(path);
	listen();
	publish_with("one.example", &policy);
	look();
	ck_assert_uint_eq(said.count, 2);
	ck_assert(was_said("generation 1 in use"));
	ck_assert(was_said("rules that ask for countries are neutral"));
	ck_assert_uint_eq(said.alarms, 1);
	ck_assert_uint_eq(country_of("192.0.2.1"), 0);
	publish("two.example"); /* asks for none */
	look();
	ck_assert(was_said("no rule is neutral"));
	publish_with("one.example", &policy);
	look();
	ck_assert_uint_eq(said.count, 2);
	publish_policy(3, &policy);
	look();
	heard("generation 4 in use", false); /* still neutral: nothing new */
	epoch = sink_current_epoch(current);

	copy_geo("country", path);
	look_until_said();
	ck_assert(was_said("generation 4: geo files replaced, "));
	ck_assert(was_said("no rule is neutral"));
	ck_assert_uint_eq(said.alarms, 0);
	ck_assert_uint_eq(country_of("192.0.2.1"), france);
	ck_assert_uint_gt(sink_current_epoch(current), epoch);
	ck_assert_uint_eq(heard_switches, 5);
	ck_assert_uint_eq(sink_current_serial(current), 4);
	ck_assert(blocked("one.example"));

	copy_geo("country-ipv4", path);
	look_until_said();
	ck_assert(was_said("generation 4: geo files replaced, "));
	ck_assert(was_said("knows no IPv6 addresses"));
	ck_assert_uint_eq(country_of("192.0.2.1"), france);

	copy_geo("bad-depth", path);
	look_until_said();
	ck_assert(was_said("damaged"));
	ck_assert_uint_eq(country_of("192.0.2.1"), 0);
	ck_assert_uint_eq(heard_switches, 7);
	for (int i = 0; i < 6; i++) { /* nothing new is nothing said */
		const struct timespec pause = { .tv_nsec = 200000000 };

		nanosleep(&pause, NULL);
		silence();
	}
	ck_assert_uint_eq(heard_switches, 7);
}
END_TEST

/* The caches are told when a schedule goes on. */
START_TEST(schedules_turn)
{
	int64_t edges[] = { time(NULL) + 2, time(NULL) + 100000 };
	struct sink_schedule schedule = { sink_span_text("in two seconds"), edges, 2 };
	struct sink_rule rules[] = { rule_of("soon", SINK_ACTION_NXDOMAIN),
		rule_of("all", SINK_ACTION_MONITOR) };
	struct sink_policy policy = {
		.rules = rules, .rules_count = 2, .schedules = &schedule, .schedules_count = 1
	};
	uint64_t epoch;

	rules[0].schedule = 0;
	listen();
	publish_with("one.example", &policy);
	look();
	heard("generation 1 in use", false);
	epoch = sink_current_epoch(current);
	look_until_said();
	heard("generation 1: a schedule goes on or off", false);
	ck_assert_int_ge(time(NULL), edges[0]);
	ck_assert(blocked("one.example"));
	ck_assert_uint_eq(heard_switches, 2);
	ck_assert_uint_eq(sink_current_epoch(current), epoch + 1);
	silence();
}
END_TEST

/* Look without a pause until the ear has heard of so many turns of which nothing was said. */
static void look_until_turned(unsigned turns)
{
	const struct timespec tick = { .tv_nsec = 20000000 };

	for (int i = 0; i < 500 && heard_turns < turns; i++) {
		look();
		nanosleep(&tick, NULL);
	}
	ck_assert_uint_eq(heard_turns, turns);
}

/* And when an entry begins: at that second, with nothing published. The next one comes too soon for a line. */
START_TEST(entries_turn)
{
	uint64_t epoch;

	listen();
	listed_from = time(NULL) + 2;
	publish("one.example");
	look();
	heard("generation 1 in use", false);
	ck_assert(!blocked("one.example"));
	epoch = sink_current_epoch(current);
	look_until_said();
	heard("generation 1: entries begin or end to be valid", false);
	ck_assert_int_ge(time(NULL), listed_from);
	ck_assert(blocked("one.example"));
	ck_assert_uint_eq(heard_switches, 2);
	ck_assert_uint_eq(sink_current_epoch(current), epoch + 1);
	silence();

	listed_from = time(NULL) + 2;
	publish("two.example");
	look();
	heard("generation 2 in use", false);
	ck_assert(!blocked("two.example"));
	look_until_turned(1);
	ck_assert_uint_eq(said.count, 0);
	ck_assert_int_ge(time(NULL), listed_from);
	ck_assert(blocked("two.example"));
	ck_assert_uint_eq(heard_switches, 3);
	ck_assert_uint_eq(sink_current_epoch(current), epoch + 3);
	listed_from = 0;
}
END_TEST

/* Nor is a second forgotten that passes just before a switch: of the clock nobody hears of it any more. */
START_TEST(entries_turn_before_a_switch)
{
	const struct timespec pause = { .tv_sec = 3 };

	listen();
	listed_from = time(NULL) + 2;
	publish("one.example");
	look();
	heard("generation 1 in use", false);
	publish("one.example");
	look();
	heard("generation 2 in use", false);
	ck_assert_uint_eq(heard_turns, 0);
	nanosleep(&pause, NULL);
	publish("one.example");
	look();
	heard("generation 3 in use", false);
	ck_assert_uint_eq(heard_turns, 1);
	ck_assert_uint_eq(heard_switches, 3);
	ck_assert(blocked("one.example"));
	publish("one.example");
	look();
	ck_assert_uint_eq(heard_turns, 1);
	listed_from = 0;
}
END_TEST

/* A second that passes while a geo file is read again is not forgotten. */
START_TEST(entries_turn_beside_geo)
{
	static const uint16_t codes[] = { 'D' << 8 | 'E' };
	char path[256], here[128];
	struct sink_rule rules[] = { rule_of("country", SINK_ACTION_NXDOMAIN),
		rule_of("all", SINK_ACTION_NXDOMAIN) };
	struct sink_policy policy = { .rules = rules, .rules_count = 2 };
	const struct timespec pause = { .tv_sec = 3 };

	snprintf(path, sizeof path, "%s/%s/country.mmdb", getcwd(here, sizeof here), top);
	policy.geo_country = sink_span_text(path);
	rules[0].answer_countries = (struct sink_countries){ codes, 1 };
	copy_geo("country", path);
	listen();
	listed_from = time(NULL) + 2;
	publish_with("one.example", &policy);
	look();
	heard("generation 1 in use", false);
	nanosleep(&pause, NULL);
	copy_geo("country", path); /* another file, of the same content */
	look();
	ck_assert(was_said("entries begin or end to be valid"));
	listed_from = 0;
}
END_TEST

static struct sink_manifest publish_pause(enum sink_pausing pausing, int64_t until)
{
	return publish_again((struct sink_publish){
		.origin = "pause", .pausing = pausing, .pause_until = until });
}

/* Said loudly when filtering stops, again when the end is another one, and when it is back. */
START_TEST(pause_and_resume)
{
	const int64_t until = (int64_t)time(NULL) + 1000;
	struct sink_manifest manifest;

	listen();
	publish("one.example");
	look();
	heard("generation 1 in use", false);
	publish_pause(SINK_PAUSE_BEGIN, SINK_PAUSED_OPEN);
	look();
	ck_assert_uint_eq(said.count, 2);
	ck_assert_uint_eq(said.alarms, 1);
	ck_assert(was_said("generation 2 in use, 1 names, "));
	ck_assert(was_said("filtering is paused until 'sinkhole resume'"));
	ck_assert(!blocked("one.example"));
	silence();
	publish("two.example"); /* which the pause outlives */
	look();
	heard("generation 3 in use, 1 names, ", false);
	ck_assert(!blocked("two.example"));
	publish_pause(SINK_PAUSE_BEGIN, until);
	look();
	ck_assert_uint_eq(said.count, 2);
	ck_assert(was_said("filtering is paused until 2"));
	ck_assert(!blocked("two.example"));
	manifest = publish_pause(SINK_PAUSE_END, 0);
	look();
	ck_assert_uint_eq(said.count, 2);
	ck_assert_uint_eq(said.alarms, 0);
	ck_assert(was_said("filtering is back"));
	ck_assert(blocked("two.example"));
	ck_assert_uint_eq(heard_switches, 5);
	/* A serial is published once, with a pause or without. */
	manifest.paused_until = until;
	force(&manifest);
	look();
	heard("generation 5 is published with other content: generation 5 stays in use", true);
	ck_assert(blocked("two.example"));
}
END_TEST

/* Nobody publishes anything, and the caches are told. */
START_TEST(pause_is_over)
{
	const int64_t until = (int64_t)time(NULL) + 2;
	uint64_t epoch;

	listen();
	publish("one.example");
	publish_pause(SINK_PAUSE_BEGIN, until);
	look();
	ck_assert_uint_eq(said.count, 2);
	ck_assert(!blocked("one.example"));
	epoch = sink_current_epoch(current);
	look_until_said();
	heard("generation 2: filtering is back", false);
	ck_assert_int_ge((int64_t)time(NULL), until);
	ck_assert(blocked("one.example"));
	ck_assert_uint_eq(heard_switches, 2);
	ck_assert_uint_eq(sink_current_epoch(current), epoch + 1);
	silence();
}
END_TEST

/* --- signatures and expiry --- */

static struct sink_signer *signer; /* NULL: nothing is signed */

/* Publish a generation that lists one name, signed if it is to be. */
static struct sink_manifest publish_signed(const char *name, int64_t expires)
{
	struct sink_publish what = { .origin = "compile",
		.tool = "test",
		.wait = true,
		.signers = &signer,
		.signers_count = signer != NULL,
		.may_unsign = true,
		.expires = expires };
	struct sink_manifest manifest;
	struct sink_why why;
	char temp[256];

	ck_assert_int_eq(sink_store_temp(dir, NULL, temp, sizeof temp), SINK_OK);
	write_base(temp, name, &what.summary);
	what.temp = temp;
	ck_assert_msg(!sink_store_publish(dir, &what, &why, &manifest), "%s", why.text);
	return manifest;
}

static const char *in_top(const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s", top, name);
	return out;
}

static void write_key(const struct sink_signer *of)
{
	char line[SINK_KEY_LINE], path[128];

	sink_signer_public(of, line);
	write_file(in_top("keys", path), line, strlen(line));
}

/* Believe the key, as a resolver that has just started does. */
static void start_again(void)
{
	char keys[128], run[128];
	struct trust *trust;

	watch_stop(watch);
	sink_current_free(current);
	ck_assert_int_eq(sink_current_new(1, &current), SINK_OK);
	ck_assert_int_eq(watch_new(dir, current, mail, &watch), SINK_OK);
	ck_assert_int_eq(trust_new(in_top("keys", keys), false, in_top("run", run), mail, &trust),
		SINK_OK);
	watch_trust(watch, trust);
}

static void begin_signed(void)
{
	begin();
	ck_assert_int_eq(sink_signer_new(&signer), SINK_OK);
	write_key(signer);
	start_again();
}

static void end_signed(void)
{
	end();
	sink_signer_free(signer);
	signer = NULL;
}

START_TEST(only_what_is_signed)
{
	struct sink_signer *other, *own = signer;

	publish_signed("one.example", 0);
	look();
	ck_assert_uint_eq(said.count, 2);
	ck_assert(was_said("only generations signed by key "));
	ck_assert(was_said("generation 1 in use"));
	signer = NULL;
	publish_signed("two.example", 0);
	look();
	heard("generation 2 is not signed: generation 1 stays in use", true);
	silence();
	ck_assert_int_eq(sink_signer_new(&other), SINK_OK);
	signer = other;
	publish_signed("three.example", 0);
	look();
	heard("generation 3 is signed by another key (", true);
	ck_assert(blocked("one.example"));
	/* that key counts from now on: what was refused is taken at once */
	write_key(other);
	look();
	ck_assert(was_said("generation 3 in use"));
	ck_assert(blocked("three.example"));
	signer = own;
	publish_signed("four.example", 0);
	look();
	heard("signed by another key", true);
	sink_signer_free(other);
}
END_TEST

START_TEST(flipped_and_cut)
{
	struct sink_manifest good = publish_signed("one.example", 0), bad;
	char path[128];

	look();
	bad = publish_signed("two.example", 0);
	bad.names++;
	force(&bad);
	look();
	heard("is not one of this manifest: generation 1 stays in use", true);
	force(&good);
	look();
	heard("still in use, is readable again", false);
	/* the key that signed what is in use is gone: it stays */
	ck_assert_int_eq(unlink(in_top("keys", path)), 0);
	look();
	heard("generation 1 stays in use", true);
	write_key(signer);
	look();
	heard("still in use, is readable again", false);
	ck_assert(blocked("one.example"));
}
END_TEST

/* An older one that is put back, in this process and in the next; what was in use is found all the same. */
START_TEST(older_and_signed)
{
	struct sink_manifest first = publish_signed("one.example", 0), second;
	char path[64];

	second = publish_signed("two.example", 0);
	look();
	force(&first);
	look();
	heard("generation 1 is published, which is older", true);
	start_again();
	look();
	ck_assert_uint_eq(said.count, 3);
	ck_assert(was_said("generation 2 in use"));
	ck_assert(was_said("which is older than 2, the highest of key "));
	ck_assert(blocked("two.example"));
	silence();
	/* and if that is gone as well, there is nothing that may be taken */
	snprintf(path, sizeof path, "gen/%012llu.manifest", (unsigned long long)second.serial);
	ck_assert_int_eq(unlink(in_dir(path)), 0);
	start_again();
	look();
	ck_assert(was_said("answering unfiltered"));
	ck_assert(!blocked("one.example"));
	force(&second);
	look();
	heard("generation 2 in use", false);
}
END_TEST

START_TEST(unsigned_at_the_start)
{
	publish_signed("one.example", 0);
	look();
	sink_signer_free(signer);
	signer = NULL;
	publish_signed("two.example", 0);
	start_again();
	look();
	ck_assert(was_said("generation 1 in use"));
	ck_assert(was_said("generation 2 is not signed: generation 1 stays in use"));
	ck_assert(blocked("one.example"));
}
END_TEST

START_TEST(expires)
{
	const struct timespec pause = { .tv_sec = 2 };
	int64_t now = (int64_t)time(NULL);
	struct sink_manifest other = publish_signed("one.example", now + 2);

	look();
	silence();
	other.expires += 3600;
	ck_assert_int_eq(sink_manifest_sign(&other, &signer, 1, NULL), SINK_OK);
	nanosleep(&pause, NULL);
	look();
	heard("generation 1 has expired at 2", true);
	ck_assert(strstr(said.text[0], "stays in use"));
	silence();
	ck_assert(blocked("one.example"));
	force(&other);
	look();
	heard("generation 1 is published with other content", true);
	publish_signed("two.example", now - 1); /* is no better */
	look();
	heard("generation 2 in use", false);
	silence();
	publish_signed("three.example", now + 3600);
	look();
	ck_assert_uint_eq(said.count, 2);
	ck_assert(was_said("generation 3: what is in use has not expired any more"));
	ck_assert_uint_eq(said.alarms, 0);
	publish_signed("four.example", 0);
	look();
	heard("generation 4 in use", false);
}
END_TEST

/* --- the thread --- */

/* Ten seconds are for slow machines; the promise is a tenth of one. */
static void wait_for_serial(uint64_t serial)
{
	const struct timespec tick = { .tv_nsec = 5000000 };

	for (int i = 0; i < 2000 && sink_current_serial(current) != serial; i++)
		nanosleep(&tick, NULL);
	ck_assert_uint_eq(sink_current_serial(current), serial);
}

START_TEST(thread_follows)
{
	char away[128];

	snprintf(away, sizeof away, "%s/away", top);
	ck_assert_int_eq(watch_start(watch), SINK_OK);
	publish("one.example");
	wait_for_serial(1);
	publish("two.example");
	wait_for_serial(2);
	/* The directory goes, comes back, and is still attended to. */
	ck_assert_int_eq(rename(dir, away), 0);
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(rename(away, dir), 0);
	publish("three.example");
	wait_for_serial(3);
	ck_assert(blocked("three.example"));
}
END_TEST

START_TEST(many_generations)
{
	struct sink_manifest last = { .serial = 0 };

	ck_assert_int_eq(watch_start(watch), SINK_OK);
	for (int i = 0; i < 50; i++)
		last = publish(i % 2 ? "odd.example" : "even.example");
	wait_for_serial(last.serial);
	ck_assert(blocked("odd.example"));
	ck_assert(!blocked("even.example"));
}
END_TEST

static struct watch_arrival arrived[3]; /* by serial */
static atomic_uint arrivals;

static void hear_arrival(void *arg, const struct watch_arrival *arrival)
{
	(void)arg;
	if (arrival->manifest->serial < LENGTH(arrived))
		arrived[arrival->manifest->serial] = *arrival;
	atomic_fetch_add(&arrivals, 1);
}

/* What was there before the thread was waited for by nobody. */
START_TEST(how_they_came)
{
	const struct watch_ear ear = { .arrived = hear_arrival };
	const struct watch_arrival *late = &arrived[2];
	const struct timespec tick = { .tv_nsec = 5000000 };
	struct timespec before, after;

	watch_tell(watch, &ear);
	publish("one.example");
	watch_look(watch);
	ck_assert_uint_eq(atomic_load(&arrivals), 1);
	ck_assert(!arrived[1].is_awaited);
	ck_assert_int_eq(arrived[1].published, 0);

	ck_assert_int_eq(watch_start(watch), SINK_OK);
	clock_gettime(CLOCK_REALTIME, &before);
	publish("two.example");
	for (int i = 0; i < 2000 && atomic_load(&arrivals) < 2; i++)
		nanosleep(&tick, NULL);
	clock_gettime(CLOCK_REALTIME, &after);
	ck_assert_uint_eq(atomic_load(&arrivals), 2);
	ck_assert(late->is_awaited);
	/* File systems go by a clock that is some milliseconds behind. */
	ck_assert_int_ge(late->published / 1000000, before.tv_sec - 1);
	ck_assert_int_le(late->published / 1000000, after.tv_sec);
	ck_assert_int_ge(late->waited, 0);
	ck_assert_int_ge(late->in_use, late->noticed);
}
END_TEST

START_TEST(stops_at_any_moment)
{
	publish("one.example");
	for (int i = 0; i < 100; i++) {
		struct watch *other;

		ck_assert_int_eq(watch_new(dir, current, mail, &other), SINK_OK);
		ck_assert_int_eq(watch_start(other), SINK_OK);
		watch_stop(other);
	}
	watch_stop(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("watch");
	TCase *looks = tcase_create("looks"), *keys = tcase_create("keys"),
	      *threads = tcase_create("threads");

	tcase_add_checked_fixture(looks, begin, end);
	tcase_add_test(looks, no_directory);
	tcase_add_test(looks, the_delta_counts);
	tcase_add_test(looks, next_generation);
	tcase_add_test(looks, passes_over_what_it_missed);
	tcase_add_test(looks, vanishes_and_returns);
	tcase_add_test(looks, older_is_refused);
	tcase_add_test(looks, same_serial_other_content);
	tcase_add_test(looks, same_again_is_no_news);
	tcase_add_test(looks, damaged_base_keeps_the_old);
	tcase_add_test(looks, damaged_base_at_the_start);
	tcase_add_test(looks, base_that_comes_late);
	tcase_add_loop_test(looks, damaged_manifest, 0, 6);
	tcase_add_test(looks, policy_alone);
	tcase_add_test(looks, same_serial_other_policy);
	tcase_add_test(looks, damaged_policy_keeps_the_old);
	tcase_add_test(looks, geo_files_come_and_go);
	tcase_add_test(looks, schedules_turn);
	tcase_add_test(looks, entries_turn);
	tcase_add_test(looks, entries_turn_before_a_switch);
	tcase_add_test(looks, entries_turn_beside_geo);
	tcase_add_test(looks, pause_and_resume);
	tcase_add_test(looks, pause_is_over);
	tcase_set_timeout(looks, 30);
	suite_add_tcase(suite, looks);
	tcase_add_checked_fixture(keys, begin_signed, end_signed);
	tcase_add_test(keys, only_what_is_signed);
	tcase_add_test(keys, flipped_and_cut);
	tcase_add_test(keys, older_and_signed);
	tcase_add_test(keys, unsigned_at_the_start);
	tcase_add_test(keys, expires);
	tcase_set_timeout(keys, 30);
	suite_add_tcase(suite, keys);
	tcase_add_checked_fixture(threads, begin, end);
	tcase_add_test(threads, thread_follows);
	tcase_add_test(threads, many_generations);
	tcase_add_test(threads, how_they_came);
	tcase_add_test(threads, stops_at_any_moment);
	tcase_set_timeout(threads, 60);
	suite_add_tcase(suite, threads);
	return run_suite(suite);
}

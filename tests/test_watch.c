/* test_watch.c - what is put in use, what is refused, and what is said about it, once. Each test
 * makes a data directory with the real writer and looks at it through the eyes of the resolver. */
#include "watch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sinkhole/decide.h"
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
	struct sink_reader *reader;
	struct sink_name name;

	ck_assert_int_eq(sink_name_from_text(sink_span_text(text), &name), SINK_OK);
	if (sink_current_enter(current, 0, &reader))
		return false;
	ck_assert_int_eq(sink_decide(reader, &name, 0, NULL, NULL, &verdict), SINK_OK);
	sink_current_leave(current, 0);
	return verdict.action == SINK_ACTION_NXDOMAIN;
}

static void write_base(const char *path, const char *text, struct sink_summary *summary)
{
	struct sink_writer_options options = { .path = path, .memory = 1 << 20 };
	struct sink_record record = { .confidence = SINK_CONFIDENCE_NONE };
	struct sink_writer *writer;
	struct sink_name name;
	uint32_t id;

	record.text[SINK_FIELD_SOURCE] = sink_span_text("test");
	ck_assert_int_eq(sink_writer_begin(&options, NULL, &writer), SINK_OK);
	ck_assert_int_eq(sink_writer_record(writer, &record, &id), SINK_OK);
	ck_assert_int_eq(sink_name_from_text(sink_span_text(text), &name), SINK_OK);
	ck_assert_int_eq(sink_writer_add(writer, &name, SINK_SCOPE_SUBTREE, id), SINK_OK);
	ck_assert_int_eq(sink_writer_commit(writer, &sink_policy_default, NULL, summary), SINK_OK);
}

/* Publish a generation that blocks one name. */
static struct sink_manifest publish(const char *name)
{
	struct sink_publish what = { .origin = "compile", .tool = "test", .wait = true };
	struct sink_manifest manifest;
	struct sink_why why;
	char temp[256];

	ck_assert_int_eq(sink_store_temp(dir, NULL, temp, sizeof temp), SINK_OK);
	write_base(temp, name, &what.summary);
	what.temp = temp;
	ck_assert_msg(!sink_store_publish(dir, &what, &why, &manifest), "%s", why.text);
	return manifest;
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
	TCase *looks = tcase_create("looks"), *threads = tcase_create("threads");

	tcase_add_checked_fixture(looks, begin, end);
	tcase_add_test(looks, no_directory);
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
	tcase_set_timeout(looks, 30);
	suite_add_tcase(suite, looks);
	tcase_add_checked_fixture(threads, begin, end);
	tcase_add_test(threads, thread_follows);
	tcase_add_test(threads, many_generations);
	tcase_add_test(threads, stops_at_any_moment);
	tcase_set_timeout(threads, 60);
	suite_add_tcase(suite, threads);
	return run_suite(suite);
}

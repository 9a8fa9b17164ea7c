/* test_stats.c - the file of counters: its bytes, as doc/STATS.md has them; whatever else lies there; one writer. */
#include "sinkhole/stats.h"

#include <errno.h>
#include <signal.h>

#include "base.h"
#include "sinkhole/policy.h"

#define BYTES sink_span(bytes, SINK_STATS_SIZE)

static char room[PATH_ROOM];
static uint8_t bytes[SINK_STATS_SIZE];
static struct sink_why why;

static void begin(void)
{
	make_room(room);
	why.text[0] = 0;
}

static void end(void)
{
	clear_room(room);
}

/* Each field another one. */
static struct sink_stats example(void)
{
	struct sink_stats stats = {
		.written = 1,
		.started = 2,
		.ended = 3,
		.pid = 4,
		.tool = "0.1.0",
		.generation = { 5, 6, 7, 8, 9, INT64_MAX },
		.servfail = 26,
		.monitored = 27,
		.failed = 28,
		.reaction = { 29, 30, 31, 32, 33, 34, 35, 36, 37, 41 },
		.in_use.count = 38,
		.enforced.count = 40,
	};

	for (unsigned i = 0; i < SINK_ACTION_LISTED; i++)
		stats.actions[i] = 11 + i;
	stats.in_use.last[0] = 39;
	stats.enforced.last[SINK_STATS_LAST - 1] = INT64_MAX;
	return stats;
}

static void encode(const struct sink_stats *stats)
{
	ck_assert_int_eq(sink_stats_encode(stats, bytes), SINK_OK);
}

static uint64_t number_at(size_t at, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++)
		number = number << 8 | bytes[at + i];
	return number;
}

/* A damage that its maker signs. */
static void sign(void)
{
	const size_t len = SINK_STATS_SIZE - SINK_DIGEST_LEN;

	ck_assert_int_eq(digest_of(sink_span(bytes, len), bytes + len), SINK_OK);
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

START_TEST(layout)
{
	static const struct {
		size_t offset, len;
		uint64_t number;
	} wanted[] = {
		{ 8, 4, 2 },
		{ 12, 4, 4536 },
		{ 16, 8, 1 },
		{ 24, 8, 2 },
		{ 32, 8, 3 },
		{ 40, 8, 4 },
		{ 48, 8, 0x302e312e30000000 }, /* "0.1.0" */
		{ 104, 8, 0 },
		{ 112, 8, 5 },
		{ 120, 8, 6 },
		{ 128, 8, 7 },
		{ 136, 8, 8 },
		{ 144, 8, 9 },
		{ 152, 8, INT64_MAX },
		{ 160, 8, 11 }, /* none */
		{ 176, 8, 13 }, /* nxdomain */
		{ 232, 8, 20 }, /* data */
		{ 240, 8, 0 },
		{ 280, 8, 0 },
		{ 288, 8, 26 },
		{ 296, 8, 27 },
		{ 304, 8, 28 },
		{ 312, 8, 29 },
		{ 320, 8, 30 },
		{ 328, 8, 31 },
		{ 336, 8, 32 },
		{ 344, 8, 33 },
		{ 352, 8, 34 },
		{ 360, 8, 35 },
		{ 368, 8, 36 },
		{ 376, 8, 37 },
		{ 384, 8, 38 },
		{ 392, 8, 39 },
		{ 400, 8, 0 },
		{ 2432, 8, 0 },
		{ 2440, 8, 40 },
		{ 4488, 8, INT64_MAX },
		{ 4496, 8, 41 },
	};
	struct sink_stats stats = example();

	encode(&stats);
	ck_assert_int_eq(memcmp(bytes, "sinkstat", 8), 0);
	for (size_t i = 0; i < LENGTH(wanted); i++)
		ck_assert_msg(number_at(wanted[i].offset, wanted[i].len) == wanted[i].number,
			"at %zu stands %llu", wanted[i].offset,
			(unsigned long long)number_at(wanted[i].offset, wanted[i].len));
}
END_TEST

START_TEST(there_and_back)
{
	struct sink_stats stats = example(), again;
	uint8_t before[SINK_STATS_SIZE];

	memset(&again, 0xff, sizeof again);
	encode(&stats);
	memcpy(before, bytes, sizeof before);
	ck_assert_int_eq(sink_stats_decode(BYTES, &why, &again), SINK_OK);
	encode(&again);
	ck_assert_int_eq(memcmp(before, bytes, sizeof before), 0);
	ck_assert_uint_eq(again.actions[SINK_ACTION_DATA], 11 + SINK_ACTION_DATA);
	ck_assert_int_eq(again.enforced.last[SINK_STATS_LAST - 1], INT64_MAX);
	ck_assert_str_eq(again.tool, "0.1.0");

	stats.reaction.heard = stats.reaction.walked = stats.reaction.enforced = SINK_STATS_NOT_YET;
	encode(&stats);
	ck_assert_int_eq(sink_stats_decode(BYTES, &why, &again), SINK_OK);
	ck_assert_int_eq(again.reaction.heard, SINK_STATS_NOT_YET);
}
END_TEST

static void refused(struct sink_span what, int err, const char *text)
{
	struct sink_stats stats;

	why.text[0] = 0;
	ck_assert_int_eq(sink_stats_decode(what, &why, &stats), err);
	ck_assert_msg(strstr(why.text, text) != NULL, "\"%s\" is not in \"%s\"", text, why.text);
}

START_TEST(cut)
{
	struct sink_stats stats = example();

	encode(&stats);
	for (size_t len = 0; len < SINK_STATS_SIZE; len++) {
		/* of its own, so that a sanitizer sees what is read behind it */
		uint8_t *copy = malloc(len + 1);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, bytes, len);
		ck_assert(sink_stats_decode(sink_span(copy, len), &why, &stats) == SINK_ECORRUPT);
		ck_assert(why.text[0]);
		free(copy);
	}
	refused(sink_span(bytes, 0), SINK_ECORRUPT, "cut off");
	refused(sink_span(bytes, SINK_STATS_SIZE - 1), SINK_ECORRUPT, "not the 4536 bytes");
}
END_TEST

START_TEST(flipped)
{
	struct sink_stats stats = example();
	int err;

	encode(&stats);
	for (size_t i = 0; i < SINK_STATS_SIZE; i++) {
		bytes[i] ^= (uint8_t)(1 << i % 8);
		err = sink_stats_decode(BYTES, &why, &stats);
		ck_assert(err == (i >= 8 && i < 12 ? SINK_EVERSION : SINK_ECORRUPT));
		bytes[i] ^= (uint8_t)(1 << i % 8);
	}
}
END_TEST

START_TEST(of_another_version)
{
	struct sink_stats stats = example();

	encode(&stats);
	bytes[11] = 3;
	refused(sink_span(bytes, 12), SINK_EVERSION, "a later version");
	for (uint8_t earlier = 0; earlier < 2; earlier++) {
		bytes[11] = earlier;
		refused(BYTES, SINK_EVERSION, "an earlier version");
	}
	memset(bytes, 0, sizeof bytes);
	refused(BYTES, SINK_ECORRUPT, "not a file of counters");
}
END_TEST

START_TEST(out_of_range)
{
	static const struct {
		size_t offset;
		uint8_t byte; /* there */
		const char *what;
	} wrong[] = {
		{ 12, 1, "another size" },
		{ 16, 0x80, "a time before 1970" },
		{ 55, 'x', "something behind the end of a text" },
		{ 49, '\n', "a control character" },
		{ 49, 0xe9, "no ASCII" },
		{ 49, 0, "likewise" },
		{ 240, 1, "an action that is none" },
		{ 287, 1, "an action that is none" },
		{ 160, 0x80, "a negative count" },
		{ 335, 33, "noticed after it was in use" },
		{ 328, 0x80, "a negative span" },
		{ 343, 34, "in use after each worker was heard" },
		{ 344, 0x80, "neither a span nor not yet" },
		{ 359, 36, "walked after it was enforced" },
		{ 392, 0xff, "a negative span" },
		{ 4488, 0xff, "a negative span" },
	};
	struct sink_stats stats = example();

	memset(stats.tool, 'a', sizeof stats.tool - 1);
	encode(&stats);
	bytes[48 + 63] = 'a';
	sign();
	refused(BYTES, SINK_ECORRUPT, "out of its range"); /* a text without an end */
	stats = example();
	for (size_t i = 0; i < LENGTH(wrong); i++) {
		encode(&stats);
		bytes[wrong[i].offset] = wrong[i].byte;
		sign();
		ck_assert_msg(sink_stats_decode(BYTES, &why, &stats) == SINK_ECORRUPT, "%s",
			wrong[i].what);
	}
	/* what is not yet comes last */
	stats.reaction.heard = SINK_STATS_NOT_YET;
	encode(&stats);
	refused(BYTES, SINK_ECORRUPT, "out of its range");
}
END_TEST

/* Whatever somebody signs: it is refused, or it is what it says. */
START_TEST(signed_noise)
{
	struct dice dice = { .state = 20261127 };
	struct sink_stats stats = example(), again;
	unsigned taken = 0;

	for (int round = 0; round < 20000 / STRIDE; round++) {
		encode(&stats);
		for (uint64_t flips = 1 + roll(&dice, 3); flips > 0; flips--)
			bytes[16 + roll(&dice, SINK_STATS_SIZE - 16 - SINK_DIGEST_LEN)] =
				(uint8_t)roll(&dice, 256);
		sign();
		if (sink_stats_decode(BYTES, &why, &again))
			continue;
		taken++;
		sink_series_spread(&again.in_use);
		sink_series_spread(&again.enforced);
	}
	ck_assert_uint_gt(taken, 0);
}
END_TEST

/* --- series ------------------------------------------------------------------------------------------------------- */

static void spread_is(const struct sink_series *series, unsigned count, int64_t min, int64_t median,
	int64_t p95, int64_t max)
{
	struct sink_spread spread = sink_series_spread(series);

	ck_assert_uint_eq(spread.count, count);
	ck_assert_int_eq(spread.min, min);
	ck_assert_int_eq(spread.median, median);
	ck_assert_int_eq(spread.p95, p95);
	ck_assert_int_eq(spread.max, max);
}

START_TEST(spread)
{
	struct sink_series series = { 0 };

	spread_is(&series, 0, 0, 0, 0, 0);
	sink_series_add(&series, 7);
	spread_is(&series, 1, 7, 7, 7, 7);
	sink_series_add(&series, 3);
	spread_is(&series, 2, 3, 3, 7, 7);
	for (int i = 0; i < 18; i++)
		sink_series_add(&series, 5);
	spread_is(&series, 20, 3, 5, 5, 7); /* 19 of 20 are 95 % */
	sink_series_add(&series, 100);
	spread_is(&series, 21, 3, 5, 7, 100);
	for (int i = 0; i < SINK_STATS_LAST; i++)
		sink_series_add(&series, i);
	ck_assert_uint_eq(series.count, 21 + SINK_STATS_LAST);
	spread_is(&series, SINK_STATS_LAST, 0, 127, 243, 255); /* the first ones are forgotten */
}
END_TEST

/* --- the file ----------------------------------------------------------------------------------------------------- */

static char run[PATH_ROOM], path[PATH_ROOM];

static struct sink_stats_file *file_of(const char *dir)
{
	struct sink_stats_file *file = NULL;

	ck_assert_int_eq(sink_stats_file_new(dir, &file), SINK_OK);
	inside(dir, SINK_STATS_FILE, path);
	return file;
}

static void writes(struct sink_stats_file *file, int err, const char *text)
{
	const struct sink_stats stats = example();

	why.text[0] = 0;
	ck_assert_msg(sink_stats_file_write(file, &stats, &why) == err, "%s", why.text);
	ck_assert_msg(strstr(why.text, text) != NULL, "\"%s\" is not in \"%s\"", text, why.text);
}

static void reads(const char *dir, int err, bool wanted)
{
	struct sink_stats stats;
	bool runs = !wanted;

	ck_assert_msg(sink_stats_read(dir, &why, &runs, &stats) == err, "%s", why.text);
	if (err)
		return;
	ck_assert_int_eq(runs, wanted);
	ck_assert_uint_eq(stats.servfail, 26);
}

START_TEST(written_and_read)
{
	struct sink_stats_file *file = file_of(inside(room, "run", run));
	mode_t before = umask(0077);
	struct stat st;

	reads(run, SINK_ENOENT, false);
	writes(file, SINK_OK, "");
	umask(before);
	reads(run, SINK_OK, true);
	ck_assert_int_eq(stat(run, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(st.st_size, SINK_STATS_SIZE);
	sink_stats_file_free(file);
	reads(run, SINK_OK, false);
}
END_TEST

START_TEST(comes_back)
{
	struct sink_stats_file *file = file_of(room);
	char other[PATH_ROOM];
	int fd;

	writes(file, SINK_OK, "");
	ck_assert_int_eq(truncate(path, 0), 0);
	writes(file, SINK_OK, "");
	reads(room, SINK_OK, true);
	ck_assert_int_eq(truncate(path, SINK_STATS_SIZE - 1), 0);
	writes(file, SINK_OK, "");
	reads(room, SINK_OK, true);
	ck_assert_int_eq(truncate(path, (off_t)1 << 30), 0);
	writes(file, SINK_OK, "");
	reads(room, SINK_OK, true);
	ck_assert_int_eq(unlink(path), 0);
	reads(room, SINK_ENOENT, false);
	writes(file, SINK_OK, "");
	reads(room, SINK_OK, true);
	/* another one in its place */
	fd = open(inside(room, "other", other), O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(rename(other, path), 0);
	writes(file, SINK_OK, "");
	reads(room, SINK_OK, true);
	sink_stats_file_free(file);
}
END_TEST

START_TEST(no_place)
{
	struct sink_stats_file *file;
	char far[PATH_ROOM], other[PATH_ROOM];

	file = file_of(inside(room, "no/run", far));
	writes(file, SINK_ENOENT, "No such file or directory");
	ck_assert_int_eq(mkdir(inside(room, "no", other), 0755), 0);
	writes(file, SINK_OK, ""); /* later, by itself */
	reads(far, SINK_OK, true);
	sink_stats_file_free(file);

	file = file_of(path); /* that file is no directory */
	writes(file, SINK_ENOENT, "Not a directory");
	sink_stats_file_free(file);

	file = file_of(room);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	writes(file, SINK_ECORRUPT, "not a regular file");
	reads(room, SINK_ECORRUPT, false);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	writes(file, SINK_ECORRUPT, "not a regular file");
	reads(room, SINK_ECORRUPT, false);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("elsewhere", path), 0); /* which is not made */
	writes(file, SINK_ECORRUPT, "not a regular file");
	ck_assert_int_eq(access(inside(room, "elsewhere", other), F_OK), -1);
	sink_stats_file_free(file);
	sink_stats_file_free(NULL);
}
END_TEST

static int write_as_nobody(void *arg)
{
	const struct sink_stats stats = example();
	struct sink_stats_file *file = arg;

	if (setgid(65534) || setuid(65534))
		return 2;
	return sink_stats_file_write(file, &stats, NULL) == SINK_EIO ? 0 : 1;
}

START_TEST(not_ours)
{
	struct sink_stats_file *file;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(room, 0755), 0);
	file = file_of(room);
	ck_assert_int_eq(in_child(write_as_nobody, file), 0); /* nor may it make one */
	writes(file, SINK_OK, "");
	sink_stats_file_free(file);
	file = file_of(room);
	ck_assert_int_eq(in_child(write_as_nobody, file), 0);
	sink_stats_file_free(file);
}
END_TEST

/* The second one touches nothing, and takes over when the first has gone, however that went. */
START_TEST(two_writers)
{
	struct sink_stats_file *first = file_of(room), *second = file_of(room);
	uint8_t byte = 'x';
	int fd;

	writes(first, SINK_OK, "");
	fd = open(path, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, &byte, 1, 100), 1);
	writes(second, SINK_EBUSY, "another resolver writes it");
	ck_assert_int_eq(pread(fd, &byte, 1, 100), 1);
	ck_assert_uint_eq(byte, 'x');
	close(fd);
	sink_stats_file_free(first);
	writes(second, SINK_OK, "");
	reads(room, SINK_OK, true);
	sink_stats_file_free(second);
}
END_TEST

/* Read while it is written: never a mix, and never refused. */
START_TEST(never_torn)
{
	struct sink_stats_file *file = file_of(room);
	struct sink_stats stats = example();
	uint64_t last = 1;
	bool runs;
	pid_t pid;

	stats.servfail = stats.monitored = stats.failed = 1;
	ck_assert_int_eq(sink_stats_file_write(file, &stats, &why), SINK_OK);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		for (uint64_t n = 2;; n++) {
			stats.servfail = stats.monitored = stats.failed = n;
			if (sink_stats_file_write(file, &stats, NULL))
				_exit(1);
		}
	for (int i = 0; i < 3000 / STRIDE; i++) {
		struct sink_stats seen;

		ck_assert(sink_stats_read(room, &why, &runs, &seen) == SINK_OK);
		ck_assert(runs && seen.servfail >= last && seen.servfail == seen.failed);
		last = seen.servfail;
	}
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	sink_stats_file_free(file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stats");
	TCase *format = tcase_create("bytes"), *file = tcase_create("file");

	tcase_add_test(format, layout);
	tcase_add_test(format, there_and_back);
	tcase_add_test(format, cut);
	tcase_add_test(format, flipped);
	tcase_add_test(format, of_another_version);
	tcase_add_test(format, out_of_range);
	tcase_add_test(format, signed_noise);
	tcase_add_test(format, spread);
	suite_add_tcase(suite, format);
	tcase_add_checked_fixture(file, begin, end);
	tcase_set_timeout(file, 60);
	tcase_add_test(file, written_and_read);
	tcase_add_test(file, comes_back);
	tcase_add_test(file, no_place);
	tcase_add_test(file, not_ours);
	tcase_add_test(file, two_writers);
	tcase_add_test(file, never_torn);
	suite_add_tcase(suite, file);
	return run_suite(suite);
}

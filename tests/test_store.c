/* test_store.c - publishing: order, pruning, many at once, and death at any moment.
 *
 * Publishing does not look into a base file, so any bytes will do for one here. */
#include "sinkhole/store.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <utime.h>

#include "base.h"

#define NOW 1795262400 /* 2026-11-21T12:00:00Z */

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

/* --- pieces ----------------------------------------------------------------------------------- */

static struct sink_publish publication(const char *temp, size_t bytes)
{
	return (struct sink_publish){
		.temp = temp,
		.summary = { .names = 3, .listings = 4, .bytes = bytes },
		.time = NOW,
		.origin = "compile",
		.tool = "test 1",
		.wait = true,
	};
}

static int try_publish(const struct sink_publish *what, struct sink_manifest *out)
{
	return sink_store_publish(data, what, NULL, out);
}

/* A base file with this text, under a temporary name. */
static const char *make_temp(const char *text, char path[PATH_ROOM])
{
	struct sink_why why;

	ck_assert_msg(sink_store_temp(data, &why, path, PATH_ROOM) == SINK_OK, "%s", why.text);
	write_whole(path, text, strlen(text));
	return path;
}

/* Publish it, keeping so many. Returns the serial. */
static uint64_t publish_text(const char *text, unsigned keep)
{
	char path[PATH_ROOM];
	struct sink_publish what = publication(make_temp(text, path), strlen(text));
	struct sink_manifest manifest;
	struct sink_why why;

	what.keep = keep;
	ck_assert_msg(sink_store_publish(data, &what, &why, &manifest) == SINK_OK, "%s", why.text);
	return manifest.serial;
}

static uint64_t current_serial(void)
{
	struct sink_manifest manifest;
	struct sink_why why;

	ck_assert_msg(sink_store_manifest(data, 0, &why, &manifest) == SINK_OK, "%s", why.text);
	return manifest.serial;
}

static int note_serial(void *arg, const struct sink_manifest *manifest)
{
	char *text = arg;

	sprintf(text + strlen(text), "%llu ", (unsigned long long)manifest->serial);
	return SINK_OK;
}

static void note_unread(void *arg, int err, const char *text)
{
	ck_assert_ptr_nonnull(strstr(text, data)); /* says which */
	strcat(arg, err == SINK_EVERSION ? "other " : "bad ");
}

/* The generations that are kept: "1 2 bad 4 ". */
static const char *kept(char text[1024])
{
	text[0] = 0;
	ck_assert_int_eq(sink_store_each(data, note_serial, note_unread, text, NULL), SINK_OK);
	return text;
}

/* How many names in a directory begin so? */
static unsigned count(const char *dir, const char *start)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)))
		n += entry->d_name[0] != '.' && strncmp(entry->d_name, start, strlen(start)) == 0;
	closedir(d);
	return n;
}

static bool exists(const char *dir, const char *name)
{
	char path[PATH_ROOM];

	return access(inside(dir, name, path), F_OK) == 0;
}

/* Is the base there that a manifest names, whole? */
static void check_base(const struct sink_manifest *manifest)
{
	char path[PATH_ROOM];
	struct sink_db_options found = promise(inside(gen, manifest->base, path), SINK_MAP_DIRECT);

	ck_assert_uint_eq(found.size, manifest->base_size);
	ck_assert_mem_eq(found.digest, manifest->base_digest, SINK_DIGEST_LEN);
}

static int check_one(void *arg, const struct sink_manifest *manifest)
{
	(void)arg;
	check_base(manifest);
	return SINK_OK;
}

static void never(void *arg, int err, const char *text)
{
	(void)arg;
	(void)err;
	ck_abort_msg("%s", text);
}

/* All that a reader could find is whole. */
static void check_directory(void)
{
	struct sink_manifest manifest;

	ck_assert_int_eq(sink_store_manifest(data, 0, NULL, &manifest), SINK_OK);
	check_base(&manifest);
	ck_assert_int_eq(sink_store_each(data, check_one, never, NULL, NULL), SINK_OK);
}

/* --- publishing ------------------------------------------------------------------------------- */

START_TEST(nothing_there)
{
	struct sink_publish what = publication("/nowhere", 1);
	struct sink_manifest manifest;
	char text[1024] = "";

	ck_assert_int_eq(sink_store_manifest(data, 0, NULL, &manifest), SINK_ENOENT);
	ck_assert_int_eq(sink_store_manifest(data, 1, NULL, &manifest), SINK_ENOENT);
	ck_assert_int_eq(sink_store_each(data, note_serial, NULL, text, NULL), SINK_ENOENT);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_ENOENT);
	ck_assert_int_eq(mkdir(data, 0755) | mkdir(gen, 0755), 0);
	ck_assert_int_eq(sink_store_manifest(data, 0, NULL, &manifest), SINK_ENOENT);
	ck_assert_int_eq(sink_store_manifest(data, 1, NULL, &manifest), SINK_ENOENT);
	ck_assert_str_eq(kept(text), "");
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_EIO);
	what.temp = NULL;
	what.again = 1;
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_ENOENT);
	what.again = 0;
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_EINVAL);
	ck_assert_uint_eq(count(data, ""), 1); /* gen, and nothing that we left */
	ck_assert_uint_eq(count(gen, ""), 0);
}
END_TEST

START_TEST(first_generation)
{
	mode_t mask = umask(077); /* the resolver's user reads, whatever ours is */
	char path[PATH_ROOM], shown[PATH_ROOM];
	struct sink_publish what = publication(make_temp("hello", path), 5);
	struct sink_manifest manifest, read;
	struct stat st;
	struct bytes a, b;

	what.reason = "because";
	ck_assert_int_eq(sink_store_publish(data, &what, NULL, &manifest), SINK_OK);
	umask(mask);
	ck_assert_uint_eq(manifest.serial, 1);
	ck_assert_int_eq(manifest.time, NOW);
	ck_assert_str_eq(manifest.base, "base-1-2cf24dba5fb0a30e.mdb"); /* SHA-256 of "hello" */
	ck_assert_uint_eq(manifest.base_size, 5);
	ck_assert_uint_eq(manifest.names, 3);
	ck_assert_uint_eq(manifest.listings, 4);
	ck_assert_str_eq(manifest.origin, "compile");
	ck_assert_str_eq(manifest.reason, "because");
	ck_assert_str_eq(manifest.tool, "test 1");
	ck_assert_int_eq(sink_store_manifest(data, 0, NULL, &read), SINK_OK);
	ck_assert_str_eq(read.base, manifest.base);
	ck_assert_int_eq(sink_store_manifest(data, 1, NULL, &read), SINK_OK);
	ck_assert_int_eq(sink_store_manifest(data, 2, NULL, &read), SINK_ENOENT);
	a = read_whole(inside(data, "current", shown));
	b = read_whole(inside(gen, "000000000001.manifest", shown));
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_mem_eq(a.at, b.at, a.len);
	free(a.at);
	free(b.at);
	check_directory();
	ck_assert_uint_eq(count(data, ""), 2);
	ck_assert_uint_eq(count(gen, ""), 3);
	ck_assert_int_eq(stat(data, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(stat(gen, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(stat(inside(data, "current", shown), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(stat(inside(gen, manifest.base, shown), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
}
END_TEST

START_TEST(same_content_twice)
{
	struct sink_manifest one, two;

	ck_assert_uint_eq(publish_text("same", 0), 1);
	ck_assert_uint_eq(publish_text("same", 0), 2);
	ck_assert_int_eq(sink_store_manifest(data, 1, NULL, &one), SINK_OK);
	ck_assert_int_eq(sink_store_manifest(data, 2, NULL, &two), SINK_OK);
	ck_assert_mem_eq(one.base_digest, two.base_digest, SINK_DIGEST_LEN);
	ck_assert_str_ne(one.base, two.base);
	check_directory();
}
END_TEST

static const struct {
	const char *origin, *reason, *tool;
	int64_t time;
	size_t bytes; /* that the summary claims; the file has 4 */
	int err;
} refusals[] = {
	{ "compile", "two\nlines", "t", NOW, 4, SINK_EINVAL },
	{ "compile\nserial 9", NULL, "t", NOW, 4, SINK_EINVAL },
	{ "compile", "\x1b[2J", "t", NOW, 4, SINK_EINVAL },
	{ "compile", "caf\xe9", "t", NOW, 4, SINK_EINVAL },
	{ "", NULL, "t", NOW, 4, SINK_EINVAL },
	{ NULL, NULL, "t", NOW, 4, SINK_EINVAL },
	{ "compile", NULL, "", NOW, 4, SINK_EINVAL },
	{ "compile", NULL, NULL, NOW, 4, SINK_EINVAL },
	{ "compile", NULL,
		"a tool with a name that is longer than the sixty-three bytes it may have", NOW, 4,
		SINK_EINVAL },
	{ "compile", NULL, "t", -1, 4, SINK_EINVAL },
	{ "compile", NULL, "t", 253402300800, 4, SINK_EINVAL }, /* year 10000 */
	{ "compile", NULL, "t", INT64_MAX, 4, SINK_EINVAL },
	{ "compile", NULL, "t", NOW, 3, SINK_ECORRUPT },
	{ "compile", NULL, "t", NOW, 5, SINK_ECORRUPT },
};

START_TEST(publication_is_refused)
{
	char path[PATH_ROOM], text[1024];
	struct sink_publish what = publication(make_temp("text", path), refusals[_i].bytes);
	struct sink_manifest manifest;

	publish_text("old", 0);
	what.origin = refusals[_i].origin;
	what.reason = refusals[_i].reason;
	what.tool = refusals[_i].tool;
	what.time = refusals[_i].time;
	ck_assert_int_eq(try_publish(&what, &manifest), refusals[_i].err);
	ck_assert_msg(access(path, F_OK) == 0, "the file to publish is gone");
	ck_assert_uint_eq(current_serial(), 1);
	ck_assert_str_eq(kept(text), "1 ");
	ck_assert_uint_eq(count(gen, ""), 4); /* manifest, base, policy, and the file to publish */
	check_directory();
}
END_TEST

START_TEST(temp_elsewhere)
{
	char path[PATH_ROOM], link[PATH_ROOM];
	struct sink_publish what = publication(inside(room, "elsewhere", path), 4);
	struct sink_manifest manifest;

	publish_text("old", 0);
	write_whole(path, "text", 4);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_EINVAL);
	write_whole(inside(gen, "elsewhere", link), "none",
		4); /* a name that is taken by another */
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_EINVAL);
	ck_assert_int_eq(unlink(link) | symlink(path, link), 0);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_EINVAL);
	what.temp = link;
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_ECORRUPT);
	ck_assert_int_eq(unlink(link) | mkfifo(link, 0644), 0);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_ECORRUPT);
	what.temp = gen;
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_ECORRUPT);
	ck_assert_uint_eq(current_serial(), 1);
}
END_TEST

/* Someone made our next names before us: nothing of theirs is replaced, and we get on. */
START_TEST(names_are_taken)
{
	char path[PATH_ROOM], temp[PATH_ROOM];
	struct sink_publish what;
	struct sink_manifest manifest;

	publish_text("one", 0);
	write_whole(inside(gen, "base-7-0000000000000000.mdb", path), "x", 1);
	ck_assert_uint_eq(publish_text("two", 0), 8); /* and prunes what no manifest names */
	ck_assert_int_ne(access(path, F_OK), 0);
	write_whole(inside(gen, "000000000041.manifest", path), "damaged", 7);
	ck_assert_uint_eq(publish_text("three", 0), 42);
	ck_assert_int_eq(access(path, F_OK), 0); /* within the eight that are kept */
	write_whole(inside(gen, "000000000099.manifest.old", path), "x", 1);
	write_whole(inside(gen, "0000000000099.manifest", path), "x",
		1); /* 13 digits are not its name */
	write_whole(inside(gen, "99999999999999999999.manifest", path), "x", 1);
	write_whole(inside(gen, "base-99.mdb", path), "x", 1);
	ck_assert_uint_eq(publish_text("four", 0), 43);
	/* A `current` that cannot be replaced: the file to publish is back where it was. */
	ck_assert_int_eq(mkdir(inside(data, "current.d", path), 0755), 0);
	ck_assert_int_eq(unlink(inside(data, "current", path)), 0);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	what = publication(make_temp("five", temp), 4);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_EIO);
	ck_assert_int_eq(access(temp, F_OK), 0);
	ck_assert(!exists(gen, "000000000044.manifest"));
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_OK);
	ck_assert_uint_eq(manifest.serial, 44);
	ck_assert_uint_eq(current_serial(), 44);
}
END_TEST

START_TEST(no_serial_left)
{
	char path[PATH_ROOM], temp[PATH_ROOM];
	struct sink_publish what;
	struct sink_manifest manifest;
	struct sink_why why;

	publish_text("one", 0);
	write_whole(inside(gen, "9223372036854775806.manifest", path), "x", 1);
	ck_assert_uint_eq(publish_text("last", 0), INT64_MAX);
	what = publication(make_temp("more", temp), 4);
	ck_assert_int_eq(sink_store_publish(data, &what, &why, &manifest), SINK_EIO);
	ck_assert_ptr_nonnull(strstr(why.text, "no serial"));
	ck_assert_uint_eq(current_serial(), INT64_MAX);
	ck_assert_int_eq(access(temp, F_OK), 0);
}
END_TEST

/* --- damage ----------------------------------------------------------------------------------- */

static const char *const damaged_currents[] = { "", "x", "sinkhole-generation 2\n",
	"sinkhole-generation 1\nserial 900\n" };

/* A damaged `current` is refused to readers, and is no lock against the operator. */
START_TEST(damaged_current)
{
	const char *text = damaged_currents[_i];
	struct sink_manifest manifest;
	char path[PATH_ROOM];
	int err;

	publish_text("one", 0);
	publish_text("two", 0);
	write_whole(inside(data, "current", path), text, strlen(text));
	err = sink_store_manifest(data, 0, NULL, &manifest);
	ck_assert(err == SINK_ECORRUPT || err == SINK_EVERSION);
	ck_assert_uint_eq(publish_text("three", 0), 3);
	ck_assert_uint_eq(current_serial(), 3);
	check_directory();
}
END_TEST

START_TEST(odd_currents)
{
	struct sink_manifest manifest;
	char path[PATH_ROOM], other[PATH_ROOM];

	publish_text("one", 0);
	inside(data, "current", path);
	ck_assert_int_eq(rename(path, inside(room, "aside", other)), 0);
	ck_assert_int_eq(symlink(other, path), 0);
	ck_assert_int_eq(sink_store_manifest(data, 0, NULL, &manifest), SINK_ECORRUPT);
	ck_assert_int_eq(unlink(path) | mkfifo(path, 0644), 0);
	ck_assert_int_eq(sink_store_manifest(data, 0, NULL, &manifest), SINK_ECORRUPT);
	ck_assert_uint_eq(publish_text("two", 0), 2);
	check_directory();
	/* The manifest of another generation under this one's name. */
	ck_assert_int_eq(unlink(inside(gen, "000000000002.manifest", other)), 0);
	ck_assert_int_eq(link(inside(gen, "000000000001.manifest", path), other), 0);
	ck_assert_int_eq(sink_store_manifest(data, 2, NULL, &manifest), SINK_ECORRUPT);
	/* All that gen knew is lost: current still says how far we were. */
	clear_room(gen);
	ck_assert_uint_eq(publish_text("three", 0), 3);
	check_directory();
}
END_TEST

/* While a manifest that is kept cannot be read, it might name any base. */
START_TEST(damaged_manifest_keeps_bases)
{
	char path[PATH_ROOM], text[1024];

	for (int i = 0; i < 4; i++)
		publish_text("text", 4);
	write_whole(inside(gen, "000000000003.manifest", path), "damaged", 7);
	ck_assert_str_eq(kept(text), "1 2 bad 4 ");
	publish_text("text", 4);
	ck_assert_str_eq(kept(text), "2 bad 4 5 ");
	ck_assert_uint_eq(count(gen, "base-"), 5);
	publish_text("text", 4);
	ck_assert_str_eq(kept(text), "bad 4 5 6 ");
	ck_assert_uint_eq(count(gen, "base-"), 6);
	publish_text("text", 4); /* and now it goes */
	ck_assert_str_eq(kept(text), "4 5 6 7 ");
	ck_assert_uint_eq(count(gen, "base-"), 4);
	check_directory();
}
END_TEST

/* --- again, and pruning ----------------------------------------------------------------------- */

START_TEST(again)
{
	struct sink_publish what = publication(NULL, 0);
	struct sink_manifest old, manifest;
	char path[PATH_ROOM];
	struct bytes base;

	publish_text("one", 0);
	publish_text("two", 0);
	ck_assert_int_eq(sink_store_manifest(data, 1, NULL, &old), SINK_OK);
	what.again = 1;
	what.origin = "rollback to 1";
	what.reason = "wrong list";
	what.time = NOW + 60;
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_OK);
	ck_assert_uint_eq(manifest.serial, 3); /* never goes back */
	ck_assert_str_eq(manifest.base, old.base);
	ck_assert_uint_eq(manifest.names, old.names);
	ck_assert_uint_eq(manifest.listings, old.listings);
	ck_assert_int_eq(manifest.time, NOW + 60);
	ck_assert_str_eq(manifest.origin, "rollback to 1");
	ck_assert_uint_eq(current_serial(), 3);
	check_directory();
	/* Its base outlives its first manifest. */
	for (int i = 0; i < 2; i++)
		publish_text("text", 3);
	ck_assert_int_eq(sink_store_manifest(data, 1, NULL, &manifest), SINK_ENOENT);
	ck_assert(exists(gen, old.base));
	publish_text("text", 3);
	ck_assert(!exists(gen, old.base));
	check_directory();
	/* What was damaged since is not published again. */
	ck_assert_int_eq(sink_store_manifest(data, 5, NULL, &old), SINK_OK);
	base = read_whole(inside(gen, old.base, path));
	base.at[0] ^= 1;
	write_whole(path, base.at, base.len);
	free(base.at);
	what.again = 5;
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_ECORRUPT);
	ck_assert_int_eq(truncate(path, 1), 0);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_ECORRUPT);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_ECORRUPT);
	what.again = 99;
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_ENOENT);
	ck_assert_uint_eq(current_serial(), 6);
}
END_TEST

/* --- pauses ------------------------------------------------------------------------------------ */

static struct sink_publish pausing(enum sink_pausing pausing, int64_t until)
{
	struct sink_publish what = publication(NULL, 0);

	what.origin = "pause";
	what.pausing = pausing;
	what.pause_until = until;
	return what;
}

static struct sink_manifest pause_until(int64_t until)
{
	struct sink_publish what = pausing(SINK_PAUSE_BEGIN, until);
	struct sink_manifest manifest;
	struct sink_why why;

	ck_assert_msg(sink_store_publish(data, &what, &why, &manifest) == SINK_OK, "%s", why.text);
	return manifest;
}

static int resume(struct sink_manifest *out)
{
	struct sink_publish what = pausing(SINK_PAUSE_END, 0);

	return try_publish(&what, out);
}

static int64_t current_pause(void)
{
	struct sink_manifest manifest;

	ck_assert_int_eq(sink_store_manifest(data, 0, NULL, &manifest), SINK_OK);
	return manifest.paused_until;
}

START_TEST(pause_and_resume)
{
	const int64_t begun = (int64_t)time(NULL), later = begun + 600;
	struct sink_manifest old, manifest;
	char text[1024];

	ck_assert_int_eq(mkdir(data, 0755) | mkdir(gen, 0755), 0);
	ck_assert_int_eq(resume(&manifest), SINK_ENOENT); /* nothing to resume, nothing published */
	publish_text("one", 0);
	ck_assert_int_eq(sink_store_manifest(data, 0, NULL, &old), SINK_OK);
	ck_assert_int_eq(resume(&manifest), SINK_ENOENT);
	ck_assert_str_eq(kept(text), "1 ");

	manifest = pause_until(later);
	ck_assert_uint_eq(manifest.serial, 2);
	ck_assert_int_eq(manifest.time, NOW); /* which is not when it began */
	ck_assert_int_ge(manifest.paused_since, begun);
	ck_assert_int_le(manifest.paused_since, (int64_t)time(NULL));
	ck_assert_int_eq(manifest.paused_until, later);
	ck_assert_str_eq(manifest.base, old.base);
	ck_assert_str_eq(manifest.policy, old.policy);
	ck_assert_uint_eq(manifest.names, old.names);
	ck_assert_uint_eq(manifest.listings, old.listings);
	ck_assert_mem_eq(manifest.base_digest, old.base_digest, SINK_DIGEST_LEN);
	ck_assert_mem_eq(manifest.policy_digest, old.policy_digest, SINK_DIGEST_LEN);
	ck_assert_int_eq(current_pause(), later);
	ck_assert_uint_eq(count(gen, "base-"), 1);
	ck_assert_uint_eq(count(gen, "policy-"), 1);

	ck_assert_int_eq(pause_until(SINK_PAUSED_OPEN).paused_since, manifest.paused_since);
	ck_assert_int_eq(current_pause(), SINK_PAUSED_OPEN);
	pause_until(begun + 60); /* earlier, too */
	ck_assert_int_eq(current_pause(), begun + 60);
	ck_assert_int_eq(resume(&manifest), SINK_OK);
	ck_assert_int_eq(manifest.paused_since, 0);
	ck_assert_int_eq(current_pause(), 0);
	ck_assert_int_eq(resume(&manifest), SINK_ENOENT);
	ck_assert_uint_eq(current_serial(), 5);
	check_directory();
}
END_TEST

/* Neither a new base, nor another policy, nor going back to a generation from before. */
START_TEST(pause_stays)
{
	struct sink_publish back = publication(NULL, 0), policy = publication(NULL, 0);
	struct sink_manifest paused, manifest;

	publish_text("one", 0);
	paused = pause_until(SINK_PAUSED_OPEN);
	publish_text("two", 0);
	ck_assert_int_eq(current_pause(), SINK_PAUSED_OPEN);
	policy.policy = &sink_policy_default;
	ck_assert_int_eq(try_publish(&policy, &manifest), SINK_OK);
	ck_assert_int_eq(manifest.paused_until, SINK_PAUSED_OPEN);
	back.again = 1;
	ck_assert_int_eq(try_publish(&back, &manifest), SINK_OK);
	ck_assert_int_eq(manifest.paused_until, SINK_PAUSED_OPEN);
	ck_assert_int_eq(manifest.paused_since, paused.paused_since);
	ck_assert_int_eq(resume(&manifest), SINK_OK);
	back.again = 2; /* which was paused; it no longer is */
	ck_assert_int_eq(try_publish(&back, &manifest), SINK_OK);
	ck_assert_int_eq(manifest.paused_until, 0);
	ck_assert_int_eq(current_pause(), 0);
}
END_TEST

/* A damaged `current` takes no pause back: gen knows it. */
START_TEST(pause_outlives_current)
{
	char path[PATH_ROOM];

	publish_text("one", 0);
	pause_until(SINK_PAUSED_OPEN);
	write_whole(inside(data, "current", path), "damaged", 7);
	publish_text("two", 0);
	ck_assert_int_eq(current_pause(), SINK_PAUSED_OPEN);
	check_directory();
}
END_TEST

START_TEST(pause_ends)
{
	struct sink_publish over = pausing(SINK_PAUSE_BEGIN, (int64_t)time(NULL));
	char path[PATH_ROOM], text[SINK_MANIFEST_MAX];
	struct sink_manifest manifest;

	publish_text("one", 0);
	ck_assert_int_eq(try_publish(&over, &manifest), SINK_EINVAL);
	over.pause_until = 0;
	ck_assert_int_eq(try_publish(&over, &manifest), SINK_EINVAL);
	over.pause_until = INT64_MIN;
	ck_assert_int_eq(try_publish(&over, &manifest), SINK_EINVAL);
	over.pause_until = SINK_PAUSED_OPEN - 1; /* nobody could write that down */
	ck_assert_int_eq(try_publish(&over, &manifest), SINK_EINVAL);
	ck_assert_uint_eq(current_serial(), 1);
	/* One that is over is not carried on, and there is nothing to end. */
	manifest = pause_until(SINK_PAUSED_OPEN);
	manifest.paused_until = (int64_t)time(NULL);
	write_whole(inside(data, "current", path), text, sink_manifest_format(&manifest, text));
	ck_assert_int_eq(resume(&manifest), SINK_ENOENT);
	publish_text("two", 0);
	ck_assert_int_eq(current_pause(), 0);
}
END_TEST

/* In milliseconds, however large the base is: it is not read. But what a reader would refuse is not published. */
START_TEST(pause_reads_no_base)
{
	struct sink_publish what = pausing(SINK_PAUSE_BEGIN, SINK_PAUSED_OPEN);
	struct sink_manifest manifest;
	char path[PATH_ROOM];

	publish_text("one", 0);
	ck_assert_int_eq(sink_store_manifest(data, 0, NULL, &manifest), SINK_OK);
	write_whole(inside(gen, manifest.base, path), "two", 3);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_OK);
	ck_assert_int_eq(truncate(path, 2), 0);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_ECORRUPT);
	write_whole(path, "one", 3);
	ck_assert_int_eq(truncate(inside(gen, manifest.policy, path), 3), 0);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_ECORRUPT);
	ck_assert_uint_eq(current_serial(), 2);
}
END_TEST

START_TEST(pruning)
{
	char text[1024], path[PATH_ROOM];

	for (int i = 0; i < 20; i++)
		publish_text("text", 0);
	ck_assert_str_eq(kept(text), "13 14 15 16 17 18 19 20 ");
	ck_assert_uint_eq(count(gen, ""), 17); /* one policy is enough for equal ones */
	write_whole(inside(gen, "notes", path), "mine", 4); /* not ours to remove */
	publish_text("text", 1);
	ck_assert_str_eq(kept(text), "21 ");
	ck_assert_uint_eq(count(gen, ""), 4);
	check_directory();
	publish_text("text", 1000000);
	ck_assert_str_eq(kept(text), "21 22 ");
}
END_TEST

static int publish_in_child(void *arg)
{
	char path[PATH_ROOM];

	(void)arg;
	make_temp("left behind", path);
	return 0;
}

/* A temporary file lives as long as its lock, or its young process. */
START_TEST(stale_temps)
{
	const struct utimbuf hour_ago = { .actime = time(NULL) - 3600,
		.modtime = time(NULL) - 3600 };
	char mine[PATH_ROOM], locked[PATH_ROOM], odd[PATH_ROOM];
	int fd;

	publish_text("one", 0);
	ck_assert_int_eq(in_child(publish_in_child, NULL), 0); /* a dead one's */
	make_temp("in the making", mine);
	make_temp("long in the making", locked);
	fd = open(locked, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(utime(locked, &hour_ago), 0);
	ck_assert_uint_eq(count(gen, "tmp-"), 3);
	publish_text("two", 0);
	ck_assert_uint_eq(count(gen, "tmp-"), 2);
	ck_assert(access(mine, F_OK) == 0 && access(locked, F_OK) == 0);
	ck_assert_int_eq(utime(mine, &hour_ago), 0);
	publish_text("three", 0);
	ck_assert_uint_eq(count(gen, "tmp-"), 1);
	ck_assert_int_eq(access(locked, F_OK), 0);
	close(fd);
	publish_text("four", 0);
	ck_assert_uint_eq(count(gen, "tmp-"), 0);
	/* Odd ones are left alone, and hang nobody. */
	ck_assert_int_eq(mkfifo(inside(gen, "tmp-1-1", odd), 0644), 0);
	ck_assert_int_eq(mkdir(inside(gen, "tmp-1-2", odd), 0755), 0);
	publish_text("five", 0);
	ck_assert_uint_eq(count(gen, "tmp-"), 2);
}
END_TEST

START_TEST(temp_paths)
{
	char a[PATH_ROOM], b[PATH_ROOM], small[16], deep[PATH_ROOM];

	ck_assert_int_eq(sink_store_temp(data, NULL, a, sizeof a), SINK_OK);
	ck_assert_int_eq(sink_store_temp(data, NULL, b, sizeof b), SINK_OK);
	ck_assert_str_ne(a, b); /* although neither was made yet */
	ck_assert_int_eq(strncmp(a, gen, strlen(gen)), 0);
	ck_assert_int_eq(sink_store_temp(data, NULL, small, sizeof small), SINK_EINVAL);
	ck_assert_int_eq(sink_store_temp(data, NULL, a, strlen(gen) + 2), SINK_EINVAL);
	ck_assert_int_eq(sink_store_temp(inside(room, "no/such", deep), NULL, a, sizeof a),
		SINK_EIO);
	write_whole(inside(room, "file", deep), "x", 1);
	ck_assert_int_eq(sink_store_temp(deep, NULL, a, sizeof a), SINK_EIO);
}
END_TEST

static int publish_without_room(void *arg)
{
	const struct rlimit limit = { .rlim_cur = 100,
		.rlim_max = 100 }; /* bytes: no manifest fits */
	const struct sink_publish *what = arg;
	struct sink_manifest manifest;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	return -try_publish(what, &manifest);
}

/* The disk is full after the base has its name: all is as before. */
START_TEST(no_room)
{
	char path[PATH_ROOM];
	struct sink_publish what;

	publish_text("old", 0);
	what = publication(make_temp("text", path), 4);
	ck_assert_int_eq(in_child(publish_without_room, &what), -SINK_EIO);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_uint_eq(current_serial(), 1);
	ck_assert_uint_eq(count(gen, ""), 4);
	check_directory();
}
END_TEST

/* --- at once ---------------------------------------------------------------------------------- */

START_TEST(busy)
{
	char path[PATH_ROOM];
	struct sink_publish what;
	struct sink_manifest manifest;
	int fd;

	publish_text("one", 0);
	what = publication(make_temp("text", path), 4);
	what.wait = false;
	fd = open(gen, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_EBUSY);
	ck_assert_int_eq(access(path, F_OK), 0);
	close(fd);
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_OK);
	ck_assert_uint_eq(manifest.serial, 2);
}
END_TEST

#define PUBLISHERS 50

/* Publish, and say the serial through a pipe. */
static int publish_and_tell(int out)
{
	char path[PATH_ROOM], text[32];
	struct sink_manifest manifest;
	struct sink_publish what;
	int len = sprintf(text, "by %ld", (long)getpid());

	if (sink_store_temp(data, NULL, path, sizeof path))
		return 1;
	write_whole(path, text, (size_t)len);
	what = publication(path, (size_t)len);
	if (try_publish(&what, &manifest))
		return 2;
	return write(out, &manifest.serial, sizeof manifest.serial) < 0;
}

START_TEST(many_publishers)
{
	bool seen[PUBLISHERS + 2] = { false };
	uint64_t serial, last = publish_text("first", 0);
	int pipes[2], status, left = PUBLISHERS;
	pid_t pid;

	ck_assert_int_eq(pipe(pipes), 0);
	for (int i = 0; i < PUBLISHERS; i++) {
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			_exit(publish_and_tell(pipes[1]));
	}
	while (left > 0) {
		serial = current_serial(); /* readable at any moment */
		ck_assert_uint_ge(serial, last);
		last = serial;
		pid = waitpid(-1, &status, WNOHANG);
		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			continue;
		ck_assert_int_eq(status, 0);
		left--;
	}
	close(pipes[1]);
	while (read(pipes[0], &serial, sizeof serial) == sizeof serial) {
		ck_assert(serial >= 2 && serial <= PUBLISHERS + 1 && !seen[serial]);
		seen[serial] = true;
		left++;
	}
	close(pipes[0]);
	ck_assert_int_eq(left, PUBLISHERS);
	ck_assert_uint_eq(current_serial(), PUBLISHERS + 1);
	ck_assert_uint_eq(count(gen, ""), 2 * SINK_KEEP_DEFAULT + 1);
	check_directory();
}
END_TEST

/* --- killed ----------------------------------------------------------------------------------- */

#define KILLS 200

static int64_t microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int publish_quietly(void *arg)
{
	(void)arg;
	return publish_and_tell(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

/* How long a publication takes here, from fork to end. */
static int64_t measure(void)
{
	int64_t begin = microseconds();

	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(in_child(publish_quietly, NULL), 0);
	return (microseconds() - begin) / 5;
}

/* Was the child at its end before the knife? */
static bool kill_after(pid_t pid, int64_t wait)
{
	const struct timespec pause = { .tv_nsec = (long)(wait % 1000000) * 1000,
		.tv_sec = (time_t)(wait / 1000000) };
	int status;

	nanosleep(&pause, NULL);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status);
}

START_TEST(killed_anywhere)
{
	struct dice dice = { .state = 2026 };
	uint64_t before = publish_text("first", 0), after;
	int64_t usual = measure();
	unsigned old = 0, new = 0;

	before = current_serial();
	for (int i = 0; i < KILLS; i++) {
		int64_t wait = (int64_t)roll(&dice, (uint64_t)usual * 5 / 4 + 1);
		pid_t pid = fork();
		bool ended;

		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			_exit(publish_quietly(NULL));
		ended = kill_after(pid, wait);
		check_directory();
		after = current_serial();
		ck_assert_uint_ge(after, before);
		if (ended)
			ck_assert_uint_gt(after, before);
		*(after > before ? &new : &old) += 1;
		before = after;
	}
	/* If all died early, or none did, this test would have shown nothing. */
	ck_assert_msg(old > KILLS / 20 && new > 0, "%u old, %u new", old, new);
	ck_assert_uint_gt(publish_text("last", 0), before);
	ck_assert_uint_eq(count(gen, "tmp-"), 0);
	ck_assert_uint_eq(count(gen, ""), 2 * SINK_KEEP_DEFAULT + 1);
	ck_assert_uint_eq(count(data, ""), 2);
	check_directory();
}
END_TEST

/* --- opening ---------------------------------------------------------------------------------- */

START_TEST(open_published)
{
	static const struct base_row rows[] = {
		{ "ads.example", SINK_SCOPE_SUBTREE, SINK_KIND_BLOCK, "a" },
		{ "ads.example", SINK_SCOPE_EXACT, SINK_KIND_BLOCK, "b" },
	};
	char path[PATH_ROOM];
	struct sink_publish what;
	struct sink_manifest manifest;
	struct sink_summary summary;
	struct sink_db *db;

	ck_assert_int_eq(sink_store_temp(data, NULL, path, sizeof path), SINK_OK);
	what = publication(path, 0);
	what.summary = make_base(path, rows, LENGTH(rows));
	ck_assert_int_eq(try_publish(&what, &manifest), SINK_OK);
	ck_assert_int_eq(sink_store_open(data, &manifest, SINK_MAP_SEALED, NULL, NULL, &db),
		SINK_OK);
	sink_db_summary(db, &summary);
	ck_assert_uint_eq(summary.names, 1);
	ck_assert_uint_eq(summary.listings, 2);
	ck_assert_uint_eq(summary.bytes, manifest.base_size);
	sink_db_close(db);
	manifest.listings++;
	ck_assert_int_eq(sink_store_open(data, &manifest, SINK_MAP_SEALED, NULL, NULL, &db),
		SINK_ECORRUPT);
	manifest.listings--;
	manifest.base_digest[31] ^= 1;
	ck_assert_int_eq(sink_store_open(data, &manifest, SINK_MAP_SEALED, NULL, NULL, &db),
		SINK_ECORRUPT);
	strcpy(manifest.base, "base-9-0000000000000000.mdb");
	ck_assert_int_eq(sink_store_open(data, &manifest, SINK_MAP_DIRECT, NULL, NULL, &db),
		SINK_ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *publish = tcase_create("publish");
	TCase *damage = tcase_create("damage");
	TCase *prune = tcase_create("prune");
	TCase *pause = tcase_create("pause");
	TCase *many = tcase_create("many");

	tcase_add_checked_fixture(publish, enter_room, leave_room);
	tcase_add_test(publish, nothing_there);
	tcase_add_test(publish, first_generation);
	tcase_add_test(publish, same_content_twice);
	tcase_add_loop_test(publish, publication_is_refused, 0, LENGTH(refusals));
	tcase_add_test(publish, temp_elsewhere);
	tcase_add_test(publish, names_are_taken);
	tcase_add_test(publish, no_serial_left);
	tcase_add_test(publish, temp_paths);
	tcase_add_test(publish, no_room);
	tcase_add_test(publish, open_published);
	tcase_set_timeout(publish, 60);
	suite_add_tcase(suite, publish);
	tcase_add_checked_fixture(damage, enter_room, leave_room);
	tcase_add_loop_test(damage, damaged_current, 0, LENGTH(damaged_currents));
	tcase_add_test(damage, odd_currents);
	tcase_add_test(damage, damaged_manifest_keeps_bases);
	tcase_set_timeout(damage, 60);
	suite_add_tcase(suite, damage);
	tcase_add_checked_fixture(prune, enter_room, leave_room);
	tcase_add_test(prune, again);
	tcase_add_test(prune, pruning);
	tcase_add_test(prune, stale_temps);
	tcase_set_timeout(prune, 60);
	suite_add_tcase(suite, prune);
	tcase_add_checked_fixture(pause, enter_room, leave_room);
	tcase_add_test(pause, pause_and_resume);
	tcase_add_test(pause, pause_stays);
	tcase_add_test(pause, pause_outlives_current);
	tcase_add_test(pause, pause_ends);
	tcase_add_test(pause, pause_reads_no_base);
	suite_add_tcase(suite, pause);
	tcase_add_checked_fixture(many, enter_room, leave_room);
	tcase_add_test(many, busy);
	tcase_add_test(many, many_publishers);
	tcase_add_test(many, killed_anywhere);
	tcase_set_timeout(many, 300);
	suite_add_tcase(suite, many);
	return run_suite(suite);
}

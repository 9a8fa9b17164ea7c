/* test_parts.c - what a source consists of: a file, the files of a directory and no others, the output of a
 * command that has to end well. */
#include "parts.h"

#include <signal.h>

#include "base.h"

/* Only what parts_open() looks at. */
static struct source of_path(const char *path)
{
	struct source source = { 0 };

	source.path = (char *)(uintptr_t)path;
	return source;
}

static struct source of_command(const char *command)
{
	struct source source = { 0 };

	source.command = (char *)(uintptr_t)command;
	return source;
}

static struct parts *open_parts(const struct source *source)
{
	struct parts *parts;
	struct sink_why why = { .text = "" };

	ck_assert_msg(parts_open(source, &why, &parts) == SINK_OK, "%s", why.text);
	return parts;
}

/* Read all parts to their end: "TITLE:LINE,LINE;..." with titles as far as they differ from `dir`.
 *
 * returns  what ended it; SINK_OK: that was all
 */
static int read_parts(struct parts *parts, const char *dir, char out[1024], struct sink_why *why)
{
	struct lines *lines;
	struct line line;
	const char *title;
	size_t len = 0;
	int err;

	out[0] = 0;
	while ((err = parts_next(parts, why, &lines, &title)) == SINK_OK) {
		size_t skip = strncmp(title, dir, strlen(dir)) == 0 ? strlen(dir) + 1 : 0;

		len += (size_t)sprintf(out + len, "%s:", title + skip);
		while ((err = lines_next(lines, &line)) == SINK_OK)
			len += (size_t)sprintf(out + len, "%.*s,", (int)line.text.len,
				(const char *)line.text.at);
		if (err != SINK_ENOENT)
			return sink_why(why, err, "%s", lines_problem(lines));
		len += (size_t)sprintf(out + len, ";");
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

static void check_parts(const struct source *source, const char *dir, const char *wanted)
{
	struct parts *parts = open_parts(source);
	struct sink_why why = { .text = "" };
	char got[1024];

	for (int round = 0; round < 2; round++) {
		ck_assert_msg(read_parts(parts, dir, got, &why) == SINK_OK, "%s", why.text);
		ck_assert_str_eq(got, wanted);
		ck_assert_int_eq(parts_rewind(parts, &why), SINK_OK);
	}
	ck_assert_int_eq(parts_close(parts, &why), SINK_OK);
}

static char room[PATH_ROOM];

static void put(const char *name, const char *text)
{
	char path[PATH_ROOM];

	write_whole(inside(room, name, path), text, strlen(text));
}

static void begin_room(void)
{
	make_room(room);
}

static void end_room(void)
{
	clear_room(room);
}

/* --- files and directories ------------------------------------------------------------------------------ */

START_TEST(one_file)
{
	char path[PATH_ROOM];
	struct source source = of_path(inside(room, "list", path));

	put("list", "a\nb\n");
	check_parts(&source, room, "list:a,b,;");
}
END_TEST

/* Bytewise order, also where the names are numbers or not ASCII; nothing hidden, no directory in it. */
START_TEST(directory)
{
	struct source source = of_path(room);
	char path[PATH_ROOM], other[PATH_ROOM];

	put("b", "2\n");
	put("a", "1\n");
	put("B", "0\n");
	put("10", "ten");
	put("9", "nine");
	put("\xc3\xa9", "last\n");
	put("empty", "");
	put(".hidden", "no\n");
	put("-n", "dash\n");
	ck_assert_int_eq(mkdir(inside(room, "d", path), 0755), 0);
	write_whole(inside(path, "below", other), "no\n", 3);
	ck_assert_int_eq(mkfifo(inside(room, "fifo", path), 0644), 0);
	ck_assert_int_eq(symlink("b", inside(room, "link", path)), 0);
	ck_assert_int_eq(symlink("nosuch", inside(room, "dangling", path)), 0);
	ck_assert_int_eq(symlink("d", inside(room, "dirlink", path)), 0);
	check_parts(&source, room,
		"-n:dash,;10:ten,;9:nine,;B:0,;a:1,;b:2,;empty:;link:2,;\xc3\xa9:last,;");
}
END_TEST

static const struct {
	const char *path; /* in the room */
	int err;
	const char *why; /* behind the room's path */
} unreadable[] = {
	{ "nosuch", SINK_ENOENT, "/nosuch': No such file or directory" },
	{ "hollow", SINK_ENOENT, "/hollow': no file in it" },
	{ "file/x", SINK_EIO, "/file/x': Not a directory" },
};

START_TEST(unreadable_path)
{
	char path[PATH_ROOM], hollow[PATH_ROOM], hidden[PATH_ROOM];
	struct source source = of_path(inside(room, unreadable[_i].path, path));
	struct sink_why why;
	struct parts *parts;

	mkdir(inside(room, "hollow", hollow), 0755);
	write_whole(inside(hollow, ".keep", hidden), "", 0);
	put("file", "");
	ck_assert_int_eq(parts_open(&source, &why, &parts), unreadable[_i].err);
	ck_assert_str_eq(why.text + 1 + strlen(room), unreadable[_i].why);
}
END_TEST

/* Between listing a directory and opening what is in it anything can happen. */
START_TEST(file_vanishes)
{
	struct source source = of_path(room);
	struct parts *parts;
	struct lines *lines;
	struct sink_why why;
	const char *title;
	char path[PATH_ROOM];

	put("a", "a\n");
	put("b", "b\n");
	put("c", "c\n");
	parts = open_parts(&source);
	ck_assert_int_eq(parts_next(parts, &why, &lines, &title), SINK_OK);
	ck_assert_int_eq(unlink(inside(room, "b", path)), 0);
	if (_i)
		ck_assert_int_eq(mkfifo(path, 0644), 0); /* opening it must not wait */
	ck_assert_int_eq(parts_next(parts, &why, &lines, &title), SINK_EIO);
	ck_assert_ptr_nonnull(strstr(why.text,
		_i ? "/b' is no file any more" : "/b': No such file"));
	ck_assert_int_eq(parts_close(parts, &why), SINK_OK);
}
END_TEST

/* Compressed or not, each for itself: and one that is damaged has its own name. */
START_TEST(damaged_part)
{
	struct source source = of_path(room);
	struct parts *parts;
	struct sink_why why;
	char got[1024];

	put("a", "a\n");
	put("b", "\x1f\x8b\x08");
	parts = open_parts(&source);
	ck_assert_int_eq(read_parts(parts, room, got, &why), SINK_ESYNTAX);
	ck_assert_str_eq(got, "a:a,;");
	ck_assert_ptr_nonnull(strstr(why.text, "/b': gzip data that are cut short"));
	parts_close(parts, NULL);
}
END_TEST

/* The limits are of the source, not of each file. */
START_TEST(limits_add_up)
{
	struct source source = of_path(room);
	struct parts *parts;
	struct sink_why why = { .text = "" };
	char got[1024];

	put("a", "1\n2\n");
	put("b", "3\n4\n");
	if (_i)
		source.limits.lines = 3;
	else
		source.limits.bytes = 7;
	parts = open_parts(&source);
	ck_assert_int_eq(read_parts(parts, room, got, &why), SINK_ETOOLONG);
	ck_assert_str_eq(got, _i ? "a:1,2,;b:3," : "a:1,2,;b:");
	parts_close(parts, NULL);
	source.limits.lines = source.limits.lines ? 4 : 0;
	source.limits.bytes = source.limits.bytes ? 8 : 0;
	check_parts(&source, room, "a:1,2,;b:3,4,;");
}
END_TEST

/* --- commands ------------------------------------------------------------------------------------------- */

static const struct {
	const char *command;
	int err;
	const char *got;
	const char *why; /* behind the command; NULL: it does well */
} commands[] = {
	{ "echo a; echo b", SINK_OK, "a,b,;", NULL },
	{ "true", SINK_OK, ";", NULL },
	{ "printf 'a\\n' | gzip -c", SINK_OK, "a,;", NULL },
	{ "cat", SINK_OK, ";", NULL }, /* nothing on standard input */
	{ "-nosuch 2>/dev/null || echo a", SINK_OK, "a,;", NULL },
	{ "echo a; exit 3", SINK_EIO, "a,;", "': ended with status 3" },
	{ "exit 1", SINK_EIO, ";", "': ended with status 1" },
	{ "echo a; kill -9 $$", SINK_EIO, "a,;", "': ended by signal 9 (Killed)" },
	{ "echo a; kill -TERM $$", SINK_EIO, "a,;", "': ended by signal 15 (Terminated)" },
	{ "/nosuch/program 2>/dev/null", SINK_EIO, ";", "': ended with status 127" },
	/* the end of it all is why the archive is cut short */
	{ "printf '\\037\\213\\010'; exit 4", SINK_EIO, "", "': ended with status 4" },
	{ "printf '\\037\\213\\010'", SINK_ESYNTAX, "", "': gzip data that are cut short" },
	/* what is no list is no list, whatever else there would have been to say */
	{ "printf 'PK\\003\\004'; yes", SINK_ESYNTAX, "", "': a zip archive: unpack it first" },
};

START_TEST(command)
{
	struct source source = of_command(commands[_i].command);
	struct parts *parts = open_parts(&source);
	struct sink_why why = { .text = "" };
	const char *colon;
	char got[1024];

	ck_assert_int_eq(read_parts(parts, "", got, &why), commands[_i].err);
	colon = strrchr(got, ':');
	ck_assert_str_eq(colon ? colon + 1 : got, commands[_i].got);
	if (commands[_i].why)
		ck_assert_str_eq(why.text + 1 + strlen(source.command), commands[_i].why);
	ck_assert_int_eq(parts_close(parts, &why), SINK_OK); /* was told already */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

/* Two passes over what comes once. */
START_TEST(command_kept)
{
	struct source source = of_command("echo a; echo b");
	struct parts *parts = open_parts(&source);
	struct lines *lines;
	struct sink_why why;
	const char *title;
	char got[1024];

	ck_assert_int_eq(parts_next(parts, &why, &lines, &title), SINK_OK);
	ck_assert_int_eq(lines_keep(lines, title, &why), SINK_OK);
	ck_assert_int_eq(parts_next(parts, &why, &lines, &title), SINK_ENOENT);
	ck_assert_int_eq(parts_rewind(parts, &why), SINK_OK);
	ck_assert_int_eq(read_parts(parts, "", got, &why), SINK_OK);
	ck_assert_str_eq(got, "cho a; echo b:a,b,;");
	ck_assert_int_eq(parts_close(parts, &why), SINK_OK);
}
END_TEST

/* A reader that had enough before the end: the command may finish, and is judged by its end. */
START_TEST(command_half_read)
{
	struct source source = of_command("yes | head -c 3000000; exit 5");
	struct parts *parts = open_parts(&source);
	struct lines *lines;
	struct sink_why why;
	const char *title;
	struct line line;

	ck_assert_int_eq(parts_next(parts, &why, &lines, &title), SINK_OK);
	ck_assert_int_eq(lines_next(lines, &line), SINK_OK);
	ck_assert_int_eq(parts_next(parts, &why, &lines, &title), SINK_EIO);
	ck_assert_ptr_nonnull(strstr(why.text, "ended with status 5"));
	parts_close(parts, NULL);
}
END_TEST

/* None goes on for ever, or it would outlive a test run that is killed here. */
static const struct {
	const char *deaf, *writes; /* to what; until when */
} stubborn[] = {
	{ "", "m=0; while [ $((m += 1)) -lt 3000000 ]; do echo a; done" },
	{ "trap '' TERM PIPE; ", "m=0; while [ $((m += 1)) -lt 3000000 ]; do echo a; done" },
	{ "trap '' TERM PIPE; ", "while echo a; do :; done" }, /* what it began stays behind it */
};

/* Given up in the middle: it does not go on without us, nor does what it began. */
START_TEST(command_stopped)
{
	char text[1024], path[PATH_ROOM], beat[PATH_ROOM];
	struct source source;
	struct parts *parts;
	struct lines *lines;
	struct sink_why why;
	const char *title;
	struct stat st;
	off_t size;

	inside(room, "beat", beat);
	snprintf(text, sizeof text,
		"%s(n=0; while [ $((n += 1)) -lt 2000 ]; do echo >>'%s'; sleep 0.01; done) & "
		"%s 2>/dev/null",
		stubborn[_i].deaf, beat, stubborn[_i].writes);
	source = of_command(text);
	parts = open_parts(&source);
	ck_assert_int_eq(parts_next(parts, &why, &lines, &title), SINK_OK);
	ck_assert_int_eq(parts_close(parts, &why), SINK_OK);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	usleep(50000);
	size = stat(beat, &st) == 0 ? st.st_size : 0;
	usleep(200000);
	ck_assert_int_eq(stat(inside(room, "beat", path), &st) == 0 ? st.st_size : 0, size);
}
END_TEST

/* Its output was bad before parts_next() could tell why. */
START_TEST(command_closed)
{
	struct source source = of_command("echo '<html>'; exit 22");
	struct parts *parts = open_parts(&source);
	struct lines *lines;
	struct sink_why why;
	const char *title;

	ck_assert_int_eq(parts_next(parts, &why, &lines, &title), SINK_OK);
	ck_assert_int_eq(parts_close(parts, &why), SINK_EIO);
	ck_assert_ptr_nonnull(strstr(why.text, "ended with status 22"));
}
END_TEST

/* One that says nothing, one that says nothing more, one that has closed its output and goes on. */
static const struct {
	const char *command;
	int err;
	const char *why;
} slow[] = {
	{ "sleep 60", SINK_ETOOLONG, "'sleep 60': not at its end after 1 seconds" },
	{ "echo a; exec sleep 60", SINK_ETOOLONG, "': not at its end after 1 seconds" },
	{ "yes aaaaaaaaaaaaaaaaa | head -n 1; exec sleep 60", SINK_ETOOLONG,
		"': not at its end after 1 seconds" },
	{ "echo a; exec sleep 60 >&-", SINK_EIO, "': had no more output, and did not end within" },
};

START_TEST(slow_command)
{
	struct source source = of_command(slow[_i].command);
	struct parts *parts;
	struct sink_why why = { .text = "" };
	char got[1024];

	source.limits.seconds = 1;
	parts = open_parts(&source);
	ck_assert_int_eq(read_parts(parts, "", got, &why), slow[_i].err);
	ck_assert_msg(strstr(why.text, slow[_i].why) != NULL, "%s", why.text);
	parts_close(parts, NULL);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(nothing_stays_open)
{
	struct source source = of_command("echo a"), dir = of_path(room);
	unsigned before = open_files();
	struct parts *parts;

	put("a", "a\n");
	parts = open_parts(&source);
	parts_close(parts, NULL);
	parts = open_parts(&source);
	check_parts(&dir, room, "a:a,;");
	parts_close(parts, NULL);
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("parts");
	TCase *files = tcase_create("files");
	TCase *running = tcase_create("commands");

	tcase_add_checked_fixture(files, begin_room, end_room);
	tcase_add_test(files, one_file);
	tcase_add_test(files, directory);
	tcase_add_loop_test(files, unreadable_path, 0, LENGTH(unreadable));
	tcase_add_loop_test(files, file_vanishes, 0, 2);
	tcase_add_test(files, damaged_part);
	tcase_add_loop_test(files, limits_add_up, 0, 2);
	suite_add_tcase(suite, files);
	tcase_add_checked_fixture(running, begin_room, end_room);
	tcase_add_loop_test(running, command, 0, LENGTH(commands));
	tcase_add_test(running, command_kept);
	tcase_add_test(running, command_half_read);
	tcase_add_loop_test(running, command_stopped, 0, LENGTH(stubborn));
	tcase_add_test(running, command_closed);
	tcase_add_loop_test(running, slow_command, 0, LENGTH(slow));
	tcase_add_test(running, nothing_stays_open);
	tcase_set_timeout(running, 60);
	suite_add_tcase(suite, running);
	return run_suite(suite);
}

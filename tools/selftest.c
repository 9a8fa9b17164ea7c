/* selftest.c - would it work: can this Unbound load the module, and is there data it can read? One line
 * a check, and for each that fails what to do about it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"
#include "cmd.h"
#include "data.h"
#include "say.h"

#define OUTPUT_MAX 16384 /* bytes of `unbound -V` */

struct test {
	const char *dir, *unbound, *user;
	const char *keys; /* the resolver's file of public keys; NULL: it has none */
	unsigned failed;
	bool damaged; /* the data is, not only missing */
};

__attribute__((format(printf, 3, 4))) static bool check(struct test *t, bool ok, const char *format,
	...)
{
	char text[2048];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	fputs(ok ? "ok    " : "FAIL  ", stdout);
	put_text(stdout, sink_span_text(text), sizeof text);
	putchar('\n');
	t->failed += !ok;
	return ok;
}

/* --- Unbound ------------------------------------------------------------------------------------ */

/* The rest of the line that begins with `head`, as a string of its own within `output`. */
static char *line_after(char *output, const char *head)
{
	char *line = output, *end;

	while (line && strncmp(line, head, strlen(head)) != 0) {
		end = strchr(line, '\n');
		line = end ? end + 1 : NULL;
	}
	if (!line)
		return NULL;
	line += strlen(head);
	end = line + strcspn(line, "\n");
	while (end > line && end[-1] == ' ')
		end--;
	return strndup(line, (size_t)(end - line));
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; at && (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == 0))
			return true;
	return false;
}

static void check_build(struct test *t, const char *version, const char *line)
{
	if (!SINK_UNBOUND_VERSION[0]) {
		check(t, false,
			"built without a module: configure with --with-unbound-source=DIR, "
			"the source of this Unbound");
		return;
	}
	check(t, version && strcmp(version, SINK_UNBOUND_VERSION) == 0,
		"Unbound is version %s, the module was built for " SINK_UNBOUND_VERSION "%s",
		version ? version : "?",
		version && strcmp(version, SINK_UNBOUND_VERSION) == 0
			? ""
			: ": build the module from this Unbound's source");
	if (line && strcmp(line, SINK_UNBOUND_CONFCMDLINE) == 0)
		check(t, true, "configure line of Unbound is the one the module was built for");
	else
		check(t, false,
			"configure line of Unbound is another than the module was built for: "
			"build the module from this Unbound's source (it is '%s')",
			line ? line : "?");
}

static void check_output(struct test *t, char *output)
{
	char *version = line_after(output, "Version ");
	char *line = line_after(output, "Configure line: ");
	char *modules = line_after(output, "Linked modules: ");
	bool has_dynlib = has_word(modules, "dynlib");

	check(t, has_dynlib, "Unbound %s load modules%s", has_dynlib ? "can" : "cannot",
		has_dynlib ? ""
			   : ": it must be built with --with-dynlibmodule (setup/unbound does)");
	check_build(t, version, line);
	free(version);
	free(line);
	free(modules);
}

static void check_unbound(struct test *t)
{
	char found[PATH_MAX], dash_v[] = "-V", output[OUTPUT_MAX];
	char *argv[] = { found, dash_v, NULL };
	int status = 0, err;

	if (t->unbound)
		err = (size_t)snprintf(found, sizeof found, "%s", t->unbound) < sizeof found
			? SINK_OK
			: SINK_EINVAL;
	else
		err = capture_find("unbound", found, sizeof found);
	if (err) {
		check(t, false, "there is no unbound in PATH: name it with --unbound=PATH");
		return;
	}
	if (access(found, X_OK) != 0) {
		check(t, false, "'%s' cannot be run: %s", found, strerror(errno));
		return;
	}
	check(t, true, "%s", found);
	err = capture(argv, output, sizeof output, &status);
	if (err)
		check(t, false, "'%s -V' does not run: %s", found,
			err == SINK_EIO ? strerror(errno) : sink_strerror(err));
	else if (status != 0)
		check(t, false, "'%s -V' ends with status %d: it is no Unbound", found, status);
	else
		check_output(t, output);
}

/* --- data --------------------------------------------------------------------------------------- */

/* flags    more of them */
static bool can_open(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool can_open_in(const char *dir, const char *name)
{
	char path[PATH_MAX];

	return (size_t)snprintf(path, sizeof path, "%s/%s", dir, name) < sizeof path &&
		can_open(path, O_NOFOLLOW);
}

static bool can_read_data(const struct test *t, const struct sink_manifest *m)
{
	const char *dir = t->dir;
	char gen[PATH_MAX];

	return (!t->keys || can_open(t->keys, 0)) && can_open_in(dir, "current") &&
		(size_t)snprintf(gen, sizeof gen, "%s/gen", dir) < sizeof gen &&
		can_open_in(gen, m->base) && can_open_in(gen, m->policy) &&
		(!m->delta[0] || can_open_in(gen, m->delta));
}

/* In a process of its own that becomes that user, since only the kernel knows all that decides. */
static bool can_user_read(const struct passwd *user, const struct test *t,
	const struct sink_manifest *m)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0) {
		bool is_user = initgroups(user->pw_name, user->pw_gid) == 0 &&
			setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0;

		_exit(is_user && can_read_data(t, m) ? 0 : 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void check_access(struct test *t, const struct sink_manifest *m)
{
	const struct passwd *user = getpwnam(t->user);

	if (!user) {
		check(t, true,
			"no user '%s' here: whether the resolver's user can read the data was not "
			"checked (--user=NAME)",
			t->user);
	} else if (geteuid() != 0 && geteuid() != user->pw_uid) {
		check(t, can_read_data(t, m), "data is readable for us (as root: for user '%s')",
			t->user);
	} else {
		bool ok = geteuid() == 0 ? can_user_read(user, t, m) : can_read_data(t, m);

		check(t, ok,
			ok ? "data is readable for user '%s'"
			   : "data is not readable for user '%s': look at the modes of the "
			     "directories above it",
			t->user);
	}
}

/* Would a resolver of this machine take what is published? */
static void check_signatures(struct test *t, const struct sink_manifest *m)
{
	struct sink_keys *keys;
	struct sink_why why;
	const char *path;
	int err = data_keys(NULL, &why, &path, &keys);

	if (!err && !keys) {
		check(t, true, "there is no '%s': the resolver takes what is not signed, too",
			path);
		return;
	}
	if (!err)
		err = sink_keys_check(keys, m, &why);
	check(t, !err, "%s%s", err ? why.text : "published generation is signed as asked for by ",
		err ? ": the resolver does not take it" : path);
	sink_keys_free(keys);
	t->keys = path;
}

static void check_data(struct test *t)
{
	struct sink_manifest manifest;
	struct sink_why why;
	struct sink_db *db = NULL;
	int err = data_open(t->dir, 0, &why, &manifest, &db);

	if (err == SINK_ENOENT) {
		check(t, false, "'%s': nothing has been published: run 'sinkhole compile'", t->dir);
		return;
	}
	sink_db_close(db);
	if (!err)
		err = data_check_policy(t->dir, &manifest, &why);
	t->damaged = err == SINK_ECORRUPT || err == SINK_EVERSION;
	if (!check(t, !err, "%s%s", err ? why.text : "published generation verifies",
		    err == SINK_ECORRUPT ? ": compile again, or roll back" : ""))
		return;
	check_signatures(t, &manifest);
	check_access(t, &manifest);
}

/* --- the command -------------------------------------------------------------------------------- */

enum { OPT_UNBOUND = 256, OPT_USER };

static enum status take_option(void *arg, int key, const char *value)
{
	struct test *t = arg;

	switch (key) {
	case 'd':
		t->dir = value;
		break;
	case OPT_UNBOUND:
		t->unbound = value;
		break;
	case OPT_USER:
		t->user = value;
		break;
	}
	return STATUS_DONE;
}

static enum status selftest_run(const struct command *self, int argc, char **argv)
{
	struct test test = { .user = "unbound" };
	enum status status;
	int first;

	if (!options_read(self, argc, argv, take_option, &test, &first, &status))
		return status;
	if (first < argc)
		return usage_error(self, "no operand is expected, such as '%s'", argv[first]);
	test.dir = data_directory(test.dir);
	check_unbound(&test);
	check_data(&test);
	if (test.damaged)
		return STATUS_DATA;
	return test.failed > 0 ? STATUS_NO : STATUS_DONE;
}

const struct command cmd_selftest = {
	.word = "selftest",
	.operands = "",
	.summary = "would it work: can this Unbound load the module, and read the data",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ OPT_UNBOUND, "unbound", "PATH",
				"that Unbound (default: the one in PATH)" },
			{ OPT_USER, "user", "NAME", "the resolver's user (default unbound)" },
			{ 0 },
		},
	.run = selftest_run,
};

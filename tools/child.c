/* child.c - begins, waits for, and ends a command. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE 2 /* seconds between being asked to end and being ended */
#define STEP 10000000 /* ns between looks */

/* As if the user had typed it: we may ignore or block what it should not. */
static int set_signals(posix_spawnattr_t *attr)
{
	static const int usual[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD, SIGALRM };
	sigset_t set;
	int err;

	sigemptyset(&set);
	err = posix_spawnattr_setsigmask(attr, &set);
	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		sigaddset(&set, usual[i]);
	if (!err)
		err = posix_spawnattr_setsigdefault(attr, &set);
	if (!err)
		err = posix_spawnattr_setpgroup(attr, 0);
	if (!err)
		err = posix_spawnattr_setflags(attr,
			POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	return err;
}

static int set_files(posix_spawn_file_actions_t *files, int output)
{
	int err = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	return err ? err : posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO);
}

/* returns  0 or an errno */
static int spawn(const char *command, int output, pid_t *pid)
{
	char *const args[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "--" },
		strdup(command), NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int err = args[3] ? 0 : ENOMEM;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	if (!err)
		err = set_files(&files, output);
	if (!err)
		err = set_signals(&attr);
	if (!err)
		err = posix_spawn(pid, "/bin/sh", &files, &attr, args, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	free(args[3]);
	return err;
}

int child_begin(const char *command, struct child *out, int *output, struct sink_why *why)
{
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return sink_why(why, SINK_EIO, "'%.300s': %s", command, strerror(errno));
	err = spawn(command, ends[1], &out->pid);
	close(ends[1]);
	if (err) {
		out->pid = 0;
		close(ends[0]);
		return sink_why(why, SINK_EIO, "'%.300s': %s", command, strerror(err));
	}
	*output = ends[0];
	return SINK_OK;
}

/* Has it ended within so many seconds? Nobody has waited for it then, so its number is still its own, and its group's. */
static bool ended(const struct child *child, int seconds)
{
	const struct timespec step = { .tv_nsec = STEP };
	struct timespec begun, now;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (;;) {
		siginfo_t info = { .si_pid = 0 };
		int rc = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT);

		if (info.si_pid != 0 || (rc && errno != EINTR))
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - begun.tv_sec > seconds)
			return false;
		nanosleep(&step, NULL);
	}
}

/* Wait for it. Its status; where somebody else has done so we do not know, and that is no success. */
static int reap(struct child *child)
{
	pid_t pid;
	int status;

	do
		pid = waitpid(child->pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	child->pid = 0;
	return pid < 0 ? 0xff00 : status;
}

/* What it has begun may be there when it is gone, and deaf. */
void child_stop(struct child *child)
{
	if (child->pid == 0)
		return;
	kill(-child->pid, SIGTERM);
	ended(child, GRACE);
	kill(-child->pid, SIGKILL);
	reap(child);
}

int child_end(struct child *child, int seconds, const char *title, struct sink_why *why)
{
	int status;

	if (child->pid == 0)
		return SINK_OK;
	if (!ended(child, seconds))
		return sink_why(why, SINK_EBUSY,
			"'%.300s': had no more output, and did not end within %d seconds", title,
			seconds);
	status = reap(child);
	if (WIFSIGNALED(status))
		return sink_why(why, SINK_EIO, "'%.300s': ended by signal %d (%s)", title,
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		return sink_why(why, SINK_EIO, "'%.300s': ended with status %d", title,
			WEXITSTATUS(status));
	return SINK_OK;
}

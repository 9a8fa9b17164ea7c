/* capture.c - posix_spawn(), a pipe, and a limit of time. */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 10000

extern char **environ;

int capture_find(const char *name, char *out, size_t size)
{
	char list[8192];
	const char *path = getenv("PATH");
	char *rest = list, *dir;

	snprintf(list, sizeof list, "%s:/usr/local/sbin:/usr/sbin:/sbin", path ? path : "");
	while ((dir = strsep(&rest, ":"))) {
		if (*dir && (size_t)snprintf(out, size, "%s/%s", dir, name) >= size)
			return SINK_EINVAL;
		if (*dir && access(out, X_OK) == 0)
			return SINK_OK;
	}
	return SINK_ENOENT;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Read to the end, or to the limit. What does not fit is read and dropped. */
static int drain(int fd, char *out, size_t size)
{
	int64_t until = now_ms() + LIMIT_MS;
	size_t len = 0;
	char rest[512];

	for (;;) {
		struct pollfd poller = { .fd = fd, .events = POLLIN };
		int64_t left = until - now_ms();
		bool fits = len + 1 < size;
		ssize_t n;

		if (left <= 0 || poll(&poller, 1, (int)left) == 0)
			return SINK_ECANCELED;
		n = fits ? read(fd, out + len, size - len - 1) : read(fd, rest, sizeof rest);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += fits ? (size_t)n : 0;
	}
	out[len] = 0;
	return SINK_OK;
}

static int spawn(char *const argv[], int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int err;

	if (posix_spawn_file_actions_init(&actions))
		return SINK_EIO;
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	err = posix_spawn(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	errno = err;
	return err ? SINK_EIO : SINK_OK;
}

int capture(char *const argv[], char *out, size_t size, int *status)
{
	int ends[2], result = 0, err;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return SINK_EIO;
	err = spawn(argv, ends[1], &pid);
	close(ends[1]);
	if (!err) {
		err = drain(ends[0], out, size);
		if (err)
			kill(pid, SIGKILL);
		while (waitpid(pid, &result, 0) < 0 && errno == EINTR)
			;
		*status = WIFEXITED(result) ? WEXITSTATUS(result) : 128 + WTERMSIG(result);
	}
	close(ends[0]);
	return err;
}

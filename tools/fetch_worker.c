/* fetch_worker.c - between the two processes: begin one, tell it nothing but what fork() copies, read a reply of
 * fixed size, wait no longer than agreed. */
#include "fetch_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_SECONDS 5 /* beyond the limit that the worker keeps itself */

enum { FD_BODY = 3, FD_REPLY, FD_KEEP };

static void failed(struct fetch_reply *reply, const char *text)
{
	memset(reply, 0, sizeof *reply);
	reply->outcome = OUTCOME_FAILED;
	snprintf(reply->error, sizeof reply->error, "%s", text);
}

/* --- in the new process ---------------------------------------------------------------------------- */

/* Leave /dev/null as 0, 1 and 2, the file and the pipe behind them. */
static bool place_descriptors(int body, int reply)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int body_copy = fcntl(body, F_DUPFD_CLOEXEC, 16);
	int reply_copy = fcntl(reply, F_DUPFD_CLOEXEC, 16);

	if (null < 0 || body_copy < 0 || reply_copy < 0)
		return false;
	return dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
		dup2(null, STDERR_FILENO) >= 0 && dup2(body_copy, FD_BODY) >= 0 &&
		dup2(reply_copy, FD_REPLY) >= 0;
}

/* The whole token, or its secret part: what follows the name of a header or of a user. */
static bool holds_token(const char *text, const char *token)
{
	const char *secret = token + strcspn(token, ":");

	secret += strspn(secret, ": ");
	return strstr(text, token) || (*secret && strstr(text, secret));
}

/* A message from a library might quote the URL that we put the token into, and a server what it was sent. */
static void hide_token(const struct fetch_request *request, struct fetch_reply *reply)
{
	if (request->token && holds_token(reply->error, request->token))
		failed(reply, "failed (the reason is not shown: it holds the token)");
}

static _Noreturn void work(const struct fetch_request *request, int body, int to, pid_t parent)
{
	struct fetch_reply reply;
	const char *wrong;

	prctl(PR_SET_NAME, "sinkhole-fetch");
	failed(&reply, "cannot begin");
	if (!place_descriptors(body, to))
		_exit(1);
	wrong = jail_enter(request, FD_KEEP);
	/* Only now: changing the user undoes it. Who began us may be gone already. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (wrong)
		failed(&reply, wrong);
	else
		worker_run(request, FD_BODY, &reply);
	hide_token(request, &reply);
	/* less than PIPE_BUF: at once */
	_exit(write(FD_REPLY, &reply, sizeof reply) == (ssize_t)sizeof reply ? 0 : 1);
}

/* --- in ours --------------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* returns  bytes read, fewer than asked for when the pipe ended or the time was over */
static size_t read_reply(int fd, struct fetch_reply *reply, int64_t deadline)
{
	size_t len = 0;

	while (len < sizeof *reply) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - now_ms();
		int n = poll(&ready, 1, left > 0 ? (int)left : 0);
		ssize_t got;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got = read(fd, (char *)reply + len, sizeof *reply - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	return len;
}

static bool is_text(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

/* Sent back to a server one day: nothing in it may end a header. */
static bool is_validator(const char text[VALIDATOR_MAX])
{
	if (!is_text(text, VALIDATOR_MAX))
		return false;
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

/* An ETag of other than ASCII is none for us. */
static void check_reply(struct fetch_reply *reply)
{
	if (reply->outcome >= OUTCOME_COUNT || !is_text(reply->error, sizeof reply->error)) {
		failed(reply, "the fetching process talks nonsense");
		return;
	}
	if (!is_validator(reply->etag))
		reply->etag[0] = 0;
	if (!is_validator(reply->modified))
		reply->modified[0] = 0;
}

static void explain_end(int status, bool in_time, unsigned seconds, struct fetch_reply *out)
{
	char text[120] = "the fetching process ended without an answer";

	if (!in_time)
		snprintf(text, sizeof text, "too slow: not done within %u seconds", seconds);
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof text, "the fetching process died of signal %d (%s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	failed(out, text);
}

static void await(const struct fetch_request *request, pid_t child, int from,
	struct fetch_reply *out)
{
	int64_t deadline = now_ms() + ((int64_t)request->seconds + GRACE_SECONDS) * 1000;
	size_t len = read_reply(from, out, deadline);
	bool in_time = now_ms() < deadline;
	int status = 0;

	/* Whole reply or not, it has nothing more to do; in the other case it may be about to die. */
	if (len == sizeof *out || !in_time)
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (len == sizeof *out)
		check_reply(out);
	else
		explain_end(status, in_time, request->seconds, out);
}

void worker_ask(const struct fetch_request *request, int body, struct fetch_reply *out)
{
	pid_t parent = getpid(), child;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		failed(out, "no pipe to the fetching process");
		return;
	}
	child = fork();
	if (child == 0)
		work(request, body, ends[1], parent);
	close(ends[1]);
	if (child > 0)
		await(request, child, ends[0], out);
	else
		failed(out, "no process to fetch in");
	close(ends[0]);
}

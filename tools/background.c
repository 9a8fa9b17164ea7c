/* background.c - from an `apply` that has published to a process that folds, and has nothing of it but its keys.
 *
 * Nothing is written down about what was tried: whether it is time follows from the generations before and after. */
#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "caller.h"
#include "fold.h"
#include "say.h"

#define NICEST 19
#define LOCK 3 /* where the descriptor of the lock is then */
#define TITLE "sinkhole fold" /* in lists of processes; at most 15 bytes */

/* --- the process that is left behind -------------------------------------------------------------- */

struct job {
	struct folding folding;
	struct signing signing;
	char origin[SINK_NOTE_MAX], reason[SINK_NOTE_MAX];
	struct sink_why why;
	int err; /* of writing */
};

/* A thread, since whoever made a process nice cannot take that back, and publishing holds the lock that others wait for. */
static void *write_low(void *arg)
{
	struct job *job = arg;

	/* Of this thread alone. Where that is not permitted it is done all the same. */
	setpriority(PRIO_PROCESS, 0, NICEST);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
	job->err = fold_write(&job->folding, &job->why);
	return NULL;
}

static int fold(struct job *job)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, write_low, job);

	if (err)
		return sink_why(&job->why, SINK_ENOMEM, "no thread: %s", strerror(err));
	pthread_join(thread, NULL);
	if (job->err || !job->folding.temp[0])
		return job->err;
	return fold_publish(&job->folding, &job->why);
}

static void log_end(const struct job *job, int err)
{
	const struct folding *f = &job->folding;
	const char *why = job->why.text[0] ? job->why.text : sink_strerror(err);

	if (f->after.serial)
		syslog(LOG_NOTICE, "'%s': generation %llu published: %s%s%s", f->dir,
			(unsigned long long)f->after.serial, job->origin, err ? "; " : "",
			err ? why : "");
	else if (err)
		syslog(err == SINK_EOLD ? LOG_NOTICE : LOG_ERR, "'%s': %s: %s; nothing published",
			f->dir, job->origin, why);
}

/* Nothing may stay open but the lock: somebody may wait for the end of a pipe. The lock goes first to where it is out of
 * the way: who begins without a standard input may have it there. */
static bool let_go(int lock)
{
	int none;

	lock = fcntl(lock, F_DUPFD, LOCK);
	none = open("/dev/null", O_RDWR);
	if (lock < 0 || none < 0)
		return false;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(none, fd) < 0)
			return false;
	if (lock != LOCK && dup2(lock, LOCK) < 0)
		return false;
	closefrom(LOCK + 1);
	return true;
}

static void __attribute__((noreturn)) be_left_behind(struct job *job, int lock)
{
	prctl(PR_SET_NAME, TITLE);
	if (!let_go(lock))
		_exit(1);
	openlog("sinkhole", LOG_PID, LOG_DAEMON);
	log_end(job, fold(job));
	_exit(0); /* what is buffered, and left in memory, is of who has left us behind */
}

/* Two forks: it is nobody's child, so that nobody has to wait for it, and leads no session, so that no terminal is its own.
 *
 * returns  0 or an errno
 */
static int leave_behind(struct job *job, int lock)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child < 0)
		return errno;
	if (child == 0) {
		pid_t left = setsid() < 0 ? -1 : fork();

		if (left == 0)
			be_left_behind(job, lock);
		_exit(left < 0 ? errno : 0);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 0; /* somebody else has waited: it is on its way, as far as we know */
	return WIFEXITED(status) ? WEXITSTATUS(status) : EAGAIN;
}

/* --- is it time? ------------------------------------------------------------------------------------ */

/* Has the `apply` before found as much to fold, and nothing come of it? Something else that was published since, and each
 * further threshold that is passed, are a reason to try again. */
static bool was_in_vain(const struct applying *a, uint64_t count)
{
	const struct sink_manifest *before = &a->before;
	uint64_t earlier = 0;

	return strcmp(before->origin, a->origin) == 0 && sink_is_same_base(before, &a->after) &&
		fold_count(a->dir, before, a->live, NULL, &earlier) == SINK_OK &&
		earlier / a->compact_at >= count / a->compact_at;
}

/* An expiry stays that of what is folded: nothing is fresher. */
static void prepare(struct job *job, const struct applying *a, uint64_t count)
{
	char caller[CALLER_MAX];

	caller_find(caller);
	snprintf(job->origin, sizeof job->origin, "compact in the background of %s by %s",
		a->origin, caller);
	snprintf(job->reason, sizeof job->reason, "%s change%s over the base, and compact-at is %s",
		number(count).text, plural(count), number(a->compact_at).text);
	job->signing = *a->signing;
	job->signing.lasts = 0;
	job->folding = (struct folding){ .dir = a->dir,
		.origin = job->origin,
		.reason = job->reason,
		.signing = &job->signing,
		.now = a->now };
}

static void begin(const struct applying *a, uint64_t count, int lock)
{
	static struct job job;
	int err;

	job = (struct job){ .err = SINK_OK };
	prepare(&job, a, count);
	err = leave_behind(&job, lock);
	if (err)
		say("nothing is folded in the background: %s", strerror(err));
}

/* Is there enough to fold, and nobody at it? Who was may have ended right now, and have folded that.
 *
 * lock     the caller closes it, if this returns true
 */
static bool is_due(const struct applying *a, uint64_t *count, int *lock)
{
	struct sink_manifest now;

	if (a->compact_at == 0 || a->after.serial == 0 ||
		fold_count(a->dir, &a->after, a->live, NULL, count) || *count < a->compact_at ||
		fold_lock(a->dir, false, NULL, lock))
		return false;
	if (sink_store_manifest(a->dir, 0, NULL, &now) == SINK_OK &&
		sink_is_same_base(&now, &a->after))
		return true;
	close(*lock);
	return false;
}

bool background_fold(const struct applying *a, bool tells)
{
	uint64_t count;
	bool in_vain;
	int lock;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		; /* where we are the first process of a container, who was left behind is ours again */
	if (!is_due(a, &count, &lock))
		return false;
	in_vain = was_in_vain(a, count);
	if (!in_vain)
		begin(a, count, lock);
	else if (tells)
		say("%s change%s over the base, and folding in the background was in vain: "
		    "'sinkhole compact' folds, or says why not",
			number(count).text, plural(count));
	close(lock);
	return in_vain;
}

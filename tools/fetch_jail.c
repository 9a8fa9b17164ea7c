/* fetch_jail.c - what the process that meets the network gives up first. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fetch_worker.h"

#define MIB ((rlim_t)1 << 20)
#define MEMORY_URL (512 * MIB) /* threads of the resolver, TLS, windows of decompression */
#define MEMORY_PAGES (2048 * MIB) /* and a page of JSON, taken apart */

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SHADOWED 1 /* terabytes of addresses, most of them never touched */
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SHADOWED 1
#endif
#endif

/* Only what libcurl looks for, and nothing that changes what other libraries do. */
static const char *const kept_variables[] = { "https_proxy", "HTTPS_PROXY", "all_proxy",
	"ALL_PROXY", "no_proxy", "NO_PROXY" };
#define KEPT (sizeof kept_variables / sizeof kept_variables[0])

static bool clean_environment(void)
{
	char *values[KEPT];
	bool good = true;

	for (size_t i = 0; i < KEPT; i++) {
		const char *value = getenv(kept_variables[i]);

		values[i] = value ? strdup(value) : NULL;
		good = good && (!value || values[i]);
	}
	clearenv();
	for (size_t i = 0; i < KEPT; i++) {
		good = good && (!values[i] || setenv(kept_variables[i], values[i], 1) == 0);
		free(values[i]);
	}
	return good;
}

static bool limit(__rlimit_resource_t what, rlim_t most)
{
	struct rlimit now;

	if (getrlimit(what, &now) != 0)
		return false;
	if (now.rlim_max < most)
		most = now.rlim_max;
	now = (struct rlimit){ .rlim_cur = most, .rlim_max = most };
	return setrlimit(what, &now) == 0;
}

#ifndef SHADOWED
/* What the program that began us has mapped already. */
static rlim_t mapped(void)
{
	char text[32] = "";
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (!fgets(text, sizeof text, file))
		text[0] = 0;
	fclose(file);
	return strtoul(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
}
#endif

static bool limit_memory(enum fetch_kind kind)
{
#ifdef SHADOWED
	(void)kind;
	return true;
#else
	return limit(RLIMIT_AS, mapped() + (kind == FETCH_URL ? MEMORY_URL : MEMORY_PAGES));
#endif
}

/* Processor seconds: as many as it may take in all, since decompressing and parsing are work. */
static bool limit_resources(const struct fetch_request *request)
{
	return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, 64) &&
		limit(RLIMIT_CPU, request->seconds + 10) && limit(RLIMIT_FSIZE, request->bytes) &&
		limit_memory(request->kind);
}

static bool change_user(const struct fetch_user *user)
{
	if (!user->change)
		return true;
	if (setgroups(0, NULL) || setresgid(user->gid, user->gid, user->gid) ||
		setresuid(user->uid, user->uid, user->uid))
		return false;
	return user->uid == 0 || setuid(0) != 0; /* there is no way back */
}

#if defined __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE
#define REFUSE(call, error) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(call), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

/* No other process, no other program, no meddling with others. RLIMIT_NPROC cannot say so: it counts all
 * processes of the user, and threads with them, of which libcurl wants one to resolve names. What clone3() is
 * asked for cannot be seen from here; without it the C library takes clone(). */
static bool filter_calls(void)
{
	static struct sock_filter rules[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
#ifdef __x86_64__
		/* the x32 numbers of the same calls */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		REFUSE(SYS_fork, EPERM),
		REFUSE(SYS_vfork, EPERM),
#endif
		REFUSE(SYS_clone3, ENOSYS),
		REFUSE(SYS_execve, EPERM),
		REFUSE(SYS_execveat, EPERM),
		REFUSE(SYS_ptrace, EPERM),
		REFUSE(SYS_process_vm_readv, EPERM),
		REFUSE(SYS_process_vm_writev, EPERM),
		REFUSE(SYS_kill, EPERM),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		LOAD(args[0]), /* the lower half, on these little-endian machines */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x00010000 /* CLONE_THREAD */, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	static const struct sock_fprog program = { .len = sizeof rules / sizeof rules[0],
		.filter = rules };

	/* A kernel without it is no reason not to fetch. */
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 || errno == EINVAL;
}
#else
static bool filter_calls(void)
{
	return true;
}
#endif

static void reset_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGCHLD };
	sigset_t none;

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		signal(signals[i], SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

const char *jail_enter(const struct fetch_request *request, int keep)
{
	reset_signals();
	setsid();
	umask(077);
	if (close_range((unsigned)keep, ~0U, 0) != 0)
		return "cannot close descriptors";
	if (!clean_environment())
		return "no memory";
	if (chdir("/") != 0)
		return "cannot leave the directory";
	if (!limit_resources(request))
		return "cannot limit resources";
	if (!change_user(&request->user))
		return "cannot become the user to fetch as";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return "cannot give up privileges";
	if (!filter_calls())
		return "cannot filter system calls";
	return NULL;
}

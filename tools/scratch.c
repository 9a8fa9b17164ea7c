/* scratch.c - signals, and a directory that goes away. */
#include "scratch.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the signal handler reads: set before it is installed; empty where there is none. */
static char file[PATH_MAX], gen[PATH_MAX + 8], dir[PATH_MAX];

static void remove_and_die(int signal_number)
{
	/* unlink() and rmdir() are async-signal-safe; what is not there does no harm. Sorted runs have
	 * no names. The handler is reset, so raise() ends us as the signal would have. */
	unlink(file);
	rmdir(gen);
	rmdir(dir);
	raise(signal_number);
}

void scratch_watch(const char *path)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = remove_and_die, .sa_flags = (int)SA_RESETHAND };

	snprintf(file, sizeof file, "%s", path);
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		struct sigaction before;

		/* Under nohup a signal is ignored, and stays so. */
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

int scratch_begin(struct sink_why *why, const char **out)
{
	const char *parent = getenv("TMPDIR");
	int n;

	if (!parent || !*parent)
		parent = "/tmp";
	n = snprintf(dir, sizeof dir, "%s/sinkhole-XXXXXX", parent);
	if (n >= (int)sizeof dir || !mkdtemp(dir)) {
		dir[0] = 0;
		return sink_why(why, SINK_EIO, "'%.300s': cannot make a temporary directory: %s",
			parent, strerror(errno));
	}
	snprintf(gen, sizeof gen, "%s/gen", dir);
	*out = dir;
	return SINK_OK;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

void scratch_end(void)
{
	if (dir[0])
		nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	dir[0] = 0;
}

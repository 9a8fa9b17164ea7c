/* full_disk.h - a disk that is full: for tests of what writes. */
#ifndef SINK_FULL_DISK_H
#define SINK_FULL_DISK_H

#include <signal.h>
#include <sys/resource.h>

#include "suite.h"

/* Let no file be longer. Check itself writes files: no ck_assert() while this is low.
 *
 * bytes    what a longer write() ends at, with EFBIG
 * returns  the limit before
 */
static inline rlim_t limit_files(rlim_t bytes)
{
	struct rlimit limit;
	rlim_t before;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	before = limit.rlim_cur;
	limit.rlim_cur = bytes;
	ck_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	return before;
}

#endif

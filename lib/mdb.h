/* mdb.h - <lmdb.h> and its error codes in our terms; for db.c and fill.c only. */
#ifndef SINK_MDB_H
#define SINK_MDB_H

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>

#include "sinkhole/err.h"
#include "sinkhole/span.h"

/* What an LMDB code means to our callers. For SINK_EIO errno says why. */
static inline int mdb_to_err(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return SINK_OK;
	case MDB_NOTFOUND:
		return SINK_ENOENT;
	case ENOMEM:
		return SINK_ENOMEM;
	case MDB_VERSION_MISMATCH:
		return SINK_EVERSION;
	case MDB_MAP_FULL:
		errno = ENOSPC;
		return SINK_EIO;
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INCOMPATIBLE:
	case MDB_BAD_TXN: /* set by LMDB once it met a page it could not follow */
	case MDB_CURSOR_FULL: /* a tree deeper than any real one */
		return SINK_ECORRUPT;
	}
	if (rc < 0) /* the remaining codes of its own are ours to avoid: sizes, flags, limits */
		return SINK_EINVAL;
	errno = rc;
	return SINK_EIO;
}

/* LMDB opens its data file without O_CLOEXEC. A program that the resolver starts (ipsecmod's hook) must
 * not keep a whole generation in memory for as long as it runs. */
static inline void mdb_close_on_exec(MDB_env *env)
{
	int fd;

	if (mdb_env_get_fd(env, &fd) == 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static inline MDB_val mdb_val(struct sink_span span)
{
	/* LMDB does not write through it, and has no const to say so. */
	union {
		const void *in;
		void *out;
	} bytes = { .in = span.at };

	return (MDB_val){ .mv_size = span.len, .mv_data = bytes.out };
}

static inline struct sink_span mdb_span(const MDB_val *val)
{
	return sink_span(val->mv_data, val->mv_size);
}

#endif

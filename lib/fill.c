/* fill.c - create one LMDB file and fill it.
 *
 * Same calls, same bytes: no time, no path, no address reaches the file; LMDB clears what it
 * allocates (never MDB_NOMEMINIT), and commits fall where the amount of data says, not where memory
 * does.
 *
 * The map: whoever opens the file later maps as much as the writer had mapped, and LMDB records a
 * map that grew but never one that shrank. So the map is grown step by step with the file, and ends
 * little above it. It can grow between transactions only, hence an upper bound of what a transaction
 * may need is counted along. */
#include "fill.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "mdb.h"

#define STEP_MIN (UINT64_C(256) << 10) /* bytes between commits; also what the map exceeds */
#define STEP_MAX (UINT64_C(32) << 20) /* dirty pages stay in memory until the commit */
#define STEP_PART 8 /* between those a step is this part of the file */
#define SLACK 64 /* pages: copies of the path to a leaf, LMDB's list of free pages */
#define PAGE_HEAD 16 /* bytes that LMDB takes of each page, and of each large value */
#define NODE_HEAD 8 /* bytes that LMDB takes of each node */
#define NODE_POINTER 2 /* bytes a node takes at the head of its page */

struct fill {
	char *path;
	int fd; /* holds the lock; -1 if the file is not ours */
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	uint64_t page; /* bytes */
	uint64_t map; /* bytes mapped */
	uint64_t room; /* bytes that the transaction may still need */
	uint64_t leaf; /* bytes left in the last leaf */
	int rc; /* LMDB's or errno's last word */
};

/* LMDB calls it an input/output error when less was written than it asked for, as it is once a disk is full. */
static bool is_full(const struct fill *fill)
{
	struct statvfs disk;

	return fill->fd >= 0 && fstatvfs(fill->fd, &disk) == 0 && disk.f_bavail == 0;
}

/* Keep what LMDB or the system said, for fill_why(). */
static int judge(struct fill *fill, int rc)
{
	if (rc == EIO && is_full(fill))
		rc = ENOSPC;
	fill->rc = rc;
	return mdb_to_err(rc);
}

bool fill_has_failed(const struct fill *fill)
{
	return fill->rc != 0;
}

int fill_why(const struct fill *fill, struct sink_why *why, int err)
{
	return sink_why(why, err, "%s: %s", fill->path,
		fill->rc ? mdb_strerror(fill->rc) : sink_strerror(err));
}

/* Bytes of the file in use. */
static uint64_t file_size(const struct fill *fill)
{
	MDB_envinfo info;

	mdb_env_info(fill->env, &info);
	return (info.me_last_pgno + 1) * fill->page;
}

/* Let the map hold what there is, and `need` bytes or a step more. */
static int grow(struct fill *fill, uint64_t need)
{
	uint64_t size = file_size(fill);
	uint64_t step = size / STEP_PART;
	uint64_t map;

	if (step < STEP_MIN)
		step = STEP_MIN;
	if (step > STEP_MAX)
		step = STEP_MAX;
	fill->room = step > need ? step : need;
	map = size + fill->room + SLACK * fill->page;
	map = (map + fill->page - 1) / fill->page * fill->page;
	if (map <= fill->map)
		return SINK_OK;
	fill->map = map;
	return judge(fill, mdb_env_set_mapsize(fill->env, map));
}

static int begin_txn(struct fill *fill, uint64_t need)
{
	int err = grow(fill, need);

	if (err)
		return err;
	fill->leaf = 0; /* the path to the last leaf is copied; SLACK pays */
	return judge(fill, mdb_txn_begin(fill->env, NULL, 0, &fill->txn));
}

static int end_txn(struct fill *fill)
{
	MDB_txn *txn = fill->txn;

	fill->txn = NULL; /* freed by commit, whatever it returned */
	return judge(fill, mdb_txn_commit(txn));
}

static int open_env(struct fill *fill)
{
	/* No lock file: the file is nobody else's. No fsync before the last. And no MDB_WRITEMAP, where
	 * a full disk is a signal. */
	const unsigned flags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC;
	MDB_stat stat;
	int rc = mdb_env_create(&fill->env);
	int err;

	if (rc)
		return judge(fill, rc);
	fill->map = STEP_MIN;
	rc = mdb_env_set_mapsize(fill->env, fill->map);
	if (!rc)
		rc = mdb_env_open(fill->env, fill->path, flags, 0644);
	if (!rc)
		rc = mdb_env_stat(fill->env, &stat);
	if (rc)
		return judge(fill, rc);
	mdb_close_on_exec(fill->env);
	fill->page = stat.ms_psize;
	err = begin_txn(fill, 0);
	return err ? err : judge(fill, mdb_dbi_open(fill->txn, NULL, 0, &fill->dbi));
}

static int create(struct fill *fill)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	fill->fd = open(fill->path, flags, 0644);
	if (fill->fd < 0 || flock(fill->fd, LOCK_EX | LOCK_NB) < 0 || fchmod(fill->fd, 0644) < 0)
		return judge(fill, errno);
	return SINK_OK;
}

int fill_begin(const char *path, struct sink_why *why, struct fill **out)
{
	struct fill *fill = calloc(1, sizeof *fill);
	int err;

	if (!fill)
		return SINK_ENOMEM;
	fill->fd = -1;
	fill->path = strdup(path);
	err = fill->path ? create(fill) : SINK_ENOMEM;
	if (!err)
		err = open_env(fill);
	if (err) {
		if (fill->path)
			fill_why(fill, why, err);
		fill_abort(fill);
		return err;
	}
	*out = fill;
	return SINK_OK;
}

static uint64_t even(uint64_t n)
{
	return n + (n & 1);
}

/* At most how many more bytes of pages a node makes the file take; counts along what is left in the
 * last leaf. A value too large for a node lies in pages of its own. */
static uint64_t cost(struct fill *fill, size_t key_len, size_t value_len)
{
	uint64_t usable = fill->page - PAGE_HEAD;
	uint64_t node = even(NODE_HEAD + key_len + value_len) + NODE_POINTER;
	uint64_t pages = 0;

	if (node > usable / 2) {
		pages = (PAGE_HEAD + value_len + fill->page - 1) / fill->page * fill->page;
		node = even(NODE_HEAD + key_len + sizeof(uint64_t)) + NODE_POINTER;
	}
	if (node <= fill->leaf) {
		fill->leaf -= node;
		return pages;
	}
	fill->leaf = usable - node;
	/* a leaf, and its node in a branch, which is at least half full */
	return pages + fill->page + 2 * (even(NODE_HEAD + key_len) + NODE_POINTER);
}

/* Have a transaction that can take this node. */
static int make_room(struct fill *fill, size_t key_len, size_t value_len)
{
	uint64_t bytes = cost(fill, key_len, value_len);
	int err = SINK_OK;

	if (bytes > fill->room) {
		err = end_txn(fill);
		if (!err)
			err = begin_txn(fill, bytes + fill->page);
		if (err)
			return err;
		bytes = cost(fill, key_len, value_len);
	}
	fill->room -= bytes;
	return SINK_OK;
}

int fill_append(struct fill *fill, struct sink_span key, struct sink_span value)
{
	MDB_val name = mdb_val(key), data = mdb_val(value);
	int err = make_room(fill, key.len, value.len);

	if (err)
		return err;
	return judge(fill, mdb_put(fill->txn, fill->dbi, &name, &data, MDB_APPEND));
}

int fill_reserve(struct fill *fill, struct sink_span key, size_t len, uint8_t **out)
{
	MDB_val name = mdb_val(key), data = { .mv_size = len };
	int err;

	fill->leaf = 0; /* it may split any leaf */
	err = make_room(fill, key.len, len);
	if (!err)
		err = judge(fill,
			mdb_put(fill->txn, fill->dbi, &name, &data, MDB_RESERVE | MDB_NOOVERWRITE));
	if (!err)
		*out = data.mv_data;
	return err;
}

static void close_all(struct fill *fill)
{
	if (fill->txn)
		mdb_txn_abort(fill->txn);
	if (fill->env)
		mdb_env_close(fill->env);
	if (fill->fd >= 0)
		close(fill->fd);
	free(fill->path);
	free(fill);
}

static int finish(struct fill *fill, uint64_t *bytes)
{
	struct stat status;
	int err = end_txn(fill);

	if (err)
		return err;
	if (fsync(fill->fd) < 0 || fstat(fill->fd, &status) < 0) {
		judge(fill, errno);
		return SINK_EIO;
	}
	*bytes = (uint64_t)status.st_size;
	return SINK_OK;
}

int fill_commit(struct fill *fill, struct sink_why *why, uint64_t *bytes)
{
	int err = finish(fill, bytes);

	if (err) {
		fill_why(fill, why, err);
		fill_abort(fill);
		return err;
	}
	close_all(fill);
	return SINK_OK;
}

void fill_abort(struct fill *fill)
{
	int saved = errno;

	if (!fill)
		return;
	if (fill->path && fill->fd >= 0)
		unlink(fill->path);
	close_all(fill);
	errno = saved;
}

/* publish.c - publishing a generation, and pruning the old ones.
 *
 * Each step is durable before the next, and `current` is replaced last: killed anywhere, the
 * directory holds the old generation or the new one, complete. What such a death leaves behind (a
 * temporary file, a base that no manifest names) the next publisher removes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "gendir.h"
#include "manifest.h"

#define MODE 0644 /* of every file, whatever the umask: the resolver's user only reads them */
#define STALE_AGE 60 /* seconds that an unlocked temporary file may be left alone by its writer */

struct publishing {
	struct gendir dir;
	const struct sink_publish *what;
	struct sink_why *why;
	struct sink_manifest manifest; /* of the new generation */
	const char *temp; /* name in gen of the file to publish; NULL: the base is there already */
	int base; /* the file to publish, open and locked; -1: none */
	bool renamed, listed; /* the base has its final name; the manifest is in gen */
	bool published; /* `current` is replaced */
};

static int refuse(const struct publishing *p, const char *name)
{
	return sink_why(p->why, SINK_EIO, "%s/%s: %m", p->dir.path, name);
}

/* A file system that cannot sync a directory does it by itself, or not at all. */
static int sync_directory(const struct publishing *p, int fd, const char *name)
{
	return fsync(fd) && errno != EINVAL ? refuse(p, name) : SINK_OK;
}

/* --- what is published ------------------------------------------------------------------------ */

static int take_text(const struct publishing *p, const char *word, const char *text, char *out,
	size_t size)
{
	struct sink_span span = sink_span_text(text);

	if (!manifest_is_text(span, size))
		return sink_why(p->why, SINK_EINVAL,
			"%s: longer than %zu bytes, or not one line of UTF-8", word, size - 1);
	if (span.len > 0)
		memcpy(out, span.at, span.len);
	out[span.len] = 0;
	return SINK_OK;
}

static int take_texts(struct publishing *p)
{
	struct sink_manifest *m = &p->manifest;
	int err = take_text(p, "origin", p->what->origin, m->origin, sizeof m->origin);

	if (!err)
		err = take_text(p, "reason", p->what->reason, m->reason, sizeof m->reason);
	if (!err)
		err = take_text(p, "tool", p->what->tool, m->tool, sizeof m->tool);
	return err;
}

/* Is `temp` the name, inside gen, of the file that was opened by its path? */
static int find_temp(struct publishing *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat a, b;

	p->temp = slash ? slash + 1 : path;
	if (fstat(p->base, &a) || fstatat(p->dir.gen, p->temp, &b, AT_SYMLINK_NOFOLLOW) ||
		a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return sink_why(p->why, SINK_EINVAL, "%s: not inside %s/" GENDIR_GEN, path,
			p->dir.path);
	return SINK_OK;
}

/* Digest the new file and make it durable. Locked, so that no publisher takes it for a dead one's;
 * should one be just looking at it, that it was written lately protects it. */
static int take_temp(struct publishing *p)
{
	const char *path = p->what->temp;
	struct sink_manifest *m = &p->manifest;
	int err = file_open(AT_FDCWD, path, path, p->why, &p->base, &m->base_size);

	if (err)
		return err == SINK_ENOENT ? SINK_EIO : err;
	(void)flock(p->base, LOCK_EX | LOCK_NB);
	err = find_temp(p, path);
	if (err)
		return err;
	if (m->base_size != p->what->summary.bytes)
		return sink_why(p->why, SINK_ECORRUPT, "%s: not the %llu bytes that were written",
			path, (unsigned long long)p->what->summary.bytes);
	err = file_digest(p->base, -1, m->base_size, path, NULL, p->why, m->base_digest);
	if (err)
		return err;
	if (fchmod(p->base, MODE) || fsync(p->base))
		return sink_why(p->why, SINK_EIO, "%s: %m", path);
	m->names = p->what->summary.names;
	m->listings = p->what->summary.listings;
	return SINK_OK;
}

/* Publish a base again: is it still what it was? */
static int take_again(struct publishing *p)
{
	struct sink_manifest *m = &p->manifest, old;
	uint8_t digest[SINK_DIGEST_LEN];
	char shown[PATH_MAX];
	uint64_t size;
	int fd, err;

	if (p->what->again == 0)
		return sink_why(p->why, SINK_EINVAL, "nothing to publish");
	err = gendir_manifest(&p->dir, p->what->again, p->why, &old);
	if (err)
		return err;
	snprintf(shown, sizeof shown, "%s/" GENDIR_GEN "/%s", p->dir.path, old.base);
	err = file_open(p->dir.gen, old.base, shown, p->why, &fd, &size);
	if (err)
		return err == SINK_ENOENT ? SINK_ECORRUPT : err;
	err = file_digest(fd, -1, old.base_size, shown, NULL, p->why, digest);
	close(fd);
	if (err)
		return err;
	if (memcmp(digest, old.base_digest, sizeof digest) != 0)
		return sink_why(p->why, SINK_ECORRUPT, "%s: digest differs from the manifest",
			shown);
	memcpy(m->base, old.base, sizeof m->base);
	memcpy(m->base_digest, old.base_digest, sizeof m->base_digest);
	m->base_size = old.base_size;
	m->names = old.names;
	m->listings = old.listings;
	return SINK_OK;
}

/* --- one publisher at a time ------------------------------------------------------------------ */

/* The lock is on the directory itself: no lock file lies about, and a dead publisher's is gone. */
static int lock(const struct publishing *p)
{
	int rc;

	do
		rc = flock(p->dir.gen, LOCK_EX | (p->what->wait ? 0 : LOCK_NB));
	while (rc && errno == EINTR);
	if (rc && errno == EWOULDBLOCK)
		return sink_why(p->why, SINK_EBUSY, "%s: another publisher is at work",
			p->dir.path);
	return rc ? refuse(p, GENDIR_GEN) : SINK_OK;
}

static int highest(void *arg, const char *name)
{
	uint64_t *max = arg, serial;

	if ((gendir_is_manifest(name, &serial) || gendir_is_base(name, &serial)) && serial > *max)
		*max = serial;
	return SINK_OK;
}

/* One above every serial that the directory knows, by name, since a damaged manifest was published
 * once, too. For that reason a damaged `current` need not stop us: gen has its serial. */
static int next_serial(struct publishing *p)
{
	struct sink_manifest current;
	uint64_t max = 0;
	int err = gendir_walk(&p->dir, highest, &max, p->why);

	if (err)
		return err;
	if (gendir_manifest(&p->dir, 0, NULL, &current) == SINK_OK && current.serial > max)
		max = current.serial;
	if (max >= MANIFEST_NUMBER_MAX)
		return sink_why(p->why, SINK_EIO, "%s: no serial is left above %llu", p->dir.path,
			(unsigned long long)max);
	p->manifest.serial = max + 1;
	return SINK_OK;
}

/* --- the steps -------------------------------------------------------------------------------- */

/* Nothing that was published is ever replaced, not even by accident. */
static int rename_new(int gen, const char *from, const char *to)
{
	int rc = renameat2(gen, from, gen, to, RENAME_NOREPLACE);

	if (rc == 0 || (errno != EINVAL && errno != ENOSYS))
		return rc;
	/* A file system without this flag. Who else could make this name waits for our lock. */
	if (faccessat(gen, to, F_OK, AT_SYMLINK_NOFOLLOW))
		return renameat(gen, from, gen, to);
	errno = EEXIST;
	return -1;
}

static int name_base(struct publishing *p)
{
	if (!p->temp)
		return SINK_OK;
	gendir_base_name(p->manifest.serial, p->manifest.base_digest, p->manifest.base);
	if (rename_new(p->dir.gen, p->temp, p->manifest.base))
		return refuse(p, p->manifest.base);
	p->renamed = true;
	return sync_directory(p, p->dir.gen, GENDIR_GEN);
}

/* Write a text under a temporary name. */
static int write_temp(const struct publishing *p, struct sink_span text, const char *name)
{
	int fd = openat(p->dir.gen, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		MODE);
	int err = SINK_OK;

	if (fd < 0)
		return refuse(p, name);
	if (flock(fd, LOCK_EX | LOCK_NB) || file_write(fd, text) || fchmod(fd, MODE) || fsync(fd))
		err = refuse(p, name);
	close(fd);
	if (err)
		unlinkat(p->dir.gen, name, 0);
	return err;
}

/* Put a text in a file's place at once. It is written in gen, where the next publisher looks for
 * what a dead one left. */
static int write_file(const struct publishing *p, struct sink_span text, int dir, const char *name)
{
	char temp[SINK_FILE_NAME_MAX];
	int err;

	gendir_temp_name(p->dir.gen, temp);
	err = write_temp(p, text, temp);
	if (err)
		return err;
	if (renameat(p->dir.gen, temp, dir, name)) {
		err = refuse(p, name);
		unlinkat(p->dir.gen, temp, 0);
	}
	return err;
}

static int write_manifests(struct publishing *p)
{
	char bytes[SINK_MANIFEST_MAX], name[SINK_FILE_NAME_MAX];
	struct sink_span text = sink_span(bytes, sink_manifest_format(&p->manifest, bytes));
	struct sink_manifest again;
	int err = sink_manifest_parse(text, p->why, &again);

	if (err) /* nobody could read it: a time, a tool or an origin that is none */
		return err == SINK_ENOMEM ? err : SINK_EINVAL;
	gendir_manifest_name(p->manifest.serial, name);
	err = write_file(p, text, p->dir.gen, name);
	if (err)
		return err;
	p->listed = true;
	err = sync_directory(p, p->dir.gen, GENDIR_GEN);
	if (!err)
		err = write_file(p, text, p->dir.dir, GENDIR_CURRENT);
	return err;
}

/* Take back what nobody has seen. */
static void undo(const struct publishing *p)
{
	char name[SINK_FILE_NAME_MAX];

	if (p->listed) {
		gendir_manifest_name(p->manifest.serial, name);
		unlinkat(p->dir.gen, name, 0);
	}
	if (p->renamed)
		(void)renameat(p->dir.gen, p->manifest.base, p->dir.gen, p->temp);
}

/* --- pruning ---------------------------------------------------------------------------------- */

struct pruning {
	const struct publishing *p;
	uint64_t oldest; /* serial of the oldest manifest that stays */
	char (*bases)[SINK_FILE_NAME_MAX]; /* that the manifests name that stay */
	size_t count;
	bool unsure; /* one of them cannot be read, and might name any base */
};

/* Has the writer of an unlocked temporary file gone? A live one locks it at once; what it has just
 * made, or completed and not published yet, is young or its process lives. */
static bool is_stale(const char *name, const struct stat *st)
{
	long pid = strtol(name + strlen(GENDIR_TEMP), NULL, 10);

	if (st->st_mtime + STALE_AGE < time(NULL))
		return true;
	return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static void prune_temp(int gen, const char *name)
{
	int fd = openat(gen, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_stale(name, &st) &&
		flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(gen, name, 0);
	close(fd);
}

static bool is_named(const struct pruning *pruning, const char *base)
{
	for (size_t i = 0; i < pruning->count; i++)
		if (strcmp(pruning->bases[i], base) == 0)
			return true;
	return false;
}

static int prune_manifest(void *arg, const char *name)
{
	const struct pruning *pruning = arg;
	uint64_t serial;

	if (gendir_is_manifest(name, &serial) && serial < pruning->oldest)
		unlinkat(pruning->p->dir.gen, name, 0);
	return SINK_OK;
}

static int prune_file(void *arg, const char *name)
{
	const struct pruning *pruning = arg;
	int gen = pruning->p->dir.gen;
	uint64_t serial;

	if (strncmp(name, GENDIR_TEMP, strlen(GENDIR_TEMP)) == 0)
		prune_temp(gen, name);
	else if (gendir_is_base(name, &serial) && !pruning->unsure && !is_named(pruning, name))
		unlinkat(gen, name, 0);
	return SINK_OK;
}

/* Which bases must stay? */
static void name_bases(struct pruning *pruning, const uint64_t *serials, size_t count)
{
	struct sink_manifest manifest;

	for (size_t i = 0; i < count; i++) {
		if (gendir_manifest(&pruning->p->dir, serials[i], NULL, &manifest))
			pruning->unsure = true;
		else
			memcpy(pruning->bases[pruning->count++], manifest.base,
				sizeof manifest.base);
	}
}

/* Remove the oldest generations: first the manifests, so that none ever names a base that is gone.
 * What cannot be removed now is left to the next publisher; the publication stands. */
static void prune(const struct publishing *p)
{
	struct pruning pruning = { .p = p };
	struct serials serials;
	size_t keep = p->what->keep ? p->what->keep : SINK_KEEP_DEFAULT;

	if (gendir_serials(&p->dir, NULL, &serials))
		return;
	if (keep > serials.count)
		keep = serials.count;
	pruning.bases = calloc(keep + 1, sizeof *pruning.bases);
	if (pruning.bases && keep > 0) {
		pruning.oldest = serials.at[serials.count - keep];
		name_bases(&pruning, serials.at + serials.count - keep, keep);
		gendir_walk(&p->dir, prune_manifest, &pruning, NULL);
		if (!sync_directory(p, p->dir.gen, GENDIR_GEN))
			gendir_walk(&p->dir, prune_file, &pruning, NULL);
	}
	free(pruning.bases);
	free(serials.at);
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Under the lock. */
static int publish(struct publishing *p)
{
	int err = p->temp ? SINK_OK : take_again(p);

	if (!err)
		err = next_serial(p);
	if (!err)
		err = name_base(p);
	if (!err)
		err = write_manifests(p);
	if (err) {
		undo(p);
		return err;
	}
	p->published = true;
	if (fsync(p->dir.dir) && errno != EINVAL)
		err = sink_why(p->why, SINK_EIO,
			"%s: %m: generation %llu is published, but may not outlive a power cut",
			p->dir.path, (unsigned long long)p->manifest.serial);
	prune(p);
	return err;
}

int sink_store_publish(const char *dir, const struct sink_publish *what, struct sink_why *why,
	struct sink_manifest *out)
{
	struct publishing p = { .what = what, .why = why, .base = -1 };
	int err = gendir_open(dir, why, &p.dir);

	if (err)
		return err;
	p.manifest.time = what->time;
	err = take_texts(&p);
	if (!err && what->temp)
		err = take_temp(&p);
	if (!err)
		err = lock(&p);
	if (!err)
		err = publish(&p);
	if (p.published)
		*out = p.manifest;
	if (p.base >= 0)
		close(p.base);
	gendir_close(&p.dir); /* and the lock */
	return err;
}

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

#include "digest.h"
#include "file.h"
#include "gendir.h"
#include "manifest.h"
#include "sinkhole/sign.h"

#define MODE 0644 /* of every file, whatever the umask: the resolver's user only reads them */
#define STALE_AGE 60 /* seconds that an unlocked temporary file may be left alone by its writer */

struct publishing {
	struct gendir dir;
	const struct sink_publish *what;
	struct sink_why *why;
	struct sink_manifest manifest; /* of the new generation */
	struct sink_manifest last; /* published before; all zero: nothing, or nobody can know */
	const char *temp; /* name in gen of the file to publish; NULL: the base is there already */
	int base; /* the file to publish, open and locked; -1: none */
	uint8_t *
		policy; /* the bytes of the policy to publish, policy_size of them; NULL: it is there already */
	bool written; /* the policy's file was */
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

/* The policy's bytes, if one is to be written. */
static int encode_policy(struct publishing *p)
{
	const struct sink_policy *policy = p->what->policy;
	struct sink_manifest *m = &p->manifest;
	size_t len;
	int err;

	if (!policy && !p->what->temp)
		return SINK_OK;
	err = sink_policy_encode(policy ? policy : &sink_policy_default, p->why, &p->policy, &len);
	if (err)
		return err;
	m->policy_size = len;
	err = digest_of(sink_span(p->policy, len), m->policy_digest);
	return err ? sink_why(p->why, err, "policy: %s", sink_strerror(err)) : SINK_OK;
}

/* Is a file of gen still what its manifest says? */
static int check_file(const struct publishing *p, const char *name, uint64_t bytes,
	const uint8_t digest[SINK_DIGEST_LEN], bool by_digest)
{
	uint8_t found[SINK_DIGEST_LEN];
	char shown[PATH_MAX];
	uint64_t size;
	int fd, err;

	snprintf(shown, sizeof shown, "%s/" GENDIR_GEN "/%s", p->dir.path, name);
	err = file_open(p->dir.gen, name, shown, p->why, &fd, &size);
	if (err)
		return err == SINK_ENOENT ? SINK_ECORRUPT : err;
	if (!by_digest)
		err = size == bytes ? SINK_OK
				    : sink_why(p->why, SINK_ECORRUPT,
					      "%s: another size than the manifest says", shown);
	else
		err = file_digest(fd, -1, bytes, shown, NULL, p->why, found);
	close(fd);
	if (!err && by_digest && memcmp(found, digest, sizeof found) != 0)
		err = sink_why(p->why, SINK_ECORRUPT, "%s: digest differs from the manifest",
			shown);
	return err;
}

/* Publish a base again: is it still what it was? For another policy on the base that is in force, and for a pause, its
 * size is enough: who reads it compares the digest, and such a change should not take as long as reading millions of
 * names. */
static int take_again(struct publishing *p)
{
	bool by_size = p->policy || p->what->pausing != SINK_PAUSE_KEEP;
	struct sink_manifest *m = &p->manifest, old;
	int err;

	if (p->what->again == 0 && !by_size)
		return sink_why(p->why, SINK_EINVAL, "nothing to publish");
	err = gendir_manifest(&p->dir, p->what->again, p->why, &old);
	if (!err)
		err = check_file(p, old.base, old.base_size, old.base_digest, !by_size);
	if (!err && !p->policy)
		err = check_file(p, old.policy, old.policy_size, old.policy_digest, true);
	if (err)
		return err;
	if (!p->policy) {
		memcpy(m->policy, old.policy, sizeof m->policy);
		memcpy(m->policy_digest, old.policy_digest, sizeof m->policy_digest);
		m->policy_size = old.policy_size;
	}
	memcpy(m->base, old.base, sizeof m->base);
	memcpy(m->base_digest, old.base_digest, sizeof m->base_digest);
	m->base_size = old.base_size;
	m->names = old.names;
	m->listings = old.listings;
	if (m->expires == 0)
		m->expires = old.expires;
	return SINK_OK;
}

/* --- one publisher at a time ------------------------------------------------------------------ */

/* The lock is on the directory itself: no lock file lies about, and a dead publisher's is gone. */
static int lock(const struct publishing *p)
{
	int rc;

	do /* it may wait for as long as another publisher works */
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

	if ((gendir_is_manifest(name, &serial) || gendir_is_base(name, &serial) ||
		    gendir_is_policy(name, &serial)) &&
		serial > *max)
		*max = serial;
	return SINK_OK;
}

/* A damaged `current` need not stop us, and hides no pause: gen has the same text. One that cannot be read now
 * does: the newest manifest in gen may be one that a dead publisher did not get to put in its place, without the pause that
 * it holds.
 *
 * newest   serial of what gen has; 0: nothing
 */
static int find_last(struct publishing *p, uint64_t newest)
{
	struct sink_why reason;
	int err = gendir_manifest(&p->dir, 0, &reason, &p->last);

	if (newest > 0 && (err == SINK_ECORRUPT || err == SINK_EVERSION || err == SINK_ENOENT))
		err = gendir_manifest(&p->dir, newest, &reason, &p->last);
	return err == SINK_EIO || err == SINK_ENOMEM ? sink_why(p->why, err, "%s", reason.text)
						     : SINK_OK;
}

/* One above every serial that the directory knows, by name, since a damaged manifest was published
 * once, too. */
static int next_serial(struct publishing *p)
{
	uint64_t max = 0;
	int err = gendir_walk(&p->dir, highest, &max, p->why);

	if (!err)
		err = find_last(p, max);
	if (err)
		return err;
	if (p->last.serial > max)
		max = p->last.serial;
	if (max >= MANIFEST_NUMBER_MAX)
		return sink_why(p->why, SINK_EIO, "%s: no serial is left above %llu", p->dir.path,
			(unsigned long long)max);
	p->manifest.serial = max + 1;
	return SINK_OK;
}

/* A pause is somebody's emergency exit: what else is published does not take it back. By the clock that resolvers go
 * by, hence not by the time of publication, which can be any. */
static int take_pause(struct publishing *p)
{
	const struct sink_publish *what = p->what;
	const struct sink_manifest *last = &p->last;
	struct sink_manifest *m = &p->manifest;
	int64_t now = (int64_t)time(NULL);
	bool holds = sink_is_paused(last, now);

	switch (what->pausing) {
	case SINK_PAUSE_KEEP:
		m->paused_since = holds ? last->paused_since : 0;
		m->paused_until = holds ? last->paused_until : 0;
		return SINK_OK;
	case SINK_PAUSE_BEGIN:
		m->paused_since = holds ? last->paused_since : now;
		m->paused_until = what->pause_until;
		return what->pause_until > now
			? SINK_OK
			: sink_why(p->why, SINK_EINVAL, "a pause that would be over");
	case SINK_PAUSE_END:
		return holds
			? SINK_OK
			: sink_why(p->why, SINK_ENOENT, "%s: filtering is not paused", p->dir.path);
	}
	return sink_why(p->why, SINK_EINVAL, "no such pausing");
}

/* Whoever checks signatures would refuse what has none, and stay with what is in use; or with nothing, after a restart. */
static int check_signers(const struct publishing *p)
{
	const struct sink_manifest *last = &p->last;

	if (p->what->signers_count > 0 || p->what->may_unsign || last->signatures_count == 0)
		return SINK_OK;
	return sink_why(p->why, SINK_EUNSIGNED,
		"%s: generation %llu, which is published, is signed", p->dir.path,
		(unsigned long long)last->serial);
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

/* A file of gen that holds these very bytes. */
struct same {
	const struct publishing *p;
	char name[SINK_FILE_NAME_MAX]; /* empty: none */
};

static int find_same(void *arg, const char *name)
{
	struct same *same = arg;
	const struct publishing *p = same->p;
	char proper[SINK_FILE_NAME_MAX];
	struct publishing quiet = *p;
	uint64_t serial;

	if (!gendir_is_policy(name, &serial))
		return SINK_OK;
	gendir_policy_name(serial, p->manifest.policy_digest, proper);
	quiet.why = NULL;
	if (strcmp(name, proper) == 0 && !same->name[0] &&
		check_file(&quiet, name, p->manifest.policy_size, p->manifest.policy_digest,
			true) == SINK_OK)
		memcpy(same->name, proper, sizeof proper);
	return SINK_OK;
}

static int write_policy(struct publishing *p)
{
	struct sink_manifest *m = &p->manifest;
	struct same same = { .p = p };
	char temp[SINK_FILE_NAME_MAX];
	int err;

	if (!p->policy)
		return SINK_OK;
	err = gendir_walk(&p->dir, find_same, &same, p->why);
	if (err)
		return err;
	if (same.name[0]) {
		memcpy(m->policy, same.name, sizeof same.name);
		return SINK_OK;
	}
	gendir_policy_name(m->serial, m->policy_digest, m->policy);
	gendir_temp_name(p->dir.gen, temp);
	err = write_temp(p, sink_span(p->policy, (size_t)m->policy_size), temp);
	if (err)
		return err;
	if (rename_new(p->dir.gen, temp, m->policy)) {
		err = refuse(p, m->policy);
		unlinkat(p->dir.gen, temp, 0);
		return err;
	}
	p->written = true;
	return sync_directory(p, p->dir.gen, GENDIR_GEN);
}

static int write_manifests(struct publishing *p)
{
	char bytes[SINK_MANIFEST_MAX], name[SINK_FILE_NAME_MAX];
	struct sink_manifest again;
	struct sink_span text;
	int err =
		sink_manifest_sign(&p->manifest, p->what->signers, p->what->signers_count, p->why);

	if (err)
		return err;
	text = sink_span(bytes, sink_manifest_format(&p->manifest, bytes));
	err = sink_manifest_parse(text, p->why, &again);
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
	if (p->written)
		unlinkat(p->dir.gen, p->manifest.policy, 0);
	if (p->renamed)
		(void)renameat(p->dir.gen, p->manifest.base, p->dir.gen, p->temp);
}

/* --- pruning ---------------------------------------------------------------------------------- */

struct pruning {
	const struct publishing *p;
	uint64_t oldest; /* serial of the oldest manifest that stays */
	char (*files)[SINK_FILE_NAME_MAX]; /* that the manifests name that stay */
	size_t count;
	bool unsure; /* one of them cannot be read, and might name any file */
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

static bool is_named(const struct pruning *pruning, const char *file)
{
	for (size_t i = 0; i < pruning->count; i++)
		if (strcmp(pruning->files[i], file) == 0)
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
	else if ((gendir_is_base(name, &serial) || gendir_is_policy(name, &serial)) &&
		!pruning->unsure && !is_named(pruning, name))
		unlinkat(gen, name, 0);
	return SINK_OK;
}

static void name_file(struct pruning *pruning, const char file[SINK_FILE_NAME_MAX])
{
	memcpy(pruning->files[pruning->count++], file, SINK_FILE_NAME_MAX);
}

/* Which files must stay? */
static void name_files(struct pruning *pruning, const uint64_t *serials, size_t count)
{
	struct sink_manifest manifest;

	for (size_t i = 0; i < count; i++) {
		if (gendir_manifest(&pruning->p->dir, serials[i], NULL, &manifest)) {
			pruning->unsure = true;
			continue;
		}
		name_file(pruning, manifest.base);
		name_file(pruning, manifest.policy);
	}
}

/* Remove the oldest generations: first the manifests, so that none ever names a base that is gone.
 * What cannot be removed now is left to the next publisher; the publication stands. */
static void prune(const struct publishing *p)
{
	struct pruning pruning = { .p = p };
	struct distinct serials;
	size_t keep = p->what->keep ? p->what->keep : SINK_KEEP_DEFAULT;

	if (gendir_serials(&p->dir, NULL, &serials))
		return;
	if (keep > serials.count)
		keep = serials.count;
	pruning.files = calloc(2 * keep + 1, sizeof *pruning.files);
	if (pruning.files && keep > 0) {
		pruning.oldest = serials.at[serials.count - keep];
		name_files(&pruning, serials.at + serials.count - keep, keep);
		gendir_walk(&p->dir, prune_manifest, &pruning, NULL);
		if (!sync_directory(p, p->dir.gen, GENDIR_GEN))
			gendir_walk(&p->dir, prune_file, &pruning, NULL);
	}
	free(pruning.files);
	distinct_free(&serials);
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Under the lock. */
static int publish(struct publishing *p)
{
	int err = p->temp ? SINK_OK : take_again(p);

	if (!err)
		err = next_serial(p);
	if (!err)
		err = take_pause(p);
	if (!err)
		err = check_signers(p);
	if (!err)
		err = name_base(p);
	if (!err)
		err = write_policy(p);
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
	p.manifest.expires = what->expires;
	err = take_texts(&p);
	if (!err)
		err = encode_policy(&p);
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
	free(p.policy);
	gendir_close(&p.dir); /* and the lock */
	return err;
}

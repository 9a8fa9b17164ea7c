/* publish.c - publishing a generation.
 *
 * Each step is durable before the next, and `current` is replaced last: killed anywhere, the
 * directory holds the old generation or the new one, complete. What such a death leaves behind (a
 * temporary file, a base that no manifest names) the next publisher removes. */
#include <errno.h>
#include <fcntl.h>
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
#include "overlay.h"
#include "prune.h"
#include "sinkhole/sign.h"

#define MODE 0644 /* of every file, whatever the umask: the resolver's user only reads them */

/* A file to be published. */
struct piece {
	char temp
		[SINK_FILE_NAME_MAX]; /* its name in gen until then; empty: there is none, or it is there already */
	struct sink_span
		bytes; /* to be written, and not at all if such a file is there; none: it is written */
	bool renamed; /* it has its final name */
};

struct publishing {
	struct gendir dir;
	const struct sink_publish *what;
	struct sink_why *why;
	struct sink_manifest manifest; /* of the new generation */
	struct sink_manifest last; /* published before; all zero: nothing, or nobody can know */
	int base; /* the base that `what` brings, open and locked; -1: it is there already */
	uint8_t *policy; /* encoded, if one is to be published */
	struct overlay overlay; /* what live changes come to, if they are asked for */
	struct piece pieces[GENDIR_KINDS];
	bool listed; /* the manifest is in gen */
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

static struct gendir_file file_of(struct publishing *p, enum gendir_kind kind)
{
	return gendir_file_of(&p->manifest, kind);
}

/* Is the base's name, inside gen, that of the file that was opened by its path? */
static int find_temp(struct publishing *p, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct piece *piece = &p->pieces[GENDIR_BASE];
	struct stat a, b;

	if (strlen(name) >= sizeof piece->temp || fstat(p->base, &a) ||
		fstatat(p->dir.gen, name, &b, AT_SYMLINK_NOFOLLOW) || a.st_dev != b.st_dev ||
		a.st_ino != b.st_ino)
		return sink_why(p->why, SINK_EINVAL, "%s: not inside %s/" GENDIR_GEN, path,
			p->dir.path);
	memcpy(piece->temp, name, strlen(name) + 1);
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

/* Bytes that are to be a file of their own. */
static int take_bytes(struct publishing *p, enum gendir_kind kind, struct sink_span bytes)
{
	struct gendir_file file = file_of(p, kind);
	int err = digest_of(bytes, file.digest);

	*file.size = bytes.len;
	p->pieces[kind].bytes = bytes;
	return err ? sink_why(p->why, err, "%s: %s", p->dir.path, sink_strerror(err)) : SINK_OK;
}

/* The policy's bytes, if one is to be written. */
static int encode_policy(struct publishing *p)
{
	const struct sink_policy *policy = p->what->policy;
	size_t len;
	int err;

	if (!policy && (!p->what->temp || p->what->over))
		return SINK_OK;
	err = sink_policy_encode(policy ? policy : &sink_policy_default, p->why, &p->policy, &len);
	return err ? err : take_bytes(p, GENDIR_POLICY, sink_span(p->policy, len));
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

/* Does what is published bring files of this kind, in the place of those of the generation that it is again? */
static bool brings(const struct publishing *p, enum gendir_kind kind)
{
	switch (kind) {
	case GENDIR_BASE:
		return p->what->temp != NULL;
	case GENDIR_POLICY:
		return p->policy != NULL;
	case GENDIR_DELTA:
	case GENDIR_CHANGES:
		return p->what->live != NULL;
	case GENDIR_KINDS:
		break;
	}
	return false;
}

/* Publish a file again: is it still what it was? Of what is listed in force its size is enough where something else is
 * published than an older generation: who reads it compares the digest, and such a change should not take as long as
 * reading millions of names, nor fail where resolvers have what they need. */
static int take_file(struct publishing *p, struct sink_manifest *old, enum gendir_kind kind)
{
	struct gendir_file from = gendir_file_of(old, kind), to = file_of(p, kind);
	bool by_size = kind != GENDIR_POLICY &&
		(p->policy || p->what->live || p->what->pausing != SINK_PAUSE_KEEP);
	int err = SINK_OK;

	if (from.name[0])
		err = check_file(p, from.name, *from.size, from.digest, !by_size);
	if (err)
		return err;
	memcpy(to.name, from.name, SINK_FILE_NAME_MAX);
	memcpy(to.digest, from.digest, SINK_DIGEST_LEN);
	*to.size = *from.size;
	return SINK_OK;
}

/* A base that stands for the published one goes with its policy. */
static int take_over(struct publishing *p)
{
	struct sink_manifest old;
	int err = gendir_manifest(&p->dir, 0, p->why, &old);

	if (!err && memcmp(old.base_digest, p->what->over, sizeof old.base_digest) != 0)
		err = sink_why(p->why, SINK_EOLD, "%s: another base was published meanwhile",
			p->dir.path);
	if (err)
		return err;
	if (p->manifest.expires == 0)
		p->manifest.expires = old.expires;
	return p->policy ? SINK_OK : take_file(p, &old, GENDIR_POLICY);
}

/* Take from the generation that is published again what nothing else is brought for. */
static int take_again(struct publishing *p)
{
	const struct sink_publish *what = p->what;
	struct sink_manifest *m = &p->manifest, old;
	int err;

	if (what->temp)
		return what->over ? take_over(p) : SINK_OK;
	if (what->again == 0 && !p->policy && !what->live && what->pausing == SINK_PAUSE_KEEP)
		return sink_why(p->why, SINK_EINVAL, "nothing to publish");
	err = gendir_manifest(&p->dir, what->again, p->why, &old);
	for (int kind = 0; !err && kind < GENDIR_KINDS; kind++)
		if (!brings(p, (enum gendir_kind)kind))
			err = take_file(p, &old, (enum gendir_kind)kind);
	if (err)
		return err;
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

	if ((gendir_is_manifest(name, &serial) || gendir_is_file(name, &serial)) && serial > *max)
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

/* A file of gen that is the very same. */
struct same {
	const struct publishing *p;
	enum gendir_kind kind;
	struct gendir_file file; /* its name stays empty if there is none */
};

static int find_same(void *arg, const char *name)
{
	const struct same *same = arg;
	struct publishing quiet = *same->p;
	char proper[SINK_FILE_NAME_MAX];
	uint64_t serial;

	if (!gendir_is(same->kind, name, &serial))
		return SINK_OK;
	gendir_name(same->kind, serial, same->file.digest, proper);
	quiet.why = NULL;
	if (strcmp(name, proper) == 0 && !same->file.name[0] &&
		check_file(&quiet, name, *same->file.size, same->file.digest, true) == SINK_OK)
		memcpy(same->file.name, proper, sizeof proper);
	return SINK_OK;
}

/* Give a piece its final name, and before that write it, unless it is there. A base is new by its size alone. */
static int place(struct publishing *p, enum gendir_kind kind)
{
	struct piece *piece = &p->pieces[kind];
	struct same same = { p, kind, file_of(p, kind) };
	int err = SINK_OK;

	if (!piece->temp[0] && !piece->bytes.at)
		return SINK_OK;
	same.file.name[0] = 0;
	if (kind != GENDIR_BASE)
		err = gendir_walk(&p->dir, find_same, &same, p->why);
	if (err || same.file.name[0])
		return err;
	if (piece->bytes.at) {
		gendir_temp_name(p->dir.gen, piece->temp);
		err = write_temp(p, piece->bytes, piece->temp);
		if (err) {
			piece->temp[0] = 0; /* it is gone */
			return err;
		}
	}
	gendir_name(kind, p->manifest.serial, same.file.digest, same.file.name);
	if (rename_new(p->dir.gen, piece->temp, same.file.name))
		return refuse(p, same.file.name);
	piece->renamed = true;
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

/* Take back what nobody has seen. The caller gets his base back under the name that he gave it. */
static void undo(struct publishing *p)
{
	char name[SINK_FILE_NAME_MAX];

	if (p->listed) {
		gendir_manifest_name(p->manifest.serial, name);
		unlinkat(p->dir.gen, name, 0);
	}
	for (int kind = 0; kind < GENDIR_KINDS; kind++) {
		const char *final = file_of(p, (enum gendir_kind)kind).name;

		if (p->pieces[kind].renamed && kind == GENDIR_BASE)
			(void)renameat(p->dir.gen, final, p->dir.gen, p->pieces[kind].temp);
		else if (p->pieces[kind].renamed)
			unlinkat(p->dir.gen, final, 0);
	}
}

/* Of what was written for this publication, remove what was of no use. */
static void clean(const struct publishing *p)
{
	for (int kind = 0; kind < GENDIR_KINDS; kind++)
		if (kind != GENDIR_BASE && p->pieces[kind].temp[0] && !p->pieces[kind].renamed)
			unlinkat(p->dir.gen, p->pieces[kind].temp, 0);
}

/* --- live changes ------------------------------------------------------------------------------ */

/* Ask what shall be in force, and make the delta of it. */
static int take_live(struct publishing *p)
{
	struct overlay *overlay = &p->overlay;
	struct sink_span changes;
	int err;

	if (!p->what->live)
		return SINK_OK;
	err = overlay_make(&p->dir, p->what->live, p->base, &p->manifest, p->why, overlay);
	memcpy(p->pieces[GENDIR_DELTA].temp, overlay->temp, sizeof overlay->temp);
	changes = overlay->changes;
	return err || changes.len == 0 ? err : take_bytes(p, GENDIR_CHANGES, changes);
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Under the lock. */
static int publish(struct publishing *p)
{
	int err = take_again(p);

	if (!err)
		err = next_serial(p);
	if (!err)
		err = take_pause(p);
	if (!err)
		err = check_signers(p);
	if (!err)
		err = take_live(p);
	for (int kind = 0; !err && kind < GENDIR_KINDS; kind++)
		err = place(p, (enum gendir_kind)kind);
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
	prune(&p->dir, p->what->keep ? p->what->keep : SINK_KEEP_DEFAULT);
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
	p.manifest.read = what->read;
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
	clean(&p);
	if (p.published)
		*out = p.manifest;
	if (p.base >= 0)
		close(p.base);
	free(p.policy);
	overlay_end(&p.overlay);
	gendir_close(&p.dir); /* and the lock */
	return err;
}

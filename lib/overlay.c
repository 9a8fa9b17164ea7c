/* overlay.c - from the live changes that are in force to those that shall be, and their delta. */
#include "overlay.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "delta.h"
#include "file.h"

struct making {
	const struct gendir *dir;
	const struct sink_live *live;
	struct sink_manifest *manifest;
	struct sink_why *why;
	struct overlay *out;
};

/* A path inside gen. */
static int path_of(const struct making *m, const char *name, char out[PATH_MAX])
{
	int len = snprintf(out, PATH_MAX, "%s/" GENDIR_GEN "/%s", m->dir->path, name);

	return len > 0 && len < PATH_MAX
		? SINK_OK
		: sink_why(m->why, SINK_EINVAL, "%s: path too long", m->dir->path);
}

/* The newest manifest in gen that can be read: where `current` is damaged, what is known of the changes in force.
 *
 * returns  SINK_OK; SINK_ENOENT; SINK_EIO; SINK_ENOMEM
 */
static int find_readable(const struct making *m, struct sink_manifest *out)
{
	struct distinct serials = { 0 };
	int err = gendir_serials(m->dir, m->why, &serials);
	bool found = false;

	for (size_t i = serials.count; !err && !found && i-- > 0;)
		found = gendir_manifest(m->dir, serials.at[i], NULL, out) == SINK_OK;
	distinct_free(&serials);
	return err || found ? err : SINK_ENOENT;
}

/* What is kept of the changes that are in force. Where nothing was ever published, or by a version whose manifests we
 * cannot read, there are none. */
static int read_changes(const struct making *m, struct sink_span *out)
{
	struct sink_manifest last;
	size_t len = 0;
	int err = m->live->anew ? SINK_ENOENT : gendir_manifest(m->dir, 0, NULL, &last);

	*out = sink_span(NULL, 0);
	if (err && err != SINK_ENOENT && err != SINK_EVERSION)
		err = find_readable(m, &last);
	if (err == SINK_ENOENT || err == SINK_EVERSION)
		return SINK_OK;
	if (!err)
		err = gendir_changes(m->dir, &last, m->why, &m->out->before, &len);
	*out = sink_span(m->out->before, len);
	return err;
}

/* A delta was written, and is durable: have it digested. */
static int digest_delta(const struct making *m, const char *path, uint64_t bytes)
{
	struct sink_manifest *manifest = m->manifest;
	int fd,
		err = file_open(m->dir->gen, m->out->temp, path, m->why, &fd,
			&manifest->delta_size);

	if (err)
		return err;
	err = file_digest(fd, -1, bytes, path, NULL, m->why, manifest->delta_digest);
	close(fd);
	return err;
}

static int write_delta(const struct making *m, const struct delta_base *base)
{
	struct sink_summary summary;
	char path[PATH_MAX];
	bool written = false;
	int err;

	gendir_temp_name(m->dir->gen, m->out->temp);
	err = path_of(m, m->out->temp, path);
	if (!err)
		err = delta_write(path, base, m->live, m->why, &written, &summary);
	if (err || !written)
		m->out->temp[0] = 0;
	return err || !written ? err : digest_delta(m, path, summary.bytes);
}

/* Look things up in the base that the new generation will have. */
static int make_delta(const struct making *m, int fd)
{
	struct delta_base base = {
		.fd = fd, .size = m->manifest->base_size, .digest = m->manifest->base_digest
	};
	char shown[PATH_MAX];
	int err = path_of(m, fd < 0 ? m->manifest->base : "the new base", shown);

	base.shown = shown;
	if (!err && fd < 0)
		err = file_open(m->dir->gen, m->manifest->base, shown, m->why, &base.fd,
			&base.size);
	if (err)
		return err == SINK_ENOENT ? SINK_ECORRUPT : err;
	err = write_delta(m, &base);
	if (fd < 0)
		close(base.fd);
	return err;
}

int overlay_make(const struct gendir *dir, const struct sink_live *live, int base,
	struct sink_manifest *manifest, struct sink_why *why, struct overlay *out)
{
	const struct making m = { dir, live, manifest, why, out };
	struct sink_span before;
	int err = read_changes(&m, &before);

	if (!err)
		err = live->take(live->arg, before, why, &out->changes);
	return err || out->changes.len == 0 ? err : make_delta(&m, base);
}

void overlay_end(struct overlay *overlay)
{
	free(overlay->before);
	overlay->before = NULL;
}

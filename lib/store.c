/* store.c - reading the data directory, and making it. Publishing is in publish.c. */
#include "sinkhole/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "file.h"
#include "gendir.h"
#include "probe.h"

int sink_store_manifest(const char *dir, uint64_t serial, struct sink_why *why,
	struct sink_manifest *out)
{
	struct gendir gendir;
	int err = gendir_open(dir, why, &gendir);

	if (err)
		return err;
	err = gendir_manifest(&gendir, serial, why, out);
	gendir_close(&gendir);
	return err;
}

/* Does the file hold what the manifest counted? */
static int check_counts(const struct sink_db *db, const struct sink_manifest *manifest,
	const char *path, struct sink_why *why)
{
	struct sink_summary summary;

	sink_db_summary(db, &summary);
	if (summary.names == manifest->names && summary.listings == manifest->listings)
		return SINK_OK;
	return sink_why(why, SINK_ECORRUPT, "%s: %llu names, the manifest says %llu", path,
		(unsigned long long)summary.names, (unsigned long long)manifest->names);
}

/* The options of a file that a manifest names, and its path. */
static int promise(const char *dir, const struct sink_manifest *manifest, enum gendir_kind kind,
	struct sink_why *why, struct sink_db_options *options, char path[PATH_MAX])
{
	struct sink_manifest copy = *manifest;
	struct gendir_file file = gendir_file_of(&copy, kind);
	int len = snprintf(path, PATH_MAX, "%s/" GENDIR_GEN "/%s", dir, file.name);

	if (len < 0 || len >= PATH_MAX)
		return sink_why(why, SINK_EIO, "%s: path too long", dir);
	options->size = *file.size;
	memcpy(options->digest, file.digest, sizeof options->digest);
	return SINK_OK;
}

int sink_store_open_base(const char *dir, const struct sink_manifest *manifest, enum sink_map map,
	const atomic_bool *cancel, struct sink_why *why, struct sink_db **out)
{
	struct sink_db_options options = { .map = map, .cancel = cancel };
	char path[PATH_MAX];
	struct sink_db *db;
	int err = promise(dir, manifest, GENDIR_BASE, why, &options, path);

	if (!err)
		err = sink_db_open(path, &options, why, &db);
	if (err)
		return err;
	err = check_counts(db, manifest, path, why);
	if (err)
		sink_db_close(db);
	else
		*out = db;
	return err;
}

int sink_store_open_delta(const char *dir, const struct sink_manifest *manifest,
	const struct sink_db *base, enum sink_map map, const atomic_bool *cancel,
	struct sink_why *why, struct sink_db **out)
{
	struct sink_db_options options = { .map = map, .cancel = cancel, .base = base };
	char path[PATH_MAX];
	int err;

	if (!manifest->delta[0]) {
		*out = sink_db_share(base);
		return SINK_OK;
	}
	err = promise(dir, manifest, GENDIR_DELTA, why, &options, path);
	return err ? err : sink_db_open(path, &options, why, out);
}

int sink_store_open(const char *dir, const struct sink_manifest *manifest, enum sink_map map,
	const atomic_bool *cancel, struct sink_why *why, struct sink_db **out)
{
	struct sink_db *base;
	int err = sink_store_open_base(dir, manifest, map, cancel, why, &base);

	if (err)
		return err;
	err = sink_store_open_delta(dir, manifest, base, map, cancel, why, out);
	sink_db_close(base);
	return err;
}

int sink_store_changes(const char *dir, const struct sink_manifest *manifest, struct sink_why *why,
	uint8_t **out, size_t *len)
{
	struct gendir gendir;
	int err = gendir_open(dir, why, &gendir);

	if (err)
		return err;
	err = gendir_changes(&gendir, manifest, why, out, len);
	gendir_close(&gendir);
	return err;
}

static int count_changed(const struct gendir *gendir, const struct sink_manifest *manifest,
	struct sink_why *why, uint64_t *out)
{
	struct probe *probe;
	uint64_t size;
	int fd, err = file_open(gendir->gen, manifest->delta, manifest->delta, why, &fd, &size);

	if (err)
		return err;
	err = probe_begin(fd, size, manifest->delta, why, &probe);
	if (!err) {
		*out = schema_meta_total(probe_holds(probe));
		probe_end(probe);
	}
	close(fd);
	return err;
}

int sink_store_changed(const char *dir, const struct sink_manifest *manifest, struct sink_why *why,
	uint64_t *out)
{
	struct gendir gendir;
	int err;

	*out = 0;
	if (!manifest->delta[0])
		return SINK_OK;
	err = gendir_open(dir, why, &gendir);
	if (err)
		return err;
	err = count_changed(&gendir, manifest, why, out);
	gendir_close(&gendir);
	return err;
}

/* --- policies --------------------------------------------------------------------------------- */

#define POLICY_SIZE_MAX (UINT64_C(256) << 20) /* bytes; more than any that can be encoded */

int sink_store_policy(const char *dir, const struct sink_manifest *manifest, struct sink_why *why,
	struct sink_policy **out)
{
	struct sink_why inner = { .text = "" };
	char path[PATH_MAX];
	uint8_t *bytes;
	int len = snprintf(path, sizeof path, "%s/" GENDIR_GEN "/%s", dir, manifest->policy), err;

	if (len < 0 || (size_t)len >= sizeof path)
		return sink_why(why, SINK_EIO, "%s: path too long", dir);
	err = file_load(AT_FDCWD, path, path, manifest->policy_size, POLICY_SIZE_MAX,
		manifest->policy_digest, why, &bytes);
	if (err)
		return err;
	err = sink_policy_decode(sink_span(bytes, (size_t)manifest->policy_size), &inner, out);
	free(bytes);
	return err ? sink_why(why, err, "%s: %s", path,
			     inner.text[0] ? inner.text : sink_strerror(err))
		   : SINK_OK;
}

int sink_store_each(const char *dir, sink_manifest_fn *fn, sink_unread_fn *unread, void *arg,
	struct sink_why *why)
{
	struct distinct serials = { 0 };
	struct sink_manifest manifest;
	struct sink_why reason;
	struct gendir gendir;
	int err = gendir_open(dir, why, &gendir);

	if (err)
		return err;
	err = gendir_serials(&gendir, why, &serials);
	for (size_t i = 0; !err && i < serials.count; i++) {
		int bad = gendir_manifest(&gendir, serials.at[i], &reason, &manifest);

		if (!bad)
			err = fn(arg, &manifest);
		else if (bad != SINK_ENOENT && unread) /* else pruned meanwhile */
			unread(arg, bad, reason.text);
	}
	distinct_free(&serials);
	gendir_close(&gendir);
	return err;
}

/* --- a file to fill --------------------------------------------------------------------------- */

/* Make a directory readable by all, whatever the umask; one that is there stays as it is. */
static int make_directory(const char *path, struct sink_why *why)
{
	struct stat st;

	if (mkdir(path, 0755) == 0)
		return chmod(path, 0755) ? sink_why(why, SINK_EIO, "%s: %m", path) : SINK_OK;
	if (errno != EEXIST)
		return sink_why(why, SINK_EIO, "%s: %m", path);
	if (stat(path, &st))
		return sink_why(why, SINK_EIO, "%s: %m", path);
	return S_ISDIR(st.st_mode) ? SINK_OK : sink_why(why, SINK_EIO, "%s: not a directory", path);
}

int sink_store_temp(const char *dir, struct sink_why *why, char *out, size_t size)
{
	char path[PATH_MAX], name[SINK_FILE_NAME_MAX];
	struct gendir gendir;
	int err, len;

	if (strlen(dir) + sizeof "/" GENDIR_GEN > sizeof path)
		return sink_why(why, SINK_EINVAL, "%s: path too long", dir);
	snprintf(path, sizeof path, "%s/" GENDIR_GEN, dir);
	err = make_directory(dir, why);
	if (!err)
		err = make_directory(path, why);
	if (!err)
		err = gendir_open(dir, why, &gendir);
	if (err)
		return err;
	gendir_temp_name(gendir.gen, name);
	gendir_close(&gendir);
	len = snprintf(path, sizeof path, "%s/" GENDIR_GEN "/%s", dir, name);
	if (len < 0 || (size_t)len >= sizeof path || (size_t)len >= size)
		return sink_why(why, SINK_EINVAL, "%s: path too long", dir);
	memcpy(out, path, (size_t)len + 1);
	return SINK_OK;
}

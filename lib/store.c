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

int sink_store_open(const char *dir, const struct sink_manifest *manifest, enum sink_map map,
	const atomic_bool *cancel, struct sink_why *why, struct sink_db **out)
{
	struct sink_db_options options = {
		.map = map, .size = manifest->base_size, .cancel = cancel
	};
	char path[PATH_MAX];
	struct sink_db *db;
	int len = snprintf(path, sizeof path, "%s/" GENDIR_GEN "/%s", dir, manifest->base), err;

	if (len < 0 || (size_t)len >= sizeof path)
		return sink_why(why, SINK_EIO, "%s: path too long", dir);
	memcpy(options.digest, manifest->base_digest, sizeof options.digest);
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

/* --- policies --------------------------------------------------------------------------------- */

#define POLICY_SIZE_MAX (UINT64_C(256) << 20) /* bytes; more than any that can be encoded */

static int read_policy(int fd, const struct sink_manifest *manifest, uint8_t *bytes,
	const char *path, struct sink_why *why, struct sink_policy **out)
{
	struct sink_span span = sink_span(bytes, (size_t)manifest->policy_size);
	uint8_t digest[SINK_DIGEST_LEN];
	struct sink_why inner = { .text = "" };
	ssize_t len = file_read(fd, bytes, span.len);
	int err;

	if (len < 0)
		return sink_why(why, SINK_EIO, "%s: %m", path);
	if ((size_t)len != span.len)
		return sink_why(why, SINK_ECORRUPT, "%s: shorter than it was", path);
	err = digest_of(span, digest);
	if (!err && memcmp(digest, manifest->policy_digest, sizeof digest) != 0)
		return sink_why(why, SINK_ECORRUPT, "%s: digest differs from the manifest", path);
	if (!err)
		err = sink_policy_decode(span, &inner, out);
	return err ? sink_why(why, err, "%s: %s", path,
			     inner.text[0] ? inner.text : sink_strerror(err))
		   : SINK_OK;
}

int sink_store_policy(const char *dir, const struct sink_manifest *manifest, struct sink_why *why,
	struct sink_policy **out)
{
	char path[PATH_MAX];
	uint8_t *bytes;
	uint64_t size;
	int len = snprintf(path, sizeof path, "%s/" GENDIR_GEN "/%s", dir, manifest->policy), fd,
	    err;

	if (len < 0 || (size_t)len >= sizeof path)
		return sink_why(why, SINK_EIO, "%s: path too long", dir);
	err = file_open(AT_FDCWD, path, path, why, &fd, &size);
	if (err)
		return err;
	if (size != manifest->policy_size || size > POLICY_SIZE_MAX) {
		close(fd);
		return sink_why(why, SINK_ECORRUPT, "%s: %llu bytes, the manifest says %llu", path,
			(unsigned long long)size, (unsigned long long)manifest->policy_size);
	}
	bytes = malloc((size_t)size + 1);
	err = bytes ? read_policy(fd, manifest, bytes, path, why, out)
		    : sink_why(why, SINK_ENOMEM, "%s: %s", path, sink_strerror(SINK_ENOMEM));
	free(bytes);
	close(fd);
	return err;
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

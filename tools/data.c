/* data.c - opening what is published. */
#include "data.h"

#include <stdlib.h>

const char *data_directory(const char *option)
{
	const char *environment = getenv("SINKHOLE_DIR");

	if (option)
		return option;
	return environment && *environment ? environment : SINK_DATA_DIR;
}

/* A sentence for every failure. */
static int explain(int err, const char *dir, struct sink_why *why)
{
	if (err && !why->text[0])
		sink_why(why, err, "'%s': %s", dir, sink_strerror(err));
	return err;
}

/* sink_store_open() or sink_store_open_base() */
typedef int open_fn(const char *dir, const struct sink_manifest *manifest, enum sink_map map,
	const atomic_bool *cancel, struct sink_why *why, struct sink_db **out);

static int open_by(open_fn *fn, const char *dir, uint64_t serial, struct sink_why *why,
	struct sink_manifest *manifest, struct sink_db **out)
{
	int err;

	why->text[0] = 0;
	err = sink_store_manifest(dir, serial, why, manifest);
	if (err == SINK_ENOENT && serial == 0)
		return sink_why(why, err, "'%s': nothing has been published yet", dir);
	if (!err) {
		err = fn(dir, manifest, SINK_MAP_DIRECT, NULL, why, out);
		if (err == SINK_ENOENT) /* promised, so its absence is damage */
			err = SINK_ECORRUPT;
	}
	return explain(err, dir, why);
}

int data_open(const char *dir, uint64_t serial, struct sink_why *why,
	struct sink_manifest *manifest, struct sink_db **out)
{
	return open_by(sink_store_open, dir, serial, why, manifest, out);
}

int data_open_base(const char *dir, uint64_t serial, struct sink_why *why,
	struct sink_manifest *manifest, struct sink_db **out)
{
	return open_by(sink_store_open_base, dir, serial, why, manifest, out);
}

int data_policy(const char *dir, const struct sink_manifest *manifest, struct sink_why *why,
	struct sink_policy **out)
{
	int err;

	why->text[0] = 0;
	err = sink_store_policy(dir, manifest, why, out);
	return explain(err == SINK_ENOENT ? SINK_ECORRUPT : err, dir, why);
}

int data_check_policy(const char *dir, const struct sink_manifest *manifest, struct sink_why *why)
{
	struct sink_policy *policy;
	int err = data_policy(dir, manifest, why, &policy);

	if (!err)
		sink_policy_free(policy);
	return err;
}

int data_keys(const char *option, struct sink_why *why, const char **path, struct sink_keys **out)
{
	const char *environment = getenv("SINKHOLE_KEY");
	bool is_named = option || (environment && *environment);
	int err;

	*path = option ? option : is_named ? environment : SINK_KEY_FILE;
	*out = NULL;
	err = sink_keys_read(*path, why, out);
	if (err == SINK_ENOENT)
		err = is_named ? SINK_EIO : SINK_OK;
	return explain(err, *path, why);
}

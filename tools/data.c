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

int data_open(const char *dir, uint64_t serial, struct sink_why *why,
	struct sink_manifest *manifest, struct sink_db **out)
{
	int err;

	why->text[0] = 0;
	err = sink_store_manifest(dir, serial, why, manifest);
	if (!err) {
		err = sink_store_open(dir, manifest, SINK_MAP_DIRECT, NULL, why, out);
		if (err == SINK_ENOENT) /* promised, so its absence is damage */
			err = SINK_ECORRUPT;
	}
	if (err && !why->text[0])
		sink_why(why, err, "'%s': %s", dir, sink_strerror(err));
	return err;
}

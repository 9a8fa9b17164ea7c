/* verify.c - read a generation back: digests, structure, every record, every name, the policy. */
#include "cmd.h"
#include "data.h"
#include "say.h"
#include "serial.h"

static int verify_db(const struct sink_db *db, struct sink_why *why)
{
	struct sink_reader *reader = NULL;
	int err = sink_reader_begin(db, &reader);

	if (err)
		return sink_why(why, err, "%s", sink_strerror(err));
	err = sink_reader_verify(reader, why);
	sink_reader_end(reader);
	return err;
}

/* The counts of the manifest are no part of the digest's file: compare them too. */
static int compare(const struct sink_manifest *m, const struct sink_db *db, struct sink_why *why)
{
	struct sink_summary summary;

	sink_db_summary(db, &summary);
	if (summary.names == m->names && summary.listings == m->listings)
		return SINK_OK;
	return sink_why(why, SINK_ECORRUPT, "the manifest of %llu counts %llu names, its base %llu",
		(unsigned long long)m->serial, (unsigned long long)m->names,
		(unsigned long long)summary.names);
}

static enum status verify(const char *dir, uint64_t serial)
{
	struct sink_manifest manifest;
	struct sink_why why;
	struct sink_db *db = NULL;
	int err;

	progress("reading");
	err = data_open(dir, serial, &why, &manifest, &db);
	if (!err)
		err = compare(&manifest, db, &why);
	if (!err)
		err = verify_db(db, &why);
	if (!err)
		err = data_check_policy(dir, &manifest, &why);
	sink_db_close(db);
	if (err) {
		say("%s", why.text);
		return status_of(err);
	}
	progress_end();
	printf("generation %llu: %s names, %s listings, %s bytes: everything reads back\n",
		(unsigned long long)manifest.serial, number(manifest.names).text,
		number(manifest.listings).text, number(manifest.base_size).text);
	return STATUS_DONE;
}

static enum status take_option(void *arg, int key, const char *value)
{
	(void)key;
	*(const char **)arg = value;
	return STATUS_DONE;
}

static enum status verify_run(const struct command *self, int argc, char **argv)
{
	const char *dir = NULL;
	uint64_t serial = 0;
	enum status status;
	int first;

	if (!options_read(self, argc, argv, take_option, &dir, &first, &status))
		return status;
	if (argc - first > 1)
		return usage_error(self, "one SERIAL at most");
	if (first < argc && !serial_parse(argv[first], &serial))
		return usage_error(self, "'%s' is no serial", argv[first]);
	return verify(data_directory(dir), serial);
}

const struct command cmd_verify = {
	.word = "verify",
	.operands = "[SERIAL]",
	.summary = "read everything of a generation back; the published one by default",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ 0 },
		},
	.run = verify_run,
};

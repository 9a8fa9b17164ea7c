/* verify.c - read a generation back: digests, structure, every record, every name, the policy. */
#include <stdlib.h>

#include "cmd.h"
#include "data.h"
#include "live.h"
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

/* The live changes are the tool's own business, but a generation holds them: they should read back, too. */
static int verify_changes(const char *dir, const struct sink_manifest *m, struct sink_why *why)
{
	struct live *live = NULL;
	uint8_t *text = NULL;
	size_t len = 0;
	int err = sink_store_changes(dir, m, why, &text, &len);

	if (!err)
		err = live_begin(0, &live);
	if (!err)
		err = live_settle(live, sink_span(text, len), why);
	live_end(live);
	free(text);
	return err;
}

static enum status verify(const char *dir, uint64_t serial)
{
	struct sink_manifest manifest;
	struct sink_summary summary;
	struct sink_why why;
	struct sink_db *db = NULL;
	int err;

	progress("reading");
	err = data_open(dir, serial, &why, &manifest, &db);
	if (!err)
		err = verify_db(db, &why);
	if (!err)
		err = verify_changes(dir, &manifest, &why);
	if (!err)
		err = data_check_policy(dir, &manifest, &why);
	if (!err)
		sink_db_summary(db, &summary);
	sink_db_close(db);
	if (err) {
		say("%s", why.text[0] ? why.text : sink_strerror(err));
		return status_of(err);
	}
	progress_end();
	printf("generation %llu: %s names, %s listings, %s bytes: everything reads back\n",
		(unsigned long long)manifest.serial, number(summary.names).text,
		number(summary.listings).text, number(summary.bytes).text);
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

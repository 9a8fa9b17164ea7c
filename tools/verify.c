/* verify.c - read a generation back: digests, structure, every record, every name, the policy. */
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "data.h"
#include "live.h"
#include "say.h"
#include "serial.h"
#include "signedby.h"

struct request {
	const char *dir, *key;
	uint64_t serial; /* 0: the published one */
};

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

/* Would a resolver of this machine take it?
 *
 * out      what is known of its signatures
 */
static int check_signatures(const char *key, const struct sink_manifest *m, struct sink_why *why,
	struct signedby *out)
{
	struct sink_keys *keys;
	const char *path;
	int err = data_keys(key, why, &path, &keys);

	if (err)
		return err;
	*out = signedby_text(m);
	if (keys)
		err = sink_keys_check(keys, m, why);
	else if (m->signatures_count > 0)
		snprintf(out->text + strlen(out->text), sizeof out->text - strlen(out->text),
			", not checked");
	sink_keys_free(keys);
	return err;
}

static enum status verify(const struct request *r)
{
	const char *dir = data_directory(r->dir);
	struct signedby by;
	struct sink_manifest manifest;
	struct sink_summary summary;
	struct sink_why why;
	struct sink_db *db = NULL;
	int err;

	progress("reading");
	err = data_open(dir, r->serial, &why, &manifest, &db);
	if (!err)
		err = check_signatures(r->key, &manifest, &why, &by);
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
		return err == SINK_ENOENT && r->serial == 0 ? STATUS_DATA : status_of(err);
	}
	progress_end();
	printf("generation %llu: %s names, %s listings, %s bytes, %s: everything reads back\n",
		(unsigned long long)manifest.serial, number(summary.names).text,
		number(summary.listings).text, number(summary.bytes).text, by.text);
	return STATUS_DONE;
}

static enum status take_option(void *arg, int key, const char *value)
{
	struct request *r = arg;

	if (key == 'd')
		r->dir = value;
	else
		r->key = value;
	return STATUS_DONE;
}

static enum status verify_run(const struct command *self, int argc, char **argv)
{
	struct request r = { 0 };
	enum status status;
	int first;

	if (!options_read(self, argc, argv, take_option, &r, &first, &status))
		return status;
	if (argc - first > 1)
		return usage_error(self, "one SERIAL at most");
	if (first < argc && !serial_parse(argv[first], &r.serial))
		return usage_error(self, "'%s' is no serial", argv[first]);
	return verify(&r);
}

const struct command cmd_verify = {
	.word = "verify",
	.operands = "[SERIAL]",
	.summary = "read everything of a generation back; the published one by default",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ 256, "key", "FILE",
				"public keys, one of which must have signed it (default: the "
				"resolver's)" },
			{ 0 },
		},
	.run = verify_run,
};

/* verify.c - read a generation back: digests, structure, every record, every name, the policy. */
#include <string.h>

#include "cmd.h"
#include "data.h"
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
	struct sink_why why;
	struct sink_db *db = NULL;
	int err;

	progress("reading");
	err = data_open(dir, r->serial, &why, &manifest, &db);
	if (!err)
		err = check_signatures(r->key, &manifest, &why, &by);
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
	printf("generation %llu: %s names, %s listings, %s bytes, %s: everything reads back\n",
		(unsigned long long)manifest.serial, number(manifest.names).text,
		number(manifest.listings).text, number(manifest.base_size).text, by.text);
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

/* diff.c - what changed between two generations. */
#include <string.h>

#include "changes.h"
#include "cmd.h"
#include "data.h"
#include "json.h"
#include "say.h"
#include "serial.h"

struct question {
	const struct command *self;
	const char *dir;
	struct popular popular;
	bool json, all;
};

/* A generation to compare. */
struct generation {
	uint64_t serial; /* 0: there is none, which is like an empty one */
	uint8_t policy[SINK_DIGEST_LEN];
	struct sink_db *db;
};

struct before {
	uint64_t serial; /* looked for: the newest one below it */
	uint64_t found; /* 0: none */
};

static int look_at(void *arg, const struct sink_manifest *manifest)
{
	struct before *before = arg;

	if (manifest->serial < before->serial)
		before->found = manifest->serial;
	return SINK_OK;
}

static int open_generation(const char *dir, uint64_t serial, struct generation *out)
{
	struct sink_manifest manifest;
	struct sink_why why = { .text = "" };
	int err = data_open(dir, serial, &why, &manifest, &out->db);

	if (err) {
		say("%s", why.text[0] ? why.text : sink_strerror(err));
	} else {
		out->serial = manifest.serial;
		memcpy(out->policy, manifest.policy_digest, sizeof out->policy);
	}
	return err;
}

/* The one that was published before another, if it is kept. */
static int open_before(const char *dir, uint64_t serial, struct generation *out)
{
	struct before before = { .serial = serial };
	struct sink_why why = { .text = "" };
	int err = sink_store_each(dir, look_at, NULL, &before, &why);

	if (err) {
		say("%s", why.text[0] ? why.text : sink_strerror(err));
		return err;
	}
	return before.found ? open_generation(dir, before.found, out) : SINK_OK;
}

static int open_both(const char *dir, const uint64_t serials[2], struct generation *a,
	struct generation *b)
{
	int err = open_generation(dir, serials[1], b);

	if (err)
		return err;
	return serials[0] ? open_generation(dir, serials[0], a) : open_before(dir, b->serial, a);
}

/* --- showing ------------------------------------------------------------------------------------- */

static json_t *serial_json(uint64_t serial)
{
	return serial ? json_integer((json_int_t)serial) : json_null();
}

static int print_change(void *arg, const struct change *change)
{
	(void)arg;
	change_print(change);
	return SINK_OK;
}

/* The first without a comma before it. */
static int print_change_json(void *arg, const struct change *change)
{
	bool *first = arg;
	json_t *json = change_json(change);
	int err = json ? SINK_OK : SINK_ENOMEM;

	if (!err) {
		fputs(*first ? "" : ",\n", stdout);
		json_dumpf(json, stdout, JSON_COMPACT);
	}
	json_decref(json);
	*first = false;
	return err;
}

/* What comes of nothing has no policy that could be another one. */
static bool has_other_policy(const struct generation *a, const struct generation *b)
{
	return a->serial && memcmp(a->policy, b->policy, sizeof a->policy) != 0;
}

static json_t *frame(const struct generation *a, const struct generation *b, json_t *rest)
{
	json_t *out = json_pack("{s:o,s:o,s:b}", "from", serial_json(a->serial), "to",
		serial_json(b->serial), "policy-changed", (int)has_other_policy(a, b));

	json_object_update_new(out, rest);
	return out;
}

/* An object as long as there are changes, so it is printed as it comes. */
static int show_all_json(const struct changes_question *question, const struct changes *changes,
	json_t *head)
{
	char *text = json_dumps(head, JSON_COMPACT);
	bool first = true;
	int err;

	json_decref(head);
	if (!text)
		return SINK_ENOMEM;
	printf("%.*s,\"changes\":[\n", (int)(strlen(text) - 1), text);
	free(text);
	err = changes_each(question, changes, print_change_json, &first);
	puts("],\"left-out\":0}");
	return err;
}

static void put_title(const struct generation *a, const struct generation *b)
{
	if (a->serial)
		printf("generation %llu to %llu: ", (unsigned long long)a->serial,
			(unsigned long long)b->serial);
	else
		printf("nothing to generation %llu: ", (unsigned long long)b->serial);
	if (has_other_policy(a, b))
		fputs("another policy; ", stdout);
}

static int show(const struct question *q, const struct changes_question *question,
	const struct changes *changes, const struct generation *a, const struct generation *b)
{
	if (q->json && q->all)
		return show_all_json(question, changes, frame(a, b, changes_counts_json(changes)));
	if (q->json)
		return json_print(stdout, frame(a, b, changes_json(changes)), false) ? SINK_OK
										     : SINK_ENOMEM;
	put_title(a, b);
	if (!q->all) {
		changes_print(changes);
		return SINK_OK;
	}
	changes_print_counts(changes);
	return changes_each(question, changes, print_change, NULL);
}

/* --- asking -------------------------------------------------------------------------------------- */

static enum status compare(const struct question *q, const struct generation *a,
	const struct generation *b)
{
	struct changes_question question = {
		.before = a->db, .after = b->db, .popular = &q->popular
	};
	struct changes *changes = NULL;
	uint64_t count;
	int err = changes_find(&question, &changes);

	if (!err)
		err = show(q, &question, changes, a, b);
	if (err)
		say("'%s': %s", q->dir, sink_strerror(err));
	count = changes ? changes_count(changes) : 0;
	changes_free(changes);
	if (err)
		return status_of(err);
	return count > 0 || has_other_policy(a, b) ? STATUS_NO : STATUS_DONE;
}

static enum status diff(const struct question *q, const uint64_t serials[2])
{
	struct generation a = { 0 }, b = { 0 };
	enum status status;
	int err = open_both(q->dir, serials, &a, &b);

	/* 1 would mean that they differ */
	status = err == SINK_ENOENT ? STATUS_DATA : err ? status_of(err) : compare(q, &a, &b);
	sink_db_close(a.db);
	sink_db_close(b.db);
	return status;
}

enum { OPT_ALL = 256, OPT_JSON, OPT_POPULAR };

static enum status take_option(void *arg, int key, const char *value)
{
	struct question *q = arg;
	struct sink_why why = { .text = "" };
	int err;

	switch (key) {
	case 'd':
		q->dir = value;
		break;
	case OPT_ALL:
		q->all = true;
		break;
	case OPT_JSON:
		q->json = true;
		break;
	case OPT_POPULAR:
		err = popular_load(&q->popular, value, &why);
		if (!err)
			break;
		say("%s", why.text);
		return err == SINK_ENOENT ? STATUS_SYSTEM : status_of(err);
	}
	return STATUS_DONE;
}

static enum status parse_serials(const struct command *self, int count, char **texts,
	uint64_t serials[2])
{
	if (count > 2)
		return usage_error(self, "two generations at most");
	for (int i = 0; i < count; i++)
		if (!serial_parse(texts[i], &serials[i]))
			return usage_error(self, "'%s' is no serial", texts[i]);
	return STATUS_DONE;
}

static enum status diff_run(const struct command *self, int argc, char **argv)
{
	struct question q = { .self = self };
	uint64_t serials[2] = { 0, 0 };
	enum status status;
	int first;

	if (options_read(self, argc, argv, take_option, &q, &first, &status)) {
		status = parse_serials(self, argc - first, argv + first, serials);
		q.dir = data_directory(q.dir);
		if (!status)
			status = diff(&q, serials);
	}
	popular_end(&q.popular);
	return status;
}

const struct command cmd_diff = {
	.word = "diff",
	.operands = "[SERIAL [SERIAL]]",
	.summary = "what changed between two generations, the riskiest first",
	.details = "Without a second SERIAL that is the published generation, without a first one "
		   "the one\nbefore it. Ends with 0 if nothing changed, 1 if something did.\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ OPT_ALL, "all", NULL, "every change, not only the first 20" },
			{ OPT_POPULAR, "popular", "FILE", "blocks of such names come first" },
			{ OPT_JSON, "json", NULL, "as a JSON object" },
			{ 0 },
		},
	.run = diff_run,
};

/* lookup.c - what the resolver would do about a name or an address, and why: options, and questions one by one. The
 * files' digests are checked each time, which is most of what a call costs (0.1 s for 10 million names):
 * what is said here must be true. */
#include "lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "data.h"
#include "qtype.h"
#include "say.h"
#include "sinkhole/generation.h"
#include "when.h"

struct asking {
	const struct command *self;
	const char *dir;
	struct lookup_facts facts;
	struct lookup_question question; /* what questions have in common */
	bool has_time; /* else it is the time at which each is asked */
	bool json, batch;
	struct sink_manifest manifest; /* of what is published */
	struct sink_judge *judge;
	bool blocked; /* something is */
	bool wrong; /* a line of a batch is no question */
};

/* --- one question ----------------------------------------------------------------------------- */

static int ask_one(struct asking *asking, const struct lookup_question *question)
{
	struct lookup_finding finding = {
		.judge = asking->judge,
		.policy = sink_generation_policy(sink_judge_generation(asking->judge)),
		.manifest = &asking->manifest,
	};
	int err = lookup_find(question, &finding);
	json_t *json = !err && asking->json ? lookup_json(&finding) : NULL;

	if (json) {
		json_print(stdout, json, true);
	} else if (!err && asking->json) {
		say("'%.300s': no memory", question->text);
		err = SINK_ENOMEM;
	} else if (!err) {
		lookup_show(&finding);
	}
	asking->blocked = asking->blocked || (!err && lookup_blocks(&finding));
	lookup_end(&finding);
	return err;
}

static struct lookup_question question_of(const struct asking *asking)
{
	struct lookup_question question = asking->question;

	if (!asking->has_time)
		question.at = (int64_t)time(NULL);
	return question;
}

static int ask_each(struct asking *asking, int count, char **names)
{
	int err = SINK_OK;

	for (int i = 0; i < count && !err; i++) {
		struct lookup_question question = question_of(asking);

		question.text = names[i];
		err = ask_one(asking, &question);
	}
	return err;
}

/* --- many of them: a line each ------------------------------------------------------------------ */

#define BLANKS " \t\r\n"

static bool wrong_line(struct asking *asking, unsigned long number, const char *what,
	const char *text)
{
	say("line %lu: %s, not '%.100s'", number, what, text);
	asking->wrong = true;
	return false;
}

/* NAME [TYPE [CLIENT [TIME]]]; "-" for what the options say. False: there is no question in it. */
static bool read_line(struct asking *asking, unsigned long number, char *line,
	struct lookup_question *out)
{
	char *rest = NULL, *words[5] = { strtok_r(line, BLANKS, &rest) };

	for (int i = 1; i < 5 && words[i - 1]; i++)
		words[i] = strtok_r(NULL, BLANKS, &rest);
	for (int i = 1; i < 4; i++)
		if (words[i] && strcmp(words[i], "-") == 0)
			words[i] = NULL;
	if (!words[0] || words[0][0] == '#')
		return false;
	out->text = words[0];
	if (words[4])
		return wrong_line(asking, number, "NAME TYPE CLIENT TIME", words[4]);
	if (words[1] && !qtype_parse(words[1], &out->type))
		return wrong_line(asking, number, "a query type", words[1]);
	if (words[2] && !lookup_address(words[2], &out->client))
		return wrong_line(asking, number, "an IP address", words[2]);
	if (words[3] && !when_parse(words[3], &out->at))
		return wrong_line(asking, number, "a time", words[3]);
	out->has_client = out->has_client || words[2];
	return true;
}

static int ask_line(struct asking *asking, unsigned long number, char *line)
{
	struct lookup_question question = question_of(asking);
	int err;

	if (!read_line(asking, number, line, &question))
		return SINK_OK;
	err = ask_one(asking, &question);
	if (err == SINK_ESYNTAX || err == SINK_ETOOLONG) {
		wrong_line(asking, number, "a name or address", question.text);
		return SINK_OK;
	}
	/* whoever asks by a pipe waits for it */
	return err || fflush(stdout) == 0 ? err : SINK_EIO;
}

static int ask_batch(struct asking *asking)
{
	unsigned long number = 0;
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int err = SINK_OK;

	while (!err && (len = getline(&line, &room, stdin)) >= 0) {
		number++;
		if (memchr(line, 0, (size_t)len))
			wrong_line(asking, number, "text", line);
		else
			err = ask_line(asking, number, line);
	}
	free(line);
	if (!err && ferror(stdin)) {
		say("standard input: %s", strerror(errno));
		return SINK_EIO;
	}
	return err;
}

/* --- all of them -------------------------------------------------------------------------------- */

static void tell_neutral(void *unused, const char *text)
{
	(void)unused;
	say("%s", text);
}

static int open_generation(struct asking *asking, struct sink_why *why,
	struct sink_generation **out)
{
	struct sink_generation_options options = {
		.dir = asking->dir,
		.manifest = &asking->manifest,
		.map = SINK_MAP_DIRECT,
		.neutral = tell_neutral,
	};
	int err;

	why->text[0] = 0;
	err = sink_store_manifest(asking->dir, 0, why, &asking->manifest);
	if (err)
		return err;
	err = sink_generation_open(&options, why, out);
	return err == SINK_ENOENT ? SINK_ECORRUPT : err; /* a promise of the manifest's */
}

static enum status lookup(struct asking *asking, int count, char **names)
{
	struct sink_why why;
	struct sink_generation *generation = NULL;
	int err = open_generation(asking, &why, &generation);

	if (err == SINK_ENOENT) {
		say("'%s': nothing has been published yet", asking->dir);
		return STATUS_DATA; /* not "not listed": there is nothing to ask */
	}
	if (!err)
		err = sink_judge_begin(generation, &asking->judge);
	if (err)
		say("%s", why.text[0] ? why.text : sink_strerror(err));
	else
		err = asking->batch ? ask_batch(asking) : ask_each(asking, count, names);
	sink_judge_end(asking->judge);
	sink_generation_close(generation);
	if (err || asking->wrong)
		return err ? status_of(err) : STATUS_DATA;
	return asking->blocked ? STATUS_DONE : STATUS_NO;
}

/* --- options ------------------------------------------------------------------------------------ */

enum {
	OPT_CLIENT = 256,
	OPT_TYPE,
	OPT_AT,
	OPT_CHAIN,
	OPT_ANSWER,
	OPT_SERVER,
	OPT_SERVER_ADDRESS,
	OPT_BATCH,
	OPT_JSON
};

/* What is known of the answer. */
static enum status take_fact(struct asking *asking, int key, const char *value)
{
	struct lookup_facts *f = &asking->facts;
	const char *wanted = NULL;

	switch (key) {
	case OPT_CHAIN:
		wanted = lookup_add_name(&f->chain, &f->chain_count, &f->chain_room, value);
		break;
	case OPT_ANSWER:
		wanted =
			lookup_add_address(&f->answers, &f->answers_count, &f->answers_room, value);
		break;
	case OPT_SERVER:
		wanted = lookup_add_name(&f->servers, &f->servers_count, &f->servers_room, value);
		break;
	case OPT_SERVER_ADDRESS:
		wanted = lookup_add_address(&f->server_addresses, &f->server_addresses_count,
			&f->server_addresses_room, value);
		break;
	}
	return wanted ? usage_error(asking->self, "'%s' is not %s", value, wanted) : STATUS_DONE;
}

static enum status take_option(void *arg, int key, const char *value)
{
	struct asking *asking = arg;
	struct lookup_question *q = &asking->question;

	switch (key) {
	case 'd':
		asking->dir = value;
		break;
	case OPT_CLIENT:
		if (!lookup_address(value, &q->client))
			return usage_error(asking->self, "--client is an IP address, not '%s'",
				value);
		q->has_client = true;
		break;
	case OPT_TYPE:
		if (!qtype_parse(value, &q->type))
			return usage_error(asking->self, "unknown query type '%s'", value);
		break;
	case OPT_AT:
		if (!when_parse(value, &q->at))
			return usage_error(asking->self,
				"--at is a time such as 2026-11-21T12:00:00Z, not '%s'", value);
		asking->has_time = true;
		break;
	case OPT_BATCH:
		asking->batch = true;
		break;
	case OPT_JSON:
		asking->json = true;
		break;
	default:
		return take_fact(asking, key, value);
	}
	return STATUS_DONE;
}

static enum status lookup_run(const struct command *self, int argc, char **argv)
{
	struct asking asking = { .self = self, .question = { .type = 1 } };
	enum status status;
	int first;

	asking.question.facts = &asking.facts;
	if (!options_read(self, argc, argv, take_option, &asking, &first, &status)) {
		lookup_facts_end(&asking.facts);
		return status;
	}
	if (asking.batch == (first < argc)) {
		status = usage_error(self,
			asking.batch ? "with --batch names come from standard input"
				     : "no NAME or IP");
	} else {
		asking.json = asking.json || asking.batch;
		asking.dir = data_directory(asking.dir);
		status = lookup(&asking, argc - first, argv + first);
	}
	lookup_facts_end(&asking.facts);
	return status;
}

const struct command cmd_lookup = {
	.word = "lookup",
	.operands = "NAME|IP...",
	.summary = "what the resolver would do about a name or an address, and why",
	.details = "Ends with 0 if anything is blocked, 1 if nothing is. What only an answer "
		   "tells, such as where\n"
		   "an alias leads, is known if an option says it.\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ OPT_CLIENT, "client", "IP", "who asks (default: a client of no group)" },
			{ OPT_TYPE, "type", "QTYPE", "the type asked for (default A)" },
			{ OPT_AT, "at", "TIME", "as of that time, not now" },
			{ OPT_CHAIN, "chain", "NAME",
				"the next name that aliases lead to; again for each" },
			{ OPT_ANSWER, "answer", "IP", "an address in the answer; again for each" },
			{ OPT_SERVER, "server", "NAME",
				"a name server that gave the answer; again for each" },
			{ OPT_SERVER_ADDRESS, "server-address", "IP",
				"an address of one; again for each" },
			{ OPT_BATCH, "batch", NULL,
				"read lines NAME [TYPE [CLIENT [TIME]]]; implies --json" },
			{ OPT_JSON, "json", NULL, "one JSON object a line for each" },
			{ 0 },
		},
	.run = lookup_run,
};

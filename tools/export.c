/* export.c - what is published, written for other programs. */
#include "export.h"

#include <string.h>
#include <time.h>

#include "cmd.h"
#include "data.h"
#include "nearest.h"
#include "paused.h"
#include "say.h"
#include "sinkhole/generation.h"
#include "sinkhole/name.h"

static const struct export_format *const formats[] = {
	&export_unbound_acl,
	&export_resinfo,
	&export_json,
	&export_domains,
	&export_hosts,
	&export_rpz,
};

#define FORMATS (sizeof formats / sizeof formats[0])

struct choice {
	const struct command *self;
	const char *dir;
	const struct export_format *format;
	const char *owner, *infourl;
	bool qnamemin;
};

static int write_generation(const struct choice *choice, uint64_t serial,
	const struct sink_generation *generation)
{
	struct export_order order = {
		.policy = sink_generation_policy(generation),
		.serial = serial,
		.now = (int64_t)time(NULL),
		.owner = choice->owner ? choice->owner : "resolver.arpa",
		.infourl = choice->infourl,
		.qnamemin = choice->qnamemin,
	};
	int err = sink_judge_begin(generation, &order.judge);

	if (!err)
		err = choice->format->write(&order);
	sink_judge_end(order.judge);
	return err;
}

static void tell_neutral(void *unused, const char *text)
{
	(void)unused;
	say("%s", text);
}

/* What is written is used later, by others: a list that is empty for ten minutes would serve nobody. */
static void skip_pause(struct sink_manifest *manifest)
{
	if (sink_is_paused(manifest, (int64_t)time(NULL)))
		say("filtering is paused %s; what is written is what would be in force without",
			paused_text(manifest).text);
	manifest->paused_since = manifest->paused_until = 0;
}

static enum status write_export(const struct choice *choice)
{
	const char *dir = data_directory(choice->dir);
	struct sink_generation *generation = NULL;
	struct sink_manifest manifest;
	struct sink_generation_options options = {
		.dir = dir,
		.manifest = &manifest,
		.map = SINK_MAP_DIRECT,
		.neutral = tell_neutral,
	};
	struct sink_why why = { "" };
	int err = sink_store_manifest(dir, 0, &why, &manifest);

	if (err == SINK_ENOENT) {
		say("'%s': nothing has been published yet", dir);
		return STATUS_DATA;
	}
	if (!err) {
		skip_pause(&manifest);
		err = sink_generation_open(&options, &why, &generation);
	}
	if (err) {
		say("%s", why.text[0] ? why.text : sink_strerror(err));
		return err == SINK_ENOENT ? STATUS_DATA
					  : status_of(err); /* the manifest promises it */
	}
	err = write_generation(choice, manifest.serial, generation);
	if (err && err != SINK_EINVAL && !ferror(stdout)) /* of that finish_output() tells */
		say("'%s': %s", dir, sink_strerror(err));
	sink_generation_close(generation);
	return err == SINK_EINVAL ? STATUS_DATA : status_of(err);
}

/* --- options ---------------------------------------------------------------------------------- */

enum { OPT_FORMAT = 256, OPT_NAME, OPT_INFOURL, OPT_QNAMEMIN };

static enum status unknown_format(const struct choice *choice, const char *word)
{
	char list[256] = "";
	size_t at = 0;

	for (size_t i = 0; i < FORMATS; i++)
		at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "",
			formats[i]->word);
	return word ? usage_error(choice->self, "unknown format '%s'; there are %s", word, list)
		    : usage_error(choice->self, "no --format; there are %s", list);
}

/* RFC 9606, 5: a resolver information server is reached by HTTPS. In a character string of its own. */
static bool is_infourl(const char *text)
{
	size_t len = strlen(text);

	if (strncmp(text, "https://", 8) != 0 || len < 9 || len > 255 - sizeof "infourl=" + 1)
		return false;
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || strchr("\"\\'<>`{}|^", *text))
			return false;
	return true;
}

static enum status take_option(void *arg, int key, const char *value)
{
	struct choice *choice = arg;
	struct sink_name name;

	switch (key) {
	case 'd':
		choice->dir = value;
		break;
	case OPT_FORMAT:
		for (size_t i = 0; i < FORMATS; i++)
			if (strcmp(formats[i]->word, value) == 0)
				choice->format = formats[i];
		if (!choice->format || strcmp(choice->format->word, value) != 0)
			return unknown_format(choice, value);
		break;
	case OPT_NAME:
		choice->owner = value;
		if (sink_name_from_text(sink_span_text(value), &name))
			return usage_error(choice->self, "--name is a domain name, not '%s'",
				value);
		break;
	case OPT_INFOURL:
		choice->infourl = value;
		if (!is_infourl(value))
			return usage_error(choice->self,
				"--infourl is a URL that begins with https://, not '%s'", value);
		break;
	case OPT_QNAMEMIN:
		choice->qnamemin = true;
		break;
	}
	return STATUS_DONE;
}

static enum status export_run(const struct command *self, int argc, char **argv)
{
	struct choice choice = { .self = self };
	enum status status;
	int first;

	if (!options_read(self, argc, argv, take_option, &choice, &first, &status))
		return status;
	if (first < argc)
		return usage_error(self, "'%s' is one word too many", argv[first]);
	if (!choice.format)
		return unknown_format(&choice, NULL);
	if (!choice.format->is_resinfo && (choice.owner || choice.infourl || choice.qnamemin))
		return usage_error(self,
			"--name, --infourl and --qnamemin are for --format resinfo");
	return write_export(&choice);
}

const struct command cmd_export = {
	.word = "export",
	.operands = "",
	.summary = "what is published, for other programs",
	.details = "Formats:\n"
		   "  unbound-acl  lines for unbound.conf that keep listed clients from cached "
		   "answers\n"
		   "  resinfo      what the resolver tells about itself (RFC 9606)\n"
		   "  json         everything that is listed, an object a line\n"
		   "  domains      names that are blocked with all below them, one a line\n"
		   "  hosts        names that are blocked themselves, as a hosts file\n"
		   "  rpz          what becomes of names, as a response policy zone\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ OPT_FORMAT, "format", "FORMAT", "which one" },
			{ OPT_NAME, "name", "NAME",
				"resinfo: of the resolver (default resolver.arpa)" },
			{ OPT_INFOURL, "infourl", "URL", "resinfo: where people read about it" },
			{ OPT_QNAMEMIN, "qnamemin", NULL,
				"resinfo: it asks with minimised names (RFC 9156)" },
			{ 0 },
		},
	.run = export_run,
};

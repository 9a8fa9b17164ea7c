/* job.c - options of `compile`, and what must be right before it begins. */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "data.h"
#include "say.h"
#include "scratch.h"
#include "when.h"

enum {
	OPT_ACTION = 256,
	OPT_A,
	OPT_AAAA,
	OPT_TTL,
	OPT_DRY_RUN,
	OPT_FORCE,
	OPT_REPORT,
	OPT_REASON,
	OPT_KEEP,
	OPT_MEMORY,
	OPT_JSON,
};

/* A number of bytes: "64M". Powers of 1024. */
static bool parse_size(const char *text, size_t *out)
{
	static const char units[] = "KMG";
	char *end;
	const char *unit;
	unsigned long long n;

	if (*text < '1' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (errno || (*end && (!unit || end[1])))
		return false;
	for (; unit && unit >= units; unit--) {
		if (n > SIZE_MAX / 1024)
			return false;
		n *= 1024;
	}
	*out = n;
	return true;
}

static bool parse_keep(const char *text, unsigned *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '1' || *text > '9' || *end || n > 10000)
		return false;
	*out = (unsigned)n;
	return true;
}

static enum status take_plain(struct job *job, int key, const char *value)
{
	switch (key) {
	case 'd':
		job->dir = value;
		break;
	case 'q':
		job->quiet = true;
		break;
	case OPT_JSON:
		job->json = true;
		break;
	case OPT_DRY_RUN:
		job->dry_run = true;
		break;
	case OPT_REPORT:
		job->report_path = value;
		break;
	case 'c':
		return usage_error(job->self, "configuration files are not there yet");
	}
	return STATUS_DONE;
}

static enum status take_option(void *arg, int key, const char *value)
{
	struct job *job = arg;
	struct sink_why why = { .text = "" };
	int err = SINK_OK;

	switch (key) {
	case OPT_ACTION:
		err = answer_action(&job->answer, value, &why);
		break;
	case OPT_A:
		err = answer_a(&job->answer, value, &why);
		break;
	case OPT_AAAA:
		err = answer_aaaa(&job->answer, value, &why);
		break;
	case OPT_TTL:
		err = answer_ttl(&job->answer, value, &why);
		break;
	case OPT_FORCE:
		err = gate_force(&job->gate, value);
		sink_why(&why, err, "--force is empty, tld or suffix, not '%s'", value);
		break;
	case OPT_KEEP:
		err = parse_keep(value, &job->keep) ? SINK_OK : SINK_ESYNTAX;
		sink_why(&why, err, "--keep is 1 to 10000 generations, not '%s'", value);
		break;
	case OPT_MEMORY:
		err = parse_size(value, &job->memory) ? SINK_OK : SINK_ESYNTAX;
		sink_why(&why, err, "--memory is a size such as 64M, not '%s'", value);
		break;
	case OPT_REASON:
		job->reason = value;
		err = is_note(value) ? SINK_OK : SINK_ESYNTAX;
		sink_why(&why, err, "--reason is one line of less than %d bytes", SINK_NOTE_MAX);
		break;
	default:
		return take_plain(job, key, value);
	}
	return err ? usage_error(job->self, "%s", why.text) : STATUS_DONE;
}

static enum status parse_sources(struct job *job, int count, char **texts)
{
	struct sink_why why;
	size_t stdins = 0;

	job->sources = calloc((size_t)count, sizeof *job->sources);
	if (!job->sources) {
		say("no memory");
		return STATUS_SYSTEM;
	}
	for (int i = 0; i < count; i++) {
		struct source *source = &job->sources[i];

		if (source_parse(texts[i], &why, source))
			return usage_error(job->self, "%s", why.text);
		job->count++;
		stdins += strcmp(source->path, "-") == 0;
	}
	return stdins > 1 ? usage_error(job->self, "standard input can be read once") : STATUS_DONE;
}

/* What it holds stays until there is another report to write. */
static FILE *open_report(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !file)
		close(fd);
	return file;
}

/* What can fail before a feed is touched. */
static enum status prepare(struct job *job, int count, char **texts)
{
	struct sink_why why;
	enum status status;

	if (count == 0)
		return usage_error(job->self, "no SOURCE");
	if (answer_check(&job->answer, &why))
		return usage_error(job->self, "%s", why.text);
	if (!when_reproducible(&job->time))
		return usage_error(job->self, "SOURCE_DATE_EPOCH is no number of seconds");
	status = parse_sources(job, count, texts);
	if (status)
		return status;
	if (gate_begin(&job->gate)) {
		say("there is no Public Suffix List to check entries against");
		return STATUS_SYSTEM;
	}
	if (!job->report_path)
		return STATUS_DONE;
	job->report_file = open_report(job->report_path);
	if (job->report_file)
		return STATUS_DONE;
	say("'%s': %s", job->report_path, strerror(errno));
	return STATUS_SYSTEM;
}

enum status job_begin(struct job *job, int argc, char **argv, bool *more)
{
	enum status status;
	int first;

	clock_gettime(CLOCK_MONOTONIC, &job->begun);
	answer_init(&job->answer);
	*more = options_read(job->self, argc, argv, take_option, job, &first, &status);
	if (!*more)
		return status;
	job->dir = data_directory(job->dir);
	status = prepare(job, argc - first, argv + first);
	*more = status == STATUS_DONE;
	return status;
}

void job_end(struct job *job)
{
	sink_writer_abort(job->writer);
	scratch_end();
	if (job->report_file)
		fclose(job->report_file);
	for (size_t i = 0; i < job->count; i++)
		source_end(&job->sources[i]);
	free(job->sources);
	withdraw_end(&job->withdrawn);
	gate_end(&job->gate);
}

const struct option_row job_options[] = {
	{ 'd', "dir", "DIR", "the data directory" },
	{ OPT_ACTION, "action", "WORD",
		"for listed names: nxdomain (default), nodata or sinkhole" },
	{ OPT_A, "sinkhole-a", "ADDR,...", "IPv4 addresses of the sinkhole" },
	{ OPT_AAAA, "sinkhole-aaaa", "ADDR,...", "IPv6 addresses of the sinkhole" },
	{ OPT_TTL, "ttl", "SECONDS", "of such answers (default 10)" },
	{ OPT_DRY_RUN, "dry-run", NULL, "compile and report, publish nothing" },
	{ OPT_FORCE, "force", "GATE", "override a check: empty, tld or suffix" },
	{ OPT_REPORT, "report", "FILE", "what became of every line, in JSON" },
	{ OPT_JSON, "json", NULL, "the same on standard output" },
	{ OPT_REASON, "reason", "TEXT", "why, for the history" },
	{ OPT_KEEP, "keep", "N", "generations to keep (default 8)" },
	{ OPT_MEMORY, "memory", "SIZE", "to sort in before spilling (default 256M)" },
	{ 'q', "quiet", NULL, "errors only" },
	{ 'c', "config", "FILE", "not there yet" },
	{ 0 },
};

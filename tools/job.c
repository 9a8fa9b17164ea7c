/* job.c - options of `compile`, and what must be right before it begins. */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "data.h"
#include "quantity.h"
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
	OPT_PROTECTED,
	OPT_POPULAR,
	OPT_MAX_CHANGE,
	OPT_MAX_ERRORS,
	OPT_MAX_BYTES,
	OPT_MAX_LINES,
	OPT_MAX_ENTRIES,
	OPT_REPORT,
	OPT_REASON,
	OPT_KEEP,
	OPT_MEMORY,
	OPT_JSON,
};

static bool parse_size(const char *text, uint64_t *out)
{
	uint64_t n;

	if (!quantity_bytes(text, &n) || n == 0)
		return false;
	*out = n;
	return true;
}

static bool parse_count(const char *text, uint64_t *out)
{
	uint64_t n;

	if (!quantity_count(text, &n) || n == 0)
		return false;
	*out = n;
	return true;
}

static bool parse_memory(const char *text, size_t *out)
{
	uint64_t n;

	if (!parse_size(text, &n) || n > SIZE_MAX)
		return false;
	*out = (size_t)n;
	return true;
}

/* "20%", and here "20" will do. */
static bool parse_share(const char *text, double *out)
{
	char with_sign[32];

	return quantity_percent(text, out) ||
		(snprintf(with_sign, sizeof with_sign, "%s%%", text) < (int)sizeof with_sign &&
			quantity_percent(with_sign, out));
}

static int add_path(struct path_list *list, const char *path)
{
	char **at = reallocarray(list->at, list->count + 1, sizeof *at);

	if (!at)
		return SINK_ENOMEM;
	list->at = at;
	list->at[list->count++] = (char *)(uintptr_t)path; /* only read */
	return SINK_OK;
}

static int take_limit(struct job *job, int key, const char *value, struct sink_why *why)
{
	struct source_limits *limits = &job->guards.limits;

	if (key == OPT_MAX_BYTES) {
		if (parse_size(value, &limits->bytes))
			return SINK_OK;
		return sink_why(why, SINK_ESYNTAX, "--max-bytes is a size such as 64M, not '%s'",
			value);
	}
	if (parse_count(value, key == OPT_MAX_LINES ? &limits->lines : &limits->entries))
		return SINK_OK;
	return sink_why(why, SINK_ESYNTAX, "--max-%s is a number above 0, not '%s'",
		key == OPT_MAX_LINES ? "lines" : "entries", value);
}

/* What the gate is to let through, and what not. */
static int take_guard(struct job *job, int key, const char *value, struct sink_why *why)
{
	char words[200];

	switch (key) {
	case OPT_FORCE:
		if (gate_force(&job->gate, value) == SINK_OK)
			return SINK_OK;
		return sink_why(why, SINK_ESYNTAX, "--force is %s, not '%s'",
			gate_words(words, sizeof words), value);
	case OPT_PROTECTED:
		return add_path(&job->protected, value);
	case OPT_POPULAR:
		return add_path(&job->popular, value);
	case OPT_MAX_CHANGE:
		if (parse_share(value, &job->guards.max_change))
			return SINK_OK;
		return sink_why(why, SINK_ESYNTAX, "--max-change is a share such as 20%%, not '%s'",
			value);
	case OPT_MAX_ERRORS:
		if (parse_share(value, &job->guards.max_errors))
			return SINK_OK;
		return sink_why(why, SINK_ESYNTAX, "--max-errors is a share such as 50%%, not '%s'",
			value);
	default:
		return take_limit(job, key, value, why);
	}
}

static enum status take_plain(struct job *job, int key, const char *value)
{
	switch (key) {
	case 'd':
		job->data = value;
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
		job->config_path = value;
		break;
	}
	return STATUS_DONE;
}

static enum status take_option(void *arg, int key, const char *value)
{
	struct job *job = arg;
	struct sink_why why = { .text = "" };
	int err = SINK_OK;

	if (signing_is(key))
		return signing_take(&job->signing, job->self, key, value);
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
	case OPT_PROTECTED:
	case OPT_POPULAR:
	case OPT_MAX_CHANGE:
	case OPT_MAX_ERRORS:
	case OPT_MAX_BYTES:
	case OPT_MAX_LINES:
	case OPT_MAX_ENTRIES:
		err = take_guard(job, key, value, &why);
		break;
	case OPT_KEEP:
		return take_keep(job->self, value, &job->keep);
	case OPT_MEMORY:
		err = parse_memory(value, &job->memory) ? SINK_OK : SINK_ESYNTAX;
		sink_why(&why, err, "--memory is a size such as 64M, not '%s'", value);
		break;
	case OPT_REASON:
		return take_reason(job->self, value, &job->reason);
	default:
		return take_plain(job, key, value);
	}
	return err ? usage_error(job->self, "%s", why.text) : STATUS_DONE;
}

static bool is_stdin(const struct source *source)
{
	return source->path && strcmp(source->path, "-") == 0;
}

static enum status no_memory(void)
{
	say("no memory");
	return STATUS_SYSTEM;
}

static enum status parse_arguments(struct job *job, int count, char **texts)
{
	struct sink_why why;

	job->arguments = calloc((size_t)count + 1, sizeof *job->arguments);
	if (!job->arguments)
		return no_memory();
	for (int i = 0; i < count; i++) {
		if (source_parse(texts[i], &why, &job->arguments[i]))
			return usage_error(job->self, "%s", why.text);
		job->arguments_count++;
	}
	return STATUS_DONE;
}

/* A configuration with rules says it all; one without, for whom and where, but not what. */
static enum status choose_policy(struct job *job)
{
	struct policy *policy = &job->config.policy;

	job->policy = &job->answer.policy;
	if (!job->config_path)
		return STATUS_DONE;
	if (policy->has_rules && job->answer.is_given)
		return usage_error(job->self,
			"--action, --sinkhole-a, --sinkhole-aaaa and --ttl go without a policy, "
			"and '%s' "
			"has one",
			job->config_path);
	if (!policy->has_rules && config_set_rule(&job->config, &job->answer.rule))
		return no_memory();
	job->policy = &policy->made;
	return STATUS_DONE;
}

/* What the command line says goes over what the configuration says. */
static enum status read_config(struct job *job)
{
	const struct guard_config *guards = &job->config.guards;
	int err;

	if (!job->config_path)
		return STATUS_DONE;
	err = config_read(job->config_path, config_say, NULL, &job->config);
	if (err)
		return err == SINK_ENOENT ? STATUS_SYSTEM : status_of(err);
	if (job->guards.max_change < 0)
		job->guards.max_change = guards->max_change;
	if (job->guards.max_errors < 0)
		job->guards.max_errors = guards->max_errors;
	return STATUS_DONE;
}

/* Where a source says nothing of its own. */
static void set_defaults(const struct job *job, struct source *source)
{
	const struct source_limits *all = &job->guards.limits;

	source->options.now = job->time;
	if (source->limits.bytes == 0)
		source->limits.bytes = all->bytes;
	if (source->limits.lines == 0)
		source->limits.lines = all->lines;
	if (source->limits.entries == 0)
		source->limits.entries = all->entries;
}

static void add_sources(struct job *job, struct source *sources, size_t count, size_t *stdins)
{
	for (size_t i = 0; i < count; i++) {
		set_defaults(job, &sources[i]);
		*stdins += is_stdin(&sources[i]);
		job->sources[job->count++] = &sources[i];
	}
}

/* Those of the configuration, then those of the command line. */
static enum status gather_sources(struct job *job)
{
	size_t most = job->config.count + job->arguments_count, stdins = 0;

	job->sources = calloc(most + 1, sizeof(struct source *));
	if (!job->sources)
		return no_memory();
	add_sources(job, job->config.sources, job->config.count, &stdins);
	add_sources(job, job->arguments, job->arguments_count, &stdins);
	if (stdins > 1)
		return usage_error(job->self, "standard input can be read once");
	if (job->count == 0)
		return usage_error(job->self, "no SOURCE");
	if (intakes_begin(&job->intakes, job->sources, job->count, job->guards.max_change))
		return no_memory();
	return STATUS_DONE;
}

static enum status cannot(int err, const struct sink_why *why)
{
	say("%s; nothing published", why->text[0] ? why->text : sink_strerror(err));
	return err == SINK_ENOENT ? STATUS_SYSTEM : status_of(err);
}

static int load_lists(struct job *job, const struct path_list *protected,
	const struct path_list *popular, struct sink_why *why)
{
	int err = SINK_OK;

	for (size_t i = 0; i < protected->count && !err; i++)
		err = protected_add_file(&job->gate.protected, protected->at[i], why);
	for (size_t i = 0; i < popular->count && !err; i++)
		err = popular_load(&job->guards.popular, popular->at[i], why);
	return err;
}

/* Where lists are fetched from must stay within reach. */
static int protect_hosts(struct job *job)
{
	int err = SINK_OK;

	for (size_t i = 0; i < job->count && !err; i++)
		if (job->sources[i]->url)
			err = protected_add_url(&job->gate.protected, job->sources[i]->url);
	return err;
}

/* So must the gardens that blocked clients are led to. */
static int protect_gardens(struct job *job)
{
	const struct sink_policy *policy = job->policy;
	int err = SINK_OK;

	for (size_t i = 0; i < policy->rules_count && !err; i++)
		if (policy->rules[i].form.cname.len > 0)
			err = protected_add_target(&job->gate.protected,
				policy->rules[i].form.cname);
	return err;
}

/* Everything that entries and sources are judged by. */
static enum status begin_guards(struct job *job)
{
	const struct guard_config *config = &job->config.guards;
	struct sink_why why = { .text = "" };
	int err = gate_begin(&job->gate, &why);

	if (!err)
		err = load_lists(job, &config->protected, &config->popular, &why);
	if (!err)
		err = load_lists(job, &job->protected, &job->popular, &why);
	if (!err)
		err = protect_hosts(job);
	if (!err)
		err = protect_gardens(job);
	if (!err)
		err = mix_begin(&job->mix);
	return err ? cannot(err, &why) : STATUS_DONE;
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

static enum status open_reports(struct job *job)
{
	if (!job->report_path)
		return STATUS_DONE;
	job->report_file = open_report(job->report_path);
	if (job->report_file)
		return STATUS_DONE;
	say("'%s': %s", job->report_path, strerror(errno));
	return STATUS_SYSTEM;
}

/* What can fail before a feed is touched. */
static enum status prepare(struct job *job, int count, char **texts)
{
	struct sink_why why;
	enum status status;

	if (count == 0 && !job->config_path)
		return usage_error(job->self, "no SOURCE");
	if (answer_check(&job->answer, &why))
		return usage_error(job->self, "%s", why.text);
	if (!when_reproducible(&job->time) || !when_reproducible_micros(&job->read))
		return usage_error(job->self, "SOURCE_DATE_EPOCH is no number of seconds");
	status = signing_begin(&job->signing, job->self, job->dry_run ? NULL : job->data);
	if (!status)
		status = parse_arguments(job, count, texts);
	if (!status)
		status = read_config(job);
	if (!status)
		status = choose_policy(job);
	if (!status)
		status = gather_sources(job);
	if (!status)
		status = begin_guards(job);
	return status ? status : open_reports(job);
}

enum status job_begin(struct job *job, int argc, char **argv, bool *more)
{
	enum status status;
	int first;

	clock_gettime(CLOCK_MONOTONIC, &job->begun);
	answer_init(&job->answer);
	job->guards.max_change = job->guards.max_errors = -1;
	*more = options_read(job->self, argc, argv, take_option, job, &first, &status);
	if (!*more)
		return status;
	job->data = job->dir = data_directory(job->data);
	status = prepare(job, argc - first, argv + first);
	*more = status == STATUS_DONE;
	return status;
}

void job_end(struct job *job)
{
	sink_writer_abort(job->writer);
	scratch_end();
	signing_end(&job->signing);
	if (job->report_file)
		fclose(job->report_file);
	previous_end(&job->previous);
	live_end(job->live);
	free(job->changes);
	intakes_end(&job->intakes);
	for (size_t i = 0; i < job->arguments_count; i++)
		source_end(&job->arguments[i]);
	free(job->arguments);
	free(job->sources);
	config_end(&job->config);
	config_end(&job->renewed);
	free(job->popular.at);
	free(job->protected.at);
	withdraw_end(&job->withdrawn);
	popular_end(&job->guards.popular);
	gate_end(&job->gate);
}

double seconds_since(const struct timespec *begun)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begun->tv_sec) + (double)(now.tv_nsec - begun->tv_nsec) / 1e9;
}

const struct option_row job_options[] = {
	{ 'd', "dir", "DIR", "the data directory" },
	{ OPT_ACTION, "action", "WORD",
		"for listed names: nxdomain (default), nodata, sinkhole, refused, drop, truncate" },
	{ OPT_A, "sinkhole-a", "ADDR,...", "IPv4 addresses of the sinkhole" },
	{ OPT_AAAA, "sinkhole-aaaa", "ADDR,...", "IPv6 addresses of the sinkhole" },
	{ OPT_TTL, "ttl", "SECONDS", "of such answers (default 10)" },
	{ OPT_DRY_RUN, "dry-run", NULL, "compile and report, publish nothing" },
	{ OPT_FORCE, "force", "CHECK", "override a check; see above" },
	{ OPT_PROTECTED, "protected", "FILE", "names and addresses that no source may block" },
	{ OPT_POPULAR, "popular", "FILE", "hold sources back that would block such a name" },
	{ OPT_MAX_CHANGE, "max-change", "SHARE", "of its entries, that may change in a source" },
	{ OPT_MAX_ERRORS, "max-errors", "SHARE", "of its lines, that may be errors (default 50%)" },
	{ OPT_MAX_BYTES, "max-bytes", "SIZE", "of a source, decompressed (default 4G)" },
	{ OPT_MAX_LINES, "max-lines", "N", "of a source (default 200000000)" },
	{ OPT_MAX_ENTRIES, "max-entries", "N", "of a source (default 100000000)" },
	{ OPT_REPORT, "report", "FILE", "what became of every line, in JSON" },
	{ OPT_JSON, "json", NULL, "the same on standard output" },
	{ OPT_REASON, "reason", "TEXT", "why, for the history" },
	{ OPT_KEEP, "keep", "N", "generations to keep (default 8)" },
	{ OPT_MEMORY, "memory", "SIZE", "to sort in before spilling (default 256M)" },
	{ 'q', "quiet", NULL, "errors only" },
	{ 'c', "config", "FILE", "sources and guards" },
	SIGNING_OPTIONS,
	{ 0 },
};

/* compile.c - feeds to a new generation: open all, gather what is withdrawn, read, write, publish. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "job.h"
#include "json.h"
#include "report.h"
#include "say.h"
#include "scratch.h"

static enum status failed(int err, const struct sink_why *why)
{
	say("%s; nothing published", why->text[0] ? why->text : sink_strerror(err));
	return err == SINK_ENOENT ? STATUS_SYSTEM : status_of(err);
}

static int note_withdrawal(void *arg, const struct feed_entry *entry)
{
	return entry->withdraws ? withdraw_add(arg, entry) : FEED_TAKEN;
}

/* First pass over a list whose later lines may take back earlier ones. */
static int gather_withdrawn(struct job *job, struct source *source, struct sink_why *why)
{
	struct feed_sink sink = { .entry = note_withdrawal, .arg = &job->withdrawn };
	struct sink_why reason = { .text = "" };
	int err = lines_keep(source->lines, source_title(source), why);

	if (err)
		return err;
	err = feed_read(source->lines, source->format, &source->options, &sink, &source->tally,
		&reason);
	memset(&source->tally, 0, sizeof source->tally);
	if (!err)
		err = lines_rewind(source->lines);
	if (err)
		sink_why(why, err, "'%s': %s", source_title(source),
			reason.text[0] ? reason.text : sink_strerror(err));
	return err;
}

static int open_source(struct job *job, struct source *source, struct sink_why *why)
{
	int err = source_open(source, why);

	if (err)
		return err;
	if (source->format->withdraws)
		return gather_withdrawn(job, source, why);
	err = lines_rewind(source->lines);
	return err ? sink_why(why, err, "'%s': %s", source_title(source), strerror(errno))
		   : SINK_OK;
}

/* Everything that could be wrong with the inputs is found before anything is written. */
static int open_sources(struct job *job, struct sink_why *why)
{
	int err = SINK_OK;

	for (size_t i = 0; i < job->count && !err; i++)
		err = open_source(job, &job->sources[i], why);
	withdraw_sort(&job->withdrawn);
	return err;
}

static int begin_writer(struct job *job, struct sink_why *why)
{
	struct sink_writer_options options = { .path = job->temp, .memory = job->memory };
	int err;

	if (job->dry_run) {
		err = scratch_begin(why, &job->dir);
		if (err)
			return err;
	}
	err = sink_store_temp(job->dir, why, job->temp, sizeof job->temp);
	if (err)
		return err;
	scratch_watch(job->temp);
	return sink_writer_begin(&options, why, &job->writer);
}

struct feeding {
	struct job *job;
	struct source *source;
	/* ids for the writer, of entries that say nothing of themselves */
	uint32_t record[SINK_KIND_COUNT];
	bool has_record[SINK_KIND_COUNT];
};

/* The record of an entry: its source's, with what it says of itself over it. */
static int find_record(struct feeding *f, const struct feed_entry *entry, enum sink_kind kind,
	uint32_t *out)
{
	struct attributes both;
	int err;

	if (!entry->says && f->has_record[kind]) {
		*out = f->record[kind];
		return SINK_OK;
	}
	attributes_over(&f->source->attributes, entry->says, &both);
	both.record.kind = kind;
	err = sink_writer_record(f->job->writer, &both.record, out);
	if (err || entry->says)
		return err;
	f->record[kind] = *out;
	f->has_record[kind] = true;
	return SINK_OK;
}

static int add_entry(struct feeding *f, const struct feed_entry *entry)
{
	const struct attributes *attributes = &f->source->attributes;
	uint32_t record;
	int err = find_record(f, entry, attributes->allow ? SINK_KIND_ALLOW : entry->kind, &record);

	if (err)
		return err;
	if (sink_trigger_is_prefix(entry->trigger))
		return sink_writer_add_prefix(f->job->writer, entry->trigger, &entry->prefix,
			record);
	return sink_writer_add_name(f->job->writer, entry->trigger, &entry->name,
		attributes->has_scope ? attributes->scope : entry->scope, record);
}

static int take_entry(void *arg, const struct feed_entry *entry)
{
	struct feeding *f = arg;
	enum feed_reason reason;

	if (entry->withdraws)
		return FEED_WITHDRAWAL;
	if (f->source->format->withdraws && withdraw_has(&f->job->withdrawn, entry))
		return FEED_WITHDRAWN;
	reason = sink_trigger_is_prefix(entry->trigger) ? FEED_TAKEN
							: gate_judge(&f->job->gate, &entry->name);
	return reason ? (int)reason : add_entry(f, entry);
}

static void show_progress(void *arg, const struct feed_tally *tally)
{
	const struct feeding *f = arg;

	if (!f->job->quiet)
		progress("%s: %s lines, %s entries", source_title(f->source),
			number(tally->lines).text, number(tally->entries).text);
}

static int read_source(struct job *job, struct source *source, struct sink_why *why)
{
	struct feeding feeding = { .job = job, .source = source };
	struct feed_sink sink = { .entry = take_entry, .tick = show_progress, .arg = &feeding };
	struct sink_why reason = { .text = "" };
	int err = feed_read(source->lines, source->format, &source->options, &sink, &source->tally,
		&reason);

	lines_close(source->lines);
	source->lines = NULL;
	if (err)
		sink_why(why, err, "'%s', line %llu: %s", source_title(source),
			(unsigned long long)source->tally.lines,
			reason.text[0] ? reason.text : sink_strerror(err));
	return err;
}

static int read_sources(struct job *job, struct sink_why *why)
{
	int err = SINK_OK;

	for (size_t i = 0; i < job->count && !err; i++)
		err = read_source(job, &job->sources[i], why);
	return err;
}

static uint64_t count_entries(const struct job *job)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < job->count; i++)
		sum += job->sources[i].tally.entries;
	return sum;
}

static int commit(struct job *job, struct sink_why *why)
{
	struct sink_writer *writer = job->writer;

	job->writer = NULL; /* freed, whatever it returns */
	if (!job->quiet)
		progress("writing");
	return sink_writer_commit(writer, &job->answer.policy, why, &job->summary);
}

static int publish(struct job *job, struct sink_why *why)
{
	struct sink_publish what = { .temp = job->temp,
		.summary = job->summary,
		.time = job->time,
		.origin = "compile",
		.reason = job->reason,
		.tool = "sinkhole " SINK_VERSION,
		.keep = job->keep,
		.wait = true };
	int err = sink_store_publish(job->dir, &what, why, &job->manifest);

	if (err)
		unlink(job->temp);
	return err;
}

/* Duplicates of each source are known from what the database holds in the end. */
static int count_distinct(struct job *job, struct sink_why *why)
{
	struct sink_db *db;
	int err;

	if (!job->json && !job->report_path)
		return SINK_OK;
	err = sink_store_open(job->dir, &job->manifest, SINK_MAP_DIRECT, NULL, why, &db);
	if (err)
		return err;
	err = report_count(db, job->sources, job->count);
	sink_db_close(db);
	return err;
}

/* --- reports ------------------------------------------------------------------------------------ */

static double seconds_since(const struct timespec *begun)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begun->tv_sec) + (double)(now.tv_nsec - begun->tv_nsec) / 1e9;
}

/* In the place of the last one. A pipe or a device has nothing to cut. */
static bool write_report(FILE *file, const struct report *report)
{
	if (ftruncate(fileno(file), 0) != 0 && errno != EINVAL)
		return false;
	return json_print(file, report_json(report), false);
}

static enum status write_reports(struct job *job, const struct report *report)
{
	bool ok = true;

	if (job->json)
		json_print(stdout, report_json(report), false); /* finish_output() judges */
	if (job->report_file) {
		ok = write_report(job->report_file, report);
		ok = fclose(job->report_file) == 0 && ok;
		job->report_file = NULL;
	}
	if (ok)
		return STATUS_DONE;
	say("'%s': the report could not be written: %s", job->report_path, strerror(errno));
	return STATUS_SYSTEM;
}

static enum status refuse_empty(struct job *job)
{
	struct report report = { .sources = job->sources,
		.count = job->count,
		.gate = &job->gate,
		.time = job->time,
		.dry_run = job->dry_run,
		.refused = gate_word(GATE_EMPTY) };
	enum status status;

	if (!job->quiet)
		report_sources(&report);
	say("no entry in any source; nothing published (--force=empty publishes an empty list)");
	status = write_reports(job, &report);
	return status ? status : STATUS_NO;
}

static enum status tell(struct job *job)
{
	struct report report = { .sources = job->sources,
		.count = job->count,
		.gate = &job->gate,
		.time = job->time,
		.dry_run = job->dry_run,
		.summary = &job->summary,
		.manifest = &job->manifest,
		.seconds = seconds_since(&job->begun) };

	if (!job->quiet) {
		report_sources(&report);
		report_result(&report);
	}
	return write_reports(job, &report);
}

static enum status compile(struct job *job)
{
	struct sink_why why = { .text = "" };
	int err = open_sources(job, &why);

	if (!err)
		err = begin_writer(job, &why);
	if (!err)
		err = read_sources(job, &why);
	if (err)
		return failed(err, &why);
	if (count_entries(job) == 0 && !job->gate.forced[GATE_EMPTY])
		return refuse_empty(job);
	err = commit(job, &why);
	if (!err)
		err = publish(job, &why);
	if (err && job->manifest.serial == 0)
		return failed(err, &why);
	if (err) { /* published, but a power cut may undo it */
		say("%s", why.text);
		return status_of(err);
	}
	err = count_distinct(job, &why);
	if (err)
		say("%s: sources not counted", why.text[0] ? why.text : sink_strerror(err));
	return tell(job);
}

static enum status compile_run(const struct command *self, int argc, char **argv)
{
	struct job job = { .self = self };
	bool more;
	enum status status = job_begin(&job, argc, argv, &more);

	if (more)
		status = compile(&job);
	job_end(&job);
	return status;
}

const struct command cmd_compile = {
	.word = "compile",
	.operands = "SOURCE...",
	.summary = "make a new generation of feeds and publish it",
	.details =
		"SOURCE is [FORMAT:]PATH[,key=value...]; - is standard input. Without FORMAT it "
		"is\n"
		"recognised by content, or refused. Keys: source category severity confidence "
		"actor\n"
		"campaign tlp legal-basis reference jurisdiction valid-from valid-until scope "
		"action\n"
		"tag; 'allow' makes it an allow list. A comma in a path or value is written \\,.\n",
	.options = job_options,
	.run = compile_run,
};

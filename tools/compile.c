/* compile.c - feeds to a new generation: open all, gather what is withdrawn, read, judge, write, publish. A bad
 * source never stops the others: it is held back, and its last good entries stay. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "accounts.h"
#include "changes.h"
#include "data.h"
#include "inputs.h"
#include "job.h"
#include "json.h"
#include "paused.h"
#include "report.h"
#include "say.h"
#include "scratch.h"
#include "take.h"
#include "when.h"

#define MICROS 1000000

static enum status failed(int err, const struct sink_why *why)
{
	say("%s; nothing published", why->text[0] ? why->text : sink_strerror(err));
	return err == SINK_ENOENT ? STATUS_SYSTEM : status_of(err);
}

/* --- opening ------------------------------------------------------------------------------------ */

static struct intake *intake_of(const struct job *job, const struct source *source)
{
	for (size_t i = 0; i < job->count; i++)
		if (job->sources[i] == source)
			return &job->intakes.at[i];
	return NULL;
}

/* Without the "source 'NAME': " in front, which stands there already. */
static const char *bare_why(const struct fetch_report *report)
{
	const char *name = strstr(report->why.text, "': ");

	return name ? name + 3 : report->why.text;
}

/* Where there is a copy, it is read, however old. */
static void note_fetched(void *arg, const struct source *source, const struct fetch_report *report)
{
	struct job *job = arg;
	struct intake *intake = intake_of(job, source);

	intake->fetched = malloc(sizeof *intake->fetched);
	if (intake->fetched)
		*intake->fetched = *report;
	if (report->result == FETCH_KEPT) {
		say("%s", report->why.text);
		job->is_stale = true;
		if (report->fetched != 0 && report->fetched < job->time)
			intake->listed = report->fetched;
	}
	if (report->result == FETCH_MISSING)
		inputs_fail(job, intake, SINK_EIO, bare_why(report));
}

static void find_copy(struct job *job, struct intake *intake)
{
	struct source *source = intake->source;
	struct sink_why why = { .text = "" };
	char path[PATH_MAX];
	int err = fetch_path(&job->config, source, &why, path, sizeof path);

	if (!err) {
		source->path = strdup(path);
		err = source->path ? SINK_OK : SINK_ENOMEM;
	}
	if (err)
		inputs_fail(job, intake, err == SINK_ENOENT ? SINK_EIO : err, why.text);
}

/* Bring what comes over the network up to date. A cache that cannot be used costs these sources only. */
static void fetch_sources(struct job *job)
{
	struct sink_why why = { .text = "" };

	for (size_t i = 0; i < job->count; i++)
		job->intakes.at[i].listed = job->time;
	if (fetch_all(&job->config, NULL, false, note_fetched, job, &why)) {
		say("%s: nothing fetched", why.text);
		job->is_stale = true;
	}
	for (size_t i = 0; i < job->count; i++) {
		struct intake *intake = &job->intakes.at[i];

		if (intake->source->fetch && !intake->source->held)
			find_copy(job, intake);
	}
}

/* Inputs stay open from the first look to the last line, and a configuration may have thousands. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Everything that could be wrong with the inputs is found before anything is written. */
static void open_sources(struct job *job)
{
	allow_files();
	for (size_t i = 0; i < job->count; i++)
		if (!job->sources[i]->held)
			inputs_open(job, &job->intakes.at[i]);
	withdraw_sort(&job->withdrawn);
	guard_settle(&job->intakes);
}

/* Which line it was is not known any more. */
static void note_crowd(void *arg, const struct sink_crowd *crowd)
{
	static const struct feed_tally nowhere;
	struct job *job = arg;
	struct origin *origin = intakes_find(&job->intakes, crowd->source);
	const struct sink_subject *subject = crowd->subject;
	char text[SINK_TEXT_MAX];

	if (!origin)
		return;
	if (sink_trigger_is_prefix(subject->trigger))
		sink_prefix_to_text(&subject->prefix, text);
	else
		sink_name_to_text(&subject->name, text);
	feed_example_add(&origin->crowded, origin->crowded_subjects++, &nowhere,
		sink_span_text(text));
	origin->crowded.names += crowd->listings;
	origin->crowded_distinct += crowd->distinct;
}

static int begin_writer(struct job *job, struct sink_why *why)
{
	struct sink_writer_options options = {
		.path = job->temp, .memory = job->memory, .crowd = note_crowd, .arg = job
	};
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

/* --- reading and judging --------------------------------------------------------------------------- */

static int read_sources(struct job *job, struct sink_why *why)
{
	int err = SINK_OK;

	for (size_t i = 0; i < job->count && !err; i++) {
		struct intake *intake = &job->intakes.at[i];

		if (intake->origin->held)
			inputs_close(job, intake);
		else
			err = take_source(job, intake, why);
	}
	guard_settle(&job->intakes);
	return err;
}

static size_t count_held(const struct job *job)
{
	size_t held = 0;

	for (size_t i = 0; i < job->intakes.origins_count; i++)
		held += job->intakes.origins[i].held != SOURCE_TAKEN;
	return held;
}

static bool none_remains(const struct job *job)
{
	return count_held(job) == job->intakes.origins_count;
}

/* Is what sources had before of any interest? */
static bool wants_previous(const struct job *job)
{
	for (size_t i = 0; i < job->intakes.origins_count; i++) {
		const struct origin *origin = &job->intakes.origins[i];

		if (origin->held || origin->entries == 0)
			return true;
		if (origin->max_change >= 0 && !job->gate.forced[GATE_CHANGE])
			return true;
	}
	return false;
}

/* Judge sources by what they had before. A published generation that cannot be read costs the guards that
 * need it, and everything if last good entries are needed. */
static int judge_change(struct job *job, struct sink_why *why)
{
	struct previous *previous = &job->previous;
	int err;

	if (!wants_previous(job))
		return SINK_OK;
	err = previous_open(previous, job->data, &job->intakes);
	if (err == SINK_ENOENT)
		return SINK_OK;
	if (err && count_held(job) > 0)
		return sink_why(why, err, "%s: last good entries cannot be kept",
			previous->why.text);
	if (err) {
		say("%s: not compared with what is published", previous->why.text);
		return SINK_OK;
	}
	err = previous_count(previous, &job->intakes, &job->mix);
	if (err)
		return sink_why(why, err, "'%s': %s", job->data, sink_strerror(err));
	guard_judge_change(&job->gate, &job->intakes);
	guard_settle(&job->intakes);
	return SINK_OK;
}

/* In the place of what is held back. */
static int keep_last_good(struct job *job, struct sink_why *why)
{
	int err;

	if (count_held(job) == 0)
		return SINK_OK;
	for (size_t i = 0; i < job->count; i++)
		if (job->intakes.at[i].read && job->intakes.at[i].origin->held)
			sink_writer_drop(job->writer, job->intakes.at[i].batch);
	if (!job->previous.reader)
		return SINK_OK;
	err = previous_keep(&job->previous, &job->gate, &job->guards.popular, job->time,
		job->writer);
	return err ? sink_why(why, err, "last good entries: %s",
			     err == SINK_EIO ? strerror(errno) : sink_strerror(err))
		   : SINK_OK;
}

/* What the new generation will hold. */
static uint64_t count_entries(const struct job *job)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < job->intakes.origins_count; i++) {
		const struct origin *origin = &job->intakes.origins[i];

		sum += origin->held ? origin->kept : origin->entries;
	}
	return sum;
}

/* --- writing ----------------------------------------------------------------------------------------- */

static int commit(struct job *job, struct sink_why *why)
{
	struct sink_writer *writer = job->writer;

	job->writer = NULL; /* freed, whatever it returns */
	if (!job->quiet)
		progress("writing");
	return sink_writer_commit(writer, why, &job->summary);
}

static void ignore(void *arg, const char *path, unsigned long line, unsigned long column,
	bool is_error, const char *text)
{
	(void)arg;
	(void)path;
	(void)line;
	(void)column;
	(void)is_error;
	(void)text;
}

/* While feeds were read somebody may have changed the policy and applied it, and that is not to be taken back. */
static void renew_policy(struct job *job)
{
	if (!job->config_path || !job->config.policy.has_rules)
		return;
	if (config_read_policy(job->config_path, ignore, NULL, &job->renewed) == SINK_OK &&
		job->renewed.policy.has_rules)
		job->policy = &job->renewed.policy.made;
	else
		say("'%s' has changed and has no policy that could be read: the one that was read "
		    "before is published",
			job->config_path);
}

/* Of a dry run: what was changed by hand where it would be published. That nothing was published there, or what is there
 * is damaged, shows elsewhere. */
static int preset_changes(struct job *job, struct sink_why *why)
{
	struct sink_manifest manifest;
	size_t len = 0;
	int err;

	if (!job->dry_run || sink_store_manifest(job->data, 0, NULL, &manifest))
		return SINK_OK;
	err = sink_store_changes(job->data, &manifest, why, &job->changes, &len);
	if (!err)
		live_preset(job->live, sink_span(job->changes, len));
	return err;
}

/* What was changed by hand stays in force. */
static int begin_live(struct job *job, struct sink_why *why, struct sink_live *out)
{
	bool anew = job->gate.forced[GATE_LIVE];
	int err = live_begin(job->time, &job->live);

	if (!err && !anew)
		err = preset_changes(job, why);
	if (err)
		return err;
	*out = live_of(job->live);
	out->anew = anew;
	return SINK_OK;
}

/* When it began to read, or, if that is earlier, when the oldest copy of what is fetched was last known to be current. */
static int64_t read_at(const struct job *job)
{
	int64_t read = job->read;

	for (size_t i = 0; i < job->count && !when_is_given(); i++) {
		const struct fetch_report *fetched = job->intakes.at[i].fetched;

		if (fetched && fetched->fetched > 0 && fetched->fetched < read / MICROS)
			read = fetched->fetched * MICROS;
	}
	return read;
}

static int publish(struct job *job, struct sink_why *why)
{
	struct sink_live live;
	struct sink_publish what = { .temp = job->temp,
		.live = &live,
		.summary = job->summary,
		.read = read_at(job),
		.origin = "compile",
		.reason = job->reason,
		.tool = "sinkhole " SINK_VERSION,
		.keep = job->keep,
		.wait = true };
	int err = when_reproducible(&what.time) ? begin_live(job, why, &live) : SINK_EINVAL;

	renew_policy(job);
	what.policy = job->policy;
	signing_fill(&job->signing, &what);
	if (!err)
		err = sink_store_publish(job->dir, &what, why, &job->manifest);
	if (err)
		unlink(job->temp);
	return err;
}

/* Duplicates of each source are known from what the database holds in the end: without what was changed by hand. */
static int count_distinct(struct job *job, const struct sink_db *db)
{
	const struct sink_db *base = sink_db_base(db);

	return job->json || job->report_path ? accounts_count(base ? base : db, &job->intakes)
					     : SINK_OK;
}

/* What a dry run would change. */
static int find_changes(struct job *job, const struct sink_db *db, struct changes **out)
{
	struct changes_question question = { .after = db, .popular = &job->guards.popular };
	struct sink_manifest manifest;
	struct sink_db *before = NULL;
	struct sink_why why;
	int err = data_open(job->data, 0, &why, &manifest, &before);

	if (err && err != SINK_ENOENT)
		say("%s: compared with nothing", why.text);
	question.before = before;
	err = changes_find(&question, out);
	sink_db_close(before);
	return err;
}

/* Look at what was written. */
static int look_back(struct job *job, struct changes **changes, struct sink_why *why)
{
	struct sink_db *db;
	int err;

	if (!job->json && !job->report_path && !(job->dry_run && !job->quiet))
		return SINK_OK;
	err = sink_store_open(job->dir, &job->manifest, SINK_MAP_DIRECT, NULL, why, &db);
	if (err)
		return err;
	err = count_distinct(job, db);
	if (!err && job->dry_run)
		err = find_changes(job, db, changes);
	sink_db_close(db);
	return err;
}

/* --- reports ------------------------------------------------------------------------------------ */

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

static struct report report_of(struct job *job)
{
	return (struct report){ .intakes = &job->intakes,
		.gate = &job->gate,
		.time = job->time,
		.dry_run = job->dry_run,
		.seconds = seconds_since(&job->begun) };
}

static enum status refuse_empty(struct job *job)
{
	struct report report = report_of(job);
	enum status status;

	report.refused = gate_word(GATE_EMPTY);
	if (!job->quiet)
		report_sources(&report);
	report_held(&report);
	say("no entry in any source; nothing published (--force=empty publishes an empty list)");
	status = write_reports(job, &report);
	return status ? status : STATUS_NO;
}

/* What a source that is held back means for the program's end if none remains. */
static enum status status_held(const struct intake *intake)
{
	if (intake->source->held != SOURCE_UNREADABLE && intake->source->held != SOURCE_LIMIT)
		return STATUS_NO;
	return intake->err == SINK_ENOENT ? STATUS_SYSTEM : status_of(intake->err);
}

/* No source remains. The worst of them decides how it ends, the first of these what the report says. */
static enum status refuse(struct job *job)
{
	struct report report = report_of(job);
	enum status status, worst = STATUS_DONE;

	for (size_t i = 0; i < job->count; i++) {
		const struct intake *intake = &job->intakes.at[i];

		status = intake->source->held ? status_held(intake) : STATUS_DONE;
		if (status > worst) {
			worst = status;
			report.refused = guard_word(intake->source->held);
		}
	}
	if (worst == STATUS_NO && !job->quiet)
		report_sources(&report);
	report_refusal(&report);
	if (worst != STATUS_NO)
		return worst; /* the last report stays */
	status = write_reports(job, &report);
	return status ? status : worst;
}

static enum status tell(struct job *job, const struct changes *changes)
{
	struct report report = report_of(job);
	enum status status;

	report.summary = &job->summary;
	report.manifest = &job->manifest;
	report.changes = changes;
	if (!job->quiet)
		report_sources(&report);
	report_held(&report);
	if (!job->quiet)
		report_result(&report);
	paused_say(&job->manifest); /* a job that nobody looks at should be heard of now */
	if (changes && !job->quiet && !job->json)
		changes_print(changes);
	status = write_reports(job, &report);
	return !status && (count_held(job) > 0 || job->is_stale) ? STATUS_NO : status;
}

/* --- all of it ------------------------------------------------------------------------------------ */

static int read_and_judge(struct job *job, struct sink_why *why)
{
	int err = begin_writer(job, why);

	if (!err)
		err = read_sources(job, why);
	if (!err)
		err = judge_change(job, why);
	if (!err && !none_remains(job))
		err = keep_last_good(job, why);
	return err;
}

static enum status finish(struct job *job)
{
	struct sink_why why = { .text = "" };
	struct changes *changes = NULL;
	enum status status;
	int err = commit(job, &why);

	if (!err)
		err = publish(job, &why);
	if (err && job->manifest.serial == 0)
		return failed(err, &why);
	if (err) { /* published, but a power cut may undo it */
		say("%s", why.text);
		return status_of(err);
	}
	err = look_back(job, &changes, &why);
	if (err)
		say("%s: not counted", why.text[0] ? why.text : sink_strerror(err));
	status = tell(job, changes);
	changes_free(changes);
	return status;
}

static enum status compile(struct job *job)
{
	struct sink_why why = { .text = "" };
	int err;

	fetch_sources(job);
	open_sources(job);
	if (none_remains(job))
		return refuse(job);
	err = read_and_judge(job, &why);
	if (err)
		return failed(err, &why);
	if (none_remains(job))
		return refuse(job);
	if (count_entries(job) == 0 && !job->gate.forced[GATE_EMPTY])
		return refuse_empty(job);
	return finish(job);
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
	.operands = "[SOURCE...]",
	.summary = "make a new generation of feeds and publish it",
	.details =
		"SOURCE is [FORMAT:]PATH[,key=value...]; - is standard input. Without FORMAT it "
		"is\n"
		"recognised by content, or refused. Keys: source category severity confidence "
		"actor\n"
		"campaign tlp legal-basis reference jurisdiction valid-from valid-until valid-for "
		"scope\n"
		"action tag licence max-change limits.bytes limits.lines limits.entries; of csv "
		"columns.KEY\n"
		"separator; of json fields.KEY items; 'allow' makes it an allow list. A comma in a "
		"path or\n"
		"value is written \\,.\n"
		"A source that a check holds back keeps its last good entries; then the end is "
		"1.\n",
	.options = job_options,
	.run = compile_run,
};

/* inputs.c - most sources are one file. Of a directory each file is recognised by itself, and all are gone
 * through twice if one of them may take back what another says. */
#include "inputs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "sinkhole/grow.h"

void inputs_fail(struct job *job, struct intake *intake, int err, const char *why)
{
	if (intake->source->held)
		return;
	intake->err = err;
	guard_hold(&job->gate, intake, err == SINK_ETOOLONG ? SOURCE_LIMIT : SOURCE_UNREADABLE,
		"%s", why[0] ? why : sink_strerror(err));
}

/* A document's reason says itself where it is. */
int inputs_blame(const struct intake *intake, uint64_t number, int err, const char *reason,
	struct sink_why *why)
{
	const struct source *source = intake->source;
	const char *title = intake_title(intake, source->tally.part);

	if (!reason[0])
		reason = sink_strerror(err);
	if (number == 0 || (source->format->document && err == SINK_ESYNTAX))
		return sink_why(why, err, "'%.250s': %s", title, reason);
	return sink_why(why, err, "'%.250s', line %llu: %s", title, (unsigned long long)number,
		reason);
}

static int add_title(struct intake *intake, const char *title)
{
	char **titles = sink_grow(intake->titles, intake->titles_count, &intake->titles_room,
		sizeof *titles);

	if (!titles)
		return SINK_ENOMEM;
	intake->titles = titles;
	titles[intake->titles_count] = strdup(title);
	if (!titles[intake->titles_count])
		return SINK_ENOMEM;
	intake->titles_count++;
	return SINK_OK;
}

/* Is it a list, of a format that we know? */
static int look_at(struct job *job, struct intake *intake, const char *title, struct sink_why *why)
{
	bool whole;
	bool is_html = guard_is_html(lines_sample(intake->lines, &whole));
	int err = source_recognise(intake->source, intake->lines, title, why);

	if (err && is_html)
		return sink_why(why, err, "'%.200s' is an HTML page; %s better", title,
			source_format_hint(intake->source, title).text);
	if (!err && is_html)
		guard_hold(&job->gate, intake, SOURCE_EMPTY, "'%.250s' is an HTML page, not a list",
			title);
	return err;
}

static int open_next(struct job *job, struct intake *intake, struct sink_why *why)
{
	const char *title;
	int err = parts_next(intake->parts, why, &intake->lines, &title);

	if (err) {
		intake->lines = NULL;
		return err;
	}
	intake->source->tally.part = intake->titles_count;
	intake->source->tally.number = 0;
	err = add_title(intake, title);
	return err ? err
		   : look_at(job, intake, intake_title(intake, intake->source->tally.part), why);
}

static int note_withdrawal(void *arg, const struct feed_entry *entry)
{
	return entry->withdraws ? withdraw_add(arg, entry) : FEED_TAKEN;
}

/* First pass over a list whose later lines may take back earlier ones. */
static int gather(struct job *job, struct intake *intake, struct sink_why *why)
{
	struct feed_sink sink = { .entry = note_withdrawal, .arg = &job->withdrawn };
	struct source *source = intake->source;
	struct feed_tally tally = { 0 };
	struct sink_why reason = { .text = "" };
	const char *title = intake_title(intake, source->tally.part);
	int err = lines_keep(intake->lines, title, why);

	if (err)
		return err;
	err = feed_read(intake->lines, source->format, &source->options, &sink, &tally, &reason);
	return err ? inputs_blame(intake, tally.number, err, reason.text, why) : SINK_OK;
}

static bool is_directory(const struct source *source)
{
	struct stat st;

	return source->path && stat(source->path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The first pass over a directory: of each file that has something to take back. */
static int gather_all(struct job *job, struct intake *intake, struct sink_why *why)
{
	int err = SINK_OK;

	while (!err && !intake->source->held) {
		if (intake->source->format->withdraws)
			err = gather(job, intake, why);
		if (!err)
			err = open_next(job, intake, why);
	}
	if (err && err != SINK_ENOENT)
		return err;
	err = parts_rewind(intake->parts, why);
	while (intake->titles_count > 0)
		free(intake->titles[--intake->titles_count]);
	return err ? err : open_next(job, intake, why);
}

static int open_first(struct job *job, struct intake *intake, struct sink_why *why)
{
	struct source *source = intake->source;
	int err = parts_open(source, why, &intake->parts);
	bool withdraws;

	if (err == SINK_ENOENT && is_directory(source))
		return SINK_ESYNTAX; /* it is there, and has no file in it */
	if (!err)
		err = open_next(job, intake, why);
	if (err || source->held)
		return err;
	withdraws = source->format->withdraws;
	if (is_directory(source) && (withdraws || source->recognised))
		err = gather_all(job, intake, why);
	else if (withdraws)
		err = gather(job, intake, why);
	if (err)
		return err;
	err = lines_rewind(intake->lines);
	return err ? sink_why(why, err, "'%.300s': %s", intake_name(intake), strerror(errno))
		   : SINK_OK;
}

void inputs_open(struct job *job, struct intake *intake)
{
	struct sink_why why = { .text = "" };
	size_t before = job->withdrawn.count;
	int err = open_first(job, intake, &why);

	if (!err && !intake->source->held)
		return;
	if (err)
		inputs_fail(job, intake, err, why.text);
	withdraw_cut(&job->withdrawn, before);
	inputs_close(job, intake);
}

int inputs_next(struct job *job, struct intake *intake)
{
	struct sink_why why = { .text = "" };
	int err = open_next(job, intake, &why);

	if (err && err != SINK_ENOENT)
		inputs_fail(job, intake, err, why.text);
	return intake->source->held ? SINK_ECANCELED : err;
}

void inputs_close(struct job *job, struct intake *intake)
{
	struct sink_why why = { .text = "" };
	int err = parts_close(intake->parts, &why);

	intake->parts = NULL;
	intake->lines = NULL;
	if (err)
		inputs_fail(job, intake, err, why.text);
}

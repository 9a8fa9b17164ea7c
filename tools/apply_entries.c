/* apply_entries.c - live changes of a file: all of it, or nothing. */
#include <string.h>

#include "apply.h"
#include "background.h"
#include "json.h"
#include "lines.h"
#include "paused.h"
#include "say.h"

/* --- telling ------------------------------------------------------------------------------------- */

enum status apply_failed(int err, const struct sink_why *why)
{
	say("%s; nothing published", why->text[0] ? why->text : sink_strerror(err));
	if (err == SINK_ENOENT)
		return STATUS_DATA;
	return err == SINK_EINVAL ? STATUS_USAGE : status_of(err);
}

static uint64_t serial_of(const struct applying *a)
{
	return a->after.serial;
}

static json_t *report(const struct applying *a)
{
	return json_pack("{s:o,s:b,s:I,s:I,s:I,s:I}", "generation",
		serial_of(a) ? json_integer((json_int_t)serial_of(a)) : json_null(), "dry-run",
		(int)a->dry_run, "added", (json_int_t)a->added, "removed", (json_int_t)a->removed,
		"changes", (json_int_t)live_in_force(a->live), "names",
		(json_int_t)(serial_of(a) ? a->after.names : a->before.names));
}

static void tell(const struct applying *a, bool json)
{
	char head[64] = "dry run, nothing published";

	if (json)
		json_print(stdout, report(a), false); /* finish_output() judges */
	if (serial_of(a))
		snprintf(head, sizeof head, "generation %llu published",
			(unsigned long long)serial_of(a));
	say("%s: %s added, %s removed; %s live change%s in force", head, number(a->added).text,
		number(a->removed).text, number(live_in_force(a->live)).text,
		plural(live_in_force(a->live)));
	if (serial_of(a))
		paused_say(&a->after);
}

/* --- a file --------------------------------------------------------------------------------------- */

const char *apply_title(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

static int read_file(struct applying *a, const char *path, struct sink_why *why)
{
	struct lines *lines;
	struct line line;
	int err = lines_open(path, why, &lines);

	if (err)
		return err;
	while (!(err = lines_next(lines, &line))) {
		if (line.too_long)
			applying_wrong(a, apply_title(path), line.number, "line too long");
		else
			err = applying_line(a, apply_title(path), line.number, line.text);
		if (err)
			break;
	}
	if (err && err != SINK_ENOENT)
		sink_why(why, err, "'%s': %s", path,
			lines_problem(lines)[0] ? lines_problem(lines) : sink_strerror(err));
	lines_close(lines);
	return err == SINK_ENOENT ? SINK_OK : err;
}

static enum status judged(const struct applying *a)
{
	return a->wrong > 0 ? STATUS_DATA : a->refused > 0 ? STATUS_NO : STATUS_DONE;
}

static enum status publish(struct applying *a, bool json)
{
	struct sink_why why = { .text = "" };
	int err;

	if (judged(a)) {
		say("%s of the lines are wrong, %s are refused; nothing published",
			number(a->wrong).text, number(a->refused).text);
		return judged(a);
	}
	if (live_added(a->live) == 0) {
		say("no change in it; nothing published");
		return STATUS_DONE;
	}
	err = applying_publish(a, &why);
	if (err && a->after.serial == 0)
		return apply_failed(err, &why);
	tell(a, json);
	if (err) /* published, but a power cut may undo it */
		say("%s", why.text);
	background_fold(a, true);
	return status_of(err);
}

struct applying applying_of(const struct apply_request *what)
{
	return (struct applying){ .dir = what->dir,
		.origin = "apply",
		.reason = what->reason,
		.signing = &what->signing,
		.config = what->config,
		.keep = what->keep,
		.compact_at = what->compact_at,
		.dry_run = what->dry_run,
		.tells_all = what->follow,
		.gate = what->gate };
}

enum status apply_entries(const struct apply_request *what)
{
	struct applying a = applying_of(what);
	struct sink_why why = { .text = "" };
	enum status status;
	int err = applying_begin(&a, &why);

	if (err) {
		status = apply_failed(err, &why);
	} else {
		err = read_file(&a, what->file, &why);
		if (err)
			say("%s; nothing published", why.text);
		status = err == SINK_ENOENT ? STATUS_SYSTEM
			: err		    ? status_of(err)
					    : publish(&a, what->json);
	}
	applying_end(&a);
	return status;
}

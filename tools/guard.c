/* guard.c - when a source is not to be believed. */
#include "guard.h"

#include <stdarg.h>
#include <stdio.h>

#include "say.h"
#include "text.h"

static const struct {
	const char *word;
	enum gate_check check;
} rows[] = {
	[SOURCE_TAKEN] = { "", GATE_COUNT },
	[SOURCE_UNREADABLE] = { "unreadable", GATE_COUNT },
	[SOURCE_EMPTY] = { "empty", GATE_EMPTY },
	[SOURCE_ERRORS] = { "errors", GATE_ERRORS },
	[SOURCE_POPULAR] = { "popular", GATE_POPULAR },
	[SOURCE_CHANGE] = { "max-change", GATE_CHANGE },
	[SOURCE_LIMIT] = { "limit", GATE_COUNT },
};
_Static_assert(sizeof rows / sizeof rows[0] == SOURCE_HELD_COUNT, "a guard has no word");

/* Reasons that say "this is not what the format looks like". All others are lines that mean something,
 * which DNS cannot express, or which were left out on purpose. */
static const bool is_error[FEED_REASON_COUNT] = {
	[FEED_CONTROL] = true,
	[FEED_TOO_LONG] = true,
	[FEED_NOT_NAME] = true,
	[FEED_IDNA] = true,
	[FEED_NAME_LENGTH] = true,
	[FEED_FIELDS] = true,
	[FEED_NO_ADDRESS] = true,
	[FEED_NO_NAME] = true,
	[FEED_PREFIX_BITS] = true,
	[FEED_SYNTAX] = true,
	[FEED_TRIGGER] = true,
	[FEED_ACTION] = true,
	[FEED_QUOTE] = true,
	[FEED_COLUMN] = true,
	[FEED_VALUE_TYPE] = true,
	[FEED_VALUE] = true,
	[FEED_TOO_DEEP] = true,
	[FEED_DUPLICATE_KEY] = true,
};

const char *guard_word(enum source_held held)
{
	return rows[held].word;
}

enum gate_check guard_check(enum source_held held)
{
	return rows[held].check;
}

bool guard_is_html(struct sink_span sample)
{
	static const char *const begins[] = { "<!doctype html", "<html", "<head" };

	while (sample.len > 0 &&
		(text_is_space(sample.at[0]) || sample.at[0] == '\n' || sample.at[0] == '\r'))
		sample = text_after(sample, 1);
	for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
		size_t len = strlen(begins[i]);

		if (sample.len >= len && text_is_anycase(sink_span(sample.at, len), begins[i]))
			return true;
	}
	return false;
}

uint64_t guard_errors(const struct feed_tally *tally)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < FEED_REASON_COUNT; i++)
		if (is_error[i])
			sum += tally->skips[i].lines;
	return sum;
}

void guard_hold(const struct gate *gate, struct intake *intake, enum source_held held,
	const char *format, ...)
{
	struct source *source = intake->source;
	enum gate_check check = rows[held].check;
	char text[SINK_WHY_MAX];
	va_list list;

	if (source->held || (check != GATE_COUNT && gate->forced[check]))
		return;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	source->held = held;
	if (check == GATE_COUNT)
		sink_why(&source->why_held, SINK_OK, "%s", text);
	else
		sink_why(&source->why_held, SINK_OK, "%.440s (--force=%s takes it)", text,
			gate_word(check));
}

/* A place and a text: "'list.txt':17: 'google.com'". */
struct place {
	char text[420];
};

static struct place place(const struct intake *intake, const struct feed_example *example)
{
	struct place out;

	snprintf(out.text, sizeof out.text, "'%.250s':%llu: '%.*s'",
		intake_title(intake, example->part), (unsigned long long)example->line,
		example->len, (const char *)example->text);
	return out;
}

static const struct feed_skips *first_error(const struct feed_tally *tally, size_t *reason)
{
	for (*reason = 0; *reason < FEED_REASON_COUNT; ++*reason)
		if (is_error[*reason] && tally->skips[*reason].lines > 0)
			return &tally->skips[*reason];
	return NULL;
}

static void judge_errors(const struct guards *guards, const struct gate *gate,
	struct intake *intake)
{
	const struct feed_tally *tally = &intake->source->tally;
	uint64_t lines = tally->lines - tally->comments, errors = guard_errors(tally);
	double most = guards->max_errors < 0 ? GUARD_ERRORS_DEFAULT : guards->max_errors;
	const struct feed_skips *skips;
	size_t reason;

	if (lines < GUARD_LINES_FEWEST || (double)errors * 100 <= most * (double)lines)
		return;
	skips = first_error(tally, &reason);
	guard_hold(gate, intake, SOURCE_ERRORS,
		"%s: %s; %s of %s lines are errors, more than %g %%",
		place(intake, &skips->example[0]).text, feed_reason_word((enum feed_reason)reason),
		number(errors).text, number(lines).text, most);
}

static void judge_popular(const struct gate *gate, struct intake *intake)
{
	uint64_t hits = intake->popular.lines;

	if (hits == 0)
		return;
	guard_hold(gate, intake, SOURCE_POPULAR, "%s would block a popular name%s%s%s",
		place(intake, &intake->popular.example[0]).text, hits > 1 ? ", and so would " : "",
		hits > 1 ? number(hits - 1).text : "", hits > 1 ? " more" : "");
}

void guard_judge(const struct guards *guards, const struct gate *gate, struct intake *intake)
{
	judge_errors(guards, gate, intake);
	judge_popular(gate, intake);
}

static void judge_empty(const struct gate *gate, struct intake *intake)
{
	const struct origin *origin = intake->origin;

	if (origin->previous > 0 && origin->entries == 0)
		guard_hold(gate, intake, SOURCE_EMPTY, "'%.250s': no entry, where there were %s",
			intake_title(intake, 0), number(origin->previous).text);
}

static void judge_change(const struct gate *gate, struct intake *intake)
{
	const struct origin *origin = intake->origin;
	double changed = (double)origin->added + (double)origin->removed;

	if (origin->judged && changed * 100 > origin->max_change * (double)origin->before.count)
		guard_hold(gate, intake, SOURCE_CHANGE,
			"'%.250s': %s entries more and %s fewer than the %s before, which is more "
			"than %g %%",
			intake_title(intake, 0), number(origin->added).text,
			number(origin->removed).text, number(origin->before.count).text,
			origin->max_change);
}

/* A name that is new to the database is not judged: there is nothing to compare it with. */
static void compare(struct origin *origin)
{
	if (origin->held || origin->max_change < 0 || origin->before.count == 0)
		return;
	seen_settle(&origin->now);
	seen_compare(&origin->before, &origin->now, &origin->added, &origin->removed);
	origin->judged = true;
}

void guard_judge_change(const struct gate *gate, struct intakes *intakes)
{
	for (size_t i = 0; i < intakes->origins_count; i++)
		compare(&intakes->origins[i]);
	for (size_t i = 0; i < intakes->count; i++) {
		if (intakes->at[i].origin->held)
			continue;
		judge_empty(gate, &intakes->at[i]);
		judge_change(gate, &intakes->at[i]);
	}
}

void guard_settle(struct intakes *intakes)
{
	for (size_t i = 0; i < intakes->count; i++) {
		const struct source *source = intakes->at[i].source;
		struct origin *origin = intakes->at[i].origin;

		if (source->held && !origin->held)
			origin->held = source->held;
	}
}

/* report.c - reports of a compilation. */
#include "report.h"

#include <stdlib.h>

#include "guard.h"
#include "json.h"
#include "say.h"

#define EXAMPLE_SHOWN 60 /* bytes of an example on a terminal */

static json_t *example_json(const struct intake *intake, const struct feed_example *example)
{
	const char *title = intake_title(intake, example->part);
	char at[32];
	json_t *out = json_object(), *valid = json_text(sink_span_text(title));

	snprintf(at, sizeof at, ":%llu", (unsigned long long)example->line);
	json_object_set_new(out, "at", json_sprintf("%s%s", json_string_value(valid), at));
	json_decref(valid);
	json_object_set_new(out, "text", json_text(sink_span(example->text, example->len)));
	return out;
}

static json_t *examples_json(const struct intake *intake, const struct feed_skips *skips)
{
	uint64_t count = skips->lines + skips->names;
	json_t *out = json_array();

	for (size_t i = 0; i < FEED_EXAMPLES && i < count; i++)
		json_array_append_new(out, example_json(intake, &skips->example[i]));
	return out;
}

/* How often which of a reason's kinds: {"third-party": 12}. */
static json_t *details_json(const struct feed_tally *tally, enum feed_reason reason)
{
	json_t *out = json_object();

	for (size_t i = 0; i < tally->details_count; i++) {
		const struct feed_detail *detail = &tally->details[i];
		json_t *word = json_text(sink_span(detail->text, detail->len));

		if (detail->reason == reason && word)
			json_object_set_new(out, json_string_value(word),
				json_integer((json_int_t)detail->count));
		json_decref(word);
	}
	if (tally->details_others[reason] > 0)
		json_object_set_new(out, "others",
			json_integer((json_int_t)tally->details_others[reason]));
	return out;
}

static json_t *skips_json(const struct intake *intake, enum feed_reason reason)
{
	const struct feed_tally *tally = &intake->source->tally;
	const struct feed_skips *skips = &tally->skips[reason];
	json_t *details = details_json(tally, reason);
	json_t *out = json_pack("{s:s,s:I,s:I,s:o}", "reason", feed_reason_word(reason), "lines",
		(json_int_t)skips->lines, "names", (json_int_t)skips->names, "examples",
		examples_json(intake, skips));

	if (json_object_size(details) > 0)
		json_object_set(out, "details", details);
	json_decref(details);
	return out;
}

static json_t *reasons_json(const struct intake *intake)
{
	const struct feed_tally *tally = &intake->source->tally;
	json_t *out = json_array();

	for (int i = 0; i < FEED_REASON_COUNT; i++)
		if (tally->skips[i].lines + tally->skips[i].names > 0)
			json_array_append_new(out, skips_json(intake, (enum feed_reason)i));
	return out;
}

static json_t *counted(bool is_counted, uint64_t n)
{
	return is_counted ? json_integer((json_int_t)n) : json_null();
}

static json_t *moved_json(const struct intake *intake)
{
	const struct source *source = intake->source;
	bool is_counted = intake->distinct != UINT64_MAX;

	return json_pack("{s:I,s:o,s:o,s:o,s:f}", "entries", (json_int_t)source->tally.entries,
		"duplicates", counted(is_counted, source->tally.entries - intake->distinct),
		"subsumed", counted(is_counted, intake->subsumed), "reasons", reasons_json(intake),
		"seconds", intake->seconds);
}

/* Of a source and those that share its name: what it had, and what was made of that. */
static json_t *origin_json(const struct intake *intake)
{
	const struct origin *origin = intake->origin;
	enum gate_check check = guard_check(intake->source->held);

	return json_pack("{s:s?,s:o?,s:s?,s:I,s:I,s:I,s:o,s:o,s:o}", "held",
		origin->held ? guard_word(origin->held) : NULL, "held-why",
		intake->source->held ? json_text(sink_span_text(intake->source->why_held.text))
				     : NULL,
		"override", check == GATE_COUNT ? NULL : gate_word(check), "kept",
		(json_int_t)origin->kept, "kept-expired", (json_int_t)origin->expired, "kept-not",
		(json_int_t)origin->kept_not, "added", counted(origin->judged, origin->added),
		"removed", counted(origin->judged, origin->removed), "popular",
		examples_json(intake, &intake->popular));
}

static json_t *fetched_json(const struct fetch_report *fetched)
{
	bool failed = fetched->result == FETCH_KEPT || fetched->result == FETCH_MISSING;

	return json_pack("{s:s,s:o?}", "fetched", fetch_result_word(fetched->result), "fetched-why",
		failed ? json_text(sink_span_text(fetched->why.text)) : NULL);
}

static json_t *source_json(const struct intake *intake)
{
	const struct source *source = intake->source;
	const struct feed_tally *tally = &source->tally;
	json_t *out = json_pack("{s:o,s:o,s:s?,s:b,s:I,s:I,s:I,s:I}", "source",
		json_text(source_name(source)), "path",
		json_text(sink_span_text(intake_name(intake))), "format",
		source->format ? source->format->word : NULL, "recognised", source->recognised,
		"lines", (json_int_t)tally->lines, "comments", (json_int_t)tally->comments, "taken",
		(json_int_t)tally->taken, "skipped", (json_int_t)feed_tally_skipped(tally));

	if (intake->fetched)
		json_object_update_new(out, fetched_json(intake->fetched));
	json_object_update_new(out, moved_json(intake));
	json_object_update_new(out, origin_json(intake));
	return out;
}

static json_t *sources_json(const struct intakes *intakes)
{
	json_t *out = json_array();

	for (size_t i = 0; i < intakes->count; i++)
		json_array_append_new(out, source_json(&intakes->at[i]));
	return out;
}

json_t *report_json(const struct report *r)
{
	json_t *out = json_pack("{s:s,s:o,s:b,s:s?,s:o,s:f}", "tool", "sinkhole " SINK_VERSION,
		"time", json_moment(r->time), "dry-run", r->dry_run, "refused", r->refused,
		"sources", sources_json(r->intakes), "seconds", r->seconds);

	json_object_set_new(out, "generation",
		r->manifest && !r->dry_run ? json_integer((json_int_t)r->manifest->serial)
					   : json_null());
	if (r->manifest)
		json_object_update_new(out,
			json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "names",
				(json_int_t)r->summary->names, "listings",
				(json_int_t)r->summary->listings, "duplicates",
				(json_int_t)r->summary->duplicates, "records",
				(json_int_t)r->summary->records, "bytes",
				(json_int_t)r->summary->bytes, "base-sha256",
				json_digest(r->manifest->base_digest)));
	if (r->changes)
		json_object_set_new(out, "changes", changes_json(r->changes));
	return out;
}

/* The reasons that matter most first would need sorting: their own order serves, and all are named. */
static void put_reasons(const struct feed_tally *tally)
{
	const char *mark = ": ";

	for (int i = 0; i < FEED_REASON_COUNT; i++) {
		if (tally->skips[i].lines == 0)
			continue;
		fprintf(stderr, "%s%s %s", mark, number(tally->skips[i].lines).text,
			feed_reason_word((enum feed_reason)i));
		mark = ", ";
	}
}

static void put_source(const struct intake *intake)
{
	const struct source *source = intake->source;
	const struct feed_tally *tally = &source->tally;
	uint64_t skipped = feed_tally_skipped(tally);

	if (!intake->read)
		return;
	fputs("sinkhole: ", stderr);
	put_text(stderr, sink_span_text(intake_name(intake)), 200);
	fprintf(stderr, " (%s): %s lines, %s entries, %s comments, %s skipped",
		source->format->word, number(tally->lines).text, number(tally->entries).text,
		number(tally->comments).text, number(skipped).text);
	if (skipped > 0)
		put_reasons(tally);
	fputc('\n', stderr);
}

/* Nobody can force the root in. */
static bool is_root(const struct feed_example *example)
{
	for (size_t i = 0; i < example->len; i++)
		if (example->text[i] != '.' && example->text[i] != '*')
			return false;
	return true;
}

/* The first one that could be forced in, if there is any. */
static const struct feed_example *best_example(const struct feed_skips *skips, uint64_t count)
{
	for (size_t i = 0; i < FEED_EXAMPLES && i < count; i++)
		if (!is_root(&skips->example[i]))
			return &skips->example[i];
	return &skips->example[0];
}

/* What the gate left out deserves a line of its own: it may be a feed gone wrong. */
static void put_gate(const struct report *r, const struct intake *intake, enum feed_reason reason,
	enum gate_check check)
{
	const struct feed_skips *skips = &intake->source->tally.skips[reason];
	uint64_t count = skips->lines + skips->names;
	const struct feed_example *example = best_example(skips, count);

	if (count == 0)
		return;
	fprintf(stderr, "sinkhole: %s left out as %s, such as '", number(count).text,
		feed_reason_word(reason));
	put_text(stderr, sink_span(example->text, example->len), EXAMPLE_SHOWN);
	fputs("' (", stderr);
	put_text(stderr, sink_span_text(intake_title(intake, example->part)), 200);
	fprintf(stderr, ":%llu)", (unsigned long long)example->line);
	if (!r->gate->forced[check] && !is_root(example))
		fprintf(stderr, "; --force=%s takes them", gate_word(check));
	fputc('\n', stderr);
}

void report_sources(const struct report *r)
{
	static const struct {
		enum feed_reason reason;
		enum gate_check check;
	} gates[] = {
		{ FEED_TLD, GATE_TLD },
		{ FEED_SUFFIX, GATE_SUFFIX },
		{ FEED_PROTECTED, GATE_PROTECTED },
		{ FEED_BOGON, GATE_BOGON },
	};

	progress_end();
	for (size_t i = 0; i < r->intakes->count; i++) {
		put_source(&r->intakes->at[i]);
		for (size_t j = 0; j < sizeof gates / sizeof gates[0]; j++)
			put_gate(r, &r->intakes->at[i], gates[j].reason, gates[j].check);
	}
}

/* A source's name, cut to fit into a line. */
struct label {
	char text[100];
};

static struct label label(const struct intake *intake)
{
	struct sink_span name = intake->origin->name;
	struct label out;

	snprintf(out.text, sizeof out.text, "%.*s", (int)(name.len < 80 ? name.len : 80),
		(const char *)name.at);
	return out;
}

/* And what is there of it instead. */
static void say_held(const struct intake *intake)
{
	const struct origin *origin = intake->origin;
	const char *why = intake->source->why_held.text;
	char expired[60] = "", kept_not[60] = "";

	if (origin->kept + origin->kept_not == 0) {
		say("source '%s' held back: %s; it has no last good entries", label(intake).text,
			why);
		return;
	}
	if (origin->expired > 0)
		snprintf(expired, sizeof expired, ", of which %s expired",
			number(origin->expired).text);
	if (origin->kept_not > 0)
		snprintf(kept_not, sizeof kept_not, ", %s is left out by the gate",
			number(origin->kept_not).text);
	say("source '%s' held back: %s; its %s last good entries stay%s%s", label(intake).text, why,
		number(origin->kept).text, expired, kept_not);
}

void report_held(const struct report *r)
{
	progress_end();
	for (size_t i = 0; i < r->intakes->count; i++)
		if (r->intakes->at[i].source->held)
			say_held(&r->intakes->at[i]);
}

void report_refusal(const struct report *r)
{
	const struct intakes *intakes = r->intakes;

	progress_end();
	if (intakes->count == 1) {
		say("%s; nothing published", intakes->at[0].source->why_held.text);
		return;
	}
	for (size_t i = 0; i < intakes->count; i++)
		if (intakes->at[i].source->held)
			say("source '%s' held back: %s", label(&intakes->at[i]).text,
				intakes->at[i].source->why_held.text);
	say("no source remains; nothing published");
}

void report_result(const struct report *r)
{
	if (r->dry_run)
		say("dry run, nothing published: %s names, %s listings, %s duplicates, %s bytes in "
		    "%.1f s",
			number(r->summary->names).text, number(r->summary->listings).text,
			number(r->summary->duplicates).text, number(r->summary->bytes).text,
			r->seconds);
	else
		say("generation %llu published: %s names, %s listings, %s duplicates, %s bytes in "
		    "%.1f s",
			(unsigned long long)r->manifest->serial, number(r->summary->names).text,
			number(r->summary->listings).text, number(r->summary->duplicates).text,
			number(r->summary->bytes).text, r->seconds);
}

/* report_json.c - what a compilation tells programs: the object of --report and --json. */
#include "guard.h"
#include "json.h"
#include "report.h"

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
		"duplicates",
		counted(is_counted,
			source->tally.entries - intake->distinct - intake->origin->crowded.names),
		"subsumed", counted(is_counted, intake->subsumed), "reasons", reasons_json(intake),
		"seconds", intake->seconds);
}

/* What one name had too much of. Lines are not known any more. */
static json_t *crowded_json(const struct intake *intake)
{
	const struct origin *origin = intake->origin;
	json_t *examples = json_array();

	for (size_t i = 0; i < FEED_EXAMPLES && i < origin->crowded_subjects; i++) {
		const struct feed_example *example = &origin->crowded.example[i];

		json_array_append_new(examples,
			json_pack("{s:o,s:o}", "at", json_text(sink_span_text(intake_name(intake))),
				"text", json_text(sink_span(example->text, example->len))));
	}
	return json_pack("{s:I,s:I,s:o}", "listings", (json_int_t)origin->crowded.names, "distinct",
		(json_int_t)origin->crowded_distinct, "examples", examples);
}

/* Of a source and those that share its name: what it had, and what was made of that. */
static json_t *origin_json(const struct intake *intake)
{
	const struct origin *origin = intake->origin;
	enum gate_check check = guard_check(intake->source->held);

	return json_pack("{s:s?,s:o?,s:s?,s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "held",
		origin->held ? guard_word(origin->held) : NULL, "held-why",
		intake->source->held ? json_text(sink_span_text(intake->source->why_held.text))
				     : NULL,
		"override", check == GATE_COUNT ? NULL : gate_word(check), "kept",
		(json_int_t)origin->kept, "kept-expired", (json_int_t)origin->expired, "kept-not",
		(json_int_t)origin->kept_not, "added", counted(origin->judged, origin->added),
		"removed", counted(origin->judged, origin->removed), "crowded",
		crowded_json(intake), "popular", examples_json(intake, &intake->popular));
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

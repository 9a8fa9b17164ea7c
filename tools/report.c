/* report.c - what a compilation tells people, on standard error. */
#include "report.h"

#include "say.h"

#define EXAMPLE_SHOWN 60 /* bytes of an example on a terminal */

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
		if (example->text[i] != '.')
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

/* What one name had too much of. */
static void put_crowd(const struct origin *origin)
{
	const struct feed_example *example = &origin->crowded.example[0];

	if (origin->crowded.names == 0)
		return;
	fputs("sinkhole: source '", stderr);
	put_text(stderr, origin->name, 80);
	fprintf(stderr, "': %s entries left out as more than %d for one name, such as '",
		number(origin->crowded.names).text, SINK_LISTINGS_MAX);
	put_text(stderr, sink_span(example->text, example->len), EXAMPLE_SHOWN);
	if (origin->crowded_distinct == 0)
		fputs("'; no rule can tell\n", stderr);
	else
		fprintf(stderr, "'; rules can tell %s of them from those that stay\n",
			number(origin->crowded_distinct).text);
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
	for (size_t i = 0; i < r->intakes->origins_count; i++)
		put_crowd(&r->intakes->origins[i]);
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

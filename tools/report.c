/* report.c - reports of a compilation. */
#include "report.h"

#include <stdlib.h>

#include "json.h"
#include "say.h"

#define EXAMPLE_SHOWN 60 /* bytes of an example on a terminal */

static json_t *example_json(const struct source *source, const struct feed_example *example)
{
	char at[64];
	json_t *out = json_object();

	snprintf(at, sizeof at, ":%llu", (unsigned long long)example->line);
	json_t *title = json_text(sink_span_text(source_title(source)));
	json_object_set_new(out, "at", json_sprintf("%s%s", json_string_value(title), at));
	json_decref(title);
	json_object_set_new(out, "text", json_text(sink_span(example->text, example->len)));
	return out;
}

static json_t *skips_json(const struct source *source, enum feed_reason reason)
{
	const struct feed_skips *skips = &source->tally.skips[reason];
	uint64_t count = skips->lines + skips->names;
	json_t *examples = json_array();

	for (size_t i = 0; i < FEED_EXAMPLES && i < count; i++)
		json_array_append_new(examples, example_json(source, &skips->example[i]));
	return json_pack("{s:s,s:I,s:I,s:o}", "reason", feed_reason_word(reason), "lines",
		(json_int_t)skips->lines, "names", (json_int_t)skips->names, "examples", examples);
}

static json_t *reasons_json(const struct source *source)
{
	json_t *out = json_array();

	for (int i = 0; i < FEED_REASON_COUNT; i++)
		if (source->tally.skips[i].lines + source->tally.skips[i].names > 0)
			json_array_append_new(out, skips_json(source, (enum feed_reason)i));
	return out;
}

static json_t *duplicates_json(const struct source *source)
{
	if (source->distinct == UINT64_MAX)
		return json_null();
	return json_integer((json_int_t)(source->tally.entries - source->distinct));
}

static json_t *source_json(const struct source *source)
{
	const struct feed_tally *tally = &source->tally;

	return json_pack("{s:o,s:o,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "source",
		json_text(source->attributes.record.text[SINK_FIELD_SOURCE]), "path",
		json_text(sink_span_text(source->path)), "format", source->format->word,
		"recognised", source->recognised, "lines", (json_int_t)tally->lines, "comments",
		(json_int_t)tally->comments, "taken", (json_int_t)tally->taken, "skipped",
		(json_int_t)feed_tally_skipped(tally), "entries", (json_int_t)tally->entries,
		"duplicates", duplicates_json(source), "reasons", reasons_json(source));
}

json_t *report_json(const struct report *r)
{
	json_t *sources = json_array(), *out;

	for (size_t i = 0; i < r->count; i++)
		json_array_append_new(sources, source_json(&r->sources[i]));
	out = json_pack("{s:s,s:o,s:b,s:s?,s:o}", "tool", "sinkhole " SINK_VERSION, "time",
		json_moment(r->time), "dry-run", r->dry_run, "refused", r->refused, "sources",
		sources);
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

static void put_source(const struct source *source)
{
	const struct feed_tally *tally = &source->tally;
	uint64_t skipped = feed_tally_skipped(tally);

	fputs("sinkhole: ", stderr);
	put_text(stderr, sink_span_text(source_title(source)), 200);
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
static void put_gate(const struct report *r, const struct source *source, enum feed_reason reason,
	enum gate_check check)
{
	const struct feed_skips *skips = &source->tally.skips[reason];
	uint64_t count = skips->lines + skips->names;
	const struct feed_example *example = best_example(skips, count);

	if (count == 0)
		return;
	fprintf(stderr, "sinkhole: %s left out as %s, such as '", number(count).text,
		feed_reason_word(reason));
	put_text(stderr, sink_span(example->text, example->len), EXAMPLE_SHOWN);
	fputs("' (", stderr);
	put_text(stderr, sink_span_text(source_title(source)), 200);
	fprintf(stderr, ":%llu)", (unsigned long long)example->line);
	if (!r->gate->forced[check] && !is_root(example))
		fprintf(stderr, "; --force=%s takes them", gate_word(check));
	fputc('\n', stderr);
}

void report_sources(const struct report *r)
{
	progress_end();
	for (size_t i = 0; i < r->count; i++) {
		put_source(&r->sources[i]);
		put_gate(r, &r->sources[i], FEED_TLD, GATE_TLD);
		put_gate(r, &r->sources[i], FEED_SUFFIX, GATE_SUFFIX);
	}
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

/* --- how many listings each source has ------------------------------------------------------------ */

struct counting {
	struct sink_reader *reader;
	struct source *sources;
	size_t count;
	uint64_t *by_record;
	uint32_t records;
};

static int count_listing(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	struct counting *c = arg;

	(void)subject;
	if (listing->record >= c->records)
		return SINK_ECORRUPT;
	c->by_record[listing->record]++;
	return SINK_OK;
}

static struct sink_span source_name(const struct source *source)
{
	return source->attributes.record.text[SINK_FIELD_SOURCE];
}

/* The only source of that name; NULL if there are several. */
static struct source *find_source(struct counting *c, struct sink_span name)
{
	struct source *found = NULL;

	for (size_t i = 0; i < c->count; i++) {
		if (!sink_span_equal(source_name(&c->sources[i]), name))
			continue;
		if (found)
			return NULL;
		found = &c->sources[i];
	}
	return found;
}

static int attribute(struct counting *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (find_source(c, source_name(&c->sources[i])))
			c->sources[i].distinct = 0;
	for (uint32_t id = 0; id < c->records; id++) {
		struct sink_record record;
		struct source *source;
		int err = sink_reader_record(c->reader, id, &record);

		if (err)
			return err;
		source = find_source(c, record.text[SINK_FIELD_SOURCE]);
		if (source)
			source->distinct += c->by_record[id];
	}
	return SINK_OK;
}

int report_count(const struct sink_db *db, struct source *sources, size_t count)
{
	struct counting c = { .sources = sources, .count = count };
	struct sink_summary summary;
	int err;

	sink_db_summary(db, &summary);
	c.records = summary.records;
	c.by_record = calloc(c.records + (size_t)1, sizeof *c.by_record);
	if (!c.by_record)
		return SINK_ENOMEM;
	err = sink_reader_begin(db, &c.reader);
	if (!err)
		err = sink_reader_each(c.reader, count_listing, &c);
	if (!err)
		err = attribute(&c);
	sink_reader_end(c.reader);
	free(c.by_record);
	return err;
}

/* stats_show.c - a page for people, an object for programs, from the same numbers. */
#include "stats_show.h"

#include "paused.h"
#include "say.h"
#include "sinkhole/policy.h"

#define MICROS 1000000

/* What a manifest would say of the pause that is in force.
 *
 * returns  false: none is */
static bool is_paused(const struct told *told, struct sink_manifest *out)
{
	*out = (struct sink_manifest){
		.paused_since = told->stats.generation.paused_since,
		.paused_until = told->stats.generation.paused_until,
	};
	return sink_is_paused(out, told->now);
}

/* All that the module had before it. */
static uint64_t seen(const struct sink_stats *stats)
{
	uint64_t sum = stats->servfail;

	for (int i = 0; i < SINK_ACTION_LISTED; i++)
		sum += stats->actions[i];
	return sum;
}

/* --- for people ------------------------------------------------------------------------------- */

static void put_resolver(const struct told *told)
{
	const struct sink_stats *s = &told->stats;

	printf("resolver %lld with sinkhole.so %s, since %s\n", (long long)s->pid, s->tool,
		moment(s->started / MICROS).text);
	if (s->ended)
		printf("NOT RUNNING: it has ended at %s\n", moment(s->ended / MICROS).text);
	else if (!told->runs)
		printf("NOT RUNNING: it has ended without a word, after %s\n",
			moment(s->written / MICROS).text);
}

static void put_generation(const struct told *told)
{
	const struct sink_stats_generation *g = &told->stats.generation;
	struct sink_manifest pause;

	if (g->serial == 0)
		printf("NOTHING IS FILTERED: no generation is in use\n");
	else
		printf("generation %llu of %s: %s names, %s listings\n",
			(unsigned long long)g->serial, moment(g->time).text, number(g->names).text,
			number(g->listings).text);
	if (is_paused(told, &pause))
		printf("FILTERING IS PAUSED %s: every query is answered unfiltered\n",
			paused_text(&pause).text);
}

static void put_count(uint64_t count, const char *word)
{
	if (count > 0)
		printf("%14s  %s\n", number(count).text, word);
}

static void put_queries(const struct sink_stats *s)
{
	printf("\n%14s  queries that Unbound's cache did not answer, of them\n",
		number(seen(s)).text);
	for (int i = 0; i < SINK_ACTION_LISTED; i++)
		put_count(s->actions[i], sink_action_word((enum sink_action)i));
	put_count(s->servfail, "servfail");
	if (s->monitored > 0)
		printf("%14s  queries that a rule has monitored\n", number(s->monitored).text);
	if (s->failed > 0)
		printf("%14s  names that COULD NOT BE JUDGED, and passed unfiltered\n",
			number(s->failed).text);
}

static void put_span(int64_t span, const char *what)
{
	if (span == SINK_STATS_NOT_YET)
		printf("%14s  %s\n", "not yet", what);
	else
		printf("%11.1f ms  %s\n", (double)span / 1000, what);
}

static void put_reaction(const struct sink_reaction *r)
{
	if (r->serial == 0) {
		printf("\nno generation was published since\n");
		return;
	}
	printf("\ngeneration %llu, published %s", (unsigned long long)r->serial,
		instant(r->published).text);
	if (r->read != 0)
		printf(", %.1f ms after what is new in it was read",
			(double)(r->published - r->read) / 1000);
	printf(", was\n");
	put_span(r->noticed, "noticed");
	put_span(r->in_use, "in use for each query that begins");
	put_span(r->heard, "known to each worker");
	put_span(r->walked, "done with Unbound's caches");
	put_span(r->enforced, "enforced");
	if (r->enforced != SINK_STATS_NOT_YET)
		printf("%14s  record sets and %s messages were removed\n", number(r->sets).text,
			number(r->messages).text);
}

static void put_series(const struct sink_series *series, const char *what)
{
	struct sink_spread spread = sink_series_spread(series);

	if (spread.count > 0)
		printf("published to %s, ms: min %.1f, median %.1f, 95 %% %.1f, max %.1f "
		       "(of %u)\n",
			what, (double)spread.min / 1000, (double)spread.median / 1000,
			(double)spread.p95 / 1000, (double)spread.max / 1000, spread.count);
}

void stats_print(const struct told *told)
{
	put_resolver(told);
	put_generation(told);
	put_queries(&told->stats);
	put_reaction(&told->stats.reaction);
	put_series(&told->stats.in_use, "in use");
	put_series(&told->stats.enforced, "enforced");
}

/* --- for programs ----------------------------------------------------------------------------- */

static void set(json_t *object, const char *key, uint64_t number)
{
	json_object_set_new(object, key, json_integer((json_int_t)number));
}

static json_t *instant_json(int64_t micros)
{
	return micros == 0 ? json_null() : json_string(instant(micros).text);
}

static json_t *span_json(int64_t span)
{
	return span == SINK_STATS_NOT_YET ? json_null() : json_integer(span);
}

static json_t *queries_json(const struct sink_stats *s)
{
	return json_pack("{s:I,s:I,s:I,s:I}", "seen", (json_int_t)seen(s), "servfail",
		(json_int_t)s->servfail, "monitored", (json_int_t)s->monitored, "failed",
		(json_int_t)s->failed);
}

static json_t *actions_json(const struct sink_stats *s)
{
	json_t *out = json_object();

	for (int i = 0; i < SINK_ACTION_LISTED; i++)
		set(out, sink_action_word((enum sink_action)i), s->actions[i]);
	return out;
}

static json_t *read_to_published_json(const struct sink_reaction *r)
{
	return r->read == 0 ? json_null() : json_integer((json_int_t)(r->published - r->read));
}

static json_t *last_json(const struct sink_reaction *r)
{
	if (r->serial == 0)
		return json_null();
	return json_pack("{s:I,s:o,s:o,s:o,s:I,s:I,s:o,s:o,s:o,s:I,s:I}", "generation",
		(json_int_t)r->serial, "read", instant_json(r->read), "read-to-published-us",
		read_to_published_json(r), "published", instant_json(r->published), "noticed-us",
		(json_int_t)r->noticed, "in-use-us", (json_int_t)r->in_use, "heard-us",
		span_json(r->heard), "walked-us", span_json(r->walked), "enforced-us",
		span_json(r->enforced), "record-sets", (json_int_t)r->sets, "messages",
		(json_int_t)r->messages);
}

static json_t *series_json(const struct sink_series *series)
{
	struct sink_spread spread = sink_series_spread(series);

	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "count", (json_int_t)spread.count, "min",
		(json_int_t)spread.min, "median", (json_int_t)spread.median, "p95",
		(json_int_t)spread.p95, "max", (json_int_t)spread.max);
}

static json_t *reaction_json(const struct sink_stats *s)
{
	return json_pack("{s:o,s:o,s:o}", "last", last_json(&s->reaction), "in-use-us",
		series_json(&s->in_use), "enforced-us", series_json(&s->enforced));
}

static void add_generation(json_t *object, const struct told *told)
{
	const struct sink_stats_generation *g = &told->stats.generation;
	struct sink_manifest pause;

	json_object_set_new(object, "generation",
		g->serial ? json_integer((json_int_t)g->serial) : json_null());
	json_object_set_new(object, "time", g->serial ? json_moment(g->time) : json_null());
	set(object, "names", g->names);
	set(object, "listings", g->listings);
	if (is_paused(told, &pause))
		json_object_set_new(object, "paused", paused_json(&pause));
}

void stats_print_json(const struct told *told)
{
	const struct sink_stats *s = &told->stats;
	json_t *out = json_pack("{s:b,s:I,s:s,s:o,s:o,s:o}", "running", told->runs && !s->ended,
		"pid", (json_int_t)s->pid, "tool", s->tool, "started", instant_json(s->started),
		"written", instant_json(s->written), "ended", instant_json(s->ended));

	add_generation(out, told);
	json_object_set_new(out, "queries", queries_json(s));
	json_object_set_new(out, "actions", actions_json(s));
	json_object_set_new(out, "reaction", reaction_json(s));
	json_print(stdout, out, false);
}

/* intake.c - sources by name. */
#include "intake.h"

#include <stdlib.h>

struct sink_span source_name(const struct source *source)
{
	return source->attributes.record.text[SINK_FIELD_SOURCE];
}

/* What is fetched lies in a file that means nothing to anyone. */
const char *intake_name(const struct intake *intake)
{
	return intake->source->fetch ? intake->shown.text : source_title(intake->source);
}

const char *intake_title(const struct intake *intake, uint32_t part)
{
	return part < intake->titles_count && !intake->source->fetch ? intake->titles[part]
								     : intake_name(intake);
}

static int compare(const void *a, const void *b)
{
	return sink_span_compare(((const struct origin *)a)->name,
		((const struct origin *)b)->name);
}

struct origin *intakes_find(const struct intakes *intakes, struct sink_span name)
{
	struct origin wanted = { .name = name };

	return bsearch(&wanted, intakes->origins, intakes->origins_count, sizeof wanted, compare);
}

static void find_origins(struct intakes *intakes, struct source *const *sources, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		intakes->origins[i] =
			(struct origin){ .name = source_name(sources[i]), .max_change = -1 };
	qsort(intakes->origins, count, sizeof *intakes->origins, compare);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || compare(&intakes->origins[i], &intakes->origins[kept - 1]) != 0)
			intakes->origins[kept++] = intakes->origins[i];
	intakes->origins_count = kept;
}

/* Of those that share a name, the strictest counts. */
static void join(struct origin *origin, const struct source *source, double max_change)
{
	if (source->max_change >= 0)
		max_change = source->max_change;
	origin->intakes++;
	if (max_change >= 0 && (origin->max_change < 0 || max_change < origin->max_change))
		origin->max_change = max_change;
}

static void add_intake(struct intakes *intakes, struct source *source, double max_change)
{
	struct intake *intake = &intakes->at[intakes->count++];

	*intake = (struct intake){ .source = source,
		.origin = intakes_find(intakes, source_name(source)),
		.distinct = UINT64_MAX };
	if (source->fetch)
		intake->shown = feedurl_shown(source->url);
	join(intake->origin, source, max_change);
}

int intakes_begin(struct intakes *intakes, struct source *const *sources, size_t count,
	double max_change)
{
	*intakes = (struct intakes){ 0 };
	intakes->at = calloc(count + 1, sizeof *intakes->at);
	intakes->origins = calloc(count + 1, sizeof *intakes->origins);
	if (!intakes->at || !intakes->origins)
		return SINK_ENOMEM;
	find_origins(intakes, sources, count);
	for (size_t i = 0; i < count; i++)
		add_intake(intakes, sources[i], max_change);
	return SINK_OK;
}

void intakes_end(struct intakes *intakes)
{
	for (size_t i = 0; i < intakes->count; i++) {
		struct intake *intake = &intakes->at[i];

		parts_close(intake->parts, NULL);
		for (uint32_t part = 0; part < intake->titles_count; part++)
			free(intake->titles[part]);
		free(intake->titles);
		free(intake->fetched);
	}
	for (size_t i = 0; i < intakes->origins_count; i++) {
		seen_end(&intakes->origins[i].now);
		seen_end(&intakes->origins[i].before);
	}
	free(intakes->at);
	free(intakes->origins);
	*intakes = (struct intakes){ 0 };
}

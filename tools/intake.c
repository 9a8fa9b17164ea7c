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

static int compare_names(struct sink_span a, struct sink_span b)
{
	int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare(const void *a, const void *b)
{
	return compare_names(((const struct origin *)a)->name, ((const struct origin *)b)->name);
}

struct origin *intakes_find(const struct intakes *intakes, struct sink_span name)
{
	struct origin wanted = { .name = name };

	return bsearch(&wanted, intakes->origins, intakes->origins_count, sizeof wanted, compare);
}

static void find_origins(struct intakes *intakes)
{
	size_t kept = 0;

	for (size_t i = 0; i < intakes->count; i++)
		intakes->origins[i] = (struct origin){ .name = source_name(intakes->at[i].source),
			.max_change = -1 };
	qsort(intakes->origins, intakes->count, sizeof *intakes->origins, compare);
	for (size_t i = 0; i < intakes->count; i++)
		if (i == 0 || compare(&intakes->origins[i], &intakes->origins[kept - 1]) != 0)
			intakes->origins[kept++] = intakes->origins[i];
	intakes->origins_count = kept;
}

/* Of those that share a name, the strictest counts. */
static void join(struct intake *intake, double max_change)
{
	struct origin *origin = intake->origin;

	if (intake->source->max_change >= 0)
		max_change = intake->source->max_change;
	origin->intakes++;
	if (max_change >= 0 && (origin->max_change < 0 || max_change < origin->max_change))
		origin->max_change = max_change;
}

int intakes_begin(struct intakes *intakes, struct source *const *sources, size_t count,
	double max_change)
{
	*intakes = (struct intakes){ .count = count };
	intakes->at = calloc(count + 1, sizeof *intakes->at);
	intakes->origins = calloc(count + 1, sizeof *intakes->origins);
	if (!intakes->at || !intakes->origins) {
		intakes->count = 0;
		return SINK_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		intakes->at[i] = (struct intake){ .source = sources[i], .distinct = UINT64_MAX };
		if (sources[i]->fetch)
			intakes->at[i].shown = fetch_shown(sources[i]->url);
	}
	find_origins(intakes);
	for (size_t i = 0; i < count; i++) {
		intakes->at[i].origin = intakes_find(intakes, source_name(sources[i]));
		join(&intakes->at[i], max_change);
	}
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

/* fuzz_config.c - any bytes as a configuration: nothing crashes, a refusal has a reason, problems come in the
 * order of lines, and what is taken holds what config.h promises. */
#include "config.h"
#include "fuzz.h"

#include <stdlib.h>

void fuzz_file(const char *path)
{
	(void)path; /* every file is one */
}

struct seen {
	unsigned long line, column;
	size_t errors;
};

static void see(void *arg, const char *path, unsigned long line, unsigned long column,
	bool is_error, const char *text)
{
	struct seen *seen = arg;

	must(path && text[0] && strlen(text) < SINK_WHY_MAX && line > 0 && column > 0);
	must(line > seen->line || (line == seen->line && column >= seen->column));
	*seen = (struct seen){ line, column, seen->errors + is_error };
}

static void look_at(const struct source *source)
{
	const struct attributes *attributes = &source->attributes;

	must(!!source->path + !!source->url + !!source->command == 1);
	must((source->fetch == FETCH_NONE) == !source->url);
	must(attributes->record.text[SINK_FIELD_SOURCE].len > 0);
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		must(attributes->record.text[f].len == 0 ||
			attributes->record.text[f].at == (const uint8_t *)attributes->text[f]);
	must(source->options.fields_count <= FEED_FIELDS_MAX);
	must(source->config_line > 0);
}

/* What is taken can be published, unless its clients are in files that were not looked at. */
static void look_at_policy(const struct policy *policy)
{
	struct sink_why why;
	uint8_t *bytes;
	size_t len;

	for (size_t i = 0; i < policy->made.groups_count; i++)
		if (policy->made.groups[i].count == 0)
			return;
	if (!policy->has_rules)
		return;
	must(sink_policy_encode(&policy->made, &why, &bytes, &len) == SINK_OK);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = { 0 };
	struct config config;
	int err = config_read_bytes(sink_span(data, size), "dir/file", see, &seen, &config);

	must(err == SINK_OK || err == SINK_ESYNTAX);
	must((err == SINK_OK) == (seen.errors == 0));
	if (err)
		return 0;
	for (size_t i = 0; i < config.count; i++)
		look_at(&config.sources[i]);
	look_at_policy(&config.policy);
	config_end(&config);
	return 0;
}

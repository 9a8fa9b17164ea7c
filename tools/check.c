/* check.c - what is wrong with a configuration, all of it. */
#include "cmd.h"
#include "config.h"
#include "json.h"
#include "say.h"

struct findings {
	json_t *list; /* NULL: they are printed */
	unsigned errors, warnings;
};

static void put_json(struct findings *findings, const char *path, unsigned long line,
	unsigned long column, bool is_error, const char *text)
{
	json_t *one = json_object();

	json_object_set_new(one, "file", json_text(sink_span_text(path)));
	json_object_set_new(one, "line", line ? json_integer((json_int_t)line) : json_null());
	json_object_set_new(one, "column", line ? json_integer((json_int_t)column) : json_null());
	json_object_set_new(one, "severity", json_string(is_error ? "error" : "warning"));
	json_object_set_new(one, "text", json_text(sink_span_text(text)));
	json_array_append_new(findings->list, one);
}

static void find(void *arg, const char *path, unsigned long line, unsigned long column,
	bool is_error, const char *text)
{
	struct findings *findings = arg;

	*(is_error ? &findings->errors : &findings->warnings) += 1;
	if (findings->list)
		put_json(findings, path, line, column, is_error, text);
	else
		config_say(NULL, path, line, column, is_error, text);
}

static void put_count(size_t count, const char *word)
{
	printf(", %zu %s%s", count, word, plural(count));
}

static void summarise(const struct findings *findings, const char *path, size_t sources,
	const struct policy *policy)
{
	put_text(stdout, sink_span_text(path), strlen(path));
	printf(": %u error%s, %u warning%s", findings->errors, plural(findings->errors),
		findings->warnings, plural(findings->warnings));
	if (findings->errors == 0)
		put_count(sources, "source");
	if (policy->has_rules) {
		put_count(policy->made.rules_count, "rule");
		put_count(policy->made.groups_count, "group");
	}
	putchar('\n');
}

/* Paths of one source count once. */
static size_t count_sources(const struct config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->count; i++)
		count += i == 0 ||
			config->sources[i].config_line != config->sources[i - 1].config_line;
	return count;
}

static enum status check(const char *path, bool json)
{
	struct findings findings = { .list = json ? json_array() : NULL };
	struct config config = { 0 };
	int err = config_read(path, find, &findings, &config);

	if (json)
		json_print(stdout, findings.list, false); /* finish_output() judges */
	else if (err == SINK_OK || err == SINK_ESYNTAX)
		summarise(&findings, path, count_sources(&config), &config.policy);
	if (err == SINK_ENOMEM)
		say("no memory");
	config_end(&config);
	return err == SINK_ENOENT ? STATUS_SYSTEM : status_of(err);
}

static enum status take_option(void *arg, int key, const char *value)
{
	bool *json = arg;

	(void)key;
	(void)value;
	*json = true;
	return STATUS_DONE;
}

static enum status check_run(const struct command *self, int argc, char **argv)
{
	bool json = false;
	enum status status;
	int first;

	if (!options_read(self, argc, argv, take_option, &json, &first, &status))
		return status;
	if (first == argc)
		return usage_error(self, "no CONFIG");
	if (argc - first > 1)
		return usage_error(self, "one CONFIG at a time");
	return check(argv[first], json);
}

const struct command cmd_check = {
	.word = "check",
	.operands = "CONFIG",
	.summary = "validate a configuration (sinkhole.yaml), and tell all that is wrong",
	.details =
		"Each problem is FILE:LINE:COLUMN: error or warning, and what was meant. The "
		"keys are in\n"
		"sinkhole.yaml(5). Exit status 0: it can be compiled; 3: there are errors; 4: it "
		"cannot be read.\n",
	.options =
		(const struct option_row[]){
			{ 256, "json", NULL, "as a JSON array" },
			{ 0 },
		},
	.run = check_run,
};

/* stats.c - what the running resolver tells of itself, by the file in its run directory (doc/STATS.md). */
#include "sinkhole/stats.h"

#include <stdlib.h>
#include <time.h>

#include "cmd.h"
#include "say.h"
#include "stats_show.h"

enum key { KEY_RUN = 256, KEY_JSON };

struct choice {
	const char *run; /* NULL: $SINKHOLE_RUN, or the compiled default */
	bool json;
};

static const char *run_directory(const char *option)
{
	const char *environment = getenv("SINKHOLE_RUN");

	if (option)
		return option;
	return environment && *environment ? environment : SINK_RUN_DIR;
}

static enum status take_option(void *arg, int key, const char *value)
{
	struct choice *choice = arg;

	if (key == KEY_RUN)
		choice->run = value;
	else
		choice->json = true;
	return STATUS_DONE;
}

static enum status stats(const struct choice *choice)
{
	struct sink_why why = { "" };
	struct told told = { .now = (int64_t)time(NULL) };
	int err = sink_stats_read(run_directory(choice->run), &why, &told.runs, &told.stats);

	if (err == SINK_ENOENT)
		say("%s: no resolver has written there", why.text);
	else if (err)
		say("%s", why.text);
	else if (choice->json)
		stats_print_json(&told);
	else
		stats_print(&told);
	return status_of(err);
}

static enum status stats_run(const struct command *self, int argc, char **argv)
{
	struct choice choice = { 0 };
	enum status status;
	int first;

	if (!options_read(self, argc, argv, take_option, &choice, &first, &status))
		return status;
	if (first < argc)
		return usage_error(self, "no operand is expected, such as '%s'", argv[first]);
	return stats(&choice);
}

const struct command cmd_stats = {
	.word = "stats",
	.operands = "",
	.summary = "what the running resolver has done: queries, actions, and how soon it took new "
		   "generations",
	.details =
		"The run directory is that of --run, else $SINKHOLE_RUN, else " SINK_RUN_DIR ".\n",
	.options =
		(const struct option_row[]){
			{ KEY_RUN, "run", "DIR", "the run directory" },
			{ KEY_JSON, "json", NULL, "as a JSON object" },
			{ 0 },
		},
	.run = stats_run,
};

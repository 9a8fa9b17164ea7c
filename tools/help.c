/* help.c - help from the rows that also dispatch and parse; formats from the list that also reads. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "feed.h"
#include "gate.h"
#include "say.h"

static void put_option(const struct option_row *row)
{
	char left[64];
	size_t len = 0;

	left[0] = 0;
	if (row->key <= 255)
		len = (size_t)snprintf(left, sizeof left, "-%c%s", row->key, row->word ? ", " : "");
	else
		len = (size_t)snprintf(left, sizeof left, "    ");
	snprintf(left + len, sizeof left - len, "%s%s%s%s", row->word ? "--" : "",
		row->word ? row->word : "", row->arg ? (row->word ? "=" : " ") : "",
		row->arg ? row->arg : "");
	printf("  %-26s %s\n", left, row->help);
}

/* What the other rows of `compile` mean. */
static void put_compile(void)
{
	printf("\nformats:\n");
	for (size_t i = 0; feed_formats[i]; i++)
		printf("  %-10s %s (%s)\n", feed_formats[i]->word, feed_formats[i]->summary,
			feed_formats[i]->scope);
	printf("\nchecks, and what --force=CHECK does instead:\n");
	for (int i = 0; i < GATE_COUNT; i++)
		printf("  %-10s %s\n", gate_word((enum gate_check)i),
			gate_help((enum gate_check)i));
}

void help_command(const struct command *command)
{
	static const struct option_row help = { 'h', "help", NULL, "this text" };

	printf("usage: sinkhole %s [options]%s%s\n\n%s.\n", command->word,
		command->operands[0] ? " " : "", command->operands, command->summary);
	if (command->details)
		printf("\n%s", command->details);
	if (command == &cmd_compile)
		put_compile();
	printf("\noptions:\n");
	for (const struct option_row *row = command->options; row->key || row->word; row++)
		put_option(row);
	put_option(&help);
}

void help_all(void)
{
	printf("usage: sinkhole COMMAND [options]\n\ncommands:\n");
	for (size_t i = 0; commands[i]; i++)
		printf("  %-12s %s\n", commands[i]->word, commands[i]->summary);
	printf("\n'sinkhole help COMMAND' tells more; so does sinkhole(1). Options: --version, "
	       "--help.\n"
	       "The data directory is that of -d, else $SINKHOLE_DIR, else %s.\n"
	       "Exit status: 0 done, 1 the answer is no, 2 usage, 3 bad input or data, 4 system.\n",
		SINK_DATA_DIR);
}

static enum status no_option(void *arg, int key, const char *value)
{
	(void)arg;
	(void)key;
	(void)value;
	return STATUS_USAGE;
}

static enum status help_run(const struct command *self, int argc, char **argv)
{
	const struct command *command;
	enum status status;
	int first;

	if (!options_read(self, argc, argv, no_option, NULL, &first, &status))
		return status;
	if (first == argc) {
		help_all();
		return STATUS_DONE;
	}
	if (argc - first > 1)
		return usage_error(self, "one command at a time");
	command = command_find(argv[first]);
	if (!command)
		return command_unknown(argv[first]);
	help_command(command);
	return STATUS_DONE;
}

const struct command cmd_help = {
	.word = "help",
	.operands = "[COMMAND]",
	.summary = "what commands there are, and what one does",
	.options = (const struct option_row[]){ { 0 } },
	.run = help_run,
};

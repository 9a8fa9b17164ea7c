/* options.c - a command's rows as getopt_long() wants them, and complaints in one line. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "say.h"

#define OPTIONS_MAX 24 /* rows of a command, --help among them */
#define KEY_HELP 'h'

struct parser {
	struct option longs[OPTIONS_MAX + 1];
	char shorts[3 * OPTIONS_MAX];
};

static bool is_row(const struct option_row *row)
{
	return row->key || row->word;
}

static void add(struct parser *p, size_t i, int key, const char *word, bool has_arg)
{
	size_t len = strlen(p->shorts);

	p->longs[i] = (struct option){ .name = word ? word : "",
		.has_arg = has_arg ? required_argument : no_argument,
		.val = key };
	if (key > 255)
		return;
	p->shorts[len++] = (char)key;
	if (has_arg)
		p->shorts[len++] = ':';
}

static void prepare(const struct command *command, struct parser *p)
{
	size_t i = 0;

	memset(p, 0, sizeof *p);
	p->shorts[0] = ':'; /* tell a missing value from an unknown option */
	add(p, i++, KEY_HELP, "help", false);
	for (const struct option_row *row = command->options; is_row(row) && i < OPTIONS_MAX; row++)
		add(p, i++, row->key, row->word, row->arg != NULL);
}

static enum status complain(const struct command *command, int key, const char *text)
{
	if (key == ':')
		return usage_error(command, "option '%s' needs a value", text);
	if (optopt == 0)
		return usage_error(command, "unknown or ambiguous option '%s'", text);
	if (optopt > 255 || (text[0] == '-' && text[1] == '-'))
		return usage_error(command, "option '%s' takes no value", text);
	return usage_error(command, "unknown option '-%c'", optopt);
}

bool options_read(const struct command *command, int argc, char **argv, option_fn *fn, void *arg,
	int *first, enum status *status)
{
	struct parser p;
	int key;

	prepare(command, &p);
	opterr = 0;
	optind = 1;
	*status = STATUS_DONE;
	while ((key = getopt_long(argc, argv, p.shorts, p.longs, NULL)) != -1) {
		if (key == KEY_HELP) {
			help_command(command);
			return false;
		}
		*status = key == '?' || key == ':' ? complain(command, key, argv[optind - 1])
						   : fn(arg, key, optarg);
		if (*status != STATUS_DONE)
			return false;
	}
	*first = optind;
	return true;
}

enum status usage_error(const struct command *command, const char *format, ...)
{
	char text[800];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	say("%s: %s (see 'sinkhole help %s')", command->word, text, command->word);
	return STATUS_USAGE;
}

/* options.c - a command's rows as getopt_long() wants them, and complaints in one line. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "quantity.h"
#include "say.h"

#define KEEP_MAX 10000

#define OPTIONS_MAX 32 /* rows of a command, --help among them */
#define KEY_HELP 'h'
#define KEY_STDIN ',' /* no option: "-,key=value" is standard input, with keys */

struct parser {
	struct option longs[OPTIONS_MAX + 1];
	char shorts[3 * OPTIONS_MAX + 4];
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
	/* tell a missing value from an unknown option; take "-,key=value" whole */
	strcpy(p->shorts, ":,::");
	add(p, i++, KEY_HELP, "help", false);
	for (const struct option_row *row = command->options; is_row(row) && i < OPTIONS_MAX; row++)
		add(p, i++, row->key, row->word, row->arg != NULL);
}

/* Is it one of the command's, given a value that it does not take? */
static bool is_known(const struct parser *p, int key)
{
	return key > 255 || (key != ':' && key != KEY_STDIN && strchr(p->shorts, key));
}

static enum status complain(const struct command *command, const struct parser *p, int key,
	const char *text)
{
	if (key == ':')
		return usage_error(command, "option '%s' needs a value", text);
	if (optopt == 0)
		return usage_error(command, "unknown or ambiguous option '%s'", text);
	if (is_known(p, optopt))
		return usage_error(command, "option '%s' takes no value", text);
	return usage_error(command, "unknown option '-%c'", optopt);
}

/* "-,key=value" is an operand that looks like an option. */
static enum status take_stdin(const struct command *command, char *text, char **out)
{
	if (text[1] != KEY_STDIN) /* within others: "-q," */
		return usage_error(command, "unknown option '-%c'", KEY_STDIN);
	if (*out)
		return usage_error(command, "standard input can be read once");
	*out = text;
	return STATUS_DONE;
}

/* Move it behind the options, before the other operands, as getopt_long() moved those. */
static void move_stdin(char **argv, const char *text, int *first)
{
	int i = *first - 1;
	char *moved;

	while (i > 0 && argv[i] != text)
		i--;
	if (i == 0)
		return;
	moved = argv[i];
	(*first)--;
	memmove(argv + i, argv + i + 1, (size_t)(*first - i) * sizeof *argv);
	argv[*first] = moved;
}

bool options_read(const struct command *command, int argc, char **argv, option_fn *fn, void *arg,
	int *first, enum status *status)
{
	struct parser p;
	char *source = NULL;
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
		if (key == KEY_STDIN)
			*status = take_stdin(command, argv[optind - 1], &source);
		else if (key == '?' || key == ':')
			*status = complain(command, &p, key, argv[optind - 1]);
		else
			*status = fn(arg, key, optarg);
		if (*status != STATUS_DONE)
			return false;
	}
	*first = optind;
	if (source)
		move_stdin(argv, source, first);
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

enum status take_reason(const struct command *command, const char *value, const char **out)
{
	*out = value;
	return is_note(value)
		? STATUS_DONE
		: usage_error(command, "--reason is one line of less than %d bytes", SINK_NOTE_MAX);
}

enum status take_keep(const struct command *command, const char *value, unsigned *out)
{
	uint64_t n;

	if (!quantity_count(value, &n) || n == 0 || n > KEEP_MAX)
		return usage_error(command, "--keep is 1 to %d generations, not '%s'", KEEP_MAX,
			value);
	*out = (unsigned)n;
	return STATUS_DONE;
}

enum status take_for(const struct command *command, const char *value, int64_t *seconds)
{
	return quantity_seconds(value, seconds) && *seconds > 0
		? STATUS_DONE
		: usage_error(command, "--for is a time from 1s on, such as 10m or 2h, not '%s'",
			  value);
}

static enum status take_view_option(void *arg, int key, const char *value)
{
	struct view *view = arg;

	if (key == 'd')
		view->dir = value;
	else
		view->json = true;
	return STATUS_DONE;
}

bool options_read_view(const struct command *command, int argc, char **argv, struct view *out,
	enum status *status)
{
	int first;

	*out = (struct view){ 0 };
	if (!options_read(command, argc, argv, take_view_option, out, &first, status))
		return false;
	if (first == argc)
		return true;
	*status = usage_error(command, "no operand is expected, such as '%s'", argv[first]);
	return false;
}

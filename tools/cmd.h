/* cmd.h - what a command is. Dispatch, help and option parsing come from the same rows. */
#ifndef TOOLS_CMD_H
#define TOOLS_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "sinkhole/err.h"

/* Exit status. 130 and 143 are what the shell shows after SIGINT and SIGTERM. */
enum status {
	STATUS_DONE = 0,
	STATUS_NO = 1, /* the honest answer is "no": not listed, gate refused */
	STATUS_USAGE = 2,
	STATUS_DATA = 3, /* bad input or data */
	STATUS_SYSTEM = 4, /* disk, memory, permission */
};

/* A row of help. `key` is the short option's letter, or a number above 255 where there is none. */
struct option_row {
	int key;
	const char *
		word; /* long option without dashes; NULL: short only. A NULL key and word end rows */
	const char *arg; /* name of its value for help; NULL: it takes none */
	const char *help;
};

struct command {
	const char *word;
	const char *operands; /* for help: "[SOURCE...]" */
	const char *summary;
	const char *details; /* more help, whole lines; may be NULL */
	const struct option_row *options;
	enum status (*run)(const struct command *self, int argc, char **argv);
};

extern const struct command cmd_compile, cmd_apply, cmd_allow, cmd_compact, cmd_check, cmd_fetch,
	cmd_lookup, cmd_generations, cmd_rollback, cmd_pause, cmd_resume, cmd_stats, cmd_info,
	cmd_diff, cmd_keygen, cmd_verify, cmd_export, cmd_selftest, cmd_help;
extern const struct command *const commands[]; /* ended by NULL; in main.c */

/* NULL if there is none of that name. */
const struct command *command_find(const char *word);

/* Complain about an unknown command, proposing the one that is meant. */
enum status command_unknown(const char *word);

/* Called for each option in turn; anything but STATUS_DONE ends it (the message has been printed). */
typedef enum status option_fn(void *arg, int key, const char *value);

/* Read the options of a command; --help is answered here.
 *
 * first    index of the first operand in argv, which is permuted
 * returns  true: go on; false: over, with *status
 */
bool options_read(const struct command *command, int argc, char **argv, option_fn *fn, void *arg,
	int *first, enum status *status);

/* What a command that only shows is asked for. */
struct view {
	const char *dir; /* NULL: for data_directory() to find */
	bool json;
};

/* Read the options of such a command: -d DIR and --json, and no operand.
 *
 * out      written always
 * returns  as options_read()
 */
bool options_read_view(const struct command *command, int argc, char **argv, struct view *out,
	enum status *status);

void help_command(const struct command *command);
void help_all(void);

/* Print one line about wrong usage, and where help is. */
enum status usage_error(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Take the --reason of whatever goes into the history: one line.
 *
 * out      the value itself
 * returns  STATUS_DONE; STATUS_USAGE, told
 */
enum status take_reason(const struct command *command, const char *value, const char **out);

/* Take the --keep of what publishes: a number of generations. As take_reason(). */
enum status take_keep(const struct command *command, const char *value, unsigned *out);

/* Take the --for of what ends by itself: a time from 1 s on. As take_reason(). */
enum status take_for(const struct command *command, const char *value, int64_t *seconds);

/* The status that goes with a code of the library. */
enum status status_of(int err);

#endif

/* main.c - the list of commands, and which one is meant. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "nearest.h"
#include "say.h"

const struct command *const commands[] = { &cmd_compile, &cmd_apply, &cmd_allow, &cmd_check,
	&cmd_fetch, &cmd_lookup, &cmd_generations, &cmd_rollback, &cmd_compact, &cmd_pause,
	&cmd_resume, &cmd_stats, &cmd_info, &cmd_diff, &cmd_keygen, &cmd_verify, &cmd_export,
	&cmd_selftest, &cmd_help, NULL };

const struct command *command_find(const char *word)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->word, word) == 0)
			return commands[i];
	return NULL;
}

enum status command_unknown(const char *word)
{
	struct nearest nearest = nearest_begin(sink_span_text(word));

	for (size_t i = 0; commands[i]; i++)
		nearest_try(&nearest, commands[i]->word);
	if (nearest.word)
		say("unknown command '%s'; did you mean '%s'?", word, nearest.word);
	else
		say("unknown command '%s'; 'sinkhole help' lists the commands", word);
	return STATUS_USAGE;
}

enum status status_of(int err)
{
	switch ((enum sink_err)err) {
	case SINK_OK:
		return STATUS_DONE;
	case SINK_ENOENT:
	case SINK_EUNSIGNED:
		return STATUS_NO;
	case SINK_ESYNTAX:
	case SINK_ETOOLONG:
	case SINK_ECORRUPT:
	case SINK_EVERSION:
		return STATUS_DATA;
	case SINK_ENOMEM:
	case SINK_EIO:
	case SINK_EBUSY:
	case SINK_EOLD:
	case SINK_ECANCELED:
	case SINK_EINVAL:
		break;
	}
	return STATUS_SYSTEM;
}

static enum status run(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		say("no command; 'sinkhole help' lists the commands");
		return STATUS_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("sinkhole %s\n", SINK_VERSION);
		return STATUS_DONE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help_all();
		return STATUS_DONE;
	}
	if (argv[1][0] == '-') {
		say("unknown option '%s'; 'sinkhole help' lists the commands", argv[1]);
		return STATUS_USAGE;
	}
	command = command_find(argv[1]);
	return command ? command->run(command, argc - 1, argv + 1) : command_unknown(argv[1]);
}

int main(int argc, char **argv)
{
	enum status status;

	/* A closed pipe, a limit on the size of files: errors of write(), told like any other. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* A line a write: it is not torn by those of others, and costs no call a character. */
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	status = run(argc, argv);
	if (!finish_output() && status <= STATUS_NO)
		status = STATUS_SYSTEM;
	return (int)status;
}

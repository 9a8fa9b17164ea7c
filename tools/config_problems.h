/* config_problems.h - all that is wrong with a configuration, gathered as it is found and told by line. */
#ifndef TOOLS_CONFIG_PROBLEMS_H
#define TOOLS_CONFIG_PROBLEMS_H

#include "config.h"
#include "sinkhole/span.h"

#define PROBLEMS_MAX 200 /* told; a file with more is no configuration at all */

struct problem {
	unsigned long line, column; /* from 1 */
	size_t order; /* in which they were found */
	bool is_error;
	char *text;
	char *file; /* NULL: the configuration; else what it names there, and where in that: */
	unsigned long file_line, file_column; /* from 1 */
};

struct problems {
	struct problem *at;
	size_t count, room;
	size_t errors;
	bool more; /* there are more than are kept */
	bool no_memory;
};

/* Text is cut to SINK_WHY_MAX bytes. Once there are PROBLEMS_MAX, only `errors` goes on counting. */
void problems_add(struct problems *problems, unsigned long line, unsigned long column,
	bool is_error, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Nothing that is added now would be told: spare the work. */
static inline bool problems_full(const struct problems *problems)
{
	return problems->count >= PROBLEMS_MAX;
}

/* The same of a file that the configuration names at `line` and `column`: told there, as a problem of that file. */
void problems_add_in(struct problems *problems, unsigned long line, unsigned long column,
	const char *file, unsigned long file_line, unsigned long file_column, const char *text);

/* Tell them in the order of lines. */
void problems_tell(struct problems *problems, const char *path, config_problem_fn *fn, void *arg);

void problems_end(struct problems *problems);

/* Text from the file as it stands in a message: cut where it is long. */
struct shown {
	char text[64];
};
struct shown shown(struct sink_span text);

#endif

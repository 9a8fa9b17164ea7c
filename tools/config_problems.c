/* config_problems.c - an array, sorted before it is told. */
#include "config_problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sinkhole/grow.h"
#include "utf8.h"

/* A copy. */
static void add(struct problems *problems, const struct problem *problem)
{
	struct problem *grown;

	problems->errors += problem->is_error;
	if (problems_full(problems)) {
		problems->more = true;
		return;
	}
	grown = sink_grow(problems->at, problems->count, &problems->room, sizeof *problems->at);
	if (!grown) {
		problems->no_memory = true;
		return;
	}
	problems->at = grown;
	grown += problems->count;
	*grown = *problem;
	grown->order = problems->count;
	grown->text = strdup(problem->text);
	grown->file = problem->file ? strdup(problem->file) : NULL;
	problems->count++;
	if (!grown->text || (problem->file && !grown->file))
		problems->no_memory = true;
}

void problems_add(struct problems *problems, unsigned long line, unsigned long column,
	bool is_error, const char *format, ...)
{
	char text[SINK_WHY_MAX];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	add(problems,
		&(struct problem){
			.line = line, .column = column, .is_error = is_error, .text = text });
}

void problems_add_in(struct problems *problems, unsigned long line, unsigned long column,
	const char *file, unsigned long file_line, unsigned long file_column, const char *text)
{
	add(problems,
		&(struct problem){ .line = line,
			.column = column,
			.is_error = true,
			.text = (char *)(uintptr_t)text, /* copied */
			.file = (char *)(uintptr_t)file,
			.file_line = file_line,
			.file_column = file_column });
}

static int compare(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void tell(const struct problem *problem, const char *path, config_problem_fn *fn, void *arg)
{
	if (problem->file)
		fn(arg, problem->file, problem->file_line, problem->file_column, problem->is_error,
			problem->text);
	else
		fn(arg, path, problem->line, problem->column, problem->is_error, problem->text);
}

void problems_tell(struct problems *problems, const char *path, config_problem_fn *fn, void *arg)
{
	const struct problem *last;
	char text[64];

	if (problems->count == 0)
		return;
	qsort(problems->at, problems->count, sizeof *problems->at, compare);
	for (size_t i = 0; i < problems->count; i++)
		tell(&problems->at[i], path, fn, arg);
	if (!problems->more)
		return;
	last = &problems->at[problems->count - 1];
	snprintf(text, sizeof text, "more than %d problems: the others are not told", PROBLEMS_MAX);
	fn(arg, path, last->line, last->column, true, text);
}

void problems_end(struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		free(problems->at[i].text);
		free(problems->at[i].file);
	}
	free(problems->at);
	*problems = (struct problems){ 0 };
}

struct shown shown(struct sink_span text)
{
	struct shown out;
	size_t len = 0, most = sizeof out.text - 4;
	uint32_t c;

	while (len < text.len) {
		size_t n = utf8_take(sink_span(text.at + len, text.len - len), &c);

		n += n == 0;
		if (len + n > most)
			break;
		len += n;
	}
	if (len > 0)
		memcpy(out.text, text.at, len);
	snprintf(out.text + len, sizeof out.text - len, "%s", len < text.len ? "..." : "");
	return out;
}

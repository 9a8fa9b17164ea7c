/* config_problems.c - an array, sorted before it is told. */
#include "config_problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sinkhole/grow.h"
#include "utf8.h"

void problems_add(struct problems *problems, unsigned long line, unsigned long column,
	bool is_error, const char *format, ...)
{
	char text[SINK_WHY_MAX];
	struct problem *grown;
	va_list list;

	problems->errors += is_error;
	if (problems_full(problems)) {
		problems->more = true;
		return;
	}
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	grown = sink_grow(problems->at, problems->count, &problems->room, sizeof *problems->at);
	if (grown) {
		problems->at = grown;
		grown[problems->count] = (struct problem){ .line = line,
			.column = column,
			.order = problems->count,
			.is_error = is_error,
			.text = strdup(text) };
	}
	if (grown && grown[problems->count].text)
		problems->count++;
	else
		problems->no_memory = true;
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

void problems_tell(struct problems *problems, const char *path, config_problem_fn *fn, void *arg)
{
	const struct problem *last;
	char text[64];

	if (problems->count == 0)
		return;
	qsort(problems->at, problems->count, sizeof *problems->at, compare);
	for (size_t i = 0; i < problems->count; i++)
		fn(arg, path, problems->at[i].line, problems->at[i].column,
			problems->at[i].is_error, problems->at[i].text);
	if (!problems->more)
		return;
	last = &problems->at[problems->count - 1];
	snprintf(text, sizeof text, "more than %d problems: the others are not told", PROBLEMS_MAX);
	fn(arg, path, last->line, last->column, true, text);
}

void problems_end(struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		free(problems->at[i].text);
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

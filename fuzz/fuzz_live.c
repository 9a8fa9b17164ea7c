/* fuzz_live.c - any bytes as live changes: nothing crashes, a refusal has a reason, and what is taken is kept in one form,
 * which reads back as the same. */
#include <string.h>

#include "fuzz.h"
#include "live.h"
#include "text.h"

#define NOW INT64_C(1790000000)

void fuzz_file(const char *path)
{
	(void)path; /* every file is one */
}

static struct liveline line, again;

static void compare(const struct sink_change *a, const struct sink_change *b)
{
	must(a->removes == b->removes);
	must(sink_subject_compare(&a->subject, &b->subject) == 0);
	must(a->removes || a->scope == b->scope);
	must(a->record.kind == b->record.kind && a->record.valid_until == b->record.valid_until);
	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		must(sink_span_equal(a->record.text[f], b->record.text[f]));
}

/* returns  is it a change? */
static int try_line(struct sink_span text)
{
	static char form[LIVELINE_MAX], other[LIVELINE_MAX];
	struct sink_why why = { "" };
	int err = liveline_parse(text, NOW, &why, &line);
	size_t len;

	must(err == SINK_OK || err == SINK_ENOENT || err == SINK_ESYNTAX);
	must((err == SINK_ESYNTAX) == (why.text[0] != 0));
	if (err)
		return 0;
	len = liveline_format(&line, form);
	must(len < sizeof form && form[len - 1] == '\n');
	must(liveline_parse(sink_span(form, len - 1), 0, &why, &again) == SINK_OK);
	compare(&line.change, &again.change);
	must(liveline_format(&again, other) == len && memcmp(form, other, len) == 0);
	return 1;
}

/* What is in force when all of them are made, and read again when nothing is. */
static void settle(struct live *live)
{
	const struct sink_live changes = live_of(live);
	struct sink_span first, second;
	struct sink_change change;
	struct live *rest;
	uint8_t *kept;
	size_t count = 0;

	must(changes.take(changes.arg, sink_span(NULL, 0), NULL, &first) == SINK_OK);
	while (changes.next(changes.arg, &change) == SINK_OK)
		count++;
	must(count == live_in_force(live) && count <= live_added(live));
	kept = malloc(first.len + 1);
	must(kept != NULL);
	if (first.len > 0)
		memcpy(kept, first.at, first.len);
	must(live_begin(NOW, &rest) == SINK_OK);
	must(live_of(rest).take(rest, sink_span(kept, first.len), NULL, &second) == SINK_OK);
	must(sink_span_equal(sink_span(kept, first.len), second));
	live_end(rest);
	free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sink_span rest = sink_span(data, size);
	struct live *live;

	must(live_begin(NOW, &live) == SINK_OK);
	while (rest.len > 0)
		if (try_line(text_cut(&rest, '\n')))
			must(live_add(live, &line) == SINK_OK);
	settle(live);
	live_end(live);
	return 0;
}

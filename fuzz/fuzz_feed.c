/* fuzz_feed.c - any bytes at every feed format: nothing crashes, no line gets lost, every name is one. */
#include <stdlib.h>

#include "feed.h"
#include "lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static int take(void *arg, const struct feed_entry *entry)
{
	struct sink_name again;

	(void)arg;
	must(entry->scope < SINK_SCOPE_COUNT && entry->kind < SINK_KIND_COUNT);
	must(sink_name_from_key(sink_name_key(&entry->name), &again) == SINK_OK);
	return FEED_TAKEN;
}

static void read_as(struct lines *lines, const struct feed_format *format)
{
	struct feed_sink sink = { .entry = take };
	struct feed_tally tally = { 0 };

	must(feed_read(lines, format, NULL, &sink, &tally, NULL) == SINK_OK);
	must(tally.lines == tally.comments + tally.taken + feed_tally_skipped(&tally));
	must(tally.entries >= tally.taken);
	must(lines_rewind(lines) == SINK_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct feed_format *format;
	struct lines *lines;
	struct sink_why why;

	if (lines_open_bytes(sink_span(data, size), &why, &lines))
		return 0;
	feed_recognise(sink_span(data, size), true, &why, &format);
	for (size_t i = 0; feed_formats[i]; i++)
		read_as(lines, feed_formats[i]);
	lines_close(lines);
	return 0;
}

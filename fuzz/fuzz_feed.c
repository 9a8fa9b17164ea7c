/* fuzz_feed.c - any bytes at a feed format: nothing crashes, no line gets lost, every name is one.
 *
 * The format is that of $FUZZ_FORMAT or, when files are replayed, of the directory they lie in; without
 * either, every format in turn. */
#include "feed.h"
#include "fuzz.h"
#include "lines.h"

static const struct feed_format *chosen; /* NULL: all */

static void check_prefix(const struct feed_entry *entry)
{
	char text[SINK_PREFIX_TEXT_MAX];
	struct sink_prefix again;

	sink_prefix_to_text(&entry->prefix, text);
	must(sink_prefix_from_text(sink_span_text(text), &again) == SINK_OK);
	must(memcmp(&again, &entry->prefix, sizeof again) == 0);
}

static int take(void *arg, const struct feed_entry *entry)
{
	struct sink_name again;

	(void)arg;
	must(entry->scope < SINK_SCOPE_COUNT && entry->kind < SINK_KIND_COUNT);
	must(entry->trigger < SINK_TRIGGER_COUNT);
	if (sink_trigger_is_prefix(entry->trigger))
		check_prefix(entry);
	else
		must(sink_name_from_key(sink_name_key(&entry->name), &again) == SINK_OK);
	return FEED_TAKEN;
}

static void read_as(struct lines *lines, const struct feed_format *format)
{
	struct feed_sink sink = { .entry = take };
	struct feed_tally tally = { 0 };
	struct sink_why why;
	int err = feed_read(lines, format, NULL, &sink, &tally, &why);

	must(err == SINK_OK || (format->document && err == SINK_ESYNTAX));
	must(tally.lines == tally.comments + tally.taken + feed_tally_skipped(&tally));
	must(tally.entries >= tally.taken);
	must(lines_rewind(lines) == SINK_OK);
}

void fuzz_file(const char *path)
{
	const char *name = strrchr(path, '/');
	const char *dir = name;

	while (dir && dir > path && dir[-1] != '/')
		dir--;
	chosen = dir ? feed_format_find(sink_span(dir, (size_t)(name - dir))) : NULL;
}

static void choose(void)
{
	const char *word = getenv("FUZZ_FORMAT");

	if (!chosen && word) {
		chosen = feed_format_find(sink_span_text(word));
		must(chosen != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct feed_format *format;
	struct lines *lines;
	struct sink_why why;

	if (lines_open_bytes(sink_span(data, size), &why, &lines))
		return 0;
	feed_recognise(sink_span(data, size), true, &why, &format);
	choose();
	for (size_t i = 0; feed_formats[i]; i++)
		if (!chosen || feed_formats[i] == chosen)
			read_as(lines, feed_formats[i]);
	lines_close(lines);
	return 0;
}

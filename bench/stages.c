/* stages.c - what `sinkhole compile` does with a feed, as far as told, for a clock.
 *
 *     stages FORMAT FILE DIR STAGE...
 *
 * Each stage begins anew with the file and goes further than the one before, so that what a stage takes is a difference:
 *     read     the feed's format makes entries
 *     sort     their names are put in order, those asked for; spilled to DIR when there are many
 *     write    what is sorted becomes a database file in DIR, durably
 * Printed is a line a stage: "STAGE SECONDS ENTRIES". */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "feed.h"
#include "lines.h"
#include "sinkhole/writer.h"
#include "sort.h"

#define MEMORY ((size_t)256 << 20) /* as the writer takes */

struct bench {
	const struct feed_format *format;
	const char *file, *dir;
	struct sort *sort;
	struct sink_writer *writer;
	uint32_t record;
	uint64_t entries;
};

/* Read the whole feed; `entry` gets the bench. */
static int read_feed(struct bench *bench, int (*entry)(void *arg, const struct feed_entry *entry))
{
	struct feed_sink sink = { .entry = entry, .arg = bench };
	struct feed_tally tally = { 0 };
	struct sink_why why = { "" };
	struct lines *lines;
	int err = lines_open(bench->file, &why, &lines);

	bench->entries = 0;
	if (!err) {
		err = feed_read(lines, bench->format, NULL, &sink, &tally, &why);
		lines_close(lines);
	}
	if (err)
		fprintf(stderr, "stages: %s: %s\n", bench->file, why.text);
	return err;
}

static int count(void *arg, const struct feed_entry *entry)
{
	struct bench *bench = arg;

	(void)entry;
	bench->entries++;
	return FEED_TAKEN;
}

static int do_read(struct bench *bench)
{
	return read_feed(bench, count);
}

static int add_to_sort(void *arg, const struct feed_entry *entry)
{
	struct bench *bench = arg;

	if (entry->trigger != SINK_TRIGGER_QNAME)
		return FEED_TAKEN;
	bench->entries++;
	return sort_add(bench->sort, sink_name_key(&entry->name), 0);
}

static int do_sort(struct bench *bench)
{
	struct sink_span key;
	uint32_t number;
	int err = sort_begin(bench->dir, MEMORY, &bench->sort);

	if (err)
		return err;
	err = read_feed(bench, add_to_sort);
	if (!err)
		err = sort_finish(bench->sort);
	while (!err)
		err = sort_next(bench->sort, &key, &number);
	sort_end(bench->sort);
	return err == SINK_ENOENT ? SINK_OK : err;
}

static int add_to_writer(void *arg, const struct feed_entry *entry)
{
	struct bench *bench = arg;

	if (entry->trigger != SINK_TRIGGER_QNAME)
		return FEED_TAKEN;
	bench->entries++;
	return sink_writer_add(bench->writer, &entry->name, entry->scope, bench->record);
}

static int do_write(struct bench *bench)
{
	struct sink_writer_options options = { .memory = MEMORY };
	struct sink_record record = { .kind = SINK_KIND_BLOCK };
	struct sink_why why = { "" };
	char path[4096];
	int err;

	record.text[SINK_FIELD_SOURCE] = sink_span_text("bench");
	snprintf(path, sizeof path, "%s/stages.db", bench->dir);
	options.path = path;
	err = sink_writer_begin(&options, &why, &bench->writer);
	if (err)
		return err;
	err = sink_writer_record(bench->writer, &record, &bench->record);
	if (!err)
		err = read_feed(bench, add_to_writer);
	if (err)
		sink_writer_abort(bench->writer);
	else
		err = sink_writer_commit(bench->writer, &why, NULL);
	unlink(path);
	return err;
}

static const struct {
	const char *name;
	int (*run)(struct bench *bench);
} stages[] = {
	{ "read", do_read },
	{ "sort", do_sort },
	{ "write", do_write },
};

#define STAGES (sizeof stages / sizeof stages[0])

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run(struct bench *bench, const char *name)
{
	for (size_t i = 0; i < STAGES; i++) {
		double begin = seconds();
		int err;

		if (strcmp(stages[i].name, name) != 0)
			continue;
		err = stages[i].run(bench);
		if (err)
			fprintf(stderr, "stages: %s: %s\n", name, sink_strerror(err));
		else
			printf("%s %.4f %llu\n", name, seconds() - begin,
				(unsigned long long)bench->entries);
		return err;
	}
	fprintf(stderr, "stages: no stage %s\n", name);
	return SINK_EINVAL;
}

int main(int argc, char **argv)
{
	struct bench bench = { 0 };
	int err = SINK_OK;

	bench.format = argc > 4 ? feed_format_find(sink_span_text(argv[1])) : NULL;
	if (!bench.format) {
		fprintf(stderr, "usage: stages FORMAT FILE DIR STAGE...\n");
		return 2;
	}
	bench.file = argv[2];
	bench.dir = argv[3];
	for (int i = 4; !err && i < argc; i++)
		err = run(&bench, argv[i]);
	return err || fflush(stdout) || ferror(stdout) ? 4 : 0;
}

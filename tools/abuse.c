/* abuse.c - finds the columns of an abuse.ch export by their headings, and hands out rows. */
#include "abuse.h"

#include "table.h"
#include "text.h"

struct map {
	size_t column[ABUSE_VALUES_MAX]; /* of each value; TABLE_COLUMNS_MAX: it has none */
	size_t count; /* columns of a row; 0: no heading yet */
};

static int map_columns(const struct abuse_table *table, const struct table_row *heading,
	struct map *map, struct sink_why *why)
{
	map->count = heading->count;
	for (size_t i = 0; table->columns[i]; i++) {
		size_t n = table_column(heading, sink_span_text(table->columns[i]));

		if (n < heading->count && table_is_twice(heading, n))
			return sink_why(why, SINK_ESYNTAX,
				"line %llu: the heading '%s' stands there twice",
				(unsigned long long)heading->number, table->columns[i]);
		map->column[i] = n < heading->count ? n : TABLE_COLUMNS_MAX;
	}
	return SINK_OK;
}

static bool is_heading(const struct abuse_table *table, const struct table_row *row)
{
	for (size_t i = 0; i < table->needed; i++)
		if (table_column(row, sink_span_text(table->columns[i])) == row->count)
			return false;
	return true;
}

/* Nothing said which columns these are: then their number does, if it is one that was published. */
static bool map_by_count(const struct abuse_table *table, size_t count, struct map *map)
{
	for (size_t i = 0; table->orders[i]; i++) {
		struct table_row row = { .count = 0 };

		while (table->orders[i][row.count]) {
			row.fields[row.count] = sink_span_text(table->orders[i][row.count]);
			row.count++;
		}
		if (row.count == count) {
			map_columns(table, &row, map, NULL);
			return true;
		}
	}
	return false;
}

static int take_values(const struct abuse_table *table, const struct sink_span *values,
	struct sink_span text, const struct feed_out *out)
{
	struct sink_span subject = values[table->subject], detail = sink_span(NULL, 0);
	struct attributes says;
	struct feed_entry entry;
	enum feed_reason reason;

	feed_entry_init(&entry);
	reason = subject.len > 0 ? table->judge(values, &entry, &detail) : FEED_COLUMN;
	if (reason) {
		feed_skip_detail(out, reason, detail, subject.len > 0 ? subject : text);
		return SINK_OK;
	}
	attributes_init(&says);
	if (!table->say(values, &says))
		feed_skip(out, FEED_VALUE, text);
	entry.says = &says;
	return out->entry(out->arg, &entry);
}

static int take_row(const struct abuse_table *table, const struct table_row *row,
	const struct map *map, const struct feed_out *out)
{
	struct sink_span values[ABUSE_VALUES_MAX] = { { NULL, 0 } };

	for (size_t i = 0; table->columns[i]; i++) {
		size_t n = map->column[i];

		values[i] = n < row->count ? text_trim(row->fields[n]) : sink_span(NULL, 0);
		if (text_is(values[i], "None"))
			values[i].len = 0;
	}
	return take_values(table, values, row->text, out);
}

static int judge_row(const struct abuse_table *table, const struct table_row *row, struct map *map,
	const struct feed_document *document, const struct feed_out *out)
{
	if (is_heading(table, row)) /* of files that were put together, or without its '#' */
		return map_columns(table, row, map, document->why);
	if (map->count == 0 && !map_by_count(table, row->count, map))
		return sink_why(document->why, SINK_ESYNTAX,
			"line %llu: no heading before it, and %zu columns: this is no such export",
			(unsigned long long)row->number, row->count);
	if (map->count == row->count)
		return take_row(table, row, map, out);
	feed_skip(out, FEED_COLUMN, row->text);
	return SINK_OK;
}

static int judge_comment(const struct abuse_table *table, const struct table_row *comment,
	struct map *map, struct sink_why *why)
{
	struct table_row heading;

	heading.number = comment->number;
	table_cut(table_comment(comment->text), ',', &heading);
	return is_heading(table, &heading) ? map_columns(table, &heading, map, why) : SINK_OK;
}

int abuse_read(const struct abuse_table *format, const struct feed_document *document,
	const struct feed_out *out)
{
	const struct table_row *row;
	struct map map = { .count = 0 };
	struct table *table;
	int err = table_begin(document->lines, ',', &table);

	if (err)
		return sink_why(document->why, err, "no memory");
	while (!err && (err = table_next(table, &row)) == SINK_OK) {
		out->item(out->arg, row->number);
		if (row->reason)
			feed_skip(out, row->reason, row->text);
		else if (row->comment)
			err = judge_comment(format, row, &map, document->why);
		else
			err = judge_row(format, row, &map, document, out);
	}
	table_end(table);
	return err == SINK_ENOENT ? SINK_OK : err;
}

/* Full dumps came without a heading. */
static bool is_banner(const struct abuse_table *table, struct sink_span line)
{
	return text_starts(table_comment(line), table->banner) && text_has(line, "CSV");
}

bool abuse_begins(const struct abuse_table *table, struct sink_span sample)
{
	bool comment = true;
	struct sink_span line;

	while (comment && table_sample(&sample, &line, &comment)) {
		struct table_row heading;

		table_cut(table_comment(line), ',', &heading);
		if (is_heading(table, &heading) || (comment && is_banner(table, line)))
			return true;
	}
	return false;
}

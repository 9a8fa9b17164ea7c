/* table.h - rows of fields: RFC 4180, and what publishers make of it. Knows nothing of what they mean. */
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include "feed.h"

#define TABLE_COLUMNS_MAX 512
#define TABLE_FIELD_MAX ((size_t)64 << 10) /* bytes, before the last line break in a field */
#define TABLE_ROW_MAX ((size_t)1 << 20) /* bytes, before the last one in a row */

struct table;

/* What stands in one place of a table. */
struct table_row {
	uint64_t number; /* of the line where it begins, from 1 */
	struct sink_span text; /* that line */
	bool comment; /* a blank line, or one that begins with '#': no fields */
	/* FEED_TAKEN, or why it is no row: FEED_QUOTE (one that is not closed, or something behind a closed one),
	 * FEED_TOO_LONG, FEED_CONTROL. No fields then */
	enum feed_reason reason;
	size_t count;
	struct sink_span fields[TABLE_COLUMNS_MAX]; /* without quotes and the blanks around them */
};

/* Begin to read a table.
 *
 * separator  0: that one of , ; tab | which the first row has most of
 * returns    SINK_OK; SINK_ENOMEM
 */
int table_begin(struct lines *lines, char separator, struct table **out);

/* Go on to the next row, comment or mistake. A row that its quotes do not end is given up at a limit or
 * at the end, and reading goes on in the line behind the one where it begins.
 *
 * out      valid until the next call
 * returns  SINK_OK; SINK_ENOENT (no more); as lines_next()
 * cost     linear in the size of the input, whatever is in it
 */
int table_next(struct table *table, const struct table_row **out);

/* NULL is fine. */
void table_end(struct table *table);

/* Cut a line, such as a heading in a comment, into fields.
 *
 * separator  0: as above
 * out        only count and fields are written; count is 0 if it is no row
 */
void table_cut(struct sink_span line, char separator, struct table_row *out);

/* That one of , ; tab | which a line has most of, outside of quotes. */
char table_separator(struct sink_span line);

/* Which column has this heading, in either case? row->count: none. */
size_t table_column(const struct table_row *row, struct sink_span heading);

/* Does another column, behind that one, have its heading too? Then nobody knows which is meant. */
bool table_is_twice(const struct table_row *row, size_t column);

/* Hand out what a sample begins with: comments, and the first row. Blank lines are left out.
 *
 * rest     the sample; what is left of it
 * returns  false: no more
 */
bool table_sample(struct sink_span *rest, struct sink_span *line, bool *comment);

/* What stands behind the '#' of a comment. */
struct sink_span table_comment(struct sink_span line);

#endif

/* table.c - cuts lines into fields; joins lines where a quoted field holds their ends. */
#include "table.h"

#include <stdlib.h>

#include "lines.h"
#include "sinkhole/grow.h"
#include "text.h"

/* Lines, each with a '\n' behind it. The first is where the next row begins; others are there because a quoted
 * field reached into them. If it turns out that it was not meant to, they are read once more.
 *
 * That costs no more than twice the input: a field that reaches through a line shows that the line has an even
 * number of quotation marks, so no field that begins in that line reaches out of it. Hence a mark that
 * stands within an unquoted field, where it means itself, is not allowed in rows of several lines. */
struct table {
	struct lines *lines;
	char separator; /* 0: not known yet */
	uint64_t number; /* of the line at `at` */
	size_t at, end; /* of buffer */
	bool eof;
	bool last_too_long; /* the last line is the beginning of one */
	size_t last; /* where that begins */
	uint8_t *buffer; /* 2 * TABLE_ROW_MAX bytes at most */
	size_t size; /* bytes: of buffer */
	uint8_t *text; /* fields that are not as they are written; no longer than the row */
	size_t room, decoded; /* bytes: of text, in use */
	struct table_row row;
};
_Static_assert(LINE_LENGTH_MAX + 1 < TABLE_ROW_MAX, "a line may not fit behind a row");

static bool is_blank(uint8_t c, char separator)
{
	return c == ' ' || (c == '\t' && separator != '\t');
}

/* --- one line ------------------------------------------------------------------------------------- */

char table_separator(struct sink_span line)
{
	static const char candidates[] = { ',', ';', '\t', '|' };
	size_t count[sizeof candidates] = { 0 }, best = 0;
	bool quoted = false;

	for (size_t i = 0; i < line.len; i++) {
		quoted = quoted != (line.at[i] == '"');
		for (size_t k = 0; k < sizeof candidates && !quoted; k++)
			count[k] += line.at[i] == (uint8_t)candidates[k];
	}
	for (size_t k = 1; k < sizeof candidates; k++)
		if (count[k] > count[best])
			best = k;
	return candidates[best];
}

static bool is_comment(struct sink_span line)
{
	line = text_trim(line);
	return line.len == 0 || line.at[0] == '#';
}

struct sink_span table_comment(struct sink_span line)
{
	line = text_trim(line);
	while (line.len > 0 && line.at[0] == '#')
		line = text_after(line, 1);
	return text_trim(line);
}

/* --- lines, as far as they are needed ------------------------------------------------------------- */

static int append_line(struct table *t)
{
	struct line line;
	uint8_t *buffer;
	int err = t->eof ? SINK_ENOENT : lines_next(t->lines, &line);

	t->eof = err == SINK_ENOENT;
	if (err)
		return err;
	if (t->at > 0 && (t->at > TABLE_ROW_MAX / 2 || t->at == t->end)) {
		memmove(t->buffer, t->buffer + t->at, t->end - t->at);
		t->end -= t->at;
		t->at = 0;
	}
	buffer = sink_grow_by(t->buffer, t->end, &t->size, line.text.len + 1);
	if (!buffer)
		return SINK_ENOMEM;
	t->buffer = buffer;
	t->last = t->end;
	t->last_too_long = line.too_long;
	memcpy(t->buffer + t->end, line.text.at, line.text.len);
	t->buffer[t->end + line.text.len] = '\n';
	t->end += line.text.len + 1;
	return SINK_OK;
}

static struct sink_span first_line(const struct table *t)
{
	struct sink_span rest = sink_span(t->buffer + t->at, t->end - t->at);

	return text_cut(&rest, '\n');
}

/* --- fields --------------------------------------------------------------------------------------- */

/* Where a row is being cut: offsets from its beginning, since its bytes may move. */
struct cut {
	struct table *table;
	size_t at; /* next byte */
	bool several; /* lines */
	bool loose; /* a mark stood where it means itself */
	enum feed_reason reason;
};

static uint8_t byte(const struct cut *c)
{
	return c->table->buffer[c->table->at + c->at];
}

static void skip_blanks(struct cut *c)
{
	while (is_blank(byte(c), c->table->separator))
		c->at++;
}

static bool at_end_of_field(const struct cut *c)
{
	return byte(c) == '\n' || byte(c) == (uint8_t)c->table->separator;
}

/* The field that began at `from` goes on in the next line. */
static int go_on(struct cut *c, size_t from)
{
	struct table *t = c->table;
	int err;

	c->reason = FEED_QUOTE;
	if (c->loose || c->at - from > TABLE_FIELD_MAX || t->last_too_long)
		return SINK_OK;
	if (c->at >= TABLE_ROW_MAX) {
		c->reason = FEED_TOO_LONG;
		return SINK_OK;
	}
	c->several = true;
	if (t->at + c->at < t->end) { /* read already */
		c->reason = FEED_TAKEN;
		return SINK_OK;
	}
	err = append_line(t);
	if (!err && !t->last_too_long)
		c->reason = FEED_TAKEN;
	return err == SINK_ENOENT ? SINK_OK : err;
}

/* Find the closing mark of the field that begins at c->at. *doubled tells of pairs in it. */
static int find_close(struct cut *c, bool *doubled)
{
	size_t from = c->at;
	int err = SINK_OK;

	*doubled = false;
	while (!err && !c->reason) {
		if (byte(c) == '\n') {
			c->at++;
			err = go_on(c, from);
		} else if (byte(c) != '"') {
			c->at++;
		} else if (c->table->buffer[c->table->at + c->at + 1] == '"') {
			c->at += 2;
			*doubled = true;
		} else {
			break;
		}
	}
	return err;
}

/* A copy with one mark where there are two. */
static struct sink_span decode(struct table *t, struct sink_span field)
{
	uint8_t *begin = t->text + t->decoded, *to = begin;

	for (size_t i = 0; i < field.len; i++) {
		*to++ = field.at[i];
		i += field.at[i] == '"';
	}
	t->decoded += (size_t)(to - begin);
	return sink_span(begin, (size_t)(to - begin));
}

/* Offsets of a field, until the row is whole. */
struct extent {
	size_t at, len;
	bool doubled;
};

static int cut_quoted(struct cut *c, struct extent *out)
{
	int err;

	c->at++;
	out->at = c->at;
	err = find_close(c, &out->doubled);
	if (err || c->reason)
		return err;
	out->len = c->at - out->at;
	c->at++;
	skip_blanks(c);
	if (!at_end_of_field(c))
		c->reason = FEED_QUOTE;
	return SINK_OK;
}

static void cut_plain(struct cut *c, struct extent *out)
{
	*out = (struct extent){ .at = c->at };
	for (; !at_end_of_field(c); c->at++) {
		c->loose = c->loose || byte(c) == '"';
		if (!is_blank(byte(c), c->table->separator))
			out->len = c->at + 1 - out->at;
	}
	if (c->loose && c->several)
		c->reason = FEED_QUOTE;
}

static int cut_row(struct cut *c, struct extent *fields, size_t *count)
{
	bool more = true;
	int err = SINK_OK;

	for (*count = 0; more && !err && !c->reason; (*count)++) {
		if (*count == TABLE_COLUMNS_MAX) {
			c->reason = FEED_TOO_LONG;
			return SINK_OK;
		}
		skip_blanks(c);
		if (byte(c) == '"')
			err = cut_quoted(c, &fields[*count]);
		else
			cut_plain(c, &fields[*count]);
		if (err || c->reason)
			break;
		more = byte(c) != '\n';
		c->at++;
	}
	return err;
}

static bool has_control(struct sink_span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.at[i] < 0x20 && text.at[i] != '\t' && text.at[i] != '\n') ||
			text.at[i] == 0x7f)
			return true;
	return false;
}

/* The fields of a row of `len` bytes. */
static int take_fields(struct table *t, size_t len, const struct extent *fields, size_t count)
{
	uint8_t *text = sink_grow_by(t->text, 0, &t->room, len);

	if (!text)
		return SINK_ENOMEM;
	t->text = text;
	t->decoded = 0;
	t->row.count = count;
	for (size_t i = 0; i < count; i++) {
		struct sink_span field = sink_span(t->buffer + t->at + fields[i].at, fields[i].len);

		t->row.fields[i] = fields[i].doubled ? decode(t, field) : field;
	}
	return SINK_OK;
}

/* --- rows ----------------------------------------------------------------------------------------- */

/* Go past the first `len` bytes, which are whole lines. */
static void go_past(struct table *t, size_t len)
{
	struct sink_span passed = sink_span(t->buffer + t->at, len);

	t->at += len;
	while (passed.len > 0) {
		text_cut(&passed, '\n');
		t->number++;
	}
}

static int next_row(struct table *t)
{
	struct extent fields[TABLE_COLUMNS_MAX];
	struct cut cut = { .table = t };
	size_t count = 0;
	int err = cut_row(&cut, fields, &count);

	if (err)
		return err;
	t->row.text = first_line(t); /* it may have moved */
	if (!cut.reason && cut.several && has_control(sink_span(t->buffer + t->at, cut.at)))
		cut.reason = FEED_CONTROL;
	else if (!cut.reason)
		err = take_fields(t, cut.at, fields, count);
	if (err)
		return err;
	t->row.reason = cut.reason;
	go_past(t, cut.reason && cut.reason != FEED_CONTROL ? t->row.text.len + 1 : cut.at);
	return SINK_OK;
}

int table_next(struct table *t, const struct table_row **out)
{
	int err = t->at == t->end ? append_line(t) : SINK_OK;

	if (err)
		return err;
	t->row.number = t->number;
	t->row.text = first_line(t);
	t->row.comment = is_comment(t->row.text);
	t->row.reason = FEED_TAKEN;
	t->row.count = 0;
	*out = &t->row;
	if (t->last_too_long && t->at == t->last)
		t->row.reason = FEED_TOO_LONG;
	else if (has_control(t->row.text))
		t->row.reason = FEED_CONTROL;
	if (t->row.reason)
		t->row.comment = false;
	if (t->row.comment || t->row.reason) {
		go_past(t, t->row.text.len + 1);
		return SINK_OK;
	}
	if (t->separator == 0)
		t->separator = table_separator(t->row.text);
	return next_row(t);
}

int table_begin(struct lines *lines, char separator, struct table **out)
{
	struct table *t = calloc(1, sizeof *t);

	if (!t)
		return SINK_ENOMEM;
	t->lines = lines;
	t->separator = separator;
	t->number = 1;
	*out = t;
	return SINK_OK;
}

void table_end(struct table *t)
{
	if (!t)
		return;
	free(t->buffer);
	free(t->text);
	free(t);
}

/* --- headings ------------------------------------------------------------------------------------- */

static struct sink_span unquoted(struct sink_span field)
{
	field = text_trim(field);
	if (field.len >= 2 && field.at[0] == '"' && field.at[field.len - 1] == '"')
		field = sink_span(field.at + 1, field.len - 2);
	return field;
}

void table_cut(struct sink_span line, char separator, struct table_row *out)
{
	char by = separator ? separator : table_separator(line);
	bool quoted = false;
	size_t from = 0;

	out->count = 0;
	for (size_t i = 0; i <= line.len; i++) {
		quoted = quoted != (i < line.len && line.at[i] == '"');
		if (i < line.len && (quoted || line.at[i] != (uint8_t)by))
			continue;
		if (out->count == TABLE_COLUMNS_MAX)
			break;
		out->fields[out->count++] = unquoted(sink_span(line.at + from, i - from));
		from = i + 1;
	}
	if (quoted || from <= line.len)
		out->count = 0;
}

/* The first column from `at` on that has the heading; row->count: none. */
static size_t column_from(const struct table_row *row, size_t at, struct sink_span heading)
{
	for (; at < row->count; at++) {
		struct sink_span field = text_trim(row->fields[at]);
		size_t k = 0;

		while (k < heading.len && field.len == heading.len &&
			text_lower(field.at[k]) == text_lower(heading.at[k]))
			k++;
		if (k == heading.len && field.len == heading.len)
			break;
	}
	return at;
}

size_t table_column(const struct table_row *row, struct sink_span heading)
{
	return column_from(row, 0, heading);
}

bool table_is_twice(const struct table_row *row, size_t column)
{
	return column_from(row, column + 1, text_trim(row->fields[column])) < row->count;
}

bool table_sample(struct sink_span *rest, struct sink_span *line, bool *comment)
{
	while (rest->len > 0) {
		*line = text_cut(rest, '\n');
		if (line->len > 0 && line->at[line->len - 1] == '\r')
			line->len--;
		if (text_trim(*line).len == 0)
			continue;
		*comment = is_comment(*line);
		return true;
	}
	return false;
}

/* zone.c - master files (RFC 1035, 5.1), as far as lines become records. */
#include "zone.h"

#include <stdlib.h>

#include "text.h"

/* What a byte inside quotation marks becomes at most: \DDD. */
#define GROWTH 4

int zone_begin(struct zone *zone, struct lines *lines)
{
	*zone = (struct zone){ .lines = lines };
	zone->text = malloc(GROWTH * (LINE_LENGTH_MAX + 1 + ZONE_RECORD_MAX));
	zone->tail = malloc(ZONE_RECORD_MAX);
	return zone->text && zone->tail ? SINK_OK : SINK_ENOMEM;
}

void zone_end(struct zone *zone)
{
	free(zone->text);
	free(zone->tail);
	*zone = (struct zone){ 0 };
}

/* Where the reading of a record is. */
struct scan {
	unsigned depth; /* open parentheses */
	bool quoted;
	enum feed_reason reason; /* the first thing that was wrong */
};

static void blame(struct scan *scan, enum feed_reason reason)
{
	if (!scan->reason)
		scan->reason = reason;
}

static void put(struct zone *zone, uint8_t c)
{
	zone->text[zone->len++] = c;
}

/* What would mean something to a parser of one line, within quotation marks. */
static void put_escaped(struct zone *zone, uint8_t c)
{
	put(zone, '\\');
	put(zone, '0');
	put(zone, (uint8_t)('0' + c / 10));
	put(zone, (uint8_t)('0' + c % 10));
}

static void put_parenthesis(struct zone *zone, uint8_t c, struct scan *scan)
{
	if (c == '(')
		scan->depth++;
	else if (scan->depth > 0)
		scan->depth--;
	else
		blame(scan, FEED_SYNTAX);
	put(zone, ' ');
}

/* A byte that no backslash escapes, and that begins no comment. */
static void put_bare(struct zone *zone, uint8_t c, struct scan *scan)
{
	bool is_parenthesis = c == '(' || c == ')';

	if (c == '"')
		scan->quoted = !scan->quoted;
	if (scan->quoted && (is_parenthesis || c == ';'))
		put_escaped(zone, c);
	else if (is_parenthesis)
		put_parenthesis(zone, c, scan);
	else
		put(zone, c);
}

static bool is_control(uint8_t c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f;
}

/* Add one line to the record at hand. */
static void scan_line(struct zone *zone, struct sink_span line, struct scan *scan)
{
	bool escaped = false;

	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = line.at[i];

		if (is_control(c))
			blame(scan, FEED_CONTROL);
		if (!escaped && !scan->quoted && c == ';')
			break;
		if (escaped)
			put(zone, c);
		else
			put_bare(zone, c, scan);
		escaped = !escaped && c == '\\';
	}
	if (escaped)
		blame(scan, FEED_SYNTAX);
	if (scan->quoted)
		blame(scan, FEED_QUOTE);
	scan->quoted = false; /* strings end with their line: else one mark would eat the rest */
	put(zone, ' ');
}

/* --- lines, from the file or once more ------------------------------------------------------------ */

static bool next_replayed(struct zone *zone, struct line *line)
{
	struct sink_span rest =
		sink_span(zone->tail + zone->tail_at, zone->tail_len - zone->tail_at);

	if (rest.len == 0)
		return false;
	*line = (struct line){ .number = zone->tail_number++ };
	line->text = text_cut(&rest, '\n');
	zone->tail_at += line->text.len + 1;
	return true;
}

static int next_line(struct zone *zone, struct line *line)
{
	if (zone->replays && next_replayed(zone, line))
		return SINK_OK;
	zone->replays = false;
	if (!zone->has_pending)
		return lines_next(zone->lines, line);
	*line = zone->pending;
	zone->has_pending = false;
	return SINK_OK;
}

static bool keep_line(struct zone *zone, const struct line *line)
{
	size_t len = line->text.len;

	if (line->too_long || len + 1 > ZONE_RECORD_MAX - zone->tail_len)
		return false;
	if (zone->tail_len == 0)
		zone->tail_number = line->number;
	if (len > 0)
		memcpy(zone->tail + zone->tail_len, line->text.at, len);
	zone->tail[zone->tail_len + len] = '\n';
	zone->tail_len += len + 1;
	return true;
}

/* Read on until the parentheses are closed. If they never are, what was read comes again.
 *
 * first    bytes of the record's first line */
static int scan_on(struct zone *zone, struct scan *scan, size_t first)
{
	struct line line;
	int err = SINK_OK;

	zone->tail_len = zone->tail_at = 0;
	while (scan->depth > 0) {
		err = lines_next(zone->lines, &line);
		if (err)
			break;
		if (!keep_line(zone, &line)) {
			zone->pending = line;
			zone->has_pending = true;
			break;
		}
		scan_line(zone, line.text, scan);
	}
	if (err && err != SINK_ENOENT)
		return err;
	if (scan->depth == 0)
		return SINK_OK;
	blame(scan, err ? FEED_SYNTAX : FEED_TOO_LONG);
	zone->replays = true;
	zone->len = first;
	return SINK_OK;
}

static int read_record(struct zone *zone, const struct line *line, struct zone_record *out)
{
	struct scan scan = { 0 };
	int err = SINK_OK;

	zone->len = 0;
	out->number = line->number;
	if (line->too_long)
		blame(&scan, FEED_TOO_LONG);
	scan_line(zone, line->text, &scan);
	if (line->text.len > 0 && line->text.at[0] == '(')
		blame(&scan, FEED_SYNTAX); /* is it an owner that follows? */
	if (scan.depth > 0 && zone->replays)
		blame(&scan, FEED_SYNTAX);
	else if (scan.depth > 0 && !line->too_long)
		err = scan_on(zone, &scan, zone->len);
	while (zone->len > 0 && text_is_space(zone->text[zone->len - 1]))
		zone->len--;
	out->reason = scan.reason;
	out->text = sink_span(zone->text, zone->len);
	return err;
}

int zone_next(struct zone *zone, struct zone_record *out)
{
	struct line line;
	int err;

	do {
		err = next_line(zone, &line);
		if (!err)
			err = read_record(zone, &line, out);
	} while (!err && !out->reason && out->text.len == 0);
	return err;
}

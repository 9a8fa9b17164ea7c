/* tally.c - a row for each rule that has monitored something; there are few, and they are looked for one by one. */
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>

#include "sinkhole/grow.h"

#define LINE 900 /* bytes of a line's text, well below what mail takes */
#define NAME 200 /* bytes of a name that are shown */

struct row {
	uint64_t count;
	char name[SINK_STRING_MAX + 1];
};

struct tally {
	size_t count, room;
	struct row *rows;
};

struct tally *tally_new(void)
{
	return calloc(1, sizeof(struct tally));
}

void tally_free(struct tally *tally)
{
	if (!tally)
		return;
	free(tally->rows);
	free(tally);
}

static struct row *add_row(struct tally *tally, struct sink_span name)
{
	struct row *rows, *row;

	if (tally->count == SINK_RULES_MAX)
		return NULL;
	rows = sink_grow(tally->rows, tally->count, &tally->room, sizeof *rows);
	if (!rows)
		return NULL;
	tally->rows = rows;
	row = &rows[tally->count++];
	row->count = 0;
	snprintf(row->name, sizeof row->name, "%.*s", (int)name.len, (const char *)name.at);
	return row;
}

static struct row *row_of(struct tally *tally, struct sink_span name)
{
	for (size_t i = 0; i < tally->count; i++)
		if (sink_span_equal(sink_span_text(tally->rows[i].name), name))
			return &tally->rows[i];
	return add_row(tally, name);
}

void tally_add(struct tally *tally, const struct sink_rule *rule, uint64_t count)
{
	struct row *row = row_of(tally, rule->name);

	if (row)
		row->count += count;
}

static void say_line(struct mail *mail, int64_t seconds, const char *rules)
{
	mail_put(mail, false, "monitored in the last %lld seconds, queries by rule: %s",
		(long long)seconds, rules);
}

void tally_say(struct tally *tally, struct mail *mail, int64_t seconds)
{
	char line[LINE + 1] = "";
	size_t len = 0;

	for (size_t i = 0; i < tally->count; i++) {
		char item[NAME + 32];
		size_t more = (size_t)snprintf(item, sizeof item, "'%.*s' %llu", NAME,
			tally->rows[i].name, (unsigned long long)tally->rows[i].count);

		if (len > 0 && len + 2 + more > LINE) {
			say_line(mail, seconds, line);
			len = 0;
		}
		len += (size_t)snprintf(line + len, sizeof line - len, "%s%s", len > 0 ? ", " : "",
			item);
	}
	if (len > 0)
		say_line(mail, seconds, line);
	tally->count = 0;
}

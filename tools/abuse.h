/* abuse.h - what the CSV exports of abuse.ch have in common: comments, a heading that is one of them, "None"
 * for nothing. */
#ifndef TOOLS_ABUSE_H
#define TOOLS_ABUSE_H

#include "feed.h"

#define ABUSE_VALUES_MAX 16

struct abuse_table {
	const char *banner; /* stands in a comment of such a file, with "CSV" in it or behind it */
	/* Columns that are used; the first ones must be in a heading, else it is none. Ended by NULL */
	const char *const *columns;
	size_t needed;
	/* All columns in the order in which they were published at some time, to be told by their number where
	 * there is no heading. Each ended by NULL, and so are they */
	const char *const *const *orders;
	size_t subject; /* which of them holds what is listed */
	/* Both are given a row's values in the order of `columns`; empty where there is none, or it says "None".
	 *
	 * What is listed, if it is: trigger, scope and name or prefix. *detail, empty at first, may tell which one of
	 * the reason's kind it is */
	enum feed_reason (*judge)(const struct sink_span *values, struct feed_entry *entry,
		struct sink_span *detail);
	/* What the row says of it; false: some value could not be had */
	bool (*say)(const struct sink_span *values, struct attributes *says);
};

/* The document() and begins() of such a format. */
int abuse_read(const struct abuse_table *table, const struct feed_document *document,
	const struct feed_out *out);
bool abuse_begins(const struct abuse_table *table, struct sink_span sample);

#endif

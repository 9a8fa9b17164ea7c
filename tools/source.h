/* source.h - one SOURCE of `compile`: where a feed is, how to read it, what it says of its entries. */
#ifndef TOOLS_SOURCE_H
#define TOOLS_SOURCE_H

#include "attributes.h"
#include "feed.h"
#include "lines.h"

/* Why a source was held back: its last good entries stay in the place of what it says now. */
enum source_held {
	SOURCE_TAKEN,
	SOURCE_UNREADABLE, /* not there, not to be read, cut short, not in its format */
	SOURCE_EMPTY, /* no entry, where there was one before; an HTML page */
	SOURCE_ERRORS, /* most of its lines are bad */
	SOURCE_POPULAR, /* it lists a popular name */
	SOURCE_CHANGE, /* more of it came and went than may */
	SOURCE_LIMIT, /* more bytes, lines or entries than it may have */
	SOURCE_HELD_COUNT
};

struct source_limits {
	uint64_t bytes, lines, entries; /* 0: the default */
	unsigned seconds; /* of fetching; 0: the default */
};

/* Where it comes from if it is fetched (fetch.h); a configuration says so. */
enum fetch_kind { FETCH_NONE, FETCH_URL, FETCH_TAXII, FETCH_MISP };

struct source {
	char *path; /* a file, a directory of files, "-": standard input; NULL: fetched or a command */
	char *url, *command; /* NULL: neither */
	enum fetch_kind fetch;
	char *token_file; /* NULL: none */
	char *licence; /* NULL: not said */
	int64_t refresh; /* seconds between fetches; 0: the default */
	int64_t valid_for; /* seconds; 0: entries last until they are no longer listed */
	double max_change; /* per cent; negative: as the guards say */
	struct source_limits limits;
	unsigned long
		config_line; /* where the configuration begins with it; 0: it is an argument */
	enum source_held held;
	struct sink_why why_held;
	const struct feed_format *format; /* NULL until recognised */
	bool recognised; /* by content: nobody named it */
	struct attributes attributes;
	struct feed_options options;
	bool has_columns, has_fields; /* which of the two keys said options.fields */
	struct lines *lines; /* NULL unless open */
	struct feed_tally tally;
};

/* Nothing said yet; source_end() takes it. Its attributes point into itself: it must not be moved. */
void source_init(struct source *source);

/* Read "[FORMAT:]PATH[,key=value...]", where keys are those of sourcekeys.h.
 *
 * returns  SINK_OK; SINK_ESYNTAX; SINK_ENOMEM
 */
int source_parse(const char *text, struct sink_why *why, struct source *out);

/* Find the format of an open input by its beginning, unless somebody named one.
 *
 * title    how messages name it
 * returns  SINK_OK; SINK_ESYNTAX (not recognised)
 */
int source_recognise(struct source *source, const struct lines *lines, const char *title,
	struct sink_why *why);

/* How whoever knows the format can say it: "write FORMAT:list.txt if you know". */
struct format_hint {
	char text[240];
};
struct format_hint source_format_hint(const struct source *source, const char *title);

/* Where the path stands in "[FORMAT:]PATH[,key=value...]".
 *
 * returns  the part, borrowed from `text`; a comma in it still has its backslash
 */
struct sink_span source_path_part(const char *text);

/* Open it and find its format.
 *
 * returns  SINK_OK; as lines_open(); SINK_ESYNTAX (not recognised)
 */
int source_open(struct source *source, struct sink_why *why);

/* Close it and forget its path, or whatever it has instead. */
void source_end(struct source *source);

/* How messages name it: its path, "standard input", its URL or its command. */
const char *source_title(const struct source *source);

#endif

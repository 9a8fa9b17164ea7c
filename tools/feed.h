/* feed.h - what a feed format is. One object a format, listed in feeds/formats.c; help, tests and the
 * fuzzer walk that list. A format turns a line into entries: it knows no files and no globals, and
 * allocates nothing. What ambiguous lines mean is decided in doc/FEEDS.md. */
#ifndef TOOLS_FEED_H
#define TOOLS_FEED_H

#include "sinkhole/err.h"
#include "sinkhole/name.h"
#include "sinkhole/record.h"

struct lines;

/* Why something in a feed is no entry. Its word stands in reports: add, do not rename. */
enum feed_reason {
	FEED_TAKEN, /* no reason: it is an entry */
	FEED_CONTROL,
	FEED_TOO_LONG,
	FEED_NOT_NAME,
	FEED_IDNA,
	FEED_NAME_LENGTH,
	FEED_ADDRESS,
	FEED_URL,
	FEED_PORT,
	FEED_USERINFO,
	FEED_WILDCARD,
	FEED_FIELDS,
	FEED_NO_ADDRESS,
	FEED_NO_NAME,
	FEED_REAL_ADDRESS,
	FEED_LOCAL_NAME,
	FEED_PATH,
	FEED_REGEX,
	FEED_PATTERN,
	FEED_COSMETIC,
	FEED_MODIFIER,
	FEED_EXCEPTION,
	FEED_CONDITIONAL,
	FEED_INCLUDE,
	FEED_WITHDRAWAL,
	FEED_WITHDRAWN,
	FEED_TLD,
	FEED_SUFFIX,
	FEED_REASON_COUNT
};

/* A constant string such as "not a domain name". */
const char *feed_reason_word(enum feed_reason reason);

struct feed_entry {
	struct sink_name name;
	enum sink_scope scope;
	enum sink_kind kind;
	bool withdraws; /* no entry: it takes back those that are equal in all else (AdBlock $badfilter) */
	uint8_t form; /* how it was written, where that matters for being equal; else 0 */
};

/* Where a format puts what it finds in a line. */
struct feed_out {
	/* returns  SINK_OK; another code ends the feed, and line() returns it */
	int (*entry)(void *arg, const struct feed_entry *entry);
	void (*skip)(void *arg, enum feed_reason reason, struct sink_span what);
	void *arg;
};

/* What a format may remember from one line to the next. All zero before the first. */
struct feed_state {
	unsigned conditions; /* AdBlock !#if that are open */
};

/* What a line says about the format of the file it stands in. */
enum feed_sign {
	FEED_SIGN_NONE,
	FEED_SIGN_FITS, /* it could stand in such a file */
	FEED_SIGN_PROVES, /* it is meant for this format */
	FEED_SIGN_DECIDES, /* it names the format: a header */
};

struct feed_format {
	const char *word; /* as users type it */
	const char *summary; /* for help */
	const char *scope; /* for help: how far its entries reach */
	bool holds_others; /* files in it hold lines of the other formats by right */
	bool withdraws; /* entries may be taken back by later lines: needs two passes */
	/* A line without its end, without control characters but tabs. Calls neither of `out` for
	 * comments and blank lines; else either or both, once for each name in the line. */
	int (*line)(struct sink_span line, struct feed_state *state, const struct feed_out *out);
	enum feed_sign (*sign)(struct sink_span line);
};

extern const struct feed_format feed_domains, feed_hosts, feed_adblock;
extern const struct feed_format *const feed_formats[]; /* ended by NULL */

/* NULL if there is none of that name. */
const struct feed_format *feed_format_find(struct sink_span word);

/* Find the format of a file from its beginning (doc/FEEDS.md, "Recognition").
 *
 * sample   the first lines
 * whole    there is no more than the sample
 * why      may be NULL
 * returns  SINK_OK; SINK_ESYNTAX (nothing fits, or more than one does)
 */
int feed_recognise(struct sink_span sample, bool whole, struct sink_why *why,
	const struct feed_format **out);

#define FEED_EXAMPLES 3 /* of each reason, the first ones */
#define FEED_EXAMPLE_MAX 120 /* bytes of each */

struct feed_example {
	uint64_t line; /* from 1 */
	uint8_t len;
	uint8_t text[FEED_EXAMPLE_MAX];
};

struct feed_skips {
	uint64_t lines; /* that gave nothing, for this reason */
	uint64_t names; /* left out of lines that count elsewhere */
	struct feed_example example[FEED_EXAMPLES];
};

/* Every line is accounted for: lines = comments + taken + the sum of skips[].lines. */
struct feed_tally {
	uint64_t lines;
	uint64_t comments; /* and blank lines and headers */
	uint64_t taken; /* lines with at least one entry */
	uint64_t entries;
	struct feed_skips skips[FEED_REASON_COUNT];
};

uint64_t feed_tally_skipped(const struct feed_tally *tally); /* lines */

/* Who wants the entries of a whole feed. */
struct feed_sink {
	/* returns  FEED_TAKEN; another reason: it was left out, and counted; a negative code: stop */
	int (*entry)(void *arg, const struct feed_entry *entry);
	/* Told of everything that is left out, `entry`'s own reasons included; may be NULL. */
	void (*skip)(void *arg, enum feed_reason reason, struct sink_span what);
	void (*tick)(void *arg, const struct feed_tally *tally); /* now and then; may be NULL */
	void *arg;
};

/* Read a feed to its end. A bad line never stops it.
 *
 * tally    all zero before; right also after a failure
 * returns  SINK_OK; SINK_EIO, SINK_ETOOLONG (see lines.h); what `entry` returned
 */
int feed_read(struct lines *lines, const struct feed_format *format, const struct feed_sink *sink,
	struct feed_tally *tally);

#endif

/* feed.h - what a feed format is. One object a format, listed in feeds/formats.c; help, tests and the
 * fuzzer walk that list. A format turns lines, or a whole document, into entries: it opens no file and
 * has no globals. What ambiguous input means is decided in doc/FEEDS.md. */
#ifndef TOOLS_FEED_H
#define TOOLS_FEED_H

#include "attributes.h"
#include "sinkhole/err.h"
#include "sinkhole/name.h"
#include "sinkhole/prefix.h"
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
	/* of formats that carry more than names */
	FEED_PREFIX_BITS,
	FEED_FORWARD,
	FEED_OPTION,
	FEED_ZONE_TYPE,
	FEED_RECORD_TYPE,
	FEED_OUT_OF_ZONE,
	FEED_DIRECTIVE,
	FEED_SYNTAX,
	FEED_TRIGGER,
	FEED_ACTION,
	FEED_QUOTE,
	FEED_COLUMN,
	FEED_VALUE_TYPE,
	FEED_VALUE,
	FEED_TOO_DEEP,
	FEED_DUPLICATE_KEY,
	FEED_INDICATOR_TYPE,
	FEED_NOT_FOR_DETECTION,
	FEED_DELETED,
	FEED_REVOKED,
	FEED_EXPIRED,
	FEED_STIX_PATTERN,
	FEED_FUZZY,
	/* of the gate */
	FEED_TLD,
	FEED_SUFFIX,
	FEED_PROTECTED,
	FEED_BOGON,
	FEED_REASON_COUNT
};

/* A constant string such as "not a domain name". */
const char *feed_reason_word(enum feed_reason reason);

struct feed_entry {
	enum sink_trigger trigger;
	struct sink_name name; /* valid unless the trigger is about prefixes */
	struct sink_prefix prefix; /* valid if it is */
	enum sink_scope scope; /* EXACT for prefixes */
	enum sink_kind kind;
	bool withdraws; /* no entry: it takes back those that are equal in all else (AdBlock $badfilter) */
	uint8_t form; /* how it was written, where that matters for being equal; else 0 */
	/* What it says of itself, over what its source says of all; NULL: nothing. Borrowed for the call */
	const struct attributes *says;
};

/* Is it no entry that anybody wrote, but where a wildcard of its zone ends (SINK_HINT_STOP)? Such are passed on, judged
 * by no gate and counted nowhere. */
static inline bool feed_is_stop(const struct feed_entry *entry)
{
	return entry->says && entry->says->record.hint == SINK_HINT_STOP;
}

/* A block of a name and all below it, that says nothing; the name is not touched. */
void feed_entry_init(struct feed_entry *entry);

/* Where a format puts what it finds. */
struct feed_out {
	/* Stops, if there are any, come behind all else: they belong to no item.
	 *
	 * returns  SINK_OK; another code ends the feed, and the format returns it */
	int (*entry)(void *arg, const struct feed_entry *entry);
	/* detail   which one of the reason's kind, such as the modifier "third-party"; may be empty */
	void (*skip)(void *arg, enum feed_reason reason, struct sink_span detail,
		struct sink_span what);
	/* For documents: an item begins (a record, an object, an attribute); what entry() and skip() are told
	 * from here on belongs to it. An item of which neither is told counts as a comment.
	 *
	 * number   for messages: of the line where it begins, or of the item, from 1 */
	void (*item)(void *arg, uint64_t number);
	void *arg;
};

static inline void feed_skip(const struct feed_out *out, enum feed_reason reason,
	struct sink_span what)
{
	out->skip(out->arg, reason, sink_span(NULL, 0), what);
}

static inline void feed_skip_detail(const struct feed_out *out, enum feed_reason reason,
	struct sink_span detail, struct sink_span what)
{
	out->skip(out->arg, reason, detail, what);
}

/* What a format may remember from one line to the next. All zero before the first. */
struct feed_state {
	unsigned
		conditions; /* AdBlock: !#if that are open; Unbound: in a clause other than server: */
};

/* How a table is to be read, where the user says so: which column or path each key is taken from. */
#define FEED_FIELDS_MAX 24

struct feed_field {
	char key[16]; /* "name", "prefix", or a key of attributes.h */
	char from
		[128]; /* csv: a column's number from 1, or its heading; json: a path such as "data.host" */
};

struct feed_options {
	struct feed_field fields[FEED_FIELDS_MAX];
	size_t fields_count;
	char items
		[128]; /* json: path of the array that holds the entries; empty: found by the format */
	char separator; /* csv: 0: found by the format */
	int64_t now; /* seconds since 1970: the time of the compilation; what is over by then is skipped */
};

/* A whole input. */
struct feed_document {
	struct lines
		*lines; /* lines_next() or lines_take(); lines_rewind() works, whatever the input */
	const struct feed_options *options;
	struct sink_why *why; /* to explain SINK_ESYNTAX; never NULL */
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
	/* One of these two, the other is NULL.
	 *
	 * A line without its end, without control characters but tabs. Calls neither of `out` for
	 * comments and blank lines; else either or both, once for each name in the line. */
	int (*line)(struct sink_span line, struct feed_state *state, const struct feed_out *out);
	/* A whole input, item by item. Bytes are as they came.
	 *
	 * returns  SINK_OK; SINK_ESYNTAX (not such a document, or damaged: the whole feed is bad; document->why
	 *          says where and why); SINK_ENOMEM; what lines_*() or out->entry() returned */
	int (*document)(const struct feed_document *document, const struct feed_out *out);
	/* What a line says about the format; NULL: no line does. */
	enum feed_sign (*sign)(struct sink_span line);
	/* Does a file that begins so hold this format? For documents that are not told line by line; NULL: sign()
	 * tells. At most LINES_BUFFER bytes, which may end anywhere. */
	bool (*begins)(struct sink_span sample);
};

extern const struct feed_format feed_domains, feed_hosts, feed_adblock, feed_dnsmasq, feed_unbound,
	feed_rpz, feed_urlhaus, feed_threatfox, feed_misp, feed_stix, feed_metamask, feed_csv,
	feed_json, feed_jsonl;
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
	uint32_t part; /* of the tally, when it was found */
	uint8_t len;
	uint8_t text[FEED_EXAMPLE_MAX];
};

struct feed_skips {
	uint64_t lines; /* that gave nothing, for this reason */
	uint64_t names; /* left out of lines that count elsewhere */
	struct feed_example example[FEED_EXAMPLES];
};

#define FEED_DETAILS 64 /* distinct ones counted by name; the others are counted under "others" */
#define FEED_DETAIL_MAX 32 /* bytes of each */

struct feed_detail {
	enum feed_reason reason;
	uint8_t len;
	uint8_t text[FEED_DETAIL_MAX];
	uint64_t count;
};

/* Every line (of a document: item) is accounted for: lines = comments + taken + the sum of skips[].lines. */
struct feed_tally {
	uint32_t part; /* which of several inputs is at hand: whoever reads them says so */
	uint64_t number; /* of the line or item at hand */
	uint64_t lines;
	uint64_t comments; /* and blank lines and headers */
	uint64_t taken; /* lines with at least one entry */
	uint64_t entries;
	struct feed_skips skips[FEED_REASON_COUNT];
	struct feed_detail details[FEED_DETAILS];
	size_t details_count;
	uint64_t details_others[FEED_REASON_COUNT];
};

uint64_t feed_tally_skipped(const struct feed_tally *tally); /* lines */

/* Keep the first few of what is counted: `nth`, from 0, is how many there were before. */
void feed_example_add(struct feed_skips *skips, uint64_t nth, const struct feed_tally *tally,
	struct sink_span text);

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
 * options  NULL: none
 * tally    all zero before, or what an earlier part left: it adds up; right also after a failure
 * why      may be NULL; without the input's name
 * returns  SINK_OK; SINK_EIO, SINK_ETOOLONG (see lines.h); SINK_ESYNTAX, SINK_ENOMEM (a document that cannot
 *          be read, or an archive that is damaged), all of them with `why`; what `entry` returned
 */
int feed_read(struct lines *lines, const struct feed_format *format,
	const struct feed_options *options, const struct feed_sink *sink, struct feed_tally *tally,
	struct sink_why *why);

#endif

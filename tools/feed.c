/* feed.c - reading a whole feed: every line to its format, every outcome counted. */
#include "feed.h"

#include "lines.h"
#include "text.h"

#define TICK 8192 /* lines */

static const char *const words[] = {
	[FEED_TAKEN] = "taken",
	[FEED_CONTROL] = "control character",
	[FEED_TOO_LONG] = "line too long",
	[FEED_NOT_NAME] = "not a domain name",
	[FEED_IDNA] = "not a domain name (IDNA)",
	[FEED_NAME_LENGTH] = "name or label too long",
	[FEED_ADDRESS] = "address",
	[FEED_URL] = "URL",
	[FEED_PORT] = "port",
	[FEED_USERINFO] = "user information",
	[FEED_WILDCARD] = "wildcard",
	[FEED_FIELDS] = "more than one field",
	[FEED_NO_ADDRESS] = "no address in front",
	[FEED_NO_NAME] = "address without a name",
	[FEED_REAL_ADDRESS] = "real address",
	[FEED_LOCAL_NAME] = "local name",
	[FEED_PATH] = "path",
	[FEED_REGEX] = "regular expression",
	[FEED_PATTERN] = "URL pattern",
	[FEED_COSMETIC] = "cosmetic rule",
	[FEED_MODIFIER] = "modifier that narrows the rule",
	[FEED_EXCEPTION] = "exception that DNS cannot express",
	[FEED_CONDITIONAL] = "conditional (!#if)",
	[FEED_INCLUDE] = "include directive",
	[FEED_WITHDRAWAL] = "withdraws another rule ($badfilter)",
	[FEED_WITHDRAWN] = "withdrawn by $badfilter",
	[FEED_TLD] = "top-level domain",
	[FEED_SUFFIX] = "public suffix",
};
_Static_assert(sizeof words / sizeof words[0] == FEED_REASON_COUNT, "a reason has no word");

const char *feed_reason_word(enum feed_reason reason)
{
	return (unsigned)reason < FEED_REASON_COUNT ? words[reason] : "?";
}

uint64_t feed_tally_skipped(const struct feed_tally *tally)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < FEED_REASON_COUNT; i++)
		sum += tally->skips[i].lines;
	return sum;
}

/* One feed being read, and what the line at hand gave so far. */
struct reading {
	const struct feed_sink *sink;
	struct feed_tally *tally;
	uint64_t number; /* of the line */
	uint64_t entries; /* from this line */
	bool skipped; /* something of this line was left out */
	enum feed_reason first; /* the first reason of this line */
};

static void add_example(struct feed_skips *skips, uint64_t number, struct sink_span text)
{
	uint64_t nth = skips->lines + skips->names;
	struct feed_example *example;

	if (nth >= FEED_EXAMPLES)
		return;
	example = &skips->example[nth];
	example->line = number;
	example->len = (uint8_t)(text.len < FEED_EXAMPLE_MAX ? text.len : FEED_EXAMPLE_MAX);
	memcpy(example->text, text.at, example->len);
}

/* Counted as a name for now; if the line gives nothing at all, its first reason becomes the line's. */
static void skip(void *arg, enum feed_reason reason, struct sink_span what)
{
	struct reading *r = arg;
	struct feed_skips *skips = &r->tally->skips[reason];

	add_example(skips, r->number, what);
	skips->names++;
	if (r->sink->skip)
		r->sink->skip(r->sink->arg, reason, what);
	if (!r->skipped)
		r->first = reason;
	r->skipped = true;
}

static int take(void *arg, const struct feed_entry *entry)
{
	struct reading *r = arg;
	int reason = r->sink->entry(r->sink->arg, entry);
	char text[SINK_TEXT_MAX];

	if (reason < 0)
		return reason;
	if (reason == FEED_TAKEN) {
		r->entries++;
		return SINK_OK;
	}
	sink_name_to_text(&entry->name, text);
	skip(r, (enum feed_reason)reason, sink_span_text(text));
	return SINK_OK;
}

static void settle(struct reading *r)
{
	struct feed_tally *tally = r->tally;

	tally->entries += r->entries;
	if (r->entries > 0) {
		tally->taken++;
	} else if (r->skipped) {
		tally->skips[r->first].names--;
		tally->skips[r->first].lines++;
	} else {
		tally->comments++;
	}
}

static bool has_control(struct sink_span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.at[i] < 0x20 && text.at[i] != '\t') || text.at[i] == 0x7f)
			return true;
	return false;
}

static int read_line(const struct line *line, const struct feed_format *format,
	struct feed_state *state, struct reading *r)
{
	struct feed_out out = { .entry = take, .skip = skip, .arg = r };
	int err = SINK_OK;

	r->number = line->number;
	r->entries = 0;
	r->skipped = false;
	r->tally->lines++;
	if (line->too_long)
		skip(r, FEED_TOO_LONG, line->text);
	else if (has_control(line->text))
		skip(r, FEED_CONTROL, line->text);
	else
		err = format->line(line->text, state, &out);
	settle(r);
	return err;
}

int feed_read(struct lines *lines, const struct feed_format *format, const struct feed_sink *sink,
	struct feed_tally *tally)
{
	struct reading r = { .sink = sink, .tally = tally };
	struct feed_state state = { 0 };
	struct line line;
	int err;

	for (;;) {
		err = lines_next(lines, &line);
		if (err)
			break;
		err = read_line(&line, format, &state, &r);
		if (err)
			break;
		if (sink->tick && tally->lines % TICK == 0)
			sink->tick(sink->arg, tally);
	}
	return err == SINK_ENOENT ? SINK_OK : err;
}

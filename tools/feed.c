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
	[FEED_PREFIX_BITS] = "prefix with bits behind its length",
	[FEED_FORWARD] = "forwards to a server",
	[FEED_OPTION] = "option that lists nothing",
	[FEED_ZONE_TYPE] = "zone type that does not block",
	[FEED_RECORD_TYPE] = "record that is no policy",
	[FEED_OUT_OF_ZONE] = "out of zone",
	[FEED_DIRECTIVE] = "directive that reads files or makes records",
	[FEED_SYNTAX] = "syntax error",
	[FEED_TRIGGER] = "malformed trigger",
	[FEED_ACTION] = "unknown action",
	[FEED_QUOTE] = "quotation mark out of place",
	[FEED_COLUMN] = "field is missing",
	[FEED_VALUE_TYPE] = "value of another type",
	[FEED_VALUE] = "value that its key cannot have",
	[FEED_TOO_DEEP] = "nested too deep",
	[FEED_DUPLICATE_KEY] = "key given twice",
	[FEED_INDICATOR_TYPE] = "indicator that DNS cannot express",
	[FEED_NOT_FOR_DETECTION] = "not meant for detection",
	[FEED_DELETED] = "deleted",
	[FEED_REVOKED] = "revoked",
	[FEED_EXPIRED] = "expired",
	[FEED_STIX_PATTERN] = "pattern that DNS cannot express",
	[FEED_FUZZY] = "meant for similar names",
	[FEED_TLD] = "top-level domain",
	[FEED_SUFFIX] = "public suffix",
	[FEED_PROTECTED] = "protected",
	[FEED_BOGON] = "address that nobody may list",
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
	struct feed_out out;
	bool begun; /* documents: an item is at hand */
	uint64_t entries; /* from this line */
	bool skipped; /* something of this line was left out */
	enum feed_reason first; /* the first reason of this line */
};

void feed_example_add(struct feed_skips *skips, uint64_t nth, const struct feed_tally *tally,
	struct sink_span text)
{
	struct feed_example *example;

	if (nth >= FEED_EXAMPLES)
		return;
	example = &skips->example[nth];
	example->line = tally->number;
	example->part = tally->part;
	example->len = (uint8_t)(text.len < FEED_EXAMPLE_MAX ? text.len : FEED_EXAMPLE_MAX);
	memcpy(example->text, text.at, example->len);
}

void feed_entry_init(struct feed_entry *entry)
{
	entry->trigger = SINK_TRIGGER_QNAME;
	entry->scope = SINK_SCOPE_SUBTREE;
	entry->kind = SINK_KIND_BLOCK;
	entry->withdraws = false;
	entry->form = 0;
	entry->says = NULL;
}

static bool is_detail(const struct feed_detail *detail, enum feed_reason reason,
	struct sink_span text)
{
	return detail->reason == reason &&
		sink_span_equal(sink_span(detail->text, detail->len), text);
}

static void add_detail(struct feed_tally *tally, enum feed_reason reason, struct sink_span text)
{
	struct feed_detail *detail = tally->details;
	struct feed_detail *end = detail + tally->details_count;

	text.len = text.len < FEED_DETAIL_MAX ? text.len : FEED_DETAIL_MAX;
	while (detail < end && !is_detail(detail, reason, text))
		detail++;
	if (detail == end) {
		if (tally->details_count == FEED_DETAILS) {
			tally->details_others[reason]++;
			return;
		}
		tally->details_count++;
		*detail = (struct feed_detail){ .reason = reason, .len = (uint8_t)text.len };
		memcpy(detail->text, text.at, text.len);
	}
	detail->count++;
}

/* Counted as a name for now; if the line gives nothing at all, its first reason becomes the line's. */
static void skip(void *arg, enum feed_reason reason, struct sink_span detail, struct sink_span what)
{
	struct reading *r = arg;
	struct feed_skips *skips = &r->tally->skips[reason];

	feed_example_add(skips, skips->lines + skips->names, r->tally, what);
	if (detail.len > 0)
		add_detail(r->tally, reason, detail);
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
	if (feed_is_stop(entry))
		return SINK_OK;
	if (reason == FEED_TAKEN) {
		r->entries++;
		return SINK_OK;
	}
	if (sink_trigger_is_prefix(entry->trigger))
		sink_prefix_to_text(&entry->prefix, text);
	else if (entry->name.labels == 0 && entry->scope == SINK_SCOPE_BELOW)
		strcpy(text, "*"); /* the root is another matter: nobody can force it in */
	else
		sink_name_to_text(&entry->name, text);
	feed_skip(&r->out, (enum feed_reason)reason, sink_span_text(text));
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

static void begin(struct reading *r, uint64_t number)
{
	r->tally->number = number;
	r->entries = 0;
	r->skipped = false;
	r->tally->lines++;
	if (r->sink->tick && r->tally->lines % TICK == 0)
		r->sink->tick(r->sink->arg, r->tally);
}

static void item(void *arg, uint64_t number)
{
	struct reading *r = arg;

	if (r->begun)
		settle(r);
	r->begun = true;
	begin(r, number);
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
	int err = SINK_OK;

	begin(r, line->number);
	if (line->too_long)
		feed_skip(&r->out, FEED_TOO_LONG, line->text);
	else if (has_control(line->text))
		feed_skip(&r->out, FEED_CONTROL, line->text);
	else
		err = format->line(line->text, state, &r->out);
	settle(r);
	return err;
}

static int read_lines(struct lines *lines, const struct feed_format *format, struct reading *r)
{
	struct feed_state state = { 0 };
	struct line line;
	int err;

	do {
		err = lines_next(lines, &line);
		if (!err)
			err = read_line(&line, format, &state, r);
	} while (!err);
	return err == SINK_ENOENT ? SINK_OK : err;
}

static int read_document(const struct feed_document *document, const struct feed_format *format,
	struct reading *r)
{
	int err = format->document(document, &r->out);

	if (r->begun)
		settle(r);
	return err;
}

int feed_read(struct lines *lines, const struct feed_format *format,
	const struct feed_options *options, const struct feed_sink *sink, struct feed_tally *tally,
	struct sink_why *why)
{
	static const struct feed_options none;
	struct reading r = { .sink = sink, .tally = tally };
	struct sink_why unread = { .text = "" };
	int err;
	struct feed_document document = {
		.lines = lines, .options = options ? options : &none, .why = why ? why : &unread
	};

	r.out = (struct feed_out){ .entry = take, .skip = skip, .item = item, .arg = &r };
	err = format->line ? read_lines(lines, format, &r) : read_document(&document, format, &r);
	if (err && *lines_problem(lines))
		return sink_why(why, err, "%s", lines_problem(lines));
	return err;
}

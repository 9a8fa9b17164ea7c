/* unbound.c - Unbound's local-zone: and local-data: lines, as block lists are published for it. What a type
 * of zone means is what unbound.conf(5) says. Authority: doc/FEEDS.md. */
#include "feed.h"
#include "host.h"
#include "rr.h"
#include "text.h"

#define TTL 3600 /* seconds: Unbound's for local-data that states none */

/* --- words ------------------------------------------------------------------------------------------ */

struct word {
	struct sink_span text; /* without quotation marks */
	bool is_key; /* ends with a colon, which is not in the text, and is not quoted */
	bool is_open; /* its quotation mark is never closed */
};

static bool is_quote(uint8_t c)
{
	return c == '"' || c == '\'';
}

static struct word take_quoted(struct sink_span *rest)
{
	uint8_t mark = rest->at[0];
	struct word word = { 0 };

	*rest = text_after(*rest, 1);
	word.is_open = text_find(*rest, mark) == rest->len;
	word.text = text_cut(rest, mark);
	return word;
}

/* The next word; empty at the line's end or at a comment. A key ends with its colon, so that
 * "local-zone:x" is two words. */
static struct word take_word(struct sink_span *rest)
{
	struct word word = { 0 };
	size_t n = 0;

	*rest = text_trim(*rest);
	if (rest->len == 0 || rest->at[0] == '#') {
		*rest = word.text = sink_span(rest->at, 0);
		return word;
	}
	if (is_quote(rest->at[0]))
		return take_quoted(rest);
	while (n < rest->len && !text_is_space(rest->at[n]) && rest->at[n] != '#' && !word.is_key)
		word.is_key = rest->at[n++] == ':';
	word.text = sink_span(rest->at, word.is_key ? n - 1 : n);
	*rest = text_after(*rest, n);
	return word;
}

/* A value, in which a colon means nothing. */
static struct word take_value(struct sink_span *rest)
{
	struct word word = { 0 };
	size_t n = 0;

	*rest = text_trim(*rest);
	if (rest->len > 0 && is_quote(rest->at[0]))
		return take_quoted(rest);
	while (n < rest->len && !text_is_space(rest->at[n]) && rest->at[n] != '#')
		n++;
	word.text = sink_span(rest->at, n);
	*rest = text_after(*rest, n);
	return word;
}

/* --- zones ------------------------------------------------------------------------------------------ */

/* What unbound.conf(5) says of each type, for a zone without data of its own. */
static const struct {
	const char *word;
	enum sink_kind kind;
	enum sink_hint hint;
} types[] = {
	{ "always_nxdomain", SINK_KIND_BLOCK, SINK_HINT_NXDOMAIN },
	{ "always_nodata", SINK_KIND_BLOCK, SINK_HINT_NODATA },
	{ "always_null", SINK_KIND_BLOCK, SINK_HINT_NONE },
	{ "always_refuse", SINK_KIND_BLOCK, SINK_HINT_REFUSED },
	{ "always_deny", SINK_KIND_BLOCK, SINK_HINT_DROP },
	{ "static", SINK_KIND_BLOCK, SINK_HINT_NXDOMAIN },
	{ "refuse", SINK_KIND_BLOCK, SINK_HINT_REFUSED },
	{ "deny", SINK_KIND_BLOCK, SINK_HINT_DROP },
	{ "inform_deny", SINK_KIND_BLOCK, SINK_HINT_DROP },
	{ "redirect", SINK_KIND_BLOCK, SINK_HINT_NONE },
	{ "inform_redirect", SINK_KIND_BLOCK, SINK_HINT_NONE },
	{ "always_transparent", SINK_KIND_ALLOW, SINK_HINT_NONE },
};

static int emit(struct feed_entry *entry, struct sink_span text, enum sink_hint hint,
	struct attributes *says, const struct feed_out *out)
{
	enum feed_reason reason = host_name(text, &entry->name);

	if (reason) {
		feed_skip(out, reason, text);
		return SINK_OK;
	}
	says->record.hint = hint;
	entry->says = hint ? says : NULL;
	return out->entry(out->arg, entry);
}

static int take_zone(struct sink_span *rest, struct sink_span line, const struct feed_out *out)
{
	struct word name = take_value(rest), type = take_value(rest);
	struct attributes says;
	struct feed_entry entry;

	if (name.is_open || type.is_open || type.text.len == 0) {
		feed_skip(out, name.is_open || type.is_open ? FEED_QUOTE : FEED_SYNTAX, line);
		return SINK_OK;
	}
	feed_entry_init(&entry);
	attributes_init(&says);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (text_is(type.text, types[i].word)) {
			entry.kind = types[i].kind;
			return emit(&entry, text_trim(name.text), types[i].hint, &says, out);
		}
	feed_skip_detail(out, FEED_ZONE_TYPE, type.text, line);
	return SINK_OK;
}

/* --- data ------------------------------------------------------------------------------------------- */

/* An address that leads nowhere: the record blocks, and says nothing else. */
static bool is_sink(const struct rr_head *head)
{
	return (head->type == RR_TYPE_A || head->type == RR_TYPE_AAAA) && host_is_sink(head->rdata);
}

static int emit_data(const struct rr_head *head, const struct rr_rdata *rdata,
	const struct feed_out *out)
{
	uint8_t data[RR_DATA_MAX], types_one[RR_TYPES_ONE];
	uint32_t ttl = head->ttl == RR_TTL_NONE ? TTL : head->ttl;
	struct attributes says;
	struct feed_entry entry;

	feed_entry_init(&entry);
	attributes_init(&says);
	entry.scope = SINK_SCOPE_EXACT;
	/* an alias answers for all types, another record for its own: lines do not know each other */
	if (head->type != RR_TYPE_CNAME)
		says.record.types = rr_types_one(head->type, types_one);
	says.record.data = sink_span(data,
		rr_data(head->type, ttl, sink_span(rdata->bytes, rdata->len), data));
	return emit(&entry, head->owner, SINK_HINT_DATA, &says, out);
}

static int take_record(const struct rr_head *head, struct sink_span line,
	const struct feed_out *out)
{
	struct rr_rdata rdata;
	enum feed_reason reason;

	if (is_sink(head))
		return host_emit(head->owner, SINK_SCOPE_EXACT, out);
	if (rr_type_is_none_of_policy(head->type)) {
		feed_skip_detail(out, FEED_RECORD_TYPE, head->type_word, line);
		return SINK_OK;
	}
	reason = rr_rdata(head->type, head->rdata, RR_ORIGIN_NONE, &rdata);
	if (!reason)
		return emit_data(head, &rdata, out);
	feed_skip(out, reason, line);
	return SINK_OK;
}

static int take_data(struct sink_span *rest, struct sink_span line, const struct feed_out *out)
{
	struct word value = take_value(rest);
	struct rr_head head;
	enum feed_reason reason;

	if (value.is_open) {
		feed_skip(out, FEED_QUOTE, line);
		return SINK_OK;
	}
	reason = rr_head(text_trim(value.text), &head);
	if (reason)
		*rest = text_after(*rest, rest->len); /* a record without quotation marks */
	if (!reason && head.class == RR_CLASS_IN)
		return take_record(&head, line, out);
	if (reason && reason != FEED_RECORD_TYPE)
		feed_skip(out, reason, line);
	else
		feed_skip_detail(out, FEED_RECORD_TYPE, reason ? head.type_word : head.class_word,
			line);
	return SINK_OK;
}

/* --- lines ------------------------------------------------------------------------------------------- */

/* What begins a part of the configuration: only in "server:" are zones for everybody. */
static bool is_clause(struct sink_span key)
{
	static const char *const clauses[] = { "server", "remote-control", "forward-zone",
		"stub-zone", "auth-zone", "rpz", "view", "python", "dynlib", "dnscrypt", "cachedb",
		"ipset", "dnstap" };

	for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++)
		if (text_is(key, clauses[i]))
			return true;
	return false;
}

static int take_key(struct sink_span key, struct sink_span *rest, struct sink_span line,
	const struct feed_state *state, const struct feed_out *out)
{
	bool is_other = state->conditions > 0;

	if (!is_other && text_is(key, "local-zone"))
		return take_zone(rest, line, out);
	if (!is_other && text_is(key, "local-data"))
		return take_data(rest, line, out);
	*rest = text_after(*rest, rest->len);
	if (key.len == 0) {
		feed_skip(out, FEED_SYNTAX, line);
		return SINK_OK;
	}
	feed_skip_detail(out, text_starts(key, "include") ? FEED_INCLUDE : FEED_OPTION, key, line);
	return SINK_OK;
}

static int unbound_line(struct sink_span line, struct feed_state *state, const struct feed_out *out)
{
	struct sink_span rest = line;
	struct word word;
	int err = SINK_OK;

	for (word = take_word(&rest); (word.text.len > 0 || word.is_key) && !err;
		word = take_word(&rest)) {
		if (word.is_key && is_clause(word.text)) {
			state->conditions = !text_is(word.text, "server");
		} else if (word.is_key) {
			err = take_key(word.text, &rest, text_trim(line), state, out);
		} else {
			feed_skip(out, FEED_SYNTAX, text_trim(line));
			break;
		}
	}
	return err;
}

static enum feed_sign unbound_sign(struct sink_span line)
{
	struct word word = take_word(&line);

	if (!word.is_key)
		return FEED_SIGN_NONE;
	if (text_is(word.text, "local-zone") || text_is(word.text, "local-data"))
		return FEED_SIGN_PROVES;
	return is_clause(word.text) || text_starts(word.text, "local-") ? FEED_SIGN_FITS
									: FEED_SIGN_NONE;
}

const struct feed_format feed_unbound = {
	.word = "unbound",
	.summary = "Unbound's local-zone: and local-data: lines",
	.scope = "subtree (local-data: exact)",
	.line = unbound_line,
	.sign = unbound_sign,
};

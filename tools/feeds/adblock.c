/* adblock.c - the part of AdBlock's filter syntax that DNS can express: rules about whole hosts. What
 * it cannot express is skipped under a name, never widened to the host. Authority: doc/FEEDS.md. */
#include "adblock_says.h"
#include "feed.h"
#include "host.h"
#include "text.h"

/* Two rules are the same for $badfilter if these are equal beside name and kind. */
#define FORM_OPEN 1 /* without the "^" */
#define FORM_ALL 2 /* with $all */

struct rule {
	struct sink_span host;
	bool exception, important, withdraws;
	uint8_t form;
	struct sink_span said[ADBLOCK_SAYS_COUNT]; /* values of $dnstype, $denyallow, $dnsrewrite */
	bool says;
	struct sink_span refused; /* the modifier that DNS cannot express */
};

/* Between the two '#' of a rule about the page: "##", "#@#", "#?#", "#$#", "#@?#", "#%#". */
static bool is_cosmetic_mark(uint8_t c)
{
	return c == '@' || c == '?' || c == '$' || c == '%';
}

/* "example.com##.ad": about the page, not about the host. */
static bool is_cosmetic(struct sink_span line)
{
	for (size_t i = 0; i < line.len; i++) {
		size_t k = i + 1;

		if (line.at[i] != '#')
			continue;
		while (k < line.len && k < i + 3 && is_cosmetic_mark(line.at[k]))
			k++;
		if (k < line.len && line.at[k] == '#')
			return true;
	}
	return text_has(line, "$$");
}

/* Comments of AdBlock ("!"), of hosts files ("# ...") and headers ("[Adblock Plus 2.0]"). */
static bool is_comment(struct sink_span line)
{
	return line.len == 0 || line.at[0] == '!' || (line.at[0] == '#' && !is_cosmetic(line)) ||
		(line.at[0] == '[' && line.at[line.len - 1] == ']' && !text_starts(line, "[$"));
}

/* "!#if", "!#else", "!#endif", "!#include": what stands under a condition is for a browser that
 * fulfils it, so all of it is left out; nothing is ever included.
 *
 * returns  whether the line was one of these, or stands under a condition */
static bool preprocess(struct sink_span line, struct feed_state *state, const struct feed_out *out)
{
	enum feed_reason reason = FEED_CONDITIONAL;

	if (text_starts(line, "!#if"))
		state->conditions += state->conditions < 1000;
	else if (text_starts(line, "!#endif"))
		state->conditions -= state->conditions > 0;
	else if (text_starts(line, "!#include"))
		reason = FEED_INCLUDE;
	else if (!text_starts(line, "!#else") && (state->conditions == 0 || is_comment(line)))
		return false;
	feed_skip(out, reason, line);
	return true;
}

/* Modifiers with a value that an entry can say of itself.
 *
 * returns  whether it is one, stands there once, and has a value if it needs one */
static bool take_said(struct sink_span name, struct sink_span value, struct rule *rule)
{
	for (int i = 0; i < ADBLOCK_SAYS_COUNT; i++)
		if (text_is(name, adblock_says_word((enum adblock_says)i))) {
			bool again = rule->said[i].len > 0;

			rule->said[i] = value;
			rule->says = true;
			return value.len > 0 && !again;
		}
	return false;
}

/* Modifiers that leave a rule about a whole host what it is, or that an entry can say of itself. All others
 * narrow it (to pages, to types of requests, to clients ...) or change what it does; unknown ones might. */
static bool take_modifier(struct sink_span modifier, struct rule *rule)
{
	struct sink_span value = modifier;
	struct sink_span name = text_trim(text_cut(&value, '='));

	if (text_is(modifier, "important"))
		rule->important = true;
	else if (text_is(modifier, "all"))
		rule->form |= FORM_ALL;
	else if (text_is(modifier, "badfilter"))
		rule->withdraws = true;
	else if (!take_said(name, text_trim(value), rule)) {
		rule->refused = name;
		return false;
	}
	return true;
}

/* Up to a comma that no backslash escapes. */
static struct sink_span cut_modifier(struct sink_span *rest, bool *more)
{
	size_t n = text_find(*rest, ',');

	while (n < rest->len && n > 0 && rest->at[n - 1] == '\\')
		n += 1 + text_find(text_after(*rest, n + 1), ',');
	*more = n < rest->len;
	struct sink_span modifier = text_trim(sink_span(rest->at, n));
	*rest = text_after(*rest, *more ? n + 1 : n);
	return modifier;
}

static enum feed_reason take_modifiers(struct sink_span list, struct rule *rule)
{
	bool more = true;

	while (more)
		if (!take_modifier(cut_modifier(&list, &more), rule))
			return FEED_MODIFIER;
	return FEED_TAKEN;
}

static bool is_host_byte(uint8_t c)
{
	return (text_lower(c) >= 'a' && text_lower(c) <= 'z') || text_is_digit(c) || c == '-' ||
		c == '_' || c == '.' || c >= 0x80;
}

static struct sink_span take_host(struct sink_span *rest)
{
	size_t n = 0;

	while (n < rest->len && is_host_byte(rest->at[n]))
		n++;
	struct sink_span host = sink_span(rest->at, n);
	*rest = text_after(*rest, n);
	return host;
}

static bool is_edge(uint8_t c)
{
	return c == '.' || c == '-';
}

/* A whole name, or the beginning, middle or end of one? "||ads." matches ads.example.com. */
static bool is_whole_host(struct sink_span host)
{
	return host.len > 0 && !is_edge(host.at[0]) && !is_edge(host.at[host.len - 1]);
}

/* What stands behind the host but modifiers. */
static enum feed_reason judge_tail(struct sink_span tail)
{
	switch (tail.at[0]) {
	case '/':
	case '?':
	case '^': /* a separator: something of the URL follows */
	case '|': /* the end of the URL: the root page only */
		return FEED_PATH;
	case ':':
		return text_starts(tail, "://") ? FEED_URL : FEED_PORT;
	case '*':
		return FEED_WILDCARD;
	case '@':
		return FEED_USERINFO;
	default:
		return FEED_PATTERN;
	}
}

/* "||host^$modifiers", what follows the "||". */
static enum feed_reason take_host_rule(struct sink_span rest, struct rule *rule)
{
	if (rest.len > 0 && rest.at[0] == '*')
		return FEED_WILDCARD;
	if (rest.len > 0 && rest.at[0] == '[')
		return FEED_ADDRESS;
	rule->host = take_host(&rest);
	if (rest.len > 0 && rest.at[0] == '^')
		rest = text_after(rest, 1);
	else
		rule->form |= FORM_OPEN;
	if (rest.len > 0 && rest.at[0] != '$')
		return judge_tail(rest);
	if (!is_whole_host(rule->host))
		return FEED_PATTERN;
	return rest.len > 0 ? take_modifiers(text_after(rest, 1), rule) : FEED_TAKEN;
}

/* A line that is a host name and nothing else stands for "||host^", as uBlock Origin reads it. */
static enum feed_reason take_plain(struct sink_span line, struct rule *rule)
{
	struct sink_span rest = line;

	rule->host = take_host(&rest);
	if (rest.len > 0 || !is_whole_host(line) || text_find(line, '.') == line.len)
		return FEED_PATTERN;
	return FEED_TAKEN;
}

static enum feed_reason take_rule(struct sink_span line, struct rule *rule)
{
	rule->exception = text_starts(line, "@@");
	if (rule->exception)
		line = text_after(line, 2);
	if (text_starts(line, "||"))
		return take_host_rule(text_after(line, 2), rule);
	if (line.len > 1 && line.at[0] == '/' &&
		(line.at[line.len - 1] == '/' || text_has(line, "/$")))
		return FEED_REGEX;
	if (host_is_address(line))
		return FEED_ADDRESS;
	if (text_has(line, "://"))
		return FEED_URL;
	if (line.len > 0 && line.at[0] == '/')
		return FEED_PATH;
	return take_plain(line, rule);
}

static enum sink_kind rule_kind(const struct rule *rule)
{
	if (rule->exception)
		return SINK_KIND_ALLOW;
	return rule->important ? SINK_KIND_IMPORTANT : SINK_KIND_BLOCK;
}

static bool is_hosts_line(struct sink_span line)
{
	struct sink_span rest = line;
	struct sink_span first = text_field(&rest);

	return rest.len > 0 && host_is_address(first);
}

static int skip_rule(const struct rule *rule, enum feed_reason reason, struct sink_span line,
	const struct feed_out *out)
{
	struct sink_span detail = reason == FEED_MODIFIER ? rule->refused : sink_span(NULL, 0);

	if (rule->exception && reason != FEED_COSMETIC)
		reason = FEED_EXCEPTION;
	feed_skip_detail(out, reason, detail, line);
	return SINK_OK;
}

/* A rule with modifiers that become part of the entry. */
static int emit_saying(struct rule *rule, const struct feed_entry *entry, struct sink_span line,
	const struct feed_out *out)
{
	struct adblock_said said;
	enum adblock_says refused;

	if (!adblock_say(rule->said, rule->exception, &said, &refused)) {
		rule->refused = sink_span_text(adblock_says_word(refused));
		return skip_rule(rule, FEED_MODIFIER, line, out);
	}
	struct feed_entry saying = *entry;
	saying.says = &said.attributes;
	return out->entry(out->arg, &saying);
}

static int adblock_line(struct sink_span line, struct feed_state *state, const struct feed_out *out)
{
	struct rule rule = { 0 };
	struct feed_entry entry;
	enum feed_reason reason;

	line = text_trim(line);
	if (preprocess(line, state, out) || is_comment(line))
		return SINK_OK;
	if (is_hosts_line(line))
		return host_line(line, out);
	reason = is_cosmetic(line) ? FEED_COSMETIC : take_rule(line, &rule);
	if (!reason)
		reason = host_name(rule.host, &entry.name);
	if (reason)
		return skip_rule(&rule, reason, line, out);
	feed_entry_init(&entry);
	entry.kind = rule_kind(&rule);
	entry.withdraws = rule.withdraws;
	entry.form = rule.form;
	if (rule.says)
		return emit_saying(&rule, &entry, line, out);
	return out->entry(out->arg, &entry);
}

/* Fields that lists in this format begin with, and no others do. */
static bool is_header(struct sink_span line)
{
	static const char *const fields[] = {
		"Title:", "Homepage:", "Expires:", "Last modified:", "Checksum:"
	};

	if (text_starts(line, "[Adblock") || text_starts(line, "[uBlock"))
		return true;
	if (line.len == 0 || line.at[0] != '!')
		return false;
	line = text_trim(text_after(line, 1));
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (text_starts(line, fields[i]))
			return true;
	return false;
}

static bool is_cosmetic_of_host(struct sink_span line)
{
	return is_cosmetic(line) && line.at[0] != '#' && !text_has(line, " ##");
}

static enum feed_sign adblock_sign(struct sink_span line)
{
	struct rule rule = { 0 };
	enum feed_reason reason;

	line = text_trim(line);
	if (is_header(line))
		return FEED_SIGN_DECIDES;
	if (is_comment(line))
		return FEED_SIGN_NONE;
	if (text_starts(line, "||") || text_starts(line, "@@") || is_cosmetic_of_host(line))
		return FEED_SIGN_PROVES;
	if (is_hosts_line(line) || host_is_address(line))
		return FEED_SIGN_FITS;
	reason = take_plain(line, &rule);
	return reason == FEED_TAKEN || line.at[0] == '/' ? FEED_SIGN_FITS : FEED_SIGN_NONE;
}

const struct feed_format feed_adblock = {
	.word = "adblock",
	.summary = "AdBlock rules about whole hosts; all others are skipped and counted",
	.scope = "subtree",
	.holds_others = true,
	.withdraws = true,
	.line = adblock_line,
	.sign = adblock_sign,
};

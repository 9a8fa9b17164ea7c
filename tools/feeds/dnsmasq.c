/* dnsmasq.c - dnsmasq's address=, server= and local= lines, as block lists are published for it. What a line
 * means is what dnsmasq(8) says. Authority: doc/FEEDS.md. */
#include "feed.h"
#include "host.h"
#include "rr.h"
#include "text.h"

#define TTL 0 /* seconds: what dnsmasq gives its own answers, unless told otherwise */

/* What a line does with the names in it. */
enum deed {
	NXDOMAIN, /* no address: answered here, with nothing */
	BLOCK, /* an address that leads nowhere */
	ANSWER, /* a real address */
	PASS, /* "#" of server=: as everything else is */
};

struct rule {
	enum deed deed;
	struct sink_span names; /* "a/b/c" */
	struct sink_prefix address; /* if ANSWER */
};

/* From a '#' that is first or follows white space. */
static struct sink_span without_comment(struct sink_span line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.at[i] == '#' && (i == 0 || text_is_space(line.at[i - 1])))
			line.len = i;
	return text_trim(line);
}

/* "--address=/x/" as on a command line, "address = /x/" as in a file. */
static struct sink_span take_option(struct sink_span *line)
{
	if (text_starts(*line, "--"))
		*line = text_after(*line, 2);
	struct sink_span option = text_trim(text_cut(line, '='));
	*line = text_trim(*line);
	return option;
}

/* Options that name other files. */
static bool is_include(struct sink_span option)
{
	static const char *const options[] = { "conf-file", "conf-dir", "servers-file",
		"addn-hosts", "hostsdir", "conf-script", "resolv-file" };

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (text_is(option, options[i]))
			return true;
	return false;
}

static enum feed_reason take_address(struct sink_span target, struct rule *rule)
{
	unsigned all;

	if (text_is(target, "#") || host_is_sink(target)) {
		rule->deed = BLOCK;
		return FEED_TAKEN;
	}
	if (sink_prefix_from_text(target, &rule->address))
		return FEED_SYNTAX;
	all = rule->address.family == 4 ? 32 : 128;
	rule->deed = ANSWER;
	return rule->address.bits == all ? FEED_TAKEN : FEED_SYNTAX;
}

/* What stands behind the last slash. */
static enum feed_reason take_target(bool is_address, struct sink_span target, struct rule *rule)
{
	rule->deed = NXDOMAIN;
	if (target.len == 0)
		return FEED_TAKEN;
	if (is_address)
		return take_address(target, rule);
	rule->deed = PASS;
	return text_is(target, "#") ? FEED_TAKEN : FEED_FORWARD;
}

/* "/a/b/target" */
static enum feed_reason take_value(bool is_address, struct sink_span value, struct rule *rule)
{
	size_t last = value.len;

	if (value.len == 0 || value.at[0] != '/')
		return is_address || value.len == 0 ? FEED_SYNTAX : FEED_FORWARD;
	if (text_has(value, "://"))
		return FEED_URL; /* dnsmasq takes it for a list of names: of host and path */
	while (value.at[last - 1] != '/')
		last--;
	if (last < 2)
		return FEED_SYNTAX;
	rule->names = sink_span(value.at + 1, last - 2);
	return take_target(is_address, text_trim(text_after(value, last)), rule);
}

/* "*.x" is all below x; ".x" is x and all below, "for historical reasons"; "*x" matches other names too,
 * as "#" does, and "" those without a dot. */
static enum feed_reason take_name(struct sink_span text, struct feed_entry *entry)
{
	if (text.len == 0)
		return FEED_PATTERN;
	if (text_is(text, "#"))
		return FEED_WILDCARD;
	return host_name(host_take_mark(text, &entry->scope), &entry->name);
}

/* Room for what an entry says. */
struct says {
	struct attributes attributes;
	uint8_t types[RR_TYPES_ONE], data[RR_HEAD + 16];
};

static void say(const struct rule *rule, struct says *says)
{
	bool is_v4 = rule->address.family == 4;
	uint16_t type = is_v4 ? RR_TYPE_A : RR_TYPE_AAAA;

	attributes_init(&says->attributes);
	if (rule->deed == NXDOMAIN) {
		says->attributes.record.hint = SINK_HINT_NXDOMAIN;
		return;
	}
	says->attributes.record.hint = SINK_HINT_DATA;
	/* for this type alone: "other query types are sent upstream", since 2.86 */
	says->attributes.record.types = rr_types_one(type, says->types);
	says->attributes.record.data = sink_span(says->data,
		rr_data(type, TTL, sink_span(rule->address.bytes, is_v4 ? 4 : 16), says->data));
}

static int emit(const struct rule *rule, struct sink_span line, const struct feed_out *out)
{
	bool more = true, has_says = rule->deed == NXDOMAIN || rule->deed == ANSWER;
	struct sink_span rest = rule->names;
	struct says says;
	int err = SINK_OK;

	if (has_says)
		say(rule, &says);
	while (more && !err) {
		struct feed_entry entry;
		struct sink_span name;
		enum feed_reason reason;

		more = text_find(rest, '/') < rest.len;
		name = text_trim(text_cut(&rest, '/'));
		feed_entry_init(&entry);
		entry.kind = rule->deed == PASS ? SINK_KIND_ALLOW : SINK_KIND_BLOCK;
		entry.says = has_says ? &says.attributes : NULL;
		reason = take_name(name, &entry);
		if (reason)
			feed_skip(out, reason, name.len > 0 ? name : line);
		else
			err = out->entry(out->arg, &entry);
	}
	return err;
}

static bool is_list_option(struct sink_span option)
{
	return text_is(option, "address") || text_is(option, "server") || text_is(option, "local");
}

static int dnsmasq_line(struct sink_span line, struct feed_state *state, const struct feed_out *out)
{
	struct sink_span value, option;
	struct rule rule = { 0 };
	enum feed_reason reason;

	(void)state;
	line = value = without_comment(text_trim(line));
	if (line.len == 0)
		return SINK_OK;
	option = take_option(&value);
	if (!is_list_option(option)) {
		feed_skip_detail(out, is_include(option) ? FEED_INCLUDE : FEED_OPTION, option,
			line);
		return SINK_OK;
	}
	reason = take_value(text_is(option, "address"), value, &rule);
	if (!reason)
		return emit(&rule, line, out);
	feed_skip(out, reason, line);
	return SINK_OK;
}

static enum feed_sign dnsmasq_sign(struct sink_span line)
{
	struct sink_span value = without_comment(text_trim(line)), option;
	bool has_value = text_find(value, '=') < value.len;

	option = take_option(&value);
	if (has_value && is_list_option(option) && value.len > 0 && value.at[0] == '/')
		return FEED_SIGN_PROVES;
	return has_value && (is_list_option(option) || is_include(option)) ? FEED_SIGN_FITS
									   : FEED_SIGN_NONE;
}

const struct feed_format feed_dnsmasq = {
	.word = "dnsmasq",
	.summary = "dnsmasq's address=, server= and local= lines",
	.scope = "subtree (*.NAME: below)",
	.line = dnsmasq_line,
	.sign = dnsmasq_sign,
};

/* rpz_name.c - triggers and actions of response policy zones, as BIND's manual has them ("DNS Firewalls and
 * Response Policy Zones"). */
#include "rpz_name.h"

#include "text.h"

#define PREFIX_TEXT_MAX 64 /* bytes; 8 groups of 4 with colons, and "/128", are 43 */

/* The label at depth n: 1 is the top one. */
static struct sink_span label(const struct sink_name *name, uint8_t n)
{
	return sink_span(name->key + name->end[n - 1],
		(size_t)(name->end[n] - name->end[n - 1]) - 1);
}

/* The name without its `n` top labels. */
static void below(const struct sink_name *name, uint8_t n, struct sink_name *out)
{
	sink_name_from_key(sink_span(name->key + name->end[n], (size_t)(name->len - name->end[n])),
		out);
}

static bool is_same_name(const struct sink_name *a, const struct sink_name *b)
{
	return sink_span_equal(sink_name_key(a), sink_name_key(b));
}

static bool is_wildcard(const struct sink_name *name)
{
	return name->labels > 0 && text_is(label(name, name->labels), "*");
}

/* --- triggers ------------------------------------------------------------------------------------ */

static bool is_hex(struct sink_span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text_is_digit(text.at[i]) && (text.at[i] < 'a' || text.at[i] > 'f'))
			return false;
	return text.len > 0 && text.len <= 4;
}

struct writer {
	char text[PREFIX_TEXT_MAX];
	size_t len;
};

static void write(struct writer *w, struct sink_span text)
{
	memcpy(w->text + w->len, text.at, text.len);
	w->len += text.len;
}

static void write_text(struct writer *w, const char *text)
{
	write(w, sink_span_text(text));
}

/* In a key the labels stand from the top down, so the address comes as people write it, and its length
 * last. "zz" stands for the "::" of IPv6; IPv4 has four labels and none. */
struct shape {
	uint8_t parts; /* labels of the address */
	uint8_t runs; /* how many are "zz" */
	bool is_v4;
};

static bool take_shape(const struct sink_name *name, struct shape *out)
{
	struct shape s = { .parts = (uint8_t)(name->labels - 1) };

	if (name->labels < 2 || name->labels > 9 || !is_hex(label(name, name->labels)))
		return false;
	for (uint8_t n = 1; n <= s.parts; n++) {
		struct sink_span part = label(name, n);

		if (text_is(part, "zz"))
			s.runs++;
		else if (!is_hex(part))
			return false;
	}
	s.is_v4 = s.parts == 4 && s.runs == 0;
	*out = s;
	return s.runs == 1 || (s.runs == 0 && (s.is_v4 || s.parts == 8));
}

static bool write_prefix(const struct sink_name *name, struct writer *w)
{
	struct shape s;

	if (!take_shape(name, &s))
		return false;
	for (uint8_t n = 1; n <= s.parts; n++) {
		bool is_run = text_is(label(name, n), "zz");

		if (n > 1 || is_run)
			write_text(w, s.is_v4 ? "." : ":");
		if (!is_run)
			write(w, label(name, n));
		else if (n == s.parts) /* else the next one brings the second colon */
			write_text(w, ":");
	}
	write_text(w, "/");
	write(w, label(name, name->labels));
	return true;
}

static enum feed_reason read_prefix(const struct sink_name *name, struct sink_prefix *out)
{
	struct writer w = { .len = 0 };

	if (!write_prefix(name, &w))
		return FEED_TRIGGER;
	switch (sink_prefix_from_text(sink_span(w.text, w.len), out)) {
	case SINK_OK:
		return FEED_TAKEN;
	case SINK_EINVAL:
		return FEED_PREFIX_BITS;
	default:
		return FEED_TRIGGER;
	}
}

static bool has_star(const struct sink_name *name)
{
	return text_find(sink_name_key(name), '*') < name->len;
}

static enum feed_reason read_name(const struct sink_name *name, struct feed_entry *out)
{
	out->name = *name;
	out->scope = SINK_SCOPE_EXACT;
	if (is_wildcard(name)) {
		sink_name_cut(&out->name, (uint8_t)(name->labels - 1));
		out->scope = SINK_SCOPE_BELOW;
	}
	return has_star(&out->name) ? FEED_WILDCARD : FEED_TAKEN;
}

enum feed_reason rpz_trigger(const struct sink_name *owner, struct feed_entry *out)
{
	static const struct {
		const char *label;
		enum sink_trigger trigger;
	} rows[] = {
		{ "rpz-ip", SINK_TRIGGER_ANSWER },
		{ "rpz-client-ip", SINK_TRIGGER_CLIENT },
		{ "rpz-nsdname", SINK_TRIGGER_NSNAME },
		{ "rpz-nsip", SINK_TRIGGER_NSADDRESS },
	};
	struct sink_span top = label(owner, 1);
	enum feed_reason reason;
	struct sink_name rest;

	out->trigger = SINK_TRIGGER_QNAME;
	if (!text_starts(top, "rpz-"))
		return read_name(owner, out);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!text_is(top, rows[i].label))
			continue;
		if (owner->labels < 2)
			return FEED_TRIGGER;
		below(owner, 1, &rest);
		out->trigger = rows[i].trigger;
		if (!sink_trigger_is_prefix(out->trigger))
			return read_name(&rest, out);
		out->scope = SINK_SCOPE_EXACT;
		reason = read_prefix(&rest, &out->prefix);
		if (reason == FEED_TAKEN && out->trigger == SINK_TRIGGER_CLIENT)
			out->prefix = sink_prefix_unmap(&out->prefix); /* as clients come */
		return reason;
	}
	return FEED_TRIGGER;
}

/* --- actions -------------------------------------------------------------------------------------- */

static enum rpz_action word_action(struct sink_span word)
{
	static const struct {
		const char *word;
		enum rpz_action action;
	} rows[] = {
		{ "*", RPZ_NODATA },
		{ "rpz-passthru", RPZ_PASSTHRU },
		{ "rpz-drop", RPZ_DROP },
		{ "rpz-tcp-only", RPZ_TCP_ONLY },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (text_is(word, rows[i].word))
			return rows[i].action;
	return text_starts(word, "rpz-") ? RPZ_UNKNOWN : RPZ_DATA;
}

/* "ok.example CNAME ok.example.", "24.0.2.0.192.rpz-ip CNAME 24.0.2.0.192." */
static bool is_itself(const struct sink_name *target, const struct sink_name *owner)
{
	struct sink_name rest;

	if (is_same_name(target, owner))
		return true;
	if (!text_starts(label(owner, 1), "rpz-"))
		return false;
	below(owner, 1, &rest);
	return is_same_name(target, &rest);
}

enum rpz_action rpz_action(const struct sink_name *target, const struct sink_name *owner)
{
	if (target->labels == 0)
		return RPZ_NXDOMAIN;
	if (is_itself(target, owner))
		return is_wildcard(target) ? RPZ_UNKNOWN : RPZ_PASSTHRU;
	if (target->labels == 1)
		return word_action(label(target, 1));
	return text_starts(label(target, 1), "rpz-") ? RPZ_UNKNOWN : RPZ_DATA;
}

bool rpz_is_undotted(const struct sink_name *target, const struct sink_name *origin)
{
	struct sink_span first;

	if (origin->labels == 0 || target->labels != origin->labels + 1 ||
		memcmp(target->key, origin->key, origin->len) != 0)
		return false;
	first = label(target, target->labels);
	return text_is(first, "*") || text_starts(first, "rpz-");
}

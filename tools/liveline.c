/* liveline.c - reading and writing one change. What a key may hold is attributes.c's business, what a name is host.c's. */
#include "liveline.h"

#include <stdio.h>

#include "host.h"
#include "nearest.h"
#include "quantity.h"
#include "text.h"
#include "url.h"
#include "utf8.h"

#define VALUE_MAX \
	(SINK_STRING_MAX + 1) /* bytes, with the NUL; longer ones are no value of any key */
#define SHOWN 100 /* bytes of what is wrong */

/* --- reading ------------------------------------------------------------------------------------ */

static int shown(struct sink_span text)
{
	return (int)(text.len < SHOWN ? text.len : SHOWN);
}

/* Take the value at the beginning of *rest off it.
 *
 * returns  false: too long, or quotes that do not end where they should
 */
static bool take_value(struct sink_span *rest, char out[VALUE_MAX])
{
	bool quoted = rest->len > 0 && rest->at[0] == '"';
	size_t at = quoted, len = 0;

	for (; at < rest->len && (quoted ? rest->at[at] != '"' : !text_is_space(rest->at[at]));
		at++) {
		if (quoted && rest->at[at] == '\\' && at + 1 < rest->len &&
			(rest->at[at + 1] == '"' || rest->at[at + 1] == '\\'))
			at++;
		if (len + 1 == VALUE_MAX || rest->at[at] == 0)
			return false;
		out[len++] = (char)rest->at[at];
	}
	out[len] = 0;
	if (quoted && (at == rest->len || (at + 1 < rest->len && !text_is_space(rest->at[at + 1]))))
		return false;
	*rest = text_after(*rest, at + quoted);
	return true;
}

static int unknown(struct sink_span key, struct sink_why *why)
{
	struct nearest nearest = nearest_begin(key);
	const char *word;

	for (size_t i = 0; (word = attributes_key(i)); i++)
		nearest_try(&nearest, word);
	nearest_try(&nearest, "trigger");
	nearest_try(&nearest, "valid-for");
	if (nearest.word)
		return sink_why(why, SINK_ESYNTAX, "unknown key '%.*s' (is '%s' meant?)",
			shown(key), (const char *)key.at, nearest.word);
	return sink_why(why, SINK_ESYNTAX, "unknown key '%.*s'", shown(key), (const char *)key.at);
}

static bool is_key(struct sink_span key)
{
	const char *word;

	for (size_t i = 0; (word = attributes_key(i)); i++)
		if (text_is(key, word))
			return true;
	return false;
}

/* What a name or a prefix stands for, if that is not what it usually does. */
static int set_trigger(struct liveline *out, const char *value, struct sink_why *why)
{
	struct sink_subject *subject = &out->change.subject;

	for (int t = 0; t < SINK_TRIGGER_COUNT; t++) {
		enum sink_trigger trigger = (enum sink_trigger)t;

		if (strcmp(value, sink_trigger_word(trigger)) != 0)
			continue;
		if (sink_trigger_is_prefix(trigger) != sink_trigger_is_prefix(subject->trigger))
			return sink_why(why, SINK_ESYNTAX, "the trigger %s is about %s", value,
				sink_trigger_is_prefix(trigger) ? "prefixes" : "names");
		subject->trigger = trigger;
		return SINK_OK;
	}
	return sink_why(why, SINK_ESYNTAX,
		"trigger cannot be '%.100s': qname, answer, client, ns-name or ns-address", value);
}

static int set_valid_for(struct liveline *out, const char *value, int64_t now, struct sink_why *why)
{
	int64_t seconds;

	if (!quantity_seconds(value, &seconds) || seconds == 0)
		return sink_why(why, SINK_ESYNTAX,
			"valid-for cannot be '%.100s': a duration such as 30d, 12h, 90m", value);
	out->attributes.record.valid_until = now + seconds;
	return SINK_OK;
}

static int set_key(struct liveline *out, struct sink_span key, const char *value, int64_t now,
	struct sink_why *why)
{
	if (text_is(key, "trigger"))
		return set_trigger(out, value, why);
	if (out->change.removes && !text_is(key, "source"))
		return sink_why(why, SINK_ESYNTAX,
			"%.*s: what is taken away has no keys but source and trigger", shown(key),
			(const char *)key.at);
	if (text_is(key, "valid-for") && now != 0)
		return set_valid_for(out, value, now, why);
	return is_key(key) ? attributes_set(&out->attributes, key, value, why) : unknown(key, why);
}

static int take_keys(struct liveline *out, struct sink_span rest, int64_t now, struct sink_why *why)
{
	char value[VALUE_MAX];
	int err = SINK_OK;

	while (!err && (rest = text_trim(rest)).len > 0) {
		size_t len = 0;
		struct sink_span key;

		while (len < rest.len && rest.at[len] != '=' && !text_is_space(rest.at[len]))
			len++;
		key = sink_span(rest.at, len);
		if (len == 0 || len == rest.len || rest.at[len] != '=')
			return sink_why(why, SINK_ESYNTAX, "'%.*s' is no key=value", shown(key),
				(const char *)key.at);
		rest = text_after(rest, len + 1);
		if (!take_value(&rest, value))
			return sink_why(why, SINK_ESYNTAX,
				"%.*s: a value too long, or quotes that do not end", shown(key),
				(const char *)key.at);
		err = set_key(out, key, value, now, why);
	}
	return err;
}

static int take_subject(struct liveline *out, struct sink_span text, struct sink_why *why)
{
	struct feed_entry entry;
	enum sink_scope scope;
	struct sink_span bare = host_take_mark(text, &scope);
	enum feed_reason reason;

	if (text.len == 0)
		return sink_why(why, SINK_ESYNTAX, "no name and no prefix");
	feed_entry_init(&entry);
	reason = url_host_entry(bare, scope, &entry);
	if (!reason && bare.len < text.len && entry.trigger != SINK_TRIGGER_QNAME)
		reason = FEED_ADDRESS; /* "*.192.0.2.1" */
	if (reason)
		return sink_why(why, SINK_ESYNTAX, "'%.*s': %s", shown(text), (const char *)text.at,
			feed_reason_word(reason));
	if (out->change.removes && bare.len < text.len)
		return sink_why(why, SINK_ESYNTAX,
			"'%.*s': what is taken away is all that is listed about the name itself: "
			"write it without the mark",
			shown(text), (const char *)text.at);
	out->change.subject.trigger = entry.trigger;
	if (sink_trigger_is_prefix(entry.trigger))
		out->change.subject.prefix = entry.prefix;
	else
		out->change.subject.name = entry.name;
	out->change.scope = entry.scope;
	return SINK_OK;
}

/* What no single key shows. */
static int check(const struct liveline *line, int64_t now, struct sink_why *why)
{
	const struct sink_record *record = &line->attributes.record;

	if (line->attributes.has_scope && sink_trigger_is_prefix(line->change.subject.trigger))
		return sink_why(why, SINK_ESYNTAX, "a prefix has no scope");
	if (record->valid_until && now && record->valid_until <= now)
		return sink_why(why, SINK_ESYNTAX, "valid-until is past");
	if (record->valid_until && record->valid_until <= record->valid_from)
		return sink_why(why, SINK_ESYNTAX, "valid-until is not after valid-from");
	return SINK_OK;
}

/* What follows from all keys together. */
static int finish(struct liveline *line, struct sink_why *why)
{
	struct attributes *a = &line->attributes;
	int err = SINK_OK;

	if (!line->change.removes && a->record.text[SINK_FIELD_SOURCE].len == 0)
		err = attributes_set(a, sink_span_text("source"), LIVELINE_SOURCE, why);
	if (a->has_scope)
		line->change.scope = a->scope;
	a->record.kind = a->allow ? SINK_KIND_ALLOW : SINK_KIND_BLOCK;
	line->change.record = a->record;
	return err;
}

int liveline_parse(struct sink_span line, int64_t now, struct sink_why *why, struct liveline *out)
{
	struct sink_span rest = line, sign;
	int err;

	if (rest.len > 0 && rest.at[rest.len - 1] == '\r')
		rest.len--;
	sign = text_field(&rest);
	if (sign.len == 0 || sign.at[0] == '#')
		return SINK_ENOENT;
	if (!text_is(sign, "+") && !text_is(sign, "-"))
		return sink_why(why, SINK_ESYNTAX,
			"'%.*s': a line begins with '+' or '-', and a blank behind it", shown(sign),
			(const char *)sign.at);
	if (!utf8_is_valid(line))
		return sink_why(why, SINK_ESYNTAX, "no UTF-8");
	attributes_init(&out->attributes);
	out->change.removes = sign.at[0] == '-';
	err = take_subject(out, text_field(&rest), why);
	if (!err)
		err = take_keys(out, rest, now, why);
	if (!err)
		err = check(out, now, why);
	return err ? err : finish(out, why);
}

/* --- writing ------------------------------------------------------------------------------------ */

struct text_out {
	char *at;
	size_t len; /* below LIVELINE_MAX: a name, and each text quoted with each byte escaped */
};

_Static_assert(LIVELINE_MAX > SINK_TEXT_MAX + SINK_FIELD_COUNT * (2 * SINK_STRING_MAX + 32) + 512,
	"a line may not fit");

static void put(struct text_out *out, const char *text, size_t len)
{
	if (len > 0)
		memcpy(out->at + out->len, text, len);
	out->len += len;
}

static void put_quoted(struct text_out *out, struct sink_span value)
{
	put(out, "\"", 1);
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] == '"' || value.at[i] == '\\')
			put(out, "\\", 1);
		put(out, (const char *)value.at + i, 1);
	}
	put(out, "\"", 1);
}

static void put_key(struct text_out *out, const char *key, struct sink_span value)
{
	put(out, " ", 1);
	put(out, key, strlen(key));
	put(out, "=", 1);
	if (text_find(value, ' ') < value.len || text_starts(value, "\""))
		put_quoted(out, value);
	else
		put(out, (const char *)value.at, value.len);
}

static void put_word(struct text_out *out, const char *key, const char *word)
{
	put_key(out, key, sink_span_text(word));
}

static void put_time(struct text_out *out, const char *key, int64_t time)
{
	char text[32];

	if (time == 0)
		return;
	snprintf(text, sizeof text, "@%lld", (long long)time);
	put_word(out, key, text);
}

static void put_subject(struct text_out *out, const struct sink_subject *subject)
{
	char text[SINK_TEXT_MAX];

	if (sink_trigger_is_prefix(subject->trigger))
		sink_prefix_to_text(&subject->prefix, text);
	else
		sink_name_to_text(&subject->name, text);
	put(out, text, strlen(text));
	if (subject->trigger != SINK_TRIGGER_QNAME && subject->trigger != SINK_TRIGGER_ANSWER)
		put_word(out, "trigger", sink_trigger_word(subject->trigger));
}

static void put_record(struct text_out *out, const struct sink_record *record)
{
	char percent[8];

	if (record->kind == SINK_KIND_ALLOW)
		put_word(out, "action", "pass");
	for (int f = SINK_FIELD_SOURCE + 1; f < SINK_FIELD_COUNT; f++)
		if (record->text[f].len > 0)
			put_key(out, sink_field_word((enum sink_field)f), record->text[f]);
	if (record->severity != SINK_SEVERITY_NONE)
		put_word(out, "severity", sink_severity_word(record->severity));
	if (record->confidence != SINK_CONFIDENCE_NONE) {
		snprintf(percent, sizeof percent, "%u", record->confidence);
		put_word(out, "confidence", percent);
	}
	if (record->tlp != SINK_TLP_NONE)
		put_word(out, "tlp", sink_tlp_word(record->tlp));
	put_time(out, "valid-from", record->valid_from);
	put_time(out, "valid-until", record->valid_until);
}

size_t liveline_format(const struct liveline *line, char text[LIVELINE_MAX])
{
	const struct sink_change *change = &line->change;
	const struct sink_span source = change->record.text[SINK_FIELD_SOURCE];
	struct text_out out = { .at = text };

	put(&out, change->removes ? "- " : "+ ", 2);
	put_subject(&out, &change->subject);
	if (source.len > 0)
		put_key(&out, "source", source);
	if (!change->removes) {
		if (!sink_trigger_is_prefix(change->subject.trigger))
			put_word(&out, "scope", sink_scope_word(change->scope));
		put_record(&out, &change->record);
	}
	put(&out, "\n", 1);
	return out.len;
}

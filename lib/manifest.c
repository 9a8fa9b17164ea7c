/* manifest.c - the text of a manifest: doc/DATABASE.md, "The manifest".
 *
 * One table of rows drives writing and reading. What was read is written again and compared, so
 * that there is exactly one text for each manifest and strictness needs no code of its own. */
#include "manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "digest.h"
#include "hex.h"
#include "sinkhole/sign.h"

#define HEAD "sinkhole-generation "
#define END "end "
#define SIGNATURE "signature "
#define MICROS 1000000

enum form { FORM_NUMBER, FORM_TIME, FORM_INSTANT, FORM_END, FORM_TEXT, FORM_DIGEST };

/* What a manifest may lack has come with a version, which is the manifest's only where it is there: so one without is read by
 * those who know the version before, too. */
#define VERSION_FIRST 2
#define VERSION_LAST 5
#define VERSION_SIGNED 4

enum part { PART_ALL, PART_READ, PART_DELTA, PART_CHANGES, PART_PAUSE, PART_EXPIRY };

static bool is_always_there(const struct sink_manifest *m)
{
	(void)m;
	return true;
}

static bool has_read(const struct sink_manifest *m)
{
	return m->read != 0;
}

static bool has_delta(const struct sink_manifest *m)
{
	return m->delta[0];
}

static bool has_changes(const struct sink_manifest *m)
{
	return m->changes[0];
}

static bool has_pause(const struct sink_manifest *m)
{
	return m->paused_until != 0;
}

static bool has_expiry(const struct sink_manifest *m)
{
	return m->expires != 0;
}

static const struct {
	unsigned version;
	bool (*is_there)(const struct sink_manifest *m);
} parts[] = {
	[PART_ALL] = { VERSION_FIRST, is_always_there },
	[PART_READ] = { 5, has_read },
	[PART_DELTA] = { 4, has_delta },
	[PART_CHANGES] = { 4, has_changes },
	[PART_PAUSE] = { 3, has_pause },
	[PART_EXPIRY] = { 4, has_expiry },
};

struct row {
	const char *word;
	enum part part;
	enum form form;
	size_t offset; /* in struct sink_manifest */
	size_t size; /* bytes there */
};

#define ROW(part, word, form, member) \
	{ \
		word, part, form, offsetof(struct sink_manifest, member), \
			sizeof(((struct sink_manifest *)0)->member) \
	}

static const struct row rows[] = {
	ROW(PART_ALL, "serial", FORM_NUMBER, serial),
	ROW(PART_ALL, "time", FORM_TIME, time),
	ROW(PART_READ, "read", FORM_INSTANT, read),
	ROW(PART_ALL, "tool", FORM_TEXT, tool),
	ROW(PART_ALL, "origin", FORM_TEXT, origin),
	ROW(PART_ALL, "reason", FORM_TEXT, reason),
	ROW(PART_ALL, "base", FORM_TEXT, base),
	ROW(PART_ALL, "base-size", FORM_NUMBER, base_size),
	ROW(PART_ALL, "base-sha256", FORM_DIGEST, base_digest),
	ROW(PART_ALL, "names", FORM_NUMBER, names),
	ROW(PART_ALL, "listings", FORM_NUMBER, listings),
	ROW(PART_ALL, "policy", FORM_TEXT, policy),
	ROW(PART_ALL, "policy-size", FORM_NUMBER, policy_size),
	ROW(PART_ALL, "policy-sha256", FORM_DIGEST, policy_digest),
	ROW(PART_DELTA, "delta", FORM_TEXT, delta),
	ROW(PART_DELTA, "delta-size", FORM_NUMBER, delta_size),
	ROW(PART_DELTA, "delta-sha256", FORM_DIGEST, delta_digest),
	ROW(PART_CHANGES, "changes", FORM_TEXT, changes),
	ROW(PART_CHANGES, "changes-size", FORM_NUMBER, changes_size),
	ROW(PART_CHANGES, "changes-sha256", FORM_DIGEST, changes_digest),
	ROW(PART_PAUSE, "paused", FORM_TIME, paused_since),
	ROW(PART_PAUSE, "paused-until", FORM_END, paused_until),
	ROW(PART_EXPIRY, "expires", FORM_TIME, expires),
};

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* The lowest version that has all that is there. */
static unsigned version_of(const struct sink_manifest *m)
{
	unsigned version = m->signatures_count > 0 ? VERSION_SIGNED : VERSION_FIRST;

	for (size_t i = 0; i < LENGTH(parts); i++)
		if (parts[i].version > version && parts[i].is_there(m))
			version = parts[i].version;
	return version;
}

/* --- what the fields may hold ----------------------------------------------------------------- */

/* The length of the UTF-8 sequence at `at`, 0 if it is none or a control character: Unicode 15.0,
 * table 3-7, without U+0000..1F and U+7F..9F. */
static size_t character(const uint8_t *at, size_t len)
{
	uint8_t low = 0x80, high = 0xbf; /* of the second byte */
	size_t n;

	if (at[0] < 0x80)
		return at[0] >= 0x20 && at[0] != 0x7f;
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	n = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	if (at[0] == 0xc2 || at[0] == 0xe0)
		low = 0xa0; /* no control character; no longer form than needed */
	else if (at[0] == 0xf0)
		low = 0x90;
	if (at[0] == 0xed)
		high = 0x9f; /* no surrogate */
	else if (at[0] == 0xf4)
		high = 0x8f;
	if (at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	return n;
}

bool manifest_is_text(struct sink_span text, size_t size)
{
	size_t at = 0;

	while (at < text.len) {
		size_t n = character(text.at + at, text.len - at);

		if (n == 0)
			return false;
		at += n;
	}
	return text.len < size;
}

static bool is_file_name(const char *name)
{
	return name[0] && name[0] != '.' && !strchr(name, '/');
}

static bool is_time(int64_t time)
{
	return time >= 0 && time <= MANIFEST_TIME_MAX;
}

static bool is_instant(int64_t micros)
{
	return micros >= 0 && is_time(micros / MICROS);
}

/* Without one, both are 0. */
static bool is_pause(int64_t since, int64_t until)
{
	return until == 0 ? since == 0
			  : is_time(since) && (is_time(until) || until == SINK_PAUSED_OPEN);
}

/* Each key once, the ids rising. */
static bool are_signatures(const struct sink_manifest *m)
{
	if (m->signatures_count > SINK_SIGNATURES_MAX)
		return false;
	for (unsigned i = 1; i < m->signatures_count; i++)
		if (memcmp(m->signatures[i - 1].key, m->signatures[i].key, SINK_KEY_ID_LEN) >= 0)
			return false;
	return true;
}

/* A file that there need not be: without it all is empty. */
static bool is_optional_file(const char name[SINK_FILE_NAME_MAX], uint64_t size)
{
	if (!name[0])
		return size == 0;
	return is_file_name(name) && manifest_is_text(sink_span_text(name), SINK_FILE_NAME_MAX) &&
		size <= MANIFEST_NUMBER_MAX;
}

int manifest_check(const struct sink_manifest *m, struct sink_why *why)
{
	const char *bad = NULL;

	if (m->serial == 0 || m->serial > MANIFEST_NUMBER_MAX)
		bad = "serial";
	else if (!is_time(m->time))
		bad = "time";
	else if (!is_instant(m->read))
		bad = "read";
	else if (!m->tool[0] || !manifest_is_text(sink_span_text(m->tool), sizeof m->tool))
		bad = "tool";
	else if (!m->origin[0] || !manifest_is_text(sink_span_text(m->origin), sizeof m->origin))
		bad = "origin";
	else if (!manifest_is_text(sink_span_text(m->reason), sizeof m->reason))
		bad = "reason";
	else if (!is_file_name(m->base) ||
		!manifest_is_text(sink_span_text(m->base), sizeof m->base))
		bad = "base";
	else if (!is_file_name(m->policy) ||
		!manifest_is_text(sink_span_text(m->policy), sizeof m->policy))
		bad = "policy";
	else if (m->base_size > MANIFEST_NUMBER_MAX || m->policy_size > MANIFEST_NUMBER_MAX ||
		m->names > MANIFEST_NUMBER_MAX || m->listings > MANIFEST_NUMBER_MAX)
		bad = "number";
	else if (!is_optional_file(m->delta, m->delta_size) ||
		(m->delta[0] && !m->changes[0])) /* nobody knew what it is made of */
		bad = "delta";
	else if (!is_optional_file(m->changes, m->changes_size))
		bad = "changes";
	else if (!is_pause(m->paused_since, m->paused_until))
		bad = "pause";
	else if (!is_time(m->expires))
		bad = "expiry";
	else if (!are_signatures(m))
		bad = "signature";
	return bad ? sink_why(why, SINK_EINVAL, "manifest: %s out of its range", bad) : SINK_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct text_out {
	char *at;
	size_t len; /* below SINK_MANIFEST_MAX: all fields together are a quarter of it */
};

static void put(struct text_out *out, struct sink_span bytes)
{
	if (bytes.len > 0)
		memcpy(out->at + out->len, bytes.at, bytes.len);
	out->len += bytes.len;
}

static void put_text(struct text_out *out, const char *text)
{
	put(out, sink_span_text(text));
}

static void put_time(struct text_out *out, int64_t seconds)
{
	char text[32] = "";
	time_t time = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&time, &tm))
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_text(out, text);
}

/* With the digits before its last letter. */
static void put_instant(struct text_out *out, int64_t micros)
{
	char text[16];

	put_time(out, micros / MICROS);
	out->len--;
	snprintf(text, sizeof text, ".%06dZ", (int)(micros % MICROS));
	put_text(out, text);
}

static void put_number(struct text_out *out, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)number);
	put_text(out, text);
}

static void put_digest(struct text_out *out, const uint8_t digest[SINK_DIGEST_LEN])
{
	char text[DIGEST_HEX_LEN + 1];

	digest_to_hex(digest, text);
	put_text(out, text);
}

/* Such a line is its word alone. */
static bool is_empty(const struct row *row, const uint8_t *field)
{
	int64_t time;

	if (row->form == FORM_TEXT)
		return !field[0];
	if (row->form != FORM_END)
		return false;
	memcpy(&time, field, sizeof time);
	return time == SINK_PAUSED_OPEN;
}

static void put_row(struct text_out *out, const struct row *row, const struct sink_manifest *m)
{
	const uint8_t *field = (const uint8_t *)m + row->offset;
	uint64_t number;
	int64_t time;

	put_text(out, row->word);
	if (!is_empty(row, field))
		put_text(out, " ");
	switch (row->form) {
	case FORM_NUMBER:
		memcpy(&number, field, sizeof number);
		put_number(out, number);
		break;
	case FORM_TIME:
	case FORM_END:
		memcpy(&time, field, sizeof time);
		if (!is_empty(row, field))
			put_time(out, time);
		break;
	case FORM_INSTANT:
		memcpy(&time, field, sizeof time);
		put_instant(out, time);
		break;
	case FORM_TEXT:
		put(out, sink_span(field, strnlen((const char *)field, row->size - 1)));
		break;
	case FORM_DIGEST:
		put_digest(out, field);
		break;
	}
	put_text(out, "\n");
}

size_t manifest_format_signed(const struct sink_manifest *manifest, char text[SINK_MANIFEST_MAX])
{
	struct text_out out = { .at = text };
	uint8_t digest[SINK_DIGEST_LEN] = { 0 };

	put_text(&out, HEAD);
	put_number(&out, version_of(manifest));
	put_text(&out, "\n");
	for (size_t i = 0; i < LENGTH(rows); i++)
		if (parts[rows[i].part].is_there(manifest))
			put_row(&out, &rows[i], manifest);
	/* Without memory for a digest the text is one that no reader takes. */
	(void)digest_of(sink_span(text, out.len), digest);
	put_text(&out, END);
	put_digest(&out, digest);
	put_text(&out, "\n");
	text[out.len] = 0;
	return out.len;
}

static void put_signature(struct text_out *out, const struct sink_signature *signature)
{
	char key[SINK_KEY_TEXT], bytes[2 * SINK_SIGNATURE_LEN + 1];

	sink_key_text(signature->key, key);
	hex_write(sink_span(signature->bytes, sizeof signature->bytes), bytes);
	put_text(out, SIGNATURE);
	put_text(out, key);
	put_text(out, " ");
	put_text(out, bytes);
	put_text(out, "\n");
}

size_t sink_manifest_format(const struct sink_manifest *manifest, char text[SINK_MANIFEST_MAX])
{
	struct text_out out = { .at = text, .len = manifest_format_signed(manifest, text) };

	for (unsigned i = 0; i < manifest->signatures_count; i++)
		put_signature(&out, &manifest->signatures[i]);
	text[out.len] = 0;
	return out.len;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Take a line from the front, without its line feed. False when there is none. */
static bool next_line(struct sink_span *rest, struct sink_span *line)
{
	const uint8_t *end = rest->len ? memchr(rest->at, '\n', rest->len) : NULL;

	if (!end)
		return false;
	*line = sink_span(rest->at, (size_t)(end - rest->at));
	*rest = sink_span(end + 1, rest->len - line->len - 1);
	return true;
}

/* Take `word` from the front. */
static bool next_word(struct sink_span *rest, const char *word)
{
	size_t len = strlen(word);

	if (rest->len < len || memcmp(rest->at, word, len) != 0)
		return false;
	*rest = sink_span(rest->at + len, rest->len - len);
	return true;
}

static bool get_number(struct sink_span text, uint64_t *out)
{
	uint64_t number = 0;

	if (text.len == 0 || text.len > 19) /* 2^63 has 19 digits, and 10^19 fits 64 bits */
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		number = number * 10 + (text.at[i] - (uint64_t)'0');
	}
	*out = number;
	return number <= MANIFEST_NUMBER_MAX;
}

static bool get_time(struct sink_span text, int64_t *out)
{
	char copy[sizeof "2026-11-21T12:00:00Z"];
	struct tm tm = { 0 };
	const char *end;

	if (text.len != sizeof copy - 1)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = 0;
	end = strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!end || *end)
		return false;
	*out = (int64_t)timegm(&tm);
	return true;
}

/* What stands between the point and the last letter turns out to be six digits when it is written again. */
static bool get_instant(struct sink_span text, int64_t *out)
{
	char copy[sizeof "2026-11-21T12:00:00.123456Z"];
	const size_t point = sizeof "2026-11-21T12:00:00" - 1;
	int64_t second;

	if (text.len != sizeof copy - 1)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = 0;
	copy[point] = 'Z';
	if (!get_time(sink_span(copy, point + 1), &second))
		return false;
	*out = second * MICROS + strtol(copy + point + 1, NULL, 10);
	return true;
}

static bool get_text(struct sink_span text, uint8_t *field, size_t size)
{
	if (!manifest_is_text(text, size))
		return false;
	if (text.len > 0)
		memcpy(field, text.at, text.len);
	field[text.len] = 0;
	return true;
}

static bool get_row(struct sink_span line, const struct row *row, struct sink_manifest *m)
{
	uint8_t *field = (uint8_t *)m + row->offset;
	uint64_t number;
	int64_t time;

	if (!next_word(&line, row->word))
		return false;
	if (!next_word(&line, " ") && line.len > 0)
		return false;
	switch (row->form) {
	case FORM_NUMBER:
		if (!get_number(line, &number))
			return false;
		memcpy(field, &number, sizeof number);
		return true;
	case FORM_TIME:
		if (!get_time(line, &time))
			return false;
		memcpy(field, &time, sizeof time);
		return true;
	case FORM_INSTANT:
		if (!get_instant(line, &time))
			return false;
		memcpy(field, &time, sizeof time);
		return true;
	case FORM_END:
		time = SINK_PAUSED_OPEN;
		if (line.len > 0 && !get_time(line, &time))
			return false;
		memcpy(field, &time, sizeof time);
		return true;
	case FORM_TEXT:
		return get_text(line, field, row->size);
	case FORM_DIGEST:
		return digest_from_hex(line, field) == SINK_OK;
	}
	return false;
}

/* The first line: is it a manifest, and one of our versions? */
static int get_head(struct sink_span *rest, struct sink_why *why)
{
	struct sink_span line;
	uint64_t version;

	if (!next_line(rest, &line) || !next_word(&line, HEAD) || !get_number(line, &version))
		return sink_why(why, SINK_ECORRUPT, "not a manifest");
	if (version < VERSION_FIRST || version > VERSION_LAST)
		return sink_why(why, SINK_EVERSION,
			"written by %s version of sinkhole (manifest %llu, this one reads %d to "
			"%d)",
			version < VERSION_FIRST ? "an earlier" : "a later",
			(unsigned long long)version, VERSION_FIRST, VERSION_LAST);
	return SINK_OK;
}

/* The line that ends what is signed: is everything before it as it was written?
 *
 * tail     what follows that line
 */
static int check_end(struct sink_span text, struct sink_why *why, struct sink_span *tail)
{
	uint8_t said[SINK_DIGEST_LEN], found[SINK_DIGEST_LEN];
	struct sink_span rest = text, line, before;
	int err;

	do {
		before = sink_span(text.at, text.len - rest.len);
		if (!next_line(&rest, &line))
			return sink_why(why, SINK_ECORRUPT, "cut off");
	} while (!next_word(&line, END)); /* no other line begins so */
	if (digest_from_hex(line, said))
		return sink_why(why, SINK_ECORRUPT, "no digest at its end");
	err = digest_of(before, found);
	if (err)
		return sink_why(why, err, "%s", sink_strerror(err));
	if (memcmp(said, found, sizeof said) != 0)
		return sink_why(why, SINK_ECORRUPT, "digest of the manifest differs");
	*tail = rest;
	return SINK_OK;
}

/* Does a line with this word come next? */
static bool is_next(struct sink_span rest, const char *word)
{
	return next_word(&rest, word) && rest.len > 0 && (rest.at[0] == ' ' || rest.at[0] == '\n');
}

/* That what belongs together is there together, and in a manifest of the right version, turns out when it is written again. */
static int get_rows(struct sink_span *rest, struct sink_why *why, struct sink_manifest *m)
{
	struct sink_span line;

	for (size_t i = 0; i < LENGTH(rows); i++) {
		if (rows[i].part != PART_ALL && !is_next(*rest, rows[i].word))
			continue;
		if (!next_line(rest, &line) || !get_row(line, &rows[i], m))
			return sink_why(why, SINK_ECORRUPT, "no valid %s where it belongs",
				rows[i].word);
	}
	return SINK_OK;
}

static bool get_signature(struct sink_span line, struct sink_signature *out)
{
	const size_t digits = 2 * sizeof out->key;

	return next_word(&line, SIGNATURE) && line.len > digits && line.at[digits] == ' ' &&
		hex_read(sink_span(line.at, digits), out->key, sizeof out->key) &&
		hex_read(sink_span(line.at + digits + 1, line.len - digits - 1), out->bytes,
			sizeof out->bytes);
}

static int get_signatures(struct sink_span tail, struct sink_why *why, struct sink_manifest *m)
{
	struct sink_span line;

	while (m->signatures_count < SINK_SIGNATURES_MAX && tail.len > 0) {
		if (!next_line(&tail, &line) ||
			!get_signature(line, &m->signatures[m->signatures_count]))
			return sink_why(why, SINK_ECORRUPT, "no signature after its end");
		m->signatures_count++;
	}
	return tail.len == 0 ? SINK_OK : sink_why(why, SINK_ECORRUPT, "more than signatures");
}

int sink_manifest_parse(struct sink_span text, struct sink_why *why, struct sink_manifest *out)
{
	struct sink_span rest = text, tail = { NULL, 0 };
	char again[SINK_MANIFEST_MAX];
	struct sink_manifest m = { 0 };
	int err;

	if (text.len >= SINK_MANIFEST_MAX)
		return sink_why(why, SINK_ECORRUPT, "longer than a manifest can be");
	err = get_head(&rest, why);
	if (!err)
		err = check_end(text, why, &tail);
	if (!err)
		err = get_rows(&rest, why, &m);
	if (!err)
		err = get_signatures(tail, why, &m);
	if (err)
		return err;
	if (manifest_check(&m, why))
		return SINK_ECORRUPT;
	if (!sink_span_equal(text, sink_span(again, sink_manifest_format(&m, again))))
		return sink_why(why, SINK_ECORRUPT, "not written as a manifest is");
	*out = m;
	return SINK_OK;
}

/* stats.c - the bytes of the file of counters: doc/STATS.md, "Layout". One table of rows drives writing and reading. */
#include "sinkhole/stats.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "sinkhole/policy.h"
#include "wire.h"

#define MAGIC "sinkstat"
#define MAGIC_LEN (sizeof MAGIC - 1)
#define VERSION 2

enum form {
	FORM_NUMBER, /* 0 to 2^63 - 1 */
	FORM_SPAN, /* the same, or all ones: SINK_STATS_NOT_YET */
	FORM_TEXT, /* one byte each */
};

struct row {
	enum form form;
	size_t offset; /* in struct sink_stats */
	size_t count; /* of numbers, or bytes of text */
};

#define ROW(form, member, count) \
	{ \
		form, offsetof(struct sink_stats, member), count \
	}

static const struct row rows[] = {
	ROW(FORM_NUMBER, written, 1),
	ROW(FORM_NUMBER, started, 1),
	ROW(FORM_NUMBER, ended, 1),
	ROW(FORM_NUMBER, pid, 1),
	ROW(FORM_TEXT, tool, SINK_STATS_TOOL),
	ROW(FORM_NUMBER, generation.serial, 1),
	ROW(FORM_NUMBER, generation.time, 1),
	ROW(FORM_NUMBER, generation.names, 1),
	ROW(FORM_NUMBER, generation.listings, 1),
	ROW(FORM_NUMBER, generation.paused_since, 1),
	ROW(FORM_NUMBER, generation.paused_until, 1),
	ROW(FORM_NUMBER, actions, SINK_STATS_ACTIONS),
	ROW(FORM_NUMBER, servfail, 1),
	ROW(FORM_NUMBER, monitored, 1),
	ROW(FORM_NUMBER, failed, 1),
	ROW(FORM_NUMBER, reaction.serial, 1),
	ROW(FORM_NUMBER, reaction.published, 1),
	ROW(FORM_NUMBER, reaction.noticed, 1),
	ROW(FORM_NUMBER, reaction.in_use, 1),
	ROW(FORM_SPAN, reaction.heard, 1),
	ROW(FORM_SPAN, reaction.walked, 1),
	ROW(FORM_SPAN, reaction.enforced, 1),
	ROW(FORM_NUMBER, reaction.sets, 1),
	ROW(FORM_NUMBER, reaction.messages, 1),
	ROW(FORM_NUMBER, in_use.count, 1),
	ROW(FORM_NUMBER, in_use.last, SINK_STATS_LAST),
	ROW(FORM_NUMBER, enforced.count, 1),
	ROW(FORM_NUMBER, enforced.last, SINK_STATS_LAST),
	ROW(FORM_NUMBER, reaction.read, 1),
};

#define ROWS (sizeof rows / sizeof rows[0])

_Static_assert(SINK_ACTION_LISTED <= SINK_STATS_ACTIONS, "no room for an action");

static size_t size_of(const struct row *row)
{
	return row->form == FORM_TEXT ? 1 : sizeof(uint64_t);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_row(struct wire_out *out, const struct row *row, const struct sink_stats *stats)
{
	const uint8_t *at = (const uint8_t *)stats + row->offset;

	if (row->form == FORM_TEXT) {
		wire_put_bytes(out, sink_span(at, row->count));
		return;
	}
	for (size_t i = 0; i < row->count; i++) {
		uint64_t number;

		memcpy(&number, at + i * sizeof number, sizeof number);
		wire_put_u64(out, number);
	}
}

int sink_stats_encode(const struct sink_stats *stats, uint8_t bytes[SINK_STATS_SIZE])
{
	const size_t len = SINK_STATS_SIZE - SINK_DIGEST_LEN;
	struct wire_out out = { .at = bytes, .left = len };

	wire_put_bytes(&out, sink_span((const uint8_t *)MAGIC, MAGIC_LEN));
	wire_put_u32(&out, VERSION);
	wire_put_u32(&out, SINK_STATS_SIZE);
	for (size_t i = 0; i < ROWS; i++)
		put_row(&out, &rows[i], stats);
	return digest_of(sink_span(bytes, len), bytes + len);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool get_row(struct wire_in *in, const struct row *row, struct sink_stats *stats)
{
	uint8_t *at = (uint8_t *)stats + row->offset;
	bool fits = true;

	for (size_t i = 0; i < row->count; i++) {
		uint64_t number = row->form == FORM_TEXT ? wire_u8(in) : wire_u64(in);

		if (row->form == FORM_TEXT) {
			at[i] = (uint8_t)number;
			continue;
		}
		fits = fits &&
			(number <= INT64_MAX || (row->form == FORM_SPAN && number == UINT64_MAX));
		memcpy(at + i * size_of(row), &number, sizeof number);
	}
	return fits;
}

/* Printable, and nothing behind its end. */
static bool is_tool(const char text[SINK_STATS_TOOL])
{
	size_t len = strnlen(text, SINK_STATS_TOOL);

	if (len == SINK_STATS_TOOL)
		return false;
	for (size_t i = 0; i < SINK_STATS_TOOL; i++)
		if (i < len ? text[i] < 0x20 || text[i] > 0x7e : text[i] != 0)
			return false;
	return true;
}

/* One after the other, and what is not yet there comes last. */
static bool is_in_order(const struct sink_reaction *r)
{
	const int64_t spans[] = { 0, r->noticed, r->in_use, r->heard, r->walked, r->enforced };

	for (size_t i = 1; i < sizeof spans / sizeof spans[0]; i++)
		if (spans[i] != SINK_STATS_NOT_YET &&
			(spans[i - 1] == SINK_STATS_NOT_YET || spans[i] < spans[i - 1]))
			return false;
	return true;
}

static bool is_sound(const struct sink_stats *stats)
{
	for (size_t i = SINK_ACTION_LISTED; i < SINK_STATS_ACTIONS; i++)
		if (stats->actions[i] != 0)
			return false;
	return is_tool(stats->tool) && is_in_order(&stats->reaction);
}

/* Whatever its version, a file begins in the same way. */
static int check_head(struct wire_in *in, struct sink_why *why)
{
	struct sink_span magic = wire_bytes(in, MAGIC_LEN);
	uint32_t version = wire_u32(in);

	if (in->bad)
		return sink_why(why, SINK_ECORRUPT, "cut off");
	if (memcmp(magic.at, MAGIC, MAGIC_LEN) != 0)
		return sink_why(why, SINK_ECORRUPT, "not a file of counters");
	if (version != VERSION)
		return sink_why(why, SINK_EVERSION,
			"written by %s version of sinkhole (version %lu, this one reads %d)",
			version < VERSION ? "an earlier" : "a later", (unsigned long)version,
			VERSION);
	return SINK_OK;
}

static int check_digest(struct sink_span bytes, struct sink_why *why)
{
	const size_t len = SINK_STATS_SIZE - SINK_DIGEST_LEN;
	uint8_t digest[SINK_DIGEST_LEN];
	int err;

	if (bytes.len != SINK_STATS_SIZE)
		return sink_why(why, SINK_ECORRUPT, "not the %d bytes that were written",
			SINK_STATS_SIZE);
	err = digest_of(sink_span(bytes.at, len), digest);
	if (err)
		return sink_why(why, err, "%s", sink_strerror(err));
	if (memcmp(digest, bytes.at + len, sizeof digest) != 0)
		return sink_why(why, SINK_ECORRUPT, "its digest differs");
	return SINK_OK;
}

int sink_stats_decode(struct sink_span bytes, struct sink_why *why, struct sink_stats *out)
{
	struct wire_in in = { .left = bytes };
	struct sink_stats stats;
	bool sound;
	int err = check_head(&in, why);

	if (!err)
		err = check_digest(bytes, why);
	if (err)
		return err;
	sound = wire_u32(&in) == SINK_STATS_SIZE;
	for (size_t i = 0; i < ROWS; i++)
		sound = get_row(&in, &rows[i], &stats) && sound;
	wire_bytes(&in, SINK_DIGEST_LEN);
	if (!wire_done(&in) || !sound || !is_sound(&stats))
		return sink_why(why, SINK_ECORRUPT, "a field is out of its range");
	*out = stats;
	return SINK_OK;
}

/* --- series ----------------------------------------------------------------------------------- */

void sink_series_add(struct sink_series *series, int64_t span)
{
	series->last[series->count++ % SINK_STATS_LAST] = span;
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The smallest of which so many percent are not above it. */
static int64_t rank(const int64_t *sorted, unsigned count, unsigned percent)
{
	return sorted[(count * percent + 99) / 100 - 1];
}

struct sink_spread sink_series_spread(const struct sink_series *series)
{
	struct sink_spread out = { .count = SINK_STATS_LAST };
	int64_t sorted[SINK_STATS_LAST];

	if (series->count < SINK_STATS_LAST)
		out.count = (unsigned)series->count;
	if (out.count == 0)
		return out;
	memcpy(sorted, series->last, sizeof sorted);
	qsort(sorted, out.count, sizeof sorted[0], compare);
	out.min = sorted[0];
	out.median = rank(sorted, out.count, 50);
	out.p95 = rank(sorted, out.count, 95);
	out.max = sorted[out.count - 1];
	return out;
}

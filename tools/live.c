/* live.c - changes as lines, sorted by subject, and one after the other made to a list of what is in force. Lines are all
 * that is kept of them: so many as an operator types, or a court orders, take no time to read again. */
#include "live.h"

#include <stdlib.h>

#include "sinkhole/grow.h"
#include "text.h"

#define KEY_MAX (1 + SINK_KEY_MAX) /* bytes */

/* A change, and what it is sorted by; its texts lie in one piece of memory. */
struct item {
	uint8_t *memory;
	size_t order; /* of what came later it is higher */
	bool removes;
	int64_t until; /* the first second at which it is over; 0: never */
	struct sink_span key; /* of its subject */
	struct sink_span source;
	struct sink_span line; /* with its line feed */
};

struct items {
	struct item *at;
	size_t count, room;
};

struct live {
	int64_t now;
	bool has_preset;
	struct sink_span preset;
	struct items before, added; /* in the order in which they came */
	struct items kept; /* of those: what is in force, sorted; not its own */
	size_t in_force,
		exits; /* how many that were, and of them by `allow`, also when they are gone */
	uint8_t *text; /* the same, as it is kept */
	size_t next; /* to be handed out */
	struct liveline line;
};

/* --- items -------------------------------------------------------------------------------------- */

/* Subjects in some order, and equal keys for equal ones. */
static size_t make_key(const struct sink_subject *subject, uint8_t out[KEY_MAX])
{
	const struct sink_prefix *prefix = &subject->prefix;
	size_t len = 0;

	out[len++] = (uint8_t)subject->trigger;
	if (!sink_trigger_is_prefix(subject->trigger)) {
		memcpy(out + len, subject->name.key, subject->name.len);
		return len + subject->name.len;
	}
	out[len++] = prefix->family;
	memcpy(out + len, prefix->bytes, sizeof prefix->bytes);
	len += sizeof prefix->bytes;
	out[len++] = prefix->bits;
	return len;
}

static struct sink_span copy(uint8_t **to, struct sink_span from)
{
	struct sink_span out = sink_span(*to, from.len);

	if (from.len > 0)
		memcpy(*to, from.at, from.len);
	*to += from.len;
	return out;
}

static int put(struct items *items, const struct item *item)
{
	struct item *at = sink_grow(items->at, items->count, &items->room, sizeof *at);

	if (!at)
		return SINK_ENOMEM;
	items->at = at;
	items->at[items->count++] = *item;
	return SINK_OK;
}

static int add(struct items *items, const struct liveline *line, size_t order)
{
	const struct sink_record *record = &line->change.record;
	struct sink_span source = record->text[SINK_FIELD_SOURCE];
	char text[LIVELINE_MAX];
	uint8_t key[KEY_MAX], *to;
	size_t text_len = liveline_format(line, text),
	       key_len = make_key(&line->change.subject, key);
	struct item item = { .memory = malloc(key_len + source.len + text_len),
		.order = order,
		.removes = line->change.removes,
		.until = line->change.removes ? 0 : record->valid_until };
	int err;

	if (!item.memory)
		return SINK_ENOMEM;
	to = item.memory;
	item.key = copy(&to, sink_span(key, key_len));
	item.source = copy(&to, source);
	item.line = copy(&to, sink_span(text, text_len));
	err = put(items, &item);
	if (err)
		free(item.memory);
	return err;
}

static void clear(struct items *items)
{
	for (size_t i = 0; i < items->count; i++)
		free(items->at[i].memory);
	items->count = 0;
}

/* By subject, then as they came. */
static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = sink_span_compare(x->key, y->key);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* By source: the one that has none first. */
static int compare_sources(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return sink_span_compare(x->source, y->source);
}

/* --- what is in force ----------------------------------------------------------------------------- */

/* Is it what `allow` says, which lies over all other changes and leaves them as they are? */
static bool is_exit(const struct item *item)
{
	return sink_span_equal(item->source, sink_span_text(SINK_SOURCE_ALLOW));
}

/* Does a later change of the same subject leave nothing of an earlier one? */
static bool ends(const struct item *later, const struct item *earlier)
{
	if (is_exit(later) != is_exit(earlier))
		return false;
	if (sink_span_equal(later->source, earlier->source))
		return true;
	return later->source.len == 0 || (!later->removes && earlier->source.len == 0);
}

/* One subject's, `count` of them, one after the other: each ends what it ends of those that are left. */
static int settle_subject(struct live *live, const struct item *items, size_t count)
{
	struct items *kept = &live->kept;
	size_t first = kept->count;
	int err = SINK_OK;

	for (size_t i = 0; !err && i < count; i++) {
		size_t left = first;

		for (size_t k = first; k < kept->count; k++)
			if (!ends(&items[i], &kept->at[k]))
				kept->at[left++] = kept->at[k];
		kept->count = left;
		err = put(kept, &items[i]);
	}
	qsort(kept->at + first, kept->count - first, sizeof *kept->at, compare_sources);
	return err;
}

/* What is over has ended what it replaced, and nothing is left of it. Nor is there of the end of what was allowed: no feed
 * has that source, whose listings would have to be kept away. */
static bool is_over(const struct live *live, const struct item *item)
{
	if (item->removes)
		return is_exit(item);
	return item->until != 0 && item->until <= live->now;
}

static void drop_over(struct live *live)
{
	struct items *kept = &live->kept;
	size_t left = 0;

	for (size_t i = 0; i < kept->count; i++)
		if (!is_over(live, &kept->at[i]))
			kept->at[left++] = kept->at[i];
	kept->count = left;
}

static void count_kept(struct live *live)
{
	live->in_force = live->kept.count;
	live->exits = 0;
	for (size_t i = 0; i < live->kept.count; i++)
		live->exits += is_exit(&live->kept.at[i]);
}

static int settle_all(struct live *live, struct item *all, size_t count)
{
	int err = SINK_OK;

	qsort(all, count, sizeof *all, compare);
	for (size_t i = 0, end; !err && i < count; i = end) {
		for (end = i + 1; end < count && sink_span_equal(all[end].key, all[i].key);)
			end++;
		err = settle_subject(live, all + i, end - i);
	}
	drop_over(live);
	count_kept(live);
	return err;
}

static int settle(struct live *live)
{
	size_t count = live->before.count + live->added.count;
	struct item *all = calloc(count + 1, sizeof *all);
	int err;

	if (!all)
		return SINK_ENOMEM;
	if (live->before.count > 0)
		memcpy(all, live->before.at, live->before.count * sizeof *all);
	if (live->added.count > 0)
		memcpy(all + live->before.count, live->added.at, live->added.count * sizeof *all);
	live->kept.count = 0;
	err = settle_all(live, all, count);
	free(all);
	return err;
}

static int read_before(struct live *live, struct sink_span text, struct sink_why *why)
{
	struct sink_why reason = { .text = "" };

	clear(&live->before);
	for (size_t number = 1; text.len > 0; number++) {
		int err = liveline_parse(text_cut(&text, '\n'), 0, &reason, &live->line);

		if (err)
			return sink_why(why, SINK_ECORRUPT,
				"line %zu of the live changes that are in force: %s", number,
				reason.text[0] ? reason.text : sink_strerror(err));
		err = add(&live->before, &live->line, 0);
		if (err)
			return err;
	}
	return SINK_OK;
}

int live_settle(struct live *live, struct sink_span before, struct sink_why *why)
{
	int err = read_before(live, before, why);

	live->next = 0;
	return err ? err : settle(live);
}

/* --- for a publication ---------------------------------------------------------------------------- */

static int write_text(struct live *live, struct sink_span *out)
{
	size_t len = 0;
	uint8_t *to;

	for (size_t i = 0; i < live->kept.count; i++)
		len += live->kept.at[i].line.len;
	free(live->text);
	live->text = to = malloc(len + 1);
	if (!to)
		return SINK_ENOMEM;
	for (size_t i = 0; i < live->kept.count; i++)
		copy(&to, live->kept.at[i].line);
	*out = sink_span(live->text, len);
	return SINK_OK;
}

static int take(void *arg, struct sink_span before, struct sink_why *why, struct sink_span *after)
{
	struct live *live = arg;
	int err = live_settle(live, live->has_preset ? live->preset : before, why);

	return err ? err : write_text(live, after);
}

static int next(void *arg, struct sink_change *out)
{
	struct live *live = arg;
	struct sink_span line;
	int err;

	if (live->next == live->kept.count)
		return SINK_ENOENT;
	line = live->kept.at[live->next++].line;
	line.len--; /* its end */
	err = liveline_parse(line, 0, NULL, &live->line);
	*out = live->line.change;
	return err ? SINK_EINVAL : SINK_OK; /* what was formatted can be read */
}

struct sink_live live_of(struct live *live)
{
	return (struct sink_live){ .take = take, .next = next, .arg = live };
}

/* --- from without --------------------------------------------------------------------------------- */

int live_begin(int64_t now, struct live **out)
{
	struct live *live = calloc(1, sizeof *live);

	if (!live)
		return SINK_ENOMEM;
	live->now = now;
	*out = live;
	return SINK_OK;
}

void live_end(struct live *live)
{
	if (!live)
		return;
	clear(&live->before);
	clear(&live->added);
	free(live->before.at);
	free(live->added.at);
	free(live->kept.at);
	free(live->text);
	free(live);
}

/* From 1: all that was there before is earlier. */
int live_add(struct live *live, const struct liveline *line)
{
	return add(&live->added, line, live->added.count + 1);
}

void live_clear(struct live *live, int64_t now)
{
	live->now = now;
	clear(&live->added);
	live->kept.count = 0;
}

size_t live_added(const struct live *live)
{
	return live->added.count;
}

void live_preset(struct live *live, struct sink_span text)
{
	live->has_preset = true;
	live->preset = text;
}

size_t live_in_force(const struct live *live)
{
	return live->in_force;
}

size_t live_exits(const struct live *live)
{
	return live->exits;
}

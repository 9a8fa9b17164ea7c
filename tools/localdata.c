/* localdata.c - an arena of records and an array to sort them by. */
#include "localdata.h"

#include <stdlib.h>

#include "rr.h"
#include "sinkhole/grow.h"

#define SUBJECT_MAX (2 + SINK_KEY_MAX) /* bytes; a prefix takes less */

/* In the arena one behind the other: subject, record, text. */
struct localdata_item {
	size_t at;
	uint64_t number;
	uint16_t subject, rr, text; /* bytes of each */
};

/* --- what a record is listed for, as bytes --------------------------------------------------------- */

static size_t encode(const struct feed_entry *subject, uint8_t out[SUBJECT_MAX])
{
	out[0] = (uint8_t)subject->trigger;
	if (sink_trigger_is_prefix(subject->trigger)) {
		out[1] = subject->prefix.family;
		out[2] = subject->prefix.bits;
		memcpy(out + 3, subject->prefix.bytes, sizeof subject->prefix.bytes);
		return 3 + sizeof subject->prefix.bytes;
	}
	out[1] = (uint8_t)subject->scope;
	memcpy(out + 2, subject->name.key, subject->name.len);
	return 2 + (size_t)subject->name.len;
}

static void decode(struct sink_span bytes, struct feed_entry *out)
{
	feed_entry_init(out);
	out->trigger = (enum sink_trigger)bytes.at[0];
	if (sink_trigger_is_prefix(out->trigger)) {
		out->scope = SINK_SCOPE_EXACT;
		out->prefix.family = bytes.at[1];
		out->prefix.bits = bytes.at[2];
		memcpy(out->prefix.bytes, bytes.at + 3, sizeof out->prefix.bytes);
		return;
	}
	out->scope = (enum sink_scope)bytes.at[1];
	sink_name_from_key(sink_span(bytes.at + 2, bytes.len - 2), &out->name);
}

/* --- adding ---------------------------------------------------------------------------------------- */

static int make_room(struct localdata *data, size_t len)
{
	uint8_t *at = sink_grow_by(data->at, data->len, &data->room, len);

	if (!at)
		return SINK_ENOMEM;
	data->at = at;
	return SINK_OK;
}

static void append(struct localdata *data, struct sink_span bytes)
{
	if (bytes.len > 0)
		memcpy(data->at + data->len, bytes.at, bytes.len);
	data->len += bytes.len;
}

static int add(struct localdata *data, struct sink_span subject, uint64_t number,
	struct sink_span rr, struct sink_span text)
{
	struct localdata_item *items =
		sink_grow(data->items, data->count, &data->size, sizeof *items);
	int err = items ? make_room(data, subject.len + rr.len + text.len) : SINK_ENOMEM;

	if (items)
		data->items = items;
	if (err)
		return err;
	data->items[data->count++] = (struct localdata_item){ .at = data->len,
		.number = number,
		.subject = (uint16_t)subject.len,
		.rr = (uint16_t)rr.len,
		.text = (uint16_t)text.len };
	append(data, subject);
	append(data, rr);
	append(data, text);
	return SINK_OK;
}

int localdata_add(struct localdata *data, const struct feed_entry *subject, uint64_t number,
	struct sink_span rr, struct sink_span text)
{
	uint8_t bytes[SUBJECT_MAX];
	size_t len = encode(subject, bytes);

	text.len = text.len < FEED_EXAMPLE_MAX ? text.len : FEED_EXAMPLE_MAX;
	return add(data, sink_span(bytes, len), number, rr, text);
}

bool localdata_is_full(const struct localdata *data)
{
	return data->len + data->count * sizeof *data->items >= LOCALDATA_MAX;
}

/* --- telling --------------------------------------------------------------------------------------- */

static struct sink_span subject_of(const struct localdata *data, const struct localdata_item *item)
{
	return sink_span(data->at + item->at, item->subject);
}

static struct sink_span rr_of(const struct localdata *data, const struct localdata_item *item)
{
	return sink_span(data->at + item->at + item->subject, item->rr);
}

static struct sink_span text_of(const struct localdata *data, const struct localdata_item *item)
{
	return sink_span(data->at + item->at + item->subject + item->rr, item->text);
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct localdata *data = arg;
	const struct localdata_item *x = a, *y = b;
	int order = sink_span_compare(subject_of(data, x), subject_of(data, y));

	if (!order)
		order = sink_span_compare(rr_of(data, x), rr_of(data, y));
	return order ? order : (x->number > y->number) - (x->number < y->number);
}

static uint16_t type_of(struct sink_span rr)
{
	return (uint16_t)(rr.at[0] << 8 | rr.at[1]);
}

/* The first CNAME of a group, or NULL. */
static const struct localdata_item *find_alias(const struct localdata *data,
	const struct localdata_item *begin, const struct localdata_item *end)
{
	for (; begin < end; begin++)
		if (type_of(rr_of(data, begin)) == RR_TYPE_CNAME)
			return begin;
	return NULL;
}

static void leave_out(const struct localdata *data, const struct localdata_item *item,
	enum feed_reason reason, const char *detail, const struct feed_out *out)
{
	out->item(out->arg, item->number);
	feed_skip_detail(out, reason, sink_span_text(detail), text_of(data, item));
}

struct answer {
	uint8_t bytes[SINK_BYTES_MAX];
	size_t len;
};

/* Distinct records of a sorted group; whether they fit. */
static bool gather(const struct localdata *data, const struct localdata_item *begin,
	const struct localdata_item *end, struct answer *answer)
{
	answer->len = 0;
	for (const struct localdata_item *item = begin; item < end; item++) {
		struct sink_span rr = rr_of(data, item);

		if (item > begin && sink_span_equal(rr, rr_of(data, item - 1)))
			continue;
		if (rr.len > sizeof answer->bytes - answer->len)
			return false;
		memcpy(answer->bytes + answer->len, rr.at, rr.len);
		answer->len += rr.len;
	}
	return true;
}

static int tell_answer(const struct localdata *data, const struct localdata_item *first,
	const struct answer *answer, struct attributes *says, const struct feed_out *out)
{
	struct feed_entry entry;

	decode(subject_of(data, first), &entry);
	says->record.hint = SINK_HINT_DATA;
	says->record.data = sink_span(answer->bytes, answer->len);
	entry.says = says;
	return out->entry(out->arg, &entry);
}

/* All that is listed for one name or prefix. */
static int tell_group(const struct localdata *data, const struct localdata_item *begin,
	const struct localdata_item *end, struct attributes *says, const struct feed_out *out)
{
	const struct localdata_item *alias = find_alias(data, begin, end), *first = begin;
	struct answer answer;
	bool fits =
		alias ? gather(data, alias, alias + 1, &answer) : gather(data, begin, end, &answer);

	for (const struct localdata_item *item = begin; item < end; item++) {
		if (!fits)
			leave_out(data, item, FEED_VALUE, "", out);
		else if (alias && !sink_span_equal(rr_of(data, item), rr_of(data, alias)))
			leave_out(data, item, FEED_ACTION, "beside a CNAME", out);
		else if (item->number < first->number)
			first = item;
	}
	if (!fits)
		return SINK_OK;
	out->item(out->arg, alias ? alias->number : first->number);
	return tell_answer(data, begin, &answer, says, out);
}

/* Keep the records [begin, end) and forget the others. */
static int keep(struct localdata *data, const struct localdata_item *begin,
	const struct localdata_item *end)
{
	struct localdata kept = { 0 };
	int err = SINK_OK;

	for (; begin < end && !err; begin++)
		err = add(&kept, subject_of(data, begin), begin->number, rr_of(data, begin),
			text_of(data, begin));
	localdata_end(data);
	*data = kept;
	return err;
}

int localdata_tell(struct localdata *data, bool last, const struct feed_out *out)
{
	const struct localdata_item *end, *begin, *kept = NULL, *kept_end = NULL;
	struct sink_span newest;
	struct attributes says;
	int err = SINK_OK;

	if (data->count == 0)
		return SINK_OK;
	attributes_init(&says);
	newest = subject_of(data, &data->items[data->count - 1]);
	qsort_r(data->items, data->count, sizeof *data->items, compare, data);
	end = data->items + data->count;
	for (const struct localdata_item *item = data->items; item < end && !err; item = begin) {
		struct sink_span subject = subject_of(data, item);

		for (begin = item; begin < end && sink_span_equal(subject_of(data, begin), subject);
			begin++)
			;
		if (last || !sink_span_equal(subject, newest)) {
			err = tell_group(data, item, begin, &says, out);
			continue;
		}
		kept = item;
		kept_end = begin;
	}
	/* one name alone may be more than is kept */
	if (!err && kept && (size_t)(kept_end - kept) > data->count / 2) {
		err = tell_group(data, kept, kept_end, &says, out);
		kept = kept_end = NULL;
	}
	return err ? err : keep(data, kept, kept_end);
}

void localdata_end(struct localdata *data)
{
	free(data->at);
	free(data->items);
	*data = (struct localdata){ 0 };
}

/* decide.c - which of the listings that cover a name wins, and what that means. */
#include "sinkhole/decide.h"

struct deciding {
	struct sink_reader *reader;
	const struct sink_name *name;
	int64_t now; /* seconds since 1970 */
	sink_consider_fn *consider;
	void *arg;
	bool found;
	struct sink_verdict best; /* winner and kind, once found */
};

/* The key of a domain is a prefix of the key of every name below it, and of nothing else (name.h). */
static bool is_excepted(struct sink_span except, const struct sink_name *name)
{
	struct sink_span key;

	while (sink_except_next(&except, &key))
		if (key.len <= name->len && (key.len == 0 || !memcmp(key.at, name->key, key.len)))
			return true;
	return false;
}

/* Does it ask for what this version does not do? To hold back a block until then blocks too little; to hold
 * back an allow entry would block more than any feed said, so one about certain query types holds for all. */
static bool is_for_later(const struct sink_record *record)
{
	return record->hint == SINK_HINT_TRUNCATE ||
		(record->types.len > 0 && record->kind != SINK_KIND_ALLOW);
}

enum sink_standing sink_stand(const struct sink_record *record, const struct sink_name *name,
	int64_t now)
{
	if (record->valid_from && now < record->valid_from)
		return SINK_STANDING_FUTURE;
	if (record->valid_until && now >= record->valid_until)
		return SINK_STANDING_EXPIRED;
	if (name && is_excepted(record->except, name))
		return SINK_STANDING_EXCEPTED;
	if (is_for_later(record))
		return SINK_STANDING_LATER;
	return SINK_STANDING_ELIGIBLE;
}

bool sink_outranks(enum sink_kind a_kind, const struct sink_listing *a, enum sink_kind b_kind,
	const struct sink_listing *b)
{
	if (a_kind != b_kind)
		return a_kind > b_kind; /* their numbers are their ranks */
	if (a->labels != b->labels)
		return a->labels > b->labels;
	if (a->record != b->record)
		return a->record < b->record;
	return a->scope < b->scope; /* one record under two scopes: say the same one each time */
}

static int weigh(void *arg, const struct sink_listing *listing)
{
	struct deciding *d = arg;
	struct sink_record record;
	enum sink_standing stands;

	if (sink_reader_record(d->reader, listing->record, &record))
		return SINK_ECORRUPT;
	stands = sink_stand(&record, d->name, d->now);
	if (d->consider)
		d->consider(d->arg, listing, &record, stands);
	if (stands != SINK_STANDING_ELIGIBLE)
		return SINK_OK;
	if (d->found && !sink_outranks(record.kind, listing, d->best.kind, &d->best.winner))
		return SINK_OK;
	d->found = true;
	d->best.winner = *listing;
	d->best.kind = record.kind;
	return SINK_OK;
}

static enum sink_action action(const struct deciding *d)
{
	if (!d->found)
		return SINK_ACTION_NONE;
	if (d->best.kind == SINK_KIND_ALLOW)
		return SINK_ACTION_PASS;
	return sink_db_policy(sink_reader_db(d->reader))->block;
}

int sink_decide(struct sink_reader *reader, const struct sink_name *name, int64_t now,
	sink_consider_fn *consider, void *arg, struct sink_verdict *out)
{
	struct deciding d = {
		.reader = reader, .name = name, .now = now, .consider = consider, .arg = arg
	};
	int err = sink_reader_find(reader, name, weigh, &d);

	if (err)
		return err;
	d.best.action = action(&d);
	*out = d.best;
	return SINK_OK;
}

/* changes.c - two generations walked side by side. Records are compared by a hash of all that they say. */
#include "changes.h"

#include <stdlib.h>

#include "sinkhole/grow.h"

#define SHOWN 20 /* changes that are remembered */
#define SHORT_LABELS 2
#define SHORT_V4 24 /* bits */
#define SHORT_V6 48

/* What is counted together: a source's entries of one category. */
struct row {
	char *text; /* source, NUL, category, NUL */
	uint64_t counts[CHANGE_KIND_COUNT];
	uint64_t renewed; /* last longer, or shorter, and are otherwise the same */
};

/* A record, as far as comparing needs it. */
struct known {
	uint64_t source; /* hash of its source's name */
	uint64_t says; /* hash of all that it says, but for how long */
	int64_t until;
	uint32_t row;
	uint8_t kind;
	bool is_stop; /* no entry: it follows from others, whose changes are told */
};

struct knowns {
	struct known *at;
	uint32_t count;
};

/* A change that is remembered: with all that it borrows. */
struct remembered {
	struct change change;
	struct sink_subject subject;
	char *text[2][2]; /* was, is: source, category */
};

struct changes {
	struct mix mix;
	struct row *rows;
	size_t count, size;
	uint32_t *slots; /* by hash of the text: row + 1, or 0 */
	size_t mask;
	struct knowns before, after;
	uint64_t totals[CHANGE_KIND_COUNT], renewed;
	uint64_t risks[RISK_COUNT];
	struct remembered shown[RISK_COUNT][SHOWN];
};

/* --- records ------------------------------------------------------------------------------------- */

static uint64_t hash_text(const struct changes *c, const char *text, size_t len)
{
	return mix_bytes(&c->mix, 1, sink_span(text, len));
}

static int widen_slots(struct changes *c)
{
	size_t count = c->mask ? 2 * (c->mask + 1) : 64;
	uint32_t *slots = calloc(count, sizeof *slots);

	if (!slots)
		return SINK_ENOMEM;
	for (uint32_t i = 0; i < c->count; i++) {
		const char *text = c->rows[i].text;
		size_t len = strlen(text) + 1, at;

		at = hash_text(c, text, len + strlen(text + len)) & (count - 1);
		while (slots[at])
			at = (at + 1) & (count - 1);
		slots[at] = i + 1;
	}
	free(c->slots);
	c->slots = slots;
	c->mask = count - 1;
	return SINK_OK;
}

static int add_row(struct changes *c, const char *text, size_t len, uint32_t *slot)
{
	struct row *rows = sink_grow(c->rows, c->count, &c->size, sizeof *rows);
	char *copy = malloc(len + 1);

	if (rows)
		c->rows = rows;
	if (!rows || !copy) {
		free(copy);
		return SINK_ENOMEM;
	}
	memcpy(copy, text, len + 1);
	rows[c->count++] = (struct row){ .text = copy };
	*slot = (uint32_t)c->count;
	return SINK_OK;
}

/* Two texts behind each other, each with its NUL. */
static bool is_same_pair(const char *a, const char *b)
{
	return strcmp(a, b) == 0 && strcmp(a + strlen(a) + 1, b + strlen(b) + 1) == 0;
}

/* Text fields of records hold no NUL: attributes_set() lets no control character in. */
static int find_row(struct changes *c, const struct sink_record *record, uint32_t *out)
{
	struct sink_span source = record->text[SINK_FIELD_SOURCE];
	struct sink_span category = record->text[SINK_FIELD_CATEGORY];
	char text[2 * SINK_STRING_MAX + 2];
	size_t len = source.len + 1 + category.len, at;
	int err;

	if (source.len > 0)
		memcpy(text, source.at, source.len);
	text[source.len] = 0;
	if (category.len > 0)
		memcpy(text + source.len + 1, category.at, category.len);
	text[len] = 0;
	if (c->count >= c->mask / 2 && widen_slots(c) != SINK_OK)
		return SINK_ENOMEM;
	for (at = hash_text(c, text, len) & c->mask; c->slots[at]; at = (at + 1) & c->mask)
		if (is_same_pair(c->rows[c->slots[at] - 1].text, text))
			break;
	err = c->slots[at] ? SINK_OK : add_row(c, text, len, &c->slots[at]);
	*out = c->slots[at] - 1;
	return err;
}

static uint64_t hash_record(const struct mix *mix, const struct sink_record *r)
{
	const uint64_t numbers[] = { (uint64_t)r->kind, (uint64_t)r->severity, r->confidence,
		(uint64_t)r->tlp, (uint64_t)r->valid_from, (uint64_t)r->hint };
	uint64_t hash = mix_bytes(mix, 2, sink_span(numbers, sizeof numbers));

	for (int f = 0; f < SINK_FIELD_COUNT; f++)
		hash = mix_bytes(mix, hash, r->text[f]);
	hash = mix_bytes(mix, hash, r->types);
	hash = mix_bytes(mix, hash, r->except);
	return mix_bytes(mix, hash, r->data);
}

static int know(struct changes *c, struct sink_reader *reader, struct knowns *out)
{
	struct sink_summary summary;
	int err = SINK_OK;

	sink_db_summary(sink_reader_db(reader), &summary);
	out->at = calloc(summary.records + (size_t)1, sizeof *out->at);
	if (!out->at)
		return SINK_ENOMEM;
	out->count = summary.records;
	for (uint32_t id = 0; id < out->count && !err; id++) {
		struct known *known = &out->at[id];
		struct sink_record record;

		err = sink_reader_record(reader, id, &record);
		if (err)
			break;
		known->source = mix_bytes(&c->mix, 3, record.text[SINK_FIELD_SOURCE]);
		known->says = hash_record(&c->mix, &record);
		known->until = record.valid_until;
		known->kind = (uint8_t)record.kind;
		known->is_stop = record.hint == SINK_HINT_STOP;
		err = find_row(c, &record, &known->row);
	}
	return err;
}

/* --- one subject --------------------------------------------------------------------------------- */

/* A listing with its record. */
struct item {
	struct known known;
	struct sink_listing listing;
};

struct items {
	struct item *at;
	size_t count, size;
};

/* One of the two generations on its way. */
struct side {
	struct sink_reader *reader; /* NULL: there is nothing */
	struct sink_walk *walk;
	const struct knowns *knowns;
	const struct sink_subject *subject; /* NULL: that was all */
	const struct sink_listing *listings;
	size_t count;
	struct items items; /* of the subject at hand, in the order of their sources */
};

struct comparing {
	const struct changes_question *question;
	struct side before, after;
	struct changes *counts; /* NULL: a later walk, which only tells */
	int only; /* the risk to tell of; negative: all */
	change_fn *fn;
	void *arg;
};

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int by = order(x->known.source, y->known.source);

	if (!by)
		by = order(x->known.says, y->known.says);
	if (!by)
		by = order(x->listing.scope, y->listing.scope);
	return by ? by : order((uint64_t)x->known.until, (uint64_t)y->known.until);
}

static int gather(struct side *side)
{
	struct items *items = &side->items;

	items->count = 0;
	for (size_t i = 0; i < side->count; i++) {
		struct item *at = sink_grow(items->at, items->count, &items->size, sizeof *at);

		if (!at)
			return SINK_ENOMEM;
		items->at = at;
		if (side->listings[i].record >= side->knowns->count)
			return SINK_ECORRUPT;
		if (side->knowns->at[side->listings[i].record].is_stop)
			continue;
		at[items->count++] = (struct item){ side->knowns->at[side->listings[i].record],
			side->listings[i] };
	}
	if (items->count > 1)
		qsort(items->at, items->count, sizeof *items->at, compare_items);
	return SINK_OK;
}

/* How far it reaches, and how strong it is. */
static int weight(const struct item *item)
{
	static const int scopes[] = {
		[SINK_SCOPE_EXACT] = 0, [SINK_SCOPE_BELOW] = 1, [SINK_SCOPE_SUBTREE] = 2
	};

	return item->known.kind * 4 + scopes[item->listing.scope];
}

/* The widest of those that the other side has not; of all, if it has all. */
static const struct item *widest(const struct item *items, size_t count, const struct item *others,
	size_t others_count)
{
	const struct item *best = NULL;
	size_t j = 0;

	for (size_t i = 0; i < count; i++) {
		while (j < others_count && compare_items(&others[j], &items[i]) < 0)
			j++;
		if (j < others_count && compare_items(&others[j], &items[i]) == 0)
			continue;
		if (!best || weight(&items[i]) > weight(best))
			best = &items[i];
	}
	return best || count == 0 ? best : widest(items, count, NULL, 0);
}

static bool is_short(const struct sink_subject *subject)
{
	if (!sink_trigger_is_prefix(subject->trigger))
		return subject->name.labels <= SHORT_LABELS;
	return subject->prefix.bits < (subject->prefix.family == 4 ? SHORT_V4 : SHORT_V6);
}

static enum change_risk risk_of(const struct comparing *c, const struct change *change)
{
	const struct change_state *state =
		change->what == CHANGE_REMOVED ? &change->was : &change->is;
	bool is_prefix = sink_trigger_is_prefix(change->subject->trigger);
	bool is_wide = is_prefix || state->scope != SINK_SCOPE_EXACT;

	if (change->what == CHANGE_REMOVED)
		return state->kind == SINK_KIND_ALLOW ? RISK_DISALLOWED : RISK_UNBLOCKED;
	if (state->kind == SINK_KIND_ALLOW)
		return RISK_ALLOWED;
	if (!is_prefix && c->question->popular &&
		popular_hit(c->question->popular, &change->subject->name, state->scope))
		return RISK_POPULAR;
	if (is_wide && is_short(change->subject))
		return RISK_SHORT;
	if (state->kind == SINK_KIND_IMPORTANT)
		return RISK_IMPORTANT;
	return is_wide ? RISK_WIDE : RISK_EXACT;
}

static int fill_state(const struct side *side, const struct item *item, struct change_state *out)
{
	if (!item)
		return SINK_OK;
	out->kind = (enum sink_kind)item->known.kind;
	out->scope = item->listing.scope;
	return sink_reader_record(side->reader, item->listing.record, &out->record);
}

static char *copy(struct sink_span text)
{
	return strndup(text.len > 0 ? (const char *)text.at : "", text.len);
}

static int remember(struct changes *changes, const struct change *change)
{
	uint64_t nth = changes->risks[change->risk]++;
	struct remembered *r;

	if (nth >= SHOWN)
		return SINK_OK;
	r = &changes->shown[change->risk][nth];
	r->change = *change;
	r->subject = *change->subject;
	r->change.subject = &r->subject;
	for (int side = 0; side < 2; side++) {
		struct sink_record *record = side ? &r->change.is.record : &r->change.was.record;
		static const enum sink_field fields[] = { SINK_FIELD_SOURCE, SINK_FIELD_CATEGORY };

		for (int f = 0; f < 2; f++) {
			struct sink_span *text = &record->text[fields[f]];
			char *own = copy(*text);

			if (!own)
				return SINK_ENOMEM;
			r->text[side][f] = own;
			*text = sink_span_text(own);
		}
	}
	return SINK_OK;
}

static int tell(struct comparing *c, enum change_kind what, const struct item *was,
	const struct item *is)
{
	struct change change = { .what = what,
		.subject = what == CHANGE_REMOVED ? c->before.subject : c->after.subject };
	int err = fill_state(&c->before, was, &change.was);

	if (!err)
		err = fill_state(&c->after, is, &change.is);
	if (err)
		return err;
	change.risk = risk_of(c, &change);
	if (c->counts) {
		c->counts->totals[what]++;
		c->counts->rows[(is ? is : was)->known.row].counts[what]++;
		return remember(c->counts, &change);
	}
	return (int)change.risk == c->only ? c->fn(c->arg, &change) : SINK_OK;
}

/* Do they say the same, but for how long? */
static bool same(const struct item *a, const struct item *b, size_t count, bool *renewed)
{
	*renewed = false;
	for (size_t i = 0; i < count; i++) {
		if (a[i].known.says != b[i].known.says ||
			a[i].listing.scope != b[i].listing.scope ||
			(a[i].known.until == 0) != (b[i].known.until == 0))
			return false;
		*renewed = *renewed || a[i].known.until != b[i].known.until;
	}
	return true;
}

/* What one source says about the subject on either side; not both are empty. */
static int compare_source(struct comparing *c, const struct item *a, size_t a_count,
	const struct item *b, size_t b_count)
{
	bool renewed = false;

	if (a_count == 0)
		return tell(c, CHANGE_ADDED, NULL, widest(b, b_count, NULL, 0));
	if (b_count == 0)
		return tell(c, CHANGE_REMOVED, widest(a, a_count, NULL, 0), NULL);
	if (a_count != b_count || !same(a, b, a_count, &renewed))
		return tell(c, CHANGE_CHANGED, widest(a, a_count, b, b_count),
			widest(b, b_count, a, a_count));
	if (renewed && c->counts) {
		c->counts->renewed++;
		c->counts->rows[b->known.row].renewed++;
	}
	return SINK_OK;
}

static size_t run_length(const struct items *items, size_t from)
{
	size_t n = 1;

	while (from + n < items->count &&
		items->at[from + n].known.source == items->at[from].known.source)
		n++;
	return n;
}

/* Source by source. */
static int compare_subject(struct comparing *c)
{
	const struct items *a = &c->before.items, *b = &c->after.items;
	size_t i = 0, j = 0;
	int err = SINK_OK;

	while (!err && (i < a->count || j < b->count)) {
		int by = i == a->count	? 1
			: j == b->count ? -1
					: order(a->at[i].known.source, b->at[j].known.source);
		size_t n = by <= 0 ? run_length(a, i) : 0, m = by >= 0 ? run_length(b, j) : 0;

		err = compare_source(c, n ? &a->at[i] : NULL, n, m ? &b->at[j] : NULL, m);
		i += n;
		j += m;
	}
	return err;
}

/* --- both generations ------------------------------------------------------------------------------ */

static int next(struct side *side)
{
	int err = side->walk
		? sink_walk_next(side->walk, &side->subject, &side->listings, &side->count)
		: SINK_ENOENT;

	if (err == SINK_ENOENT)
		side->subject = NULL;
	return err == SINK_ENOENT ? SINK_OK : err;
}

static int walk_both(struct comparing *c)
{
	struct side *a = &c->before, *b = &c->after;
	int err = next(a);

	if (!err)
		err = next(b);
	while (!err && (a->subject || b->subject)) {
		int by = !a->subject  ? 1
			: !b->subject ? -1
				      : sink_subject_compare(a->subject, b->subject);

		a->items.count = b->items.count = 0;
		if (by <= 0)
			err = gather(a);
		if (by >= 0 && !err)
			err = gather(b);
		if (!err)
			err = compare_subject(c);
		if (by <= 0 && !err)
			err = next(a);
		if (by >= 0 && !err)
			err = next(b);
	}
	return err;
}

static int begin_side(const struct sink_db *db, struct side *side)
{
	int err = db ? sink_reader_begin(db, &side->reader) : SINK_OK;

	return err || !db ? err : sink_walk_begin(side->reader, &side->walk);
}

static void end_side(struct side *side)
{
	sink_walk_end(side->walk);
	sink_reader_end(side->reader);
	free(side->items.at);
}

static int compare(struct comparing *c, const struct changes *changes)
{
	int err = begin_side(c->question->before, &c->before);

	if (!err)
		err = begin_side(c->question->after, &c->after);
	if (!err && c->counts && c->before.reader)
		err = know(c->counts, c->before.reader, &c->counts->before);
	if (!err && c->counts)
		err = know(c->counts, c->after.reader, &c->counts->after);
	c->before.knowns = &changes->before;
	c->after.knowns = &changes->after;
	if (!err)
		err = walk_both(c);
	end_side(&c->before);
	end_side(&c->after);
	return err;
}

int changes_find(const struct changes_question *question, struct changes **out)
{
	struct changes *changes = calloc(1, sizeof *changes);
	struct comparing c = { .question = question, .counts = changes };
	int err;

	if (!changes)
		return SINK_ENOMEM;
	err = mix_begin(&changes->mix);
	if (!err)
		err = compare(&c, changes);
	if (err) {
		changes_free(changes);
		return err;
	}
	*out = changes;
	return SINK_OK;
}

int changes_each(const struct changes_question *question, const struct changes *changes,
	change_fn *fn, void *arg)
{
	int err = SINK_OK;

	for (int risk = 0; risk < RISK_COUNT && !err; risk++) {
		struct comparing c = { .question = question, .only = risk, .fn = fn, .arg = arg };

		if (changes->risks[risk] > 0)
			err = compare(&c, changes);
	}
	return err;
}

void changes_free(struct changes *changes)
{
	if (!changes)
		return;
	for (size_t i = 0; i < changes->count; i++)
		free(changes->rows[i].text);
	for (size_t i = 0; i < (size_t)RISK_COUNT * SHOWN; i++)
		for (int j = 0; j < 4; j++)
			free(changes->shown[i / SHOWN][i % SHOWN].text[j / 2][j % 2]);
	free(changes->rows);
	free(changes->slots);
	free(changes->before.at);
	free(changes->after.at);
	free(changes);
}

uint64_t changes_count(const struct changes *changes)
{
	return changes->totals[CHANGE_ADDED] + changes->totals[CHANGE_CHANGED] +
		changes->totals[CHANGE_REMOVED];
}

uint64_t changes_each_shown(const struct changes *changes, change_fn *fn, void *arg)
{
	uint64_t shown = 0;

	for (int risk = 0; risk < RISK_COUNT; risk++)
		for (size_t i = 0; i < changes->risks[risk] && i < SHOWN && shown < SHOWN; i++) {
			fn(arg, &changes->shown[risk][i].change);
			shown++;
		}
	return changes_count(changes) - shown;
}

static bool has_moved(const struct row *row)
{
	return row->counts[CHANGE_ADDED] + row->counts[CHANGE_CHANGED] +
		row->counts[CHANGE_REMOVED] + row->renewed >
		0;
}

void changes_each_row(const struct changes *changes, changes_row_fn *fn, void *arg)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct row *row = &changes->rows[i];
		struct changes_row out = { .source = row->text,
			.category = row->text + strlen(row->text) + 1,
			.renewed = row->renewed };

		memcpy(out.counts, row->counts, sizeof out.counts);
		if (has_moved(row))
			fn(arg, &out);
	}
}

void changes_total(const struct changes *changes, struct changes_row *out)
{
	*out = (struct changes_row){ .source = "", .category = "", .renewed = changes->renewed };
	memcpy(out->counts, changes->totals, sizeof out->counts);
}

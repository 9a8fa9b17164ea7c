/* crowd.c - listings of one subject in groups that say the same, by source; of each group as few as cover all the time
 * that the group covers. */
#include "crowd.h"

#include <stdlib.h>

#include "distinct.h"
#include "intern.h"
#include "sinkhole/err.h"

#define FOR_EVER INT64_MAX

/* Which go last. */
enum rank {
	RANK_SPARES, /* without it something might be blocked: stays, whatever the number */
	RANK_IMPORTANT, /* the first of its shape, and important */
	RANK_SHAPE, /* the first of its shape */
	RANK_SAYS, /* what rules, or the time, can tell from what stands before it */
	RANK_REPEATS, /* says, while it is in force, what others do */
};

struct item {
	uint64_t listing;
	int64_t from, until; /* seconds; first one in force, first one no longer; FOR_EVER */
	uint32_t source;
	uint32_t meaning; /* what rules can ask for, what is done, and how far it reaches */
	uint32_t shape; /* the same without what only rules ask for */
	enum sink_kind kind;
	bool is_stop;
	enum rank rank;
};

/* Numbers of sources are those of `texts`, in the order in which they come. */
struct thinning {
	const struct crowd *crowd;
	struct intern texts, meanings, shapes;
	uint32_t *sources; /* by place among the listings */
	size_t *sizes; /* by source: how many it has */
	struct item *items; /* of sources that have too many */
	size_t count;
};

/* --- telling apart ---------------------------------------------------------------------------- */

static int read_record(const struct thinning *t, uint64_t listing, struct sink_record *out)
{
	return schema_record_decode(t->crowd->record(t->crowd->arg, schema_listing_record(listing)),
		out);
}

static int number_of(struct intern *keys, const struct sink_record *record, enum sink_scope scope,
	uint32_t source, uint32_t *out)
{
	uint8_t key[SCHEMA_RECORD_MAX + 1 + sizeof source];
	size_t len = schema_record_encode(record, key);

	if (len == 0)
		return SINK_ECORRUPT;
	key[len++] = (uint8_t)scope;
	memcpy(key + len, &source, sizeof source);
	return intern_add(keys, sink_span(key, len + sizeof source), out);
}

static int fill_item(struct thinning *t, uint64_t listing, uint32_t source, struct item *out)
{
	enum sink_scope scope = schema_listing_scope(listing);
	struct sink_record record;
	int err = read_record(t, listing, &record);

	if (err)
		return err;
	*out = (struct item){
		.listing = listing,
		.source = source,
		.from = record.valid_from ? record.valid_from : INT64_MIN,
		.until = record.valid_until ? record.valid_until : FOR_EVER,
		.kind = record.kind,
		.is_stop = record.hint == SINK_HINT_STOP,
		.rank = RANK_REPEATS,
	};
	record.valid_from = record.valid_until = 0;
	record.text[SINK_FIELD_REFERENCE] = sink_span(NULL, 0);
	err = number_of(&t->meanings, &record, scope, source, &out->meaning);
	if (err)
		return err;
	record.severity = SINK_SEVERITY_NONE;
	record.confidence = SINK_CONFIDENCE_NONE;
	record.tlp = SINK_TLP_NONE;
	memset(record.text, 0, sizeof record.text);
	return number_of(&t->shapes, &record, scope, source, &out->shape);
}

/* --- sources ---------------------------------------------------------------------------------- */

static int find_sources(struct thinning *t, const uint64_t *listings, size_t count)
{
	struct sink_record record;
	int err = SINK_OK;

	for (size_t i = 0; i < count && !err; i++) {
		err = read_record(t, listings[i], &record);
		if (!err)
			err = intern_add(&t->texts, record.text[SINK_FIELD_SOURCE], &t->sources[i]);
		if (!err)
			t->sizes[t->sources[i]]++;
	}
	return err;
}

static bool is_crowded(const struct thinning *t, size_t place)
{
	return t->sizes[t->sources[place]] > SINK_LISTINGS_MAX;
}

static int fill_items(struct thinning *t, const uint64_t *listings, size_t count)
{
	size_t most = 0;
	int err = SINK_OK;

	for (size_t i = 0; i < count; i++)
		most += is_crowded(t, i);
	if (most == 0)
		return SINK_OK;
	t->items = calloc(most, sizeof *t->items);
	if (!t->items)
		return SINK_ENOMEM;
	for (size_t i = 0; i < count && !err; i++)
		if (is_crowded(t, i))
			err = fill_item(t, listings[i], t->sources[i], &t->items[t->count++]);
	return err;
}

/* --- ranks ------------------------------------------------------------------------------------ */

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int by_meaning(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->meaning != y->meaning)
		return ORDER(x->meaning, y->meaning);
	if (x->from != y->from)
		return ORDER(x->from, y->from);
	if (x->until != y->until)
		return ORDER(y->until, x->until);
	return ORDER(x->listing, y->listing);
}

/* Of what means the same, in that order, as few as are in force whenever one of all is: of those that begin before
 * the time at hand is over, the one that lasts longest. Of equal ones that is the first, which wins anyway. */
static void cover_time(struct item *items, size_t count)
{
	int64_t reach = INT64_MIN;

	for (size_t i = 0; i < count;) {
		struct item *longest = NULL;

		if (items[i].from > reach)
			reach = items[i].from;
		for (; i < count && items[i].from <= reach; i++)
			if (items[i].until > (longest ? longest->until : reach))
				longest = &items[i];
		if (!longest)
			continue;
		longest->rank = longest->kind == SINK_KIND_ALLOW ? RANK_SPARES : RANK_SAYS;
		reach = longest->until;
	}
}

static void cover_times(struct thinning *t)
{
	size_t end;

	qsort(t->items, t->count, sizeof *t->items, by_meaning);
	for (size_t i = 0; i < t->count; i = end) {
		for (end = i + 1; end < t->count && t->items[end].meaning == t->items[i].meaning;)
			end++;
		cover_time(&t->items[i], end - i);
	}
	for (size_t i = 0; i < t->count; i++)
		if (t->items[i].is_stop)
			t->items[i].rank = RANK_SPARES;
}

static int by_shape(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->shape != y->shape)
		return ORDER(x->shape, y->shape);
	if (x->rank != y->rank)
		return ORDER(x->rank, y->rank);
	return ORDER(x->listing, y->listing);
}

static void find_shapes(struct thinning *t)
{
	qsort(t->items, t->count, sizeof *t->items, by_shape);
	for (size_t i = 0; i < t->count; i++) {
		struct item *item = &t->items[i];

		if (item->rank == RANK_SAYS && (i == 0 || item[-1].shape != item->shape))
			item->rank =
				item->kind == SINK_KIND_IMPORTANT ? RANK_IMPORTANT : RANK_SHAPE;
	}
}

/* --- choosing --------------------------------------------------------------------------------- */

static int by_rank(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->source != y->source)
		return ORDER(x->source, y->source);
	if (x->rank != y->rank)
		return ORDER(x->rank, y->rank);
	return ORDER(x->listing, y->listing);
}

/* How many of a source's stay. */
static size_t count_kept(const struct item *items, size_t count)
{
	size_t spares = 0;

	while (spares < count && items[spares].rank == RANK_SPARES)
		spares++;
	return count - spares > SINK_LISTINGS_MAX ? spares + SINK_LISTINGS_MAX : count;
}

static void tell(const struct thinning *t, const struct item *left, size_t count)
{
	uint64_t distinct = 0;

	for (size_t i = 0; i < count; i++)
		distinct += left[i].rank != RANK_REPEATS;
	t->crowd->left_out(t->crowd->arg, intern_get(&t->texts, left->source), count, distinct);
}

/* Sources that have few, and the chosen ones of the others. */
static void choose(struct thinning *t, uint64_t *listings, size_t *count)
{
	size_t kept = 0, end;

	for (size_t i = 0; i < *count; i++)
		if (!is_crowded(t, i))
			listings[kept++] = listings[i];
	qsort(t->items, t->count, sizeof *t->items, by_rank);
	for (size_t i = 0; i < t->count; i = end) {
		size_t size = t->sizes[t->items[i].source];
		size_t stay = count_kept(&t->items[i], size);

		end = i + size;
		for (size_t j = i; j < i + stay; j++)
			listings[kept++] = t->items[j].listing;
		if (stay < size)
			tell(t, &t->items[i + stay], size - stay);
	}
	distinct_sort(listings, kept);
	*count = kept;
}

static int begin(struct thinning *t, size_t count)
{
	int err = intern_begin(&t->texts);

	if (!err)
		err = intern_begin(&t->meanings);
	if (!err)
		err = intern_begin(&t->shapes);
	t->sources = calloc(count, sizeof *t->sources);
	t->sizes = calloc(count, sizeof *t->sizes);
	return !err && (!t->sources || !t->sizes) ? SINK_ENOMEM : err;
}

static void release(struct thinning *t)
{
	intern_end(&t->texts);
	intern_end(&t->meanings);
	intern_end(&t->shapes);
	free(t->sources);
	free(t->sizes);
	free(t->items);
}

static int thin(const struct crowd *crowd, uint64_t *listings, size_t *count)
{
	struct thinning t = { .crowd = crowd };
	int err = begin(&t, *count);

	if (!err)
		err = find_sources(&t, listings, *count);
	if (!err)
		err = fill_items(&t, listings, *count);
	if (!err && t.count > 0) {
		cover_times(&t);
		find_shapes(&t);
		choose(&t, listings, count);
	}
	release(&t);
	return err;
}

/* Nearly always there is nothing to do. */
int crowd_thin(const struct crowd *crowd, uint64_t *listings, size_t *count)
{
	return *count > SINK_LISTINGS_MAX ? thin(crowd, listings, count) : SINK_OK;
}

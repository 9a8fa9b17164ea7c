/* schema.c - the layout of the database file; doc/DATABASE.md is the authority. */
#include "schema.h"

#include <stdlib.h>

#include "filter.h"
#include "hash.h"
#include "sinkhole/grow.h"

/* --- keys --------------------------------------------------------------------------------------
 */

_Static_assert(SCHEMA_BLOCK_KEY_MAX <= 511, "LMDB takes no longer key");

static size_t take_all(const struct wire_out *to)
{
	return SCHEMA_BLOCK_KEY_MAX - to->left;
}

size_t schema_block_key(uint8_t letter, struct sink_span last, uint8_t out[SCHEMA_BLOCK_KEY_MAX])
{
	struct wire_out to = { .at = out, .left = SCHEMA_BLOCK_KEY_MAX };

	wire_put_u8(&to, letter);
	wire_put_bytes(&to, last);
	return take_all(&to);
}

size_t schema_name_key(enum sink_trigger trigger, struct sink_span name,
	uint8_t out[SCHEMA_BLOCK_KEY_MAX])
{
	struct wire_out to = { .at = out, .left = SCHEMA_BLOCK_KEY_MAX };

	if (trigger == SINK_TRIGGER_QNAME)
		return schema_block_key(SCHEMA_NAMES, name, out);
	wire_put_u8(&to, SCHEMA_OTHERS);
	wire_put_u8(&to, (uint8_t)trigger);
	wire_put_bytes(&to, name);
	return take_all(&to);
}

static size_t octets_of(uint8_t family)
{
	return family == 4 ? 4 : 16;
}

/* Octets 0 and 1 are escaped as in names, and the length is counted from 1: no zero byte at all. */
size_t schema_prefix_key(enum sink_trigger trigger, const struct sink_prefix *prefix,
	uint8_t out[SCHEMA_BLOCK_KEY_MAX])
{
	struct wire_out to = { .at = out, .left = SCHEMA_BLOCK_KEY_MAX };

	wire_put_u8(&to, SCHEMA_OTHERS);
	wire_put_u8(&to, (uint8_t)trigger);
	wire_put_u8(&to, prefix->family);
	for (size_t i = 0; i < octets_of(prefix->family); i++) {
		uint8_t octet = prefix->bytes[i];

		if (octet <= 1)
			wire_put_u8(&to, 1);
		wire_put_u8(&to, octet <= 1 ? octet + 1 : octet);
	}
	wire_put_u8(&to, prefix->bits + 1);
	return take_all(&to);
}

/* An octet that may be escaped; what cannot be one fails as a read does. */
static uint8_t take_octet(struct wire_in *in)
{
	uint8_t octet = wire_u8(in);

	if (octet > 1)
		return octet;
	if (octet == 1) {
		octet = wire_u8(in);
		if (octet == 1 || octet == 2)
			return octet - 1;
	}
	in->bad = true;
	return 0;
}

static int prefix_from_key(struct wire_in *in, struct sink_prefix *out)
{
	struct sink_prefix prefix = { .family = wire_u8(in) };

	for (size_t i = 0; i < octets_of(prefix.family); i++)
		prefix.bytes[i] = take_octet(in);
	prefix.bits = wire_u8(in) - 1;
	if (!wire_done(in) || !sink_prefix_is_good(&prefix))
		return SINK_ECORRUPT;
	*out = prefix;
	return SINK_OK;
}

/* The other way round, strictly. */
int schema_subject(uint8_t letter, struct sink_span key, struct sink_subject *out)
{
	struct wire_in in = { .left = key };

	out->trigger = SINK_TRIGGER_QNAME;
	if (letter == SCHEMA_NAMES)
		return sink_name_from_key(key, &out->name);
	out->trigger = (enum sink_trigger)wire_u8(&in);
	if (in.bad || out->trigger == SINK_TRIGGER_QNAME || out->trigger >= SINK_TRIGGER_COUNT)
		return SINK_ECORRUPT;
	if (sink_trigger_is_prefix(out->trigger))
		return prefix_from_key(&in, &out->prefix);
	return sink_name_from_key(in.left, &out->name);
}

void schema_record_key(uint32_t id, uint8_t out[SCHEMA_RECORD_KEY])
{
	struct wire_out to = { .at = out, .left = SCHEMA_RECORD_KEY };

	wire_put_u8(&to, SCHEMA_RECORD);
	wire_put_u32(&to, id);
}

bool schema_is_block_key(struct sink_span key, struct sink_span *last)
{
	if (key.len == 0 || (key.at[0] != SCHEMA_NAMES && key.at[0] != SCHEMA_OTHERS) ||
		key.len > SCHEMA_BLOCK_KEY_MAX)
		return false;
	*last = sink_span(key.at + 1, key.len - 1);
	return true;
}

bool schema_is_record_key(struct sink_span key, uint32_t *id)
{
	struct wire_in in = { .left = key };

	if (key.len != SCHEMA_RECORD_KEY || wire_u8(&in) != SCHEMA_RECORD)
		return false;
	*id = wire_u32(&in);
	return true;
}

/* --- records -----------------------------------------------------------------------------------
 */

/* A byte 0 or 1, then at least one type. */
bool schema_are_good_types(struct sink_span types)
{
	int32_t before = -1;
	uint16_t type;

	if (types.len == 0)
		return true;
	if (types.len < 3 || types.at[0] > 1)
		return false;
	types = sink_span(types.at + 1, types.len - 1);
	for (; sink_types_next(&types, &type); before = type)
		if (type <= before)
			return false;
	return types.len == 0;
}

static bool is_good_except(struct sink_span except)
{
	struct sink_span key, before;
	struct sink_name name;

	for (bool first = true; sink_except_next(&except, &key); first = false, before = key)
		if (sink_name_from_key(key, &name) != SINK_OK ||
			(!first && sink_span_compare(before, key) >= 0))
			return false;
	return except.len == 0;
}

/* Compared as they are stored. */
bool schema_is_good_data(struct sink_span data)
{
	struct sink_span rest = data, item, before;
	struct sink_data unused;

	for (bool first = true; sink_data_next(&rest, &unused); first = false, before = item) {
		item = sink_span(data.at, data.len - rest.len);
		data = rest;
		if (!first && sink_span_compare(before, item) >= 0)
			return false;
	}
	return rest.len == 0;
}

static bool are_good_lists(const struct sink_record *record)
{
	if (record->types.len == 0 && record->except.len == 0 && record->data.len == 0)
		return true; /* as most are */
	return record->types.len <= SINK_BYTES_MAX && record->except.len <= SINK_BYTES_MAX &&
		record->data.len <= SINK_BYTES_MAX && schema_are_good_types(record->types) &&
		is_good_except(record->except) && schema_is_good_data(record->data);
}

static bool is_good_record(const struct sink_record *record)
{
	for (unsigned i = 0; i < SINK_FIELD_COUNT; i++)
		if (record->text[i].len > SINK_STRING_MAX)
			return false;
	return (unsigned)record->kind < SINK_KIND_COUNT &&
		(unsigned)record->severity < SINK_SEVERITY_COUNT &&
		(record->confidence <= 100 || record->confidence == SINK_CONFIDENCE_NONE) &&
		(unsigned)record->tlp < SINK_TLP_COUNT && record->valid_from >= 0 &&
		record->valid_until >= 0 && (unsigned)record->hint < SINK_HINT_COUNT &&
		(record->hint == SINK_HINT_DATA) == (record->data.len > 0) &&
		are_good_lists(record);
}

static void put_counted(struct wire_out *to, struct sink_span bytes)
{
	wire_put_u16(to, (uint16_t)bytes.len);
	wire_put_bytes(to, bytes);
}

static struct sink_span counted(struct wire_in *in)
{
	uint16_t len = wire_u16(in);

	return wire_bytes(in, len);
}

size_t schema_record_encode(const struct sink_record *record, uint8_t out[SCHEMA_RECORD_MAX])
{
	struct wire_out to = { .at = out, .left = SCHEMA_RECORD_MAX };

	if (!is_good_record(record))
		return 0;
	wire_put_u8(&to, (uint8_t)record->kind);
	wire_put_u8(&to, (uint8_t)record->severity);
	wire_put_u8(&to, record->confidence);
	wire_put_u8(&to, (uint8_t)record->tlp);
	wire_put_u64(&to, (uint64_t)record->valid_from);
	wire_put_u64(&to, (uint64_t)record->valid_until);
	for (unsigned i = 0; i < SINK_FIELD_COUNT; i++)
		put_counted(&to, record->text[i]);
	wire_put_u8(&to, (uint8_t)record->hint);
	put_counted(&to, record->types);
	put_counted(&to, record->except);
	put_counted(&to, record->data);
	return SCHEMA_RECORD_MAX - to.left;
}

int schema_record_decode(struct sink_span value, struct sink_record *out)
{
	struct wire_in in = { .left = value };
	struct sink_record record = { 0 };

	record.kind = (enum sink_kind)wire_u8(&in);
	record.severity = (enum sink_severity)wire_u8(&in);
	record.confidence = wire_u8(&in);
	record.tlp = (enum sink_tlp)wire_u8(&in);
	record.valid_from = (int64_t)wire_u64(&in);
	record.valid_until = (int64_t)wire_u64(&in);
	for (unsigned i = 0; i < SINK_FIELD_COUNT; i++)
		record.text[i] = counted(&in);
	record.hint = (enum sink_hint)wire_u8(&in);
	record.types = counted(&in);
	record.except = counted(&in);
	record.data = counted(&in);
	if (!wire_done(&in) || !is_good_record(&record))
		return SINK_ECORRUPT;
	*out = record;
	return SINK_OK;
}

/* --- facets -------------------------------------------------------------------------------------
 */

size_t schema_facet_key(struct sink_span record, uint8_t out[SCHEMA_FACET_KEY_MAX])
{
	struct wire_in in = { .left = record };
	struct wire_out to = { .at = out, .left = SCHEMA_FACET_KEY_MAX };

	wire_u8(&in); /* kind */
	wire_put_bytes(&to, wire_bytes(&in, 3)); /* severity, confidence, TLP */
	wire_bytes(&in, 16); /* times */
	for (unsigned i = 0; i < SINK_FIELD_COUNT; i++) {
		struct sink_span text = counted(&in);

		if (i != SINK_FIELD_REFERENCE)
			put_counted(&to, text);
	}
	return SCHEMA_FACET_KEY_MAX - to.left;
}

void schema_facet_encode(uint32_t record, uint8_t triggers, uint8_t out[SCHEMA_FACET_HEAD])
{
	struct wire_out to = { .at = out, .left = SCHEMA_FACET_HEAD };

	wire_put_u32(&to, record);
	wire_put_u8(&to, triggers);
}

void schema_facet_head(const struct schema_facets *facets, uint32_t facet, uint32_t *record,
	uint8_t *triggers)
{
	struct wire_in in = { .left = sink_span(facets->heads + (size_t)SCHEMA_FACET_HEAD * facet,
				      SCHEMA_FACET_HEAD) };

	*record = wire_u32(&in);
	*triggers = wire_u8(&in);
}

/* Facets are numbered by the first record that has them: so these rise, and begin with record 0. */
static bool are_good_facets(const struct schema_facets *facets, uint32_t records)
{
	uint32_t least = 0, record;
	uint8_t triggers;

	for (uint32_t i = 0; i < facets->count; i++) {
		schema_facet_head(facets, i, &record, &triggers);
		if (record < least || record >= records || (i == 0 && record != 0) ||
			triggers >> SINK_TRIGGER_COUNT != 0 || schema_facet_of(facets, record) != i)
			return false;
		least = record + 1;
	}
	return true;
}

int schema_facets_decode(struct sink_span value, uint32_t records, struct schema_facets *out)
{
	struct wire_in in = { .left = value };
	struct schema_facets facets = { .count = wire_u32(&in) };

	if (in.bad || facets.count > records || (facets.count == 0) != (records == 0) ||
		value.len != schema_facets_len(facets.count, records))
		return SINK_ECORRUPT;
	facets.heads = value.at + SCHEMA_FACETS_HEAD;
	facets.numbers = value.at + schema_facets_len(facets.count, 0);
	if (!are_good_facets(&facets, records))
		return SINK_ECORRUPT;
	*out = facets;
	return SINK_OK;
}

/* --- times --------------------------------------------------------------------------------------
 */

#define BEFORE_TIMES 4 /* bytes of a record: kind, severity, confidence, TLP */

bool schema_record_has_times(struct sink_span record)
{
	struct wire_in in = { .left = record };
	uint64_t from, until;

	wire_bytes(&in, BEFORE_TIMES);
	from = wire_u64(&in);
	until = wire_u64(&in);
	return from != 0 || until != 0;
}

static uint64_t second_at(const struct schema_times *times, enum schema_turn turn, uint32_t place)
{
	const uint8_t *at = times->seconds[turn] + (size_t)SCHEMA_TIMES_SECOND * place;
	struct wire_in in = { .left = sink_span(at, SCHEMA_TIMES_SECOND) };

	return wire_u64(&in);
}

uint32_t schema_times_facet(const struct schema_times *times, uint32_t place)
{
	const uint8_t *at = times->facets + (size_t)SCHEMA_TIMES_FACET * place;
	struct wire_in in = { .left = sink_span(at, SCHEMA_TIMES_FACET) };

	return wire_u32(&in);
}

static bool are_good_times(const struct schema_times *times, uint32_t facets)
{
	uint32_t least = 0;

	for (uint32_t i = 0; i < times->facets_count; i++) {
		uint32_t facet = schema_times_facet(times, i);

		if (facet < least || facet >= facets)
			return false;
		least = facet + 1;
	}
	return true;
}

int schema_times_decode(struct sink_span value, uint32_t facets, struct schema_times *out)
{
	struct wire_in in = { .left = value };
	uint32_t sure = wire_u32(&in), perhaps = wire_u32(&in), count = wire_u32(&in);
	struct schema_times times = { .counts = { sure, perhaps }, .facets_count = count };

	if (in.bad || (sure == 0 && perhaps == 0) || (perhaps == 0) != (count == 0) ||
		value.len != schema_times_len(sure, perhaps, count))
		return SINK_ECORRUPT;
	times.seconds[SCHEMA_TURN_SURE] = value.at + schema_times_len(0, 0, 0);
	times.seconds[SCHEMA_TURN_PERHAPS] = value.at + schema_times_len(sure, 0, 0);
	times.facets = value.at + schema_times_len(sure, perhaps, 0);
	if (!are_good_times(&times, facets))
		return SINK_ECORRUPT;
	*out = times;
	return SINK_OK;
}

int64_t schema_times_next(const struct schema_times *times, enum schema_turn turn, int64_t now)
{
	uint64_t after = now < 0 ? 0 : (uint64_t)now, found = INT64_MAX;
	uint32_t low = 0, high = times->counts[turn];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		uint64_t second = second_at(times, turn, middle);

		if (second <= after) {
			low = middle + 1;
		} else {
			high = middle;
			found = second;
		}
	}
	return found < INT64_MAX ? (int64_t)found : INT64_MAX;
}

/* --- what the file is ----------------------------------------------------------------------------
 */

static const char meta_magic[8] = { 'S', 'I', 'N', 'K', 'H', 'O', 'L', 'E' };

static const enum sink_trigger prefix_triggers[SCHEMA_PREFIX_TRIGGERS] = {
	SINK_TRIGGER_ANSWER,
	SINK_TRIGGER_CLIENT,
	SINK_TRIGGER_NSADDRESS,
};
_Static_assert(SINK_TRIGGER_COUNT == SCHEMA_PREFIX_TRIGGERS + 2, "a trigger has no place");

static unsigned family_index(uint8_t family)
{
	return family == 4 ? 0 : 1;
}

uint64_t schema_meta_total(const struct schema_meta *meta)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SINK_TRIGGER_COUNT; i++)
		sum += meta->subjects[i];
	return sum;
}

/* A prefix's key ends with its length, counted from 1. */
void schema_meta_count(struct schema_meta *meta, uint8_t letter, struct sink_span subject)
{
	uint8_t trigger = letter == SCHEMA_NAMES ? SINK_TRIGGER_QNAME : subject.at[0];
	unsigned bits;

	meta->subjects[trigger]++;
	if (!sink_trigger_is_prefix((enum sink_trigger)trigger))
		return;
	bits = subject.at[subject.len - 1] - 1u;
	meta->lengths[trigger][family_index(subject.at[1])][bits / 8] |= (uint8_t)(1u << bits % 8);
}

bool schema_meta_has(const struct schema_meta *meta, enum sink_trigger trigger, uint8_t family,
	unsigned bits)
{
	return meta->lengths[trigger][family_index(family)][bits / 8] >> bits % 8 & 1;
}

void schema_meta_encode(const struct schema_meta *meta, uint8_t out[SCHEMA_META_LEN])
{
	struct wire_out to = { .at = out, .left = SCHEMA_META_LEN };

	wire_put_bytes(&to, sink_span(meta_magic, sizeof meta_magic));
	wire_put_u16(&to, SCHEMA_VERSION);
	for (unsigned i = 0; i < SINK_TRIGGER_COUNT; i++)
		wire_put_u64(&to, meta->subjects[i]);
	wire_put_u64(&to, meta->listings);
	wire_put_u32(&to, meta->records);
	for (unsigned i = 0; i < SCHEMA_PREFIX_TRIGGERS; i++) {
		const enum sink_trigger trigger = prefix_triggers[i];

		wire_put_bytes(&to, sink_span(meta->lengths[trigger], sizeof meta->lengths[0]));
	}
}

/* How many lengths of a trigger's prefixes there are; -1 if a bit is set that stands for none. */
static int count_lengths(const uint8_t lengths[SCHEMA_FAMILIES][SCHEMA_LENGTHS])
{
	static const unsigned most[SCHEMA_FAMILIES] = { 32, 128 };
	int count = 0;

	for (unsigned family = 0; family < SCHEMA_FAMILIES; family++)
		for (unsigned bits = 0; bits < 8 * SCHEMA_LENGTHS; bits++) {
			if (!(lengths[family][bits / 8] >> bits % 8 & 1))
				continue;
			if (bits > most[family])
				return -1;
			count++;
		}
	return count;
}

/* Each length is that of a prefix, and each prefix has one; each subject has a listing. */
static bool is_good_meta(const struct schema_meta *meta)
{
	uint64_t left = meta->listings;

	for (unsigned i = 0; i < SINK_TRIGGER_COUNT; i++) {
		uint64_t subjects = meta->subjects[i];
		int lengths = count_lengths(meta->lengths[i]);

		if (subjects > left || lengths < 0)
			return false;
		if (sink_trigger_is_prefix((enum sink_trigger)i) &&
			((subjects == 0) != (lengths == 0) || (uint64_t)lengths > subjects))
			return false;
		left -= subjects;
	}
	return true;
}

static void take_lengths(struct wire_in *in, uint8_t out[SCHEMA_FAMILIES][SCHEMA_LENGTHS])
{
	const size_t len = (size_t)SCHEMA_FAMILIES * SCHEMA_LENGTHS;
	struct sink_span bytes = wire_bytes(in, len);

	if (!in->bad)
		memcpy(out, bytes.at, len);
}

/* The version is judged before the rest: another version may have another length. */
int schema_meta_decode(struct sink_span value, struct schema_meta *out)
{
	struct wire_in in = { .left = value };
	struct sink_span magic = wire_bytes(&in, sizeof meta_magic);
	uint16_t version = wire_u16(&in);
	struct schema_meta meta = { 0 };

	if (in.bad || !sink_span_equal(magic, sink_span(meta_magic, sizeof meta_magic)))
		return SINK_ECORRUPT;
	if (version != SCHEMA_VERSION)
		return SINK_EVERSION;
	for (unsigned i = 0; i < SINK_TRIGGER_COUNT; i++)
		meta.subjects[i] = wire_u64(&in);
	meta.listings = wire_u64(&in);
	meta.records = wire_u32(&in);
	for (unsigned i = 0; i < SCHEMA_PREFIX_TRIGGERS; i++)
		take_lengths(&in, meta.lengths[prefix_triggers[i]]);
	if (!wire_done(&in) || !is_good_meta(&meta))
		return SINK_ECORRUPT;
	*out = meta;
	return SINK_OK;
}

/* --- what a delta is -----------------------------------------------------------------------------
 */

void schema_delta_encode(const struct schema_delta *delta, uint8_t out[SCHEMA_DELTA_LEN])
{
	struct wire_out to = { .at = out, .left = SCHEMA_DELTA_LEN };

	wire_put_bytes(&to, sink_span(delta->base, sizeof delta->base));
	wire_put_u64(&to, delta->names);
	wire_put_u64(&to, delta->listings);
}

int schema_delta_decode(struct sink_span value, struct schema_delta *out)
{
	struct wire_in in = { .left = value };
	struct sink_span base = wire_bytes(&in, SINK_DIGEST_LEN);
	struct schema_delta delta;

	delta.names = wire_u64(&in);
	delta.listings = wire_u64(&in);
	if (!wire_done(&in) || delta.names > delta.listings)
		return SINK_ECORRUPT;
	memcpy(delta.base, base.at, sizeof delta.base);
	*out = delta;
	return SINK_OK;
}

/* --- the filter ----------------------------------------------------------------------------------
 */

static const char filter_magic[4] = { 'S', 'B', 'B', 'F' };
#define FILTER_VERSION 1
#define FILTER_SUBJECTS_MAX (UINT64_C(1) << 36) /* blocks stay below 2^32 */

void schema_filter_encode(uint64_t blocks, uint8_t out[SCHEMA_FILTER_HEAD])
{
	struct wire_out to = { .at = out, .left = SCHEMA_FILTER_HEAD };

	wire_put_bytes(&to, sink_span(filter_magic, sizeof filter_magic));
	wire_put_u32(&to, FILTER_VERSION);
	wire_put_u64(&to, blocks);
	memset(to.at, 0, to.left);
}

uint64_t schema_hash(uint8_t letter, struct sink_span subject)
{
	if (letter == SCHEMA_NAMES)
		return hash_key(HASH_START, subject);
	return hash_key(hash_start(subject.at[0]), sink_span(subject.at + 1, subject.len - 1));
}

int schema_filter_decode(struct sink_span value, uint64_t subjects, struct sink_span *out)
{
	struct wire_in in = { .left = value };
	struct sink_span magic = wire_bytes(&in, sizeof filter_magic);
	uint32_t version = wire_u32(&in);
	uint64_t blocks = wire_u64(&in);
	uint8_t head[SCHEMA_FILTER_HEAD];

	if (in.bad || !sink_span_equal(magic, sink_span(filter_magic, sizeof filter_magic)))
		return SINK_ECORRUPT;
	if (version != FILTER_VERSION)
		return SINK_EVERSION;
	if (subjects > FILTER_SUBJECTS_MAX || blocks != filter_count(subjects))
		return SINK_ECORRUPT;
	if (value.len != SCHEMA_FILTER_HEAD + blocks * FILTER_BLOCK)
		return SINK_ECORRUPT;
	schema_filter_encode(blocks, head);
	if (memcmp(value.at, head, sizeof head) != 0)
		return SINK_ECORRUPT; /* what should be zero is not */
	*out = sink_span(value.at + SCHEMA_FILTER_HEAD, value.len - SCHEMA_FILTER_HEAD);
	return SINK_OK;
}

/* --- listings ------------------------------------------------------------------------------------
 */

int schema_listing_next(struct schema_listings *listings, uint64_t *out)
{
	uint64_t stored, listing;

	if (listings->in.bad)
		return SINK_ECORRUPT;
	if (!listings->more)
		return SINK_ENOENT;
	stored = wire_varint(&listings->in);
	listing = stored >> 1;
	if (listing < listings->last || listing >> 2 >= listings->records ||
		(listing & 3) >= SINK_SCOPE_COUNT)
		listings->in.bad = true;
	if (listings->in.bad)
		return SINK_ECORRUPT;
	listings->last = listing + 1;
	listings->more = stored & 1;
	*out = listing;
	return SINK_OK;
}

#define REMOVED 6 /* in the place of listings: record 0, the scope that is none, no more */

bool schema_listings_removed(struct schema_listings *listings)
{
	struct wire_in in = listings->in;

	if (wire_varint(&in) != REMOVED || in.bad)
		return false;
	listings->in = in;
	listings->more = false;
	return true;
}

static void listings_begin(const struct wire_in *in, uint32_t records, struct schema_listings *out)
{
	*out = (struct schema_listings){ .in = *in, .records = records, .more = true };
}

/* --- blocks: reading ----------------------------------------------------------------------------
 */

/* How a subject's key differs from the one before it. */
struct step {
	size_t shared; /* bytes kept */
	struct sink_span rest; /* bytes added */
};

/* prev_len is the length of the key before. */
static struct step read_step(struct wire_in *in, size_t prev_len)
{
	uint64_t shared = wire_varint(in);
	uint64_t rest = wire_varint(in);

	if (shared > prev_len || rest > SCHEMA_SUBJECT_MAX - shared)
		in->bad = true;
	return (struct step){ .shared = (size_t)shared, .rest = wire_bytes(in, (size_t)rest) };
}

/* Pass over one subject's listings; who wants them judges them. */
static void skip_listings(struct wire_in *in)
{
	while (wire_varint(in) & 1)
		;
}

static size_t shared_length(struct sink_span a, struct sink_span b)
{
	size_t most = a.len < b.len ? a.len : b.len;
	size_t n = 0;

	while (n < most && a.at[n] == b.at[n])
		n++;
	return n;
}

/* `from` is at most its length. */
static struct sink_span tail(struct sink_span span, size_t from)
{
	return sink_span(from > 0 ? span.at + from : span.at, span.len - from);
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Where the listings end that begin at `at`; NULL: not before `end`. */
static const uint8_t *end_of_listings(const uint8_t *at, const uint8_t *end)
{
	bool more = true;

	if (end - at >= 8) { /* mostly one, or a few of a byte each */
		uint64_t word = 0, last, seen;

		memcpy(&word, at, sizeof word);
		word = le64toh(word);
		last = ~word & EACH_BYTE; /* its lowest bit: in the last listing's first byte */
		seen = last ^ (last - 1); /* all bits up to that */
		if (last && (word & EACH_BYTE << 7 & (seen << 7 | 0x7f)) == 0)
			return at + __builtin_ctzll(last) / 8 + 1;
	}
	while (more && at < end) {
		more = *at & 1;
		while (at < end && *at & 0x80)
			at++;
		at++;
	}
	return more || at > end ? NULL : at;
}

/* A key that shares more bytes than another one with the key before both is below it; of two that share as many, the one
 * whose next byte is less. In one number, greater for what is below. */
static inline size_t depth_of(size_t shared, uint8_t next)
{
	return shared << 8 | (next ^ 0xffu);
}

/* Pass over the subjects at hand that are below what is looked for, while the numbers of their keys take a byte each, as
 * nearly all do: they share more than `match` bytes with the one before, or as many, and the next byte is below that which
 * is wanted. Whatever else there is, the caller judges. Both are asked as one: each would have another answer for each
 * subject, and the processor would guess wrong most of the time.
 *
 * prev_len of the key before them; then, of the last of them */
static void skip_below(struct wire_in *in, struct sink_span subject, size_t match, size_t *prev_len)
{
	const uint8_t *at = in->left.at, *end = at + in->left.len, *next;
	/* nothing is below 0 */
	size_t wanted = depth_of(match, match < subject.len ? subject.at[match] : 0);
	size_t before = *prev_len;

	for (; end - at >= 3; at = next) {
		size_t shared = at[0], rest = at[1];

		if (depth_of(shared, at[2]) <= wanted || shared > before ||
			((shared | rest) & 0x80) != 0 || rest + 2 >= (size_t)(end - at))
			break;
		next = at + 2 + rest;
		next = (*next & 0x81) == 0 ? next + 1 : end_of_listings(next, end);
		if (!next)
			break;
		before = shared + rest;
	}
	*prev_len = before;
	in->left = sink_span(at, (size_t)(end - at));
}

/* The keys before the one at hand are all below `subject`; `match` is how many bytes `subject` shares
 * with the last of them. If the one at hand shares more than that with the last, it is below too;
 * if it shares less, it rose above at a byte where `subject` did not. */
int schema_block_find(struct sink_span block, struct sink_span subject, uint32_t records,
	struct schema_listings *out)
{
	struct wire_in in = { .left = block };
	size_t prev_len = 0, match = 0;

	for (;;) {
		struct step step;

		skip_below(&in, subject, match, &prev_len);
		if (in.left.len == 0)
			return SINK_ENOENT;
		step = read_step(&in, prev_len);
		if (in.bad)
			return SINK_ECORRUPT;
		if (step.shared < match)
			return SINK_ENOENT;
		if (step.shared == match) {
			struct sink_span wanted = tail(subject, match);
			size_t n = shared_length(wanted, step.rest);

			if (n == wanted.len && n == step.rest.len) {
				listings_begin(&in, records, out);
				return SINK_OK;
			}
			if (n == wanted.len ||
				(n < step.rest.len && step.rest.at[n] > wanted.at[n]))
				return SINK_ENOENT;
			match += n;
		}
		prev_len = step.shared + step.rest.len;
		skip_listings(&in);
		if (in.bad)
			return SINK_ECORRUPT;
	}
}

void schema_block_begin(struct schema_block *walk, struct sink_span block, uint8_t letter,
	struct sink_span last, uint32_t records)
{
	walk->in = (struct wire_in){ .left = block };
	walk->letter = letter;
	walk->last = last;
	walk->records = records;
	walk->is_delta = false;
	walk->begun = false;
	walk->failed = false;
	walk->len = 0;
}

/* Does the next key rise, and share as much as there is to share? Only the first may be empty. */
static bool is_rising(const struct schema_block *walk, const struct step *step)
{
	if (!walk->begun)
		return true;
	if (step->rest.len == 0)
		return false;
	return step->shared == walk->len || step->rest.at[0] > walk->key[step->shared];
}

/* Take the next key into walk->key. */
static bool take_key(struct schema_block *walk)
{
	struct step step = read_step(&walk->in, walk->len);

	if (walk->in.bad || !is_rising(walk, &step))
		return false;
	if (step.rest.len > 0)
		memcpy(walk->key + step.shared, step.rest.at, step.rest.len);
	walk->len = step.shared + step.rest.len;
	walk->begun = true;
	return true;
}

/* Check all listings of the subject at hand and step over them. A prefix has no scope but this one. */
static bool take_listings(struct schema_block *walk, struct schema_listings *out)
{
	bool is_prefix = sink_trigger_is_prefix(walk->subject.trigger);
	struct schema_listings listings;
	uint64_t listing;
	int err;

	listings_begin(&walk->in, walk->records, &listings);
	if (walk->is_delta)
		schema_listings_removed(&listings);
	*out = listings;
	while (!(err = schema_listing_next(&listings, &listing)))
		if (is_prefix && schema_listing_scope(listing) != SINK_SCOPE_EXACT)
			return false;
	walk->in = listings.in;
	return err == SINK_ENOENT;
}

static bool take(struct schema_block *walk, struct schema_listings *listings)
{
	return take_key(walk) &&
		!schema_subject(walk->letter, schema_block_at(walk), &walk->subject) &&
		take_listings(walk, listings);
}

int schema_block_next(struct schema_block *walk, struct schema_listings *listings)
{
	struct schema_listings found;

	if (!walk->failed && walk->in.left.len == 0 && walk->begun &&
		sink_span_equal(schema_block_at(walk), walk->last))
		return SINK_ENOENT;
	if (walk->failed || !take(walk, &found)) {
		walk->failed = true;
		return SINK_ECORRUPT;
	}
	*listings = found;
	return SINK_OK;
}

/* --- blocks: writing ----------------------------------------------------------------------------
 */

static size_t node_size(size_t key_len, size_t value_len)
{
	size_t size = SCHEMA_NODE_HEAD + 1 + key_len + value_len;

	return size + (size & 1);
}

static int make_room(struct schema_coder *coder, size_t more)
{
	uint8_t *bytes = sink_grow_by(coder->bytes, coder->len, &coder->room, more);

	if (!bytes)
		return SINK_ENOMEM;
	coder->bytes = bytes;
	return SINK_OK;
}

/* Write a subject after the last one, where there is room enough.
 *
 * returns  how many bytes it took
 */
static size_t encode(const struct schema_coder *coder, struct sink_span subject,
	const uint64_t *listings, size_t count)
{
	struct wire_out to = { .at = coder->bytes + coder->len, .left = coder->room - coder->len };
	size_t shared = shared_length(schema_coder_last(coder), subject);

	wire_put_varint(&to, shared);
	wire_put_varint(&to, subject.len - shared);
	wire_put_bytes(&to, tail(subject, shared));
	for (size_t i = 0; i < count; i++)
		wire_put_varint(&to, listings[i] << 1 | (i + 1 < count));
	if (count == 0)
		wire_put_varint(&to, REMOVED);
	return (size_t)(to.at - (coder->bytes + coder->len));
}

int schema_coder_add(struct schema_coder *coder, struct sink_span subject, const uint64_t *listings,
	size_t count)
{
	int err = make_room(coder, (3 + count) * WIRE_VARINT_MAX + subject.len);
	size_t len;

	if (err)
		return err;
	len = coder->len + encode(coder, subject, listings, count);
	if (coder->len > 0 && node_size(subject.len, len) > SCHEMA_NODE_MAX)
		return SINK_ETOOLONG;
	coder->len = len;
	if (subject.len > 0)
		memcpy(coder->key, subject.at, subject.len);
	coder->key_len = subject.len;
	return SINK_OK;
}

void schema_coder_clear(struct schema_coder *coder)
{
	coder->len = 0;
	coder->key_len = 0;
}

void schema_coder_free(struct schema_coder *coder)
{
	free(coder->bytes);
	*coder = (struct schema_coder){ 0 };
}

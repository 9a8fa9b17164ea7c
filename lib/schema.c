/* schema.c - the layout of the database file; doc/DATABASE.md is the authority. */
#include "schema.h"

#include <stdlib.h>

#include "filter.h"

/* --- keys --------------------------------------------------------------------------------------
 */

size_t schema_names_key(struct sink_span name, uint8_t out[SCHEMA_NAMES_KEY_MAX])
{
	out[0] = SCHEMA_NAMES;
	if (name.len > 0)
		memcpy(out + 1, name.at, name.len);
	return 1 + name.len;
}

void schema_record_key(uint32_t id, uint8_t out[SCHEMA_RECORD_KEY])
{
	struct wire_out to = { .at = out, .left = SCHEMA_RECORD_KEY };

	wire_put_u8(&to, SCHEMA_RECORD);
	wire_put_u32(&to, id);
}

bool schema_is_names_key(struct sink_span key, struct sink_span *last)
{
	if (key.len == 0 || key.at[0] != SCHEMA_NAMES || key.len > SCHEMA_NAMES_KEY_MAX)
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

static bool is_good_record(const struct sink_record *record)
{
	for (unsigned i = 0; i < SINK_FIELD_COUNT; i++)
		if (record->text[i].len > SINK_STRING_MAX)
			return false;
	return (unsigned)record->kind < SINK_KIND_COUNT &&
		(unsigned)record->severity < SINK_SEVERITY_COUNT &&
		(record->confidence <= 100 || record->confidence == SINK_CONFIDENCE_NONE) &&
		(unsigned)record->tlp < SINK_TLP_COUNT && record->valid_from >= 0 &&
		record->valid_until >= 0;
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
	for (unsigned i = 0; i < SINK_FIELD_COUNT; i++) {
		wire_put_u16(&to, (uint16_t)record->text[i].len);
		wire_put_bytes(&to, record->text[i]);
	}
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
	for (unsigned i = 0; i < SINK_FIELD_COUNT; i++) {
		uint16_t len = wire_u16(&in);

		record.text[i] = wire_bytes(&in, len);
	}
	if (!wire_done(&in) || !is_good_record(&record))
		return SINK_ECORRUPT;
	*out = record;
	return SINK_OK;
}

/* --- policy ------------------------------------------------------------------------------------
 */

static bool is_good_policy(const struct sink_policy *policy)
{
	bool has_addresses = policy->a_count > 0 || policy->aaaa_count > 0;

	if (policy->block != SINK_ACTION_SINKHOLE && has_addresses)
		return false;
	return policy->block >= SINK_ACTION_NXDOMAIN && policy->block <= SINK_ACTION_SINKHOLE &&
		policy->ttl <= SINK_TTL_MAX && policy->a_count <= SINK_ADDRESSES_MAX &&
		policy->aaaa_count <= SINK_ADDRESSES_MAX;
}

size_t schema_policy_encode(const struct sink_policy *policy, uint8_t out[SCHEMA_POLICY_MAX])
{
	struct wire_out to = { .at = out, .left = SCHEMA_POLICY_MAX };

	if (!is_good_policy(policy))
		return 0;
	wire_put_u8(&to, (uint8_t)policy->block);
	wire_put_u32(&to, policy->ttl);
	wire_put_u16(&to, policy->ede);
	wire_put_u8(&to, policy->a_count);
	wire_put_bytes(&to, sink_span(policy->a, sizeof policy->a[0] * policy->a_count));
	wire_put_u8(&to, policy->aaaa_count);
	wire_put_bytes(&to, sink_span(policy->aaaa, sizeof policy->aaaa[0] * policy->aaaa_count));
	return SCHEMA_POLICY_MAX - to.left;
}

/* Counted addresses; `room` bytes at `to` are zero. A count that does not fit fails as a read does.
 */
static uint8_t addresses(struct wire_in *in, uint8_t *to, size_t room, size_t each)
{
	uint8_t count = wire_u8(in);
	struct sink_span bytes = wire_bytes(in, each * count);

	if (bytes.len > room)
		in->bad = true;
	else if (bytes.len > 0)
		memcpy(to, bytes.at, bytes.len);
	return count;
}

int schema_policy_decode(struct sink_span value, struct sink_policy *out)
{
	struct wire_in in = { .left = value };
	struct sink_policy policy = { 0 };

	policy.block = (enum sink_action)wire_u8(&in);
	policy.ttl = wire_u32(&in);
	policy.ede = wire_u16(&in);
	policy.a_count = addresses(&in, policy.a[0], sizeof policy.a, sizeof policy.a[0]);
	policy.aaaa_count =
		addresses(&in, policy.aaaa[0], sizeof policy.aaaa, sizeof policy.aaaa[0]);
	if (!wire_done(&in) || !is_good_policy(&policy))
		return SINK_ECORRUPT;
	*out = policy;
	return SINK_OK;
}

/* --- what the file is ----------------------------------------------------------------------------
 */

static const char meta_magic[8] = { 'S', 'I', 'N', 'K', 'H', 'O', 'L', 'E' };

void schema_meta_encode(const struct schema_meta *meta, uint8_t out[SCHEMA_META_LEN])
{
	struct wire_out to = { .at = out, .left = SCHEMA_META_LEN };

	wire_put_bytes(&to, sink_span(meta_magic, sizeof meta_magic));
	wire_put_u16(&to, SCHEMA_VERSION);
	wire_put_u64(&to, meta->names);
	wire_put_u64(&to, meta->listings);
	wire_put_u32(&to, meta->records);
}

/* The version is judged before the rest: another version may have another length. */
int schema_meta_decode(struct sink_span value, struct schema_meta *out)
{
	struct wire_in in = { .left = value };
	struct sink_span magic = wire_bytes(&in, sizeof meta_magic);
	uint16_t version = wire_u16(&in);
	struct schema_meta meta;

	if (in.bad || !sink_span_equal(magic, sink_span(meta_magic, sizeof meta_magic)))
		return SINK_ECORRUPT;
	if (version != SCHEMA_VERSION)
		return SINK_EVERSION;
	meta.names = wire_u64(&in);
	meta.listings = wire_u64(&in);
	meta.records = wire_u32(&in);
	if (!wire_done(&in) || meta.listings < meta.names)
		return SINK_ECORRUPT;
	*out = meta;
	return SINK_OK;
}

/* --- the filter ----------------------------------------------------------------------------------
 */

static const char filter_magic[4] = { 'S', 'B', 'B', 'F' };
#define FILTER_VERSION 1
#define FILTER_NAMES_MAX (UINT64_C(1) << 36) /* blocks stay below 2^32 */

void schema_filter_encode(uint64_t blocks, uint8_t out[SCHEMA_FILTER_HEAD])
{
	struct wire_out to = { .at = out, .left = SCHEMA_FILTER_HEAD };

	wire_put_bytes(&to, sink_span(filter_magic, sizeof filter_magic));
	wire_put_u32(&to, FILTER_VERSION);
	wire_put_u64(&to, blocks);
	memset(to.at, 0, to.left);
}

int schema_filter_decode(struct sink_span value, uint64_t names, struct sink_span *out)
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
	if (names > FILTER_NAMES_MAX || blocks != filter_count(names))
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

static void listings_begin(const struct wire_in *in, uint32_t records, struct schema_listings *out)
{
	*out = (struct schema_listings){ .in = *in, .records = records, .more = true };
}

/* --- blocks of names: reading --------------------------------------------------------------------
 */

/* How a name differs from the one before it. */
struct step {
	size_t shared; /* bytes kept */
	struct sink_span rest; /* bytes added */
};

/* prev_len is the length of the key before. */
static struct step read_step(struct wire_in *in, size_t prev_len)
{
	uint64_t shared = wire_varint(in);
	uint64_t rest = wire_varint(in);

	if (shared > prev_len || rest > SINK_KEY_MAX - shared)
		in->bad = true;
	return (struct step){ .shared = (size_t)shared, .rest = wire_bytes(in, (size_t)rest) };
}

/* Pass over one name's listings; who wants them judges them. */
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

/* The names before the one at hand are all below `name`; `match` is how many bytes `name` shares
 * with the last of them. If the one at hand shares more than that with the last, it is below too;
 * if it shares less, it rose above at a byte where `name` did not. */
int schema_block_find(struct sink_span block, struct sink_span name, uint32_t records,
	struct schema_listings *out)
{
	struct wire_in in = { .left = block };
	size_t prev_len = 0, match = 0;

	while (in.left.len > 0) {
		struct step step = read_step(&in, prev_len);

		if (in.bad)
			return SINK_ECORRUPT;
		if (step.shared < match)
			return SINK_ENOENT;
		if (step.shared == match) {
			struct sink_span wanted = tail(name, match);
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
	return SINK_ENOENT;
}

void schema_block_begin(struct schema_block *walk, struct sink_span block, struct sink_span last,
	uint32_t records)
{
	walk->in = (struct wire_in){ .left = block };
	walk->last = last;
	walk->records = records;
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

/* Check all listings of the name at hand and step over them. */
static bool take_listings(struct schema_block *walk, struct schema_listings *out)
{
	struct schema_listings listings;
	uint64_t listing;
	int err;

	listings_begin(&walk->in, walk->records, &listings);
	*out = listings;
	do {
		err = schema_listing_next(&listings, &listing);
	} while (!err);
	walk->in = listings.in;
	return err == SINK_ENOENT;
}

static int take(struct schema_block *walk, struct sink_name *name, struct schema_listings *listings)
{
	if (!take_key(walk))
		return SINK_ECORRUPT;
	if (sink_name_from_key(sink_span(walk->key, walk->len), name) != SINK_OK)
		return SINK_ECORRUPT;
	return take_listings(walk, listings) ? SINK_OK : SINK_ECORRUPT;
}

int schema_block_next(struct schema_block *walk, struct sink_name *out,
	struct schema_listings *listings)
{
	struct sink_name name;
	struct schema_listings found;

	if (!walk->failed && walk->in.left.len == 0 && walk->begun &&
		sink_span_equal(sink_span(walk->key, walk->len), walk->last))
		return SINK_ENOENT;
	if (walk->failed || take(walk, &name, &found) != SINK_OK) {
		walk->failed = true;
		return SINK_ECORRUPT;
	}
	*out = name;
	*listings = found;
	return SINK_OK;
}

/* --- blocks of names: writing --------------------------------------------------------------------
 */

static size_t node_size(size_t name_len, size_t value_len)
{
	size_t size = SCHEMA_NODE_HEAD + 1 + name_len + value_len;

	return size + (size & 1);
}

static int make_room(struct schema_coder *coder, size_t more)
{
	size_t room = coder->room ? coder->room : 4096;
	uint8_t *bytes;

	while (room - coder->len < more)
		room *= 2;
	if (room == coder->room)
		return SINK_OK;
	bytes = realloc(coder->bytes, room);
	if (!bytes)
		return SINK_ENOMEM;
	coder->bytes = bytes;
	coder->room = room;
	return SINK_OK;
}

/* Write a name after the last one, where there is room enough.
 *
 * returns  how many bytes it took
 */
static size_t encode(const struct schema_coder *coder, struct sink_span name,
	const uint64_t *listings, size_t count)
{
	struct wire_out to = { .at = coder->bytes + coder->len, .left = coder->room - coder->len };
	size_t shared = shared_length(schema_coder_last(coder), name);

	wire_put_varint(&to, shared);
	wire_put_varint(&to, name.len - shared);
	wire_put_bytes(&to, tail(name, shared));
	for (size_t i = 0; i < count; i++)
		wire_put_varint(&to, listings[i] << 1 | (i + 1 < count));
	return (size_t)(to.at - (coder->bytes + coder->len));
}

int schema_coder_add(struct schema_coder *coder, struct sink_span name, const uint64_t *listings,
	size_t count)
{
	int err = make_room(coder, (2 + count) * WIRE_VARINT_MAX + name.len);
	size_t len;

	if (err)
		return err;
	len = coder->len + encode(coder, name, listings, count);
	if (coder->len > 0 && node_size(name.len, len) > SCHEMA_NODE_MAX)
		return SINK_ETOOLONG;
	coder->len = len;
	if (name.len > 0)
		memcpy(coder->key, name.at, name.len);
	coder->key_len = name.len;
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

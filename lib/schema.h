/* schema.h - THE layout of the database file, both ways; doc/DATABASE.md draws it.
 *
 * Nothing here does I/O or knows LMDB: spans in, values out. Decoding is strict and safe with any
 * bytes: what this version would not write is refused. */
#ifndef SINK_SCHEMA_H
#define SINK_SCHEMA_H

#include "sinkhole/db.h"
#include "wire.h"

#define SCHEMA_VERSION 3 /* raise it whenever old readers would misread new files */

/* --- keys: one letter, then what tells values of a kind apart -------------------------------- */

#define SCHEMA_DELTA "D" /* in a delta, and only there */
#define SCHEMA_FILTER "F"
#define SCHEMA_META "M"
#define SCHEMA_NAMES 'N' /* + key of the block's last subject: names asked for */
#define SCHEMA_OTHERS 'O' /* the same: what is listed for other triggers */
#define SCHEMA_RECORD 'R' /* + id, 4 bytes */
#define SCHEMA_FACETS "S"
#define SCHEMA_TIMES "T" /* not there if it would be empty */

/* The key of a subject: for SINK_TRIGGER_QNAME that of the name, else the trigger and the key of the name or
 * prefix. Never two zero bytes in a row, which sorting relies on. */
#define SCHEMA_SUBJECT_MAX (1 + SINK_KEY_MAX) /* bytes */
#define SCHEMA_BLOCK_KEY_MAX (1 + SCHEMA_SUBJECT_MAX) /* bytes; within LMDB's 511 */
#define SCHEMA_RECORD_KEY 5 /* bytes */

/* Where to look for a name: the first stored key not below this one, if it is one of a block with the same
 * letter, is that of the only block that can hold the name. The subject's key is what follows the first
 * byte.
 *
 * name     a name's key, at most SINK_KEY_MAX bytes
 * returns  the length in bytes
 */
size_t schema_name_key(enum sink_trigger trigger, struct sink_span name,
	uint8_t out[SCHEMA_BLOCK_KEY_MAX]);

/* The same for a prefix, which is a good one, and a trigger that is about prefixes. */
size_t schema_prefix_key(enum sink_trigger trigger, const struct sink_prefix *prefix,
	uint8_t out[SCHEMA_BLOCK_KEY_MAX]);

/* The key of a block.
 *
 * letter   SCHEMA_NAMES or SCHEMA_OTHERS
 * last     the key of its last subject
 * returns  the length in bytes
 */
size_t schema_block_key(uint8_t letter, struct sink_span last, uint8_t out[SCHEMA_BLOCK_KEY_MAX]);

/* The subject that a key is of: the other way round, strictly.
 *
 * letter   of its block
 * key      the subject's, without the letter
 * returns  SINK_OK; SINK_ECORRUPT
 */
int schema_subject(uint8_t letter, struct sink_span key, struct sink_subject *out);

void schema_record_key(uint32_t id, uint8_t out[SCHEMA_RECORD_KEY]);

/* Is this stored key one of a block? Its letter is key.at[0] then.
 *
 * last     the key of its last subject, borrowed from `key`; written if true
 */
bool schema_is_block_key(struct sink_span key, struct sink_span *last);

/* Is this stored key one of a record?
 *
 * id       written if true
 */
bool schema_is_record_key(struct sink_span key, uint32_t *id);

/* --- records -----------------------------------------------------------------------------------
 */

#define SCHEMA_RECORD_MAX \
	(21 + SINK_FIELD_COUNT * (2 + SINK_STRING_MAX) + 3 * (2 + SINK_BYTES_MAX)) /* bytes */

/* returns  the length in bytes; 0 if a field is out of its range, nothing of use is written then. No value
 *          begins with another one */
size_t schema_record_encode(const struct sink_record *record, uint8_t out[SCHEMA_RECORD_MAX]);

/* out      its text is borrowed from `value`; written on SINK_OK only
 * returns  SINK_OK; SINK_ECORRUPT
 */
int schema_record_decode(struct sink_span value, struct sink_record *out);

/* Are these as sink_record.types and sink_record.data say, whatever their length? Empty ones are. */
bool schema_are_good_types(struct sink_span types);
bool schema_is_good_data(struct sink_span data);

/* --- facets -------------------------------------------------------------------------------------
 */

#define SCHEMA_FACET_KEY_MAX (3 + (SINK_FIELD_COUNT - 1) * (2 + SINK_STRING_MAX)) /* bytes */

/* What tells facets apart: of a stored record, what rules can ask about. Equal for records of one facet, and for no
 * others.
 *
 * record   as schema_record_encode() wrote it
 * returns  the length in bytes
 */
size_t schema_facet_key(struct sink_span record, uint8_t out[SCHEMA_FACET_KEY_MAX]);

/* The stored facets. */
struct schema_facets {
	uint32_t count;
	const uint8_t *heads; /* 5 bytes a facet */
	const uint8_t *numbers; /* 4 bytes a record */
};

#define SCHEMA_FACETS_HEAD 4 /* bytes before the heads */
#define SCHEMA_FACET_HEAD 5
#define SCHEMA_FACET_NUMBER 4

static inline size_t schema_facets_len(uint32_t facets, uint32_t records)
{
	return SCHEMA_FACETS_HEAD + (size_t)SCHEMA_FACET_HEAD * facets +
		(size_t)SCHEMA_FACET_NUMBER * records;
}

/* Write the head of a facet: the first record that has it, and its triggers, bit 1 << trigger. */
void schema_facet_encode(uint32_t record, uint8_t triggers, uint8_t out[SCHEMA_FACET_HEAD]);

/* Find the parts of a stored value. That each record has the facet it should is for who knows the records.
 *
 * records  how many the file has
 * out      borrowed from `value`; written on SINK_OK only
 * returns  SINK_OK; SINK_ECORRUPT (another length than that many facets and records take; a facet whose first
 *          record does not exist, has another facet, or is not above that of the facet before)
 * cost     a look at each facet
 */
int schema_facets_decode(struct sink_span value, uint32_t records, struct schema_facets *out);

/* The head of a facet below facets->count. */
void schema_facet_head(const struct schema_facets *facets, uint32_t facet, uint32_t *record,
	uint8_t *triggers);

/* The facet of a record that exists; UINT32_MAX if that is none. */
static inline uint32_t schema_facet_of(const struct schema_facets *facets, uint32_t record)
{
	const uint8_t *at = facets->numbers + (size_t)SCHEMA_FACET_NUMBER * record;
	uint32_t facet =
		(uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];

	return facet < facets->count ? facet : UINT32_MAX;
}

/* --- times --------------------------------------------------------------------------------------
 */

/* Does a stored record begin, or end? */
bool schema_record_has_times(struct sink_span record);

/* Seconds from which on what is listed may be blocked that was not. */
enum schema_turn {
	SCHEMA_TURN_SURE, /* under any policy */
	SCHEMA_TURN_PERHAPS, /* if a rule lets pass what is listed to be blocked, and ends then */
	SCHEMA_TURN_COUNT
};

/* The stored times; all zero: there are none. */
struct schema_times {
	uint32_t counts[SCHEMA_TURN_COUNT];
	const uint8_t *seconds[SCHEMA_TURN_COUNT]; /* 8 bytes each, rising */
	uint32_t facets_count;
	const uint8_t
		*facets; /* of records with turns that are but possible: 4 bytes each, rising */
};

#define SCHEMA_TIMES_HEAD 12 /* bytes before the seconds */
#define SCHEMA_TIMES_SECOND 8
#define SCHEMA_TIMES_FACET 4

static inline size_t schema_times_len(uint32_t sure, uint32_t perhaps, uint32_t facets)
{
	return SCHEMA_TIMES_HEAD + SCHEMA_TIMES_SECOND * ((size_t)sure + perhaps) +
		SCHEMA_TIMES_FACET * (size_t)facets;
}

/* Find the parts of a stored value. That the seconds rise, and are the records', is for who knows the records.
 *
 * facets   how many the file has
 * out      borrowed from `value`; written on SINK_OK only
 * returns  SINK_OK; SINK_ECORRUPT (another length than so many seconds and facets take; no seconds; facets without
 *          their seconds, or the other way round; facets that do not exist or do not rise)
 * cost     a look at each facet
 */
int schema_times_decode(struct sink_span value, uint32_t facets, struct schema_times *out);

/* The first second of a kind after `now`; INT64_MAX: none.
 *
 * cost     a search by halving; whatever the bytes, what it returns is after `now`
 */
int64_t schema_times_next(const struct schema_times *times, enum schema_turn turn, int64_t now);

/* A facet, by its place below times->facets_count. */
uint32_t schema_times_facet(const struct schema_times *times, uint32_t place);

/* --- what the file is ----------------------------------------------------------------------------
 */

#define SCHEMA_FAMILIES 2 /* of addresses: 4 and 6 */
#define SCHEMA_PREFIX_TRIGGERS 3
#define SCHEMA_LENGTHS 17 /* bytes of a bitmap of lengths, 0 to 128 bits */
#define SCHEMA_META_LEN \
	(22 + 8 * SINK_TRIGGER_COUNT + \
		SCHEMA_PREFIX_TRIGGERS * SCHEMA_FAMILIES * SCHEMA_LENGTHS) /* bytes */

struct schema_meta {
	uint64_t subjects[SINK_TRIGGER_COUNT]; /* distinct */
	uint64_t listings;
	uint32_t records; /* ids are 0 to records - 1 */
	/* Of each trigger that is about prefixes: which lengths are listed, bit n % 8 of byte n / 8 */
	uint8_t lengths[SINK_TRIGGER_COUNT][SCHEMA_FAMILIES][SCHEMA_LENGTHS];
};

/* Distinct subjects of all triggers; what the filter holds. */
uint64_t schema_meta_total(const struct schema_meta *meta);

/* Count a subject, and note its length if it is a prefix.
 *
 * letter   of its block
 * subject  its key, a good one
 */
void schema_meta_count(struct schema_meta *meta, uint8_t letter, struct sink_span subject);

/* Is a prefix of this family and length listed at all? */
bool schema_meta_has(const struct schema_meta *meta, enum sink_trigger trigger, uint8_t family,
	unsigned bits);

void schema_meta_encode(const struct schema_meta *meta, uint8_t out[SCHEMA_META_LEN]);

/* out      written on SINK_OK only
 * returns  SINK_OK; SINK_EVERSION (ours, of another version); SINK_ECORRUPT
 */
int schema_meta_decode(struct sink_span value, struct schema_meta *out);

/* --- what a delta is -----------------------------------------------------------------------------
 */

#define SCHEMA_DELTA_LEN (SINK_DIGEST_LEN + 16) /* bytes */

struct schema_delta {
	uint8_t base[SINK_DIGEST_LEN]; /* digest of the file that it lies over */
	uint64_t names, listings; /* of both together, as struct sink_summary counts them */
};

void schema_delta_encode(const struct schema_delta *delta, uint8_t out[SCHEMA_DELTA_LEN]);

/* out      written on SINK_OK only
 * returns  SINK_OK; SINK_ECORRUPT
 */
int schema_delta_decode(struct sink_span value, struct schema_delta *out);

/* --- the filter ----------------------------------------------------------------------------------
 */

#define SCHEMA_FILTER_HEAD 48 /* bytes before the blocks */

/* blocks   how many blocks follow */
void schema_filter_encode(uint64_t blocks, uint8_t out[SCHEMA_FILTER_HEAD]);

/* The hash of a subject.
 *
 * letter   of its block
 */
uint64_t schema_hash(uint8_t letter, struct sink_span subject);

/* Find the blocks of a stored filter, which must have the size that fits so many subjects.
 *
 * out      for struct filter: borrowed from `value`, len / FILTER_BLOCK blocks; written on SINK_OK
 * only returns  SINK_OK; SINK_ECORRUPT; SINK_EVERSION
 */
int schema_filter_decode(struct sink_span value, uint64_t subjects, struct sink_span *out);

/* --- listings
 * -------------------------------------------------------------------------------------
 *
 * A listing is a number: record << 2 | scope. Their order is that of the file. */

static inline uint64_t schema_listing(uint32_t record, enum sink_scope scope)
{
	return (uint64_t)record << 2 | (uint64_t)scope;
}

static inline uint32_t schema_listing_record(uint64_t listing)
{
	return (uint32_t)(listing >> 2);
}

static inline enum sink_scope schema_listing_scope(uint64_t listing)
{
	return (enum sink_scope)(listing & 3);
}

/* The listings of one subject, read one after the other. */
struct schema_listings {
	struct wire_in in; /* begins with a listing; goes on to the block's end */
	uint64_t last; /* the listing before, plus 1; 0 at the start */
	uint32_t records; /* how many records there are */
	bool more; /* another one follows */
};

/* Take the next listing.
 *
 * out      written on SINK_OK only
 * returns  SINK_OK; SINK_ENOENT (that was all); SINK_ECORRUPT (broken off, out of order, a scope or
 *          a record that does not exist; so does every later call)
 */
int schema_listing_next(struct schema_listings *listings, uint64_t *out);

/* Of a subject in a delta: is nothing listed about it any more? Then schema_listing_next() gives nothing. To be asked
 * before that is; a base has no such subject, and what stands there for it is no listing.
 */
bool schema_listings_removed(struct schema_listings *listings);

/* --- blocks: reading -----------------------------------------------------------------------------
 */

/* Find one subject in a block without making the others.
 *
 * block    the value stored under schema_block_key()
 * subject  its key
 * records  how many records the file has
 * out      its listings, at least one; borrowed from `block`; written on SINK_OK only
 * returns  SINK_OK; SINK_ENOENT (not in this block); SINK_ECORRUPT (noticed on the way; only what
 *          stands before the subject is looked at)
 * cost     a walk over the block, about 70 names; no allocation
 */
int schema_block_find(struct sink_span block, struct sink_span subject, uint32_t records,
	struct schema_listings *out);

/* A walk over all subjects of a block, checking everything. */
struct schema_block {
	struct wire_in in;
	struct sink_span
		last; /* key that the block is stored under, without its letter; borrowed */
	uint8_t letter;
	uint32_t records;
	bool is_delta; /* there may be subjects without listings: set it after schema_block_begin() */
	bool begun; /* `key` holds a subject's */
	bool failed;
	size_t len; /* of the key */
	uint8_t key[SCHEMA_SUBJECT_MAX];
	struct sink_subject subject; /* with that key */
};

/* Begin a walk.
 *
 * block    borrowed until the walk ends
 * letter   SCHEMA_NAMES or SCHEMA_OTHERS
 * last     as schema_is_block_key() gave it: the block must end with this subject. Borrowed likewise
 * records  how many records the file has
 */
void schema_block_begin(struct schema_block *walk, struct sink_span block, uint8_t letter,
	struct sink_span last, uint32_t records);

/* Go to the next subject, which is walk->subject then, and its key schema_block_at().
 *
 * listings at least one, or in a delta none, and all of them known to be good; borrowed from the block;
 *          written on SINK_OK only
 * returns  SINK_OK; SINK_ENOENT (that was all, and the block ended as it should); SINK_ECORRUPT
 */
int schema_block_next(struct schema_block *walk, struct schema_listings *listings);

/* The key of the subject at hand; borrowed until the next step. */
static inline struct sink_span schema_block_at(const struct schema_block *walk)
{
	return sink_span(walk->key, walk->len);
}

/* --- blocks: writing -----------------------------------------------------------------------------
 */

#define SCHEMA_NODE_MAX \
	1018 /* bytes of an LMDB node (head, key, value): four to a page of 4 KiB  \
			      */
#define SCHEMA_NODE_HEAD 8 /* bytes of it that LMDB takes */

/* A block being filled. All zero is an empty one; free with schema_coder_free(). */
struct schema_coder {
	uint8_t *bytes; /* the block's value so far */
	size_t len, room; /* bytes used and allocated */
	size_t key_len; /* of the last subject added */
	uint8_t key[SCHEMA_SUBJECT_MAX];
};

/* Add a subject to the block.
 *
 * subject  its key; above the key of the one added before
 * listings rising; in a base at least one
 * returns  SINK_OK; SINK_ETOOLONG (no room beside what is there, nothing changed: store the block,
 *          clear, and add again; an empty block takes any subject); SINK_ENOMEM
 */
int schema_coder_add(struct schema_coder *coder, struct sink_span subject, const uint64_t *listings,
	size_t count);

/* The block's value; empty if nothing was added. Borrowed until the next call. */
static inline struct sink_span schema_coder_value(const struct schema_coder *coder)
{
	return sink_span(coder->bytes, coder->len);
}

/* The key of the block's last subject, for schema_block_key(). Borrowed until the next call. */
static inline struct sink_span schema_coder_last(const struct schema_coder *coder)
{
	return sink_span(coder->key, coder->key_len);
}

/* Begin another block. */
void schema_coder_clear(struct schema_coder *coder);

void schema_coder_free(struct schema_coder *coder);

#endif

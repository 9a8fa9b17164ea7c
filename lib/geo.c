/* geo.c - a MaxMind DB file is read once, whole, and made into a tree of our own, whose leaves are what rules ask
 * for: so that no query decodes anything, and that what a hostile file could do it does in the background, while
 * it is opened, or never. */
#include "sinkhole/geo.h"

#include <errno.h>
#include <maxminddb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "geo_value.h"
#include "sealed.h"
#include "sinkhole/grow.h"

#define FILE_MIN 64 /* bytes: less than any metadata */
#define FILE_MAX ((uint64_t)1 << 30) /* bytes; libmaxminddb 1.7.1 counts in 32 bits */
#define METADATA_MAX 131072 /* bytes: where the format wants the marker to be */
#define SEPARATOR 16 /* bytes between tree and data */
#define BUDGET_PER_BYTE 64 /* values looked at while opening; files in use take some 5 */
#define CANCEL_EVERY 4096 /* nodes */

static const char marker[] = "\xab\xcd\xef"
			     "MaxMind.com";
#define MARKER_LEN (sizeof marker - 1)

/* A record of a node: the number of another node, or LEAF and the number of a value. */
#define LEAF 0x80000000u
#define NOWHERE 0 /* the first value */

struct sink_geo {
	atomic_uint owners;
	bool has_ipv6;
	uint32_t ipv4; /* the record that IPv4 addresses begin at */
	uint32_t *values;
	uint32_t (*nodes)[2];
};

/* --- finding --- */

/* No deeper than an address has bits, whatever the nodes say. */
static uint32_t descend(const struct sink_geo *geo, uint32_t record, const uint8_t *bytes,
	unsigned bits)
{
	for (unsigned i = 0; i < bits && !(record & LEAF); i++)
		record = geo->nodes[record][bytes[i / 8] >> (7 - i % 8) & 1];
	return record & LEAF ? geo->values[record & ~LEAF] : 0;
}

uint32_t sink_geo_find(const struct sink_geo *geo, const struct sink_prefix *address)
{
	if (geo && address->family == 4)
		return descend(geo, geo->ipv4, address->bytes, 32);
	if (geo && geo->has_ipv6 && address->family == 6)
		return descend(geo, 0, address->bytes, 128);
	return 0;
}

bool sink_geo_has_ipv6(const struct sink_geo *geo)
{
	return geo->has_ipv6;
}

/* --- what records say --- */

struct opening {
	const char *path;
	enum sink_geo_kind kind;
	const atomic_bool *cancel;
	struct sink_why *why;
	struct sealed sealed;
	struct sink_span file; /* mapped */
	MMDB_s mmdb;
	bool has_mmdb;
	struct sink_span data; /* what records of the tree point into */
	uint64_t budget;
	struct sink_geo *geo;
	size_t values, values_room;
	struct place *places; /* a hash table */
	size_t places_used, places_room;
	bool is_useful; /* some record says what is asked for */
};

static int corrupt(const struct opening *o, const char *reason)
{
	return sink_why(o->why, SINK_ECORRUPT, "%s: %s", o->path, reason);
}

static int no_memory(const struct opening *o)
{
	return sink_why(o->why, SINK_ENOMEM, "%s: %s", o->path, sink_strerror(SINK_ENOMEM));
}

static uint32_t country_of(const char *text, uint32_t len)
{
	uint32_t code = 0;

	for (uint32_t i = 0; len == 2 && i < 2; i++) {
		unsigned letter = (unsigned char)text[i] & ~0x20u; /* upper case */

		if (letter < 'A' || letter > 'Z')
			return NOWHERE;
		code = code << 8 | letter;
	}
	return code;
}

/* "AS64511" or "64511" */
static uint32_t number_of(const char *text, uint32_t len)
{
	uint64_t number = 0;
	uint32_t i = 0;

	if (len > 2 && (text[0] & ~0x20) == 'A' && (text[1] & ~0x20) == 'S')
		i = 2;
	for (; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return NOWHERE;
		number = number * 10 + (unsigned)(text[i] - '0');
		if (number > UINT32_MAX)
			return NOWHERE;
	}
	return (uint32_t)number;
}

/* Where the formats in use keep it, the usual one first. */
static const char *const paths[SINK_GEO_KINDS][2][3] = {
	[SINK_GEO_COUNTRY] = { { "country", "iso_code" }, { "country_code" } },
	[SINK_GEO_ASN] = { { "autonomous_system_number" }, { "asn" } },
};

/* A text of another form says nothing ("", "-"); another type is no such file. */
static int convert(const struct opening *o, const MMDB_entry_data_s *data, uint32_t *out)
{
	bool is_country = o->kind == SINK_GEO_COUNTRY;

	if (data->type == MMDB_DATA_TYPE_UTF8_STRING)
		*out = is_country ? country_of(data->utf8_string, data->data_size)
				  : number_of(data->utf8_string, data->data_size);
	else if (data->type == MMDB_DATA_TYPE_UINT32 && !is_country)
		*out = data->uint32;
	else if (data->type == MMDB_DATA_TYPE_UINT16 && !is_country)
		*out = data->uint16;
	else
		return corrupt(o,
			is_country ? "a country is not a text" : "an AS number is no number");
	return SINK_OK;
}

static int read_record(struct opening *o, uint32_t at, uint32_t *out)
{
	MMDB_entry_s entry = { .mmdb = &o->mmdb, .offset = at };
	MMDB_entry_data_s data;

	if (!geo_value_check(o->data, at, false, &o->budget))
		return corrupt(o, "a record is damaged, or too large");
	*out = NOWHERE;
	for (size_t i = 0; i < 2; i++) {
		int status = MMDB_aget_value(&entry, &data, paths[o->kind][i]);

		if (status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR)
			continue;
		if (status != MMDB_SUCCESS)
			return corrupt(o, MMDB_strerror(status));
		return data.has_data ? convert(o, &data, out) : SINK_OK;
	}
	return SINK_OK;
}

/* --- values, each once --- */

struct place {
	uint32_t at; /* in the data */
	uint32_t value; /* its number; 0: the place is free */
};

static struct place *place_of(struct place *places, size_t room, uint32_t at)
{
	uint32_t hash = at * 0x9e3779b1u;
	size_t i = hash & (room - 1);

	while (places[i].value && places[i].at != at)
		i = (i + 1) & (room - 1);
	return &places[i];
}

/* Keep half of them free. */
static bool make_room(struct opening *o)
{
	size_t room = o->places_room ? 2 * o->places_room : 1024;
	struct place *places;

	if (o->places_used < o->places_room / 2)
		return true;
	places = calloc(room, sizeof *places);
	if (!places)
		return false;
	for (size_t i = 0; i < o->places_room; i++)
		if (o->places[i].value)
			*place_of(places, room, o->places[i].at) = o->places[i];
	free(o->places);
	o->places = places;
	o->places_room = room;
	return true;
}

static bool add_value(struct opening *o, uint32_t value)
{
	uint32_t *values = sink_grow(o->geo->values, o->values, &o->values_room, sizeof *values);

	if (!values)
		return false;
	o->geo->values = values;
	values[o->values++] = value;
	return true;
}

/* The number of the value that the record at this place of the data has. */
static int value_at(struct opening *o, uint32_t at, uint32_t *out)
{
	struct place *place;
	uint32_t value;
	int err;

	if (!make_room(o))
		return no_memory(o);
	place = place_of(o->places, o->places_room, at);
	if (!place->value) {
		err = read_record(o, at, &value);
		if (err)
			return err;
		if (!add_value(o, value))
			return no_memory(o);
		*place = (struct place){ at, (uint32_t)o->values - 1 };
		o->places_used++;
		o->is_useful |= value != NOWHERE;
	}
	*out = place->value;
	return SINK_OK;
}

/* --- the tree --- */

static int make_record(struct opening *o, uint64_t record, uint8_t type, uint32_t *out)
{
	const uint32_t data = o->mmdb.metadata.node_count + SEPARATOR;
	uint32_t value = 0;
	int err = SINK_OK;

	switch (type) {
	case MMDB_RECORD_TYPE_SEARCH_NODE:
		*out = (uint32_t)record;
		return SINK_OK;
	case MMDB_RECORD_TYPE_EMPTY:
		*out = LEAF | NOWHERE;
		return SINK_OK;
	case MMDB_RECORD_TYPE_DATA:
		if (record < data)
			return corrupt(o, "a node points between tree and data");
		err = value_at(o, (uint32_t)(record - data), &value);
		if (!err)
			*out = LEAF | value;
		return err;
	}
	return corrupt(o, "a node points out of the file");
}

static int make_node(struct opening *o, uint32_t number)
{
	uint32_t *to = o->geo->nodes[number];
	MMDB_search_node_s node;
	int status = MMDB_read_node(&o->mmdb, number, &node), err;

	if (status != MMDB_SUCCESS)
		return corrupt(o, MMDB_strerror(status));
	err = make_record(o, node.left_record, node.left_record_type, &to[0]);
	if (!err)
		err = make_record(o, node.right_record, node.right_record_type, &to[1]);
	return err;
}

/* IPv4 is in ::/96. Other places where IPv4 addresses show up, such as ::ffff:0:0/96, are the file's business: it
 * lets their nodes lead to those of ::/96. */
static void find_ipv4(struct sink_geo *geo)
{
	if (!geo->has_ipv6)
		return; /* it is the root */
	for (unsigned i = 0; i < 96 && !(geo->ipv4 & LEAF); i++)
		geo->ipv4 = geo->nodes[geo->ipv4][0];
}

static int make_tree(struct opening *o)
{
	const MMDB_metadata_s *metadata = &o->mmdb.metadata;
	struct sink_geo *geo = o->geo;
	int err = SINK_OK;

	geo->has_ipv6 = metadata->ip_version == 6;
	geo->nodes = malloc(metadata->node_count * sizeof *geo->nodes);
	if (!geo->nodes || !add_value(o, NOWHERE))
		return no_memory(o);
	for (uint32_t i = 0; !err && i < metadata->node_count; i++) {
		if (i % CANCEL_EVERY == 0 && o->cancel && atomic_load(o->cancel))
			err = sink_why(o->why, SINK_ECANCELED, "%s: reading was cancelled",
				o->path);
		else
			err = make_node(o, i);
	}
	if (err)
		return err;
	if (!o->is_useful)
		return sink_why(o->why, SINK_ECORRUPT,
			"%s: no record of it (a file of type \"%s\") has %s", o->path,
			metadata->database_type,
			o->kind == SINK_GEO_COUNTRY ? "a country" : "an AS number");
	find_ipv4(geo);
	return SINK_OK;
}

/* --- the file --- */

/* What follows the last marker, as libmaxminddb finds it. */
static struct sink_span find_metadata(struct sink_span file)
{
	size_t len = file.len < METADATA_MAX ? file.len : METADATA_MAX;
	const uint8_t *at = file.at + file.len - len, *end = file.at + file.len, *found = NULL;

	while ((at = memmem(at, (size_t)(end - at), marker, MARKER_LEN)))
		found = at += MARKER_LEN;
	return found ? sink_span(found, (size_t)(end - found)) : sink_span(NULL, 0);
}

static int metadata_number(MMDB_s *section, const char *key, uint32_t *out)
{
	const char *const path[] = { key, NULL };
	MMDB_entry_s entry = { .mmdb = section };
	MMDB_entry_data_s data;

	if (MMDB_aget_value(&entry, &data, path) != MMDB_SUCCESS || !data.has_data)
		return SINK_ECORRUPT;
	if (data.type == MMDB_DATA_TYPE_UINT32)
		*out = data.uint32;
	else if (data.type == MMDB_DATA_TYPE_UINT16)
		*out = data.uint16;
	else
		return SINK_ECORRUPT;
	return SINK_OK;
}

/* Before MMDB_open() multiplies them in 32 bits. */
static int check_metadata(struct opening *o)
{
	struct sink_span metadata = find_metadata(o->file);
	MMDB_s section = { .data_section = metadata.at,
		.data_section_size = (uint32_t)metadata.len };
	uint64_t before, tree;
	uint32_t nodes, bits;

	/* libmaxminddb wants three bytes to look at, at least. */
	if (metadata.len < 3 || !geo_value_check(metadata, 0, true, &o->budget))
		return corrupt(o, "not a MaxMind DB file, or a damaged one");
	if (metadata_number(&section, "node_count", &nodes) ||
		metadata_number(&section, "record_size", &bits))
		return corrupt(o, "its metadata lacks the size of the tree");
	before = (uint64_t)(metadata.at - o->file.at) - MARKER_LEN;
	tree = (uint64_t)nodes * bits / 4 + SEPARATOR;
	if (nodes == 0 || nodes >= LEAF || bits > 32 || tree > before)
		return corrupt(o, "its metadata has a tree that is larger than the file");
	o->data = sink_span(o->file.at + tree, before - tree);
	return SINK_OK;
}

static int refuse_open(const struct opening *o, int status)
{
	switch (status) {
	case MMDB_OUT_OF_MEMORY_ERROR:
		return no_memory(o);
	case MMDB_FILE_OPEN_ERROR:
	case MMDB_IO_ERROR:
		return sink_why(o->why, SINK_EIO, "%s: %m", o->path);
	}
	return corrupt(o, MMDB_strerror(status));
}

static int map_file(struct opening *o, uint64_t size)
{
	void *map;

	if (size < FILE_MIN)
		return corrupt(o, "not a MaxMind DB file");
	map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, o->sealed.fd, 0);
	if (map == MAP_FAILED)
		return sink_why(o->why, errno == ENOMEM ? SINK_ENOMEM : SINK_EIO, "%s: %m",
			o->path);
	o->file = sink_span(map, (size_t)size);
	o->budget = BUDGET_PER_BYTE * size;
	return SINK_OK;
}

/* Without /proc the file itself, for as long as this takes. */
static int open_file(struct opening *o)
{
	uint64_t size;
	int status, err = sealed_copy(o->path, FILE_MAX, o->cancel, o->why, &o->sealed, &size);

	if (!err)
		err = map_file(o, size);
	if (!err)
		err = check_metadata(o);
	if (err)
		return err;
	status = MMDB_open(o->sealed.proc[0] ? o->sealed.proc : o->path, MMDB_MODE_MMAP, &o->mmdb);
	if (status != MMDB_SUCCESS)
		return refuse_open(o, status);
	o->has_mmdb = true;
	return SINK_OK;
}

static void end_opening(struct opening *o)
{
	if (o->has_mmdb)
		MMDB_close(&o->mmdb);
	if (o->file.at)
		munmap((void *)(uintptr_t)o->file.at, o->file.len);
	sealed_close(&o->sealed);
	free(o->places);
}

int sink_geo_open(const char *path, enum sink_geo_kind kind, const atomic_bool *cancel,
	struct sink_why *why, struct sink_geo **out)
{
	struct opening o = { .path = path, .kind = kind, .cancel = cancel, .why = why };
	int err;

	o.sealed.fd = -1;
	o.geo = calloc(1, sizeof *o.geo);
	if (!o.geo)
		return no_memory(&o);
	atomic_init(&o.geo->owners, 1);
	err = open_file(&o);
	if (!err)
		err = make_tree(&o);
	end_opening(&o);
	if (err)
		sink_geo_close(o.geo);
	else
		*out = o.geo;
	return err;
}

struct sink_geo *sink_geo_share(const struct sink_geo *geo)
{
	struct sink_geo *shared = (struct sink_geo *)(uintptr_t)geo;

	atomic_fetch_add(&shared->owners, 1);
	return shared;
}

void sink_geo_close(struct sink_geo *geo)
{
	if (!geo || atomic_fetch_sub(&geo->owners, 1) > 1)
		return;
	free(geo->values);
	free(geo->nodes);
	free(geo);
}

/* env.h - what is behind struct sink_db and struct sink_reader, for db.c, scan.c and verify.c.
 *
 * A database is a file, or two: a delta over a base. The delta is the one that is opened, and has the base behind it;
 * whoever looks something up asks the delta first, and the base unless that subject is the delta's. Numbers of records
 * and facets count through: those of the base as they are, those of the delta behind them. So nothing above has to
 * know, and a database without a delta costs one comparison more a look-up. */
#ifndef SINK_ENV_H
#define SINK_ENV_H

#include "filter.h"
#include "mdb.h"
#include "places.h"
#include "schema.h"
#include "sinkhole/db.h"

/* Everything below is written while opening and only read afterwards. */
struct sink_db {
	MDB_env *env;
	MDB_dbi table; /* the unnamed one */
	enum sink_map map; /* what became of the wish */
	uint64_t bytes; /* of the file */
	struct schema_meta meta;
	struct filter filter; /* its blocks are borrowed from the map */
	struct schema_facets facets; /* likewise */
	struct schema_times times; /* likewise */
	struct places *places; /* of blocks and records; NULL while opening */
	uint8_t digest[SINK_DIGEST_LEN]; /* of the file */
	/* Of a delta. Without a base: NULL and zeros */
	struct sink_db *base; /* one owner of it */
	struct schema_delta delta;
	uint32_t first_record, first_facet; /* how many the base has: ours begin there */
	/* What is listed at all, in the base or here: subjects by trigger (too many, where both list one), lengths */
	struct schema_meta all;
	uint8_t roots; /* bit 1 << trigger: the root may be listed for it, in the base or here */
	atomic_uint owners;
};

struct sink_reader {
	const struct sink_db *db;
	struct sink_reader *base; /* of db->base; NULL: there is none */
	MDB_txn *txn;
	MDB_cursor *cursor; /* of sink_reader_find() and its like */
};

/* returns  SINK_OK; SINK_ENOENT; SINK_ECORRUPT */
int env_get(const struct sink_reader *reader, struct sink_span key, struct sink_span *out);

/* Move a cursor; for MDB_SET_RANGE, `key` says where to.
 *
 * key, value  borrowed until the database is closed; written on SINK_OK only
 * returns     SINK_OK; SINK_ENOENT (nothing there); SINK_ECORRUPT
 */
int env_move(MDB_cursor *cursor, MDB_cursor_op op, struct sink_span *key, struct sink_span *value);

#endif

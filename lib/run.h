/* run.h - sorted entries in a spool: written front-coded, read back one by one. Private to a
 * process and its own spool, hence no more checks than memory safety needs. */
#ifndef SINK_RUN_H
#define SINK_RUN_H

#include "sinkhole/name.h"
#include "spool.h"

#define RUN_KEY_MAX (1 + SINK_KEY_MAX) /* bytes: a name's key, and what it is listed for */

/* varint shared, varint rest, the rest of the key, varint number: as large as it gets. */
#define RUN_ENTRY_MAX (2 + 2 + RUN_KEY_MAX + 5)
#define RUN_BUFFER_MIN 4096 /* bytes */

/* A run while it is written, and what is kept of it until it is read. */
struct run {
	uint64_t at, end; /* in the spool */
};

struct run_writer {
	struct spool *spool;
	size_t len; /* of the last key */
	uint8_t key[RUN_KEY_MAX];
};

/* Append an entry; keys must not fall.
 *
 * returns  SINK_OK; SINK_EIO
 */
int run_put(struct run_writer *writer, struct sink_span key, uint32_t number);

struct run_reader {
	const struct spool *spool;
	struct run run; /* what was not yet taken into the buffer */
	size_t next, filled, room; /* bytes of the buffer */
	uint8_t *buffer;
	uint64_t word; /* the key's first bytes, see key_word() */
	uint32_t number;
	size_t len;
	uint8_t key[RUN_KEY_MAX];
};

/* Begin to read a run; there is no entry until run_next().
 *
 * buffer   `room` bytes, at least RUN_BUFFER_MIN; borrowed
 */
void run_read(struct run_reader *reader, const struct spool *spool, struct run run, uint8_t *buffer,
	size_t room);

/* Take the next entry: key, word, number.
 *
 * returns  SINK_OK; SINK_ENOENT (that was all); SINK_EIO
 */
int run_next(struct run_reader *reader);

static inline struct sink_span run_key(const struct run_reader *reader)
{
	return sink_span(reader->key, reader->len);
}

/* Is a's entry below b's? */
bool run_is_below(const struct run_reader *a, const struct run_reader *b);

#endif

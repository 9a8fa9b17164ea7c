/* run.c - sorted entries in a spool. */
#include "run.h"

#include <errno.h>

#include "radix.h"
#include "sinkhole/err.h"
#include "wire.h"

int run_put(struct run_writer *writer, struct sink_span key, uint32_t number)
{
	uint8_t bytes[RUN_ENTRY_MAX];
	struct wire_out out = { .at = bytes, .left = sizeof bytes };
	size_t shared = 0;

	while (shared < writer->len && shared < key.len && writer->key[shared] == key.at[shared])
		shared++;
	wire_put_varint(&out, shared);
	wire_put_varint(&out, key.len - shared);
	if (key.len > shared) {
		wire_put_bytes(&out, sink_span(key.at + shared, key.len - shared));
		memcpy(writer->key + shared, key.at + shared, key.len - shared);
	}
	wire_put_varint(&out, number);
	writer->len = key.len;
	return spool_write(writer->spool, bytes, sizeof bytes - out.left);
}

void run_read(struct run_reader *reader, const struct spool *spool, struct run run, uint8_t *buffer,
	size_t room)
{
	reader->spool = spool;
	reader->run = run;
	reader->next = reader->filled = 0;
	reader->room = room;
	reader->buffer = buffer;
	reader->len = 0;
}

static int fill_buffer(struct run_reader *reader)
{
	size_t kept = reader->filled - reader->next;
	uint64_t left = reader->run.end - reader->run.at;
	size_t more = reader->room - kept < left ? reader->room - kept : (size_t)left;

	memmove(reader->buffer, reader->buffer + reader->next, kept);
	if (spool_read(reader->spool, reader->run.at, reader->buffer + kept, more) != SINK_OK)
		return SINK_EIO;
	reader->run.at += more;
	reader->next = 0;
	reader->filled = kept + more;
	return SINK_OK;
}

int run_next(struct run_reader *reader)
{
	struct wire_in in;
	struct sink_span rest;
	uint64_t shared, rest_len;

	if (reader->filled - reader->next < RUN_ENTRY_MAX && reader->run.at < reader->run.end &&
		fill_buffer(reader) != SINK_OK)
		return SINK_EIO;
	if (reader->filled == reader->next)
		return SINK_ENOENT;
	in.left = sink_span(reader->buffer + reader->next, reader->filled - reader->next);
	in.bad = false;
	shared = wire_varint(&in);
	rest_len = wire_varint(&in);
	if (shared > reader->len || rest_len > RUN_KEY_MAX - shared)
		in.bad = true;
	rest = wire_bytes(&in, (size_t)rest_len);
	reader->number = (uint32_t)wire_varint(&in);
	if (in.bad) {
		errno = EIO; /* the file is ours alone: the disk lied */
		return SINK_EIO;
	}
	if (rest.len > 0)
		memcpy(reader->key + shared, rest.at, rest.len);
	reader->len = (size_t)shared + rest.len;
	if (shared < sizeof reader->word)
		reader->word = key_word(run_key(reader), 0);
	reader->next = reader->filled - in.left.len;
	return SINK_OK;
}

bool run_is_below(const struct run_reader *a, const struct run_reader *b)
{
	size_t least = a->len < b->len ? a->len : b->len;
	int difference;

	if (a->word != b->word)
		return a->word < b->word;
	difference = memcmp(a->key, b->key, least);
	return difference ? difference < 0 : a->len < b->len;
}

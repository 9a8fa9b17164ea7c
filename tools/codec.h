/* codec.h - the compressions that inputs may come in, one object each. codec.c alone knows their libraries. */
#ifndef TOOLS_CODEC_H
#define TOOLS_CODEC_H

#include "sinkhole/span.h"

/* What one file may make us hold, whatever its header asks for. The largest that their programs write
 * without being told to is xz -9 with 65 MiB, and zstd --ultra -22 with a window of 128 MiB. */
#define CODEC_MEMORY_MAX ((size_t)160 << 20) /* bytes, of xz */
#define CODEC_WINDOW_LOG_MAX 27 /* of zstd: 128 MiB */

struct codec_io {
	struct sink_span in; /* what is left of it */
	uint8_t *out; /* where the next byte goes */
	size_t room; /* bytes that fit there */
	bool last; /* nothing follows behind `in` */
	bool whole; /* told by step(): what came so far may be all there is */
};

struct codec {
	const char *word; /* "gzip" */
	/* Do compressed data begin so? The head may be cut short: then as far as it goes. */
	bool (*begins)(struct sink_span head);
	/* NULL: no memory */
	void *(*begin)(void);
	/* Move bytes from io->in to io->out: some of either, unless there is nothing to move. Data that
	 * are several archives, one after another, are read as one.
	 *
	 * returns  NULL, or what is wrong with the data: a constant text without the codec's name */
	const char *(*step)(void *state, struct codec_io *io);
	void (*end)(void *state); /* NULL is fine */
};

/* Which one do data begin with? NULL: none of them. */
const struct codec *codec_of(struct sink_span head);

#endif

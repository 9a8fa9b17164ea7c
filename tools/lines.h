/* lines.h - a file, a pipe or bytes in memory, one line after the other; what is compressed by gzip, zstd,
 * xz or bzip2 is decompressed on the way. Knows nothing of formats. */
#ifndef TOOLS_LINES_H
#define TOOLS_LINES_H

#include "sinkhole/err.h"
#include "sinkhole/span.h"

#define LINES_BUFFER ((size_t)1 << 20) /* bytes read at once, and the size of a sample */
#define LINE_LENGTH_MAX 65536 /* bytes, without the line's end */
/* Of a whole input, unless lines_limit() says otherwise: an endless one must end somewhere. */
#define LINES_BYTES_MAX (UINT64_C(4) << 30) /* decompressed */
#define LINES_COUNT_MAX UINT64_C(200000000)

struct lines;

struct line {
	struct sink_span text; /* until the next call; without LF or CRLF */
	uint64_t number; /* from 1 */
	bool too_long; /* text is its beginning only */
};

/* Open a file, "-" for standard input, and read its beginning.
 *
 * returns  SINK_OK; SINK_ENOENT, SINK_EIO (errno); SINK_ENOMEM; SINK_ESYNTAX (a directory or a device,
 *          UTF-16 or UTF-32, an archive of files, compressed twice: nothing that lines of text could be in; or
 *          compressed, and damaged or cut short)
 */
int lines_open(const char *path, struct sink_why *why, struct lines **out);

/* The same over a descriptor, which is closed by lines_close(), also if this fails.
 *
 * seconds  wait for more bytes no longer than until so many from now: then it is SINK_ETOOLONG, from here or
 *          when the lines are read; 0: for ever
 * title    how messages name it
 */
int lines_open_fd(int fd, unsigned seconds, const char *title, struct sink_why *why,
	struct lines **out);

/* The same over bytes in memory, which are copied. */
int lines_open_bytes(struct sink_span bytes, struct sink_why *why, struct lines **out);

/* Other limits than LINES_BYTES_MAX and LINES_COUNT_MAX; 0: those. What goes beyond them is SINK_ETOOLONG
 * from the next call on. lines_take() counts no lines. */
void lines_limit(struct lines *lines, uint64_t bytes, uint64_t count);

/* Why the last call failed, without the input's name: "gzip data that are cut short". Borrowed until
 * the next call; empty if none did. */
const char *lines_problem(const struct lines *lines);

/* What it is compressed with: "gzip"; NULL: it is not. */
const char *lines_compression(const struct lines *lines);

/* NULL is fine. */
void lines_close(struct lines *lines);

/* The beginning, decompressed, at most LINES_BUFFER bytes without a byte order mark. Valid until the first
 * lines_next(). *whole tells whether there is no more. */
struct sink_span lines_sample(const struct lines *lines, bool *whole);

/* returns  SINK_OK; SINK_ENOENT (no more lines); SINK_EIO; SINK_ENOMEM; SINK_ETOOLONG (a limit); SINK_ESYNTAX
 *          (compressed, and damaged or cut short). lines_problem() says more */
int lines_next(struct lines *lines, struct line *out);

/* For what is no text in lines: the next bytes, at least one and at most LINES_BUFFER. Do not mix with
 * lines_next().
 *
 * out      valid until the next call; written on SINK_OK only
 * returns  as lines_next()
 */
int lines_take(struct lines *lines, struct sink_span *out);

/* Make sure that lines_rewind() will work: a pipe is copied to an unlinked file in $TMPDIR, compressed if it
 * was. Only before the first lines_next() or lines_take().
 *
 * title    how messages name the input
 * returns  SINK_OK; SINK_EIO; SINK_ETOOLONG; SINK_ENOMEM; SINK_EINVAL (too late)
 */
int lines_keep(struct lines *lines, const char *title, struct sink_why *why);

/* Begin anew. Frees the buffer until the next call of lines_next(), so that many open inputs cost
 * little. What cannot be rewound stays as it is: only before the first lines_next().
 *
 * returns  SINK_OK; SINK_EIO
 */
int lines_rewind(struct lines *lines);

/* Was its last byte read? That there is none may be found out later. */
bool lines_ended(const struct lines *lines);

uint64_t lines_count(const struct lines *lines); /* that lines_next() gave so far */
uint64_t lines_bytes(const struct lines *lines); /* decompressed, read so far */

#endif

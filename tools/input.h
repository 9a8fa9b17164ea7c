/* input.h - the plain bytes of a file, a pipe or memory, whatever they are compressed with. Knows nothing
 * of lines. */
#ifndef TOOLS_INPUT_H
#define TOOLS_INPUT_H

#include "sinkhole/err.h"
#include "sinkhole/span.h"

struct input;

/* Take over a descriptor, open for reading at the place where the input begins, and look at its first
 * bytes. It is closed by input_close(), also if this fails.
 *
 * seconds  wait for more bytes no longer than until so many from now: then it is SINK_ETOOLONG; 0: for ever
 * returns  SINK_OK; SINK_EIO (errno); SINK_ENOMEM; SINK_ETOOLONG
 */
int input_open(int fd, unsigned seconds, struct input **out);

/* The same over bytes in memory, which are copied. */
int input_open_bytes(struct sink_span bytes, struct input **out);

/* NULL is fine. */
void input_close(struct input *input);

/* End with SINK_ETOOLONG when more plain bytes than that came out. Without it there is no limit.
 *
 * returns  SINK_OK; SINK_ETOOLONG (they did already)
 */
int input_limit(struct input *input, uint64_t bytes);

/* Read some of the plain bytes: at most `size`, fewer than that at any time, none (*got is 0) only at
 * the end.
 *
 * returns  SINK_OK; SINK_EIO; SINK_ENOMEM; SINK_ESYNTAX (compressed, and damaged, cut short, or not to be read
 *          with the memory that it may have); SINK_ETOOLONG. Says so again when called again
 */
int input_read(struct input *input, uint8_t *out, size_t size, size_t *got);

/* Why that failed, without the input's name: "gzip data that are cut short". Until the next call. */
const char *input_problem(const struct input *input);

/* Can it be read anew: is it no pipe, or kept? */
bool input_can_rewind(const struct input *input);

/* Begin anew, and free what reading needs until then. Only if input_can_rewind().
 *
 * returns  SINK_OK; SINK_EIO
 */
int input_rewind(struct input *input);

/* Make sure that it can be rewound: what comes out of a pipe, from its beginning, is copied to an unlinked
 * file in $TMPDIR as it is, compressed. Rewinds it.
 *
 * returns  SINK_OK; SINK_EIO, SINK_ETOOLONG, SINK_ENOMEM (input_problem() says which of the two it is about);
 *          SINK_EINVAL (its beginning was forgotten)
 */
int input_keep(struct input *input);

/* A pipe's beginning is remembered for input_keep() until this. */
void input_forget(struct input *input);

/* A nameless file in $TMPDIR, to read and write; -1: errno. */
int input_temporary(void);

/* Write all of it, such as there.
 *
 * returns  SINK_OK; SINK_EIO (errno)
 */
int input_write(int fd, const uint8_t *at, size_t len);

uint64_t input_bytes(const struct input *input); /* plain ones, so far */

/* What the input is compressed with: "gzip"; NULL: it is not. */
const char *input_compression(const struct input *input);

#endif

/* sha256.c - digest.h for the other rooms. */
#include "sinkhole/sha256.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "digest.h"

#define PIECE ((size_t)1 << 18) /* bytes read at once */

int sink_sha256(struct sink_span bytes, char out[SINK_SHA256_TEXT])
{
	uint8_t digest[SINK_DIGEST_LEN];
	int err = digest_of(bytes, digest);

	if (!err)
		digest_to_hex(digest, out);
	return err;
}

static int add_file(struct digest *digest, int fd, uint8_t *piece, uint64_t *size)
{
	*size = 0;
	for (;;) {
		ssize_t n = pread(fd, piece, PIECE, (off_t)*size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return SINK_EIO;
		if (n == 0)
			return SINK_OK;
		if (digest_add(digest, sink_span(piece, (size_t)n)))
			return SINK_ENOMEM;
		*size += (uint64_t)n;
	}
}

int sink_sha256_file(int fd, uint64_t *size, char out[SINK_SHA256_TEXT])
{
	uint8_t bytes[SINK_DIGEST_LEN];
	uint8_t *piece = malloc(PIECE);
	struct digest *digest = NULL;
	uint64_t read_bytes = 0;
	int err = piece ? digest_begin(&digest) : SINK_ENOMEM;

	if (!err)
		err = add_file(digest, fd, piece, &read_bytes);
	if (!err)
		err = digest_end(digest, bytes);
	if (!err) {
		digest_to_hex(bytes, out);
		*size = read_bytes;
	}
	digest_free(digest);
	free(piece);
	return err;
}

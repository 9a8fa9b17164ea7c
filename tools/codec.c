/* codec.c - gzip, zstd, xz and bzip2, each as its library has it, in the same few words. */
#include "codec.h"

#include <bzlib.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

static const char damaged[] = "damaged, or followed by something else";
static const char too_demanding[] = "too demanding: they take more memory than they may";
static const char no_memory[] = "not to be read: no memory";

static void consume(struct codec_io *io, size_t taken, size_t given)
{
	io->in = sink_span(io->in.at + taken, io->in.len - taken);
	io->out += given;
	io->room -= given;
}

/* Is `head` as `magic` says, as far as both go, and at least `enough` of it? */
static bool agrees(struct sink_span head, const char *magic, size_t len, size_t enough)
{
	return head.len >= enough && memcmp(head.at, magic, head.len < len ? head.len : len) == 0;
}

/* --- gzip: RFC 1952, members one after another ---------------------------------------------------- */

struct gzip {
	z_stream z;
	bool inside; /* of a member */
};

static bool gzip_begins(struct sink_span head)
{
	return agrees(head, "\x1f\x8b", 2, 2);
}

static void *gzip_begin(void)
{
	struct gzip *gzip = calloc(1, sizeof *gzip);

	if (gzip && inflateInit2(&gzip->z, MAX_WBITS + 16) == Z_OK)
		return gzip;
	free(gzip);
	return NULL;
}

static int gzip_inflate(struct gzip *gzip, struct codec_io *io)
{
	z_stream *z = &gzip->z;
	int result;

	z->next_in = (Bytef *)(uintptr_t)io->in.at; /* which it only reads */
	z->avail_in = (uInt)io->in.len;
	z->next_out = io->out;
	z->avail_out = (uInt)io->room;
	result = inflate(z, Z_NO_FLUSH);
	consume(io, io->in.len - z->avail_in, io->room - z->avail_out);
	return result;
}

static const char *gzip_step(void *state, struct codec_io *io)
{
	struct gzip *gzip = state;

	if (!gzip->inside && io->in.len == 0)
		return NULL;
	if (!gzip->inside && inflateReset(&gzip->z) != Z_OK)
		return damaged;
	gzip->inside = true;
	switch (gzip_inflate(gzip, io)) {
	case Z_STREAM_END:
		gzip->inside = false;
		break;
	case Z_OK:
	case Z_BUF_ERROR: /* nothing to do without more bytes or room */
		break;
	case Z_MEM_ERROR:
		return no_memory;
	default:
		return damaged;
	}
	io->whole = !gzip->inside;
	return NULL;
}

static void gzip_end(void *state)
{
	struct gzip *gzip = state;

	if (gzip)
		inflateEnd(&gzip->z);
	free(gzip);
}

/* --- zstd: RFC 8878, frames one after another, those to be skipped as well ------------------------ */

static bool zstd_begins(struct sink_span head)
{
	uint8_t first = head.len > 0 ? head.at[0] : 0;

	if (first >= 0x50 && first <= 0x5f)
		return agrees(sink_span(head.at + 1, head.len - 1), "\x2a\x4d\x18", 3, 3);
	return agrees(head, "\x28\xb5\x2f\xfd", 4, 2);
}

static void *zstd_begin(void)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();

	if (context)
		ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, CODEC_WINDOW_LOG_MAX);
	return context;
}

static const char *zstd_step(void *state, struct codec_io *io)
{
	ZSTD_inBuffer in = { .src = io->in.at, .size = io->in.len };
	ZSTD_outBuffer out = { .dst = io->out, .size = io->room };
	size_t left = ZSTD_decompressStream(state, &out, &in);

	switch (ZSTD_getErrorCode(left)) {
	case ZSTD_error_no_error:
		break;
	case ZSTD_error_frameParameter_windowTooLarge:
		return too_demanding;
	case ZSTD_error_memory_allocation:
		return no_memory;
	case ZSTD_error_dictionary_wrong:
		return "made with a dictionary";
	default:
		return damaged;
	}
	/* Between frames it asks for the next one's header, if called in vain. */
	if (in.pos > 0 || out.pos > 0)
		io->whole = left == 0;
	consume(io, in.pos, out.pos);
	return NULL;
}

static void zstd_end(void *state)
{
	ZSTD_freeDCtx(state);
}

/* --- xz: streams one after another, padded or not ------------------------------------------------- */

static bool xz_begins(struct sink_span head)
{
	return agrees(head,
		"\xfd"
		"7zXZ\0",
		6, 2);
}

static void *xz_begin(void)
{
	static const lzma_stream zero = LZMA_STREAM_INIT;
	lzma_stream *xz = malloc(sizeof *xz);

	if (!xz)
		return NULL;
	*xz = zero;
	if (lzma_stream_decoder(xz, CODEC_MEMORY_MAX,
		    LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK) == LZMA_OK)
		return xz;
	free(xz);
	return NULL;
}

static const char *xz_step(void *state, struct codec_io *io)
{
	lzma_stream *xz = state;
	lzma_ret result;

	xz->next_in = io->in.at;
	xz->avail_in = io->in.len;
	xz->next_out = io->out;
	xz->avail_out = io->room;
	result = lzma_code(xz, io->last ? LZMA_FINISH : LZMA_RUN);
	consume(io, io->in.len - xz->avail_in, io->room - xz->avail_out);
	switch (result) {
	case LZMA_STREAM_END:
		io->whole = true;
		return NULL;
	case LZMA_OK:
	case LZMA_BUF_ERROR: /* nothing to do without more bytes or room */
		return NULL;
	case LZMA_MEMLIMIT_ERROR:
		return too_demanding;
	case LZMA_MEM_ERROR:
		return no_memory;
	case LZMA_UNSUPPORTED_CHECK:
	case LZMA_OPTIONS_ERROR:
		return "of a kind that cannot be read";
	default:
		return damaged;
	}
}

static void xz_end(void *state)
{
	if (state)
		lzma_end(state);
	free(state);
}

/* --- bzip2: streams one after another ------------------------------------------------------------- */

struct bzip2 {
	bz_stream bz;
	bool begun; /* bz is to be ended */
	bool inside; /* of a stream */
};

/* "BZh" and a digit could begin a text; the first block's number behind it could not. */
static bool bzip2_begins(struct sink_span head)
{
	struct sink_span rest;

	if (!agrees(head, "BZh", 3, 4) || head.at[3] < '1' || head.at[3] > '9')
		return false;
	rest = sink_span(head.at + 4, head.len - 4);
	return agrees(rest, "\x31\x41\x59\x26\x53\x59", 6, 0) ||
		agrees(rest, "\x17\x72\x45\x38\x50\x90", 6, 0); /* empty: no block */
}

static void *bzip2_begin(void)
{
	return calloc(1, sizeof(struct bzip2));
}

static void bzip2_stop(struct bzip2 *bzip2)
{
	if (bzip2->begun)
		BZ2_bzDecompressEnd(&bzip2->bz);
	bzip2->begun = bzip2->inside = false;
}

static bool bzip2_start(struct bzip2 *bzip2)
{
	memset(&bzip2->bz, 0, sizeof bzip2->bz);
	bzip2->begun = bzip2->inside = BZ2_bzDecompressInit(&bzip2->bz, 0, 0) == BZ_OK;
	return bzip2->begun;
}

static int bzip2_decompress(struct bzip2 *bzip2, struct codec_io *io)
{
	bz_stream *bz = &bzip2->bz;
	int result;

	bz->next_in = (char *)(uintptr_t)io->in.at; /* which it only reads */
	bz->avail_in = (unsigned)io->in.len;
	bz->next_out = (char *)io->out;
	bz->avail_out = (unsigned)io->room;
	result = BZ2_bzDecompress(bz);
	consume(io, io->in.len - bz->avail_in, io->room - bz->avail_out);
	return result;
}

static const char *bzip2_step(void *state, struct codec_io *io)
{
	struct bzip2 *bzip2 = state;

	if (!bzip2->inside && io->in.len == 0)
		return NULL;
	if (!bzip2->inside && !bzip2_start(bzip2))
		return no_memory;
	switch (bzip2_decompress(bzip2, io)) {
	case BZ_STREAM_END:
		bzip2_stop(bzip2);
		break;
	case BZ_OK:
		break;
	case BZ_MEM_ERROR:
		return no_memory;
	default:
		return damaged;
	}
	io->whole = !bzip2->inside;
	return NULL;
}

static void bzip2_end(void *state)
{
	if (state)
		bzip2_stop(state);
	free(state);
}

static const struct codec codecs[] = {
	{ "gzip", gzip_begins, gzip_begin, gzip_step, gzip_end },
	{ "zstd", zstd_begins, zstd_begin, zstd_step, zstd_end },
	{ "xz", xz_begins, xz_begin, xz_step, xz_end },
	{ "bzip2", bzip2_begins, bzip2_begin, bzip2_step, bzip2_end },
};

const struct codec *codec_of(struct sink_span head)
{
	for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
		if (codecs[i].begins(head))
			return &codecs[i];
	return NULL;
}

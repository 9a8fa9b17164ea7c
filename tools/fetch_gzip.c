/* fetch_gzip.c - RFC 1952, by zlib. */
#include "fetch_gzip.h"

#define PIECE ((size_t)1 << 16)
#define WINDOW (15 + 16) /* the largest, with a gzip header and nothing else */

static bool begin(struct gunzip *g)
{
	if (!g->is_open)
		g->is_open = inflateInit2(&g->stream, WINDOW) == Z_OK;
	else if (g->is_whole && inflateReset(&g->stream) != Z_OK)
		return false;
	g->is_whole = false;
	return g->is_open;
}

bool gunzip_add(struct gunzip *g, struct sink_span bytes, gunzip_fn *to, void *arg, bool *damaged)
{
	static uint8_t piece[PIECE];

	g->stream.next_in = (Bytef *)(uintptr_t)bytes.at;
	g->stream.avail_in = (uInt)bytes.len;
	do {
		int got;

		/* a member behind the last */
		if ((!g->is_open || (g->is_whole && g->stream.avail_in > 0)) && !begin(g))
			break;
		g->stream.next_out = piece;
		g->stream.avail_out = PIECE;
		got = inflate(&g->stream, Z_NO_FLUSH);
		g->is_whole = got == Z_STREAM_END;
		if (got != Z_OK && got != Z_STREAM_END && got != Z_BUF_ERROR)
			break;
		if (!to(arg, sink_span(piece, PIECE - g->stream.avail_out)))
			return false;
		if (g->stream.avail_in == 0 && (g->stream.avail_out > 0 || g->is_whole))
			return true;
	} while (true);
	*damaged = true;
	return false;
}

bool gunzip_end(struct gunzip *g)
{
	bool whole = !g->is_open || g->is_whole;

	if (g->is_open)
		inflateEnd(&g->stream);
	*g = (struct gunzip){ 0 };
	return whole;
}

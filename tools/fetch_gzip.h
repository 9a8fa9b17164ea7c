/* fetch_gzip.h - a body that came as gzip, taken apart as it comes. libcurl would do so, too, but takes a stream
 * that is cut off for whole, and refuses one of several members. */
#ifndef TOOLS_FETCH_GZIP_H
#define TOOLS_FETCH_GZIP_H

#include <zlib.h>

#include "sinkhole/span.h"

struct gunzip {
	z_stream stream;
	bool is_open, is_whole; /* at the end of a member */
};

/* Where it goes, piece by piece. Returns false to stop. */
typedef bool gunzip_fn(void *arg, struct sink_span bytes);

/* `gunzip` all zero before the first. No more than a piece is kept, however much comes out.
 *
 * returns  true; false: `to` stopped it, or it is damaged: then *damaged is set
 */
bool gunzip_add(struct gunzip *gunzip, struct sink_span bytes, gunzip_fn *to, void *arg,
	bool *damaged);

/* Was it whole? Frees what it holds; all zero is fine, and whole. */
bool gunzip_end(struct gunzip *gunzip);

#endif

/* pages.h - can LMDB walk this file without leaving it? LMDB follows the page numbers and offsets
 * that it finds, unchecked: a digest shows that a file is as it was written, this that it was
 * written well.
 *
 * The layout is that of LMDB 0.9's data version 1, in the host's own byte order and word size. */
#ifndef SINK_PAGES_H
#define SINK_PAGES_H

#include "sinkhole/err.h"
#include "sinkhole/span.h"

/* Check the meta pages and the tree of the unnamed table: every page number, node and value within
 * the file, every path equally long, no page met twice as often as there are pages. The order of
 * keys and what they hold is not looked at.
 *
 * path     for `why`
 * returns  SINK_OK; SINK_ECORRUPT; SINK_EVERSION (another LMDB data version)
 * cost     touches each page of the tree once, large values not at all
 */
int pages_check(struct sink_span file, const char *path, struct sink_why *why);

/* Where LMDB has mapped a file that was checked: it does not tell, but each page begins with its number.
 *
 * value      any that is stored on a leaf itself, as short ones are
 * page_size  of the file: bytes, a power of two, and not above that of this machine, or the map is not aligned to it
 * returns    the file's first byte in the map
 */
const uint8_t *pages_origin(struct sink_span value, size_t page_size);

#endif

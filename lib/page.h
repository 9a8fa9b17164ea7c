/* page.h - the parts of LMDB's layout that its readers trust, and what of a single page can be checked without any other;
 * for pages.c and probe.c. Layout of LMDB 0.9's data version 1, in the host's own byte order and word size. */
#ifndef SINK_PAGE_H
#define SINK_PAGE_H

#include "sinkhole/err.h"
#include "sinkhole/span.h"

#define PAGE_DEPTH_MAX 32 /* pages from root to leaf; the stack of an LMDB cursor */
#define PAGE_MIN 4096 /* bytes */
#define PAGE_MAX 65536

/* Word-sized numbers are size_t, as in LMDB. A page begins with: */
struct page {
	size_t number;
	uint16_t pad, flags;
	uint16_t lower, upper; /* of the free room, in bytes from the page's start; or, of a large
	                          value, 32 bits: how many pages it takes */
};

enum page_flag { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_LARGE = 4, PAGE_META = 8 };

/* A meta page goes on with: */
struct meta {
	uint32_t magic, version;
	size_t address, map_size; /* both unused: we say how much to map, and not where */
	struct table {
		uint32_t page_size; /* in the first table; unused in the second */
		uint16_t flags, depth;
		size_t branches, leaves, large, entries, root;
	} table[2]; /* free pages, which readers do not look at; the unnamed table */
	size_t last_page, txn;
};

/* A node begins with the following, then come its key and its value. In a leaf, low and high are
 * the value's length; in a branch they and the flags are the child's page number, 48 bits. */
struct node {
	uint16_t low, high;
	uint16_t flags;
	uint16_t key_len;
};

#define NODE_LARGE 1 /* flag in a leaf: the value is the number of its first page */

/* Find the meta page that counts, of the two.
 *
 * file     its first 2 * PAGE_MAX bytes, or all of it if there are less
 * returns  SINK_OK; SINK_ECORRUPT; SINK_EVERSION (another LMDB data version)
 */
int page_meta(struct sink_span file, struct meta *out);

/* Read the header of a page, which must have this number and be of this kind. */
bool page_head(const uint8_t *at, size_t number, uint16_t flag, struct page *out);

/* How many nodes a page of the tree has; 0 if it cannot be: a leaf has at least 1, a branch 2. */
size_t page_nodes(const struct page *page, size_t page_size);

/* Where node `i` of a page is, in bytes from the page's start; 0 if it, or its key, does not fit the page. */
size_t page_node(const uint8_t *at, const struct page *page, size_t page_size, size_t i,
	struct node *out);

/* The child that a branch's node leads to. */
static inline uint64_t page_child(const struct node *node)
{
	return node->low | (uint64_t)node->high << 16 | (uint64_t)node->flags << 32;
}

/* The length of the value of a leaf's node, in bytes. */
static inline size_t page_value_len(const struct node *node)
{
	return node->low | (size_t)node->high << 16;
}

/* Where the value of a leaf's node begins, in bytes from the page's start, or of a large one the number of its first page;
 * 0 if it does not fit. */
size_t page_value(size_t offset, const struct node *node, size_t page_size);

/* Of a large value's first page, as page_head() read it, with the bytes at hand: how many pages it takes; 0 if these are
 * too few for `len` bytes. */
uint32_t page_large(const uint8_t *at, size_t page_size, size_t len);

#endif

/* pages.c - the parts of LMDB's layout that its reader trusts. */
#include "pages.h"

#define MAGIC 0xBEEFC0DEU
#define DATA_VERSION 1
#define DEPTH_MAX 32 /* pages from root to leaf; the stack of an LMDB cursor */
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

struct walk {
	struct sink_span file;
	size_t page_size, pages;
	size_t left; /* how many more pages a tree of this file can have */
	unsigned depth; /* of the tree */
};

static const uint8_t *page_at(const struct walk *walk, size_t number)
{
	return walk->file.at + number * walk->page_size;
}

/* The header of a page of the tree, which must be of the kind that belongs there. */
static bool get_page(const struct walk *walk, size_t number, uint16_t flag, struct page *page)
{
	if (number < 2 || number >= walk->pages)
		return false;
	memcpy(page, page_at(walk, number), sizeof *page);
	return page->number == number && page->flags == flag;
}

/* Where node `i` of a page is, in bytes from the page's start; 0 if it does not fit the page. */
static size_t get_node(const struct walk *walk, const uint8_t *at, const struct page *page,
	size_t i, struct node *node)
{
	uint16_t offset;

	memcpy(&offset, at + sizeof *page + i * sizeof offset, sizeof offset);
	if (offset < page->upper || offset % 2 || offset + sizeof *node > walk->page_size)
		return 0;
	memcpy(node, at + offset, sizeof *node);
	return offset + sizeof *node + node->key_len <= walk->page_size ? offset : 0;
}

static bool check_large(const struct walk *walk, const uint8_t *at, size_t len)
{
	struct page page;
	size_t number, need = (len + sizeof page + walk->page_size - 1) / walk->page_size;
	uint32_t pages;

	memcpy(&number, at, sizeof number);
	if (!get_page(walk, number, PAGE_LARGE, &page))
		return false;
	memcpy(&pages, page_at(walk, number) + offsetof(struct page, lower), sizeof pages);
	return need <= pages && pages <= walk->pages - number;
}

static bool check_value(const struct walk *walk, const uint8_t *page, size_t offset,
	const struct node *node)
{
	size_t len = node->low | (size_t)node->high << 16;
	size_t at = offset + sizeof *node + node->key_len;

	if (node->key_len == 0)
		return false;
	if (node->flags == NODE_LARGE)
		return at + sizeof(size_t) <= walk->page_size && check_large(walk, page + at, len);
	return node->flags == 0 && at + len <= walk->page_size;
}

static bool check_page(struct walk *walk, size_t number, unsigned level);

static bool check_child(struct walk *walk, const struct node *node, unsigned level)
{
	uint64_t number = node->low | (uint64_t)node->high << 16 | (uint64_t)node->flags << 32;

	return number < walk->pages && check_page(walk, (size_t)number, level);
}

/* A page and all below it; the root has level 1. */
static bool check_page(struct walk *walk, size_t number, unsigned level)
{
	bool leaf = level == walk->depth;
	struct page page;
	struct node node;
	size_t nodes;

	if (walk->left-- == 0 || !get_page(walk, number, leaf ? PAGE_LEAF : PAGE_BRANCH, &page))
		return false;
	if (page.lower < sizeof page || page.lower > page.upper || page.upper > walk->page_size)
		return false;
	nodes = (page.lower - sizeof page) / sizeof(uint16_t);
	if (nodes < (leaf ? 1 : 2))
		return false;
	for (size_t i = 0; i < nodes; i++) {
		const uint8_t *at = page_at(walk, number);
		size_t offset = get_node(walk, at, &page, i, &node);

		if (offset == 0)
			return false;
		if (!(leaf ? check_value(walk, at, offset, &node)
			   : check_child(walk, &node, level + 1)))
			return false;
	}
	return true;
}

/* Read a meta page; LMDB wants both to be good, and takes the one with the later transaction. */
static int get_meta(struct sink_span file, size_t offset, struct meta *meta)
{
	struct page page;

	if (file.len < offset + sizeof page + sizeof *meta)
		return SINK_ECORRUPT;
	memcpy(&page, file.at + offset, sizeof page);
	memcpy(meta, file.at + offset + sizeof page, sizeof *meta);
	if (!(page.flags & PAGE_META) || meta->magic != MAGIC)
		return SINK_ECORRUPT;
	return meta->version == DATA_VERSION ? SINK_OK : SINK_EVERSION;
}

static int get_metas(struct sink_span file, struct meta *out)
{
	struct meta meta[2];
	size_t page_size;
	int err = get_meta(file, 0, &meta[0]);

	if (err)
		return err;
	page_size = meta[0].table[0].page_size;
	if (page_size < PAGE_MIN || page_size > PAGE_MAX || (page_size & (page_size - 1)))
		return SINK_ECORRUPT;
	err = get_meta(file, page_size, &meta[1]);
	if (err)
		return err;
	*out = meta[0].txn < meta[1].txn ? meta[1] : meta[0];
	return out->table[0].page_size == page_size ? SINK_OK : SINK_ECORRUPT;
}

static bool check_tree(struct sink_span file, const struct meta *meta)
{
	struct walk walk = {
		.file = file,
		.page_size = meta->table[0].page_size,
		.depth = meta->table[1].depth,
	};

	walk.pages = walk.left = file.len / walk.page_size;
	if (meta->last_page >= walk.pages || meta->table[1].flags != 0)
		return false;
	return walk.depth >= 1 && walk.depth <= DEPTH_MAX &&
		check_page(&walk, meta->table[1].root, 1);
}

int pages_check(struct sink_span file, const char *path, struct sink_why *why)
{
	struct meta meta;
	int err = get_metas(file, &meta);

	if (err == SINK_EVERSION)
		return sink_why(why, err, "%s: written by another version of LMDB", path);
	if (err)
		return sink_why(why, err, "%s: not an LMDB file", path);
	if (!check_tree(file, &meta))
		return sink_why(why, SINK_ECORRUPT, "%s: damaged LMDB pages", path);
	return SINK_OK;
}

const uint8_t *pages_origin(struct sink_span value, size_t page_size)
{
	const uint8_t *at = value.at - ((uintptr_t)value.at & (page_size - 1));
	struct page page;

	memcpy(&page, at, sizeof page);
	return at - page.number * page_size;
}

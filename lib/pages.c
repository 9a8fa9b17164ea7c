/* pages.c - a walk over all pages of a file before LMDB's own. */
#include "pages.h"

#include "page.h"

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
	return number >= 2 && number < walk->pages &&
		page_head(page_at(walk, number), number, flag, page);
}

static bool check_large(const struct walk *walk, const uint8_t *at, size_t len)
{
	struct page page;
	size_t number;
	uint32_t pages;

	memcpy(&number, at, sizeof number);
	if (!get_page(walk, number, PAGE_LARGE, &page))
		return false;
	pages = page_large(page_at(walk, number), walk->page_size, len);
	return pages > 0 && pages <= walk->pages - number;
}

static bool check_value(const struct walk *walk, const uint8_t *page, size_t offset,
	const struct node *node)
{
	size_t at = page_value(offset, node, walk->page_size);

	return at > 0 &&
		(node->flags != NODE_LARGE || check_large(walk, page + at, page_value_len(node)));
}

static bool check_page(struct walk *walk, size_t number, unsigned level);

static bool check_child(struct walk *walk, const struct node *node, unsigned level)
{
	uint64_t number = page_child(node);

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
	nodes = page_nodes(&page, walk->page_size);
	for (size_t i = 0; i < nodes; i++) {
		const uint8_t *at = page_at(walk, number);
		size_t offset = page_node(at, &page, walk->page_size, i, &node);

		if (offset == 0)
			return false;
		if (!(leaf ? check_value(walk, at, offset, &node)
			   : check_child(walk, &node, level + 1)))
			return false;
	}
	return nodes > 0;
}

static bool check_tree(struct sink_span file, const struct meta *meta)
{
	struct walk walk = {
		.file = file,
		.page_size = meta->table[0].page_size,
		.depth = meta->table[1].depth,
	};

	walk.pages = walk.left = file.len / walk.page_size;
	return meta->last_page < walk.pages && check_page(&walk, meta->table[1].root, 1);
}

int pages_check(struct sink_span file, const char *path, struct sink_why *why)
{
	struct meta meta;
	int err = page_meta(file, &meta);

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

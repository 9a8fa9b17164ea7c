/* page.c - one page at a time: nothing read from it leads out of it. */
#include "page.h"

#define MAGIC 0xBEEFC0DEU
#define DATA_VERSION 1

bool page_head(const uint8_t *at, size_t number, uint16_t flag, struct page *out)
{
	memcpy(out, at, sizeof *out);
	return out->number == number && out->flags == flag;
}

size_t page_nodes(const struct page *page, size_t page_size)
{
	size_t nodes;

	if (page->lower < sizeof *page || page->lower > page->upper || page->upper > page_size)
		return 0;
	nodes = (page->lower - sizeof *page) / sizeof(uint16_t);
	return page->flags == PAGE_BRANCH && nodes < 2 ? 0 : nodes;
}

size_t page_node(const uint8_t *at, const struct page *page, size_t page_size, size_t i,
	struct node *out)
{
	uint16_t offset;

	memcpy(&offset, at + sizeof *page + i * sizeof offset, sizeof offset);
	if (offset < page->upper || offset % 2 || offset + sizeof *out > page_size)
		return 0;
	memcpy(out, at + offset, sizeof *out);
	return offset + sizeof *out + out->key_len <= page_size ? offset : 0;
}

size_t page_value(size_t offset, const struct node *node, size_t page_size)
{
	size_t at = offset + sizeof *node + node->key_len, len = page_value_len(node);

	if (node->key_len == 0 || (node->flags != 0 && node->flags != NODE_LARGE))
		return 0;
	if (node->flags == NODE_LARGE)
		len = sizeof(size_t);
	return at + len <= page_size ? at : 0;
}

uint32_t page_large(const uint8_t *at, size_t page_size, size_t len)
{
	size_t need = (len + sizeof(struct page) + page_size - 1) / page_size;
	uint32_t pages;

	memcpy(&pages, at + offsetof(struct page, lower), sizeof pages);
	return need <= pages ? pages : 0;
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

int page_meta(struct sink_span file, struct meta *out)
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
	if (out->table[0].page_size != page_size || out->table[1].flags != 0)
		return SINK_ECORRUPT;
	return out->table[1].depth >= 1 && out->table[1].depth <= PAGE_DEPTH_MAX ? SINK_OK
										 : SINK_ECORRUPT;
}

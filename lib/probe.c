/* probe.c - a search through the tree of an LMDB file, page by page. */
#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "page.h"

#define SLOTS \
	512 /* pages that are kept; a power of two: the branches of a base of ten million fit */

/* A page that was read, by its number. */
struct slot {
	size_t number; /* 0: none was; that is no page of the tree */
	uint8_t *at;
};

/* A copy of what was found. */
struct found {
	uint8_t *at;
	size_t room;
	struct sink_span value;
	size_t key_len;
	uint8_t key[512]; /* LMDB allows 511 */
};

struct probe {
	int fd;
	const char *shown;
	size_t page_size, pages;
	size_t root;
	unsigned depth; /* of the tree */
	struct slot slots[SLOTS];
	struct schema_meta meta;
	struct found subject, record;
};

/* --- reading ------------------------------------------------------------------------------------ */

/* returns  SINK_OK; SINK_ECORRUPT (it ends before); SINK_EIO */
static int read_at(const struct probe *probe, void *to, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n =
			pread(probe->fd, (uint8_t *)to + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return SINK_EIO;
		if (n == 0)
			return SINK_ECORRUPT;
		done += (size_t)n;
	}
	return SINK_OK;
}

/* Get a page of the tree. Borrowed until another one is got. */
static int get_page(struct probe *probe, size_t number, const uint8_t **out)
{
	struct slot *slot = &probe->slots[number % SLOTS];
	int err;

	if (number < 2 || number >= probe->pages)
		return SINK_ECORRUPT;
	if (!slot->at)
		slot->at = malloc(probe->page_size);
	if (!slot->at)
		return SINK_ENOMEM;
	if (slot->number != number) {
		slot->number = 0;
		err = read_at(probe, slot->at, probe->page_size,
			(uint64_t)number * probe->page_size);
		if (err)
			return err;
		slot->number = number;
	}
	*out = slot->at;
	return SINK_OK;
}

static int make_room(struct found *found, size_t len)
{
	uint8_t *at;

	if (len <= found->room && found->at)
		return SINK_OK;
	at = realloc(found->at, len + 1);
	if (!at)
		return SINK_ENOMEM;
	found->at = at;
	found->room = len;
	return SINK_OK;
}

/* A value in pages of its own. */
static int take_large(struct probe *probe, const uint8_t *at, size_t len, struct found *out)
{
	const uint8_t *first;
	struct page page;
	size_t number;
	uint32_t pages;
	int err;

	memcpy(&number, at, sizeof number);
	err = get_page(probe, number, &first);
	if (err)
		return err;
	if (!page_head(first, number, PAGE_LARGE, &page))
		return SINK_ECORRUPT;
	pages = page_large(first, probe->page_size, len);
	if (pages == 0 || pages > probe->pages - number)
		return SINK_ECORRUPT;
	err = make_room(out, len);
	return err
		? err
		: read_at(probe, out->at, len, (uint64_t)number * probe->page_size + sizeof page);
}

static int take_node(struct probe *probe, const uint8_t *page, size_t offset,
	const struct node *node, struct found *out)
{
	size_t at = page_value(offset, node, probe->page_size), len = page_value_len(node);
	int err;

	if (at == 0 || node->key_len > sizeof out->key)
		return SINK_ECORRUPT;
	out->key_len = node->key_len;
	memcpy(out->key, page + offset + sizeof *node, node->key_len);
	if (node->flags == NODE_LARGE) {
		err = take_large(probe, page + at, len, out);
	} else {
		err = make_room(out, len);
		if (!err)
			memcpy(out->at, page + at, len);
	}
	if (!err)
		out->value = sink_span(out->at, len);
	return err;
}

/* --- searching ---------------------------------------------------------------------------------- */

/* How many nodes of a page, from number `from` on, have keys below this one, or, with `or_equal`, not above it: by
 * halving, whatever their order. */
static int count_below(const struct probe *probe, const uint8_t *at, const struct page *page,
	size_t from, struct sink_span key, bool or_equal, size_t *out)
{
	size_t low = from, high = page_nodes(page, probe->page_size);

	while (low < high) {
		size_t middle = low + (high - low) / 2, offset;
		struct node node;
		int order;

		offset = page_node(at, page, probe->page_size, middle, &node);
		if (offset == 0)
			return SINK_ECORRUPT;
		order = sink_span_compare(sink_span(at + offset + sizeof node, node.key_len), key);
		if (order < 0 || (or_equal && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	*out = low;
	return SINK_OK;
}

static int seek(struct probe *probe, size_t number, unsigned level, struct sink_span key,
	struct found *out);

/* In a leaf: the first node whose key is not below this one. */
static int seek_leaf(struct probe *probe, const uint8_t *at, const struct page *page,
	struct sink_span key, struct found *out)
{
	size_t i = 0, offset;
	struct node node;
	int err = count_below(probe, at, page, 0, key, false, &i);

	if (err)
		return err;
	if (i == page_nodes(page, probe->page_size))
		return SINK_ENOENT;
	offset = page_node(at, page, probe->page_size, i, &node);
	return offset ? take_node(probe, at, offset, &node, out) : SINK_ECORRUPT;
}

/* In a branch: below the last node whose key is not above this one (the first counts as lowest of all), or else at the
 * beginning of what is below the next. */
static int seek_branch(struct probe *probe, const uint8_t *at, const struct page *page,
	unsigned level, struct sink_span key, struct found *out)
{
	size_t children[2] = { 0, 0 }, count = 0, next = 0;
	int err = count_below(probe, at, page, 1, key, true, &next);

	for (size_t i = next - 1; !err && count < 2 && i < page_nodes(page, probe->page_size);
		i++) {
		struct node node;

		if (page_node(at, page, probe->page_size, i, &node) == 0 ||
			page_child(&node) >= probe->pages)
			err = SINK_ECORRUPT;
		else
			children[count++] = (size_t)page_child(&node);
	}
	if (err)
		return err;
	/* `at` is of no use any more */
	err = seek(probe, children[0], level + 1, key, out);
	if (err == SINK_ENOENT && count == 2)
		err = seek(probe, children[1], level + 1, sink_span(NULL, 0), out);
	return err;
}

/* Find the first key, below a page of this level, that is not below `key`; the root has level 1.
 *
 * returns  SINK_OK; SINK_ENOENT; SINK_ECORRUPT; SINK_EIO; SINK_ENOMEM
 */
static int seek(struct probe *probe, size_t number, unsigned level, struct sink_span key,
	struct found *out)
{
	bool leaf = level == probe->depth;
	const uint8_t *at;
	struct page page;
	int err = get_page(probe, number, &at);

	if (err)
		return err;
	if (!page_head(at, number, leaf ? PAGE_LEAF : PAGE_BRANCH, &page) ||
		page_nodes(&page, probe->page_size) == 0)
		return SINK_ECORRUPT;
	return leaf ? seek_leaf(probe, at, &page, key, out)
		    : seek_branch(probe, at, &page, level, key, out);
}

static int search(struct probe *probe, struct sink_span key, struct found *out)
{
	return seek(probe, probe->root, 1, key, out);
}

/* The value of this very key. */
static int get(struct probe *probe, struct sink_span key, struct found *out)
{
	int err = search(probe, key, out);

	if (!err && !sink_span_equal(key, sink_span(out->key, out->key_len)))
		err = SINK_ENOENT;
	return err == SINK_ENOENT ? SINK_ECORRUPT : err;
}

static int refuse(const struct probe *probe, int err, struct sink_why *why)
{
	switch (err) {
	case SINK_OK:
	case SINK_ENOENT:
		return err;
	case SINK_EIO:
		return sink_why(why, err, "%s: %m", probe->shown);
	case SINK_EVERSION:
		return sink_why(why, err,
			"%s: written by another version of sinkhole; compile again", probe->shown);
	}
	return sink_why(why, err, "%s: %s", probe->shown, sink_strerror(err));
}

/* --- what is asked ------------------------------------------------------------------------------- */

static int begin(struct probe *probe, uint64_t size)
{
	const size_t most = (size_t)2 * PAGE_MAX;
	size_t len = size < most ? (size_t)size : most;
	uint8_t *head = malloc(len + 1);
	struct meta meta;
	int err = head ? read_at(probe, head, len, 0) : SINK_ENOMEM;

	if (!err)
		err = page_meta(sink_span(head, len), &meta);
	free(head);
	if (err)
		return err;
	probe->page_size = meta.table[0].page_size;
	probe->pages = (size_t)(size / probe->page_size);
	probe->root = meta.table[1].root;
	probe->depth = meta.table[1].depth;
	err = get(probe, sink_span_text(SCHEMA_META), &probe->record);
	return err ? err : schema_meta_decode(probe->record.value, &probe->meta);
}

int probe_begin(int fd, uint64_t size, const char *shown, struct sink_why *why, struct probe **out)
{
	struct probe *probe = calloc(1, sizeof *probe);
	int err;

	if (!probe)
		return sink_why(why, SINK_ENOMEM, "%s: %s", shown, sink_strerror(SINK_ENOMEM));
	probe->fd = fd;
	probe->shown = shown;
	err = refuse(probe, begin(probe, size), why);
	if (err)
		probe_end(probe);
	else
		*out = probe;
	return err;
}

void probe_end(struct probe *probe)
{
	if (!probe)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		free(probe->slots[i].at);
	free(probe->subject.at);
	free(probe->record.at);
	free(probe);
}

const struct schema_meta *probe_holds(const struct probe *probe)
{
	return &probe->meta;
}

static int find(struct probe *probe, const struct sink_subject *subject,
	struct schema_listings *out)
{
	uint8_t key[SCHEMA_BLOCK_KEY_MAX];
	struct found *found = &probe->subject;
	struct sink_span last;
	size_t len;
	int err;

	if (sink_trigger_is_prefix(subject->trigger))
		len = schema_prefix_key(subject->trigger, &subject->prefix, key);
	else
		len = schema_name_key(subject->trigger, sink_name_key(&subject->name), key);
	err = search(probe, sink_span(key, len), found);
	if (err)
		return err;
	if (!schema_is_block_key(sink_span(found->key, found->key_len), &last) ||
		found->key[0] != key[0])
		return SINK_ENOENT; /* beyond the last block */
	return schema_block_find(found->value, sink_span(key + 1, len - 1), probe->meta.records,
		out);
}

int probe_find(struct probe *probe, const struct sink_subject *subject, struct sink_why *why,
	struct schema_listings *out)
{
	return refuse(probe, find(probe, subject, out), why);
}

int probe_record(struct probe *probe, uint32_t id, struct sink_why *why, struct sink_span *out)
{
	uint8_t key[SCHEMA_RECORD_KEY];
	int err;

	schema_record_key(id, key);
	err = refuse(probe, get(probe, sink_span(key, sizeof key), &probe->record), why);
	if (!err)
		*out = probe->record.value;
	return err;
}

/* config_tree.h - a YAML document as a tree that knows where everything stood. Of YAML it takes what a
 * configuration needs: one document of mappings, lists and texts. Anchors, aliases and tags are refused, and with
 * them everything that makes a small file large. What a text means, the schema says: NO is Norway. */
#ifndef TOOLS_CONFIG_TREE_H
#define TOOLS_CONFIG_TREE_H

#include "config_problems.h"

#define TREE_BYTES_MAX (1u << 20) /* of a file */
#define TREE_DEPTH_MAX 16 /* mappings and lists in each other */
#define TREE_NODES_MAX 200000

enum node_type { NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
	enum node_type type;
	bool is_plain; /* a text without quotes: may be a number, or nothing at all */
	bool is_refused; /* an alias, a tag: it has been complained about, and has no value */
	bool is_cut; /* a syntax error ended it: more may have been meant to follow */
	unsigned long line, column; /* from 1 */
	char *text; /* of NODE_TEXT; ended by NUL, and holds none. Its only controls are tabs and line ends */
	size_t len;
	const struct node *key; /* in a mapping: what it is the value of */
	struct node *first,
		*next; /* of a list or mapping: the first in it; in one: the one behind */
};

struct tree {
	struct node *root; /* NULL: an empty document */
	struct tree_chunk *chunks;
};

/* Read bytes. Problems are added; what was read before a syntax error is in the tree.
 *
 * returns  SINK_OK, perhaps with errors added; SINK_ENOMEM. tree_end() after either
 */
int tree_read(struct sink_span bytes, struct problems *problems, struct tree *out);

void tree_end(struct tree *tree);

/* The value of a key; the first, if it is there twice. NULL: not there, or `map` is no mapping. */
const struct node *node_find(const struct node *map, const char *key);

/* A text without quotes that says nothing: empty, "~" or "null". */
bool node_is_nothing(const struct node *node);

/* A text without quotes that YAML would call a number, such as 90 or -1.5. */
bool node_is_number(const struct node *node);

static inline struct sink_span node_text(const struct node *node)
{
	return sink_span(node->text, node->len);
}

#endif

/* config_rows.h - a mapping of the file against the rows of its keys. */
#ifndef TOOLS_CONFIG_ROWS_H
#define TOOLS_CONFIG_ROWS_H

#include "config_problems.h"
#include "config_tree.h"
#include "keys.h"

#define ITEMS_MAX 1000 /* sources, groups, rules */

/* One reading of one file. */
struct reading {
	struct config *config;
	struct problems problems;
	struct tree tree;
	char *dir; /* what paths are relative to; ends in '/', or is empty */
	size_t room; /* for sources */
	bool looks; /* for the files that it names */
	bool is_for_policy; /* but not for those of sources and guards */
	const struct node *groups[ITEMS_MAX]; /* their names */
	size_t groups_count;
	struct policy_reading *policy; /* config_parts.h */
};

/* Read a mapping: every key that is unknown, there twice, of another shape or of a value it cannot have becomes a
 * problem, as does one that is required and missing.
 *
 * node     complained about if it is no mapping
 * into     given to each row's set() */
void rows_read(struct reading *reading, const struct node *map, const struct key_row *rows,
	void *into);

/* A problem where a node stands. */
void node_wrong(struct reading *reading, const struct node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void node_warn(struct reading *reading, const struct node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif

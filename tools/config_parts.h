/* config_parts.h - what the files config*.c share: who reads which part. */
#ifndef TOOLS_CONFIG_PARTS_H
#define TOOLS_CONFIG_PARTS_H

#include "config_rows.h"

/* config_source.c: sources. Room for all that the file may name is made before the first is read.
 *
 * returns  SINK_OK; SINK_ENOMEM */
int sources_prepare(struct reading *reading, const struct node *list);
void sources_item(struct reading *reading, const struct key_row *row, const struct node *map);

/* Make a path relative to the file's directory. Takes and returns memory; NULL: no memory, and the path is freed. */
char *path_join(const struct reading *reading, char *path);

/* Look for a file that the configuration names at `node`. */
enum file_kind { FILE_FEED, FILE_LIST, FILE_SECRET };
void file_check(struct reading *reading, const struct node *node, const char *path,
	enum file_kind kind);

/* config_policy.c: what is checked, and obeyed by a later version. */
extern const struct key_row group_keys[], geoip_keys[], rule_keys[];
void groups_item(struct reading *reading, const struct key_row *row, const struct node *map);
void rules_item(struct reading *reading, const struct key_row *row, const struct node *map);

/* The names of a list's members, at most ITEMS_MAX; complains about those that are there twice. */
size_t names_collect(struct reading *reading, const struct node *list, const char *key,
	const struct node *out[ITEMS_MAX]);

#endif

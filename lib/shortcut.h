/* shortcut.h - from a name to the block that may hold it, without the B-tree.
 *
 * LMDB finds a block by halving through pages that lie anywhere in the file, and mostly waits for memory. What tells
 * blocks apart fits into 8 bytes of each one's last key, which lie close together here: blocks of one top-level domain
 * ("family") behind each other, each with the first bytes that follow that label. The rest of a key is looked at only
 * where those of neighbours are equal. Made while a database is opened; 16 bytes a block, a quarter of a byte a
 * name.
 *
 * It knows only the order of keys, not what they mean, and need not know a block: whoever is not told of one asks
 * the B-tree. */
#ifndef SINK_SHORTCUT_H
#define SINK_SHORTCUT_H

#include "sinkhole/span.h"

struct shortcut;

/* returns  SINK_OK; SINK_ENOMEM */
int shortcut_new(struct shortcut **out);

/* NULL is fine. */
void shortcut_free(struct shortcut *shortcut);

/* Add the next block, in the order of the B-tree.
 *
 * last     the key of the block's last name, as long as LMDB allows; borrowed until the shortcut is freed, as is `block`
 * block    right behind it, and shorter than 32 KiB, or nothing is known of it. All lie in one map
 * returns  SINK_OK; SINK_ENOMEM; SINK_ECORRUPT (not above the key before, or half a terabyte from the first)
 */
int shortcut_add(struct shortcut *shortcut, struct sink_span last, struct sink_span block);

/* The first block whose last name is not below this one: the only one that can hold it.
 *
 * name     a key
 * block    written on true only
 * returns  false: not known, since that block, if any, begins or ends in another family
 * thread   any, once all blocks were added
 * cost     a search by halving among the labels, and among the heads of that family; of keys with equal heads again one
 */
bool shortcut_find(const struct shortcut *shortcut, struct sink_span name, struct sink_span *block);

#endif

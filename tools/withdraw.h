/* withdraw.h - entries that another line takes back (AdBlock $badfilter), gathered before any is taken,
 * so that the order of lines and lists does not matter. */
#ifndef TOOLS_WITHDRAW_H
#define TOOLS_WITHDRAW_H

#include "feed.h"

struct withdrawn {
	struct withdrawn_item *items;
	size_t count, size;
};

/* returns  SINK_OK; SINK_ENOMEM */
int withdraw_add(struct withdrawn *w, const struct feed_entry *entry);

/* Forget all but the first `count`: of a list that turned out to be unreadable. Before withdraw_sort(). */
void withdraw_cut(struct withdrawn *w, size_t count);

/* After the last withdraw_add(). */
void withdraw_sort(struct withdrawn *w);

bool withdraw_has(const struct withdrawn *w, const struct feed_entry *entry);

void withdraw_end(struct withdrawn *w);

#endif

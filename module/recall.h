/* recall.h - a table of bounded size that forgets: by time, and when another key wants the place.
 * What it holds is a help, never needed. Knows no Unbound header. */
#ifndef MODULE_RECALL_H
#define MODULE_RECALL_H

#include <stdbool.h>
#include <stdint.h>

#include "sinkhole/span.h"

struct recall;

/* Frees a value; in whichever thread puts another in its place, under no lock of the table. */
typedef void recall_drop_fn(void *value);

/* slots    of the table, a power of two: at most so many values
 * out      the caller frees it
 * returns  SINK_OK; SINK_ENOMEM
 */
int recall_new(unsigned slots, recall_drop_fn *drop, struct recall **out);

/* When no thread uses it any more. NULL is fine. */
void recall_free(struct recall *recall);

/* Remember a value, in place of whatever had its slot. Any thread.
 *
 * key      copied
 * value    owned by the table from now on, also when there is no memory for the entry: then it is
 *          dropped at once
 * until    first second at which it is forgotten
 */
void recall_put(struct recall *recall, struct sink_span key, void *value, int64_t until);

typedef void recall_use_fn(void *arg, const void *value);

/* Call `use` with what is remembered. Any thread.
 *
 * now      seconds, as `until`
 * use      under a lock of the table: it must be short and must not call back
 * returns  false: nothing is remembered, `use` was not called
 * cost     a hash of the key, an uncontended lock
 */
bool recall_use(struct recall *recall, struct sink_span key, int64_t now, recall_use_fn *use,
	void *arg);

#endif

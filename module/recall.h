/* recall.h - a table that forgets: by time, and what was not asked for longest when its memory is used up. What it
 * holds is a help, never needed. Knows no Unbound header. */
#ifndef MODULE_RECALL_H
#define MODULE_RECALL_H

#include <stdbool.h>
#include <stdint.h>

#include "sinkhole/span.h"

struct recall;

/* Frees a value; in whichever thread puts another in its place, under no lock of the table. */
typedef void recall_drop_fn(void *value);

#define RECALL_SHARDS 64 /* parts of the table, each with a lock, and with as much of the memory */

/* bytes    of memory at most, for keys and values and what the table needs besides; taken as it is used
 * out      the caller frees it
 * returns  SINK_OK; SINK_ENOMEM
 */
int recall_new(size_t bytes, recall_drop_fn *drop, struct recall **out);

/* When no thread uses it any more. NULL is fine. */
void recall_free(struct recall *recall);

/* Remember a value, in place of what was remembered under the key. Any thread.
 *
 * key      copied
 * value    owned by the table from now on, also when there is no memory for the entry, or when it alone would need
 *          half of what a part of the table has: then it is dropped at once
 * size     bytes of memory that the value takes
 * until    first second at which it is forgotten
 * cost     a hash of the key, an uncontended lock; now and then a table of twice the size
 */
void recall_put(struct recall *recall, struct sink_span key, void *value, size_t size,
	int64_t until);

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

/* Whether nothing is remembered: what another thread puts there now may not show yet. Any thread.
 *
 * cost     one read, where recall_use() has a key to be made, hashed and looked for
 */
bool recall_is_empty(struct recall *recall);

/* Bytes that it takes. Any thread. */
size_t recall_bytes(struct recall *recall);

#endif

/* live.h - the live changes that are in force, and those that come: which of them replaces which.
 *
 * About one subject there is at most one change of each source, and at most one that has none: "- NAME" takes away what
 * anybody lists. The last one counts. "- NAME" ends all that were there about NAME; a "+" of it, whatever its source, ends
 * "- NAME". What is over by its valid-until is dropped. */
#ifndef TOOLS_LIVE_H
#define TOOLS_LIVE_H

#include "liveline.h"

struct live;

/* now      seconds since 1970: what is over by then is dropped
 * out      the caller ends it
 * returns  SINK_OK; SINK_ENOMEM
 */
int live_begin(int64_t now, struct live **out);

/* NULL is fine. */
void live_end(struct live *live);

/* Make a change, after all that were made before.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int live_add(struct live *live, const struct liveline *line);

/* Forget what was added: the next batch begins, at its own time. */
void live_clear(struct live *live, int64_t now);

size_t live_added(const struct live *live); /* changes that were made, added and removed alike */

/* Go by these lines as what was in force before, in the place of what publishing finds (of a dry run, say).
 *
 * text     borrowed until live_end()
 */
void live_preset(struct live *live, struct sink_span text);

/* For sink_publish.live: what is in force then, with what was added over it.
 *
 * live     until the publication is over
 */
struct sink_live live_of(struct live *live);

/* Work out without publishing what would be in force.
 *
 * before   what is; borrowed for the call
 * returns  SINK_OK; SINK_ECORRUPT (a line that is none); SINK_ENOMEM
 */
int live_settle(struct live *live, struct sink_span before, struct sink_why *why);

/* After a publication, or live_settle(): how many changes are in force. */
size_t live_in_force(const struct live *live);

/* Likewise: how many names `allow` lets through. Each is in the delta, and is left there by who folds. */
size_t live_exits(const struct live *live);

#endif

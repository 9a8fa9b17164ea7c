/* current.h - the generation in use, shared by threads that only read and one that switches.
 *
 * A reader announces the generation it uses in a slot of its own (a hazard pointer); who switches
 * waits until no slot holds the old one, then frees it. Readers take no lock and never wait. */
#ifndef SINKHOLE_CURRENT_H
#define SINKHOLE_CURRENT_H

#include "sinkhole/db.h"

struct sink_current;

/* slots    how many threads may read at once, each with a slot number of its own
 * out      starts empty: no generation
 * returns  SINK_OK; SINK_ENOMEM
 */
int sink_current_new(unsigned slots, struct sink_current **out);

/* After every reading thread has stopped. Closes the database in use. NULL is fine. */
void sink_current_free(struct sink_current *current);

/* Enter a short stretch of reading; leave it before anything that waits.
 *
 * slot     below `slots`, and this thread's own: a thread does not enter twice
 * out      a reader, until leave; written on SINK_OK only
 * returns  SINK_OK; SINK_ENOENT (no generation, or one that stops filtering); SINK_ENOMEM, SINK_EIO
 *          (the thread's first entry into a generation failed); SINK_EINVAL (slot out of range or
 *          already entered). Nothing is entered unless SINK_OK
 * cost     two atomic operations; a reader is begun at a slot's first entry into a generation
 */
int sink_current_enter(struct sink_current *current, unsigned slot, struct sink_reader **out);

void sink_current_leave(struct sink_current *current, unsigned slot);

/* The serial of the generation that this slot has entered.
 *
 * slot     the calling thread's own, entered
 */
uint64_t sink_current_entered(const struct sink_current *current, unsigned slot);

/* The serial given to the last switch, 0 before the first. Any thread. */
uint64_t sink_current_serial(const struct sink_current *current);

/* Put a database in use and close the old one as soon as no reader holds it.
 *
 * db       owned by `current` from now on; NULL: stop filtering
 * thread   one at a time
 * returns  SINK_OK; SINK_ENOMEM (nothing changed; the caller still owns db)
 * cost     waits for entered readers to leave: microseconds
 */
int sink_current_switch(struct sink_current *current, struct sink_db *db, uint64_t serial);

#endif

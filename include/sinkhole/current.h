/* current.h - the generation in use, shared by threads that only read and one that switches.
 *
 * A reader announces the generation it uses in a slot of its own (a hazard pointer); who switches
 * waits until no slot holds the old one, then frees it. Readers take no lock and never wait. */
#ifndef SINKHOLE_CURRENT_H
#define SINKHOLE_CURRENT_H

#include "sinkhole/generation.h"

struct sink_current;

/* slots    how many threads may read at once, each with a slot number of its own
 * out      starts empty: no generation
 * returns  SINK_OK; SINK_ENOMEM
 */
int sink_current_new(unsigned slots, struct sink_current **out);

/* After every reading thread has stopped. Closes the generation in use. NULL is fine. */
void sink_current_free(struct sink_current *current);

/* Told how often a rule has monitored something (sink_judge_note()) since it was told so last.
 *
 * rule     borrowed for the call
 */
typedef void sink_noted_fn(void *arg, const struct sink_rule *rule, uint64_t count);

/* Whom to tell of what was noted under a generation, before that is closed. Before threads share it. */
void sink_current_tell(struct sink_current *current, sink_noted_fn *fn, void *arg);

/* Tell of what was noted under the generation in use. By the thread that switches. */
void sink_current_take_noted(struct sink_current *current);

/* Enter a short stretch of reading; leave it before anything that waits.
 *
 * slot     below `slots`, and this thread's own: a thread does not enter twice
 * out      a judge, until leave; written on SINK_OK only
 * returns  SINK_OK; SINK_ENOENT (no generation, or one that stops filtering); SINK_ENOMEM, SINK_EIO
 *          (the thread's first entry into a generation failed); SINK_EINVAL (slot out of range or
 *          already entered). Nothing is entered unless SINK_OK
 * cost     two atomic operations; a judge is begun at a slot's first entry into a generation
 */
int sink_current_enter(struct sink_current *current, unsigned slot, struct sink_judge **out);

void sink_current_leave(struct sink_current *current, unsigned slot);

/* The serial of the generation that this slot has entered.
 *
 * slot     the calling thread's own, entered
 */
uint64_t sink_current_entered(const struct sink_current *current, unsigned slot);

/* The serial given to the last switch, 0 before the first. Any thread. */
uint64_t sink_current_serial(const struct sink_current *current);

/* Put a generation in use and close the old one as soon as no reader holds it.
 *
 * generation  owned by `current` from now on; NULL: stop filtering
 * serial   may be that of the generation in use: its geo files were replaced
 * thread   one at a time
 * returns  SINK_OK; SINK_ENOMEM (nothing changed; the caller still owns the generation)
 * cost     waits for entered readers to leave: microseconds
 */
int sink_current_switch(struct sink_current *current, struct sink_generation *generation,
	uint64_t serial);

/* Verdicts are others from now on, although the generation is the same: a schedule went on or off, or a pause is over. By
 * the thread that switches. */
void sink_current_turn(struct sink_current *current);

/* How often verdicts have changed as a whole: counts switches and turns, and is 0 before the first. What began
 * under an epoch is judged by nothing older than that. Any thread. */
uint64_t sink_current_epoch(const struct sink_current *current);

/* The generation in use, NULL if there is none; borrowed until the next switch. By the thread that switches. */
const struct sink_generation *sink_current_generation(const struct sink_current *current);

#endif

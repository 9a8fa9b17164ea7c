/* background.h - fold when there is much to fold, without anybody waiting for it: `apply` leaves a process behind. */
#ifndef TOOLS_BACKGROUND_H
#define TOOLS_BACKGROUND_H

#include "applying.h"

/* After a publication: if there is enough to fold, and nobody is at it, begin to. Whatever becomes of that is no matter of
 * the caller's: what is wrong is told in a line, or, once it has begun, in the system's log.
 *
 * applying published, not a dry run; the generation before it is in `before`
 * tells    say that it was in vain before, if that is so
 * returns  true: it was in vain, and nothing was begun
 * cost     a few reads; to begin, two forks
 */
bool background_fold(const struct applying *applying, bool tells);

#endif

/* accounts.h - what became of each source's entries in a finished database. */
#ifndef TOOLS_ACCOUNTS_H
#define TOOLS_ACCOUNTS_H

#include "intake.h"
#include "sinkhole/db.h"

/* Count the listings of each source into intake->distinct, and those that a parent covers into
 * intake->subsumed. Sources that share a name stay at UINT64_MAX, and so do those that are held back.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO; SINK_ECORRUPT
 * cost     a walk over the whole database; 32 bytes a record
 */
int accounts_count(const struct sink_db *db, struct intakes *intakes);

#endif

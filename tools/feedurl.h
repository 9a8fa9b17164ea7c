/* feedurl.h - where a feed may be fetched from. */
#ifndef TOOLS_FEEDURL_H
#define TOOLS_FEEDURL_H

#include "sinkhole/err.h"

/* https:// anywhere, http:// on an address of this machine only (what anybody on the way could change is no
 * block list), file:// of this machine. No user or password: those would stand in reports and process lists.
 *
 * Read by the parser of libcurl, which will open it, so that both mean the same host.
 * returns  SINK_OK; SINK_ESYNTAX; SINK_ENOMEM
 */
int feedurl_check(const char *text, struct sink_why *why);

#endif

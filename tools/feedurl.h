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

/* A URL, or what was meant to be one, as it may be shown: without user, password, query and fragment, which may
 * hold secrets; cut to fit. */
struct feedurl_shown {
	char text[200];
};
struct feedurl_shown feedurl_shown(const char *url);

#endif

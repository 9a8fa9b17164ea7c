/* url.h - what DNS can express of indicators: names, addresses, and of URLs those that are a host and nothing
 * less. Shared by the formats that carry such. */
#ifndef TOOLS_URL_H
#define TOOLS_URL_H

#include "feed.h"

/* Fill in what an entry is about, for a URL that stands for all of a host: "http" or "https", the host's
 * name, no port but the scheme's own, an empty path or "/", no query, no fragment. It means the host itself,
 * and no name below it: SINK_SCOPE_EXACT.
 *
 * url      as written, without blanks around it; nothing in it is decoded
 * entry    trigger, scope and name are written when FEED_TAKEN is returned
 * returns  FEED_TAKEN; FEED_PATH (a path, a query or a fragment: a part of what the host serves); FEED_PORT
 *          (another port); FEED_USERINFO; FEED_URL (another scheme, or none); FEED_ADDRESS (an address for a
 *          host: nobody asks DNS for it, and other names may lead there); as host_name()
 */
enum feed_reason url_entry(struct sink_span url, struct feed_entry *entry);

/* The same for a name, with `scope`, or an address or a prefix of addresses, with SINK_TRIGGER_ANSWER.
 *
 * returns  FEED_TAKEN; FEED_PREFIX_BITS; as host_name()
 */
enum feed_reason url_host_entry(struct sink_span host, enum sink_scope scope,
	struct feed_entry *entry);

#endif

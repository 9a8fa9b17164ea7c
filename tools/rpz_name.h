/* rpz_name.h - what the names of a response policy zone mean: owners are triggers, targets of CNAME
 * records are actions. Knows no file. */
#ifndef TOOLS_RPZ_NAME_H
#define TOOLS_RPZ_NAME_H

#include "feed.h"

/* Read an owner, relative to the zone's apex: "*.example.com", "24.0.2.0.192.rpz-ip".
 *
 * owner    of at least one label
 * out      its trigger, name or prefix, and scope are set, nothing else; written when FEED_TAKEN is returned
 * returns  FEED_TAKEN; FEED_TRIGGER; FEED_PREFIX_BITS; FEED_WILDCARD
 */
enum feed_reason rpz_trigger(const struct sink_name *owner, struct feed_entry *out);

enum rpz_action {
	RPZ_NXDOMAIN, /* CNAME . */
	RPZ_NODATA, /* CNAME *. */
	RPZ_PASSTHRU,
	RPZ_DROP,
	RPZ_TCP_ONLY,
	RPZ_DATA, /* any other target: the record itself is the answer */
	RPZ_UNKNOWN, /* rpz-something that is none of these; or an alias that would lead to itself */
};

/* Read the target of a CNAME record.
 *
 * owner    the record's, relative to the apex: an alias to itself is how PASSTHRU was said first
 */
enum rpz_action rpz_action(const struct sink_name *target, const struct sink_name *owner);

/* Is it "rpz-..." or "*", one label below `origin`? Somebody forgot the final dot. */
bool rpz_is_undotted(const struct sink_name *target, const struct sink_name *origin);

#endif

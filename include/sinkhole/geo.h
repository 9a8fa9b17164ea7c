/* geo.h - where addresses are: MaxMind DB files, opened; one of countries, one of autonomous systems. Immutable
 * once open. */
#ifndef SINKHOLE_GEO_H
#define SINKHOLE_GEO_H

#include <stdatomic.h>

#include "sinkhole/err.h"
#include "sinkhole/prefix.h"

enum sink_geo_kind { SINK_GEO_COUNTRY, SINK_GEO_ASN, SINK_GEO_KINDS };

struct sink_geo; /* one file; shared by all threads */

/* Copy a file into sealed memory, check that copy, and open it: what was checked is what is read.
 *
 * Checked is that it is what it should be: metadata, the type of its records, every node of the tree and
 * every record that it leads to. A country is read from `country.iso_code` (GeoLite2 and its like) or from a
 * flat `country_code` (ipinfo, IPLocate and others); a number from `autonomous_system_number`, or from a flat
 * `asn`, with or without "AS".
 *
 * path     a regular file
 * cancel   may be NULL; when it becomes true, opening gives up soon
 * out      the caller closes it
 * returns  SINK_OK; SINK_ENOENT; SINK_ECORRUPT (also: a file of the other kind); SINK_ENOMEM; SINK_EIO;
 *          SINK_ECANCELED
 * thread   any
 * cost     reads the whole file, and has a copy of it in memory meanwhile; what stays is a tree of 8 bytes a node,
 *          about as large as that of the file
 */
int sink_geo_open(const char *path, enum sink_geo_kind kind, const atomic_bool *cancel,
	struct sink_why *why, struct sink_geo **out);

/* One more owner of an open file: each of them closes it, the last one for good. Any thread. */
struct sink_geo *sink_geo_share(const struct sink_geo *geo);

/* NULL is fine. */
void sink_geo_close(struct sink_geo *geo);

/* Does the file know IPv6 at all? */
bool sink_geo_has_ipv6(const struct sink_geo *geo);

/* Where a single address is. An IPv6 address of an IPv4-only file is nowhere.
 *
 * geo      NULL: nowhere
 * returns  country: (first << 8 | second) letter of its code; ASN: the number; 0: nowhere known
 * thread   any
 * cost     a walk down the tree; no allocation, no lock
 */
uint32_t sink_geo_find(const struct sink_geo *geo, const struct sink_prefix *address);

#endif

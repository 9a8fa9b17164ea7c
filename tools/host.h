/* host.h - what a feed may name: host names, in ASCII or as people write them, and the addresses that
 * hosts files block with. Shared by the formats. */
#ifndef TOOLS_HOST_H
#define TOOLS_HOST_H

#include "feed.h"

/* Read a plausible host name: labels of letters, digits, '-' and '_'; the final dot is optional. A label
 * with other characters than ASCII goes through UTS 46 (non-transitional) and must come out as an
 * A-label: what maps to plain ASCII is a disguise, and refused.
 *
 * out      written when FEED_TAKEN is returned
 * returns  FEED_TAKEN, or why it is none; text that is something else is named: an address, a URL, ...
 */
enum feed_reason host_name(struct sink_span text, struct sink_name *out);

/* Take the mark that lists put in front of a name off it: "*.example.com" is everything below the name, which is
 * what a DNS wildcard covers; ".example.com", like the plain name, is the name and everything below it. */
struct sink_span host_take_mark(struct sink_span text, enum sink_scope *scope);

/* An IPv4 or IPv6 address, or a prefix of addresses; in brackets and with a zone (%eth0) as well. */
bool host_is_address(struct sink_span text);

/* Addresses that lead nowhere: unspecified and loopback. `text` is an address. */
bool host_is_sink(struct sink_span text);

/* Read a name and hand the entry on, or say why not. */
int host_emit(struct sink_span text, enum sink_scope scope, const struct feed_out *out);

/* Is it a comment of any habit that lists of names have: "#", ";", "!" or "//" first, or nothing at all? */
bool host_is_comment(struct sink_span line);

/* The line without what is behind its names: from '#', or from ';', '!' or "//" after white space. */
struct sink_span host_without_comment(struct sink_span line);

/* A line of a hosts file: an address and names. Each name is an entry for itself alone. */
int host_line(struct sink_span line, const struct feed_out *out);

#endif

/* prefix.h - addresses and prefixes of addresses: what is listed that is no name. */
#ifndef SINKHOLE_PREFIX_H
#define SINKHOLE_PREFIX_H

#include "sinkhole/span.h"

#define SINK_PREFIX_TEXT_MAX 64 /* bytes of the text, with its NUL */

/* A prefix; a single address has all of its bits. */
struct sink_prefix {
	uint8_t family; /* 4 or 6 */
	uint8_t bits; /* 0 to 32, or to 128 */
	uint8_t bytes[16]; /* network order; zero behind `bits`. IPv4 takes the first 4 */
};

/* Read "192.0.2.1", "192.0.2.0/24", "2001:db8::/32". No brackets, no zone, no leading zeros; an IPv4
 * address mapped into IPv6 stays IPv6, as on the wire.
 *
 * out      written on SINK_OK only
 * returns  SINK_OK; SINK_ESYNTAX (no address or prefix); SINK_EINVAL (a prefix with bits set behind its
 *          length, such as 192.0.2.1/24: nobody knows whether the address or the network is meant)
 * thread   any
 */
int sink_prefix_from_text(struct sink_span text, struct sink_prefix *out);

/* Write it: without "/LENGTH" if it is a single address. Returns out. */
char *sink_prefix_to_text(const struct sink_prefix *prefix, char out[SINK_PREFIX_TEXT_MAX]);

/* Is it one that sink_prefix_from_text() could give: a family, a length and zeros behind it as above? */
bool sink_prefix_is_good(const struct sink_prefix *prefix);

/* IPv4 mapped into IPv6 (RFC 4291, 2.5.5.2) as IPv4; others as they are. */
struct sink_prefix sink_prefix_unmap(const struct sink_prefix *prefix);

/* The prefix of `bits` bits (at most prefix->bits) that covers it, in place. */
void sink_prefix_cut(struct sink_prefix *prefix, uint8_t bits);

/* In the order of family, address, length: below, equal or above zero. A prefix comes right before all that it
 * covers. */
int sink_prefix_compare(const struct sink_prefix *a, const struct sink_prefix *b);

/* Is every address of `b` one of `a`? */
bool sink_prefix_covers(const struct sink_prefix *a, const struct sink_prefix *b);

#endif

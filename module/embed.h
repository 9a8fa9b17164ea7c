/* embed.h - IPv4 addresses inside IPv6 ones (RFC 6052): an AAAA that DNS64 made leads where the A leads, so that a list
 * of IPv4 addresses, and where these are, is about it, too. */
#ifndef MODULE_EMBED_H
#define MODULE_EMBED_H

#include <stdbool.h>
#include <stdint.h>

struct config_file;

/* Learn the prefix that Unbound's dns64 uses (dns64-prefix). In init, before workers share it; the well-known prefix,
 * 64:ff9b::/96, is known without, whoever makes addresses of it. */
void embed_begin(const struct config_file *cfg);

/* The IPv4 address in an IPv6 one, both in network order.
 *
 * returns  false: there is none
 * thread   any
 */
bool embed_ipv4(const uint8_t ipv6[16], uint8_t out[4]);

#endif

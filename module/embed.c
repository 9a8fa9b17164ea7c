/* embed.c - two prefixes, read by every worker and written by init only. */
#include "embed.h"

#include "ub.h"

struct prefix {
	uint8_t octets[16];
	unsigned bits; /* 0: none */
};

static const struct prefix well_known = {
	.octets = { 0x00, 0x64, 0xff, 0x9b },
	.bits = 96,
};

static struct prefix configured;

static bool is_length(int bits)
{
	return bits == 32 || bits == 40 || bits == 48 || bits == 56 || bits == 64 || bits == 96;
}

/* What dns64 itself would refuse stops Unbound, and is none here. */
void embed_begin(const struct config_file *cfg)
{
	struct sockaddr_storage address;
	socklen_t len = 0;
	int bits = 0;

	configured.bits = 0;
	if (!cfg->dns64_prefix || !netblockstrtoaddr(cfg->dns64_prefix, 0, &address, &len, &bits) ||
		!addr_is_ip6(&address, len) || !is_length(bits))
		return;
	memcpy(configured.octets, &((struct sockaddr_in6 *)&address)->sin6_addr,
		sizeof configured.octets);
	configured.bits = (unsigned)bits;
}

/* The octet after the first 64 bits is left out, RFC 6052, 2.2. */
static bool take(const struct prefix *prefix, const uint8_t ipv6[16], uint8_t out[4])
{
	unsigned at = prefix->bits / 8;

	if (prefix->bits == 0 || memcmp(prefix->octets, ipv6, at) != 0)
		return false;
	for (unsigned i = 0; i < 4; i++, at++) {
		if (at == 8)
			at++;
		out[i] = ipv6[at];
	}
	return true;
}

bool embed_ipv4(const uint8_t ipv6[16], uint8_t out[4])
{
	return take(&configured, ipv6, out) || take(&well_known, ipv6, out);
}

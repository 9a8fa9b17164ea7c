/* adblock_says.h - the modifiers of AdGuard's DNS filtering rules that an entry can say of itself. */
#ifndef TOOLS_ADBLOCK_SAYS_H
#define TOOLS_ADBLOCK_SAYS_H

#include "attributes.h"

enum adblock_says {
	ADBLOCK_DNSTYPE, /* "A|AAAA", "~HTTPS": query types */
	ADBLOCK_DENYALLOW, /* "a.example|b.example": names that it leaves alone */
	ADBLOCK_DNSREWRITE, /* what to answer */
	ADBLOCK_SAYS_COUNT
};

const char *adblock_says_word(enum adblock_says says);

struct adblock_said {
	struct attributes attributes;
	uint8_t types[SINK_BYTES_MAX], except[SINK_BYTES_MAX], data[SINK_BYTES_MAX];
};

/* Read their values.
 *
 * values   as written; empty: the modifier is not there
 * allows   the rule is an exception, which rewrites nothing
 * out      the attributes point into it; written when true is returned
 * returns  whether DNS can say all of it; if not, *refused is the modifier that it cannot say
 */
bool adblock_say(const struct sink_span values[ADBLOCK_SAYS_COUNT], bool allows,
	struct adblock_said *out, enum adblock_says *refused);

#endif

/* hints.c - RFC 9460, 2.2: priority (2 octets), target name, and parameters, each a key (2), a length (2), a value. */
#include "hints.h"

#include <string.h>

#define IPV4HINT 4 /* RFC 9460, 14.3.2 */
#define IPV6HINT 6
#define LABEL_MAX 63

/* returns  false: broken off */
static bool skip(struct sink_span *rest, size_t len)
{
	if (len > rest->len)
		return false;
	*rest = sink_span(rest->at + len, rest->len - len);
	return true;
}

static bool skip_name(struct sink_span *rest)
{
	size_t label;

	do {
		if (rest->len == 0 || rest->at[0] > LABEL_MAX)
			return false;
		label = rest->at[0];
		if (!skip(rest, 1 + label))
			return false;
	} while (label > 0);
	return true;
}

static bool take_u16(struct sink_span *rest, unsigned *out)
{
	const uint8_t *at = rest->at;

	if (!skip(rest, 2))
		return false;
	*out = (unsigned)at[0] << 8 | at[1];
	return true;
}

/* each     octets of an address, 4 or 16 */
static void tell(struct sink_span value, size_t each, hints_fn *fn, void *arg)
{
	struct sink_prefix address = {
		.family = each == 4 ? 4 : 6,
		.bits = (uint8_t)(each * 8),
	};

	if (value.len % each != 0)
		return;
	for (size_t at = 0; at < value.len; at += each) {
		memcpy(address.bytes, value.at + at, each);
		fn(arg, &address);
	}
}

void hints_each(struct sink_span rdata, hints_fn *fn, void *arg)
{
	struct sink_span rest = rdata, value;
	unsigned key, len;

	if (!skip(&rest, 2) || !skip_name(&rest))
		return;
	while (take_u16(&rest, &key) && take_u16(&rest, &len)) {
		value = sink_span(rest.at, len);
		if (!skip(&rest, len))
			return;
		if (key == IPV4HINT)
			tell(value, 4, fn, arg);
		else if (key == IPV6HINT)
			tell(value, 16, fn, arg);
	}
}

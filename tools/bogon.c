/* bogon.c - the special-purpose address registries (RFC 6890), without what is there for documentation:
 * nobody is hurt by a list that blocks 192.0.2.1, and every example does. */
#include "bogon.h"

#define SHORTEST_V4 8 /* bits: the largest blocks that registries ever gave out */
#define SHORTEST_V6 19

#define V4(a, b, c, d, n) \
	{ \
		4, n, \
		{ \
			a, b, c, d \
		} \
	}

static const struct sink_prefix special[] = {
	V4(0, 0, 0, 0, 8), /* this network */
	V4(10, 0, 0, 0, 8), /* private: RFC 1918 */
	V4(100, 64, 0, 0, 10), /* shared by carriers: RFC 6598 */
	V4(127, 0, 0, 0, 8), /* loopback */
	V4(169, 254, 0, 0, 16), /* link-local */
	V4(172, 16, 0, 0, 12), /* private */
	V4(192, 0, 0, 0, 24), /* IETF protocols */
	V4(192, 88, 99, 0, 24), /* 6to4 relays */
	V4(192, 168, 0, 0, 16), /* private */
	V4(198, 18, 0, 0, 15), /* benchmarks: RFC 2544 */
	V4(224, 0, 0, 0, 4), /* multicast */
	V4(240, 0, 0, 0, 4), /* reserved, and broadcast */
	{ 6, 127, { 0 } }, /* unspecified and loopback */
	{ 6, 96, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } }, /* IPv4-mapped */
	{ 6, 96, { 0, 0x64, 0xff, 0x9b } }, /* IPv4 behind NAT64: RFC 6052 */
	{ 6, 64, { 0x01 } }, /* discard: RFC 6666 */
	{ 6, 32, { 0x20, 0x01 } }, /* Teredo */
	{ 6, 28, { 0x20, 0x01, 0, 0x10 } }, /* ORCHID */
	{ 6, 28, { 0x20, 0x01, 0, 0x20 } }, /* ORCHIDv2 */
	{ 6, 16, { 0x20, 0x02 } }, /* 6to4 */
	{ 6, 7, { 0xfc } }, /* unique local */
	{ 6, 10, { 0xfe, 0x80 } }, /* link-local */
	{ 6, 8, { 0xff } }, /* multicast */
};

bool bogon_is(enum sink_trigger trigger, const struct sink_prefix *prefix)
{
	if (prefix->bits < (prefix->family == 4 ? SHORTEST_V4 : SHORTEST_V6))
		return true;
	if (trigger == SINK_TRIGGER_CLIENT)
		return false;
	for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
		if (sink_prefix_covers(&special[i], prefix) ||
			sink_prefix_covers(prefix, &special[i]))
			return true;
	return false;
}

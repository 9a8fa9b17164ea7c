/* geo_value.h - a look at the values of a MaxMind DB file before libmaxminddb gets to see them. Version 1.7.1 of
 * that stays within a section's bytes, but recurses as deep as arrays are nested, and follows each of many pointers to
 * the same large value: a small file could take the stack, all memory, or hours. And it loses the memory that it has taken
 * for metadata in which it meets a number too large for its type, or a language that is no text. */
#ifndef SINK_GEO_VALUE_H
#define SINK_GEO_VALUE_H

#include "sinkhole/span.h"

#define GEO_VALUE_DEPTH 32 /* maps and arrays inside each other; files in use have some 4 */
#define GEO_VALUE_PARTS \
	65536 /* values in a value, those that pointers lead to among them; some 300 */

/* Is the value whole, with all that it holds and points to, and small enough to be read again and again?
 *
 * section  that it lies in, and that pointers count from
 * texts    arrays hold texts and nothing else: so it is in metadata
 * budget   how many values may be looked at, for all calls together; counted down
 * cost     a few instructions a value; no recursion, no allocation
 * source   MaxMind DB file format specification 2.0, "Output Data Section"
 */
bool geo_value_check(struct sink_span section, uint32_t at, bool texts, uint64_t *budget);

#endif

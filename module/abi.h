/* abi.h - was the program that loaded us built from the source we were built against? Unbound's
 * structures change with its version and its configure flags, and nothing in it says so by name.
 * Knows no Unbound header. */
#ifndef MODULE_ABI_H
#define MODULE_ABI_H

#include "sinkhole/span.h"

enum abi_fit {
	ABI_FITS,
	ABI_OTHER_VERSION, /* the version string is nowhere: another Unbound, or no Unbound */
	ABI_OTHER_CONFIGURE, /* it is there, but the configure line is not */
};

/* Look for both strings, NUL-terminated, in the memory of a program.
 *
 * ranges   read-only memory; each string lies wholly in one
 * version  "1.17.1". Linkers keep a string that ends a longer one ("unbound 1.17.1") inside that
 *          one, so whatever is no part of a longer number may stand before it
 * configure the arguments of configure. As long a string ends no other, so nothing printable may
 *          stand before it: our line could be the end of a longer one. Empty (configured without
 *          arguments): cannot be looked for, and counts as found
 */
enum abi_fit abi_compare(const struct sink_span *ranges, size_t count, const char *version,
	const char *configure);

/* The same for the running program. Any thread.
 *
 * cost     one pass over its constants: a millisecond
 */
enum abi_fit abi_running(const char *version, const char *configure);

#endif

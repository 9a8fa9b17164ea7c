/* when.h - points in time as users type them. */
#ifndef TOOLS_WHEN_H
#define TOOLS_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* Read "2026-11-21" (its first second), "2026-11-21T12:00[:00[.000]]" with "Z", "+01:00", "+0100", " UTC" or
 * nothing (UTC) behind, a blank for the "T", or "@SECONDS" since 1970. Years 1970 to 9999. Fractions are
 * dropped.
 *
 * returns  false if it is none of these; *out is then as before
 */
bool when_parse(const char *text, int64_t *out);

/* The same in microseconds since 1970, for what is to be told apart within a second. */
bool when_parse_micros(const char *text, int64_t *out);

/* Now, or $SOURCE_DATE_EPOCH where it is set. False if that is no number of seconds. */
bool when_reproducible(int64_t *out);

/* Is it set, so that nothing else may depend on when something is done? */
bool when_is_given(void);

/* As when_reproducible(), in microseconds. */
bool when_reproducible_micros(int64_t *out);

#endif

/* quantity.h - amounts as users type them: durations, sizes, shares, counts. The locale has no say. */
#ifndef TOOLS_QUANTITY_H
#define TOOLS_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* Each reads the whole text, which has no sign and no blank, and leaves *out alone if it returns false. */

/* "45s", "90m", "12h", "30d", "2w": seconds. The unit is not optional. At most 1000 years. */
bool quantity_seconds(const char *text, int64_t *out);

/* "4096", "64K", "500M", "2G": bytes, by powers of 1024. */
bool quantity_bytes(const char *text, uint64_t *out);

/* "20%", "0.5%": per cent, at most 6 digits before the point and 3 behind it. */
bool quantity_percent(const char *text, double *out);

/* "1000000". */
bool quantity_count(const char *text, uint64_t *out);

/* The same, or "never", which is 0. */
bool quantity_threshold(const char *text, uint64_t *out);

#endif

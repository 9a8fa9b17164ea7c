/* manifest.h - what a manifest may say, for those who make one. */
#ifndef SINK_MANIFEST_H
#define SINK_MANIFEST_H

#include "sinkhole/store.h"

#define MANIFEST_TIME_MAX 253402300799 /* 9999-12-31T23:59:59Z: four digits of year */
#define MANIFEST_NUMBER_MAX INT64_MAX

/* Is `text` valid UTF-8 without control characters, shorter than `size` bytes? */
bool manifest_is_text(struct sink_span text, size_t size);

/* Could a manifest with these fields be read back? Serial, time, texts and the base's name.
 *
 * returns  SINK_OK; SINK_EINVAL
 */
int manifest_check(const struct sink_manifest *manifest, struct sink_why *why);

/* Write what signatures are of: the text without their lines, but of the version that it has with them.
 *
 * returns  as sink_manifest_format()
 */
size_t manifest_format_signed(const struct sink_manifest *manifest, char out[SINK_MANIFEST_MAX]);

#endif

/* hex.h - bytes as lower-case hexadecimal digits, and back, strictly. */
#ifndef SINK_HEX_H
#define SINK_HEX_H

#include "sinkhole/span.h"

/* out      2 * bytes.len digits and a NUL */
void hex_write(struct sink_span bytes, char *out);

/* Read `len` bytes from exactly twice as many lower-case digits.
 *
 * returns  false if the text is none of these; `out` is then as before
 */
bool hex_read(struct sink_span text, uint8_t *out, size_t len);

#endif

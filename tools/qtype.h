/* qtype.h - query types as users type them. */
#ifndef TOOLS_QTYPE_H
#define TOOLS_QTYPE_H

#include <stdbool.h>
#include <stdint.h>

/* Read "AAAA", in either case, or "TYPE64" (RFC 3597, 5). */
bool qtype_parse(const char *text, uint16_t *out);

/* How it is printed: the mnemonic if we know one, else "TYPE64". */
struct qtype_text {
	char text[16];
};
struct qtype_text qtype_text(uint16_t type);

#endif

/* structured.h - structured DNS errors (draft-ietf-dnsop-structured-dns-error), as they are sent. */
#ifndef TOOLS_STRUCTURED_H
#define TOOLS_STRUCTURED_H

#include "sinkhole/policy.h"

#define STRUCTURED_NONE (-1)

struct structured {
	char *const *contact; /* URIs */
	size_t contacts; /* at least 1 */
	const char *organization, *language, *justification; /* UTF-8; NULL: none */
	int sub_error; /* STRUCTURED_NONE: none */
};

/* Does an error of this code carry one? (Blocked, Censored, Filtered.) */
static inline bool structured_has(uint16_t ede)
{
	return ede >= 15 && ede <= 17;
}

/* Is a text that I-JSON may hold (RFC 7493, 2.1)? It is valid UTF-8. */
bool structured_is_text(struct sink_span text);

/* Write it, minified, with members in the order c, j, s, o, l.
 *
 * returns  a string that the caller frees, of whatever length; NULL: no memory
 */
char *structured_text(const struct structured *error, enum sink_error_size size);

#endif

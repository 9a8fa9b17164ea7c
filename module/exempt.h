/* exempt.h - clients that get every answer unfiltered: a setting for tests, until policy knows
 * groups of clients. Knows no Unbound header. */
#ifndef MODULE_EXEMPT_H
#define MODULE_EXEMPT_H

#include <stdbool.h>
#include <sys/socket.h>

struct exempt;

/* Read prefixes: "127.0.0.2/32,2001:db8::/32", a bare address being a host.
 *
 * text     NULL or empty: nobody
 * out      NULL if nobody is exempt; the caller frees it
 * returns  SINK_OK; SINK_ESYNTAX (nobody is exempt); SINK_ENOMEM
 */
int exempt_new(const char *text, struct exempt **out);

/* NULL is fine. */
void exempt_free(struct exempt *exempt);

/* exempt   NULL: nobody
 * cost     a comparison a prefix
 */
bool exempt_has(const struct exempt *exempt, const struct sockaddr_storage *client);

#endif

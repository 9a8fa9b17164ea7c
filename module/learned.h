/* learned.h - what answers have taught, and Unbound's caches must not hold: which names lead to
 * listed ones, and what exempt clients may see. Both are facts of the Internet's, not verdicts, so
 * that they outlive a generation. */
#ifndef MODULE_LEARNED_H
#define MODULE_LEARNED_H

#include "ub.h"
#include "verdict.h"

struct learned;

/* answers  whether real answers are kept too: when some clients are exempt
 * out      the caller frees it
 * returns  SINK_OK; SINK_ENOMEM
 */
int learned_new(bool answers, struct learned **out);

/* When no worker is left. NULL is fine. */
void learned_free(struct learned *learned);

/* The answer to this question leads to `name`.
 *
 * ttl      seconds for which that holds
 */
void learned_put_name(struct learned *learned, const struct module_qstate *qstate,
	struct sink_span name, time_t ttl);

/* Where the answer to this question leads.
 *
 * out      at least SINK_WIRE_MAX octets; the name in wire form
 * returns  its length; 0: nothing is known
 */
size_t learned_get_name(struct learned *learned, const struct module_qstate *qstate, uint8_t *out);

/* Keep the real answer to this question, copied. One that is large, or whose time to live is 0, is
 * not kept. */
void learned_put_answer(struct learned *learned, const struct module_qstate *qstate,
	const struct reply_info *rep);

/* The real answer to this question, in the query state's region, its times to live counted down.
 *
 * returns  NULL: none is kept, or no memory
 */
struct dns_msg *learned_get_answer(struct learned *learned, struct module_qstate *qstate);

#endif

/* learned.h - what answers have taught, and Unbound's caches must not hold: which names lead to
 * listed ones, and answers that some clients may see and others not. Both are facts of the Internet's, not verdicts,
 * so that they outlive a generation. */
#ifndef MODULE_LEARNED_H
#define MODULE_LEARNED_H

#include "facts.h"
#include "ub.h"

struct learned;

/* cfg      Unbound's: answers get as much memory as its caches of messages and of records together, at most 64 MiB,
 *          taken as it is used
 * out      the caller frees it
 * returns  SINK_OK; SINK_ENOMEM
 */
int learned_new(const struct config_file *cfg, struct learned **out);

/* When no worker is left. NULL is fine. */
void learned_free(struct learned *learned);

/* Whether nothing is known at all, as where rules are for everybody and no alias has led to a listed name lately. Any
 * thread. */
bool learned_is_empty(const struct learned *learned);

/* Bytes that it takes. Any thread. */
size_t learned_bytes(const struct learned *learned);

/* The answer to this question leads along these names, of which the first is the one asked for. A way that is too
 * long is not kept.
 *
 * count    of the names, from the first
 * ttl      seconds for which that holds
 */
void learned_put_way(struct learned *learned, const struct module_qstate *qstate,
	const struct facts *way, size_t count, time_t ttl);

/* Where the answer to this question leads: the names after the first are added to the facts.
 *
 * returns  false: nothing is known
 */
bool learned_get_way(struct learned *learned, const struct module_qstate *qstate,
	struct facts *facts);

/* Keep the real answer to this question, copied, and who served it. One that is large, or whose time to live is 0, is
 * not kept. */
void learned_put_answer(struct learned *learned, const struct module_qstate *qstate,
	const struct reply_info *rep, const struct facts *served);

/* The real answer to this question, in the query state's region, its times to live counted down.
 *
 * facts    gets the servers that served it
 * returns  NULL: none is kept, or no memory
 */
struct dns_msg *learned_get_answer(struct learned *learned, struct module_qstate *qstate,
	struct facts *facts);

#endif

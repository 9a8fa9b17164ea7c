/* verdict.h - what is to become of a name, or of a whole answer, by the generation in use. */
#ifndef MODULE_VERDICT_H
#define MODULE_VERDICT_H

#include "sinkhole/name.h"
#include "sinkhole/policy.h"
#include "ub.h"

struct self;

struct verdict {
	enum sink_action action;
	bool by_answer; /* a name that the answer leads to decided, not the name asked for */
	uint64_t serial; /* of the generation that decided; this and what follows is valid if it
	                  * blocks */
	struct sink_policy policy;
	size_t listed_len; /* the entry that decided, in wire form */
	uint8_t listed[SINK_WIRE_MAX];
	size_t name_len; /* the name that it decided about, in wire form */
	uint8_t name[SINK_WIRE_MAX];
};

static inline bool verdict_blocks(const struct verdict *verdict)
{
	return verdict->action != SINK_ACTION_NONE && verdict->action != SINK_ACTION_PASS;
}

/* Judge one name.
 *
 * env      the worker's own
 * wire     the name, uncompressed
 * out      always written; action NONE also where judging failed, which is counted and said
 * cost     as sink_decide(); no lock, no allocation
 */
void verdict_of_name(struct self *self, struct module_env *env, struct sink_span wire,
	struct verdict *out);

/* Judge a name and what its answer leads over: the first name that an entry decides about counts,
 * and an entry that allows it ends the search too.
 *
 * rep      NULL: there is no answer
 */
void verdict_of_answer(struct self *self, struct module_env *env, struct sink_span wire,
	const struct reply_info *rep, struct verdict *out);

/* Something could not be judged, or not be done for want of memory: count it, and say so at once, then
 * at most once a minute. Any worker. */
void verdict_failed(struct self *self, struct module_env *env, int err);

/* Unbound takes what it only reads without const. */
static inline uint8_t *verdict_octets(struct sink_span name)
{
	return (uint8_t *)(uintptr_t)name.at;
}

/* The target of a CNAME or DNAME record set; its length is 0 for every other type, and if the record
 * is malformed. */
struct sink_span verdict_target(const struct ub_packed_rrset_key *set);

#endif

/* verdict.h - what is to become of a name, or of a whole answer, by the generation in use: for all clients together,
 * which decides what may be stored, and for one of them, which decides what it gets. */
#ifndef MODULE_VERDICT_H
#define MODULE_VERDICT_H

#include "facts.h"
#include "sinkhole/decide.h"
#include "ub.h"

struct self;

/* What a generation says of one client's case, or of all clients'. */
struct verdict {
	enum sink_action action;
	bool by_answer; /* a name or address that the answer leads to decided, not the name asked for */
	bool waits; /* the first pass only: decide.h */
	bool is_same; /* everybody gets this; else each client must be asked for */
	bool touches; /* somebody's answer is changed: nothing of it may be stored */
	bool passes; /* of all clients together, where nobody's is: those of no group are let through (PASS) */
	struct sink_needs
		needs; /* of the generation that was asked, also if it could not decide; all false: none was */
	/* Of the generation that decided; this and what follows is valid if it blocks */
	uint64_t serial;
	struct sink_form form; /* its spans are in the region that was given, or empty */
	uint16_t
		error_option; /* of the policy: the EDNS option by which clients ask for structured errors */
	/* The entry that decided, in wire form and lower case; if that is no name, the name asked for */
	size_t listed_len;
	uint8_t listed[SINK_WIRE_MAX];
};

static inline bool verdict_blocks(const struct verdict *verdict)
{
	return sink_action_blocks(verdict->action);
}

/* As in decide.h. */
enum verdict_pass {
	VERDICT_ON_NAMES, /* the first pass, before anything is resolved */
	VERDICT_ON_ANSWER, /* both */
};

struct verdict_case {
	const struct facts *facts;
	enum verdict_pass pass;
	struct regional
		*region; /* that what clients are told lives in (verdict.form); NULL: not wanted */
};

/* What becomes of it for all clients together. Where they differ (touches, and not is_same), the action is NONE. What
 * cannot be judged touches nobody, and is counted. Any worker.
 *
 * cost     as sink_reach(), sink_reach_answer()
 */
void verdict_of_all(struct self *self, struct module_env *env, const struct verdict_case *what,
	struct verdict *out);

/* What was found to change nobody's answer. Zeroed: nothing yet. */
struct verdict_clear {
	struct facts facts;
	enum verdict_pass pass;
	struct sink_needs needs; /* as in the verdict */
	bool passes; /* as in the verdict */
	uint64_t epoch; /* sink_current_epoch() */
	time_t second;
};

/* As verdict_of_all(), but what was found clear is not judged again in the same second, as long as verdicts are the
 * same: from a query's beginning to its answer mostly nothing changes, and a decision takes as long as all else that we
 * do.
 *
 * clear    what was found last; gets what is found now. It borrows the lists of the facts: these may grow, but what is in
 *          them has to stay as it is
 */
void verdict_of_all_once(struct self *self, struct module_env *env, const struct verdict_case *what,
	struct verdict_clear *clear, struct verdict *out);

/* Is somebody's answer with these facts changed? By both passes; cost as sink_reach_answer(). */
bool verdict_touches(struct self *self, struct module_env *env, const struct facts *facts);

/* The same of an answer about this name, for this type of query, of which nothing else is known.
 *
 * region   for a moment
 * cost     as sink_reach_answer()
 */
bool verdict_touches_name(struct self *self, struct module_env *env, struct regional *region,
	struct sink_span name, uint16_t type);

/* What becomes of it for one client. One that came by a stream is not truncated: PASS.
 *
 * client   NULL: one without an address
 * cost     as sink_client_of(), sink_decide(), sink_decide_answer()
 */
void verdict_of_client(struct self *self, struct module_env *env, const struct verdict_case *what,
	const struct comm_reply *client, struct verdict *out);

/* Count what rules that monitor have to say of one client's case; nothing if none monitors.
 *
 * client   as verdict_of_client()
 * returns  false: nothing is listed about the case or the client, so that the next one is not counted either
 * cost     as verdict_of_client(); a look at the generation if no rule monitors
 */
bool verdict_note(struct self *self, struct module_env *env, const struct verdict_case *what,
	const struct comm_reply *client);

/* What the generation in use has to know. */
struct sink_needs verdict_needs(struct self *self, struct module_env *env);

/* Something could not be judged, or not be done for want of memory: count it, and say so at once, then
 * at most once a minute. Any worker. */
void verdict_failed(struct self *self, struct module_env *env, int err);

/* The target of a CNAME or DNAME record set; its length is 0 for every other type, and if the record
 * is malformed. */
struct sink_span verdict_target(const struct ub_packed_rrset_key *set);

#endif

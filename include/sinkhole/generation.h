/* generation.h - all that a verdict rests on, put together: a database, the policy bound to it, and where addresses
 * are. Immutable once open; shared by all threads. */
#ifndef SINKHOLE_GENERATION_H
#define SINKHOLE_GENERATION_H

#include "sinkhole/db.h"
#include "sinkhole/geo.h"
#include "sinkhole/policy.h"
#include "sinkhole/store.h"

struct sink_generation;

struct sink_generation_options {
	const char *dir; /* the data directory */
	const struct sink_manifest *manifest; /* whose files are opened, and whose pause counts */
	enum sink_map map;
	const atomic_bool *cancel; /* may be NULL; when it becomes true, opening gives up soon */
	/* May be NULL. What has the same size and digest there is shared, not opened again; geo files likewise
	 * while the file at their path is the same (device, inode, size, times). It may be closed before the new
	 * one. */
	const struct sink_generation *previous;
	/* Told of a geo file that is missing, damaged or IPv4-only, with a sentence; rules that ask for it are
	 * neutral then. May be NULL. */
	void (*neutral)(void *arg, const char *text);
	void *arg;
};

/* Verify and open what a manifest names, and bind its policy.
 *
 * out      the caller closes it, after every judge of it has ended
 * returns  SINK_OK; as sink_db_open(); SINK_ENOENT (also: a file that the manifest names). A geo file never
 *          makes it fail
 * thread   any
 * cost     as sink_db_open() for what is not shared; and a look at each facet of the database (db.h)
 */
int sink_generation_open(const struct sink_generation_options *options, struct sink_why *why,
	struct sink_generation **out);

/* Put one together of parts, for tests and tools; they belong to the generation from then on, also on
 * failure. geo files are not opened.
 */
int sink_generation_of(struct sink_db *db, struct sink_policy *policy,
	struct sink_geo *geo[SINK_GEO_KINDS], struct sink_generation **out);

/* NULL is fine. */
void sink_generation_close(struct sink_generation *generation);

/* Has a geo file changed, appeared or gone since it was opened, so that opening again with this one as
 * `previous` would give another one? Two calls of stat(2). */
bool sink_generation_is_stale(const struct sink_generation *generation);

/* Do both have the very same geo files, or none? Any thread. */
bool sink_generation_has_geo_of(const struct sink_generation *a, const struct sink_generation *b);

/* Are the policy, the geo files and the pause of both the same, so that what sink_db_changed() tells of their databases is
 * all in which they differ? False of those made of parts. Any thread. */
bool sink_generation_has_rules_of(const struct sink_generation *a, const struct sink_generation *b);

/* Borrowed until the generation is closed. Any thread.
 *
 * The policy is that of the generation's file, with a rule in front of it if something is listed under SINK_SOURCE_ALLOW
 * (record.h): an emergency exit must not depend on what the rules are, nor on their being there, and nobody should have to
 * write such a rule before there is an emergency. A policy that has SINK_RULES_MAX rules, or one of that name, is left as it
 * is. */
const struct sink_db *sink_generation_db(const struct sink_generation *generation);
const struct sink_policy *sink_generation_policy(const struct sink_generation *generation);
const struct sink_geo *sink_generation_geo(const struct sink_generation *generation,
	enum sink_geo_kind kind); /* NULL: none */

/* What the policy has to know, over the entries that are there. Any thread. */
struct sink_needs {
	bool addresses; /* a rule may turn on an address in the answer */
	bool servers; /* on a name server's name or address */
	bool clients; /* verdicts may differ between clients: a rule that is not for all of them, or entries
	               * that list clients */
	bool listed_clients; /* the latter: what sink_reach() says does not hold for these */
	bool types; /* a rule is about some query types only */
	bool monitors; /* there is a rule that monitors */
};

struct sink_needs sink_generation_needs(const struct sink_generation *generation);

/* The first second after `now` at which a schedule of the policy goes on or off, or a pause of the manifest's is over;
 * INT64_MAX: none. Any thread. */
int64_t sink_generation_next_edge(const struct sink_generation *generation, int64_t now);

/* The first second after `now` from which on something may be blocked that was not, since an entry begins to be valid; or
 * one ends that allowed something, or that the policy may have let pass. What ends otherwise does not count: nobody
 * keeps answers that are blocked. INT64_MAX: none. Any thread. */
int64_t sink_generation_next_turn(const struct sink_generation *generation, int64_t now);

/* Judges are to a generation what readers are to a database: one thread at a time.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO
 * thread   any may begin one, and any may end it
 */
struct sink_judge;

int sink_judge_begin(const struct sink_generation *generation, struct sink_judge **out);

/* NULL is fine. */
void sink_judge_end(struct sink_judge *judge);

struct sink_reader *sink_judge_reader(struct sink_judge *judge);
const struct sink_generation *sink_judge_generation(const struct sink_judge *judge);

/* Count that a rule has monitored something, for whoever takes the counts (sink_current_tell() in current.h).
 *
 * rule     sink_verdict.monitor; SINK_RULE_NONE counts nothing
 * thread   the judge's
 * cost     an atomic addition
 */
void sink_judge_note(struct sink_judge *judge, uint16_t rule);

#endif

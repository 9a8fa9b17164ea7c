/* lookup.h - what `sinkhole lookup` asks, and what it found out; between the files lookup*.c. */
#ifndef TOOLS_LOOKUP_H
#define TOOLS_LOOKUP_H

#include "json.h"
#include "sinkhole/decide.h"

/* What is known of an answer that nobody has seen: as told by the user. */
struct lookup_facts {
	struct sink_span *chain; /* names in wire form */
	size_t chain_count, chain_room;
	struct sink_prefix *answers;
	size_t answers_count, answers_room;
	struct sink_span *servers;
	size_t servers_count, servers_room;
	struct sink_prefix *server_addresses;
	size_t server_addresses_count, server_addresses_room;
};

/* Add one to them, from text. NULL: that is what it is; else what it should be, such as "an IP address". */
const char *lookup_add_name(struct sink_span **list, size_t *count, size_t *room, const char *text);
const char *lookup_add_address(struct sink_prefix **list, size_t *count, size_t *room,
	const char *text);

void lookup_facts_end(struct lookup_facts *facts);

/* A name as people write it, in Unicode too, or in presentation form with escapes.
 *
 * returns  SINK_OK; SINK_ESYNTAX (also for what is a URL); SINK_ETOOLONG
 */
int lookup_name(const char *text, struct sink_name *out);

/* An IP address alone. False if it is none; *out is then as before. */
bool lookup_address(const char *text, struct sink_prefix *out);

struct lookup_question {
	const char *text; /* a name, an address or a prefix */
	uint16_t type;
	bool has_client;
	struct sink_prefix client;
	int64_t at; /* seconds since 1970 */
	const struct lookup_facts *facts;
};

/* What an address can be. */
enum lookup_role {
	LOOKUP_ANSWER, /* in the answer; also what a name asked for has */
	LOOKUP_CLIENT,
	LOOKUP_SERVER,
	LOOKUP_ROLES
};

/* A listing that was considered. */
struct lookup_item {
	enum lookup_role role;
	enum sink_trigger trigger;
	size_t subject;
	struct sink_listing listing;
	struct sink_record record; /* its text is the database's */
	enum sink_standing standing;
	uint16_t rule; /* the first that it satisfies, or SINK_RULE_NONE */
	bool is_aside; /* nothing asked for it: it is only told */
};

/* All that came up about one question. */
struct lookup_finding {
	const struct lookup_question *question;
	struct sink_judge *judge;
	const struct sink_policy *policy;
	const struct sink_manifest *manifest; /* of the judge's generation */
	bool is_address; /* or a prefix */
	struct sink_name name;
	struct sink_prefix address;
	struct sink_client client;
	/* By role; of a name the first alone, of a prefix none: without a rule nothing decides */
	struct sink_verdict verdicts[LOOKUP_ROLES];
	bool depends; /* on group, country or share: others may get something else */
	bool has_listed_clients; /* so may clients that are listed */
	uint64_t awaited[SINK_RULE_WORDS]; /* rules that may yet decide on the answer */
	struct lookup_item *items;
	size_t count, room;
	uint32_t *
		places; /* of items, plus 1, by a hash of what tells them apart; 0: nothing there */
	size_t places_mask; /* their number - 1; 0: none yet */
	bool no_memory;
	/* What was decided about; items' subjects are places in it */
	struct sink_case what;
	struct sink_span *names; /* of it: the name asked for and the chain */
	uint8_t wire[SINK_WIRE_MAX]; /* of the former */
};

/* Find out.
 *
 * finding  with judge, policy and manifest; lookup_end() ends it, whatever this returns
 * returns  SINK_OK; SINK_ESYNTAX, SINK_ETOOLONG (said: no name or address); SINK_ECORRUPT; SINK_ENOMEM
 */
int lookup_find(const struct lookup_question *question, struct lookup_finding *finding);

void lookup_end(struct lookup_finding *finding);

/* Is filtering paused at the time asked for? */
bool lookup_is_paused(const struct lookup_finding *finding);

/* Is the answer of some client changed? */
bool lookup_blocks(const struct lookup_finding *finding);

#define LOOKUP_TEXT_MAX SINK_TEXT_MAX

/* What was asked for; what an item lists; and what of the case that is about. Each returns out. */
char *lookup_asked(const struct lookup_finding *finding, char out[LOOKUP_TEXT_MAX]);
char *lookup_listed(const struct lookup_finding *finding, const struct lookup_item *item,
	char out[LOOKUP_TEXT_MAX]);
char *lookup_about(const struct lookup_finding *finding, const struct lookup_item *item,
	char out[LOOKUP_TEXT_MAX]);

/* Is it the entry that decided? Does it say the same of the same? */
bool lookup_wins(const struct lookup_finding *finding, const struct lookup_item *item);
bool lookup_agrees(const struct lookup_finding *finding, const struct lookup_item *item);

/* What became of it: "wins", "expired at 2026-01-01T00:00:00Z". */
#define LOOKUP_OUTCOME_MAX (SINK_STRING_MAX + 80)
char *lookup_outcome(const struct lookup_finding *finding, const struct lookup_item *item,
	char out[LOOKUP_OUTCOME_MAX]);

/* A rule's name; empty for SINK_RULE_NONE. */
struct sink_span lookup_rule(const struct lookup_finding *finding, uint16_t rule);

/* The name of the group of the client: "others" for those of none. */
struct sink_span lookup_group(const struct lookup_finding *finding);

/* For people, on stdout. */
void lookup_show(const struct lookup_finding *finding);

/* For programs; NULL: no memory. */
json_t *lookup_json(const struct lookup_finding *finding);

#endif

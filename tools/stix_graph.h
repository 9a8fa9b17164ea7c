/* stix_graph.h - what the objects of a STIX document say about each other: which version of an object is the
 * newest, whose name an id stands for, and what an indicator indicates. Filled in one pass over the
 * document, asked in the next. Knows no JSON. */
#ifndef TOOLS_STIX_GRAPH_H
#define TOOLS_STIX_GRAPH_H

#include "sinkhole/err.h"
#include "sinkhole/record.h"

struct stix_graph;

enum stix_kind {
	STIX_OBJECT, /* any other */
	STIX_MALWARE,
	STIX_TOOL,
	STIX_CAMPAIGN,
	STIX_ACTOR, /* a threat actor or an intrusion set */
	STIX_IDENTITY,
	STIX_MARKING,
};

/* One version of an object. */
struct stix_version {
	struct sink_span id; /* at most STIX_ID_MAX bytes */
	int64_t modified; /* microseconds since 1970; 0: not said */
	bool revoked;
	enum stix_kind kind;
	struct sink_span
		name; /* cut after SINK_STRING_MAX bytes, between characters; may be empty */
	enum sink_tlp tlp; /* of a marking */
};

#define STIX_ID_MAX 1024 /* bytes; the specification's ids have less than 100 */

enum stix_verb { STIX_INDICATES, STIX_ATTRIBUTED_TO };

/* The fixed markings of TLP 1 and 2 are in it from the beginning.
 *
 * returns  SINK_OK; SINK_ENOMEM; SINK_EIO (no randomness)
 */
int stix_graph_open(struct stix_graph **out);

/* NULL is fine. */
void stix_graph_close(struct stix_graph *graph);

/* Learn a version of an object. The newest counts, wherever it stands; of two that are equally new the
 * first, but it is revoked if either of them is.
 *
 * returns  SINK_OK; SINK_ETOOLONG (the id); SINK_ENOMEM
 */
int stix_graph_add(struct stix_graph *graph, const struct stix_version *version);

/* Learn a version of a relationship, which counts as any other object's does.
 *
 * source, target   ids of objects, whether these are known or not
 * returns          as stix_graph_add()
 */
int stix_graph_relate(struct stix_graph *graph, const struct stix_version *relationship,
	enum stix_verb verb, struct sink_span source, struct sink_span target);

/* After all of these, and before any question. */
void stix_graph_settle(struct stix_graph *graph);

enum stix_state { STIX_CURRENT, STIX_OLDER, STIX_REVOKED };

/* What became of a version: is there a newer one, is it revoked? An id that nobody knows is current. */
enum stix_state stix_graph_state(const struct stix_graph *graph, struct sink_span id,
	int64_t modified);

/* The name of an object that is neither unknown, revoked, nor of another kind; else empty. */
struct sink_span stix_graph_name(const struct stix_graph *graph, struct sink_span id,
	enum stix_kind kind);

/* What a marking says, SINK_TLP_NONE if it says nothing about it. */
enum sink_tlp stix_graph_tlp(const struct stix_graph *graph, struct sink_span id);

#define STIX_TAGS_MAX 32 /* names of malware and of tools, each */

/* Names, until the graph is closed. Where there are several for one place, the first in the order of their
 * bytes; it does not depend on the order of the document. */
struct stix_attribution {
	struct sink_span actor; /* indicated; else what the campaign is attributed to */
	struct sink_span campaign;
	struct sink_span malware[STIX_TAGS_MAX], tools[STIX_TAGS_MAX]; /* rising */
	size_t malware_count, tools_count;
};

/* What the object with that id indicates.
 *
 * cost     does not depend on how many relationships it has
 */
void stix_graph_attribute(const struct stix_graph *graph, struct sink_span id,
	struct stix_attribution *out);

#endif

/* stix_graph.c - a hash table of ids. A document has a million of them, so a node is small: numbers instead of
 * pointers, and all text in one piece. The hash is keyed: ids come from strangers. */
#include "stix_graph.h"

#include <stdlib.h>

#include "mix.h"
#include "sinkhole/grow.h"
#include "utf8.h"

#define NONE UINT32_MAX /* no node, no edge, no slot */
#define SLOTS_FIRST 1024

struct node {
	int64_t modified;
	uint32_t id, name; /* where in the text */
	uint32_t first; /* edge of what it indicates */
	uint32_t own; /* edge, if it is a relationship */
	uint32_t actor; /* of what is attributed: to whom */
	uint16_t id_len, name_len;
	uint8_t kind, tlp;
	bool known, revoked;
};

struct edge {
	uint32_t source, target; /* nodes */
	uint32_t relationship; /* its node, or NONE */
	uint32_t next; /* of the same indicator */
	uint8_t verb;
};

struct stix_graph {
	struct node *nodes;
	size_t count, room;
	struct edge *edges;
	size_t edges_count, edges_room;
	uint8_t *text;
	size_t text_len, text_room;
	uint32_t *slots; /* numbers of nodes */
	size_t slots_count; /* a power of two, at least twice as many as nodes */
	struct mix mix;
};

/* --- ids ----------------------------------------------------------------------------------------------- */

static struct sink_span id_of(const struct stix_graph *g, const struct node *node)
{
	return sink_span(g->text + node->id, node->id_len);
}

static struct sink_span name_of(const struct stix_graph *g, const struct node *node)
{
	return sink_span(g->text + node->name, node->name_len);
}

/* The slot of an id, or the free one where it belongs. */
static size_t slot_of(const struct stix_graph *g, struct sink_span id)
{
	size_t at = (size_t)mix_bytes(&g->mix, 0, id) & (g->slots_count - 1);

	while (g->slots[at] != NONE && !sink_span_equal(id_of(g, &g->nodes[g->slots[at]]), id))
		at = (at + 1) & (g->slots_count - 1);
	return at;
}

static int make_slots(struct stix_graph *g, size_t count)
{
	uint32_t *slots = malloc(count * sizeof *slots);

	if (!slots)
		return SINK_ENOMEM;
	free(g->slots);
	memset(slots, 0xff, count * sizeof *slots);
	g->slots = slots;
	g->slots_count = count;
	for (size_t i = 0; i < g->count; i++)
		g->slots[slot_of(g, id_of(g, &g->nodes[i]))] = (uint32_t)i;
	return SINK_OK;
}

static int put_text(struct stix_graph *g, struct sink_span text, uint32_t *out)
{
	size_t room = g->text_room ? g->text_room : 65536;
	uint8_t *at;

	while (room - g->text_len < text.len)
		room *= 2;
	if (room > UINT32_MAX)
		return SINK_ENOMEM;
	if (room != g->text_room) {
		at = realloc(g->text, room);
		if (!at)
			return SINK_ENOMEM;
		g->text = at;
		g->text_room = room;
	}
	if (text.len > 0)
		memcpy(g->text + g->text_len, text.at, text.len);
	*out = (uint32_t)g->text_len;
	g->text_len += text.len;
	return SINK_OK;
}

static int append_node(struct stix_graph *g, struct sink_span id, uint32_t *out)
{
	struct node *nodes = sink_grow(g->nodes, g->count, &g->room, sizeof *nodes), *node;
	int err;

	if (!nodes || g->count == NONE)
		return SINK_ENOMEM;
	g->nodes = nodes;
	node = &nodes[g->count];
	*node = (struct node){
		.first = NONE, .own = NONE, .actor = NONE, .id_len = (uint16_t)id.len
	};
	err = put_text(g, id, &node->id);
	if (!err)
		*out = (uint32_t)g->count++;
	return err;
}

/* The node of an id, a new one if there is none. */
static int intern(struct stix_graph *g, struct sink_span id, uint32_t *out)
{
	size_t at;
	int err = SINK_OK;

	if (id.len > STIX_ID_MAX)
		return SINK_ETOOLONG;
	if (2 * (g->count + 1) > g->slots_count)
		err = make_slots(g, g->slots_count ? 2 * g->slots_count : SLOTS_FIRST);
	if (err)
		return err;
	at = slot_of(g, id);
	if (g->slots[at] == NONE)
		err = append_node(g, id, &g->slots[at]);
	if (!err)
		*out = g->slots[at];
	return err;
}

static const struct node *find(const struct stix_graph *g, struct sink_span id)
{
	uint32_t number = id.len > 0 && id.len <= STIX_ID_MAX ? g->slots[slot_of(g, id)] : NONE;

	return number == NONE || !g->nodes[number].known ? NULL : &g->nodes[number];
}

/* --- filling ------------------------------------------------------------------------------------------- */

/* The versions of FIRST that everybody refers to and few include. Nothing in a document changes them. */
static const struct {
	const char *id;
	enum sink_tlp tlp;
} markings[] = {
	/* STIX 2.1, 7.2.1.4 */
	{ "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", SINK_TLP_CLEAR }, /* WHITE */
	{ "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", SINK_TLP_GREEN },
	{ "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", SINK_TLP_AMBER },
	{ "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", SINK_TLP_RED },
	/* the TLP 2.0 extension of OASIS */
	{ "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", SINK_TLP_CLEAR },
	{ "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", SINK_TLP_GREEN },
	{ "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", SINK_TLP_AMBER },
	{ "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", SINK_TLP_AMBER_STRICT },
	{ "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", SINK_TLP_RED },
};

static int add_markings(struct stix_graph *g)
{
	int err = SINK_OK;

	for (size_t i = 0; !err && i < sizeof markings / sizeof markings[0]; i++)
		err = stix_graph_add(g,
			&(struct stix_version){ .id = sink_span_text(markings[i].id),
				.modified = INT64_MAX,
				.kind = STIX_MARKING,
				.tlp = markings[i].tlp });
	return err;
}

int stix_graph_open(struct stix_graph **out)
{
	struct stix_graph *g = calloc(1, sizeof *g);
	int err = SINK_ENOMEM;

	if (!g)
		return SINK_ENOMEM;
	err = mix_begin(&g->mix);
	if (!err)
		err = add_markings(g);
	if (err)
		goto fail;
	*out = g;
	return SINK_OK;
fail:
	stix_graph_close(g);
	return err;
}

void stix_graph_close(struct stix_graph *g)
{
	if (!g)
		return;
	free(g->nodes);
	free(g->edges);
	free(g->text);
	free(g->slots);
	free(g);
}

static struct sink_span cut(struct sink_span name)
{
	size_t len = 0, n;
	uint32_t c;

	if (name.len <= SINK_STRING_MAX)
		return name;
	for (;; len += n) {
		n = utf8_take(sink_span(name.at + len, name.len - len), &c);
		if (n == 0 || len + n > SINK_STRING_MAX)
			return sink_span(name.at, len);
	}
}

/* Does the version count more than what is known? */
static bool is_news(struct node *node, const struct stix_version *version)
{
	if (!node->known || version->modified > node->modified)
		return true;
	if (version->modified == node->modified)
		node->revoked = node->revoked || version->revoked;
	return false;
}

int stix_graph_add(struct stix_graph *g, const struct stix_version *version)
{
	struct sink_span name = cut(version->name);
	uint32_t number, text = 0;
	struct node *node;
	int err = intern(g, version->id, &number);

	if (err)
		return err;
	if (!is_news(&g->nodes[number], version))
		return SINK_OK;
	if (name.len > 0)
		err = put_text(g, name, &text);
	if (err)
		return err;
	node = &g->nodes[number];
	node->known = true;
	node->modified = version->modified;
	node->revoked = version->revoked;
	node->kind = (uint8_t)version->kind;
	node->tlp = (uint8_t)version->tlp;
	node->name = text;
	node->name_len = (uint16_t)name.len;
	return SINK_OK;
}

/* Put an edge in the place of `at`, or behind the others if that is NONE. */
static int put_edge(struct stix_graph *g, uint32_t *at, struct edge edge)
{
	struct edge *edges;

	if (*at == NONE) {
		edges = sink_grow(g->edges, g->edges_count, &g->edges_room, sizeof *edges);
		if (!edges || g->edges_count == NONE)
			return SINK_ENOMEM;
		g->edges = edges;
		*at = (uint32_t)g->edges_count++;
	}
	g->edges[*at] = edge;
	return SINK_OK;
}

int stix_graph_relate(struct stix_graph *g, const struct stix_version *relationship,
	enum stix_verb verb, struct sink_span source, struct sink_span target)
{
	struct edge edge = { .relationship = NONE, .next = NONE, .verb = (uint8_t)verb };
	uint32_t nowhere = NONE;
	bool news = true;
	int err = intern(g, source, &edge.source);

	if (!err)
		err = intern(g, target, &edge.target);
	if (!err && relationship->id.len > 0)
		err = intern(g, relationship->id, &edge.relationship);
	if (err)
		return err;
	if (edge.relationship == NONE)
		return relationship->revoked ? SINK_OK : put_edge(g, &nowhere, edge);
	news = is_news(&g->nodes[edge.relationship], relationship);
	err = stix_graph_add(g, relationship);
	return err || !news ? err : put_edge(g, &g->nodes[edge.relationship].own, edge);
}

/* The first of two names, either of which may be empty. */
static bool is_before(struct sink_span a, struct sink_span b)
{
	if (a.len == 0 || b.len == 0)
		return a.len > 0;
	return sink_span_compare(a, b) < 0;
}

static bool is_alive(const struct stix_graph *g, uint32_t number)
{
	return number == NONE || (g->nodes[number].known && !g->nodes[number].revoked);
}

static void attribute_to(struct stix_graph *g, struct node *source, uint32_t target)
{
	const struct node *node = &g->nodes[target];

	if (node->kind != STIX_ACTOR || node->name_len == 0)
		return;
	if (source->actor == NONE ||
		is_before(name_of(g, node), name_of(g, &g->nodes[source->actor])))
		source->actor = target;
}

/* Put a name into its place among those before it; the last one falls off where there are too many. */
static void insert(struct sink_span names[STIX_TAGS_MAX], size_t *count, struct sink_span name)
{
	size_t at = *count;

	while (at > 0 && is_before(name, names[at - 1]))
		at--;
	if (name.len == 0 || at == STIX_TAGS_MAX ||
		(at > 0 && sink_span_equal(names[at - 1], name)))
		return;
	*count += *count < STIX_TAGS_MAX;
	memmove(&names[at + 1], &names[at], (*count - at - 1) * sizeof *names);
	names[at] = name;
}

/* What a node indicates itself, but for the campaign, which is returned; NULL: none. */
static const struct node *gather(const struct stix_graph *g, const struct node *node,
	struct stix_attribution *out)
{
	const struct node *campaign = NULL;

	for (uint32_t e = node->first; e != NONE; e = g->edges[e].next) {
		const struct node *target = &g->nodes[g->edges[e].target];
		struct sink_span name = name_of(g, target);

		if (target->kind == STIX_MALWARE)
			insert(out->malware, &out->malware_count, name);
		else if (target->kind == STIX_TOOL)
			insert(out->tools, &out->tools_count, name);
		else if (target->kind == STIX_ACTOR && is_before(name, out->actor))
			out->actor = name;
		else if (target->kind == STIX_CAMPAIGN &&
			(!campaign || is_before(name, name_of(g, campaign))))
			campaign = target;
	}
	return campaign;
}

/* Is it among them? Then it is not any more. */
static bool remove_name(struct sink_span *names, size_t *count, struct sink_span name)
{
	for (size_t i = 0; i < *count; i++)
		if (sink_span_equal(names[i], name)) {
			names[i] = names[--*count];
			return true;
		}
	return false;
}

/* Keep one edge for each thing that will be said of a node. A document may hold a million edges of one indicator,
 * and a million versions of it that ask for them. */
static void prune(struct stix_graph *g, struct node *node)
{
	struct stix_attribution by = { 0 };
	const struct node *campaign = gather(g, node, &by);
	size_t actors = by.actor.len > 0;
	uint32_t *end = &node->first;

	for (uint32_t e = node->first; e != NONE; e = g->edges[e].next) {
		const struct node *target = &g->nodes[g->edges[e].target];
		struct sink_span name = name_of(g, target);
		bool matters = target == campaign;

		if (target->kind == STIX_MALWARE)
			matters = remove_name(by.malware, &by.malware_count, name);
		else if (target->kind == STIX_TOOL)
			matters = remove_name(by.tools, &by.tools_count, name);
		else if (target->kind == STIX_ACTOR)
			matters = remove_name(&by.actor, &actors, name);
		else if (matters)
			campaign = NULL;
		if (!matters)
			continue;
		*end = e;
		end = &g->edges[e].next;
	}
	*end = NONE;
}

void stix_graph_settle(struct stix_graph *g)
{
	for (uint32_t i = 0; i < g->edges_count; i++) {
		struct edge *edge = &g->edges[i];
		struct node *source = &g->nodes[edge->source];

		if (!is_alive(g, edge->relationship) || !is_alive(g, edge->target))
			continue;
		if (edge->verb == STIX_ATTRIBUTED_TO) {
			attribute_to(g, source, edge->target);
			continue;
		}
		edge->next = source->first;
		source->first = i;
	}
	for (size_t i = 0; i < g->count; i++)
		if (g->nodes[i].first != NONE)
			prune(g, &g->nodes[i]);
}

/* --- asking -------------------------------------------------------------------------------------------- */

enum stix_state stix_graph_state(const struct stix_graph *g, struct sink_span id, int64_t modified)
{
	const struct node *node = find(g, id);

	if (!node)
		return STIX_CURRENT;
	if (modified < node->modified)
		return STIX_OLDER;
	return node->revoked ? STIX_REVOKED : STIX_CURRENT;
}

struct sink_span stix_graph_name(const struct stix_graph *g, struct sink_span id,
	enum stix_kind kind)
{
	const struct node *node = find(g, id);

	if (!node || node->revoked || node->kind != kind)
		return sink_span(NULL, 0);
	return name_of(g, node);
}

enum sink_tlp stix_graph_tlp(const struct stix_graph *g, struct sink_span id)
{
	const struct node *node = find(g, id);

	return node && node->kind == STIX_MARKING ? (enum sink_tlp)node->tlp : SINK_TLP_NONE;
}

void stix_graph_attribute(const struct stix_graph *g, struct sink_span id,
	struct stix_attribution *out)
{
	const struct node *node = find(g, id), *campaign;

	*out = (struct stix_attribution){ 0 };
	if (!node)
		return;
	campaign = gather(g, node, out);
	if (!campaign)
		return;
	out->campaign = name_of(g, campaign);
	if (out->actor.len == 0 && campaign->actor != NONE)
		out->actor = name_of(g, &g->nodes[campaign->actor]);
}

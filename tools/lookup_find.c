/* lookup_find.c - ask the very functions that the resolver asks, and note all that they consider. */
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "lookup.h"
#include "say.h"
#include "sinkhole/grow.h"

/* --- noting ----------------------------------------------------------------------------------- */

struct noting {
	struct lookup_finding *f;
	enum lookup_role role;
	enum sink_trigger trigger; /* of what is only told */
};

static bool is_same(const struct lookup_item *a, const struct lookup_item *b)
{
	return a->role == b->role && a->trigger == b->trigger && a->subject == b->subject &&
		a->listing.record == b->listing.record && a->listing.scope == b->listing.scope &&
		a->listing.labels == b->listing.labels;
}

/* The place of an item like that, or the empty one where it belongs. What is told apart are numbers that the database
 * chose, so nobody can choose some that collide. */
static uint32_t *place_of(const struct lookup_finding *f, const struct lookup_item *item)
{
	uint64_t hash = (uint64_t)item->listing.record << 32 | (uint64_t)item->subject << 16 |
		(uint64_t)item->listing.labels << 8 | (uint64_t)item->listing.scope << 6 |
		(uint64_t)item->trigger << 3 | (uint64_t)item->role;
	size_t at = (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 32) & f->places_mask;

	while (f->places[at] && !is_same(&f->items[f->places[at] - 1], item))
		at = (at + 1) & f->places_mask;
	return &f->places[at];
}

/* At most half of the places are taken. */
static int widen_places(struct lookup_finding *f)
{
	size_t room = f->places_mask ? 2 * (f->places_mask + 1) : 64;
	uint32_t *places;

	if (f->count < f->places_mask / 2)
		return SINK_OK;
	places = calloc(room, sizeof *places);
	if (!places)
		return SINK_ENOMEM;
	free(f->places);
	f->places = places;
	f->places_mask = room - 1;
	for (size_t i = 0; i < f->count; i++)
		*place_of(f, &f->items[i]) = (uint32_t)i + 1;
	return SINK_OK;
}

static int add_item(struct lookup_finding *f, const struct lookup_item *item, uint32_t *place)
{
	struct lookup_item *items = sink_grow(f->items, f->count, &f->room, sizeof *items);

	if (!items || f->count == UINT32_MAX)
		return SINK_ENOMEM;
	f->items = items;
	f->items[f->count++] = *item;
	*place = (uint32_t)f->count;
	return SINK_OK;
}

/* What the first pass considered, the second considers again: its word counts. What is told aside was
 * considered before, or never. */
static void note(struct lookup_finding *f, const struct lookup_item *item)
{
	uint32_t *place;

	if (f->no_memory || widen_places(f) != SINK_OK) {
		f->no_memory = true;
		return;
	}
	place = place_of(f, item);
	if (!*place)
		f->no_memory = add_item(f, item, place) != SINK_OK;
	else if (!item->is_aside)
		f->items[*place - 1] = *item;
}

/* In the other roles of an address, what is listed about its first role or the client is not told again. */
static bool is_of_role(enum lookup_role role, enum sink_trigger trigger)
{
	if (role == LOOKUP_CLIENT)
		return trigger == SINK_TRIGGER_CLIENT;
	return role == LOOKUP_ANSWER || trigger == SINK_TRIGGER_NSADDRESS;
}

static void consider(void *arg, enum sink_trigger trigger, size_t subject,
	const struct sink_listing *listing, const struct sink_record *record,
	enum sink_standing standing, uint16_t rule)
{
	const struct noting *noting = arg;

	if (is_of_role(noting->role, trigger))
		note(noting->f,
			&(struct lookup_item){ .role = noting->role,
				.trigger = trigger,
				.subject = subject,
				.listing = *listing,
				.record = *record,
				.standing = standing,
				.rule = rule });
}

static int tell(void *arg, const struct sink_listing *listing)
{
	const struct noting *noting = arg;
	struct lookup_finding *f = noting->f;
	struct lookup_item item = {
		.role = noting->role,
		.trigger = noting->trigger,
		.listing = *listing,
		.rule = SINK_RULE_NONE,
		.is_aside = true,
	};

	if (sink_reader_record(sink_judge_reader(f->judge), listing->record, &item.record))
		return SINK_ECORRUPT;
	item.standing = sink_stand(&item.record, f->is_address ? NULL : &f->name, f->question->type,
		f->question->at);
	note(f, &item);
	return SINK_OK;
}

static enum lookup_role role_of(enum sink_trigger trigger)
{
	switch (trigger) {
	case SINK_TRIGGER_CLIENT:
		return LOOKUP_CLIENT;
	case SINK_TRIGGER_NSADDRESS:
		return LOOKUP_SERVER;
	default:
		return LOOKUP_ANSWER;
	}
}

/* Listings that no verdict turned on: of a prefix, of a name as a server's, of an address when something else had
 * decided. */
static int tell_others(struct lookup_finding *f)
{
	struct sink_reader *reader = sink_judge_reader(f->judge);
	int err = SINK_OK;

	for (int i = 0; i < SINK_TRIGGER_COUNT && !err; i++) {
		struct noting noting = { .f = f, .trigger = (enum sink_trigger)i };

		if (noting.trigger == SINK_TRIGGER_QNAME ||
			sink_trigger_is_prefix(noting.trigger) != f->is_address)
			continue;
		noting.role = role_of(noting.trigger);
		if (f->is_address)
			err = sink_reader_find_prefix(reader, noting.trigger, &f->address, tell,
				&noting);
		else
			err = sink_reader_find_name(reader, noting.trigger, &f->name, tell,
				&noting);
	}
	return err;
}

/* --- deciding --------------------------------------------------------------------------------- */

static bool is_answered(const struct lookup_facts *facts)
{
	return facts->answers_count > 0 || facts->servers_count > 0 ||
		facts->server_addresses_count > 0;
}

static int reach(struct lookup_finding *f, bool on_answer)
{
	struct sink_verdict unused;
	enum sink_reach reach;
	int err = on_answer ? sink_reach_answer(f->judge, &f->what, &reach, &unused)
			    : sink_reach(f->judge, &f->what, &reach, &unused);

	if (err)
		return err;
	f->depends = reach == SINK_REACH_SOME;
	f->has_listed_clients =
		sink_generation_needs(sink_judge_generation(f->judge)).listed_clients;
	return SINK_OK;
}

/* The name asked for, and what is known of the answer. */
static int gather_names(struct lookup_finding *f)
{
	const struct lookup_facts *facts = f->question->facts;

	f->names = calloc(1 + facts->chain_count, sizeof *f->names);
	if (!f->names)
		return SINK_ENOMEM;
	f->names[0] = sink_span(f->wire, sink_name_to_wire(&f->name, f->wire));
	for (size_t i = 0; i < facts->chain_count; i++)
		f->names[1 + i] = facts->chain[i];
	f->what.names = f->names;
	f->what.names_count = 1 + facts->chain_count;
	f->what.addresses = facts->answers;
	f->what.addresses_count = facts->answers_count;
	f->what.servers = facts->servers;
	f->what.servers_count = facts->servers_count;
	f->what.server_addresses = facts->server_addresses;
	f->what.server_addresses_count = facts->server_addresses_count;
	return SINK_OK;
}

static int decide_name(struct lookup_finding *f)
{
	struct noting noting = { .f = f, .role = LOOKUP_ANSWER };
	struct sink_verdict *verdict = &f->verdicts[LOOKUP_ANSWER];
	bool on_answer = is_answered(f->question->facts);
	int err = gather_names(f);

	if (!err)
		err = on_answer
			? sink_decide_answer(f->judge, &f->what, &f->client, consider, &noting,
				  verdict)
			: sink_decide(f->judge, &f->what, &f->client, consider, &noting, verdict);
	if (!err && !on_answer)
		sink_awaited(f->judge, &f->what, &f->client, verdict, f->awaited);
	return err ? err : reach(f, on_answer);
}

/* As the address of a client, whatever it asks for. */
static int decide_client(struct lookup_finding *f)
{
	struct noting noting = { .f = f, .role = LOOKUP_CLIENT };
	const struct sink_case what = { .type = f->what.type, .now = f->what.now };
	struct sink_client client;

	sink_client_of(f->judge, &f->address, what.now, &client);
	return sink_decide(f->judge, &what, &client, consider, &noting,
		&f->verdicts[LOOKUP_CLIENT]);
}

/* As an address of a server that gave an answer, of which nothing else is listed. */
static int decide_server(struct lookup_finding *f)
{
	struct noting noting = { .f = f, .role = LOOKUP_SERVER };
	const struct sink_case what = {
		.type = f->what.type,
		.now = f->what.now,
		.server_addresses = &f->address,
		.server_addresses_count = 1,
	};

	return sink_decide_answer(f->judge, &what, &f->client, consider, &noting,
		&f->verdicts[LOOKUP_SERVER]);
}

/* In an answer of which nothing else is listed; and in other places. */
static int decide_address(struct lookup_finding *f)
{
	struct noting noting = { .f = f, .role = LOOKUP_ANSWER };
	int err;

	f->what.addresses = &f->address;
	f->what.addresses_count = 1;
	err = sink_decide_answer(f->judge, &f->what, &f->client, consider, &noting,
		&f->verdicts[LOOKUP_ANSWER]);
	if (!err)
		err = decide_client(f);
	if (!err)
		err = decide_server(f);
	return err ? err : reach(f, true);
}

static bool is_single(const struct sink_prefix *prefix)
{
	return prefix->bits == (prefix->family == 4 ? 32 : 128);
}

/* --- the question ----------------------------------------------------------------------------- */

static int parse(const char *text, struct lookup_finding *f)
{
	int err;

	f->is_address = host_is_address(sink_span_text(text));
	if (!f->is_address) {
		err = lookup_name(text, &f->name);
		if (err)
			say("'%.300s' is no domain name: %s", text, sink_strerror(err));
		return err;
	}
	err = sink_prefix_from_text(sink_span_text(text), &f->address);
	if (err)
		say("'%.300s' is no address or prefix that could be listed%s", text,
			err == SINK_EINVAL ? ": bits are set behind its length" : "");
	return err ? SINK_ESYNTAX : SINK_OK;
}

int lookup_find(const struct lookup_question *question, struct lookup_finding *f)
{
	int err = parse(question->text, f);

	if (err)
		return err;
	f->question = question;
	f->what.type = question->type;
	f->what.now = question->at;
	for (int i = 0; i < LOOKUP_ROLES; i++)
		f->verdicts[i].rule = f->verdicts[i].monitor = SINK_RULE_NONE;
	sink_client_of(f->judge, question->has_client ? &question->client : NULL, question->at,
		&f->client);
	if (!f->is_address)
		err = decide_name(f);
	else if (is_single(&f->address))
		err = decide_address(f);
	if (!err)
		err = tell_others(f);
	if (!err && f->no_memory)
		err = SINK_ENOMEM;
	if (err)
		say("'%.300s': %s", question->text, sink_strerror(err));
	return err;
}

void lookup_end(struct lookup_finding *f)
{
	free(f->items);
	free(f->places);
	free(f->names);
	f->items = NULL;
	f->places = NULL;
	f->names = NULL;
}

bool lookup_is_paused(const struct lookup_finding *f)
{
	return sink_is_paused(f->manifest, f->question->at);
}

bool lookup_blocks(const struct lookup_finding *f)
{
	for (int i = 0; i < LOOKUP_ROLES; i++)
		if (sink_action_blocks(f->verdicts[i].action))
			return true;
	return false;
}

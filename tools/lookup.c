/* lookup.c - what the resolver would do about a name or an address, and why. It asks the very functions that
 * the resolver asks. The file's digest is checked each time, which is most of what a call costs (0.1 s for
 * 10 million names): what is said here must be true. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "data.h"
#include "feed.h"
#include "host.h"
#include "json.h"
#include "qtype.h"
#include "rdata.h"
#include "say.h"
#include "sinkhole/decide.h"
#include "sinkhole/grow.h"
#include "when.h"

struct question {
	const struct command *self;
	const char *dir, *client; /* client NULL: nobody in particular */
	uint16_t type;
	int64_t at; /* seconds since 1970 */
	bool json;
};

struct considered {
	enum sink_trigger trigger;
	struct sink_listing listing;
	struct sink_record record; /* its text is the database's */
	enum sink_standing standing;
};

/* All that came up about one name or address. */
struct finding {
	const struct question *question;
	struct sink_reader *reader;
	struct considered *items;
	size_t count, size;
	bool no_memory;
	bool is_address;
	struct sink_name name; /* unless it is an address */
	struct sink_prefix address;
	enum sink_trigger trigger; /* that is searched for */
	struct sink_verdict verdict; /* of an address: nothing is done */
};

#define NOT_ENFORCED "not enforced by this version"
#define ADDRESS_NOTE "this version of the resolver does not act upon addresses yet"

static void consider(void *arg, const struct sink_listing *listing,
	const struct sink_record *record, enum sink_standing standing)
{
	struct finding *f = arg;
	struct considered *items = sink_grow(f->items, f->count, &f->size, sizeof *items);

	if (!items) {
		f->no_memory = true;
		return;
	}
	f->items = items;
	f->items[f->count++] = (struct considered){ f->trigger, *listing, *record, standing };
}

/* A listing for a trigger that nobody decides about yet. */
static int note(void *arg, const struct sink_listing *listing)
{
	struct finding *f = arg;
	struct sink_record record;
	int err = sink_reader_record(f->reader, listing->record, &record);

	if (!err)
		consider(f, listing, &record,
			sink_stand(&record, f->is_address ? NULL : &f->name, f->question->at));
	return err ? SINK_ECORRUPT : SINK_OK;
}

static bool is_winner(const struct finding *f, const struct considered *c)
{
	const struct sink_listing *a = &f->verdict.winner, *b = &c->listing;

	return f->verdict.action != SINK_ACTION_NONE && c->trigger == SINK_TRIGGER_QNAME &&
		a->record == b->record && a->scope == b->scope && a->labels == b->labels;
}

/* In force, of the same kind, about the same name: it says what the winner says. */
static bool agrees(const struct finding *f, const struct considered *c)
{
	return f->verdict.action != SINK_ACTION_NONE && c->trigger == SINK_TRIGGER_QNAME &&
		c->standing == SINK_STANDING_ELIGIBLE && c->record.kind == f->verdict.kind &&
		c->listing.labels == f->verdict.winner.labels;
}

static const char *overruled(enum sink_kind by)
{
	return by == SINK_KIND_ALLOW ? "overruled by an allow entry"
				     : "overruled by an important entry";
}

struct outcome {
	char text[80];
};

/* Of an entry that is in force. */
static const char *result(const struct finding *f, const struct considered *c)
{
	if (c->trigger != SINK_TRIGGER_QNAME)
		return NOT_ENFORCED;
	if (is_winner(f, c))
		return "wins";
	if (c->record.kind != f->verdict.kind)
		return overruled(f->verdict.kind);
	return agrees(f, c) ? "agrees" : "less specific";
}

static struct outcome outcome(const struct finding *f, const struct considered *c)
{
	struct outcome out = { "" };

	switch (c->standing) {
	case SINK_STANDING_FUTURE:
		snprintf(out.text, sizeof out.text, "not valid before %s",
			moment(c->record.valid_from).text);
		break;
	case SINK_STANDING_EXPIRED:
		snprintf(out.text, sizeof out.text, "expired at %s",
			moment(c->record.valid_until).text);
		break;
	case SINK_STANDING_EXCEPTED:
		snprintf(out.text, sizeof out.text, "leaves this name alone");
		break;
	case SINK_STANDING_LATER:
		snprintf(out.text, sizeof out.text, NOT_ENFORCED ", it asks for %s",
			c->record.hint == SINK_HINT_TRUNCATE ? "TCP" : "certain query types");
		break;
	case SINK_STANDING_ELIGIBLE:
		snprintf(out.text, sizeof out.text, "%s", result(f, c));
		break;
	}
	return out;
}

struct subject_text {
	char text[SINK_TEXT_MAX];
};

/* What was asked for. */
static struct subject_text asked(const struct finding *f)
{
	struct subject_text out = { "" };

	if (f->is_address)
		sink_prefix_to_text(&f->address, out.text);
	else
		sink_name_to_text(&f->name, out.text);
	return out;
}

/* What is listed: an ancestor of the name asked for, or itself; or a prefix that covers the address. */
static struct subject_text listed(const struct finding *f, uint8_t labels)
{
	struct finding cut = *f;

	if (f->is_address)
		sink_prefix_cut(&cut.address, labels);
	else
		sink_name_cut(&cut.name, labels);
	return asked(&cut);
}

/* --- for people --------------------------------------------------------------------------------- */

#define SHOWN 10 /* names or records of a list; JSON gives them all */

static void put_pair(const char *key, const char *value)
{
	printf(", %s %s", key, value);
}

static void put_types(struct sink_span types)
{
	const char *mark = types.at[0] == 1 ? ", all types but " : ", types ";
	uint16_t type;

	types = sink_span(types.at + 1, types.len - 1);
	for (; sink_types_next(&types, &type); mark = " ")
		printf("%s%s", mark, qtype_text(type).text);
}

static void put_more(size_t count)
{
	if (count > SHOWN)
		printf(" and %zu more", count - SHOWN);
}

static void put_except(struct sink_span except)
{
	char text[SINK_TEXT_MAX];
	struct sink_name name;
	struct sink_span key;
	size_t count = 0;

	for (; sink_except_next(&except, &key); count++)
		if (count < SHOWN && sink_name_from_key(key, &name) == SINK_OK)
			printf("%s%s", count ? " " : ", except ", sink_name_to_text(&name, text));
	put_more(count);
}

static void put_data(struct sink_span data)
{
	struct sink_data item;
	size_t count = 0;

	for (; sink_data_next(&data, &item); count++) {
		char *text = count < SHOWN ? rdata_text(item.type, item.rdata) : NULL;

		if (text)
			printf("%s%s %s (%u s)", count ? "; " : ", data ",
				qtype_text(item.type).text, text, item.ttl);
		free(text);
	}
	put_more(count);
}

static void put_lists(const struct sink_record *r)
{
	if (r->hint != SINK_HINT_NONE)
		put_pair("hint", sink_hint_word(r->hint));
	if (r->types.len > 0)
		put_types(r->types);
	if (r->except.len > 0)
		put_except(r->except);
	if (r->data.len > 0)
		put_data(r->data);
}

static void put_record(const struct sink_record *r)
{
	for (int i = 0; i < SINK_FIELD_COUNT; i++) {
		if (r->text[i].len == 0)
			continue;
		printf(", %s ", sink_field_word((enum sink_field)i));
		put_text(stdout, r->text[i], 200);
	}
	if (r->severity != SINK_SEVERITY_NONE)
		put_pair("severity", sink_severity_word(r->severity));
	if (r->confidence != SINK_CONFIDENCE_NONE)
		printf(", confidence %u", r->confidence);
	if (r->tlp != SINK_TLP_NONE)
		put_pair("tlp", sink_tlp_word(r->tlp));
	if (r->valid_from)
		put_pair("from", moment(r->valid_from).text);
	if (r->valid_until)
		put_pair("until", moment(r->valid_until).text);
	put_lists(r);
}

/* How far it reaches, or for which trigger it is; of a name that is listed for another one, both. */
static void put_reach(const struct considered *c)
{
	const char *trigger = sink_trigger_word(c->trigger);
	const char *scope = sink_scope_word(c->listing.scope);

	if (sink_trigger_is_prefix(c->trigger))
		printf(" (%s)", trigger);
	else if (c->trigger == SINK_TRIGGER_QNAME)
		printf(" (%s)", scope);
	else
		printf(" (%s, %s)", trigger, scope);
}

static void put_considered(const struct finding *f, const struct considered *c)
{
	printf("  %s: %s %s", outcome(f, c).text, sink_kind_word(c->record.kind),
		listed(f, c->listing.labels).text);
	put_reach(c);
	put_record(&c->record);
	putchar('\n');
}

static const char *remark(const struct finding *f)
{
	if (f->count == 0)
		return ", not listed";
	return f->is_address ? "; listed, but " ADDRESS_NOTE : "";
}

/* The winner first, then the others as they were considered. */
static void put_finding(const struct finding *f)
{
	printf("%s: %s%s\n", asked(f).text, sink_action_word(f->verdict.action), remark(f));
	for (size_t i = 0; i < f->count; i++)
		if (is_winner(f, &f->items[i]))
			put_considered(f, &f->items[i]);
	for (size_t i = 0; i < f->count; i++)
		if (!is_winner(f, &f->items[i]))
			put_considered(f, &f->items[i]);
}

/* --- for programs ------------------------------------------------------------------------------- */

static json_t *considered_json(const struct finding *f, const struct considered *c)
{
	json_t *out = json_pack("{s:s,s:s,s:s,s:s}", f->is_address ? "prefix" : "name",
		listed(f, c->listing.labels).text, "scope", sink_scope_word(c->listing.scope),
		"trigger", sink_trigger_word(c->trigger), "outcome", outcome(f, c).text);

	if (f->is_address)
		json_object_del(out, "scope");
	json_object_update_new(out, json_record(&c->record));
	return out;
}

static json_t *all_considered(const struct finding *f)
{
	json_t *out = json_array();

	for (size_t i = 0; i < f->count; i++)
		json_array_append_new(out, considered_json(f, &f->items[i]));
	return out;
}

/* An entry may stand in the list more than once, with another scope. */
static bool is_told(const struct finding *f, size_t item)
{
	uint32_t record = f->items[item].listing.record;

	if (record == f->verdict.winner.record)
		return true;
	for (size_t i = 0; i < item; i++)
		if (agrees(f, &f->items[i]) && f->items[i].listing.record == record)
			return true;
	return false;
}

/* What stands behind the verdict: the winner's record, and those of others that say the same. */
static json_t *records_json(const struct finding *f)
{
	json_t *out = json_array();

	for (size_t i = 0; i < f->count; i++)
		if (is_winner(f, &f->items[i]))
			json_array_append_new(out, json_record(&f->items[i].record));
	for (size_t i = 0; i < f->count; i++)
		if (agrees(f, &f->items[i]) && !is_told(f, i))
			json_array_append_new(out, json_record(&f->items[i].record));
	return out;
}

static json_t *finding_json(const struct finding *f, uint64_t serial)
{
	const struct question *q = f->question;
	bool is_hit = f->verdict.action != SINK_ACTION_NONE;
	json_t *out = json_pack("{s:s,s:s,s:o,s:I,s:s}", "name", asked(f).text, "type",
		qtype_text(q->type).text, "client",
		q->client ? json_text(sink_span_text(q->client)) : json_null(), "generation",
		(json_int_t)serial, "action", sink_action_word(f->verdict.action));

	json_object_update_new(out,
		json_pack("{s:s?,s:s?,s:s?,s:s?,s:o,s:o}", "rule", is_hit ? "default" : NULL,
			"matched", is_hit ? listed(f, f->verdict.winner.labels).text : NULL,
			"scope", is_hit ? sink_scope_word(f->verdict.winner.scope) : NULL,
			"trigger", is_hit ? sink_trigger_word(SINK_TRIGGER_QNAME) : NULL, "records",
			records_json(f), "considered", all_considered(f)));
	if (f->is_address && f->count > 0)
		json_object_set_new(out, "note", json_string(ADDRESS_NOTE));
	return out;
}

/* --- the question ------------------------------------------------------------------------------- */

static bool is_blocked(enum sink_action action)
{
	return action != SINK_ACTION_NONE && action != SINK_ACTION_PASS;
}

/* A URL or host:port, pasted: such a name could exist, but "not listed" would mislead. With a backslash
 * before it, '/' or ':' is part of a name. */
static bool is_url(const char *text)
{
	for (; *text; text++) {
		if (*text == '/' || *text == ':')
			return true;
		if (text[0] == '\\' && text[1])
			text++;
	}
	return false;
}

/* A name as people write it, in Unicode too, or in presentation form with escapes. */
static int parse_name(const char *text, struct sink_name *out)
{
	struct sink_span span = sink_span_text(text);
	bool is_ascii = true;

	if (is_url(text))
		return SINK_ESYNTAX;
	for (size_t i = 0; i < span.len; i++)
		is_ascii = is_ascii && span.at[i] < 0x80;
	if (is_ascii)
		return sink_name_from_text(span, out);
	return host_name(span, out) == FEED_TAKEN ? SINK_OK : SINK_ESYNTAX;
}

/* Listings for triggers that nobody decides about yet. */
static int find_others(struct finding *f)
{
	int err = SINK_OK;

	for (int i = 0; i < SINK_TRIGGER_COUNT && !err; i++) {
		f->trigger = (enum sink_trigger)i;
		if (f->trigger == SINK_TRIGGER_QNAME ||
			sink_trigger_is_prefix(f->trigger) != f->is_address)
			continue;
		if (f->is_address)
			err = sink_reader_find_prefix(f->reader, f->trigger, &f->address, note, f);
		else
			err = sink_reader_find_name(f->reader, f->trigger, &f->name, note, f);
	}
	return err;
}

static int find(struct finding *f)
{
	int err = SINK_OK;

	if (!f->is_address)
		err = sink_decide(f->reader, &f->name, f->question->at, consider, f, &f->verdict);
	if (!err)
		err = find_others(f);
	return !err && f->no_memory ? SINK_ENOMEM : err;
}

static int parse(const char *text, struct finding *f)
{
	int err;

	f->is_address = host_is_address(sink_span_text(text));
	if (!f->is_address) {
		err = parse_name(text, &f->name);
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

static int ask_one(const struct question *q, const char *text, uint64_t serial,
	struct sink_reader *reader, bool *blocked)
{
	struct finding f = { .question = q, .reader = reader };
	int err = parse(text, &f);

	if (err)
		return err;
	err = find(&f);
	if (err)
		say("'%s': %s", text, sink_strerror(err));
	else if (q->json)
		json_print(stdout, finding_json(&f, serial), true);
	else
		put_finding(&f);
	*blocked = *blocked || (!err && is_blocked(f.verdict.action));
	free(f.items);
	return err;
}

static int ask(const struct question *q, int count, char **names, uint64_t serial,
	struct sink_reader *reader, bool *blocked)
{
	int err = SINK_OK;

	for (int i = 0; i < count && !err; i++)
		err = ask_one(q, names[i], serial, reader, blocked);
	return err;
}

static enum status lookup(const struct question *q, int count, char **names)
{
	struct sink_manifest manifest;
	struct sink_why why;
	struct sink_db *db = NULL;
	struct sink_reader *reader = NULL;
	bool blocked = false;
	int err = data_open(q->dir, 0, &why, &manifest, &db);

	if (err == SINK_ENOENT) {
		say("'%s': nothing has been published yet", q->dir);
		return STATUS_DATA; /* not "not listed": there is nothing to ask */
	}
	if (!err)
		err = sink_reader_begin(db, &reader);
	if (err)
		say("%s", why.text[0] ? why.text : sink_strerror(err));
	else
		err = ask(q, count, names, manifest.serial, reader, &blocked);
	sink_reader_end(reader);
	sink_db_close(db);
	if (err)
		return status_of(err);
	return blocked ? STATUS_DONE : STATUS_NO;
}

enum { OPT_CLIENT = 256, OPT_TYPE, OPT_AT, OPT_JSON };

static enum status take_option(void *arg, int key, const char *value)
{
	struct question *q = arg;

	switch (key) {
	case 'd':
		q->dir = value;
		break;
	case OPT_CLIENT:
		q->client = value;
		if (!host_is_address(sink_span_text(value)) || strchr(value, '/'))
			return usage_error(q->self, "--client is an IP address, not '%s'", value);
		break;
	case OPT_TYPE:
		if (!qtype_parse(value, &q->type))
			return usage_error(q->self, "unknown query type '%s'", value);
		break;
	case OPT_AT:
		if (!when_parse(value, &q->at))
			return usage_error(q->self,
				"--at is a time such as 2026-11-21T12:00:00Z, not '%s'", value);
		break;
	case OPT_JSON:
		q->json = true;
		break;
	}
	return STATUS_DONE;
}

static enum status lookup_run(const struct command *self, int argc, char **argv)
{
	struct question q = { .self = self, .type = 1, .at = (int64_t)time(NULL) };
	enum status status;
	int first;

	if (!options_read(self, argc, argv, take_option, &q, &first, &status))
		return status;
	if (first == argc)
		return usage_error(self, "no NAME or IP");
	q.dir = data_directory(q.dir);
	return lookup(&q, argc - first, argv + first);
}

const struct command cmd_lookup = {
	.word = "lookup",
	.operands = "NAME|IP...",
	.summary = "what the resolver would do about a name or an address, and why",
	.details = "Ends with 0 if any name is blocked, 1 if none is. This version's resolver does "
		   "not\n"
		   "act upon addresses yet: which entries cover one is told.\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ OPT_CLIENT, "client", "IP",
				"who asks (all clients are treated alike so far)" },
			{ OPT_TYPE, "type", "QTYPE", "the type asked for (default A)" },
			{ OPT_AT, "at", "TIME", "as of that time, not now" },
			{ OPT_JSON, "json", NULL, "one JSON object a line for each" },
			{ 0 },
		},
	.run = lookup_run,
};

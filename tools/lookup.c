/* lookup.c - what the resolver would do about a name, and why. It asks the very functions that the
 * resolver asks. The file's digest is checked each time, which is most of what a call costs (0.1 s for
 * 10 million names): what is said here must be true. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "data.h"
#include "feed.h"
#include "host.h"
#include "json.h"
#include "qtype.h"
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
	struct sink_listing listing;
	struct sink_record record; /* its text is the database's */
	enum sink_standing standing;
};

/* All that came up about one name. */
struct finding {
	struct considered *items;
	size_t count, size;
	bool no_memory;
	struct sink_name name;
	struct sink_verdict verdict;
};

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
	f->items[f->count++] = (struct considered){ *listing, *record, standing };
}

static bool is_winner(const struct finding *f, const struct considered *c)
{
	const struct sink_listing *a = &f->verdict.winner, *b = &c->listing;

	return f->verdict.action != SINK_ACTION_NONE && a->record == b->record &&
		a->scope == b->scope && a->labels == b->labels;
}

/* In force, of the same kind, about the same name: it says what the winner says. */
static bool agrees(const struct finding *f, const struct considered *c)
{
	return f->verdict.action != SINK_ACTION_NONE && c->standing == SINK_STANDING_ELIGIBLE &&
		c->record.kind == f->verdict.kind && c->listing.labels == f->verdict.winner.labels;
}

static const char *overruled(enum sink_kind by)
{
	return by == SINK_KIND_ALLOW ? "overruled by an allow entry"
				     : "overruled by an important entry";
}

struct outcome {
	char text[64];
};

static struct outcome outcome(const struct finding *f, const struct considered *c)
{
	struct outcome out;

	if (c->standing == SINK_STANDING_FUTURE)
		snprintf(out.text, sizeof out.text, "not valid before %s",
			moment(c->record.valid_from).text);
	else if (c->standing == SINK_STANDING_EXPIRED)
		snprintf(out.text, sizeof out.text, "expired at %s",
			moment(c->record.valid_until).text);
	else if (is_winner(f, c))
		snprintf(out.text, sizeof out.text, "wins");
	else if (c->record.kind != f->verdict.kind)
		snprintf(out.text, sizeof out.text, "%s", overruled(f->verdict.kind));
	else if (agrees(f, c))
		snprintf(out.text, sizeof out.text, "agrees");
	else
		snprintf(out.text, sizeof out.text, "less specific");
	return out;
}

/* The listed name: an ancestor of the one asked for, or itself. */
static char *listed_name(const struct finding *f, uint8_t labels, char out[SINK_TEXT_MAX])
{
	struct sink_name name = f->name;

	sink_name_cut(&name, labels);
	return sink_name_to_text(&name, out);
}

/* --- for people --------------------------------------------------------------------------------- */

static void put_pair(const char *key, const char *value)
{
	printf(", %s %s", key, value);
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
}

static void put_considered(const struct finding *f, const struct considered *c)
{
	char text[SINK_TEXT_MAX];

	printf("  %s: %s %s (%s)", outcome(f, c).text, sink_kind_word(c->record.kind),
		listed_name(f, c->listing.labels, text), sink_scope_word(c->listing.scope));
	put_record(&c->record);
	putchar('\n');
}

/* The winner first, then the others as they were considered. */
static void put_finding(const struct finding *f)
{
	char text[SINK_TEXT_MAX];
	const char *action = sink_action_word(f->verdict.action);

	printf("%s: %s%s\n", sink_name_to_text(&f->name, text), action,
		f->count == 0 ? ", not listed" : "");
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
	char text[SINK_TEXT_MAX];
	json_t *out = json_pack("{s:s,s:s,s:s}", "name", listed_name(f, c->listing.labels, text),
		"scope", sink_scope_word(c->listing.scope), "outcome", outcome(f, c).text);

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

/* The fields that every answer has, an address's too. */
static json_t *frame(const struct question *q, const char *name, uint64_t serial,
	enum sink_action action)
{
	return json_pack("{s:o,s:s,s:o,s:I,s:s}", "name", json_text(sink_span_text(name)), "type",
		qtype_text(q->type).text, "client",
		q->client ? json_text(sink_span_text(q->client)) : json_null(), "generation",
		(json_int_t)serial, "action", sink_action_word(action));
}

static json_t *finding_json(const struct question *q, const struct finding *f, uint64_t serial)
{
	bool is_hit = f->verdict.action != SINK_ACTION_NONE;
	char name[SINK_TEXT_MAX], listed[SINK_TEXT_MAX];
	json_t *out = frame(q, sink_name_to_text(&f->name, name), serial, f->verdict.action);

	json_object_update_new(out,
		json_pack("{s:s?,s:s?,s:s?,s:s?,s:o,s:o}", "rule", is_hit ? "default" : NULL,
			"matched", is_hit ? listed_name(f, f->verdict.winner.labels, listed) : NULL,
			"scope", is_hit ? sink_scope_word(f->verdict.winner.scope) : NULL,
			"trigger", is_hit ? "qname" : NULL, "records", records_json(f),
			"considered", all_considered(f)));
	return out;
}

/* --- the question ------------------------------------------------------------------------------- */

static bool is_blocked(enum sink_action action)
{
	return action != SINK_ACTION_NONE && action != SINK_ACTION_PASS;
}

/* Entries about addresses are a later issue, so an address is never listed. Say it, and say no more. */
static void put_address(const struct question *q, const char *text, uint64_t serial)
{
	json_t *out;

	if (!q->json) {
		put_text(stdout, sink_span_text(text), 100);
		puts(": none, addresses are not listed by this version");
		return;
	}
	out = frame(q, text, serial, SINK_ACTION_NONE);
	json_object_update_new(out,
		json_pack("{s:n,s:n,s:n,s:n,s:[],s:[]}", "rule", "matched", "scope", "trigger",
			"records", "considered"));
	json_print(stdout, out, true);
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

static int ask_name(const struct question *q, const char *text, uint64_t serial,
	struct sink_reader *reader, bool *blocked)
{
	struct finding f = { 0 };
	int err = parse_name(text, &f.name);

	if (err) {
		say("'%.300s' is no domain name: %s", text, sink_strerror(err));
		return err;
	}
	err = sink_decide(reader, &f.name, q->at, consider, &f, &f.verdict);
	if (!err && f.no_memory)
		err = SINK_ENOMEM;
	if (err)
		say("'%s': %s", text, sink_strerror(err));
	else if (q->json)
		json_print(stdout, finding_json(q, &f, serial), true);
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

	for (int i = 0; i < count && !err; i++) {
		if (host_is_address(sink_span_text(names[i])))
			put_address(q, names[i], serial);
		else
			err = ask_name(q, names[i], serial, reader, blocked);
	}
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
		return usage_error(self, "no NAME");
	q.dir = data_directory(q.dir);
	return lookup(&q, argc - first, argv + first);
}

const struct command cmd_lookup = {
	.word = "lookup",
	.operands = "NAME...",
	.summary = "what the resolver would do about a name, and why",
	.details = "Ends with 0 if any name is blocked, 1 if none is.\n",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ OPT_CLIENT, "client", "IP",
				"who asks (all clients are treated alike so far)" },
			{ OPT_TYPE, "type", "QTYPE", "the type asked for (default A)" },
			{ OPT_AT, "at", "TIME", "as of that time, not now" },
			{ OPT_JSON, "json", NULL, "one JSON object a line for each name" },
			{ 0 },
		},
	.run = lookup_run,
};

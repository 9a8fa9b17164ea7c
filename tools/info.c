/* info.c - what the database holds, counted. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "data.h"
#include "json.h"
#include "paused.h"
#include "policy_json.h"
#include "say.h"
#include "signedby.h"

/* Listings under one record. */
struct row {
	uint64_t sum;
	uint64_t scopes[SINK_SCOPE_COUNT]; /* of names asked for */
	uint64_t triggers[SINK_TRIGGER_COUNT];
};

struct counting {
	struct row *rows; /* by record id */
	uint32_t records;
	uint64_t triggers[SINK_TRIGGER_COUNT]; /* listings under all records */
	uint64_t changes; /* live ones, in force */
};

static int count(void *arg, const struct sink_subject *subject, const struct sink_listing *listing)
{
	struct counting *c = arg;
	struct row *row;

	if (listing->record >= c->records || listing->scope >= SINK_SCOPE_COUNT)
		return SINK_ECORRUPT;
	row = &c->rows[listing->record];
	row->sum++;
	row->triggers[subject->trigger]++;
	if (subject->trigger == SINK_TRIGGER_QNAME)
		row->scopes[listing->scope]++;
	c->triggers[subject->trigger]++;
	return SINK_OK;
}

/* By scope, and of other triggers by trigger; called for those that are there. */
static void each_count(const struct row *row, void (*fn)(void *arg, const char *word, uint64_t n),
	void *arg)
{
	for (int i = 0; i < SINK_SCOPE_COUNT; i++)
		if (row->scopes[i] > 0)
			fn(arg, sink_scope_word((enum sink_scope)i), row->scopes[i]);
	for (int i = SINK_TRIGGER_QNAME + 1; i < SINK_TRIGGER_COUNT; i++)
		if (row->triggers[i] > 0)
			fn(arg, sink_trigger_word((enum sink_trigger)i), row->triggers[i]);
}

static void set_count(void *object, const char *word, uint64_t n)
{
	json_object_set_new(object, word, json_integer((json_int_t)n));
}

static void put_count(void *unused, const char *word, uint64_t n)
{
	(void)unused;
	printf(", %s %s", number(n).text, word);
}

static json_t *row_json(const struct row *row, const struct sink_record *record)
{
	json_t *out = json_record(record);

	each_count(row, set_count, out);
	set_count(out, "listings", row->sum);
	return out;
}

static void put_row(const struct row *row, const struct sink_record *record)
{
	printf("%14s  %-9s ", number(row->sum).text,
		record->hint == SINK_HINT_STOP ? sink_hint_word(record->hint)
					       : sink_kind_word(record->kind));
	put_text(stdout, record->text[SINK_FIELD_SOURCE], 80);
	if (record->text[SINK_FIELD_CATEGORY].len > 0) {
		fputs(", ", stdout);
		put_text(stdout, record->text[SINK_FIELD_CATEGORY], 80);
	}
	each_count(row, put_count, NULL);
	if (record->valid_from)
		printf(", from %s", moment(record->valid_from).text);
	if (record->valid_until)
		printf(", until %s", moment(record->valid_until).text);
	putchar('\n');
}

static int show_rows(struct sink_reader *reader, const struct counting *c, json_t *list)
{
	for (uint32_t id = 0; id < c->records; id++) {
		struct sink_record record;
		int err = sink_reader_record(reader, id, &record);

		if (err)
			return err;
		if (list)
			json_array_append_new(list, row_json(&c->rows[id], &record));
		else
			put_row(&c->rows[id], &record);
	}
	return SINK_OK;
}

/* Listings by trigger; names asked for are the usual case, and go without saying if they are all. */
static json_t *triggers_json(const struct counting *c)
{
	json_t *out = json_object();

	for (int i = 0; i < SINK_TRIGGER_COUNT; i++)
		set_count(out, sink_trigger_word((enum sink_trigger)i), c->triggers[i]);
	return out;
}

static void put_triggers(const struct counting *c, uint64_t listings)
{
	const char *mark = "listings by trigger: ";

	if (c->triggers[SINK_TRIGGER_QNAME] == listings)
		return;
	for (int i = 0; i < SINK_TRIGGER_COUNT; i++) {
		if (c->triggers[i] == 0)
			continue;
		printf("%s%s %s", mark, number(c->triggers[i]).text,
			sink_trigger_word((enum sink_trigger)i));
		mark = ", ";
	}
	putchar('\n');
}

/* One rule for everybody is its answer; several are told one by one. */
static void put_policy(const struct sink_policy *policy)
{
	if (policy->rules_count == 1)
		printf("answered with %s\n", sink_action_word(policy->rules[0].action));
	else
		printf("%zu rules, %zu groups\n", policy->rules_count, policy->groups_count);
}

static void put_rules(const struct sink_policy *policy)
{
	for (size_t i = 0; i < policy->groups_count; i++) {
		fputs("group ", stdout);
		put_text(stdout, policy->groups[i].name, 80);
		printf(": %s prefixes\n", number(policy->groups[i].count).text);
	}
	for (size_t i = 0; i < policy->rules_count && policy->rules_count > 1; i++) {
		fputs("rule ", stdout);
		put_text(stdout, policy->rules[i].name, 80);
		fputs(": ", stdout);
		put_rule(stdout, policy, &policy->rules[i]);
		putchar('\n');
	}
}

static bool is_paused(const struct sink_manifest *m)
{
	return sink_is_paused(m, (int64_t)time(NULL));
}

static void put_read(const struct sink_manifest *m)
{
	if (m->read != 0)
		printf("what is new in it was read %s, %s s before it was published\n",
			instant(m->read).text, number((uint64_t)read_to_published(m)).text);
}

static void put_pause(const struct sink_manifest *m)
{
	if (is_paused(m))
		printf("filtering is paused %s\n", paused_text(m).text);
}

static void put_signatures(const struct sink_manifest *m)
{
	if (m->signatures_count > 0)
		printf("%s (whether rightly, verify tells)\n", signedby_text(m).text);
	if (m->expires != 0)
		printf("%s %s\n",
			sink_is_expired(m, (int64_t)time(NULL)) ? "has expired" : "expires",
			moment(m->expires).text);
}

static json_t *info_json(const struct sink_manifest *m, const struct sink_summary *summary,
	const struct counting *c, const struct sink_policy *policy, json_t *rows)
{
	json_t *out = json_pack("{s:I,s:o,s:I,s:I,s:o,s:o,s:O}", "generation",
		(json_int_t)m->serial, "time", json_moment(m->time), "names",
		(json_int_t)summary->names, "listings", (json_int_t)summary->listings, "triggers",
		triggers_json(c), "policy", json_policy(policy), "records", rows);

	json_add_read(out, m);
	if (c->changes > 0)
		set_count(out, "changes", c->changes);
	if (is_paused(m))
		json_object_set_new(out, "paused", paused_json(m));
	if (m->expires != 0)
		json_object_set_new(out, "expires", json_moment(m->expires));
	if (m->signatures_count > 0)
		json_object_set_new(out, "signed-by", signedby_json(m));
	return out;
}

/* A line each. */
static int count_changes(const char *dir, const struct sink_manifest *m, struct sink_why *why,
	uint64_t *out)
{
	uint8_t *text;
	size_t len;
	int err = sink_store_changes(dir, m, why, &text, &len);

	if (err)
		return err;
	*out = 0;
	for (size_t i = 0; i < len; i++)
		*out += text[i] == '\n';
	free(text);
	return SINK_OK;
}

static int show(const struct sink_manifest *m, const struct sink_db *db,
	const struct sink_policy *policy, uint64_t changes, bool json)
{
	struct counting c = { .changes = changes };
	struct sink_summary summary;
	struct sink_reader *reader = NULL;
	json_t *rows = json ? json_array() : NULL;
	int err = SINK_ENOMEM;

	sink_db_summary(db, &summary);
	c.records = summary.records;
	c.rows = calloc(c.records + (size_t)1, sizeof *c.rows);
	if (c.rows)
		err = sink_reader_begin(db, &reader);
	if (!err)
		err = sink_reader_each(reader, count, &c);
	if (!err && !json) {
		printf("generation %llu of %s: %s names, %s listings, ",
			(unsigned long long)m->serial, moment(m->time).text,
			number(summary.names).text, number(summary.listings).text);
		put_policy(policy);
		put_read(m);
		put_pause(m);
		put_signatures(m);
		if (changes > 0)
			printf("%s live change%s over the base\n", number(changes).text,
				plural(changes));
		put_rules(policy);
		put_triggers(&c, summary.listings);
	}
	if (!err)
		err = show_rows(reader, &c, rows);
	if (!err && json)
		json_print(stdout, info_json(m, &summary, &c, policy, rows), false);
	json_decref(rows);
	sink_reader_end(reader);
	free(c.rows);
	return err;
}

static enum status info(const struct view *choice)
{
	const char *dir = data_directory(choice->dir);
	struct sink_manifest manifest;
	struct sink_why why;
	struct sink_db *db = NULL;
	struct sink_policy *policy = NULL;
	uint64_t changes = 0;
	int err = data_open(dir, 0, &why, &manifest, &db);

	if (!err)
		err = data_policy(dir, &manifest, &why, &policy);
	if (!err)
		err = count_changes(dir, &manifest, &why, &changes);
	if (!err)
		err = show(&manifest, db, policy, changes, choice->json);
	sink_policy_free(policy);
	sink_db_close(db);
	if (err)
		say("%s", why.text[0] ? why.text : sink_strerror(err));
	return err == SINK_ENOENT ? STATUS_DATA
				  : status_of(err); /* as lookup: there is nothing to ask */
}

static enum status info_run(const struct command *self, int argc, char **argv)
{
	struct view choice;
	enum status status;

	if (!options_read_view(self, argc, argv, &choice, &status))
		return status;
	return info(&choice);
}

const struct command cmd_info = {
	.word = "info",
	.operands = "",
	.summary = "what the published generation holds: listings by source, category, scope and "
		   "trigger",
	.options =
		(const struct option_row[]){
			{ 'd', "dir", "DIR", "the data directory" },
			{ 256, "json", NULL, "as a JSON object" },
			{ 0 },
		},
	.run = info_run,
};

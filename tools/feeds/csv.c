/* csv.c - any table: which column is what stands in the configuration, or follows from a heading. */
#include <stdio.h>

#include "feed.h"
#include "host.h"
#include "says.h"
#include "table.h"
#include "text.h"
#include "url.h"
#include "utf8.h"

#define NONE TABLE_COLUMNS_MAX /* no column */
#define HEADING_SHOWN 30 /* bytes of each, in messages */
#define LIST_SHOWN 200 /* of all of them */

/* Headings of a column of names, the narrower first. A column of URLs is none: see urlhaus. */
static const char *const name_headings[] = { "fqdn", "hostname", "host", "domain", "name" };

/* What else the first row may say in the place of a name, where nobody told whether it is a heading. */
static const char *const other_headings[] = { "domains", "domain name", "domain_name", "domainname",
	"ip", "ip address", "ip_address", "address", "prefix", "cidr", "url", "value", "indicator",
	"ioc" };

struct column {
	struct sink_span key; /* of attributes.h */
	size_t at;
};

/* Which column is what. */
struct plan {
	bool made;
	size_t name, prefix; /* columns; NONE */
	struct column says[FEED_FIELDS_MAX];
	size_t says_count;
	size_t least, most; /* columns that a row has; empty ones behind them do not count */
};

/* --- finding the columns -------------------------------------------------------------------------- */

static size_t number_of(const char *from)
{
	size_t n = 0;

	for (; *from; from++) {
		if (!text_is_digit((uint8_t)*from))
			return 0;
		n = n * 10 + (size_t)(*from - '0');
		if (n > TABLE_COLUMNS_MAX)
			return NONE + 1;
	}
	return n;
}

static void set_column(struct plan *plan, const char *key, size_t at)
{
	if (strcmp(key, "name") == 0)
		plan->name = at;
	else if (strcmp(key, "prefix") == 0)
		plan->prefix = at;
	else
		plan->says[plan->says_count++] = (struct column){ sink_span_text(key), at };
}

/* Does somebody have to find a heading, or are all columns numbered? */
static bool wants_heading(const struct feed_options *options)
{
	bool has_subject = false;

	for (size_t i = 0; i < options->fields_count; i++) {
		const struct feed_field *field = &options->fields[i];

		if (number_of(field->from) == 0)
			return true;
		has_subject = has_subject || strcmp(field->key, "name") == 0 ||
			strcmp(field->key, "prefix") == 0;
	}
	return !has_subject;
}

/* As much of a heading as a message shows; "?" for what no message can. */
static struct sink_span shown(struct sink_span field)
{
	field = text_trim(field);
	if (field.len > HEADING_SHOWN) {
		field.len = HEADING_SHOWN;
		while (field.len > 0 && (field.at[field.len] & 0xc0) == 0x80)
			field.len--;
	}
	return utf8_is_valid(field) ? field : sink_span_text("?");
}

/* "id, host, date" */
static void list_headings(const struct table_row *row, char out[LIST_SHOWN])
{
	size_t len = 0;

	out[0] = 0;
	for (size_t i = 0; i < row->count && len + HEADING_SHOWN + 3 < LIST_SHOWN; i++) {
		struct sink_span field = shown(row->fields[i]);

		len += (size_t)snprintf(out + len, LIST_SHOWN - len, "%s%.*s", i ? ", " : "",
			(int)field.len, (const char *)field.at);
	}
}

static int no_column(struct sink_why *why, const struct table_row *row, const char *what)
{
	char list[LIST_SHOWN];

	list_headings(row, list);
	return sink_why(why, SINK_ESYNTAX,
		"line %llu: %s; its columns are %s. The source's 'columns:' says which is which: "
		"{name: NUMBER or HEADING, ...}",
		(unsigned long long)row->number, what, list);
}

/* The columns that the options ask for. */
static int find_asked(const struct feed_options *options, const struct table_row *heading,
	struct plan *plan, struct sink_why *why)
{
	char what[200];

	for (size_t i = 0; i < options->fields_count; i++) {
		const struct feed_field *field = &options->fields[i];
		size_t n = number_of(field->from);

		if (n > 0) {
			set_column(plan, field->key, n - 1);
			continue;
		}
		n = table_column(heading, text_trim(sink_span_text(field->from)));
		snprintf(what, sizeof what, "there is no column '%.128s'", field->from);
		if (n == heading->count)
			return no_column(why, heading, what);
		snprintf(what, sizeof what, "the heading '%.128s' stands there twice", field->from);
		if (table_is_twice(heading, n))
			return no_column(why, heading, what);
		set_column(plan, field->key, n);
	}
	return SINK_OK;
}

/* A column that can only be the names. */
static size_t find_names(const struct table_row *heading)
{
	for (size_t i = 0; i < sizeof name_headings / sizeof name_headings[0]; i++) {
		size_t n = table_column(heading, sink_span_text(name_headings[i]));

		if (n < heading->count && !table_is_twice(heading, n))
			return n;
	}
	return NONE;
}

/* Make a plan of a row of headings. */
static int plan_by(const struct feed_options *options, const struct table_row *heading,
	struct plan *out, struct sink_why *why)
{
	struct plan plan = { .made = true, .name = NONE, .prefix = NONE };
	int err = find_asked(options, heading, &plan, why);

	if (err)
		return err;
	if (plan.name == NONE && plan.prefix == NONE)
		plan.name = find_names(heading);
	if (plan.name == NONE && plan.prefix == NONE)
		return no_column(why, heading, "no heading says which column holds the names");
	plan.least = plan.most = heading->count;
	*out = plan;
	return SINK_OK;
}

static bool is_one_of(struct sink_span text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text_is_anycase(text, words[i]))
			return true;
	return false;
}

/* Is that a heading of names, rather than a name? */
static bool is_name_heading(struct sink_span field)
{
	return is_one_of(field, name_headings, sizeof name_headings / sizeof name_headings[0]) ||
		is_one_of(field, other_headings, sizeof other_headings / sizeof other_headings[0]);
}

/* A row without a heading before it: of a plan by numbers, or of a table of one column. It tells how many fields
 * others may have: one more, and a separator in a text has moved those behind it. */
static void plan_without(const struct feed_options *options, const struct table_row *first,
	struct plan *plan)
{
	static const struct table_row none;

	*plan = (struct plan){ .made = true, .name = NONE, .prefix = NONE, .most = first->count };
	for (size_t i = 0; i < options->fields_count; i++)
		if (number_of(options->fields[i].from) > plan->most)
			plan->most = number_of(options->fields[i].from);
	find_asked(options, &none, plan, NULL);
	if (plan->name == NONE && plan->prefix == NONE)
		plan->name = 0;
}

/* "first seen (UTC)": no name, no address, no value. */
static bool is_heading(struct sink_span field)
{
	if (field.len == 0 || field.len > 40)
		return false;
	for (size_t i = 0; i < field.len; i++) {
		uint8_t c = field.at[i];
		bool letter = text_lower(c) >= 'a' && text_lower(c) <= 'z';

		if (!letter && (i == 0 || (!text_is_digit(c) && (c == 0 || !strchr(" _-/()", c)))))
			return false;
	}
	return true;
}

static bool are_headings(const struct table_row *row)
{
	for (size_t i = 0; i < row->count; i++)
		if (!is_heading(row->fields[i]))
			return false;
	return row->count > 1;
}

/* --- rows ----------------------------------------------------------------------------------------- */

static struct sink_span field_at(const struct table_row *row, size_t at)
{
	return at < row->count ? text_trim(row->fields[at]) : sink_span(NULL, 0);
}

/* What one of a row's columns lists. */
struct subject {
	struct sink_span text; /* empty: nothing */
	enum feed_reason reason;
	struct feed_entry entry;
};

static void read_name(struct sink_span text, struct subject *out)
{
	enum sink_scope scope;
	struct sink_span name = host_take_mark(text, &scope);

	out->text = text;
	feed_entry_init(&out->entry);
	out->reason = url_host_entry(name, scope, &out->entry);
	if (!out->reason && name.len < text.len && out->entry.trigger != SINK_TRIGGER_QNAME)
		out->reason = FEED_ADDRESS; /* "*.192.0.2.1" */
}

static void read_prefix(struct sink_span text, struct subject *out)
{
	out->text = text;
	feed_entry_init(&out->entry);
	out->reason = url_host_entry(text, SINK_SCOPE_EXACT, &out->entry);
	if (!out->reason && out->entry.trigger == SINK_TRIGGER_QNAME)
		out->reason = FEED_VALUE_TYPE;
}

/* Where an entry without its value would reach further, last longer or do the opposite, there is none. */
static bool is_vital(struct sink_span key)
{
	return text_is(key, "scope") || text_is(key, "action") || text_is(key, "valid-from") ||
		text_is(key, "valid-until");
}

/* returns  FEED_TAKEN; why the row gives no entry at all */
static enum feed_reason read_says(const struct plan *plan, const struct table_row *row,
	const struct feed_document *document, const struct feed_out *out, struct attributes *says)
{
	const struct sink_record *record = &says->record;
	int64_t now = document->options->now;

	attributes_init(says);
	for (size_t i = 0; i < plan->says_count; i++) {
		struct sink_span key = plan->says[i].key, value = field_at(row, plan->says[i].at);

		if (says_set(says, key, value))
			continue;
		if (is_vital(key))
			return FEED_VALUE;
		feed_skip_detail(out, FEED_VALUE, key, value);
	}
	if (record->valid_until && now && record->valid_until <= now)
		return FEED_EXPIRED;
	return record->valid_until && record->valid_until <= record->valid_from ? FEED_VALUE
										: FEED_TAKEN;
}

static int emit(struct subject *subject, const struct attributes *says, const struct feed_out *out)
{
	struct feed_entry *entry = &subject->entry;

	if (says->has_scope && entry->trigger == SINK_TRIGGER_QNAME)
		entry->scope = says->scope;
	if (says->allow)
		entry->kind = SINK_KIND_ALLOW;
	entry->says = says;
	return out->entry(out->arg, entry);
}

static int take_subjects(const struct plan *plan, const struct table_row *row,
	const struct feed_document *document, struct subject *subjects, const struct feed_out *out)
{
	static const struct attributes nothing = { .record.confidence = SINK_CONFIDENCE_NONE };
	struct attributes says;
	enum feed_reason reason = FEED_TAKEN;
	int err = SINK_OK;

	if (plan->says_count > 0)
		reason = read_says(plan, row, document, out, &says);
	if (reason) {
		feed_skip(out, reason, row->text);
		return SINK_OK;
	}
	for (int i = 0; i < 2 && !err; i++)
		if (subjects[i].text.len > 0 && !subjects[i].reason)
			err = emit(&subjects[i], plan->says_count > 0 ? &says : &nothing, out);
	return err;
}

/* A row has as many fields as its heading, or empty ones more: else nobody knows which is which. */
static bool fits(const struct plan *plan, const struct table_row *row)
{
	for (size_t i = plan->most; i < row->count; i++)
		if (text_trim(row->fields[i]).len > 0)
			return false;
	return row->count >= plan->least;
}

static int take_row(const struct plan *plan, const struct table_row *row,
	const struct feed_document *document, const struct feed_out *out)
{
	struct subject subjects[2] = { { .reason = FEED_TAKEN } };
	bool any = false, good = false;

	if (fits(plan, row)) {
		read_name(field_at(row, plan->name), &subjects[0]);
		read_prefix(field_at(row, plan->prefix), &subjects[1]);
	}
	for (int i = 0; i < 2; i++) {
		any = any || subjects[i].text.len > 0;
		good = good || (subjects[i].text.len > 0 && !subjects[i].reason);
	}
	if (!any)
		feed_skip(out, FEED_COLUMN, row->text);
	for (int i = 0; i < 2; i++)
		if (subjects[i].text.len > 0 && subjects[i].reason)
			feed_skip(out, subjects[i].reason, subjects[i].text);
	return good ? take_subjects(plan, row, document, subjects, out) : SINK_OK;
}

/* --- the document --------------------------------------------------------------------------------- */

/* A heading may be a comment: "# domain,seen". Most comments are none. */
static void try_comment(const struct feed_document *document, const struct table_row *comment,
	struct plan *plan)
{
	struct table_row heading = { .number = comment->number };

	table_cut(table_comment(comment->text), document->options->separator, &heading);
	if (are_headings(&heading))
		plan_by(document->options, &heading, plan, NULL);
}

/* The first row that is none of comments and mistakes: *taken tells that it was a heading. */
static int judge_first(const struct feed_document *document, const struct table_row *row,
	struct plan *plan, bool *taken)
{
	const struct feed_options *options = document->options;

	*taken = plan->made && are_headings(row) && plan_by(options, row, plan, NULL) == SINK_OK;
	if (plan->made)
		return SINK_OK;
	if (!wants_heading(options) || (options->fields_count == 0 && row->count == 1)) {
		plan_without(options, row, plan);
		*taken = is_name_heading(field_at(row, plan->name)) ||
			is_name_heading(field_at(row, plan->prefix));
		return SINK_OK;
	}
	*taken = true;
	return plan_by(options, row, plan, document->why);
}

static int judge(const struct feed_document *document, const struct table_row *row,
	struct plan *plan, bool *begun, const struct feed_out *out)
{
	bool heading = false;
	int err = SINK_OK;

	if (row->reason) {
		feed_skip(out, row->reason, row->text);
		return SINK_OK;
	}
	if (row->comment) {
		if (!*begun && wants_heading(document->options))
			try_comment(document, row, plan);
		return SINK_OK;
	}
	if (!*begun)
		err = judge_first(document, row, plan, &heading);
	*begun = true;
	return err || heading ? err : take_row(plan, row, document, out);
}

static int csv_document(const struct feed_document *document, const struct feed_out *out)
{
	struct plan plan = { .made = false };
	const struct table_row *row;
	bool begun = false;
	struct table *table;
	int err = table_begin(document->lines, document->options->separator, &table);

	if (err)
		return sink_why(document->why, err, "no memory");
	while (!err && (err = table_next(table, &row)) == SINK_OK) {
		out->item(out->arg, row->number);
		err = judge(document, row, &plan, &begun, out);
	}
	table_end(table);
	return err == SINK_ENOENT ? SINK_OK : err;
}

/* --- recognition ---------------------------------------------------------------------------------- */

/* Headings, and a row of as many fields. */
static bool csv_begins(struct sink_span sample)
{
	struct table_row row;
	bool comment = true, found = false;
	struct sink_span line;
	size_t count = 0;
	char by = 0;

	while (comment && table_sample(&sample, &line, &comment)) {
		table_cut(table_comment(line), 0, &row);
		if (!are_headings(&row) || find_names(&row) == NONE)
			continue;
		found = true;
		count = row.count;
		by = table_separator(line);
	}
	if (comment || !found)
		return false;
	if (are_headings(&row) && !table_sample(&sample, &line, &comment))
		return true; /* of nothing */
	table_cut(line, by, &row);
	return row.count == count || text_find(sample, '\n') == sample.len;
}

const struct feed_format feed_csv = {
	.word = "csv",
	.summary = "any table with a column of names or addresses (columns: {name: ...})",
	.scope = "subtree (*.NAME: below)",
	.document = csv_document,
	.begins = csv_begins,
};

/* export_lists.c - what is listed, as JSON lines, as a list of domains, and as a hosts file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "export_names.h"
#include "json.h"
#include "say.h"

static void subject_text(const struct sink_subject *subject, char out[SINK_TEXT_MAX])
{
	if (sink_trigger_is_prefix(subject->trigger))
		sink_prefix_to_text(&subject->prefix, out);
	else
		sink_name_to_text(&subject->name, out);
}

/* --- json ------------------------------------------------------------------------------------- */

static int put_json(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	bool is_prefix = sink_trigger_is_prefix(subject->trigger);
	struct sink_record record;
	char text[SINK_TEXT_MAX];
	json_t *out;

	if (sink_reader_record(arg, listing->record, &record))
		return SINK_ECORRUPT;
	subject_text(subject, text);
	out = json_pack("{s:s,s:s}", is_prefix ? "prefix" : "name", text, "trigger",
		sink_trigger_word(subject->trigger));
	if (!is_prefix)
		json_object_set_new(out, "scope", json_string(sink_scope_word(listing->scope)));
	json_object_update_new(out, json_record(&record));
	return json_print(stdout, out, true) ? SINK_OK : SINK_EIO;
}

static int write_json(const struct export_order *order)
{
	struct sink_reader *reader = sink_judge_reader(order->judge);

	return sink_reader_each(reader, put_json, reader);
}

const struct export_format export_json = {
	.word = "json",
	.summary = "everything that is listed, an object a line",
	.write = write_json,
};

/* --- domains ---------------------------------------------------------------------------------- */

/* A name that is blocked with all below it, unless something below is not. */
struct candidate {
	struct sink_name name;
	bool is_spoilt;
};

struct domains {
	const struct export_order *order;
	struct sink_reader *reader;
	struct name_judge judge;
	struct sink_name last; /* judged: a name may be listed more than once */
	bool has_last, is_below_judged; /* and what is below it */
	struct candidate held[SINK_LABELS_MAX + 1]; /* each below the one before it */
	size_t count;
	uint64_t written, left_out;
};

static bool is_below(const struct sink_name *name, const struct sink_name *domain)
{
	return name->len >= domain->len &&
		(domain->len == 0 || memcmp(name->key, domain->key, domain->len) == 0);
}

/* Names come in canonical order: what is not below a candidate comes after all that is. */
static int settle(struct domains *d, const struct sink_name *next)
{
	char text[SINK_TEXT_MAX];

	while (d->count > 0 && (!next || !is_below(next, &d->held[d->count - 1].name))) {
		const struct candidate *done = &d->held[--d->count];

		if (done->is_spoilt)
			d->left_out++;
		else if (puts(sink_name_to_text(&done->name, text)) == EOF)
			return SINK_EIO;
		else
			d->written++;
	}
	return SINK_OK;
}

static void spoil(struct domains *d)
{
	for (size_t i = 0; i < d->count; i++)
		d->held[i].is_spoilt = true;
}

/* Does what decided block the name itself and all below? */
static int is_whole(const struct domains *d, const struct sink_verdict *verdict, bool *out)
{
	struct sink_record record;

	if (sink_reader_record(d->reader, verdict->winner.record, &record))
		return SINK_ECORRUPT;
	*out = verdict->winner.scope == SINK_SCOPE_SUBTREE && record.except.len == 0 &&
		d->order->policy->rules[verdict->rule].types.len == 0 &&
		verdict->action != SINK_ACTION_TRUNCATE;
	return SINK_OK;
}

static int take_name(struct domains *d, const struct sink_name *name)
{
	uint8_t wire[SINK_WIRE_MAX];
	struct sink_verdict verdict;
	bool blocks, whole = false;
	int err = name_judge_blocks(&d->judge, sink_span(wire, sink_name_to_wire(name, wire)),
		&blocks, &verdict);

	if (!err && !blocks)
		spoil(d);
	if (!err && blocks && verdict.has_entry)
		err = is_whole(d, &verdict, &whole);
	if (!err && whole && d->count < sizeof d->held / sizeof d->held[0])
		d->held[d->count++] = (struct candidate){ .name = *name };
	else
		d->left_out++;
	return err;
}

/* What is let through below a name is below all that is held. */
static int look_below(struct domains *d, const struct sink_name *name)
{
	uint8_t wire[2 + SINK_WIRE_MAX] = { 1, '*' };
	size_t len = 2 + sink_name_to_wire(name, wire + 2);
	struct sink_verdict verdict;
	bool blocks;
	int err;

	if (d->is_below_judged || len > SINK_WIRE_MAX)
		return SINK_OK;
	d->is_below_judged = true;
	err = name_judge_blocks(&d->judge, sink_span(wire, len), &blocks, &verdict);
	if (!err && !blocks)
		spoil(d);
	return err;
}

static int put_domain(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	struct domains *d = arg;
	const struct sink_name *name = &subject->name;
	int err = SINK_OK;

	if (subject->trigger != SINK_TRIGGER_QNAME) {
		d->left_out++;
		return SINK_OK;
	}
	if (!d->has_last || !sink_span_equal(sink_name_key(&d->last), sink_name_key(name))) {
		d->last = *name;
		d->has_last = true;
		d->is_below_judged = false;
		err = settle(d, name);
		if (!err)
			err = take_name(d, name);
	}
	return err || listing->scope == SINK_SCOPE_EXACT ? err : look_below(d, name);
}

/* A list of domains blocks each with all that is below: what reaches less far, or spares
 * a name, is left out, never widened. */
static int write_domains(const struct export_order *order)
{
	struct domains *d = calloc(1, sizeof *d);
	int err;

	if (!d)
		return SINK_ENOMEM;
	d->order = order;
	d->reader = sink_judge_reader(order->judge);
	name_judge_begin(&d->judge, order);
	err = sink_reader_each(d->reader, put_domain, d);
	if (!err)
		err = settle(d, NULL);
	if (!err && d->left_out > 0)
		say("%s domains; %s entries left out, which a list of domains cannot say",
			number(d->written).text, number(d->left_out).text);
	free(d);
	return err;
}

const struct export_format export_domains = {
	.word = "domains",
	.summary = "names that are blocked with all below them, one a line",
	.write = write_domains,
};

/* --- hosts ------------------------------------------------------------------------------------ */

struct hosts {
	struct name_judge judge;
	struct sink_name last; /* judged: a name may be listed more than once */
	bool has_last;
	uint64_t written, left_out;
};

/* What a hosts file can hold: names of hosts, underscores with them, as feeds have them. */
static bool is_host(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.");

	return text[len] == 0 && strcmp(text, ".") != 0;
}

static int put_host(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	struct hosts *h = arg;
	const struct sink_name *name = &subject->name;
	uint8_t wire[SINK_WIRE_MAX];
	struct sink_verdict verdict;
	char text[SINK_TEXT_MAX];
	bool blocks;
	int err;

	if (subject->trigger != SINK_TRIGGER_QNAME) {
		h->left_out++;
		return SINK_OK;
	}
	h->left_out += listing->scope != SINK_SCOPE_EXACT; /* what is below */
	if (h->has_last && sink_span_equal(sink_name_key(&h->last), sink_name_key(name)))
		return SINK_OK;
	h->last = *name;
	h->has_last = true;
	err = name_judge_blocks(&h->judge, sink_span(wire, sink_name_to_wire(name, wire)), &blocks,
		&verdict);
	if (err || !blocks)
		return err;
	if (!is_host(sink_name_to_text(name, text))) {
		h->left_out++;
		return SINK_OK;
	}
	h->written++;
	return printf("0.0.0.0 %s\n", text) < 0 ? SINK_EIO : SINK_OK;
}

/* A line of a hosts file is about a name alone: what is below is left out. */
static int write_hosts(const struct export_order *order)
{
	struct hosts h = { .written = 0 };
	int err;

	name_judge_begin(&h.judge, order);
	err = sink_reader_each(sink_judge_reader(order->judge), put_host, &h);
	if (!err && h.left_out > 0)
		say("%s names; of %s entries, all or what is below their names is left out, which "
		    "a hosts "
		    "file cannot say",
			number(h.written).text, number(h.left_out).text);
	return err;
}

const struct export_format export_hosts = {
	.word = "hosts",
	.summary = "names that are blocked themselves, as a hosts file",
	.write = write_hosts,
};

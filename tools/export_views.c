/* export_views.c - clients that are kept from everything, as clauses of unbound.conf(5): to each view its prefixes.
 *
 * Unbound goes by the longest prefix. A region without a view inside one that has one is therefore cut out: were it
 * written down, Unbound would let its clients in whatever its other access-control lines say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export_acl.h"
#include "qtype.h"
#include "rdata.h"
#include "say.h"
#include "sinkhole/name.h"

struct writing {
	const struct export_order *order;
	const struct acl *acl;
};

/* --- prefixes --------------------------------------------------------------------------------- */

static void put_prefix(const struct sink_prefix *prefix, size_t view)
{
	char text[SINK_PREFIX_TEXT_MAX];

	printf("\taccess-control-view: %s sinkhole-%zu\n", sink_prefix_to_text(prefix, text), view);
}

/* One half of a prefix: 0 or 1. */
static struct sink_prefix half(const struct sink_prefix *prefix, int which)
{
	struct sink_prefix out = *prefix;

	if (which)
		out.bytes[out.bits / 8] |= (uint8_t)(0x80 >> out.bits % 8);
	out.bits++;
	return out;
}

/* Of regions from `from` to `to`, those that a prefix covers; they are side by side. */
static void narrow(const struct acl *acl, const struct sink_prefix *prefix, size_t *from,
	size_t *to)
{
	while (*from < *to && !sink_prefix_covers(prefix, &acl->regions[*from].prefix))
		(*from)++;
	while (*from < *to && !sink_prefix_covers(prefix, &acl->regions[*to - 1].prefix))
		(*to)--;
}

static bool has_hole(const struct acl *acl, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (acl->regions[i].view == ACL_NO_VIEW)
			return true;
	return false;
}

/* Give the clients of a prefix a view, but for those of other regions within it: from `from` to `to`. */
static void cover(const struct acl *acl, const struct sink_prefix *prefix, size_t view, size_t from,
	size_t to)
{
	narrow(acl, prefix, &from, &to);
	if (from < to && sink_prefix_compare(&acl->regions[from].prefix, prefix) == 0) {
		if (acl->regions[from].view != view)
			return; /* what is written for that region holds */
		from++;
	}
	if (!has_hole(acl, from, to)) {
		put_prefix(prefix, view);
		return;
	}
	for (int which = 0; which < 2; which++) {
		struct sink_prefix part = half(prefix, which);

		cover(acl, &part, view, from, to);
	}
}

static size_t end_of(const struct acl *acl, size_t number)
{
	size_t end = number + 1;

	while (end < acl->count &&
		sink_prefix_covers(&acl->regions[number].prefix, &acl->regions[end].prefix))
		end++;
	return end;
}

static void put_why(const struct writing *w, const struct acl_region *region)
{
	struct sink_reader *reader = sink_judge_reader(w->order->judge);
	const struct sink_policy *policy = w->order->policy;
	char text[SINK_PREFIX_TEXT_MAX];
	struct sink_record record;

	printf("\t# %s: ", sink_prefix_to_text(&region->prefix, text));
	if (region->verdict.rule < policy->rules_count) {
		fputs("rule ", stdout);
		put_text(stdout, policy->rules[region->verdict.rule].name, 80);
	}
	if (region->verdict.has_entry &&
		sink_reader_record(reader, region->verdict.winner.record, &record) == SINK_OK) {
		fputs(", source ", stdout);
		put_text(stdout, record.text[SINK_FIELD_SOURCE], 80);
		if (record.valid_until)
			printf(", until %s", moment(record.valid_until).text);
	}
	if (region->reason)
		printf(": left to the module, %s", region->reason);
	putchar('\n');
}

static void put_region(const struct writing *w, size_t number)
{
	const struct acl *acl = w->acl;
	const struct acl_region *region = &acl->regions[number];
	size_t around =
		region->parent == SIZE_MAX ? ACL_NO_VIEW : acl->regions[region->parent].view;

	if (region->reason)
		put_why(w, region);
	if (region->view == ACL_NO_VIEW || region->view == around)
		return;
	put_why(w, region);
	cover(acl, &region->prefix, region->view, number + 1, end_of(acl, number));
}

/* --- what a view answers ------------------------------------------------------------------------ */

static const char *const zone_types[SINK_ACTION_COUNT] = {
	[SINK_ACTION_NXDOMAIN] = "always_nxdomain",
	[SINK_ACTION_NODATA] = "always_nodata",
	[SINK_ACTION_REFUSED] = "always_refuse",
	[SINK_ACTION_DROP] = "always_deny",
	[SINK_ACTION_SINKHOLE] = "redirect",
	[SINK_ACTION_DATA] = "redirect",
};

/* In single quotes, within which Unbound knows no escape: an apostrophe of the text is written as a number. */
static void put_local_data(uint32_t ttl, uint16_t type, struct sink_span rdata)
{
	char *text = rdata_text(type, rdata);

	printf("\tlocal-data: '. %u IN %s ", ttl, qtype_text(type).text);
	for (const char *c = text; c && *c; c++)
		if (*c == '\'')
			fputs("\\039", stdout);
		else
			putchar(*c);
	puts("'");
	free(text);
}

static void put_answer(const struct sink_form *form)
{
	struct sink_span rest = form->data;
	struct sink_data item;

	for (uint8_t i = 0; i < form->a_count; i++)
		put_local_data(form->ttl, 1, sink_span(form->a[i], 4));
	for (uint8_t i = 0; i < form->aaaa_count; i++)
		put_local_data(form->ttl, 28, sink_span(form->aaaa[i], 16));
	while (sink_data_next(&rest, &item))
		put_local_data(item.ttl, item.type, item.rdata);
}

/* --- names that a view leaves to the module ----------------------------------------------------- */

struct sparing {
	const struct writing *w;
	const struct acl_view *view;
	bool has_pass; /* a rule before the view's lets clients pass */
	bool has_last, is_spared,
		is_judged[2]; /* the name, as itself and as one that others are below */
	struct sink_name last;
};

static int judge(const struct sparing *s, const struct sink_name *name, bool below, bool *out)
{
	uint8_t wire[2 + SINK_WIRE_MAX] = { 1, '*' };
	size_t len = sink_name_to_wire(name, wire + 2);

	if (!below)
		return acl_is_blocked(s->w->order, s->view, sink_span(wire + 2, len), out);
	if (len + 2 > SINK_WIRE_MAX) {
		*out = true; /* no name is below it */
		return SINK_OK;
	}
	return acl_is_blocked(s->w->order, s->view, sink_span(wire, len + 2), out);
}

static void put_spared(const struct sink_name *name)
{
	char text[SINK_TEXT_MAX];

	printf("\tlocal-zone: \"");
	for (const char *c = sink_name_to_text(name, text); *c; c++)
		printf(*c == '"' ? "\\034" : "%c", *c);
	printf("\" transparent\n");
}

static void turn_to(struct sparing *s, const struct sink_name *name)
{
	if (s->has_last && sink_span_equal(sink_name_key(&s->last), sink_name_key(name)))
		return;
	s->last = *name;
	s->has_last = true;
	s->is_spared = s->is_judged[0] = s->is_judged[1] = false;
}

/* A name that an earlier rule, or an allow entry for the same one, lets these clients have. */
static int spare(void *arg, const struct sink_subject *subject, const struct sink_listing *listing)
{
	struct sparing *s = arg;
	bool below = listing->scope == SINK_SCOPE_BELOW, blocked = true;
	struct sink_record record;
	int err;

	if (subject->trigger != SINK_TRIGGER_QNAME)
		return SINK_OK;
	err = sink_reader_record(sink_judge_reader(s->w->order->judge), listing->record, &record);
	if (err || (record.kind != SINK_KIND_ALLOW && !s->has_pass))
		return err ? SINK_ECORRUPT : SINK_OK;
	turn_to(s, &subject->name);
	if (s->is_spared || s->is_judged[below])
		return SINK_OK;
	s->is_judged[below] = true;
	err = judge(s, &subject->name, below, &blocked);
	if (!err && !blocked) {
		s->is_spared = true;
		put_spared(&subject->name);
	}
	return err;
}

static int put_view(const struct writing *w, size_t number)
{
	const struct acl_view *view = &w->acl->views[number];
	struct sparing sparing = { .w = w, .view = view };

	for (size_t i = 0; i < view->verdict.rule; i++)
		if (w->order->policy->rules[i].action == SINK_ACTION_PASS)
			sparing.has_pass = true;
	printf("view:\n\tname: \"sinkhole-%zu\" # rule ", number);
	put_text(stdout, w->order->policy->rules[view->verdict.rule].name, 80);
	printf(": %s\n\tview-first: no\n\tlocal-zone: \".\" %s\n",
		sink_action_word(view->verdict.action), zone_types[view->verdict.action]);
	put_answer(&view->verdict.form);
	return sink_reader_each(sink_judge_reader(w->order->judge), spare, &sparing);
}

/* --- */

int acl_write(const struct export_order *order, const struct acl *acl)
{
	const struct writing w = { .order = order, .acl = acl };
	int err = SINK_OK;

	printf("# unbound.conf(5): clients that generation %llu lists, as of %s. Export again when "
	       "what is "
	       "published changes.\n",
		(unsigned long long)order->serial, moment(order->now).text);
	if (acl->count == 0)
		puts("# None: no rule is needed here.");
	if (acl->views_count > 0)
		puts("server:");
	for (size_t i = 0; i < acl->count; i++)
		put_region(&w, i);
	for (size_t i = 0; i < acl->views_count && !err; i++)
		err = put_view(&w, i);
	return err;
}

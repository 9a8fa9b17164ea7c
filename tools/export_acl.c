/* export_acl.c - the clients that are listed, as regions whose clients all have one verdict. What Unbound cannot be
 * told exactly is left to the module: a client may then get what is cached, and is never kept from more than
 * the policy says. */
#include "export_acl.h"

#include <stdlib.h>

#include "sinkhole/grow.h"

/* --- regions ---------------------------------------------------------------------------------- */

static int add_region(struct acl *acl, const struct sink_prefix *prefix, bool is_entry)
{
	struct acl_region *grown = sink_grow(acl->regions, acl->count, &acl->room, sizeof *grown);

	if (!grown)
		return SINK_ENOMEM;
	acl->regions = grown;
	grown[acl->count++] = (struct acl_region){
		.prefix = *prefix,
		.parent = is_entry, /* until they are sorted */
		.view = ACL_NO_VIEW,
		.verdict = { .rule = SINK_RULE_NONE },
	};
	return SINK_OK;
}

static int add_entry(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	(void)listing;
	return subject->trigger == SINK_TRIGGER_CLIENT ? add_region(arg, &subject->prefix, true)
						       : SINK_OK;
}

static int add_groups(const struct sink_policy *policy, struct acl *acl)
{
	int err = SINK_OK;

	for (size_t g = 0; g < policy->groups_count && !err; g++)
		for (size_t i = 0; i < policy->groups[g].count && !err; i++)
			err = add_region(acl, &policy->groups[g].prefixes[i], false);
	return err;
}

/* Entries before groups of the same prefix. */
static int compare(const void *a, const void *b)
{
	const struct acl_region *x = a, *y = b;
	int order = sink_prefix_compare(&x->prefix, &y->prefix);

	return order ? order : (x->parent < y->parent) - (x->parent > y->parent);
}

/* Groups matter within entries; each prefix counts once. */
static void keep_needed(struct acl *acl)
{
	struct sink_prefix around = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < acl->count; i++) {
		const struct acl_region *region = &acl->regions[i];
		bool is_within = around.family && sink_prefix_covers(&around, &region->prefix);

		if (!is_within && !region->parent)
			continue;
		if (!is_within)
			around = region->prefix;
		if (kept > 0 &&
			sink_prefix_compare(&acl->regions[kept - 1].prefix, &region->prefix) == 0)
			continue;
		acl->regions[kept++] = *region;
	}
	acl->count = kept;
}

static void find_parents(struct acl *acl)
{
	for (size_t i = 0; i < acl->count; i++) {
		size_t parent = i > 0 ? i - 1 : SIZE_MAX;

		while (parent != SIZE_MAX &&
			!sink_prefix_covers(&acl->regions[parent].prefix, &acl->regions[i].prefix))
			parent = acl->regions[parent].parent;
		acl->regions[i].parent = parent;
	}
}

static unsigned width(const struct sink_prefix *prefix)
{
	return prefix->family == 4 ? 32 : 128;
}

/* The first address behind a prefix; false: there is none. */
static bool step_over(const struct sink_prefix *prefix, struct sink_prefix *address)
{
	*address = *prefix;
	address->bits = (uint8_t)width(prefix);
	for (unsigned bit = prefix->bits; bit-- > 0;) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		address->bytes[bit / 8] ^= mask;
		if (address->bytes[bit / 8] & mask)
			return true;
	}
	return false;
}

/* An address of the region, which may be none: those within may cover it all. */
static bool pick_address(const struct acl *acl, size_t number, struct sink_prefix *out)
{
	const struct sink_prefix *prefix = &acl->regions[number].prefix;

	*out = *prefix;
	out->bits = (uint8_t)width(prefix);
	for (size_t i = number + 1; i < acl->count; i++) {
		if (!sink_prefix_covers(&acl->regions[i].prefix, out))
			if (!sink_prefix_covers(prefix, &acl->regions[i].prefix) ||
				sink_prefix_compare(&acl->regions[i].prefix, out) > 0)
				break;
		if (sink_prefix_covers(&acl->regions[i].prefix, out) &&
			!step_over(&acl->regions[i].prefix, out))
			return false;
	}
	return sink_prefix_covers(prefix, out);
}

/* --- clients of a region ---------------------------------------------------------------------- */

/* Is it for some of the queries of these clients only? */
static bool is_conditional(const struct sink_rule *rule, bool is_single)
{
	if (rule->types.len > 0 || rule->schedule != SINK_SCHEDULE_NONE)
		return true;
	return !is_single && (rule->client_countries.count > 0 || rule->share != SINK_SHARE_ALL);
}

static bool is_for_group(const struct sink_rule *rule, uint16_t group)
{
	return group == SINK_GROUP_OTHERS ? rule->is_for_others : rule->groups >> group & 1;
}

static void vary(const struct sink_policy *policy, bool is_single, const struct sink_client *client,
	struct sink_client *most, struct sink_client *least)
{
	*most = *least = *client;
	for (size_t i = 0; i < policy->rules_count; i++) {
		uint64_t bit = (uint64_t)1 << i % 64;

		if (!is_conditional(&policy->rules[i], is_single))
			continue;
		least->rules[i / 64] &= ~bit;
		if (is_for_group(&policy->rules[i], client->group))
			most->rules[i / 64] |= bit;
	}
}

static bool is_same(const struct sink_verdict *a, const struct sink_verdict *b)
{
	return a->action == b->action && a->rule == b->rule && a->waits == b->waits &&
		a->has_entry == b->has_entry &&
		(!a->has_entry || a->winner.record == b->winner.record);
}

/* What Unbound cannot do in the module's place; NULL: nothing. */
static const char *obstacle(const struct sink_verdict *verdict)
{
	if (verdict->waits)
		return "an earlier rule looks at the answer";
	if (verdict->action == SINK_ACTION_CNAME)
		return "Unbound would ask the module about the target";
	if (verdict->action == SINK_ACTION_TRUNCATE)
		return "Unbound would truncate over TCP, too";
	return NULL;
}

/* --- views ------------------------------------------------------------------------------------ */

/* Whose clients have the same verdict about every name. A rule that is LISTED may say it by records of the entry. */
static bool is_view(const struct acl_view *view, const struct acl_view *other)
{
	const struct sink_verdict *a = &view->verdict, *b = &other->verdict;

	return a->action == b->action && a->rule == b->rule && a->kind == b->kind &&
		sink_span_equal(a->form.data, b->form.data) &&
		memcmp(view->most.rules, other->most.rules, sizeof view->most.rules) == 0 &&
		memcmp(view->least.rules, other->least.rules, sizeof view->least.rules) == 0;
}

static int find_view(struct acl *acl, const struct acl_view *wanted, size_t *out)
{
	struct acl_view *grown;

	for (size_t i = 0; i < acl->views_count; i++) {
		if (is_view(&acl->views[i], wanted)) {
			*out = i;
			return SINK_OK;
		}
	}
	grown = sink_grow(acl->views, acl->views_count, &acl->views_room, sizeof *grown);
	if (!grown)
		return SINK_ENOMEM;
	acl->views = grown;
	*out = acl->views_count;
	grown[acl->views_count++] = *wanted;
	return SINK_OK;
}

static int decide(const struct export_order *order, const struct sink_client *client,
	struct sink_span name, struct sink_verdict *out)
{
	const struct sink_case what = {
		.now = order->now, .names = &name, .names_count = name.len > 0
	};

	return sink_decide(order->judge, &what, client, NULL, NULL, out);
}

int acl_is_blocked(const struct export_order *order, const struct acl_view *view,
	struct sink_span name, bool *out)
{
	struct sink_verdict most, least;
	int err = decide(order, &view->most, name, &most);

	if (err)
		return err;
	err = decide(order, &view->least, name, &least);
	if (err)
		return err;
	*out = sink_action_blocks(most.action) && sink_action_blocks(least.action) && !most.waits &&
		!least.waits;
	return SINK_OK;
}

static int is_for_types(const struct export_order *order, const struct sink_verdict *verdict,
	bool *out)
{
	struct sink_record record;

	if (sink_reader_record(sink_judge_reader(order->judge), verdict->winner.record, &record))
		return SINK_ECORRUPT;
	*out = record.types.len > 0;
	return SINK_OK;
}

static int judge_region(const struct export_order *order, struct acl *acl, size_t number)
{
	struct acl_region *region = &acl->regions[number];
	bool is_single = region->prefix.bits == width(&region->prefix), typed = false;
	struct sink_client client;
	struct sink_verdict least;
	struct acl_view view = { 0 };
	struct sink_prefix address;
	int err;

	if (!pick_address(acl, number, &address))
		return SINK_OK;
	sink_client_of(order->judge, &address, order->now, &client);
	vary(order->policy, is_single, &client, &view.most, &view.least);
	err = decide(order, &view.most, sink_span(NULL, 0), &view.verdict);
	if (!err)
		err = decide(order, &view.least, sink_span(NULL, 0), &least);
	if (err)
		return err;
	region->verdict = view.verdict;
	if (!sink_action_blocks(view.verdict.action) && !sink_action_blocks(least.action))
		return SINK_OK;
	if (view.verdict.has_entry)
		err = is_for_types(order, &view.verdict, &typed);
	if (!is_same(&view.verdict, &least))
		region->reason = "it depends on type, time, country or share";
	else
		region->reason =
			typed ? "the entry is about some query types" : obstacle(&view.verdict);
	return err || region->reason ? err : find_view(acl, &view, &region->view);
}

int acl_begin(const struct export_order *order, struct acl *acl)
{
	int err;

	*acl = (struct acl){ 0 };
	err = sink_reader_each(sink_judge_reader(order->judge), add_entry, acl);
	if (!err && acl->count > 0)
		err = add_groups(order->policy, acl);
	if (err)
		return err;
	if (acl->count > 0)
		qsort(acl->regions, acl->count, sizeof *acl->regions, compare);
	keep_needed(acl);
	find_parents(acl);
	for (size_t i = 0; i < acl->count && !err; i++)
		err = judge_region(order, acl, i);
	return err;
}

void acl_end(struct acl *acl)
{
	free(acl->regions);
	free(acl->views);
	*acl = (struct acl){ 0 };
}

/* --- the format --------------------------------------------------------------------------------- */

static int write_acl(const struct export_order *order)
{
	struct acl acl;
	int err = acl_begin(order, &acl);

	if (!err)
		err = acl_write(order, &acl);
	acl_end(&acl);
	return err;
}

const struct export_format export_unbound_acl = {
	.word = "unbound-acl",
	.summary = "lines for unbound.conf that keep listed clients from cached answers",
	.write = write_acl,
};

/* export_rpz.c - what the policy does with names, as a response policy zone for a client of no group, now.
 *
 * In a zone a wildcard reaches a name only if nothing nearer to it exists there (RFC 4592), unlike a subtree of ours. So each
 * name that exists is written with a wildcard of its own, also where only names below it are listed: whatever reaches
 * further up ends at none of them. What a zone cannot say is let through where a wildcard would reach it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "export_names.h"
#include "rdata.h"
#include "say.h"

#define NAME_MAX_WIRE \
	230 /* octets, the wildcard's label with them: what is left is for the zone's name */

struct rpz {
	struct name_judge judge;
	struct sink_reader *reader;
	struct sink_name last; /* looked at last, with all names above it */
	bool has_last;
	bool is_covered[SINK_LABELS_MAX +
		1]; /* by labels: what is below that name, or the one above, has a wildcard */
	uint64_t written, left_out;
};

/* --- one record -------------------------------------------------------------------------------- */

/* What stands for these actions; NULL: they need more, or no zone can say them. */
static const char *const targets[SINK_ACTION_COUNT] = {
	[SINK_ACTION_PASS] = "rpz-passthru.",
	[SINK_ACTION_NXDOMAIN] = ".",
	[SINK_ACTION_NODATA] = "*.",
	[SINK_ACTION_DROP] = "rpz-drop.",
	[SINK_ACTION_TRUNCATE] = "rpz-tcp-only.",
};

static bool can_be_said(enum sink_action action)
{
	return targets[action] || action == SINK_ACTION_SINKHOLE || action == SINK_ACTION_CNAME ||
		action == SINK_ACTION_DATA;
}

static int put_rdata(const char *owner, uint32_t ttl, uint16_t type, struct sink_span rdata)
{
	int printed = printf("%s %lu TYPE%u \\# %zu ", owner, (unsigned long)ttl, type, rdata.len);

	for (size_t i = 0; printed >= 0 && i < rdata.len; i++)
		printed = printf("%02x", rdata.at[i]);
	return printed < 0 || putchar('\n') == EOF ? SINK_EIO : SINK_OK;
}

/* TTLs of local data are the zone's; those of aliases and addresses the rule's. */
static int put_form(const char *owner, const struct sink_form *form)
{
	struct sink_span rest = form->data;
	struct sink_data item;
	int err = SINK_OK;

	for (size_t i = 0; !err && i < form->a_count; i++)
		err = put_rdata(owner, form->ttl, 1, sink_span(form->a[i], sizeof form->a[i]));
	for (size_t i = 0; !err && i < form->aaaa_count; i++)
		err = put_rdata(owner, form->ttl, 28,
			sink_span(form->aaaa[i], sizeof form->aaaa[i]));
	while (!err && sink_data_next(&rest, &item))
		err = put_rdata(owner, item.ttl, item.type, item.rdata);
	return err;
}

static int put_target(const char *owner, const char *target)
{
	return printf("%s CNAME %s\n", owner, target) < 0 ? SINK_EIO : SINK_OK;
}

static int put_alias(const char *owner, const struct sink_form *form)
{
	char *target = rdata_text(5, form->cname);
	bool is_put = target && printf("%s CNAME %s.\n", owner, target) >= 0;
	int err = target ? SINK_EIO : SINK_ENOMEM;

	free(target);
	return is_put ? SINK_OK : err;
}

static int put_verdict(struct rpz *rpz, const char *owner, const struct sink_verdict *verdict)
{
	rpz->written++;
	if (targets[verdict->action])
		return put_target(owner, targets[verdict->action]);
	return verdict->action == SINK_ACTION_CNAME ? put_alias(owner, &verdict->form)
						    : put_form(owner, &verdict->form);
}

/* --- one name ---------------------------------------------------------------------------------- */

#define TEXT_MAX ((size_t)4 * SINK_WIRE_MAX + 1) /* every octet as \\DDD, and the NUL */

/* As a zone file has it: octets that may mean something there are escaped. */
static void zone_text(const struct sink_name *name, char out[TEXT_MAX])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	char text[SINK_TEXT_MAX];
	size_t at = 0;

	sink_name_to_text(name, text);
	for (const char *c = text; *c && at + 5 < TEXT_MAX; c++) {
		if (*c == '\\' || strchr(plain, *c))
			out[at++] = *c;
		else
			at += (size_t)snprintf(out + at, 5, "\\%03d", (unsigned char)*c);
		if (*c == '\\')
			out[at++] = *++c; /* what it escapes */
	}
	out[at] = 0;
}

/* A label "*" would be a wildcard, and what is too long would spoil the zone. */
static bool can_be_owner(const struct sink_name *name)
{
	uint8_t wire[SINK_WIRE_MAX];

	for (uint8_t i = 0; i < name->labels; i++)
		if (name->end[i + 1] - name->end[i] == 2 && name->key[name->end[i]] == '*')
			return false;
	return 2 + sink_name_to_wire(name, wire) <= NAME_MAX_WIRE;
}

static int put_name(struct rpz *rpz, const struct sink_name *name, const char *text)
{
	uint8_t wire[SINK_WIRE_MAX];
	struct sink_verdict verdict;
	bool is_sure;
	int err = name_judge_all(&rpz->judge, sink_span(wire, sink_name_to_wire(name, wire)),
		&is_sure, &verdict);

	if (err)
		return err;
	if (is_sure && can_be_said(verdict.action))
		return put_verdict(rpz, text, &verdict);
	rpz->left_out += !is_sure || verdict.action != SINK_ACTION_NONE;
	return rpz->is_covered[name->labels - 1] ? put_target(text, targets[SINK_ACTION_PASS])
						 : SINK_OK;
}

/* Does what decided about what is below leave some of that alone? */
static int has_exceptions(const struct rpz *rpz, const struct sink_verdict *verdict, bool *out)
{
	struct sink_record record;

	*out = false;
	if (!verdict->has_entry)
		return SINK_OK;
	if (sink_reader_record(rpz->reader, verdict->winner.record, &record))
		return SINK_ECORRUPT;
	*out = record.except.len > 0;
	return SINK_OK;
}

static int put_below(struct rpz *rpz, const struct sink_name *name, const char *text)
{
	uint8_t wire[2 + SINK_WIRE_MAX] = { 1, '*' };
	size_t len = 2 + sink_name_to_wire(name, wire + 2);
	char owner[2 + TEXT_MAX];
	struct sink_verdict verdict;
	bool is_sure, excepts = false;
	int err = name_judge_all(&rpz->judge, sink_span(wire, len), &is_sure, &verdict);

	if (!err)
		err = has_exceptions(rpz, &verdict, &excepts);
	if (err)
		return err;
	rpz->is_covered[name->labels] = is_sure && !excepts && can_be_said(verdict.action);
	if (!rpz->is_covered[name->labels]) {
		rpz->left_out += !is_sure || verdict.action != SINK_ACTION_NONE;
		return SINK_OK;
	}
	snprintf(owner, sizeof owner, "*.%s", text);
	return put_verdict(rpz, owner, &verdict);
}

/* Where a name cannot be written, it does not exist in the zone: what is above reaches what is below. */
static int put_both(struct rpz *rpz, const struct sink_name *name)
{
	char text[TEXT_MAX];
	int err;

	if (!can_be_owner(name)) {
		rpz->is_covered[name->labels] = rpz->is_covered[name->labels - 1];
		rpz->left_out++;
		return SINK_OK;
	}
	zone_text(name, text);
	err = put_name(rpz, name, text);
	return err ? err : put_below(rpz, name, text);
}

static uint8_t shared_labels(const struct sink_name *a, const struct sink_name *b)
{
	uint8_t n = 0;

	while (n < a->labels && n < b->labels && a->end[n + 1] == b->end[n + 1] &&
		memcmp(a->key + a->end[n], b->key + b->end[n], a->end[n + 1] - a->end[n]) == 0)
		n++;
	return n;
}

/* Names come in canonical order: those above one are looked at before it. */
static int put_subject(void *arg, const struct sink_subject *subject,
	const struct sink_listing *listing)
{
	struct rpz *rpz = arg;
	uint8_t labels = rpz->has_last ? shared_labels(&rpz->last, &subject->name) : 0;
	int err = SINK_OK;

	(void)listing;
	if (subject->trigger != SINK_TRIGGER_QNAME || subject->name.labels == 0) {
		rpz->left_out++;
		return SINK_OK;
	}
	while (!err && labels < subject->name.labels) {
		struct sink_name name = subject->name;

		sink_name_cut(&name, ++labels);
		err = put_both(rpz, &name);
	}
	rpz->last = subject->name;
	rpz->has_last = true;
	return err;
}

/* --- the zone ---------------------------------------------------------------------------------- */

static int write_rpz(const struct export_order *order)
{
	struct rpz rpz = { .reader = sink_judge_reader(order->judge) };
	int err;

	name_judge_begin(&rpz.judge, order);
	if (printf("$TTL 60\n@ SOA localhost. root.localhost. %lu 60 60 86400 60\n@ NS "
		   "localhost.\n",
		    (unsigned long)(order->serial & UINT32_MAX)) < 0)
		return SINK_EIO;
	err = sink_reader_each(rpz.reader, put_subject, &rpz);
	if (!err && rpz.left_out > 0)
		say("%s records; %s entries left out, or let through, which a zone cannot say",
			number(rpz.written).text, number(rpz.left_out).text);
	return err;
}

const struct export_format export_rpz = {
	.word = "rpz",
	.summary = "what becomes of names, as a response policy zone",
	.write = write_rpz,
};

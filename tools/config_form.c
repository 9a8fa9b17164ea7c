/* config_form.c - what a blocked client gets: action, addresses, names, records, and the words that explain it. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "config_parts.h"
#include "host.h"
#include "qtype.h"
#include "quantity.h"
#include "rr.h"
#include "structured.h"
#include "text.h"

static struct sink_form *form_of(void *into)
{
	return &((struct rule_reading *)into)->rule.form;
}

static int keep(void *into, struct sink_span bytes, struct sink_span *out)
{
	int err = policy_keep_span(&((struct rule_reading *)into)->reading->config->policy, &bytes);

	if (!err)
		*out = bytes;
	return err;
}

int form_set_action(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;

	for (int i = SINK_ACTION_PASS; i < SINK_ACTION_COUNT; i++)
		if (strcmp(value->text, sink_action_word((enum sink_action)i)) == 0) {
			rule->rule.action = (enum sink_action)i;
			return SINK_OK;
		}
	return key_refuse(value, why);
}

/* --- addresses ----------------------------------------------------------------------------------------- */

static int set_address(int family, uint8_t *at, uint8_t *count, const struct key_value *value,
	struct sink_why *why)
{
	size_t size = family == AF_INET ? 4 : 16;
	uint8_t address[16];

	if (inet_pton(family, value->text, address) != 1)
		return key_refuse(value, why);
	for (uint8_t i = 0; i < *count; i++)
		if (memcmp(at + i * size, address, size) == 0)
			return sink_why(why, SINK_ESYNTAX, "%s: '%s' is here twice",
				value->row->word, value->text);
	if (*count == SINK_ADDRESSES_MAX)
		return sink_why(why, SINK_ESYNTAX, "%s: more than %d addresses", value->row->word,
			SINK_ADDRESSES_MAX);
	memcpy(at + *count * size, address, size);
	++*count;
	return SINK_OK;
}

int form_set_a(void *into, const struct key_value *value, struct sink_why *why)
{
	struct sink_form *form = form_of(into);

	return set_address(AF_INET, form->a[0], &form->a_count, value, why);
}

int form_set_aaaa(void *into, const struct key_value *value, struct sink_why *why)
{
	struct sink_form *form = form_of(into);

	return set_address(AF_INET6, form->aaaa[0], &form->aaaa_count, value, why);
}

/* --- names ----------------------------------------------------------------------------------------------- */

/* As people write them, or, with a backslash, as zone files do. */
static bool read_name(struct sink_span text, struct sink_name *out)
{
	if (text_find(text, '\\') < text.len)
		return sink_name_from_text(text, out) == SINK_OK;
	return host_name(text, out) == FEED_TAKEN;
}

int form_set_cname(void *into, const struct key_value *value, struct sink_why *why)
{
	struct sink_span text = sink_span_text(value->text);
	bool is_wild = text_starts(text, "*.");
	uint8_t wire[2 + SINK_WIRE_MAX] = { 1, '*' };
	struct sink_name name;
	size_t len;

	if (is_wild)
		text = text_after(text, 2);
	if (!read_name(text, &name))
		return key_refuse(value, why);
	len = sink_name_to_wire(&name, wire + 2) + (is_wild ? 2 : 0);
	if (len > SINK_WIRE_MAX)
		return key_refuse(value, why);
	return keep(into, sink_span(is_wild ? wire : wire + 2, len), &form_of(into)->cname);
}

int form_set_soa(void *into, const struct key_value *value, struct sink_why *why)
{
	struct sink_span rest = sink_span_text(value->text);
	struct sink_span mname = text_field(&rest), rname = text_field(&rest);
	uint8_t wire[2 * SINK_WIRE_MAX];
	struct sink_name name;
	size_t len;

	if (text_trim(rest).len > 0 || !read_name(mname, &name))
		return key_refuse(value, why);
	len = sink_name_to_wire(&name, wire);
	if (!read_name(rname, &name))
		return key_refuse(value, why);
	len += sink_name_to_wire(&name, wire + len);
	return keep(into, sink_span(wire, len), &form_of(into)->soa);
}

/* --- records ----------------------------------------------------------------------------------------------- */

/* A record as it is gathered: its TTL may be the rule's, which may come later. */
struct record_reading {
	const struct node *node;
	uint16_t type;
	uint32_t ttl; /* RR_TTL_NONE: the rule's */
	struct sink_span rdata;
};

static int refuse_record(const struct key_value *value, enum feed_reason reason,
	const struct rr_head *head, struct sink_why *why)
{
	int len = head->type_word.len < 32 ? (int)head->type_word.len : 32;

	if (reason == FEED_RECORD_TYPE)
		return sink_why(why, SINK_ESYNTAX, "data: nobody knows the record type '%.*s'", len,
			(const char *)head->type_word.at);
	if (reason == FEED_VALUE)
		return sink_why(why, SINK_ESYNTAX, "data: '%.60s' is more than fits", value->text);
	return key_refuse(value, why);
}

static int judge_record(const struct rr_head *head, struct sink_why *why)
{
	if (head->class != RR_CLASS_IN)
		return sink_why(why, SINK_ESYNTAX, "data: records of the class IN are wanted");
	if (head->type == RR_TYPE_CNAME)
		return sink_why(why, SINK_ESYNTAX,
			"data: an alias is an action of its own: action: cname, cname: ...");
	if (rr_type_is_none_of_policy(head->type))
		return sink_why(why, SINK_ESYNTAX,
			"data: %s records belong to zones, and cannot be what is answered",
			qtype_text(head->type).text);
	if (head->ttl != RR_TTL_NONE && head->ttl > SINK_TTL_MAX)
		return sink_why(why, SINK_ESYNTAX, "data: a TTL of more than %d seconds (a week)",
			SINK_TTL_MAX);
	return SINK_OK;
}

/* "[TTL] [IN] TYPE RDATA". */
int form_set_data(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;
	struct record_reading record = { .node = value->node };
	struct rr_head head = { 0 };
	struct rr_rdata rdata;
	enum feed_reason reason;
	char *line;
	int err = key_check_length(value, SINK_BYTES_MAX * (size_t)4, why);

	if (err)
		return err;
	if (asprintf(&line, " %s", value->text) < 0) /* an owner that is left out */
		return SINK_ENOMEM;
	reason = rr_head(sink_span_text(line), &head);
	err = reason ? refuse_record(value, reason, &head, why) : judge_record(&head, why);
	if (!err) {
		reason = rr_rdata(head.type, head.rdata, RR_ORIGIN_NONE, &rdata);
		err = reason ? refuse_record(value, reason, &head, why) : SINK_OK;
	}
	free(line);
	if (err)
		return err;
	record.type = head.type;
	record.ttl = head.ttl;
	err = keep(into, sink_span(rdata.bytes, rdata.len), &record.rdata);
	return err ? err : growing_add(&rule->data, &record, sizeof record);
}

/* In the order in which they are stored. */
static int compare(const void *a, const void *b)
{
	const struct record_reading *x = a, *y = b;
	size_t len = x->rdata.len < y->rdata.len ? x->rdata.len : y->rdata.len;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->ttl != y->ttl)
		return x->ttl < y->ttl ? -1 : 1;
	if (x->rdata.len != y->rdata.len)
		return x->rdata.len < y->rdata.len ? -1 : 1;
	return len ? memcmp(x->rdata.at, y->rdata.at, len) : 0;
}

/* Records of one type share their TTL (RFC 2181, 5.2). False: it was complained about. */
static bool check_records(struct rule_reading *rule)
{
	struct record_reading *at = rule->data.at;
	size_t bytes = 0;

	for (size_t i = 0; i < rule->data.count; i++) {
		if (at[i].ttl == RR_TTL_NONE)
			at[i].ttl = rule->rule.form.ttl;
		bytes += RR_HEAD + at[i].rdata.len;
	}
	if (bytes > SINK_BYTES_MAX) {
		node_wrong(rule->reading, node_find(rule->map, "data"),
			"data: the records have %zu bytes, and %d are stored at most", bytes,
			SINK_BYTES_MAX);
		return false;
	}
	qsort(at, rule->data.count, sizeof *at, compare);
	for (size_t i = 1; i < rule->data.count; i++)
		if (at[i].type == at[i - 1].type && at[i].ttl != at[i - 1].ttl) {
			node_wrong(rule->reading, at[i].node,
				"data: records of one type have one TTL (RFC 2181), and these have "
				"%u and %u",
				(unsigned)at[i - 1].ttl, (unsigned)at[i].ttl);
			return false;
		}
	return true;
}

static int finish_data(struct rule_reading *rule)
{
	const struct record_reading *at = rule->data.at;
	uint8_t bytes[SINK_BYTES_MAX];
	size_t len = 0;

	if (rule->data.count == 0 || !check_records(rule))
		return SINK_OK;
	for (size_t i = 0; i < rule->data.count; i++)
		if (i == 0 || compare(&at[i], &at[i - 1]) != 0)
			len += rr_data(at[i].type, at[i].ttl, at[i].rdata, bytes + len);
	return keep(rule, sink_span(bytes, len), &rule->rule.form.data);
}

/* --- words and numbers ---------------------------------------------------------------------------------- */

/* "10", or "1m". */
int form_set_ttl(void *into, const struct key_value *value, struct sink_why *why)
{
	uint64_t count;
	int64_t seconds;

	if (quantity_count(value->text, &count) && count <= SINK_TTL_MAX)
		seconds = (int64_t)count;
	else if (!quantity_seconds(value->text, &seconds) || seconds > SINK_TTL_MAX)
		return key_refuse(value, why);
	form_of(into)->ttl = (uint32_t)seconds;
	return SINK_OK;
}

int form_set_ede(void *into, const struct key_value *value, struct sink_why *why)
{
	uint64_t n = SINK_EDE_NONE;

	if (strcmp(value->text, "none") != 0 &&
		(!quantity_count(value->text, &n) || n >= SINK_EDE_NONE))
		return key_refuse(value, why);
	form_of(into)->ede = (uint16_t)n;
	return SINK_OK;
}

int form_set_ede_text(void *into, const struct key_value *value, struct sink_why *why)
{
	int err = key_check_length(value, SINK_EDE_TEXT_MAX, why);

	return err ? err : keep(into, sink_span_text(value->text), &form_of(into)->ede_text);
}

int form_set_sub_error(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;
	uint64_t n;

	if (!quantity_count(value->text, &n) || n == 0 || n > UINT8_MAX)
		return key_refuse(value, why);
	rule->sub_error = (int)n;
	return SINK_OK;
}

int form_set_justification(void *into, const struct key_value *value, struct sink_why *why)
{
	struct rule_reading *rule = into;
	int err = key_check_length(value, SINK_ERROR_MAX, why);

	if (err)
		return err;
	if (!structured_is_text(sink_span_text(value->text)))
		return sink_why(why, SINK_ESYNTAX, "justification: a character that is none");
	free(rule->justification);
	rule->justification = strdup(value->text);
	return rule->justification ? SINK_OK : SINK_ENOMEM;
}

/* --- what goes with what ---------------------------------------------------------------------------------- */

static const struct node *find(const struct rule_reading *rule, const char *word)
{
	return node_find(rule->map, word);
}

/* Keys that are for one action, which asks for one of them. */
static const struct {
	enum sink_action action;
	const char *keys[2];
	const char *missing;
} belongings[] = {
	{ SINK_ACTION_SINKHOLE, { "a", "aaaa" },
		"sinkhole: the addresses are missing: a, aaaa or both" },
	{ SINK_ACTION_CNAME, { "cname" }, "cname: the target is missing: cname: garden.example" },
	{ SINK_ACTION_DATA, { "data" },
		"data: the records are missing: data: ['TXT \"blocked\"']" },
};

static void check_belongings(struct rule_reading *rule)
{
	const struct node *action = find(rule, "action");
	bool is_known = rule->rule.action != SINK_ACTION_NONE;

	for (size_t i = 0; i < sizeof belongings / sizeof belongings[0]; i++) {
		bool is_it = rule->rule.action == belongings[i].action, has = false;

		for (size_t k = 0; k < 2 && belongings[i].keys[k]; k++) {
			const struct node *node = find(rule, belongings[i].keys[k]);

			has |= node != NULL;
			if (node && is_known && !is_it)
				node_wrong(rule->reading, node->key, "%s goes with action: %s only",
					belongings[i].keys[k],
					sink_action_word(belongings[i].action));
		}
		if (is_it && !has && !rule->map->is_cut)
			node_wrong(rule->reading, action, "%s", belongings[i].missing);
	}
}

/* Keys of an answer, where none of ours is given. */
static void check_silent(struct rule_reading *rule)
{
	static const char *const keys[] = { "ttl", "ede", "ede-text", "sub-error", "justification",
		"soa" };
	enum sink_action action = rule->rule.action;

	if (action != SINK_ACTION_PASS && action != SINK_ACTION_MONITOR &&
		action != SINK_ACTION_DROP)
		return;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const struct node *node = find(rule, keys[i]);

		if (node)
			node_warn(rule->reading, node->key,
				"%s means nothing with action: %s, which gives no answer of its "
				"own",
				keys[i], sink_action_word(action));
	}
}

static void check_explanations(struct rule_reading *rule)
{
	static const char *const keys[] = { "ede-text", "sub-error", "justification" };
	uint16_t ede = rule->rule.form.ede;
	const struct node *sub_error = find(rule, "sub-error");

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const struct node *node = find(rule, keys[i]);

		if (node && ede == SINK_EDE_NONE)
			node_wrong(rule->reading, node->key,
				"%s is part of an extended error, and ede: none sends none",
				keys[i]);
		else if (node && i > 0 && !structured_has(ede))
			node_wrong(rule->reading, node->key,
				"%s goes with ede: 15, 16 or 17 only, not %u", keys[i], ede);
	}
	if (sub_error && ede == 16)
		node_wrong(rule->reading, sub_error->key,
			"sub-error: ede: 16 (censored) has none: an order from outside says why");
}

void form_check(struct rule_reading *rule)
{
	check_belongings(rule);
	check_silent(rule);
	check_explanations(rule);
}

/* --- structured errors -------------------------------------------------------------------------------------- */

static bool has_structured(const struct operator_info *operator, const struct sink_rule * rule)
{
	return operator->contacts> 0 && structured_has(rule->form.ede) &&
		rule->action != SINK_ACTION_PASS && rule->action != SINK_ACTION_MONITOR &&
		rule->action != SINK_ACTION_DROP;
}

/* Write those that are not too long.
 *
 * too_long how many bytes those have that are; 0: it is not */
static int make_errors(struct policy *policy, const struct structured *error,
	struct sink_form *form, size_t too_long[SINK_ERROR_SIZES])
{
	for (int i = 0; i < SINK_ERROR_SIZES; i++) {
		char *text = structured_text(error, (enum sink_error_size)i);
		size_t len = text ? strlen(text) : 0;
		int err = text ? SINK_OK : SINK_ENOMEM;

		too_long[i] = len > SINK_ERROR_MAX ? len : 0;
		if (!err && !too_long[i]) {
			form->error[i] = sink_span(text, len);
			err = policy_keep_span(policy, &form->error[i]);
		}
		free(text);
		if (err)
			return err;
	}
	return SINK_OK;
}

static struct structured error_of(const struct operator_info *operator)
{
	return (struct structured){ .contact = operator->contact,
		.contacts = operator->contacts,
		.organization = operator->organization,
		.language = operator->language,
		.sub_error = STRUCTURED_NONE };
}

static int finish_errors(struct rule_reading *rule)
{
	struct config *config = rule->reading->config;
	struct structured error = error_of(&config->operator);
	const struct node *justification = find(rule, "justification");
	size_t too_long[SINK_ERROR_SIZES];
	int err;

	if (!has_structured(&config->operator, & rule->rule))
		return SINK_OK;
	error.justification = rule->justification;
	error.sub_error = rule->sub_error;
	err = make_errors(&config->policy, &error, &rule->rule.form, too_long);
	for (int i = 0; i < SINK_ERROR_SIZES && !err; i++)
		if (too_long[i] > 0) {
			node_wrong(rule->reading, justification ? justification : rule->map,
				"its structured error has %zu bytes%s, and %d are sent at most: a "
				"shorter text, or fewer contacts",
				too_long[i], i ? " without the longer texts" : "", SINK_ERROR_MAX);
			break;
		}
	return err;
}

int config_set_rule(struct config *config, const struct sink_rule *rule)
{
	struct structured error = error_of(&config->operator);
	struct sink_rule copy = *rule;
	size_t too_long[SINK_ERROR_SIZES];
	int err = SINK_OK;

	if (has_structured(&config->operator, rule))
		err = make_errors(&config->policy, &error, &copy.form, too_long);
	return err ? err : policy_set_rule(&config->policy, &copy);
}

int form_finish(struct rule_reading *rule)
{
	int err = finish_data(rule);

	return err ? err : finish_errors(rule);
}

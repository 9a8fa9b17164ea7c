/* explain.c - what is said beside an answer must not cost the answer: Unbound keeps room for the options first, and
 * cuts records off. */
#include "explain.h"

#define SIZE_MIN 512 /* octets that each client over UDP takes, RFC 6891, 6.2.5 */
#define OPTION_HEAD 4 /* octets: code and length */
#define CODE_LEN 2 /* octets of an extended error's code */
#define OPT_LEN 11 /* octets of an OPT record without options */
#define HEADER_LEN 12
#define QUESTION_REST 4 /* octets after the name: type and class */
#define RECORD_HEAD 10 /* octets between owner and RDATA */

/* The texts that may go with an error, in the order in which they are wished for. */
#define TEXTS_MAX (SINK_ERROR_SIZES + 1)

/* --- how much a client takes --- */

static bool has_text(const struct sink_form *form)
{
	return form->ede_text.len > 0 || form->error[SINK_ERROR_WHOLE].len > 0;
}

void explain_remember(struct module_qstate *qstate, struct query *query)
{
	const struct mesh_reply *client;

	for (client = qstate->mesh_info->reply_list; client; client = client->next) {
		struct explain_size *size;

		if (!client->edns.edns_present || client->edns.udp_size <= SIZE_MIN)
			continue;
		size = regional_alloc_zero(qstate->region, sizeof *size);
		if (!size)
			return; /* what is not remembered is small */
		size->client = &client->query_reply;
		size->octets = client->edns.udp_size;
		size->next = query->sizes;
		query->sizes = size;
	}
}

static size_t size_of(const struct explain_order *order)
{
	const struct explain_size *size = order->query->sizes;

	if (order->client && order->client->c->type != comm_udp)
		return UINT16_MAX;
	while (size && size->client != order->client)
		size = size->next;
	return size ? size->octets : SIZE_MIN;
}

/* --- how much an answer takes --- */

static size_t options_len(const struct edns_option *option)
{
	size_t len = 0;

	for (; option; option = option->next)
		len += OPTION_HEAD + option->opt_len;
	return len;
}

/* Without compression: never too little. */
static size_t answer_most(const struct explain_order *order)
{
	const struct query_info *qinfo = order->qinfo;
	const struct ub_packed_rrset_key *alias =
		qinfo->local_alias ? qinfo->local_alias->rrset : NULL;
	const struct reply_info *rep = order->rep;
	size_t len = HEADER_LEN + qinfo->qname_len + QUESTION_REST;

	if (alias)
		len += (size_t)2 * (SINK_WIRE_MAX + RECORD_HEAD);
	for (size_t i = 0; i < rep->rrset_count; i++) {
		const struct packed_rrset_data *data = rep->rrsets[i]->entry.data;

		for (size_t n = 0; n < data->count + data->rrsig_count; n++)
			len += rep->rrsets[i]->rk.dname_len + RECORD_HEAD + data->rr_len[n];
	}
	return len;
}

/* As Unbound will encode it; all there is room for if that fails. */
static size_t answer_len(const struct explain_order *order)
{
	struct query_info asked = *order->qinfo;
	struct sldns_buffer *buffer = order->env->scratch_buffer;

	if (!reply_info_encode(&asked, order->rep, 0, order->rep->flags, buffer, 0, order->region,
		    UINT16_MAX, (int)(order->edns->bits & EDNS_DO), 0))
		return UINT16_MAX;
	return sldns_buffer_limit(buffer);
}

/* --- what is said --- */

/* Structured errors belong to these three (draft-ietf-dnsop-structured-dns-error), and are for who asks with an empty
 * option. */
static bool wants_structure(const struct explain_order *order)
{
	const struct verdict *verdict = order->verdict;
	const struct edns_option *option;

	if (verdict->error_option == 0 || verdict->form.ede < LDNS_EDE_BLOCKED ||
		verdict->form.ede > LDNS_EDE_FILTERED)
		return false;
	option = edns_opt_list_find(order->edns->opt_list_in, verdict->error_option);
	return option && option->opt_len == 0;
}

static size_t wishes(const struct explain_order *order, struct sink_span out[TEXTS_MAX])
{
	const struct sink_form *form = &order->verdict->form;
	size_t count = 0;

	for (int i = 0; i < SINK_ERROR_SIZES && wants_structure(order); i++)
		if (form->error[i].len > 0)
			out[count++] = form->error[i];
	if (form->ede_text.len > 0)
		out[count++] = form->ede_text;
	return count;
}

static struct sink_span first_within(const struct sink_span *texts, size_t count, size_t room)
{
	for (size_t i = 0; i < count; i++)
		if (texts[i].len <= room)
			return texts[i];
	return sink_span(NULL, 0);
}

static size_t less(size_t all, size_t part)
{
	return all > part ? all - part : 0;
}

static struct sink_span choose(const struct explain_order *order, const struct edns_option *options)
{
	struct sink_span texts[TEXTS_MAX];
	size_t count = wishes(order, texts);
	size_t room;

	if (count == 0)
		return sink_span(NULL, 0);
	room = less(size_of(order),
		OPT_LEN + options_len(options) + options_len(order->edns->opt_list_out) +
			OPTION_HEAD + CODE_LEN);
	if (texts[0].len <= less(room, answer_most(order)))
		return texts[0];
	return first_within(texts, count, less(room, answer_len(order)));
}

/* What is in the list already is shared by all clients of the query state. */
static bool append(struct edns_option **options, uint16_t code, struct sink_span text,
	struct regional *region)
{
	uint8_t info[CODE_LEN +
		(SINK_ERROR_MAX > SINK_EDE_TEXT_MAX ? SINK_ERROR_MAX : SINK_EDE_TEXT_MAX)];

	if (text.len > sizeof info - CODE_LEN)
		text.len = 0;
	info[0] = (uint8_t)(code >> 8);
	info[1] = (uint8_t)code;
	if (text.len > 0)
		memcpy(info + CODE_LEN, text.at, text.len);
	if (*options)
		*options = edns_opt_copy_region(*options, region);
	return edns_opt_list_append(options, LDNS_EDNS_EDE, CODE_LEN + text.len, info, region);
}

bool explain_reply(const struct explain_order *order, struct edns_option **options)
{
	const struct sink_form *form = &order->verdict->form;

	if (form->ede == SINK_EDE_NONE || !order->edns->edns_present)
		return true;
	return append(options, form->ede,
		has_text(form) ? choose(order, *options) : sink_span(NULL, 0), order->region);
}

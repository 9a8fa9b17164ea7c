/* lookup_facts.c - what the user knows of an answer, and names and addresses as users type them. */
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "host.h"
#include "lookup.h"
#include "sinkhole/grow.h"

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

int lookup_name(const char *text, struct sink_name *out)
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

bool lookup_address(const char *text, struct sink_prefix *out)
{
	return host_is_address(sink_span_text(text)) && !strchr(text, '/') &&
		sink_prefix_from_text(sink_span_text(text), out) == SINK_OK;
}

const char *lookup_add_name(struct sink_span **list, size_t *count, size_t *room, const char *text)
{
	struct sink_span *grown;
	struct sink_name name;
	uint8_t *wire;

	if (lookup_name(text, &name))
		return "a domain name";
	grown = sink_grow(*list, *count, room, sizeof *grown);
	if (!grown)
		return "less than there is memory for";
	*list = grown;
	wire = malloc(SINK_WIRE_MAX);
	if (!wire)
		return "less than there is memory for";
	grown[(*count)++] = sink_span(wire, sink_name_to_wire(&name, wire));
	return NULL;
}

const char *lookup_add_address(struct sink_prefix **list, size_t *count, size_t *room,
	const char *text)
{
	struct sink_prefix *grown, address;

	if (!lookup_address(text, &address))
		return "an IP address";
	grown = sink_grow(*list, *count, room, sizeof *grown);
	if (!grown)
		return "less than there is memory for";
	*list = grown;
	grown[(*count)++] = address;
	return NULL;
}

static void free_names(struct sink_span *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free((void *)(uintptr_t)list[i].at);
	free(list);
}

void lookup_facts_end(struct lookup_facts *facts)
{
	free_names(facts->chain, facts->chain_count);
	free_names(facts->servers, facts->servers_count);
	free(facts->answers);
	free(facts->server_addresses);
	*facts = (struct lookup_facts){ 0 };
}

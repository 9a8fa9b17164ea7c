/* metamask.c - the configuration of eth-phishing-detect: lists of names, each with all below it. */
#include "host.h"
#include "jsonstream.h"
#include "jsontext.h"
#include "text.h"

/* The lists by their older and newer names, in a configuration by itself, in an array of them, and as the API
 * wraps it. The fuzzy one is of names that others resemble: nothing that a query could be compared with. */
static const char *const paths[] = { "blacklist", "blocklist", "[].blocklist", "data.blocklist",
	"whitelist", "allowlist", "[].allowlist", "data.allowlist", "fuzzylist", "[].fuzzylist",
	"data.fuzzylist", NULL };
#define FIRST_ALLOW 4
#define FIRST_FUZZY 8

static int take_name(void *arg, const struct json_place *place, json_t *element)
{
	const struct feed_out *out = arg;
	struct feed_entry entry;
	enum feed_reason reason = FEED_FUZZY;

	out->item(out->arg, place->line);
	feed_entry_init(&entry);
	entry.kind = place->path < FIRST_ALLOW ? SINK_KIND_BLOCK : SINK_KIND_ALLOW;
	if (!json_is_string(element))
		reason = FEED_VALUE_TYPE;
	else if (place->path < FIRST_FUZZY)
		reason = host_name(text_trim(json_string_span(element)), &entry.name);
	if (!reason)
		return out->entry(out->arg, &entry);
	json_skip(out, reason, sink_span(NULL, 0), element);
	return SINK_OK;
}

static int skip_bad(void *arg, const struct json_place *place, enum feed_reason reason,
	struct sink_span text)
{
	const struct feed_out *out = arg;

	out->item(out->arg, place->line);
	feed_skip(out, reason, text);
	return SINK_OK;
}

static int metamask_document(const struct feed_document *document, const struct feed_out *out)
{
	struct feed_out copy = *out;
	struct json_stream_handler handler = {
		.element = take_name, .bad = skip_bad, .arg = &copy
	};

	return json_stream(document->lines, paths, &handler, document->why);
}

static bool metamask_begins(struct sink_span sample)
{
	sample = json_sample(sample);
	return sample.len > 0 && (sample.at[0] == '{' || sample.at[0] == '[') &&
		text_has(sample, "\"fuzzylist\"") && text_has(sample, "\"tolerance\"");
}

const struct feed_format feed_metamask = {
	.word = "metamask",
	.summary = "eth-phishing-detect's config.json: its block and allow lists",
	.scope = "subtree",
	.document = metamask_document,
	.begins = metamask_begins,
};

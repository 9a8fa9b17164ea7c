/* threatfox.c - the CSV exports of abuse.ch's ThreatFox: indicators of many kinds, of which names and some
 * URLs are for DNS. */
#include "abuse.h"
#include "feed.h"
#include "says.h"
#include "text.h"
#include "url.h"

enum value {
	VALUE,
	TYPE,
	THREAT,
	CONFIDENCE,
	FIRST_SEEN,
	MALWARE,
	COMPROMISED,
	REFERENCE,
	TAGS,
	ANONYMOUS,
	REPORTER
};

static const char *const columns[] = {
	[VALUE] = "ioc_value",
	[TYPE] = "ioc_type",
	[THREAT] = "threat_type",
	[CONFIDENCE] = "confidence_level",
	[FIRST_SEEN] = "first_seen_utc",
	[MALWARE] = "malware_printable",
	[COMPROMISED] = "is_compromised",
	[REFERENCE] = "reference",
	[TAGS] = "tags",
	[ANONYMOUS] = "anonymous",
	[REPORTER] = "reporter",
	[REPORTER + 1] = NULL,
};

/* https://threatfox.abuse.ch/export/, the newest first. */
static const char *const fifteen[] = { "first_seen_utc", "ioc_id", "ioc_value", "ioc_type",
	"threat_type", "fk_malware", "malware_alias", "malware_printable", "last_seen_utc",
	"confidence_level", "is_compromised", "reference", "tags", "anonymous", "reporter", NULL };
static const char *const fourteen[] = { "first_seen_utc", "ioc_id", "ioc_value", "ioc_type",
	"threat_type", "fk_malware", "malware_alias", "malware_printable", "last_seen_utc",
	"confidence_level", "reference", "tags", "anonymous", "reporter", NULL };
static const char *const *const orders[] = { fifteen, fourteen, NULL };

static bool say(const struct sink_span *values, struct attributes *says)
{
	bool ok = says_set(says, sink_span_text("category"), values[THREAT]);

	ok = says_set(says, sink_span_text("confidence"), values[CONFIDENCE]) && ok;
	ok = says_set(says, sink_span_text("reference"), values[REFERENCE]) && ok;
	ok = says_first_seen(says, values[FIRST_SEEN]) && ok;
	if (!text_is(values[MALWARE], "Unknown malware"))
		ok = says_tag(says, "malware", values[MALWARE]) && ok;
	if (!text_is(values[ANONYMOUS], "1"))
		ok = says_tag(says, "reporter", values[REPORTER]) && ok;
	if (text_is_anycase(values[COMPROMISED], "true"))
		ok = says_set(says, sink_span_text("tag"), sink_span_text("compromised")) && ok;
	return says_set(says, sink_span_text("tag"), values[TAGS]) && ok;
}

static enum feed_reason domain_entry(struct sink_span value, struct feed_entry *entry)
{
	enum feed_reason reason = url_host_entry(value, SINK_SCOPE_EXACT, entry);

	return !reason && entry->trigger != SINK_TRIGGER_QNAME ? FEED_ADDRESS : reason;
}

/* No query tells the port: the address alone is more than was said. */
static enum feed_reason port_entry(struct sink_span value, struct feed_entry *entry)
{
	(void)value;
	(void)entry;
	return FEED_PORT;
}

static const struct {
	const char *type;
	enum feed_reason (*entry)(struct sink_span value, struct feed_entry *entry);
} types[] = {
	{ "domain", domain_entry },
	{ "url", url_entry },
	{ "ip:port", port_entry },
};

static enum feed_reason judge(const struct sink_span *values, struct feed_entry *entry,
	struct sink_span *detail)
{
	if (values[TYPE].len == 0)
		return FEED_COLUMN;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (text_is(values[TYPE], types[i].type))
			return types[i].entry(values[VALUE], entry);
	*detail = values[TYPE];
	return FEED_INDICATOR_TYPE;
}

static const struct abuse_table table = {
	.banner = "ThreatFox IOCs:",
	.columns = columns,
	.needed = FIRST_SEEN,
	.orders = orders,
	.subject = VALUE,
	.judge = judge,
	.say = say,
};

static int threatfox_document(const struct feed_document *document, const struct feed_out *out)
{
	return abuse_read(&table, document, out);
}

static bool threatfox_begins(struct sink_span sample)
{
	return abuse_begins(&table, sample);
}

const struct feed_format feed_threatfox = {
	.word = "threatfox",
	.summary = "ThreatFox CSV: domains, and URLs that are a host and nothing less",
	.scope = "exact",
	.document = threatfox_document,
	.begins = threatfox_begins,
};

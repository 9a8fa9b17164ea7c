/* urlhaus.c - the CSV exports of abuse.ch's URLhaus: URLs that spread malware. Most are paths on hosts that
 * serve other things too; only those that are a host and nothing less become entries. */
#include "abuse.h"
#include "feed.h"
#include "says.h"
#include "url.h"

enum value { URL, STATUS, THREAT, TAGS, LINK, ADDED, REPORTER };

static const char *const columns[] = {
	[URL] = "url",
	[STATUS] = "url_status",
	[THREAT] = "threat",
	[TAGS] = "tags",
	[LINK] = "urlhaus_link",
	[ADDED] = "dateadded",
	[REPORTER] = "reporter",
	[REPORTER + 1] = NULL,
};

/* https://urlhaus.abuse.ch/api/, the newest first. */
static const char *const nine[] = { "id", "dateadded", "url", "url_status", "last_online", "threat",
	"tags", "urlhaus_link", "reporter", NULL };
static const char *const eight[] = { "id", "dateadded", "url", "url_status", "threat", "tags",
	"urlhaus_link", "reporter", NULL };
static const char *const seven[] = { "id", "dateadded", "url", "url_status", "threat", "tags",
	"urlhaus_link", NULL };
static const char *const *const orders[] = { nine, eight, seven, NULL };

static bool say(const struct sink_span *values, struct attributes *says)
{
	bool ok = says_set(says, sink_span_text("category"), values[THREAT]);

	ok = says_set(says, sink_span_text("reference"), values[LINK]) && ok;
	ok = says_first_seen(says, values[ADDED]) && ok;
	ok = says_tag(says, "status", values[STATUS]) && ok;
	ok = says_tag(says, "reporter", values[REPORTER]) && ok;
	return says_set(says, sink_span_text("tag"), values[TAGS]) && ok;
}

static enum feed_reason judge(const struct sink_span *values, struct feed_entry *entry,
	struct sink_span *detail)
{
	(void)detail;
	return url_entry(values[URL], entry);
}

static const struct abuse_table table = {
	.banner = "abuse.ch URLhaus Database Dump (CSV",
	.columns = columns,
	.needed = ADDED,
	.orders = orders,
	.subject = URL,
	.judge = judge,
	.say = say,
};

static int urlhaus_document(const struct feed_document *document, const struct feed_out *out)
{
	return abuse_read(&table, document, out);
}

static bool urlhaus_begins(struct sink_span sample)
{
	return abuse_begins(&table, sample);
}

const struct feed_format feed_urlhaus = {
	.word = "urlhaus",
	.summary = "URLhaus CSV: URLs that are a host and nothing less",
	.scope = "exact",
	.document = urlhaus_document,
	.begins = urlhaus_begins,
};

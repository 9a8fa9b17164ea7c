/* url.c - a URL is taken to pieces no further than needed to see that it is a host and nothing less. */
#include "url.h"

#include "host.h"
#include "text.h"

static const struct {
	const char *scheme;
	const char *port; /* that it means without saying so */
} schemes[] = { { "http", "80" }, { "https", "443" } };

/* Take "http://" or "https://" off the front. Returns the port that is meant; NULL: neither. */
static const char *take_scheme(struct sink_span *url)
{
	size_t n = text_find(*url, ':');
	struct sink_span scheme = sink_span(url->at, n);

	if (n == url->len || !text_starts(text_after(*url, n), "://"))
		return NULL;
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
		if (text_is_anycase(scheme, schemes[i].scheme)) {
			*url = text_after(*url, n + 3);
			return schemes[i].port;
		}
	return NULL;
}

/* Take the authority off the front: up to '/', '?' or '#'. A backslash is a slash to browsers (WHATWG URL,
 * 4.4), and stands in no host: it ends it as well. */
static struct sink_span take_authority(struct sink_span *rest)
{
	struct sink_span all = *rest;
	size_t n = 0;

	while (n < all.len && !memchr("/?#\\", all.at[n], 4))
		n++;
	*rest = text_after(all, n);
	return sink_span(all.at, n);
}

/* Cut ":PORT" off the end; of an address in brackets, what is behind those. An empty one is the scheme's own
 * (RFC 3986, 3.2.3). */
static enum feed_reason cut_port(struct sink_span *authority, const char *own)
{
	size_t at = authority->len, host = 0;
	struct sink_span port;

	if (authority->len > 0 && authority->at[0] == '[')
		host = text_find(*authority, ']');
	while (at > host && authority->at[at - 1] != ':')
		at--;
	if (at <= host)
		return FEED_TAKEN;
	port = text_after(*authority, at);
	authority->len = at - 1;
	while (port.len > 1 && port.at[0] == '0')
		port = text_after(port, 1);
	return port.len == 0 || text_is(port, own) ? FEED_TAKEN : FEED_PORT;
}

/* Browsers read such a host as an IPv4 address: its last label is a number (WHATWG URL, 3.5). */
static bool ends_in_number(struct sink_span host)
{
	struct sink_span last = host;
	bool hex;

	if (last.len > 0 && last.at[last.len - 1] == '.')
		last.len--;
	while (text_find(last, '.') < last.len)
		text_cut(&last, '.');
	hex = text_starts(last, "0x") || text_starts(last, "0X");
	if (hex)
		last = text_after(last, 2);
	for (size_t i = 0; i < last.len; i++)
		if (!text_is_digit(last.at[i]) &&
			(!hex || text_lower(last.at[i]) < 'a' || text_lower(last.at[i]) > 'f'))
			return false;
	return hex || last.len > 0;
}

static enum feed_reason name_entry(struct sink_span host, enum sink_scope scope,
	struct feed_entry *entry)
{
	enum feed_reason reason = host_name(host, &entry->name);

	if (reason)
		return reason;
	entry->trigger = SINK_TRIGGER_QNAME;
	entry->scope = scope;
	return FEED_TAKEN;
}

enum feed_reason url_entry(struct sink_span url, struct feed_entry *entry)
{
	const char *own = take_scheme(&url);
	struct sink_span host = take_authority(&url);
	enum feed_reason reason;

	if (!own)
		return FEED_URL;
	if (text_find(host, '@') < host.len)
		return FEED_USERINFO;
	if (url.len > 0 && !text_is(url, "/"))
		return FEED_PATH;
	reason = cut_port(&host, own);
	if (reason)
		return reason;
	return ends_in_number(host) ? FEED_ADDRESS : name_entry(host, SINK_SCOPE_EXACT, entry);
}

enum feed_reason url_host_entry(struct sink_span host, enum sink_scope scope,
	struct feed_entry *entry)
{
	int err = sink_prefix_from_text(host, &entry->prefix);

	if (err == SINK_EINVAL)
		return FEED_PREFIX_BITS;
	if (err)
		return name_entry(host, scope, entry);
	entry->trigger = SINK_TRIGGER_ANSWER;
	entry->scope = SINK_SCOPE_EXACT;
	return FEED_TAKEN;
}

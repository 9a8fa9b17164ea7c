/* host.c - names and addresses as feeds write them. */
#include "host.h"

#include <arpa/inet.h>
#include <idn2.h>

#include "text.h"

#define ADDRESS_MAX 64 /* bytes of an address in text, more than any has */
#define U_LABEL_MAX 252 /* bytes: 63 characters of 4; no longer label becomes an A-label of 63 */

static bool is_host_byte(uint8_t c)
{
	uint8_t lower = c | 0x20;

	return (lower >= 'a' && lower <= 'z') || text_is_digit(c) || c == '-' || c == '_';
}

static bool is_numeric(struct sink_span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text_is_digit(text.at[i]))
			return false;
	return text.len > 0;
}

/* Copy an address without brackets, zone and prefix length. */
static bool bare_address(struct sink_span text, char out[ADDRESS_MAX])
{
	size_t slash = text_find(text, '/');

	if (slash < text.len && !is_numeric(text_after(text, slash + 1)))
		return false;
	text.len = slash;
	if (text.len > 1 && text.at[0] == '[' && text.at[text.len - 1] == ']')
		text = sink_span(text.at + 1, text.len - 2);
	text.len = text_find(text, '%');
	if (text.len == 0 || text.len >= ADDRESS_MAX || text_find(text, 0) < text.len)
		return false;
	memcpy(out, text.at, text.len);
	out[text.len] = 0;
	return true;
}

bool host_is_address(struct sink_span text)
{
	char bare[ADDRESS_MAX];
	struct in6_addr address;

	return bare_address(text, bare) &&
		(inet_pton(AF_INET, bare, &address) == 1 ||
			inet_pton(AF_INET6, bare, &address) == 1);
}

bool host_is_sink(struct sink_span text)
{
	char bare[ADDRESS_MAX];
	uint8_t a[16];

	if (!bare_address(text, bare) || text_find(text, '/') < text.len)
		return false;
	if (inet_pton(AF_INET, bare, a) == 1)
		return a[0] == 127 || memcmp(a, "\0\0\0\0", 4) == 0;
	return inet_pton(AF_INET6, bare, a) == 1 &&
		(IN6_IS_ADDR_UNSPECIFIED((struct in6_addr *)a) ||
			IN6_IS_ADDR_LOOPBACK((struct in6_addr *)a));
}

static struct sink_span last_label(struct sink_span text)
{
	size_t at;

	if (text.len > 0 && text.at[text.len - 1] == '.')
		text.len--;
	for (at = text.len; at > 0 && text.at[at - 1] != '.'; at--)
		;
	return text_after(text, at);
}

/* What is it, if it is no name? */
static enum feed_reason what_else(struct sink_span text)
{
	if (host_is_address(text))
		return FEED_ADDRESS;
	if (text_has(text, "://") || text_has(text, "/"))
		return FEED_URL;
	if (text_has(text, "@"))
		return FEED_USERINFO;
	if (text_has(text, "*"))
		return FEED_WILDCARD;
	if (text.len > 1 && text_has(text, ":")) {
		struct sink_span host = text_cut(&text, ':');

		if (host.len > 0 && (is_numeric(text) || text.len == 0))
			return FEED_PORT;
	}
	return FEED_NOT_NAME;
}

/* Append one label, in ASCII. */
static enum feed_reason append_label(struct sink_span label, char *out, size_t size, size_t *len)
{
	bool is_ascii = true;
	uint8_t text[U_LABEL_MAX + 1];
	uint8_t *ascii = NULL;
	const char *result = (const char *)text;
	enum feed_reason reason = FEED_TAKEN;

	for (size_t i = 0; i < label.len; i++)
		is_ascii = is_ascii && label.at[i] < 0x80;
	if (label.len > U_LABEL_MAX)
		return is_ascii ? FEED_NAME_LENGTH : FEED_IDNA;
	memcpy(text, label.at, label.len);
	text[label.len] = 0;
	if (!is_ascii) {
		if (idn2_lookup_u8(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
			return FEED_IDNA;
		result = (const char *)ascii;
		if (strncmp(result, "xn--", 4) != 0 || strchr(result, '.'))
			reason = FEED_IDNA;
	}
	if (!reason && *len + strlen(result) + 1 >= size)
		reason = FEED_NAME_LENGTH;
	if (!reason)
		*len = (size_t)(stpcpy(stpcpy(out + *len, result), ".") - out);
	idn2_free(ascii);
	return reason;
}

/* The name in ASCII, each label for itself. */
static enum feed_reason to_ascii(struct sink_span text, char *out, size_t size, size_t *len)
{
	enum feed_reason reason = FEED_TAKEN;

	*len = 0;
	if (text.at[text.len - 1] == '.')
		text.len--;
	while (!reason) {
		bool last = text_find(text, '.') == text.len;

		reason = append_label(text_cut(&text, '.'), out, size, len);
		if (last)
			break;
	}
	return reason;
}

static enum feed_reason idn_name(struct sink_span text, struct sink_name *out)
{
	char ascii[SINK_TEXT_MAX];
	size_t len;
	enum feed_reason reason = to_ascii(text, ascii, sizeof ascii, &len);

	return reason ? reason : host_name(sink_span(ascii, len), out);
}

enum feed_reason host_name(struct sink_span text, struct sink_name *out)
{
	bool is_ascii = true;

	if (text.len == 0)
		return FEED_NOT_NAME;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];

		if (!is_host_byte(c) && c != '.' && c < 0x80)
			return what_else(text);
		is_ascii = is_ascii && c < 0x80;
	}
	if (!is_ascii)
		return idn_name(text, out);
	if (is_numeric(last_label(text))) /* no such top-level domain can be: RFC 3696, 2 */
		return host_is_address(text) ? FEED_ADDRESS : FEED_NOT_NAME;
	switch (sink_name_from_text(text, out)) {
	case SINK_OK:
		return FEED_TAKEN;
	case SINK_ETOOLONG:
		return FEED_NAME_LENGTH;
	default:
		return FEED_NOT_NAME;
	}
}

struct sink_span host_take_mark(struct sink_span text, enum sink_scope *scope)
{
	*scope = SINK_SCOPE_SUBTREE;
	if (text.len > 2 && text_starts(text, "*.")) {
		*scope = SINK_SCOPE_BELOW;
		return text_after(text, 2);
	}
	return text.len > 1 && text.at[0] == '.' ? text_after(text, 1) : text;
}

int host_emit(struct sink_span text, enum sink_scope scope, const struct feed_out *out)
{
	struct feed_entry entry;
	enum feed_reason reason = host_name(text, &entry.name);

	if (reason) {
		feed_skip(out, reason, text);
		return SINK_OK;
	}
	feed_entry_init(&entry);
	entry.scope = scope;
	return out->entry(out->arg, &entry);
}

bool host_is_comment(struct sink_span line)
{
	return line.len == 0 || line.at[0] == '#' || line.at[0] == ';' || line.at[0] == '!' ||
		text_starts(line, "//");
}

struct sink_span host_without_comment(struct sink_span line)
{
	line.len = text_find(line, '#');
	for (size_t i = 1; i < line.len; i++)
		if (text_is_space(line.at[i - 1]) && host_is_comment(text_after(line, i)) &&
			!text_is_space(line.at[i]))
			line.len = i;
	return text_trim(line);
}

/* Names that hosts files give to the machine itself: those of Linux, macOS, Windows and Docker. */
static bool is_local(struct sink_span name)
{
	static const char *const local[] = { "localhost", "localhost.localdomain", "localhost4",
		"localhost4.localdomain4", "localhost6", "localhost6.localdomain6", "localdomain",
		"local", "loopback", "broadcasthost", "ip6-localhost", "ip6-loopback",
		"ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters", "ip6-allhosts",
		"ipv6-localhost", "ipv6-loopback", "ipv6-localnet", "ipv6-mcastprefix",
		"ipv6-allnodes", "ipv6-allrouters", "ipv6-allhosts", "host.docker.internal",
		"gateway.docker.internal", "kubernetes.docker.internal", "0.0.0.0" };

	for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
		if (text_is_anycase(name, local[i]))
			return true;
	return false;
}

static bool are_local(struct sink_span names)
{
	struct sink_span name = text_field(&names);

	while (name.len > 0 && is_local(name))
		name = text_field(&names);
	return name.len == 0;
}

static enum feed_reason judge_line(struct sink_span address, struct sink_span names)
{
	if (!host_is_address(address))
		return FEED_NO_ADDRESS;
	if (text_trim(names).len == 0)
		return FEED_NO_NAME;
	if (host_is_sink(address))
		return FEED_TAKEN;
	return are_local(names) ? FEED_LOCAL_NAME : FEED_REAL_ADDRESS;
}

int host_line(struct sink_span line, const struct feed_out *out)
{
	struct sink_span rest = host_without_comment(line), name;
	struct sink_span address = text_field(&rest);
	enum feed_reason reason;
	int err = SINK_OK;

	if (address.len == 0)
		return SINK_OK;
	reason = judge_line(address, rest);
	if (reason) {
		feed_skip(out, reason, line);
		return SINK_OK;
	}
	for (name = text_field(&rest); name.len > 0 && !err; name = text_field(&rest))
		if (is_local(name))
			feed_skip(out, FEED_LOCAL_NAME, name);
		else
			err = host_emit(name, SINK_SCOPE_EXACT, out);
	return err;
}

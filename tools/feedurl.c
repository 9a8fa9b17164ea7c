/* feedurl.c - libcurl takes the URL apart. */
#include "feedurl.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "libcurl.h"

static bool is_loopback(const char *host)
{
	struct in_addr a;
	struct in6_addr aaaa;
	char bare[INET6_ADDRSTRLEN];
	size_t len = strlen(host);

	if (inet_pton(AF_INET, host, &a) == 1)
		return ntohl(a.s_addr) >> 24 == 127;
	if (len < 3 || len - 2 >= sizeof bare || host[0] != '[')
		return false;
	memcpy(bare, host + 1, len - 2);
	bare[len - 2] = 0;
	return inet_pton(AF_INET6, bare, &aaaa) == 1 && IN6_IS_ADDR_LOOPBACK(&aaaa);
}

struct feedurl_shown feedurl_shown(const char *url)
{
	size_t scheme = strcspn(url, ":/?#"), len;
	struct feedurl_shown out;
	const char *host, *at;

	scheme = strncmp(url + scheme, "://", 3) == 0 ? scheme + 3 : 0;
	host = url + scheme;
	len = strcspn(host, "?#");
	at = memrchr(host, '@', strcspn(host, "/?#"));
	if (at) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	if (len >= sizeof out.text)
		len = sizeof out.text - 1;
	snprintf(out.text, sizeof out.text, "%.*s%.*s", (int)scheme, url, (int)len, host);
	return out;
}

/* A part, or "" where the URL has none. */
struct part {
	char *text; /* libcurl.free() it */
};

static struct part take(CURLU *url, CURLUPart what)
{
	struct part part = { NULL };

	if (libcurl.url_get(url, what, &part.text, 0) != CURLUE_OK)
		part.text = NULL;
	return part;
}

static int judge(CURLU *url, const char *text, struct sink_why *why)
{
	struct part scheme = take(url, CURLUPART_SCHEME), host = take(url, CURLUPART_HOST);
	struct part user = take(url, CURLUPART_USER), password = take(url, CURLUPART_PASSWORD);
	const char *s = scheme.text ? scheme.text : "", *h = host.text ? host.text : "";
	int err = SINK_OK;

	if (user.text || password.text)
		err = sink_why(why, SINK_ESYNTAX,
			"url: a user or password does not belong there: token-file names a file "
			"that "
			"holds it");
	else if (strcmp(s, "http") == 0 && !is_loopback(h))
		err = sink_why(why, SINK_ESYNTAX,
			"url '%s': http:// is for addresses of this machine (127.0.0.1, [::1]); "
			"https:// is wanted",
			feedurl_shown(text).text);
	else if (strcmp(s, "https") != 0 && strcmp(s, "http") != 0 && strcmp(s, "file") != 0)
		err = sink_why(why, SINK_ESYNTAX, "url '%s': https:// or file:// is wanted",
			feedurl_shown(text).text);
	libcurl.free(scheme.text);
	libcurl.free(host.text);
	libcurl.free(user.text);
	libcurl.free(password.text);
	return err;
}

int feedurl_check(const char *text, struct sink_why *why)
{
	CURLU *url;
	CURLUcode code;
	int err;

	if (!strstr(text, "://"))
		return sink_why(why, SINK_ESYNTAX, "url '%s': https:// or file:// is wanted",
			feedurl_shown(text).text);
	err = libcurl_load(why);
	if (err)
		return err;
	url = libcurl.url();
	if (!url)
		return sink_why(why, SINK_ENOMEM, "no memory");
	code = libcurl.url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
	err = code == CURLUE_OK ? judge(url, text, why)
				: sink_why(why, SINK_ESYNTAX, "url '%s': %s",
					  feedurl_shown(text).text, libcurl.url_strerror(code));
	libcurl.url_cleanup(url);
	return err;
}

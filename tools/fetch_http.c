/* fetch_http.c - HTTP as we allow it: https, or http to this very host; no change of scheme; our own
 * redirects, so that each is judged before it is followed. */
#include "fetch_http.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "fetch_gzip.h"
#include "libcurl.h"

#define REDIRECTS_MAX 5
#define CONNECT_SECONDS 10
#define SLOW_BYTES 1024 /* a second */

struct http {
	CURL *curl;
	const char *authorities;
	int64_t deadline; /* ms, monotonic */
	char *error;
	size_t error_size;
	char curl_error[CURL_ERROR_SIZE];
	const struct http_request *request;
	struct gunzip gunzip; /* of this transfer */
	bool is_explained; /* `error` says already why this transfer ended */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* returns  false, for the caller to return */
static bool __attribute__((format(printf, 2, 3))) fail(struct http *http, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(http->error, http->error_size, format, list);
	va_end(list);
	return false;
}

struct http *http_begin(const char *authorities, unsigned seconds, char *error, size_t size)
{
	struct http *http = calloc(1, sizeof *http);

	if (!http)
		return NULL;
	http->authorities = authorities;
	http->deadline = now_ms() + (int64_t)seconds * 1000;
	http->error = error;
	http->error_size = size;
	if (libcurl_load(NULL) == SINK_OK && libcurl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		http->curl = libcurl.easy_init();
	if (http->curl)
		return http;
	free(http);
	return NULL;
}

void http_end(struct http *http)
{
	if (!http)
		return;
	libcurl.easy_cleanup(http->curl);
	free(http);
}

bool http_is_over(const struct http *http)
{
	return now_ms() >= http->deadline;
}

/* --- which URLs we go to --------------------------------------------------------------------------- */

/* What decides who gets the token, and whether we go there at all. */
struct origin {
	char *scheme, *host, *port;
};

static void origin_end(struct origin *origin)
{
	libcurl.free(origin->scheme);
	libcurl.free(origin->host);
	libcurl.free(origin->port);
	*origin = (struct origin){ 0 };
}

/* Of a URL without credentials in it.
 *
 * returns  NULL; what is wrong with it. origin_end() is due in either case
 */
static const char *origin_of(const char *url, struct origin *out)
{
	CURLU *parts = libcurl.url();
	char *user = NULL, *password = NULL;
	const char *wrong = NULL;

	*out = (struct origin){ 0 };
	if (!parts)
		return "no memory";
	if (libcurl.url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) ||
		libcurl.url_get(parts, CURLUPART_SCHEME, &out->scheme, 0))
		wrong = "not a URL";
	else if (libcurl.url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK ||
		libcurl.url_get(parts, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK)
		wrong = "a URL with a user or password in it (they belong into token-file)";
	else if (libcurl.url_get(parts, CURLUPART_HOST, &out->host, 0) ||
		libcurl.url_get(parts, CURLUPART_PORT, &out->port, CURLU_DEFAULT_PORT))
		wrong = "a URL without a host";
	libcurl.free(user);
	libcurl.free(password);
	libcurl.url_cleanup(parts);
	return wrong;
}

static bool is_loopback(const char *host)
{
	struct in_addr v4;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

/* returns  NULL; why we do not go there */
static const char *objection(const struct origin *origin)
{
	if (origin->scheme && strcmp(origin->scheme, "https") == 0)
		return NULL;
	if (!origin->scheme || strcmp(origin->scheme, "http") != 0)
		return "another scheme than https";
	return is_loopback(origin->host) ? NULL : "http goes to addresses of this host only";
}

static bool is_same(const struct origin *a, const struct origin *b)
{
	return strcmp(a->scheme, b->scheme) == 0 && strcasecmp(a->host, b->host) == 0 &&
		strcmp(a->port, b->port) == 0;
}

/* --- one transfer ---------------------------------------------------------------------------------- */

static long status_of_answer(CURL *curl)
{
	long status = 0;

	libcurl.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* returns  NULL: there is no such header; else until the next transfer */
static const char *header(CURL *curl, const char *name)
{
	struct curl_header *found;

	/* of the last answer, if there was one before it (100, a proxy's) */
	if (libcurl.easy_header(curl, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
		return NULL;
	return found->value;
}

static bool take_encoded(struct http *http, struct sink_span bytes)
{
	const char *encoding = header(http->curl, "Content-Encoding");
	bool damaged = false, good;

	if (!encoding || strcasecmp(encoding, "identity") == 0)
		return http->request->body(http->request->arg, bytes);
	if (strcasecmp(encoding, "gzip") != 0 && strcasecmp(encoding, "x-gzip") != 0)
		return fail(http, "a Content-Encoding that was not asked for");
	good = gunzip_add(&http->gunzip, bytes, http->request->body, http->request->arg, &damaged);
	return damaged ? fail(http, "damaged: it is said to be gzip, and is not") : good;
}

/* What an error page says interests nobody: any other body than of a 200 ends the transfer. */
static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct http *http = arg;
	size_t len = size * count;

	if (status_of_answer(http->curl) != 200)
		return 0;
	if (take_encoded(http, sink_span(bytes, len)))
		return len;
	http->is_explained = true;
	return 0;
}

/* A list that could not grow is freed, and stays NULL. */
static void add_header(struct curl_slist **list, bool *failed, const char *line)
{
	struct curl_slist *longer = *failed ? NULL : libcurl.slist_append(*list, line);

	if (!longer) {
		libcurl.slist_free_all(*list);
		*failed = true;
	}
	*list = longer;
}

static void add_field(struct curl_slist **list, bool *failed, const char *name, const char *value)
{
	char line[VALIDATOR_MAX + 64];

	if (!value || !*value)
		return;
	snprintf(line, sizeof line, "%s: %s", name, value);
	add_header(list, failed, line);
}

/* returns  NULL: no memory */
static struct curl_slist *headers(const struct http_request *request, bool with_authorization)
{
	struct curl_slist *list = NULL;
	bool failed = false;

	add_header(&list, &failed, "Expect:");
	add_header(&list, &failed, "Accept-Encoding: gzip");
	add_field(&list, &failed, "Accept", request->accept ? request->accept : "*/*");
	add_field(&list, &failed, "If-None-Match", request->etag);
	add_field(&list, &failed, "If-Modified-Since", request->modified);
	if (request->post)
		add_field(&list, &failed, "Content-Type", "application/json");
	if (with_authorization && request->authorization)
		add_header(&list, &failed, request->authorization);
	return list;
}

static void set_limits(const struct http *http)
{
	CURL *curl = http->curl;
	int64_t left = http->deadline - now_ms();

	libcurl.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	libcurl.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	libcurl.easy_setopt(curl, CURLOPT_TIMEOUT_MS, left > 0 ? (long)left : 1L); /* 0: no limit */
	libcurl.easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
	libcurl.easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)http->request->stall);
}

static void set_trust(const struct http *http, bool is_tls)
{
	CURL *curl = http->curl;

	libcurl.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, is_tls ? "https" : "http");
	libcurl.easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	libcurl.easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	libcurl.easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	libcurl.easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (http->authorities)
		libcurl.easy_setopt(curl, CURLOPT_CAINFO, http->authorities);
	if (!is_tls) /* to this host: no proxy is asked, whatever the environment says */
		libcurl.easy_setopt(curl, CURLOPT_PROXY, "");
}

static CURLcode transfer(struct http *http, const char *url, bool is_tls, struct curl_slist *list)
{
	CURL *curl = http->curl;
	CURLcode code;

	http->is_explained = false;
	http->curl_error[0] = 0;
	libcurl.easy_reset(curl);
	set_limits(http);
	set_trust(http, is_tls);
	libcurl.easy_setopt(curl, CURLOPT_URL, url);
	libcurl.easy_setopt(curl, CURLOPT_USERAGENT, "sinkhole/" SINK_VERSION);
	libcurl.easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	libcurl.easy_setopt(curl, CURLOPT_ERRORBUFFER, http->curl_error);
	libcurl.easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	libcurl.easy_setopt(curl, CURLOPT_WRITEDATA, http);
	if (http->request->post)
		libcurl.easy_setopt(curl, CURLOPT_POSTFIELDS, http->request->post);
	code = libcurl.easy_perform(curl);
	if (!gunzip_end(&http->gunzip) && code == CURLE_OK)
		http->is_explained = !fail(http, "cut short: the gzip stream does not end");
	return code;
}

/* --- what came back -------------------------------------------------------------------------------- */

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void keep_header(CURL *curl, const char *name, char out[VALIDATOR_MAX])
{
	const char *value = header(curl, name);

	snprintf(out, VALIDATOR_MAX, "%s", value && strlen(value) < VALIDATOR_MAX ? value : "");
}

static bool explain(struct http *http, CURLcode code)
{
	const char *text = http->curl_error[0] ? http->curl_error : libcurl.easy_strerror(code);

	switch (code) {
	case CURLE_PARTIAL_FILE:
		return fail(http, "cut short: %s", text);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
		return fail(http, "TLS: %s", text);
	case CURLE_OPERATION_TIMEDOUT:
		return fail(http, "too slow: %s", text);
	default:
		return fail(http, "%s", text);
	}
}

static bool explain_status(struct http *http, long status)
{
	const char *hint = "";

	if (status == 401 || status == 403)
		hint = http->request->authorization ? " (is the token right?)"
						    : " (does it want a token-file?)";
	return fail(http, "HTTP %ld%s", status, hint);
}

/* returns  true: over, and well */
static bool judge(struct http *http, CURLcode code, struct http_answer *out)
{
	const struct http_request *request = http->request;
	long status = status_of_answer(http->curl);
	bool asked = (request->etag && *request->etag) || (request->modified && *request->modified);

	if (http->is_explained)
		return false;
	if (status != 0 && status != 200 && (status != 304 || !asked))
		return explain_status(http, status);
	if (code != CURLE_OK)
		return explain(http, code);
	out->not_modified = status == 304;
	keep_header(http->curl, "ETag", out->etag);
	keep_header(http->curl, "Last-Modified", out->modified);
	keep_header(http->curl, "X-TAXII-Date-Added-Last", out->added_last);
	return true;
}

/* Not the path: a server may repeat there the token that it was given.
 *
 * returns  false */
static bool refuse_redirect(struct http *http, const struct origin *to, const char *why)
{
	return fail(http, "redirect to %s://%s refused: %s", to->scheme ? to->scheme : "?",
		to->host ? to->host : "", why);
}

/* What Location means, seen from `url`.
 *
 * returns  to be freed with free(); NULL: nothing
 */
static char *target(const char *url, const char *location)
{
	CURLU *parts = libcurl.url();
	char *found = NULL, *copy = NULL;

	if (parts && location && libcurl.url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
		libcurl.url_set(parts, CURLUPART_URL, location,
			CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE) == CURLUE_OK &&
		libcurl.url_get(parts, CURLUPART_URL, &found, 0) == CURLUE_OK)
		copy = strdup(found);
	libcurl.free(found);
	libcurl.url_cleanup(parts);
	return copy;
}

/* Where a redirect leads, if we go there.
 *
 * out      to be freed; written when true is returned
 */
static bool next_url(struct http *http, const char *url, const struct origin *from, char **out)
{
	struct origin to;
	char *next = target(url, header(http->curl, "Location"));
	const char *wrong;

	if (!next)
		return fail(http, "HTTP %ld that leads nowhere", status_of_answer(http->curl));
	wrong = origin_of(next, &to);
	if (to.scheme && strcmp(to.scheme, from->scheme) != 0)
		wrong = "another scheme";
	if (!wrong)
		wrong = objection(&to);
	if (!wrong && http->request->post)
		wrong = "requests with a body are not redirected";
	if (wrong) {
		refuse_redirect(http, &to, wrong);
		free(next);
	} else {
		*out = next;
	}
	origin_end(&to);
	return !wrong;
}

/* One step of the way.
 *
 * first    where the way began: only there the token is told
 * next     a redirect's target, to be freed; NULL: this was the end
 * returns  true: *next or *out is what came
 */
static bool step(struct http *http, const char *url, const struct origin *first, char **next,
	struct http_answer *out)
{
	struct origin here;
	const char *wrong = origin_of(url, &here);
	struct curl_slist *list = NULL;
	CURLcode code;
	bool good = false;

	if (!wrong)
		wrong = objection(&here);
	if (!wrong)
		list = headers(http->request, is_same(first, &here));
	if (!wrong && !list)
		wrong = "no memory";
	if (wrong) {
		fail(http, "%s", wrong);
		goto end;
	}
	code = transfer(http, url, strcmp(here.scheme, "https") == 0, list);
	if (is_redirect(status_of_answer(http->curl)))
		good = next_url(http, url, &here, next);
	else
		good = judge(http, code, out);
end:
	libcurl.slist_free_all(list);
	origin_end(&here);
	return good;
}

static bool walk(struct http *http, const struct origin *first, struct http_answer *out)
{
	char *at = strdup(http->request->url), *next;
	bool good = at || fail(http, "no memory");

	for (int hops = 0; good; hops++) {
		if (hops > REDIRECTS_MAX) {
			good = fail(http, "more than %d redirects", REDIRECTS_MAX);
			break;
		}
		if (http_is_over(http)) {
			good = fail(http, "too slow: no time is left");
			break;
		}
		next = NULL;
		good = step(http, at, first, &next, out);
		if (!next)
			break;
		free(at);
		at = next;
	}
	free(at);
	return good;
}

bool http_ask(struct http *http, const struct http_request *request, struct http_answer *out)
{
	struct origin first;
	const char *wrong = origin_of(request->url, &first);
	bool good;

	*out = (struct http_answer){ 0 };
	http->request = request;
	good = wrong ? fail(http, "%s", wrong) : walk(http, &first, out);
	origin_end(&first);
	return good;
}

/* --- making requests ------------------------------------------------------------------------------- */

static size_t without_slashes(const char *path)
{
	size_t len = strlen(path);

	while (len > 0 && path[len - 1] == '/')
		len--;
	return len;
}

static bool add_path(CURLU *parts, const char *path)
{
	char *old = NULL, joined[4096];
	size_t len, more = without_slashes(path);
	bool good = false;

	if (libcurl.url_get(parts, CURLUPART_PATH, &old, 0))
		return false;
	len = without_slashes(old);
	if (len >= more && strncmp(old + len - more, path, more) == 0)
		len -= more;
	if (snprintf(joined, sizeof joined, "%.*s%s", (int)len, old, path) < (int)sizeof joined)
		good = libcurl.url_set(parts, CURLUPART_PATH, joined, 0) == CURLUE_OK;
	libcurl.free(old);
	return good;
}

char *http_url(const char *base, const char *path, const char *const *query)
{
	CURLU *parts = libcurl.url();
	char *url = NULL, *copy = NULL;
	bool good = parts && libcurl.url_set(parts, CURLUPART_URL, base, 0) == CURLUE_OK &&
		add_path(parts, path);

	for (; good && *query; query++)
		good = libcurl.url_set(parts, CURLUPART_QUERY, *query,
			       CURLU_APPENDQUERY | CURLU_URLENCODE) == CURLUE_OK;
	if (good && libcurl.url_get(parts, CURLUPART_URL, &url, 0) == CURLUE_OK)
		copy = strdup(url);
	libcurl.free(url);
	libcurl.url_cleanup(parts);
	return copy;
}

static bool is_header(const char *token)
{
	size_t n = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && token[n] == ':' && token[n + 1] == ' ';
}

/* RFC 4648, 4. */
static void base64(const char *text, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *at = (const uint8_t *)text;

	for (size_t left = strlen(text); left > 0; left -= left < 3 ? left : 3, at += 3) {
		uint32_t bits = (uint32_t)at[0] << 16 | (left > 1 ? (uint32_t)at[1] << 8 : 0) |
			(left > 2 ? at[2] : 0);

		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[bits & 63] : '=';
	}
	*out = 0;
}

char *http_authorization(const char *token, const char *scheme)
{
	size_t size = 4 * strlen(token) + 64;
	char *line = malloc(size);

	if (!line)
		return NULL;
	if (is_header(token)) {
		snprintf(line, size, "%s", token);
	} else if (!scheme && strchr(token, ':')) {
		int n = snprintf(line, size, "Authorization: Basic ");

		base64(token, line + n);
	} else {
		snprintf(line, size, "Authorization: %s%s", scheme ? scheme : "Bearer ", token);
	}
	return line;
}

#define TOKEN_PLACE "{token}"

char *http_fill_token(const char *url, const char *token)
{
	const char *place = strstr(url, TOKEN_PLACE);
	char *escaped = libcurl.easy_escape(NULL, token, 0);
	char *out = NULL;

	if (place && escaped &&
		asprintf(&out, "%.*s%s%s", (int)(place - url), url, escaped,
			place + strlen(TOKEN_PLACE)) < 0)
		out = NULL;
	libcurl.free(escaped);
	return out;
}

/* fetch_http.h - one HTTP request with its redirects, in the worker process. */
#ifndef TOOLS_FETCH_HTTP_H
#define TOOLS_FETCH_HTTP_H

#include "fetch_worker.h"

struct http;

/* Where a body goes. Returns false to end the transfer; whoever does has kept the reason. */
typedef bool http_body_fn(void *arg, struct sink_span bytes);

struct http_request {
	const char *url;
	const char *post; /* a JSON body; NULL: a GET. A POST follows no redirect */
	const char *accept; /* NULL: anything */
	const char *authorization; /* a header line, sent to the first host only; NULL: none */
	const char *etag, *modified; /* NULL or empty: no condition */
	unsigned stall; /* seconds with less than 1 KiB/s: too slow */
	http_body_fn *body;
	void *arg;
};

struct http_answer {
	bool not_modified; /* 304, which only an answer to a condition may be */
	char etag[VALIDATOR_MAX], modified[VALIDATOR_MAX], added_last[VALIDATOR_MAX];
};

/* seconds  for all requests together
 * error    where failures are explained, at least 320 bytes
 * returns  NULL: no memory
 */
struct http *http_begin(const char *authorities, unsigned seconds, char *error, size_t size);

/* NULL is fine. */
void http_end(struct http *http);

/* Has the time run out? */
bool http_is_over(const struct http *http);

/* returns  true: all of a 200, or a 304; false, with the reason in `error` unless `body` ended it */
bool http_ask(struct http *http, const struct http_request *request, struct http_answer *out);

/* Build a URL: `path` is added to that of `base` unless it ends so, and each of `query` ("key=value", ended by NULL)
 * to its query, escaped.
 *
 * returns  to be freed with free(); NULL: no URL, or no memory
 */
char *http_url(const char *base, const char *path, const char *const *query);

/* "token" in the form that the server wants: "Name: value" is a header as it is; "user:password" is for basic
 * authentication; else it is a bearer token, or `scheme` in the place of "Bearer " if that is not NULL.
 *
 * returns  a header line, to be freed with free(); NULL: no memory
 */
char *http_authorization(const char *token, const char *scheme);

/* Put `token` where "{token}" stands, escaped.
 *
 * returns  to be freed with free(); NULL: no memory
 */
char *http_fill_token(const char *url, const char *token);

#endif

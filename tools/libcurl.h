/* libcurl.h - libcurl's functions, found when one is first needed.
 *
 * It brings some twenty libraries with it, of which the start of a process takes longer than of all the rest: 6 of
 * 10 ms, which a change of policy or a look-up should not wait for. What a fetch or a URL in a configuration needs is
 * here under libcurl's own names, less their prefix. */
#ifndef SINK_LIBCURL_H
#define SINK_LIBCURL_H

#include <curl/curl.h>

#include "sinkhole/err.h"

#define LIBCURL_CALLS(X) \
	X(easy_cleanup) \
	X(easy_escape) \
	X(easy_getinfo) \
	X(easy_header) \
	X(easy_init) \
	X(easy_perform) \
	X(easy_reset) \
	X(easy_setopt) \
	X(easy_strerror) \
	X(free) \
	X(global_init) \
	X(slist_append) \
	X(slist_free_all) \
	X(url) \
	X(url_cleanup) \
	X(url_get) \
	X(url_set) \
	X(url_strerror)

/* NOLINTNEXTLINE(bugprone-macro-parentheses): a member has none. */
#define LIBCURL_MEMBER(name) __typeof__(curl_##name) *name;
extern struct libcurl {
	LIBCURL_CALLS(LIBCURL_MEMBER)
} libcurl;
#undef LIBCURL_MEMBER

/* Before the first of the calls. One thread at a time; again costs nothing.
 *
 * returns  SINK_OK; SINK_EIO if the library, or a function of it, is not there: why names what to install
 */
int libcurl_load(struct sink_why *why);

#endif

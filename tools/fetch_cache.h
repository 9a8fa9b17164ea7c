/* fetch_cache.h - the directory of what was fetched: a copy for each source, and what is known about it.
 *
 *   lock         held by who fetches
 *   NAME.feed    the copy
 *   NAME.meta    about it (JSON): whence, when, size, digest, the server's ETag and Last-Modified
 *   NAME.new     being written
 *
 * NAME is the source's, with %XX for what is not a letter, digit, '.', '_' or '-'. The copy is replaced
 * first and what is known about it second, both by rename. Between the two, the digest tells that the older
 * knowledge is not about this copy: it is then asked for anew, without conditions. */
#ifndef TOOLS_FETCH_CACHE_H
#define TOOLS_FETCH_CACHE_H

#include <stdio.h>

#include "config.h"
#include "sinkhole/sha256.h"

#define CACHE_STEM_MAX 208 /* bytes, with the NUL; a file's name has at most 255 */
#define VALIDATOR_MAX 256 /* bytes of an ETag, with the NUL; a longer one is not used */

struct meta {
	char request[SINK_SHA256_TEXT]; /* digest of what was asked for: kind and full URL */
	char sha256[SINK_SHA256_TEXT];
	char etag[VALIDATOR_MAX], modified[VALIDATOR_MAX]; /* empty: none */
	int64_t fetched;
	uint64_t bytes;
};

struct copy {
	char stem[CACHE_STEM_MAX];
	bool is_there;
	bool is_known; /* meta is about this copy, as far as its size tells */
	uint64_t bytes;
	struct meta meta; /* if is_known */
};

/* Where: what the configuration says, $SINKHOLE_CACHE_DIR, /var/cache/sinkhole. */
const char *cache_directory(const struct config *config);

/* Open it, made if missing, and lock it. A line is printed if somebody else has the lock.
 *
 * dir      a descriptor; closing it and `lock` ends both
 * returns  SINK_OK; SINK_EIO
 */
int cache_open(const char *path, struct sink_why *why, int *dir, int *lock);

/* May what lies there be compiled? Not if others can write to it.
 *
 * returns  SINK_OK; SINK_EIO
 */
int cache_check(const char *path, struct sink_why *why);

/* The file names of a source, without what follows the last dot.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int cache_stem(struct sink_span name, char out[CACHE_STEM_MAX]);

/* What there is. A copy whose meta cannot be read is there, and not known.
 *
 * returns  SINK_OK; SINK_ENOMEM
 */
int cache_look(int dir, struct sink_span name, struct copy *out);

/* Is the copy, by its digest, the one that meta is about? Reads all of it. */
bool cache_is_intact(int dir, const struct copy *copy);

/* A new file for a body, replacing what a killed process left.
 *
 * returns  a descriptor; -1 with errno
 */
int cache_create(int dir, const struct copy *copy);

/* Make it the copy, on disk before its name.
 *
 * body     its descriptor, still the caller's
 * returns  SINK_OK; SINK_EIO (errno); SINK_ENOMEM
 */
int cache_commit(int dir, const struct copy *copy, int body, const struct meta *meta,
	struct sink_span name, const char *url);

/* The copy stays, what is known about it is written anew. */
int cache_note(int dir, const struct copy *copy, const struct meta *meta, struct sink_span name,
	const char *url);

/* Forget what cache_create() made. */
void cache_discard(int dir, const struct copy *copy);

#endif

/* fetch.h - sources that come over the network, brought up to date in a cache directory. Whatever goes wrong,
 * the last good copy stays. The network is met by another process (fetch_worker.h). */
#ifndef TOOLS_FETCH_H
#define TOOLS_FETCH_H

#include "config.h"
#include "sinkhole/sha256.h"

#define FETCH_REFRESH_DEFAULT 3600 /* seconds: not asked again before */
#define FETCH_BYTES_DEFAULT (UINT64_C(512) << 20) /* of a body, decompressed */
#define FETCH_SECONDS_DEFAULT 300 /* for all of one source */

enum fetch_result {
	FETCH_FRESH, /* not asked: the copy is younger than the source's `refresh` */
	FETCH_UNCHANGED, /* asked: the copy is what there is */
	FETCH_NEW, /* another copy */
	FETCH_KEPT, /* failed; there is a copy from before */
	FETCH_MISSING, /* failed, and there is none */
	FETCH_RESULT_COUNT
};

struct fetch_report {
	enum fetch_result result;
	struct sink_why why; /* KEPT and MISSING: source, URL, reason, and how old the copy is */
	int64_t fetched; /* when the copy was last known to be current; 0: no copy, or unknown */
	uint64_t bytes; /* of the copy */
	char sha256[SINK_SHA256_TEXT]; /* of the copy; empty: unknown */
};

/* "fresh", "unchanged", "new", "kept", "missing". */
const char *fetch_result_word(enum fetch_result result);

struct fetcher;

/* Open the cache directory of a configuration, made (0700) if it is missing, and wait for its lock: only one
 * fetches at a time.
 *
 * config   borrowed until fetch_end()
 * returns  SINK_OK; SINK_EIO (why says it: also a directory that others may write to, or no such user to fetch as);
 *          SINK_ENOMEM
 */
int fetch_begin(const struct config *config, struct sink_why *why, struct fetcher **out);

/* NULL is fine. */
void fetch_end(struct fetcher *fetcher);

/* Bring one source up to date.
 *
 * source   one of the configuration's, whose `fetch` is not FETCH_NONE
 * now      seconds since 1970, by the clock: not the time of a reproducible compilation
 * force    ask although the copy is fresh
 * report   written always
 * cost     at most the source's limits.seconds and a little; a process of its own while it lasts
 */
void fetch_source(struct fetcher *fetcher, const struct source *source, int64_t now, bool force,
	struct fetch_report *report);

/* Called for each source as it is done. */
typedef void fetch_told_fn(void *arg, const struct source *source,
	const struct fetch_report *report);

/* The sources of a configuration that are fetched, one after the other. Shows progress on a terminal.
 *
 * names    of those that are meant, ended by NULL; none, or NULL: all
 * returns  SINK_OK (whatever became of each); as fetch_begin(). Without such a source nothing is touched
 */
int fetch_all(const struct config *config, char *const *names, bool force, fetch_told_fn *told,
	void *arg, struct sink_why *why);

/* Where the good copy of a source is. It is replaced by rename, so who has it open reads one copy to its end.
 *
 * out      a path; written on SINK_OK only
 * returns  SINK_OK; SINK_ENOENT (there is no copy); SINK_EIO (path too long; a directory that others may write to)
 */
int fetch_path(const struct config *config, const struct source *source, struct sink_why *why,
	char *out, size_t size);

/* The source's name. */
struct sink_span fetch_name(const struct source *source);

#endif

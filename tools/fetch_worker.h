/* fetch_worker.h - one request, answered by a process of its own: another user if we are root, no new
 * privileges, no other process, little memory, two descriptors. What it says is not believed further than
 * its form. */
#ifndef TOOLS_FETCH_WORKER_H
#define TOOLS_FETCH_WORKER_H

#include <sys/types.h>

#include "fetch_cache.h"

struct fetch_user {
	bool change; /* we are root, and become: */
	uid_t uid;
	gid_t gid;
};

struct fetch_request {
	enum fetch_kind kind;
	const char *url;
	const char *token; /* NULL: none */
	const char *etag, *modified; /* of the copy that is there; empty: none */
	const char *
		authorities; /* a file of certificates to trust instead of the system's; NULL: none */
	uint64_t bytes; /* at most */
	unsigned seconds; /* at most, for everything */
	struct fetch_user user;
};

enum fetch_outcome { OUTCOME_FAILED, OUTCOME_DONE, OUTCOME_UNCHANGED, OUTCOME_COUNT };

/* Crosses the pipe as it is. All texts end within, and hold printable ASCII only (etag, modified) or
 * anything (error). */
struct fetch_reply {
	uint32_t outcome;
	char etag[VALIDATOR_MAX], modified[VALIDATOR_MAX];
	char error[320]; /* a clause, such as "HTTP 404" */
};

/* Ask, and wait for the answer at most request->seconds and a little. The process is gone afterwards.
 *
 * body     a new file that is open for reading and writing
 * out      written always
 */
void worker_ask(const struct fetch_request *request, int body, struct fetch_reply *out);

/* In the new process: give up what it does not need. A descriptor in [0, keep) stays.
 *
 * returns  NULL; what could not be done
 */
const char *jail_enter(const struct fetch_request *request, int keep);

/* In the new process: do it.
 *
 * body     the descriptor to write to
 */
void worker_run(const struct fetch_request *request, int body, struct fetch_reply *out);

#endif

/* err.h - every way to fail, and its text. Knows nothing else. */
#ifndef SINKHOLE_ERR_H
#define SINKHOLE_ERR_H

/* A code stands for what the caller can do about it. Functions return SINK_OK or one of these. */
enum sink_err {
	SINK_OK = 0,
	SINK_ENOENT = -1, /* not there: the common, honest "no" */
	SINK_ENOMEM = -2, /* no memory: give up this piece of work, keep what is in use */
	SINK_ESYNTAX = -3, /* text that is not what it should be: skip it and count it */
	SINK_ETOOLONG = -4, /* a label over 63 octets or a name over 255: RFC 1035, 2.3.4 */
	SINK_ECORRUPT = -5, /* stored data is damaged or contradicts itself: do not use it */
	SINK_EVERSION = -6, /* stored data has another layout than this program reads */
	SINK_EIO = -7, /* the system refused; errno says why */
	SINK_EBUSY = -8, /* somebody else holds the lock */
	SINK_EOLD = -9, /* a serial that is not newer than the one in use */
	SINK_ECANCELED = -10, /* the caller's own flag asked to stop */
	SINK_EINVAL = -11, /* the caller broke the contract; a bug in the program */
	SINK_EUNSIGNED = -12, /* without a signature that counts: ask for one, or for another key */
};

/* A short text for `err`, lower case, without a full stop: "not found".
 *
 * returns  a constant string, never NULL, also for numbers that are no code
 * thread   any
 */
const char *sink_strerror(int err);

#define SINK_WHY_MAX 512 /* bytes, with the terminating NUL; longer texts are cut */

/* One sentence about one refusal, naming file and reason, for the caller to log or print:
 * "/var/lib/unbound/sinkhole/gen/base-3-….mdb: digest differs from the manifest".
 * Where a function takes one it may be NULL; it is written on failure only. */
struct sink_why {
	char text[SINK_WHY_MAX];
};

/* Write the sentence, printf-like. Control bytes are replaced by '?', so a file name cannot forge
 * a second log line. `why` may be NULL.
 *
 * returns  err, so that a failing function can end with `return sink_why(why, SINK_ECORRUPT, ...)`
 */
int sink_why(struct sink_why *why, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif

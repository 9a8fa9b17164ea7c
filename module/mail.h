/* mail.h - lines for the log from a thread that must not log to those that may: Unbound's log
 * goes away under a foreign thread when the resolver reloads. Knows no Unbound header. */
#ifndef MODULE_MAIL_H
#define MODULE_MAIL_H

#include <stdbool.h>

struct mail;

#define MAIL_TEXT_MAX 1024 /* bytes of a line with its NUL; longer ones are cut */
#define MAIL_LINES 32 /* that wait; the oldest make room, and the next taker is told */

/* out      the caller frees it
 * returns  SINK_OK; SINK_ENOMEM
 */
int mail_new(struct mail **out);

/* NULL is fine. What waits is lost. */
void mail_free(struct mail *mail);

/* Have `wake` called after each line is put, in the thread that put it. Before threads share it. */
void mail_on_put(struct mail *mail, void (*wake)(void *arg), void *arg);

/* Put a line, printf-like. Any thread.
 *
 * alarm    something is wrong: a warning in the log
 */
void mail_put(struct mail *mail, bool alarm, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Does anything wait? Any thread; one atomic load. */
bool mail_waits(const struct mail *mail);

typedef void mail_fn(void *arg, bool alarm, const char *text);

/* Hand over all lines, the oldest first. Any thread; when another is putting or taking at that
 * moment nothing happens, so that a worker never waits: the next call has them. */
void mail_take(struct mail *mail, mail_fn *fn, void *arg);

#endif

/* say.h - what is printed for people: results, messages, progress. What comes from feeds, file names and
 * arguments is escaped, so that it cannot move the cursor or forge a line. */
#ifndef TOOLS_SAY_H
#define TOOLS_SAY_H

#include <stdio.h>

#include "sinkhole/store.h"

/* Print text with everything escaped that is not printable UTF-8 (\xNN), cut to `max` bytes. */
void put_text(FILE *to, struct sink_span text, size_t max);

/* A line on stderr: "sinkhole: ...". Its text is escaped as a whole. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A reason as the history takes it: one line, less than SINK_NOTE_MAX bytes. */
bool is_note(const char *text);

/* A number with thousands separated: "1,234,567". */
struct number {
	char text[32];
};
struct number number(uint64_t n);

/* What stands behind a number's noun: "s", or nothing if it is 1. */
const char *plural(uint64_t n);

/* A time in UTC: "2026-11-21T12:00:00Z". */
struct moment {
	char text[32];
};
struct moment moment(int64_t time);

/* One in microseconds: "2026-11-21T12:00:00.123456Z". */
struct instant {
	char text[48];
};
struct instant instant(int64_t micros);

/* Whole seconds from when a generation was read until it was published, as far as clocks agree. */
int64_t read_to_published(const struct sink_manifest *manifest);

/* Progress on stderr, if that is a terminal: shown at most ten times a second. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_end(void);

/* Flush stdout. False, and a message, if what was printed could not be written. */
bool finish_output(void);

#endif

/* err.c - texts of errors, and the one sentence about a refusal. */
#include "sinkhole/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[] = {
	[-SINK_OK] = "done",
	[-SINK_ENOENT] = "not found",
	[-SINK_ENOMEM] = "out of memory",
	[-SINK_ESYNTAX] = "syntax error",
	[-SINK_ETOOLONG] = "name too long",
	[-SINK_ECORRUPT] = "damaged data",
	[-SINK_EVERSION] = "unknown version of the data",
	[-SINK_EIO] = "input/output error",
	[-SINK_EBUSY] = "in use by another process",
	[-SINK_EOLD] = "older than what is in use",
	[-SINK_ECANCELED] = "cancelled",
	[-SINK_EINVAL] = "invalid argument",
	[-SINK_EUNSIGNED] = "not signed",
};

const char *sink_strerror(int err)
{
	const int count = sizeof texts / sizeof texts[0];

	return err > 0 || err <= -count ? "unknown error" : texts[-err];
}

/* C0 and DEL, and C1 as UTF-8 spells it: some terminals obey those too. */
static void defuse(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at; at++) {
		if (*at < 0x20 || *at == 0x7f)
			*at = '?';
		if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
			at[0] = at[1] = '?';
	}
}

int sink_why(struct sink_why *why, int err, const char *format, ...)
{
	int saved = errno; /* SINK_EIO promises the caller its cause */
	va_list args;

	if (!why)
		return err;
	va_start(args, format);
	if (vsnprintf(why->text, sizeof why->text, format, args) < 0)
		snprintf(why->text, sizeof why->text, "%s", sink_strerror(err));
	va_end(args);
	defuse(why->text);
	errno = saved;
	return err;
}

#include "mail.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "sinkhole/err.h"

struct line {
	bool alarm;
	char text[MAIL_TEXT_MAX];
};

struct mail {
	pthread_mutex_t lock; /* of all that follows but `waits` and `wake` */
	struct line lines[MAIL_LINES];
	unsigned first, count;
	unsigned lost;
	atomic_bool waits;
	void (*wake)(void *arg);
	void *arg;
};

int mail_new(struct mail **out)
{
	struct mail *mail = calloc(1, sizeof *mail);

	if (!mail)
		return SINK_ENOMEM;
	if (pthread_mutex_init(&mail->lock, NULL)) {
		free(mail);
		return SINK_ENOMEM;
	}
	*out = mail;
	return SINK_OK;
}

void mail_free(struct mail *mail)
{
	if (!mail)
		return;
	pthread_mutex_destroy(&mail->lock);
	free(mail);
}

void mail_on_put(struct mail *mail, void (*wake)(void *arg), void *arg)
{
	mail->wake = wake;
	mail->arg = arg;
}

static struct line *next_line(struct mail *mail)
{
	if (mail->count == MAIL_LINES) {
		mail->first = (mail->first + 1) % MAIL_LINES;
		mail->count--;
		mail->lost++;
	}
	return &mail->lines[(mail->first + mail->count++) % MAIL_LINES];
}

/* A directory's name may hold anything; it must not begin a log line of its own. */
static void make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void mail_put(struct mail *mail, bool alarm, const char *format, ...)
{
	struct line *line;
	va_list args;

	pthread_mutex_lock(&mail->lock);
	line = next_line(mail);
	line->alarm = alarm;
	va_start(args, format);
	vsnprintf(line->text, sizeof line->text, format, args);
	va_end(args);
	make_one_line(line->text);
	atomic_store(&mail->waits, true);
	pthread_mutex_unlock(&mail->lock);
	if (mail->wake)
		mail->wake(mail->arg);
}

bool mail_waits(const struct mail *mail)
{
	return atomic_load(&mail->waits);
}

static void tell_lost(struct mail *mail, mail_fn *fn, void *arg)
{
	char text[64];

	if (mail->lost == 0)
		return;
	snprintf(text, sizeof text, "%u older lines were lost", mail->lost);
	mail->lost = 0;
	fn(arg, true, text);
}

void mail_take(struct mail *mail, mail_fn *fn, void *arg)
{
	if (pthread_mutex_trylock(&mail->lock))
		return;
	tell_lost(mail, fn, arg);
	while (mail->count > 0) {
		const struct line *line = &mail->lines[mail->first];

		fn(arg, line->alarm, line->text);
		mail->first = (mail->first + 1) % MAIL_LINES;
		mail->count--;
	}
	atomic_store(&mail->waits, false);
	pthread_mutex_unlock(&mail->lock);
}

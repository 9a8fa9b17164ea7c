/* apply_follow.c - live changes as they come: what comes within a moment is a batch, each batch a generation, and each is
 * answered. A line that is wrong is told and skipped, since nobody is there to send the others again. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apply.h"
#include "background.h"
#include "json.h"
#include "lines.h"
#include "say.h"
#include "text.h"

#define BATCH_MS 20 /* from the first line of a batch to its publication */

struct input {
	int fd;
	const char *title;
	uint64_t number; /* of the line at hand */
	bool ended;
	bool skips; /* the rest of a line that is too long */
	size_t len; /* bytes that are no whole line yet */
	uint8_t bytes[LINE_LENGTH_MAX];
};

struct following {
	struct applying applying;
	struct input input;
	bool json;
	bool has_begun; /* there are lines in the batch */
	int64_t until; /* by the clock below: when it is published */
	bool was_wrong, was_refused; /* a line, ever */
	bool in_vain; /* it is told already that nothing is folded */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- lines ---------------------------------------------------------------------------------------- */

static int take_line(struct following *f, struct sink_span line)
{
	struct input *in = &f->input;

	in->number++;
	if (!f->has_begun)
		f->until = now_ms() + BATCH_MS;
	f->has_begun = true;
	if (in->skips) {
		in->skips = false;
		applying_wrong(&f->applying, in->title, in->number, "line too long");
		return SINK_OK;
	}
	return applying_line(&f->applying, in->title, in->number, line);
}

/* Take the whole lines off the front. What the end of the input cuts off is a line, too. */
static int take_lines(struct following *f)
{
	struct input *in = &f->input;
	struct sink_span rest = sink_span(in->bytes, in->len);
	int err = SINK_OK;

	while (!err && text_find(rest, '\n') < rest.len)
		err = take_line(f, text_cut(&rest, '\n'));
	if (!err && in->ended && (rest.len > 0 || in->skips)) {
		err = take_line(f, rest);
		rest.len = 0;
	}
	if (rest.len == sizeof in->bytes) {
		in->skips = true;
		rest.len = 0;
	}
	memmove(in->bytes, rest.at, rest.len);
	in->len = rest.len;
	return err;
}

static int read_some(struct following *f, struct sink_why *why)
{
	struct input *in = &f->input;
	ssize_t n = read(in->fd, in->bytes + in->len, sizeof in->bytes - in->len);
	int err;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN
			? SINK_OK
			: sink_why(why, SINK_EIO, "%s: %s", in->title, strerror(errno));
	in->ended = n == 0;
	in->len += (size_t)n;
	err = take_lines(f);
	return err ? sink_why(why, err, "%s: %s", in->title, sink_strerror(err)) : SINK_OK;
}

/* --- batches -------------------------------------------------------------------------------------- */

static bool answer(const struct following *f)
{
	const struct applying *a = &f->applying;
	unsigned long long serial = a->after.serial;

	if (f->json)
		json_print(stdout,
			json_pack("{s:o,s:I,s:I,s:I,s:I,s:I}", "generation",
				serial ? json_integer((json_int_t)serial) : json_null(), "added",
				(json_int_t)a->added, "removed", (json_int_t)a->removed, "wrong",
				(json_int_t)a->wrong, "refused", (json_int_t)a->refused, "changes",
				(json_int_t)live_in_force(a->live)),
			true);
	else if (serial)
		printf("generation %llu: %s added, %s removed; %s live change%s in force\n", serial,
			number(a->added).text, number(a->removed).text,
			number(live_in_force(a->live)).text, plural(live_in_force(a->live)));
	else
		printf("nothing published\n");
	return fflush(stdout) == 0;
}

static int publish(struct following *f, struct sink_why *why)
{
	struct applying *a = &f->applying;
	int err = SINK_OK;

	f->was_wrong |= a->wrong > 0;
	f->was_refused |= a->refused > 0;
	a->after.serial = 0;
	if (live_added(a->live) > 0)
		err = applying_publish(a, why);
	if (err && a->after.serial == 0)
		return err;
	if (!answer(f))
		return sink_why(why, SINK_EIO, "standard output: %s", strerror(errno));
	f->in_vain = background_fold(a, !f->in_vain);
	f->has_begun = false;
	return err ? err : applying_next(a);
}

/* Until there is more to read, or the batch is to be published. */
static int wait_for(const struct following *f)
{
	struct pollfd poller = { .fd = f->input.fd, .events = POLLIN };
	int64_t left = f->until - now_ms();

	return poll(&poller, 1, f->has_begun ? (left > 0 ? (int)left : 0) : -1);
}

static int follow(struct following *f, struct sink_why *why)
{
	int err = SINK_OK;

	while (!err && !f->input.ended) {
		if (wait_for(f) > 0)
			err = read_some(f, why);
		if (!err && f->has_begun && (f->input.ended || now_ms() >= f->until))
			err = publish(f, why);
	}
	return err;
}

static enum status ended(const struct following *f)
{
	return f->was_wrong ? STATUS_DATA : f->was_refused ? STATUS_NO : STATUS_DONE;
}

static enum status run(struct following *f)
{
	struct sink_why why = { .text = "" };
	int err = applying_begin(&f->applying, &why);

	if (err)
		return apply_failed(err, &why);
	err = follow(f, &why);
	if (err) {
		say("%s", why.text[0] ? why.text : sink_strerror(err));
		return status_of(err);
	}
	return ended(f);
}

enum status apply_follow(const struct apply_request *what)
{
	static struct following f; /* the input is too large for a stack */
	bool is_stdin = strcmp(what->file, "-") == 0;
	enum status status;

	f = (struct following){ .applying = applying_of(what), .json = what->json };
	f.input.title = apply_title(what->file);
	f.input.fd = is_stdin ? STDIN_FILENO : open(what->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (f.input.fd < 0) {
		say("'%s': %s; nothing published", what->file, strerror(errno));
		return STATUS_SYSTEM;
	}
	status = run(&f);
	applying_end(&f.applying);
	if (!is_stdin)
		close(f.input.fd);
	return status;
}

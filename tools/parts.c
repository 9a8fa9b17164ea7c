/* parts.c - what "path" and "command" of a source stand for. */
#include "parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "sinkhole/grow.h"

#define PATIENCE 10 /* seconds between the end of a command's output and its own */

struct parts {
	const struct source *source;
	struct child child; /* the command */
	int output; /* of it, besides lines: what it writes must not meet a closed pipe before we know
		       how it ended; -1: none */
	DIR *dir; /* NULL: no directory */
	char **names; /* in it, in order */
	size_t count, room;
	size_t at; /* which part is next */
	struct lines *lines; /* of the part before that; NULL: none is open */
	uint64_t bytes, line_count; /* of those before it */
	char title[512];
};

/* --- a directory ---------------------------------------------------------------------------------- */

static bool is_part(const struct parts *p, const char *name)
{
	struct stat st;

	return name[0] != '.' && fstatat(dirfd(p->dir), name, &st, 0) == 0 && S_ISREG(st.st_mode);
}

static int add_name(struct parts *p, const char *name, struct sink_why *why)
{
	const char *path = p->source->path;
	char **names = sink_grow(p->names, p->count, &p->room, sizeof *names);

	if (names)
		p->names = names;
	if (!names || !(names[p->count] = strdup(name)))
		return sink_why(why, SINK_ENOMEM, "'%.300s': no memory", path);
	if (++p->count > PARTS_MAX)
		return sink_why(why, SINK_ETOOLONG, "'%.300s': more than %d files", path,
			PARTS_MAX);
	return SINK_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_names(struct parts *p, struct sink_why *why)
{
	const struct dirent *entry;
	int err = SINK_OK;

	while (!err && (errno = 0, entry = readdir(p->dir)) != NULL)
		if (is_part(p, entry->d_name))
			err = add_name(p, entry->d_name, why);
	if (err)
		return err;
	if (errno)
		return sink_why(why, SINK_EIO, "'%.300s': %s", p->source->path, strerror(errno));
	if (p->count == 0)
		return sink_why(why, SINK_ENOENT, "'%.300s': no file in it", p->source->path);
	qsort(p->names, p->count, sizeof *p->names, by_name);
	return SINK_OK;
}

/* It was a file when the directory was read. Whatever it is now, opening it must not block. */
static int open_name(struct parts *p, const char *name, struct sink_why *why)
{
	int fd = openat(dirfd(p->dir), name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		sink_why(why, SINK_EIO, "'%.300s': %s", p->title, strerror(errno));
		if (fd >= 0)
			close(fd);
		return SINK_EIO;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return sink_why(why, SINK_EIO, "'%.300s' is no file any more", p->title);
	}
	return lines_open_fd(fd, 0, p->title, why, &p->lines);
}

/* --- beginning ------------------------------------------------------------------------------------ */

static int begin_path(struct parts *p, struct sink_why *why)
{
	const char *path = p->source->path;
	struct stat st;

	if (strcmp(path, "-") == 0) {
		p->count = 1;
		return SINK_OK;
	}
	if (stat(path, &st) != 0)
		return sink_why(why, errno == ENOENT ? SINK_ENOENT : SINK_EIO, "'%.300s': %s", path,
			strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		p->count = 1;
		return SINK_OK;
	}
	p->dir = opendir(path);
	if (!p->dir)
		return sink_why(why, SINK_EIO, "'%.300s': %s", path, strerror(errno));
	return list_names(p, why);
}

static int begin_command(struct parts *p, struct sink_why *why)
{
	p->count = 1;
	return child_begin(p->source->command, &p->child, &p->output, why);
}

int parts_open(const struct source *source, struct sink_why *why, struct parts **out)
{
	struct parts *p = calloc(1, sizeof *p);
	int err;

	if (!p)
		return sink_why(why, SINK_ENOMEM, "no memory");
	p->source = source;
	p->output = -1;
	err = source->path ? begin_path(p, why) : begin_command(p, why);
	if (err) {
		parts_close(p, NULL);
		return err;
	}
	*out = p;
	return SINK_OK;
}

/* --- one after another ---------------------------------------------------------------------------- */

static void set_title(struct parts *p)
{
	const char *path = p->source->path;

	if (p->dir)
		snprintf(p->title, sizeof p->title, "%.250s%s%.250s", path,
			path[strlen(path) - 1] == '/' ? "" : "/", p->names[p->at]);
	else if (path)
		snprintf(p->title, sizeof p->title, "%s",
			strcmp(path, "-") == 0 ? "standard input" : path);
	else
		snprintf(p->title, sizeof p->title, "%s", p->source->command);
}

/* It may have failed before it wrote anything of use: then that is what to say. */
static int open_output(struct parts *p, struct sink_why *why)
{
	unsigned seconds = p->source->limits.seconds;
	int fd = fcntl(p->output, F_DUPFD_CLOEXEC, 3), err;
	struct sink_why better;

	if (fd < 0)
		return sink_why(why, SINK_EIO, "'%.300s': %s", p->title, strerror(errno));
	err = lines_open_fd(fd, seconds ? seconds : PARTS_COMMAND_SECONDS, p->title, why,
		&p->lines);
	if (err == SINK_ESYNTAX && child_end(&p->child, 1, p->title, &better) == SINK_EIO)
		return sink_why(why, SINK_EIO, "%s", better.text);
	return err;
}

static int open_part(struct parts *p, struct sink_why *why)
{
	const struct source *source = p->source;

	if (p->dir)
		return open_name(p, p->names[p->at], why);
	return source->path ? lines_open(source->path, why, &p->lines) : open_output(p, why);
}

/* What the parts before it leave of a limit; 0 stands for the default. */
static bool share(uint64_t limit, uint64_t preset, uint64_t used, uint64_t *left)
{
	limit = limit ? limit : preset;
	*left = limit - used;
	return used < limit;
}

static int set_limits(struct parts *p, struct sink_why *why)
{
	const struct source_limits *limits = &p->source->limits;
	uint64_t bytes, count;

	if (!share(limits->bytes, LINES_BYTES_MAX, p->bytes, &bytes) ||
		!share(limits->lines, LINES_COUNT_MAX, p->line_count, &count))
		return sink_why(why, SINK_ETOOLONG,
			"'%.300s': the files before it are as large as all may be", p->title);
	lines_limit(p->lines, bytes, count);
	return SINK_OK;
}

static void end_part(struct parts *p)
{
	if (!p->lines)
		return;
	p->bytes += lines_bytes(p->lines);
	p->line_count += lines_count(p->lines);
	lines_close(p->lines);
	p->lines = NULL;
}

/* A format may stop before the end of its input: a command that did not is not to be interrupted. */
static int drain(struct parts *p, struct sink_why *why)
{
	struct sink_span some;
	int err = SINK_OK;

	while (!err && !lines_ended(p->lines))
		err = lines_take(p->lines, &some);
	if (!err || err == SINK_ENOENT)
		return SINK_OK;
	return sink_why(why, err, "'%.300s': %s", p->title, lines_problem(p->lines));
}

static int finish_command(struct parts *p, struct sink_why *why)
{
	int err = p->lines ? drain(p, why) : SINK_OK;

	if (!err)
		err = child_end(&p->child, PATIENCE, p->title, why);
	return err == SINK_EBUSY ? SINK_EIO : err;
}

int parts_next(struct parts *p, struct sink_why *why, struct lines **lines, const char **title)
{
	int err = SINK_OK;

	if (p->dir)
		end_part(p);
	if (p->at == p->count) {
		err = finish_command(p, why);
		return err ? err : SINK_ENOENT;
	}
	set_title(p);
	if (!p->lines) /* else it was rewound */
		err = open_part(p, why);
	if (!err)
		err = set_limits(p, why);
	if (err)
		return err == SINK_ENOENT ? SINK_EIO : err;
	p->at++;
	*lines = p->lines;
	*title = p->title;
	return SINK_OK;
}

int parts_rewind(struct parts *p, struct sink_why *why)
{
	p->at = 0;
	p->bytes = p->line_count = 0;
	if (!p->dir && p->lines && lines_rewind(p->lines))
		return sink_why(why, SINK_EIO, "'%.300s': %s", p->title, lines_problem(p->lines));
	return SINK_OK;
}

int parts_close(struct parts *p, struct sink_why *why)
{
	int err = SINK_OK;

	if (!p)
		return SINK_OK;
	if (p->lines && lines_ended(p->lines))
		err = child_end(&p->child, PATIENCE, p->title, why);
	lines_close(p->lines);
	if (p->output >= 0)
		close(p->output);
	child_stop(&p->child);
	for (size_t i = 0; p->dir && i < p->count; i++)
		free(p->names[i]);
	free(p->names);
	if (p->dir)
		closedir(p->dir);
	free(p);
	return err == SINK_EBUSY ? SINK_EIO : err;
}

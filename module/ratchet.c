/* ratchet.c - serials in a file of a few lines. */
#include "ratchet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEAD "sinkhole-serials 1\n"
#define LINE_MAX_LEN (SINK_KEY_TEXT + 20) /* of a key, a blank, 19 digits, a line feed */
#define TEXT_MAX (sizeof HEAD + RATCHET_MAX * (size_t)LINE_MAX_LEN)
#define DIGITS "0123456789"

/* --- reading --- */

/* Take a line "KEY SERIAL" from the front. False if it is none. */
static bool take_row(char **text, struct ratchet *out)
{
	const size_t digits = SINK_KEY_TEXT - 1;
	char *at = *text, key[SINK_KEY_TEXT];
	uint64_t serial = 0;
	size_t len;

	if (strspn(at, DIGITS "abcdef") != digits || at[digits] != ' ')
		return false;
	memcpy(key, at, digits);
	key[digits] = 0;
	at += digits + 1;
	len = strspn(at, DIGITS);
	if (len == 0 || len > 19 || at[0] == '0' || at[len] != '\n') /* 10^19 fits 64 bits */
		return false;
	for (size_t i = 0; i < len; i++)
		serial = serial * 10 + (uint64_t)(at[i] - '0');
	*text = at + len + 1;
	return out->count < RATCHET_MAX && ratchet_raise(out, key, serial);
}

static bool parse(char *text, struct ratchet *out)
{
	if (strncmp(text, HEAD, strlen(HEAD)) != 0)
		return false;
	text += strlen(HEAD);
	while (*text)
		if (!take_row(&text, out))
			return false;
	return true;
}

/* returns  the length; -1 with errno */
static ssize_t read_text(const char *path, char text[TEXT_MAX + 1])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	ssize_t len;
	int error;

	if (fd < 0)
		return -1;
	len = read(fd, text, TEXT_MAX);
	error = errno;
	close(fd);
	errno = error;
	if (len >= 0)
		text[len] = 0;
	return len;
}

int ratchet_read(const char *path, struct sink_why *why, struct ratchet *out)
{
	char text[TEXT_MAX + 1];
	struct ratchet ratchet = { .count = 0 };
	ssize_t len;

	out->count = 0;
	len = read_text(path, text);
	if (len < 0)
		return errno == ENOENT || errno == ENOTDIR
			? SINK_OK
			: sink_why(why, SINK_EIO, "%s: %s", path, strerror(errno));
	if (strlen(text) != (size_t)len || !parse(text, &ratchet))
		return sink_why(why, SINK_ECORRUPT, "%s: damaged", path);
	*out = ratchet;
	return SINK_OK;
}

/* --- rows --- */

uint64_t ratchet_of(const struct ratchet *ratchet, const char *key)
{
	for (unsigned i = 0; i < ratchet->count; i++)
		if (strcmp(ratchet->row[i].key, key) == 0)
			return ratchet->row[i].serial;
	return 0;
}

static void make_room(struct ratchet *ratchet)
{
	if (ratchet->count < RATCHET_MAX)
		return;
	ratchet->count--;
	memmove(&ratchet->row[0], &ratchet->row[1], ratchet->count * sizeof ratchet->row[0]);
}

bool ratchet_raise(struct ratchet *ratchet, const char *key, uint64_t serial)
{
	unsigned i = 0;

	while (i < ratchet->count && strcmp(ratchet->row[i].key, key) != 0)
		i++;
	if (i < ratchet->count && ratchet->row[i].serial >= serial)
		return false;
	if (i == ratchet->count) {
		make_room(ratchet);
		i = ratchet->count++;
		snprintf(ratchet->row[i].key, sizeof ratchet->row[i].key, "%s", key);
	}
	ratchet->row[i].serial = serial;
	return true;
}

/* --- writing --- */

static size_t format(const struct ratchet *ratchet, char text[TEXT_MAX + 1])
{
	size_t len = (size_t)snprintf(text, TEXT_MAX + 1, HEAD);

	for (unsigned i = 0; i < ratchet->count; i++)
		len += (size_t)snprintf(text + len, TEXT_MAX + 1 - len, "%s %llu\n",
			ratchet->row[i].key, (unsigned long long)ratchet->row[i].serial);
	return len;
}

/* returns  false with errno; then nothing is left of it */
static bool write_new(const char *path, const char *text, size_t len)
{
	int fd, error;

	unlink(path); /* of a process of this number that died over it */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return false;
	errno = ENOSPC; /* a write that is short says nothing */
	if (write(fd, text, len) == (ssize_t)len && fsync(fd) == 0) {
		close(fd);
		return true;
	}
	error = errno;
	close(fd);
	unlink(path);
	errno = error;
	return false;
}

/* The directory of a file. It is there, and if it cannot be synced the file system does so by itself. */
static void sync_directory(const char *path)
{
	char dir[PATH_MAX];
	int fd;

	snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(path, '/') - path), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

int ratchet_write(const struct ratchet *ratchet, const char *path, struct sink_why *why)
{
	char text[TEXT_MAX + 1], temp[PATH_MAX];
	size_t len = format(ratchet, text);
	int error;

	if ((size_t)snprintf(temp, sizeof temp, "%s.%ld", path, (long)getpid()) >= sizeof temp)
		return sink_why(why, SINK_EIO, "%s: path too long", path);
	if (!write_new(temp, text, len))
		return sink_why(why, SINK_EIO, "%s: %s", path, strerror(errno));
	if (rename(temp, path)) {
		error = errno;
		unlink(temp);
		return sink_why(why, SINK_EIO, "%s: %s", path, strerror(error));
	}
	sync_directory(path);
	return SINK_OK;
}

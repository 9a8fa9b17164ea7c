/* fetch_cache.c - files in the cache directory. */
#include "fetch_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feedurl.h"
#include "json.h"
#include "say.h"
#include "when.h"

#define META_MAX 65536 /* bytes */
#define FILE_NAME_MAX (CACHE_STEM_MAX + 8)

const char *cache_directory(const struct config *config)
{
	const char *dir = config->cache;

	if (!dir || !*dir)
		dir = getenv("SINKHOLE_CACHE_DIR");
	return dir && *dir ? dir : "/var/cache/sinkhole";
}

/* --- the directory --------------------------------------------------------------------------------- */

/* Who may write to it may choose what is compiled. */
static int check_status(const struct stat *st, const char *path, struct sink_why *why)
{
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return sink_why(why, SINK_EIO,
			"'%.300s' belongs to another user: no place for what is fetched", path);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return sink_why(why, SINK_EIO,
			"'%.300s' can be written to by others: no place for what is fetched "
			"(chmod go-w)",
			path);
	return SINK_OK;
}

static int check_directory(int dir, const char *path, struct sink_why *why)
{
	struct stat st;

	if (fstat(dir, &st) != 0)
		return sink_why(why, SINK_EIO, "'%.300s': %s", path, strerror(errno));
	return check_status(&st, path, why);
}

int cache_check(const char *path, struct sink_why *why)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return sink_why(why, SINK_EIO, "'%.300s': %s", path, strerror(errno));
	return check_status(&st, path, why);
}

static int take_lock(int dir, const char *path, struct sink_why *why, int *out)
{
	int fd = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int got = fd < 0 ? -1 : flock(fd, LOCK_EX | LOCK_NB);

	if (got != 0 && fd >= 0 && errno == EWOULDBLOCK) {
		say("'%s': waiting for another process that fetches", path);
		do
			got = flock(fd, LOCK_EX);
		while (got != 0 && errno == EINTR);
	}
	if (got == 0) {
		*out = fd;
		return SINK_OK;
	}
	sink_why(why, SINK_EIO, "'%.300s/lock': %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return SINK_EIO;
}

int cache_open(const char *path, struct sink_why *why, int *dir, int *lock)
{
	int fd, err;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return sink_why(why, SINK_EIO,
			"cannot make the cache directory '%.300s': %s ('cache:' in the "
			"configuration names another)",
			path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return sink_why(why, SINK_EIO, "'%.300s': %s", path, strerror(errno));
	err = check_directory(fd, path, why);
	if (!err)
		err = take_lock(fd, path, why, lock);
	if (err)
		close(fd);
	else
		*dir = fd;
	return err;
}

/* --- names ----------------------------------------------------------------------------------------- */

/* No dot in front: neither "." nor "..", nor anything hidden. */
static bool is_plain(uint8_t c, bool is_first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || c == '-' || (c == '.' && !is_first);
}

int cache_stem(struct sink_span name, char out[CACHE_STEM_MAX])
{
	const size_t most = CACHE_STEM_MAX - SINK_SHA256_TEXT - 4; /* a digest, '~' and one %XX */
	char digest[SINK_SHA256_TEXT];
	size_t len = 0, i;

	for (i = 0; i < name.len && len < most; i++)
		if (is_plain(name.at[i], i == 0))
			out[len++] = (char)name.at[i];
		else
			len += (size_t)snprintf(out + len, 4, "%%%02X", name.at[i]);
	out[len] = 0;
	if (i == name.len)
		return SINK_OK;
	if (sink_sha256(name, digest))
		return SINK_ENOMEM;
	snprintf(out + len, CACHE_STEM_MAX - len, "~%s", digest);
	return SINK_OK;
}

static const char *file_name(const struct copy *copy, const char *suffix, char out[FILE_NAME_MAX])
{
	snprintf(out, FILE_NAME_MAX, "%s.%s", copy->stem, suffix);
	return out;
}

static int open_file(int dir, const struct copy *copy, const char *suffix)
{
	char name[FILE_NAME_MAX];

	return openat(dir, file_name(copy, suffix, name),
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}

/* --- reading --------------------------------------------------------------------------------------- */

static bool take_text(const json_t *json, const char *key, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(json, key));

	if (!text || strlen(text) >= size)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

/* A validator that cannot stand in a header is none. */
static void take_validator(const json_t *json, const char *key, char out[VALIDATOR_MAX])
{
	if (!take_text(json, key, out, VALIDATOR_MAX))
		out[0] = 0;
	for (const char *c = out; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			out[0] = 0;
}

static bool parse_meta(const json_t *json, struct meta *out)
{
	json_int_t bytes = json_integer_value(json_object_get(json, "bytes"));
	char fetched[64];

	take_validator(json, "etag", out->etag);
	take_validator(json, "last-modified", out->modified);
	out->bytes = (uint64_t)bytes;
	return bytes > 0 && take_text(json, "request-sha256", out->request, sizeof out->request) &&
		take_text(json, "sha256", out->sha256, sizeof out->sha256) &&
		take_text(json, "fetched", fetched, sizeof fetched) &&
		when_parse(fetched, &out->fetched);
}

static bool read_meta(int dir, const struct copy *copy, struct meta *out)
{
	int fd = open_file(dir, copy, "meta");
	char *text = malloc(META_MAX);
	ssize_t len = fd >= 0 && text ? read(fd, text, META_MAX) : -1;
	json_t *json = len > 0 ? json_loadb(text, (size_t)len, 0, NULL) : NULL;
	bool good = json && parse_meta(json, out);

	json_decref(json);
	free(text);
	if (fd >= 0)
		close(fd);
	return good;
}

int cache_look(int dir, struct sink_span name, struct copy *out)
{
	char file[FILE_NAME_MAX];
	struct stat st;
	int err;

	*out = (struct copy){ 0 };
	err = cache_stem(name, out->stem);
	if (err)
		return err;
	if (fstatat(dir, file_name(out, "feed", file), &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		!S_ISREG(st.st_mode) || st.st_size == 0)
		return SINK_OK;
	out->is_there = true;
	out->bytes = (uint64_t)st.st_size;
	out->is_known = read_meta(dir, out, &out->meta) && out->meta.bytes == out->bytes;
	if (!out->is_known)
		out->meta = (struct meta){ 0 };
	return SINK_OK;
}

bool cache_is_intact(int dir, const struct copy *copy)
{
	char digest[SINK_SHA256_TEXT];
	uint64_t size;
	int fd = copy->is_known ? open_file(dir, copy, "feed") : -1;
	bool good;

	if (fd < 0)
		return false;
	good = sink_sha256_file(fd, &size, digest) == SINK_OK && size == copy->meta.bytes &&
		strcmp(digest, copy->meta.sha256) == 0;
	close(fd);
	return good;
}

/* --- writing --------------------------------------------------------------------------------------- */

static int create_file(int dir, const struct copy *copy, const char *suffix)
{
	char name[FILE_NAME_MAX];

	file_name(copy, suffix, name);
	if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
		return -1;
	return openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int cache_create(int dir, const struct copy *copy)
{
	return create_file(dir, copy, "new");
}

static void remove_file(int dir, const struct copy *copy, const char *suffix)
{
	char name[FILE_NAME_MAX];
	int saved = errno;

	unlinkat(dir, file_name(copy, suffix, name), 0);
	errno = saved;
}

void cache_discard(int dir, const struct copy *copy)
{
	remove_file(dir, copy, "new");
}

/* Its bytes first, then the name, then the directory. */
static int put_in_place(int dir, const struct copy *copy, int fd, const char *from, const char *to)
{
	char old[FILE_NAME_MAX], new[FILE_NAME_MAX];

	if (fsync(fd) != 0 ||
		renameat(dir, file_name(copy, from, old), dir, file_name(copy, to, new)) != 0 ||
		fsync(dir) != 0)
		return SINK_EIO;
	return SINK_OK;
}

static json_t *meta_json(const struct meta *meta, struct sink_span name, const char *url)
{
	json_t *json = json_pack("{s:o,s:o,s:s,s:o,s:I,s:s}", "source", json_text(name), "url",
		json_text(sink_span_text(feedurl_shown(url).text)), "request-sha256", meta->request,
		"fetched", json_moment(meta->fetched), "bytes", (json_int_t)meta->bytes, "sha256",
		meta->sha256);

	if (json && meta->etag[0])
		json_object_set_new(json, "etag", json_string(meta->etag));
	if (json && meta->modified[0])
		json_object_set_new(json, "last-modified", json_string(meta->modified));
	return json;
}

int cache_note(int dir, const struct copy *copy, const struct meta *meta, struct sink_span name,
	const char *url)
{
	json_t *json = meta_json(meta, name, url);
	int fd = json ? create_file(dir, copy, "note") : -1;
	int err = SINK_EIO;

	if (!json)
		return SINK_ENOMEM;
	if (fd >= 0 && json_dumpfd(json, fd, JSON_INDENT(2)) == 0 && write(fd, "\n", 1) == 1)
		err = put_in_place(dir, copy, fd, "note", "meta");
	json_decref(json);
	if (err)
		remove_file(dir, copy, "note");
	if (fd >= 0)
		close(fd);
	return err;
}

int cache_commit(int dir, const struct copy *copy, int body, const struct meta *meta,
	struct sink_span name, const char *url)
{
	int err = put_in_place(dir, copy, body, "new", "feed");

	return err ? err : cache_note(dir, copy, meta, name, url);
}

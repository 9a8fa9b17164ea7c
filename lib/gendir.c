/* gendir.c - the data directory through descriptors: which names mean what. */
#include "gendir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "file.h"
#include "manifest.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)
#define DIGEST_DIGITS 16 /* of a file's digest, in its name */

int gendir_open(const char *dir, struct sink_why *why, struct gendir *out)
{
	struct gendir gendir = { .path = dir, .dir = -1, .gen = -1 };
	const char *shown = "";
	int err;

	gendir.dir = open(dir, DIRECTORY);
	if (gendir.dir >= 0) {
		shown = "/" GENDIR_GEN;
		gendir.gen = openat(gendir.dir, GENDIR_GEN, DIRECTORY);
	}
	if (gendir.gen < 0)
		goto fail;
	*out = gendir;
	return SINK_OK;
fail:
	err = sink_why(why, errno == ENOENT ? SINK_ENOENT : SINK_EIO, "%s%s: %m", dir, shown);
	gendir_close(&gendir);
	return err;
}

void gendir_close(struct gendir *gendir)
{
	if (gendir->gen >= 0)
		close(gendir->gen);
	if (gendir->dir >= 0)
		close(gendir->dir);
	gendir->dir = gendir->gen = -1;
}

/* --- names ------------------------------------------------------------------------------------ */

void gendir_manifest_name(uint64_t serial, char out[SINK_FILE_NAME_MAX])
{
	snprintf(out, SINK_FILE_NAME_MAX, "%012llu.manifest", (unsigned long long)serial);
}

/* Read a serial: 1 to 19 digits, below 2^63, not 0. Returns what follows it, or NULL. */
static const char *take_serial(const char *text, uint64_t *out)
{
	uint64_t serial = 0;
	size_t digits = 0;

	for (; text[digits] >= '0' && text[digits] <= '9'; digits++) {
		if (digits == 19) /* a 20th could overflow 64 bits */
			return NULL;
		serial = serial * 10 + (uint64_t)(text[digits] - '0');
	}
	if (serial == 0 || serial > MANIFEST_NUMBER_MAX)
		return NULL;
	*out = serial;
	return text + digits;
}

bool gendir_is_manifest(const char *name, uint64_t *serial)
{
	char proper[SINK_FILE_NAME_MAX];
	uint64_t number;

	if (!take_serial(name, &number))
		return false;
	gendir_manifest_name(number, proper);
	if (strcmp(name, proper) != 0)
		return false;
	*serial = number;
	return true;
}

#define FIELDS(file) \
	offsetof(struct sink_manifest, file), offsetof(struct sink_manifest, file##_size), \
		offsetof(struct sink_manifest, file##_digest)

/* What a published file's name begins and ends with, and where a manifest has it. */
static const struct {
	const char *first, *last;
	size_t name, size, digest;
} kinds[] = {
	[GENDIR_BASE] = { "base-", ".mdb", FIELDS(base) },
	[GENDIR_POLICY] = { "policy-", ".bin", FIELDS(policy) },
	[GENDIR_DELTA] = { "delta-", ".mdb", FIELDS(delta) },
	[GENDIR_CHANGES] = { "changes-", ".txt", FIELDS(changes) },
};
_Static_assert(sizeof kinds / sizeof kinds[0] == GENDIR_KINDS, "a kind of file has no name");

struct gendir_file gendir_file_of(struct sink_manifest *manifest, enum gendir_kind kind)
{
	uint8_t *at = (uint8_t *)manifest;

	return (struct gendir_file){ .name = (char *)at + kinds[kind].name,
		.size = (uint64_t *)(void *)(at + kinds[kind].size),
		.digest = at + kinds[kind].digest };
}

void gendir_name(enum gendir_kind kind, uint64_t serial, const uint8_t digest[SINK_DIGEST_LEN],
	char out[SINK_FILE_NAME_MAX])
{
	char hex[DIGEST_HEX_LEN + 1];

	digest_to_hex(digest, hex);
	snprintf(out, SINK_FILE_NAME_MAX, "%s%llu-%.*s%s", kinds[kind].first,
		(unsigned long long)serial, DIGEST_DIGITS, hex, kinds[kind].last);
}

bool gendir_is(enum gendir_kind kind, const char *name, uint64_t *serial)
{
	size_t len = strlen(name), first = strlen(kinds[kind].first),
	       last = strlen(kinds[kind].last);
	const char *rest;

	if (strncmp(name, kinds[kind].first, first) != 0 || len < last ||
		strcmp(name + len - last, kinds[kind].last) != 0)
		return false;
	rest = take_serial(name + first, serial);
	return rest && *rest == '-';
}

bool gendir_is_file(const char *name, uint64_t *serial)
{
	for (int kind = 0; kind < GENDIR_KINDS; kind++)
		if (gendir_is((enum gendir_kind)kind, name, serial))
			return true;
	return false;
}

/* The time makes it new among this process's, the look at the directory among those of processes
 * that had the same number before. */
void gendir_temp_name(int gen, char out[SINK_FILE_NAME_MAX])
{
	struct timespec now;
	struct stat st;

	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		snprintf(out, SINK_FILE_NAME_MAX, GENDIR_TEMP "%ld-%lld%09ld", (long)getpid(),
			(long long)now.tv_sec, now.tv_nsec);
	} while (fstatat(gen, out, &st, AT_SYMLINK_NOFOLLOW) == 0);
}

/* --- lists ------------------------------------------------------------------------------------ */

int gendir_walk(const struct gendir *gendir, gendir_fn *fn, void *arg, struct sink_why *why)
{
	int fd = openat(gendir->gen, ".", DIRECTORY); /* with a position of its own */
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int err = SINK_OK;

	if (!dir) {
		err = sink_why(why, SINK_EIO, "%s/" GENDIR_GEN ": %m", gendir->path);
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			break;
		err = fn(arg, entry->d_name);
	}
	if (!err && errno)
		err = sink_why(why, SINK_EIO, "%s/" GENDIR_GEN ": %m", gendir->path);
	closedir(dir);
	return err;
}

static int add_serial(void *arg, const char *name)
{
	uint64_t serial;

	return gendir_is_manifest(name, &serial) ? distinct_add(arg, serial) : SINK_OK;
}

int gendir_serials(const struct gendir *gendir, struct sink_why *why, struct distinct *out)
{
	struct distinct serials = { 0 };
	int err = gendir_walk(gendir, add_serial, &serials, why);

	if (err) {
		distinct_free(&serials);
		return err;
	}
	distinct_settle(&serials);
	*out = serials;
	return SINK_OK;
}

/* --- manifests -------------------------------------------------------------------------------- */

static int read_manifest(int dir, const char *name, const char *shown, struct sink_why *why,
	struct sink_manifest *out)
{
	char text[SINK_MANIFEST_MAX];
	struct sink_why reason;
	uint64_t size;
	ssize_t len;
	int fd, err = file_open(dir, name, shown, why, &fd, &size);

	if (err)
		return err;
	len = file_read(fd, text, sizeof text);
	if (len < 0)
		err = sink_why(why, SINK_EIO, "%s: %m", shown);
	close(fd);
	if (err)
		return err;
	err = sink_manifest_parse(sink_span(text, (size_t)len), &reason, out);
	if (!err)
		return SINK_OK;
	return sink_why(why, err, "%s: %s%s", shown, reason.text,
		err == SINK_EVERSION && strcmp(name, GENDIR_CURRENT) == 0 ? "; compile again" : "");
}

int gendir_manifest(const struct gendir *gendir, uint64_t serial, struct sink_why *why,
	struct sink_manifest *out)
{
	char name[SINK_FILE_NAME_MAX] = GENDIR_CURRENT, shown[PATH_MAX];
	struct sink_manifest manifest;
	int err;

	if (serial)
		gendir_manifest_name(serial, name);
	snprintf(shown, sizeof shown, "%s/%s%s", gendir->path, serial ? GENDIR_GEN "/" : "", name);
	err = read_manifest(serial ? gendir->gen : gendir->dir, name, shown, why, &manifest);
	if (err)
		return err;
	if (serial && manifest.serial != serial)
		return sink_why(why, SINK_ECORRUPT, "%s: is the manifest of generation %llu", shown,
			(unsigned long long)manifest.serial);
	*out = manifest;
	return SINK_OK;
}

/* --- live changes ----------------------------------------------------------------------------- */

#define CHANGES_SIZE_MAX \
	(UINT64_C(256) << 20) /* bytes: millions of names, which belong into a base */

int gendir_changes(const struct gendir *gendir, const struct sink_manifest *manifest,
	struct sink_why *why, uint8_t **out, size_t *len)
{
	char shown[PATH_MAX];
	int err = SINK_OK;

	*out = NULL;
	snprintf(shown, sizeof shown, "%s/" GENDIR_GEN "/%s", gendir->path, manifest->changes);
	if (manifest->changes[0])
		err = file_load(gendir->gen, manifest->changes, shown, manifest->changes_size,
			CHANGES_SIZE_MAX, manifest->changes_digest, why, out);
	*len = err ? 0 : (size_t)manifest->changes_size;
	return err == SINK_ENOENT ? SINK_ECORRUPT : err;
}

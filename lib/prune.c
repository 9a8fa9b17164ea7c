/* prune.c - removing generations that are too many, files that none names, and what dead publishers left. */
#include "prune.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STALE_AGE 60 /* seconds that an unlocked temporary file may be left alone by its writer */

struct pruning {
	int gen; /* the directory */
	uint64_t oldest; /* serial of the oldest manifest that stays */
	char (*files)[SINK_FILE_NAME_MAX]; /* that the manifests name that stay */
	size_t count;
	bool unsure; /* one of them cannot be read, and might name any file */
};

/* Has the writer of an unlocked temporary file gone? A live one locks it at once; what it has just
 * made, or completed and not published yet, is young or its process lives. */
static bool is_stale(const char *name, const struct stat *st)
{
	long pid = strtol(name + strlen(GENDIR_TEMP), NULL, 10);

	if (st->st_mtime + STALE_AGE < time(NULL))
		return true;
	return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static void prune_temp(int gen, const char *name)
{
	int fd = openat(gen, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_stale(name, &st) &&
		flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(gen, name, 0);
	close(fd);
}

static bool is_named(const struct pruning *pruning, const char *file)
{
	for (size_t i = 0; i < pruning->count; i++)
		if (strcmp(pruning->files[i], file) == 0)
			return true;
	return false;
}

static int prune_manifest(void *arg, const char *name)
{
	const struct pruning *pruning = arg;
	uint64_t serial;

	if (gendir_is_manifest(name, &serial) && serial < pruning->oldest)
		unlinkat(pruning->gen, name, 0);
	return SINK_OK;
}

static int prune_file(void *arg, const char *name)
{
	const struct pruning *pruning = arg;
	int gen = pruning->gen;
	uint64_t serial;

	if (strncmp(name, GENDIR_TEMP, strlen(GENDIR_TEMP)) == 0)
		prune_temp(gen, name);
	else if (gendir_is_file(name, &serial) && !pruning->unsure && !is_named(pruning, name))
		unlinkat(gen, name, 0);
	return SINK_OK;
}

/* Which files must stay? */
static void name_files(struct pruning *pruning, const struct gendir *dir, const uint64_t *serials,
	size_t count)
{
	struct sink_manifest manifest;

	for (size_t i = 0; i < count; i++) {
		if (gendir_manifest(dir, serials[i], NULL, &manifest)) {
			pruning->unsure = true;
			continue;
		}
		for (int kind = 0; kind < GENDIR_KINDS; kind++)
			memcpy(pruning->files[pruning->count++],
				gendir_file_of(&manifest, (enum gendir_kind)kind).name,
				SINK_FILE_NAME_MAX);
	}
}

void prune(const struct gendir *dir, size_t keep)
{
	struct pruning pruning = { .gen = dir->gen };
	struct distinct serials;

	if (gendir_serials(dir, NULL, &serials))
		return;
	if (keep > serials.count)
		keep = serials.count;
	pruning.files = calloc(GENDIR_KINDS * keep + 1, sizeof *pruning.files);
	if (pruning.files && keep > 0) {
		pruning.oldest = serials.at[serials.count - keep];
		name_files(&pruning, dir, serials.at + serials.count - keep, keep);
		gendir_walk(dir, prune_manifest, &pruning, NULL);
		if (!fsync(dir->gen) || errno == EINVAL)
			gendir_walk(dir, prune_file, &pruning, NULL);
	}
	free(pruning.files);
	distinct_free(&serials);
}

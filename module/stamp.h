/* stamp.h - what tells a file from the next of its name without reading it: a rename brings another inode. */
#ifndef MODULE_STAMP_H
#define MODULE_STAMP_H

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

struct stamp {
	int error; /* errno; the rest is zero then. -1: like no other, of a file that was not looked at */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified, changed;
};

/* look     stat() or lstat() */
static inline struct stamp stamp_of(const char *path,
	int (*look)(const char *path, struct stat *st))
{
	struct stat st;

	if (look(path, &st))
		return (struct stamp){ .error = errno };
	return (struct stamp){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.size = st.st_size,
		.modified = st.st_mtim,
		.changed = st.st_ctim,
	};
}

static inline bool stamp_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static inline bool stamp_same(const struct stamp *a, const struct stamp *b)
{
	return a->error == b->error && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
		stamp_same_time(a->modified, b->modified) &&
		stamp_same_time(a->changed, b->changed);
}

#endif

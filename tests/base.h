/* base.h - for tests that need files: a directory of their own, a database from rows, and dice. */
#ifndef SINK_BASE_H
#define SINK_BASE_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "digest.h"
#include "sinkhole/db.h"
#include "sinkhole/store.h"
#include "suite.h"

/* --- dice: the same ones each time ------------------------------------------------------------ */

struct dice {
	uint64_t state; /* not 0 */
};

/* A number below `sides`: xorshift64* (Vigna 2016). */
static inline uint64_t roll(struct dice *dice, uint64_t sides)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return (dice->state * UINT64_C(2685821657736338717) >> 11) % sides;
}

/* --- a directory ------------------------------------------------------------------------------ */

#define PATH_ROOM 256 /* bytes: short paths will do */

/* Make one. */
static inline void make_room(char out[PATH_ROOM])
{
	const char *parent = getenv("TMPDIR");

	snprintf(out, PATH_ROOM, "%s/sinkhole-test-XXXXXX", parent ? parent : "/tmp");
	ck_assert_msg(mkdtemp(out) != NULL, "%s: %m", out);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void clear_room(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A path in it; `out` may not be `dir`. */
static inline const char *inside(const char *dir, const char *name, char out[PATH_ROOM])
{
	ck_assert_int_lt(snprintf(out, PATH_ROOM, "%s/%s", dir, name), PATH_ROOM);
	return out;
}

/* Run something that changes the process for good: limits, users.
 *
 * returns  what fn returned, which is below 128; 128 if it was killed
 */
static inline int in_child(int (*fn)(void *arg), void *arg)
{
	int status = 0;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(fn(arg));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* How many descriptors are open, of the first few. */
static inline unsigned open_files(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* --- files ------------------------------------------------------------------------------------ */

struct bytes {
	uint8_t *at; /* free() it */
	size_t len;
};

static inline struct bytes read_whole(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct bytes bytes = { NULL, 0 };
	struct stat st;

	ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s: %m", path);
	bytes.len = (size_t)st.st_size;
	bytes.at = malloc(bytes.len + 1);
	ck_assert_ptr_nonnull(bytes.at);
	ck_assert_int_eq(read(fd, bytes.at, bytes.len), (ssize_t)bytes.len);
	close(fd);
	return bytes;
}

static inline void write_whole(const char *path, const void *at, size_t len)
{
	/* Not O_TRUNC: ext4 then waits for the disk when it is closed. */
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	ck_assert_msg(fd >= 0, "%s: %m", path);
	ck_assert_int_eq(write(fd, at, len), (ssize_t)len);
	ck_assert_int_eq(ftruncate(fd, (off_t)len), 0);
	close(fd);
}

/* What a manifest would promise about a file as it is now. */
static inline struct sink_db_options promise(const char *path, enum sink_map map)
{
	struct bytes bytes = read_whole(path);
	struct sink_db_options options = { .map = map, .size = bytes.len };

	ck_assert_int_eq(digest_of(sink_span(bytes.at, bytes.len), options.digest), SINK_OK);
	free(bytes.at);
	return options;
}

/* --- databases -------------------------------------------------------------------------------- */

static inline struct sink_name name_of(const char *text)
{
	struct sink_name name;

	ck_assert_msg(sink_name_from_text(sink_span_text(text), &name) == SINK_OK, "%s: no name",
		text);
	return name;
}

/* A record that says nothing but its source. */
static inline struct sink_record record_of(enum sink_kind kind, const char *source)
{
	struct sink_record record = { .kind = kind, .confidence = SINK_CONFIDENCE_NONE };

	record.text[SINK_FIELD_SOURCE] = sink_span_text(source);
	return record;
}

static inline struct sink_writer *begin_base(const char *path)
{
	struct sink_writer_options options = { .path = path };
	struct sink_writer *writer;
	struct sink_why why;

	ck_assert_msg(sink_writer_begin(&options, &why, &writer) == SINK_OK, "%s", why.text);
	return writer;
}

static inline void add_name(struct sink_writer *writer, const struct sink_name *name,
	enum sink_scope scope, const struct sink_record *record)
{
	uint32_t id;

	ck_assert_int_eq(sink_writer_record(writer, record, &id), SINK_OK);
	ck_assert_int_eq(sink_writer_add(writer, name, scope, id), SINK_OK);
}

static inline struct sink_prefix prefix_of(const char *text)
{
	struct sink_prefix prefix;

	if (sink_prefix_from_text(sink_span_text(text), &prefix) != SINK_OK)
		ck_abort_msg("%s: no prefix", text);
	return prefix;
}

/* A name or a prefix, as the trigger wants it. */
static inline void add_subject(struct sink_writer *writer, enum sink_trigger trigger,
	const char *text, enum sink_scope scope, const struct sink_record *record)
{
	struct sink_prefix prefix;
	struct sink_name name;
	uint32_t id;

	ck_assert_int_eq(sink_writer_record(writer, record, &id), SINK_OK);
	if (sink_trigger_is_prefix(trigger)) {
		prefix = prefix_of(text);
		ck_assert_int_eq(sink_writer_add_prefix(writer, trigger, &prefix, id), SINK_OK);
		return;
	}
	name = name_of(text);
	ck_assert_int_eq(sink_writer_add_name(writer, trigger, &name, scope, id), SINK_OK);
}

static inline struct sink_summary end_base(struct sink_writer *writer)
{
	struct sink_summary summary;
	struct sink_why why;

	ck_assert_msg(sink_writer_commit(writer, &why, &summary) == SINK_OK, "%s", why.text);
	return summary;
}

struct base_row {
	const char *name;
	enum sink_scope scope;
	enum sink_kind kind;
	const char *source;
};

static inline struct sink_summary make_base(const char *path, const struct base_row *rows,
	size_t count)
{
	struct sink_writer *writer = begin_base(path);

	for (size_t i = 0; i < count; i++) {
		struct sink_name name = name_of(rows[i].name);
		struct sink_record record = record_of(rows[i].kind, rows[i].source);

		add_name(writer, &name, rows[i].scope, &record);
	}
	return end_base(writer);
}

static inline struct sink_db *open_base(const char *path, enum sink_map map)
{
	struct sink_db_options options = promise(path, map);
	struct sink_why why;
	struct sink_db *db;

	ck_assert_msg(sink_db_open(path, &options, &why, &db) == SINK_OK, "%s", why.text);
	return db;
}

static inline struct sink_reader *begin_reader(const struct sink_db *db)
{
	struct sink_reader *reader;

	ck_assert_int_eq(sink_reader_begin(db, &reader), SINK_OK);
	return reader;
}

/* What is said of records without reading them, against what they say. */
static inline void check_plain(struct sink_reader *reader)
{
	struct sink_record record;
	enum sink_kind kind;
	enum sink_hint hint;
	uint32_t number = 0;

	for (; sink_reader_record(reader, number, &record) != SINK_ENOENT; number++) {
		bool limited = record.valid_from || record.valid_until || record.types.len > 0 ||
			record.except.len > 0;

		ck_assert(sink_reader_plain(reader, number, &kind, &hint) == !limited);
		ck_assert(limited || (kind == record.kind && hint == record.hint));
	}
	ck_assert(!sink_reader_plain(reader, number, &kind, &hint));
	ck_assert(!sink_reader_plain(reader, UINT32_MAX, &kind, &hint));
}

#endif

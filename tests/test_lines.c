/* test_lines.c - inputs: lines around every limit, out of files, pipes and memory; compressed ones, whole,
 * cut short, damaged, one after another, one in another, and such as would fill the machine. */
#include "lines.h"

#include <bzlib.h>
#include <lzma.h>
#include <sys/resource.h>
#include <zlib.h>
#include <zstd.h>

#include "base.h"

/* --- archives, made by the libraries ---------------------------------------------------------------- */

#define ARCHIVE_MAX ((size_t)4 << 20)

typedef size_t pack_fn(const uint8_t *at, size_t len,
	uint8_t *out); /* `out` has ARCHIVE_MAX bytes */

static size_t pack_gzip(const uint8_t *at, size_t len, uint8_t *out)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)at,
		.avail_in = (uInt)len,
		.next_out = out,
		.avail_out = ARCHIVE_MAX };

	ck_assert(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	ck_assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

/* With a checksum, as the program writes it. */
static size_t pack_zstd(const uint8_t *at, size_t len, uint8_t *out)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t size;

	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	size = ZSTD_compress2(context, out, ARCHIVE_MAX, at, len);
	ZSTD_freeCCtx(context);
	ck_assert(!ZSTD_isError(size));
	return size;
}

static size_t pack_xz(const uint8_t *at, size_t len, uint8_t *out)
{
	size_t size = 0;

	ck_assert(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, at, len, out, &size,
			  ARCHIVE_MAX) == LZMA_OK);
	return size;
}

/* As little as will do: it takes memory for a whole block, however little is in it. */
static size_t pack_bzip2(const uint8_t *at, size_t len, uint8_t *out)
{
	unsigned size = ARCHIVE_MAX;

	ck_assert(BZ2_bzBuffToBuffCompress((char *)out, &size, (char *)(uintptr_t)at, (unsigned)len,
			  len > 100000 ? 9 : 1, 0, 0) == BZ_OK);
	return size;
}

static const struct {
	const char *word;
	pack_fn *pack;
	size_t magic; /* so many bytes tell it */
} packers[] = {
	{ "gzip", pack_gzip, 2 },
	{ "zstd", pack_zstd, 2 },
	{ "xz", pack_xz, 2 },
	{ "bzip2", pack_bzip2, 4 },
};

/* --- reading ---------------------------------------------------------------------------------------- */

static struct lines *open_bytes(const void *at, size_t len)
{
	struct lines *lines;
	struct sink_why why = { .text = "" };

	ck_assert_msg(lines_open_bytes(sink_span(at, len), &why, &lines) == SINK_OK, "%s",
		why.text);
	return lines;
}

/* Append what lines_take() gives; at most `size` bytes. */
static int take_all(struct lines *lines, uint8_t *out, size_t size, size_t *len)
{
	struct sink_span some;
	int err;

	*len = 0;
	while ((err = lines_take(lines, &some)) == SINK_OK) {
		ck_assert(some.len > 0 && some.len <= size - *len);
		memcpy(out + *len, some.at, some.len);
		*len += some.len;
	}
	ck_assert((err == SINK_ENOENT) == (*lines_problem(lines) == 0));
	return err == SINK_ENOENT ? SINK_OK : err;
}

static size_t count_lines(struct lines *lines, size_t *too_long)
{
	struct line line;
	size_t count = 0;

	*too_long = 0;
	while (lines_next(lines, &line) == SINK_OK) {
		ck_assert(line.number == ++count);
		ck_assert(line.text.len <= LINE_LENGTH_MAX);
		*too_long += line.too_long;
	}
	return count;
}

/* A child that writes the bytes. Returns the end to read from. */
static int pipe_of(const uint8_t *at, size_t len)
{
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(ends[0]);
		while (len > 0) {
			ssize_t n = write(ends[1], at, len < 7000 ? len : 7000);

			if (n < 0)
				_exit(1);
			at += n;
			len -= (size_t)n;
		}
		_exit(0);
	}
	close(ends[1]);
	return ends[0];
}

static struct lines *open_pipe(const void *at, size_t len)
{
	struct lines *lines;
	struct sink_why why = { .text = "" };

	ck_assert_msg(lines_open_fd(pipe_of(at, len), 0, "a pipe", &why, &lines) == SINK_OK, "%s",
		why.text);
	return lines;
}

static void end_pipe(struct lines *lines)
{
	lines_close(lines);
	ck_assert_int_gt(wait(NULL), 0);
}

/* --- lines ------------------------------------------------------------------------------------------ */

/* A file around the limits of a line and of the buffer, read from memory, a file and a pipe alike. */
static const struct {
	size_t len; /* of one line in the middle, without its end */
	const char *end;
	size_t count, too_long;
} lengths[] = {
	{ 0, "\n", 3, 0 }, { LINE_LENGTH_MAX, "\n", 3, 0 }, { LINE_LENGTH_MAX, "\r\n", 3, 0 },
	{ LINE_LENGTH_MAX + 1, "\n", 3, 1 }, { LINE_LENGTH_MAX + 1, "\r\n", 3, 1 },
	{ LINES_BUFFER - 5, "\n", 3, 1 }, { LINES_BUFFER, "\n", 3, 1 },
	{ 3 * LINES_BUFFER + 17, "\n", 3, 1 },
	{ 3 * LINES_BUFFER, "", 2, 1 }, /* eats the line behind it */
};

static size_t make_lines(size_t i, uint8_t **out)
{
	size_t end = strlen(lengths[i].end), len = 4 + lengths[i].len + end + 4;
	uint8_t *at = malloc(len);

	ck_assert_ptr_nonnull(at);
	memset(at, 'x', len);
	at[3] = '\n';
	memcpy(at + 4 + lengths[i].len, lengths[i].end, end);
	*out = at;
	return len;
}

static void check_lengths(struct lines *lines, size_t i)
{
	size_t too_long;

	ck_assert_uint_eq(count_lines(lines, &too_long), lengths[i].count);
	ck_assert_uint_eq(too_long, lengths[i].too_long);
}

START_TEST(line_lengths)
{
	uint8_t *bytes;
	size_t len = make_lines((size_t)_i, &bytes);
	char room[PATH_ROOM], path[PATH_ROOM];
	struct lines *lines;
	struct sink_why why;

	make_room(room);
	write_whole(inside(room, "lines", path), bytes, len);
	ck_assert_int_eq(lines_open(path, &why, &lines), SINK_OK);
	check_lengths(lines, (size_t)_i);
	ck_assert_int_eq(lines_rewind(lines), SINK_OK);
	check_lengths(lines, (size_t)_i);
	lines_close(lines);
	clear_room(room);
	lines = open_bytes(bytes, len);
	check_lengths(lines, (size_t)_i);
	lines_close(lines);
	lines = open_pipe(bytes, len);
	ck_assert_int_eq(lines_keep(lines, "a pipe", NULL), SINK_OK);
	check_lengths(lines, (size_t)_i);
	end_pipe(lines);
	free(bytes);
}
END_TEST

/* Each line is in the place of the one before it in the buffer some time: what comes out must be what
 * went in, in order. */
START_TEST(many_lines)
{
	char room[PATH_ROOM], path[PATH_ROOM], wanted[64];
	struct lines *lines;
	struct line line;
	struct sink_why why;
	FILE *file;

	make_room(room);
	file = fopen(inside(room, "lines", path), "w");
	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 200000; i++)
		fprintf(file, "line %d%s", i, i % 3 ? "\n" : "\r\n");
	fclose(file);
	ck_assert_int_eq(lines_open(path, &why, &lines), SINK_OK);
	for (int i = 0; i < 200000; i++) {
		snprintf(wanted, sizeof wanted, "line %d", i);
		ck_assert(lines_next(lines, &line) == SINK_OK);
		ck_assert(line.text.len == strlen(wanted) &&
			memcmp(line.text.at, wanted, line.text.len) == 0);
	}
	ck_assert_int_eq(lines_next(lines, &line), SINK_ENOENT);
	ck_assert_int_eq(lines_next(lines, &line), SINK_ENOENT);
	lines_close(lines);
	clear_room(room);
}
END_TEST

/* --- what may be too much ---------------------------------------------------------------------------- */

static const struct {
	uint64_t bytes, count;
	size_t lines; /* read before the end */
	const char *problem; /* NULL: that was all */
} limits[] = {
	{ 0, 0, 3, NULL },
	{ 6, 3, 3, NULL }, /* exactly */
	{ 5, 0, 0, "larger than the limit of 5 bytes" },
	{ 0, 2, 2, "more than the limit of 2 lines" },
	{ UINT64_MAX, UINT64_MAX, 3, NULL },
};

START_TEST(limit_holds)
{
	struct lines *lines = open_bytes("a\nb\nc\n", 6);
	size_t too_long;

	lines_limit(lines, limits[_i].bytes, limits[_i].count);
	for (int round = 0; round < 2; round++) {
		struct line line;

		ck_assert_uint_eq(count_lines(lines, &too_long), limits[_i].lines);
		ck_assert_int_eq(lines_next(lines, &line),
			limits[_i].problem ? SINK_ETOOLONG : SINK_ENOENT);
		ck_assert_str_eq(lines_problem(lines),
			limits[_i].problem ? limits[_i].problem : "");
		ck_assert_int_eq(lines_rewind(lines), SINK_OK);
	}
	lines_close(lines);
}
END_TEST

/* A file that grows into the limit and does not end. */
START_TEST(endless_pipe)
{
	int ends[2];
	pid_t pid;
	struct lines *lines;
	struct sink_why why;
	struct line line;
	int err;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		while (write(ends[1], "evil.example\n", 13) > 0)
			;
		_exit(0);
	}
	close(ends[1]);
	ck_assert_int_eq(lines_open_fd(ends[0], 0, "yes", &why, &lines), SINK_OK);
	lines_limit(lines, 3 << 20, 0);
	if (_i) {
		ck_assert_int_eq(lines_keep(lines, "yes", &why), SINK_ETOOLONG);
		ck_assert_str_eq(why.text, "'yes': larger than the limit of 3 MiB");
	} else {
		while ((err = lines_next(lines, &line)) == SINK_OK)
			;
		ck_assert_int_eq(err, SINK_ETOOLONG);
		ck_assert_str_eq(lines_problem(lines), "larger than the limit of 3 MiB");
	}
	end_pipe(lines);
}
END_TEST

/* --- compressed --------------------------------------------------------------------------------------- */

/* Longer than any buffer, and not the same all over; a part of it as it is random. */
#define TEXT_LEN (2 * LINES_BUFFER + 12345)

static uint8_t *make_text(size_t len)
{
	uint8_t *text = malloc(len);
	struct dice dice = { .state = 11 };

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < len; i++) {
		text[i] = (uint8_t)(i < len / 3 ? '!' + roll(&dice, 90) : 'a' + i / 3 % 26);
		if (i % 71 == 70)
			text[i] = '\n';
	}
	return text;
}

static void check_content(struct lines *lines, const uint8_t *text, size_t len)
{
	uint8_t *got = malloc(len + 1);
	size_t got_len;

	ck_assert_ptr_nonnull(got);
	ck_assert_msg(take_all(lines, got, len + 1, &got_len) == SINK_OK, "%s",
		lines_problem(lines));
	ck_assert_uint_eq(got_len, len);
	ck_assert_uint_eq(lines_bytes(lines), len);
	ck_assert(len == 0 || memcmp(got, text, len) == 0);
	free(got);
}

/* A file whose name says nothing, a pipe with and without being kept, memory; each read twice. */
START_TEST(compressed)
{
	uint8_t *text = make_text(TEXT_LEN), *archive = malloc(ARCHIVE_MAX);
	size_t len = packers[_i].pack(text, TEXT_LEN, archive);
	char room[PATH_ROOM], path[PATH_ROOM];
	struct sink_span sample;
	struct sink_why why;
	struct lines *lines;
	bool whole;

	make_room(room);
	write_whole(inside(room, "list.txt", path), archive, len);
	ck_assert_int_eq(lines_open(path, &why, &lines), SINK_OK);
	ck_assert_str_eq(lines_compression(lines), packers[_i].word);
	sample = lines_sample(lines, &whole);
	ck_assert(!whole && sample.len == LINES_BUFFER && memcmp(sample.at, text, sample.len) == 0);
	ck_assert_int_eq(lines_keep(lines, path, &why), SINK_OK);
	check_content(lines, text, TEXT_LEN);
	ck_assert_int_eq(lines_rewind(lines), SINK_OK);
	check_content(lines, text, TEXT_LEN);
	lines_close(lines);
	clear_room(room);

	lines = open_bytes(archive, len);
	check_content(lines, text, TEXT_LEN);
	ck_assert_int_eq(lines_rewind(lines), SINK_OK);
	check_content(lines, text, TEXT_LEN);
	lines_close(lines);

	lines = open_pipe(archive, len);
	ck_assert_int_eq(lines_rewind(lines), SINK_OK); /* leaves it as it is */
	check_content(lines, text, TEXT_LEN);
	end_pipe(lines);

	lines = open_pipe(archive, len);
	ck_assert_int_eq(lines_keep(lines, "a pipe", NULL), SINK_OK);
	check_content(lines, text, TEXT_LEN);
	ck_assert_int_eq(lines_rewind(lines), SINK_OK);
	check_content(lines, text, TEXT_LEN);
	end_pipe(lines);

	lines = open_pipe(archive, len);
	while (lines_take(lines, &sample) == SINK_OK)
		;
	ck_assert_int_eq(lines_keep(lines, "a pipe", &why), SINK_EINVAL); /* too late */
	ck_assert_str_eq(why.text, "'a pipe': read from already");
	end_pipe(lines);
	free(archive);
	free(text);
}
END_TEST

static const char small[] = "example.com\nexample.net\nexample.org\n";
#define SMALL_LEN (sizeof small - 1)

/* Archives one after another, empty ones among them. */
START_TEST(concatenated)
{
	uint8_t *archive = malloc(ARCHIVE_MAX);
	pack_fn *pack = packers[_i].pack;
	const uint8_t *text = (const uint8_t *)small;
	size_t len = pack(text, 12, archive);
	struct lines *lines;

	len += pack(text, 0, archive + len);
	len += pack(text + 12, SMALL_LEN - 12, archive + len);
	len += pack(text, 0, archive + len);
	lines = open_bytes(archive, len);
	check_content(lines, text, SMALL_LEN);
	lines_close(lines);
	len = pack(text, 0, archive);
	lines = open_bytes(archive, len);
	ck_assert_str_eq(lines_compression(lines), packers[_i].word);
	check_content(lines, text, 0);
	lines_close(lines);
	free(archive);
}
END_TEST

/* Opening or reading fails, with something to say; or the content is right. */
static bool fails_or_is_right(const uint8_t *at, size_t len, struct sink_why *why)
{
	uint8_t got[4 * SMALL_LEN];
	size_t got_len;
	struct lines *lines;
	int err;

	why->text[0] = 0;
	err = lines_open_bytes(sink_span(at, len), why, &lines);
	if (err) {
		ck_assert(err == SINK_ESYNTAX && why->text[0]);
		return true;
	}
	err = take_all(lines, got, sizeof got, &got_len);
	ck_assert(err == SINK_OK || err == SINK_ESYNTAX);
	lines_close(lines);
	return err || (got_len == SMALL_LEN && memcmp(got, small, SMALL_LEN) == 0);
}

START_TEST(cut_short)
{
	uint8_t *archive = malloc(ARCHIVE_MAX), *copy;
	size_t len = packers[_i].pack((const uint8_t *)small, SMALL_LEN, archive);
	char wanted[64];
	struct sink_why why;

	snprintf(wanted, sizeof wanted, "'input': %s data that are cut short", packers[_i].word);
	for (size_t n = packers[_i].magic; n < len; n++) {
		copy = malloc(n); /* of its own size, so that a sanitizer sees a read behind it */
		memcpy(copy, archive, n);
		ck_assert(fails_or_is_right(copy, n, &why));
		/* and it does fail */
		ck_assert_msg(strcmp(why.text, wanted) == 0, "%zu of %zu: %s", n, len, why.text);
		free(copy);
	}
	free(archive);
}
END_TEST

/* Each byte with each bit turned. What no checksum covers (a time, a name of a file) may change nothing;
 * a byte of the magic may make it a text, of whatever. */
START_TEST(damaged)
{
	uint8_t *archive = malloc(ARCHIVE_MAX);
	size_t len = packers[_i].pack((const uint8_t *)small, SMALL_LEN, archive);
	struct sink_why why;

	for (size_t n = 0; n < len; n++)
		for (int bit = 0; bit < 8; bit++) {
			uint8_t was = archive[n];
			bool right;

			archive[n] ^= (uint8_t)(1 << bit);
			right = fails_or_is_right(archive, len, &why);
			ck_assert(right || n < 12);
			archive[n] = was;
		}
	free(archive);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
} trailers[] = {
	{ "garbage", 7 },
	{ "\n", 1 },
	{ "\0", 1 },
	{ "\x1f\x8b", 2 },
	{ "\x28\xb5\x2f\xfd", 4 },
	{ "BZh9", 4 },
	{ "\xfd"
	  "7zXZ\0",
		6 },
	{ "\0\0\0\0\0", 5 },
	{ "PK\x03\x04", 4 },
};

START_TEST(garbage_behind)
{
	uint8_t *archive = malloc(ARCHIVE_MAX);
	size_t len = packers[_i].pack((const uint8_t *)small, SMALL_LEN, archive);
	struct sink_why why;

	for (size_t i = 0; i < LENGTH(trailers); i++) {
		memcpy(archive + len, trailers[i].bytes, trailers[i].len);
		ck_assert(fails_or_is_right(archive, len + trailers[i].len, &why));
		ck_assert_msg(strstr(why.text, packers[_i].word), "%zu: %s", i, why.text);
	}
	free(archive);
}
END_TEST

/* Padding that the format knows: xz's zeros in fours, zstd's frames to be skipped. */
START_TEST(padding)
{
	uint8_t *archive = malloc(ARCHIVE_MAX);
	const uint8_t *text = (const uint8_t *)small;
	size_t len = pack_xz(text, SMALL_LEN, archive);
	struct lines *lines;

	memset(archive + len, 0, 8);
	lines = open_bytes(archive, len + 8);
	check_content(lines, text, SMALL_LEN);
	lines_close(lines);
	memcpy(archive, "\x5e\x2a\x4d\x18\x03\0\0\0abc", 11);
	len = 11 + pack_zstd(text, SMALL_LEN, archive + 11);
	memcpy(archive + len, "\x50\x2a\x4d\x18\0\0\0\0", 8);
	lines = open_bytes(archive, len + 8);
	check_content(lines, text, SMALL_LEN);
	lines_close(lines);
	free(archive);
}
END_TEST

/* What is in an archive is judged like what is in none. */
static const struct {
	const char *bytes;
	size_t len;
	const char *why;
} inner[] = {
	{ "\xff\xfe"
	  "a\0",
		4, "UTF-16 or UTF-32 text: convert it to UTF-8 first" },
	{ "a\0b\0", 4, "UTF-16 or UTF-32 text: convert it to UTF-8 first" },
	{ "PK\x03\x04", 4, "a zip archive: unpack it first" },
	{ "\x1f\x9d", 2, "compressed by compress: decompress it first" },
};

START_TEST(refused_inside)
{
	uint8_t *archive = malloc(ARCHIVE_MAX), *twice = malloc(ARCHIVE_MAX);
	struct sink_why why;
	struct lines *lines;
	char wanted[128];
	size_t len;

	for (size_t i = 0; i < LENGTH(inner); i++) {
		len = packers[_i].pack((const uint8_t *)inner[i].bytes, inner[i].len, archive);
		ck_assert_int_eq(lines_open_bytes(sink_span(archive, len), &why, &lines),
			SINK_ESYNTAX);
		snprintf(wanted, sizeof wanted, "'input': %s", inner[i].why);
		ck_assert_str_eq(why.text, wanted);
	}
	for (size_t i = 0; i < LENGTH(packers); i++) {
		len = packers[i].pack((const uint8_t *)small, SMALL_LEN, archive);
		len = packers[_i].pack(archive, len, twice);
		ck_assert_int_eq(lines_open_bytes(sink_span(twice, len), &why, &lines),
			SINK_ESYNTAX);
		snprintf(wanted, sizeof wanted, "'input': compressed twice, by %s in %s",
			packers[i].word, packers[_i].word);
		ck_assert_str_eq(why.text, wanted);
	}
	free(twice);
	free(archive);
}
END_TEST

START_TEST(tar_is_refused)
{
	static uint8_t tar[1024];
	struct sink_why why;
	struct lines *lines;

	memcpy(tar, "list.txt", 8);
	memcpy(tar + 257, "ustar", 5);
	ck_assert_int_eq(lines_open_bytes(sink_span(tar, sizeof tar), &why, &lines), SINK_ESYNTAX);
	ck_assert_str_eq(why.text, "'input': a tar archive: unpack it first");
}
END_TEST

/* Text that begins as some archives do is text. */
START_TEST(text_after_all)
{
	static const char *const texts[] = { "BZh", "BZh.example\n", "BZh9\n", "BZh9.example\n",
		"P*M.example\n", "(example)\n", "PK\n", "7z.example\n", "Rar!\n", "LZIP\n" };

	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct lines *lines = open_bytes(texts[i], strlen(texts[i]));

		ck_assert_ptr_null(lines_compression(lines));
		check_content(lines, (const uint8_t *)texts[i], strlen(texts[i]));
		lines_close(lines);
	}
}
END_TEST

/* A header that asks for a window of 256 MiB, and one that asks xz for a dictionary of 1.5 GiB. */
START_TEST(windows)
{
	static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, (28 - 10) << 3, 1, 0, 0 };
	uint8_t *archive = malloc(ARCHIVE_MAX);
	lzma_options_lzma options;
	lzma_filter filters[] = { { .id = LZMA_FILTER_LZMA2, .options = &options },
		{ .id = LZMA_VLI_UNKNOWN } };
	struct sink_why why;
	struct lines *lines;
	size_t len = 0;

	ck_assert_int_eq(lines_open_bytes(sink_span(zstd, sizeof zstd), &why, &lines),
		SINK_ESYNTAX);
	ck_assert_str_eq(why.text,
		"'input': zstd data that are too demanding: they take more memory than they may");
	lzma_lzma_preset(&options, 0);
	options.dict_size = UINT32_C(1) << 29;
	if (lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, (const uint8_t *)small,
		    SMALL_LEN, archive, &len, ARCHIVE_MAX) == LZMA_OK) {
		ck_assert_int_eq(lines_open_bytes(sink_span(archive, len), &why, &lines),
			SINK_ESYNTAX);
		ck_assert_str_eq(why.text,
			"'input': xz data that are too demanding: they take more memory than they "
			"may");
	}
	free(archive);
}
END_TEST

/* --- bombs -------------------------------------------------------------------------------------------- */

#define BOMB_LEN ((size_t)256 << 20) /* plain; packed it is far below a megabyte */
#define PIECE ((size_t)1 << 20)

/* A file of 256 archives of a mebibyte of newlines each. */
static void write_bomb(const char *path, pack_fn *pack)
{
	uint8_t *piece = malloc(PIECE), *archive = malloc(ARCHIVE_MAX);
	FILE *file = fopen(path, "w");
	size_t len;

	ck_assert(piece && archive && file);
	memset(piece, '\n', PIECE);
	len = pack(piece, PIECE, archive);
	for (size_t n = 0; n < BOMB_LEN; n += PIECE)
		ck_assert_uint_eq(fwrite(archive, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
	free(archive);
	free(piece);
}

static long peak(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss; /* KiB */
}

START_TEST(bomb)
{
	char room[PATH_ROOM], path[PATH_ROOM];
	struct sink_span some;
	struct sink_why why;
	struct lines *lines;
	long before;
	int err;

	make_room(room);
	write_bomb(inside(room, "bomb", path), packers[_i].pack);
	before = peak();
	ck_assert_int_eq(lines_open(path, &why, &lines), SINK_OK);
	lines_limit(lines, BOMB_LEN - 1, 0);
	while ((err = lines_take(lines, &some)) == SINK_OK)
		;
	ck_assert_int_eq(err, SINK_ETOOLONG);
	ck_assert_str_eq(lines_problem(lines),
		"larger than the limit of 268435455 bytes when decompressed");
	lines_limit(lines, BOMB_LEN, 0);
	ck_assert_int_eq(lines_rewind(lines), SINK_OK);
	while ((err = lines_take(lines, &some)) == SINK_OK)
		;
	ck_assert_int_eq(err, SINK_ENOENT);
	ck_assert_uint_eq(lines_bytes(lines), BOMB_LEN);
	ck_assert_int_lt(peak() - before, 64 << 10);
	lines_close(lines);
	clear_room(room);
}
END_TEST

/* Archives of nothing, without end: no byte comes out that any limit could count. */
START_TEST(hollow)
{
	uint8_t *archive = malloc(ARCHIVE_MAX);
	size_t len = packers[_i].pack((const uint8_t *)small, 0, archive), all = (3 << 20) / len;
	uint8_t *many = malloc(all * len);
	struct sink_why why;
	struct lines *lines;
	char wanted[64];

	ck_assert_ptr_nonnull(many);
	for (size_t i = 0; i < all; i++)
		memcpy(many + i * len, archive, len);
	ck_assert_int_eq(lines_open_bytes(sink_span(many, all * len), &why, &lines), SINK_ESYNTAX);
	snprintf(wanted, sizeof wanted, "'input': %s data with next to nothing in them",
		packers[_i].word);
	ck_assert_str_eq(why.text, wanted);
	free(many);
	free(archive);
}
END_TEST

/* --- changes while it is read ------------------------------------------------------------------------- */

START_TEST(file_shrinks)
{
	uint8_t *text = make_text(TEXT_LEN), *archive = malloc(ARCHIVE_MAX);
	size_t len = packers[_i].pack(text, TEXT_LEN, archive);
	char room[PATH_ROOM], path[PATH_ROOM];
	struct sink_span some;
	struct sink_why why;
	struct lines *lines;
	int err;

	make_room(room);
	write_whole(inside(room, "archive", path), archive, len);
	ck_assert_int_eq(lines_open(path, &why, &lines), SINK_OK);
	ck_assert_int_eq(truncate(path, 1000), 0);
	ck_assert_int_eq(lines_rewind(lines), SINK_OK);
	while ((err = lines_take(lines, &some)) == SINK_OK)
		;
	ck_assert_int_eq(err, SINK_ESYNTAX);
	ck_assert_int_eq(lines_take(lines, &some), SINK_ESYNTAX); /* and it stays so */
	lines_close(lines);

	write_whole(path, text, TEXT_LEN);
	ck_assert_int_eq(lines_open(path, &why, &lines), SINK_OK);
	ck_assert_int_eq(truncate(path, 0), 0);
	while ((err = lines_take(lines, &some)) == SINK_OK)
		;
	ck_assert_int_eq(err, SINK_ENOENT);
	lines_close(lines);
	clear_room(room);
	free(archive);
	free(text);
}
END_TEST

START_TEST(nothing_stays_open)
{
	unsigned before = open_files();
	uint8_t *archive = malloc(ARCHIVE_MAX);
	size_t len = pack_gzip((const uint8_t *)small, SMALL_LEN, archive);
	struct lines *lines;
	struct sink_why why;

	ck_assert_int_ne(lines_open_fd(pipe_of(archive, len - 1), 0, "a pipe", &why, &lines),
		SINK_OK);
	ck_assert_str_eq(why.text, "'a pipe': gzip data that are cut short");
	ck_assert_int_gt(wait(NULL), 0);
	lines = open_pipe(archive, len);
	ck_assert_int_eq(lines_keep(lines, "a pipe", NULL), SINK_OK);
	end_pipe(lines);
	ck_assert_uint_eq(open_files(), before);
	free(archive);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lines");
	TCase *lines = tcase_create("lines");
	TCase *packed = tcase_create("compressed");

	tcase_add_loop_test(lines, line_lengths, 0, LENGTH(lengths));
	tcase_add_test(lines, many_lines);
	tcase_add_loop_test(lines, limit_holds, 0, LENGTH(limits));
	tcase_add_loop_test(lines, endless_pipe, 0, 2);
	tcase_set_timeout(lines, 120);
	suite_add_tcase(suite, lines);
	tcase_add_loop_test(packed, compressed, 0, LENGTH(packers));
	tcase_add_loop_test(packed, concatenated, 0, LENGTH(packers));
	tcase_add_loop_test(packed, cut_short, 0, LENGTH(packers));
	tcase_add_loop_test(packed, damaged, 0, LENGTH(packers));
	tcase_add_loop_test(packed, garbage_behind, 0, LENGTH(packers));
	tcase_add_test(packed, padding);
	tcase_add_loop_test(packed, refused_inside, 0, LENGTH(packers));
	tcase_add_test(packed, tar_is_refused);
	tcase_add_test(packed, text_after_all);
	tcase_add_test(packed, windows);
	tcase_add_loop_test(packed, bomb, 0, LENGTH(packers));
	/* Under a sanitizer not the last, bzip2: each of 150,000 streams begins with a buffer of its own. */
	tcase_add_loop_test(packed, hollow, 0, LENGTH(packers) - (STRIDE > 1));
	tcase_add_loop_test(packed, file_shrinks, 0, LENGTH(packers));
	tcase_add_test(packed, nothing_stays_open);
	tcase_set_timeout(packed, 120);
	suite_add_tcase(suite, packed);
	return run_suite(suite);
}

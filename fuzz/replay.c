/* replay.c - main() for a fuzz target without a fuzzer: runs it over the files and directories named, and
 * over each of them cut short and with bytes changed. Prints TAP, a test an argument. */
#include "fuzz.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define VARIANTS 64 /* of each file */
#define FILE_MAX (1 << 20) /* bytes; larger ones are cut */

static size_t files; /* run so far */

static uint64_t next_random(void)
{
	static uint64_t state = 42; /* the same variants each time */

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* A copy of its own size, so that a sanitizer sees a read behind its end. */
static void run(const uint8_t *at, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		exit(4);
	memcpy(copy, at, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void run_variants(uint8_t *at, size_t len)
{
	run(at, len);
	for (int i = 0; i < VARIANTS && len > 0; i++) {
		uint8_t *byte = &at[next_random() % len];
		uint8_t was = *byte;

		*byte = (uint8_t)next_random();
		run(at, i % 4 ? len : (size_t)(next_random() % len));
		*byte = was;
	}
}

static int run_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static uint8_t bytes[FILE_MAX];
	FILE *file;
	size_t len;

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	file = fopen(path, "rb");
	if (!file)
		return 1;
	len = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	fuzz_file(path);
	run_variants(bytes, len);
	files++;
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const corpus[] = { CORPUS }; /* of this target: a build flag */
	const char *const *paths = argc > 1 ? (const char *const *)argv + 1 : corpus;
	int count = argc > 1 ? argc - 1 : 1, failed = 0;

	for (int i = 0; i < count; i++) {
		size_t before = files;
		bool ok = nftw(paths[i], run_file, 8, FTW_PHYS) == 0 && files > before;

		printf("%sok %d - %s: %zu files\n", ok ? "" : "not ", i + 1, paths[i],
			files - before);
		failed += !ok;
	}
	printf("1..%d\n", count);
	return failed > 0;
}

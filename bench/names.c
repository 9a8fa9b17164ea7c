/* names.c - deterministic domain names and query streams for benchmarks.
 *
 *     names list COUNT                      COUNT distinct listed names, one a line
 *     names clean COUNT                     COUNT distinct names that no list holds, below clean.test
 *     names queries COUNT N PERMILLE        N lines "NAME A": Zipf-like over COUNT clean names, PERMILLE
 *                                           of them over COUNT listed names instead
 *
 * The same arguments give the same bytes on every machine. The shape is that of real lists: 2 to 4
 * labels, a few dozen top-level domains, one name in ten below another entry. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const tlds[] = { "com", "com", "com", "com", "com", "com", "net", "net", "org",
	"org", "info", "top", "top", "xyz", "xyz", "shop", "site", "online", "ru", "de", "fr", "pl",
	"nl", "br", "in", "cn", "co.uk", "com.br", "com.au", "io", "app", "live" };
#define TLDS (sizeof tlds / sizeof tlds[0])

/* Steele, Lea, Flood: SplitMix64. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* A label that no other index gets: a random start, then the index, scrambled so that neighbours do
 * not sort together (the factor is coprime to 26, hence a permutation of 26^6). */
static char *put_label(char *at, uint64_t index)
{
	uint64_t random = mix(index);
	uint64_t unique = index * 198491317 % 308915776;

	for (uint64_t n = 2 + random % 7; n > 0; n--, random = mix(random))
		*at++ = (char)('a' + random % 26);
	for (int i = 0; i < 6; i++, unique /= 26)
		*at++ = (char)('a' + unique % 26);
	return at;
}

static char *put_text(char *at, const char *text)
{
	size_t len = strlen(text);

	memcpy(at, text, len);
	return at + len;
}

/* Name number `index` of the list; one in ten lies below an earlier one. */
static char *put_listed(char *at, uint64_t index)
{
	uint64_t random = mix(index ^ 0x5151);

	if (random % 10 > 6)
		at = put_text(at, random % 20 > 9 ? "www." : "cdn.");
	at = put_label(at, index);
	*at++ = '.';
	if (index > 10 && random % 10 == 0)
		return put_listed(at, random / 10 % index / 2);
	return put_text(at, tlds[random / 100 % TLDS]);
}

static char *put_clean(char *at, uint64_t index)
{
	at = put_label(at, index);
	return put_text(at, ".clean.test");
}

/* Ranks 0 to count-1, rank r with a weight of about 1/(r+1). */
static uint64_t zipf(uint64_t random, uint64_t count)
{
	double u = (double)(random >> 11) / 9007199254740992.0;

	return (uint64_t)(exp(u * log((double)count + 1)) - 1) % count;
}

static void print_name(char *(*put)(char *, uint64_t), uint64_t index, const char *tail)
{
	char line[512];
	char *end = put(line, index);

	end = put_text(end, tail);
	fwrite(line, 1, (size_t)(end - line), stdout);
}

static void print_query(uint64_t number, uint64_t count, uint64_t permille)
{
	uint64_t random = mix(number ^ 0xabcdef);

	print_name(random % 1000 < permille ? put_listed : put_clean, zipf(mix(random), count),
		" A\n");
}

static uint64_t argument(char **argv, int argc, int at)
{
	return at < argc ? strtoull(argv[at], NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	uint64_t count = argument(argv, argc, 2);
	uint64_t queries = argument(argv, argc, 3);
	uint64_t permille = argument(argv, argc, 4);
	static char buffer[1 << 20];

	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	if (!strcmp(what, "list") && count > 0 && count <= 308915776) {
		for (uint64_t i = 0; i < count; i++)
			print_name(put_listed, i, "\n");
	} else if (!strcmp(what, "clean") && count > 0 && count <= 308915776) {
		for (uint64_t i = 0; i < count; i++)
			print_name(put_clean, i, "\n");
	} else if (!strcmp(what, "queries") && count > 0 && queries > 0 && permille <= 1000) {
		for (uint64_t i = 0; i < queries; i++)
			print_query(i, count, permille);
	} else {
		fprintf(stderr,
			"usage: names list COUNT | clean COUNT | queries COUNT N PERMILLE\n");
		return 2;
	}
	return fflush(stdout) || ferror(stdout) ? 4 : 0;
}

/* nearest.c - Levenshtein's distance, one row at a time. */
#include "nearest.h"

#define LEN_MAX 32
#define MISTAKES_MAX 2 /* a third makes it another word */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(struct sink_span a, const char *b)
{
	size_t row[LEN_MAX], len = strlen(b);

	if (len >= LEN_MAX || a.len >= LEN_MAX)
		return LEN_MAX;
	for (size_t k = 0; k <= len; k++)
		row[k] = k;
	for (size_t i = 0; i < a.len; i++) {
		size_t corner = row[0]++;

		for (size_t k = 0; k < len; k++) {
			size_t change = corner + (a.at[i] != (uint8_t)b[k]);

			corner = row[k + 1];
			row[k + 1] = smaller(change, smaller(corner, row[k]) + 1);
		}
	}
	return row[len];
}

struct nearest nearest_begin(struct sink_span typed)
{
	return (struct nearest){ .typed = typed, .mistakes = MISTAKES_MAX + 1 };
}

void nearest_try(struct nearest *nearest, const char *word)
{
	size_t d = distance(nearest->typed, word);

	if (d >= nearest->mistakes || d >= strlen(word))
		return;
	nearest->mistakes = d;
	nearest->word = word;
}

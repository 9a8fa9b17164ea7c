/* fuzz.h - what a fuzz target gives to who drives it: libFuzzer, or replay.c in make check. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Use the bytes. Returns 0; whatever is wrong ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Replaying: the bytes to come are those of this file of the corpus, or a variant of them. */
void fuzz_file(const char *path);

static inline void must(int condition)
{
	if (!condition)
		abort();
}

#endif

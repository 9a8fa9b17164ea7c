/* fuzz_geo.c - any bytes as a MaxMind DB file, of either kind: nothing crashes or takes long, and what is taken
 * finds something of its kind for every address. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "sinkhole/geo.h"

void fuzz_file(const char *path)
{
	(void)path; /* every file is one */
}

static void check(uint32_t found, enum sink_geo_kind kind)
{
	if (kind == SINK_GEO_COUNTRY && found)
		must(found >> 8 >= 'A' && found >> 8 <= 'Z' && (found & 255) >= 'A' &&
			(found & 255) <= 'Z');
}

/* Addresses that bytes of the file stand for: so that a fuzzer can reach every node. */
static void find_all(const struct sink_geo *geo, enum sink_geo_kind kind, const uint8_t *data,
	size_t size)
{
	struct sink_prefix four = { .family = 4, .bits = 32 }, six = { .family = 6, .bits = 128 };

	check(sink_geo_find(geo, &four), kind);
	for (size_t at = 0; at + 16 <= size && at < 4096; at += 7) {
		for (size_t i = 0; i < 4; i++)
			four.bytes[i] = data[at + i];
		for (size_t i = 0; i < 16; i++)
			six.bytes[i] = data[at + i];
		check(sink_geo_find(geo, &four), kind);
		check(sink_geo_find(geo, &six), kind);
		must(sink_geo_has_ipv6(geo) || sink_geo_find(geo, &six) == 0);
	}
}

static void open_as(const char *path, enum sink_geo_kind kind, const uint8_t *data, size_t size)
{
	struct sink_geo *geo = NULL;
	struct sink_why why = { "" };
	int err = sink_geo_open(path, kind, NULL, &why, &geo);

	must(err == SINK_OK || err == SINK_ECORRUPT);
	must((err == SINK_OK) == (geo != NULL) && (err == SINK_OK) == (why.text[0] == 0));
	if (geo)
		find_all(geo, kind, data, size);
	sink_geo_close(geo);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	for (int kind = 0; kind < SINK_GEO_KINDS; kind++)
		open_as(path, (enum sink_geo_kind)kind, data, size);
	close(fd);
	return 0;
}

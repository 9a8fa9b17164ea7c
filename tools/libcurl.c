/* libcurl.c - libcurl, loaded late. */
#include "libcurl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

/* Its name has been that since version 7.16 of 2006; the headers at compile time are of the same. */
#define LIBRARY "libcurl.so.4"

struct libcurl libcurl;

static int missing(struct sink_why *why)
{
	const char *said = dlerror();

	return sink_why(why, SINK_EIO, "no libcurl to fetch with (Debian: libcurl4): %s",
		said ? said : LIBRARY);
}

/* By its bytes: C knows no way from an object's pointer to a function's. */
static bool find(void *library, const char *name, void *into)
{
	void *found = dlsym(library, name);

	memcpy(into, &found, sizeof found);
	return found != NULL;
}

#define FIND(name) &&find(library, "curl_" #name, &found.name)

int libcurl_load(struct sink_why *why)
{
	struct libcurl found;
	void *library;

	if (libcurl.free)
		return SINK_OK;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library || !(true LIBCURL_CALLS(FIND)))
		return missing(why); /* what was opened stays: the process ends soon */
	libcurl = found;
	return SINK_OK;
}

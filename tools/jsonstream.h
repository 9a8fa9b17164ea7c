/* jsonstream.h - JSON documents that are larger than what one wants in memory: the elements of one array,
 * one after the other, each parsed by libjansson; and one level of the members around it. Knows no feed. */
#ifndef TOOLS_JSONSTREAM_H
#define TOOLS_JSONSTREAM_H

#include <jansson.h>

#include "feed.h"
#include "lines.h"

#define JSON_DEPTH_MAX 64 /* levels of nesting; deeper is refused */
#define JSON_ELEMENT_MAX ((size_t)64 << 20) /* bytes of one element or member; larger is refused */

struct json_stream_handler {
	/* An element of the array: borrowed, dropped after the call. `index` counts from 1.
	 *
	 * returns  SINK_OK; another code ends the reading and is returned by it */
	int (*element)(void *arg, uint64_t index, json_t *element);
	/* A member beside the array, on the way to it: `path` is its full path, such as "objects" or
	 * "Event.info". NULL: not wanted. Members whose value is an array or object on the way are entered,
	 * not told. */
	int (*member)(void *arg, const char *path, json_t *value);
	/* An element that cannot be read although the array goes on: a key given twice, nested too deep, a number
	 * out of range, invalid UTF-8 or a lone surrogate in a string. NULL: they end the reading with
	 * SINK_ESYNTAX. */
	int (*bad)(void *arg, uint64_t index, enum feed_reason reason, struct sink_span text);
	void *arg;
};

/* Read a document to its end.
 *
 * paths    where arrays of elements are, each as member names joined with '.'; "[]" stands for every
 *          element of an array on the way ("response.[].Event.Attribute"); "" is the root itself. A root or
 *          value that a path names and that is no array is one element. Ended by NULL
 * returns  SINK_OK; SINK_ESYNTAX (no JSON, or cut short: why says line and column); SINK_ETOOLONG,
 *          SINK_EIO (lines.h); SINK_ENOMEM; what a handler returned
 * cost     one pass over the bytes, and libjansson for elements and told members; memory of the largest one
 */
int json_stream(struct lines *lines, const char *const *paths,
	const struct json_stream_handler *handler, struct sink_why *why);

#endif

/* jsonstream.h - JSON documents that are larger than what one wants in memory: the elements of some arrays,
 * one after the other, each parsed by libjansson; and the members beside the way to them. Knows no feed. */
#ifndef TOOLS_JSONSTREAM_H
#define TOOLS_JSONSTREAM_H

#include <jansson.h>

#include "feed.h"
#include "lines.h"

/* An element or member beyond one of these is bad. Together they bound what libjansson may allocate: an empty
 * object of two bytes takes it 250. */
#define JSON_DEPTH_MAX 64 /* levels of nesting */
#define JSON_ELEMENT_MAX ((size_t)64 << 20) /* bytes */
#define JSON_VALUES_MAX ((size_t)1 << 20) /* values within it */

#define JSON_PATHS_MAX 32 /* paths at once */
#define JSON_WAY_MAX 12 /* pieces of one path */
#define JSON_KEY_MAX \
	1024 /* bytes of a member's name on the way, as written; longer ones end the reading */
#define JSON_NO_PATH SIZE_MAX

/* Where a value stands. */
struct json_place {
	/* Of a member its own path, such as "Event.info"; of an element that of its array, with the names that
	 * stand for "*": "response.[].Event.Attribute". Valid until the call ends */
	const char *at;
	size_t path; /* which of the paths; JSON_NO_PATH: a member */
	/* Of an element: which one of all paths together, from 1. Of a member: of the element that is next */
	uint64_t index;
	/* A number for each element of an array that is on the way ("[]"), rising through the document, from 1:
	 * what has the same number stands in the same one. 0: there is no such array */
	uint64_t group;
	uint64_t line, column; /* of its first byte, from 1; the column counts bytes */
	uint8_t first; /* its first byte: '{', '[', '"', 't', '-', a digit ... */
	bool alone; /* an element that stands in no array */
};

/* Each returns SINK_OK; another code ends the reading and is returned by it. */
struct json_stream_handler {
	/* An element of an array that a path names: borrowed, dropped after the call. NULL: not wanted. A value
	 * at a path that is no array is an element by itself; null there is none at all. */
	int (*element)(void *arg, const struct json_place *place, json_t *element);
	/* A member beside the way, of an object on the way. NULL: not wanted. A name that is given twice is told
	 * twice. */
	int (*member)(void *arg, const struct json_place *place, json_t *value);
	/* An element or member that cannot be read although the document goes on: a key given twice, nested too
	 * deep, too large, a number out of range, invalid UTF-8 or a lone surrogate; or a value of another type
	 * in an array on the way. NULL: they end the reading with SINK_ESYNTAX.
	 *
	 * text   its beginning, as it came */
	int (*bad)(void *arg, const struct json_place *place, enum feed_reason reason,
		struct sink_span text);
	/* Is a value wanted? Asked when it begins. If not it is neither parsed nor told, but counted. NULL: all
	 * are. */
	bool (*wanted)(void *arg, const struct json_place *place);
	void *arg;
};

/* Read a document to its end.
 *
 * paths    where arrays of elements are, each as member names joined with '.'; "[]" stands for every
 *          element of an array on the way ("response.[].Event.Attribute"), "*" for any member; "" is the root
 *          itself. Where one path leads through what another names, it is followed. Ended by NULL
 * returns  SINK_OK; SINK_ESYNTAX (no JSON, cut short, or a member on the way is there twice: why says line and
 *          column); SINK_ETOOLONG, SINK_EIO (lines.h); SINK_ENOMEM; SINK_EINVAL (too many paths, or too long
 *          ones); what a handler returned
 * cost     one pass over the bytes, and libjansson for what is told; memory of the largest element. Of what is
 *          not wanted only structure, literals and numbers are checked
 */
int json_stream(struct lines *lines, const char *const *paths,
	const struct json_stream_handler *handler, struct sink_why *why);

/* Why libjansson could not read something. */
enum feed_reason json_stream_reason(const json_error_t *error);

/* The same for bytes that come in pieces, which may be cut anywhere. After a failure there is only
 * json_stream_end(). paths, handler and why are borrowed until then. */
struct json_stream;
int json_stream_begin(const char *const *paths, const struct json_stream_handler *handler,
	struct sink_why *why, struct json_stream **out);
int json_stream_feed(struct json_stream *stream, struct sink_span bytes);
/* No more bytes: is the document complete? */
int json_stream_finish(struct json_stream *stream);
/* NULL is fine. */
void json_stream_end(struct json_stream *stream);

#endif

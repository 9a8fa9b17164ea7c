/* signedby.h - how commands tell who has signed. */
#ifndef TOOLS_SIGNEDBY_H
#define TOOLS_SIGNEDBY_H

#include <jansson.h>

#include "sinkhole/store.h"

/* "signed by 21fe31dfa154a261 and 39f713d0a644253f", "not signed". */
struct signedby {
	char text[80];
};
struct signedby signedby_text(const struct sink_manifest *manifest);

/* The ids, as an array of texts. */
json_t *signedby_json(const struct sink_manifest *manifest);

#endif

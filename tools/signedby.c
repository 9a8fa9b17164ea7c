/* signedby.c - the keys of a manifest's signatures, for people and for programs. Whether they are right is not asked here. */
#include "signedby.h"

#include <stdio.h>

#include "sinkhole/sign.h"

struct signedby signedby_text(const struct sink_manifest *m)
{
	struct signedby out = { "not signed" };
	size_t len = 0;

	for (unsigned i = 0; i < m->signatures_count; i++) {
		char id[SINK_KEY_TEXT];

		sink_key_text(m->signatures[i].key, id);
		len += (size_t)snprintf(out.text + len, sizeof out.text - len, "%s %s",
			i ? " and" : "signed by", id);
	}
	return out;
}

json_t *signedby_json(const struct sink_manifest *m)
{
	json_t *out = json_array();

	for (unsigned i = 0; i < m->signatures_count; i++) {
		char id[SINK_KEY_TEXT];

		sink_key_text(m->signatures[i].key, id);
		json_array_append_new(out, json_string(id));
	}
	return out;
}

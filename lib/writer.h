/* writer.h - what only a delta needs of a writer; for delta.c and tests. */
#ifndef SINK_WRITER_H
#define SINK_WRITER_H

#include "schema.h"
#include "sinkhole/writer.h"

/* Make the file a delta.
 *
 * delta    copied; its names and listings are those of the base that are left, without the subjects that are added here.
 *          What is written is added to them
 */
void writer_set_delta(struct sink_writer *w, const struct schema_delta *delta);

/* Say that nothing is listed about a subject any more; of no effect where something is added about it. Of a delta only.
 *
 * returns  as sink_writer_add_name()
 */
int writer_remove(struct sink_writer *w, const struct sink_subject *subject);

/* List a subject of any trigger. Returns as sink_writer_add_name(). */
int writer_add(struct sink_writer *w, const struct sink_subject *subject, enum sink_scope scope,
	uint32_t record);

#endif
